"""Guests as rows: only those that have told their name, sent photos, or signed in."""

from dataclasses import replace

from sqlalchemy import Connection, func, select, update

from .. import timestamps
from ..names import fold_for_search
from .changes import advance, tell
from .database import Database
from .guest_rows import present_id, write_guest
from .lists import PUBLIC, Guest
from .photo_rows import read_photos, select_photos
from .photos import in_versions, publish, remove
from .tables import guests, is_listed, photos
from .viewer import Audience, Viewer
from .visibility import is_seen_by


class GuestCatalog:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def name_guest(self, guest_id: str, name: str) -> None:
        """All their photos bear it from now on. Empty takes it back."""
        if name == self.name_of(guest_id):
            return
        with self._database.transaction() as connection:
            _name(connection, advance(connection), guest_id, name)

    def adopt(self, from_guest: str, to_guest: str) -> None:
        """All that one guest has sent is another one's from now on. What that one has sent too, is
        one photo; a name passes on to who has none."""
        with self._database.transaction() as connection:
            version = advance(connection)
            theirs = photos.c.guest_id == from_guest
            held = select(photos.c.sha256).where(photos.c.guest_id == to_guest, is_listed)
            doubles = read_photos(
                connection, select_photos().where(theirs, is_listed, photos.c.sha256.in_(held))
            )
            version = remove(connection, version, doubles, timestamps.now(), from_guest)
            moved = read_photos(connection, select_photos().where(theirs, is_listed))
            for later, some in in_versions(connection, version, moved):
                connection.execute(some.values(shown_version=later))
                version = later
            connection.execute(update(photos).where(theirs).values(guest_id=to_guest))
            publish(connection, version, moved, [replace(p, guest_id=to_guest) for p in moved])
            # For what is still on its way from there.
            write_guest(connection, from_guest, adopted_by=to_guest, adopted=timestamps.now())
            if (name := _name_of(connection, from_guest)) and not _name_of(connection, to_guest):
                _name(connection, version, to_guest, name)

    def present_id(self, guest_id: str) -> str:
        """Whose photos this guest's are, since they signed in a while ago at most."""
        with self._database.transaction() as connection:
            return present_id(connection, guest_id)

    def name_of(self, guest_id: str) -> str:
        """Empty for who has none."""
        with self._database.transaction() as connection:
            return _name_of(connection, guest_id)

    def count_photos(self, guest_id: str) -> int:
        """Of theirs, in the gallery."""
        query = select(func.count()).where(photos.c.guest_id == guest_id, is_listed)
        with self._database.transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def list_senders(self, limit: int, viewer: Viewer = PUBLIC) -> list[Guest]:
        """Those with a name and with photos that the viewer sees, by name."""
        query = (
            select(guests.c.id, guests.c.name, func.count())
            .join(photos, photos.c.guest_id == guests.c.id)
            .where(is_seen_by(viewer), guests.c.name != "")
            .group_by(guests.c.id, guests.c.name, guests.c.folded_name)
            .order_by(guests.c.folded_name, guests.c.id)
        )
        with self._database.transaction() as connection:
            return [Guest(*row) for row in connection.execute(query.limit(limit))]


def _name_of(connection: Connection, guest_id: str) -> str:
    return connection.scalar(select(guests.c.name).where(guests.c.id == guest_id)) or ""


def _name(connection: Connection, version: int, guest_id: str, name: str) -> None:
    """Told to those who see a photo of theirs."""
    listed = select(func.max(photos.c.audience)).where(photos.c.guest_id == guest_id, is_listed)
    tell(connection, version, connection.scalar(listed) or Audience.OWNER, {guest_id: 0}, {})
    named = update(guests).where(guests.c.id == guest_id)
    connection.execute(named.values(name=name, folded_name=fold_for_search(name), version=version))
