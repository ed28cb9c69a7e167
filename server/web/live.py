"""The live stream sends what changes in the gallery as Server-Sent Events.

A removal, for example, comes here in five steps: `changes.record` writes which photo it was and who
may know of it; its commit, or a look every WAIT_SECONDS, wakes the thread of `Watchers`; that reads
with `feed.read_news` what has changed for each viewer, has `json.py` write an event of it, and
hands it to each `Watcher`, whose stream `_events` sends.
"""

from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Response, request
from flask_login import current_user

from ..people.accounts import Accounts
from ..photos.watchers import Watcher
from ..refusals import CatalogUnavailable
from .requests import dropwall, network, visitor, whole_number

live = Blueprint("live", __name__)

HEARTBEAT = b"event: heartbeat\ndata:\n\n"


@live.get("/api/live")
def watch_gallery() -> Response:
    """Send what `/api/photos?since=` answers, from that version on. A browser that has lost the
    stream resumes it with `Last-Event-ID`."""
    text = request.headers.get("Last-Event-ID") or request.args.get("since")
    since = None if text is None else whole_number(text)
    watcher = dropwall().watchers.watch(since, visitor(), network())
    session_id = current_user.get_id() if current_user.is_authenticated else None
    events = _events(watcher, dropwall().accounts, session_id)
    response = Response(events, mimetype="text/event-stream")
    response.call_on_close(watcher.close)
    dropwall().metrics.watchers.inc()
    response.call_on_close(dropwall().metrics.watchers.dec)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def _events(watcher: Watcher, accounts: Accounts, session_id: str | None) -> Iterator[bytes]:
    """Yield what the watcher is sent, until the session of somebody signed in has been ended on
    another device."""
    for text in watcher:
        with suppress(CatalogUnavailable):  # the next event asks again
            if session_id and not accounts.of_session(session_id):
                return
        yield text or HEARTBEAT
