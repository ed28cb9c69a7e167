"""Photos as rows."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from .database import Database
from .tables import gallery, is_listed, photos
from .usage import Usage, read_usage


@dataclass(frozen=True)
class Photo:
    """One row. Times are ISO 8601 UTC, width and height as displayed, `sha256` (hex) is of the
    bytes as they were sent. `version` is the gallery's version that added it."""

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


@dataclass(frozen=True)
class Page:
    """Photos, newest first; `next` is the `before` of the following page, None on the last."""

    photos: list[Photo]
    next: int | None
    total: int
    version: int


@dataclass(frozen=True)
class Changes:
    """What happened after a version; with `reset` it is too much to tell: start over."""

    photos: list[Photo]
    removed: list[str]
    total: int
    version: int
    reset: bool = False


class NoSuchPhoto(LookupError):
    """No listed photo has this id."""


class SamePhoto(Exception):
    """This guest's gallery holds these very bytes already."""


_COLUMNS = [photos.c[name] for name in Photo.__dataclass_fields__]


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
                photo = replace(photo, version=_advance(connection, 1, photo.bytes))
                connection.execute(photos.insert().values(asdict(photo)))
                if check:
                    check(read_usage(connection, photo.guest_id, since))
        except IntegrityError:
            if self.holds(photo.guest_id, photo.sha256):
                raise SamePhoto from None
            raise
        return photo

    def remove_photo(self, photo_id: str) -> None:
        """Leaves a tombstone, so that `changes_since` can tell of it, and nothing to look at.
        Raises NoSuchPhoto."""
        with self._database.transaction() as connection:
            size = select(photos.c.bytes).where(photos.c.id == photo_id).scalar_subquery()
            version = _advance(connection, -1, -func.coalesce(size, 0))
            tombstone = update(photos).where(photos.c.id == photo_id, is_listed)
            gone = connection.execute(
                tombstone.values(removed_version=version, name="", placeholder="", sha256="")
            )
            if not gone.rowcount:
                raise NoSuchPhoto(photo_id)

    def find_photo(self, photo_id: str) -> Photo:
        """Raises NoSuchPhoto."""
        with self._database.transaction() as connection:
            query = select(*_COLUMNS).where(photos.c.id == photo_id, is_listed)
            for photo in _photos(connection, query):
                return photo
        raise NoSuchPhoto(photo_id)

    def holds(self, guest_id: str, sha256: str) -> bool:
        """Whether this guest sent these bytes before."""
        with self._database.transaction() as connection:
            query = select(photos.c.id).where(
                photos.c.guest_id == guest_id, photos.c.sha256 == sha256, is_listed
            )
            return connection.execute(query).first() is not None

    def list_photos(self, limit: int, before: int | None = None) -> Page:
        query = select(*_COLUMNS).where(is_listed).order_by(photos.c.version.desc())
        if before is not None:
            query = query.where(photos.c.version < before)
        with self._database.transaction() as connection:
            version, total = _state(connection)
            found = _photos(connection, query.limit(limit + 1))
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].version if more else None, total, version)

    def changes_since(self, since: int, limit: int) -> Changes:
        """At most `limit` changes; more than that, or a version that never was, is a reset."""
        added = select(*_COLUMNS).where(photos.c.version > since, is_listed)
        removed = select(photos.c.id).where(
            photos.c.removed_version > since, photos.c.version <= since
        )
        with self._database.transaction() as connection:
            version, total = _state(connection)
            if not version - limit <= since <= version:
                return Changes([], [], total, version, reset=True)
            return Changes(
                _photos(connection, added.order_by(photos.c.version.desc())),
                list(connection.scalars(removed)),
                total,
                version,
            )

    def version(self) -> int:
        with self._database.transaction() as connection:
            return _state(connection)[0]

    def listed_ids(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that are in the gallery."""
        with self._database.transaction() as connection:
            query = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed)
            return set(connection.scalars(query))


def _advance(connection: Connection, added: int, added_bytes: Any) -> int:
    """The next version. Its row stays locked until the commit, so that versions are gapless and
    in commit order; it is the transaction's first statement, so that SQLite waits its turn."""
    advanced = update(gallery).values(
        version=gallery.c.version + 1,
        total=gallery.c.total + added,
        bytes=gallery.c.bytes + added_bytes,
    )
    return int(connection.execute(advanced.returning(gallery.c.version)).scalar_one())


def _state(connection: Connection) -> tuple[int, int]:
    version, total = connection.execute(select(gallery.c.version, gallery.c.total)).one()
    return version, total


def _photos(connection: Connection, query: Any) -> list[Photo]:
    return [Photo(**row) for row in connection.execute(query).mappings()]
