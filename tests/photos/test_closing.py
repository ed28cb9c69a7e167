"""A gallery that a host has closed for uploads: who is refused, what finishes, who learns of it."""

import io
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from dropwall import create_app, timestamps
from dropwall.catalog import changes
from dropwall.config import Config
from dropwall.photos.closing import closed_refusal
from tests.support.chunks import InChunks, send_all, send_chunk
from tests.support.clock import Clock
from tests.support.gallery_server import Gallery
from tests.support.photos import photo_bytes
from tests.support.stream import Watcher
from tests.support.visitors import (
    NAVIGATION,
    PASSWORD,
    TEXT,
    listed,
    make_accounts,
    open_page,
    parts,
    send_as,
    signed_in,
)

CLOSED = "Photos were collected until 21 June 2020."
LONG_AGO = "2020-06-21T12:00:00Z"
BERLIN = ZoneInfo("Europe/Berlin")


def photo(number: int = 1) -> bytes:
    return photo_bytes("jpg", number, (48, 32))


def form(number: int = 1) -> dict[str, object]:
    return {"file": (io.BytesIO(photo(number)), f"{number}.jpg")}


def close(app: Flask, closed_at: str = LONG_AGO) -> None:
    changes.set_closed_at(parts(app).database, closed_at)


@pytest.fixture
def host(app: Flask) -> FlaskClient:
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    return signed_in(app, "Hanna")


