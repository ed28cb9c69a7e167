"""The gallery as it was at one moment, for a replica to show: in one transaction, all of it."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

from sqlalchemy import Connection, exists, select, update

from .changes import read_version, wait_turn
from .copied_photos import (
    COPIED,
    PURGED,
    CopiedPhoto,
    keeps_files_but_not,
    read_uncopied,
    replace_photos,
)
from .counts import recount
from .database import Database
from .rows import Row, copy_table, read_rows, stream_rows
from .schema import lift_timeouts
from .secrets import copy_secrets
from .tables import chunks, gallery, goes_on, metadata, photos, secrets, uploads

Chunk = tuple[str, int]
"""The id of its upload, its number."""

LISTED: Row = {"removed_version": None, "removed": None}


class AnotherGallery(Exception):
    """There is something that this gallery has never had."""


class Snapshot:
    def __init__(self, source: Connection, replica: Database) -> None:
        """`source` reads that moment, for as long as the snapshot is used."""
        lift_timeouts(source)
        self._source = source
        self._replica = replica
        self.version = read_version(source)

    def uncopied(self) -> Iterator[list[CopiedPhoto]]:
        """As the replica's."""
        source = self._source
        return read_uncopied(lambda: nullcontext(source), self._replica, -1, self.version)

    def uncopied_chunks(self, is_kept: Callable[[Chunk], bool]) -> list[Chunk]:
        """Of unfinished uploads; also those that the replica has, and that are not kept there."""
        with self._replica.transaction() as connection:
            known = {row for row in _chunks(connection) if is_kept((row[0], row[1]))}
        return _names(_chunks(self._source) - known)

    def apply(self) -> list[Chunk]:
        """Make the replica show what the snapshot does, but for photos that it still lacks. The
        chunks whose files it does not need any more. Raises AnotherGallery when somebody else has
        been there meanwhile."""
        with self._replica.transaction() as replica:
            lift_timeouts(replica)
            wait_turn(replica)  # nobody who is there sends a photo between the look and the copy
            if read_version(replica) > self.version:
                raise AnotherGallery
            self._withdraw_changed(replica)
            self._show_withdrawn(replica)
            former, present = _names(_chunks(replica)), set(_names(_chunks(self._source)))
            for table in metadata.sorted_tables:
                if table not in (photos, gallery, secrets):
                    copy_table(self._source, replica, table)
            copy_secrets(self._source, replica)
            # Never deleted: whoever is there may be waiting for their turn.
            [versions] = read_rows(self._source, select(gallery))
            replica.execute(update(gallery).values(versions))
            recount(replica)  # without photos whose files could not be copied
        self._replica.analyze()
        return [chunk for chunk in former if chunk not in present]

    def _withdraw_changed(self, replica: Connection) -> None:
        """Before any is shown as it is now: of two with the same bytes only one may be listed."""
        query = select(photos).order_by(photos.c.version)
        for rows in stream_rows(self._source, query):
            these = select(photos).where(photos.c.id.in_([row["id"] for row in rows]))
            known = {row["id"]: row for row in read_rows(replica, these)}
            changed = [row for row in rows if known.get(row["id"]) != row]
            stones = [
                row
                for row in changed
                if _is_tombstone(row) and _is_tombstone(known.get(row["id"], row))
            ]
            withdrawn = photos.c.id.in_([row["id"] for row in changed]) & keeps_files_but_not(
                COPIED
            )
            values = {"removed_version": photos.c.version, "removed": COPIED}
            replica.execute(update(photos).where(withdrawn).values(values))
            replace_photos(replica, stones)

    def _show_withdrawn(self, replica: Connection) -> None:
        are_withdrawn = photos.c.removed == COPIED
        if not replica.scalar(select(exists().where(are_withdrawn))):
            return
        for rows in stream_rows(self._source, select(photos).order_by(photos.c.version)):
            these = select(photos).where(photos.c.id.in_([row["id"] for row in rows]))
            known = {row["id"]: row for row in read_rows(replica, these.where(are_withdrawn))}
            shown = [
                row | {"removed": PURGED} if _is_tombstone(row) else row
                for row in rows
                if row["id"] in known
            ]
            # Nearly all, in a first run, and a third of the work.
            as_copied = {row["id"] for row in shown if known[row["id"]] | LISTED == row}
            replica.execute(update(photos).where(photos.c.id.in_(as_copied)).values(LISTED))
            replace_photos(replica, [row for row in shown if row["id"] not in as_copied])


def _is_tombstone(row: Row) -> bool:
    """Without files."""
    return row["removed_version"] is not None and row["removed"] is None


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
