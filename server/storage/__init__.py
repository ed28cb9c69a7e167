"""Where the bytes of photos are kept: the contract, and the choice of an engine."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

Method = Literal["GET", "HEAD"]


class Storage(Protocol):
    """Files under keys such as `originals/ab/abcd.jpg`; whole or not at all, never overwritten
    half-way. Keys are made by Dropwall, never by a visitor. Every method raises OSError when it
    cannot be done, where the storage is another machine StorageUnavailable."""

    def stage(self) -> AbstractContextManager[Path]:
        """A new, empty, unique file of this machine for one upload. When the context ends, what
        was not put is gone; what a crash left is told by `old_staged`."""

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        """Keep a staged file, which is gone then, under `key`, durable when this returns. Who
        fetches it by a link is told its type, and gets it under this name."""

    def put_bytes(self, key: str, content: bytes) -> None:
        """Keep a small file under `key`, durable when this returns; replaces what was there."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream, closed by the caller. Raises NotStored; so does reading from it when
        the file was deleted meanwhile."""

    def open_here(self, key: str, check_room: Callable[[int], None] | None = None) -> BinaryIO:
        """As `open`, as a file of this machine: for whoever reads back and forth, or maps it. How
        many bytes are copied here for that is shown to `check_room` first."""

    def link(self, key: str, seconds: float, method: Method = "GET") -> str | None:
        """An address at which whoever has it may fetch the file for so long, with this method
        alone; None where there is none. Does not look whether there is such a file."""

    def rename(self, key: str, new_key: str) -> None:
        """Keep a file under another key, in the place of what was there. Raises NotStored."""

    def delete(self, *keys: str) -> None:
        """Remove files; one that is not there is fine."""

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        """The keys in the folder `prefix`, in no order; with an age only the older ones."""

    def list_sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """The keys in the folder `prefix`, in no order, and how many bytes each file has."""

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        """The names of this machine's staged files that a crash left behind."""

    def discard_staged(self, name: str) -> None:
        """Remove a staged file; one that is not there is fine."""

    def free_bytes(self) -> int | None:
        """What there is still room for; None where nobody knows."""

    def check(self) -> None:
        """Raises OSError when files can be neither written nor read."""


def open_storage(address: str, scratch: Path) -> Storage:
    """The engine for an address: a folder's path, or `s3://bucket/prefix?endpoint=…` (`S3Address`).
    What does not arrive where it is kept, does so in the folder `scratch`."""
    if address.startswith("s3://"):
        from .s3 import S3Storage
        from .s3_address import S3Address

        return S3Storage(S3Address.parse(address), scratch)
    from .filesystem import FilesystemStorage

    return FilesystemStorage(Path(address))
