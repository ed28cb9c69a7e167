"""How many photos there are: kept with every change, for to count them takes long."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select, update

from .tables import gallery, guests, is_listed, photos
from .viewer import HIDDEN, PENDING, Audience

KINDS = ("private", PENDING, HIDDEN)
"""Of photos that not everyone sees: columns of the gallery, as `total` is of all others."""
WITHHELD = (*KINDS, "private_bytes")


def count_kind(audience: int, standing: str, size: int, count: int = 1) -> Counter[str]:
    """What so many photos of this kind, of so many bytes together, are in the gallery's columns."""
    if audience == Audience.OWNER:
        return Counter(bytes=size, private=count, private_bytes=size)
    return Counter({"bytes": size, standing if audience == Audience.HOSTS else "total": count})


def recount(connection: Connection) -> None:
    """All of it, after photos were brought in by other means than one by one."""
    _recount(connection, is_listed, ("total", "bytes", *WITHHELD))


def _recount(connection: Connection, which: ColumnElement[bool], names: Sequence[str]) -> None:
    kind = (photos.c.audience, photos.c.standing)
    query = select(*kind, func.sum(photos.c.bytes), func.count()).where(which).group_by(*kind)
    counts: Counter[str] = Counter()
    for audience, standing, size, count in connection.execute(query):
        counts.update(count_kind(audience, standing, int(size), count))
    connection.execute(update(gallery).values({name: counts[name] for name in names}))
    theirs = select(func.count()).where(photos.c.guest_id == guests.c.id, is_listed)
    connection.execute(update(guests).values(photos=theirs.scalar_subquery()))
