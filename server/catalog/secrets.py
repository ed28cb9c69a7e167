"""Secrets that all machines of a gallery share, as `dropwall move` copies them."""

from sqlalchemy import Connection, select

from .rows import Row, copy_table, read_rows
from .tables import secrets

STORAGE = "storage"
"""No secret, and no other catalog's: the id of the storage that belongs to this copy."""
_is_everywhere = secrets.c.name != STORAGE


def read_secrets(connection: Connection) -> list[Row]:
    """Those that a gallery's copies have, too."""
    return read_rows(connection, select(secrets).where(_is_everywhere).order_by(secrets.c.name))


def copy_secrets(source: Connection, replica: Connection) -> None:
    copy_table(source, replica, secrets, _is_everywhere)
