"""Where the bytes of photos are kept: the contract, and the choice of an engine."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol


class NotStored(LookupError):
    """There is nothing under this key."""


class Storage(Protocol):
    """Files under keys such as `originals/ab/abcd.jpg`; whole or not at all, never overwritten
    half-way. Keys are made by Dropwall, never by a visitor."""

    def stage(self) -> AbstractContextManager[Path]:
        """A new, empty, unique file of this machine for one upload. When the context ends, what
        was not put is gone; what a crash left is told by `old_staged`."""

    def mark(self, name: str) -> None:
        """Stage an empty file of this name, which stays until it is discarded."""

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        """Keep a staged file, which is gone then, under `key`, durable when this returns. Who
        fetches it by a link is told its type, and gets it under this name."""

    def put_bytes(self, key: str, content: bytes) -> None:
        """Keep a small file under `key`, durable when this returns; replaces what was there."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream, closed by the caller. Raises NotStored."""

    def delete(self, key: str) -> None:
        """Remove a file; one that is not there is fine."""

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        """The keys in the folder `prefix`, in no order; with an age only the older ones."""

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        """The names of staged files that a crash left behind."""

    def discard_staged(self, name: str) -> None:
        """Remove a staged file; one that is not there is fine."""

    def free_bytes(self) -> int | None:
        """What there is still room for; None where nobody knows."""

    def check(self) -> None:
        """Raises OSError when files can be neither written nor read."""


def open_storage(address: str) -> Storage:
    """The engine for an address: a folder's path."""
    from .filesystem import FilesystemStorage

    return FilesystemStorage(Path(address))
