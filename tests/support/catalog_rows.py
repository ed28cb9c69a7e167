"""A catalog and its rows, for tests of the catalog."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection

from dropwall import timestamps
from dropwall.catalog import (
    accounts,
    feed,
    guests,
    lists,
    orphans,
    photos,
    tables,
    uploads,
)
from dropwall.catalog.database import Database
from dropwall.catalog.lists import PhotoQuery
from dropwall.catalog.photos import Photo, PhotoFilter
from dropwall.catalog.postgresql import PostgreSQL
from dropwall.catalog.sqlite import SQLite
from dropwall.catalog.visibility import Viewer

ALL, GUEST = PhotoQuery(), Viewer("guest")
PUBLIC = Viewer()
"""A visitor without a cookie, in a gallery whose guests see each other's photos."""
GALLERIES = Path(__file__).parents[1] / "catalog" / "galleries"
MORNING, NOON = "2026-11-22T10:00:00Z", "2026-11-22T12:00:00Z"
PHOTO = Photo(
    id="",
    guest_id="guest",
    sha256="",
    name="",
    extension="jpg",
    bytes=1000,
    width=40,
    height=30,
    animated=False,
    taken=None,
    uploaded=MORNING,
    placeholder="data:image/webp;base64,",
)


def photo(number: int, **columns: Any) -> Photo:
    own = {"id": f"{number:032x}", "sha256": f"{number:064x}", "name": f"{number}.jpg"}
    return replace(PHOTO, **(own | columns))


def begin_intent(connection: Connection, photo_id: str) -> None:
    """As a request does that never comes to its end."""
    row = {"photo_id": photo_id, "begun": timestamps.now(), "is_swept": False}
    connection.execute(tables.intents.insert().values(row))


def no_limits(_used: photos.Usage) -> None:
    """Check nothing."""


def add_photo(database: Database, added: Photo) -> Photo:
    """With its intent row before, as every photo comes."""
    with database.transaction() as connection:
        begin_intent(connection, added.id)
    try:
        return photos.add_photo(database, added, MORNING, no_limits)
    finally:
        orphans.forget_intents(database, [added.id])


class Bound:
    """The functions of a module, which are all asked of this database."""

    def __init__(self, module: ModuleType, database: Database) -> None:
        self._module, self._database = module, database

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(getattr(self._module, name), self._database)


class FilledCatalog:
    """Everything that can be asked of a database. Photos are known by their numbers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.photos = Bound(photos, database)
        self.lists = Bound(lists, database)
        self.feed = Bound(feed, database)
        self.guests = Bound(guests, database)
        self.adopt = partial(accounts.adopt, database)
        self.uploads = Bound(uploads, database)
        self.orphans = Bound(orphans, database)

    def add(self, number: int, **columns: Any) -> Photo:
        return add_photo(self.database, photo(number, **columns))

    def remove(self, number: int, by_guest: str = "guest") -> list[str]:
        return self.photos.remove_photos(PhotoFilter([photo(number).id]), MORNING, by_guest)

    def listed(
        self, selection: PhotoQuery = ALL, viewer: Viewer = PUBLIC, page: int = 99
    ) -> list[int]:
        """The photos of a query, read page by page."""
        found: list[int] = []
        before = None
        while True:
            read = self.lists.list_photos(page, before, selection, viewer=viewer)
            found += [int(each.id, 16) for each in read.photos]
            before = read.next
            if before is None:
                return found


@contextmanager
def old_gallery(address: str, revision: str) -> Iterator[Connection]:
    """A connection to a gallery with the schema of this revision, and without a photo."""
    with _loaded(address, revision) as connection:
        connection.exec_driver_sql("INSERT INTO gallery (version, total) VALUES (0, 0)")
        yield connection


def load_gallery(address: str, revision: str) -> None:
    """Make the gallery that a Dropwall of this revision has left (`tests/catalog/galleries`): five
    photos that everyone sees, one private, one hidden, one that waits, two removed; two guests and
    a host; an upload of which the second of three chunks is still missing."""
    with _loaded(address, revision) as connection:
        _execute_script(connection, f"{revision}.rows.sql")


@contextmanager
def empty_database(address: str) -> Iterator[Connection]:
    """A connection to a database that no Dropwall has opened yet."""
    engine = PostgreSQL(address) if "://" in address else SQLite(address)
    with engine.alone() as connection:
        yield connection
    engine.close()


@contextmanager
def _loaded(address: str, revision: str) -> Iterator[Connection]:
    with empty_database(address) as connection:
        _execute_script(connection, f"{revision}.{connection.dialect.name}.sql")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{revision}')")
        yield connection


def _execute_script(connection: Connection, name: str) -> None:
    """Execute a dump's statements, each of which ends at the end of a line."""
    script = (GALLERIES / name).read_text()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        driver.execute("SET LOCAL check_function_bodies = off")  # as pg_dump sets it
        driver.execute(script)
    else:
        driver.executescript(script)
