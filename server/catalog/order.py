"""The orders in which photos are listed, newest first, and the places in them."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select, tuple_

from .tables import photos
from .viewer import Viewer
from .visibility import has_left, is_seen_by

SORTS = ("arrival", "taken")


class Place(NamedTuple):
    """A photo's, in either order."""

    moment: str
    version: int


def in_order(query: Select[Any], sort: str, after: Place | None) -> Select[Any]:
    """From the one after this place on."""
    if sort == "taken":
        if after:
            query = query.where(tuple_(photos.c.moment, photos.c.version) < tuple_(*after))
        return query.order_by(photos.c.moment.desc(), photos.c.version.desc())
    if after:
        query = query.where(photos.c.version < after.version)
    return query.order_by(photos.c.version.desc())


def find_place(connection: Connection, version: int, viewer: Viewer) -> Place:
    """Of the photo of this version; one that was removed meanwhile still has its place."""
    query = select(photos.c.moment).where(photos.c.version == version)
    query = query.where(is_seen_by(viewer) | has_left(viewer, since=0))
    return Place(connection.scalar(query) or "", version)
