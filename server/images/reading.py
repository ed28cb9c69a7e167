"""Reads a photo: checks that every frame decodes, and makes its thumbnails. The public entry is
`Images`, which decodes in other processes (`decoding`)."""

import io
import itertools
import re
import struct
import traceback
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
from .formats import parse_container
from .heif import MAX_PADDING
from .location import erase_location
from .metadata import LIBRARY_ERRORS, is_turned, orientation_of, read_exif, time_taken
from .png import MAX_PROFILE_BYTES, check_png_pixels
from .rendering import encode, placeholder_of, render, thumbnail_of
from .slots import Slots

THUMBNAIL_WIDTHS = (320, 640)
"""Widths in pixels of the thumbnails that are made when a photo arrives."""

Image.MAX_IMAGE_PIXELS = None  # `Bounds.check` is stricter, and comes first
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


class Images:
    """Reads photos, as many at once as there are slots."""

    def __init__(self, max_pixels: int, max_jpeg_pixels: int, slots: Slots) -> None:
        self._bounds = Bounds(max_pixels, max_jpeg_pixels)
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
        cost = self._bounds.check(photo, THUMBNAIL_WIDTHS[-1])
        with self._slots.hold(visitor, cost, is_disconnected):
            picture: Picture = decode(
                decode_photo, file, cost.memory_bytes, photo, self._bounds, keep_location
            )
        return picture

    def make_thumbnail(self, file: BinaryIO, width: int, visitor: str = "") -> bytes:
        """A WebP file, never larger than the photo, which `read_photo` has accepted before."""
        photo = parse_container(file)
        cost = self._bounds.check(photo, width)
        with self._slots.hold(visitor, cost):
            content: bytes = decode(decode_thumbnail, file, cost.memory_bytes, photo, width)
        return content


def decode_photo(file: BinaryIO, photo: Container, bounds: Bounds, keep_location: bool) -> Picture:
    """Run `Images.read_photo`'s part in a decoder process."""
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
    """Run `Images.make_thumbnail`'s part in a decoder process."""
    with _opened(file, photo) as image:
        orientation, profile = _orientation(image, photo), _profile(image, photo, file)
        return encode(render(image, orientation, profile, width))


@contextmanager
def _opened(file: BinaryIO, photo: Container) -> Iterator[Image.Image]:
    """The opened image. What a library raises in the block becomes DamagedPhoto; an error of the
    machine (with an errno) or of our own code stays as it is."""
    file.seek(0)
    try:
        with _open(file, photo) as image:
            yield image
    except LIBRARY_ERRORS as error:
        if (isinstance(error, OSError) and error.errno) or _is_raised_here(error):
            raise
        raise DamagedPhoto from error


def _is_raised_here(error: BaseException) -> bool:
    """Whether the innermost frame of the traceback is in this package."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(__name__.partition(".")[0] + ".")


def _open(file: BinaryIO, photo: Container) -> Image.Image:
    """Open it with the plugin of its format: `Image.open` would try one after the other."""
    match photo.kind:
        case "jpg":
            if not photo.has_end and photo.scans > 1 and _is_last_scan_cut(file, photo):
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
    """Whether the last scan of a JPEG without EOI is incomplete: libjpeg, which reads all scans
    before it shows any, then takes whatever follows for the rest of it, and otherwise skips it."""
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
        # Some cameras' `ispe` is a few pixels off, which libheif refuses. Without that box, and
        # those that depend on it, it tells the true size.
        bare = re.sub(b"ispe|irot|imir|clap", b"free", content)
        unsized = heif.HeifFile(io.BytesIO(bare))
        true = unsized[unsized.primary_index].to_pillow().size
        said = photo.width, photo.height
        if any(abs(a - b) >= MAX_PADDING for a, b in zip(true, said, strict=True)):
            raise DamagedPhoto from None
        wrong, right = (b"ispe\0\0\0\0" + struct.pack(">II", *size) for size in (said, true))
        image = heif.HeifImageFile(io.BytesIO(content.replace(wrong, right)))
    return image


def _orientation(image: Image.Image, photo: Container) -> int:
    """The orientation that browsers apply. They ignore a WebP's; Pillow gives an AVIF's `irot` and
    `imir` as Exif; libheif has turned a HEIC already."""
    return 1 if photo.kind in ("webp", "heic") else orientation_of(image.info.get("exif", b""))


def _profile(image: Image.Image, photo: Container, file: BinaryIO) -> bytes | None:
    """The ICC profile of its colours; None when they are sRGB, or unknown."""
    if photo.cicp:
        return profile_of_code_points(*photo.cicp)
    profile = bytes(image.info.get("icc_profile") or b"")
    if profile[36:40] == b"acsp":
        return profile
    nclx = image.info.get("nclx_profile")
    with suppress(*LIBRARY_ERRORS):
        if photo.kind == "avif":  # Pillow does not tell an AVIF's
            file.seek(0)
            nclx = pillow_heif.open_heif(file).info.get("nclx_profile")
        if nclx:
            return profile_of_code_points(
                int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
            )
    if "gamma" in image.info and "srgb" not in image.info:
        return profile_of_gamma(image.info["gamma"], image.info.get("chromaticity"))
    return None


def _decode_frames(image: Image.Image, photo: Container, bounds: Bounds) -> bool:
    """Decode the frames that follow the first one; whether there were any. The other images of an
    MPO or HEIC are not frames of an animation."""
    if photo.kind in ("jpg", "heic"):
        return False
    frame_budget = bounds.max_animation_pixels
    for index in itertools.count(1):
        try:
            image.seek(index)
        except EOFError:
            return index > 1
        if image.width * image.height > bounds.max_pixels:
            raise TooManyPixels(bounds.max_pixels)  # a GIF's later frame is larger than its screen
        frame_budget -= max(image.width * image.height, MIN_FRAME_PIXELS)
        if frame_budget < 0:
            raise TooLongAnimation
        image.load()
    raise AssertionError("count() does not end")
