"""What a photo's container tells before a library decodes the file, and what its parsers share."""

import io
import mmap
from bisect import bisect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO, TypeVar

from ..refusals import BrokenContainer

T = TypeVar("T")
Span = tuple[int, int]
"""Where a part of a file starts and ends, in bytes."""
Part = Span | bytes
"""A part of a file, or what a decoder reads in its place."""

MAX_BLOCKS = 5_000
"""Segments of a JPEG or boxes of a HEIC: a colour profile has up to 255, 100 MiB of XMP 1,600."""
STEP_BYTES = 256 * 1024
"""Bytes searched, checked or unpacked at once: between two steps other threads run."""


@dataclass(frozen=True)
class Container:
    """The structure of a photo's file, parsed without decoding it.

    `kind` is the true extension. `width` and `height` are in pixels as coded, and the largest that
    any image in the file claims. `frames` are those of an animation. `scans` are those of a JPEG's
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
    has_end: bool = True  # a JPEG's EOI marker; without it all scans have begun, at least
    cicp: tuple[int, int] | None = None  # a PNG's primaries and transfer function (H.273)
    coded: Span = (0, 0)  # a JPEG's first image: most of the file, and free of metadata
    parts: tuple[Part, ...] = ()


@contextmanager
def mapped(file: BinaryIO, access: int = mmap.ACCESS_READ) -> Iterator[mmap.mmap]:
    """The file's bytes, without reading them. `file` has a descriptor. Raises BrokenContainer for
    an empty file."""
    file.flush()  # writes what is buffered, and drops what was read ahead
    try:
        data = mmap.mmap(file.fileno(), 0, access=access)
    except ValueError:  # "cannot mmap an empty file"
        raise BrokenContainer("The file is empty.") from None
    with data:
        yield data


def limited(blocks: Iterable[T]) -> Iterator[T]:
    """The same blocks. Raises BrokenContainer where there are more than MAX_BLOCKS."""
    for number, block in enumerate(blocks):
        if number == MAX_BLOCKS:
            raise BrokenContainer("The file has more blocks than any photo.")
        yield block


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
        part, remaining = self._parts[number], self._ends[number] - self._position
        if isinstance(part, bytes):
            content = part[-remaining:]
        else:
            self._file.seek(part[1] - remaining)
            content = self._file.read(min(remaining, len(buffer)))
        size = min(len(content), len(buffer))
        buffer[:size] = content[:size]
        self._position += size
        return size
