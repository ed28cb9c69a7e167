"""The database under the catalog: its engine, its schema, its transactions, its troubles."""

import errno
import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import alembic.command
import alembic.config
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

MIGRATIONS = Path(__file__).parents[1] / "migrations"


class CatalogUnavailable(Exception):
    """The database does not answer, or not in time."""


class Database:
    """Every transaction raises CatalogUnavailable when the database is not there,
    OSError(ENOSPC) when its disk is full."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upgrade(self) -> None:
        """Bring the schema up to date; safe when many processes start together."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with _translated_errors(), self._engine.execution_options(alone=True).begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    @contextmanager
    def watch(self) -> Iterator[Callable[[], bool]]:
        """Gives a function that tells whether something was committed, by whichever process, since
        it was asked last; the first time it says yes."""
        with _translated_errors(), self._engine.connect() as connection:
            seen: object = None

            def has_changed() -> bool:
                nonlocal seen
                former, seen = seen, _data_version(connection)
                return seen != former

            yield has_changed

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with _translated_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that sees one moment, however long it reads and whatever is committed
        meanwhile. Every transaction of SQLite is one."""
        engine = self._engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with _translated_errors(), engine.begin() as connection:
            yield connection


def open_database(address: str) -> Database:
    """The engine for an address: a SQLite file's path. Brings the schema up to date."""
    path = Path(address).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # names and passwords are in it; its WAL has the same mode
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": 30},
        pool_size=8,
        max_overflow=56,
        hide_parameters=True,  # names of people and photos are no matter of a log
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine)
    # The first switch to WAL does not wait its turn: SQLite says at once that it is locked.
    with path.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        database.upgrade()
    return database


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours: see _begin_sqlite
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL could lose the last commits in a power cut, and a 204 is never taken back
    connection.execute("PRAGMA synchronous = FULL")
    # SQLite's own knows only ASCII: ÄNNE is found as änne, as PostgreSQL finds her
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return text and text.lower()


def _data_version(connection: Connection) -> object:
    """Another number after every commit of another connection (SQLite's `PRAGMA data_version`)."""
    # Not by the engine, which would begin a transaction, in which nothing ever changes.
    with closing(connection.connection.cursor()) as cursor:
        try:
            return cursor.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise CatalogUnavailable(str(error)) from error


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
