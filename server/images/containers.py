"""Where the blocks of a photo's file stand."""

import io
import math
import mmap
import re
import zlib
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain
from typing import Any, BinaryIO, TypeVar

from ..refusals import BrokenContainer
from .avif import boxes, coded_sizes, has_broken_items, sequence_size

T = TypeVar("T")
Span = tuple[int, int]
Part = Span | bytes  # of a file, or instead of it

# Ten times what 100 MiB of honest photo hold (a GIF's sub-blocks, 255 bytes each, come nearest);
# a file made of a million tiny blocks must not cost a minute.
_MOST_BLOCKS = 1_000_000
_MOST_PNG_CHUNKS = 50_000
# Pillow joins a GIF's comments to one, which takes the square of their number.
_MOST_GIF_COMMENT_BLOCKS = 2_048
# A profile of colours has up to 255 segments; 100 MiB of XMP have 1,600.
_MOST_SEGMENTS = 5_000  # of a JPEG's first image; boxes, and what they describe, of the others
_MOST_SIZES = 256  # that the pictures of a HEIC or AVIF have; an iPhone's have four
_SEARCH_BYTES = 256 * 1024


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
    or has several scans. `parts` are what a decoder needs of a JPEG or PNG; without them it reads
    the whole file."""

    kind: str
    width: int
    height: int
    frames: int = 1
    scans: int = 1
    progressive: bool = False
    coefficients: int = 0
    is_deep: bool = False  # a HEIC or AVIF of more than 8 bits a channel, or with transparency
    has_end: bool = True  # a JPEG's marker; without it all scans have begun, at least
    cicp: tuple[int, int] | None = None  # a PNG's primaries and transfer function (H.273)
    parts: tuple[Part, ...] = ()

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


class Excerpt(io.RawIOBase):
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
        part, left = self._parts[number], self._ends[number] - self._position
        if isinstance(part, bytes):
            content = part[-left:]
        else:
            self._file.seek(part[1] - left)
            content = self._file.read(min(left, len(buffer)))
        size = min(len(content), len(buffer))
        buffer[:size] = content[:size]
        self._position += size
        return size


# A HEIC or AVIF file's first box names its brand, and others that it is as well: those of ISO/IEC
# 23008-12 and of AV1-ISOBMFF.
_BEGINNINGS = re.compile(
    rb"(?P<jpg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF....WEBP)"
    rb"|(?P<boxes>....ftyp)",
    re.DOTALL,
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = set(b"mif1 mif2 miaf msf1 heic heix heim heis hevc hevx hevm hevs".split())
_MOST_BRANDS = 100


def survey(file: BinaryIO) -> Survey:
    """Raises UnknownFormat; CutOff if the file ends before its container, whose end anything may
    follow; BrokenContainer, also where its blocks are more than any photo has."""
    with mapped(file) as data:
        beginning = _BEGINNINGS.match(data)
        if not beginning or not beginning.lastgroup:
            raise UnknownFormat
        try:
            return _SURVEYS[beginning.lastgroup](data)
        except IndexError:  # of a byte behind the end
            raise CutOff("A block ends behind the file.") from None


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
_HUFFMAN_SEQUENTIAL = (0xC0, 0xC1)
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)


# What a decoder needs of them: JFIF and Adobe say which colours they are, Exif which side is up.
_NEEDED_APPS = re.compile(
    rb"\xff(?:\xe0|\xe2..ICC_PROFILE\0|\xee|(?P<exif>\xe1..Exif\0\0))", re.DOTALL
)
# Bits of which no code consists (T.81 C), as many as libjpeg reads ahead, and no end: it waits for
# more when the last block is not whole. Told that the file ends it would paint the rest grey.
_NO_CODES = b"\xff\0" * 8


def coded_pixels(data: mmap.mmap, photo_format: str) -> Span:
    """Where a JPEG's first image is coded: most of the file, and free of metadata."""
    start = 0
    for marker, _, end in _jpeg_segments(data) if photo_format == "jpg" else ():
        if marker == _SOS:
            start = start or end
        elif marker == _EOI:
            return start, end
    return (start, len(data)) if start else (0, 0)


