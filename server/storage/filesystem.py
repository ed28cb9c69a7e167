"""Storage in a folder of this machine."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import BinaryIO, cast

from ..refusals import NotStored
from . import Method


class Staging:
    """Files of this machine for uploads on their way into the storage."""

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
        """Open a file that is deleted once it is closed, however that happens."""
        return cast(BinaryIO, TemporaryFile(dir=self._folder))

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        for path in self._folder.iterdir():
            if _is_older(path, older_than_seconds):
                yield path.name

    def discard_staged(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def check(self) -> None:
        with self.stage() as staged:
            staged.write_bytes(b"well")
            staged.read_bytes()


class FilesystemStorage(Staging):
    """Keys are paths below `root`. Uploads are staged in `root/incoming`, so that keeping one
    is a rename within one file system: no second copy, and no half file under its key."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        super().__init__(self.root / "incoming")

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        path = self.root / key
        _sync(staged)
        new_folders = takewhile(lambda folder: not folder.exists(), path.parents)
        for folder in reversed(list(new_folders)):
            folder.mkdir(exist_ok=True)
            _sync(folder.parent)
        staged.rename(path)
        _sync(path.parent)

    def put_bytes(self, key: str, content: bytes) -> None:
        with self.stage() as staged:
            staged.write_bytes(content)
            self.put(key, staged)

    def open(self, key: str) -> BinaryIO:
        try:
            return open(self.root / key, "rb")
        except FileNotFoundError:
            raise NotStored(key) from None

    def open_here(self, key: str, check_room: Callable[[int], object] | None = None) -> BinaryIO:
        return self.open(key)

    def link(self, key: str, seconds: float, method: Method = "GET") -> None:
        return None

    def rename(self, key: str, new_key: str) -> None:
        path = self.root / key
        try:
            self.put(new_key, path)
        except FileNotFoundError:
            raise NotStored(key) from None
        _sync(path.parent)

    def delete(self, *keys: str) -> None:
        for key in keys:
            (self.root / key).unlink(missing_ok=True)

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        for path in (self.root / prefix).rglob("*"):
            if path.is_file() and _is_older(path, older_than_seconds):
                yield path.relative_to(self.root).as_posix()

    def list_sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        for key in self.list(prefix):
            with suppress(FileNotFoundError):  # removed meanwhile
                yield key, (self.root / key).stat().st_size


def _is_older(path: Path, seconds: float | None) -> bool:
    try:
        return seconds is None or path.stat().st_mtime < time.time() - seconds
    except FileNotFoundError:  # removed meanwhile
        return False


def _sync(path: Path) -> None:
    """Sync a file or a folder: a rename survives a power cut only when its folder is synced after
    it (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
