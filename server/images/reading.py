"""Whether it is a photo, and what is to be known of it."""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

import pillow_heif
from PIL import Image, UnidentifiedImageError

from .. import containers
from ..turns import Turns
from .metadata import is_turned, read_exif, time_taken
from .rendering import placeholder_of, render, thumbnail_of
from .troubles import BROKEN, DamagedPhoto, NotAPhoto, TooLongAnimation, TooManyPixels

THUMBNAIL_WIDTHS = (320, 640)
"""Made when a photo arrives."""
LARGE_THUMBNAIL_WIDTH = 2048
"""Made when it is first asked for."""
MAX_JPEG_SCANS = 100
"""Encoders write about 10; 600 in 176 KB cost 20 s of CPU."""
ANIMATION_FACTOR = 4
"""All frames of an animation together may have this many times the pixels of one photo."""
MIN_FRAME_PIXELS = 16_384
"""A smaller frame counts as this many: a frame has a cost of its own."""
DECODE_BYTES_PER_PIXEL = {
    "jpg": 1,  # decodes shrunk
    "progressive jpg": 8,  # libjpeg holds all coefficients, two bytes each
    "png": 8,
    "gif": 13,
    "webp": 16,
    "avif": 10,
    "heic": 8,
}
"""Measured with Pillow 13 at 98 megapixels, animated where that exists."""
MAX_DECODE_BYTES = 1_000_000_000
"""What one photo may need; WebP reaches it below `max_pixels`."""
LARGE_DECODE_BYTES = 200_000_000
"""Photos that may need more are decoded one at a time."""

EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "AVIF": "avif",
    "HEIF": "heic",
}

pillow_heif.register_heif_opener()
# Between n and 2n pixels Pillow only warns.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_FORMATS = [name for name in EXTENSIONS if name != "MPO"]  # Pillow finds it by way of JPEG


@dataclass(frozen=True)
class Picture:
    """What is to be known of a photo. Width and height as displayed; `taken` in ISO 8601 UTC
    (a camera that tells no zone is taken at its word); `placeholder` a data URI; `thumbnails`
    WebP files by width."""

    extension: str
    width: int
    height: int
    animated: bool
    taken: str | None
    placeholder: str
    thumbnails: dict[int, bytes]


class Images:
    """Decodes in turns, so that memory stays bounded however many photos arrive."""

    def __init__(self, max_pixels: int, max_jpeg_pixels: int, turns: Turns) -> None:
        self._max_pixels = max_pixels
        self._max_jpeg_pixels = max_jpeg_pixels
        self._turns = turns
        Image.MAX_IMAGE_PIXELS = max(max_pixels, max_jpeg_pixels)

    def read_photo(self, file: BinaryIO) -> Picture:
        """Decodes the whole photo, every frame. Raises NotAPhoto, DamagedPhoto, TooManyPixels,
        TooLongAnimation."""
        with self._opened(file) as image:
            exif = read_exif(image)
            width, height = image.size[::-1] if is_turned(exif) else image.size
            largest = render(image, exif, THUMBNAIL_WIDTHS[-1])
            return Picture(
                extension=EXTENSIONS[image.format or ""],
                width=width,
                height=height,
                animated=self._decode_frames(image),
                taken=time_taken(exif),
                placeholder=placeholder_of(largest),
                thumbnails={w: thumbnail_of(largest, w) for w in THUMBNAIL_WIDTHS},
            )

    def make_thumbnail(self, file: BinaryIO, width: int) -> bytes:
        """A WebP file of a photo that `read_photo` has read, never larger than the photo."""
        with self._opened(file) as image:
            return thumbnail_of(render(image, read_exif(image), width), width)

    @contextmanager
    def _opened(self, file: BinaryIO) -> Iterator[Image.Image]:
        with self._turns.wait(), self._opened_now(file) as image:
            is_large = self._check_header(image, file) > LARGE_DECODE_BYTES
        # A large photo waits for its like before it takes a place among the others.
        turn_of_large = self._turns.wait_for_large() if is_large else nullcontext()
        with turn_of_large, self._turns.wait(), self._opened_now(file) as image:
            yield image

    @contextmanager
    def _opened_now(self, file: BinaryIO) -> Iterator[Image.Image]:
        file.seek(0)
        try:
            with Image.open(file, formats=_FORMATS) as image:
                yield image
        except UnidentifiedImageError as error:
            raise (DamagedPhoto if containers.begins_as_photo(file) else NotAPhoto) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise TooManyPixels(self._max_pixels) from error
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the machine's trouble, not the photo's
            raise DamagedPhoto from error

    def _check_header(self, image: Image.Image, file: BinaryIO) -> int:
        """Refuses what would cost too much before anything is decoded; the bytes that decoding
        may need."""
        kind = EXTENSIONS[image.format or ""]
        if kind == "jpg":
            layout = containers.read_jpeg_layout(file)  # is complete, or raises
            if layout.scans > MAX_JPEG_SCANS:
                raise DamagedPhoto
            kind = "progressive jpg" if layout.progressive else kind
        else:
            containers.check_complete(file, kind)
        pixels = image.width * image.height
        if pixels > self._limit(kind):
            raise TooManyPixels(self._limit(kind))
        return pixels * DECODE_BYTES_PER_PIXEL[kind]

    def _limit(self, kind: str) -> int:
        max_pixels = self._max_jpeg_pixels if kind == "jpg" else self._max_pixels
        return min(max_pixels, MAX_DECODE_BYTES // DECODE_BYTES_PER_PIXEL[kind])

    def _decode_frames(self, image: Image.Image) -> bool:
        """Decodes what follows the first frame; whether there was any. The other pictures of an
        MPO or HEIC file are not frames of an animation."""
        if EXTENSIONS[image.format or ""] in ("jpg", "heic"):
            return False
        # A GIF's later frames may be larger than its screen.
        max_pixels = self._limit(EXTENSIONS[image.format or ""])
        frame_budget = ANIMATION_FACTOR * self._max_pixels
        for index in itertools.count(1):
            try:
                image.seek(index)
            except EOFError:
                return index > 1
            if image.width * image.height > max_pixels:
                raise TooManyPixels(max_pixels)
            frame_budget -= max(image.width * image.height, MIN_FRAME_PIXELS)
            if frame_budget < 0:
                raise TooLongAnimation
            image.load()
        raise AssertionError("count() does not end")
