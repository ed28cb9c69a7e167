"""Health checks of what the gallery needs: its catalog, its storage, its disk."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from ..refusals import CatalogUnavailable
from .logs import OutageLog, reason

TIMEOUT_SECONDS = 3
"""Time limit for all checks together; monitors give up after 5 to 10."""
FRESH_SECONDS = 1
"""Time for which a result is reused: anybody may ask, and a storage's owner may pay for each."""

log = logging.getLogger(__name__)


class Health:
    """Runs one check for each part, and logs when a part fails or recovers.

    A check raises CatalogUnavailable or OSError when its part is unwell. One that hangs keeps a
    single thread of this process, however many ask meanwhile.
    """

    def __init__(
        self, checks: dict[str, Callable[[], object]], fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._checks = checks
        self._fresh_seconds = fresh_seconds
        self._results: dict[str, tuple[float, Future[None]]] = {}  # begun when, result
        self._lock = threading.Lock()
        self._outages = OutageLog(log)

    def failing(self) -> list[str]:
        """Return the names of the parts that are unwell, or do not answer in time."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        results = {name: self._start_check(name) for name in self._checks}
        return [
            name for name, result in results.items() if not self._is_well(name, result, deadline)
        ]

    def _start_check(self, name: str) -> Future[None]:
        """Start a check, unless one is running or has just ended: its result serves as well."""
        now = time.monotonic()
        with self._lock:
            if name in self._results:
                begun, result = self._results[name]
                if not result.done() or now - begun < self._fresh_seconds:
                    return result
            result = Future()
            self._results[name] = now, result
            # Not a pool's thread, which the process would wait for when it ends.
            threading.Thread(
                target=_run, args=(self._checks[name], result), name=name, daemon=True
            ).start()
            return result

    def _is_well(self, name: str, result: Future[None], deadline: float) -> bool:
        try:
            result.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            why = "it doesn't answer in time"
        except (CatalogUnavailable, OSError) as error:
            why = reason(error)
        else:
            self._outages.recovered("The %s is well again", name, kind=name)
            return True
        self._outages.failed("The %s is not well: %s", name, why, kind=name)
        return False


def _run(check: Callable[[], object], result: Future[None]) -> None:
    try:
        check()
    except BaseException as error:
        result.set_exception(error)
    else:
        result.set_result(None)
