"""The database's schema: brought up to date at start, or refused when it is not ours."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, inspect, text
from sqlalchemy.schema import CreateColumn

from .tables import metadata
from .trigrams import missing_parts

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "head"
MAX_NAMED_TABLES = 5
LOCK_SECONDS = 5
"""Longest wait for a lock of PostgreSQL's: readers queue behind a migration that waits."""

log = logging.getLogger(__name__)


class UnusableCatalog(Exception):
    """This database cannot be used until somebody has seen to it; the message is a sentence that
    tells them what to do."""


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """Run the missing migrations, in a transaction beside which nobody else changes the schema.
    Raises UnusableCatalog."""
    if revision != NEWEST or _revisions(connection) != [_newest()]:
        import alembic.command  # loading it takes half of a start, and most starts need none

        check(connection)
        config = _alembic_config()
        config.attributes["connection"] = connection
        _lock_out_writers(connection)
        alembic.command.upgrade(config, revision)
    if revision == NEWEST:
        _complete(connection)


def check(connection: Connection) -> None:
    """Raises UnusableCatalog when the database is another program's or of a newer Dropwall."""
    present = set(_revisions(connection))
    if present == {_newest()}:
        return
    from alembic.script import ScriptDirectory

    migrations = ScriptDirectory.from_config(_alembic_config())
    known = {migration.revision for migration in migrations.walk_revisions()}
    if unknown := present - known:
        raise UnusableCatalog(
            f"The catalog has a schema that this Dropwall does not know ({', '.join(unknown)}): it"
            " is a newer one's, or another program's. Please update Dropwall, or let"
            " DROPWALL_DATABASE name another database."
        )
    tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    if tables and not present:
        named = sorted(tables)[:MAX_NAMED_TABLES]
        if len(tables) > MAX_NAMED_TABLES:
            named.append("…")
        raise UnusableCatalog(
            "The database that DROPWALL_DATABASE names has tables of another program"
            f" ({', '.join(named)}); please give Dropwall one of its own."
        )


def lift_timeouts(connection: Connection) -> None:
    """Disable PostgreSQL's statement timeouts for this transaction."""
    if connection.dialect.name == "postgresql":
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {setting} = 0"))


def _revisions(connection: Connection) -> list[str]:
    """Read Alembic's record of the schema: one revision, or none in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _newest() -> str:
    """Return the last revision by the names of the files, which begin with their numbers."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]


def _alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _lock_out_writers(connection: Connection) -> None:
    """Lock the gallery's table before a migration changes the photos'. During a rolling update old
    servers still write, and lock the two in that order: the other order would deadlock. The
    migration gives up after LOCK_SECONDS, and is tried again by `Database.upgrade`."""
    if connection.dialect.name == "postgresql" and inspect(connection).has_table("gallery"):
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(text("LOCK TABLE gallery IN EXCLUSIVE MODE"))


def _complete(connection: Connection) -> None:
    """Add columns and indexes that are missing though the revision is the newest: a few migrations
    were edited after galleries had been made with them. A table, a unique index, or a column that
    needs a value cannot be added, and is named. Raises UnusableCatalog."""
    inspector, names = inspect(connection), list(metadata.tables)
    present = {
        table: {column["name"] for column in columns}
        for (_, table), columns in inspector.get_multi_columns(filter_names=names).items()
    }
    indexed = {
        index["name"]
        for indexes in inspector.get_multi_indexes(filter_names=names).values()
        for index in indexes
    }
    columns: list[Column[object]] = []
    indexes = []
    lacking = missing_parts(connection)
    for table in metadata.sorted_tables:
        if table.name not in present:
            lacking.append(table.name)
            continue
        for column in table.columns:
            if column.name not in present[table.name]:
                if column.nullable:
                    columns.append(column)
                else:
                    lacking.append(f"{table.name}.{column.name}")
        missing = [index for index in table.indexes if index.name not in indexed]
        indexes += sorted(missing, key=lambda index: str(index.name))
    lacking += [str(index.name) for index in indexes if index.unique]  # rows may violate it
    if lacking:
        raise UnusableCatalog(
            f"The catalog lacks what this Dropwall needs ({', '.join(lacking)}), as one of an early"
            " development version does. Please let DROPWALL_DATABASE name a backup of it, or"
            " another database."
        )
    if not columns and not indexes:
        return
    _lock_out_writers(connection)
    for column in columns:
        definition = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}"))
    for index in indexes:
        index.create(connection)
    added = [f"{column.table.name}.{column.name}" for column in columns]
    added += [str(index.name) for index in indexes]
    log.warning("The catalog lacked what was added now: %s", ", ".join(added))
