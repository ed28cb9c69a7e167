"""Where the blocks of a photo's file stand."""

import mmap
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

T = TypeVar("T")
Span = tuple[int, int]

# Ten times what 100 MiB of honest photo hold (a GIF's sub-blocks, 255 bytes each, come nearest);
# a file made of a million tiny blocks must not cost a minute.
_MOST_BLOCKS = 1_000_000
_MOST_PNG_CHUNKS = 50_000


class BrokenContainer(ValueError):
    """The file's blocks contradict each other, or are more than any photo has."""


class CutOff(BrokenContainer):
    """The file ends before its container does."""


@dataclass(frozen=True)
class JpegLayout:
    """How the first image of a JPEG is coded: its number of scans, and whether it refines them."""

    scans: int
    progressive: bool


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
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP"
    rb"|....ftyp(?:avi[fs]|mif1|miaf|msf1|hei[cxms]|hev[cmsx])",
    re.DOTALL,
)


def begins_as_photo(file: BinaryIO) -> bool:
    """Whether the first bytes are those of a format that Dropwall takes."""
    file.seek(0)
    return bool(_BEGINNINGS.match(file.read(12)))


def check_complete(file: BinaryIO, photo_format: str) -> None:
    """Raises CutOff if the file ends before its container; what follows the end is left alone."""
    with mapped(file) as data:
        if photo_format == "jpg":
            _read_jpeg_layout(data)
        elif photo_format == "png":
            _check_png(data)
        elif photo_format == "gif":
            for _ in _limited(_gif_sub_blocks(data)):
                pass
        elif photo_format == "webp":
            _check_riff(data)
        else:
            _check_boxes(data)


def read_jpeg_layout(file: BinaryIO) -> JpegLayout:
    """The scans of a JPEG. Raises whatever `check_complete` does: one call does for both."""
    with mapped(file) as data:
        return _read_jpeg_layout(data)


def _limited(blocks: Iterable[T]) -> Iterator[T]:
    for number, block in enumerate(blocks):
        if number == _MOST_BLOCKS:
            raise BrokenContainer("The file has more blocks than any photo.")
        yield block


def _number(data: mmap.mmap, position: int, size: int) -> int:
    """Big-endian; of bytes behind the end of the file, nothing."""
    return int.from_bytes(data[position : position + size])


# A marker (T.81 B.1.1.2) that a length follows, SOI or EOI: not a stuffed FF 00 of entropy-coded
# data, not fill bytes (FF FF), not one of those that stand alone (TEM, RST0 to RST7).
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
# The other images of an MPO or Ultra HDR photo follow the first one, after zeros perhaps.
_NEXT_JPEG = re.compile(rb"\0*\xff\xd8(?=\xff|\Z)")


def coded_pixels(data: mmap.mmap, photo_format: str) -> Span:
    """Where a JPEG's first image is coded: most of the file, and free of metadata. Raises
    CutOff."""
    start = 0
    for marker, position in _jpeg_markers(data) if photo_format == "jpg" else ():
        if marker == _EOI:
            return start, position
        start = start or (position if marker == _SOS else 0)
    return 0, 0


def _jpeg_markers(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """The markers of the first image and of those right behind it, and where they end."""
    position = 2
    while True:
        match = _JPEG_MARKER.search(data, position)
        if not match:
            raise CutOff("The JPEG has no end.")
        marker, position = data[match.start(1)], match.end()
        yield marker, position
        if marker == _EOI:
            following = _NEXT_JPEG.match(data, position)
            if not following:
                return
            position = following.end()
            continue
        length = _number(data, position, 2)
        position += max(length, 2)
        if position > len(data):
            raise CutOff("A segment ends behind the file.")
        if marker == _SOI or length < 2:
            raise BrokenContainer("This is no JPEG segment.")


def _read_jpeg_layout(data: mmap.mmap) -> JpegLayout:
    markers = (marker for marker, _ in _limited(_jpeg_markers(data)))
    first_image = list(iter(lambda: next(markers), _EOI))
    for _ in markers:  # to the end of the last image
        pass
    return JpegLayout(first_image.count(_SOS), any(m in _PROGRESSIVE for m in first_image))


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


def _check_png(data: mmap.mmap) -> None:
    for name, (start, end) in png_chunks(data):
        # Pillow does not look at the checksums of the picture itself.
        if name == b"IDAT" and zlib.crc32(data[start - 4 : end]) != _number(data, end, 4):
            raise BrokenContainer("A PNG chunk is not as it was written.")


_GIF_BLOCK = re.compile(rb"[,!;]")


def _gif_sub_blocks(data: mmap.mmap) -> Iterator[Span]:
    """Of every image and extension; an empty one ends each (GIF89a 15 and 16)."""

    def table_bytes(position: int) -> int:
        flags = _number(data, position, 1)
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    position = 13 + table_bytes(10)
    while match := _GIF_BLOCK.search(data, position):  # decoders skip what stands between
        position = match.end()
        if match[0] == b";":
            return
        position += 1 if match[0] == b"!" else 10 + table_bytes(position + 8)
        size = -1
        while size and position < len(data):
            size = data[position]
            yield position + 1, position + 1 + size
            position += 1 + size
    raise CutOff("The GIF has no end.")


def _check_riff(data: mmap.mmap) -> None:
    if 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise CutOff("The WebP ends behind the file.")


# Behind the last of them, anything may follow.
_TOP_BOXES = b"ftyp meta mdat moov moof free skip wide uuid mpvd sefd".split()


def _boxes(data: mmap.mmap) -> Iterator[tuple[bytes, int]]:
    """Name and end of each box of the file (ISO/IEC 14496-12 4.2); it may lie behind the file."""
    start = 0
    while start + 8 <= len(data):
        size, name, header = _number(data, start, 4), data[start + 4 : start + 8], 8
        if size == 1:
            size, header = _number(data, start + 8, 8), 16
        elif size == 0:
            size = len(data) - start
        if size < header:
            return
        start += size
        yield name, start


def _check_boxes(data: mmap.mmap) -> None:
    names = set()
    for name, end in _limited(_boxes(data)):
        if name not in _TOP_BOXES:
            break
        if end > len(data):
            raise CutOff("A box ends behind the file.")
        names.add(name)
    if not names & {b"meta", b"moov"}:
        raise CutOff("The file ends before its description.")
