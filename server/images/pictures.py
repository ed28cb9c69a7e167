"""Makes a photo's thumbnails, in a decoder process: opens the file, decodes every frame, renders
the first one, reads the Exif, and has the location erased.
"""

import io
import re
import struct
import traceback
import zlib
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif
from PIL import ExifTags, Image, PngImagePlugin
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ..refusals import DamagedPhoto, TooLongAnimation, TooManyPixels
from .containers import MAX_PROFILE_BYTES, check_png_pixels
from .formats import Container, Part
from .heif import MAX_PADDING
from .location import erase_location
from .rendering import (
    encode,
    is_turned,
    placeholder_of,
    profile_of_code_points,
    profile_of_gamma,
    render,
    render_opaque,
    thumbnail_of,
)

THUMBNAIL_WIDTHS = (320, 640)
"""Widths in pixels of the thumbnails that are made when a photo arrives."""
JPEG_QUALITY = 92
"""Quality at which nobody sees a difference; a higher one only costs bytes."""
ANIMATION_FACTOR = 4
"""Pixels of all frames of an animation, as a multiple of those of one photo."""
MIN_FRAME_PIXELS = 16_384
"""Pixels that a smaller frame counts as: each frame has a cost of its own."""
LIBRARY_ERRORS = (
    *(OSError, ValueError, SyntaxError, RuntimeError, EOFError, struct.error),
    *(KeyError, IndexError, TypeError, AttributeError, ArithmeticError),
)
"""What Pillow and its plugins were seen to raise for broken files."""

Image.MAX_IMAGE_PIXELS = None  # `Images.cost_of` is stricter, and comes first
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES  # text itself is left out (`Container.parts`)


@dataclass(frozen=True)
class Picture:
    """A photo that has been read. Width and height are as displayed, `taken` as `time_taken` gives
    it, `placeholder` is a data URI, `thumbnails` are WebP files by width."""

    extension: str
    width: int
    height: int
    animated: bool
    taken: str | None
    placeholder: str
    thumbnails: dict[int, bytes]


def decode_photo(file: BinaryIO, photo: Container, max_pixels: int, keep_location: bool) -> Picture:
    """Decode every frame for `Images.read_photo`, and erase the location unless it is kept. Raises
    DamagedPhoto, BrokenContainer, TooManyPixels, TooLongAnimation."""
    with _opened(file, photo) as image:
        if photo.kind == "gif" and image.width * image.height > max_pixels:
            raise TooManyPixels(max_pixels)  # the first frame is larger than its screen
        orientation = _orientation(image, photo)
        width, height = image.size[::-1] if is_turned(orientation) else image.size
        profile = _profile(image, photo, file)
        largest = render(image, orientation, profile, THUMBNAIL_WIDTHS[-1])
        if photo.kind == "png":
            check_png_pixels(file)
        picture = Picture(
            extension=photo.kind,
            width=width,
            height=height,
            animated=_decode_frames(image, photo, max_pixels),
            taken=time_taken(image.info.get("exif", b"")),
            placeholder=placeholder_of(largest),
            thumbnails={w: thumbnail_of(largest, w) for w in THUMBNAIL_WIDTHS},
        )
    if not keep_location:
        erase_location(file, photo)
    return picture


def decode_thumbnail(file: BinaryIO, photo: Container, width: int) -> bytes:
    """Decode the first frame for `Images.make_thumbnail`."""
    with _opened(file, photo) as image:
        orientation, profile = _orientation(image, photo), _profile(image, photo, file)
        return encode(render(image, orientation, profile, width))


def decode_as_jpeg(file: BinaryIO, photo: Container, target: Path) -> None:
    """Decode a HEIC or AVIF for `Images.make_jpeg`, with its colours' profile and its Exif."""
    with _opened(file, photo) as image:
        profile = _profile(image, photo, file)
        exif = upright_exif(image.info.get("exif") or b"")
        opaque = render_opaque(image, _orientation(image, photo))
    # Out of reach of `_opened`: whatever goes wrong here, the photo is not damaged.
    if profile and profile[16:20] != {"L": b"GRAY", "RGB": b"RGB "}[opaque.mode]:
        profile = None
    opaque.info.clear()
    opaque.save(target, "JPEG", quality=JPEG_QUALITY, icc_profile=profile, exif=exif)


@contextmanager
def _opened(file: BinaryIO, photo: Container) -> Iterator[Image.Image]:
    """Open the image, and close it behind the block. What a library raises in the block becomes
    DamagedPhoto; an error of the machine (with an errno) or of our own code stays as it is."""
    file.seek(0)
    try:
        with _open(file, photo) as image:
            yield image
    except LIBRARY_ERRORS as error:
        *_, (innermost, _line) = traceback.walk_tb(error.__traceback__)
        is_ours = str(innermost.f_globals.get("__name__")).startswith("dropwall.")
        if is_ours or (isinstance(error, OSError) and error.errno):
            raise
        raise DamagedPhoto from error


