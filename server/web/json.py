"""Photos, guests and changes as JSON."""

import json
from datetime import datetime

from ..catalog.feed import Changes
from ..catalog.guests import Guest
from ..catalog.lists import OutlinedPhoto, Page
from ..catalog.photos import Photo
from ..photos.files import WIDTHS


def page_json(page: Page[Photo]) -> dict[str, object]:
    return vars(page) | {"photos": [photo_json(photo) for photo in page.photos]}


def changes_json(changes: Changes) -> dict[str, object]:
    return vars(changes) | {
        "photos": [photo_json(photo) for photo in changes.photos],
        "guests": [guest_json(guest) for guest in changes.guests],
    }


def changes_event(changes: Changes) -> bytes:
    """As Server-Sent Events have it; its id is what `Last-Event-ID` resumes from."""
    data = json.dumps(changes_json(changes), ensure_ascii=False, separators=(",", ":"))
    return f"id: {changes.version}\ndata: {data}\n\n".encode()


def outline_json(outline: Page[OutlinedPhoto]) -> dict[str, object]:
    """Each photo as `[id, width to height, seconds since 1970]`: short, for there may be many."""
    return vars(outline) | {"photos": [_outlined_json(photo) for photo in outline.photos]}


def _outlined_json(photo: OutlinedPhoto) -> tuple[str, float, int]:
    moment = int(datetime.fromisoformat(photo.moment).timestamp())
    return photo.id, round(photo.width / photo.height, 3), moment


def guest_json(guest: Guest) -> dict[str, object]:
    return {"id": guest.id, "name": guest.name or None}


def photo_json(photo: Photo) -> dict[str, object]:
    return {
        "id": photo.id,
        "name": photo.name,
        "url": f"/uploads/{photo.stored_name}",
        "thumbnails": {width: f"/thumbnails/{photo.id}/{width}.webp" for width in WIDTHS},
        "width": photo.width,
        "height": photo.height,
        "bytes": photo.bytes,
        "taken": photo.taken,
        "uploaded": photo.uploaded,
        "placeholder": photo.placeholder,
        "animated": photo.animated,
        "by": {"id": photo.guest_id or None, "name": photo.sender or None},
        "visibility": photo.visibility,
        "standing": photo.standing,
        "version": photo.version,
    }
