"""Rows that are written whether they are there or not, however many write them at once."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert_or_update(
    connection: Connection, table: Table, row: Mapping[str, Any], changes: Mapping[str, Any]
) -> Any:
    """A statement: this row, or where its key is there already, only these changes of it. Without
    any, what is there stays."""
    insert = _INSERTS[connection.dialect.name](table).values(row)
    key = table.primary_key.columns
    if not changes:
        return insert.on_conflict_do_nothing(index_elements=key)
    return insert.on_conflict_do_update(index_elements=key, set_=changes)
