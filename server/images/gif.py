"""GIF (GIF89a): blocks and frames."""

import mmap
import re

from ..refusals import BrokenContainer
from .containers import Container

_MAX_SUB_BLOCKS = 1_000_000
"""Data sub-blocks of 255 bytes each: ten times what 100 MiB hold."""
_MAX_COMMENT_BLOCKS = 2_048
"""Sub-blocks of comments, which Pillow joins in the square of their number."""
_BLOCK = re.compile(rb"[,!;]")  # image descriptor, extension, trailer
_COMMENT = 0xFE


def parse_gif(data: mmap.mmap) -> Container:
    """Raises BrokenContainer."""

    def table_bytes(flags_at: int) -> int:
        flags = int.from_bytes(data[flags_at : flags_at + 1])
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    frames, blocks, comments, size = 0, 0, 0, -1
    position = 13 + table_bytes(10)
    while match := _BLOCK.search(data, position):  # decoders skip what stands between
        position = match.end()
        if match[0] == b";":
            return Container("gif", width, height, max(frames, 1))
        is_comment = match[0] == b"!" and int.from_bytes(data[position : position + 1]) == _COMMENT
        if match[0] == b",":
            frames += 1
            position += 10 + table_bytes(position + 8)
        else:
            position += 1
        size = -1
        while size and position < len(data):  # an empty one ends each (sections 15 and 16)
            size = data[position]
            position += 1 + size
            blocks += 1
            comments += is_comment
            if blocks > _MAX_SUB_BLOCKS or comments > _MAX_COMMENT_BLOCKS:
                raise BrokenContainer("The GIF has more blocks than any photo.")
    if frames and not size and position <= len(data):  # only the trailer is missing
        return Container("gif", width, height, frames)
    raise BrokenContainer("The GIF has no end.")
