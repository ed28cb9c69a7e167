"""A guest signs in, and their photos become the account's."""

from dataclasses import replace

from sqlalchemy import select, update

from .. import timestamps
from .changes import advance
from .database import Database
from .guest_rows import write_guest
from .guests import read_name, rename
from .photos import in_versions, publish, read_photos, remove, select_photos
from .tables import is_listed, photos


def adopt(database: Database, from_guest: str, to_guest: str) -> None:
    """Give all photos of one guest to another. Of a photo that both have sent one is kept; the name
    passes on if the other guest has none."""
    with database.transaction() as connection:
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
        # For photos that are still on their way.
        write_guest(connection, from_guest, adopted_by=to_guest, adopted=timestamps.now())
        if (name := read_name(connection, from_guest)) and not read_name(connection, to_guest):
            rename(connection, version, to_guest, name)
