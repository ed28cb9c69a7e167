"""Photos that go out together, in one ZIP."""

from contextlib import ExitStack, closing
from itertools import chain

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from .. import timestamps
from ..catalog import lists
from . import dropwall
from .photos import answer_range
from .requests import SELECTION_SECONDS, changing, json_ids, selection, visitor

archive = Blueprint("archive", __name__)


@archive.get("/photos.zip")
def download_photos() -> Response:
    """All photos, or those of the query, in one file."""
    response = Response(mimetype="application/zip")
    filename = f"Dropwall {timestamps.now()[:10]}.zip"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    with ExitStack() as opened:
        file = opened.enter_context(dropwall().archives.open(selection(), visitor()))
        response.set_etag(file.etag)
        answer_range(response, file.bytes)
        if request.method == "GET" and response.status_code in (200, 206):
            asked = response.content_range
            blocks = opened.enter_context(
                closing(file.blocks(asked.start or 0, asked.stop or file.bytes))
            )
            # While it can be told that the storage does not answer.
            response.response = chain([next(blocks)], blocks)
        response.call_on_close(opened.pop_all().close)
    return response


@archive.post("/api/selections")
def keep_selection() -> ResponseReturnValue:
    """`{"ids": […]}`, more than an address can name: they are asked for by `selection` then."""
    photo_ids, forgotten = json_ids(), timestamps.now(seconds_ago=SELECTION_SECONDS)
    with changing():
        kept = lists.keep_selection(
            dropwall().database, photo_ids, timestamps.now(), forgotten, visitor()
        )
    return jsonify(id=kept), 201, {"Location": f"/photos.zip?selection={kept}"}
