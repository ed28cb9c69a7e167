"""These routes send photos out (lists, originals, thumbnails, ZIPs), change and remove them."""

import gzip
import hashlib
import io
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from zlib import crc32

from flask import Blueprint, Response, jsonify, redirect, request, send_file
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import is_resource_modified

from .. import timestamps
from ..catalog import feed, lists
from ..catalog.feed import Changes
from ..catalog.lists import OutlinedPhoto, Page
from ..catalog.photos import Photo
from ..catalog.tables import EVERYONE, OWNER, Audience
from ..images.formats import BY_EXTENSION
from ..names import as_jpeg, with_extension
from ..photos.watchers import MAX_CHANGES
from ..refusals import BadRequest
from ..storage import Method
from .json import changes_json, outline_json, page_json
from .requests import (
    SELECTION_SECONDS,
    changing,
    dropwall,
    guest_or_network,
    ids_parameter,
    json_ids,
    json_word,
    photo_query,
    visitor,
    whole_number,
)

photos = Blueprint("photos", __name__)

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_OUTLINE = 50_000
VISIBILITIES = (EVERYONE, OWNER)
JSON_SHAPE = crc32(Path(__file__).with_name("json.py").read_bytes())
"""Checksum of the code that makes our JSON. An update that changes it makes browsers load lists
anew."""
LEAST_COMPRESSED_BYTES = 1_000
"""Size of a list that is compressed: a hundred photos are 70 kB of JSON, or 10 kB."""
ONE_YEAR_SECONDS = 365 * 24 * 60 * 60

Listed = TypeVar("Listed", Page[Photo], Page[OutlinedPhoto], Changes)


@photos.get("/api/photos")
def list_photos() -> Response:
    """Answer a page of the gallery; with `ids` those photos, with `since` the changes after that
    version."""
    database, viewer = dropwall().database, visitor()
    since = request.args.get("since", type=whole_number)
    if since is not None:
        read_changes = partial(feed.read_changes, database, since, MAX_CHANGES, viewer)
        return _answer_list(read_changes, changes_json)
    if request.args.get("ids"):
        ids = tuple(ids_parameter())
        limit, before, asked = len(ids), None, lists.PhotoQuery(ids=ids)
    else:
        limit = request.args.get("limit", DEFAULT_LIMIT, lambda it: whole_number(it, 1, MAX_LIMIT))
        before, asked = request.args.get("before", type=whole_number), photo_query()
    read_page = partial(lists.list_photos, database, limit, before, asked, viewer=viewer)
    return _answer_list(read_page, page_json)


@photos.get("/api/outline")
def outline() -> Response:
    """Answer each photo's proportions, so that a page can scroll to any of them."""
    database, viewer = dropwall().database, visitor()
    before, asked = request.args.get("before", type=whole_number), photo_query()

    def read_outline() -> Page[OutlinedPhoto]:
        return lists.list_photos(
            database, MAX_OUTLINE, before, asked, viewer=viewer, sizes_only=True
        )

    return _answer_list(read_outline, outline_json)


def _answer_list(read: Callable[[], Listed], to_json: Callable[[Listed], object]) -> Response:
    """Answer what `read` finds, or 304 if the visitor has it already: that is decided by the last
    version that they may know of, with one query, before any row is read."""
    # Of all that the answer depends on: what the visitor sees, what is asked for, and our code.
    asked = repr((JSON_SHAPE, visitor(), request.full_path)).encode()
    tag = hashlib.sha256(asked).hexdigest()[:32]
    known = feed.find_known_version(dropwall().database, visitor()) if request.if_none_match else 0
    if request.if_none_match.contains_weak(f"{tag}-{known}"):
        response, version = Response(status=304, mimetype="application/json"), known
        is_confidential = dropwall().settings.mode == "own"
    else:
        found = read()
        response, version = jsonify(to_json(found)), found.version
        is_confidential = _is_confidential(*found.photos)
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] and len(response.data) > LEAST_COMPRESSED_BYTES:
        response.set_data(gzip.compress(response.data, 5))
        response.content_encoding = "gzip"
    response.set_etag(f"{tag}-{version}", weak=True)  # the same, compressed or not
    response.cache_control.private = True
    response.cache_control.no_cache = True
    response.cache_control.no_store = is_confidential
    response.make_conditional(request)  # whatever else it asks
    return response


@photos.get("/uploads/<filename>")
def original(filename: str) -> ResponseReturnValue:
    """Send an original with headers that keep it harmless; with `as=jpeg` send it as a JPEG, if it
    is none already. An original that is saved, not shown, is sent by the storage if that has an
    address of its own."""
    photo_id, _, extension = filename.rpartition(".")
    if request.args.get("as", "jpeg") != "jpeg":
        raise BadRequest
    gallery, sent_as = dropwall().gallery, "jpg" if "as" in request.args else extension
    method: Method = "HEAD" if request.method == "HEAD" else "GET"
    if sent_as != extension:
        photo, stream = gallery.open_as_jpeg(photo_id, extension, visitor(), guest_or_network())
        name, etag = as_jpeg(photo.name), f"{photo_id}-jpeg"
    elif _is_saved() and (link := gallery.link_original(photo_id, extension, visitor(), method)):
        return redirect(link)  # which no cache may store (`add_headers`)
    else:
        photo, stream = gallery.open_original(photo_id, extension, visitor())
        name, etag = with_extension(photo.name, extension), photo_id
    response = _stream_response(
        stream,
        mimetype=BY_EXTENSION[sent_as].mimetype,
        as_attachment="download" in request.args,
        download_name=name,
        last_modified=datetime.fromisoformat(photo.uploaded),
        etag=etag,
    )
    # Only browsers cache it, and they ask each time: it may have been removed.
    response.cache_control.private = True  # and `no-cache`, which is send_file's own choice
    response.cache_control.no_store = _is_confidential(photo)
    return response


