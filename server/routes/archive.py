"""Photos go out together."""

from flask import Blueprint, Response

from .. import moments
from ..archive import archive_photos
from . import gallery, lists
from .query import selection

archive = Blueprint("archive", __name__)


@archive.get("/photos.zip")
def download_photos() -> Response:
    """All photos, or those of the query, in one file."""
    blocks = archive_photos(gallery(), lists(), selection())
    response = Response(blocks, mimetype="application/zip")
    filename = f"Dropwall {moments.now()[:10]}.zip"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    response.cache_control.no_store = True
    return response
