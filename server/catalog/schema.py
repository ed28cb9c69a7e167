"""The schema: which one it is, and that it is the newest, and whole."""

import logging
from pathlib import Path

from sqlalchemy import Column, Connection, Index, Table, inspect, text
from sqlalchemy.schema import CreateColumn

from .errors import UnusableCatalog
from .tables import metadata
from .trigrams import missing_parts

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "head"

log = logging.getLogger(__name__)


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """In the transaction of one who is alone there. Raises UnusableCatalog."""
    if revision != NEWEST or _revisions(connection) != [_newest()]:
        from .migrating import migrate  # what it takes to migrate is half of what a start takes

        migrate(connection, revision)
    if revision == NEWEST:
        _complete(connection)


def check(connection: Connection) -> None:
    """Raises UnusableCatalog when `upgrade` would refuse it as another program's, or a newer
    Dropwall's."""
    if _revisions(connection) != [_newest()]:
        from .migrating import check_revision

        check_revision(connection)


def _revisions(connection: Connection) -> list[str]:
    """As Alembic writes them down: one, or none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _newest() -> str:
    """The files of the migrations begin with their numbers."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]


def _complete(connection: Connection) -> None:
    """Adds what the catalog lacks, though its revision says that it is the newest: migrations were
    once edited after galleries had been made by them. A column without a value for the rows that
    are there cannot be added; it is named. Raises UnusableCatalog."""
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
    named = missing_parts(connection)
    for table in metadata.sorted_tables:
        if table.name not in present:
            named.append(table.name)
            continue
        for column in table.columns:
            if column.name in present[table.name]:
                continue
            if column.nullable:
                columns.append(column)
            else:
                named.append(f"{table.name}.{column.name}")
    indexes = [index for table in metadata.sorted_tables for index in _lacking(table, indexed)]
    named += [str(index.name) for index in indexes if index.unique]  # rows may be in its way
    if named:
        raise UnusableCatalog(
            f"The catalog lacks what this Dropwall needs ({', '.join(named)}), as one of an early"
            " development version does. Please let DROPWALL_DATABASE name a backup of it, or"
            " another database."
        )
    if columns or indexes:
        _add(connection, columns, indexes)


def _lacking(table: Table, indexed: set[str | None]) -> list[Index]:
    return sorted(
        (index for index in table.indexes if index.name not in indexed),
        key=lambda index: str(index.name),
    )


def _add(connection: Connection, columns: list[Column[object]], indexes: list[Index]) -> None:
    from .migrating import keep_writers_waiting

    keep_writers_waiting(connection)
    for column in columns:
        definition = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}"))
    for index in indexes:
        index.create(connection)
    added = [f"{column.table.name}.{column.name}" for column in columns]
    added += [str(index.name) for index in indexes]
    log.warning("The catalog lacked what was added now: %s", ", ".join(added))
