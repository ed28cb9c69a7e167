"""Photos that go out: the lists, the originals, the thumbnails."""

import hashlib
import io
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from zlib import crc32

from flask import Blueprint, Response, jsonify, redirect, request, send_file
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import is_resource_modified

from ..catalog import feed, lists
from ..catalog.feed import Changes
from ..catalog.lists import OutlinedPhoto, Page
from ..catalog.photos import Photo
from ..catalog.viewer import EVERYONE, OWNER, Audience
from ..images.formats import BY_EXTENSION
from ..photos.watchers import MAX_CHANGES
from ..storage import Method
from . import dropwall, no_content
from .json import changes_json, outline_json, page_json
from .requests import (
    MAX_VERSION,
    changing,
    ids_parameter,
    json_ids,
    json_word,
    limit_key,
    number_parameter,
    selection,
    visitor,
)

photos = Blueprint("photos", __name__)

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_OUTLINE = 50_000
VISIBILITIES = (EVERYONE, OWNER)
JSON_SHAPE = crc32(Path(__file__).with_name("json.py").read_bytes())
"""Another one after an update that changes the lists, which browsers then load again."""
ONE_YEAR_SECONDS = 365 * 24 * 60 * 60

Listed = TypeVar("Listed", Page[Photo], Page[OutlinedPhoto], Changes)


@photos.get("/api/photos")
def list_photos() -> Response:
    """A page of the gallery, or with `ids` those photos, or with `since` what has changed after
    that version."""
    database, viewer = dropwall().database, visitor()
    since = number_parameter("since", None, 0, MAX_VERSION)
    if since is not None:
        read_changes = partial(feed.read_changes, database, since, MAX_CHANGES, viewer)
        return _answer_list(read_changes, changes_json)
    if request.args.get("ids"):
        ids = tuple(ids_parameter())
        named = lists.Selection(ids=ids)
        return _answer_list(
            partial(lists.list_photos, database, len(ids), None, named, viewer), page_json
        )
    limit = number_parameter("limit", DEFAULT_LIMIT, 1, MAX_LIMIT) or DEFAULT_LIMIT
    before = number_parameter("before", None, 0, MAX_VERSION)
    read_page = partial(lists.list_photos, database, limit, before, selection(), viewer)
    return _answer_list(read_page, page_json)


@photos.get("/api/outline")
def outline() -> Response:
    """How much room each photo of the gallery takes, so that a page can scroll to any of them."""
    before = number_parameter("before", None, 0, MAX_VERSION)
    read_outline = partial(
        lists.outline, dropwall().database, MAX_OUTLINE, before, selection(), visitor()
    )
    return _answer_list(read_outline, outline_json)


def _answer_list(read: Callable[[], Listed], to_json: Callable[[Listed], object]) -> Response:
    """What `read` finds, or 304 where the visitor has it. The version of the last change that they
    may know of decides that, by one query, before any row is read."""
    has_it = bool(request.if_none_match) and request.if_none_match.contains_weak(
        etag := _list_etag(feed.find_known_version(dropwall().database, visitor()))
    )
    if has_it:
        response = Response(status=304)
        is_confidential = dropwall().settings.mode == "own"
    else:
        found = read()
        response, etag = jsonify(to_json(found)), _list_etag(found.version)
        is_confidential = any(map(_is_confidential, found.photos))
    response.set_etag(etag)
    response.cache_control.private = True
    response.cache_control.no_cache = True
    response.cache_control.no_store = is_confidential
    response.make_conditional(request)  # whatever else it asks
    return response


def _list_etag(version: int) -> str:
    """Names the answer to this request as of a version of the gallery, of all that it may depend
    on: what its visitor sees, what is asked for, and the shape of our JSON."""
    answer = (JSON_SHAPE, visitor(), request.full_path, version)
    return hashlib.sha256(repr(answer).encode()).hexdigest()[:32]


