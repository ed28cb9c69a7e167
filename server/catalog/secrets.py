"""Secrets that all machines of a gallery share, as rows."""

from sqlalchemy import Connection, select

from .database import Database
from .rows import Row, copy_table, read_rows
from .tables import secrets
from .upserts import insert_or_update

STORAGE = "storage"
"""No secret, and no other catalog's: the id of the storage that belongs to this copy."""
_is_everywhere = secrets.c.name != STORAGE


def keep_secret(database: Database, name: str, proposed: bytes) -> bytes:
    """What is kept under this name: what was proposed first, whoever else does so now. With the
    troubles of `Database`."""
    row = {"name": name, "value": proposed.hex()}
    with database.transaction() as connection:
        connection.execute(insert_or_update(connection, secrets, row, {}))
        kept = connection.execute(select(secrets.c.value).where(secrets.c.name == name))
        return bytes.fromhex(kept.scalar_one())


def read_secrets(connection: Connection) -> list[Row]:
    """Those that a gallery's copies have, too."""
    return read_rows(connection, select(secrets).where(_is_everywhere).order_by(secrets.c.name))


def copy_secrets(source: Connection, replica: Connection) -> None:
    copy_table(source, replica, secrets, _is_everywhere)
