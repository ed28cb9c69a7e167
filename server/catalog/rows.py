"""Whole rows, on their way from one database to another."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, select, true

Row = dict[str, Any]

BATCH = 500


def read_rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def stream_rows(connection: Connection, query: Select[Any]) -> Iterator[list[Row]]:
    """Some hundreds at once."""
    result = connection.execute(query.execution_options(yield_per=BATCH)).mappings()
    for rows in result.partitions():
        yield [dict(row) for row in rows]


def copy_table(
    source: Connection, replica: Connection, table: Table, which: ColumnElement[bool] | None = None
) -> None:
    """By default all rows."""
    these = true() if which is None else which
    replica.execute(delete(table).where(these))
    for rows in stream_rows(source, select(table).where(these)):
        replica.execute(table.insert(), rows)
