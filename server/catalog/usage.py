"""How much guests have sent, and how much the gallery holds."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select

from . import changes
from .database import Database
from .tables import gallery, goes_on, guests, has_photos, photos, uploads


@dataclass(frozen=True)
class Usage:
    """What counts against a guest's limits and the gallery's. `sent` counts the photos that a guest
    has sent since a moment, also those removed meanwhile; `begun` the received bytes of the guest's
    unfinished uploads that went on since then; `held` all bytes that the gallery holds, with those
    of unfinished uploads."""

    sent_photos: int
    sent_bytes: int
    begun_uploads: int
    begun_bytes: int
    held_bytes: int
    first_sent: str | None


@dataclass(frozen=True)
class Share:
    """A number of photos, and their bytes together."""

    photos: int
    bytes: int


@dataclass(frozen=True)
class Overview:
    """Totals of the whole gallery; `bytes` includes the received bytes of unfinished uploads."""

    photos: int
    bytes: int
    pending: int
    hidden: int
    private: Share
    guests: int


def read(database: Database, guest_id: str, since: str) -> Usage:
    """Read the usage of a guest and the gallery, as of one moment."""
    with database.snapshot() as connection:
        return read_usage(connection, guest_id, since)


def overview(database: Database) -> Overview:
    """Read the totals of the gallery, as of one moment."""
    senders = select(func.count()).select_from(guests).where(has_photos)
    query = select(
        gallery,
        _of_uploads(_RECEIVED, goes_on).label("received"),
        senders.scalar_subquery().label("senders"),
    )
    with database.snapshot() as connection:
        row = connection.execute(query).one()
    return Overview(
        photos=row.total + row.pending + row.hidden + row.private,
        bytes=row.bytes + int(row.received),
        pending=row.pending,
        hidden=row.hidden,
        private=Share(row.private, row.private_bytes),
        guests=row.senders,
    )


def recount(database: Database) -> None:
    """Recount everything that the catalog keeps a count of."""
    with database.transaction() as connection:
        changes.lock_gallery(connection)
        changes.recount(connection)


def read_usage(connection: Connection, guest_id: str, since: str) -> Usage:
    theirs = goes_on & (uploads.c.guest_id == guest_id) & (uploads.c.touched >= since)
    query = select(
        func.count(),
        func.coalesce(func.sum(photos.c.bytes), 0),
        _of_uploads(func.count(), theirs),
        _of_uploads(_RECEIVED, theirs),
        select(gallery.c.bytes).scalar_subquery() + _of_uploads(_RECEIVED, goes_on),
        func.min(photos.c.uploaded),
    ).where(photos.c.guest_id == guest_id, photos.c.uploaded >= since)
    sent, sent_bytes, begun, begun_bytes, held, first = connection.execute(query).one()
    # PostgreSQL returns sums of BIGINT as Decimal.
    return Usage(sent, int(sent_bytes), begun, int(begun_bytes), int(held), first)


_RECEIVED = func.coalesce(func.sum(uploads.c.received_bytes), 0)


def _of_uploads(figure: ColumnElement[int], which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(figure).select_from(uploads).where(which).scalar_subquery()
