"""The record of changes: what changed in which version, and who may know of it.

A version is the time of its commit in microseconds since 1970, or one more than the last version if
that is greater. So versions are in the order of commits whatever the clock says, and the distance
between two says nothing of what happened between them, which may be private.

A change is recorded for the photo's owner, and for the widest audience that saw the photo before
or after it: they may know its id, and nobody else learns of the change, by an id or by a version.
The counts of the gallery and of its guests are kept up to date with every change.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    case,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)

from ..names import fold_for_search
from .database import Database, insert_or_update
from .tables import (
    CHANNEL,
    HIDDEN,
    PENDING,
    Audience,
    changes,
    gallery,
    guests,
    is_listed,
    is_shared,
    is_unshared,
    photos,
)

if TYPE_CHECKING:
    from .photos import Photo

KEPT_SECONDS = 30 * 24 * 60 * 60
"""How long changes are kept. A page that was open for longer reads the gallery anew."""
FORGOTTEN_AT_ONCE = 5000
"""Changes that one transaction deletes, or somewhat more: those of one version go together."""
KINDS = ("private", PENDING, HIDDEN)
"""Kinds of photos that not everyone sees; the gallery has a count of each under this name."""
GALLERY_COUNTS = {
    PENDING: Audience.HOSTS,
    HIDDEN: Audience.HOSTS,
    "total": Audience.EVERYONE,
}
"""Counts of photos in the gallery's row, and the audience of these photos."""
GUEST_COUNTS = {
    Audience.OWNER: guests.c.private,
    Audience.HOSTS: guests.c.withheld,
    Audience.EVERYONE: guests.c.shown,
}
NEW_GUEST = {"name": "", "folded_name": ""}


class Change(NamedTuple):
    """One row: a photo changed in this version; or a guest's name, if `photo_id` is empty; or, if
    `guest_id` is empty as well, whether the gallery takes photos."""

    version: int
    guest_id: str
    photo_id: str
    audience: int


