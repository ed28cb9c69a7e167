"""Storage of the photos' files: the contract that each engine keeps, and the choice of one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

Method = Literal["GET", "HEAD"]


class Storage(Protocol):
    """Keeps files under keys such as `originals/ab/abcd.jpg`: whole or not at all, and never
    overwritten half-way. Keys are made by Dropwall, never by a visitor. Every method raises OSError
    when it cannot do its work, and StorageUnavailable where another machine does not answer."""

    @property
    def root(self) -> Path | None:
        """The folder of this machine that has all files; None where they are elsewhere."""

    def stage(self) -> AbstractContextManager[Path]:
        """Make a new, empty file on this machine for one upload. Unless it was put, it is deleted
        when the context ends; after a crash `old_staged` finds it."""

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        """Move a staged file to `key`; when this returns, it is durable. A download by a link has
        this type, and this name with the extension of the key."""

    def put_bytes(self, key: str, content: bytes) -> None:
        """Store a small file under `key`, in the place of what was there; when this returns, it is
        durable."""

    def open(self, key: str) -> BinaryIO:
        """Open a file as a seekable stream, which the caller closes. Raises NotStored; so does
        reading from it when the file was deleted meanwhile."""

    def open_here(self, key: str, check_room: Callable[[int], object] | None = None) -> BinaryIO:
        """Open as a file of this machine, to read back and forth in it or to map it. `check_room`
        gets the number of bytes that are copied here for that, before they are, and may raise."""

    def link(self, key: str, seconds: float, method: Method = "GET") -> str | None:
        """Return an address at which anybody may fetch the file for so long, by this method alone;
        None where there is none. Does not check whether the file exists."""

    def rename(self, key: str, new_key: str) -> None:
        """Move a file to another key, in the place of what was there. Raises NotStored."""

    def delete(self, *keys: str) -> None:
        """Delete files; those that do not exist are passed over."""

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        """Yield the keys in the folder `prefix`, in no order; with an age only the older ones."""

    def list_sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield the keys in the folder `prefix`, in no order, with the bytes of each file."""

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        """Yield the names of this machine's staged files that a crash left behind."""

    def discard_staged(self, name: str) -> None:
        """Delete a staged file; one that does not exist is passed over."""

    def check(self) -> None:
        """Check that files can be written and read. Raises OSError."""


def open_storage(address: str, scratch: Path) -> Storage:
    """Open the storage at an address: a folder's path, or `s3://bucket/prefix?endpoint=…`
    (`S3Address`), for which uploads are staged in the folder `scratch`."""
    if address.startswith("s3://"):
        from .s3 import S3Storage
        from .s3_address import S3Address

        return S3Storage(S3Address.parse(address), scratch)
    from .filesystem import FilesystemStorage

    return FilesystemStorage(Path(address))
