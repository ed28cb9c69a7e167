"""The access log gives each request an id, a line in the log, and its share of the metrics."""

import logging
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from werkzeug.wsgi import ClosingIterator

from ..operations.logs import REQUEST_ID, request_id
from ..operations.metrics import Metrics

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""Methods that are recorded by name: visitors cannot make up labels of metrics."""
ANSWERED = "dropwall.answered"
"""Key in the WSGI environment of an ExitStack that is closed once the answer has ended."""

log = logging.getLogger(__name__)


@dataclass
class Line:
    """The log says this of one request. One that gunicorn refuses has no method and no rule, and
    one that fails before the application answers has the status 500."""

    method: str = "none"
    rule: str = "none"
    status: int = 500
    bytes: int = 0
    seconds: float = 0.0


class AccessLog:
    """WSGI middleware that logs and counts each request when its answer has ended.

    Flask has no hook for that: Werkzeug calls none after a file that gunicorn sends by itself. A
    request is recorded under its rule, never its path or query: these may contain a passcode, the
    address of a private photo, or a name. Only the JSON log has a line for each (`set_up_logs`).
    """

    def __init__(self, app: Any, metrics: Metrics, trusts_ids: bool) -> None:
        """`trusts_ids` says whether to keep a valid X-Request-Id, as a proxy sends it."""
        self._app = app
        self._metrics = metrics
        self._trusts_ids = trusts_ids

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        is_kept = self._trusts_ids and REQUEST_ID.fullmatch(given)
        answer_id = given if is_kept else secrets.token_hex(16)
        request_id.set(answer_id)
        started, method = time.monotonic(), environ["REQUEST_METHOD"]
        line = Line(method if method in METHODS else "other")
        headers: dict[str, str] = {}

        def start(status: str, sent: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal headers
            if (request := environ.get("werkzeug.request")) and request.url_rule:
                line.rule = request.url_rule.rule  # Flask forgets the request when it has answered
            line.status, headers = int(status[:3]), {name.lower(): value for name, value in sent}
            return start_response(status, [*sent, ("X-Request-Id", answer_id)], exc_info)

        def count_bytes(pieces: Iterable[bytes]) -> Iterator[bytes]:
            for piece in pieces:
                line.bytes += len(piece)
                yield piece

        def record() -> None:
            seconds = time.monotonic() - started
            line.seconds = round(seconds, 6)
            self._metrics.requests.labels(line.method, line.rule, str(line.status)).inc()
            self._metrics.request_seconds.labels(line.method, line.rule).observe(seconds)
            if code := headers.get("dropwall-refusal"):
                self._metrics.refusals.labels(code).inc()
            log.info("answered", extra=vars(line))

        # The last one in is called first, and each once, however often a server closes an answer.
        answered = ExitStack()
        answered.callback(record)
        # A stack of its own: an answer that its environment refers to would be garbage for long.
        environ[ANSWERED] = answered.enter_context(ExitStack())
        try:
            answer = self._app(environ, start)
        except BaseException:
            answered.close()
            raise
        if close := getattr(answer, "close", None):
            answered.callback(close)
        if isinstance(answer, environ.get("wsgi.file_wrapper", ())):
            # It has to stay what it is: gunicorn sends it by sendfile(2), in no pieces.
            line.bytes = int(headers.get("content-length", 0))
            answer.close = answered.close
            return answer  # type: ignore[no-any-return]
        return ClosingIterator(count_bytes(answer), answered.close)
