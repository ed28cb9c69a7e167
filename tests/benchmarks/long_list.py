"""Milliseconds of the lists of a gallery of 1,000,000 photos, against one of 1,000. Their catalogs
are filled at once; there are no files to them."""

import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from flask.sessions import SecureCookieSessionInterface

from dropwall import create_app
from dropwall.catalog.changes import Change, recount
from dropwall.catalog.photos import OWN_COLUMNS
from dropwall.catalog.schema import lift_timeouts
from dropwall.catalog.tables import (
    EVERYONE,
    HIDDEN,
    OWNER,
    PENDING,
    SHOWN,
    changes,
    gallery,
    guests,
    photos,
)
from tests.benchmarks.results import Row, in_turns
from tests.benchmarks.servers import dropwall
from tests.support.catalog_rows import photo
from tests.support.engines import catalog_of, config_of
from tests.support.visitors import cookie_name

FEW, MANY, BATCH = 1_000, 1_000_000, 20_000
IDS = 100
PHOTOS_OF_A_GUEST = 250
MOMENT = "%Y-%m-%dT%H:%M:%SZ"  # as the catalog writes them
FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN_WITHIN_SECONDS, SCATTER = 10**7, 7_919_317
UNCOMMON = 200  # one of so many photos is private, one is hidden, and one was removed
CHOSEN = 150  # so many have another name, and so many wait, however many there are
NEW = 3  # so many of the newest have a name of their own

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
OF_ALL = {"outline of all of it": "/api/outline", "guests, counted": "/api/guests"}
"""What grows with the gallery itself."""

Measure = Callable[[str, str, int], float]
"""Asks as a guest, who has photos, or as a host for one of the lists, so many times; returns the
median of the milliseconds."""


def long_list() -> Iterator[Row]:
    with filled_gallery(FEW) as small, filled_gallery(MANY) as large:

        def compared(person: str, name: str, rounds: int, requests: int, **wanted: float) -> Row:
            ours, reference = in_turns(
                rounds,
                lambda: large(person, name, requests),
                lambda: small(person, name, requests),
            )
            what = f"of {MANY:,} photos, a {person}'s {name}"
            return Row(what, "ms", ours, reference, f"the same of {FEW:,}", **wanted)

        for person, own in (("guest", SEARCHES), ("host", FOR_HOSTS)):
            for name in [*own, *pages(MANY)]:
                goal = {"wanted": 100.0} if name in SEARCHES else {"wanted_ratio": 1.2}
                yield compared(person, name, rounds=20, requests=12, **goal)
        for name in OF_ALL:
            yield compared("guest", name, rounds=2, requests=1, wanted=100)


@contextmanager
def filled_gallery(count: int) -> Iterator[Measure]:
    with dropwall() as server:
        fill(server.data, count)
        app = create_app(config_of(server.data))
        host = app.extensions["dropwall"].accounts.add("Hanna", "correct horse", is_host=True)
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer
        sessions = {"guest": {"guest_id": guest_id(2)}, "host": {"_user_id": host.session_id}}
        paths = pages(count) | FOR_HOSTS | SEARCHES | OF_ALL

        def measure(person: str, name: str, requests: int) -> float:
            headers = {"Cookie": f"{cookie_name(app)}={serializer.dumps(sessions[person])}"}
            spent = []
            for _ in range(requests):
                started = time.perf_counter()
                connection.request("GET", paths[name], headers=headers)
                answer = connection.getresponse()
                content = answer.read()
                assert answer.status == 200, content
                spent.append((time.perf_counter() - started) * 1000)
            return statistics.median(spent)

        with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
            yield measure


def pages(count: int) -> dict[str, str]:
    ids = ",".join(f"{1 + n * count // IDS:032x}" for n in range(IDS))
    guest = guest_id(2)
    return {
        "first page": "/api/photos?limit=100",
        "middle page": f"/api/photos?limit=100&before={count // 2}",
        "last page": "/api/photos?limit=100&before=101",
        "first page by time taken": "/api/photos?limit=100&sort=taken",
        "middle page by time taken": f"/api/photos?limit=100&sort=taken&before={count // 2}",
        "first page, oldest first": "/api/photos?limit=100&order=oldest",
        "middle page by time taken, oldest first": (
            f"/api/photos?limit=100&sort=taken&order=oldest&before={count // 2}"
        ),
        "what is new": f"/api/photos?since={count - 10}",
        "one sender's": f"/api/photos?limit=100&by={guest}",
        "one sender's by time taken": f"/api/photos?limit=100&by={guest}&sort=taken",
        f"{IDS} by their ids": f"/api/photos?ids={ids}",
    }


def fill(data: Path, count: int) -> None:
    """An empty gallery, as if so many photos had come one after another, taken in another order
    than they came."""
    with catalog_of(data) as connection:
        lift_timeouts(connection)
        indexes = [*photos.indexes, *changes.indexes]
        for index in indexes:  # quicker made at once, when all is there
            index.drop(connection)
        for first in range(1, count + 1, BATCH):
            numbers = range(first, min(first + BATCH, count + 1))
            rows = [photo_row(number, count) for number in numbers]
            connection.execute(photos.insert(), rows)
            recorded = [
                Change(row["version"], row["guest_id"], row["id"], row["audience"]) for row in rows
            ]
            connection.execute(changes.insert(), [change._asdict() for change in recorded])
        for index in indexes:
            index.create(connection)
        senders = []
        for number in range(0, count // PHOTOS_OF_A_GUEST, 2):
            name = f"Guest {number}"
            senders.append({"id": guest_id(number), "name": name, "folded_name": name.lower()})
        connection.execute(guests.insert(), senders)
        connection.execute(gallery.update().values(version=count))
        recount(connection)
    if (address := config_of(data).database_address).startswith("postgresql"):
        # As autovacuum does within a minute, which is longer than we wait.
        with psycopg.connect(address, autocommit=True) as postgresql:
            postgresql.execute("VACUUM ANALYZE photos, guests, changes")


def photo_row(number: int, count: int) -> dict[str, Any]:
    """One of so many."""
    uploaded = f"{FIRST_MOMENT + timedelta(seconds=10 * number):{MOMENT}}"
    scattered = number * SCATTER % TAKEN_WITHIN_SECONDS
    place = number * CHOSEN % count  # below CHOSEN for CHOSEN of the numbers
    name = "The beach.jpg" if place < CHOSEN else f"IMG_{number}.jpg"
    if count - NEW <= number < count:
        name = f"Cake {number}.jpg"
    kind = ("private", HIDDEN, "removed", "shared")[min(3, number // 7 % UNCOMMON)]
    if CHOSEN <= place < 2 * CHOSEN:
        kind = PENDING
    one = photo(
        number,
        version=number,
        guest_id=guest_id(number % (count // PHOTOS_OF_A_GUEST)),
        name=name,
        taken=f"{FIRST_MOMENT + timedelta(seconds=scattered):{MOMENT}}" if number % 4 else None,
        uploaded=uploaded,
        placeholder="data:image/webp;base64," + "A" * 200,
        visibility=OWNER if kind == "private" else EVERYONE,
        standing=kind if kind in (PENDING, HIDDEN) else SHOWN,
    )
    derived = {"folded_name": name.lower(), "moment": one.moment}
    removed = {"removed_version": number if kind == "removed" else None}
    own = {column: getattr(one, column) for column in OWN_COLUMNS}
    return (
        own | derived | removed | dict.fromkeys(("audience", "widest_audience"), int(one.audience))
    )


def guest_id(number: int) -> str:
    return f"{number:032x}"
