"""Another database's catalog, made equal to this one's while this one is in use.

Files first, row last, here too: a photo's row comes into the replica once its files are there, not
listed yet, so that a run that was killed goes on where it was. All that the replica shows then
changes in one transaction, to what this catalog showed at one moment.
"""

import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    true,
    update,
)

from .database import Database
from .tables import (
    accounts,
    chunks,
    failed_tries,
    gallery,
    goes_on,
    guests,
    is_listed,
    is_shared,
    is_unpurged,
    metadata,
    photos,
    uploads,
)
from .uploads import LATER
from .versions import read_version

Row = dict[str, Any]
Chunk = tuple[str, int]
"""The id of its upload, its number."""

BATCH = 500
COPIED = LATER
"""As the moment of its removal in the replica: its files are there, and it is not listed yet.
Nothing sweeps it."""
PURGED = "0000-01-01T00:00:00Z"
"""The same, and its files are to be deleted. Any sweep would do it."""

_keeps_files = is_listed | is_unpurged


class SameGallery(Exception):
    """Who copies there, copies onto itself."""


class AnotherGallery(Exception):
    """There is something that this gallery has never had."""


@dataclass(frozen=True)
class CopiedPhoto:
    """One whose files may be needed. `row` is for the catalog alone."""

    id: str
    name: str
    extension: str
    bytes: int
    is_listed: bool
    row: Row


@dataclass(frozen=True)
class Share:
    """Photos that keep files, and their size."""

    photos: int
    bytes: int


