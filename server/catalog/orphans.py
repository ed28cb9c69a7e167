"""Looks up for the sweep which files no photo needs, and notes which ones it has deleted.

A removed photo is wiped first; then its files are deleted, and its row is marked as purged.

A photo's intent row is written before its first file, and deleted by the transaction that lists
the photo (`photos`). So whatever a crash, a silent catalog or a broken disk leaves behind has a
row, and is swept. Each attempt to add a photo has an id of its own, also when several machines put
the chunks of one upload together.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import case, delete, exists, select, update

from .database import Database
from .tables import (
    gallery,
    intents,
    is_listed,
    is_unpurged,
    is_unsummed,
    photos,
    was_removed,
    was_withheld,
)


def unpurged_photos(database: Database, removed_before: str, limit: int) -> list[str]:
    """Return the ids of up to `limit` photos that were removed before then and whose files may
    still be there."""
    query = select(photos.c.id).where(is_unpurged, photos.c.removed < removed_before)
    with database.snapshot() as connection:
        return list(connection.scalars(query.limit(limit)))


def wipe_photo(database: Database, photo_id: str) -> bool:
    """Blank a removed photo's row, so that it can be neither looked at nor restored. The row stays,
    and of a photo that a host withheld also the SHA-256, by which it is recognized if it comes
    again. Returns False if it was restored meanwhile."""
    wiped = update(photos).where(photos.c.id == photo_id, is_unpurged)
    # Without a name the photo `is_wiped`.
    nothing: dict[str, Any] = dict.fromkeys(("name", "folded_name", "placeholder"), "")
    nothing["crc32"] = None
    nothing["sha256"] = case((was_withheld, photos.c.sha256), else_="")
    with database.transaction() as connection:
        return bool(connection.execute(wiped.values(nothing)).rowcount)


def mark_purged(database: Database, photo_id: str) -> None:
    """Note that the files of a removed photo are gone."""
    purged = update(photos).where(photos.c.id == photo_id, was_removed).values(removed=None)
    with database.transaction() as connection:
        connection.execute(purged)


def forget_intents(database: Database, photo_ids: Collection[str] | None = None) -> None:
    """Delete the intent rows of photos that have no files and never will have any; by default
    all rows. A request whose row is gone is refused (UploadSwept)."""
    rows = delete(intents)
    if photo_ids is not None:
        rows = rows.where(intents.c.photo_id.in_(photo_ids))
    with database.transaction() as connection:
        connection.execute(rows)


def mark_intents_swept(database: Database, begun_before: str, limit: int) -> set[str]:
    """Keep photos that were begun before then from being listed, and return the ids of up to
    `limit` of them. Their rows stay until their files are deleted (`forget_intents`): a sweep may
    crash."""
    old = select(intents.c.photo_id).where(intents.c.begun < begun_before).limit(limit)
    swept = update(intents).where(intents.c.photo_id.in_(old)).values(is_swept=True)
    with database.transaction() as connection:
        return set(connection.scalars(swept.returning(intents.c.photo_id)))


def known_ids(database: Database, photo_ids: Collection[str]) -> set[str]:
    """Return those of `photo_ids` (some hundreds at most) that are listed, may be restored, or have
    an intent row."""
    kept = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed | is_unpurged)
    on_their_way = select(intents.c.photo_id).where(intents.c.photo_id.in_(photo_ids))
    with database.snapshot() as connection:
        return set(connection.scalars(kept.union_all(on_their_way)))


def removed_ids(database: Database, photo_ids: Collection[str]) -> set[str]:
    """Return those of `photo_ids` (some hundreds at most) that were removed, and whose files nobody
    needs any more."""
    query = select(photos.c.id).where(photos.c.id.in_(photo_ids), was_removed, ~is_unpurged)
    with database.snapshot() as connection:
        return set(connection.scalars(query))


def has_had_photos(database: Database) -> bool:
    """Return whether a photo was ever listed here."""
    with database.snapshot() as connection:
        return bool(connection.scalar(select(exists().select_from(photos))))


def find_catalog_creation(database: Database) -> str:
    """Return when this catalog was created. Older files may be known to another one."""
    with database.snapshot() as connection:
        return str(connection.scalar(select(gallery.c.made)))


def find_unsummed(database: Database, after: str, limit: int) -> list[tuple[str, str]]:
    """Find the ids and extensions of listed photos without a CRC-32, sorted by id, beginning after
    this one."""
    query = select(photos.c.id, photos.c.extension).where(is_unsummed, photos.c.id > after)
    with database.snapshot() as connection:
        found = connection.execute(query.order_by(photos.c.id).limit(limit))
        return [(photo_id, extension) for photo_id, extension in found]
