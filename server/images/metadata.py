"""Reads a photo's Exif: which side is up, and when it was taken."""

import re
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from PIL import ExifTags, Image

LIBRARY_ERRORS = (
    *(OSError, ValueError, SyntaxError, RuntimeError, EOFError, struct.error),
    *(KeyError, IndexError, TypeError, AttributeError, OverflowError),
)
"""What Pillow and its plugins were seen to raise for broken files."""
SHORT = 3
"""A type of TIFF 6.0, section 2: 16 bits, unsigned."""
FIRST_YEAR = 1990
"""No camera wrote Exif before; earlier times come from clocks that were never set."""
_TIME_TAGS = (  # in order of preference
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.DateTimeDigitized,
    ExifTags.Base.DateTime,
)
_TIME = re.compile(  # editors also write dashes, a T, fractions of a second and a zone
    r"\s*(\d{4})[:/.-]\s*(\d\d?)[:/.-]\s*(\d\d?)[T\s]\s*(\d\d?):\s*(\d\d?)(?::\s*(\d\d?))?",
    re.ASCII,
)


def read_exif(image: Image.Image) -> Image.Exif:
    """Exif alone: Pillow's `getexif` would also look into XMP and ImageMagick's text, as no browser
    does. Broken Exif reads as none."""
    exif = Image.Exif()
    with suppress(*LIBRARY_ERRORS):
        exif.load(image.info.get("exif", b""))
    return exif


def orientation_of(exif: bytes) -> int:
    """The orientation, 1 to 8, from Exif's first directory. As in browsers it counts only as one
    SHORT, a type that Pillow does not tell."""
    exif = exif.removeprefix(b"Exif\0\0")
    with suppress(struct.error, KeyError):  # it ends too early, or is no Exif
        order = {b"II*\0": "<", b"MM\0*": ">"}[exif[:4]]
        at = struct.unpack_from(order + "I", exif, 4)[0]
        for entry in range(struct.unpack_from(order + "H", exif, at)[0]):
            *tag, value = struct.unpack_from(order + "HHIH", exif, at + 2 + 12 * entry)
            if tag == [ExifTags.Base.Orientation, SHORT, 1]:
                return int(value)
    return 1


def is_turned(orientation: int) -> bool:
    """Whether width and height change places for display."""
    return 5 <= orientation <= 8


def time_taken(exif: Image.Exif) -> str | None:
    """The local time of the camera's clock, such as `2026-07-04T18:30:00`. A zone is dropped, not
    applied: at an event everybody's clock shows the same time."""
    latest = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)  # zones are 14 h ahead
    details: dict[int, object] = {}
    with suppress(*LIBRARY_ERRORS):
        details = exif.get_ifd(ExifTags.IFD.Exif)
    for tag in _TIME_TAGS:
        value = details.get(tag) or exif.get(tag)
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if found := _TIME.match(text):
            with suppress(ValueError):
                moment = datetime.strptime(" ".join(found.groups("0")), "%Y %m %d %H %M %S")
                if moment.year >= FIRST_YEAR and moment <= latest:
                    return moment.isoformat()
    return None
