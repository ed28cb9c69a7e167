"""The log: its format, the id of the request that each line belongs to, and outages.

It is written for people (`text`) or for programs that read JSON (`json`).
"""

import logging
import math
import re
import socket
import threading
import time
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""The request ids that are accepted from a proxy."""
MAX_REASON = 500
"""Characters of an error's text in a log line."""
REMINDER_SECONDS = 60
"""Time between two lines about the same outage."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that this thread is answering; empty between requests."""


def set_up_logs(style: str) -> None:
    """Write all log lines of this process, gunicorn's included, to stderr.

    `style` is `text`, which has warnings and errors alone, or `json`, which also has a line for
    each request. Calling it again changes nothing.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_add_request_id)
    if style == "json":
        handler.setFormatter(
            JsonFormatter(
                ["levelname", "name", "process", "message"],
                rename_fields={"levelname": "level", "name": "logger", "process": "pid"},
                static_fields={"machine": socket.gethostname()},
                timestamp="time",
            )
        )
    else:
        handler.setFormatter(
            logging.Formatter(
                "%(asctime)s [%(process)d] [%(levelname)s] [%(request_id)s] %(message)s",
                "[%Y-%m-%d %H:%M:%S %z]",
                defaults={"request_id": "-"},
            )
        )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("gunicorn.error").handlers = [handler]
    logging.captureWarnings(True)  # Python itself writes them as plain text
    logging.getLogger("py.warnings").addFilter(_limit_warnings)
    logging.getLogger("dropwall.web.access_log").setLevel(
        logging.INFO if style == "json" else logging.NOTSET
    )


def _add_request_id(record: logging.LogRecord) -> bool:
    if found := request_id.get():
        record.request_id = found
    return True


def _limit_warnings(_record: logging.LogRecord) -> bool:
    """Pass one Python warning a minute: a library may warn once a request."""
    return _warnings.is_due()


def reason(error: Exception) -> str:
    """Return the text of an error in one line."""
    return " ".join(str(error).split())[:MAX_REASON]


class OutageLog:
    """Logs that something fails: at once, again each minute while it lasts, and when it is over.

    A `kind` keeps several outages of one log apart. It may be used by many threads.
    """

    def __init__(self, log: logging.Logger, reminder_seconds: float = REMINDER_SECONDS) -> None:
        self._log = log
        self._reminder_seconds = reminder_seconds
        self._logged: dict[str, float] = {}  # kind → when, by the monotonic clock
        self._lock = threading.Lock()

    def failed(self, message: str, *arguments: object, kind: str = "") -> None:
        """Log this warning, unless one of its kind was logged less than a minute ago."""
        if self.is_due(kind):
            self._log.warning(message, *arguments)

    def recovered(self, message: str, *arguments: object, kind: str = "") -> None:
        """Log this warning if a failure of its kind was logged, and nothing otherwise."""
        with self._lock:
            was_logged = self._logged.pop(kind, None) is not None
        if was_logged:
            self._log.warning(message, *arguments)

    def is_due(self, kind: str = "") -> bool:
        """Whether a line of this kind is to be logged now, which counts as logged then."""
        now = time.monotonic()
        with self._lock:
            if now - self._logged.get(kind, -math.inf) < self._reminder_seconds:
                return False
            self._logged[kind] = now
            return True


_warnings = OutageLog(logging.getLogger("py.warnings"))
