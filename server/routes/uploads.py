"""Photos come in, whole or in chunks."""

from contextlib import ExitStack

from flask import Blueprint, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from .. import errors
from ..chunks import Chunk, WrongChunk
from ..names import clean_name
from . import chunks, gallery, no_content, settings
from .body import Body, receive_body
from .guest import guest_id

uploads = Blueprint("uploads", __name__)


@uploads.post("/")
def upload_photos() -> ResponseReturnValue:
    """204 when every photo of the request is safe, or its chunk of one; 303 back to the page for a
    plain form. The good ones are kept when others are refused."""
    with ExitStack() as staging:
        body = receive_body(staging)
        refused = _add_chunk(body) if _is_chunk(body) else _add_photos(body)
    if refused:
        return errors.refusal_response(refused, len(body.uploads), settings())
    if _is_form_navigation():
        return redirect("/", 303)
    return no_content()


@uploads.get("/api/uploads/<uuid>")
def upload_progress(uuid: str) -> ResponseReturnValue:
    """Which chunks of this guest's upload have come; Dropzone calls its id `dzuuid`."""
    progress = chunks().progress(guest_id(), uuid)
    response = jsonify(vars(progress))
    response.cache_control.no_store = True
    return response


@uploads.delete("/api/uploads/<uuid>")
def discard_upload(uuid: str) -> ResponseReturnValue:
    """What has come of an upload that the guest has given up makes room at once."""
    chunks().discard(guest_id(), uuid)
    return no_content()


Refused = list[tuple[str, Exception]]
"""Each with the name of its photo."""


def _is_chunk(body: Body) -> bool:
    return "dzuuid" in body.fields or "dztotalchunkcount" in body.fields


def _add_chunk(body: Body) -> Refused:
    """None is refused; it raises."""
    chunk = Chunk.from_fields(body.fields)
    if len(body.uploads) != 1:
        raise WrongChunk
    [(name, upload)] = body.uploads
    chunks().add_chunk(chunk, upload, name, guest_id(), body.fields.get("dzuuid", ""))
    return []


def _add_photos(body: Body) -> Refused:
    refused: Refused = []
    for name, upload in body.uploads:
        try:
            gallery().add_photo(upload, name, guest_id())
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
