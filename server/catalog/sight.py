"""Who sees which photos, as SQL: the one rule for lists, files, counts and changes."""

from sqlalchemy import ColumnElement, Connection, false, func, literal, select

from .tables import gallery, guests, is_listed, is_shared, photos
from .viewer import Audience, Viewer


def is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Of a photo."""
    return is_listed & (_is_own(viewer) | _is_for_others_like(viewer))


def has_left(viewer: Viewer, since: int) -> ColumnElement[bool]:
    """Of a photo that they may have seen until some version after `since`, and do not any more."""
    if viewer.is_host:
        left = photos.c.left_hosts > since
    else:
        left = photos.c.left_everyone > since if viewer.sees_others else false()
    own_left = _is_own(viewer) & (photos.c.removed_version > since)
    return (left | own_left) & ~is_seen_by(viewer)


def read_state(connection: Connection, viewer: Viewer) -> tuple[int, int]:
    """The version of the last change that they may know of, and how many photos they see."""
    sees_shared = viewer.is_host or viewer.sees_others
    shared_version: ColumnElement[int] = literal(0)
    if sees_shared:
        shared_version = gallery.c.hosts_version if viewer.is_host else gallery.c.everyones_version
    own_version = select(guests.c.own_version).where(guests.c.id == viewer.guest_id)
    seen = select(func.count()).select_from(photos).where(is_seen_by(viewer))
    uncounted = seen.where(~is_shared) if sees_shared else seen
    version, total, own, others = connection.execute(
        select(
            shared_version,
            gallery.c.total if sees_shared else literal(0),
            func.coalesce(own_version.scalar_subquery(), 0),
            uncounted.scalar_subquery(),
        ).select_from(gallery)
    ).one()
    return max(version, own), total + others


def _is_own(viewer: Viewer) -> ColumnElement[bool]:
    return photos.c.guest_id == viewer.guest_id if viewer.guest_id else false()


def _is_for_others_like(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_host:
        return photos.c.audience >= Audience.HOSTS
    return is_shared if viewer.sees_others else false()
