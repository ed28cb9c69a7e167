"""Secrets that all machines of a gallery share, as rows."""

from sqlalchemy import select

from .database import Database
from .tables import secrets
from .upserts import insert_or_update


def keep_secret(database: Database, name: str, proposed: bytes) -> bytes:
    """What is kept under this name: what was proposed first, whoever else does so now. With the
    troubles of `Database`."""
    row = {"name": name, "value": proposed.hex()}
    with database.transaction() as connection:
        connection.execute(insert_or_update(connection, secrets, row, {}))
        kept = connection.execute(select(secrets.c.value).where(secrets.c.name == name))
        return bytes.fromhex(kept.scalar_one())
