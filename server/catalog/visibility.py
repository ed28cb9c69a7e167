"""The one rule of who sees which photos, as SQL: for lists, files and changes; and how many
photos a viewer sees, from counts that are kept by the same rule."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    case,
    false,
    func,
    literal,
    select,
    union_all,
)

from .changes import GALLERY_COUNTS, GUEST_COUNTS, Change
from .tables import (
    Audience,
    changes,
    gallery,
    guests,
    is_listed,
    is_unpurged,
    is_unshared,
    is_wiped,
    photos,
)

GUEST_ID = "viewer_guest_id"
"""The parameter of statements that has the viewer's `guest_id`."""


@dataclass(frozen=True)
class Viewer:
    """A visitor, as far as it decides what they see. `guest_id` is empty for a client without a
    cookie, which owns nothing. `sees_others` is False where guests see only their own photos; it
    does not matter for hosts."""

    guest_id: str = ""
    is_host: bool = False
    sees_others: bool = True

    @property
    def least_audience(self) -> int:
        """The narrowest audience that they are in: they see its photos whoever owns them, and those
        of wider ones. No photo is for ALL."""
        if self.is_host:
            return Audience.HOSTS
        return Audience.EVERYONE if self.sees_others else Audience.ALL


def is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer sees a photo."""
    return is_listed & is_for(viewer, photos, photos.c.audience)


def was_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer might have seen a photo at some time, be it listed or removed now."""
    return is_for(viewer, photos, photos.c.widest_audience)


def is_for(viewer: Viewer, table: Table, audience: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row of `photos` or `changes` with this audience is for the viewer."""
    is_own = is_owned_by(viewer, table)
    if table is photos and viewer.least_audience == Audience.ALL:
        return is_own  # without the OR below, so that SQLite searches the index of the guest's rows
    return is_own | (audience >= viewer.least_audience)


def is_owned_by(viewer: Viewer, table: Table) -> ColumnElement[bool]:
    """Whether a row of `photos` or `changes` is the viewer's own. A viewer without a cookie owns
    nothing, though rows without an owner have an empty `guest_id`, too."""
    own_id = bindparam(GUEST_ID, viewer.guest_id, guests.c.id.type)
    return table.c.guest_id == own_id if viewer.guest_id else false()


def may_know(viewer: Viewer, change: Change) -> bool:
    """Whether a recorded change is for the viewer: `is_for` of a row that is read already."""
    is_own = bool(viewer.guest_id) and change.guest_id == viewer.guest_id
    return is_own or change.audience >= viewer.least_audience


def is_withheld_from_others(viewer: Viewer, audience: Audience) -> ColumnElement[bool]:
    """Whether a photo has this audience, is not shared with everyone, and the viewer sees it."""
    withheld = is_unshared & (photos.c.audience == audience)
    if viewer.is_host and audience == Audience.HOSTS:
        return withheld
    return withheld & is_owned_by(viewer, photos)


def can_be_restored_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer may restore a removed photo: its owner may unless a host removed it, and
    hosts may if they saw it."""
    restorable = is_unpurged & ~is_wiped
    removed_it = is_owned_by(viewer, photos) & photos.c.removed_by_owner
    if viewer.is_host:
        return restorable & (removed_it | (photos.c.audience >= Audience.HOSTS))
    return restorable & removed_it


def count_seen_by(viewer: Viewer) -> ColumnElement[int]:
    """Select how many of a guest's photos the viewer sees, from the guest's row."""
    counts = GUEST_COUNTS.items()
    shared = sum((n for audience, n in counts if audience >= viewer.least_audience), literal(0))
    if not viewer.guest_id:
        return shared
    is_own = guests.c.id == viewer.guest_id
    return case((is_own, sum(GUEST_COUNTS.values(), literal(0))), else_=shared)


def read_state(connection: Connection, viewer: Viewer) -> tuple[int, int, str | None]:
    """Read, with one statement, the last version that the viewer may know of: that of a change that
    is for them; how many photos they see: the gallery counts for their audience, and narrower ones
    of their own; and when the gallery was closed for uploads."""
    query = _select_state(viewer.least_audience, bool(viewer.guest_id))
    state = connection.execute(query, {GUEST_ID: viewer.guest_id})
    known_version, count, closed_at = state.one()
    return known_version, count, closed_at


@cache
def _select_state(least: int, has_id: bool) -> Select[Any]:
    """Select it for any viewer with this least audience. SQLAlchemy takes longer to put it together
    than SQLite to answer it."""
    own_id = bindparam(GUEST_ID, type_=guests.c.id.type)
    newest = select(func.max(changes.c.version))  # reads one entry of an index
    known = [select(literal(0, changes.c.version.type).label("version"))]
    known += [newest.where(changes.c.audience == it) for it in Audience if it >= least]
    if has_id:
        known.append(newest.where(changes.c.guest_id == own_id))
    version = select(func.max(union_all(*known).subquery().c.version)).scalar_subquery()
    shared = (gallery.c[name] for name, audience in GALLERY_COUNTS.items() if audience >= least)
    own = sum((n for audience, n in GUEST_COUNTS.items() if audience < least), literal(0))
    own_row = select(own).where(guests.c.id == own_id).scalar_subquery()
    total = sum(shared, func.coalesce(own_row, 0))
    return select(version, total, gallery.c.closed_at).select_from(gallery)


def read_totals(connection: Connection, viewers: Collection[Viewer]) -> dict[Viewer, int]:
    """Read how many photos each of these viewers sees, as `read_state` does for one."""
    of_all = connection.execute(select(gallery)).mappings().one()
    guest_ids = {viewer.guest_id for viewer in viewers}
    query = select(guests.c.id, *GUEST_COUNTS.values()).where(guests.c.id.in_(guest_ids))
    of_guests = {
        guest_id: list(zip(GUEST_COUNTS, counts, strict=True))
        for guest_id, *counts in connection.execute(query)
    }
    totals = {}
    for viewer in viewers:
        least = viewer.least_audience
        shared = (of_all[name] for name, audience in GALLERY_COUNTS.items() if audience >= least)
        counts = of_guests.get(viewer.guest_id, ())
        totals[viewer] = sum(shared) + sum(n for audience, n in counts if audience < least)
    return totals
