"""The live stream: every watcher is notified of every change, whatever happens to connections."""

import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, nullcontext
from functools import partial
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from dropwall import create_app
from dropwall.photos import watchers as changes
from tests.support.crowd import Crowd
from tests.support.engines import config_of
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.proxies import behind_caddy, behind_nginx
from tests.support.stream import Event, Refused, Watcher
from tests.support.visitors import PASSWORD, TEXT, cookie, cookie_name, parts, signed_in
from tests.support.waiting import wait_until

FULL_HOUSE = (
    "Too many people are watching live right now. New photos appear every few seconds instead."
)
ROOM = 3  # for watchers, where there are four threads
QUICK_SECONDS = 20  # of the 30 that a graceful end may take
CUT = (OSError, http.client.HTTPException)
"""What a stream raises that did not end well."""


@pytest.fixture
def sender(server: GalleryServer) -> Iterator[Guest]:
    with closing(Guest(server.url)) as guest:
        yield guest


def send(guest: Guest, *names: str) -> None:
    """Small photos, another one each time."""
    for name in names:
        guest.send(name, photo_bytes("jpg", 1, (48, 32)) + os.urandom(8))


def names(*events: Event) -> list[str]:
    """Of all photos that came, in their order."""
    return [photo["name"] for event in events for photo in reversed(event.changes["photos"])]


def watch(watching: ExitStack, url: str, count: int, since: int | None = None) -> list[Watcher]:
    return [watching.enter_context(Watcher(url, since)) for _ in range(count)]


# What a watcher is sent


def test_a_watcher_is_sent_at_once_what_came_since(gallery: Gallery, guest: Guest) -> None:
    send(guest, "a.jpg")
    since = gallery.version()
    send(guest, "b.jpg", "c.jpg")
    listed = requests.get(f"{gallery.url}/api/photos?since={since}", timeout=60).json()
    for asked in ({"since": since}, {"since": 0, "last_id": since}):  # a browser's own word
        with Watcher(gallery.url, **asked) as watcher:
            event = watcher.next_event()
        assert names(event) == ["b.jpg", "c.jpg"]
        assert (event.id, event.changes) == (gallery.version(), listed)


def test_without_a_version_changes_come_from_now_on(gallery: Gallery, guest: Guest) -> None:
    send(guest, "before.jpg")
    with Watcher(gallery.url) as watcher:
        event = watcher.next_event()
        assert (names(event), event.id) == ([], gallery.version())
        send(guest, "after.jpg")
        assert names(watcher.next_event()) == ["after.jpg"]
        headers = watcher.answer.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Connection"] == "close"


def test_an_unknown_version_is_a_reset(gallery: Gallery, guest: Guest) -> None:
    send(guest, "a.jpg")
    for asked in ({"since": 2**53}, {"last_id": 2**53}):
        with Watcher(gallery.url, **asked) as watcher:
            event = watcher.next_event()
            assert (event.changes["reset"], names(event)) == (True, [])
            assert event.id == gallery.version()
            send(guest, "b.jpg")
            assert names(watcher.next_event()) == ["b.jpg"]


def test_a_quiet_stream_has_a_heartbeat(client: FlaskClient, monkeypatch) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0)
    with client.get("/api/live") as answer:
        pieces = answer.iter_encoded()
        assert next(pieces).startswith(b"id: 0\n")
        assert next(pieces) == b"event: heartbeat\ndata:\n\n"


def test_a_session_that_ends_elsewhere_ends_its_stream(gallery: Gallery, guest: Guest) -> None:
    app = create_app(config_of(gallery.data))
    accounts = parts(app).accounts
    hanna = accounts.add("Hanna", PASSWORD, is_host=True)
    session = f"{cookie_name(app)}={cookie(signed_in(app, 'Hanna'))}"
    with Watcher(gallery.url, cookie=session) as signed, Watcher(gallery.url) as other:
        send(guest, "a.jpg")
        assert names(*signed.wait_for_version(gallery.version())) == ["a.jpg"]
        accounts.sign_out_everywhere(hanna)
        send(guest, "b.jpg")
        assert names(*other.wait_for_version(gallery.version())) == ["a.jpg", "b.jpg"]
        assert signed.next_event() is None


# A full house


def has_room(url: str, guest: Guest) -> bool:
    """After a change: until something is written, nobody knows who has gone."""
    send(guest, "a.jpg")
    try:
        Watcher(url).close()
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    "gallery_settings",
    [{"workers": 1, "threads": n, "max_address_watchers": ROOM} for n in (ROOM + 1, 1)],
)
def test_a_full_house_says_so_and_goes_on_serving(
    server: GalleryServer, sender: Guest, gallery_settings: dict[str, int]
) -> None:
    room = gallery_settings["threads"] - 1
    with ExitStack() as watching:
        watchers = watch(watching, server.url, room)
        assert [watcher.next_event().id for watcher in watchers] == [0] * room
        with pytest.raises(Refused) as refused:
            Watcher(server.url)
        assert (refused.value.status, refused.value.text) == (503, FULL_HOUSE)
        headers = refused.value.headers
        assert (headers["Content-Type"], headers["Dropwall-Refusal"]) == (TEXT, "too-many-watchers")
        assert int(headers["Retry-After"]) > 0
        send(sender, "a.jpg")
        assert [names(watcher.next_event()) for watcher in watchers] == [["a.jpg"]] * room
        assert [photo["name"] for photo in server.photos()] == ["a.jpg"]


