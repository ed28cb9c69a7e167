"""Guests as rows: only those who gave their name, sent photos or signed in have one."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from .. import timestamps
from ..names import fold_for_search
from .changes import GUEST_COUNTS, advance, count_seen_by, record_name, write_guest
from .database import Database
from .tables import guests
from .viewer import PUBLIC, Viewer

ADOPTION_SECONDS = 60 * 60
"""How long a photo may be on its way from before its sender signed in."""


@dataclass(frozen=True)
class Guest:
    """A guest and how many photos of theirs the viewer sees. `name` is empty for a guest who does
    not want to be named (any more)."""

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
    """The id that owns what this guest sends: an account's if they signed in a short while ago,
    otherwise their own."""
    with database.transaction() as connection:
        return read_owner_id(connection, guest_id)


def find_name(database: Database, guest_id: str) -> str:
    """The guest's name; empty if they have none."""
    with database.transaction() as connection:
        return read_name(connection, guest_id)


def count_photos(database: Database, guest_id: str) -> int:
    """How many listed photos a guest has."""
    query = select(*GUEST_COUNTS.values()).where(guests.c.id == guest_id)
    with database.transaction() as connection:
        return sum(connection.execute(query).first() or ())


def list_senders(database: Database, limit: int, viewer: Viewer = PUBLIC) -> list[Guest]:
    """Guests who have a name and photos that the viewer sees, in the order of their names."""
    seen = count_seen_by(viewer)
    query = (
        select(guests.c.id, guests.c.name, seen)
        .where(guests.c.name != "", seen > 0)
        .order_by(guests.c.folded_name, guests.c.id)
    )
    with database.transaction() as connection:
        return [Guest(*row) for row in connection.execute(query.limit(limit))]


def read_owner_id(connection: Connection, guest_id: str) -> str:
    """As `find_owner_id`. For a while only: somebody else may have a copy of the cookie that was
    the device's before."""
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
