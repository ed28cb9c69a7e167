"""What it may cost to decode a photo, known before any library opens it."""

from dataclasses import dataclass, field

from ..config import machine_bytes
from ..refusals import DamagedPhoto, TooLongAnimation, TooManyPixels, TooMuchToDecode
from .containers import Container

MAX_JPEG_SCANS = 100
"""Encoders write about 10; 600 in 176 KB cost 20 s of CPU."""
MAX_SCAN_PIXELS = 2_000_000_000
"""Scans times pixels: 25 megapixels with 100 refining scans, in 4.5 kB, took 1.6 s."""
ANIMATION_FACTOR = 4
"""All frames of an animation together may have this many times the pixels of one photo."""
MIN_FRAME_PIXELS = 16_384
"""A smaller frame counts as this many: a frame has a cost of its own."""
FIXED_BYTES = 16_000_000
"""Of any photo, however small: tables, thumbnails, conversions strip by strip."""
BYTES_PER_PIXEL = {"png": 8, "gif": 8, "webp": 17, "avif": 12, "heic": 11}
DEEP_BYTES_PER_PIXEL = 17
ANIMATION_BYTES_PER_PIXEL = {"png": 17, "gif": 17, "webp": 28, "avif": 50}
"""Measured with Pillow 13 over bit depths, alpha and subsampling; AV1 keeps eight frames to predict
from."""
MACHINE_PART = 0.75
"""Of the machine's memory, at most, for one photo."""
NANOSECONDS_PER_PIXEL = {"jpg": 5, "png": 20, "gif": 15, "webp": 25, "avif": 35, "heic": 35}


@dataclass(frozen=True)
class Cost:
    memory_bytes: int
    seconds: float


@dataclass(frozen=True)
class Bounds:
    max_pixels: int
    max_jpeg_pixels: int
    max_bytes: float = field(default_factory=lambda: MACHINE_PART * machine_bytes())

    @property
    def animation_pixels(self) -> int:
        """Of all frames."""
        return ANIMATION_FACTOR * self.max_pixels

    def check(self, photo: Container, width: int) -> Cost:
        """Refuse what would cost too much; else what it may need to make a thumbnail of `width`
        pixels. Raises DamagedPhoto, TooManyPixels, TooLongAnimation, TooMuchToDecode."""
        if photo.pixels > self.limit(photo):
            raise TooManyPixels(self.limit(photo))
        if photo.scans > MAX_JPEG_SCANS or photo.scans * photo.pixels > MAX_SCAN_PIXELS:
            raise DamagedPhoto
        frame_pixels = photo.frames * max(photo.pixels, MIN_FRAME_PIXELS)
        if photo.frames > 1 and frame_pixels > self.animation_pixels:
            raise TooLongAnimation
        nanoseconds = frame_pixels * NANOSECONDS_PER_PIXEL[photo.kind]
        seconds = (nanoseconds + photo.scans * photo.pixels) / 1e9
        memory_bytes = FIXED_BYTES + _photo_bytes(photo, width)
        if memory_bytes > self.max_bytes:
            raise TooMuchToDecode
        return Cost(memory_bytes, seconds)

    def limit(self, photo: Container) -> int:
        is_baseline = photo.kind == "jpg" and not _holds_coefficients(photo)
        return self.max_jpeg_pixels if is_baseline else self.max_pixels


def _photo_bytes(photo: Container, width: int) -> int:
    if photo.kind == "jpg":
        held = 2 * photo.coefficients if _holds_coefficients(photo) else 0
        sides = photo.width, photo.height
        # Whether it lies on its side is not known yet.
        shrinking = min(
            draft_scale(sides, (width, 4 * width)), draft_scale(sides, (4 * width, width))
        )
        return held + photo.pixels // shrinking**2 * 12 + 64 * sum(sides)
    if photo.frames > 1:
        return photo.pixels * ANIMATION_BYTES_PER_PIXEL[photo.kind]
    return photo.pixels * (DEEP_BYTES_PER_PIXEL if photo.is_deep else BYTES_PER_PIXEL[photo.kind])


def draft_scale(sides: tuple[int, int], box: tuple[int, int]) -> int:
    """By how much a JPEG is shrunk while it is decoded and still fills the box (Pillow's
    `JpegImageFile.draft`)."""
    shrinking = max(side // largest for side, largest in zip(sides, box, strict=True))
    return next(scale for scale in (8, 4, 2, 1) if scale <= max(1, shrinking))


def _holds_coefficients(photo: Container) -> bool:
    return photo.progressive or photo.scans > 1
