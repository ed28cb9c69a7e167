"""What the sweep asks: which removed photos still have files, and which files belong to nothing.

Each function is one transaction, with the errors of `Database`."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import case, exists, select, update

from .changes import advance
from .database import Database
from .tables import gallery, is_listed, is_unpurged, photos, was_removed, was_withheld
from .viewer import OWNER, SHOWN, Audience


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
    """Those of `photo_ids` (some hundreds at most) that are in the gallery, or may be again."""
    with database.transaction() as connection:
        query = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed | is_unpurged)
        return set(connection.scalars(query))


def removed_ids(database: Database, photo_ids: Collection[str]) -> set[str]:
    """Those of `photo_ids` (some hundreds at most) that were in the gallery once, and of which
    no file is needed any more. An id that was ruled out never was."""
    was_known = photos.c.uploaded != ""
    query = select(photos.c.id).where(
        photos.c.id.in_(photo_ids), was_removed, ~is_unpurged, was_known
    )
    with database.transaction() as connection:
        return set(connection.scalars(query))


def has_had_photos(database: Database) -> bool:
    with database.transaction() as connection:
        return bool(connection.scalar(select(exists().select_from(photos))))


def made(database: Database) -> str:
    """When this catalog was made. Another one may have known files that are older."""
    with database.transaction() as connection:
        return str(connection.scalar(select(gallery.c.made)))


def rule_out(database: Database, photo_ids: Collection[str]) -> set[str]:
    """Block these ids (some hundreds at most) so that no upload in progress can still use them;
    return those of which no file is needed. An id without a photo gets a row of a removed one,
    which nobody is notified of."""
    these = photos.c.id.in_(photo_ids)
    with database.transaction() as connection:
        version = advance(connection)  # nobody adds one of them meanwhile
        known = set(connection.scalars(select(photos.c.id).where(these)))
        for photo_id in sorted(set(photo_ids) - known):
            connection.execute(photos.insert().values(_tombstone(photo_id, version)))
            version = advance(connection)
        gone = select(photos.c.id).where(these, was_removed, ~is_unpurged)
        return set(connection.scalars(gone))


def _tombstone(photo_id: str, version: int) -> dict[str, Any]:
    texts = ("guest_id", "sha256", "name", "folded_name", "extension", "uploaded", "moment")
    return {
        "id": photo_id,
        "version": version,
        "shown_version": version,
        "removed_version": version,
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(("bytes", "width", "height"), 0),
        "animated": False,
        "placeholder": "",
        "visibility": OWNER,
        "standing": SHOWN,
        "audience": Audience.OWNER,
    }
