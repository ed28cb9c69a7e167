"""Waiting for what happens on a real server, as long as it takes and no longer."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 20


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
