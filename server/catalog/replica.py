"""Another database's catalog, made equal to this one's while this one is in use.

Files first, row last, here too: photos come one by one (`copied_photos`), and all that the replica
shows then changes in one transaction, to what this catalog showed at one moment (`snapshot`).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from secrets import token_hex

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    func,
    inspect,
    select,
    true,
    update,
)

from .changes import read_version
from .copied_photos import (
    COPIED,
    PURGED,
    CopiedPhoto,
    among,
    keeps_files_but_not,
    read_uncopied,
    replace_photos,
)
from .database import Database
from .rows import BATCH, read_rows
from .secrets import STORAGE, copy_secrets, read_secrets
from .snapshot import AnotherGallery, Snapshot
from .tables import accounts, failed_tries, guests, is_listed, photos, uploads
from .tables import secrets as kept_secrets
from .usage import Share


class SameGallery(Exception):
    """Who copies there, copies onto itself."""


class Replica:
    """Every method is a few short transactions, with the troubles of `Database`."""

    def __init__(self, source: Database, replica: Database) -> None:
        self._source = source
        self._replica = replica

    def check(self) -> bool:
        """Whether the replica is empty, or not there yet. Only looks, whichever schema it has: it
        may be a stranger's. Raises UnusableCatalog, and AnotherGallery unless it is empty or an
        earlier replica of this gallery."""
        with self._replica.look() as there:
            tables = inspect(there).get_table_names() if there else []
            if there is None or _is_empty(there, tables):
                return True
            version = read_version(there)
            known = read_secrets(there) if kept_secrets.name in tables else []
            with self._source.transaction() as here:
                if version > read_version(here) or known != read_secrets(here):
                    raise AnotherGallery
            last, ids = "", select(photos.c.id).order_by(photos.c.id).limit(BATCH)
            while some := there.scalars(ids.where(photos.c.id > last)).all():
                if self.strangers(some):
                    raise AnotherGallery
                last = some[-1]
        return False

    def is_same(self) -> bool:
        """Whether the replica is this gallery's own database, whatever the addresses say: is what
        is written there read here?"""
        key = f"move {token_hex(16)}"
        this_one = failed_tries.c.key == key
        row = {"key": key, "failures": 0, "last": PURGED}  # a crash's is forgotten soon
        try:
            with self._replica.transaction() as connection:
                connection.execute(failed_tries.insert().values(row))
            with self._source.transaction() as connection:
                return connection.execute(select(failed_tries).where(this_one)).first() is not None
        finally:
            with self._replica.transaction() as connection:
                connection.execute(delete(failed_tries).where(this_one))

    def claim(self) -> None:
        """An empty replica is this gallery's from now on: a run that is killed can go on."""
        with self._source.transaction() as source, self._replica.transaction() as replica:
            copy_secrets(source, replica)

    def storage_id(self) -> str | None:
        """Of the storage that belongs to the replica, if it has ever had one. Only looks, as
        `check`."""
        query = select(kept_secrets.c.value).where(kept_secrets.c.name == STORAGE)
        with self._replica.look() as connection:
            if connection is None or not inspect(connection).has_table(kept_secrets.name):
                return None
            return connection.scalar(query)

    def keep_storage_id(self, storage_id: str) -> None:
        with self._replica.transaction() as connection:
            row = {"name": STORAGE, "value": storage_id}
            connection.execute(kept_secrets.insert().values(row))

    def strangers(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that this gallery has never had."""
        with self._source.transaction() as connection:
            return set(photo_ids) - among(connection, photo_ids, true())

    def version(self) -> int:
        """This gallery's, now."""
        with self._source.transaction() as connection:
            return read_version(connection)

    def shares(self) -> tuple[Share, Share]:
        """What this gallery has, and what the replica has of it: photos that keep files."""
        with self._source.transaction() as source, self._replica.transaction() as replica:
            return _share(source), _share(replica)

    def uncopied(self, after: int, until: int) -> Iterator[list[CopiedPhoto]]:
        """Photos that the replica lacks, with versions of that range, some hundreds at once."""
        return read_uncopied(self._source.transaction, self._replica, after, until)

    def add_copied(self, copied: Collection[CopiedPhoto]) -> None:
        """The files of these are there, and checked."""
        rows = [
            photo.row | {"removed_version": photo.row["version"], "removed": COPIED}
            for photo in copied
        ]
        with self._replica.transaction() as connection:
            replace_photos(connection, rows)

    def copied(self) -> Iterator[list[CopiedPhoto]]:
        """All that have their files there, as the replica says, in the order of their ids."""
        return self._replica_photos(keeps_files_but_not(PURGED))

    def forget_copied(self, lost: Collection[CopiedPhoto]) -> None:
        """The files of these are not there, whatever was said of them: they are uncopied again."""
        these = photos.c.id.in_([photo.id for photo in lost])
        version = func.coalesce(photos.c.removed_version, photos.c.version)
        values = {"removed_version": version, "removed": None}
        with self._replica.transaction() as connection:
            connection.execute(update(photos).where(these).values(values))

    def still_lists(self, photo_id: str) -> bool:
        """Whether this gallery does, now."""
        query = select(photos.c.id).where(photos.c.id == photo_id, is_listed)
        with self._source.transaction() as connection:
            return connection.execute(query).first() is not None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """This gallery as it is now, as long as the context lasts."""
        with self._source.snapshot() as connection:
            yield Snapshot(connection, self._replica)

    def purged(self) -> Iterator[list[CopiedPhoto]]:
        """Photos whose files the replica has still to delete, until `forget_purged` is told."""
        query = select(photos).where(photos.c.removed == PURGED).limit(BATCH)
        while True:
            with self._replica.transaction() as connection:
                found = [CopiedPhoto.of(row) for row in read_rows(connection, query)]
            if not found:
                return
            yield found

    def forget_purged(self, gone: Collection[CopiedPhoto]) -> None:
        """The files of these are deleted."""
        these = photos.c.id.in_([photo.id for photo in gone])
        with self._replica.transaction() as connection:
            connection.execute(update(photos).where(these).values(removed=None))

    def _replica_photos(self, which: ColumnElement[bool]) -> Iterator[list[CopiedPhoto]]:
        last = ""
        while True:
            query = select(photos).where(which, photos.c.id > last).order_by(photos.c.id)
            with self._replica.transaction() as connection:
                found = [CopiedPhoto.of(row) for row in read_rows(connection, query.limit(BATCH))]
            if not found:
                return
            yield found
            last = found[-1].id


def _is_empty(connection: Connection, tables: Collection[str]) -> bool:
    """Of a gallery that has these tables: older ones have fewer."""
    return not any(
        table.name in tables and connection.scalar(select(exists().select_from(table)))
        for table in (photos, accounts, guests, uploads)
    )


def _share(connection: Connection) -> Share:
    figures = select(func.count(), func.coalesce(func.sum(photos.c.bytes), 0)).where(
        keeps_files_but_not(PURGED)
    )
    count, size = connection.execute(figures).one()
    return Share(count, int(size))
