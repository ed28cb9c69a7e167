"""Photos on their way into a replica: which of them have their files there.

A photo's row comes into the replica once its files are there, not listed yet, so that a run that
was killed goes on where it was.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from .database import Database
from .rows import BATCH, Row, read_rows
from .tables import is_listed, is_unpurged, photos
from .uploads import LATER

COPIED = LATER
"""As the moment of its removal in the replica: its files are there, and it is not listed yet.
Nothing sweeps it."""
PURGED = "0000-01-01T00:00:00Z"
"""The same, and its files are to be deleted. Any sweep would do it."""

keeps_files = is_listed | is_unpurged


@dataclass(frozen=True)
class CopiedPhoto:
    """One whose files may be needed. `row` is for the catalog alone."""

    id: str
    name: str
    extension: str
    bytes: int
    is_listed: bool
    row: Row

    @classmethod
    def of(cls, row: Row) -> "CopiedPhoto":
        return cls(
            id=row["id"],
            name=row["name"],
            extension=row["extension"],
            bytes=row["bytes"],
            is_listed=row["removed_version"] is None,
            row=row,
        )


def read_uncopied(
    reading: Callable[[], AbstractContextManager[Connection]],
    replica: Database,
    after: int,
    until: int,
) -> Iterator[list[CopiedPhoto]]:
    """Those that the replica lacks, with versions of that range, some hundreds at once."""
    while True:
        of_range = (photos.c.version > after) & (photos.c.version <= until)
        query = select(photos).where(keeps_files, of_range).order_by(photos.c.version)
        with reading() as connection:
            rows = read_rows(connection, query.limit(BATCH))
        if not rows:
            return
        after = rows[-1]["version"]
        with replica.transaction() as connection:
            known = among(connection, [row["id"] for row in rows], keeps_files_but_not(PURGED))
        if unknown := [CopiedPhoto.of(row) for row in rows if row["id"] not in known]:
            yield unknown


def keeps_files_but_not(removed: str) -> ColumnElement[bool]:
    return keeps_files & or_(photos.c.removed.is_(None), photos.c.removed != removed)


def among(
    connection: Connection, photo_ids: Collection[str], which: ColumnElement[bool]
) -> set[str]:
    """Those of `photo_ids`, some hundreds at most."""
    query = select(photos.c.id).where(photos.c.id.in_(photo_ids), which)
    return set(connection.scalars(query))


def replace_photos(connection: Connection, rows: list[Row]) -> None:
    if rows:
        connection.execute(delete(photos).where(photos.c.id.in_([row["id"] for row in rows])))
        connection.execute(photos.insert(), rows)
