"""Where the blocks of a photo's file stand."""

import mmap
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import BinaryIO, TypeVar

T = TypeVar("T")
Span = tuple[int, int]

# Ten times what 100 MiB of honest photo hold (a GIF's sub-blocks, 255 bytes each, come nearest);
# a file made of a million tiny blocks must not cost a minute.
_MOST_BLOCKS = 1_000_000
_MOST_BOXES = 20_000
_MOST_METADATA = 300


class BrokenContainer(ValueError):
    """The file's blocks contradict each other, or are more than any photo has."""


class CutOff(BrokenContainer):
    """The file ends before its container does."""


@dataclass(frozen=True)
class JpegLayout:
    """How the first image of a JPEG is coded: its number of scans, and whether it refines them."""

    scans: int
    progressive: bool


@dataclass(frozen=True)
class Block:
    """One piece of metadata, in the file perhaps in several pieces.

    `kind` is "exif", "xmp", "extended xmp", "quicktime place" or a PNG chunk's name.
    """

    kind: str
    spans: tuple[Span, ...]
    has_crc: bool = False

    def read(self, data: mmap.mmap) -> bytes:
        return b"".join(data[start:end] for start, end in self.spans)

    def write(self, data: mmap.mmap, content: bytes) -> None:
        """Put `content`, as long as what was read, in its place."""
        position = 0
        for start, end in self.spans:
            data[start:end] = content[position : position + end - start]
            position += end - start
            if self.has_crc:  # PNG 5.3: of the chunk's name and data
                data[end : end + 4] = zlib.crc32(data[start - 4 : end]).to_bytes(4)


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


def check_complete(file: BinaryIO, photo_format: str) -> None:
    """Raises CutOff if the file ends before its container; what follows the end is left alone."""
    with mapped(file) as data:
        if photo_format == "jpg":
            _read_jpeg_layout(data)
        elif photo_format == "png":
            for _ in _limited(_png_chunks(data)):
                pass
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


def find_metadata(data: mmap.mmap, photo_format: str) -> list[Block]:
    """Every block that may say where a photo was taken. Raises BrokenContainer."""
    find = {"jpg": _jpeg_metadata, "png": _png_metadata, "gif": _gif_metadata}
    blocks = find.get(photo_format, _riff_metadata if photo_format == "webp" else _item_metadata)
    found = list(_limited(blocks(data), _MOST_METADATA))
    size = sum(end - start for block in found for start, end in block.spans)
    pairs = (pair for block in found for pair in pairwise(sorted(block.spans)))
    if size > 2 * len(data) or any(end > following for (_, end), (following, _) in pairs):
        raise BrokenContainer("The photo's blocks of metadata overlap.")
    return found


def _limited(blocks: Iterable[T], most: int = _MOST_BLOCKS) -> Iterator[T]:
    for number, block in enumerate(blocks):
        if number == most:
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


def _jpeg_markers(data: mmap.mmap) -> Iterator[int]:
    """The markers of the first image and of those right behind it."""
    position = 2
    while True:
        match = _JPEG_MARKER.search(data, position)
        if not match:
            raise CutOff("The JPEG has no end.")
        marker, position = data[match.start(1)], match.end()
        yield marker
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
    markers = _limited(_jpeg_markers(data))
    first_image = list(iter(lambda: next(markers), _EOI))
    for _ in markers:  # to the end of the last image
        pass
    return JpegLayout(first_image.count(_SOS), any(m in _PROGRESSIVE for m in first_image))


_APP1 = re.compile(
    rb"\xff\xe1(?P<length>..)"
    rb"(?:(?P<exif>Exif\0.)|(?P<xmp>http://ns\.adobe\.com/xap/1\.0/\0)"
    rb"|http://ns\.adobe\.com/xmp/extension/\0(?P<guid>.{32}).{4}(?P<offset>.{4}))",
    re.DOTALL,
)
# Android's MediaMuxer writes this atom into the video of a motion photo, as ISO 6709.
_QUICKTIME_PLACE = re.compile(rb"\xa9xyz.{4}[+-][\d.+-]+(?:CRS\w+)?/?", re.DOTALL)


