"""A catalog of very many photos, whichever database it is in; there are no files to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import islice

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from server.catalog import EVERYONE, HIDDEN, OWNER, PENDING, SHOWN, Audience, open_database
from server.catalog.counts import recount
from server.catalog.patience import be_patient
from server.catalog.tables import gallery, guests, photos
from server.moments import write_moment

PHOTOS_OF_A_GUEST = 250
BATCH = 20_000
FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN_WITHIN_SECONDS, SCATTER = 10**7, 7_919_317
UNCOMMON = 200
"""One of so many photos is private, one is hidden, and one was removed."""
CHOSEN = 150
"""So many have another name, and so many wait, however many there are."""
NEW = 3
"""So many of the newest have a name of their own."""
TRIGRAMS_IN_SQLITE = (
    "TRIGGER photo_trigrams_added",
    "TRIGGER photo_trigrams_removed",
    "TRIGGER photo_trigrams_changed",
    "TABLE trigrams",
    "TABLE photo_trigrams",
)
TRIGRAMS_IN_POSTGRESQL = (
    "FUNCTION photos_named",
    "INDEX photo_trigrams",
    "FUNCTION name_trigrams",
)

trigrams = import_module("server.migrations.versions.0007_search")


def fill(address: str, rows: int) -> None:
    """An empty gallery, as if so many photos had come one after another, taken in another order
    than they came."""
    senders = rows // PHOTOS_OF_A_GUEST
    with open_database(address).transaction() as connection:
        be_patient(connection)
        with _without_indexes(connection):
            _add(connection, (photo_row(number, rows) for number in range(1, rows + 1)))
        connection.execute(guests.insert(), [guest_row(n) for n in range(0, senders, 2)])
        versions = dict.fromkeys(("version", "hosts_version", "everyones_version"), rows)
        connection.execute(gallery.update().values(versions))
        recount(connection)
    if address.startswith("postgresql://"):
        # As autovacuum does within a minute, which is longer than we wait.
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE photos")
            connection.execute("VACUUM ANALYZE guests")


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """They are made at once, quicker, when all is there."""
    is_sqlite = connection.dialect.name == "sqlite"
    for index in photos.indexes:
        index.drop(connection)
    for dropped in TRIGRAMS_IN_SQLITE if is_sqlite else TRIGRAMS_IN_POSTGRESQL:
        connection.exec_driver_sql(f"DROP {dropped}")
    yield
    for index in photos.indexes:
        index.create(connection)
    for made in trigrams.SQLITE if is_sqlite else trigrams.POSTGRESQL:
        connection.exec_driver_sql(made)


def _add(connection: Connection, rows: Iterator[dict[str, object]]) -> None:
    if connection.dialect.name == "postgresql":
        return _copy(connection, rows)
    while batch := list(islice(rows, BATCH)):
        connection.execute(photos.insert(), batch)
    return None


def _copy(connection: Connection, rows: Iterator[dict[str, object]]) -> None:
    """PostgreSQL's own way to take very many."""
    columns = list(photo_row(1, CHOSEN * 3))
    into = sql.SQL("COPY photos ({}) FROM STDIN").format(
        sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    driver = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(list(row.values()))


def photo_row(number: int, rows: int) -> dict[str, object]:
    """One of so many."""
    uploaded = write_moment(FIRST_MOMENT + timedelta(seconds=10 * number))
    scattered = number * SCATTER % TAKEN_WITHIN_SECONDS
    taken = write_moment(FIRST_MOMENT + timedelta(seconds=scattered))
    place = number * CHOSEN % rows  # below CHOSEN for CHOSEN of the numbers
    name = "The beach.jpg" if place < CHOSEN else f"IMG_{number}.jpg"
    if rows - NEW <= number < rows:
        name = f"Cake {number}.jpg"
    return {
        "id": f"{number:032x}",
        "version": number,
        "shown_version": number,
        "guest_id": guest_id(number % (rows // PHOTOS_OF_A_GUEST)),
        "sha256": f"{number:064x}",
        "name": name,
        "folded_name": name.lower(),
        "extension": "jpg",
        "bytes": 1000,
        "width": 4000,
        "height": 3000,
        "animated": False,
        "taken": taken if number % 4 else None,
        "moment": taken if number % 4 else uploaded,
        "uploaded": uploaded,
        "placeholder": "data:image/webp;base64," + "A" * 200,
    } | standing_row(number, CHOSEN <= place < 2 * CHOSEN)


def standing_row(number: int, waits: bool) -> dict[str, object]:
    """Who sees it."""
    kind = ("private", HIDDEN, "removed", "shared")[min(3, number // 7 % UNCOMMON)]
    if waits:
        kind = PENDING
    gone = number if kind == "removed" else None
    audience = {
        "private": Audience.OWNER,
        PENDING: Audience.HOSTS,
        HIDDEN: Audience.HOSTS,
    }.get(kind, Audience.EVERYONE)
    return {
        "visibility": OWNER if kind == "private" else EVERYONE,
        "standing": kind if kind in (PENDING, HIDDEN) else SHOWN,
        "audience": int(audience),
        "removed_version": gone,
        "left_hosts": gone,
        "left_everyone": gone,
    }


def guest_row(number: int) -> dict[str, object]:
    name = f"Guest {number}"
    row = {"id": guest_id(number), "name": name, "version": 1, "own_version": 1}
    return row | {"folded_name": name.lower()}


def guest_id(number: int) -> str:
    return f"{number:032x}"
