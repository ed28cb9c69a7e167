"""From exception to status: every refusal is plain text, one sentence a visitor understands."""

import errno
import logging
import math

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected, HTTPException, PreconditionFailed

from .accounts import (
    NoName,
    NoSuchAccount,
    NotSignedIn,
    TooManySignUps,
    WrongOldPassword,
    WrongPassword,
)
from .address_limit import TooManyAtOnce
from .archive import NoPhotos, TooManyArchives
from .catalog import CatalogUnavailable, NameTaken, NoSuchPhoto, NoSuchUpload, RuledOut
from .changes import FullHouse
from .chunks import LostChunks, WrongChunk
from .config import Config
from .containers import BrokenContainer
from .cross_site import AnotherHost, AnotherSite
from .formats import BY_EXTENSION
from .gallery import NotAHost, NotTheOwner, TooManyThumbnails
from .images import (
    DamagedPhoto,
    NoDecoder,
    NotAPhoto,
    TooLongAnimation,
    TooManyPixels,
    TooMuchToDecode,
    VisitorLeft,
)
from .intake import EmptyPhoto, SomebodyElse, UnknownExtension, UnknownSender, WrongExtension
from .limits import DiskNearlyFull, GalleryFull, TooManyChanges, TooMuchSent
from .logs import Seldom, reason
from .metrics import TokenWanted
from .names import MAX_GUEST_NAME, LongName
from .passcode import PasscodeWanted, TooManyLinks, WrongPasscode
from .passwords import MAX_PASSWORD, MIN_PASSWORD, TooManyHashes, WeakPassword
from .storage import NotStored, StorageUnavailable
from .tries import TooManyTries, TooManyWaiting
from .upload import (
    BrokenForm,
    CompressedBody,
    NoPhoto,
    NotAsAFile,
    PieceOfAPhoto,
    TooManyBytes,
    TooMuchAtOnce,
)

DAMAGED = (400, "This photo is damaged or incomplete; please send the original again.")
CUT_OFF = (400, "The upload was cut off on the way; please send it again.")
LOST = (503, "What had arrived of this photo is gone; please send it again.")