@photos.get("/uploads/<filename>")
def original(filename: str) -> ResponseReturnValue:
    """Who shows it gets it from us, with the headers that keep it harmless; who saves it, from the
    storage where that has an address of its own."""
    photo_id, _, extension = filename.rpartition(".")
    method: Method = "HEAD" if request.method == "HEAD" else "GET"
    if _is_saved() and (
        link := dropwall().gallery.link_original(photo_id, extension, visitor(), method)
    ):
        return redirect(link)  # kept by nobody, as all that says nothing of it
    photo, stream = dropwall().gallery.open_original(photo_id, extension, visitor())
    response = _stream_response(
        stream,
        mimetype=BY_EXTENSION[photo.extension].mimetype,
        as_attachment="download" in request.args,
        download_name=photo.file_name,
        last_modified=datetime.fromisoformat(photo.uploaded),
        etag=photo.id,
    )
    # Nobody but its visitors keeps it, and they ask again: it may be removed.
    response.cache_control.private = True  # and `no-cache`, which is send_file's own choice
    response.cache_control.no_store = _is_confidential(photo)
    return response


@photos.get("/thumbnails/<photo_id>/<int:width>.webp")
def thumbnail(photo_id: str, width: int) -> Response:
    photo, stream = dropwall().gallery.open_thumbnail(photo_id, width, visitor(), limit_key())
    response = _stream_response(
        stream, mimetype="image/webp", etag=f"{photo_id}-{width}", max_age=ONE_YEAR_SECONDS
    )
    if _is_confidential(photo):
        response.cache_control.max_age = None
        response.cache_control.no_store = True
    else:
        response.cache_control.immutable = True
    # In browsers only: what keeps it for others would go on showing a photo that was removed.
    response.cache_control.public = False
    response.cache_control.private = True
    return response


@photos.delete("/api/photos/<photo_id>")
def remove_photo(photo_id: str) -> Response:
    with changing():
        dropwall().gallery.remove_photo(photo_id, visitor())
    return no_content()


@photos.post("/api/photos/<photo_id>/restore")
def restore_photo(photo_id: str) -> Response:
    """Undo a removal, for a little while."""
    with changing():
        dropwall().gallery.restore_photo(photo_id, visitor())
    return no_content()


@photos.post("/api/photos/restore")
def restore_photos() -> Response:
    """`{"ids": […]}`: as `restore_photo`, of many. It goes on when the page that asks is closed."""
    photo_ids = json_ids()
    with changing():
        dropwall().gallery.restore_photos(photo_ids, visitor())
    return no_content()


@photos.patch("/api/photos/<photo_id>")
def change_photo(photo_id: str) -> Response:
    """`{"visibility": "owner"}` or `"everyone"`."""
    visibility = json_word("visibility", VISIBILITIES)
    with changing():
        dropwall().gallery.set_visibility(photo_id, visibility, visitor())
    return no_content()


def _is_saved() -> bool:
    """Whether the page has said so by `?download`, or it is no browser that asks. Browsers say what
    they load things for, except over plain http, and all of them call themselves Mozilla."""
    if "download" in request.args:
        return True
    is_browser = "Sec-Fetch-Dest" in request.headers or "Mozilla/" in request.user_agent.string
    return not is_browser


def _is_confidential(photo: Photo | OutlinedPhoto) -> bool:
    """Whether not everybody who may come to this gallery sees it: it is kept by no cache."""
    return photo.audience < Audience.EVERYONE or dropwall().settings.mode == "own"


def _stream_response(stream: BinaryIO, **options: Any) -> Response:
    """A stored file, with Range and conditional requests; it never changes under its name."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    response = send_file(stream, conditional=False, **options)
    try:
        answer_range(response, size)
    except RequestedRangeNotSatisfiable:
        stream.close()
        raise
    return response


def answer_range(response: Response, size: int) -> None:
    """What was asked of a file of that size: all of it, a part, or whether it is still the same.
    Raises RequestedRangeNotSatisfiable.

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
