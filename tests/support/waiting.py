"""Waiting for what happens on a real server, as long as it takes and no longer."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 20


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[threading.Thread]:
    """Begun now, and at its end when the block is left."""
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join()


@contextmanager
def awaited_threads(name: str) -> Iterator[None]:
    """Those of this name that begin in this context, and end by themselves, have ended after it."""
    others = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - others:
        if thread.name == name:
            thread.join(PATIENCE_SECONDS)