def advance(connection: Connection) -> int:
    """Begin a change, and return its version. The gallery's row stays locked until the commit, so
    that versions are in the order of commits."""
    now = literal(time.time_ns() // 1000, BigInteger)
    following = case((gallery.c.version >= now, gallery.c.version + 1), else_=now)
    wake = [func.pg_notify(CHANNEL, "")] if connection.dialect.name == "postgresql" else []
    advanced = update(gallery).values(version=following).returning(gallery.c.version, *wake)
    return int(connection.execute(advanced).one().version)


def lock_gallery(connection: Connection) -> None:
    """Lock out all changes until the commit, without making one."""
    connection.execute(update(gallery).values(version=gallery.c.version))


def record(
    connection: Connection,
    version: int,
    former: Collection["Photo"],
    present: Collection["Photo"],
) -> None:
    """Record what these photos were before a change, and what they are after it; those that come
    or go are in one of the two. A former owner is recorded as well, who sees them no more. Then
    subtract the former ones from the counts, and add the present ones."""
    audiences: dict[str, int] = {}
    owners: dict[str, str] = {}
    counts: Counter[str] = Counter()
    counts_of_guests: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sign, some in ((-1, former), (1, present)):
        for photo in some:
            audience = photo.audience
            audiences[photo.id] = max(audiences.get(photo.id, 0), audience)
            owners[photo.id] = photo.guest_id
            counts["bytes"] += sign * photo.bytes
            if audience == Audience.OWNER:
                counts["private"] += sign
                counts["private_bytes"] += sign * photo.bytes
            else:
                counts[photo.standing if audience == Audience.HOSTS else "total"] += sign
            counts_of_guests[photo.guest_id][GUEST_COUNTS[audience].name] += sign
    recorded = [
        Change(version, owners[photo_id], photo_id, audience)
        for photo_id, audience in audiences.items()
    ]
    recorded += [
        Change(version, photo.guest_id, photo.id, Audience.OWNER)
        for photo in former
        if photo.guest_id != owners[photo.id]
    ]
    if recorded:
        connection.execute(changes.insert(), [change._asdict() for change in recorded])
    if more := {name: gallery.c[name] + count for name, count in counts.items() if count}:
        connection.execute(update(gallery).values(more))
    for guest_id, theirs in counts_of_guests.items():
        first = {name: count for name, count in theirs.items() if count}
        if guest_id and first:
            row = {"id": guest_id, **NEW_GUEST, **first}
            more = {name: guests.c[name] + count for name, count in first.items()}
            connection.execute(insert_or_update(connection, guests, row, more))


def rename(connection: Connection, version: int, guest_id: str, name: str) -> None:
    """Set a guest's name, as a change of this version, of which all may know who see a photo of
    theirs."""
    write_guest(connection, guest_id, name=name, folded_name=fold_for_search(name))
    counted = select(*GUEST_COUNTS.values()).where(guests.c.id == guest_id)
    counts = zip(GUEST_COUNTS, connection.execute(counted).one(), strict=True)
    audience = max((audience for audience, count in counts if count), default=Audience.OWNER)
    connection.execute(changes.insert().values(Change(version, guest_id, "", audience)._asdict()))


def set_closed_at(database: Database, closed_at: str | None) -> None:
    """Close the gallery for uploads at this moment, or open it with None: a change that all may
    know of. One that is closed already stays closed since it was."""
    differs = gallery.c.closed_at.is_(None) if closed_at else gallery.c.closed_at.is_not(None)
    with database.transaction() as connection:
        version = advance(connection)
        closed = update(gallery).where(differs).values(closed_at=closed_at)
        if connection.execute(closed).rowcount:
            connection.execute(
                changes.insert().values(Change(version, "", "", Audience.ALL)._asdict())
            )


def find_closed_at(database: Database) -> str | None:
    """Find when the gallery was closed for uploads; None while it is open."""
    with database.snapshot() as connection:
        return connection.scalar(select(gallery.c.closed_at))


def write_guest(connection: Connection, guest_id: str, **values: object) -> None:
    """Write these columns of a guest's row, which may not be there yet."""
    row = {"id": guest_id, **NEW_GUEST, **values}
    connection.execute(insert_or_update(connection, guests, row, values))


def read_version(connection: Connection) -> int:
    """Read the version of the last change, whoever may know of it."""
    return int(connection.execute(select(gallery.c.version)).scalar_one())


def find_newest(database: Database) -> int:
    """Find the last version that has a record, 0 if there is none."""
    with database.snapshot() as connection:
        return connection.scalar(select(func.max(changes.c.version))) or 0


def is_known(database: Database, version: int) -> bool:
    """Return whether this version was once the last change's, 0 included."""
    with database.snapshot() as connection:
        forgotten = connection.scalar(select(gallery.c.forgotten_version)) or 0
        is_there = exists().where(changes.c.version == version)
        return version <= forgotten or bool(connection.scalar(select(is_there)))


def forget_old_changes(database: Database) -> int:
    """Delete changes that are older than KEPT_SECONDS, and return how many. The last one of each
    guest and of each audience stays, so that no viewer's version is another one then. Each
    transaction deletes some thousands, so that nobody waits long for its lock."""
    horizon = time.time_ns() // 1000 - KEPT_SECONDS * 1_000_000
    later = changes.alias()
    is_later = later.c.version > changes.c.version
    is_old = (
        (changes.c.version < horizon)
        & exists().where(is_later, later.c.guest_id == changes.c.guest_id)
        & exists().where(is_later, later.c.audience == changes.c.audience)
    )
    oldest = select(changes.c.version).where(is_old).order_by(changes.c.version)
    oldest_batch = oldest.limit(FORGOTTEN_AT_ONCE).subquery()
    deleted = 0
    while True:
        with database.transaction() as connection:
            lock_gallery(connection)
            last = connection.scalar(select(func.max(oldest_batch.c.version)))
            if last is None:
                return deleted
            # Not the version of a change, which may be private: everybody can find out this one.
            is_less = gallery.c.forgotten_version < horizon
            connection.execute(update(gallery).where(is_less).values(forgotten_version=horizon))
            gone = delete(changes).where(is_old, changes.c.version <= last)
            deleted += connection.execute(gone).rowcount


def recount(connection: Connection) -> None:
    """Count all photos again, after rows were written by other means than `record`."""
    count, size = func.count(), func.coalesce(func.sum(photos.c.bytes), 0)
    is_private = photos.c.audience == Audience.OWNER
    is_withheld = photos.c.audience == Audience.HOSTS
    figures = {
        "total": count.filter(is_shared),
        PENDING: count.filter(is_withheld, photos.c.standing == PENDING),
        HIDDEN: count.filter(is_withheld, photos.c.standing == HIDDEN),
        "private": count.filter(is_private),
        "bytes": size,
        "private_bytes": func.coalesce(func.sum(photos.c.bytes).filter(is_private), 0),
    }
    query = select(*(figure.label(name) for name, figure in figures.items())).where(is_listed)
    connection.execute(update(gallery).values(dict(connection.execute(query).one()._mapping)))
    theirs = select(func.count()).where(photos.c.guest_id == guests.c.id)
    unshared = {
        column.name: theirs.where(is_unshared, photos.c.audience == audience).scalar_subquery()
        for audience, column in GUEST_COUNTS.items()
        if audience < Audience.EVERYONE
    }
    connection.execute(update(guests).values(unshared))
    listed = theirs.where(is_listed).scalar_subquery()
    shown = listed - guests.c.private - guests.c.withheld
    connection.execute(update(guests).values(shown=shown))
