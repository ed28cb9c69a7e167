"""The table of guests, with a row for each who gave a name, sent photos or signed in."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from .. import timestamps
from ..names import fold_for_search
from .changes import GUEST_COUNTS, advance, record_name, write_guest
from .database import Database
from .tables import guests
from .viewer import PUBLIC, Viewer
from .visibility import count_seen_by

ADOPTION_SECONDS = 60 * 60
"""Seconds after a sign-in in which photos that the device was sending become the account's."""


@dataclass(frozen=True)
class Guest:
    """A guest, and the number of their photos that the viewer sees. `name` is empty for a guest who
    gave none or took it back."""

    id: str
    name: str
    photos: int = 0


def name_guest(database: Database, guest_id: str, name: str) -> None:
    """Give a guest a name, which all their photos show from now on; an empty one takes it back."""
    if name == find_name(database, guest_id):
        return
    with database.transaction() as connection:
        rename(connection, advance(connection), guest_id, name)


def find_owner_id(database: Database, guest_id: str) -> str:
    """Find the id that owns what this guest sends: an account's if they signed in a short while
    ago, otherwise their own."""
    with database.transaction() as connection:
        return read_owner_id(connection, guest_id)


def find_name(database: Database, guest_id: str) -> str:
    """Find a guest's name, empty if they have none."""
    with database.transaction() as connection:
        return read_name(connection, guest_id)


def count_photos(database: Database, guest_id: str) -> int:
    """Count the listed photos of a guest."""
    query = select(*GUEST_COUNTS.values()).where(guests.c.id == guest_id)
    with database.transaction() as connection:
        return sum(connection.execute(query).first() or ())


def list_senders(database: Database, limit: int, viewer: Viewer = PUBLIC) -> list[Guest]:
    """List guests with a name and photos that the viewer sees, in the order of their names."""
    seen = count_seen_by(viewer)
    query = (
        select(guests.c.id, guests.c.name, seen)
        .where(guests.c.name != "", seen > 0)
        .order_by(guests.c.folded_name, guests.c.id)
    )
    with database.transaction() as connection:
        return [Guest(*row) for row in connection.execute(query.limit(limit))]


def read_owner_id(connection: Connection, guest_id: str) -> str:
    """Read what `find_owner_id` finds. An adoption counts only for a while: somebody else may have
    a copy of the cookie that the device had before."""
    since = timestamps.now(seconds_ago=ADOPTION_SECONDS)
    adopted_by = select(guests.c.adopted_by).where(
        guests.c.id == guest_id, guests.c.adopted >= since
    )
    return connection.scalar(adopted_by) or guest_id


def read_name(connection: Connection, guest_id: str) -> str:
    return connection.scalar(select(guests.c.name).where(guests.c.id == guest_id)) or ""


def rename(connection: Connection, version: int, guest_id: str, name: str) -> None:
    """Set a guest's name, as a change of this version."""
    write_guest(connection, guest_id, name=name, folded_name=fold_for_search(name))
    record_name(connection, version, guest_id)
