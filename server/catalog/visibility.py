"""Who sees which photos, as SQL: the one rule for lists, files, counts and changes."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, false, func, literal, select

from .changes import count_own, known_version, least_audience
from .tables import gallery, guests, is_listed, is_unpurged, is_unshared, photos
from .viewer import Audience, Viewer


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


def read_state(connection: Connection, viewer: Viewer) -> tuple[int, int]:
    """Read the version of the last change that the viewer may know of, and how many photos they
    see."""
    own = select(count_own(viewer)).where(guests.c.id == viewer.guest_id).scalar_subquery()
    total = _shared_total(viewer, gallery.c) + func.coalesce(own, 0)
    version, total = connection.execute(
        select(known_version(viewer), total).select_from(gallery)
    ).one()
    return version, total


def read_totals(connection: Connection, viewers: Collection[Viewer]) -> dict[Viewer, int]:
    """Read how many photos each of these viewers sees."""
    counts = connection.execute(select(gallery)).one()
    own: dict[Viewer, int] = {}
    for kind in {replace(viewer, guest_id="") for viewer in viewers}:
        ids = {viewer.guest_id for viewer in viewers if replace(viewer, guest_id="") == kind}
        query = select(guests.c.id, count_own(kind)).where(guests.c.id.in_(ids))
        own |= {replace(kind, guest_id=row[0]): int(row[1]) for row in connection.execute(query)}
    return {viewer: _shared_total(viewer, counts) + own.get(viewer, 0) for viewer in viewers}


def _shared_total(viewer: Viewer, counts: Any) -> Any:
    """How many photos the viewer sees whoever owns them, from the gallery's columns or their
    values."""
    total = literal(0) if counts is gallery.c else 0
    if least_audience(viewer) <= Audience.EVERYONE:
        total += counts.total
    if least_audience(viewer) <= Audience.HOSTS:
        total += counts.pending + counts.hidden
    return total


def _is_own(viewer: Viewer, table: Table) -> ColumnElement[bool]:
    return table.c.guest_id == viewer.guest_id if viewer.guest_id else false()
