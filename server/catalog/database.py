"""The catalog's database: transactions, snapshots, and the same errors on either engine."""

import errno
import json
import logging
import sqlite3
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    any_,
    func,
    literal,
    select,
    text,
)
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
from .tables import secrets

RETRY_SECONDS = 0.5
DISK_FULL = "53100"
"""SQLSTATE of PostgreSQL."""

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
    if address.startswith("postgresql://"):
        from .postgresql import PostgreSQL  # psycopg is loaded only where it is used

        return PostgreSQL(address)
    from .sqlite import SQLite

    return SQLite(address)


class Database(ABC):
    """The catalog's database, of either engine. Every method raises CatalogUnavailable when the
    database does not answer, and OSError(ENOSPC) when its disk is full."""

    snapshot_begins = ""
    """Statement that begins a snapshot, where the driver does not begin one itself."""
    patience_seconds: float
    """How long `upgrade` waits for a server that may be starting."""
    check_statement: str
    """A statement that fails where the database cannot be written to, and waits for no writer."""

    def __init__(self, pool: Engine, snapshots: Engine, *engines: Engine) -> None:
        """Transactions of `snapshots` see one moment. `engines` are those that are closed as well
        as the `pool`."""
        self.pool = pool
        self._snapshots = snapshots
        # Called at the latest when this object is garbage collected.
        self.close = weakref.finalize(self, _dispose, pool, *engines)

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """Read and write. SQLite's writers wait for each other before the first statement,
        PostgreSQL's only for rows: there, at READ COMMITTED, a later statement may see more than an
        earlier one."""

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read only: all statements see the same moment."""
        with translated_errors(), self._snapshots.begin() as connection:
            if self.snapshot_begins:
                connection.exec_driver_sql(self.snapshot_begins)
            yield connection

    @abstractmethod
    def watch(self) -> AbstractContextManager[Callable[[float], bool]]:
        """Yields a function that waits, for at most so many seconds, until some process may have
        committed something since its last call. The first call returns True at once; False is
        certain."""

    def check(self) -> None:
        """Check the database. Raises CatalogUnavailable when it does not answer, or when
        PostgreSQL is a standby."""
        with translated_errors(), self.pool.begin() as connection:
            connection.execute(text(self.check_statement))

    @contextmanager
    def look(self) -> Iterator[Connection | None]:
        """Read a database that may not be ours, before it is upgraded, without changing or making
        anything. Yields None where there is no database yet. Raises UnusableCatalog when it is
        another program's, or of a Dropwall that is newer, or too old."""
        with translated_errors(), self._connect_to_look() as connection:
            if connection:
                schema.check(connection)
            yield connection

    def upgrade(self) -> None:
        """Bring the schema up to date; safe when many machines start together. Retries while the
        server is starting; fails at once if it rejects our credentials. Raises
        CatalogUnavailable, UnusableCatalog."""
        deadline = time.monotonic() + self.patience_seconds
        outages = OutageLog(log)
        while True:
            try:
                with self.look():  # before another program's file is switched to WAL
                    pass
                with translated_errors(), self.alone() as connection:
                    return schema.upgrade(connection)
            except ProgrammingError as error:  # such as a missing privilege
                raise UnusableCatalog(f"The catalog can't be prepared: {error.orig}") from error
            except CatalogUnavailable as error:
                why = " ".join(str(error).split())
                if self._is_rejection(why):
                    raise CatalogUnavailable(
                        f"The catalog can't be opened. Check DROPWALL_DATABASE: {why}"
                    ) from error
                if time.monotonic() >= deadline:
                    raise CatalogUnavailable(
                        f"The catalog doesn't answer. Check DROPWALL_DATABASE: {why}"
                    ) from error
                outages.failed(
                    "Waiting for the database, %d seconds at most: %s", self.patience_seconds, why
                )
                time.sleep(RETRY_SECONDS)

    @abstractmethod
    def alone(self) -> AbstractContextManager[Connection]:
        """A transaction beside which no other process changes the schema. Errors are those of
        SQLAlchemy."""

    @abstractmethod
    def claim(self) -> AbstractContextManager[None]:
        """Hold the lock of the one process, on any machine, that copies a gallery to this
        database. It ends with the process, however that ends. Raises AlreadyClaimed."""

    @abstractmethod
    def analyze(self) -> None:
        """Update the planner's statistics after very many rows were written at once."""

    @abstractmethod
    def _connect_to_look(self) -> AbstractContextManager[Connection | None]: ...

    @abstractmethod
    def _is_rejection(self, why: str) -> bool:
        """Whether the server rejected us for this reason, so that waiting does not help."""


def _dispose(*engines: Engine) -> None:
    for engine in engines:
        engine.dispose()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what another attempt may mend into CatalogUnavailable, and a full disk into
    OSError(ENOSPC). A statement that is wrong stays an error of SQLAlchemy."""
    try:
        yield
    except (DataError, IntegrityError, NotSupportedError, ProgrammingError):
        raise
    except PoolTimeout as error:
        raise CatalogUnavailable(str(error)) from error
    except DBAPIError as error:
        sqlite_error = getattr(error.orig, "sqlite_errorcode", None)
        if sqlite_error == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", "") == DISK_FULL:
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


def is_one_of(
    connection: Connection, column: Column[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Whether a column is one of many thousand values, which are sent as one parameter."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))
