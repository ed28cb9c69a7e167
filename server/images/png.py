"""PNG and APNG (W3C PNG, third edition): chunks, their checksums and packed rows."""

import mmap
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from ..refusals import BrokenContainer
from .containers import STEP_BYTES, Container, Span, mapped

MAX_PROFILE_BYTES = 8 << 20
"""An ICC profile, unpacked; those for printing have 4 MB."""
_MAX_CHUNKS = 50_000
_IMAGE_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"IEND")
# Further chunks that a decoder reads, and the size that makes each right, if it has one.
_OTHER_CHUNKS = {
    b"tRNS": 0,
    b"iCCP": 0,
    b"eXIf": 0,
    b"sRGB": 1,
    b"cICP": 4,
    b"gAMA": 4,
    b"cHRM": 32,
}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type


def parse_png(data: mmap.mmap) -> Container:
    """A PNG whose image chunks have the right checksums. Raises BrokenContainer."""
    width = height = 0
    frames, cicp = 1, None
    seen: set[bytes] = set()
    spans: list[Span] = [(0, 8)]
    for name, (start, end) in png_chunks(data):
        if name in _IMAGE_CHUNKS:
            if name != b"IEND" and not _has_right_checksum(data, start, end):
                raise BrokenContainer("A PNG chunk has a wrong checksum.")
        elif (
            name in seen  # browsers take the first
            or _OTHER_CHUNKS.get(name, -1) not in (0, end - start)
            or not _has_right_checksum(data, start, end)
        ):
            continue
        seen.add(name)
        if name == b"iCCP" and not _is_profile(data, start, end):
            continue  # nor any other: each may unpack to megabytes
        if name == b"IHDR":
            width, height = (int.from_bytes(data[at : at + 4]) for at in (start, start + 4))
        elif name == b"acTL":
            frames = max(frames, int.from_bytes(data[start : start + 4]))
        elif name == b"cICP" and b"IDAT" not in seen and data[start + 2 : end] == b"\0\1":
            cicp = data[start], data[start + 1]
        first = spans.pop()[0] if spans[-1][1] == start - 8 else start - 8
        spans.append((first, end + 4))
    if frames > 1 and b"IEND" not in seen:
        raise BrokenContainer("The animation has no end.")
    return Container("png", width, height, frames, cicp=cicp, parts=tuple(spans))


def png_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, Span]]:
    """Each chunk's name, and where its content stands. IEND may be missing, and a chunk before it
    that is not of the image may be cut off. Raises BrokenContainer."""
    position = 8
    for number in range(_MAX_CHUNKS):
        start = position + 8
        name, end = data[start - 4 : start], start + int.from_bytes(data[position : position + 4])
        position = end + 4  # 5.3: a CRC follows the content
        if position > len(data):
            if name in _IMAGE_CHUNKS:
                raise BrokenContainer("A PNG chunk ends behind the file.")
            return
        if number == 0 and name != b"IHDR":
            raise BrokenContainer("A PNG begins with its header.")
        yield name, (start, end)
        if name == b"IEND":
            return
    raise BrokenContainer("The PNG has more chunks than any photo.")


def _has_right_checksum(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether the CRC fits name and content, which libraries do not check for pixels."""
    value = 0
    for step in range(start - 4, end, STEP_BYTES):
        value = zlib.crc32(data[step : min(step + STEP_BYTES, end)], value)
    return value == int.from_bytes(data[end : end + 4])


def _is_profile(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether an iCCP chunk can be unpacked, to MAX_PROFILE_BYTES at most."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(data[data.find(b"\0", start, end) + 2 : end], MAX_PROFILE_BYTES)
    except zlib.error:
        return False
    return unpacker.eof


def check_png_pixels(file: BinaryIO) -> None:
    """Raises BrokenContainer where a frame's packed rows are broken, too few or too many: Pillow
    leaves black what is missing, and ignores what stands behind the last row."""
    unpacker, missing_bytes = None, 0
    with mapped(file) as data:
        depth, colour, _, _, is_interlaced = data[24:29]
        bits = depth * _CHANNELS[colour]
        for name, (start, end) in chain(png_chunks(data), [(b"IEND", (0, 0))]):
            if name in (b"IHDR", b"fcTL", b"IEND"):  # the frame before it is complete
                is_wrong = missing_bytes > 0 or (
                    missing_bytes < 0 and unpacker and not unpacker.eof
                )
                if unpacker and is_wrong and not is_interlaced:
                    raise BrokenContainer("A frame has other rows than its header says.")
                first = start + 4 * (name == b"fcTL")
                width, height = (int.from_bytes(data[at : at + 4]) for at in (first, first + 4))
                unpacker, missing_bytes = None, height * (1 + -(-width * bits // 8))
            elif name in (b"IDAT", b"fdAT"):
                unpacker = unpacker or zlib.decompressobj()
                for at in range(start + 4 * (name == b"fdAT"), end, STEP_BYTES):
                    packed = data[at : min(at + STEP_BYTES, end)]
                    while packed:
                        try:
                            missing_bytes -= len(unpacker.decompress(packed, STEP_BYTES))
                        except zlib.error as error:
                            raise BrokenContainer("The pixels cannot be unpacked.") from error
                        packed = unpacker.unconsumed_tail
                        if missing_bytes < -STEP_BYTES:
                            raise BrokenContainer("A frame has more rows than its header says.")
