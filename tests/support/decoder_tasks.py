"""Tasks that tests run in decoder processes, which import them by name."""

import os
import signal
import time
import warnings
from pathlib import Path
from typing import BinaryIO

from dropwall.images.containers import parse_container
from dropwall.images.pictures import decode_as_jpeg, decode_photo, decode_thumbnail


def peak_bytes(file: BinaryIO) -> int:
    """The memory that a new decoder needs at most while it reads a photo."""
    before = _status_bytes("VmRSS")
    decode_photo(file, parse_container(file), max_pixels=100_000_000, keep_location=False)
    return _status_bytes("VmHWM") - before


def peak_bytes_as_jpeg(file: BinaryIO, target: Path) -> int:
    """The memory that a new decoder needs at most while it makes a JPEG."""
    before = _status_bytes("VmRSS")
    decode_as_jpeg(file, parse_container(file), target)
    return _status_bytes("VmHWM") - before


def _status_bytes(field: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0]) * 1024


def never_end(file: BinaryIO) -> None:
    while file:
        pass


def hang(file: BinaryIO) -> None:
    """Without using the processor."""
    signal.pause()


def crash(file: BinaryIO) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def take_memory(file: BinaryIO) -> None:
    bytearray(500_000_000)


def own_pid(file: BinaryIO) -> int:
    """A second later, so that another photo meanwhile needs another decoder."""
    time.sleep(1)
    return os.getpid()


def make_a_mistake(file: BinaryIO) -> None:
    raise KeyError("ours")


def make_a_mistake_in_rendering(file: BinaryIO) -> None:
    """Where an error of a library would mean a damaged photo."""
    decode_thumbnail(file, parse_container(file), width=None)


def complain(file: BinaryIO) -> None:
    """Write a warning as Pillow does, and a line to stderr as libraries in C do."""
    warnings.warn("Corrupt EXIF data", stacklevel=1)
    os.write(2, b"libheif: corrupt")


def crash_at_first(file: BinaryIO, crashed: Path) -> str:
    if not crashed.exists():
        crashed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "read"
