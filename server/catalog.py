"""Photos as rows: all of the SQL."""

import errno
import fcntl
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

metadata = MetaData()

photos = Table(
    "photos",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False, unique=True),
    Column("removed_version", BigInteger),
    Column("guest_id", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("extension", String(4), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("animated", Boolean, nullable=False),
    Column("taken", String(20)),
    Column("uploaded", String(20), nullable=False),
    Column("placeholder", Text, nullable=False),
    Column("visibility", String(16), nullable=False),
)
_is_listed = photos.c.removed_version.is_(None)
_was_removed = photos.c.removed_version.is_not(None)
Index(
    "one_photo_a_guest",
    photos.c.guest_id,
    photos.c.sha256,
    unique=True,
    sqlite_where=_is_listed,
    postgresql_where=_is_listed,
)
Index("listed", photos.c.version, sqlite_where=_is_listed, postgresql_where=_is_listed)
Index(
    "removed",
    photos.c.removed_version,
    sqlite_where=_was_removed,
    postgresql_where=_was_removed,
)

gallery = Table(
    "gallery",
    metadata,
    Column("version", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
)


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


class CatalogUnavailable(Exception):
    """The database does not answer, or not in time."""


_COLUMNS = [photos.c[name] for name in Photo.__dataclass_fields__]


class Catalog:
    """Every method is one transaction, and raises CatalogUnavailable when the database is not
    there, OSError(ENOSPC) when its disk is full."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upgrade(self) -> None:
        """Bring the schema up to date; safe when many processes start together."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with _translated_errors(), self._engine.execution_options(alone=True).begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def add_photo(self, photo: Photo) -> Photo:
        """The photo with its version. Raises SamePhoto, also when two arrive at once."""
        try:
            with self._transaction() as connection:
                photo = replace(photo, version=_advance(connection, added=1))
                connection.execute(photos.insert().values(asdict(photo)))
        except IntegrityError:
            if self.holds(photo.guest_id, photo.sha256):
                raise SamePhoto from None
            raise
        return photo

    def remove_photo(self, photo_id: str) -> None:
        """Leaves a tombstone, so that `changes_since` can tell of it, and nothing to look at.
        Raises NoSuchPhoto."""
        with self._transaction() as connection:
            version = _advance(connection, added=-1)
            tombstone = update(photos).where(photos.c.id == photo_id, _is_listed)
            gone = connection.execute(
                tombstone.values(removed_version=version, name="", placeholder="", sha256="")
            )
            if not gone.rowcount:
                raise NoSuchPhoto(photo_id)

    def find_photo(self, photo_id: str) -> Photo:
        """Raises NoSuchPhoto."""
        with self._transaction() as connection:
            query = select(*_COLUMNS).where(photos.c.id == photo_id, _is_listed)
            for photo in _photos(connection, query):
                return photo
        raise NoSuchPhoto(photo_id)

    def holds(self, guest_id: str, sha256: str) -> bool:
        """Whether this guest sent these bytes before."""
        with self._transaction() as connection:
            query = select(photos.c.id).where(
                photos.c.guest_id == guest_id, photos.c.sha256 == sha256, _is_listed
            )
            return connection.execute(query).first() is not None

    def list_photos(self, limit: int, before: int | None = None) -> Page:
        query = select(*_COLUMNS).where(_is_listed).order_by(photos.c.version.desc())
        if before is not None:
            query = query.where(photos.c.version < before)
        with self._transaction() as connection:
            version, total = _state(connection)
            found = _photos(connection, query.limit(limit + 1))
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].version if more else None, total, version)

    def changes_since(self, since: int, limit: int) -> Changes:
        """At most `limit` changes; more than that, or a version that never was, is a reset."""
        added = select(*_COLUMNS).where(photos.c.version > since, _is_listed)
        removed = select(photos.c.id).where(
            photos.c.removed_version > since, photos.c.version <= since
        )
        with self._transaction() as connection:
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
        with self._transaction() as connection:
            return _state(connection)[0]

    def listed_ids(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that are in the gallery."""
        with self._transaction() as connection:
            query = select(photos.c.id).where(photos.c.id.in_(photo_ids), _is_listed)
            return set(connection.scalars(query))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with _translated_errors(), self._engine.begin() as connection:
            yield connection


def open_catalog(address: str) -> Catalog:
    """The engine for an address: a SQLite file's path. Brings the schema up to date."""
    path = Path(address).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": 30},
        pool_size=8,
        max_overflow=56,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    catalog = Catalog(engine)
    # The first switch to WAL does not wait its turn: SQLite says at once that it is locked.
    with path.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        catalog.upgrade()
    return catalog


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours: see _begin_sqlite
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL could lose the last commits in a power cut, and a 204 is never taken back
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    """sqlite3 itself begins too late for a consistent read, and never for DDL."""
    alone = connection.get_execution_options().get("alone", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise
    except PoolTimeout as error:
        raise CatalogUnavailable(str(error)) from error
    except DatabaseError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, "The catalog's disk is full") from error
        raise CatalogUnavailable(str(error.orig)) from error


def _advance(connection: Connection, added: int) -> int:
    """The next version. Its row stays locked until the commit, so that versions are gapless and
    in commit order; it is the transaction's first statement, so that SQLite waits its turn."""
    advanced = update(gallery).values(version=gallery.c.version + 1, total=gallery.c.total + added)
    return int(connection.execute(advanced.returning(gallery.c.version)).scalar_one())


def _state(connection: Connection) -> tuple[int, int]:
    version, total = connection.execute(select(gallery.c.version, gallery.c.total)).one()
    return version, total


def _photos(connection: Connection, query: Any) -> list[Photo]:
    return [Photo(**row) for row in connection.execute(query).mappings()]
