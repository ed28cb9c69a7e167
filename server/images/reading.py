"""Reads a photo: parses its container, estimates what decoding it costs, waits for a slot, and has
a decoder process make the picture. Until then no library opens the file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..config import machine_bytes
from ..refusals import DamagedPhoto, TooLongAnimation, TooManyPixels, TooMuchToDecode
from .containers import parse_container
from .decoding import decode
from .formats import BY_EXTENSION, Container
from .pictures import (
    ANIMATION_FACTOR,
    MIN_FRAME_PIXELS,
    THUMBNAIL_WIDTHS,
    Picture,
    decode_as_jpeg,
    decode_photo,
    decode_thumbnail,
)
from .slots import Cost, Slots

MAX_JPEG_SCANS = 100
"""Scans of a JPEG. Encoders write about 10; 600 in 176 KB cost 20 s of CPU."""
MAX_SCAN_PIXELS = 2_000_000_000
"""Scans times pixels: 25 megapixels with 100 refining scans, in 4.5 kB, took 1.6 s."""
FIXED_BYTES = 16_000_000
"""Memory for any photo, however small: tables, thumbnails, conversions strip by strip."""
COPIES = 3
"""Copies of a file in memory, where its library reads all of it at once."""
DEEP_BYTES_PER_PIXEL = 17
"""Memory for a HEIC or AVIF of more than 8 bits a channel, or with transparency."""
MACHINE_SHARE = 0.75
"""Share of the machine's memory that one photo may need."""


class Images:
    """Reads photos, as many at once as there are slots."""

    def __init__(self, max_pixels: int, max_jpeg_pixels: int, slots: Slots) -> None:
        self._max_pixels = max_pixels
        self._max_jpeg_pixels = max_jpeg_pixels
        self._max_bytes = MACHINE_SHARE * machine_bytes()
        self._slots = slots

    def read_photo(
        self,
        file: BinaryIO,
        keep_location: bool = True,
        visitor: str = "",
        is_disconnected: Callable[[], bool] = lambda: False,
    ) -> Picture:
        """Decode every frame. Without `keep_location`, erase where the photo was taken from the
        file, which is open for update then. While the photo waits for a slot, `is_disconnected`
        tells whether its visitor is gone. Raises NotAPhoto, DamagedPhoto, BrokenContainer,
        TooManyPixels, TooLongAnimation, TooMuchToDecode, NoDecoder, VisitorLeft."""
        photo = parse_container(file)
        cost = self.cost_of(photo, THUMBNAIL_WIDTHS[-1])
        with self._slots.hold(visitor, cost, is_disconnected):
            picture: Picture = decode(
                decode_photo, file, cost.memory_bytes, photo, self._max_pixels, keep_location
            )
        return picture

    def make_thumbnail(self, file: BinaryIO, width: int, visitor: str = "") -> bytes:
        """Make a WebP file, never larger than the photo, which `read_photo` has accepted before."""
        photo = parse_container(file)
        cost = self.cost_of(photo, width)
        with self._slots.hold(visitor, cost):
            content: bytes = decode(decode_thumbnail, file, cost.memory_bytes, photo, width)
        return content

    def make_jpeg(self, file: BinaryIO, target: Path, visitor: str = "") -> None:
        """Write a HEIC or AVIF, which `read_photo` has accepted before, as a JPEG of its full size:
        a large one, of which no process is to hold all bytes."""
        photo = parse_container(file)
        cost = self.cost_of(photo, photo.width)
        with self._slots.hold(visitor, cost):
            decode(decode_as_jpeg, file, cost.memory_bytes, photo, target)

    def cost_of(self, photo: Container, width: int) -> Cost:
        """Estimate what it costs to decode a photo and make a thumbnail of `width` pixels. Raises
        DamagedPhoto, TooManyPixels, TooLongAnimation, TooMuchToDecode."""
        pixels, kind = photo.width * photo.height, BY_EXTENSION[photo.kind]
        is_baseline = photo.kind == "jpg" and not photo.coefficients
        max_pixels = self._max_jpeg_pixels if is_baseline else self._max_pixels
        if pixels > max_pixels:
            raise TooManyPixels(max_pixels)
        if photo.scans > MAX_JPEG_SCANS or photo.scans * pixels > MAX_SCAN_PIXELS:
            raise DamagedPhoto
        frame_pixels = photo.frames * max(pixels, MIN_FRAME_PIXELS)
        if photo.frames > 1 and frame_pixels > ANIMATION_FACTOR * self._max_pixels:
            raise TooLongAnimation
        bytes_per_pixel = kind.bytes_per_pixel
        memory_bytes = FIXED_BYTES + COPIES * photo.bytes_at_once
        if photo.frames > 1:
            bytes_per_pixel = kind.animation_bytes_per_pixel
        elif photo.is_deep:
            bytes_per_pixel = DEEP_BYTES_PER_PIXEL
        seconds = (frame_pixels * kind.nanoseconds_per_pixel + photo.scans * pixels) / 1e9
        if photo.kind == "jpg":
            memory_bytes += 2 * photo.coefficients + 64 * (photo.width + photo.height)
            shrink = min(  # as `rendering.render` does; Exif says later which side is up
                max(photo.width // width, photo.height // (4 * width)),
                max(photo.width // (4 * width), photo.height // width),
            )
            pixels //= next(scale for scale in (8, 4, 2, 1) if scale <= max(1, shrink)) ** 2
        memory_bytes += pixels * bytes_per_pixel
        if memory_bytes > self._max_bytes:
            raise TooMuchToDecode
        return Cost(memory_bytes, seconds)
