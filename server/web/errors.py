"""Answers to errors: every refusal is plain text, one sentence a visitor understands."""

import errno
import logging
import math

from flask import Flask, Response
from werkzeug.exceptions import ClientDisconnected, HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from ..images.formats import BY_EXTENSION
from ..names import MAX_GUEST_NAME
from ..operations.logs import OutageLog, reason
from ..people.passwords import MAX_PASSWORD, MIN_PASSWORD
from ..refusals import (
    OF_HTTP,
    AnotherHost,
    AnotherSite,
    CatalogUnavailable,
    CutOffUpload,
    DiskFull,
    InternalError,
    Refusal,
    StalledUpload,
    StorageUnavailable,
    WrongExtension,
)
from . import dropwall

LOST_HOST = (
    "has lost the Host that its visitors ask for, and this line is missing from its configuration:"
    ' "proxy_set_header Host $http_host;" (nginx) or "ProxyPreserveHost On" (Apache). Where it'
    " sends X-Forwarded-Host, as Apache does, DROPWALL_PROXIES=1 is enough"
)
"""For the host, in the log."""
RETRY_SECONDS = 5

log = logging.getLogger(__name__)
outages = OutageLog(log)


def is_refusal(error: Exception) -> bool:
    """Whether the visitor can be told the reason; anything else is ours to mend."""
    return refusal_of(error) is not InternalError


def refusal_of(error: Exception) -> type[Refusal]:
    """Return the refusal that an error is answered with; InternalError for what is ours to mend."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull
    if isinstance(error, Refusal):
        return type(error)
    if isinstance(error, ClientDisconnected):
        return CutOffUpload
    return StalledUpload if isinstance(error, TimeoutError) else InternalError


def response_to(error: Exception) -> Response:
    """The answer for a request that was refused as a whole."""
    return refusal_response([("", error)], 1)


def refusal_response(refused: list[tuple[str, Exception]], sent: int) -> Response:
    """The answer for a request of which `refused` (name, reason) of `sent` photos were not
    kept. It has the first one's status, and a line for each when several were sent."""
    first = refusal_of(refused[0][1])
    code, status = first.code, first.status
    sentences = [_fill(refusal_of(error).sentence, error) for _, error in refused]
    sentence = sentences[0]
    _log_why(refused[0][1], code)
    if sent > 1:
        names = [name for name, _ in refused]
        lines = [f"“{name}”: {each}" for name, each in zip(names, sentences, strict=True)]
        kept = sent - len(refused)
        sentence = "\n".join([f"{kept} of {sent} photos added. These couldn't be added:", *lines])
    response = Response(sentence, status, mimetype="text/plain")
    # Tells ours from those of a proxy in front of us: the page sends smaller chunks after a 413
    # of the other kind.
    response.headers["Dropwall-Refusal"] = code
    if status in (429, 503):
        seconds = [getattr(error, "wait_seconds", RETRY_SECONDS) for _, error in refused]
        response.headers["Retry-After"] = str(max(seconds))
    return response


def _log_why(error: Exception, code: str) -> None:
    """Log what visitors are not told, and the host has to know."""
    if isinstance(error, AnotherHost):
        outages.failed(
            "Requests are refused (another-host): they ask for %.253r, not for DROPWALL_PUBLIC_URL."
            f" If they come by your proxy, it {LOST_HOST}.",
            *error.args,
            kind=code,
        )
    if isinstance(error, AnotherSite) and error.args:
        outages.failed(
            "Requests are refused (another-site): a page of %.253r sends them to the Host %.253r."
            f" If that page is the gallery's own, your proxy {LOST_HOST};"
            " and so is DROPWALL_PUBLIC_URL.",
            *error.args,
            kind=code,
        )
    if isinstance(error, CatalogUnavailable | StorageUnavailable):
        outages.failed("Requests are refused (%s): %s", code, reason(error), kind=code)


def answer_errors(app: Flask) -> None:
    """Make every error of the application, Flask's own included, answer in plain text."""
    app.register_error_handler(Refusal, response_to)
    app.register_error_handler(ClientDisconnected, response_to)
    app.register_error_handler(OSError, _answer_os_error)
    app.register_error_handler(HTTPException, answer_http_error)


def _answer_os_error(error: OSError) -> Response:
    if not is_refusal(error):
        raise error
    return response_to(error)


def answer_http_error(error: HTTPException) -> WerkzeugResponse:
    """The answer to one of Werkzeug's errors, or its redirect as it is."""
    response = error.get_response()
    if response.status_code >= 400:
        refusal = OF_HTTP.get(response.status_code, InternalError)
        response.data = _fill(refusal.sentence, error)
        response.mimetype = "text/plain"
        response.headers["Dropwall-Refusal"] = refusal.code
    return response


def _fill(sentence: str, error: Exception) -> str:
    config = dropwall().settings
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