def _open(file: BinaryIO, photo: Container) -> Image.Image:
    """Open it with the plugin of its format: `Image.open` would try one after the other."""
    match photo.kind:
        case "jpg":
            if not photo.has_end and photo.scans > 1 and _is_last_scan_cut(file, photo):
                raise DamagedPhoto
            return JpegImageFile(io.BufferedReader(_Excerpt(file, photo.parts)))
        case "png":
            return _open_png(io.BufferedReader(_Excerpt(file, photo.parts)))
        case "gif":
            return GifImageFile(file)
        case "webp":
            return WebPImageFile(file)
        case "avif":
            return AvifImageFile(file)
    return _open_heic(file, photo)


def _open_png(file: BinaryIO) -> Image.Image:
    """Open it at the first frame that browsers show, with the transparent colour that they see."""
    image = PngImagePlugin.PngImageFile(file)
    # Pillow gives the transparent colour in the file's bit depth, and the pixels in its own.
    scale = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}
    factor = scale.get(str(image.tile[0].args), 1) if image.tile else 1
    match image.info.get("transparency"):
        case int(level):
            image.info["transparency"] = int(level * factor)
        case (*levels,):
            image.info["transparency"] = tuple(int(level * factor) for level in levels)
    if image.is_animated and image.default_image:
        image.seek(1)  # browsers show the first frame of the animation instead
    return image


def _is_last_scan_cut(file: BinaryIO, photo: Container) -> bool:
    """Tell whether the last scan of a JPEG without EOI is incomplete: libjpeg, which reads all
    scans before it shows any, then takes whatever follows for the rest of it, and otherwise skips
    it."""
    *begin, end = photo.parts
    checksums = set()
    for bits in (b"", b"\x55" * 99, b"\xcc" * 99, bytes(range(1, 255))):
        with JpegImageFile(io.BufferedReader(_Excerpt(file, (*begin, bits, end)))) as image:
            checksums.add(zlib.crc32(image.tobytes()))
    return len(checksums) > 1


def _open_heic(file: BinaryIO, photo: Container) -> Image.Image:
    content = file.read()
    heif: Any = pillow_heif  # without types
    image: Image.Image = heif.HeifImageFile(io.BytesIO(content))
    try:
        image.load()
    except ValueError:
        # Some cameras' `ispe` is a few pixels off, which libheif refuses.
        true, said = _coded_heic_size(content), (photo.width, photo.height)
        if any(abs(a - b) >= MAX_PADDING for a, b in zip(true, said, strict=True)):
            raise DamagedPhoto from None
        wrong, right = (b"ispe\0\0\0\0" + struct.pack(">II", *size) for size in (said, true))
        image = heif.HeifImageFile(io.BytesIO(content.replace(wrong, right)))
    return image


def _coded_heic_size(content: bytes) -> tuple[int, int]:
    """Return the size that libheif tells without the `ispe` box, and those that depend on it."""
    bare = re.sub(b"ispe|irot|imir|clap", b"free", content)
    unsized = pillow_heif.HeifFile(io.BytesIO(bare))  # type: ignore[no-untyped-call]
    width, height = unsized[unsized.primary_index].to_pillow().size
    return width, height


def _orientation(image: Image.Image, photo: Container) -> int:
    """Return the orientation that browsers apply. They ignore a WebP's; Pillow gives an AVIF's
    `irot` and `imir` as Exif; libheif has turned a HEIC already."""
    return 1 if photo.kind in ("webp", "heic") else orientation_of(image.info.get("exif", b""))


def _profile(image: Image.Image, photo: Container, file: BinaryIO) -> bytes | None:
    """Return the ICC profile of its colours; None when they are sRGB, or unknown."""
    if photo.cicp:
        return profile_of_code_points(*photo.cicp)
    profile = bytes(image.info.get("icc_profile") or b"")
    if profile[36:40] == b"acsp":
        return profile
    nclx = image.info.get("nclx_profile")
    if photo.kind == "avif":  # Pillow does not tell an AVIF's
        file.seek(0)
        with suppress(*LIBRARY_ERRORS):
            nclx = pillow_heif.open_heif(file).info.get("nclx_profile")
    if nclx:
        return profile_of_code_points(
            int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
        )
    if "gamma" in image.info and "srgb" not in image.info:
        return profile_of_gamma(image.info["gamma"], image.info.get("chromaticity"))
    return None


