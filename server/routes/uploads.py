"""Photos come in."""

from contextlib import ExitStack

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from .. import errors
from ..gallery import Gallery
from ..names import clean_name
from ..upload import Upload
from . import body, gallery, no_content, settings
from .guest import guest_id

uploads = Blueprint("uploads", __name__)


@uploads.post("/")
def upload_photos() -> ResponseReturnValue:
    """204 when every photo of the request is safe; 303 back to the page for a plain form. The
    good ones are kept when others are refused."""
    with ExitStack() as staging:
        sent = body.receive_uploads(staging)
        refused = _add_photos(gallery(), sent, guest_id())
    if refused:
        return errors.refusal_response(refused, len(sent), settings())
    if _is_form_navigation():
        return redirect("/", 303)
    return no_content()


def _add_photos(
    gallery: Gallery, sent: list[tuple[str, Upload]], guest_id: str
) -> list[tuple[str, Exception]]:
    refused: list[tuple[str, Exception]] = []
    for name, upload in sent:
        try:
            gallery.add_photo(upload, name, guest_id)
        except Exception as error:
            if not errors.is_refusal(error):
                raise
            refused.append((clean_name(name), error))
    return refused


def _is_form_navigation() -> bool:
    """Whether a browser will show the answer as a page: it says so itself, and the ones that are
    too old to say so ask for HTML, which no script does."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")
