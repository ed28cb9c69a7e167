"""A small disk of its own, that can be really full; its files are in memory."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.skips import skip


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """The folder, which is made. Skips the test where nothing may be mounted."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        skip("mounting a small disk is not allowed: run the tests as root, privileged")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def free(disk: Path) -> int:
    return shutil.disk_usage(disk).free


@contextmanager
def filled(disk: Path, but_bytes: int = 0) -> Iterator[None]:
    """Others may write meanwhile."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        while (wanted := free(disk) - but_bytes) > 0:
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, filler.stat().st_size + wanted)
    try:
        yield
    finally:
        filler.unlink()
