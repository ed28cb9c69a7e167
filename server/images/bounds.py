"""What it may cost to decode a photo."""

from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from ..containers import check_complete, read_jpeg_layout
from .metadata import kind_of
from .troubles import DamagedPhoto, TooManyPixels

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


@dataclass(frozen=True)
class Bounds:
    max_pixels: int
    max_jpeg_pixels: int

    @property
    def animation_pixels(self) -> int:
        """Of all frames."""
        return ANIMATION_FACTOR * self.max_pixels

    def check(self, image: Image.Image, file: BinaryIO) -> int:
        """Refuses what would cost too much before anything is decoded; the bytes that decoding
        may need."""
        kind = kind_of(image)
        if kind == "jpg":
            layout = read_jpeg_layout(file)  # is complete, or raises
            if layout.scans > MAX_JPEG_SCANS:
                raise DamagedPhoto
            kind = "progressive jpg" if layout.progressive else kind
        else:
            check_complete(file, kind)
        pixels = image.width * image.height
        if pixels > self.limit(kind):
            raise TooManyPixels(self.limit(kind))
        return pixels * DECODE_BYTES_PER_PIXEL[kind]

    def limit(self, kind: str) -> int:
        max_pixels = self.max_jpeg_pixels if kind == "jpg" else self.max_pixels
        return min(max_pixels, MAX_DECODE_BYTES // DECODE_BYTES_PER_PIXEL[kind])
