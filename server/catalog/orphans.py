"""What of removed photos is still there, and what never became a photo: as `Sweep` asks."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import case, exists, select, update

from .changes import advance
from .database import Database
from .tables import gallery, is_listed, is_unpurged, photos, was_removed, was_withheld
from .viewer import OWNER, SHOWN, Audience


class LeftoverCatalog:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unpurged_photos(self, removed_before: str, limit: int) -> list[str]:
        """Ids of photos that were removed then, and whose files may still be there."""
        query = select(photos.c.id).where(is_unpurged, photos.c.removed < removed_before)
        with self._database.transaction() as connection:
            return list(connection.scalars(query.limit(limit)))

    def wipe_photo(self, photo_id: str) -> bool:
        """Leave of a removed photo a tombstone, so that `changes_since` can tell of it, and nothing
        to look at or to restore; of what a host withheld the SHA-256, too, by which it is known if
        it comes again. False when it was restored meanwhile."""
        wiped = update(photos).where(photos.c.id == photo_id, is_unpurged)
        with self._database.transaction() as connection:
            nothing: dict[str, Any] = dict.fromkeys(("name", "folded_name", "placeholder"), "")
            nothing["crc32"] = None
            nothing["sha256"] = case((was_withheld, photos.c.sha256), else_="")
            return bool(connection.execute(wiped.values(nothing)).rowcount)

    def mark_purged(self, photo_id: str) -> None:
        """Its files are gone."""
        purged = update(photos).where(photos.c.id == photo_id, was_removed).values(removed=None)
        with self._database.transaction() as connection:
            connection.execute(purged)

    def known_ids(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that are in the gallery, or may be again."""
        with self._database.transaction() as connection:
            query = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed | is_unpurged)
            return set(connection.scalars(query))

    def removed_ids(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that were in the gallery once, and of which
        no file is needed any more. An id that was ruled out never was."""
        was_known = photos.c.uploaded != ""
        query = select(photos.c.id).where(
            photos.c.id.in_(photo_ids), was_removed, ~is_unpurged, was_known
        )
        with self._database.transaction() as connection:
            return set(connection.scalars(query))

    def has_had_photos(self) -> bool:
        with self._database.transaction() as connection:
            return bool(connection.scalar(select(exists().select_from(photos))))

    def made(self) -> str:
        """When this catalog was: what is older, another one may have known."""
        with self._database.transaction() as connection:
            return str(connection.scalar(select(gallery.c.made)))

    def rule_out(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) under which there will never be a photo from
        now on, whatever is on its way: what is of no photo yet gets a tombstone, which nobody is
        told of."""
        these = photos.c.id.in_(photo_ids)
        with self._database.transaction() as connection:
            version = advance(connection)  # nobody adds one of them meanwhile
            known = set(connection.scalars(select(photos.c.id).where(these)))
            for photo_id in sorted(set(photo_ids) - known):
                connection.execute(photos.insert().values(_tombstone(photo_id, version)))
                version = advance(connection)
            gone = select(photos.c.id).where(these, was_removed, ~is_unpurged)
            return set(connection.scalars(gone))


def _tombstone(photo_id: str, version: int) -> dict[str, Any]:
    """As of a photo that nobody ever saw."""
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
