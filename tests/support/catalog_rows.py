"""A catalog and its rows, for tests of the catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from server import catalog
from server.catalog import Database, Photo, Selection, Viewer, Which, schema
from server.catalog.postgresql import PostgreSQL
from server.catalog.sqlite import SQLite

ALL, PUBLIC, GUEST = Selection(), Viewer(), Viewer("guest")
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


class FilledCatalog:
    """Everything that can be asked of a database. Photos are known by their numbers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.photos = catalog.Catalog(database)
        self.lists = catalog.PhotoLists(database)
        self.guests = catalog.GuestCatalog(database)
        self.accounts = catalog.AccountCatalog(database)
        self.uploads = catalog.UploadCatalog(database)
        self.leftovers = catalog.LeftoverCatalog(database)
        self.usage = catalog.UsageCatalog(database)

    def add(self, number: int, **columns: Any) -> Photo:
        return self.photos.add_photo(photo(number, **columns))

    def remove(self, number: int, by_guest: str = "guest") -> list[str]:
        return self.photos.remove_photos(Which([photo(number).id]), MORNING, by_guest)

    def listed(
        self, selection: Selection = ALL, viewer: Viewer = PUBLIC, page: int = 99
    ) -> list[int]:
        """The photos of a selection, read page by page."""
        found: list[int] = []
        before = None
        while True:
            read = self.lists.list_photos(page, before, selection, viewer)
            found += [int(each.id, 16) for each in read.photos]
            before = read.next
            if before is None:
                return found


@contextmanager
def old_gallery(address: str, revision: str) -> Iterator[Connection]:
    """A connection to a gallery whose schema is of this revision."""
    kind = PostgreSQL(address) if "://" in address else SQLite(address)
    with kind.alone() as connection:
        schema.upgrade(connection, revision)
        yield connection
    kind.engine.dispose()
