"""Each refusal has a class, a code, a status and a sentence, and stands here by its status."""

import math
from typing import ClassVar

LONGEST_DELAY_SECONDS = 3
"""Longest delay of a visitor who has failed nowhere, while others guess a password."""
DAMAGED = "This photo is damaged or incomplete. Try the original."
BUSY = "The gallery is busy right now. Try again in a few seconds."
BY_CODE: dict[str, type["Refusal"]] = {}


class Refusal(Exception):
    """A refusal answers a visitor who does not get what they asked for. `code` stays as it is,
    whatever becomes of the class: clients, the page, Prometheus and the catalog know it, and
    deployment/README.md lists it. `sentence` has fields, which `web/errors.py` fills."""

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]

    def __init_subclass__(cls, status: int, code: str) -> None:
        cls.status, cls.code = status, code
        BY_CODE[code] = cls


class NoPhoto(Refusal, status=400, code="no-photo"):
    sentence = "No photo was sent. Choose one first."


class BrokenForm(Refusal, status=400, code="broken-form"):
    sentence = "This upload couldn't be read. Reload the page and try again."


class NotAsAFile(Refusal, status=400, code="not-as-a-file"):
    """The body is neither a form with files nor of an image's type: what `curl --data-binary` and
    `wget --post-file` send by themselves."""

    sentence = (
        "Send the photo as a file: curl -F file=@photo.jpg, or as the request body with its own"
        " type, such as Content-Type: image/jpeg."
    )


class CompressedBody(Refusal, status=400, code="compressed-body"):
    sentence = "This upload is compressed. Send the photo as it is, without Content-Encoding."


class PieceOfAPhoto(Refusal, status=400, code="piece-of-a-photo"):
    """A slice of a file that does not say of which: jQuery File Upload can be told to send those.
    Dropzone's chunks do say it, and are welcome."""

    sentence = "This is only part of a photo. Send the whole photo."


class WrongChunk(Refusal, status=400, code="wrong-chunk"):
    """Its numbers contradict its size, each other, or those of its upload."""

    sentence = "The parts of this photo don't fit together. Reload the page and add it again."


class VisitorLeft(Refusal, status=400, code="visitor-left"):
    """Nobody waits for the answer any more: the photo is not even decoded."""

    sentence = "The upload was interrupted. Try again."


class EmptyPhoto(Refusal, status=400, code="empty-photo"):
    sentence = "This file is empty. Choose the photo again."


class UnknownExtension(Refusal, status=400, code="unknown-extension"):
    sentence = "Only photos can be added: {formats}."


class WrongExtension(Refusal, status=400, code="wrong-extension"):
    sentence = "This file's content is {content}. Give it the right extension and add it again."

    def __init__(self, extension: str) -> None:
        super().__init__(extension)
        self.extension = extension


class NotAPhoto(Refusal, status=400, code="not-a-photo"):
    sentence = "This file isn't a photo. You can add {formats}."


class DamagedPhoto(Refusal, status=400, code="damaged-photo"):
    """The photo begins well and cannot be decoded to its end."""

    sentence = DAMAGED


class BrokenContainer(Refusal, status=400, code="broken-container"):
    """The file's blocks contradict each other, or are more than any photo has."""

    sentence = DAMAGED


class NotAsJpeg(Refusal, status=400, code="not-as-jpeg"):
    """The photo's format is one that every program opens, or it is an animation."""

    sentence = "This photo can't be saved as a JPEG. Download it as it is."


class LongName(Refusal, status=400, code="long-name"):
    sentence = "This name is too long. Use up to {max_guest_name} characters."


class NoName(Refusal, status=400, code="no-name"):
    sentence = "Enter a name."


class NoGuest(Refusal, status=400, code="no-guest"):
    """A name from somebody without a guest id: nobody could be called by it."""

    sentence = "You've been signed out, or cookies are off. Reload the page and try again."


class WeakPassword(Refusal, status=400, code="weak-password"):
    sentence = "Choose a password of {min_password} to {max_password} characters."


class CutOffUpload(Refusal, status=400, code="cut-off"):
    sentence = "The upload was interrupted. Try again."


class BadRequest(Refusal, status=400, code="bad-request"):
    sentence = "This request couldn't be understood. Reload the page and try again."


class UnknownSender(Refusal, status=401, code="unknown-sender"):
    """A photo for its sender alone, from a client without a cookie: nobody could see it again."""

    sentence = "Allow cookies or sign in to keep photos private."


