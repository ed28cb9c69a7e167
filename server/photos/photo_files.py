"""The files of a photo: its original, and its thumbnails."""

import zlib
from collections.abc import Iterable
from typing import BinaryIO

from ..images.reading import THUMBNAIL_WIDTHS
from ..storage.keys import original_key, thumbnail_key

LARGE_THUMBNAIL_WIDTH = 2048
"""Made when it is first asked for."""
BLOCK_BYTES = 256 * 1024
WIDTHS = (*THUMBNAIL_WIDTHS, LARGE_THUMBNAIL_WIDTH)


def photo_keys(photo_id: str, extensions: Iterable[str]) -> list[str]:
    """Of all files that a photo of one of these extensions may have."""
    originals = [original_key(photo_id, extension) for extension in extensions]
    return originals + [thumbnail_key(photo_id, width) for width in WIDTHS]


def crc32_of(file: BinaryIO) -> int:
    """Of all that is still to be read of it."""
    crc32 = 0
    while block := file.read(BLOCK_BYTES):
        crc32 = zlib.crc32(block, crc32)
    return crc32