REFUSALS: dict[type[Exception], tuple[int, str]] = {
    NoPhoto: (400, "No photo came with this request; please choose one first."),
    BrokenForm: (400, "This upload could not be read; please reload the page and send it again."),
    NotAsAFile: (
        400,
        "A photo has to come as a file: send it with curl -F file=@photo.jpg, or as the body of a"
        " request with its own type, such as Content-Type: image/jpeg.",
    ),
    CompressedBody: (
        400,
        "This came compressed. Send the photo as it is, without gzip and Content-Encoding.",
    ),
    PieceOfAPhoto: (400, "This is only a piece of a photo; please send the photo whole."),
    WrongChunk: (
        400,
        "The pieces of this photo do not fit together; please reload the page and send it again.",
    ),
    ClientDisconnected: CUT_OFF,
    VisitorLeft: CUT_OFF,
    EmptyPhoto: (400, "This file is empty; please choose the photo again."),
    UnknownExtension: (400, "Files of this type are not taken; please send {formats}."),
    WrongExtension: (
        400,
        "The name of this file is wrong: its content is {content};"
        " please give it its true extension and send it again.",
    ),
    NotAPhoto: (400, "This is not a photo; please send {formats}."),
    DamagedPhoto: DAMAGED,
    BrokenContainer: DAMAGED,
    TooMuchAtOnce: (
        413,
        "This is too much at once; please send at most {max_request_photos} photos and"
        " {max_request_bytes} together.",
    ),
    TooManyBytes: (413, "This photo is too large; the limit is {max_upload_bytes}."),
    TooLongAnimation: (413, "This animation is too long; please send a shorter one."),
    TooMuchToDecode: (
        413,
        "This photo needs more memory or time than the server has; please send a smaller version.",
    ),
    TooManyPixels: (413, "This photo is too large; the limit is {megapixels} megapixels."),
    LongName: (400, "This name is too long; please take at most {max_guest_name} characters."),
    UnknownSender: (
        401,
        "Only somebody who comes back can have photos for themselves;"
        " please open the gallery's page first, or sign in.",
    ),
    SomebodyElse: (
        401,
        "Somebody else is signed in on this device by now; please reload the page.",
    ),
    NotTheOwner: (403, "This photo is not yours; only who sent it can do that."),
    NotAHost: (403, "Only a host of this gallery can do that; please sign in as one."),
    AnotherSite: (403, "Another site has asked for this; please open the gallery itself."),
    AnotherHost: (421, "This gallery is at {public_url}; please open it there."),
    NoName: (400, "Please tell a name."),
    WeakPassword: (
        400,
        "Please choose a password of {min_password} to {max_password} characters.",
    ),
    NotSignedIn: (401, "Please sign in first."),
    NoSuchAccount: (401, "This account is not there any more; please sign in again."),
    WrongPassword: (401, "This name and password do not belong together; please try again."),
    WrongOldPassword: (401, "This is not your present password; please try again."),
    PasscodeWanted: (401, "This gallery has a passcode; please open it and enter that first."),
    WrongPasscode: (401, "This is not the passcode; please look at your invitation again."),
    TokenWanted: (401, "The numbers of this gallery are for those who send its token."),
    NoSuchUpload: (404, "Nothing of this photo has arrived yet; please send it."),
    NoPhotos: (404, "There are no photos to download here yet; please send some first."),
    NoSuchPhoto: (404, "This photo is not here; it may have been removed."),
    NotStored: (404, "This photo is not here; it may have been removed."),
    NameTaken: (409, "This name is taken; please choose another one."),
    TimeoutError: (408, "The upload stood still for too long; please send it again."),
    TooMuchSent: (429, "You have sent as much as one guest may within an hour; please wait."),
    TooManyChanges: (
        429,
        "You're changing very much at once. Please wait a moment, and try again.",
    ),
    TooManySignUps: (
        429,
        "Very many have made an account from here; please try again in {wait}.",
    ),
    TooManyLinks: (429, "Almost there. Tap “Open the gallery”."),
    TooManyTries: (429, "That was wrong too often; please try again in {wait}."),
    TooManyWaiting: (503, "Many people are trying to get in right now. Try again in {wait}."),
    TooManyHashes: (503, "Many are signing in just now; please try again in a few seconds."),
    NoDecoder: (503, "Dropwall is busy; please try again in a few seconds."),
    CatalogUnavailable: (503, "Dropwall is busy; please try again in a few seconds."),
    StorageUnavailable: (
        503,
        "The place where photos are kept does not answer; please try again in a few seconds.",
    ),
    TooManyAtOnce: (
        503,
        "Very much is under way from your network just now; please try again in a few seconds.",
    ),
    TooManyArchives: (503, "Very many are downloading just now; please try again in a while."),
    TooManyThumbnails: (503, "Very many photos are being enlarged just now; please try again."),
    FullHouse: (503, "No more can watch just now; new photos are shown every few seconds instead."),
    LostChunks: LOST,
    RuledOut: LOST,
    GalleryFull: (
        507,
        "The gallery has reached its limit of {max_gallery_bytes}; please tell your host.",
    ),
    DiskNearlyFull: (
        507,
        "The server has almost no disk space left; please tell your host and send it again then.",
    ),
}

HTTP_SENTENCES = {
    400: "This request could not be understood; please reload the page and try again.",
    404: "There is nothing at this address; please go back to the gallery.",
    405: "This address does not take such requests; please go back to the gallery.",
    412: "This has changed in the meantime; please load it again.",
    416: "This part of the photo does not exist; please load it again.",
}
FULL = (507, "The gallery is full; nothing was lost, please tell your host.")
BROKEN = (500, "Something went wrong on our side; please try again in a moment.")
LOST_HOST = (
    "has lost the Host that its visitors ask for, and this line is missing from its configuration:"
    ' "proxy_set_header Host $http_host;" (nginx) or "ProxyPreserveHost On" (Apache). Where it'
    " sends X-Forwarded-Host, as Apache does, DROPWALL_PROXIES=1 is enough"
)
"""For the host, in the log."""
RETRY_SECONDS = 5
TELL_EVERY_SECONDS = 60

log = logging.getLogger(__name__)
log.addFilter(Seldom(TELL_EVERY_SECONDS))


def is_refusal(error: Exception) -> bool:
    """Whether the visitor can be told the reason; anything else is ours to mend."""
    return isinstance(error, tuple(REFUSALS)) or _is_full(error)


def response_to(error: Exception, config: Config) -> Response:
    """The answer for a request that was refused as a whole."""
    return refusal_response([("", error)], 1, config)


