"""Files in a folder of this machine."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from . import NotStored


class FilesystemStorage:
    """Keys are paths below `root`. Uploads are staged in `root/incoming`, so that keeping one
    is a rename within one file system: no second copy, and no half file under its key."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._incoming = self.root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def stage(self) -> Iterator[Path]:
        descriptor, name = mkstemp(dir=self._incoming, suffix=".part")
        os.close(descriptor)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)  # unless it was put

    def mark(self, name: str) -> None:
        (self._incoming / name).touch(mode=0o600)

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

    def delete(self, key: str) -> None:
        path = self.root / key
        path.unlink(missing_ok=True)

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        for path in (self.root / prefix).rglob("*"):
            if path.is_file() and _is_older(path, older_than_seconds):
                yield path.relative_to(self.root).as_posix()

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        for path in self._incoming.iterdir():
            if _is_older(path, older_than_seconds):
                yield path.name

    def discard_staged(self, name: str) -> None:
        (self._incoming / name).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free

    def check(self) -> None:
        with self.stage() as staged:
            staged.write_bytes(b"well")
            staged.read_bytes()


def _is_older(path: Path, seconds: float | None) -> bool:
    try:
        return seconds is None or path.stat().st_mtime < time.time() - seconds
    except FileNotFoundError:  # removed meanwhile
        return False


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
