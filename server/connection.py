"""A visitor's connection: waited for, but not for ever, and heard to its announced end."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import LengthReader


class BrokenBody(errors.NoMoreData):  # type: ignore[misc]
    """A body that ended early or was badly framed: an OSError to the application."""


class Stalled(errors.NoMoreData, TimeoutError):  # type: ignore[misc]
    """A peer that kept us waiting: a TimeoutError to the application, a quiet end to gunicorn.

    `ThreadWorker.handle` logs every other OSError without an errno as an error with a traceback.
    """


@contextmanager
def noticing_stalls() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, BlockingIOError) as error:
        raise Stalled("the other side stalled") from error


class PatientSocket(socket.socket):
    """A visitor's connection, which waits for them but not for ever.

    A timeout set once would not last: gunicorn calls `setblocking(True)` before each request
    (`ThreadWorker.handle`, `TConn.init`), and that removes it.
    """

    def __init__(
        self, accepted: socket.socket, stall_seconds: float, slowest_bytes_per_second: float
    ) -> None:
        """Whoever sends less than `slowest_bytes_per_second` is not uploading: 500 is what
        Apache's mod_reqtimeout asks for (MinRate=500)."""
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.stall_seconds = stall_seconds
        self.slowest_bytes_per_second = slowest_bytes_per_second
        self.renew_patience()

    def renew_patience(self) -> None:
        """Once a request: then only what arrives buys more time, so that drops do not."""
        self.patience_seconds = float(self.stall_seconds)
        self.setblocking(True)

    def setblocking(self, flag: bool) -> None:
        self.settimeout(self.stall_seconds if flag else 0.0)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        allowed = self.gettimeout() or 0.0  # shorter while gunicorn drains a body, or lingers
        self.settimeout(min(allowed, self.patience_seconds))
        started = time.monotonic()
        received = b""
        try:
            with noticing_stalls():
                received = super().recv(bufsize, flags)
        finally:
            spent = time.monotonic() - started
            earned = len(received) / self.slowest_bytes_per_second - spent
            self.patience_seconds = min(
                self.stall_seconds, max(0.0, self.patience_seconds + earned)
            )
            self.settimeout(allowed)
        return received

    def send(self, data: Any, flags: int = 0) -> int:
        with noticing_stalls():
            return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Each piece has its own timeout; the standard one gives all of `data` only one."""
        left = memoryview(data)
        while left:
            left = left[self.send(left, flags) :]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        with noticing_stalls():
            return super().sendfile(file, offset, count)


class WholeBody:
    """Reads a request body; unlike gunicorn's own readers it fails if the body is not whole.

    `LengthReader` takes a closed connection for the end, and chunk errors are no OSErrors.
    """

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.missing = reader.length if isinstance(reader, LengthReader) else 0

    def read(self, size: int) -> bytes:
        try:
            data: bytes = self.reader.read(size)
        except errors.ParseException as error:
            raise BrokenBody(str(error)) from error
        self.missing -= len(data)
        if size and not data and self.missing > 0:
            raise BrokenBody(f"{self.missing} bytes are missing")
        return data
