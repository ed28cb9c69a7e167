"""What is written to the log, and for whom: people, or programs that read JSON."""

import logging
import math
import re
import secrets
import socket
import time
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

FORMATS = ("text", "json")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that this thread answers; empty when it answers none."""

_TEXT = "%(asctime)s [%(process)d] [%(levelname)s] [%(request_id)s] %(message)s"
_TIME = "[%Y-%m-%d %H:%M:%S %z]"


MAX_REASON = 500
"""Characters."""
WARNING_SECONDS = 60
"""Between two of Python's warnings in the log of a process: a library may have one a request."""


class Seldom(logging.Filter):
    """Lets a line of each kind, which stands in `record.kind`, pass once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = getattr(record, "kind", ""), time.monotonic()
        if now - self._passed.get(kind, -math.inf) < self._seconds:
            return False
        self._passed[kind] = now
        return True


_seldom_warnings = Seldom(WARNING_SECONDS)


def reason(error: Exception) -> str:
    """In one line. Of an S3 server's answer its code and message alone: the rest may have the
    request's signature in it."""
    text, _, document = str(error).partition("<?xml")
    told = re.findall(r"<(?:Code|Message)>([^<]*)<", document)
    return " ".join([*text.split(), *told])[:MAX_REASON]


def new_request_id() -> str:
    return secrets.token_hex(16)


def set_up_logs(style: str) -> None:
    """Write all lines of this process, gunicorn's too, to stderr in one of FORMATS. In text only
    what is wrong, in JSON also who comes and goes. Called twice, it does the same."""
    handler = logging.StreamHandler()
    handler.addFilter(_add_request_id)
    handler.setFormatter(_json() if style == "json" else _text())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("gunicorn.error").handlers = [handler]
    logging.captureWarnings(True)  # by itself Python writes them as plain text
    logging.getLogger("py.warnings").addFilter(_seldom_warnings)
    logging.getLogger("dropwall.web.access_log").setLevel(
        logging.INFO if style == "json" else logging.NOTSET
    )


def _add_request_id(record: logging.LogRecord) -> bool:
    if found := request_id.get():
        record.request_id = found
    return True


def _text() -> logging.Formatter:
    return logging.Formatter(_TEXT, _TIME, defaults={"request_id": "-"})


def _json() -> logging.Formatter:
    return JsonFormatter(
        ["levelname", "name", "process", "message"],
        rename_fields={"levelname": "level", "name": "logger", "process": "pid"},
        static_fields={"machine": socket.gethostname()},
        timestamp="time",
    )
