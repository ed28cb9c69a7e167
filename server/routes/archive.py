"""Photos go out together."""

from contextlib import ExitStack
from itertools import chain

from flask import Blueprint, Response, request

from .. import moments
from . import parts
from .guest import viewer
from .query import selection

archive = Blueprint("archive", __name__)


@archive.get("/photos.zip")
def download_photos() -> Response:
    """All photos, or those of the query, in one file."""
    with ExitStack() as opened:
        blocks = opened.enter_context(parts().archives.open(selection(), viewer()))
        if request.method == "GET":  # while it can be told that the storage does not answer
            blocks = chain([next(blocks)], blocks)
        response = Response(blocks, mimetype="application/zip")
        response.call_on_close(opened.pop_all().close)
    filename = f"Dropwall {moments.now()[:10]}.zip"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
