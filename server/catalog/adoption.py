"""A guest signs in, and their photos become the account's."""

from dataclasses import replace

from sqlalchemy import select, update

from .. import timestamps
from .changes import advance, record, write_guest
from .database import Database
from .guests import read_name, rename
from .photos import batches, read_photos, remove, select_photos
from .tables import is_listed, photos


def adopt(database: Database, from_guest: str, to_guest: str) -> None:
    """Give all photos of one guest to another. Of a photo that both have sent one is kept; the name
    passes on if the other guest has none."""
    with database.transaction() as connection:
        version = advance(connection)
        theirs = photos.c.guest_id == from_guest
        held = select(photos.c.sha256).where(photos.c.guest_id == to_guest, is_listed)
        doubles = select_photos().where(theirs, is_listed, photos.c.sha256.in_(held))
        remove(connection, version, read_photos(connection, doubles), timestamps.now(), from_guest)
        version = advance(connection)
        moved = read_photos(connection, select_photos().where(theirs, is_listed))
        connection.execute(update(photos).where(theirs).values(guest_id=to_guest))
        for later, some in batches(connection, version, moved):
            record(connection, later, some, [replace(p, guest_id=to_guest) for p in some])
            version = later
        # For photos that are still on their way.
        write_guest(connection, from_guest, adopted_by=to_guest, adopted=timestamps.now())
        if (name := read_name(connection, from_guest)) and not read_name(connection, to_guest):
            rename(connection, version, to_guest, name)
