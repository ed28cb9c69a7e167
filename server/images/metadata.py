"""What a photo says of itself: its kind, which side is up, when it was taken."""

from contextlib import suppress
from datetime import datetime

from PIL import ExifTags, Image

from ..moments import write_moment
from .troubles import BROKEN

KINDS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "AVIF": "avif",
    "HEIF": "heic",
}
"""By Pillow's names for them; a kind is called as its extension."""
FIRST_YEAR = 1826
"""Of the oldest photo there is; what a camera says of earlier ones is not a time."""


def kind_of(image: Image.Image) -> str:
    return KINDS[image.format or ""]


def read_exif(image: Image.Image) -> Image.Exif:
    try:
        exif = image.getexif()
        exif.get_ifd(ExifTags.IFD.Exif)
    except BROKEN:  # a photo with broken metadata is a photo
        return Image.Exif()
    return exif


def orientation_of(exif: Image.Exif) -> int:
    orientation = exif.get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else 1


def is_turned(exif: Image.Exif) -> bool:
    """Whether width and height change places for display."""
    return 5 <= orientation_of(exif) <= 8


def time_taken(exif: Image.Exif) -> str | None:
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    local = tags.get(ExifTags.Base.DateTimeOriginal)
    zone = tags.get(ExifTags.Base.OffsetTimeOriginal)
    for text in (f"{local}{zone}".replace("\0", ""), f"{local}+00:00".replace("\0", "")):
        with suppress(ValueError, OverflowError):
            moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S%z")
            return write_moment(moment) if moment.year >= FIRST_YEAR else None
    return None
