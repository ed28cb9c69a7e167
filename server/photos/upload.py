"""One file on its way in: counted, hashed, written once, never larger than allowed."""

import hashlib
from collections.abc import Callable
from pathlib import Path

ROOM_BYTES = 1024 * 1024
"""How much is written between two looks at the free disk."""


class Upload:
    """A writable stream into a staged file. What comes after `max_bytes` is counted and thrown
    away, so that a client can finish sending and read why its photo was refused."""

    def __init__(self, path: Path, max_bytes: int, check_room: Callable[[int], None]) -> None:
        """`check_room` raises when so many bytes more have no room."""
        self.path = path
        self._file = path.open("wb")
        self.bytes = 0
        self._max_bytes = max_bytes
        self._check_room = check_room
        self._room = 0
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        if not self.is_too_large:
            if self.bytes > self._room:
                self._check_room(ROOM_BYTES)
                self._room = self.bytes + ROOM_BYTES
            self._sha256.update(data)
            self._file.write(data)
        return len(data)

    def close(self) -> None:
        """A form of a thousand photos must not keep a thousand files open."""
        self._file.close()

    @property
    def is_too_large(self) -> bool:
        return self.bytes > self._max_bytes

    @property
    def sha256(self) -> str:
        """Of the bytes as they were sent, in hex."""
        return self._sha256.hexdigest()
