"""The catalog's database: transactions, snapshots, and the same errors on either engine."""

import errno
import logging
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..operations.logs import OutageLog
from ..refusals import CatalogUnavailable
from . import schema
from .schema import UnusableCatalog
from .sqlite import SQLite
from .tables import secrets

if TYPE_CHECKING:
    from .postgresql import PostgreSQL

RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)


class AlreadyClaimed(Exception):
    """Another process is copying a gallery to this database."""


def open_database(address: str) -> "Database":
    """Open the database at an address and bring its schema up to date. Raises CatalogUnavailable,
    UnusableCatalog."""
    database = find_database(address)
    database.upgrade()
    return database


def find_database(address: str) -> "Database":
    """Return the database at an address: a SQLite file's path, or `postgresql://…`. Until it is
    upgraded, only `look` may be called. Raises UnusableCatalog."""
    if not address.startswith("postgresql://"):
        return Database(SQLite(address))
    from .postgresql import PostgreSQL  # psycopg is loaded only where it is used

    return Database(PostgreSQL(address))


class Database:
    """Every method raises CatalogUnavailable when the database does not answer, and
    OSError(ENOSPC) when its disk is full."""

    def __init__(self, engine: "SQLite | PostgreSQL") -> None:
        self._engine = engine
        # Called at the latest when this object is garbage collected.
        self.close = weakref.finalize(self, engine.pool.dispose)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Read and write, at READ COMMITTED: a later statement may see more than an earlier one."""
        with self._translated_errors(), self._engine.pool.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read only: all statements see the same moment."""
        with self._translated_errors(), self._engine.snapshots.begin() as connection:
            yield connection

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        """Yields a function that waits, for at most so many seconds, until some process may have
        committed something since its last call. The first call returns True at once; False is
        certain."""
        with self._translated_errors(), self._engine.watch() as wait:
            yield wait

    def check(self) -> None:
        """Check the database. Raises CatalogUnavailable when it does not answer or is read-only."""
        with self.transaction() as connection:
            connection.execute(text(self._engine.check))

    @contextmanager
    def look(self) -> Iterator[Connection | None]:
        """Read a database that may not be ours, before it is upgraded, without changing or making
        anything. Yields None where there is no database yet. Raises UnusableCatalog when it is
        another program's, or of a Dropwall that is newer, or too old."""
        with self._translated_errors(), self._engine.look() as connection:
            if connection:
                schema.check(connection)
            yield connection

    def upgrade(self) -> None:
        """Bring the schema up to date; safe when many machines start together. Retries while the
        server is starting; fails at once if it rejects our credentials. Raises
        CatalogUnavailable, UnusableCatalog."""
        deadline = time.monotonic() + self._engine.patience_seconds
        outages = OutageLog(log)
        while True:
            try:
                with self.look():  # before another program's file is switched to WAL
                    pass
                with self._translated_errors(), self._engine.alone() as connection:
                    return schema.upgrade(connection)
            except ProgrammingError as error:  # such as a missing privilege
                raise UnusableCatalog(f"The catalog cannot be prepared: {error.orig}") from error
            except CatalogUnavailable as error:
                why = " ".join(str(error).split())
                if self._engine.is_rejection(why):
                    raise CatalogUnavailable(
                        f"The catalog cannot be opened; please see to DROPWALL_DATABASE: {why}"
                    ) from error
                if time.monotonic() >= deadline:
                    raise CatalogUnavailable(
                        f"The catalog does not answer; please see to DROPWALL_DATABASE: {why}"
                    ) from error
                outages.failed(
                    "Waiting for the database, %d seconds at most: %s",
                    self._engine.patience_seconds,
                    why,
                )
                time.sleep(RETRY_SECONDS)

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the lock of the one process, on any machine, that copies a gallery to this
        database. Raises AlreadyClaimed."""
        with self._translated_errors(), self._engine.claim() as is_ours:
            if not is_ours:
                raise AlreadyClaimed
            yield

    def analyze(self) -> None:
        """Update the planner's statistics after very many rows were written at once."""
        with self._translated_errors():
            self._engine.analyze()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError, NotSupportedError, ProgrammingError):
            raise
        except PoolTimeout as error:
            raise CatalogUnavailable(str(error)) from error
        except DBAPIError as error:
            if self._engine.is_full(error):
                raise OSError(errno.ENOSPC, "The catalog's disk is full") from error
            raise CatalogUnavailable(str(error.orig)) from error


def keep_secret(database: Database, name: str, proposed: bytes) -> bytes:
    """Return the secret that is stored under this name. The first one proposed is stored, whichever
    machine proposes it."""
    row = {"name": name, "value": proposed.hex()}
    with database.transaction() as connection:
        connection.execute(insert_or_update(connection, secrets, row, {}))
        stored = connection.execute(select(secrets.c.value).where(secrets.c.name == name))
        return bytes.fromhex(stored.scalar_one())


def insert_or_update(
    connection: Connection, table: Table, row: Mapping[str, Any], changes: Mapping[str, Any]
) -> Any:
    """Build an upsert (INSERT … ON CONFLICT): insert the row or, where its primary key exists,
    apply only `changes`. Without changes the existing row stays as it is."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(table).values(row)
    key = table.primary_key.columns
    if not changes:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=changes)
