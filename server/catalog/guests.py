"""Guests as rows: only those who gave their name, sent photos or signed in have one."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from ..names import fold_for_search
from .changes import advance, tell
from .database import Database
from .guest_rows import read_owner_id
from .tables import guests, is_listed, photos
from .viewer import PUBLIC, Audience, Viewer
from .visibility import is_seen_by


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
    query = select(func.count()).where(photos.c.guest_id == guest_id, is_listed)
    with database.transaction() as connection:
        return int(connection.execute(query).scalar_one())


def list_senders(database: Database, limit: int, viewer: Viewer = PUBLIC) -> list[Guest]:
    """Guests who have a name and photos that the viewer sees, in the order of their names."""
    query = (
        select(guests.c.id, guests.c.name, func.count())
        .join(photos, photos.c.guest_id == guests.c.id)
        .where(is_seen_by(viewer), guests.c.name != "")
        .group_by(guests.c.id, guests.c.name, guests.c.folded_name)
        .order_by(guests.c.folded_name, guests.c.id)
    )
    with database.transaction() as connection:
        return [Guest(*row) for row in connection.execute(query.limit(limit))]


def read_name(connection: Connection, guest_id: str) -> str:
    return connection.scalar(select(guests.c.name).where(guests.c.id == guest_id)) or ""


def rename(connection: Connection, version: int, guest_id: str, name: str) -> None:
    """Set a guest's name. Everybody who sees a photo of theirs is notified."""
    listed = select(func.max(photos.c.audience)).where(photos.c.guest_id == guest_id, is_listed)
    tell(connection, version, connection.scalar(listed) or Audience.OWNER, {guest_id: 0}, {})
    named = update(guests).where(guests.c.id == guest_id)
    connection.execute(named.values(name=name, folded_name=fold_for_search(name), version=version))
