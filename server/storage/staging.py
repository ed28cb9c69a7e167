"""Uploads on their way into the storage: files in a folder of this machine."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import BinaryIO, cast


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


def is_older(path: Path, seconds: float | None) -> bool:
    try:
        return seconds is None or path.stat().st_mtime < time.time() - seconds
    except FileNotFoundError:  # removed meanwhile
        return False
