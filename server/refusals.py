"""Every refusal: what is raised, the code that is sent and stored for it, status and sentence."""

from typing import NamedTuple

from werkzeug.exceptions import ClientDisconnected

from .catalog.accounts import NameTaken
from .catalog.errors import CatalogUnavailable
from .catalog.lists import NoSuchSelection
from .catalog.photo_rows import NoSuchPhoto
from .catalog.photos import RuledOut
from .catalog.uploads import NoSuchUpload
from .images.containers import BrokenContainer
from .images.errors import (
    DamagedPhoto,
    NoDecoder,
    NotAPhoto,
    TooLongAnimation,
    TooManyPixels,
    TooMuchToDecode,
)
from .images.slots import VisitorLeft
from .names import LongName
from .operations.metrics import TokenWanted
from .people.accounts import (
    NoName,
    NoSuchAccount,
    NotSignedIn,
    TooManySignUps,
    WrongOldPassword,
    WrongPassword,
)
from .people.passcode import PasscodeWanted, TooManyLinks, WrongPasscode
from .people.passwords import TooManyHashes, WeakPassword
from .people.rate_limits import TooManyTries, TooManyWaiting
from .photos.address_limit import TooManyAtOnce
from .photos.archive import NoPhotos, TooManyArchives
from .photos.chunks import LostChunks, WrongChunk
from .photos.gallery import NotAHost, NotTheOwner, TooManyThumbnails
from .photos.intake import EmptyPhoto, SomebodyElse, UnknownExtension, UnknownSender, WrongExtension
from .photos.limits import DiskNearlyFull, GalleryFull, TooManyChanges, TooMuchSent
from .photos.upload import (
    BrokenForm,
    CompressedBody,
    NoPhoto,
    NotAsAFile,
    PieceOfAPhoto,
    TooManyBytes,
    TooMuchAtOnce,
)
from .photos.watchers import FullHouse
from .storage import NotStored, StorageUnavailable
from .web.cross_site import AnotherHost, AnotherSite


class Refusal(NamedTuple):
    """`code` stays as it is, whatever becomes of the class: clients, the page and Prometheus know
    it, and README.md lists it. `sentence` has fields, which errors.py fills."""

    code: str
    status: int
    sentence: str


DAMAGED = "This photo is damaged or incomplete; please send the original again."
CUT_OFF = "The upload was cut off on the way; please send it again."
LOST = "What had arrived of this photo is gone; please send it again."