class Replica:
    """Every method is a few short transactions, with the troubles of `Database`."""

    def __init__(self, source: Database, replica: Database) -> None:
        self._source = source
        self._replica = replica

    def check(self) -> bool:
        """Whether the replica is empty. Raises SameGallery, and AnotherGallery unless it is empty
        or an earlier replica of this gallery."""
        if self._is_same():
            raise SameGallery
        with self._replica.transaction() as connection:
            if _is_empty(connection):
                return True
            version, known = read_version(connection), _secrets(connection)
        with self._source.transaction() as connection:
            if version > read_version(connection) or known != _secrets(connection):
                raise AnotherGallery
        for ids in self._replica_ids():
            if self.strangers(ids):
                raise AnotherGallery
        return False

    def claim(self) -> None:
        """An empty replica is this gallery's from now on: a run that is killed can go on."""
        with self._source.transaction() as source, self._replica.transaction() as replica:
            for table in _secret_tables():
                _copy_table(source, replica, table)

    def strangers(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that this gallery has never had."""
        with self._source.transaction() as connection:
            return set(photo_ids) - _among(connection, photo_ids, true())

    def version(self) -> int:
        """This gallery's, now."""
        with self._source.transaction() as connection:
            return read_version(connection)

    def shares(self) -> tuple[Share, Share]:
        """What this gallery has, and what the replica has of it."""
        with self._source.transaction() as source, self._replica.transaction() as replica:
            return _share(source), _share(replica)

    def uncopied(self, after: int, until: int) -> Iterator[list[CopiedPhoto]]:
        """Photos that the replica lacks, with versions of that range, some hundreds at once."""
        return _uncopied(self._source.transaction, self._replica, after, until)

    def add_copied(self, copied: Collection[CopiedPhoto]) -> None:
        """The files of these are there, and checked."""
        rows = [
            photo.row | {"removed_version": photo.row["version"], "removed": COPIED}
            for photo in copied
        ]
        with self._replica.transaction() as connection:
            _replace_photos(connection, rows)

    def is_listed(self, photo_id: str) -> bool:
        """In this gallery, now."""
        query = select(photos.c.id).where(photos.c.id == photo_id, is_listed)
        with self._source.transaction() as connection:
            return connection.execute(query).first() is not None

    @contextmanager
    def snapshot(self) -> Iterator["Snapshot"]:
        """This gallery as it is now, as long as the context lasts."""
        with self._source.snapshot() as connection:
            _be_patient(connection)
            yield Snapshot(connection, self._replica)

    def purged(self) -> Iterator[list[CopiedPhoto]]:
        """Photos whose files the replica has still to delete, until `forget_purged` is told."""
        query = select(photos).where(photos.c.removed == PURGED).limit(BATCH)
        while True:
            with self._replica.transaction() as connection:
                found = [_copied_photo(row) for row in _rows(connection, query)]
            if not found:
                return
            yield found

    def forget_purged(self, gone: Collection[CopiedPhoto]) -> None:
        """The files of these are deleted."""
        these = photos.c.id.in_([photo.id for photo in gone])
        with self._replica.transaction() as connection:
            connection.execute(update(photos).where(these).values(removed=None))

    def _is_same(self) -> bool:
        """Whatever the addresses say: is what is written there read here?"""
        key = f"move {secrets.token_hex(16)}"
        this_one = failed_tries.c.key == key
        row = {"key": key, "failures": 0, "last": PURGED}  # a crash's is forgotten soon
        with self._replica.transaction() as connection:
            connection.execute(failed_tries.insert().values(row))
        try:
            with self._source.transaction() as connection:
                return connection.execute(select(failed_tries).where(this_one)).first() is not None
        finally:
            with self._replica.transaction() as connection:
                connection.execute(delete(failed_tries).where(this_one))

    def _replica_ids(self) -> Iterator[list[str]]:
        last = ""
        while True:
            query = select(photos.c.id).where(photos.c.id > last).order_by(photos.c.id)
            with self._replica.transaction() as connection:
                ids = list(connection.scalars(query.limit(BATCH)))
            if not ids:
                return
            yield ids
            last = ids[-1]


class Snapshot:
    """The gallery as it was at one moment."""

    def __init__(self, source: Connection, replica: Database) -> None:
        self._source = source
        self._replica = replica
        self.version = read_version(source)

    def uncopied(self) -> Iterator[list[CopiedPhoto]]:
        """As the replica's."""
        source = self._source
        return _uncopied(lambda: nullcontext(source), self._replica, -1, self.version)

    def uncopied_chunks(self) -> list[Chunk]:
        """Of unfinished uploads."""
        with self._replica.transaction() as connection:
            return _names(_chunks(self._source) - _chunks(connection))

    def apply(self) -> list[Chunk]:
        """Make the replica show what the snapshot does, but for photos that it still lacks. The
        chunks whose files it does not need any more. Raises AnotherGallery when somebody else has
        been there meanwhile."""
        with self._replica.transaction() as replica:
            _be_patient(replica)
            if read_version(replica) > self.version:
                raise AnotherGallery
            self._withdraw_changed(replica)
            self._show_withdrawn(replica)
            former, present = _names(_chunks(replica)), set(_names(_chunks(self._source)))
            for table in metadata.sorted_tables:
                if table is not photos:
                    _copy_table(self._source, replica, table)
            replica.execute(update(gallery).values(_count_listed()))
        return [chunk for chunk in former if chunk not in present]

    def _withdraw_changed(self, replica: Connection) -> None:
        """Before any is shown as it is now: of two with the same bytes only one may be listed."""
        query = select(photos).order_by(photos.c.version)
        for rows in _streamed(self._source, query):
            these = select(photos).where(photos.c.id.in_([row["id"] for row in rows]))
            known = {row["id"]: row for row in _rows(replica, these)}
            changed = [row for row in rows if known.get(row["id"]) != row]
            stones = [
                row
                for row in changed
                if _is_tombstone(row) and _is_tombstone(known.get(row["id"], row))
            ]
            withdrawn = photos.c.id.in_([row["id"] for row in changed]) & _keeps_files_but_not(
                COPIED
            )
            values = {"removed_version": photos.c.version, "removed": COPIED}
            replica.execute(update(photos).where(withdrawn).values(values))
            _replace_photos(replica, stones)

    def _show_withdrawn(self, replica: Connection) -> None:
        are_withdrawn = photos.c.removed == COPIED
        if not replica.scalar(select(exists().where(are_withdrawn))):
            return
        for rows in _streamed(self._source, select(photos).order_by(photos.c.version)):
            ids = _among(replica, [row["id"] for row in rows], are_withdrawn)
            shown = [row for row in rows if row["id"] in ids]
            _replace_photos(
                replica, [row | {"removed": PURGED} if _is_tombstone(row) else row for row in shown]
            )


def _keeps_files_but_not(removed: str) -> ColumnElement[bool]:
    return _keeps_files & or_(photos.c.removed.is_(None), photos.c.removed != removed)


def _is_tombstone(row: Row) -> bool:
    """Without files."""
    return row["removed_version"] is not None and row["removed"] is None


def _uncopied(
    reading: Callable[[], AbstractContextManager[Connection]],
    replica: Database,
    after: int,
    until: int,
) -> Iterator[list[CopiedPhoto]]:
    while True:
        of_range = (photos.c.version > after) & (photos.c.version <= until)
        query = select(photos).where(_keeps_files, of_range).order_by(photos.c.version)
        with reading() as connection:
            rows = _rows(connection, query.limit(BATCH))
        if not rows:
            return
        after = rows[-1]["version"]
        with replica.transaction() as connection:
            known = _among(connection, [row["id"] for row in rows], _keeps_files_but_not(PURGED))
        if unknown := [_copied_photo(row) for row in rows if row["id"] not in known]:
            yield unknown


def _be_patient(connection: Connection) -> None:
    """A server may end what says nothing for a while, such as while large files are copied."""
    if connection.dialect.name == "postgresql":
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {setting} = 0"))


def _copied_photo(row: Row) -> CopiedPhoto:
    return CopiedPhoto(
        id=row["id"],
        name=row["name"],
        extension=row["extension"],
        bytes=row["bytes"],
        is_listed=row["removed_version"] is None,
        row=row,
    )


def _is_empty(connection: Connection) -> bool:
    return not any(
        connection.scalar(select(exists().select_from(table)))
        for table in (photos, accounts, guests, uploads)
    )


def _secret_tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if table.name == "secrets"]


