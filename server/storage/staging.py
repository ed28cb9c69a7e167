"""Uploads on their way into the storage: files in a folder of this machine."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import BinaryIO, cast

SPARE_FILES = 10_000
"""Files that are kept free on a disk, for the catalog and for other programs."""


class Staging:
    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def stage(self) -> Iterator[Path]:
        descriptor, name = mkstemp(dir=self._folder, suffix=".part")
        os.close(descriptor)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)  # unless it was put

    def open_nameless(self) -> BinaryIO:
        """A file that is gone once it is closed, however that happens."""
        return cast(BinaryIO, TemporaryFile(dir=self._folder))

    def mark(self, name: str) -> None:
        (self._folder / name).touch(mode=0o600)

    def old(self, older_than_seconds: float) -> Iterator[str]:
        for path in self._folder.iterdir():
            if is_older(path, older_than_seconds):
                yield path.name

    def discard(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def check(self) -> None:
        with self.stage() as staged:
            staged.write_bytes(b"well")
            staged.read_bytes()


def free_bytes(folder: Path) -> int:
    """What there is still room for on the disk of this folder; none where its last files are near:
    some file systems have only so many, however small they are."""
    disk = os.statvfs(folder)
    if disk.f_files and disk.f_favail < min(SPARE_FILES, disk.f_files // 20):
        return 0
    return shutil.disk_usage(folder).free


def is_older(path: Path, seconds: float | None) -> bool:
    try:
        return seconds is None or path.stat().st_mtime < time.time() - seconds
    except FileNotFoundError:  # removed meanwhile
        return False
