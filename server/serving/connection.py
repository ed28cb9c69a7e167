"""A visitor's connection: waited for, but not for ever, and heard to its announced end."""

import fcntl
import socket
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import LengthReader

SIOCOUTQNSD = 0x894B  # linux/sockios.h
RECEIVER_STEP_BYTES = 6 * 1024 * 1024 // 16
"""Bytes that a steady reader may seem to take at once: Linux lets a receive buffer grow to 6 MiB
(tcp_rmem), and announces room in a full one by sixteenths (tcp_output.c, __tcp_select_window)."""


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
        self.when_closed: Callable[[], None] | None = None
        self.renew_patience()

    def renew_patience(self) -> None:
        """Once a request: then only what arrives buys more time, so that drops do not."""
        self.patience_seconds = float(self.stall_seconds)
        self.sending_patience_seconds = float(self.stall_seconds)
        self.setblocking(True)

    def close(self) -> None:
        super().close()
        when_closed, self.when_closed = self.when_closed, None
        if when_closed:
            when_closed()

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
        while True:
            started, queued = time.monotonic(), self._queued_bytes()
            sent = 0
            with suppress(TimeoutError, BlockingIOError):
                sent = super().send(data, flags)
            self._spend_patience(started, queued, sent)
            if sent or not data:
                return sent

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Each piece has its own timeout; the standard one gives all of `data` only one."""
        left = memoryview(data)
        while left:
            left = left[self.send(left, flags) :]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        file.seek(offset)
        is_sent = False
        while not is_sent:
            begun, started, queued = file.tell(), time.monotonic(), self._queued_bytes()
            with suppress(TimeoutError, BlockingIOError):
                super().sendfile(file, begun, None if count is None else offset + count - begun)
                is_sent = True
            self._spend_patience(started, queued, file.tell() - begun)
        return int(file.tell()) - offset

    def _spend_patience(self, started: float, queued: tuple[int, int], sent: int) -> None:
        """Whoever takes in `slowest_bytes_per_second` is waited for, though nothing more fits into
        the kernel's buffer for as long as a third of it (4 MiB at most) is on its way.

        Bytes count when the other side has them, and buy the time in which a slow reader takes as
        many out of its own buffer: meanwhile nothing can be seen of that. Who has been sent bytes
        and acknowledges none for `stall_seconds` is gone, whatever was bought. Raises Stalled.
        """
        unsent, in_flight = self._queued_bytes()
        delivered = sum(queued) + sent - unsent - in_flight
        self.sending_patience_seconds = min(
            max(self.stall_seconds, RECEIVER_STEP_BYTES / self.slowest_bytes_per_second),
            self.sending_patience_seconds
            + delivered / self.slowest_bytes_per_second
            - (time.monotonic() - started),
        )
        is_gone = in_flight > 0 and delivered == 0
        if not sent and (is_gone or self.sending_patience_seconds <= 0):
            raise Stalled("the other side stalled")

    def _queued_bytes(self) -> tuple[int, int]:
        """Those that the kernel has still to send, and those sent and not acknowledged. Nothing is
        known of them but on Linux: there what went into the buffer counts as delivered."""
        if sys.platform != "linux":
            return 0, 0
        [queued] = struct.unpack("i", fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4)))
        [unsent] = struct.unpack("i", fcntl.ioctl(self, SIOCOUTQNSD, bytes(4)))
        return unsent, max(0, queued - unsent)


class WholeBody:
    """Reads a request body; unlike gunicorn's own readers it fails if the body is not whole.

    `LengthReader` takes a closed connection for the end, and chunk errors are no OSErrors. A client
    that waits for it (`Expect: 100-continue`) is asked for the body once somebody reads it.
    """

    def __init__(self, reader: Any, asks: socket.socket | None) -> None:
        """`asks` is the connection of a client that waits."""
        self.reader = reader
        self.asks = asks
        self.missing = reader.length if isinstance(reader, LengthReader) else 0

    def read(self, size: int) -> bytes:
        if self.asks and size:
            self.asks.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.asks = None
        try:
            data: bytes = self.reader.read(size)
        except errors.ParseException as error:
            raise BrokenBody(str(error)) from error
        self.missing -= len(data)
        if size and not data and self.missing > 0:
            raise BrokenBody(f"{self.missing} bytes are missing")
        return data
