"""The structure of HEIC and AVIF files: boxes of the ISO base media file format (ISO/IEC 14496-12),
HEIF's items (23008-12), and what their AV1 and HEVC data really are, whatever the container says.
"""

import math
import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice

from ..refusals import BrokenContainer, NotAPhoto
from .formats import MAX_BLOCKS, Container, Span

MAX_PADDING = 64
"""Pixels that a codec adds to a side: a superblock of AV1, the largest unit of HEVC."""
_MAX_BRANDS = 100
_MAX_SIZES = 256  # different ones of the images in a file; an iPhone's have four
_MAX_UNITS = 100_000  # NAL units of HEVC; a tile is one

# Brands of the `ftyp` box, which is the first: those of AV1-ISOBMFF and of 23008-12.
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = set(b"mif1 mif2 miaf msf1 heic heix heim heis hevc hevx hevm hevs".split())
_TOP_BOXES = b"ftyp meta mdat moov moof free skip wide uuid mpvd sefd".split()

# An item's size in pixels (23008-12 6.5.3), and entries of a sequence's sample tables (14496-12
# 12.1.3, 8.7.5, 8.7.3): size, first chunk, number of samples.
_ITEM_SIZE = re.compile(rb"ispe\0\0\0\0(.{4})(.{4})", re.DOTALL)
_SAMPLE_ENTRY = re.compile(rb"(?:av01|hvc1|hev1)\0{6}..\0{16}(..)(..)", re.DOTALL)
_FIRST_CHUNK = re.compile(rb"stco\0{4}.{4}(.{4})", re.DOTALL)
_SAMPLE_COUNT = re.compile(rb"stsz\0{4}.{4}(.{4})", re.DOTALL)
# More than 8 bits a channel (14496-15 8.3.3.1.2; high_bitdepth in AV1-ISOBMFF 2.3), and images of
# transparency (23008-12 6.5.8).
_DEEP = re.compile(
    rb"hvcC.{17}[^\xf8]|hvcC.{18}[^\xf8]|av1C..[\x40-\x7f\xc0-\xff]"
    rb"|auxC\0{4}urn:mpeg:(?:mpegB:cicp:systems:auxiliary:alpha|hevc:2015:auxid:1)",
    re.DOTALL,
)
# An image or film of AV1 begins with its sequence header, perhaps behind a temporal delimiter (AV1
# specification 5.3 to 5.6); each may have an extension byte, and a size of several bytes (leb128).
_SEQUENCE_HEADER = re.compile(
    rb"(?:(?:\x12|\x16.)\0)?(?:\x0a|\x0e.)[\x80-\xff]{0,7}[\0-\x7f](.{1,128})", re.DOTALL
)
_HEVC_LENGTH_SIZE = re.compile(rb"hvcC.{21}(.)", re.DOTALL)
# Bytes that coded data never have, as where they never arrived. libaom writes 16 such zeros at
# most into flat pictures of 4 MP; in HEVC the three bytes could only start another unit (H.265
# 7.4.2), but for padding. A prefix of all alternatives makes the search forty times quicker.
_NO_AV1 = bytes(64)
_NO_HEVC = re.compile(rb"\0\0(?:[\1\2]|\0[^\0]|\0{62})", re.DOTALL)


