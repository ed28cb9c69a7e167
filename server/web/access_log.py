"""The access log: each request's id, its line in the log, its share of the metrics."""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from werkzeug.wsgi import ClosingIterator

from ..operations.logs import REQUEST_ID, request_id
from ..operations.metrics import Metrics

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""The methods that are recorded by name: visitors cannot make up labels of metrics."""
ON_CLOSE = "dropwall.on_close"
"""The key in the WSGI environment of a list of calls to make once the answer has ended."""

log = logging.getLogger(__name__)


class AccessLog:
    """WSGI middleware that logs and counts each request when its answer has ended.

    Flask has no hook for that: Werkzeug calls none after a file that gunicorn sends by itself. A
    request is recorded under its rule, never its path or query: these may contain a passcode, the
    address of a private photo, or a name.
    """

    def __init__(self, app: Any, metrics: Metrics, trusts_ids: bool) -> None:
        """`trusts_ids` says whether to keep a valid X-Request-Id, as a proxy sends it."""
        self._app = app
        self._metrics = metrics
        self._trusts_ids = trusts_ids

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        is_kept = self._trusts_ids and REQUEST_ID.fullmatch(given)
        entry = _Entry(given if is_kept else secrets.token_hex(16), environ, self._metrics)
        environ[ON_CLOSE] = entry.on_close
        request_id.set(entry.request_id)
        try:
            answer = self._app(environ, partial(entry.start, start_response))
        except BaseException:
            entry.end()
            raise
        entry.close_answer = getattr(answer, "close", None)
        if isinstance(answer, environ.get("wsgi.file_wrapper", ())):
            # It has to stay what it is: gunicorn sends it by sendfile(2), in no pieces.
            entry.sent_bytes = int(entry.headers.get("content-length", 0))
            answer.close = entry.end
            return answer  # type: ignore[no-any-return]
        return ClosingIterator(entry.count_bytes(answer), entry.end)


@dataclass
class _Entry:
    """What is known of one request, recorded once at its end."""

    request_id: str
    environ: dict[str, Any]
    metrics: Metrics
    started: float = field(default_factory=time.monotonic)
    rule: str = "none"
    status: int = 500  # the answer to a request for which the application fails before it answers
    headers: dict[str, str] = field(default_factory=dict)
    sent_bytes: int = 0
    close_answer: Callable[[], None] | None = None
    on_close: list[Callable[[], None]] = field(default_factory=list)
    is_recorded: bool = False

    def start(
        self, start_response: Any, line: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Any:
        if (request := self.environ.get("werkzeug.request")) and request.url_rule:
            self.rule = request.url_rule.rule  # Flask forgets the request when it has answered
        self.status = int(line[:3])
        self.headers = {name.lower(): value for name, value in headers}
        return start_response(line, [*headers, ("X-Request-Id", self.request_id)], exc_info)

    def count_bytes(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.sent_bytes += len(piece)
            yield piece

    def end(self) -> None:
        """Close the answer, and record the request; a server may call this twice."""
        try:
            if self.close_answer:
                self.close_answer()
        finally:
            while self.on_close:
                self.on_close.pop()()
            if not self.is_recorded:
                self.is_recorded = True
                sent, seconds = self.environ["REQUEST_METHOD"], time.monotonic() - self.started
                method = sent if sent in METHODS else "other"
                self.metrics.requests.labels(method, self.rule, str(self.status)).inc()
                self.metrics.request_seconds.labels(method, self.rule).observe(seconds)
                if code := self.headers.get("dropwall-refusal"):
                    self.metrics.refusals.labels(code).inc()
                log_answer(method, self.rule, self.status, self.sent_bytes, seconds)


def log_answer(method: str, rule: str, status: int, sent_bytes: int, seconds: float) -> None:
    """Write one line of the access log; only the JSON log has it (see `set_up_logs`)."""
    if log.isEnabledFor(logging.INFO):
        line = {"method": method, "rule": rule, "status": status, "bytes": sent_bytes}
        log.info("answered", extra=line | {"seconds": round(seconds, 6)})
