"""Whether it is a photo, and what is to be known of it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import pillow_heif
from PIL import Image, UnidentifiedImageError

from ..containers import UnknownFormat, survey
from ..location import erase_location
from .bounds import MIN_FRAME_PIXELS, Bounds
from .decoding import decode
from .metadata import KINDS, is_turned, kind_of, read_exif, time_taken
from .rendering import encode, placeholder_of, render, thumbnail_of
from .slots import Slots
from .troubles import BROKEN, DamagedPhoto, NotAPhoto, TooLongAnimation, TooManyPixels

THUMBNAIL_WIDTHS = (320, 640)
"""Made when a photo arrives."""

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None  # the bounds are stricter, and come first

_FORMATS = [name for name in KINDS if name != "MPO"]  # Pillow finds it by way of JPEG


@dataclass(frozen=True)
class Picture:
    """What is to be known of a photo. Width and height as displayed; `taken` as
    `time_taken` has it; `placeholder` a data URI; `thumbnails` WebP files by width."""

    extension: str
    width: int
    height: int
    animated: bool
    taken: str | None
    placeholder: str
    thumbnails: dict[int, bytes]


class Images:
    """Decodes photos in processes of their own (`decoding`), so many at once as there are slots."""

    def __init__(self, max_pixels: int, max_jpeg_pixels: int, slots: Slots) -> None:
        self._bounds = Bounds(max_pixels, max_jpeg_pixels)
        self._slots = slots

    def read_photo(
        self,
        file: BinaryIO,
        keep_location: bool = True,
        visitor: str = "",
        has_left: Callable[[], bool] = lambda: False,
    ) -> Picture:
        """Decodes the whole photo, every frame; without `keep_location` its place is erased from
        the file, which is open for update then. Raises NotAPhoto, DamagedPhoto, BrokenContainer,
        TooManyPixels, TooLongAnimation, TooMuchToDecode, VisitorLeft."""
        try:
            photo = survey(file)
        except UnknownFormat as error:
            raise NotAPhoto from error
        cost = self._bounds.check(photo, THUMBNAIL_WIDTHS[-1])
        with self._slots.hold(visitor, cost, has_left):
            picture: Picture = decode(
                decode_photo, file, cost.memory_bytes, self._bounds, keep_location
            )
        return picture

    def make_thumbnail(self, file: BinaryIO, width: int, visitor: str = "") -> bytes:
        """A WebP file of a photo that `read_photo` has read, never larger than the photo."""
        cost = self._bounds.check(survey(file), width)
        with self._slots.hold(visitor, cost):
            content: bytes = decode(decode_thumbnail, file, cost.memory_bytes, width)
        return content


def decode_photo(file: BinaryIO, bounds: Bounds, keep_location: bool) -> Picture:
    """In a decoder: what `Images.read_photo` returns, or raises."""
    with _opened(file) as image:
        kind = kind_of(image)
        if image.width * image.height > max(bounds.max_pixels, bounds.max_jpeg_pixels):
            raise TooManyPixels(bounds.max_pixels)  # a GIF's first frame is larger than its screen
        exif = read_exif(image)
        width, height = image.size[::-1] if is_turned(exif) else image.size
        largest = render(image, exif, THUMBNAIL_WIDTHS[-1])
        picture = Picture(
            extension=kind,
            width=width,
            height=height,
            animated=_decode_frames(image, bounds),
            taken=time_taken(exif),
            placeholder=placeholder_of(largest),
            thumbnails={w: thumbnail_of(largest, w) for w in THUMBNAIL_WIDTHS},
        )
    if not keep_location:
        erase_location(file, kind)
    return picture


def decode_thumbnail(file: BinaryIO, width: int) -> bytes:
    """In a decoder: what `Images.make_thumbnail` returns, or raises."""
    with _opened(file) as image:
        return encode(render(image, read_exif(image), width))


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Image.Image]:
    file.seek(0)
    try:
        with Image.open(file, formats=_FORMATS) as image:
            yield image
    except UnidentifiedImageError as error:
        raise DamagedPhoto from error
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the machine's trouble, not the photo's
        if not _is_librarys(error):
            raise
        raise DamagedPhoto from error


def _is_librarys(error: BaseException) -> bool:
    """Whether a library says so of the file; else it is a mistake of ours."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    raised_in = trace.tb_frame.f_globals.get("__name__", "") if trace else ""
    return not raised_in.startswith(__name__.partition(".")[0] + ".")


def _decode_frames(image: Image.Image, bounds: Bounds) -> bool:
    """Decodes what follows the first frame; whether there was any. The other pictures of an MPO or
    HEIC file are not frames of an animation."""
    if kind_of(image) in ("jpg", "heic"):
        return False
    frame_budget = bounds.animation_pixels
    for index in itertools.count(1):
        try:
            image.seek(index)
        except EOFError:
            return index > 1
        # A GIF's later frames may be larger than its screen.
        if image.width * image.height > bounds.max_pixels:
            raise TooManyPixels(bounds.max_pixels)
        frame_budget -= max(image.width * image.height, MIN_FRAME_PIXELS)
        if frame_budget < 0:
            raise TooLongAnimation
        image.load()
    raise AssertionError("count() does not end")
