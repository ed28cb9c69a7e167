"""Finds a photo's format by its first bytes, and parses its container without decoding it."""

import mmap
import re
from collections.abc import Callable
from typing import BinaryIO

from ..refusals import BrokenContainer, NotAPhoto
from .containers import Container, mapped
from .gif import parse_gif
from .heif import parse_heif
from .jpeg import parse_jpeg
from .png import parse_png
from .webp import parse_webp

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
