"""What the query string asks for."""

from flask import request
from werkzeug.exceptions import BadRequest

from ..catalog import SORTS, Selection
from .guest import guest_id

MAX_VERSION = 2**63 - 1
"""The largest number that both databases know."""
MAX_DIGITS = 19
MAX_SEARCH = 100


def number_parameter(name: str, default: int | None, lowest: int, highest: int) -> int | None:
    """A whole number of the query string. Raises BadRequest."""
    text = request.args.get(name)
    return default if text is None else number(text, lowest, highest)


def number(text: str, lowest: int, highest: int) -> int:
    """Raises BadRequest."""
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_DIGITS:
        raise BadRequest
    value = int(text)
    if not lowest <= value <= highest:
        raise BadRequest
    return value


def selection() -> Selection:
    """`sort`, `by` (a guest's id; `mine=1` is one's own) and `q`. Raises BadRequest."""
    sort = request.args.get("sort", SORTS[0])
    if sort not in SORTS:
        raise BadRequest
    by = guest_id() if request.args.get("mine") == "1" else request.args.get("by")
    return Selection(sort, by, request.args.get("q", "")[:MAX_SEARCH])
