"""The database's schema: brought up to date at start, or refused when it is not ours."""

import logging
import re
from pathlib import Path

from sqlalchemy import BigInteger, Connection, inspect, text
from sqlalchemy.schema import CreateColumn

from .. import timestamps
from .tables import gallery, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
TOO_OLD = "000[1-7]"
"""Revisions whose migrations are no longer here."""
LAST_TO_UPGRADE_OLD = "1c33cb1"
"""A commit of Dropwall that upgrades them to 0008."""
MAX_NAMED_TABLES = 5
LOCK_SECONDS = 5
"""Longest wait for a lock of PostgreSQL's: readers queue behind a migration that waits."""
NAMES_IN_SQLITE = "SELECT name FROM sqlite_master"
NAMES_IN_POSTGRESQL = (
    "SELECT relname FROM pg_class WHERE pg_table_is_visible(oid)"
    " UNION SELECT proname FROM pg_proc WHERE pg_function_is_visible(oid)"
)
"""Names of all tables, indexes, triggers and functions."""

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
            f" Start the gallery once with the Dropwall of commit {LAST_TO_UPGRADE_OLD},"
            " which upgrades it, and then with this one. Nothing was changed."
        )
    if unknown := [revision for revision in present if revision not in known]:
        raise UnusableCatalog(
            f"The catalog has a schema that this Dropwall doesn't know ({', '.join(unknown)}): it"
            " is a newer one's, or another program's. Update Dropwall, or let DROPWALL_DATABASE"
            " name another database."
        )
    tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    if tables and not present:
        named = sorted(tables)[:MAX_NAMED_TABLES]
        if len(tables) > MAX_NAMED_TABLES:
            named.append("…")
        raise UnusableCatalog(
            "The database that DROPWALL_DATABASE names has tables of another program"
            f" ({', '.join(named)}). Give Dropwall one of its own."
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
    for statement in _search_index(connection).values():
        connection.execute(text(statement))
    counts = {column.name: 0 for column in gallery.c if isinstance(column.type, BigInteger)}
    connection.execute(gallery.insert().values(counts | {"made": timestamps.now()}))
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    stamp = text("INSERT INTO alembic_version (version_num) VALUES (:newest)")
    connection.execute(stamp, {"newest": _known_revisions()[-1]})


def _search_index(connection: Connection) -> dict[str, str]:
    is_sqlite = connection.dialect.name == "sqlite"
    return _SEARCH_INDEX_IN_SQLITE if is_sqlite else _SEARCH_INDEX_IN_POSTGRESQL


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
    is_sqlite = connection.dialect.name == "sqlite"
    present = set(connection.scalars(text(NAMES_IN_SQLITE if is_sqlite else NAMES_IN_POSTGRESQL)))
    lacking = [n for n in (*_search_index(connection), *metadata.tables) if n not in present]
    tables = [table for table in metadata.sorted_tables if table.name in present]
    found = inspect(connection).get_multi_columns(filter_names=[table.name for table in tables])
    known = {(name, column["name"]) for (_, name), columns in found.items() for column in columns}
    columns = [it for table in tables for it in table.columns if (table.name, it.name) not in known]
    indexes = [it for table in tables for it in table.indexes if it.name not in present]
    indexes.sort(key=lambda index: str(index.name))
    lacking += [f"{column.table.name}.{column.name}" for column in columns if not column.nullable]
    lacking += [str(index.name) for index in indexes if index.unique]  # rows may violate it
    if lacking:
        raise UnusableCatalog(
            f"The catalog lacks what this Dropwall needs ({', '.join(lacking)}), as one of an early"
            " development version does. Let DROPWALL_DATABASE name a backup of it, or another"
            " database."
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


# The parts of the trigram index of the photos' names (`search`), by their own names. The database
# itself keeps it up to date: SQLite by triggers, PostgreSQL as any index.

# Two blanks follow each name, which no word contains: so every one or two letters of a name begin a
# trigram. A name's rowid is its photo's negative version, so that the newest come first.
_SEARCH_INDEX_IN_SQLITE = {
    "photo_trigrams": """
    CREATE VIRTUAL TABLE photo_trigrams USING fts5(
        name, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1'
    )
    """,
    "trigrams": "CREATE VIRTUAL TABLE trigrams USING fts5vocab(photo_trigrams, row)",
    "photo_trigrams_added": """
    CREATE TRIGGER photo_trigrams_added AFTER INSERT ON photos WHEN new.folded_name <> ''
    BEGIN
        INSERT INTO photo_trigrams(rowid, name) VALUES (-new.version, new.folded_name || '  ');
    END
    """,
    "photo_trigrams_removed": """
    CREATE TRIGGER photo_trigrams_removed AFTER DELETE ON photos WHEN old.folded_name <> ''
    BEGIN
        INSERT INTO photo_trigrams(photo_trigrams, rowid, name)
            VALUES ('delete', -old.version, old.folded_name || '  ');
    END
    """,
    "photo_trigrams_changed": """
    CREATE TRIGGER photo_trigrams_changed AFTER UPDATE OF version, folded_name ON photos
    WHEN (new.version, new.folded_name) <> (old.version, old.folded_name)
    BEGIN
        INSERT INTO photo_trigrams(photo_trigrams, rowid, name)
            SELECT 'delete', -old.version, old.folded_name || '  ' WHERE old.folded_name <> '';
        INSERT INTO photo_trigrams(rowid, name)
            SELECT -new.version, new.folded_name || '  ' WHERE new.folded_name <> '';
    END
    """,
}
# Not pg_trgm: it needs an extension, and knows only ASCII letters where the locale is C.
_SEARCH_INDEX_IN_POSTGRESQL = {
    "name_trigrams": """
    CREATE FUNCTION name_trigrams(name text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(array_agg(substr(name || '  ', place, 3)))
        FROM generate_series(1, length(name)) AS place
    $$
    """,
    # Without a pending list, which each search would have to read.
    "photo_trigrams": """
    CREATE INDEX photo_trigrams ON photos USING gin (name_trigrams(folded_name))
    WITH (fastupdate = off)
    """,
    # By that index alone, whatever the planner estimates, and with memory for a bitmap of a million
    # photos: to recheck rows of a lossy one would take ten seconds.
    "photos_named": """
    CREATE FUNCTION photos_named(sought tsquery, below bigint, most integer) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
    SET work_mem = '64MB' AS $$
        SELECT version FROM photos
        WHERE name_trigrams(folded_name) @@ sought AND version + 0 < below
        ORDER BY version DESC LIMIT most
    $$
    """,
}