def _decode_frames(image: Image.Image, photo: Container, max_pixels: int) -> bool:
    """Decode the frames that follow the first one, and return whether there were any. The other
    images of an MPO or HEIC are not frames of an animation."""
    if photo.kind in ("jpg", "heic"):
        return False
    frame_budget = ANIMATION_FACTOR * max_pixels
    index = 0
    while True:
        index += 1
        try:
            image.seek(index)
        except EOFError:
            return index > 1
        pixels = image.width * image.height
        if pixels > max_pixels:
            raise TooManyPixels(max_pixels)  # a GIF's later frame is larger than its screen
        frame_budget -= max(pixels, MIN_FRAME_PIXELS)
        if frame_budget < 0:
            raise TooLongAnimation
        image.load()


class _Excerpt(io.RawIOBase):
    """Parts of a file, one behind the other, as a file to read."""

    def __init__(self, file: BinaryIO, parts: tuple[Part, ...]) -> None:
        self._file = file
        self._parts = parts
        sizes = (len(part) if isinstance(part, bytes) else part[1] - part[0] for part in parts)
        self._ends = list(accumulate(sizes))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._ends[-1])[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        number = bisect(self._ends, self._position)
        if number == len(self._parts):
            return 0
        part, remaining = self._parts[number], self._ends[number] - self._position
        if isinstance(part, bytes):
            content = part[-remaining:]
        else:
            self._file.seek(part[1] - remaining)
            content = self._file.read(min(remaining, len(buffer)))
        size = min(len(content), len(buffer))
        buffer[:size] = content[:size]
        self._position += size
        return size


# Exif

EXIF_START = b"Exif\0\0"
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
MAX_EXIF_BYTES = 65_533 - len(EXIF_START)
"""Size that fits into one segment of a JPEG; Exif is never split."""
SHORT = 3
"""A type of TIFF 6.0, section 2: 16 bits, unsigned."""
FIRST_YEAR = 1990
"""No camera wrote Exif before; earlier times come from clocks that were never set."""
_TIME_TAGS = (  # in order of preference
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.DateTimeDigitized,
    ExifTags.Base.DateTime,
)
_TIME = re.compile(  # editors also write dashes, a T, fractions of a second and a zone
    r"\s*(\d{4})[:/.-]\s*(\d\d?)[:/.-]\s*(\d\d?)[T\s]\s*(\d\d?):\s*(\d\d?)(?::\s*(\d\d?))?",
    re.ASCII,
)


def orientation_of(exif: bytes) -> int:
    """Read the orientation, 1 to 8, from Exif's first directory. As in browsers it counts only as
    one SHORT, a type that Pillow does not tell."""
    exif = exif.removeprefix(EXIF_START)
    for order, at in _orientation_entries(exif):
        kind, count, value = struct.unpack_from(order + "2xHIH", exif, at)
        if (kind, count) == (SHORT, 1):
            return int(value)
    return 1


def upright_exif(exif: bytes) -> bytes:
    """Return the Exif of a photo whose pixels have been turned upright, for a JPEG's segment. All
    else stays where it is, as a camera's own notes have offsets in them. One that is too long for a
    segment, which no JPEG of that camera could have either, is left out."""
    content = bytearray(exif.removeprefix(EXIF_START))
    for order, at in _orientation_entries(content):
        struct.pack_into(order + "HIH", content, at + 2, SHORT, 1, 1)
    is_kept = bytes(content[:4]) in BYTE_ORDERS and len(content) <= MAX_EXIF_BYTES
    return EXIF_START + bytes(content) if is_kept else b""


def _orientation_entries(exif: bytes | bytearray) -> Iterator[tuple[str, int]]:
    """Yield the byte order, as `struct` has it, and the offset of each orientation in Exif's first
    directory. There should be one."""
    with suppress(struct.error, KeyError):  # it ends too early, or is no Exif
        order = BYTE_ORDERS[bytes(exif[:4])]
        start = struct.unpack_from(order + "I", exif, 4)[0]
        for number in range(struct.unpack_from(order + "H", exif, start)[0]):
            at = start + 2 + 12 * number
            if struct.unpack_from(order + "H10x", exif, at)[0] == ExifTags.Base.Orientation:
                yield order, at


def time_taken(block: bytes) -> str | None:
    """Read the local time of the camera's clock, such as `2026-07-04T18:30:00`. A zone is dropped,
    not applied: at an event everybody's clock shows the same time. It is read from Exif alone,
    without Pillow's `getexif`, which would also look into XMP and ImageMagick's text, as no browser
    does; broken Exif has none."""
    latest = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)  # zones are 14 h ahead
    exif = Image.Exif()
    details: dict[int, object] = {}
    with suppress(*LIBRARY_ERRORS):
        exif.load(block)
        details = exif.get_ifd(ExifTags.IFD.Exif)
    for tag in _TIME_TAGS:
        value = details.get(tag) or exif.get(tag)
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if found := _TIME.match(text):
            with suppress(ValueError):
                moment = datetime.strptime(" ".join(found.groups("0")), "%Y %m %d %H %M %S")
                if moment.year >= FIRST_YEAR and moment <= latest:
                    return moment.isoformat()
    return None
