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
from collections.abc import Collection, Iterable
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

from .database import Database, insert_or_update
from .tables import CHANNEL, changes, gallery, guests, is_listed, is_unshared, photos
from .viewer import HIDDEN, PENDING, Audience

if TYPE_CHECKING:
    from .photos import Photo

KEPT_SECONDS = 30 * 24 * 60 * 60
"""How long changes are kept. A page that was open for longer reads the gallery anew."""
FORGOTTEN_AT_ONCE = 5000
"""Changes that one transaction deletes, or somewhat more: those of one version go together."""
KINDS = ("private", PENDING, HIDDEN)
"""Kinds of photos that not everyone sees; the gallery has a count of each under this name."""
GUEST_COUNTS = {
    Audience.OWNER: guests.c.private,
    Audience.HOSTS: guests.c.withheld,
    Audience.EVERYONE: guests.c.shown,
}
NEW_GUEST = {"name": "", "folded_name": "", "private": 0, "withheld": 0, "shown": 0}


class Change(NamedTuple):
    """One row: a photo, or a guest's name if `photo_id` is empty, changed in this version."""

    version: int
    guest_id: str
    photo_id: str
    audience: int


def advance(connection: Connection) -> int:
    """Begin a change, and return its version. The gallery's row stays locked until the commit, so
    that versions are in the order of commits. It has to be the transaction's first statement:
    SQLite waits for other writers only then."""
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
    or go are in one of the two. A former owner is recorded as well, who sees them no more."""
    audiences: dict[str, int] = {}
    owners: dict[str, str] = {}
    for photo in (*former, *present):
        audiences[photo.id] = max(audiences.get(photo.id, 0), photo.audience)
        owners[photo.id] = photo.guest_id
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
    _count(connection, former, present)


def record_name(connection: Connection, version: int, guest_id: str) -> None:
    """Record that a guest has another name: all may know who see a photo of theirs."""
    counted = select(*GUEST_COUNTS.values()).where(guests.c.id == guest_id)
    counts = connection.execute(counted).first() or ()
    audience = max((a for a, count in zip(GUEST_COUNTS, counts, strict=False) if count), default=0)
    connection.execute(changes.insert().values(Change(version, guest_id, "", audience)._asdict()))


def read_version(connection: Connection) -> int:
    """Read the version of the last change, whoever may know of it."""
    return int(connection.execute(select(gallery.c.version)).scalar_one())


def find_newest(database: Database) -> int:
    """Find the version of the last change, 0 if there is none."""
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
    kind = (photos.c.audience, photos.c.standing)
    query = select(*kind, func.sum(photos.c.bytes), func.count()).where(is_listed).group_by(*kind)
    counts = Counter(dict.fromkeys(("total", "bytes", *KINDS, "private_bytes"), 0))
    for audience, standing, size, count in connection.execute(query):
        counts.update(_kind(audience, standing, int(size), count))
    connection.execute(update(gallery).values(counts))
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


def write_guest(connection: Connection, guest_id: str, **values: object) -> None:
    """Write these columns of a guest's row, which may not be there yet."""
    row = {"id": guest_id, **NEW_GUEST, **values}
    connection.execute(insert_or_update(connection, guests, row, values))


def _count(connection: Connection, former: Iterable["Photo"], present: Iterable["Photo"]) -> None:
    """Subtract the former photos from the counts, and add the present ones."""
    counts: Counter[str] = Counter()
    theirs: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sign, some in ((-1, former), (1, present)):
        for photo in some:
            for name, count in _kind(photo.audience, photo.standing, photo.bytes).items():
                counts[name] += sign * count
            theirs[photo.guest_id][GUEST_COUNTS[photo.audience].name] += sign
    values = {name: gallery.c[name] + count for name, count in counts.items() if count}
    if values:
        connection.execute(update(gallery).values(values))
    for guest_id, changed in theirs.items():
        more = {name: count for name, count in changed.items() if count}
        if guest_id and more:
            row = {"id": guest_id, **NEW_GUEST, **more}
            added = {name: guests.c[name] + count for name, count in more.items()}
            connection.execute(insert_or_update(connection, guests, row, added))


def _kind(audience: int, standing: str, size: int, count: int = 1) -> Counter[str]:
    """What so many photos of one kind, of `size` bytes together, add to the gallery's counts."""
    if audience == Audience.OWNER:
        return Counter(bytes=size, private=count, private_bytes=size)
    return Counter({"bytes": size, standing if audience == Audience.HOSTS else "total": count})
