"""Whether it is a photo, and what is to be known of it."""

import io
import itertools
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import pillow_heif
from PIL import Image, PngImagePlugin
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ..refusals import DamagedPhoto, TooLongAnimation, TooManyPixels
from .bounds import MIN_FRAME_PIXELS, Bounds
from .colour import profile_of_code_points, profile_of_gamma
from .containers import Container, Excerpt
from .decoding import decode
from .heif import MAX_PADDING
from .location import erase_location
from .metadata import LIBRARY_ERRORS, is_turned, orientation_of, read_exif, time_taken
from .parsing import parse_container
from .png import MAX_PROFILE_BYTES, check_png_pixels
from .rendering import encode, placeholder_of, render, thumbnail_of
from .slots import Slots

THUMBNAIL_WIDTHS = (320, 640)
"""Made when a photo arrives."""

Image.MAX_IMAGE_PIXELS = None  # the bounds are stricter, and come first
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES  # of profiles: text chunks are left out


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
        photo = parse_container(file)
        cost = self._bounds.check(photo, THUMBNAIL_WIDTHS[-1])
        with self._slots.hold(visitor, cost, has_left):
            picture: Picture = decode(
                decode_photo, file, cost.memory_bytes, photo, self._bounds, keep_location
            )
        return picture

    def make_thumbnail(self, file: BinaryIO, width: int, visitor: str = "") -> bytes:
        """A WebP file of a photo that `read_photo` has read, never larger than the photo."""
        photo = parse_container(file)
        cost = self._bounds.check(photo, width)
        with self._slots.hold(visitor, cost):
            content: bytes = decode(decode_thumbnail, file, cost.memory_bytes, photo, width)
        return content


def decode_photo(file: BinaryIO, photo: Container, bounds: Bounds, keep_location: bool) -> Picture:
    """In a decoder: what `Images.read_photo` returns, or raises."""
    with _opened(file, photo) as image:
        if image.width * image.height > max(bounds.max_pixels, bounds.max_jpeg_pixels):
            raise TooManyPixels(bounds.max_pixels)  # a GIF's first frame is larger than its screen
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
            animated=_decode_frames(image, photo, bounds),
            taken=time_taken(read_exif(image)),
            placeholder=placeholder_of(largest),
            thumbnails={w: thumbnail_of(largest, w) for w in THUMBNAIL_WIDTHS},
        )
    if not keep_location:
        erase_location(file, photo)
    return picture


def decode_thumbnail(file: BinaryIO, photo: Container, width: int) -> bytes:
    """In a decoder: what `Images.make_thumbnail` returns, or raises."""
    with _opened(file, photo) as image:
        orientation, profile = _orientation(image, photo), _profile(image, photo, file)
        return encode(render(image, orientation, profile, width))


@contextmanager
def _opened(file: BinaryIO, photo: Container) -> Iterator[Image.Image]:
    file.seek(0)
    try:
        with _open(file, photo) as image:
            yield image
    except LIBRARY_ERRORS as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the machine's trouble, not the photo's
        if not _is_librarys(error):
            raise
        raise DamagedPhoto from error


def _open(file: BinaryIO, photo: Container) -> Image.Image:
    """By the class of its format: `Image.open` would try one after the other."""
    match photo.kind:
        case "jpg":
            if not photo.has_end and photo.scans > 1 and _lacks_bits(file, photo):
                raise DamagedPhoto
            return JpegImageFile(io.BufferedReader(Excerpt(file, photo.parts)))
        case "png":
            return _open_png(io.BufferedReader(Excerpt(file, photo.parts)))
        case "gif":
            return GifImageFile(file)
        case "webp":
            return WebPImageFile(file)
        case "avif":
            return AvifImageFile(file)
    return _open_heic(file, photo)


def _open_png(file: BinaryIO) -> Image.Image:
    image = PngImagePlugin.PngImageFile(file)
    # Pillow tells the colour that is seen through in the file's depth, and the pixels in its own.
    scale = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}
    factor = scale.get(str(image.tile[0].args), 1) if image.tile else 1
    match image.info.get("transparency"):
        case int(level):
            image.info["transparency"] = int(level * factor)
        case (*levels,):
            image.info["transparency"] = tuple(int(level * factor) for level in levels)
    if image.is_animated and image.default_image:
        image.seek(1)  # which browsers show instead
    return image


def _lacks_bits(file: BinaryIO, photo: Container) -> bool:
    """Whether the last scan of a JPEG without an end is cut off: libjpeg, which reads all scans
    before it shows any, takes what follows for the rest of it then, and else skips it."""
    *begin, end = photo.parts
    checksums = set()
    for bits in (b"", b"\x55" * 99, b"\xcc" * 99, bytes(range(1, 255))):
        with JpegImageFile(io.BufferedReader(Excerpt(file, (*begin, bits, end)))) as image:
            checksums.add(zlib.crc32(image.tobytes()))
    return len(checksums) > 1


def _open_heic(file: BinaryIO, photo: Container) -> Image.Image:
    content = file.read()
    heif: Any = pillow_heif  # without types
    image: Image.Image = heif.HeifImageFile(io.BytesIO(content))
    try:
        image.load()
    except ValueError:
        # Some cameras' `ispe` is a few pixels off, which libheif refuses; without one, and what
        # depends on it, it tells the true size.
        bare = re.sub(b"ispe|irot|imir|clap", b"free", content)
        nameless = heif.HeifFile(io.BytesIO(bare))
        true = nameless[nameless.primary_index].to_pillow().size
        said = photo.width, photo.height
        if any(abs(a - b) >= MAX_PADDING for a, b in zip(true, said, strict=True)):
            raise DamagedPhoto from None
        wrong, right = (b"ispe\0\0\0\0" + struct.pack(">II", *size) for size in (said, true))
        image = heif.HeifImageFile(io.BytesIO(content.replace(wrong, right)))
    return image


def _orientation(image: Image.Image, photo: Container) -> int:
    """What browsers know of a photo before its pixels. A WebP's they ignore; Pillow tells an AVIF's
    own, libheif has turned a HEIC already."""
    return 1 if photo.kind in ("webp", "heic") else orientation_of(image.info.get("exif", b""))


def _profile(image: Image.Image, photo: Container, file: BinaryIO) -> bytes | None:
    """An ICC profile of its colours; None when they are sRGB, or unknown."""
    if photo.cicp:
        return profile_of_code_points(*photo.cicp)
    profile = bytes(image.info.get("icc_profile") or b"")
    if profile[36:40] == b"acsp":
        return profile
    nclx = image.info.get("nclx_profile")
    with suppress(*LIBRARY_ERRORS):
        if photo.kind == "avif":  # of which Pillow does not tell
            file.seek(0)
            nclx = pillow_heif.open_heif(file).info.get("nclx_profile")
        if nclx:
            return profile_of_code_points(
                int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
            )
    if "gamma" in image.info and "srgb" not in image.info:
        return profile_of_gamma(image.info["gamma"], image.info.get("chromaticity"))
    return None


def _is_librarys(error: BaseException) -> bool:
    """Whether a library says so of the file; else it is a mistake of ours."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    raised_in = trace.tb_frame.f_globals.get("__name__", "") if trace else ""
    return not raised_in.startswith(__name__.partition(".")[0] + ".")


def _decode_frames(image: Image.Image, photo: Container, bounds: Bounds) -> bool:
    """Decodes what follows the first frame; whether there was any. The other pictures of an MPO or
    HEIC file are not frames of an animation."""
    if photo.kind in ("jpg", "heic"):
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
