"""SQLite as the catalog's engine: one file, shared by the processes of one machine."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from ..refusals import CatalogUnavailable
from .database import AlreadyClaimed, Database, translated_errors

POLL_SECONDS = 0.04
LOCK_WAIT_SECONDS = 30
"""Longest wait for the write lock; after it the visitor is asked to try again."""


class SQLite(Database):
    snapshot_begins = "BEGIN"
    patience_seconds = 0  # a file is there or it is not: waiting does not help
    check_statement = "SELECT version FROM gallery"  # a write would wait for other writers

    def __init__(self, address: str) -> None:
        """The file is made by the first `alone`."""
        self._path = Path(address).absolute()
        pool = self._connect(pool_size=8, max_overflow=56)
        event.listen(pool, "connect", _forbid_writing)
        # A connection of its own: who has the lock of all processes waits for no reader's.
        self._writer = self._connect(pool_size=1, max_overflow=0)
        super().__init__(pool, pool, self._writer)  # every transaction is a snapshot
        self._lock_path = self._path.with_suffix(".lock")
        self._first_writer = threading.Lock()

    def _connect(self, pool_size: int, max_overflow: int) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            connect_args={"timeout": LOCK_WAIT_SECONDS},
            pool_size=pool_size,
            max_overflow=max_overflow,
            hide_parameters=True,  # people's names do not belong in a log
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "handle_error", _raise_programming_error, retval=True)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write: no other one does until it ends.

        SQLite has no queue: each writer polls, at last every 0.1 s, and among many one may starve
        for ten seconds and more. An flock lets the processes of this machine write in turn. Only
        one thread of a process waits for it, so that a stopped process holds up no more than one
        place in the line. Raises CatalogUnavailable.
        """
        if not self._first_writer.acquire(timeout=LOCK_WAIT_SECONDS):
            raise CatalogUnavailable("Others have been writing for too long")
        try:
            with self._lock_path.open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with translated_errors(), self._writer.begin() as connection:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    yield connection
        finally:
            self._first_writer.release()

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Like every transaction, but it makes the file where there is none."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # it holds names and secrets; its WAL gets the same mode
        # It waits before it connects: the first switch to WAL waits for no lock, and SQLite fails
        # at once with "locked".
        with self.transaction() as connection:
            yield connection

    @contextmanager
    def _connect_to_look(self) -> Iterator[Connection | None]:
        """Connect without persistent settings such as WAL."""
        if not self._path.exists():
            yield None
            return

        def connect() -> sqlite3.Connection:
            # Not `mode=ro`, which may leave WAL files behind, nor `rwc`, which would make a file.
            connection = sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True)
            connection.isolation_level = None
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")  # another process may be making the tables just now
            return connection

        with create_engine("sqlite://", creator=connect, poolclass=NullPool).connect() as found:
            yield found

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        # Without SQLAlchemy's transaction, in which nothing would ever change.
        with (
            translated_errors(),
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
    def claim(self) -> Iterator[None]:
        with self._path.with_suffix(".claim").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyClaimed from None
            yield

    def analyze(self) -> None:
        """Does nothing: SQLite plans by our indexes alone, whatever their contents."""

    def _is_rejection(self, why: str) -> bool:
        return False


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # its own BEGIN is too late for a snapshot and for DDL
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL could lose the last commits in a power cut, and a 204 is never taken back.
    connection.execute("PRAGMA synchronous = FULL")


def _forbid_writing(connection: sqlite3.Connection, _record: object) -> None:
    """Let no snapshot write past the line of writers."""
    connection.execute("PRAGMA query_only = ON")


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
