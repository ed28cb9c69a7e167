"""Who sees which photos, as SQL: the one rule for lists, files, counts and changes."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    case,
    false,
    func,
    literal,
    select,
    union_all,
)

from .changes import GUEST_COUNTS, Change
from .tables import changes, gallery, guests, is_listed, is_unpurged, is_unshared, photos
from .viewer import HIDDEN, PENDING, Audience, Viewer


def is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer sees a photo."""
    return is_listed & is_for(viewer, photos, photos.c.audience)


def was_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer might have seen a photo at some time, be it listed or removed now."""
    return is_for(viewer, photos, photos.c.widest_audience)


def is_for(viewer: Viewer, table: Table, audience: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row of `photos` or `changes` with this audience is for the viewer."""
    least = least_audience(viewer)
    is_shared = audience >= least if least <= Audience.EVERYONE else false()
    return _is_own(viewer, table) | is_shared


def least_audience(viewer: Viewer) -> int:
    """The narrowest audience whose photos this viewer sees whoever owns them; more than any
    audience if there is none."""
    if viewer.is_host:
        return Audience.HOSTS
    return Audience.EVERYONE if viewer.sees_others else Audience.EVERYONE + 1


def may_know(viewer: Viewer, change: Change) -> bool:
    """Whether a recorded change is for the viewer: `is_for` of a row that is read already."""
    is_own = bool(viewer.guest_id) and change.guest_id == viewer.guest_id
    return is_own or change.audience >= least_audience(viewer)


def is_withheld_from_others(viewer: Viewer, audience: Audience) -> ColumnElement[bool]:
    """Whether the viewer sees a photo that has this audience, and so not everyone does."""
    withheld = is_unshared & (photos.c.audience == audience)
    if viewer.is_host and audience == Audience.HOSTS:
        return withheld
    return withheld & _is_own(viewer, photos)


def can_be_restored_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer may restore a removed photo: its owner may unless a host removed it, and
    hosts may if they saw it."""
    restorable = is_unpurged & (photos.c.name != "")  # whose files are being deleted has none
    removed_it = _is_own(viewer, photos) & photos.c.removed_by_owner
    if viewer.is_host:
        return restorable & (removed_it | (photos.c.audience >= Audience.HOSTS))
    return restorable & removed_it


def known_version(viewer: Viewer) -> ColumnElement[int]:
    """Select the version of the last change that the viewer may know of; 0 if there is none. Each
    part of the query reads one entry of an index."""
    newest = select(func.max(changes.c.version).label("version"))
    known = [
        newest.where(changes.c.audience == audience)
        for audience in Audience
        if audience >= least_audience(viewer)
    ]
    if viewer.guest_id:
        known.append(newest.where(changes.c.guest_id == viewer.guest_id))
    if not known:
        return literal(0)
    versions = union_all(*known).subquery()
    return func.coalesce(select(func.max(versions.c.version)).scalar_subquery(), 0)


def count_seen_by(viewer: Viewer) -> ColumnElement[int]:
    """Select how many of a guest's photos the viewer sees, from the guest's row."""
    least = least_audience(viewer)
    shared = sum((n for audience, n in GUEST_COUNTS.items() if audience >= least), start=literal(0))
    own = case((guests.c.id == viewer.guest_id, _count_own(viewer)), else_=0)
    return shared + (own if viewer.guest_id else 0)


def read_state(connection: Connection, viewer: Viewer) -> tuple[int, int]:
    """Read the version of the last change that the viewer may know of, and how many photos they
    see."""
    shared = sum((gallery.c[name] for name in _shared_counts(viewer)), start=literal(0))
    own = select(_count_own(viewer)).where(guests.c.id == viewer.guest_id).scalar_subquery()
    columns = (known_version(viewer), shared + func.coalesce(own, 0))
    version, total = connection.execute(select(*columns).select_from(gallery)).one()
    return version, total


def read_totals(connection: Connection, viewers: Collection[Viewer]) -> dict[Viewer, int]:
    """Read how many photos each of these viewers sees."""
    counts = connection.execute(select(gallery)).mappings().one()
    own: dict[Viewer, int] = {}
    for kind in {replace(viewer, guest_id="") for viewer in viewers}:
        ids = {viewer.guest_id for viewer in viewers if replace(viewer, guest_id="") == kind}
        query = select(guests.c.id, _count_own(kind)).where(guests.c.id.in_(ids))
        own |= {replace(kind, guest_id=row[0]): int(row[1]) for row in connection.execute(query)}
    return {
        viewer: sum(counts[name] for name in _shared_counts(viewer)) + own.get(viewer, 0)
        for viewer in viewers
    }


def _shared_counts(viewer: Viewer) -> list[str]:
    """Name the gallery's counts of photos that the viewer sees whoever owns them."""
    least = least_audience(viewer)
    if least <= Audience.HOSTS:
        return ["total", PENDING, HIDDEN]
    return ["total"] if least <= Audience.EVERYONE else []


def _count_own(viewer: Viewer) -> ColumnElement[int]:
    """Select how many photos a viewer sees only because they are their own, from their row."""
    least = least_audience(viewer)
    return sum((n for audience, n in GUEST_COUNTS.items() if audience < least), start=literal(0))


def _is_own(viewer: Viewer, table: Table) -> ColumnElement[bool]:
    return table.c.guest_id == viewer.guest_id if viewer.guest_id else false()
