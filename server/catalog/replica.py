"""Copies the catalog of a gallery: the half of a move (`move`) that is in the database.

First the target is checked: it has to be empty, or a copy of this gallery. Then the photos are
listed, of which `move` copies the files. At last the target's tables are made equal to the
gallery's.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    Tuple,
    delete,
    exists,
    func,
    inspect,
    select,
    tuple_,
    update,
)

from .changes import lock_gallery, recount
from .database import Database, is_one_of
from .guests import Amount
from .schema import lift_timeouts
from .tables import (
    accounts,
    changes,
    gallery,
    guests,
    intents,
    is_listed,
    is_unpurged,
    metadata,
    photos,
    secrets,
)
from .tables import uploads as uploads_table

Row = dict[str, Any]
Key = tuple[Any, ...]
"""A primary key: the values of its columns."""
Snapshot = Connection
Reading = Callable[[], AbstractContextManager[Connection]]
"""Opens a connection that reads the gallery: a new snapshot each time, or always the same."""

BATCH = 500
"""Number of rows that are read, compared and written at once."""
COPY_ID = "storage"
"""The name, among the secrets, of the id that a catalog and its storage share. No other copy of
the gallery has the same."""
_is_shared = secrets.c.name != COPY_ID
_keeps_files = is_listed | is_unpurged


class AnotherGallery(Exception):
    """The target holds something that this gallery has never had."""


@dataclass(frozen=True)
class StoredPhoto:
    """A photo, and whether the gallery shows it, or at least keeps its files."""

    id: str
    name: str
    extension: str
    bytes: int
    is_listed: bool
    keeps_files: bool


# The target


def check_target(source: Database, target: Database) -> bool:
    """Return whether the target's catalog is empty, or not there yet. Nothing is written, and its
    schema may be an older one: it may be a stranger's. Raises UnusableCatalog, and AnotherGallery
    unless it is empty or a copy of this gallery."""
    with target.look() as there:
        tables = inspect(there).get_table_names() if there else []
        if there is None or _is_empty(there, tables):
            return True
        shared = select(secrets.c.name, secrets.c.value).where(_is_shared)
        known = set(there.execute(shared)) if secrets.name in tables else set()
        with source.snapshot() as here:
            if known != set(here.execute(shared)):
                raise AnotherGallery
        last, ids = "", select(photos.c.id).order_by(photos.c.id).limit(BATCH)
        while some := there.scalars(ids.where(photos.c.id > last)).all():
            if unknown_photos(source, some):
                raise AnotherGallery
            last = some[-1]
    return False


def _is_empty(connection: Connection, tables: Collection[str]) -> bool:
    """Whether there is nothing of a gallery in these tables; older galleries have fewer."""
    return not any(
        table.name in tables and connection.scalar(select(exists().select_from(table)))
        for table in (photos, accounts, guests, uploads_table)
    )


def unknown_photos(source: Database, photo_ids: Collection[str]) -> set[str]:
    """Return those of `photo_ids` (some hundreds at most) that the gallery has never had."""
    with source.snapshot() as connection:
        query = select(photos.c.id).where(photos.c.id.in_(photo_ids))
        return set(photo_ids) - set(connection.scalars(query))


def copy_secrets(source: Database, target: Database) -> None:
    """Make an empty target this gallery's own, so that a run that is killed can go on."""
    shared = select(secrets).where(_is_shared)
    with source.snapshot() as here, target.transaction() as there:
        there.execute(delete(secrets).where(_is_shared))
        there.execute(secrets.insert(), [dict(row) for row in here.execute(shared).mappings()])


def read_copy_id(database: Database) -> str | None:
    """Return the id that this catalog shares with its storage, if it ever got one. Like
    `check_target`, it reads any schema and writes nothing."""
    query = select(secrets.c.value).where(secrets.c.name == COPY_ID)
    with database.look() as connection:
        if connection is None or not inspect(connection).has_table(secrets.name):
            return None
        return connection.scalar(query)


def keep_copy_id(database: Database, copy_id: str) -> None:
    with database.transaction() as connection:
        connection.execute(secrets.insert().values(name=COPY_ID, value=copy_id))