def parse_heif(data: mmap.mmap) -> Container:
    """Parse an AVIF or HEIC, and check its coded bytes. Raises NotAPhoto for other files of boxes,
    such as films; BrokenContainer."""
    brands_end = min(int.from_bytes(data[:4]), 4 * _MAX_BRANDS, len(data))
    brands = {data[at : at + 4] for at in (8, *range(16, brands_end, 4))}
    if not brands & (_AVIF_BRANDS | _HEIC_BRANDS):
        raise NotAPhoto
    kind = "avif" if brands & _AVIF_BRANDS else "heic"  # of both, the one that costs more
    metas, moovs = _description(data)
    described = metas + moovs
    items = [item for meta in metas for item in _items(data, *meta)]
    said = {(1, 1)}
    for pattern in (_ITEM_SIZE, _SAMPLE_ENTRY):
        said |= {(width, height) for width, height in _numbers(pattern, data, described)}
    starts = [item.start for item in items if item.kind == b"av01"]
    starts += [start for (start,) in _numbers(_FIRST_CHUNK, data, described)]
    coded = set()
    for start in starts:
        if header := _SEQUENCE_HEADER.match(data, start):
            with suppress(ValueError):  # it is cut off
                coded.add(_av1_size(header[1]))
    if len(said) > _MAX_SIZES or len(coded) > _MAX_SIZES:
        raise BrokenContainer("The images have more sizes than those of any photo.")
    for sides in coded:
        if not any(
            all(0 <= a - b < MAX_PADDING for a, b in zip(sides, said_sides, strict=True))
            for said_sides in said
        ):
            raise BrokenContainer("An image is coded larger, or smaller, than it says.")
    _check_coded(data, items, metas)
    width, height = max(said | coded, key=math.prod)
    frames = 1
    if kind == "avif":
        frames = max([1, *(count for (count,) in _numbers(_SAMPLE_COUNT, data, described))])
    is_deep = any(_DEEP.search(data, *span) for span in described)
    return Container(kind, width, height, frames, is_deep=is_deep, bytes_at_once=len(data))


def boxes(data: mmap.mmap | bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each box in a part of the file, and where its content starts and ends
    (14496-12 4.2). The last one may say that it ends behind the part. Raises BrokenContainer where
    there are more than MAX_BLOCKS."""
    for _ in range(MAX_BLOCKS):
        if start + 8 > end:
            return
        size, header = int.from_bytes(data[start : start + 4]), 8
        name = bytes(data[start + 4 : start + 8])
        if size == 1:
            size, header = int.from_bytes(data[start + 8 : start + 16]), 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield name, start + header, start + size
        start += size
    raise BrokenContainer("The file has more boxes than any photo.")


def _description(data: mmap.mmap) -> tuple[list[Span], list[Span]]:
    """Find where the contents of the `meta` box and of `moov` boxes stand. Behind the last box of a
    known type, anything may follow."""
    found: dict[bytes, list[Span]] = {b"meta": [], b"moov": []}
    for name, start, end in boxes(data, 0, len(data)):
        if name not in _TOP_BOXES:
            break
        if end > len(data):
            raise BrokenContainer("A box ends behind the file.")
        if name in found:
            found[name].append((start, end))
    metas, moovs = found.values()
    if not metas and not moovs:
        raise BrokenContainer("The file ends before its description.")
    if len(metas) > 1:  # 14496-12 8.11.1
        raise BrokenContainer("The file has several descriptions.")
    return metas, moovs


@dataclass(frozen=True)
class _Item:
    """An item of a `meta` box: its type, and where in the file its data start. `length` is 0 where
    they are in several pieces. A thumbnail's or auxiliary image's item refers to another one."""

    kind: bytes
    start: int
    length: int
    is_subordinate: bool


def _items(data: mmap.mmap, start: int, end: int) -> list[_Item]:
    """List the items that the content of a `meta` box describes and the file has."""
    found: dict[bytes, Span] = {}
    for name, begin, behind in boxes(data, start + 4, end):
        found.setdefault(name, (begin, min(behind, end)))  # as libheif; libavif refuses a second
    kinds = dict.fromkeys(_item_kinds(data, *found[b"iinf"])) if b"iinf" in found else {}
    places = dict(_places(data, *found[b"iloc"])) if b"iloc" in found else {}
    subordinates = set()
    begin, behind = found.get(b"iref", (end, end))  # 14496-12 8.11.12
    for name, at, _ in boxes(data, begin + 4, behind):
        if name in (b"thmb", b"auxl"):
            subordinates.add(int.from_bytes(data[at : at + (4 if data[begin] else 2)]))
    return [
        _Item(kind, *places[item], item in subordinates) for item, kind in kinds if item in places
    ]


def _item_kinds(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield each item's id and type, from `infe` boxes (14496-12 8.11.6)."""
    first = start + (6 if data[start] == 0 else 8)
    for name, begin, _ in boxes(data, first, end):
        id_bytes = 4 if data[begin] == 3 else 2
        kind = begin + 4 + id_bytes + 2
        if name == b"infe":
            yield int.from_bytes(data[begin + 4 : begin + 4 + id_bytes]), data[kind : kind + 4]


def _places(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, Span]]:
    """Yield each item's id, where in the file it starts and how long it is (14496-12 8.11.3)."""
    version, position = data[start], start + 6
    offset_bytes, length_bytes = divmod(data[start + 4], 16)
    base_bytes, index_bytes = divmod(data[start + 5], 16)

    def number(size: int) -> int:
        nonlocal position
        position += size
        return int.from_bytes(data[position - size : position])

    for _ in range(min(number(4 if version == 2 else 2), MAX_BLOCKS)):
        item = number(4 if version == 2 else 2)
        is_in_file = not version or number(2) & 15 == 0  # construction_method
        number(2)  # data_reference_index: 0 is this file
        base = number(base_bytes)
        extents = number(2)
        if not extents:
            continue
        if version:
            number(index_bytes)
        offset, length = base + number(offset_bytes), number(length_bytes)
        # Past the others in one step: they may be 65,535 of no bytes.
        position += (extents - 1) * (index_bytes * bool(version) + offset_bytes + length_bytes)
        if position > end:
            return
        if is_in_file:
            yield item, (offset, length if extents == 1 else 0)


