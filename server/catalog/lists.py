"""Photos as lists: page by page, in outline, or those of a selection."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, delete, select, tuple_

from ..refusals import NoSuchSelection
from . import search
from .changes import read_known_version
from .database import Database
from .photos import Photo, is_one_of, read_photos, select_photos
from .tables import photos, selections
from .viewer import PUBLIC, Audience, Viewer
from .visibility import (
    is_seen_by,
    is_withheld_from_others,
    read_totals,
    was_seen_by,
)


@dataclass(frozen=True)
class Selection:
    """Which photos, and in which order: newest first, by `arrival` or by the time they were
    `taken`. With `guest_id` only that guest's, with `words` only those that have each of them in
    their name or their sender's, with `only` (one of KINDS) what not everyone sees, with `ids` only
    those photos."""

    sort: str = "arrival"
    guest_id: str | None = None
    words: str = ""
    only: str = ""
    ids: tuple[str, ...] | None = None


ALL = Selection()
SORTS = ("arrival", "taken")
"""Values of `Selection.sort`."""


class Place(NamedTuple):
    """Where a photo stands, in either order."""

    moment: str
    version: int


@dataclass(frozen=True)
class OutlinedPhoto:
    """As much as it takes to leave room for it. `moment` is the one that it is sorted by."""

    id: str
    width: int
    height: int
    moment: str
    version: int
    audience: int


SomePhoto = TypeVar("SomePhoto", Photo, OutlinedPhoto)


@dataclass(frozen=True)
class Page(Generic[SomePhoto]):
    """Photos; `next` is the `before` of the following page, None on the last. `total` and
    `version` are the gallery's, as its viewer may know them."""

    photos: list[SomePhoto]
    next: int | None
    total: int
    version: int


MOST_SELECTIONS = 200
"""That are kept at once; 100,000 photos are three megabytes."""


def list_photos(
    database: Database,
    limit: int,
    before: int | None = None,
    selection: Selection = ALL,
    viewer: Viewer = PUBLIC,
) -> Page[Photo]:
    return _read_page(database, select_photos(), read_photos, limit, before, selection, viewer)


def outline(
    database: Database,
    limit: int,
    before: int | None = None,
    selection: Selection = ALL,
    viewer: Viewer = PUBLIC,
) -> Page[OutlinedPhoto]:
    moment = photos.c.moment if selection.sort == "taken" else photos.c.uploaded
    query = select(
        photos.c.id,
        photos.c.width,
        photos.c.height,
        moment,
        photos.c.version,
        photos.c.audience,
    )
    return _read_page(database, query, _read_outlined, limit, before, selection, viewer)


def _read_page(
    database: Database,
    query: Select[Any],
    read: Callable[[Connection, Select[Any]], list[SomePhoto]],
    limit: int,
    before: int | None,
    selection: Selection,
    viewer: Viewer,
) -> Page[SomePhoto]:
    with database.snapshot() as connection:
        version = read_known_version(connection, viewer)
        total = read_totals(connection, [viewer])[viewer]
        query = _selected(query, selection, viewer)
        if selection.ids is not None:
            query = query.where(is_one_of(connection, photos.c.id, selection.ids))
        place = None if before is None else _find_place(connection, before, viewer)
        if selection.sort == "taken":
            if place:
                query = query.where(tuple_(photos.c.moment, photos.c.version) < tuple_(*place))
            query = query.order_by(photos.c.moment.desc(), photos.c.version.desc())
        else:
            if place:
                query = query.where(photos.c.version < place.version)
            query = query.order_by(photos.c.version.desc())
        if selection.words:
            found = search.read_having(
                connection, selection.words, query, read, limit + 1, selection.sort, before
            )
        else:
            found = read(connection, query.limit(limit + 1))
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].version if more else None, total, version)


def keep_selection(
    database: Database, photo_ids: Collection[str], moment: str, forgotten: str, viewer: Viewer
) -> str:
    """The id under which those of these that the viewer sees are found, and no made-up ones,
    which would fill the catalog; selections that were made before `forgotten` are gone."""
    newest = select(selections.c.id).order_by(selections.c.made.desc())
    is_old = selections.c.id.not_in(newest.limit(MOST_SELECTIONS - 1))
    with database.transaction() as connection:
        seen = is_one_of(connection, photos.c.id, photo_ids) & is_seen_by(viewer)
        known = connection.scalars(select(photos.c.id).where(seen))
        row = {"id": token_hex(16), "photo_ids": ",".join(known), "made": moment}
        connection.execute(delete(selections).where(is_old | (selections.c.made < forgotten)))
        connection.execute(selections.insert().values(row))
    return row["id"]


def find_selection(database: Database, selection_id: str, since: str) -> list[str]:
    """The ids of its photos. Raises NoSuchSelection if it was not made since then."""
    is_it = (selections.c.id == selection_id) & (selections.c.made >= since)
    with database.snapshot() as connection:
        photo_ids = connection.scalar(select(selections.c.photo_ids).where(is_it))
    if photo_ids is None:
        raise NoSuchSelection
    return str(photo_ids).split(",")


def find_photos(database: Database, photo_ids: list[str], viewer: Viewer = PUBLIC) -> Page[Photo]:
    """Those of these (some hundreds at most) that are in the gallery, in no order."""
    with database.snapshot() as connection:
        version = read_known_version(connection, viewer)
        total = read_totals(connection, [viewer])[viewer]
        query = select_photos().where(photos.c.id.in_(photo_ids), is_seen_by(viewer))
        return Page(read_photos(connection, query), None, total, version)


def _find_place(connection: Connection, version: int, viewer: Viewer) -> Place:
    """Find the place of the photo of this version, as long as the viewer has ever seen it: what was
    removed while somebody pages still has its place."""
    query = select(photos.c.moment).where(photos.c.version == version, was_seen_by(viewer))
    return Place(connection.scalar(query) or "", version)


def _read_outlined(connection: Connection, query: Select[Any]) -> list[OutlinedPhoto]:
    return [OutlinedPhoto(*row) for row in connection.execute(query)]


def _selected(query: Select[Any], selection: Selection, viewer: Viewer) -> Select[Any]:
    """Each condition once: a planner takes another for one that leaves out still more."""
    if selection.only == "private":
        query = query.where(is_withheld_from_others(viewer, Audience.OWNER))
    elif selection.only:
        query = query.where(is_withheld_from_others(viewer, Audience.HOSTS))
        query = query.where(photos.c.standing == selection.only)
    else:
        query = query.where(is_seen_by(viewer))
    if selection.guest_id is not None:
        query = query.where(photos.c.guest_id == selection.guest_id)
    return query
