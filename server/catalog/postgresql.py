"""PostgreSQL as the catalog's engine: one server, shared by the processes of many machines."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, ExceptionContext, create_engine, event, text

from ..refusals import CatalogUnavailable
from .database import AlreadyClaimed, Database, translated_errors
from .schema import UnusableCatalog, lift_timeouts
from .tables import CHANNEL, metadata

SCHEMA_LOCK = 0x64726F7077616C6C
"""Advisory lock of the process that changes the schema: "dropwall" in ASCII."""
COPY_LOCK = SCHEMA_LOCK + 1
"""Advisory lock of the process that copies a gallery to this database."""
DEFAULTS = {
    "application_name": "dropwall",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "target_session_attrs": "read-write",  # after a failover, the one that took over
    # A server that has vanished is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",  # milliseconds
}
# psycopg has no SQLSTATE for a connection that was refused, only the server's message.
REJECTED = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry"
    r'|(database|role) "[^"]*" does not exist|is not permitted to log in'
    r"|invalid port number|server does not support SSL"
)
STARTING = re.compile(r"is starting up|[Cc]onnection refused|timeout expired|not accepting")
"""Messages of other servers in the address, which may answer later."""
# Timeouts, so that a machine that vanishes does not keep the gallery's row locked for ever.
SESSION = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "4",
    "jit": "off",  # compiling takes longer than our longest query
}


class PostgreSQL(Database):
    patience_seconds = 30
    # A standby refuses even that, and no row is locked by it.
    check_statement = "UPDATE gallery SET version = version WHERE false"

    def __init__(self, address: str) -> None:
        """Raises UnusableCatalog."""
        self._parameters = _parameters(address)
        pool = create_engine(
            "postgresql+psycopg://",
            # Not prepared: partial indexes are used only where the planner sees the values.
            connect_args={**self._parameters, "prepare_threshold": None},
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=8,  # and one for LISTEN: four workers need fewer than 100, the default
            hide_parameters=True,
        )
        event.listen(pool, "connect", _make_commits_durable)
        event.listen(pool, "handle_error", _drop_read_only_connections)
        event.listen(pool, "handle_error", _hide_values)
        # Without `postgresql_readonly`: SQLAlchemy would open every later transaction of such a
        # connection READ WRITE, though the server may have become read-only.
        super().__init__(pool, pool.execution_options(isolation_level="REPEATABLE READ"))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with translated_errors(), self.pool.begin() as connection:
            yield connection

    @contextmanager
    def _connect_to_look(self) -> Iterator[Connection | None]:
        with self.pool.begin() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        with self.pool.begin() as connection:
            lift_timeouts(connection)
            connection.execute(text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"))
            encoding = connection.scalar(text("SHOW server_encoding"))
            if encoding != "UTF8":
                raise UnusableCatalog(
                    f"The database that DROPWALL_DATABASE names is encoded in {encoding}, which"
                    " can't hold every name. Make one in UTF8."
                )
            yield connection

    @contextmanager
    def claim(self) -> Iterator[None]:
        with self._own_connection() as connection:
            locked = connection.execute(f"SELECT pg_try_advisory_lock({COPY_LOCK})").fetchone()
            if locked != (True,):
                raise AlreadyClaimed
            yield

    def analyze(self) -> None:
        with self.transaction() as connection:
            lift_timeouts(connection)
            connection.execute(text(f"ANALYZE {', '.join(metadata.tables)}"))

    @contextmanager
    def watch(self) -> Iterator[Callable[[float], bool]]:
        """A notification only wakes the caller, who reads what has changed, also when none came."""
        with self._own_connection() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            is_first = True

            def wait(seconds: float) -> bool:
                nonlocal is_first
                if not is_first:
                    list(connection.notifies(timeout=seconds, stop_after=1))
                is_first = False
                return True

            yield wait

    @contextmanager
    def _own_connection(self) -> "Iterator[psycopg.Connection[Any]]":
        """A connection outside the pool, without a transaction. Raises CatalogUnavailable."""
        try:
            info = make_conninfo("", **self._parameters)
            with closing(psycopg.connect(info, autocommit=True)) as connection:
                yield connection
        except psycopg.Error as error:
            raise CatalogUnavailable(str(error)) from error

    def _is_rejection(self, why: str) -> bool:
        return bool(REJECTED.search(why)) and not STARTING.search(why)


def _make_commits_durable(connection: "psycopg.Connection[Any]", _record: object) -> None:
    """Override `synchronous_commit = off`, with which a power cut could take back a 204. Stricter
    settings (`remote_apply`) stay."""
    connection.autocommit = True
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.autocommit = False


def _drop_read_only_connections(context: ExceptionContext) -> None:
    """Close all pooled connections when one is read-only: after a failover another server, or
    this one later, takes writes."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def _hide_values(context: ExceptionContext) -> None:
    """Cut off libpq's DETAIL, which holds a refused row's values: people's names do not belong in
    a log."""
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and wrapped and (primary := error.diag.message_primary):
        wrapped.args = tuple(each.replace(str(error), primary) for each in wrapped.args)
        error.args = (primary,)


def _parameters(address: str) -> dict[str, str]:
    """Parse an address into libpq's connection parameters. Its own error message is not shown: it
    may contain pieces of the password. Raises UnusableCatalog."""
    try:
        asked = {name: str(value) for name, value in conninfo_to_dict(address).items()}
    except psycopg.Error:
        asked = {}
    place = f"{asked.get('host')}{asked.get('dbname')}"
    if not asked or "@" in place or not re.fullmatch(r"[\d,]*", asked.get("port", "")):
        raise UnusableCatalog(
            "DROPWALL_DATABASE is no address that PostgreSQL understands. Write it as"
            " postgresql://user:password@host:port/name, with %40 for an @ in the password,"
            " and so on."
        )
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    options = f"{options} {asked.get('options', '')}".strip()
    return DEFAULTS | asked | {"options": options}
