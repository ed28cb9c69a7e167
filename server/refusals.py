"""Every refusal: what is raised, the code that travels and is stored, status and sentence."""

import math
from typing import ClassVar

LONGEST_DELAY_SECONDS = 3
DAMAGED = "This photo is damaged or incomplete; please send the original again."
BUSY = "Dropwall is busy; please try again in a few seconds."


class Refusal(Exception):
    """What a visitor is told instead of what they asked for. `code` stays as it is, whatever
    becomes of the class: clients, the page, Prometheus and the catalog know it, and
    deployment/README.md lists it. `sentence` has fields, which `web/errors.py` fills."""

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]


class NoPhoto(Refusal):
    """The request holds no file."""

    code = "no-photo"
    status = 400
    sentence = "No photo came with this request; please choose one first."


class BrokenForm(Refusal):
    """The body came whole, and is no multipart form."""

    code = "broken-form"
    status = 400
    sentence = "This upload could not be read; please reload the page and send it again."


class NotAsAFile(Refusal):
    """The body is neither a form with files nor of an image's type: what `curl --data-binary` and
    `wget --post-file` send by themselves."""

    code = "not-as-a-file"
    status = 400
    sentence = (
        "A photo has to come as a file: send it with curl -F file=@photo.jpg, or as the body of a"
        " request with its own type, such as Content-Type: image/jpeg."
    )


class CompressedBody(Refusal):
    """The body has a content coding, such as gzip."""

    code = "compressed-body"
    status = 400
    sentence = "This came compressed. Send the photo as it is, without gzip and Content-Encoding."


class PieceOfAPhoto(Refusal):
    """A slice of a file that does not say of which: jQuery File Upload can be told to send those.
    Dropzone's chunks do say it, and are welcome."""

    code = "piece-of-a-photo"
    status = 400
    sentence = "This is only a piece of a photo; please send the photo whole."


class WrongChunk(Refusal):
    """Its numbers contradict its size, each other, or those of its upload."""

    code = "wrong-chunk"
    status = 400
    sentence = (
        "The pieces of this photo do not fit together; please reload the page and send it again."
    )


class VisitorLeft(Refusal):
    """Whoever sent this photo does not wait for the answer any more."""

    code = "visitor-left"
    status = 400
    sentence = "The upload was cut off on the way; please send it again."


class EmptyPhoto(Refusal):
    """A file of no bytes."""

    code = "empty-photo"
    status = 400
    sentence = "This file is empty; please choose the photo again."


class UnknownExtension(Refusal):
    """The name's extension is not among those that the settings allow."""

    code = "unknown-extension"
    status = 400
    sentence = "Files of this type are not taken; please send {formats}."


class WrongExtension(Refusal):
    """The name says one format, the content is another."""

    code = "wrong-extension"
    status = 400
    sentence = (
        "The name of this file is wrong: its content is {content}; please give it its true"
        " extension and send it again."
    )

    def __init__(self, extension: str) -> None:
        super().__init__(extension)
        self.extension = extension


class NotAPhoto(Refusal):
    """The bytes are no photo in a format that Dropwall takes."""

    code = "not-a-photo"
    status = 400
    sentence = "This is not a photo; please send {formats}."


class DamagedPhoto(Refusal):
    """The photo begins well and cannot be decoded to its end."""

    code = "damaged-photo"
    status = 400
    sentence = DAMAGED


class BrokenContainer(Refusal):
    """The file's blocks contradict each other, or are more than any photo has."""

    code = "broken-container"
    status = 400
    sentence = DAMAGED


class TooMuchAtOnce(Refusal):
    """More photos, or more bytes, than the settings allow for one request."""

    code = "too-much-at-once"
    status = 413
    sentence = (
        "This is too much at once; please send at most {max_request_photos} photos and"
        " {max_request_bytes} together."
    )


class TooManyBytes(Refusal):
    """A photo larger than the setting allows."""

    code = "too-many-bytes"
    status = 413
    sentence = "This photo is too large; the limit is {max_upload_bytes}."


class TooLongAnimation(Refusal):
    """All frames together would take too long to decode."""

    code = "too-long-animation"
    status = 413
    sentence = "This animation is too long; please send a shorter one."


class TooMuchToDecode(Refusal):
    """The photo needs more memory or time than one may have."""

    code = "too-much-to-decode"
    status = 413
    sentence = (
        "This photo needs more memory or time than the server has; please send a smaller version."
    )


class TooManyPixels(Refusal):
    """The photo is larger than `max_pixels`."""

    code = "too-many-pixels"
    status = 413
    sentence = "This photo is too large; the limit is {megapixels} megapixels."

    def __init__(self, max_pixels: int) -> None:
        super().__init__(max_pixels)
        self.max_pixels = max_pixels


class LongName(Refusal):
    """A person's name of more than MAX_GUEST_NAME characters."""

    code = "long-name"
    status = 400
    sentence = "This name is too long; please take at most {max_guest_name} characters."