def _secrets(connection: Connection) -> list[Row]:
    return [row for table in _secret_tables() for row in _rows(connection, select(table))]


def _share(connection: Connection) -> Share:
    figures = select(func.count(), func.coalesce(func.sum(photos.c.bytes), 0)).where(_keeps_files)
    count, size = connection.execute(figures).one()
    return Share(count, int(size))


def _count_listed() -> Row:
    """The gallery's totals; without photos whose files could not be copied."""
    shared = func.coalesce(func.sum(case((is_shared, 1), else_=0)), 0)
    size = func.coalesce(func.sum(photos.c.bytes), 0)
    return {
        "total": select(shared).where(is_listed).scalar_subquery(),
        "bytes": select(size).where(is_listed).scalar_subquery(),
    }


def _names(measured: set[tuple[str, int, int, int]]) -> list[Chunk]:
    return sorted((upload_id, number) for upload_id, number, *_ in measured)


def _chunks(connection: Connection) -> set[tuple[str, int, int, int]]:
    """With the measures of their uploads, so that another one under the same id is another."""
    query = (
        select(chunks.c.upload_id, chunks.c.number, uploads.c.bytes, uploads.c.chunk_bytes)
        .join(uploads, uploads.c.id == chunks.c.upload_id)
        .where(goes_on)
    )
    return {(row[0], row[1], row[2], row[3]) for row in connection.execute(query)}


def _among(
    connection: Connection, photo_ids: Collection[str], which: ColumnElement[bool]
) -> set[str]:
    query = select(photos.c.id).where(photos.c.id.in_(photo_ids), which)
    return set(connection.scalars(query))


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[list[Row]]:
    result = connection.execute(query.execution_options(yield_per=BATCH)).mappings()
    for rows in result.partitions():
        yield [dict(row) for row in rows]


def _copy_table(source: Connection, replica: Connection, table: Table) -> None:
    replica.execute(delete(table))
    for rows in _streamed(source, select(table)):
        replica.execute(table.insert(), rows)


def _replace_photos(connection: Connection, rows: list[Row]) -> None:
    if rows:
        connection.execute(delete(photos).where(photos.c.id.in_([row["id"] for row in rows])))
        connection.execute(photos.insert(), rows)
