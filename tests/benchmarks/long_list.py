"""Milliseconds of the lists of a gallery of 1,000,000 photos, against one of 1,000."""

import http.client
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from flask.sessions import SecureCookieSessionInterface

from server import create_app
from server.config import Config
from tests.benchmarks.engines import Engine
from tests.benchmarks.full_catalog import CHOSEN, NEW, fill, guest_id
from tests.benchmarks.rounds import in_turns
from tests.benchmarks.row import Row
from tests.benchmarks.servers import dropwall
from tests.support.gallery_server import RunningServer

FEW, MANY = 1_000, 1_000_000
ROUNDS, REQUESTS = 20, 12
SLOW_ROUNDS, SLOW_REQUESTS = 2, 1
IDS = 100
PASSWORD = "correct horse"
FOR_HOSTS = {
    "photos that wait": "/api/photos?only=pending",
    "private photos": "/api/photos?only=private",
    "overview, with its counts": "/api/host",
}
SEARCHES = {
    f"search for a word of {CHOSEN} photos": "/api/photos?q=beach",
    "the same by time taken": "/api/photos?q=beach&sort=taken",
    "search for a word of most photos": "/api/photos?q=img",
    f"search for a word of the newest {NEW}": "/api/photos?q=cake",
    "search for a word of no photo": "/api/photos?q=nothing",
    "search for two letters of no photo": "/api/photos?q=zz",
}
UNBOUNDED = {
    "outline of all of it": "/api/outline",
    "guests, counted": "/api/guests",
}
"""What grows with the gallery itself: nothing is promised."""


@dataclass(frozen=True)
class Gallery:
    server: RunningServer
    photos: int
    cookies: dict[str, str]
    """Of a guest, who has photos, and of a host."""


def measure(engine: Engine) -> Iterator[Row]:
    few, many = engine.new_settings(), engine.new_settings()
    with dropwall(**few) as small_server, dropwall(**many) as large_server:
        small = filled(small_server, FEW, few)
        large = filled(large_server, MANY, many)
        for person in ("guest", "host"):
            names = [*(FOR_HOSTS if person == "host" else SEARCHES), *pages(MANY)]
            for name in names:
                yield compared(large, small, person, name, ROUNDS, REQUESTS, wanted_ratio=1.2)
        for name in UNBOUNDED:
            yield compared(large, small, "guest", name, SLOW_ROUNDS, SLOW_REQUESTS)


def filled(server: RunningServer, rows: int, settings: dict[str, str]) -> Gallery:
    config = Config(server.data, **settings)
    fill(config.database_address, rows)
    app = create_app(config)
    host = app.extensions["dropwall"].accounts.add("Hanna", PASSWORD, is_host=True)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    sessions = {"guest": {"guest_id": guest_id(2)}, "host": {"_user_id": host.session_id}}
    cookies = {person: f"dropwall={serializer.dumps(it)}" for person, it in sessions.items()}
    return Gallery(server, rows, cookies)


def compared(
    large: Gallery,
    small: Gallery,
    person: str,
    name: str,
    rounds: int,
    requests: int,
    **wanted: float,
) -> Row:
    with closing(connect(large)) as first, closing(connect(small)) as second:
        ours, reference = in_turns(
            rounds,
            lambda: median_ms(first, path(large, name), large.cookies[person], requests),
            lambda: median_ms(second, path(small, name), small.cookies[person], requests),
        )
    what = f"of {MANY:,} photos, a {person}'s {name}"
    return Row(what, "ms", ours, reference, f"the same of {FEW:,}", **wanted)


def connect(gallery: Gallery) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", gallery.server.port, timeout=60)


def median_ms(
    connection: http.client.HTTPConnection, path: str, cookie: str, requests: int
) -> float:
    spent = []
    for _ in range(requests):
        started = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)


def path(gallery: Gallery, name: str) -> str:
    return (pages(gallery.photos) | FOR_HOSTS | SEARCHES | UNBOUNDED)[name]


def pages(photos: int) -> dict[str, str]:
    ids = ",".join(f"{1 + n * photos // IDS:032x}" for n in range(IDS))
    guest = guest_id(2)
    return {
        "first page": "/api/photos?limit=100",
        "middle page": f"/api/photos?limit=100&before={photos // 2}",
        "last page": "/api/photos?limit=100&before=101",
        "first page by time taken": "/api/photos?limit=100&sort=taken",
        "middle page by time taken": f"/api/photos?limit=100&sort=taken&before={photos // 2}",
        "what is new": f"/api/photos?since={photos - 10}",
        "one sender's": f"/api/photos?limit=100&by={guest}",
        "one sender's by time taken": f"/api/photos?limit=100&by={guest}&sort=taken",
        f"{IDS} by their ids": f"/api/photos?ids={ids}",
    }