class SomebodyElse(Refusal, status=401, code="somebody-else"):
    """The page that sends belongs to a visitor who is not signed in any more."""

    sentence = "Someone else is signed in on this device now. Reload the page."


class NotSignedIn(Refusal, status=401, code="not-signed-in"):
    sentence = "Sign in first."


class NoSuchAccount(Refusal, status=401, code="no-such-account"):
    sentence = "This account no longer exists. Sign in again."


class WrongPassword(Refusal, status=401, code="wrong-password"):
    """The name may be the wrong one: nobody is told which of the two."""

    sentence = "Wrong name or password. Try again."


class WrongOldPassword(Refusal, status=401, code="wrong-old-password"):
    sentence = "That's not your current password. Try again."


class PasscodeWanted(Refusal, status=401, code="passcode-wanted"):
    sentence = "This gallery has a passcode. Open the gallery and enter it first."


class WrongPasscode(Refusal, status=401, code="wrong-passcode"):
    sentence = "That's not the passcode. Check your invitation."


class TokenWanted(Refusal, status=401, code="token-wanted"):
    sentence = "A valid metrics token is required."


class NotTheOwner(Refusal, status=403, code="not-the-owner"):
    sentence = "This isn't your photo. Only whoever added it can do that."


class NotAHost(Refusal, status=403, code="not-a-host"):
    sentence = "Only hosts can do that. Sign in as a host."


class Closed(Refusal, status=403, code="closed"):
    """A host has closed the gallery for uploads. What had begun before may still finish."""

    sentence = "Photos were collected until {until}."

    def __init__(self, until: str) -> None:
        """`until` is in words, such as `Sunday evening`."""
        super().__init__(until)
        self.until = until


class AnotherSite(Refusal, status=403, code="another-site"):
    """Another site's page asks in the name of its visitor. If `Origin` alone says so, `args`
    has it and our `Host`: behind a proxy that loses the latter, the page may be our own."""

    sentence = "This request came from another site. Open the gallery itself."


class NoSuchUpload(Refusal, status=404, code="no-such-upload"):
    """Nothing has arrived under this id, or the sweep has removed it."""

    sentence = "None of this photo has arrived yet. Add it again."


class NoPhotos(Refusal, status=404, code="no-photos"):
    sentence = "There are no photos to download here. Add some or choose others."


class NoSuchSelection(Refusal, status=404, code="no-such-selection"):
    sentence = "This selection has expired. Choose the photos again."


class NoSuchPhoto(Refusal, status=404, code="no-such-photo"):
    """No listed photo has this id, as far as the viewer may know."""

    sentence = "This photo was removed or isn't shared with you."


class NotStored(Refusal, LookupError, status=404, code="not-stored"):
    """The storage has no file under this key."""

    sentence = "This photo was removed or isn't shared with you."


class NotFound(Refusal, status=404, code="not-found"):
    sentence = "There's nothing at this address."


class MethodNotAllowed(Refusal, status=405, code="method-not-allowed"):
    sentence = "This address doesn't accept such requests."


class StalledUpload(Refusal, status=408, code="stalled"):
    """Nothing, or next to nothing, came for `stall_seconds`."""

    sentence = "The upload stalled. Try again."


class NameTaken(Refusal, status=409, code="name-taken"):
    sentence = "This name is taken. Choose another one."


class PreconditionFailed(Refusal, status=412, code="precondition-failed"):
    """`If-Match` names a version that is not there any more."""

    sentence = "This has changed in the meantime. Load it again."


class TooMuchAtOnce(Refusal, status=413, code="too-much-at-once"):
    sentence = (
        "That's too much at once. Add up to {max_request_photos} photos and {max_request_bytes} at"
        " a time."
    )


class TooManyBytes(Refusal, status=413, code="too-many-bytes"):
    sentence = "This photo is too large. The limit is {max_upload_bytes}."


class TooLongAnimation(Refusal, status=413, code="too-long-animation"):
    sentence = "This animation is too long. Add a shorter one."


class TooMuchToDecode(Refusal, status=413, code="too-much-to-decode"):
    """The photo needs more memory or time than one may have."""

    sentence = "This photo is too much for the server. Add a smaller version."


class TooManyPixels(Refusal, status=413, code="too-many-pixels"):
    sentence = "This photo is too large. The limit is {megapixels} megapixels."

    def __init__(self, max_pixels: int) -> None:
        super().__init__(max_pixels)
        self.max_pixels = max_pixels


