"""A door that closes while visitors keep coming: each is let in, or finds it closed."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from server.door import close_door

VISITORS, BUSY_THREADS = 16, 4
HANDOVER_SECONDS = 0.1
PATIENCE_SECONDS = 10
HELLO = b"hello"


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["4", "6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family, host = request.param
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen(2048)
        yield listener


@contextmanager
def busy_threads() -> Iterator[None]:
    """They hold the interpreter for as long as it lets them, as a worker's own do."""
    is_over = threading.Event()

    def be_busy() -> None:
        while not is_over.is_set():
            sum(range(1000))

    with ThreadPoolExecutor(BUSY_THREADS) as pool:
        try:
            for _ in range(BUSY_THREADS):
                pool.submit(be_busy)
            yield
        finally:
            is_over.set()


def visit_until_closed(address: tuple[str, int]) -> int:
    """How often somebody was let in; whoever is not, raises ConnectionResetError."""
    visits = 0
    with suppress(ConnectionRefusedError):
        while True:
            with socket.create_connection(address, PATIENCE_SECONDS) as visitor:
                assert visitor.recv(len(HELLO)) == HELLO
            visits += 1
    return visits


def test_nobody_who_has_come_is_turned_away(listener: socket.socket) -> None:
    address = listener.getsockname()[:2]
    accepted = 0

    def accept(door: socket.socket) -> None:
        nonlocal accepted
        visitor, _ = door.accept()
        with visitor:
            visitor.sendall(HELLO)
        accepted += 1

    with ThreadPoolExecutor(VISITORS) as pool:
        visits = [pool.submit(visit_until_closed, address) for _ in range(VISITORS)]
        with busy_threads():
            close_door([listener], accept, HANDOVER_SECONDS)
        assert sum(visit.result() for visit in visits) == accepted > 0
    assert listener.fileno() == -1