REFUSALS: dict[type[Exception], Refusal] = {
    NoPhoto: Refusal("no-photo", 400, "No photo came with this request; please choose one first."),
    BrokenForm: Refusal(
        "broken-form",
        400,
        "This upload could not be read; please reload the page and send it again.",
    ),
    NotAsAFile: Refusal(
        "not-as-a-file",
        400,
        "A photo has to come as a file: send it with curl -F file=@photo.jpg, or as the body of a"
        " request with its own type, such as Content-Type: image/jpeg.",
    ),
    CompressedBody: Refusal(
        "compressed-body",
        400,
        "This came compressed. Send the photo as it is, without gzip and Content-Encoding.",
    ),
    PieceOfAPhoto: Refusal(
        "piece-of-a-photo", 400, "This is only a piece of a photo; please send the photo whole."
    ),
    WrongChunk: Refusal(
        "wrong-chunk",
        400,
        "The pieces of this photo do not fit together; please reload the page and send it again.",
    ),
    ClientDisconnected: Refusal("cut-off", 400, CUT_OFF),
    VisitorLeft: Refusal("visitor-left", 400, CUT_OFF),
    EmptyPhoto: Refusal("empty-photo", 400, "This file is empty; please choose the photo again."),
    UnknownExtension: Refusal(
        "unknown-extension", 400, "Files of this type are not taken; please send {formats}."
    ),
    WrongExtension: Refusal(
        "wrong-extension",
        400,
        "The name of this file is wrong: its content is {content};"
        " please give it its true extension and send it again.",
    ),
    NotAPhoto: Refusal("not-a-photo", 400, "This is not a photo; please send {formats}."),
    DamagedPhoto: Refusal("damaged-photo", 400, DAMAGED),
    BrokenContainer: Refusal("broken-container", 400, DAMAGED),
    TooMuchAtOnce: Refusal(
        "too-much-at-once",
        413,
        "This is too much at once; please send at most {max_request_photos} photos and"
        " {max_request_bytes} together.",
    ),
    TooManyBytes: Refusal(
        "too-many-bytes", 413, "This photo is too large; the limit is {max_upload_bytes}."
    ),
    TooLongAnimation: Refusal(
        "too-long-animation", 413, "This animation is too long; please send a shorter one."
    ),
    TooMuchToDecode: Refusal(
        "too-much-to-decode",
        413,
        "This photo needs more memory or time than the server has; please send a smaller version.",
    ),
    TooManyPixels: Refusal(
        "too-many-pixels", 413, "This photo is too large; the limit is {megapixels} megapixels."
    ),
    LongName: Refusal(
        "long-name", 400, "This name is too long; please take at most {max_guest_name} characters."
    ),
    UnknownSender: Refusal(
        "unknown-sender",
        401,
        "Only somebody who comes back can have photos for themselves;"
        " please open the gallery's page first, or sign in.",
    ),
    SomebodyElse: Refusal(
        "somebody-else",
        401,
        "Somebody else is signed in on this device by now; please reload the page.",
    ),
    NotTheOwner: Refusal(
        "not-the-owner", 403, "This photo is not yours; only who sent it can do that."
    ),
    NotAHost: Refusal(
        "not-a-host", 403, "Only a host of this gallery can do that; please sign in as one."
    ),
    AnotherSite: Refusal(
        "another-site", 403, "Another site has asked for this; please open the gallery itself."
    ),
    AnotherHost: Refusal(
        "another-host", 421, "This gallery is at {public_url}; please open it there."
    ),
    NoName: Refusal("no-name", 400, "Please tell a name."),
    WeakPassword: Refusal(
        "weak-password",
        400,
        "Please choose a password of {min_password} to {max_password} characters.",
    ),
    NotSignedIn: Refusal("not-signed-in", 401, "Please sign in first."),
    NoSuchAccount: Refusal(
        "no-such-account", 401, "This account is not there any more; please sign in again."
    ),
    WrongPassword: Refusal(
        "wrong-password", 401, "This name and password do not belong together; please try again."
    ),
    WrongOldPassword: Refusal(
        "wrong-old-password", 401, "This is not your present password; please try again."
    ),
    PasscodeWanted: Refusal(
        "passcode-wanted", 401, "This gallery has a passcode; please open it and enter that first."
    ),
    WrongPasscode: Refusal(
        "wrong-passcode", 401, "This is not the passcode; please look at your invitation again."
    ),
    TokenWanted: Refusal(
        "token-wanted", 401, "The numbers of this gallery are for those who send its token."
    ),
    NoSuchUpload: Refusal(
        "no-such-upload", 404, "Nothing of this photo has arrived yet; please send it."
    ),
    NoPhotos: Refusal(
        "no-photos", 404, "There are no photos to download here yet; please send some first."
    ),
    NoSuchSelection: Refusal(
        "no-such-selection",
        404,
        "This selection is too old by now; please choose the photos again.",
    ),
    NoSuchPhoto: Refusal("no-such-photo", 404, "This photo is not here; it may have been removed."),
    NotStored: Refusal("not-stored", 404, "This photo is not here; it may have been removed."),
    NameTaken: Refusal("name-taken", 409, "This name is taken; please choose another one."),
    TimeoutError: Refusal(
        "stalled", 408, "The upload stood still for too long; please send it again."
    ),
    TooMuchSent: Refusal(
        "too-much-sent", 429, "You have sent as much as one guest may within an hour; please wait."
    ),
    TooManyChanges: Refusal(
        "too-many-changes",
        429,
        "You're changing very much at once. Please wait a moment, and try again.",
    ),
    TooManySignUps: Refusal(
        "too-many-sign-ups",
        429,
        "Very many have made an account from here; please try again in {wait}.",
    ),
    TooManyLinks: Refusal("too-many-links", 429, "Almost there. Tap “Open the gallery”."),
    TooManyTries: Refusal(
        "too-many-tries", 429, "That was wrong too often; please try again in {wait}."
    ),
    TooManyWaiting: Refusal(
        "too-many-waiting", 503, "Many people are trying to get in right now. Try again in {wait}."
    ),
    TooManyHashes: Refusal(
        "too-many-hashes", 503, "Many are signing in just now; please try again in a few seconds."
    ),
    NoDecoder: Refusal("no-decoder", 503, "Dropwall is busy; please try again in a few seconds."),
    CatalogUnavailable: Refusal(
        "catalog-unavailable", 503, "Dropwall is busy; please try again in a few seconds."
    ),
    StorageUnavailable: Refusal(
        "storage-unavailable",
        503,
        "The place where photos are kept does not answer; please try again in a few seconds.",
    ),
    TooManyAtOnce: Refusal(
        "too-many-from-network",
        503,
        "Very much is under way from your network just now; please try again in a few seconds.",
    ),
    TooManyArchives: Refusal(
        "too-many-archives", 503, "Very many are downloading just now; please try again in a while."
    ),
    TooManyThumbnails: Refusal(
        "too-many-thumbnails",
        503,
        "Very many photos are being enlarged just now; please try again.",
    ),
    FullHouse: Refusal(
        "too-many-watchers",
        503,
        "No more can watch just now; new photos are shown every few seconds instead.",
    ),
    LostChunks: Refusal("lost-chunks", 503, LOST),
    RuledOut: Refusal("upload-swept", 503, LOST),
    GalleryFull: Refusal(
        "gallery-full",
        507,
        "The gallery has reached its limit of {max_gallery_bytes}; please tell your host.",
    ),
    DiskNearlyFull: Refusal(
        "disk-nearly-full",
        507,
        "The server has almost no disk space left; please tell your host and send it again then.",
    ),
}

HTTP_REFUSALS = {
    400: Refusal(
        "bad-request",
        400,
        "This request could not be understood; please reload the page and try again.",
    ),
    404: Refusal(
        "not-found", 404, "There is nothing at this address; please go back to the gallery."
    ),
    405: Refusal(
        "method-not-allowed",
        405,
        "This address does not take such requests; please go back to the gallery.",
    ),
    412: Refusal(
        "precondition-failed", 412, "This has changed in the meantime; please load it again."
    ),
    416: Refusal(
        "range-not-satisfiable", 416, "This part of the photo does not exist; please load it again."
    ),
}
"""By the status of what Flask and Werkzeug raise themselves."""
FULL = Refusal("disk-full", 507, "The gallery is full; nothing was lost, please tell your host.")
DEFECT = Refusal(
    "internal-error", 500, "Something went wrong on our side; please try again in a moment."
)