class UnknownSender(Refusal):
    """Nobody could be shown a photo again that is for this sender alone."""

    code = "unknown-sender"
    status = 401
    sentence = (
        "Only somebody who comes back can have photos for themselves; please open the gallery's"
        " page first, or sign in."
    )


class SomebodyElse(Refusal):
    """The page that sends was another visitor's: it does not know yet."""

    code = "somebody-else"
    status = 401
    sentence = "Somebody else is signed in on this device by now; please reload the page."


class NotTheOwner(Refusal):
    """Somebody else's photo."""

    code = "not-the-owner"
    status = 403
    sentence = "This photo is not yours; only who sent it can do that."


class NotAHost(Refusal):
    """What only hosts may do."""

    code = "not-a-host"
    status = 403
    sentence = "Only a host of this gallery can do that; please sign in as one."


class AnotherSite(Refusal):
    """Another site's page asks in the name of its visitor. Where `Origin` alone tells so, the error
    has it and our `Host`: behind a proxy that loses the latter, the page may be our own."""

    code = "another-site"
    status = 403
    sentence = "Another site has asked for this; please open the gallery itself."


class AnotherHost(Refusal):
    """A name that is not the gallery's leads here."""

    code = "another-host"
    status = 421
    sentence = "This gallery is at {public_url}; please open it there."


class NoName(Refusal):
    """Nothing is left of the name."""

    code = "no-name"
    status = 400
    sentence = "Please tell a name."


class WeakPassword(Refusal):
    """Too short, or longer than anybody types."""

    code = "weak-password"
    status = 400
    sentence = "Please choose a password of {min_password} to {max_password} characters."


class NotSignedIn(Refusal):
    """This is for people with an account."""

    code = "not-signed-in"
    status = 401
    sentence = "Please sign in first."


class NoSuchAccount(Refusal):
    """Nobody is called so."""

    code = "no-such-account"
    status = 401
    sentence = "This account is not there any more; please sign in again."


class WrongPassword(Refusal):
    """Or wrong name: nobody is told which of the two."""

    code = "wrong-password"
    status = 401
    sentence = "This name and password do not belong together; please try again."


class WrongOldPassword(Refusal):
    """Of somebody who is signed in."""

    code = "wrong-old-password"
    status = 401
    sentence = "This is not your present password; please try again."


class PasscodeWanted(Refusal):
    """Who has not told it sees nothing."""

    code = "passcode-wanted"
    status = 401
    sentence = "This gallery has a passcode; please open it and enter that first."


class WrongPasscode(Refusal):
    """Not the one of the settings."""

    code = "wrong-passcode"
    status = 401
    sentence = "This is not the passcode; please look at your invitation again."


class TokenWanted(Refusal):
    """The numbers are for those who know the token."""

    code = "token-wanted"
    status = 401
    sentence = "The numbers of this gallery are for those who send its token."


class NoSuchUpload(Refusal):
    """Nothing has arrived under this id, or it was swept."""

    code = "no-such-upload"
    status = 404
    sentence = "Nothing of this photo has arrived yet; please send it."


class NoPhotos(Refusal):
    """There is nothing to put into an archive."""

    code = "no-photos"
    status = 404
    sentence = "There are no photos to download here yet; please send some first."


class NoSuchSelection(Refusal):
    """It is forgotten, or never was."""

    code = "no-such-selection"
    status = 404
    sentence = "This selection is too old by now; please choose the photos again."


class NoSuchPhoto(Refusal):
    """No listed photo has this id, as far as the viewer may know."""

    code = "no-such-photo"
    status = 404
    sentence = "This photo is not here; it may have been removed."


class NotStored(Refusal, LookupError):
    """There is nothing under this key."""

    code = "not-stored"
    status = 404
    sentence = "This photo is not here; it may have been removed."


class NameTaken(Refusal):
    """Another account is called so."""

    code = "name-taken"
    status = 409
    sentence = "This name is taken; please choose another one."


class TooMuchSent(Refusal):
    """This guest's limits of an hour are reached."""

    code = "too-much-sent"
    status = 429
    sentence = "You have sent as much as one guest may within an hour; please wait."

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, round(wait_seconds))


class TooManyChanges(Refusal):
    """Very many changes by one visitor, or from one network, are waiting already."""

    code = "too-many-changes"
    status = 429
    sentence = "You're changing very much at once. Please wait a moment, and try again."


class TooManyTries(Refusal):
    """The next one has to wait."""

    code = "too-many-tries"
    status = 429
    sentence = "That was wrong too often; please try again in {wait}."

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, math.ceil(wait_seconds))


class TooManyWaiting(Refusal):
    """No thread is left for one more visitor who waits to try."""

    code = "too-many-waiting"
    status = 503
    sentence = "Many people are trying to get in right now. Try again in {wait}."

    wait_seconds = LONGEST_DELAY_SECONDS


class TooManyHashes(Refusal):
    """Too many wait for theirs to be computed."""

    code = "too-many-hashes"
    status = 503
    sentence = "Many are signing in just now; please try again in a few seconds."


