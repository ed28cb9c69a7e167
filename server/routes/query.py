"""What the query string asks for."""

from flask import request
from werkzeug.exceptions import BadRequest

MAX_VERSION = 2**63 - 1
"""The largest number that both databases know."""


def number_parameter(name: str, default: int | None, lowest: int, highest: int) -> int | None:
    """A whole number of the query string. Raises BadRequest."""
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not lowest <= int(text[:20]) <= highest:
        raise BadRequest
    return int(text)
