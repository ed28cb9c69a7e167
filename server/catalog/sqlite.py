"""SQLite as the catalog's engine: one file, shared by the processes of one machine."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from ..refusals import CatalogUnavailable

POLL_SECONDS = 0.04
LOCK_WAIT_SECONDS = 30
"""Longest wait for the write lock; after it the visitor is asked to try again."""
WRITES = ("INSERT", "UPDATE", "DELETE")
UNLOCK = "release the write queue"
"""Key in a connection's `info`."""


class SQLite:
    patience_seconds = 0
    """A file is there or it is not: waiting does not help."""
    check = "SELECT version FROM gallery"
    """Reads only: a write would wait for other writers."""

    def __init__(self, address: str) -> None:
        """The file is made by the first `alone`."""
        self._path = Path(address).absolute()
        self.pool = create_engine(
            URL.create("sqlite", database=str(self._path)),
            connect_args={"timeout": LOCK_WAIT_SECONDS},
            pool_size=8,
            max_overflow=56,
            hide_parameters=True,  # people's names do not belong in a log
        )
        self.snapshots = self.pool  # every transaction is one
        event.listen(self.pool, "connect", _prepare)
        event.listen(self.pool, "begin", _begin)
        event.listen(self.pool, "handle_error", _raise_programming_error, retval=True)
        self._lock_path = self._path.with_suffix(".lock")
        self._first_writer = threading.Lock()
        event.listen(self.pool, "before_cursor_execute", self._queue_writer)
        event.listen(self.pool, "checkin", _release_writer)

    def _queue_writer(
        self, connection: Connection, _cursor: object, statement: str, *_rest: object
    ) -> None:
        """Wait in line before the first write of a transaction, until its commit or rollback.

        SQLite has no queue: each writer polls, at last every 0.1 s, and among many one may starve
        for ten seconds and more. An flock lets the processes of this machine write in turn. Only
        one thread of a process waits for it, so that a stopped process holds up no more than one
        place in the line. Every transaction that writes begins with a write (see
        `changes.advance`). Raises CatalogUnavailable.
        """
        is_alone = connection.get_execution_options().get("alone", False)
        if is_alone or not statement.startswith(WRITES) or UNLOCK in connection.info:
            return
        with ExitStack() as held:
            if not self._first_writer.acquire(timeout=LOCK_WAIT_SECONDS):
                raise CatalogUnavailable("Others have been writing for too long")
            held.callback(self._first_writer.release)
            lock = held.enter_context(self._lock_path.open("wb"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            connection.info[UNLOCK] = held.pop_all().close

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction beside which no other process writes."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # it holds names and secrets; its WAL gets the same mode
        # The first switch to WAL does not wait for locks: SQLite fails at once with "locked".
        with self._lock_path.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.pool.execution_options(alone=True).begin() as connection:
                yield connection

    @contextmanager
    def look(self) -> Iterator[Connection | None]:
        """Read without persistent settings such as WAL; None where there is no file."""
        if not self._path.exists():
            yield None
            return
        pool = create_engine("sqlite://", creator=self._connect_to_look, poolclass=NullPool)
        with pool.connect() as connection:
            yield connection

    def _connect_to_look(self) -> sqlite3.Connection:
        # Not `mode=ro`, which may leave WAL files behind, and not `rwc`, which would make a file.
        connection = sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True)
        connection.execute("PRAGMA query_only = ON")
        return connection

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        # Without SQLAlchemy's transaction, in which nothing would ever change.
        with (
            self.pool.connect() as connection,
            closing(connection.connection.cursor()) as cursor,
        ):
            seen: object = None

            def wait(seconds: float) -> bool:
                nonlocal seen
                deadline = time.monotonic() + seconds
                while (version := _data_version(cursor)) == seen:
                    if time.monotonic() >= deadline:
                        return False
                    time.sleep(POLL_SECONDS)
                seen = version
                return True

            yield wait

    @contextmanager
    def claim(self) -> Iterator[bool]:
        """Yields whether the lock is ours."""
        with self._path.with_suffix(".claim").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def analyze(self) -> None:
        """Does nothing: SQLite plans by our indexes alone, whatever their contents."""

    def is_rejection(self, why: str) -> bool:
        """Never: a file that does not answer now may do so later."""
        return False

    def is_full(self, error: DBAPIError) -> bool:
        return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _release_writer(_connection: object, record: ConnectionPoolEntry) -> None:
    if unlock := record.info.pop(UNLOCK, None):
        unlock()


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours: see _begin
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL could lose the last commits in a power cut, and a 204 is never taken back.
    connection.execute("PRAGMA synchronous = FULL")
    # FTS5 reads its settings on first use: within a write that would be a read first, which SQLite
    # does not upgrade to a write once another connection has written.
    with suppress(sqlite3.OperationalError):  # there is no such table in an empty database
        connection.execute("SELECT * FROM photo_trigrams LIMIT 0")


def _begin(connection: Connection) -> None:
    """sqlite3 itself begins too late for a consistent read, and never for DDL."""
    alone = connection.get_execution_options().get("alone", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")


def _raise_programming_error(context: ExceptionContext) -> BaseException | None:
    """Turn "no such column" and the like into ProgrammingError, as PostgreSQL's driver does.
    sqlite3 has one class for them and for "database is locked", which is worth a retry."""
    error = context.original_exception
    if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR:
        return None
    return ProgrammingError(context.statement, None, error, hide_parameters=True)


def _data_version(cursor: DBAPICursor) -> object:
    """Return a number that changes with every commit of another connection."""
    try:
        return cursor.execute("PRAGMA data_version").fetchall()
    except sqlite3.Error as error:
        raise CatalogUnavailable(str(error)) from error