class NoDecoder(Refusal):
    """The machine has no process or memory left to decode a photo now."""

    code = "no-decoder"
    status = 503
    sentence = BUSY


class CatalogUnavailable(Refusal):
    """The database does not answer, or not in time."""

    code = "catalog-unavailable"
    status = 503
    sentence = BUSY


class StorageUnavailable(Refusal, OSError):
    """The storage does not answer, not in time, or not with what was asked for. Whether what it
    was asked to do is done, or will be, nobody knows."""

    code = "storage-unavailable"
    status = 503
    sentence = "The place where photos are kept does not answer; please try again in a few seconds."


class TooManyAtOnce(Refusal):
    """As much from this address is under way as this process allows."""

    code = "too-many-from-network"
    status = 503
    sentence = (
        "Very much is under way from your network just now; please try again in a few seconds."
    )


class TooManyArchives(Refusal):
    """As many are being sent as this process has room for."""

    code = "too-many-archives"
    status = 503
    sentence = "Very many are downloading just now; please try again in a while."


class TooManyThumbnails(Refusal):
    """Those that are being made already are enough for now."""

    code = "too-many-thumbnails"
    status = 503
    sentence = "Very many photos are being enlarged just now; please try again."


class FullHouse(Refusal):
    """As many watch as this process has room for, or from one network as it allows."""

    code = "too-many-watchers"
    status = 503
    sentence = "No more can watch just now; new photos are shown every few seconds instead."


class LostChunks(Refusal):
    """Chunks that had come are gone: the upload begins anew."""

    code = "lost-chunks"
    status = 503
    sentence = "What had arrived of this photo is gone; please send it again."


class UploadSwept(Refusal):
    """The sweep has already discarded this photo's files."""

    code = "upload-swept"
    status = 503
    sentence = "What had arrived of this photo is gone; please send it again."


class GalleryFull(Refusal):
    """All photos together have the size that the settings allow."""

    code = "gallery-full"
    status = 507
    sentence = "The gallery has reached its limit of {max_gallery_bytes}; please tell your host."


class DiskNearlyFull(Refusal):
    """What is free on the disk is kept in reserve."""

    code = "disk-nearly-full"
    status = 507
    sentence = (
        "The server has almost no disk space left; please tell your host and send it again then."
    )


class TooManySignUps(TooManyTries):
    """From this address."""

    code = "too-many-sign-ups"
    status = 429
    sentence = "Very many have made an account from here; please try again in {wait}."


class TooManyLinks(TooManyTries):
    """This link was not looked at; the same word in the form will be."""

    code = "too-many-links"
    status = 429
    sentence = "Almost there. Tap “Open the gallery”."


class CutOffUpload(Refusal):
    """The connection ended before the body did."""

    code = "cut-off"
    status = 400
    sentence = "The upload was cut off on the way; please send it again."


class StalledUpload(Refusal):
    """Nothing, or next to nothing, came for `stall_seconds`."""

    code = "stalled"
    status = 408
    sentence = "The upload stood still for too long; please send it again."


class DiskFull(Refusal):
    """A file could not be written to its end."""

    code = "disk-full"
    status = 507
    sentence = "The gallery is full; nothing was lost, please tell your host."


class BadRequest(Refusal):
    """A parameter, a header or a body that says nothing to us."""

    code = "bad-request"
    status = 400
    sentence = "This request could not be understood; please reload the page and try again."


class NotFound(Refusal):
    """No route has this address."""

    code = "not-found"
    status = 404
    sentence = "There is nothing at this address; please go back to the gallery."


class MethodNotAllowed(Refusal):
    """The address is there for other methods."""

    code = "method-not-allowed"
    status = 405
    sentence = "This address does not take such requests; please go back to the gallery."


class PreconditionFailed(Refusal):
    """`If-Match` names a version that is not there any more."""

    code = "precondition-failed"
    status = 412
    sentence = "This has changed in the meantime; please load it again."


class RangeNotSatisfiable(Refusal):
    """The range begins after the end."""

    code = "range-not-satisfiable"
    status = 416
    sentence = "This part of the photo does not exist; please load it again."


class InternalError(Refusal):
    """A defect of ours: it is in the log, with its traceback."""

    code = "internal-error"
    status = 500
    sentence = "Something went wrong on our side; please try again in a moment."


FINAL = (
    EmptyPhoto,
    UnknownExtension,
    WrongExtension,
    TooManyBytes,
    BrokenContainer,
    NotAPhoto,
    DamagedPhoto,
    TooManyPixels,
    TooLongAnimation,
    TooMuchToDecode,
)
"""What the same bytes under the same name will always be refused for."""
BY_CODE: dict[str, type[Refusal]] = {
    kind.code: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
}
OF_HTTP: dict[int, type[Refusal]] = {
    kind.status: kind
    for kind in (BadRequest, NotFound, MethodNotAllowed, PreconditionFailed, RangeNotSatisfiable)
}
"""By the status of what Flask and Werkzeug raise themselves."""
