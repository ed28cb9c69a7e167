"""What is written to the log, and for whom: people, or programs that read JSON."""

import logging
import re
import secrets
import socket
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

FORMATS = ("text", "json")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that this thread answers; empty when it answers none."""

_TEXT = "%(asctime)s [%(process)d] [%(levelname)s] [%(request_id)s] %(message)s"
_TIME = "[%Y-%m-%d %H:%M:%S %z]"


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
    logging.getLogger("server.visits").setLevel(logging.INFO if style == "json" else logging.NOTSET)


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
