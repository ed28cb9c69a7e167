"""Photos as rows."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, update
from sqlalchemy.exc import IntegrityError

from .database import Database
from .tables import gallery, guests, is_listed, is_unpurged, photos, was_removed
from .usage import Usage, read_usage


@dataclass(frozen=True)
class Photo:
    """One row. Times are ISO 8601 UTC, width and height as displayed, `sha256` (hex) is of the
    bytes as they were sent. `version` is the gallery's version that added it, `sender` the name
    of its guest, who may have none."""

    id: str
    guest_id: str
    sha256: str
    name: str
    extension: str
    bytes: int
    width: int
    height: int
    animated: bool
    taken: str | None
    uploaded: str
    placeholder: str
    visibility: str = "everyone"
    version: int = 0
    sender: str | None = None

    @property
    def moment(self) -> str:
        """When it was taken; of a photo that says nothing, when it came."""
        return self.taken or self.uploaded


class NoSuchPhoto(LookupError):
    """No listed photo has this id."""


class SamePhoto(Exception):
    """This guest's gallery holds these very bytes already."""


_OWN_COLUMNS = [name for name in Photo.__dataclass_fields__ if name in photos.c]


def select_photos() -> Select[Any]:
    return select(*(photos.c[name] for name in _OWN_COLUMNS), guests.c.name.label("sender")).join(
        guests, guests.c.id == photos.c.guest_id, isouter=True
    )


def read_photos(connection: Connection, query: Select[Any]) -> list[Photo]:
    """Of a query that began as `select_photos`."""
    return [Photo(**row) for row in connection.execute(query).mappings()]


class Catalog:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_photo(
        self, photo: Photo, since: str = "", check: Callable[[Usage], None] | None = None
    ) -> Photo:
        """The photo with its version. `check` is shown the usage of its guest `since` a moment,
        with this photo, while nobody else can add one: what it raises leaves the photo out.
        Raises SamePhoto, also when two arrive at once."""
        try:
            with self._database.transaction() as connection:
                photo = replace(photo, version=advance(connection, 1, photo.bytes))
                row = {name: getattr(photo, name) for name in _OWN_COLUMNS}
                row |= {
                    "shown_version": photo.version,
                    "moment": photo.moment,
                    "folded_name": photo.name.lower(),
                }
                connection.execute(photos.insert().values(row))
                if check:
                    check(read_usage(connection, photo.guest_id, since))
        except IntegrityError:
            if self.holds(photo.guest_id, photo.sha256):
                raise SamePhoto from None
            raise
        return photo

    def remove_photo(self, photo_id: str, moment: str) -> None:
        """It can be restored until it is wiped. Raises NoSuchPhoto."""
        with self._database.transaction() as connection:
            version = advance(connection, -1, -_bytes_of(photo_id))
            removed = update(photos).where(photos.c.id == photo_id, is_listed)
            removed = removed.values(removed_version=version, removed=moment)
            if not connection.execute(removed).rowcount:
                raise NoSuchPhoto(photo_id)

    def restore_photo(
        self, photo: Photo, since: str = "", check: Callable[[Usage], None] | None = None
    ) -> None:
        """Back to its place. `check` as in `add_photo`. Raises NoSuchPhoto, SamePhoto."""
        try:
            with self._database.transaction() as connection:
                version = advance(connection, 1, photo.bytes)
                restored = update(photos).where(photos.c.id == photo.id, _can_be_restored)
                restored = restored.values(
                    removed_version=None, removed=None, shown_version=version
                )
                if not connection.execute(restored).rowcount:
                    raise NoSuchPhoto(photo.id)
                if check:
                    check(read_usage(connection, photo.guest_id, since))
        except IntegrityError:
            raise SamePhoto from None

    def unpurged_photos(self, removed_before: str, limit: int) -> list[str]:
        """Ids of photos that were removed then, and whose files may still be there."""
        query = select(photos.c.id).where(is_unpurged, photos.c.removed < removed_before)
        with self._database.transaction() as connection:
            return list(connection.scalars(query.limit(limit)))

    def wipe_photo(self, photo_id: str) -> bool:
        """Leave of a removed photo a tombstone, so that `changes_since` can tell of it, and nothing
        to look at or to restore. False when it was restored meanwhile."""
        wiped = update(photos).where(photos.c.id == photo_id, is_unpurged)
        with self._database.transaction() as connection:
            nothing = {"name": "", "folded_name": "", "placeholder": "", "sha256": ""}
            return bool(connection.execute(wiped.values(nothing)).rowcount)

    def mark_purged(self, photo_id: str) -> None:
        """Its files are gone."""
        purged = update(photos).where(photos.c.id == photo_id, was_removed).values(removed=None)
        with self._database.transaction() as connection:
            connection.execute(purged)

    def find_photo(self, photo_id: str) -> Photo:
        """Raises NoSuchPhoto."""
        return self._find(photo_id, is_listed)

    def find_removed_photo(self, photo_id: str) -> Photo:
        """One that can be restored. Raises NoSuchPhoto."""
        return self._find(photo_id, _can_be_restored)

    def _find(self, photo_id: str, state: ColumnElement[bool]) -> Photo:
        with self._database.transaction() as connection:
            query = select_photos().where(photos.c.id == photo_id, state)
            for photo in read_photos(connection, query):
                return photo
        raise NoSuchPhoto(photo_id)

    def holds(self, guest_id: str, sha256: str) -> bool:
        """Whether this guest sent these bytes before."""
        with self._database.transaction() as connection:
            query = select(photos.c.id).where(
                photos.c.guest_id == guest_id, photos.c.sha256 == sha256, is_listed
            )
            return connection.execute(query).first() is not None

    def version(self) -> int:
        with self._database.transaction() as connection:
            return read_state(connection)[0]

    def known_ids(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that are in the gallery, or may be again."""
        with self._database.transaction() as connection:
            query = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed | is_unpurged)
            return set(connection.scalars(query))


def advance(connection: Connection, added: int = 0, added_bytes: Any = 0) -> int:
    """The next version. Its row stays locked until the commit, so that versions are gapless and
    in commit order; it is the transaction's first statement, so that SQLite waits its turn."""
    advanced = update(gallery).values(
        version=gallery.c.version + 1,
        total=gallery.c.total + added,
        bytes=gallery.c.bytes + added_bytes,
    )
    return int(connection.execute(advanced.returning(gallery.c.version)).scalar_one())


def read_state(connection: Connection) -> tuple[int, int]:
    """The gallery's version, and how many photos it shows."""
    version, total = connection.execute(select(gallery.c.version, gallery.c.total)).one()
    return version, total


_can_be_restored = is_unpurged & (photos.c.sha256 != "")


def _bytes_of(photo_id: str) -> ColumnElement[int]:
    size = select(photos.c.bytes).where(photos.c.id == photo_id).scalar_subquery()
    return func.coalesce(size, 0)
