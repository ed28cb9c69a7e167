"""A visitor's connection has time limits, and a request body has to be complete."""

import fcntl
import os
import socket
import struct
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import LengthReader

SIOCOUTQNSD = 0x894B  # linux/sockios.h
RECEIVER_STEP_BYTES = 6 * 1024 * 1024 // 16
"""Bytes that a steady reader may seem to take at once: Linux lets a receive buffer grow to 6 MiB
(tcp_rmem), and announces room in a full one by sixteenths (tcp_output.c, __tcp_select_window)."""


class BrokenBody(errors.NoMoreData):  # type: ignore[misc]
    """A body ended early or was badly framed. To the application it is an OSError."""


class Stalled(errors.NoMoreData, TimeoutError):  # type: ignore[misc]
    """The client was slower than the minimum rate. To the application it is a TimeoutError.

    To gunicorn it is NoMoreData, a client that is gone: `ThreadWorker.handle` logs every other
    OSError without an errno as an error with a traceback.
    """


class MinimumRateSocket(socket.socket):
    """A client's connection that times out below a minimum rate, in either direction.

    Each direction has a number of seconds left. Waiting spends them; bytes that move earn them at
    the minimum rate. So a client that sends one byte now and then times out, as with Apache's
    mod_reqtimeout (MinRate=500), and a steady slow one never does.

    An ordinary timeout would not last: gunicorn calls `setblocking(True)` before each request
    (`ThreadWorker.handle`, `TConn.init`), which removes it.
    """

    def __init__(
        self, accepted: socket.socket, stall_seconds: float, slowest_bytes_per_second: float
    ) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.stall_seconds = stall_seconds
        self.slowest_bytes_per_second = slowest_bytes_per_second
        self.when_closed: Callable[[], None] | None = None
        self.reset_time_limits()

    def reset_time_limits(self) -> None:
        """Start anew, once a request. Within one, only bytes that move earn time."""
        self.receive_seconds_left = float(self.stall_seconds)
        self.send_seconds_left = float(self.stall_seconds)
        self.setblocking(True)

    def close(self) -> None:
        super().close()
        when_closed, self.when_closed = self.when_closed, None
        if when_closed:
            when_closed()

    def setblocking(self, flag: bool) -> None:
        self.settimeout(self.stall_seconds if flag else 0.0)

    def settimeout(self, value: float | None) -> None:
        if value != self.gettimeout():  # else it would be a system call for nothing
            super().settimeout(value)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        timeout = self.gettimeout() or 0.0  # shorter while gunicorn drains a body, or lingers
        self.settimeout(min(timeout, self.receive_seconds_left))
        started = time.monotonic()
        received = b""
        try:
            received = super().recv(bufsize, flags)
        except (TimeoutError, BlockingIOError) as error:
            raise Stalled("the other side stalled") from error
        finally:
            spent = time.monotonic() - started
            earned = len(received) / self.slowest_bytes_per_second
            left = max(0.0, self.receive_seconds_left + earned - spent)
            self.receive_seconds_left = min(self.stall_seconds, left)
            self.settimeout(timeout)
        return received

    def send(self, data: Any, flags: int = 0) -> int:
        with suppress(BlockingIOError):  # what there is room for in the buffer takes no time
            return os.write(self.fileno(), data)
        while True:
            started, queued = time.monotonic(), self._queued_bytes()
            sent = 0
            with suppress(TimeoutError, BlockingIOError):
                sent = super().send(data, flags)
            self._spend_send_time(started, queued, sent)
            if sent or not data:
                return sent

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Time each piece; the standard `sendall` has one timeout for all of `data`."""
        left = memoryview(data)
        while left:
            left = left[self.send(left, flags) :]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file as `socket.sendfile` does; gunicorn always gives a `count`."""
        sent = 0
        with suppress(BlockingIOError):
            sent = os.sendfile(self.fileno(), file.fileno(), offset, count) if count else 0
        file.seek(offset + sent)
        is_sent = sent == count
        while not is_sent:
            begun, started, queued = file.tell(), time.monotonic(), self._queued_bytes()
            with suppress(TimeoutError, BlockingIOError):
                super().sendfile(file, begun, None if count is None else offset + count - begun)
                is_sent = True
            self._spend_send_time(started, queued, file.tell() - begun)
        return int(file.tell()) - offset

    def _spend_send_time(self, started: float, queued: tuple[int, int], sent: int) -> None:
        """Account for the time since `started`, and for the bytes that have arrived meanwhile.

        A steady reader may leave the send buffer full for long: the kernel accepts no more until a
        third of it (4 MiB at most) has been sent. So bytes count when they are acknowledged, and
        earn the time in which a slow reader takes as many out of its own buffer, which cannot be
        seen. A client that was sent bytes and acknowledges none for `stall_seconds` is gone,
        whatever was earned. Raises Stalled.
        """
        unsent, in_flight = self._queued_bytes()
        acknowledged = sum(queued) + sent - unsent - in_flight
        self.send_seconds_left = min(
            max(self.stall_seconds, RECEIVER_STEP_BYTES / self.slowest_bytes_per_second),
            self.send_seconds_left
            + acknowledged / self.slowest_bytes_per_second
            - (time.monotonic() - started),
        )
        is_gone = in_flight > 0 and acknowledged == 0
        if not sent and (is_gone or self.send_seconds_left <= 0):
            raise Stalled("the other side stalled")

    def _queued_bytes(self) -> tuple[int, int]:
        """Return the bytes in the send buffer: not yet sent, and sent but not acknowledged. Only
        Linux tells; elsewhere bytes count as acknowledged once they are in the buffer."""
        if sys.platform != "linux":
            return 0, 0
        [queued] = struct.unpack("i", fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4)))
        [unsent] = struct.unpack("i", fcntl.ioctl(self, SIOCOUTQNSD, bytes(4)))
        return unsent, max(0, queued - unsent)


class WholeBody:
    """Reads a request body, and raises BrokenBody if it is incomplete.

    gunicorn's readers do not: `LengthReader` takes a closed connection for the end of the body, and
    errors of chunked encoding are no OSErrors. A client that sent `Expect: 100-continue` is asked
    for the body when the application first reads it.
    """

    def __init__(self, reader: Any, continue_to: socket.socket | None) -> None:
        """`continue_to` is the connection of a client that waits for 100 Continue."""
        self.reader = reader
        self.continue_to = continue_to
        self.missing = reader.length if isinstance(reader, LengthReader) else 0

    def read(self, size: int) -> bytes:
        if self.continue_to and size:
            self.continue_to.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.continue_to = None
        try:
            data: bytes = self.reader.read(size)
        except errors.ParseException as error:
            raise BrokenBody(str(error)) from error
        self.missing -= len(data)
        if size and not data and self.missing > 0:
            raise BrokenBody(f"{self.missing} bytes are missing")
        return data
