"""Closing a listening socket so that nobody is turned away who was let in."""

import ctypes
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

LAST_CALL_SECONDS = 0.1
"""For handshakes that have begun: longer than it is to a proxy and back."""

SO_ATTACH_FILTER = 26  # asm-generic/socket.h
# Classic BPF, linux/filter.h: code, jump if true, jump if false, operand.
NO_NEWCOMERS = (
    (0x30, 0, 0, 13),  # load the octet of the TCP header's flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # then take nothing of it
    (0x06, 0, 0, 0xFFFF_FFFF),  # else all
)


def close_door(
    listeners: Sequence[socket.socket],
    accept: Callable[[socket.socket], object],
    handover_seconds: float,
) -> None:
    """Accept whoever comes for `handover_seconds`, and all who have come by then; close.

    What the kernel has connected and nobody has accepted is reset when its listener closes, also
    when it came after the last look. So newcomers are not answered any more before that look:
    they knock again after a second (RFC 6298), at a door that is closed or another one that is
    open. Where there is no such filter (it is Linux's, and a sandbox may refuse it), who comes in
    that last moment is reset.
    """
    ending = time.monotonic() + handover_seconds
    with selectors.DefaultSelector() as door:
        for listener in listeners:
            door.register(listener, selectors.EVENT_READ)
        while (left := ending - time.monotonic()) > 0:
            _let_in(door.select(left), accept)
        if all(map(_answers_no_newcomers, listeners)):
            while waiting := door.select(LAST_CALL_SECONDS):
                _let_in(waiting, accept)
    for listener in listeners:
        listener.close()


def _let_in(
    waiting: list[tuple[selectors.SelectorKey, int]], accept: Callable[[Any], object]
) -> None:
    for key, _ in waiting:
        accept(key.fileobj)


def _answers_no_newcomers(listener: socket.socket) -> bool:
    """From now on; False where that cannot be had."""
    if sys.platform != "linux":
        return False
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in NO_NEWCOMERS)
    program = ctypes.create_string_buffer(code)
    wanted = struct.pack("HP", len(NO_NEWCOMERS), ctypes.addressof(program))  # sock_fprog
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, wanted)
    except OSError:
        return False
    return True
