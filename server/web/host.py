"""The host's page shows what is full, who sent how much and how to invite. Its switch closes the
gallery for uploads."""

from datetime import datetime

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from .. import timestamps
from ..catalog import changes, guests
from ..photos.closing import closed_sentence
from ..refusals import BadRequest
from .errors import size_in_words
from .page import invitation_link, shared_address
from .people import refuse_guests
from .requests import changing, dropwall, is_navigation

host_page = Blueprint("host_page", __name__)
host_page.before_request(refuse_guests)

MAX_SENDERS = 100


@host_page.get("/host")
def show_host_page() -> str:
    config, overview = dropwall().settings, guests.overview(dropwall().database)
    return render_template(
        "host.html",
        overview=overview,
        closed=overview.closed_at and closed_sentence(overview.closed_at),
        settings=config,
        free_bytes=dropwall().limits.free_bytes(),
        senders=guests.list_by_size(dropwall().database, MAX_SENDERS),
        address=shared_address(),
        link=invitation_link(),
        size=size_in_words,
        local_time=_local_time,
    )


@host_page.post("/host/close")
def close_gallery() -> ResponseReturnValue:
    """Close the gallery for uploads; `since` an earlier moment if that undoes a reopening. What has
    begun may finish."""
    since = request.args.get("since", timestamps.now(), type=_past_moment)
    with changing():
        changes.set_closed_at(dropwall().database, since)
    return redirect("/host", 303) if is_navigation() else ("", 204)


@host_page.post("/host/open")
def open_gallery() -> ResponseReturnValue:
    with changing():
        changes.set_closed_at(dropwall().database, None)
    return redirect("/host", 303) if is_navigation() else ("", 204)


def _past_moment(text: str) -> str:
    """Read a moment as the catalog stores it. Raises BadRequest."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").isoformat() + "Z"
    except ValueError:
        raise BadRequest from None
    if not "2000" < moment <= timestamps.now():
        raise BadRequest
    return moment


def _local_time(moment: str) -> str:
    """Write a moment by the server's time zone: `20 June, 15:42`."""
    time = datetime.fromisoformat(moment).astimezone()
    return f"{time.day} {time:%B, %H:%M}"
