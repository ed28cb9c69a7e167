"""Reads what has changed in the gallery after a version, as each viewer may know it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, select

from .changes import Change, read_version
from .database import Database
from .guests import Guest
from .photos import SELECT_PHOTOS, Photo, read_photos
from .tables import changes, gallery, guests, photos
from .visibility import (
    Viewer,
    count_seen_by,
    is_for,
    is_seen_by,
    may_know,
    read_state,
    read_totals,
)

MAX_PIECES = 10
"""Number of pieces that changes are divided in. To send more costs more than to read the list."""


@dataclass(frozen=True)
class Changes:
    """Changes after a version, in their present state: photos that are new or different, ids of
    photos that the viewer does not see any more, guests with another name, and when the gallery was
    closed for uploads. With `more`, more has changed after `version`. With `reset`, the changes are
    too many, or forgotten: start over."""

    photos: list[Photo]
    removed: list[str]
    guests: list[Guest]
    total: int
    version: int
    reset: bool = False
    more: bool = False
    closed_at: str | None = None


def find_version(database: Database) -> int:
    """Find the version of the last change, whoever may know of it."""
    with database.snapshot() as connection:
        return read_version(connection)


def find_known_version(database: Database, viewer: Viewer) -> int:
    """Find the version of the last change that the viewer may know of."""
    with database.snapshot() as connection:
        return read_state(connection, viewer)[0]


def read_changes(database: Database, since: int, limit: int, viewer: Viewer) -> Changes:
    """Read the first `limit` changes after a version, or the first version with more of them. More
    than MAX_PIECES times as many are a reset, and so is a version that never was, or that is so old
    that changes after it are forgotten."""
    with database.snapshot() as connection:
        return next(_read_pieces(connection, since, limit, viewer))


def read_first_news(
    database: Database, since: int | None, limit: int, viewer: Viewer
) -> tuple[int, list[Changes]]:
    """Read what somebody who begins to watch does not know: all changes after `since`, by default
    none, in pieces; with the gallery's version at that moment."""
    with database.snapshot() as connection:
        known = read_state(connection, viewer)[0] if since is None else since
        return read_version(connection), list(_read_pieces(connection, known, limit, viewer))


def read_news(
    database: Database, since: int, limit: int, viewers: Collection[Viewer]
) -> tuple[int, dict[Viewer, list[Changes]]]:
    """Read what has changed after `since` for those of these viewers for whom something has, in
    pieces; with the gallery's version at that moment. Most viewers get the very same list."""
    read: dict[Viewer, list[Changes]] = {}
    pieces_of: dict[tuple[Viewer, int], list[Changes]] = {}
    news = {}
    with database.snapshot() as connection:
        query = select(gallery.c.version, gallery.c.closed_at)
        version, closed_at = connection.execute(query).one()
        recorded = _read_recorded(connection, changes.c.version > since)
        owners = {change.guest_id for change in recorded}
        totals = read_totals(connection, viewers)
        for viewer in viewers:
            # Viewers who own nothing of what has changed may know the same.
            like = viewer if viewer.guest_id in owners else replace(viewer, guest_id="")
            if like not in read:
                known = [change for change in recorded if may_know(like, change)]
                read[like] = list(_divide(connection, known, limit, like))
            if read[like]:
                total = totals[viewer]
                if (like, total) not in pieces_of:
                    pieces_of[like, total] = [
                        replace(piece, total=total, closed_at=closed_at) for piece in read[like]
                    ]
                news[viewer] = pieces_of[like, total]
    return version, news


def _read_pieces(
    connection: Connection, since: int, limit: int, viewer: Viewer
) -> Iterator[Changes]:
    """Read changes in one or more pieces, each going on where the one before it ends."""
    version, total, closed_at = read_state(connection, viewer)
    forgotten = connection.execute(select(gallery.c.forgotten_version)).scalar_one()
    if since == version:
        yield Changes([], [], [], total, version, closed_at=closed_at)
    elif since > version or since < forgotten:
        yield Changes([], [], [], total, version, reset=True, closed_at=closed_at)
    else:
        is_known = (changes.c.version > since) & is_for(viewer, changes, changes.c.audience)
        known = _read_recorded(connection, is_known, MAX_PIECES * limit + 1)
        for piece in _divide(connection, known, limit, viewer, version):
            yield replace(piece, total=total, closed_at=closed_at)


def _read_recorded(
    connection: Connection, which: ColumnElement[bool], most: int | None = None
) -> list[Change]:
    """Read recorded changes in the order of their versions."""
    query = select(*(changes.c[name] for name in Change._fields)).where(which)
    rows = connection.execute(query.order_by(changes.c.version).limit(most))
    return [Change(*row) for row in rows]


def _divide(
    connection: Connection, known: Sequence[Change], limit: int, viewer: Viewer, version: int = 0
) -> Iterator[Changes]:
    """Describe changes in pieces of `limit` of them, or of one version with more than that. Without
    `version` it is the last one's. What is the gallery's own is still to be filled in."""
    if len(known) > MAX_PIECES * limit:
        yield Changes([], [], [], 0, version or known[-1].version, reset=True)
        return
    while known:
        some = known
        if len(known) > limit:
            until = max(known[0].version, known[limit].version - 1)
            some = [change for change in known if change.version <= until]
        known = known[len(some) :]
        yield _describe(connection, some, viewer, more=bool(known))


def _describe(
    connection: Connection, some: Sequence[Change], viewer: Viewer, more: bool
) -> Changes:
    """Read what has become of photos and guests: what the viewer does not see is removed."""
    photo_ids = {change.photo_id for change in some if change.photo_id}
    guest_ids = {change.guest_id for change in some if not change.photo_id}
    seen: list[Photo] = []
    named: list[Guest] = []
    if photo_ids:
        query = SELECT_PHOTOS.where(photos.c.id.in_(photo_ids), is_seen_by(viewer))
        seen = read_photos(connection, query)
        seen.sort(key=lambda photo: photo.version, reverse=True)
    if guest_ids:
        is_known = (count_seen_by(viewer) > 0) | (guests.c.id == viewer.guest_id)
        query = select(guests.c.id, guests.c.name).where(guests.c.id.in_(guest_ids), is_known)
        named = [Guest(*row) for row in connection.execute(query)]
    removed = sorted(photo_ids.difference(photo.id for photo in seen))
    return Changes(seen, removed, named, total=0, version=some[-1].version, more=more)
