"""What a request says: who sends it, and what it asks for, in its query string or in JSON."""

import secrets
import select
import socket
import unicodedata
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from flask import g, request, session
from flask_login import current_user
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from .. import timestamps
from ..catalog.changes import KINDS
from ..catalog.lists import SORTS, Selection, find_selection
from ..catalog.viewer import Viewer
from ..people.rate_limits import neighbourhood
from ..photos.files import is_photo_id
from . import dropwall

MAX_VERSION = 2**63 - 1
"""The largest number that both databases know."""
MAX_DIGITS = 19
MAX_SEARCH = 100
MAX_IDS = 100
"""Their query string stays below the 4 KB that gunicorn reads."""
SELECTION_SECONDS = 60 * 60
"""For which a selection is kept."""
MAX_SELECTED = 100_000
BYTES_OF_AN_ID = 40
"""In JSON, with a little room."""
MAX_BODY_BYTES = 800
"""Of the longest name, all its characters escaped; too little to nest what Python cannot unpack."""


def visitor() -> Viewer:
    """Who has sent this request, as the rule of visibility knows them; found once per request.

    The guest's id of somebody who is signed in is their account's. It is empty for a client
    without the cookie, such as curl; all of those are one guest."""
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
    """Give the visitor a guest's id, unless they have one, and return it."""
    if not visitor().guest_id:
        session.pop("_user_id", None)  # signed out from elsewhere: it is not looked up for ever
        session.permanent = True
        session["guest_id"] = secrets.token_hex(16)
        del g.visitor
    return visitor().guest_id


def has_ended_session() -> bool:
    """Whether the visitor was signed in, until the account ended that session from elsewhere."""
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
    """The network that the request comes from; empty where a socket has no address."""
    return neighbourhood(request.remote_addr or "")


def limit_key() -> str:
    """Whose photos and changes wait for each other: one guest's, or, where they have no cookie,
    those of one network."""
    return visitor().guest_id or network()


def changing() -> AbstractContextManager[None]:
    """Hold a slot for a small change of the catalog, once its request has come whole. Raises
    TooManyChanges."""
    return dropwall().change_limit.change(limit_key(), network())


def hang_up_check() -> Callable[[], bool]:
    """Return a function that says, while this request is answered, whether its visitor has hung
    up."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return lambda: False

    def has_hung_up() -> bool:
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        if not ready.poll(0):  # it is open, and silent as it should be
            return False
        try:
            return not socket.socket.recv(connection, 1, socket.MSG_PEEK)
        except OSError:
            return True

    return has_hung_up


def is_navigation() -> bool:
    """Whether a browser will show the answer as a page: it says so itself, and the ones that are
    too old to say so ask for HTML, which no script does."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


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
    """`sort`, `by` (a guest's id; `mine=1` is one's own), `q` and `only`; and of these photos only
    `ids`, or those of a `selection` that was kept. Raises BadRequest, NoSuchSelection."""
    sort = request.args.get("sort", SORTS[0])
    only = request.args.get("only", "")
    if sort not in SORTS or only not in ("", *KINDS):
        raise BadRequest
    by = visitor().guest_id if request.args.get("mine") == "1" else request.args.get("by")
    words = unicodedata.normalize("NFC", request.args.get("q", ""))  # as names are kept
    ids = ids_parameter() if "ids" in request.args else None
    if kept := request.args.get("selection"):
        since = timestamps.now(seconds_ago=SELECTION_SECONDS)
        ids = find_selection(dropwall().database, kept, since)
    known = None if ids is None else tuple(filter(is_photo_id, ids))
    return Selection(sort, by, words[:MAX_SEARCH], only, known)


def ids_parameter() -> list[str]:
    """`ids`, separated by commas. Raises BadRequest."""
    ids = request.args.get("ids", "").split(",")
    if len(ids) > MAX_IDS:
        raise BadRequest
    return ids


def json_ids() -> list[str]:
    """The `ids` of photos, of a JSON object. Raises BadRequest."""
    request.max_content_length = MAX_SELECTED * BYTES_OF_AN_ID
    try:
        asked = request.get_json(silent=True)
    except (RequestEntityTooLarge, RecursionError):
        raise BadRequest from None
    ids = asked.get("ids") if isinstance(asked, dict) else None
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_SELECTED:
        raise BadRequest
    if not all(isinstance(photo_id, str) and is_photo_id(photo_id) for photo_id in ids):
        raise BadRequest
    return ids


def json_text(name: str) -> str:
    """One text of a little JSON object. Raises RequestEntityTooLarge, BadRequest."""
    request.max_content_length = MAX_BODY_BYTES
    asked = request.get_json(silent=True)
    text = asked.get(name) if isinstance(asked, dict) else None
    if not isinstance(text, str):
        raise BadRequest
    return text


def json_word(name: str, words: Collection[str]) -> str:
    """One of these words. Raises BadRequest."""
    try:
        word = json_text(name)
    except RequestEntityTooLarge:
        raise BadRequest from None
    if word not in words:
        raise BadRequest
    return word
