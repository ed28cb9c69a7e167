"""Waiting for what happens on a real server, as long as it takes and no longer."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseServer

PATIENCE_SECONDS = 60
"""Far longer than anything takes: a machine may be busy."""


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "what was waited for has not happened"
        time.sleep(0.01)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[threading.Thread]:
    """Runs `work` beside the block, and waits for its end."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(PATIENCE_SECONDS)


@contextmanager
def awaited_threads(name: str) -> Iterator[None]:
    """Waits for the threads of this name that were started in the block, and end by themselves."""
    others = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - others:
        if thread.name == name:
            thread.join(PATIENCE_SECONDS)


@contextmanager
def in_a_thread(server: BaseServer) -> Iterator[None]:
    """Serves with a server of the standard library."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
