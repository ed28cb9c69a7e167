"""How many photos are decoded at once, whichever process has taken them in."""

import fcntl
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


class Turns:
    """At most `count` at a time in all processes that share `folder`, at most one of them large.
    A lock on a file goes with its process, however that ends; a semaphore would not."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._places = [folder / str(number) for number in range(count)]
        self._large = folder / "large"

    @contextmanager
    def wait(self) -> Iterator[None]:
        with ExitStack() as held:
            for place in self._places:
                with suppress(BlockingIOError):
                    _lock(place, held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
            else:
                _lock(random.choice(self._places), held, fcntl.LOCK_EX)  # noqa: S311
            yield

    @contextmanager
    def wait_for_large(self) -> Iterator[None]:
        """In addition to `wait`."""
        with ExitStack() as held:
            _lock(self._large, held, fcntl.LOCK_EX)
            yield


def _lock(path: Path, held: ExitStack, operation: int) -> None:
    """Until `held` closes the file."""
    fcntl.flock(held.enter_context(path.open("wb")), operation)
