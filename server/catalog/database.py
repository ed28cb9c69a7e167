"""The database under the catalog: its transactions, its troubles."""

import errno
import logging
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..refusals import CatalogUnavailable
from . import schema
from .errors import UnusableCatalog
from .sqlite import SQLite

if TYPE_CHECKING:
    from .postgresql import PostgreSQL

RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)


class Database:
    """Every transaction raises CatalogUnavailable when the database is not there,
    OSError(ENOSPC) when its disk is full."""

    def __init__(self, kind: "SQLite | PostgreSQL") -> None:
        self._kind = kind
        # Nobody has to: it is closed when nobody has it any more.
        self.close = weakref.finalize(self, kind.engine.dispose)

    def upgrade(self) -> None:
        """Bring the schema up to date; safe when many machines start together. Waits for a
        server that is just starting, too, but not for one that knows us not. Raises
        CatalogUnavailable, UnusableCatalog."""
        deadline = time.monotonic() + self._kind.patience_seconds
        is_told = False
        while True:
            try:
                with self.look():  # before another program's file is switched to WAL
                    pass
                with self._translated_errors(), self._kind.alone() as connection:
                    return schema.upgrade(connection)
            except ProgrammingError as error:  # such as what this user may not do
                raise UnusableCatalog(f"The catalog cannot be prepared: {error.orig}") from error
            except CatalogUnavailable as error:
                why = " ".join(str(error).split())
                if self._kind.is_refusal(why):
                    raise CatalogUnavailable(
                        f"The catalog cannot be opened; please see to DROPWALL_DATABASE: {why}"
                    ) from error
                if time.monotonic() >= deadline:
                    raise CatalogUnavailable(
                        f"The catalog does not answer; please see to DROPWALL_DATABASE: {why}"
                    ) from error
                if not is_told:
                    log.warning(
                        "Waiting for the database, %d seconds at most: %s",
                        self._kind.patience_seconds,
                        why,
                    )
                is_told = True
                time.sleep(RETRY_SECONDS)

    @contextmanager
    def look(self) -> Iterator[Connection | None]:
        """For reading what may be anybody's, before it is upgraded: nothing is changed or made
        there. None where there is no database yet. Raises UnusableCatalog when it is another
        program's, or a newer Dropwall's."""
        with self._translated_errors(), self._kind.look() as connection:
            if connection:
                schema.check(connection)
            yield connection

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        """Gives a function that waits until something may have been committed, by whichever
        process, since it was asked last: so many seconds at most. The first time it says yes at
        once; no is certain."""
        with self._translated_errors(), self._kind.watch() as wait:
            yield wait

    def check(self) -> None:
        """Raises CatalogUnavailable when it does not answer, or takes nothing in."""
        with self.transaction() as connection:
            connection.execute(text(self._kind.check))

    @contextmanager
    def claim(self) -> Iterator[None]:
        """For who copies a gallery to there, on whichever machine. Raises AlreadyClaimed."""
        with self._translated_errors(), self._kind.claim():
            yield

    def analyze(self) -> None:
        """After very many rows have come at once."""
        with self._translated_errors():
            self._kind.analyze()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A later statement may see more than an earlier one; rows that it has written wait for
        nobody else's."""
        with self._begun(self._kind.engine) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """For reading alone: all its statements see one moment."""
        with self._begun(self._kind.snapshots) as connection:
            yield connection

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        with self._translated_errors(), engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError, NotSupportedError, ProgrammingError):
            raise
        except PoolTimeout as error:
            raise CatalogUnavailable(str(error)) from error
        except DBAPIError as error:
            if self._kind.is_full(error):
                raise OSError(errno.ENOSPC, "The catalog's disk is full") from error
            raise CatalogUnavailable(str(error.orig)) from error


def open_database(address: str) -> Database:
    """The database of an address, with its schema brought up to date. Raises CatalogUnavailable,
    UnusableCatalog."""
    database = find_database(address)
    database.upgrade()
    return database


def find_database(address: str) -> Database:
    """The database of an address: a SQLite file's path, or PostgreSQL's `postgresql://…`. Until it
    is upgraded, there is only to `look` at it. Raises UnusableCatalog."""
    if not address.startswith("postgresql://"):
        return Database(SQLite(address))
    from .postgresql import PostgreSQL

    return Database(PostgreSQL(address))
