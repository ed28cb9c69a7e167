"""Whether what the gallery rests on answers, asked so that nobody waits long for it."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from ..refusals import CatalogUnavailable
from .logs import reason

PATIENCE_SECONDS = 3
"""For all parts together; those who ask give up after 5 to 10."""
FRESH_SECONDS = 1
"""So long an answer is given again: anybody may ask, and a storage's owner may pay for each."""

log = logging.getLogger(__name__)


class Health:
    """Of these parts, each with a call that raises CatalogUnavailable or OSError when it is not
    well. One that hangs keeps a single thread of this process, however many ask meanwhile. What
    changes is written to the log, with its reason."""

    def __init__(
        self, checks: dict[str, Callable[[], object]], fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._parts = {name: _Part(name, check, fresh_seconds) for name, check in checks.items()}

    def failing(self) -> list[str]:
        """The names of the parts that do not answer, or not in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        asked = [(name, part, part.ask()) for name, part in self._parts.items()]
        return [name for name, part, answer in asked if not part.is_well(answer, deadline)]


class _Part:
    def __init__(self, name: str, check: Callable[[], object], fresh_seconds: float) -> None:
        self._name = name
        self._check = check
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._asked = 0.0
        self._answer: Future[None] | None = None
        self._was_well = True

    def ask(self) -> Future[None]:
        """What it answers; the answer to an earlier question that is fresh, or still open, does as
        well."""
        with self._lock:
            is_old = time.monotonic() - self._asked >= self._fresh_seconds
            if self._answer is None or (self._answer.done() and is_old):
                self._answer, self._asked = Future(), time.monotonic()
                # Not of a pool, whose threads a process waits for when it ends.
                threading.Thread(
                    target=self._run, args=(self._answer,), name=self._name, daemon=True
                ).start()
            return self._answer

    def is_well(self, answer: Future[None], deadline: float) -> bool:
        try:
            answer.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return self._tell(False, "it does not answer in time")
        except (CatalogUnavailable, OSError) as error:
            return self._tell(False, reason(error))
        return self._tell(True)

    def _tell(self, is_well: bool, why: str = "") -> bool:
        with self._lock:
            is_news, self._was_well = is_well != self._was_well, is_well
        if is_news and is_well:
            log.warning("The %s is well again", self._name)
        elif is_news:
            log.warning("The %s is not well: %s", self._name, why)
        return is_well

    def _run(self, answer: Future[None]) -> None:
        try:
            self._check()
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)
