"""Each error is answered with one sentence that a visitor understands: in plain text, or on a
small page for a browser that navigates."""

import errno
import logging
import math

from flask import Response, render_template, request
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
from .requests import dropwall, is_navigation

LOST_HOST = (
    "has lost the Host that its visitors ask for, and this line is missing from its configuration:"
    ' "proxy_set_header Host $http_host;" (nginx) or "ProxyPreserveHost On" (Apache). Where it'
    " sends X-Forwarded-Host, as Apache does, DROPWALL_PROXIES=1 is enough"
)
"""Explanation of a proxy's usual mistake, for the log."""
RETRY_SECONDS = 5

log = logging.getLogger(__name__)
outages = OutageLog(log)


def answer_error(error: Exception) -> WerkzeugResponse:
    """Answer a refusal, or an error of Flask's own, on a small page with a way back if a browser
    has navigated to this address. What is posted, and everything below /api/, is always answered in
    plain text. Raises a defect again, which Flask then logs and answers with `InternalError`."""
    if is_refusal(error):
        response: WerkzeugResponse = response_to(error)
    elif isinstance(error, HTTPException):
        response = answer_http_error(error)
    else:
        raise error
    is_page = request.method == "GET" and not request.path.startswith("/api/") and is_navigation()
    if is_page:
        response.data = render_template("error.html", sentence=response.get_data(as_text=True))
        response.mimetype = "text/html"
    return response


def is_refusal(error: Exception) -> bool:
    """Whether an error is a refusal, whose reason the visitor learns; else it is a defect."""
    return refusal_of(error) is not InternalError


def refusal_of(error: Exception) -> type[Refusal]:
    """Return the refusal that answers an error; InternalError for a defect."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull
    if isinstance(error, Refusal):
        return type(error)
    if isinstance(error, ClientDisconnected):  # Werkzeug's, on any error of the connection
        return StalledUpload if isinstance(error.__context__, TimeoutError) else CutOffUpload
    return InternalError


def response_to(error: Exception) -> Response:
    """Answer a request that was refused as a whole."""
    return refusal_response([("", error)], 1)


def refusal_response(refused: list[tuple[str, Exception]], sent: int) -> Response:
    """Answer a request of which `refused` (name, error) of `sent` photos were not kept. The answer
    has the first one's status, and a line for each when several were sent."""
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
    # It tells our answers from a proxy's: after a proxy's 413 the page sends smaller chunks.
    response.headers["Dropwall-Refusal"] = code
    if status in (429, 503):
        seconds = [getattr(error, "wait_seconds", RETRY_SECONDS) for _, error in refused]
        response.headers["Retry-After"] = str(max(seconds))
    return response


def _log_why(error: Exception, code: str) -> None:
    """Log what the host has to know, and visitors need not."""
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


def answer_http_error(error: HTTPException) -> WerkzeugResponse:
    """Answer one of Werkzeug's errors. Redirects to the right address don't come here: Flask itself
    answers them."""
    response = error.get_response()
    refusal = OF_HTTP.get(response.status_code, InternalError)
    response.data = _fill(refusal.sentence, error)
    response.mimetype = "text/plain"
    response.headers["Dropwall-Refusal"] = refusal.code
    return response


def _fill(sentence: str, error: Exception) -> str:
    """Fill the fields of a sentence, such as `{formats}` with `JPEG, PNG or GIF`."""
    config = dropwall().settings
    *formats, last_format = dict.fromkeys(BY_EXTENSION[it].name for it in config.extensions)
    wait, unit = getattr(error, "wait_seconds", RETRY_SECONDS), "second"
    if wait >= 90:
        wait, unit = math.ceil(wait / 60), "minute"
    return sentence.format(
        content=BY_EXTENSION[error.extension].name if isinstance(error, WrongExtension) else "",
        formats=f"{', '.join(formats)} or {last_format}" if formats else last_format,
        megapixels=f"{getattr(error, 'max_pixels', config.max_pixels) / 1e6:g}",
        max_upload_bytes=size_in_words(config.max_upload_bytes),
        max_request_bytes=size_in_words(config.max_request_bytes),
        max_request_photos=config.max_request_photos,
        max_guest_name=MAX_GUEST_NAME,
        max_gallery_bytes=size_in_words(config.max_gallery_bytes),
        min_password=MIN_PASSWORD,
        max_password=MAX_PASSWORD,
        public_url=config.public_url,
        until=getattr(error, "until", ""),
        wait=f"{wait} {unit}{'s' * (wait > 1)}",
    )


def size_in_words(count: int) -> str:
    """Write a number of bytes as guests read it: `1.5 GB`."""
    for unit, exponent in (("TB", 4), ("GB", 3), ("MB", 2), ("KB", 1)):
        if count >= 1024**exponent:
            return f"{round(count / 1024**exponent, 1):g} {unit}"
    return f"{count} bytes"
