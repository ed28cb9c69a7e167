"""Tasks that tests run in decoder processes, which import them by name."""

import os
import signal
import warnings
from pathlib import Path
from typing import BinaryIO

from dropwall.images import reading
from dropwall.images.bounds import Bounds
from dropwall.images.formats import parse_container


def peak_bytes(file: BinaryIO, bounds: Bounds) -> int:
    """The memory that a new decoder needs at most while it reads a photo."""
    before = _status_bytes("VmRSS")
    reading.decode_photo(file, parse_container(file), bounds, keep_location=False)
    return _status_bytes("VmHWM") - before


def _status_bytes(field: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0]) * 1024


def never_end(file: BinaryIO) -> None:
    while file:
        pass


def crash(file: BinaryIO) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def take_memory(file: BinaryIO) -> None:
    bytearray(500_000_000)


def make_a_mistake(file: BinaryIO) -> None:
    raise KeyError("ours")


def complain(file: BinaryIO) -> None:
    """Write a warning as Pillow does, and a line to stderr as libraries in C do."""
    warnings.warn("Corrupt EXIF data", stacklevel=1)
    os.write(2, b"libheif: corrupt")


def crash_at_first(file: BinaryIO, crashed: Path) -> str:
    if not crashed.exists():
        crashed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "read"