class RangeNotSatisfiable(Refusal, status=416, code="range-not-satisfiable"):
    sentence = "This part of the file doesn't exist. Load it again."


class AnotherHost(Refusal, status=421, code="another-host"):
    """The request names another host: DNS rebinding, or a proxy that loses the name."""

    sentence = "This gallery is at {public_url}. Open it there."


class TooMuchSent(Refusal, status=429, code="too-much-sent"):
    sentence = "You've reached the hourly limit for one guest. Try again in a while."

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, round(wait_seconds))


class TooManyChanges(Refusal, status=429, code="too-many-changes"):
    """One visitor, or one network, has too many changes waiting already."""

    sentence = "That's a lot of changes at once. Wait a moment and try again."


class TooManyTries(Refusal, status=429, code="too-many-tries"):
    sentence = "Too many wrong tries. Try again in {wait}."

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, math.ceil(wait_seconds))


class TooManySignUps(TooManyTries, status=429, code="too-many-sign-ups"):
    sentence = "Too many accounts were created from here. Try again in {wait}."


class TooManyLinks(TooManyTries, status=429, code="too-many-links"):
    """The passcode of the link was not checked; the same one in the form will be."""

    sentence = "Almost there. Tap “Open the gallery”."


class InternalError(Refusal, status=500, code="internal-error"):
    """A defect of ours: it is in the log, with its traceback."""

    sentence = "Something went wrong on our side. Try again in a moment."


class TooManyWaiting(Refusal, status=503, code="too-many-waiting"):
    """No thread is left for one more visitor who waits to try a password or passcode."""

    sentence = "Many people are trying to get in right now. Try again in {wait}."

    wait_seconds = LONGEST_DELAY_SECONDS


class TooManyHashes(Refusal, status=503, code="too-many-hashes"):
    """Too many passwords wait for their hashes to be computed."""

    sentence = "Many people are signing in right now. Try again in a few seconds."


class NoDecoder(Refusal, status=503, code="no-decoder"):
    """The machine has no process or memory left to decode a photo now."""

    sentence = BUSY


class CatalogUnavailable(Refusal, status=503, code="catalog-unavailable"):
    """The database does not answer, or not in time."""

    sentence = BUSY


class StorageUnavailable(Refusal, OSError, status=503, code="storage-unavailable"):
    """The storage does not answer, or not in time. Nobody knows whether what it was asked to do is
    done, or will be."""

    sentence = "The gallery can't reach its photos right now. Try again in a few seconds."


class TooManyAtOnce(Refusal, status=503, code="too-many-from-network"):
    """As much is under way from this network as one process allows it."""

    sentence = "Too much is coming from your network right now. Try again in a few seconds."


class TooManyArchives(Refusal, status=503, code="too-many-archives"):
    sentence = "Many people are downloading right now. Try again in a while."


class TooManyThumbnails(Refusal, status=503, code="too-many-thumbnails"):
    """Too many large thumbnails, or JPEGs, are being made."""

    sentence = "Many photos are being prepared right now. Try again."


class FullHouse(Refusal, status=503, code="too-many-watchers"):
    """This process, or one network in it, has as many event streams as it may have."""

    sentence = (
        "Too many people are watching live right now. New photos appear every few seconds instead."
    )


class LostChunks(Refusal, status=503, code="lost-chunks"):
    """The storage has lost chunks that had arrived, so the upload begins anew."""

    sentence = "Part of this photo was lost. Add it again."


class UploadSwept(Refusal, status=503, code="upload-swept"):
    """The sweep has already discarded this photo's files."""

    sentence = "Part of this photo was lost. Add it again."


class GalleryFull(Refusal, status=507, code="gallery-full"):
    sentence = "The gallery has reached its limit of {max_gallery_bytes}. Let your host know."


class DiskNearlyFull(Refusal, status=507, code="disk-nearly-full"):
    """No more is free than DROPWALL_MIN_FREE_BYTES."""

    sentence = "The server is almost out of disk space. Let your host know and try again later."


class DiskFull(Refusal, status=507, code="disk-full"):
    """The system had no room for a file that was being written."""

    sentence = "The gallery is full, but nothing was lost. Let your host know."


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
"""Refusals that the same bytes under the same name will always meet."""
OF_HTTP: dict[int, type[Refusal]] = {
    kind.status: kind
    for kind in (BadRequest, NotFound, MethodNotAllowed, PreconditionFailed, RangeNotSatisfiable)
}
"""Refusals by the status of what Flask and Werkzeug raise themselves."""
