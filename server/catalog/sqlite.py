"""SQLite as the catalog's engine: one file, for all processes of one machine."""

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
from .errors import AlreadyClaimed

POLL_SECONDS = 0.04
WAIT_SECONDS = 30
"""For one's turn to write; whoever waits for so long is told to come again."""
WRITES = ("INSERT", "UPDATE", "DELETE")
QUEUED = "end of the turn to write"
"""The key of a connection's note."""


class SQLite:
    patience_seconds = 0
    """A file is there or it is not."""
    check = "SELECT version FROM gallery"
    """To write would be to wait for others who do."""

    def __init__(self, address: str) -> None:
        """Of a file, which is made by who is first `alone` there."""
        self._path = Path(address).absolute()
        self.engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            connect_args={"timeout": WAIT_SECONDS},
            pool_size=8,
            max_overflow=56,
            hide_parameters=True,  # names of people and photos are no matter of a log
        )
        self.snapshots = self.engine  # every transaction is one
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)
        event.listen(self.engine, "handle_error", _tell_defects, retval=True)
        self._writers = _WriterQueue(self._path.with_suffix(".lock"))
        event.listen(self.engine, "before_cursor_execute", self._queue_writer)
        event.listen(self.engine, "checkin", _leave_queue)

    @contextmanager
    def look(self) -> Iterator[Connection | None]:
        """For reading alone, without a setting that stays, such as WAL; None where no file is."""
        if not self._path.exists():
            yield None
            return
        engine = create_engine("sqlite://", creator=self._connect_to_look, poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    def _connect_to_look(self) -> sqlite3.Connection:
        # Not `mode=ro`, which may leave files of a WAL beside it, and not what would make a file.
        connection = sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True)
        connection.execute("PRAGMA query_only = ON")
        return connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction that no other process writes beside."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # names and secrets are in it; its WAL has the same mode
        # The first switch to WAL does not wait its turn: SQLite says at once that it is locked.
        with self._path.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.engine.execution_options(alone=True).begin() as connection:
                yield connection

    def _queue_writer(
        self, connection: Connection, _cursor: object, statement: str, *_rest: object
    ) -> None:
        """Every transaction that writes begins with that; see `advance`."""
        is_alone = connection.get_execution_options().get("alone", False)
        if not is_alone and statement.startswith(WRITES) and QUEUED not in connection.info:
            connection.info[QUEUED] = self._writers.wait_turn()

    @contextmanager
    def claim(self) -> Iterator[None]:
        with self._path.with_suffix(".claim").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyClaimed from None
            yield

    def analyze(self) -> None:
        """Plans follow the indexes here, whatever stands in them."""

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        # Not by the engine, which would begin a transaction, in which nothing ever changes.
        with (
            self.engine.connect() as connection,
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

    def is_refusal(self, why: str) -> bool:
        """A file that does not answer now may do so later."""
        return False

    def is_full(self, error: DBAPIError) -> bool:
        return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


class _WriterQueue:
    """Lets those who write come one after another, in all processes of this machine. SQLite itself
    has no queue: each looks again every tenth of a second at last, and where many write somebody
    looks in vain for ten seconds and more. Of a process one at once waits for the others, so that
    a process that stands still keeps no more than that one from giving up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first = threading.Lock()

    def wait_turn(self) -> Callable[[], None]:
        """What ends the turn. Raises CatalogUnavailable."""
        with ExitStack() as turn:
            if not self._first.acquire(timeout=WAIT_SECONDS):
                raise CatalogUnavailable("Others have been writing for too long")
            turn.callback(self._first.release)
            lock = turn.enter_context(self._path.open("wb"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            return turn.pop_all().close


def _leave_queue(_connection: object, record: ConnectionPoolEntry) -> None:
    """After the commit, or the rollback."""
    if end_turn := record.info.pop(QUEUED, None):
        end_turn()


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours: see _begin
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL could lose the last commits in a power cut, and a 204 is never taken back
    connection.execute("PRAGMA synchronous = FULL")
    # FTS5 reads its settings at first use: in the midst of a write, that would begin as a read,
    # which SQLite refuses to let write when anybody else has written meanwhile.
    with suppress(sqlite3.OperationalError):  # it is not there before the first migration
        connection.execute("SELECT * FROM photo_trigrams LIMIT 0")


def _begin(connection: Connection) -> None:
    """sqlite3 itself begins too late for a consistent read, and never for DDL."""
    alone = connection.get_execution_options().get("alone", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")


def _tell_defects(context: ExceptionContext) -> BaseException | None:
    """A statement that the schema does not fit ("no such column") is no matter of waiting, as
    SQLite's one class for that and for "database is locked" would have it: PostgreSQL's has two."""
    error = context.original_exception
    if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR:
        return None
    return ProgrammingError(context.statement, None, error, hide_parameters=True)


def _data_version(cursor: DBAPICursor) -> object:
    """Another number after every commit of another connection (SQLite's `PRAGMA data_version`)."""
    try:
        return cursor.execute("PRAGMA data_version").fetchall()
    except sqlite3.Error as error:
        raise CatalogUnavailable(str(error)) from error
