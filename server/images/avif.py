"""What the pictures of an AVIF or HEIC file are as coded, whatever its container says."""

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

Box = tuple[bytes, int, int]

_MOST_ITEMS = 5_000  # 16 x 16 tiles, each with transparency, are 512
_MOST_UNITS = 100_000  # of HEVC; a tile is one
_HEADER_BYTES = 128
_TEMPORAL_DELIMITER, _SEQUENCE_HEADER = 2, 1


def boxes(data: mmap.mmap | bytearray, start: int, end: int) -> Iterator[Box]:
    """Name, and where the content begins and ends, of each box in a part of the file (ISO/IEC
    14496-12 4.2). The last one may say that it ends behind the part."""
    while start + 8 <= end:
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


def coded_sizes(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Width and height of every AV1 item that the content of a `meta` box describes."""
    for offset, _ in _items(data, start, end, b"av01"):
        if size := sequence_size(data, offset):
            yield size


def has_broken_items(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether an AV1 or HEVC item has bytes in it that none can have, as where it never arrived,
    or the latter is no row of NAL units: decoders guess, or leave a tile out, and do not tell."""
    left = len(data)
    for offset, length in _items(data, start, end, b"av01"):
        left -= length
        if left < 0 or data.find(_NO_AV1, offset, offset + length) >= 0:
            return True
    if any(sizes[1][0] & 3 != 3 for sizes in _LENGTH_SIZE.finditer(data, start, end)):
        return False  # they have no lengths of four bytes
    left, units = len(data), _MOST_UNITS
    for offset, length in _items(data, start, end, b"hvc1", but=(b"thmb", b"auxl")):
        behind = offset + length
        left -= length
        while offset < behind <= len(data):
            units -= 1
            unit, offset = offset + 4, offset + 4 + int.from_bytes(data[offset : offset + 4])
            is_over = offset > behind or offset == unit or min(left, units) < 0
            if is_over or _NO_HEVC.search(data, unit, offset):
                return True
    return False


_NO_AV1 = bytes(64)  # flat pictures of 4 MP have 16 such zeros at most, as libaom writes them
# Three bytes that only the beginning of another unit could be (H.265 7.4.2), but for padding.
_NO_HEVC = re.compile(rb"\0\0[\1\2]|\0{3}[^\0]|\0{64}", re.DOTALL)
_LENGTH_SIZE = re.compile(rb"hvcC.{21}(.)", re.DOTALL)


def _items(
    data: mmap.mmap, start: int, end: int, kind: bytes, but: tuple[bytes, ...] = ()
) -> Iterator[tuple[int, int]]:
    """Where in the file each item of this kind begins, and how long it is, if it is in one piece
    (else 0); without those that refer to another one in such a way (14496-12 8.11.12)."""
    found: dict[bytes, tuple[int, int]] = {}
    for name, begin, behind in boxes(data, start + 4, end):
        found.setdefault(name, (begin, min(behind, end)))  # as libheif; libavif refuses a second
    ids = set(_item_ids(data, *found[b"iinf"], kind)) if b"iinf" in found else set()
    places = dict(_places(data, *found[b"iloc"])) if b"iloc" in found else {}
    begin, behind = found.get(b"iref", (end, end))
    for way, at, _ in islice(boxes(data, begin + 4, behind), _MOST_ITEMS):
        if way in but:
            ids.discard(int.from_bytes(data[at : at + (4 if data[begin] else 2)]))
    return (places[item] for item in ids if item in places)


def _item_ids(data: mmap.mmap, start: int, end: int, wanted: bytes) -> Iterator[int]:
    """Those of `infe` boxes (14496-12 8.11.6)."""
    first = start + (6 if data[start] == 0 else 8)
    for number, (name, begin, _) in enumerate(boxes(data, first, end)):
        if number == _MOST_ITEMS:
            return
        id_bytes = 4 if data[begin] == 3 else 2
        kind = begin + 4 + id_bytes + 2
        if name == b"infe" and data[kind : kind + 4] == wanted:
            yield int.from_bytes(data[begin + 4 : begin + 4 + id_bytes])


def _places(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each item's id, and where in the file it begins and how long it is (14496-12 8.11.3)."""
    version, position = data[start], start + 6
    offset_bytes, length_bytes = divmod(data[start + 4], 16)
    base_bytes, index_bytes = divmod(data[start + 5], 16)

    def number(size: int) -> int:
        nonlocal position
        position += size
        return int.from_bytes(data[position - size : position])

    for _ in range(min(number(4 if version == 2 else 2), _MOST_ITEMS)):
        item = number(4 if version == 2 else 2)
        in_file = not version or number(2) & 15 == 0
        number(2)  # of the file that has it: this one
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
        if in_file:
            yield item, (offset, length if extents == 1 else 0)


def sequence_size(data: mmap.mmap, position: int) -> tuple[int, int] | None:
    """Width and height in the sequence header that AV1 data begin with (AV1 specification 5.3 to
    5.5); None where they do not."""
    for _ in range(4):
        head = data[position : position + 10]
        if len(head) < 10 or not head[0] & 2:  # has_size_field
            return None
        kind, at = head[0] >> 3 & 15, 2 if head[0] & 4 else 1
        size = shift = 0
        while at < 10:
            size |= (head[at] & 127) << shift
            shift += 7
            at += 1
            if not head[at - 1] & 128:
                break
        position += at
        if kind == _SEQUENCE_HEADER:
            with suppress(ValueError):  # it is too short
                return _size_in(data[position : position + min(size, _HEADER_BYTES)])
            return None
        if kind != _TEMPORAL_DELIMITER:
            return None
        position += size
    return None


def _size_in(header: bytes) -> tuple[int, int]:
    """Raises ValueError."""
    bits = "".join(f"{byte:08b}" for byte in header)
    position = 0

    def number(count: int) -> int:
        nonlocal position
        position += count
        return int(bits[position - count : position], 2) if count else 0

    number(4)  # profile, still picture
    if number(1):  # a reduced header
        number(5)
    else:
        delay_bits = 0
        if number(1):  # timing
            number(64)
            if number(1):
                zeros = bits.index("1", position) - position
                number(2 * zeros + 1)
            if number(1):  # of the decoder's model
                delay_bits = 1 + number(5)
                number(42)
        has_display_delay = number(1)
        for _ in range(1 + number(5)):
            number(12)
            if number(5) > 7:
                number(1)
            if delay_bits and number(1):
                number(2 * delay_bits + 1)
            if has_display_delay and number(1):
                number(4)
    width_bits, height_bits = 1 + number(4), 1 + number(4)
    return 1 + number(width_bits), 1 + number(height_bits)
