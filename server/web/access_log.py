"""The access log gives each request an id, a line in the log, and its share of the metrics."""

import logging
import secrets
import time
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ..operations.logs import REQUEST_ID, request_id
from ..operations.metrics import Metrics

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""Methods that are recorded by name: visitors cannot make up labels of metrics."""
LINE = "dropwall.line"
"""Key in the WSGI environment of the request's Line, in which the application says what it answers,
with the bytes that it announces: those of a file are not counted."""
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
        request_id.set(given if is_kept else secrets.token_hex(16))
        started, method = time.monotonic(), environ["REQUEST_METHOD"]
        line = environ[LINE] = Line(method if method in METHODS else "other")
        answered = ExitStack()
        # A stack of its own: an answer that its environment refers to would be garbage for long.
        environ[ANSWERED] = answered.enter_context(ExitStack())
        answer: Any = ()

        def pieces() -> Generator[bytes, None, None]:
            """Yield the answer, and record the request once that has ended, however it does."""
            try:
                with answered:
                    yield b""  # only to begin: a generator that has not begun ends without a word
                    for piece in answer:
                        line.bytes += len(piece)
                        yield piece
            finally:
                seconds = time.monotonic() - started
                line.seconds = round(seconds, 6)
                self._metrics.requests.labels(line.method, line.rule, str(line.status)).inc()
                self._metrics.request_seconds.labels(line.method, line.rule).observe(seconds)
                log.info("answered", extra=vars(line))

        sent = pieces()
        next(sent)
        try:
            answer = self._app(environ, start_response)
        except BaseException:
            sent.close()
            raise
        if close := getattr(answer, "close", None):
            answered.callback(close)
        if isinstance(answer, environ.get("wsgi.file_wrapper", ())):
            # It has to stay what it is: gunicorn sends it by sendfile(2), in no pieces.
            answer.close = sent.close
            return answer  # type: ignore[no-any-return]
        line.bytes = 0
        return sent