BEHIND = {"nothing": lambda url, _: nullcontext(url), "nginx": behind_nginx, "caddy": behind_caddy}
in_a_small_house = pytest.mark.parametrize(
    "gallery_settings", [{"threads": ROOM + 1, "max_address_watchers": ROOM}]
)


@in_a_small_house
@pytest.mark.parametrize("behind", BEHIND)
def test_a_watcher_is_notified_at_once_and_makes_room_by_leaving(
    gallery: Gallery, guest: Guest, tmp_path: Path, behind: str
) -> None:
    with BEHIND[behind](gallery.url, tmp_path) as url, ExitStack() as watching:
        leaving, *staying = watch(watching, url, ROOM)
        for name in ("a.jpg", "b.jpg"):
            send(guest, name)
            leaving.wait_for_version(gallery.version())
        with pytest.raises(Refused):
            Watcher(url)
        leaving.close()
        wait_until(lambda: has_room(url, guest))
        for watcher in staying:
            assert names(*watcher.wait_for_version(gallery.version()))[:2] == ["a.jpg", "b.jpg"]


@in_a_small_house
def test_a_head_request_and_a_visitor_who_hangs_up_take_no_room(
    gallery: Gallery, guest: Guest
) -> None:
    for _ in range(2 * ROOM):
        answer = requests.head(f"{gallery.url}/api/live", timeout=60)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")
    host, port = gallery.url.removeprefix("http://").split(":")
    for _ in range(ROOM):
        with socket.create_connection((host, int(port))) as hasty:
            hasty.sendall(b"GET /api/live HTTP/1.1\r\nHost: gallery\r\n\r\n")
    wait_until(lambda: has_room(gallery.url, guest))


# Several workers, and their end


def test_streams_end_well_and_soon_when_the_server_stops(server: GalleryServer) -> None:
    with ExitStack() as watching:
        watchers = watch(watching, server.url, 6)
        assert [watcher.next_event().id for watcher in watchers] == [0] * 6
        started = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < QUICK_SECONDS
        assert [watcher.next_event() for watcher in watchers] == [None] * 6


@pytest.mark.parametrize("are_killed", [False, True])
def test_workers_that_end_take_no_change_with_them(
    server: GalleryServer, sender: Guest, are_killed: bool
) -> None:
    old = set(server.workers())
    kills = [partial(os.kill, int(worker.name), signal.SIGKILL) for worker in old]
    ends = kills if are_killed else [server.reload]
    with ExitStack() as watching:
        watchers = watch(watching, server.url, 8, since=0)
        send(sender, "before.jpg")
        seen = [watcher.wait_for_version(server.version()) for watcher in watchers]
        for end in ends:
            end()
            send(sender, "meanwhile.jpg")
        for watcher, events in zip(watchers, seen, strict=True):
            with pytest.raises(CUT) if are_killed else nullcontext():
                while event := watcher.next_event():
                    events.append(event)
        wait_until(lambda: not old & set(server.workers()))
        for watcher, events in zip(watchers, seen, strict=True):
            wait_until(lambda watcher=watcher: has_reconnected(watcher))
            events += watcher.wait_for_version(server.version())
        send(sender, "after.jpg")
        for watcher, events in zip(watchers, seen, strict=True):
            events += watcher.wait_for_version(server.version())
    everything = ["before.jpg", *["meanwhile.jpg"] * len(ends), "after.jpg"]
    assert [names(*events) for events in seen] == [everything] * 8


def has_reconnected(watcher: Watcher) -> bool:
    try:
        watcher.reconnect()
    except (*CUT, Refused):
        return False
    return True


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(4, marks=[pytest.mark.slow, pytest.mark.embedded])]
)
def test_all_watchers_agree_in_the_end(server: GalleryServer, sender: Guest, rounds: int) -> None:
    """Whatever happens; the crowd's own guests send and remove photos meanwhile."""
    crowd = Crowd(server.url, guests=3, watchers=8 + rounds)
    with crowd.at_work():
        for number in range(3 * rounds):
            wanted = len(crowd.safe) + 8
            wait_until(lambda wanted=wanted: len(crowd.safe) >= wanted)
            if number % 3 < 2:
                server.reload()
            else:
                server.kill()
                server.start()
            sender.take_name(f"Ann {number}")
            send(sender, f"{number}.jpg")
            sender.restore(sender.remove(f"{number}.jpg")[0])
    findings = crowd.look_at(server.url)
    assert findings.are_good, findings
    assert "Traceback" not in server.log


def test_a_stream_ends_once_its_session_was_ended_elsewhere(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0.1)
    parts(app).accounts.add("Ann", PASSWORD)
    parts(app).accounts.add("Bo", PASSWORD)
    ann, bo = (signed_in(app, name).get("/api/live").iter_encoded() for name in ("Ann", "Bo"))
    assert next(ann).startswith(b"id:")
    assert next(ann) == b"event: heartbeat\ndata:\n\n"
    assert signed_in(app).post("/sign-out-everywhere").status_code == 204
    assert len(list(ann)) <= 1  # a heartbeat may have been on its way
    assert [next(bo) for _ in range(3)][1:] == [b"event: heartbeat\ndata:\n\n"] * 2
