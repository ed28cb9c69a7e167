"""Guests as rows: only those that have told their name."""

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from .database import Database
from .lists import Guest
from .photos import advance
from .tables import guests, is_listed, photos


class GuestCatalog:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def name_guest(self, guest_id: str, name: str) -> None:
        """A new version of the gallery, in which all their photos bear it. Empty takes it back."""
        if name == self.name_of(guest_id):
            return
        try:
            self._write(guest_id, name)
        except IntegrityError:  # the same guest, named twice at once
            self._write(guest_id, name)

    def _write(self, guest_id: str, name: str) -> None:
        with self._database.transaction() as connection:
            version = advance(connection)
            named = guests.update().where(guests.c.id == guest_id)
            if not connection.execute(named.values(name=name, version=version)).rowcount:
                row = {"id": guest_id, "name": name, "version": version}
                connection.execute(guests.insert().values(row))

    def name_of(self, guest_id: str) -> str:
        """Empty for who has none."""
        with self._database.transaction() as connection:
            return connection.scalar(select(guests.c.name).where(guests.c.id == guest_id)) or ""

    def count_photos(self, guest_id: str) -> int:
        """Of theirs, in the gallery."""
        query = select(func.count()).where(photos.c.guest_id == guest_id, is_listed)
        with self._database.transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def list_senders(self, limit: int) -> list[Guest]:
        """Those with a name and with photos in the gallery, by name."""
        query = (
            select(guests.c.id, guests.c.name, func.count())
            .join(photos, photos.c.guest_id == guests.c.id)
            .where(is_listed, guests.c.name != "")
            .group_by(guests.c.id, guests.c.name)
            .order_by(func.lower(guests.c.name), guests.c.id)
        )
        with self._database.transaction() as connection:
            return [Guest(*row) for row in connection.execute(query.limit(limit))]
