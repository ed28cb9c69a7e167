"""The photo formats that Dropwall accepts, and which of them a file has.

A further format needs: a line in FORMATS, its first bytes in `_SIGNATURES`, and a parser in a
module of its own beside `jpeg`, `png`, `gif`, `webp` and `heif`; what decoding costs in `bounds`;
the library that opens it in `reading._open`; and a look at `location`: a location that the format
compresses or splits is not found without code of its own. Tests follow from `photo_bytes` in
tests/support/photos.py, test_containers.PHOTOS and bad_photos.DAMAGED.
"""

import mmap
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from ..refusals import BrokenContainer, NotAPhoto
from .containers import Container, mapped
from .gif import parse_gif
from .heif import parse_heif
from .jpeg import parse_jpeg
from .png import parse_png
from .webp import parse_webp


@dataclass(frozen=True)
class Format:
    """`name` is how people call it; `spellings` are its extensions, the true one first."""

    name: str
    mimetype: str
    spellings: tuple[str, ...]

    @property
    def extension(self) -> str:
        return self.spellings[0]


FORMATS = (
    Format("JPEG", "image/jpeg", ("jpg", "jpeg", "jpe", "jfif", "mpo")),
    Format("PNG", "image/png", ("png", "apng")),
    Format("GIF", "image/gif", ("gif",)),
    Format("WebP", "image/webp", ("webp",)),
    Format("AVIF", "image/avif", ("avif",)),
    Format("HEIC", "image/heic", ("heic", "heif", "hif")),
)
BY_EXTENSION = {spelling: kind for kind in FORMATS for spelling in kind.spellings}

_SIGNATURES = re.compile(
    rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF....WEBP)"
    rb"|(?P<heif>....ftyp)",
    re.DOTALL,
)
_PARSERS: dict[str, Callable[[mmap.mmap], Container]] = {
    "jpeg": parse_jpeg,
    "png": parse_png,
    "gif": parse_gif,
    "webp": parse_webp,
    "heif": parse_heif,  # AVIF and HEIC
}


def parse_container(file: BinaryIO) -> Container:
    """The structure of a photo, whose end anything may follow. Raises NotAPhoto; BrokenContainer if
    the file ends too early, contradicts itself or has more blocks than any photo."""
    with mapped(file) as data:
        signature = _SIGNATURES.match(data)
        if not signature or not signature.lastgroup:
            raise NotAPhoto
        try:
            return _PARSERS[signature.lastgroup](data)
        except IndexError:  # of a byte behind the end
            raise BrokenContainer("A block ends behind the file.") from None