def forget_copy_id(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(delete(secrets).where(secrets.c.name == COPY_ID))


# The photos


@contextmanager
def open_snapshot(source: Database) -> Iterator[Connection]:
    """Read the gallery as it is now, as long as the context lasts. PostgreSQL's timeouts are
    lifted: nothing is read while large files are copied."""
    with source.snapshot() as connection:
        lift_timeouts(connection)
        yield connection


def read_photos(reading: Reading) -> Iterator[StoredPhoto]:
    """Yield all photos, those that were removed as well, in the order of their ids."""
    last = ""
    columns = (photos.c.id, photos.c.name, photos.c.extension, photos.c.bytes)
    query = select(*columns, is_listed.label("is_listed"), _keeps_files.label("keeps_files"))
    query = query.order_by(photos.c.id).limit(BATCH)
    while True:
        with reading() as connection:
            rows = connection.execute(query.where(photos.c.id > last)).all()
        if not rows:
            return
        for row in rows:
            yield StoredPhoto(*row)
        last = rows[-1].id


def measure_files(source: Database) -> Amount:
    """Count the photos that keep files."""
    figures = select(func.count(), func.coalesce(func.sum(photos.c.bytes), 0)).where(_keeps_files)
    with source.snapshot() as connection:
        count, size = connection.execute(figures).one()
    return Amount(count, int(size))


def still_lists(source: Database, photo_id: str) -> bool:
    """Return whether the gallery lists a photo."""
    query = select(photos.c.id).where(photos.c.id == photo_id, is_listed)
    with source.snapshot() as connection:
        return connection.execute(query).first() is not None


def upload_ids(connection: Connection) -> set[str]:
    return set(connection.scalars(select(uploads_table.c.id)))


# The tables


def copy_tables(snapshot: Connection, target: Database, lost: Collection[str]) -> set[str]:
    """Make the target's tables equal to the snapshot's in one transaction, but for the photos with
    the ids `lost`. Returns the ids of the uploads that the target had before. Raises
    AnotherGallery when photos were sent to the target since `check_target`."""
    with target.transaction() as there:
        lift_timeouts(there)
        lock_gallery(there)  # a photo is sent to the target either before this or after the commit
        former_uploads = upload_ids(there)
        # Intent rows are not copied: their files are not in the target.
        tables = [
            table
            for table in metadata.sorted_tables
            if table.primary_key.columns and table is not intents
        ]
        # Rows are deleted before any is inserted: a new one may have a unique value of an old one.
        for table in tables:
            for rows, known in _read_in_batches(there, snapshot, table):
                if table is photos and not rows.keys() <= known.keys():
                    raise AnotherGallery
                if gone := [key for key, row in rows.items() if known.get(key) != row]:
                    there.execute(delete(table).where(_key(table).in_(gone)))
        for table in tables:
            for rows, known in _read_in_batches(snapshot, there, table):
                if missing := [row for key, row in rows.items() if key not in known]:
                    there.execute(table.insert(), missing)
        # The gallery's only row is never deleted: changes in the target lock it.
        there.execute(
            update(gallery).values(dict(snapshot.execute(select(gallery)).one()._mapping))
        )
        if lost:
            for column in (photos.c.id, changes.c.photo_id):
                there.execute(delete(column.table).where(is_one_of(there, column, lost)))
            recount(there)
    target.analyze()
    return former_uploads


def _read_in_batches(
    connection: Connection, other: Connection, table: Table
) -> Iterator[tuple[dict[Key, Row], dict[Key, Row]]]:
    """Read a table in the order of its primary key, as this database sorts it, and with each batch
    those of its rows that the other database has. The id of a copy's own storage is left out."""
    key, rows = _key(table), select(table)
    if table is secrets:
        rows = rows.where(_is_shared)
    ordered = rows.order_by(*table.primary_key.columns).limit(BATCH)
    batch = _read(connection, table, ordered)
    while batch:
        yield batch, _read(other, table, rows.where(key.in_(list(batch))))
        batch = _read(connection, table, ordered.where(key > next(reversed(batch))))


def _read(connection: Connection, table: Table, query: Select[Any]) -> dict[Key, Row]:
    """Read rows of a table, by their primary keys."""
    names = [column.name for column in table.primary_key.columns]
    rows = connection.execute(query).mappings()
    return {tuple(row[name] for name in names): dict(row) for row in rows}


def _key(table: Table) -> Tuple:
    return tuple_(*table.primary_key.columns)
