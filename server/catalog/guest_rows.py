"""A guest's row, written by whoever learns something of them first."""

from typing import Any

from sqlalchemy import Connection, select

from .. import timestamps
from .database import insert_or_update
from .tables import guests

ADOPTION_SECONDS = 60 * 60
"""How long a photo may be on its way from before its sender signed in."""


def write_guest(connection: Connection, guest_id: str, added: int = 0, **values: Any) -> None:
    """They have so many photos more. What is not among the values stays as it is."""
    row = {"id": guest_id, "name": "", "folded_name": "", "version": 0, "own_version": 0}
    changes = values | ({"photos": guests.c.photos + added} if added else {})
    written = insert_or_update(connection, guests, row | {"photos": added} | values, changes)
    connection.execute(written)


def read_owner_id(connection: Connection, guest_id: str) -> str:
    """Whose photos this guest's are: what was on its way while they signed in is theirs, too. For a
    while: somebody else may have a copy of the cookie that was the device's before."""
    since = timestamps.now(seconds_ago=ADOPTION_SECONDS)
    adopted_by = select(guests.c.adopted_by).where(
        guests.c.id == guest_id, guests.c.adopted >= since
    )
    return connection.scalar(adopted_by) or guest_id
