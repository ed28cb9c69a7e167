"""What is new in the gallery since the host was last notified (`photos.notifier`). Of all processes
and machines, one at a time has the turn to say so."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from .. import timestamps
from .database import Database
from .tables import Audience, gallery, is_listed, photos


@dataclass(frozen=True)
class News:
    """Numbers of photos that a host may see: `new` ones, and those that wait for approval."""

    new: int
    pending: int
    version: int


def begin(database: Database) -> None:
    """Let nothing be news that came before the gallery was first asked to notify anybody."""
    first = update(gallery).where(gallery.c.notify_after == "")
    values = {"notified_version": gallery.c.version, "notify_after": timestamps.now()}
    with database.transaction() as connection:
        connection.execute(first.values(values))


def take_turn(database: Database, seconds: int) -> News | None:
    """Read what is new, and let nobody else notify for so many seconds. None when there is nothing
    new, or when it is too early."""
    now, later = timestamps.now(), timestamps.now(-seconds)
    is_due = ~gallery.c.notify_after.between(now, later)  # nor later still, by a clock set back
    taken = update(gallery).where(is_due).values(notify_after=later)
    with database.snapshot() as connection:  # which keeps no writer waiting
        if not connection.scalar(select(is_due).select_from(gallery)) or not _read(connection).new:
            return None
    with database.transaction() as connection:
        return _read(connection) if connection.execute(taken).rowcount else None


def note_notified(database: Database, version: int) -> None:
    """Note that what came up to this version is known, and is no news any more."""
    with database.transaction() as connection:
        connection.execute(update(gallery).values(notified_version=version))


def try_again(database: Database, seconds: int) -> None:
    """Let somebody notify in so many seconds of what is new still."""
    with database.transaction() as connection:
        connection.execute(update(gallery).values(notify_after=timestamps.now(-seconds)))


def _read(connection: Connection) -> News:
    new = (photos.c.version > gallery.c.notified_version) & (photos.c.audience >= Audience.HOSTS)
    count = select(func.count()).where(is_listed, new).scalar_subquery()
    query = select(count, gallery.c.pending, gallery.c.version)
    return News(*connection.execute(query).one())
