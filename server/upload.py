"""One file on its way in: counted, hashed, written once, never larger than allowed."""

import hashlib
from typing import BinaryIO


class NoPhoto(ValueError):
    """The request holds no file."""


class BrokenForm(ValueError):
    """The body came whole, and is no multipart form."""


class PieceOfAPhoto(ValueError):
    """A slice of a file. Uppy, Dropzone and jQuery File Upload can be told to send those."""


class TooManyBytes(ValueError):
    """A photo larger than the setting allows."""


class Upload:
    """A writable stream over a staged file. What comes after `max_bytes` is counted and thrown
    away, so that a client can finish sending and read why its photo was refused."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self.file = file
        self.bytes = 0
        self._max_bytes = max_bytes
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        if not self.is_too_large:
            self._sha256.update(data)
            self.file.write(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    @property
    def is_too_large(self) -> bool:
        return self.bytes > self._max_bytes

    @property
    def sha256(self) -> str:
        """Of the bytes as they were sent, in hex."""
        return self._sha256.hexdigest()
