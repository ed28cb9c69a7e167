"""Whoever watches the gallery is told of every change, whatever happens to the connection."""

import http.client
import itertools
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path
from random import Random

import pytest
import requests
from flask.testing import FlaskClient

from server import changes, create_app
from tests.people.test_accounts import PASSWORD, cookie, signed_in
from tests.support.engines import config_of
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes
from tests.support.proxies import behind_caddy, behind_nginx
from tests.support.stream import Event, Refused, View, Watcher
from tests.support.waiting import wait_until

FULL_HOUSE = "No more can watch just now; new photos are shown every few seconds instead."
ROOM = 3  # of the small server's four threads
LAST = "the last one.jpg"
QUICK_SECONDS = 8  # of the 30 that a graceful end may take
WATCHERS, GUESTS = 20, 4

_numbers = itertools.count()

Behind = Callable[[str, Path], AbstractContextManager[str]]


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    with closing(Guest(live_server.url)) as guest:
        yield guest


@pytest.fixture
def small(tmp_path: Path) -> Iterator[RunningServer]:
    """One process that has room for three watchers."""
    server = RunningServer(tmp_path / "data", workers=1, threads=4)
    yield server
    server.stop(signal.SIGINT)


def photo() -> bytes:
    """A small one, another one each time."""
    return photo_bytes("jpg", 1, (48, 32)) + next(_numbers).to_bytes(4, "big")


def send(guest: Guest, *names: str) -> None:
    for name in names:
        guest.send(name, photo())


def names(event: Event) -> list[str]:
    return [photo["name"] for photo in event.changes["photos"]]


def told(events: list[Event]) -> list[str]:
    """The names of all photos that came, in their order."""
    return [name for event in events for name in reversed(names(event))]


def test_a_watcher_is_told_at_once_what_came_since(
    live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    since = live_server.version()
    send(guest, "b.jpg", "c.jpg")
    with Watcher(live_server.url, since=since) as watcher:
        event = watcher.next_event()
    assert event.id == live_server.version()
    assert names(event) == ["c.jpg", "b.jpg"]
    listed = requests.get(f"{live_server.url}/api/photos?since={since}", timeout=9)
    assert event.changes == listed.json()


def test_who_asks_for_nothing_is_told_from_now_on(live_server: RunningServer, guest: Guest) -> None:
    send(guest, "before.jpg")
    with Watcher(live_server.url) as watcher:
        event = watcher.next_event()
        assert (names(event), event.id) == ([], live_server.version())
        send(guest, "after.jpg")
        assert names(watcher.next_event()) == ["after.jpg"]


def test_everybody_is_told_the_same_of_every_change_once(
    live_server: RunningServer, guest: Guest
) -> None:
    sent = [f"{number}.jpg" for number in range(12)]
    with ExitStack() as watching:
        watchers = [watching.enter_context(Watcher(live_server.url, since=0)) for _ in range(8)]
        send(guest, *sent)
        seen = [watcher.wait_for_version(live_server.version()) for watcher in watchers]
    assert [told(events) for events in seen] == [sent] * 8
    assert all(ids == sorted(set(ids)) for ids in ([event.id for event in each] for each in seen))


@pytest.mark.parametrize("how", ["since", "last_id"])
def test_a_stream_goes_on_where_it_was(live_server: RunningServer, guest: Guest, how: str) -> None:
    seen: list[Event] = []
    last = 0
    for number in range(6):
        with Watcher(live_server.url, **{how: last}) as watcher:
            send(guest, f"{number} watched.jpg")
            seen += watcher.wait_for_version(live_server.version())
        send(guest, f"{number} away.jpg")
        last = seen[-1].id
    with Watcher(live_server.url, **{how: last}) as watcher:
        seen += watcher.wait_for_version(live_server.version())
    # One that has just come may be told twice, by who takes over and by who was there.
    assert list(dict.fromkeys(told(seen))) == [
        f"{n} {where}.jpg" for n in range(6) for where in ("watched", "away")
    ]


def test_the_browsers_own_word_counts_more_than_the_address(
    live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    last_id = live_server.version()
    send(guest, "b.jpg")
    with Watcher(live_server.url, since=0, last_id=last_id) as watcher:
        assert names(watcher.next_event()) == ["b.jpg"]


@pytest.mark.parametrize("how", ["since", "last_id"])
def test_who_knows_a_version_that_never_was_starts_over(
    live_server: RunningServer, guest: Guest, how: str
) -> None:
    send(guest, "a.jpg")
    with Watcher(live_server.url, **{how: 2**53}) as watcher:
        event = watcher.next_event()
        assert (event.changes["reset"], names(event)) == (True, [])
        assert event.id == live_server.version()
        send(guest, "b.jpg")
        assert names(watcher.next_event()) == ["b.jpg"]


def test_who_was_away_for_too_long_starts_over(live_server: RunningServer) -> None:
    add_many(live_server, changes.MAX_CHANGES + 1)
    for since, is_too_long_ago in ((0, True), (1, False)):
        with Watcher(live_server.url, since=since) as watcher:
            event = watcher.next_event()
        assert (event.id, event.changes["reset"]) == (changes.MAX_CHANGES + 1, is_too_long_ago)


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "1e3", "9223372036854775808", "9" * 5000])
def test_a_last_event_that_makes_no_sense_is_refused(client: FlaskClient, last_id: str) -> None:
    for asked in ({"headers": {"Last-Event-ID": last_id}}, {"query_string": {"since": last_id}}):
        answer = client.get("/api/live", **asked)
        assert answer.status_code == 400
        assert answer.content_type == "text/plain; charset=utf-8"


