"""Files in a folder of this machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from ..refusals import NotStored
from . import Method
from .staging import Staging, free_bytes, is_older


class FilesystemStorage:
    """Keys are paths below `root`. Uploads are staged in `root/incoming`, so that keeping one
    is a rename within one file system: no second copy, and no half file under its key."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._staging = Staging(self.root / "incoming")

    def stage(self) -> AbstractContextManager[Path]:
        return self._staging.stage()

    def mark(self, name: str) -> None:
        self._staging.mark(name)

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        path = self.root / key
        _sync(staged)
        _make_folder(path.parent)
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

    def open_here(self, key: str, check_room: Callable[[int], None] | None = None) -> BinaryIO:
        return self.open(key)

    def link(self, key: str, seconds: float, method: Method = "GET") -> None:
        return None

    def rename(self, key: str, new_key: str) -> None:
        path, new_path = self.root / key, self.root / new_key
        _make_folder(new_path.parent)
        try:
            path.rename(new_path)
        except FileNotFoundError:
            raise NotStored(key) from None
        _sync(new_path.parent)
        _sync(path.parent)

    def delete(self, *keys: str) -> None:
        for key in keys:
            (self.root / key).unlink(missing_ok=True)

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        for path in (self.root / prefix).rglob("*"):
            if path.is_file() and is_older(path, older_than_seconds):
                yield path.relative_to(self.root).as_posix()

    def list_sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        for key in self.list(prefix):
            with suppress(FileNotFoundError):  # removed meanwhile
                yield key, (self.root / key).stat().st_size

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        return self._staging.old(older_than_seconds)

    def discard_staged(self, name: str) -> None:
        self._staging.discard(name)

    def free_bytes(self) -> int:
        return free_bytes(self.root)

    def check(self) -> None:
        self._staging.check()


def _make_folder(folder: Path) -> None:
    """Like `mkdir -p`, and every new folder's name is durable too."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    """A rename survives a power cut only when its folder is synced after it (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
