"""Pillow's corner: is it a photo, how large, its thumbnails and its placeholder."""

import base64
import io
import itertools
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import pillow_heif
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from . import containers
from .moments import write_moment
from .turns import Turns

THUMBNAIL_WIDTHS = (320, 640)
"""Made when a photo arrives."""
LARGE_THUMBNAIL_WIDTH = 2048
"""Made when it is first asked for."""
PLACEHOLDER_PIXELS = 16
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
STRIP_PIXELS = 4_000_000
"""Converted at once while shrinking."""

EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "AVIF": "avif",
    "HEIF": "heic",
}

# What Pillow and its plugins were seen to raise for broken files.
_BROKEN = (
    *(OSError, ValueError, SyntaxError, RuntimeError, EOFError, struct.error),
    *(KeyError, IndexError, TypeError, AttributeError, OverflowError),
)

pillow_heif.register_heif_opener()
# Between n and 2n pixels Pillow only warns.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_FORMATS = [name for name in EXTENSIONS if name != "MPO"]  # Pillow finds it by way of JPEG
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class NotAPhoto(Exception):
    """The bytes are no photo in a format that Dropwall takes."""


class DamagedPhoto(Exception):
    """The photo begins well and cannot be decoded to its end."""


class TooLongAnimation(Exception):
    """All frames together would take too long to decode."""


class TooManyPixels(Exception):
    """The photo is larger than `max_pixels`."""

    def __init__(self, max_pixels: int) -> None:
        super().__init__(max_pixels)
        self.max_pixels = max_pixels


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
            exif = _read_exif(image)
            width, height = image.size[::-1] if _is_turned(exif) else image.size
            largest = _render(image, exif, THUMBNAIL_WIDTHS[-1])
            return Picture(
                extension=EXTENSIONS[image.format or ""],
                width=width,
                height=height,
                animated=self._decode_frames(image),
                taken=_time_taken(exif),
                placeholder=_data_uri(_fit(largest, PLACEHOLDER_PIXELS, PLACEHOLDER_PIXELS)),
                thumbnails={w: _encode(_fit(largest, w, 4 * w)) for w in THUMBNAIL_WIDTHS},
            )

    def make_thumbnail(self, file: BinaryIO, width: int) -> bytes:
        """A WebP file of a photo that `read_photo` has read, never larger than the photo."""
        with self._opened(file) as image:
            return _encode(_render(image, _read_exif(image), width))

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
        except _BROKEN as error:
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


def _render(image: Image.Image, exif: Image.Exif, width: int) -> Image.Image:
    """The first frame in 8-bit sRGB, upright, at most `width` wide and four times as high."""
    # JPEG decodes shrunk: that finds as many broken files at a tenth of the time and memory.
    image.draft(None, (1, width) if _is_turned(exif) else (width, 1))
    icc_profile = image.info.get("icc_profile")
    box = (4 * width, width) if _is_turned(exif) else (width, 4 * width)
    small = _to_srgb(_fit(_reduce(image, *box), *box), icc_profile)
    transposition = _ORIENTATIONS.get(_orientation(exif))
    return small if transposition is None else small.transpose(transposition)


def _reduce(image: Image.Image, width: int, height: int) -> Image.Image:
    """In 8 bits a channel, by a whole factor, still twice as large as would fit the box. It
    goes strip by strip: whole, each conversion of 100 megapixels would hold 400 MB more."""
    factor = max(1, image.width // (2 * width), image.height // (2 * height))
    width, height = (-(-side // factor) for side in image.size)
    rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    reduced: Image.Image | None = None
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        strip = _to_eight_bits(strip).reduce(factor)
        reduced = reduced or Image.new(strip.mode, (width, height))
        reduced.paste(strip, (0, top // factor))
    return reduced or image


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """In L, RGB, RGBA, LA or CMYK, all of which can be resized."""
    if image.mode.startswith("I;16"):  # `convert` would clip all but the darkest to white
        high_bytes = image.tobytes("raw", "I;16B")[::2]
        return Image.frombytes("L", image.size, high_bytes)
    if image.mode == "I":
        return image.point(lambda level: level / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """In RGB or RGBA, its colours managed: Display P3 and CMYK look as they were meant to."""
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    colours = image.convert("RGB") if alpha else image
    if icc_profile:
        with suppress(ImageCms.PyCMSError, *_BROKEN):  # a wrong profile is no profile
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
            converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
            colours = converted or colours
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """A copy that fits into the box, never larger than the image."""
    scale = min(width / image.width, height / image.height, 1)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encode(image: Image.Image, quality: int = 80) -> bytes:
    """As WebP without metadata."""
    image.info.clear()  # `save` would copy EXIF and XMP from here
    content = io.BytesIO()
    image.save(content, "WEBP", quality=quality, method=2)
    return content.getvalue()


def _data_uri(image: Image.Image) -> str:
    return f"data:image/webp;base64,{base64.b64encode(_encode(image, quality=50)).decode()}"


def _read_exif(image: Image.Image) -> Image.Exif:
    try:
        exif = image.getexif()
        exif.get_ifd(ExifTags.IFD.Exif)
    except _BROKEN:  # a photo with broken metadata is a photo
        return Image.Exif()
    return exif


def _orientation(exif: Image.Exif) -> int:
    orientation = exif.get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else 1


def _is_turned(exif: Image.Exif) -> bool:
    """Whether width and height change places for display."""
    return 5 <= _orientation(exif) <= 8


FIRST_YEAR = 1826
"""Of the oldest photo there is; what a camera says of earlier ones is not a time."""


def _time_taken(exif: Image.Exif) -> str | None:
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    local = tags.get(ExifTags.Base.DateTimeOriginal)
    zone = tags.get(ExifTags.Base.OffsetTimeOriginal)
    for text in (f"{local}{zone}".replace("\0", ""), f"{local}+00:00".replace("\0", "")):
        with suppress(ValueError, OverflowError):
            moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S%z")
            return write_moment(moment) if moment.year >= FIRST_YEAR else None
    return None
