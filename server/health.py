"""Whether what the gallery rests on answers, asked so that nobody waits long for it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from .catalog import CatalogUnavailable

PATIENCE_SECONDS = 3
"""For all parts together; those who ask give up after 5 to 10."""


class Health:
    """Of these parts, each with a call that raises CatalogUnavailable or OSError when it is not
    well. One that hangs keeps a single thread of this process, however many ask meanwhile."""

    def __init__(self, checks: dict[str, Callable[[], object]]) -> None:
        self._parts = {name: _Part(name, check) for name, check in checks.items()}

    def failing(self) -> list[str]:
        """The names of the parts that do not answer, or not in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        asked = {name: part.ask() for name, part in self._parts.items()}
        return [name for name, answer in asked.items() if not _is_well(answer, deadline)]


class _Part:
    def __init__(self, name: str, check: Callable[[], object]) -> None:
        self._name = name
        self._check = check
        self._lock = threading.Lock()
        self._answer: Future[None] | None = None

    def ask(self) -> Future[None]:
        """What it answers; the answer to an earlier question that is still open does as well."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                # Not of a pool, whose threads a process waits for when it ends.
                threading.Thread(
                    target=self._run, args=(self._answer,), name=self._name, daemon=True
                ).start()
            return self._answer

    def _run(self, answer: Future[None]) -> None:
        try:
            self._check()
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)


def _is_well(answer: Future[None], deadline: float) -> bool:
    try:
        answer.result(max(0.0, deadline - time.monotonic()))
    except (CatalogUnavailable, OSError):  # the TimeoutError of who waits in vain is one, too
        return False
    return True
