"""What a photo says of itself: which side is up, when it was taken."""

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
SHORT = 3  # among the types of TIFF 6.0, section 2
FIRST_YEAR = 1990
"""No camera wrote EXIF before; earlier times are those of clocks that nobody has set."""
_TIMES = (  # from the first that is one
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.DateTimeDigitized,
    ExifTags.Base.DateTime,
)
_TIME = re.compile(  # editors write dashes, a T, fractions of a second and a zone, too
    r"\s*(\d{4})[:/.-]\s*(\d\d?)[:/.-]\s*(\d\d?)[T\s]\s*(\d\d?):\s*(\d\d?)(?::\s*(\d\d?))?",
    re.ASCII,
)


def read_exif(image: Image.Image) -> Image.Exif:
    """EXIF alone: `getexif` would look into XMP and ImageMagick's text, too, as no browser does."""
    exif = Image.Exif()
    with suppress(*LIBRARY_ERRORS):  # a photo with broken metadata is a photo
        exif.load(image.info.get("exif", b""))
    return exif


def orientation_of(exif: bytes) -> int:
    """What EXIF's first directory says of it as one SHORT; browsers ignore it as anything else,
    which Pillow does not tell."""
    exif = exif.removeprefix(b"Exif\0\0")
    with suppress(struct.error, KeyError):  # it ends too early, or is no EXIF
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
    """The time on the wall where it was taken, such as `2026-07-04T18:30:00`. A zone is dropped,
    not applied: at an event everybody's clock shows the same time."""
    latest = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)  # zones are 14 h ahead
    details: dict[int, object] = {}
    with suppress(*LIBRARY_ERRORS):
        details = exif.get_ifd(ExifTags.IFD.Exif)
    for tag in _TIMES:
        value = details.get(tag) or exif.get(tag)
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if found := _TIME.match(text):
            with suppress(ValueError):
                moment = datetime.strptime(" ".join(found.groups("0")), "%Y %m %d %H %M %S")
                if moment.year >= FIRST_YEAR and moment <= latest:
                    return moment.isoformat()
    return None
