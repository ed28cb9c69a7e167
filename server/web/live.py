"""The gallery as it changes, sent as it happens."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from flask import Blueprint, Response, request
from flask_login import current_user

from ..photos.watchers import Watcher
from ..refusals import CatalogUnavailable
from . import dropwall
from .requests import MAX_VERSION, network, number, number_parameter, visitor

live = Blueprint("live", __name__)

HEARTBEAT = b"event: heartbeat\ndata:\n\n"


@live.get("/api/live")
def watch_gallery() -> Response:
    """Server-Sent Events: what `/api/photos?since=` tells, from that version on. A browser that
    has lost the stream resumes it with `Last-Event-ID`."""
    watcher = dropwall().watchers.watch(_since(), visitor(), network())
    response = Response(_events(watcher, _session_check()), mimetype="text/event-stream")
    response.call_on_close(watcher.close)
    dropwall().metrics.watchers.inc()
    response.call_on_close(dropwall().metrics.watchers.dec)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def _since() -> int | None:
    if last := request.headers.get("Last-Event-ID"):
        return number(last, 0, MAX_VERSION)
    return number_parameter("since", None, 0, MAX_VERSION)


def _session_check() -> Callable[[], bool]:
    """Whether who has opened the stream is still signed in, asked as long as that goes on."""
    if not current_user.is_authenticated:
        return lambda: True
    accounts, session_id = dropwall().accounts, current_user.get_id()

    def is_signed_in() -> bool:
        with suppress(CatalogUnavailable):  # it is asked again soon
            return accounts.of_session(session_id) is not None
        return True

    return is_signed_in


def _events(watcher: Watcher, is_signed_in: Callable[[], bool]) -> Iterator[bytes]:
    for text in watcher:
        if not is_signed_in():
            return
        yield text or HEARTBEAT