def _jpeg_metadata(data: mmap.mmap) -> Iterator[Block]:
    """By signature, wherever it stands: an image behind the first one, a trailer's preview.
    Entropy-coded data cannot hold one, for there FF is never followed by E1."""
    exif: list[list[Span]] = []
    extended: dict[bytes, list[tuple[bytes, Span]]] = {}
    for match in _limited(list(islice(_APP1.finditer(data), _MOST_BOXES + 1)), _MOST_BOXES):
        end = match.start("length") + int.from_bytes(match["length"])
        span = match.end(), max(match.end(), min(end, len(data)))
        if match["xmp"]:
            yield Block("xmp", (span,))
        elif match["guid"]:
            extended.setdefault(match["guid"], []).append((match["offset"], span))
        elif exif and data[span[0] : span[0] + 2] not in (b"II", b"MM"):
            exif[-1].append(span)  # more than 64 KiB of Exif goes on in the next segment
        else:
            exif.append([span])
    yield from (Block("exif", tuple(spans)) for spans in exif)
    for parts in extended.values():  # XMP part 3, 1.1.3.1
        yield Block("extended xmp", tuple(span for _, span in sorted(parts)))
    yield from _quicktime_places(data)


def _quicktime_places(data: mmap.mmap) -> Iterator[Block]:
    for match in list(islice(_QUICKTIME_PLACE.finditer(data), _MOST_METADATA)):
        yield Block("quicktime place", (match.span(),))


def _png_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, Span]]:
    position = 8
    name = b""
    while name != b"IEND":
        start = position + 8
        name, end = data[start - 4 : start], start + _number(data, position, 4)
        position = end + 4  # PNG 5.3: behind the data stands a CRC
        if position > len(data):
            raise CutOff("A PNG chunk ends behind the file.")
        yield name, (start, end)


def _png_metadata(data: mmap.mmap) -> Iterator[Block]:
    for name, span in _limited(_png_chunks(data)):
        if name in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
            kind = "exif" if name == b"eXIf" else name.decode()
            yield Block(kind, (span,), has_crc=True)


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


def _gif_metadata(data: mmap.mmap) -> Iterator[Block]:
    xmp: list[Span] | None = None
    for start, end in _limited(_gif_sub_blocks(data)):
        if data[start:end] == b"XMP DataXMP":
            xmp = []
        elif xmp is not None and start < end:
            xmp.append((start, end))
        elif xmp:
            # XMP part 3, 1.1.2: the packet as it is, then 258 bytes that lead any reader, who
            # takes its characters for lengths, to the end. Or real sub-blocks, as some write it.
            is_raw = data[end - 258 : end - 255] == b"\x01\xff\xfe"
            yield Block("xmp", ((xmp[0][0] - 1, end - 258),) if is_raw else tuple(xmp))
            xmp = None


def _riff_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, Span]]:
    position = 12
    while position + 8 <= len(data):
        start = position + 8
        end = start + int.from_bytes(data[start - 4 : start], "little")
        yield data[position : position + 4], (start, min(end, len(data)))
        position = end + end % 2


def _check_riff(data: mmap.mmap) -> None:
    if 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise CutOff("The WebP ends behind the file.")


def _riff_metadata(data: mmap.mmap) -> Iterator[Block]:
    for name, span in _limited(_riff_chunks(data)):
        if name in (b"EXIF", b"XMP "):
            yield Block(name.decode().strip().lower(), (span,))


Box = tuple[bytes, int, int]
# Behind the last of them, anything may follow.
_TOP_BOXES = b"ftyp meta mdat moov moof free skip wide uuid mpvd sefd".split()


