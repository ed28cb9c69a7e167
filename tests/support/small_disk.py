"""A small disk (tmpfs) that can be really full."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.programs import skip


@contextmanager
def small_disk(folder: Path, size_bytes: int, files: int = 0) -> Iterator[Path]:
    """Mounted at this new folder, with room for so many files. Skips the test where nothing may be
    mounted."""
    folder.mkdir(parents=True)
    options = f"size={size_bytes}" + (f",nr_inodes={files}" if files else "")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        skip("a small disk cannot be mounted here: run the tests as root (docker: --privileged)")
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