@pytest.mark.parametrize(
    ("now", "closed_at", "until"),
    [
        ("2026-06-21T18:31", "2026-06-21T18:30", "Sunday evening"),
        ("2026-06-27T21:59", "2026-06-21T18:30", "Sunday evening"),
        ("2026-06-27T22:01", "2026-06-21T18:30", "21 June"),  # it is the next Sunday in Berlin
        ("2027-06-21T18:30", "2026-06-21T18:30", "21 June 2026"),
        ("2026-06-22T08:00", "2026-06-21T02:59", "Saturday night"),
        ("2026-06-22T08:00", "2026-06-21T03:00", "Sunday morning"),
        ("2026-06-22T08:00", "2026-06-21T10:00", "Sunday afternoon"),
        ("2026-06-22T08:00", "2026-06-21T15:00", "Sunday evening"),
        ("2026-06-22T08:00", "2026-06-21T20:00", "Sunday night"),
        ("2026-06-20T08:00", "2026-06-21T18:30", "Sunday evening"),  # by another machine's clock
    ],
)
def test_the_sentence_names_the_part_of_the_day_by_the_servers_time_zone(
    now: str, closed_at: str, until: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert closed_refusal(f"{closed_at}:00Z", moment, BERLIN).until == until


def test_a_closed_gallery_takes_photos_by_no_door(app: Flask, host: FlaskClient) -> None:
    guest, stranger = open_page(app), app.test_client()
    send_as(guest, "kept.jpg", photo(9))
    close(app)
    raw = {"data": photo(), "content_type": "image/jpeg"}
    shared = {"data": form(), "headers": NAVIGATION, "query_string": "shared"}
    chunked = InChunks(photo(2), 500)
    for answer in (
        *(each.post("/", data=form()) for each in (guest, stranger, host)),
        guest.post("/", data=form() | {"visibility": "owner"}),
        guest.post("/", **raw),
        guest.post("/", **shared),
        *(send_chunk(guest, chunked, number) for number in (0, chunked.last)),
    ):
        assert (answer.status_code, answer.text) == (403, CLOSED)
        assert answer.headers["Dropwall-Refusal"] == "closed"
        assert answer.content_type == TEXT
    assert listed(guest) == ["kept.jpg"]
    assert guest.get(f"/api/uploads/{chunked.uuid}").status_code == 404
    # What is there already is as it was.
    assert guest.post("/", data={"file": (io.BytesIO(photo(9)), "kept.jpg")}).status_code == 204
    assert host.post("/host/open").status_code == 204
    assert guest.post("/", data=form()).status_code == 204
    assert listed(guest) == ["1.jpg", "kept.jpg"]


def test_what_is_half_sent_may_finish(app: Flask) -> None:
    guest, chunked = open_page(app), InChunks(photo(), 500)
    send_chunk(guest, chunked, 0)
    close(app)
    assert set(send_all(guest, chunked)) == {204}
    assert listed(guest) == ["a.jpg"]


def test_what_begins_in_the_second_of_the_closing_is_taken(app: Flask) -> None:
    """It may have begun before: times have whole seconds."""
    guest, now = open_page(app), timestamps.now()
    with patch.object(timestamps, "now", lambda seconds_ago=0: now):
        close(app, now)
        send_as(guest, "a.jpg", photo())
    assert listed(guest) == ["a.jpg"]


@pytest.mark.parametrize("chunk_bytes", [None, 500])
def test_a_request_that_is_under_way_may_finish(
    app: Flask, chunk_bytes: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its body comes some seconds after the gallery was closed."""
    guest, clock = open_page(app), Clock(monkeypatch)

    class Body(io.BytesIO):
        def readinto(self, buffer: memoryview) -> int:
            clock.set_forward(5)
            close(app, timestamps.now())
            clock.set_forward(5)
            return super().readinto(buffer)

    def send(content: bytes, fields: dict[str, object]) -> int:
        """The client would read a file before it sends the request; the server reads this body."""
        form = {name: str(value) for name, value in fields.items()}
        data = form | {"file": (io.BytesIO(content), "a.jpg")}
        sent = EnvironBuilder(method="POST", data=data).get_request()
        body = Body(sent.get_data())
        head = {"content_type": sent.content_type, "content_length": sent.content_length}
        return guest.post("/", input_stream=body, **head).status_code

    if chunk_bytes:
        chunked = InChunks(photo(), chunk_bytes)
        assert send(chunked.bytes(0), chunked.fields(0)) == 204
        assert set(send_all(guest, chunked)) == {204}
    else:
        assert send(photo(), {}) == 204
    assert listed(guest) == ["a.jpg"]
    assert changes.find_closed_at(parts(app).database)


@pytest.mark.parametrize("mode", ["everyone", "own", "approval"])
def test_everybody_learns_of_it_by_what_they_ask_already(config: Config, mode: str) -> None:
    app = create_app(replace(config, mode=mode))
    with ExitStack() as ended:
        ended.callback(parts(app).watchers.close)
        parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
        guest, stranger, host = open_page(app), app.test_client(), signed_in(app, "Hanna")
        send_as(guest, "a.jpg", photo())
        known = {each: each.get("/api/photos") for each in (guest, stranger, host)}
        close(app)
        for visitor, before in known.items():
            since = before.json["version"]
            assert before.json["closed"] is before.json["closed_at"] is None
            ask = partial(visitor.get, headers={"If-None-Match": before.headers["ETag"]})
            listed, told = ask("/api/photos").json, visitor.get(f"/api/photos?since={since}").json
            for answer in (listed, told, visitor.get("/api/settings").json):
                assert answer["closed"] == CLOSED
            assert (told["photos"], told["removed"], told["guests"]) == ([], [], [])
            assert told["closed_at"] == listed["closed_at"] == LONG_AGO
            assert told["total"] == before.json["total"]
            assert since < told["version"] == listed["version"]
        host.post("/host/open")
        for visitor in known:
            assert visitor.get("/api/photos").json["closed"] is None
            assert visitor.get("/api/settings").json["closed"] is None


def test_to_close_it_twice_changes_nothing(app: Flask, host: FlaskClient) -> None:
    close(app)
    version = host.get("/api/photos").json["version"]
    host.post("/host/close")
    assert host.get("/api/photos").json["version"] == version
    assert host.get("/api/settings").json["closed"] == CLOSED


def test_a_reopening_that_is_undone_leaves_the_former_moment(app: Flask, host: FlaskClient) -> None:
    close(app)
    host.post("/host/open")
    assert host.post(f"/host/close?since={LONG_AGO}").status_code == 204
    assert host.get("/api/settings").json["closed"] == CLOSED
    host.post("/host/open")
    for moment in ("2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2020-06-21", "", "yesterday"):
        answer = host.post("/host/close", query_string={"since": moment})
        assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (400, "bad-request")
    assert host.get("/api/settings").json["closed"] is None


@pytest.mark.parametrize("is_guest", [True, False])
def test_a_stream_tells_of_it_at_once(gallery: Gallery, is_guest: bool) -> None:
    make_accounts(gallery, "Hanna", is_host=True)
    host = requests.Session()
    form = {"name": "Hanna", "password": PASSWORD}
    assert host.post(f"{gallery.url}/sign-in", data=form, timeout=60).status_code == 204
    cookie = requests.get(gallery.url, timeout=60).headers["Set-Cookie"].partition(";")[0]
    with Watcher(gallery.url, cookie=cookie if is_guest else "") as watcher:
        watcher.next_event()
        for path, is_closed in (("close", True), ("open", False)):
            assert host.post(f"{gallery.url}/host/{path}", timeout=60).status_code == 204
            told = watcher.next_event().changes["closed"]
            assert (told or "").startswith("Photos were collected until ") == is_closed


# The pages


def test_the_plain_page_has_the_sentence_instead_of_its_form(app: Flask) -> None:
    client = open_page(app)
    assert "Add photos<" in client.get("/plain").text
    close(app)
    for path in ("/plain", "/plain?framed"):
        page = client.get(path).text
        assert CLOSED in page
        assert "Add photos<" not in page


def test_no_closed_plain_page_promises_that_photos_will_be_approved(config: Config) -> None:
    app = create_app(replace(config, mode="approval"))
    client, promise = open_page(app), "once the host approves them"
    assert promise in client.get("/plain").text
    close(app)
    assert promise not in client.get("/plain").text


def test_the_hosts_page_says_what_is_full_and_who_sent_how_much(
    app: Flask, host: FlaskClient
) -> None:
    ann = open_page(app)
    ann.put("/api/guest", json={"name": "Ann <3"})
    send_as(ann, "1.jpg", photo(1))
    send_as(ann, "2.jpg", photo(2))
    send_as(open_page(app), "3.jpg", photo(3))
    answer = host.get("/host")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.headers["Cache-Control"] == "private, no-store"
    for part in ("Ann &lt;3", "2 photos, last on ", "Anonymous guest", "1 photo, last on "):
        assert part in answer.text
    assert answer.text.index("Ann &lt;3") < answer.text.index("Anonymous guest")
    assert "of 1 TB" in answer.text
    address = host.get("/api/settings").json["address"]
    assert f'<p class="host-page-link">{address}</p>' in answer.text


def test_the_hosts_page_names_as_many_guests_as_can_be_read(
    app: Flask, host: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropwall.web.host.MAX_SENDERS", 1)
    for number in (1, 2):
        send_as(open_page(app), f"{number}.jpg", photo(number))
    page = host.get("/host").text
    assert "The 1 who added most, of 2." in page
    assert page.count("Anonymous guest") == 1


def test_the_switch_works_without_javascript(app: Flask, host: FlaskClient) -> None:
    for path, is_closed in (("/host/close", True), ("/host/open", False)):
        answer = host.post(path, headers=NAVIGATION)
        assert (answer.status_code, answer.location) == (303, "/host")
        page = host.get("/host").text
        assert f'aria-checked="{str(is_closed).lower()}"' in page
        assert ("Photos were collected until " in page) == is_closed


def test_a_stranger_who_opens_the_hosts_page_finds_a_way_back(app: Flask) -> None:
    answer = app.test_client().get("/host", headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "Only hosts can do that. Sign in as a host." in answer.text
    assert "Back to the gallery" in answer.text


def test_another_site_closes_nothing(app: Flask, host: FlaskClient) -> None:
    answer = host.post("/host/close", headers={"Sec-Fetch-Site": "cross-site"} | NAVIGATION)
    assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (403, "another-site")
    assert host.get("/api/settings").json["closed"] is None