def _numbers(
    pattern: re.Pattern[bytes], data: mmap.mmap, spans: list[Span]
) -> list[tuple[int, ...]]:
    """Read the groups of each match as numbers. Raises BrokenContainer for more than MAX_BLOCKS."""
    # The iterator has no name: an exception would keep it, and it the file mapped.
    found = [
        tuple(map(int.from_bytes, match.groups()))
        for match in islice(
            chain.from_iterable(pattern.finditer(data, *span) for span in spans), MAX_BLOCKS + 1
        )
    ]
    if len(found) > MAX_BLOCKS:
        raise BrokenContainer("The file has more images than any photo.")
    return found


def _av1_size(header: bytes) -> Span:
    """Read width and height in a sequence header (AV1 specification 5.5.1). Raises ValueError."""
    bits = "".join(f"{byte:08b}" for byte in header)
    position = 0

    def number(count: int) -> int:
        nonlocal position
        position += count
        return int(bits[position - count : position], 2) if count else 0

    number(4)  # seq_profile, still_picture
    if number(1):  # reduced_still_picture_header
        number(5)
    else:
        delay_bits = 0
        if number(1):  # timing_info_present_flag
            number(64)
            if number(1):  # equal_picture_interval
                zeros = bits.index("1", position) - position
                number(2 * zeros + 1)
            if number(1):  # decoder_model_info_present_flag
                delay_bits = 1 + number(5)
                number(42)
        has_display_delay = number(1)
        for _ in range(1 + number(5)):  # operating points
            number(12)
            if number(5) > 7:
                number(1)
            if delay_bits and number(1):
                number(2 * delay_bits + 1)
            if has_display_delay and number(1):
                number(4)
    width_bits, height_bits = 1 + number(4), 1 + number(4)
    return 1 + number(width_bits), 1 + number(height_bits)


def _check_coded(data: mmap.mmap, items: list[_Item], metas: list[Span]) -> None:
    """Check that no item has bytes that AV1 or HEVC never has, and that those of HEVC are rows of
    NAL units: decoders guess there, or leave a tile out, and do not tell. Raises BrokenContainer.
    """
    remaining, units = len(data), _MAX_UNITS
    lengths = [m[1][0] & 3 for meta in metas for m in _HEVC_LENGTH_SIZE.finditer(data, *meta)]
    has_four_bytes = all(length == 3 for length in lengths)  # as every phone writes
    for item in items:
        start, end = item.start, item.start + item.length
        if item.kind == b"av01":
            remaining -= item.length
            is_wrong = remaining < 0 or data.find(_NO_AV1, start, end) >= 0
        elif item.kind == b"hvc1" and has_four_bytes and not item.is_subordinate:
            remaining -= item.length
            is_wrong = False
            while start < end <= len(data) and not is_wrong:
                units -= 1
                unit, start = start + 4, start + 4 + int.from_bytes(data[start : start + 4])
                is_over = start > end or start == unit or min(remaining, units) < 0
                is_wrong = is_over or bool(_NO_HEVC.search(data, unit, start))
        else:
            continue
        if is_wrong:
            raise BrokenContainer("An image has bytes that none can have.")