def test_what_is_removed_restored_and_renamed_is_told(
    live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    with Watcher(live_server.url, since=0) as watcher:
        [sent] = watcher.next_event().changes["photos"]
        guest.remove("a.jpg")
        removed = watcher.next_event().changes
        assert (removed["photos"], removed["removed"]) == ([], [sent["id"]])
        assert removed["total"] == 0
        guest.restore(sent["id"])
        restored = watcher.next_event().changes
        assert (restored["photos"], restored["removed"]) == ([sent], [])
        guest.take_name("Ann")
        named = watcher.next_event().changes
        assert named["guests"] == [{"id": sent["by"]["id"], "name": "Ann"}]
        guest.take_name("")
        assert watcher.next_event().changes["guests"] == [{"id": sent["by"]["id"], "name": None}]


def test_a_stream_is_kept_by_nobody_and_held_back_by_nobody(live_server: RunningServer) -> None:
    with Watcher(live_server.url) as watcher:
        headers = watcher.answer.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Connection"] == "close"


def test_a_quiet_stream_shows_that_it_lives(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0)
    with client.get("/api/live") as answer:
        pieces = answer.iter_encoded()
        assert next(pieces).startswith(b"id: 0\n")
        assert next(pieces) == b"event: heartbeat\ndata:\n\n"


# A full house


def fill(url: str, watching: ExitStack) -> list[Watcher]:
    watchers = [watching.enter_context(Watcher(url)) for _ in range(ROOM)]
    for watcher in watchers:
        watcher.next_event()
    return watchers


def has_room(url: str, guest: Guest) -> bool:
    """After a change: until something is written, nobody knows who has gone."""
    send(guest, f"{secrets.token_hex(4)}.jpg")
    try:
        Watcher(url).close()
    except Refused:
        return False
    return True


def test_a_full_house_says_so_and_goes_on_serving(small: RunningServer) -> None:
    with ExitStack() as watching, closing(Guest(small.url)) as guest:
        watchers = fill(small.url, watching)
        with pytest.raises(Refused) as refused:
            Watcher(small.url)
        assert (refused.value.status, refused.value.text) == (503, FULL_HOUSE)
        assert refused.value.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert refused.value.headers["Dropwall-Refusal"] == "FullHouse"
        assert int(refused.value.headers["Retry-After"]) > 0
        send(guest, "a.jpg")
        assert [names(watcher.next_event()) for watcher in watchers] == [["a.jpg"]] * ROOM
        changed = requests.get(f"{small.url}/api/photos?since=0", timeout=9).json()
        assert [photo["name"] for photo in changed["photos"]] == ["a.jpg"]


def test_a_gallery_of_one_thread_has_no_room_for_watchers_and_works(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", workers=1, threads=1)
    try:
        with closing(Guest(server.url)) as guest:
            send(guest, "a.jpg")
        with pytest.raises(Refused):
            Watcher(server.url)
        assert len(server.photos()) == 1
    finally:
        server.stop(signal.SIGINT)


@pytest.mark.parametrize("behind", [None, behind_nginx, behind_caddy])
def test_who_leaves_makes_room(small: RunningServer, tmp_path: Path, behind: Behind | None) -> None:
    with (
        behind(small.url, tmp_path) if behind else nullcontext(small.url) as url,
        ExitStack() as watching,
        closing(Guest(small.url)) as guest,
    ):
        leaving, *_ = fill(url, watching)
        with pytest.raises(Refused):
            Watcher(url)
        leaving.close()
        wait_until(lambda: has_room(url, guest))


def test_who_only_asks_for_the_head_takes_no_room(small: RunningServer) -> None:
    for _ in range(2 * ROOM):
        answer = requests.head(f"{small.url}/api/live", timeout=9)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")
    with ExitStack() as watching:
        fill(small.url, watching)


def test_who_hangs_up_before_the_first_word_makes_room(small: RunningServer) -> None:
    for _ in range(ROOM):
        with socket.create_connection(("127.0.0.1", small.port)) as hasty:
            hasty.sendall(b"GET /api/live HTTP/1.1\r\nHost: gallery\r\n\r\n")
    with closing(Guest(small.url)) as guest:
        wait_until(lambda: has_room(small.url, guest))


@pytest.mark.parametrize("behind", [behind_nginx, behind_caddy])
def test_behind_a_proxy_changes_come_at_once_while_the_stream_goes_on(
    live_server: RunningServer, guest: Guest, tmp_path: Path, behind: Behind
) -> None:
    with behind(live_server.url, tmp_path) as url, Watcher(url, since=0) as watcher:
        assert watcher.next_event().id == 0
        for name in ("a.jpg", "b.jpg"):
            send(guest, name)
            assert names(watcher.next_event()) == [name]


# The server ends, or is exchanged


def test_streams_end_well_and_soon_when_the_server_stops(live_server: RunningServer) -> None:
    with ExitStack() as watching:
        watchers = [watching.enter_context(Watcher(live_server.url)) for _ in range(6)]
        assert [watcher.next_event().id for watcher in watchers] == [0] * 6
        started = time.monotonic()
        assert live_server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < QUICK_SECONDS
        assert [watcher.next_event() for watcher in watchers] == [None] * 6
    live_server.start()


def test_new_workers_have_all_who_watched_the_old_ones(
    live_server: RunningServer, guest: Guest
) -> None:
    old = set(live_server.workers())
    with ExitStack() as watching:
        watchers = [watching.enter_context(Watcher(live_server.url, since=0)) for _ in range(8)]
        send(guest, "before.jpg")
        seen = [watcher.wait_for_version(live_server.version()) for watcher in watchers]
        live_server.reload()
        send(guest, "meanwhile.jpg")
        for watcher, events in zip(watchers, seen, strict=True):
            events += iter(watcher.next_event, None)
        wait_until(lambda: not old & set(live_server.workers()))
        for watcher, events in zip(watchers, seen, strict=True):
            watcher.reconnect()
            events += watcher.wait_for_version(live_server.version())
        send(guest, "after.jpg")
        for watcher, events in zip(watchers, seen, strict=True):
            events += watcher.wait_for_version(live_server.version())
    everything = [["before.jpg", "meanwhile.jpg", "after.jpg"]] * 8
    assert [told(events) for events in seen] == everything


def test_a_worker_that_is_killed_takes_no_change_with_it(
    live_server: RunningServer, guest: Guest
) -> None:
    with ExitStack() as watching:
        watchers = [watching.enter_context(Watcher(live_server.url, since=0)) for _ in range(8)]
        send(guest, "before.jpg")
        seen = [watcher.wait_for_version(live_server.version()) for watcher in watchers]
        for worker in live_server.workers():
            os.kill(int(worker.name), signal.SIGKILL)
            send(guest, "meanwhile.jpg")
        for watcher, events in zip(watchers, seen, strict=True):
            events += events_until_cut(watcher)
            wait_until(lambda watcher=watcher: has_reconnected(watcher))
            events += watcher.wait_for_version(live_server.version())
        assert [told(events) for events in seen] == [["before.jpg", *2 * ["meanwhile.jpg"]]] * 8


def events_until_cut(watcher: Watcher) -> list[Event]:
    events = []
    try:
        while True:
            event = watcher.next_event()
            assert event, "the stream has ended well"
            events.append(event)
    except (OSError, http.client.HTTPException):
        return events


def test_who_was_signed_out_from_elsewhere_watches_no_more(live_server: RunningServer) -> None:
    app = create_app(config_of(live_server.data))
    accounts = app.extensions["dropwall"].accounts
    hanna = accounts.add("Hanna", PASSWORD, is_host=True)
    with (
        Watcher(live_server.url, cookie=f"dropwall={cookie(signed_in(app, 'Hanna'))}") as signed,
        Watcher(live_server.url) as other,
        closing(Guest(live_server.url)) as guest,
    ):
        send(guest, "a.jpg")
        version = live_server.version()
        assert told(signed.wait_for_version(version)) == ["a.jpg"]
        accounts.sign_out_everywhere(hanna)
        send(guest, "b.jpg")
        assert told(other.wait_for_version(live_server.version())) == ["a.jpg", "b.jpg"]
        assert signed.next_event() is None


def has_reconnected(watcher: Watcher) -> bool:
    try:
        watcher.reconnect()
    except (OSError, http.client.HTTPException, Refused):
        return False
    return True


# All of it at once


def watch_until(over: threading.Event, last_version: list[int], server_url: str, seed: int) -> View:
    """What is seen at the end by somebody whose connection is cut now and then."""
    chance = Random(seed)
    view = View(server_url)
    patiently(view.load)
    while not (over.is_set() and view.version >= last_version[0]):
        try:
            with Watcher(server_url, since=view.version) as watcher:
                leaves_after = chance.randrange(5, 40)
                for _ in range(leaves_after):
                    if over.is_set() and view.version >= last_version[0]:
                        break
                    if (event := watcher.next_event()) is None:
                        break
                    view.take(event.changes)
                else:
                    over.wait(chance.uniform(0, 0.5))  # the connection is away for a while
        except (OSError, http.client.HTTPException, Refused):
            time.sleep(0.02)
    return view


def patiently(act: Callable[[], object]) -> None:
    def succeeds() -> bool:
        try:
            act()
        except requests.RequestException:
            return False
        return True

    wait_until(succeeds)


def change_until(over: threading.Event, server_url: str, number: int) -> None:
    """A guest who sends, removes, takes back and is renamed."""
    chance = Random(number)
    with closing(Guest(server_url)) as guest:
        while not over.is_set():
            name = f"{next(_numbers)}.jpg"
            send(guest, name)
            if chance.random() < 0.4:
                removed = guest.remove(name)
                if removed and chance.random() < 0.5:
                    guest.restore(removed[0])
            if chance.random() < 0.1:
                guest.take_name(chance.choice(["", "Ann", "Änne", "Bo"]))
            over.wait(0.02)


def test_whatever_happens_everybody_sees_the_same_in_the_end(live_server: RunningServer) -> None:
    quiet, over, last_version = threading.Event(), threading.Event(), [0]
    with ThreadPoolExecutor(WATCHERS + GUESTS) as pool:
        views = [
            pool.submit(watch_until, over, last_version, live_server.url, seed)
            for seed in range(WATCHERS)
        ]
        guests = [
            pool.submit(change_until, quiet, live_server.url, number) for number in range(GUESTS)
        ]
        try:
            for act in (live_server.reload, live_server.reload, live_server.kill):
                quiet.wait(2)
                act()
            live_server.start()
            quiet.wait(2)
        finally:
            quiet.set()
            for guest in guests:
                guest.result()
            truth = View(live_server.url)
            truth.load()
            last_version[0] = truth.version
            over.set()
            with closing(Guest(live_server.url)) as last:
                send(last, LAST)  # a word for everybody
        seen = [view.result() for view in views]
    assert len(truth.photos) == truth.total > 20
    for view in seen:
        others = {key: photo for key, photo in view.photos.items() if photo["name"] != LAST}
        assert others == truth.photos
    assert "Traceback" not in (live_server.data.parent / "server.log").read_text()
