"""From a photo's 204 to its event in every stream, and to its tile in every open page."""

import json
import selectors
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.engines import Engine
from tests.benchmarks.processes import BEGUN, busy_seconds, in_a_process
from tests.benchmarks.row import Row
from tests.benchmarks.sending import send_photo, with_comment
from tests.benchmarks.servers import dropwall
from tests.conftest import CDN, play_cdn
from tests.support.browser import launch_options
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

PHOTOS, ROUNDS = 25, 4
PAUSE_SECONDS = 0.25
STREAMS, PAGES = 20, (2, 20)
PATIENCE_MS = 30_000
WANTED_MS = 300

# When a photo's tile is there, by the clock of this machine, in milliseconds since 1970.
RECORD_TILES = """
    window.seen = {};
    new MutationObserver(() => {
        for (const tile of document.querySelectorAll(".photo-tile:has(a[href])")) {
            seen[tile.dataset.id] ??= performance.timeOrigin + performance.now();
        }
    }).observe(document, { childList: true, subtree: true, attributeFilter: ["href"] });
"""


def measure(engine: Engine) -> Iterator[Row]:
    with dropwall(**engine.new_settings()) as server:
        rounds = to_events(server, STREAMS)
    yield from told(f"event in {STREAMS} streams", rounds)
    for count in PAGES:
        with dropwall(**engine.new_settings()) as server:
            rounds, spent = to_tiles(server, count)
        yield from told(f"tile in {count} open pages", rounds, wanted=WANTED_MS)
        yield Row(f"{count} open pages: processor time, all processes', of each tile", "ms", spent)


def told(what: str, rounds: list[list[float]], **wanted: float) -> Iterator[Row]:
    """Each round's share of the photos by itself."""
    yield Row(f"204 to {what}, p50", "ms", list(map(statistics.median, rounds)))
    p95 = [statistics.quantiles(milliseconds, n=20)[-1] for milliseconds in rounds]
    yield Row(f"204 to {what}, p95", "ms", p95, **wanted)


def send_photos(server: RunningServer, round_number: int) -> dict[str, float]:
    """When each was answered, by its id: seconds since 1970."""
    photo = photo_bytes("jpg", size=(96, 64))
    answered = []
    for number in range(PHOTOS):
        send_photo(server.url, with_comment(photo, round_number, number))
        answered.append(time.time())
        time.sleep(PAUSE_SECONDS)
    newest_first = server.photos()[:PHOTOS]
    return {listed["id"]: at for listed, at in zip(reversed(newest_first), answered, strict=True)}


def to_events(server: RunningServer, count: int) -> list[list[float]]:
    """Milliseconds, round by round. Seen by a process of its own."""
    with in_a_process(partial(watch, count), server) as watchers:
        rounds = [send_photos(server, number) for number in range(ROUNDS)]
        seen = watchers.recv()
    return [
        [(at - answered[photo_id]) * 1000 for photo_id, at in seen if photo_id in answered]
        for answered in rounds
    ]


def watch(count: int, port: int, told: Connection) -> None:
    """Tells ids of photos and when they were seen: seconds since 1970."""
    seen: list[tuple[str, float]] = []
    received: dict[socket.socket, bytes] = {}
    with ExitStack() as sockets, selectors.DefaultSelector() as ready:
        for _ in range(count):
            watcher = sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            watcher.sendall(b"GET /api/live HTTP/1.1\r\nHost: gallery\r\n\r\n")
            assert watcher.recv(65536).startswith(b"HTTP/1.1 200 ")
            ready.register(watcher, selectors.EVENT_READ, watcher)
            received[watcher] = b""
        told.send(BEGUN)
        while len(seen) < count * PHOTOS * ROUNDS:
            for key, _ in ready.select():
                received[key.data] += key.data.recv(1 << 20)
                now = time.time()
                *events, received[key.data] = received[key.data].split(b"\n\n")
                seen += [(photo_id, now) for event in events for photo_id in photo_ids(event)]
    told.send(seen)
    told.recv()


def photo_ids(event: bytes) -> list[str]:
    """What stands around an event is HTTP's, and other lines of Server-Sent Events."""
    _, found, data = event.partition(b"\ndata: ")
    return [photo["id"] for photo in json.loads(data)["photos"]] if found else []


def to_tiles(server: RunningServer, count: int) -> tuple[list[list[float]], list[float]]:
    """Milliseconds, round by round: until each tile was there, and those that all processors spent
    on one, the photo's own share included."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        pages = [open_page(browser, server) for _ in range(count)]
        wait_until_all_watch(server, pages)
        rounds, spent = [], []
        for number in range(ROUNDS):
            busy = busy_seconds()
            rounds.append(tiles_of_a_round(server, pages, number))
            spent.append(1000 * (busy_seconds() - busy) / (PHOTOS * count))
        return rounds, spent


def tiles_of_a_round(server: RunningServer, pages: list[Page], round_number: int) -> list[float]:
    answered = send_photos(server, round_number)
    return [
        at - answered[photo_id] * 1000
        for page in pages
        for photo_id, at in all_seen(page, list(answered)).items()
    ]


def open_page(browser: Browser, server: RunningServer) -> Page:
    """In a context of its own: all pages of one share six connections to a server."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.route(f"{CDN}**", play_cdn)
    page.add_init_script(RECORD_TILES)
    page.goto(server.url)
    return page


def wait_until_all_watch(server: RunningServer, pages: list[Page]) -> None:
    """Each shows a first photo."""
    requests.post(server.url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=30)
    [first] = server.photos()
    for page in pages:
        all_seen(page, [first["id"]])


def all_seen(page: Page, photo_ids: list[str]) -> dict[str, float]:
    """When each of them was: milliseconds since 1970."""
    page.wait_for_function(
        "ids => ids.every((id) => id in seen)", arg=photo_ids, timeout=PATIENCE_MS
    )
    seen: dict[str, float] = page.evaluate("() => seen")
    return {photo_id: seen[photo_id] for photo_id in photo_ids}
