"""Whether it is a photo, and what is to be known of it."""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

import pillow_heif
from PIL import Image, UnidentifiedImageError

from ..containers import begins_as_photo
from ..turns import Turns
from .bounds import MIN_FRAME_PIXELS, Bounds
from .metadata import KINDS, is_turned, kind_of, read_exif, time_taken
from .rendering import encode, placeholder_of, render, thumbnail_of
from .troubles import BROKEN, DamagedPhoto, NotAPhoto, TooLongAnimation, TooManyPixels

THUMBNAIL_WIDTHS = (320, 640)
"""Made when a photo arrives."""
LARGE_DECODE_BYTES = 200_000_000
"""Photos that may need more are decoded one at a time."""

pillow_heif.register_heif_opener()
# Between n and 2n pixels Pillow only warns.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_FORMATS = [name for name in KINDS if name != "MPO"]  # Pillow finds it by way of JPEG


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
        self._bounds = Bounds(max_pixels, max_jpeg_pixels)
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
                extension=kind_of(image),
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
            return encode(render(image, read_exif(image), width))

    @contextmanager
    def _opened(self, file: BinaryIO) -> Iterator[Image.Image]:
        with self._turns.wait(), self._opened_now(file) as image:
            is_large = self._bounds.check(image, file) > LARGE_DECODE_BYTES
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
            raise (DamagedPhoto if begins_as_photo(file) else NotAPhoto) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise TooManyPixels(self._bounds.max_pixels) from error
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the machine's trouble, not the photo's
            raise DamagedPhoto from error

    def _decode_frames(self, image: Image.Image) -> bool:
        """Decodes what follows the first frame; whether there was any. The other pictures of an
        MPO or HEIC file are not frames of an animation."""
        if kind_of(image) in ("jpg", "heic"):
            return False
        # A GIF's later frames may be larger than its screen.
        max_pixels = self._bounds.limit(kind_of(image))
        frame_budget = self._bounds.animation_pixels
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
