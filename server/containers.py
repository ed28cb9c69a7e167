"""Where the blocks of a photo's file stand."""

import math
import mmap
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, TypeVar

from .avif import boxes, coded_sizes, sequence_size

T = TypeVar("T")
Span = tuple[int, int]

# Ten times what 100 MiB of honest photo hold (a GIF's sub-blocks, 255 bytes each, come nearest);
# a file made of a million tiny blocks must not cost a minute.
_MOST_BLOCKS = 1_000_000
_MOST_PNG_CHUNKS = 50_000
# Libraries join some blocks to one, which takes the square of their number: Pillow a JPEG's EXIF
# segments and a GIF's comments. A photo's EXIF is one segment, or a few.
_MOST_EXIF_SEGMENTS = 64
_MOST_GIF_COMMENT_BLOCKS = 2_048
# A profile of colours has up to 255 segments; 100 MiB of XMP have 1,600.
_MOST_SEGMENTS = 5_000  # of all images of a JPEG; boxes, and what they describe, of the others
_MOST_SIZES = 256  # that the pictures of a HEIC or AVIF have; an iPhone's have four
_SEARCH_BYTES = 256 * 1024


class BrokenContainer(ValueError):
    """The file's blocks contradict each other, or are more than any photo has."""


class CutOff(BrokenContainer):
    """The file ends before its container does."""


class UnknownFormat(ValueError):
    """The file does not begin as one of the formats that Dropwall takes."""


@dataclass(frozen=True)
class Survey:
    """What a photo's container says of it, before any library opens the file.

    `kind` is the true extension; `width` and `height` are in pixels as coded, and the largest that
    any image in the file claims; `frames` are those of an animation, `scans` those of a JPEG's
    first image, whose coefficients (two bytes each) a decoder has to hold when it is progressive
    or has several scans."""

    kind: str
    width: int
    height: int
    frames: int = 1
    scans: int = 1
    progressive: bool = False
    coefficients: int = 0
    is_deep: bool = False  # a HEIC or AVIF of more than 8 bits a channel, or with transparency

    @property
    def pixels(self) -> int:
        return self.width * self.height


@contextmanager
def mapped(file: BinaryIO, access: int = mmap.ACCESS_READ) -> Iterator[mmap.mmap]:
    """The file's bytes, without reading them; `file` has a descriptor and is not empty."""
    file.flush()  # writes what waits, and forgets what was read ahead
    try:
        data = mmap.mmap(file.fileno(), 0, access=access)
    except ValueError:  # "cannot mmap an empty file"
        raise CutOff("The file is empty.") from None
    with data:
        yield data


# A HEIC or AVIF file's first box names its brand: those of ISO/IEC 23008-12 and of AV1-ISOBMFF.
_BEGINNINGS = re.compile(
    rb"(?P<jpg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF....WEBP)"
    rb"|(?P<avif>....ftypavi[fs])|(?P<heic>....ftyp(?:mif1|miaf|msf1|hei[cxms]|hev[cmsx]))",
    re.DOTALL,
)


def survey(file: BinaryIO) -> Survey:
    """Raises UnknownFormat; CutOff if the file ends before its container, whose end anything may
    follow; BrokenContainer, also where its blocks are more than any photo has."""
    with mapped(file) as data:
        beginning = _BEGINNINGS.match(data)
        if not beginning or not beginning.lastgroup:
            raise UnknownFormat
        return _SURVEYS[beginning.lastgroup](data)


def _few(blocks: Iterable[T]) -> Iterator[T]:
    for number, block in enumerate(blocks):
        if number == _MOST_SEGMENTS:
            raise BrokenContainer("The file has more blocks than any photo.")
        yield block


def _number(data: mmap.mmap, position: int, size: int) -> int:
    """Big-endian; of bytes behind the end of the file, nothing."""
    return int.from_bytes(data[position : position + size])


# A marker (T.81 B.1.1.2) that a length follows, SOI or EOI: not a stuffed FF 00 of entropy-coded
# data, not fill bytes (FF FF), not one of those that stand alone (TEM, RST0 to RST7).
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP_OR_COM = (*range(0xE0, 0xF0), 0xFE)
_FRAMES = [0xC0 | number for number in range(16) if number not in (4, 8, 12)]
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
# The other images of an MPO or Ultra HDR photo follow the first one, after zeros perhaps.
_NEXT_JPEG = re.compile(rb"\0*\xff\xd8(?=\xff|\Z)")


def coded_pixels(data: mmap.mmap, photo_format: str) -> Span:
    """Where a JPEG's first image is coded: most of the file, and free of metadata. Raises
    CutOff."""
    start = 0
    for marker, _, position in _jpeg_segments(data) if photo_format == "jpg" else ():
        if marker == _EOI:
            return start, position
        start = start or (position if marker == _SOS else 0)
    return 0, 0