def _jpeg_segments(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Each marker of the first image, where it begins, and where its content ends. Behind the last
    one, which may be missing, there is anything: films, other images, halves of them."""
    position = 2
    while match := _find_marker(data, position):
        marker, position = match[1][0], match.end()
        if marker == _EOI:
            yield marker, match.start(), position
            return
        length = _number(data, position, 2)
        position += max(length, 2)
        if position > len(data):
            raise CutOff("A segment ends behind the file.")
        if marker == _SOI or length < 2:
            raise BrokenContainer("This is no JPEG segment.")
        yield marker, match.start(), position


def _find_marker(data: mmap.mmap, position: int) -> re.Match[bytes] | None:
    """The next one, in steps between which other threads go on."""
    for start in range(position, len(data), _SEARCH_BYTES):
        if match := _JPEG_MARKER.search(data, start, start + _SEARCH_BYTES + 1):
            return match
    return None


def _survey_jpeg(data: mmap.mmap) -> Survey:
    width = height = scans = coefficients = components = frame = kept = end = 0
    progressive = has_end = has_exif = False
    finished: set[tuple[int, int]] = set()
    parts: list[Part] = []
    for marker, begin, end in _few(_jpeg_segments(data)):
        start = begin + 4
        if marker == _EOI:
            has_end, end = True, begin
        elif marker == _SOS:
            scans += 1
            finished |= _finished(data, start)
        elif marker in _FRAMES:
            frame, height, width = marker, _number(data, start + 1, 2), _number(data, start + 3, 2)
            progressive |= marker in _PROGRESSIVE
            components = _number(data, start + 5, 1)
            sampling = [divmod(factors, 16) for factors in data[start + 7 : start + 18 : 3]]
            sampling = sampling[:components]
            largest = max((across * down for across, down in sampling), default=0) or 1
            total = sum(across * down for across, down in sampling)
            coefficients = max(coefficients, width * height * total // largest)
        elif marker in _APP_OR_COM:
            needed = _NEEDED_APPS.match(data, begin)
            if not needed or (needed["exif"] and has_exif):
                parts.append((kept, begin))
                kept = end
            has_exif |= bool(needed and needed["exif"])
    if not has_end:
        if not scans or len(finished) < 64 * components:
            raise CutOff("The JPEG has no end.")
        end = _end_before_zeros(data)
    is_streamed = scans == 1 and frame in _HUFFMAN_SEQUENTIAL
    half_end = b"\0" if data[end - 1] == 0xFF else b""  # makes bits of it, not another marker
    parts += [(kept, end), half_end, _NO_CODES if is_streamed else b"\xff\xd9"]
    return Survey(
        *("jpg", width, height, 1, scans, progressive, coefficients),
        has_end=has_end,
        parts=tuple(parts),
    )


def _finished(data: mmap.mmap, start: int) -> set[tuple[int, int]]:
    """The components and coefficients whose last bit stands in this scan (T.81 B.2.3)."""
    behind = start + 1 + 2 * _number(data, start, 1)
    first, last, bits = data[behind : behind + 3].ljust(3, b"\1")
    components = data[start + 1 : behind : 2] if bits & 15 == 0 else b""
    return {(number, k) for number in components for k in range(first, min(last, 63) + 1)}


def _end_before_zeros(data: mmap.mmap) -> int:
    """A file that was made in its full length has zeros where nothing arrived."""
    end = len(data)
    while not (tail := data[max(end - _SEARCH_BYTES, 0) : end].rstrip(b"\0")):
        end -= _SEARCH_BYTES
    return max(end - _SEARCH_BYTES, 0) + len(tail)


def png_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, Span]]:
    """Name, and where the content stands. The last one, IEND, may be missing, and what stands
    before it without being of the picture may be cut off. Raises CutOff, BrokenContainer."""
    position = 8
    for number in range(_MOST_PNG_CHUNKS):
        start = position + 8
        name, end = data[start - 4 : start], start + _number(data, position, 4)
        position = end + 4  # PNG 5.3: behind the data stands a CRC
        if position > len(data):
            if name in _PNG_PICTURE:
                raise CutOff("A PNG chunk ends behind the file.")
            return
        if number == 0 and name != b"IHDR":
            raise BrokenContainer("A PNG begins with its header.")
        yield name, (start, end)
        if name == b"IEND":
            return
    raise BrokenContainer("The PNG has more chunks than any photo.")


_PNG_PICTURE = (b"IHDR", b"PLTE", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"IEND")
# What else a decoder looks at, and the size that makes it right, if it has one.
_PNG_ABOUT = {b"tRNS": 0, b"iCCP": 0, b"eXIf": 0, b"sRGB": 1, b"cICP": 4, b"gAMA": 4, b"cHRM": 32}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
MOST_PROFILE_BYTES = 8 << 20  # of colours; those for printing have 4 MB


def _survey_png(data: mmap.mmap) -> Survey:
    width = height = 0
    frames, cicp = 1, None
    seen: set[bytes] = set()
    spans: list[Span] = [(0, 8)]
    for name, (start, end) in png_chunks(data):
        is_whole = partial(_is_as_written, data, start, end)
        if name in _PNG_PICTURE:
            if name != b"IEND" and not is_whole():
                raise BrokenContainer("A PNG chunk is not as it was written.")
        elif (
            name in seen  # browsers take the first
            or _PNG_ABOUT.get(name, -1) not in (0, end - start)
            or not is_whole()
        ):
            continue
        seen.add(name)
        if name == b"iCCP" and not _is_profile(data, start, end):
            continue  # nor any other: each may unpack to megabytes
        if name == b"IHDR":
            width, height = _number(data, start, 4), _number(data, start + 4, 4)
        elif name == b"acTL":
            frames = max(frames, _number(data, start, 4))
        elif name == b"cICP" and b"IDAT" not in seen and data[start + 2 : end] == b"\0\1":
            cicp = data[start], data[start + 1]
        first = spans.pop()[0] if spans[-1][1] == start - 8 else start - 8
        spans.append((first, end + 4))
    if frames > 1 and b"IEND" not in seen:
        raise CutOff("The animation has no end.")
    return Survey("png", width, height, frames, cicp=cicp, parts=tuple(spans))


def _is_as_written(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether the checksum is that of the chunk, which libraries skip for the picture itself."""
    value = 0
    for piece in range(start - 4, end, _SEARCH_BYTES):
        value = zlib.crc32(data[piece : min(piece + _SEARCH_BYTES, end)], value)
    return value == _number(data, end, 4)


def _is_profile(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether an iCCP chunk can be unpacked, to no more than a profile may have."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(data[data.find(b"\0", start, end) + 2 : end], MOST_PROFILE_BYTES)
    except zlib.error:
        return False
    return unpacker.eof


def check_png_pixels(file: BinaryIO) -> None:
    """Raises BrokenContainer where the packed pixels of a frame are broken, or too few: Pillow
    leaves black what is not there, and ignores all that stands behind the last row."""
    unpacker, missing = None, 0
    with mapped(file) as data:
        depth, colour, _, _, is_interlaced = data[24:29]
        bits = depth * _PNG_CHANNELS[colour]
        for name, (start, end) in chain(png_chunks(data), [(b"IEND", (0, 0))]):
            if name in (b"IHDR", b"fcTL", b"IEND"):
                is_wrong = missing > 0 or (missing < 0 and unpacker and not unpacker.eof)
                if unpacker and is_wrong and not is_interlaced:
                    break
                at = start + 4 * (name == b"fcTL")
                width, height = _number(data, at, 4), _number(data, at + 4, 4)
                unpacker, missing = None, height * (1 + -(-width * bits // 8))
            elif name in (b"IDAT", b"fdAT"):
                unpacker = unpacker or zlib.decompressobj()
                for at in range(start + 4 * (name == b"fdAT"), end, _SEARCH_BYTES):
                    packed = data[at : min(at + _SEARCH_BYTES, end)]
                    while packed:
                        try:
                            missing -= len(unpacker.decompress(packed, _SEARCH_BYTES))
                        except zlib.error as error:
                            raise BrokenContainer("The pixels cannot be unpacked.") from error
                        packed = unpacker.unconsumed_tail
                        if missing < -_SEARCH_BYTES:
                            raise BrokenContainer("A picture has more rows than it says.")
        else:
            return
    raise BrokenContainer("A picture has other rows than it says.")


_GIF_BLOCK = re.compile(rb"[,!;]")
_COMMENT = 0xFE


def _survey_gif(data: mmap.mmap) -> Survey:
    def little(position: int) -> int:
        return int.from_bytes(data[position : position + 2], "little")

    def table_bytes(position: int) -> int:
        flags = _number(data, position, 1)
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    width, height, frames, blocks, comments, size = little(6), little(8), 0, 0, 0, -1
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
    if frames and not size and position <= len(data):  # only the last byte is missing
        return Survey("gif", width, height, frames)
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
MOST_PADDING = 64  # pixels; a superblock of AV1, the largest unit of HEVC
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
    return all(0 <= a - b < MOST_PADDING for a, b in zip(coded, said, strict=True))


def _survey_boxes(data: mmap.mmap) -> Survey:
    end = min(_number(data, 0, 4), 4 * _MOST_BRANDS, len(data))
    brands = {data[at : at + 4] for at in (8, *range(16, end, 4))}
    if not brands & (_AVIF_BRANDS | _HEIC_BRANDS):
        raise UnknownFormat
    # Of a file of both brands, what costs more is reckoned with.
    kind = "avif" if brands & _AVIF_BRANDS else "heic"
    spans = _top_boxes(data)
    described = spans[b"meta"] + spans[b"moov"]
    if not described:
        raise CutOff("The file ends before its description.")
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
    if any(has_broken_items(data, *span) for span in spans[b"meta"]):
        raise BrokenContainer("A picture has bytes that none can have.")
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
    if len(spans[b"meta"]) > 1:  # 14496-12 8.11.1
        raise BrokenContainer("The file has several descriptions.")
    for start, end in spans[b"meta"]:
        deque(_few(boxes(data, start + 4, end)), 0)  # counted, before others go through them
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
    "boxes": _survey_boxes,
}
