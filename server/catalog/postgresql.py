"""PostgreSQL as the catalog's engine: one server, for the processes of many machines."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from ..refusals import CatalogUnavailable
from .changes import CHANNEL
from .errors import AlreadyClaimed, UnusableCatalog
from .patience import be_patient
from .tables import metadata

MIGRATING = 0x64726F7077616C6C
"""The lock of who changes the schema: "dropwall"."""
CLAIMED = MIGRATING + 1
"""The lock of who copies a gallery to there."""
DEFAULTS = {
    "application_name": "dropwall",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "target_session_attrs": "read-write",  # after a failover, the one that took over
    # Whether a server that says nothing is still there is known within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",  # milliseconds
}
# When a connection is refused, psycopg knows no SQLSTATE of it, but what was said.
REFUSAL = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry"
    r'|(database|role) "[^"]*" does not exist|is not permitted to log in'
    r"|invalid port number|server does not support SSL"
)
STARTING = re.compile(r"is starting up|[Cc]onnection refused|timeout expired|not accepting")
"""Another of several servers."""
# A machine that vanishes must not hold the gallery's row for ever.
SESSION = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "4",
    "jit": "off",  # takes longer than our longest query
}


class PostgreSQL:
    patience_seconds = 30
    """It may be starting at the same time as we are."""
    check = "UPDATE gallery SET version = version WHERE false"
    """A standby refuses even that, and nobody waits for its lock."""

    def __init__(self, address: str) -> None:
        """Raises UnusableCatalog."""
        self._parameters = _parameters(address)
        self.engine = create_engine(
            "postgresql+psycopg://",
            # Not prepared: each is planned for the values it has, which partial indexes need.
            connect_args={**self._parameters, "prepare_threshold": None},
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=8,  # and one that watches: four workers of one machine stay below 100
            hide_parameters=True,
        )
        event.listen(self.engine, "connect", _keep_what_is_told)
        event.listen(self.engine, "handle_error", _give_up_standby)
        event.listen(self.engine, "handle_error", _hide_rows)
        self.snapshots = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextmanager
    def look(self) -> Iterator[Connection | None]:
        """For reading alone. Not by `snapshots`: SQLAlchemy would open every later transaction of
        this connection for writing, also where the server has become read-only meanwhile."""
        with self.engine.begin() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            be_patient(connection)
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
            encoding = connection.scalar(text("SHOW server_encoding"))
            if encoding != "UTF8":
                raise UnusableCatalog(
                    f"The database that DROPWALL_DATABASE names is encoded in {encoding}, which"
                    " cannot hold every name; please make one in UTF8."
                )
            yield connection

    @contextmanager
    def claim(self) -> Iterator[None]:
        """By a connection, so that it ends with whoever has it, however they end."""
        try:
            info = make_conninfo("", **self._parameters)
            with closing(psycopg.connect(info, autocommit=True)) as connection:
                claimed = connection.execute(f"SELECT pg_try_advisory_lock({CLAIMED})").fetchone()
                if claimed != (True,):
                    raise AlreadyClaimed
                yield
        except psycopg.Error as error:
            raise CatalogUnavailable(str(error)) from error

    def analyze(self) -> None:
        """So that the planner knows of them."""
        with self.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"ANALYZE {', '.join(metadata.tables)}"))

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        """A notification only wakes: what has happened, the catalog tells, and it may tell when
        none came, too."""
        try:
            info = make_conninfo("", **self._parameters)
            with closing(psycopg.connect(info, autocommit=True)) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                is_first = True

                def wait(seconds: float) -> bool:
                    nonlocal is_first
                    if not is_first:
                        list(connection.notifies(timeout=seconds, stop_after=1))
                    is_first = False
                    return True

                yield wait
        except psycopg.Error as error:
            raise CatalogUnavailable(str(error)) from error

    def is_refusal(self, why: str) -> bool:
        """Whether no waiting will help."""
        return bool(REFUSAL.search(why)) and not STARTING.search(why)

    def is_full(self, error: DBAPIError) -> bool:
        return isinstance(error.orig, psycopg.errors.DiskFull)


def _keep_what_is_told(connection: "psycopg.Connection[Any]", _record: object) -> None:
    """A 204 is never taken back, as it would be by a power cut where commits are not waited for.
    Who waits for more than one disk goes on to do so."""
    connection.autocommit = True
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.autocommit = False


def _give_up_standby(context: ExceptionContext) -> None:
    """Another server takes what is written by now, or this one will: all connections are made
    anew."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def _hide_rows(context: ExceptionContext) -> None:
    """What libpq says in detail of a refused row are its values: names, which are no matter of a
    log."""
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and wrapped and (primary := error.diag.message_primary):
        wrapped.args = tuple(each.replace(str(error), primary) for each in wrapped.args)
        error.args = (primary,)


def _parameters(address: str) -> dict[str, str]:
    """Of the connection. What libpq says of a bad address may have pieces of the password in it."""
    try:
        asked = {name: str(value) for name, value in conninfo_to_dict(address).items()}
    except psycopg.Error:
        asked = {}
    place = f"{asked.get('host')}{asked.get('dbname')}"
    if not asked or "@" in place or not re.fullmatch(r"[\d,]*", asked.get("port", "")):
        raise UnusableCatalog(
            "DROPWALL_DATABASE is no address that PostgreSQL understands; please write it as"
            " postgresql://user:password@host:port/name, with %40 for an @ in the password,"
            " and so on."
        )
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    options = f"{options} {asked.get('options', '')}".strip()
    return DEFAULTS | asked | {"options": options}
