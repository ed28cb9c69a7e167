"""The gallery as it changes, sent as it happens."""

from collections.abc import Iterator

from flask import Blueprint, Response, request

from ..changes import Watcher
from . import parts
from .guest import viewer
from .query import MAX_VERSION, number, number_parameter

live = Blueprint("live", __name__)

HEARTBEAT = b"event: heartbeat\ndata:\n\n"


@live.get("/api/live")
def watch_gallery() -> Response:
    """Server-Sent Events: what `/api/photos?since=` tells, from that version on. A browser that
    has lost the stream resumes it with `Last-Event-ID`."""
    watcher = parts().watchers.watch(_since(), viewer())
    response = Response(_events(watcher), mimetype="text/event-stream")
    response.call_on_close(watcher.close)
    response.cache_control.no_store = True
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def _since() -> int | None:
    if last := request.headers.get("Last-Event-ID"):
        return number(last, 0, MAX_VERSION)
    return number_parameter("since", None, 0, MAX_VERSION)


def _events(watcher: Watcher) -> Iterator[bytes]:
    for text in watcher:
        yield text or HEARTBEAT