@photos.get("/thumbnails/<photo_id>/<int:width>.webp")
def thumbnail(photo_id: str, width: int) -> Response:
    photo, stream = dropwall().gallery.open_thumbnail(
        photo_id, width, visitor(), guest_or_network()
    )
    response = _stream_response(
        stream, mimetype="image/webp", etag=f"{photo_id}-{width}", max_age=ONE_YEAR_SECONDS
    )
    if _is_confidential(photo):
        response.cache_control.max_age = None
        response.cache_control.no_store = True
    else:
        response.cache_control.immutable = True
    # Only browsers cache it: a shared cache would go on showing a photo that was removed.
    response.cache_control.public = False
    response.cache_control.private = True
    return response


@photos.get("/photos.zip")
def download_photos() -> Response:
    """Send all photos, or those that the query selects, as one ZIP."""
    response = Response(mimetype="application/zip")
    filename = f"{dropwall().settings.shown_title} {timestamps.now()[:10]}.zip"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    with ExitStack() as opened:
        file = opened.enter_context(dropwall().archives.open(photo_query(), visitor()))
        response.set_etag(file.etag)
        _answer_range(response, file.bytes)
        if request.method == "GET" and response.status_code in (200, 206):
            asked = response.content_range
            blocks = opened.enter_context(
                closing(file.blocks(asked.start or 0, asked.stop or file.bytes))
            )
            # The first block is read while an error can still be answered.
            response.response = chain([next(blocks)], blocks)
        response.call_on_close(opened.pop_all().close)
    return response


@photos.post("/api/selections")
def keep_selection() -> ResponseReturnValue:
    """Store the selection `{"ids": […]}`, of more photos than an address can name, for a ZIP."""
    photo_ids, forgotten = json_ids(), timestamps.now(seconds_ago=SELECTION_SECONDS)
    with changing():
        kept = lists.keep_selection(
            dropwall().database, photo_ids, timestamps.now(), forgotten, visitor()
        )
    return jsonify(id=kept), 201, {"Location": f"/photos.zip?selection={kept}"}


@photos.delete("/api/photos/<photo_id>")
def remove_photo(photo_id: str) -> ResponseReturnValue:
    with changing():
        dropwall().gallery.remove_photo(photo_id, visitor())
    return "", 204


@photos.post("/api/photos/<photo_id>/restore")
def restore_photo(photo_id: str) -> ResponseReturnValue:
    """Undo a removal, while that is possible."""
    with changing():
        dropwall().gallery.restore_photo(photo_id, visitor())
    return "", 204


@photos.post("/api/photos/restore")
def restore_photos() -> ResponseReturnValue:
    """Undo the removal of many photos: `{"ids": […]}`. It ends even if the page is closed."""
    photo_ids = json_ids()
    with changing():
        dropwall().gallery.restore_photos(photo_ids, visitor())
    return "", 204


@photos.patch("/api/photos/<photo_id>")
def change_photo(photo_id: str) -> ResponseReturnValue:
    """Change who sees a photo: `{"visibility": "owner"}` or `"everyone"`."""
    visibility = json_word("visibility", VISIBILITIES)
    with changing():
        dropwall().gallery.set_visibility(photo_id, visibility, visitor())
    return "", 204


def _is_saved() -> bool:
    """Whether the file will be saved, not shown. The page says so by `?download`, and clients that
    are not browsers always save. Browsers send Sec-Fetch-Dest, except over plain http, and all call
    themselves Mozilla."""
    if "download" in request.args:
        return True
    is_browser = "Sec-Fetch-Dest" in request.headers or "Mozilla/" in request.user_agent.string
    return not is_browser


def _is_confidential(*found: Photo | OutlinedPhoto) -> bool:
    """Whether some visitors of the gallery may not see one of these. No cache may store them."""
    return dropwall().settings.mode == "own" or any(it.audience < Audience.EVERYONE for it in found)


def _stream_response(stream: BinaryIO, **options: Any) -> Response:
    """Send a stored file, which never changes under its name, with ranges and conditions."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    response = send_file(stream, conditional=False, **options)
    try:
        _answer_range(response, size)
    except RequestedRangeNotSatisfiable:
        stream.close()
        raise
    return response


def _answer_range(response: Response, size: int) -> None:
    """Answer with the part of a file that is asked for, or that it has not changed. `size` is the
    file's, in bytes. Raises RequestedRangeNotSatisfiable.

    Werkzeug looks at the range before the conditions, which come first (RFC 9110 13.2.2), knows no
    If-Unmodified-Since, and refuses to send the last N bytes of a file that has fewer."""
    response.content_length = size
    response.accept_ranges = "bytes"
    etag, _ = response.get_etag()
    since, modified = request.if_unmodified_since, response.last_modified
    if request.if_match:
        is_expected = request.if_match.star_tag or request.if_match.is_strong(etag or "")
    else:
        is_expected = since is None or modified is None or modified <= since
    if not is_expected:
        response.status_code = PreconditionFailed.code  # answered as every refusal (`errors`)
        return
    environ = {key: value for key, value in request.environ.items() if key != "HTTP_IF_MATCH"}
    wanted, length = request.range, None
    is_changed = is_resource_modified(environ, response.headers["ETag"], last_modified=modified)
    # Several parts, or no bytes, may be answered with the whole (RFC 9110 14.2).
    if is_changed and wanted and wanted.units == "bytes" and len(wanted.ranges) == 1:
        length = size
        if wanted.ranges[0][0] < -size:
            environ["HTTP_RANGE"] = "bytes=0-"
    response.make_conditional(environ, accept_ranges=bool(length), complete_length=length)
