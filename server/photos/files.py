"""The files that the gallery keeps: their keys in the storage, and the checksum of an original."""

import re
import zlib
from collections.abc import Iterable
from typing import BinaryIO

from ..images.formats import FORMATS
from ..images.pictures import THUMBNAIL_WIDTHS

LARGE_THUMBNAIL_WIDTH = 2048
"""Width in pixels of the thumbnail that is rendered when it is first asked for."""
WIDTHS = (*THUMBNAIL_WIDTHS, LARGE_THUMBNAIL_WIDTH)
EXTENSIONS = tuple(kind.extension for kind in FORMATS)
"""The true extensions, one for each format: an original has one of them."""
BLOCK_BYTES = 256 * 1024

_PHOTO_ID = re.compile(r"[\da-f]{32}", re.ASCII)


def original_key(photo_id: str, extension: str) -> str:
    return f"originals/{photo_id[:2]}/{photo_id}.{extension}"


def thumbnail_key(photo_id: str, width: int) -> str:
    return f"thumbnails/{photo_id[:2]}/{photo_id}-{width}.webp"


def jpeg_key(photo_id: str) -> str:
    """The key of a photo of another format as a JPEG. Like a thumbnail it can be made again."""
    return f"thumbnails/{photo_id[:2]}/{photo_id}-full.jpg"


def photo_keys(photo_id: str, extensions: Iterable[str] = EXTENSIONS) -> list[str]:
    """Return the keys of all files that a photo with one of these extensions may have."""
    originals = [original_key(photo_id, extension) for extension in extensions]
    thumbnails = [thumbnail_key(photo_id, width) for width in WIDTHS]
    return [*originals, *thumbnails, jpeg_key(photo_id)]


def chunk_key(upload_id: str, number: int) -> str:
    return f"chunks/{upload_id[:2]}/{upload_id}-{number}"


def unknown_key(key: str) -> str:
    """The key to which `Sweep` moves an original that no row of the catalog knows."""
    return f"unknown/{key.rpartition('/')[2]}"


def owner_id(key: str) -> str:
    """Return the id of the photo or the upload that a file belongs to."""
    return key.rpartition("/")[2][:32]


def is_photo_id(name: str) -> bool:
    return bool(_PHOTO_ID.fullmatch(name))


def crc32_of(file: BinaryIO) -> int:
    """Compute the CRC-32 of everything from the file's position to its end."""
    crc32 = 0
    while block := file.read(BLOCK_BYTES):
        crc32 = zlib.crc32(block, crc32)
    return crc32