def refusal_response(refused: list[tuple[str, Exception]], sent: int, config: Config) -> Response:
    """The answer for a request of which `refused` (name, reason) of `sent` photos were not
    kept. It has the first one's status, and a line for each when several were sent."""
    status, sentence = _refusal(refused[0][1], config)
    _tell_why(refused[0][1])
    if sent > 1:
        lines = [f"“{name}”: {_refusal(error, config)[1]}" for name, error in refused]
        kept = sent - len(refused)
        sentence = "\n".join([f"{kept} of {sent} photos are safe; these were refused:", *lines])
    response = Response(sentence, status, mimetype="text/plain")
    # Tells ours from those of a proxy in front of us: the page sends smaller chunks after a 413
    # of the other kind.
    response.headers["Dropwall-Refusal"] = type(refused[0][1]).__name__
    if status in (429, 503):
        seconds = [getattr(error, "wait_seconds", RETRY_SECONDS) for _, error in refused]
        response.headers["Retry-After"] = str(max(seconds))
    return response


def _tell_why(error: Exception) -> None:
    """What visitors are not told, and the host has to know."""
    if isinstance(error, AnotherHost):
        log.warning(
            "Requests are refused (AnotherHost): they ask for %.253r, not for DROPWALL_PUBLIC_URL."
            f" If they come by your proxy, it {LOST_HOST}.",
            *error.args,
            extra={"kind": "AnotherHost"},
        )
    if isinstance(error, AnotherSite) and error.args:
        log.warning(
            "Requests are refused (AnotherSite): a page of %.253r sends them to the Host %.253r."
            f" If that page is the gallery's own, your proxy {LOST_HOST};"
            " and so is DROPWALL_PUBLIC_URL.",
            *error.args,
            extra={"kind": "AnotherSite"},
        )
    if isinstance(error, CatalogUnavailable | StorageUnavailable):
        kind = type(error).__name__
        log.warning("Requests are refused (%s): %s", kind, reason(error), extra={"kind": kind})


def answer_errors(app: Flask, config: Config) -> None:
    """Make every error of the application, Flask's own included, answer in plain text."""

    def answer_refusal(error: Exception) -> Response:
        return response_to(error, config)

    def answer_os_error(error: OSError) -> Response:
        if not _is_full(error):
            raise error
        return answer_refusal(error)

    def answer_http_error(error: HTTPException) -> ResponseReturnValue:
        response = error.get_response()
        if response.status_code >= 400:
            sentence = HTTP_SENTENCES.get(response.status_code, BROKEN[1])
            response.data = _fill(sentence, error, config)
            response.mimetype = "text/plain"
            response.headers["Dropwall-Refusal"] = type(error).__name__
        return response

    @app.after_request
    def answer_precondition(response: Response) -> ResponseReturnValue:
        """Werkzeug answers what an `If-Match` does not match with the body it should not have."""
        if response.status_code != PreconditionFailed.code:
            return response
        response.close()
        return answer_http_error(PreconditionFailed())

    for refusal in REFUSALS:
        app.register_error_handler(refusal, answer_refusal)
    app.register_error_handler(OSError, answer_os_error)
    app.register_error_handler(HTTPException, answer_http_error)


def _refusal(error: Exception, config: Config) -> tuple[int, str]:
    if _is_full(error):
        return FULL
    for kind in type(error).__mro__:
        if kind in REFUSALS:
            status, sentence = REFUSALS[kind]
            return status, _fill(sentence, error, config)
    return BROKEN


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _fill(sentence: str, error: Exception, config: Config) -> str:
    return sentence.format(
        content=BY_EXTENSION[error.extension].name if isinstance(error, WrongExtension) else "",
        formats=_formats(config.extensions),
        megapixels=f"{getattr(error, 'max_pixels', config.max_pixels) / 1e6:g}",
        max_upload_bytes=_size(config.max_upload_bytes),
        max_request_bytes=_size(config.max_request_bytes),
        max_request_photos=config.max_request_photos,
        max_guest_name=MAX_GUEST_NAME,
        max_gallery_bytes=_size(config.max_gallery_bytes),
        min_password=MIN_PASSWORD,
        max_password=MAX_PASSWORD,
        public_url=config.public_url,
        wait=_duration(getattr(error, "wait_seconds", RETRY_SECONDS)),
    )


def _formats(extensions: tuple[str, ...]) -> str:
    """Such as `JPEG, PNG or GIF`."""
    *names, last = dict.fromkeys(BY_EXTENSION[extension].name for extension in extensions)
    return f"{', '.join(names)} or {last}" if names else last


def _duration(seconds: int) -> str:
    count, unit = (seconds, "second") if seconds < 90 else (math.ceil(seconds / 60), "minute")
    return f"{count} {unit}{'s' * (count > 1)}"


def _size(count: int) -> str:
    for unit, exponent in (("GB", 3), ("MB", 2), ("KB", 1)):
        if count >= 1024**exponent:
            return f"{count / 1024**exponent:.4g} {unit}"
    return f"{count} bytes"
