"""These functions read a request: what answers it, who sends it, and what its query string or its
JSON asks for."""

import secrets
import unicodedata
from collections.abc import Collection
from contextlib import AbstractContextManager

from flask import current_app, g, request, session
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge

from .. import timestamps
from ..catalog.changes import KINDS
from ..catalog.lists import ORDERS, SORTS, PhotoQuery, find_selection
from ..catalog.visibility import Viewer
from ..people.rate_limits import network_of
from ..photos.files import is_photo_id
from ..refusals import BadRequest
from . import Dropwall

MAX_VERSION = 2**63 - 1
"""Largest number that both databases know."""
MAX_DIGITS = 19
MAX_SEARCH = 100
MAX_IDS = 100
"""Number of ids in one query string, which stays below the 4 KB that gunicorn reads."""
SELECTION_SECONDS = 60 * 60
"""Lifetime of a stored selection."""
MAX_SELECTED = 100_000
BYTES_OF_AN_ID = 40
"""Size of an id in JSON, with a little room."""
MAX_BODY_BYTES = 800
"""Size of a JSON object with the longest name, all its characters escaped. It has no room for
nesting that is too deep for Python."""


def dropwall() -> Dropwall:
    """Return the parts of the application that answers this request."""
    found: Dropwall = current_app.extensions["dropwall"]
    return found


def visitor() -> Viewer:
    """Return who has sent this request, as the rule of visibility knows them. They are looked up
    once per request.

    The guest id of somebody who is signed in is their account's. It is empty for a client without
    the cookie, such as curl; all of those are one guest."""
    if "visitor" not in g:
        is_signed_in = current_user.is_authenticated
        g.visitor = Viewer(
            str(current_user.id if is_signed_in else session.get("guest_id", "")),
            is_host=is_signed_in and current_user.is_host,
            sees_others=dropwall().settings.mode != "own",
        )
    found: Viewer = g.visitor
    return found


def greet_guest() -> str:
    """Give the visitor a guest id, unless they have one, and return it."""
    if not visitor().guest_id:
        session.pop("_user_id", None)  # of a session that was ended elsewhere: not to look up again
        session.permanent = True
        session["guest_id"] = secrets.token_hex(16)
        del g.visitor
    return visitor().guest_id


def has_ended_session() -> bool:
    """Whether the visitor was signed in until that session was ended on another device."""
    return "_user_id" in session and not current_user.is_authenticated


def is_admitted() -> bool:
    """Whether the visitor has shown the passcode, or needs none."""
    passcode = dropwall().passcode
    return (
        not passcode.text
        or passcode.is_proved_by(session.get("passcode"))
        or bool(current_user.is_authenticated)
    )


def network() -> str:
    """Return the network that the request comes from. It is empty for a Unix socket."""
    return network_of(request.remote_addr or "")


def guest_or_network() -> str:
    """Return whom the request counts for where guests take turns: visitors without a cookie count
    as one of their network."""
    return visitor().guest_id or network()


def changing() -> AbstractContextManager[None]:
    """Hold a slot for a small change of the catalog, once its request has come whole. Raises
    TooManyChanges."""
    return dropwall().change_limit.change(guest_or_network(), network())


def is_navigation() -> bool:
    """Whether a browser will show the answer as a page. Browsers say so; those that are too old to
    do that ask for HTML, which no script does."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


def whole_number(text: str, lowest: int = 0, highest: int = MAX_VERSION) -> int:
    """Read a whole number, such as a version. Raises BadRequest."""
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_DIGITS:
        raise BadRequest
    value = int(text)
    if not lowest <= value <= highest:
        raise BadRequest
    return value


def photo_query() -> PhotoQuery:
    """Read which photos are asked for: `sort` and `order` (`arrival` or `taken`, `newest` or
    `oldest` first), `by` (a guest id; `mine=1` is the visitor's own), `q` and `only`; and of these
    only `ids`, or those of a stored `selection`. Raises BadRequest, NoSuchSelection."""
    sort = request.args.get("sort", SORTS[0])
    order = request.args.get("order", ORDERS[0])
    only = request.args.get("only", "")
    if sort not in SORTS or order not in ORDERS or only not in ("", *KINDS):
        raise BadRequest
    by = visitor().guest_id if request.args.get("mine") == "1" else request.args.get("by")
    words = unicodedata.normalize("NFC", request.args.get("q", ""))  # as names are kept
    ids = ids_parameter() if "ids" in request.args else None
    if kept := request.args.get("selection"):
        since = timestamps.now(seconds_ago=SELECTION_SECONDS)
        ids = find_selection(dropwall().database, kept, since)
    known = None if ids is None else tuple(filter(is_photo_id, ids))
    return PhotoQuery(sort, by, words[:MAX_SEARCH], only, known, order == "oldest")


def ids_parameter() -> list[str]:
    """Read `ids`, separated by commas. Raises BadRequest."""
    ids = request.args.get("ids", "").split(",")
    if len(ids) > MAX_IDS:
        raise BadRequest
    return ids


def json_ids() -> list[str]:
    """Read the `ids` of photos from a JSON object. Raises BadRequest."""
    ids = _json_value("ids", MAX_SELECTED * BYTES_OF_AN_ID, BadRequest)
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_SELECTED:
        raise BadRequest
    if not all(isinstance(photo_id, str) and is_photo_id(photo_id) for photo_id in ids):
        raise BadRequest
    return ids


def json_text(name: str, too_long: type[Exception] = BadRequest) -> str:
    """Read one text from a small JSON object. Raises `too_long`, BadRequest."""
    text = _json_value(name, MAX_BODY_BYTES, too_long)
    if not isinstance(text, str):
        raise BadRequest
    return text


def json_word(name: str, words: Collection[str]) -> str:
    """Read one of these words from a small JSON object. Raises BadRequest."""
    word = json_text(name)
    if word not in words:
        raise BadRequest
    return word


def _json_value(name: str, most_bytes: int, too_long: type[Exception]) -> object:
    """Read one value from a JSON object; None if it is missing. Raises `too_long`,
    BadRequest."""
    request.max_content_length = most_bytes
    try:
        asked = request.get_json(silent=True)
    except RequestEntityTooLarge:
        raise too_long from None
    except RecursionError:
        raise BadRequest from None
    return asked.get(name) if isinstance(asked, dict) else None
