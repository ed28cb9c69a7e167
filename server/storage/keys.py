"""Under which keys files are kept."""

import re

_PHOTO_ID = re.compile(r"[\da-f]{32}", re.ASCII)


def original_key(photo_id: str, extension: str) -> str:
    return f"originals/{photo_id[:2]}/{photo_id}.{extension}"


def thumbnail_key(photo_id: str, width: int) -> str:
    return f"thumbnails/{photo_id[:2]}/{photo_id}-{width}.webp"


def chunk_key(upload_id: str, number: int) -> str:
    return f"chunks/{upload_id[:2]}/{upload_id}-{number}"


def mark_key(name: str) -> str:
    return f"incoming/{name}"


def unknown_key(key: str) -> str:
    """For an original that no catalog row knows."""
    return f"unknown/{key.rpartition('/')[2]}"


def owner_id(key: str) -> str:
    """The id of the photo or the upload that the file belongs to."""
    return key.rpartition("/")[2][:32]


def is_photo_id(name: str) -> bool:
    return bool(_PHOTO_ID.fullmatch(name))
