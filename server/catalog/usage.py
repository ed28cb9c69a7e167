"""What has been used of the limits, read at once."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select

from .changes import wait_turn
from .counts import recount, recount_withheld
from .database import Database
from .tables import gallery, goes_on, guests, has_photos, photos, uploads


@dataclass(frozen=True)
class Usage:
    """`sent` is what a guest has sent since a moment, with what was removed meanwhile; `begun` is
    what has come of this guest's unfinished uploads that went on since then; `held` is all that
    the gallery holds, of unfinished uploads too."""

    sent_photos: int
    sent_bytes: int
    begun_uploads: int
    begun_bytes: int
    held_bytes: int
    first_sent: str | None


@dataclass(frozen=True)
class Share:
    """Some of the photos."""

    photos: int
    bytes: int


@dataclass(frozen=True)
class Overview:
    """All that is in the gallery; `bytes` with what has come of unfinished uploads."""

    photos: int
    bytes: int
    pending: int
    hidden: int
    private: Share
    guests: int


class UsageCatalog:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, guest_id: str, since: str) -> Usage:
        """Of one moment, with the troubles of `Database`."""
        with self._database.snapshot() as connection:
            return read_usage(connection, guest_id, since)

    def recount(self) -> None:
        """All counts that are kept."""
        self._count_alone(recount)

    def recount_withheld(self) -> None:
        """Those that a server of a former Dropwall, which writes beside this one, does not keep."""
        self._count_alone(recount_withheld)

    def _count_alone(self, count: Callable[[Connection], None]) -> None:
        with self._database.transaction() as connection:
            wait_turn(connection)
            count(connection)

    def overview(self) -> Overview:
        """As `read`."""
        senders = select(func.count()).select_from(guests).where(has_photos)
        query = select(
            gallery,
            _of_uploads(_RECEIVED, goes_on).label("received"),
            senders.scalar_subquery().label("senders"),
        )
        with self._database.snapshot() as connection:
            counts = connection.execute(query).one()
        return Overview(
            photos=counts.total + counts.pending + counts.hidden + counts.private,
            bytes=counts.bytes + int(counts.received),
            pending=counts.pending,
            hidden=counts.hidden,
            private=Share(counts.private, counts.private_bytes),
            guests=counts.senders,
        )


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
    # PostgreSQL sums up to Decimal.
    return Usage(sent, int(sent_bytes), begun, int(begun_bytes), int(held), first)


_RECEIVED = func.coalesce(func.sum(uploads.c.received_bytes), 0)


def _of_uploads(figure: ColumnElement[int], which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(figure).select_from(uploads).where(which).scalar_subquery()
