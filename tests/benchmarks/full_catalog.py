"""A catalog of very many photos, whichever database it is in; there are no files to them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import psycopg
from psycopg import sql
from sqlalchemy import Connection, func, select

from server.catalog import EVERYONE, HIDDEN, OWNER, PENDING, SHOWN, Audience, open_database
from server.catalog.tables import gallery, guests, is_listed, is_shared, photos
from server.moments import write_moment

PHOTOS_OF_A_GUEST = 250
BATCH = 20_000
FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN_WITHIN_SECONDS, SCATTER = 10**7, 7_919_317
UNCOMMON = 200
"""One of so many photos is private, one waits, one is hidden, and one was removed."""


def fill(address: str, rows: int) -> None:
    """An empty gallery, as if so many photos had come one after another, taken in another order
    than they came."""
    senders = rows // PHOTOS_OF_A_GUEST
    with open_database(address).transaction() as connection:
        for index in photos.indexes:  # they are made at once, quicker, when all is there
            index.drop(connection)
        _add(connection, (photo_row(number, senders) for number in range(1, rows + 1)))
        for index in photos.indexes:
            index.create(connection)
        connection.execute(guests.insert(), [guest_row(n) for n in range(0, senders, 2)])
        versions = dict.fromkeys(("version", "hosts_version", "everyones_version"), rows)
        shared = select(func.count()).select_from(photos).where(is_listed, is_shared)
        sizes = {"total": shared.scalar_subquery(), "bytes": 1000 * rows}
        connection.execute(gallery.update().values(versions | sizes))
    if address.startswith("postgresql://"):
        # As autovacuum does within a minute, which is longer than we wait.
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE photos")
            connection.execute("VACUUM ANALYZE guests")


def _add(connection: Connection, rows: Iterator[dict[str, object]]) -> None:
    if connection.dialect.name == "postgresql":
        return _copy(connection, rows)
    while batch := list(islice(rows, BATCH)):
        connection.execute(photos.insert(), batch)
    return None


def _copy(connection: Connection, rows: Iterator[dict[str, object]]) -> None:
    """PostgreSQL's own way to take very many."""
    columns = list(photo_row(1, 1))
    into = sql.SQL("COPY photos ({}) FROM STDIN").format(
        sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    driver = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(list(row.values()))


def photo_row(number: int, senders: int) -> dict[str, object]:
    uploaded = write_moment(FIRST_MOMENT + timedelta(seconds=10 * number))
    scattered = number * SCATTER % TAKEN_WITHIN_SECONDS
    taken = write_moment(FIRST_MOMENT + timedelta(seconds=scattered))
    name = f"IMG_{number}.jpg" if number % 1000 else "The beach.jpg"
    return {
        "id": f"{number:032x}",
        "version": number,
        "shown_version": number,
        "guest_id": guest_id(number % senders),
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
    } | standing_row(number)


def standing_row(number: int) -> dict[str, object]:
    """Who sees it."""
    kind = ("private", PENDING, HIDDEN, "removed", "shared")[min(4, number // 7 % UNCOMMON)]
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
