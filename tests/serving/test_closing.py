"""A listening socket that closes while visitors keep coming: each is served, or refused at once."""

import ctypes
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from dropwall.serving.door import SO_ATTACH_FILTER, close_door
from tests.support.programs import skip
from tests.support.waiting import PATIENCE_SECONDS

VISITORS, BUSY_THREADS = 16, 4


def visit_until_refused(address: tuple[str, int]) -> int:
    """How many visits were answered. Raises ConnectionResetError for one that was not."""
    visits = 0
    with suppress(ConnectionRefusedError):
        while True:
            with socket.create_connection(address, PATIENCE_SECONDS) as visitor:
                assert visitor.recv(5) == b"hello"
            visits += 1
    return visits


def may_filter_connections() -> bool:
    """Some kernels let only root; whoever comes at the last moment is reset there."""
    everything = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0xFFFF_FFFF))
    program = struct.pack("HP", 1, ctypes.addressof(everything))
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        return True
    return False


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_closing_a_listener_resets_no_connection(host: str) -> None:
    if not may_filter_connections():
        skip("this kernel lets only root filter connections")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family, backlog=2048)
    except OSError:
        skip(f"{host} is no address of this machine")
    accepted = 0

    def accept(listener: socket.socket) -> None:
        nonlocal accepted
        visitor, _ = listener.accept()
        with visitor:
            visitor.sendall(b"hello")
        accepted += 1

    def be_busy() -> None:
        """Holds the interpreter for as long as it lets a thread, as a worker's own do."""
        while listener.fileno() != -1:
            sum(range(1000))

    with ThreadPoolExecutor(VISITORS + BUSY_THREADS) as pool, listener:
        address = listener.getsockname()[:2]
        visits = [pool.submit(visit_until_refused, address) for _ in range(VISITORS)]
        for _ in range(BUSY_THREADS):
            pool.submit(be_busy)
        close_door([listener], accept, handover_seconds=0.1)
        assert listener.fileno() == -1
    assert sum(visit.result() for visit in visits) == accepted > 0
