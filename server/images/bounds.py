"""Estimates what decoding a photo will cost, and refuses one that is too expensive, before any
library opens it."""

from dataclasses import dataclass, field

from ..config import machine_bytes
from ..refusals import DamagedPhoto, TooLongAnimation, TooManyPixels, TooMuchToDecode
from .containers import Container

MAX_JPEG_SCANS = 100
"""Scans of a JPEG. Encoders write about 10; 600 in 176 KB cost 20 s of CPU."""
MAX_SCAN_PIXELS = 2_000_000_000
"""Scans times pixels: 25 megapixels with 100 refining scans, in 4.5 kB, took 1.6 s."""
ANIMATION_FACTOR = 4
"""Pixels of all frames of an animation, as a multiple of those of one photo."""
MIN_FRAME_PIXELS = 16_384
"""Pixels that a smaller frame counts as: each frame has a cost of its own."""
FIXED_BYTES = 16_000_000
"""Memory for any photo, however small: tables, thumbnails, conversions strip by strip."""
BYTES_PER_PIXEL = {"png": 8, "gif": 8, "webp": 17, "avif": 12, "heic": 11}
DEEP_BYTES_PER_PIXEL = 17
ANIMATION_BYTES_PER_PIXEL = {"png": 17, "gif": 17, "webp": 28, "avif": 50}
"""Memory, measured with Pillow 13 over bit depths, alpha and subsampling; AV1 keeps eight frames to
predict from."""
MACHINE_SHARE = 0.75
"""Share of the machine's memory that one photo may need."""
NANOSECONDS_PER_PIXEL = {"jpg": 5, "png": 20, "gif": 15, "webp": 25, "avif": 35, "heic": 35}


@dataclass(frozen=True)
class Cost:
    memory_bytes: int
    seconds: float


@dataclass(frozen=True)
class Bounds:
    max_pixels: int
    max_jpeg_pixels: int
    max_bytes: float = field(default_factory=lambda: MACHINE_SHARE * machine_bytes())

    @property
    def max_animation_pixels(self) -> int:
        return ANIMATION_FACTOR * self.max_pixels

    def check(self, photo: Container, width: int) -> Cost:
        """The estimated cost of decoding it and making a thumbnail of `width` pixels. Raises
        DamagedPhoto, TooManyPixels, TooLongAnimation, TooMuchToDecode."""
        pixels, sides = photo.width * photo.height, (photo.width, photo.height)
        holds_coefficients = photo.progressive or photo.scans > 1
        is_baseline = photo.kind == "jpg" and not holds_coefficients
        max_pixels = self.max_jpeg_pixels if is_baseline else self.max_pixels
        if pixels > max_pixels:
            raise TooManyPixels(max_pixels)
        if photo.scans > MAX_JPEG_SCANS or photo.scans * pixels > MAX_SCAN_PIXELS:
            raise DamagedPhoto
        frame_pixels = photo.frames * max(pixels, MIN_FRAME_PIXELS)
        if photo.frames > 1 and frame_pixels > self.max_animation_pixels:
            raise TooLongAnimation
        nanoseconds = frame_pixels * NANOSECONDS_PER_PIXEL[photo.kind] + photo.scans * pixels
        memory_bytes = FIXED_BYTES
        if photo.kind == "jpg":
            boxes = (width, 4 * width), (4 * width, width)  # Exif says later which side is up
            scale = min(draft_scale(sides, box) for box in boxes)
            memory_bytes += pixels // scale**2 * 12 + 64 * sum(sides)
            memory_bytes += 2 * photo.coefficients if holds_coefficients else 0
        elif photo.frames > 1:
            memory_bytes += pixels * ANIMATION_BYTES_PER_PIXEL[photo.kind]
        elif photo.is_deep:
            memory_bytes += pixels * DEEP_BYTES_PER_PIXEL
        else:
            memory_bytes += pixels * BYTES_PER_PIXEL[photo.kind]
        if memory_bytes > self.max_bytes:
            raise TooMuchToDecode
        return Cost(memory_bytes, nanoseconds / 1e9)


def draft_scale(sides: tuple[int, int], box: tuple[int, int]) -> int:
    """By how much libjpeg can shrink a JPEG while decoding so that it still fills the box (Pillow's
    `JpegImageFile.draft`)."""
    largest = max(side // limit for side, limit in zip(sides, box, strict=True))
    return next(scale for scale in (8, 4, 2, 1) if scale <= max(1, largest))
