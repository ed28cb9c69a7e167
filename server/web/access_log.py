"""Each request until its answer has ended: its id, its line in the log, its number."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..operations.logs import REQUEST_ID, new_request_id, request_id
from ..operations.metrics import Metrics

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
RULE = "dropwall.rule"
"""Under this key of the WSGI environment the application tells by which rule it answers."""
ENDING = "dropwall.ending"
"""Under this one are calls that it wants made when its answer has ended."""

log = logging.getLogger(__name__)


class Visits:
    """Around the whole application. It knows of a request its rule, never its path or its query,
    which may be a passcode, the address of a private photo, a name."""

    def __init__(self, app: Any, metrics: Metrics, takes_ids: bool) -> None:
        """`takes_ids` of the proxy that stands before us."""
        self._app = app
        self._metrics = metrics
        self._takes_ids = takes_ids

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        visit = _Visit(environ, self._id(environ), self._finish)
        request_id.set(visit.id)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            visit.begin_answer(status, headers)
            return start_response(status, [*headers, ("X-Request-Id", visit.id)], exc_info)

        environ[ENDING] = visit.ending
        try:
            return visit.follow(self._app(environ, start))
        except BaseException:
            visit.end()
            raise

    def _id(self, environ: dict[str, Any]) -> str:
        told = environ.get("HTTP_X_REQUEST_ID", "")
        is_taken = self._takes_ids and REQUEST_ID.fullmatch(told)
        return told if is_taken else new_request_id()

    def _finish(self, visit: "_Visit") -> None:
        method, rule, status = visit.method, visit.rule, visit.status
        seconds = time.monotonic() - visit.started
        self._metrics.requests.labels(method, rule, str(status)).inc()
        self._metrics.request_seconds.labels(method, rule).observe(seconds)
        if reason := visit.headers.get("dropwall-refusal"):
            self._metrics.refusals.labels(reason).inc()
        log_answer(method, rule, status, visit.bytes, seconds)


def log_answer(method: str, rule: str, status: int, sent_bytes: int, seconds: float) -> None:
    if log.isEnabledFor(logging.INFO):
        told = {"method": method, "rule": rule, "status": status, "bytes": sent_bytes}
        log.info("answered", extra=told | {"seconds": round(seconds, 6)})


class _Visit:
    def __init__(
        self, environ: dict[str, Any], visit_id: str, finish: Callable[["_Visit"], None]
    ) -> None:
        self.id = visit_id
        self.started = time.monotonic()
        self.status = 500  # whoever fails before an answer begins is told so by the server
        self.headers: dict[str, str] = {}
        self.bytes = 0
        self.ending: list[Callable[[], None]] = []
        self._environ = environ
        self._finish: Callable[[_Visit], None] | None = finish

    @property
    def method(self) -> str:
        method = self._environ["REQUEST_METHOD"]
        return method if method in METHODS else "other"

    @property
    def rule(self) -> str:
        return str(self._environ.get(RULE, "none"))

    def begin_answer(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = int(status[:3])
        self.headers = {name.lower(): value for name, value in headers}

    def follow(self, answer: Any) -> Iterable[bytes]:
        """The answer, which finishes the visit when it is closed."""
        close = getattr(answer, "close", lambda: None)
        if isinstance(answer, self._environ.get("wsgi.file_wrapper", ())):
            # It stays what it is: the server sends it by sendfile(2), unseen by us.
            self.bytes = int(self.headers.get("content-length", 0))
            answer.close = lambda: self.end(close)
            return answer  # type: ignore[no-any-return]
        return _Counted(answer, self, lambda: self.end(close))

    def end(self, close: Callable[[], None] = lambda: None) -> None:
        try:
            close()
        finally:
            while self.ending:
                self.ending.pop()()
            finish, self._finish = self._finish, None
            if finish:
                finish(self)


class _Counted:
    def __init__(self, answer: Iterable[bytes], visit: _Visit, close: Callable[[], None]) -> None:
        self._answer = answer
        self._visit = visit
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._answer:
            self._visit.bytes += len(piece)
            yield piece