def _jpeg_segments(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Each marker of the first image and of those right behind it, where its content begins, and
    where it ends."""
    position = 2
    while True:
        match = _find_marker(data, position)
        marker, position = data[match.start(1)], match.end()
        if marker == _EOI:
            yield marker, position, position
            following = _NEXT_JPEG.match(data, position)
            if not following:
                return
            position = following.end()
            continue
        length = _number(data, position, 2)
        start, position = position + 2, position + max(length, 2)
        if position > len(data):
            raise CutOff("A segment ends behind the file.")
        if marker == _SOI or length < 2:
            raise BrokenContainer("This is no JPEG segment.")
        yield marker, start, position


def _find_marker(data: mmap.mmap, position: int) -> re.Match[bytes]:
    """The next one, in steps between which other threads go on. Raises CutOff."""
    for start in range(position, len(data), _SEARCH_BYTES):
        if match := _JPEG_MARKER.search(data, start, start + _SEARCH_BYTES + 1):
            return match
    raise CutOff("The JPEG has no end.")


def _survey_jpeg(data: mmap.mmap) -> Survey:
    segments = ((marker, start) for marker, start, _ in _few(_jpeg_segments(data)))
    width = height = scans = coefficients = exif = 0
    progressive = False
    for marker, start in segments:
        if marker == _EOI:
            break
        if marker == _SOS:
            scans += 1
        elif marker in _FRAMES:
            height, width = _number(data, start + 1, 2), _number(data, start + 3, 2)
            progressive |= marker in _PROGRESSIVE
            sampling = [divmod(factors, 16) for factors in data[start + 7 : start + 18 : 3]]
            sampling = sampling[: _number(data, start + 5, 1)]
            largest = max((across * down for across, down in sampling), default=0) or 1
            total = sum(across * down for across, down in sampling)
            coefficients = max(coefficients, width * height * total // largest)
        elif marker in _APP_OR_COM:
            exif += data[start : start + 4] == b"Exif"
            if exif > _MOST_EXIF_SEGMENTS:
                raise BrokenContainer("The JPEG has more segments than any photo.")
    for _ in segments:  # to the end of the last image
        pass
    return Survey("jpg", width, height, 1, scans, progressive, coefficients)


def png_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, Span]]:
    """Name, and where the content stands. Raises CutOff."""
    position = 8
    for _ in range(_MOST_PNG_CHUNKS):
        start = position + 8
        name, end = data[start - 4 : start], start + _number(data, position, 4)
        position = end + 4  # PNG 5.3: behind the data stands a CRC
        if position > len(data):
            raise CutOff("A PNG chunk ends behind the file.")
        yield name, (start, end)
        if name == b"IEND":
            return
    raise BrokenContainer("The PNG has more chunks than any photo.")


def _checksum(data: mmap.mmap, start: int, end: int) -> int:
    value = 0
    for piece in range(start, end, _SEARCH_BYTES):
        value = zlib.crc32(data[piece : min(piece + _SEARCH_BYTES, end)], value)
    return value


def _survey_png(data: mmap.mmap) -> Survey:
    width = height = 0
    frames = 1
    for name, (start, end) in png_chunks(data):
        if name == b"IHDR":
            width, height = _number(data, start, 4), _number(data, start + 4, 4)
        elif name == b"acTL":
            frames = max(frames, _number(data, start, 4))
        # Pillow does not look at the checksums of the picture itself.
        elif name == b"IDAT" and _checksum(data, start - 4, end) != _number(data, end, 4):
            raise BrokenContainer("A PNG chunk is not as it was written.")
    return Survey("png", width, height, frames)


_GIF_BLOCK = re.compile(rb"[,!;]")
_COMMENT = 0xFE


def _survey_gif(data: mmap.mmap) -> Survey:
    def little(position: int) -> int:
        return int.from_bytes(data[position : position + 2], "little")

    def table_bytes(position: int) -> int:
        flags = _number(data, position, 1)
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    width, height, frames, blocks, comments = little(6), little(8), 0, 0, 0
    position = 13 + table_bytes(10)
    while match := _GIF_BLOCK.search(data, position):  # decoders skip what stands between
        position = match.end()
        if match[0] == b";":
            return Survey("gif", width, height, max(frames, 1))
        is_comment = match[0] == b"!" and _number(data, position, 1) == _COMMENT
        if match[0] == b",":
            frames += 1
            position += 10 + table_bytes(position + 8)
        else:
            position += 1
        size = -1
        while size and position < len(data):  # an empty one ends each (GIF89a 15 and 16)
            size = data[position]
            position += 1 + size
            blocks += 1
            comments += is_comment
            if blocks > _MOST_BLOCKS or comments > _MOST_GIF_COMMENT_BLOCKS:
                raise BrokenContainer("The GIF has more blocks than any photo.")
    raise CutOff("The GIF has no end.")


def _survey_webp(data: mmap.mmap) -> Survey:
    """Chunks as in RIFF: a name, a size, the content, padded to an even size."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise CutOff("The WebP ends behind the file.")
    width = height = frames = 0
    position = 12
    for _ in range(_MOST_BLOCKS):
        if position + 8 > end:
            return Survey("webp", width, height, max(frames, 1))
        name, start = data[position : position + 4], position + 8
        size = int.from_bytes(data[position + 4 : start], "little")
        if name == b"VP8X":
            width = max(width, 1 + int.from_bytes(data[start + 4 : start + 7], "little"))
            height = max(height, 1 + int.from_bytes(data[start + 7 : start + 10], "little"))
        elif name == b"VP8 ":
            width = max(width, int.from_bytes(data[start + 6 : start + 8], "little") & 0x3FFF)
            height = max(height, int.from_bytes(data[start + 8 : start + 10], "little") & 0x3FFF)
        elif name == b"VP8L":
            bits = int.from_bytes(data[start + 1 : start + 5], "little")
            width, height = max(width, 1 + (bits & 0x3FFF)), max(height, 1 + (bits >> 14 & 0x3FFF))
        frames += name == b"ANMF"
        position = start + size + size % 2
    raise BrokenContainer("The WebP has more chunks than any photo.")


# Behind the last of them, anything may follow.
_TOP_BOXES = b"ftyp meta mdat moov moof free skip wide uuid mpvd sefd".split()


# What an item is in pixels (23008-12 6.5.3), and the entry of a film's samples (14496-12 12.1.3).
_ITEM_SIZE = re.compile(rb"ispe\0\0\0\0(.{4})(.{4})", re.DOTALL)
_SAMPLE_ENTRY = re.compile(rb"(?:av01|hvc1|hev1)\0{6}..\0{16}(..)(..)", re.DOTALL)
_CHUNK = re.compile(rb"stco\0{4}.{4}(.{4})", re.DOTALL)
_MOST_PADDING = 64  # pixels; a superblock of AV1, the largest unit of HEVC
_SAMPLES = re.compile(rb"stsz\0{4}.{4}(.{4})", re.DOTALL)


# How pictures are coded: bits beyond eight (14496-15 8.3.3.1.2), high_bitdepth (AV1-ISOBMFF 2.3),
# and pictures of transparency (23008-12 6.5.8).
_DEEP = re.compile(
    rb"hvcC.{17}[^\xf8]|hvcC.{18}[^\xf8]|av1C..[\x40-\x7f\xc0-\xff]"
    rb"|auxC\0{4}urn:mpeg:(?:mpegB:cicp:systems:auxiliary:alpha|hevc:2015:auxid:1)",
    re.DOTALL,
)


def _is_padded(coded: tuple[int, int], said: tuple[int, int]) -> bool:
    """Whether it is as large as is said, but for what codecs add to the edges."""
    return all(0 <= a - b < _MOST_PADDING for a, b in zip(coded, said, strict=True))


def _survey_boxes(data: mmap.mmap) -> Survey:
    spans = _top_boxes(data)
    described = spans[b"meta"] + spans[b"moov"]
    if not described:
        raise CutOff("The file ends before its description.")
    [brands, *_] = spans[b"ftyp"]
    # Of a file of both brands, what costs more is reckoned with.
    kind = "avif" if b"avi" in data[brands[0] : min(brands[1], brands[0] + 400)] else "heic"
    said = {(1, 1)}
    for pattern in (_ITEM_SIZE, _SAMPLE_ENTRY):
        said |= {(width, height) for width, height in _numbers(pattern, data, described)}
    coded = {size for span in spans[b"meta"] for size in coded_sizes(data, *span)}
    for (place,) in _numbers(_CHUNK, data, described):
        if found := sequence_size(data, place):
            coded.add(found)
    if len(said) > _MOST_SIZES or len(coded) > _MOST_SIZES:
        raise BrokenContainer("The pictures have more sizes than those of any photo.")
    for size in coded:
        if not any(map(partial(_is_padded, size), said)):
            raise BrokenContainer("A picture is coded larger, or smaller, than it says.")
    width, height = max(said | coded, key=math.prod)
    samples = [count for (count,) in _numbers(_SAMPLES, data, described)] if kind == "avif" else []
    is_deep = any(_DEEP.search(data, *span) for span in described)
    return Survey(kind, width, height, max([1, *samples]), is_deep=is_deep)


def _top_boxes(data: mmap.mmap) -> dict[bytes, list[Span]]:
    """Where the contents stand, by name."""
    spans: dict[bytes, list[Span]] = {b"ftyp": [], b"meta": [], b"moov": []}
    for name, start, end in _few(boxes(data, 0, len(data))):
        if name not in _TOP_BOXES:
            break
        if end > len(data):
            raise CutOff("A box ends behind the file.")
        spans.setdefault(name, []).append((start, end))
    return spans


def _numbers(
    pattern: re.Pattern[bytes], data: mmap.mmap, spans: list[Span]
) -> Iterator[tuple[int, ...]]:
    """The groups of each match, as numbers."""
    for span in spans:
        for match in _few(pattern.finditer(data, *span)):
            yield tuple(map(int.from_bytes, match.groups()))


_SURVEYS: dict[str, Callable[[mmap.mmap], Survey]] = {
    "jpg": _survey_jpeg,
    "png": _survey_png,
    "gif": _survey_gif,
    "webp": _survey_webp,
    "avif": _survey_boxes,
    "heic": _survey_boxes,
}
