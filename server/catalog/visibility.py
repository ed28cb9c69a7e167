"""Who sees which photos, as SQL: the one rule for lists, files, counts and changes."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    case,
    false,
    func,
    literal,
    or_,
    select,
)

from .tables import gallery, guests, is_listed, is_unpurged, is_unshared, photos
from .viewer import Audience, Viewer


def is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Of a photo."""
    return is_listed & (_is_own(viewer) | _is_for_others_like(viewer))


def is_withheld_from_others(viewer: Viewer, audience: Audience) -> ColumnElement[bool]:
    """Of a photo that the viewer sees (`is_seen_by`), and that is for this audience, but not for
    everyone."""
    withheld = is_unshared & (photos.c.audience == audience)
    if viewer.is_host and audience == Audience.HOSTS:
        return withheld
    return withheld & _is_own(viewer)


def has_left(viewer: Viewer, since: int, until: int = 2**63 - 1) -> ColumnElement[bool]:
    """Of a photo that they may have seen until some version after `since`, and do not any more."""
    left = ((column > since) & (column <= until) & which for column, which in departures(viewer))
    return or_(false(), *left)


def departures(viewer: Viewer) -> list[tuple[ColumnElement[int], ColumnElement[bool]]]:
    """The versions in which photos went that they may have seen before, and of which photos, none
    of which they see any more."""
    gone = ~is_seen_by(viewer)
    found: list[tuple[ColumnElement[int], ColumnElement[bool]]] = []
    if viewer.is_host:
        found.append((photos.c.left_hosts, gone))
    elif viewer.sees_others:
        found.append((photos.c.left_everyone, gone))
    if viewer.guest_id:
        found.append((photos.c.removed_version, gone & _is_own(viewer)))
    return found


def can_be_restored_by(viewer: Viewer) -> ColumnElement[bool]:
    """Of a removed photo: by its owner, unless a host removed it, and by hosts, if they saw it."""
    restorable = is_unpurged & (photos.c.sha256 != "")
    removed_it = _is_own(viewer) & photos.c.removed_by_owner
    if viewer.is_host:
        return restorable & (removed_it | (photos.c.audience >= Audience.HOSTS))
    return restorable & removed_it


def read_known_version(connection: Connection, viewer: Viewer) -> int:
    """Of the last change that they may know of."""
    return int(connection.execute(select(_version(viewer)).select_from(gallery)).scalar_one())


def read_state(connection: Connection, viewer: Viewer) -> tuple[int, int]:
    """The version of the last change that they may know of, and how many photos they see."""
    query = select(_version(viewer), _total(viewer)).select_from(gallery)
    version, total = connection.execute(query).one()
    return version, total


def count_photos(which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(photos).where(which).scalar_subquery()


def count_own(connection: Connection, viewers: Iterable[Viewer]) -> Counter[Viewer]:
    """How many of their own photos they see that others like them do not; of those viewers alone
    who see the photos of others."""
    known = {viewer for viewer in viewers if viewer.guest_id and _sees_others(viewer)}
    query = (
        select(photos.c.guest_id, photos.c.audience, func.count())
        .where(
            is_unshared,
            photos.c.audience.in_((Audience.OWNER, Audience.HOSTS)),  # for the index
            photos.c.guest_id.in_({viewer.guest_id for viewer in known}),
        )
        .group_by(photos.c.guest_id, photos.c.audience)
    )
    rows = connection.execute(query).all()
    counts = Counter({(guest_id, level): count for guest_id, level, count in rows})
    return Counter(
        {one: sum(counts[one.guest_id, level] for level in _own_levels(one)) for one in known}
    )


def _own_levels(viewer: Viewer) -> list[Audience]:
    """Of photos that only their owner sees, among those who are like this viewer."""
    return [level for level in Audience if level < _level(viewer)]


def _level(viewer: Viewer) -> Audience:
    """From which on photos are for all who are like this viewer."""
    return Audience.HOSTS if viewer.is_host else Audience.EVERYONE


def _sees_others(viewer: Viewer) -> bool:
    return viewer.is_host or viewer.sees_others


def _is_own(viewer: Viewer) -> ColumnElement[bool]:
    return photos.c.guest_id == viewer.guest_id if viewer.guest_id else false()


def _is_for_others_like(viewer: Viewer) -> ColumnElement[bool]:
    if not _sees_others(viewer):
        return false()
    return photos.c.audience >= _level(viewer)


def _version(viewer: Viewer) -> ColumnElement[int]:
    own = select(guests.c.own_version).where(guests.c.id == viewer.guest_id)
    shared: ColumnElement[int] = literal(0)
    if _sees_others(viewer):
        shared = gallery.c.hosts_version if viewer.is_host else gallery.c.everyones_version
    own_version = func.coalesce(own.scalar_subquery(), 0)
    return case((own_version > shared, own_version), else_=shared)


def _total(viewer: Viewer) -> ColumnElement[int]:
    """Only their own are counted."""
    if not _sees_others(viewer):
        return count_photos(is_seen_by(viewer))
    total: ColumnElement[int] = gallery.c.total
    if viewer.is_host:
        total = total + gallery.c.pending + gallery.c.hidden
    for level in _own_levels(viewer):
        total = total + count_photos(is_withheld_from_others(viewer, level))
    return total
