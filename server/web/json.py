"""These functions describe photos, guests and changes in JSON."""

import json
from datetime import datetime

from ..catalog.feed import Changes
from ..catalog.guests import Guest
from ..catalog.lists import OutlinedPhoto, Page
from ..catalog.photos import Photo
from ..photos.closing import closed_sentence
from ..photos.files import WIDTHS


def page_json(page: Page[Photo] | Changes) -> dict[str, object]:
    """Describe a page of photos, or some changes, with all that is shown of each photo."""
    photos = [
        {
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
        for photo in page.photos
    ]
    closed = page.closed_at and closed_sentence(page.closed_at)
    return vars(page) | {"photos": photos, "closed": closed}


def changes_json(changes: Changes) -> dict[str, object]:
    return page_json(changes) | {"guests": [guest_json(guest) for guest in changes.guests]}


def changes_event(changes: Changes) -> bytes:
    """Encode changes as a Server-Sent Event, whose id is what `Last-Event-ID` resumes from."""
    data = json.dumps(changes_json(changes), ensure_ascii=False, separators=(",", ":"))
    return f"id: {changes.version}\ndata: {data}\n\n".encode()


def guest_json(guest: Guest) -> dict[str, object]:
    return {"id": guest.id, "name": guest.name or None}


def outline_json(outline: Page[OutlinedPhoto]) -> dict[str, object]:
    """Describe each photo as `[id, width / height, seconds since 1970]`: there may be very many."""
    photos = [
        (
            photo.id,
            round(photo.width / photo.height, 3),
            int(datetime.fromisoformat(photo.moment).timestamp()),
        )
        for photo in outline.photos
    ]
    return vars(outline) | {"photos": photos}
