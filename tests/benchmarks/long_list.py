"""Milliseconds of the lists of a gallery of 1,000,000 photos, against one of 1,000."""

import http.client
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random

from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import func, select

from server import create_app
from server.catalog import (
    EVERYONE,
    HIDDEN,
    OWNER,
    PENDING,
    SHOWN,
    Audience,
    open_database,
)
from server.catalog.tables import gallery, guests, is_listed, is_shared, photos
from server.config import Config
from server.moments import write_moment
from tests.benchmarks.servers import dropwall
from tests.running_server import RunningServer

FEW, MANY = 1_000, 1_000_000
PHOTOS_OF_A_GUEST = 250
BATCH = 20_000
ROUNDS = 150
FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
IDS = 100
UNCOMMON = 200
"""One of so many photos is private, one waits, one is hidden, and one was removed."""
PASSWORD = "correct horse"
FOR_HOSTS = {
    "photos that wait": "/api/photos?only=pending",
    "private photos": "/api/photos?only=private",
    "overview": "/api/host",
}
FOR_INFORMATION = ("/api/photos?q=beach", "/api/photos?q=nothing", "/api/outline", "/api/guests")


def measure_long_list() -> str:
    with dropwall() as small, dropwall() as large:
        fill(small, FEW)
        fill(large, MANY)
        return compare_lists(small, large)


def compare_lists(small: RunningServer, large: RunningServer) -> str:
    lines = [f"lists at {MANY:,} photos against {FEW:,}, wanted 1.2:"]
    with closing(connect(small)) as reference, closing(connect(large)) as ours:
        for person in ("guest", "host"):
            here, there = cookie(large, person), cookie(small, person)
            few, many = paths(FEW), paths(MANY)
            if person == "host":
                few, many = FOR_HOSTS | few, FOR_HOSTS | many
            for name in many:
                spent = [
                    (
                        milliseconds(ours, many[name], here),
                        milliseconds(reference, few[name], there),
                    )
                    for _ in range(ROUNDS)
                ]
                median, before = map(statistics.median, zip(*spent, strict=True))
                ratio = f"{median:.1f} ms, {before:.1f} ms; ratio {median / before:.2f}"
                lines.append(f"  a {person}'s {name}: {ratio}")
        for path in FOR_INFORMATION:
            median = statistics.median(milliseconds(ours, path, here) for _ in range(3))
            lines.append(f"  {path}: {median:.0f} ms")
    return "\n".join(lines)


def cookie(server: RunningServer, person: str) -> str:
    """A guest's, who has photos, or a host's."""
    app = create_app(Config(server.data))
    session: dict[str, object] = {"guest_id": guest_id(2)}
    if person == "host":
        accounts = app.extensions["dropwall"].accounts
        session = {"_user_id": accounts.add("Hanna", PASSWORD, is_host=True).session_id}
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    return f"dropwall={serializer.dumps(session)}"


def connect(server: RunningServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)


def milliseconds(connection: http.client.HTTPConnection, path: str, cookie: str) -> float:
    started = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return (time.perf_counter() - started) * 1000


def fill(server: RunningServer, rows: int) -> None:
    """As if they had come one after another, taken in another order than they came."""
    senders = rows // PHOTOS_OF_A_GUEST
    with open_database(str(server.data / "catalog.sqlite")).transaction() as connection:
        numbers = iter(range(1, rows + 1))
        while batch := [photo_row(n, senders) for n, _ in zip(numbers, range(BATCH), strict=False)]:
            connection.execute(photos.insert(), batch)
        named = [
            {"id": guest_id(n), "name": f"Guest {n}", "version": 1, "own_version": 1}
            for n in range(0, senders, 2)
        ]
        connection.execute(guests.insert(), named)
        versions = dict.fromkeys(("version", "hosts_version", "everyones_version"), rows)
        shared = select(func.count()).select_from(photos).where(is_listed, is_shared)
        sizes = {"total": shared.scalar_subquery(), "bytes": 1000 * rows}
        connection.execute(gallery.update().values(versions | sizes))


def photo_row(number: int, senders: int) -> dict[str, object]:
    uploaded = write_moment(FIRST_MOMENT + timedelta(seconds=10 * number))
    taken = write_moment(FIRST_MOMENT + timedelta(seconds=Random(number).randrange(10**7)))
    return {
        "id": f"{number:032x}",
        "version": number,
        "shown_version": number,
        "guest_id": guest_id(number % senders),
        "sha256": f"{number:064x}",
        "name": f"IMG_{number}.jpg" if number % 1000 else "the beach.jpg",
        "extension": "jpg",
        "bytes": 1000,
        "width": 4000,
        "height": 3000,
        "animated": False,
        "taken": taken if number % 4 else None,
        "moment": taken if number % 4 else uploaded,
        "uploaded": uploaded,
        "placeholder": "data:image/webp;base64," + "A" * 200,
    } | standing_row(number)


def standing_row(number: int) -> dict[str, object]:
    """Who sees it."""
    kind = ("private", PENDING, HIDDEN, "removed", "shared")[min(4, number // 7 % UNCOMMON)]
    gone = number if kind == "removed" else None
    return {
        "visibility": OWNER if kind == "private" else EVERYONE,
        "standing": kind if kind in (PENDING, HIDDEN) else SHOWN,
        "audience": {
            "private": Audience.OWNER,
            PENDING: Audience.HOSTS,
            HIDDEN: Audience.HOSTS,
        }.get(kind, Audience.EVERYONE),
        "removed_version": gone,
        "left_hosts": gone,
        "left_everyone": gone,
    }


def guest_id(number: int) -> str:
    return f"{number:032x}"


def paths(rows: int) -> dict[str, str]:
    ids = ",".join(f"{1 + n * rows // IDS:032x}" for n in range(IDS))
    guest = guest_id(2)
    return {
        "first page": "/api/photos?limit=100",
        "middle page": f"/api/photos?limit=100&before={rows // 2}",
        "last page": "/api/photos?limit=100&before=101",
        "by time taken, first page": "/api/photos?limit=100&sort=taken",
        "by time taken, middle page": f"/api/photos?limit=100&sort=taken&before={rows // 2}",
        "what is new": f"/api/photos?since={rows - 10}",
        "one guest's": f"/api/photos?limit=100&by={guest}",
        "one guest's by time taken": f"/api/photos?limit=100&by={guest}&sort=taken",
        f"{IDS} by their ids": f"/api/photos?ids={ids}",
    }
