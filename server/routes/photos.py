"""Photos go out: the list, the originals, the thumbnails."""

import io
from datetime import datetime
from typing import Any, BinaryIO

from flask import Blueprint, Response, jsonify, request, send_file
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from ..catalog import Changes, Page, Photo
from ..formats import BY_EXTENSION
from ..gallery import WIDTHS
from . import gallery, no_content
from .guest import guest_id
from .query import MAX_VERSION, number_parameter

photos = Blueprint("photos", __name__)

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
ONE_YEAR_SECONDS = 365 * 24 * 60 * 60


@photos.get("/api/photos")
def list_photos() -> ResponseReturnValue:
    """One page of the gallery, or with `since` what has changed after that version."""
    catalog = gallery().catalog
    since = number_parameter("since", None, 0, MAX_VERSION)
    limit = number_parameter("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    before = number_parameter("before", None, 0, MAX_VERSION)
    found: Page | Changes
    if since is None:
        found = catalog.list_photos(limit or DEFAULT_LIMIT, before)
    else:
        found = catalog.changes_since(since, MAX_LIMIT)
    response = jsonify(vars(found) | {"photos": [photo_json(photo) for photo in found.photos]})
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


@photos.get("/uploads/<filename>")
def original(filename: str) -> Response:
    photo_id, _, extension = filename.rpartition(".")
    photo, stream = gallery().open_original(photo_id, extension)
    response = _stream_response(
        stream,
        mimetype=BY_EXTENSION[photo.extension].mimetype,
        download_name=photo.name,
        last_modified=datetime.fromisoformat(photo.uploaded),
        etag=photo.id,
    )
    # Nobody but its visitors keeps it, and they ask again: it may be removed.
    response.cache_control.private = True  # and `no-cache`, which is send_file's own choice
    # Even a photo that is also a script must not run as one, opened by itself.
    response.content_security_policy.default_src = "'none'"
    response.content_security_policy.sandbox = ""
    return response


@photos.get("/thumbnails/<photo_id>/<int:width>.webp")
def thumbnail(photo_id: str, width: int) -> Response:
    stream = gallery().open_thumbnail(photo_id, width)
    response = _stream_response(
        stream, mimetype="image/webp", etag=f"{photo_id}-{width}", max_age=ONE_YEAR_SECONDS
    )
    response.cache_control.immutable = True
    return response


@photos.delete("/api/photos/<photo_id>")
def remove_photo(photo_id: str) -> Response:
    gallery().remove_photo(photo_id, guest_id())
    return no_content()


def photo_json(photo: Photo) -> dict[str, object]:
    return {
        "id": photo.id,
        "name": photo.name,
        "url": f"/uploads/{photo.id}.{photo.extension}",
        "thumbnails": {width: f"/thumbnails/{photo.id}/{width}.webp" for width in WIDTHS},
        "width": photo.width,
        "height": photo.height,
        "bytes": photo.bytes,
        "taken": photo.taken,
        "uploaded": photo.uploaded,
        "placeholder": photo.placeholder,
        "animated": photo.animated,
        "by": {"id": photo.guest_id or None, "name": None},
        "visibility": photo.visibility,
    }


def _stream_response(stream: BinaryIO, **options: Any) -> Response:
    """A stored file, with Range and conditional requests; it never changes under its name."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    response = send_file(stream, conditional=False, **options)
    response.content_length = size
    response.accept_ranges = "bytes"
    wanted = request.range
    is_one_part = wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1
    try:
        # Several parts, or no bytes, may be answered with the whole (RFC 9110 14.2).
        length = size if is_one_part else None
        response.make_conditional(request, accept_ranges=is_one_part, complete_length=length)
    except RequestedRangeNotSatisfiable:
        stream.close()
        raise
    return response