def _boxes(data: mmap.mmap, start: int, end: int) -> Iterator[Box]:
    """Name, start and end of the contents; the end may lie behind the file."""
    while start + 8 <= end:  # ISO/IEC 14496-12 4.2
        size, name, header = _number(data, start, 4), data[start + 4 : start + 8], 8
        if size == 1:
            size, header = _number(data, start + 8, 8), 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield name, start + header, start + size
        start += size


def _find_boxes(data: mmap.mmap, start: int, end: int) -> dict[bytes, list[Span]]:
    found: dict[bytes, list[Span]] = {}
    for name, box_start, box_end in _limited(_boxes(data, start, end), _MOST_BOXES):
        found.setdefault(name, []).append((box_start, min(box_end, end)))
    return found


def _check_boxes(data: mmap.mmap) -> None:
    names = set()
    for name, _, end in _limited(_boxes(data, 0, len(data)), _MOST_BOXES):
        if name not in _TOP_BOXES:
            break
        if end > len(data):
            raise CutOff("A box ends behind the file.")
        names.add(name)
    if not names & {b"meta", b"moov"}:
        raise CutOff("The file ends before its description.")
    if any(end > len(data) for _, (_, end) in _limited(_extents(data), _MOST_BOXES)):
        raise CutOff("A picture's bytes end behind the file.")


def _metas(data: mmap.mmap) -> Iterator[Span]:
    """The file's meta box, and those of an image sequence's tracks."""
    top = _find_boxes(data, 0, len(data))
    yield from top.get(b"meta", [])[:1]
    for moov in top.get(b"moov", [])[:1]:
        for trak in _find_boxes(data, *moov).get(b"trak", [])[:16]:
            yield from _find_boxes(data, *trak).get(b"meta", [])[:1]


def _extents(data: mmap.mmap) -> Iterator[tuple[tuple[bytes, int, int], Span]]:
    """Every piece of every item: type, number of its meta box, number of the item; its place."""
    for number, (start, end) in enumerate(_metas(data)):
        boxes = _find_boxes(data, start + 4, end)
        types = {}
        for start, end in boxes.get(b"iinf", []):  # 8.11.6
            start += 6 if _number(data, start, 1) == 0 else 8
            for infe, _ in _find_boxes(data, start, end).get(b"infe", []):
                id_size = 4 if _number(data, infe, 1) == 3 else 2
                item = _number(data, infe + 4, id_size)
                types[item] = data[infe + 6 + id_size : infe + 10 + id_size]
        sources = [(0, len(data)), *boxes.get(b"idat", [])]  # by construction_method
        for item, method, offset, length in _locations(data, *boxes.get(b"iloc", [(0, 0)])[0]):
            if method < len(sources):
                start, end = sources[method][0] + offset, sources[method][1]
                yield (types.get(item, b""), number, item), (start, start + length or end)


def _locations(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Item, construction_method, offset and length of each extent (8.11.3); length 0: all."""
    version, sizes = _number(data, start, 1), _number(data, start + 4, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    id_size, index_size = 4 if version == 2 else 2, sizes & 15 if version else 0
    position = start + 6

    def take(size: int) -> int:
        nonlocal position
        position += size
        return _number(data, position - size, size)

    for _ in range(take(id_size)):
        if position >= end:
            return
        item, method = take(id_size), take(2) & 15 if version else 0
        _data_reference, base = take(2), take(base_size)
        for _ in range(take(2)):
            _index, offset, length = take(index_size), base + take(offset_size), take(length_size)
            yield item, method, offset, length


def _item_metadata(data: mmap.mmap) -> Iterator[Block]:
    items: dict[tuple[bytes, int, int], list[Span]] = {}
    for item, (start, end) in _limited(_extents(data), _MOST_BOXES):
        if item[0] in (b"Exif", b"mime"):
            items.setdefault(item, []).append((min(start, len(data)), min(end, len(data))))
    for (kind, _, _), spans in items.items():
        yield Block("exif" if kind == b"Exif" else "xmp", tuple(spans))
    yield from _quicktime_places(data)
