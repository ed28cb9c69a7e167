"""Guests: their names and their photos' number, and the totals of the whole gallery."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from . import changes
from .changes import GUEST_COUNTS, advance, rename
from .database import Database
from .tables import gallery, goes_on, guests, has_photos, is_listed, photos, received_bytes
from .visibility import Viewer, count_seen_by


@dataclass(frozen=True)
class Guest:
    """A guest, and the number of their photos that the viewer sees. Guests have a row once they
    gave a name, sent photos or signed in. `name` is empty if they gave none or took it back."""

    id: str
    name: str
    photos: int = 0


@dataclass(frozen=True)
class Amount:
    """A number of photos, and their bytes together."""

    photos: int
    bytes: int


@dataclass(frozen=True)
class Sender:
    """A guest as the host's page shows them: their listed photos, and when the last one came."""

    name: str
    photos: int
    bytes: int
    last: str


@dataclass(frozen=True)
class Overview:
    """Totals of the whole gallery; `bytes` includes the received bytes of unfinished uploads. The
    gallery was closed for uploads at `closed_at`."""

    photos: int
    bytes: int
    pending: int
    hidden: int
    private: Amount
    guests: int
    closed_at: str | None = None


def name_guest(database: Database, guest_id: str, name: str) -> None:
    """Give a guest a name, which all their photos show from now on; an empty one takes it back."""
    if name == find_name(database, guest_id):
        return
    with database.transaction() as connection:
        rename(connection, advance(connection), guest_id, name)


def find_name(database: Database, guest_id: str) -> str:
    """Find a guest's name, empty if they have none."""
    with database.snapshot() as connection:
        return read_name(connection, guest_id)


def count_photos(database: Database, guest_id: str) -> int:
    """Count the listed photos of a guest."""
    query = select(*GUEST_COUNTS.values()).where(guests.c.id == guest_id)
    with database.snapshot() as connection:
        return sum(connection.execute(query).first() or ())


def list_senders(database: Database, limit: int, viewer: Viewer) -> list[Guest]:
    """List guests with a name and photos that the viewer sees, in the order of their names."""
    seen = count_seen_by(viewer)
    query = (
        select(guests.c.id, guests.c.name, seen)
        .where(guests.c.name != "", seen > 0)
        .order_by(guests.c.folded_name, guests.c.id)
    )
    with database.snapshot() as connection:
        return [Guest(*row) for row in connection.execute(query.limit(limit))]


def list_by_size(database: Database, limit: int) -> list[Sender]:
    """List who has sent the most bytes that are still here, private photos included. It reads every
    photo's size, in about a second for a million."""
    size = func.sum(photos.c.bytes)
    query = (
        select(guests.c.name, func.count(), size, func.max(photos.c.uploaded))
        .select_from(photos)
        .join(guests, guests.c.id == photos.c.guest_id, isouter=True)
        .where(is_listed)
        .group_by(photos.c.guest_id, guests.c.name)
        .order_by(size.desc(), photos.c.guest_id)
    )
    with database.snapshot() as connection:
        rows = connection.execute(query.limit(limit)).all()
    return [Sender(name or "", count, int(total), last) for name, count, total, last in rows]


def overview(database: Database) -> Overview:
    """Read the totals of the gallery, as of one moment."""
    senders = select(func.count()).select_from(guests).where(has_photos)
    query = select(
        gallery,
        select(received_bytes).where(goes_on).scalar_subquery().label("received"),
        senders.scalar_subquery().label("senders"),
    )
    with database.snapshot() as connection:
        row = connection.execute(query).one()
    return Overview(
        photos=row.total + row.pending + row.hidden + row.private,
        bytes=row.bytes + int(row.received),
        pending=row.pending,
        hidden=row.hidden,
        private=Amount(row.private, row.private_bytes),
        guests=row.senders,
        closed_at=row.closed_at,
    )


def recount(database: Database) -> None:
    """Recount everything that the catalog keeps a count of."""
    with database.transaction() as connection:
        changes.lock_gallery(connection)
        changes.recount(connection)


def read_name(connection: Connection, guest_id: str) -> str:
    return connection.scalar(select(guests.c.name).where(guests.c.id == guest_id)) or ""
