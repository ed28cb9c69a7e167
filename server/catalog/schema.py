"""The database's schema: brought up to date at start, or refused when it is not ours."""

import logging
import re
from pathlib import Path

from sqlalchemy import Column, Connection, inspect, text
from sqlalchemy.schema import CreateColumn

from .. import timestamps
from . import trigrams
from .tables import gallery, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
TOO_OLD = "000[1-7]"
"""Revisions whose migrations are no longer here."""
LAST_TO_UPGRADE_OLD = "1c33cb1"
"""A commit of Dropwall that upgrades them to 0008."""
MAX_NAMED_TABLES = 5
LOCK_SECONDS = 5
"""Longest wait for a lock of PostgreSQL's: readers queue behind a migration that waits."""

log = logging.getLogger(__name__)


class UnusableCatalog(Exception):
    """This database cannot be used until a host has repaired or replaced it; the message is a
    sentence that says how."""


def upgrade(connection: Connection) -> None:
    """Create the schema of a new gallery, or run the migrations that are missing, in a transaction
    beside which nobody else changes the schema. Raises UnusableCatalog."""
    check(connection)
    present = _revisions(connection)
    if not present:
        _create(connection)
        return
    if present != [_known_revisions()[-1]]:
        migrate(connection)
    _complete(connection)


def check(connection: Connection) -> None:
    """Check whose schema it is. Raises UnusableCatalog when it is another program's, or that of a
    newer Dropwall, or of one that is too old."""
    present, known = _revisions(connection), _known_revisions()
    if old := [revision for revision in present if re.fullmatch(TOO_OLD, revision)]:
        raise UnusableCatalog(
            f"The catalog is of a Dropwall that is too old for this one to upgrade ({old[0]})."
            f" Please start the gallery once with the Dropwall of commit {LAST_TO_UPGRADE_OLD},"
            " which upgrades it, and then with this one. Nothing was changed."
        )
    if unknown := [revision for revision in present if revision not in known]:
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


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision, the newest by default."""
    import alembic.command  # loading Alembic takes half of a start, and few starts need it
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    _lock_out_writers(connection)
    alembic.command.upgrade(config, revision)


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


def _known_revisions() -> list[str]:
    """Read the revisions off the names of the migrations, which begin with them, oldest first."""
    return sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _create(connection: Connection) -> None:
    """Create the newest schema at once; a test holds that the migrations lead to the same."""
    metadata.create_all(connection)
    trigrams.create_index(connection)
    zeros = dict.fromkeys(gallery.c.keys(), 0)
    connection.execute(gallery.insert().values(zeros | {"made": timestamps.now()}))
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    stamp = text("INSERT INTO alembic_version (version_num) VALUES (:newest)")
    connection.execute(stamp, {"newest": _known_revisions()[-1]})


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
    lacking = trigrams.missing_parts(connection)
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
