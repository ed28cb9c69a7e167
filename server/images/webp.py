"""WebP (RFC 9649): RIFF chunks of a name, a size and a content, padded to an even size."""

import mmap

from ..refusals import BrokenContainer
from .containers import Container

_MAX_CHUNKS = 1_000_000


def parse_webp(data: mmap.mmap) -> Container:
    """Raises BrokenContainer."""

    def little_endian(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little")

    end = 8 + little_endian(4, 4)
    if end > len(data):
        raise BrokenContainer("The WebP ends behind the file.")
    width = height = frames = 0
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > end:
            return Container("webp", width, height, max(frames, 1))
        name, start = data[position : position + 4], position + 8
        size = little_endian(position + 4, 4)
        sides = 0, 0
        if name == b"VP8X":  # the canvas
            sides = 1 + little_endian(start + 4, 3), 1 + little_endian(start + 7, 3)
        elif name == b"VP8 ":
            sides = little_endian(start + 6, 2) & 0x3FFF, little_endian(start + 8, 2) & 0x3FFF
        elif name == b"VP8L":
            bits = little_endian(start + 1, 4)
            sides = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        width, height = max(width, sides[0]), max(height, sides[1])
        frames += name == b"ANMF"
        position = start + size + size % 2
    raise BrokenContainer("The WebP has more chunks than any photo.")
