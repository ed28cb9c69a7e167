"""How many photos are worked on at once, whichever process has taken them in."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

UPLOAD_PLACES = 64
POLL_SECONDS = 0.001
"""Of the one that is first in the queue; all others wait for it."""


class Turns:
    """At most `count` at a time in all processes that share `folder`, at most one of them large.
    A lock on a file goes with its process, however that ends; a semaphore would not."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._places = [folder / str(number) for number in range(count)]
        self._queue = folder / "queue"
        self._large = folder / "large"
        self._uploads = [folder / f"upload-{number}" for number in range(UPLOAD_PLACES)]

    @contextmanager
    def wait(self) -> Iterator[None]:
        with ExitStack() as held:
            with ExitStack() as first_in_the_queue:
                _lock(self._queue, first_in_the_queue)
                while not any(_is_locked(place, held) for place in self._places):
                    time.sleep(POLL_SECONDS)
            yield

    @contextmanager
    def wait_for_upload(self, upload_id: str) -> Iterator[None]:
        """One at a time for each upload; some of them share a place."""
        with ExitStack() as held:
            _lock(self._uploads[int(upload_id, 16) % len(self._uploads)], held)
            yield

    @contextmanager
    def wait_for_large(self) -> Iterator[None]:
        """Before `wait`, so that a large photo that waits keeps nobody else waiting."""
        with ExitStack() as held:
            _lock(self._large, held)
            yield


def _lock(path: Path, held: ExitStack, operation: int = fcntl.LOCK_EX) -> None:
    """Until `held` closes the file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    held.callback(os.close, file)
    fcntl.flock(file, operation)


def _is_locked(path: Path, held: ExitStack) -> bool:
    """Whether it was free, and is ours now; if not, its file is closed again."""
    with ExitStack() as tried, suppress(BlockingIOError):
        _lock(path, tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.push(tried.pop_all())
        return True
    return False
