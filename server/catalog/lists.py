"""Lists of photos, page by page, whole or in outline, and kept selections."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, delete, select, tuple_

from ..refusals import NoSuchSelection
from . import search
from .database import Database
from .photos import Photo, is_one_of, read_photos, select_photos
from .tables import photos, selections
from .viewer import PUBLIC, Audience, Viewer
from .visibility import (
    is_seen_by,
    is_withheld_from_others,
    read_state,
    was_seen_by,
)


@dataclass(frozen=True)
class Selection:
    """A selection says which photos are listed, and in which order: newest first, by `arrival` or
    by the time they were `taken`. `guest_id` selects the photos of one guest, `words` those with
    each word in their name or their sender's, `only` (one of KINDS) those that not everyone sees,
    `ids` the photos with these ids."""

    sort: str = "arrival"
    guest_id: str | None = None
    words: str = ""
    only: str = ""
    ids: tuple[str, ...] | None = None


ALL = Selection()
SORTS = ("arrival", "taken")
"""Values of `Selection.sort`."""


class Place(NamedTuple):
    """A photo's sort key in either order."""

    moment: str
    version: int


@dataclass(frozen=True)
class OutlinedPhoto:
    """What the page needs to leave room for a photo. `moment` is the time that it is sorted by."""

    id: str
    width: int
    height: int
    moment: str
    version: int
    audience: int


SomePhoto = TypeVar("SomePhoto", Photo, OutlinedPhoto)


@dataclass(frozen=True)
class Page(Generic[SomePhoto]):
    """One page of a list. `next` is the `before` of the following page, None on the last. `total`
    and `version` are the gallery's, as the viewer may know them."""

    photos: list[SomePhoto]
    next: int | None
    total: int
    version: int


MOST_SELECTIONS = 200
"""Number of selections that are kept at once; one of 100,000 photos takes three megabytes."""


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
        version, total = read_state(connection, viewer)
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
    """Keep those of these ids that the viewer sees (made-up ones would fill the catalog), and
    return the id of the selection. Deletes selections that were made before `forgotten`."""
    newest = select(selections.c.id).order_by(selections.c.made.desc())
    is_old = selections.c.id.not_in(newest.limit(MOST_SELECTIONS - 1))
    with database.transaction() as connection:  # writes first, so that SQLite waits for its turn
        connection.execute(delete(selections).where(is_old | (selections.c.made < forgotten)))
        seen = is_one_of(connection, photos.c.id, photo_ids) & is_seen_by(viewer)
        known = connection.scalars(select(photos.c.id).where(seen))
        row = {"id": token_hex(16), "photo_ids": ",".join(known), "made": moment}
        connection.execute(selections.insert().values(row))
    return row["id"]


def find_selection(database: Database, selection_id: str, since: str) -> list[str]:
    """Return the ids of a selection's photos. Raises NoSuchSelection unless it was made `since`."""
    is_it = (selections.c.id == selection_id) & (selections.c.made >= since)
    with database.snapshot() as connection:
        photo_ids = connection.scalar(select(selections.c.photo_ids).where(is_it))
    if photo_ids is None:
        raise NoSuchSelection
    return str(photo_ids).split(",")


def _find_place(connection: Connection, version: int, viewer: Viewer) -> Place:
    """Find the place of the photo of this version, as long as the viewer has ever seen it: what was
    removed while somebody pages still has its place."""
    query = select(photos.c.moment).where(photos.c.version == version, was_seen_by(viewer))
    return Place(connection.scalar(query) or "", version)


def _read_outlined(connection: Connection, query: Select[Any]) -> list[OutlinedPhoto]:
    return [OutlinedPhoto(*row) for row in connection.execute(query)]


def _selected(query: Select[Any], selection: Selection, viewer: Viewer) -> Select[Any]:
    """Add the conditions of a selection, each once: for a query planner, each further condition
    leaves out more rows."""
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
