"""What the sweep asks: which removed photos still have files, and which files belong to nothing.

Each function is one transaction, with the errors of `Database`."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import case, exists, select, update

from .database import Database
from .tables import gallery, intents, is_listed, is_unpurged, photos, was_removed, was_withheld


def unpurged_photos(database: Database, removed_before: str, limit: int) -> list[str]:
    """Ids of photos that were removed before then, and whose files may still be there."""
    query = select(photos.c.id).where(is_unpurged, photos.c.removed < removed_before)
    with database.transaction() as connection:
        return list(connection.scalars(query.limit(limit)))


def wipe_photo(database: Database, photo_id: str) -> bool:
    """Leave of a removed photo a row by which lists learn that it has gone, and nothing to look at
    or to restore; of one that a host withheld also the SHA-256, by which it is recognized if it
    comes again. False when it was restored meanwhile."""
    wiped = update(photos).where(photos.c.id == photo_id, is_unpurged)
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


def known_ids(database: Database, photo_ids: Collection[str]) -> set[str]:
    """Those of `photo_ids` (some hundreds at most) that are in the gallery, may be again, or are on
    their way into it."""
    kept = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed | is_unpurged)
    on_their_way = select(intents.c.photo_id).where(intents.c.photo_id.in_(photo_ids))
    with database.transaction() as connection:
        return set(connection.scalars(kept.union_all(on_their_way)))


def removed_ids(database: Database, photo_ids: Collection[str]) -> set[str]:
    """Those of `photo_ids` (some hundreds at most) that were in the gallery once, and of which
    no file is needed any more."""
    query = select(photos.c.id).where(photos.c.id.in_(photo_ids), was_removed, ~is_unpurged)
    with database.transaction() as connection:
        return set(connection.scalars(query))


def has_had_photos(database: Database) -> bool:
    with database.transaction() as connection:
        return bool(connection.scalar(select(exists().select_from(photos))))


def made(database: Database) -> str:
    """When this catalog was made. Another one may have known files that are older."""
    with database.transaction() as connection:
        return str(connection.scalar(select(gallery.c.made)))
