"""Lists of photos, page by page, with everything about them or only their sizes.

A `PhotoQuery` says what is listed. A selection is something else: the ids of some hundred photos,
which are kept for a while under an id of its own, because an address has no room for them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Generic, Literal, NamedTuple, TypeVar, overload

from sqlalchemy import Connection, Select, delete, select, tuple_

from ..refusals import NoSuchSelection
from . import search
from .database import Database, is_one_of
from .photos import SELECT_PHOTOS, Photo, read_photos
from .tables import Audience, photos, selections
from .visibility import Viewer, is_seen_by, is_withheld_from_others, read_state, was_seen_by


@dataclass(frozen=True)
class PhotoQuery:
    """A query says which photos are listed, and in which order: by `arrival` or by the time they
    were `taken`, newest first or `oldest_first`. `guest_id` selects the photos of one guest,
    `words` those with each word in their name or their sender's, `only` (one of `changes.KINDS`)
    those that not everyone sees, `ids` the photos with these ids."""

    sort: str = "arrival"
    guest_id: str | None = None
    words: str = ""
    only: str = ""
    ids: tuple[str, ...] | None = None
    oldest_first: bool = False


ALL = PhotoQuery()
SORTS = ("arrival", "taken")
"""Values of `PhotoQuery.sort`."""
ORDERS = ("newest", "oldest")
"""Which of them come first, as clients say it."""


class OutlinedPhoto(NamedTuple):
    """A photo's size and sort key, with which the page leaves room for it. `moment` is the time it
    is sorted by."""

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
    and `version` are the gallery's, as the viewer may know them, and so is `closed_at`, since when
    it takes no photos. `end` is the time by which the last photo of the whole list is sorted; None
    where this page has it, on every page but the first, and for a search, which would have to find
    it."""

    photos: list[SomePhoto]
    next: int | None
    total: int
    version: int
    closed_at: str | None = None
    end: str | None = None


MOST_SELECTIONS = 200
"""Number of selections that are kept at once; one of 100,000 photos takes three megabytes."""


@overload
def list_photos(
    database: Database,
    limit: int,
    before: int | None = None,
    asked: PhotoQuery = ALL,
    *,
    viewer: Viewer,
) -> Page[Photo]: ...
@overload
def list_photos(
    database: Database,
    limit: int,
    before: int | None,
    asked: PhotoQuery,
    *,
    viewer: Viewer,
    sizes_only: Literal[True],
) -> Page[OutlinedPhoto]: ...
def list_photos(
    database: Database,
    limit: int,
    before: int | None = None,
    asked: PhotoQuery = ALL,
    *,
    viewer: Viewer,
    sizes_only: bool = False,
) -> Page[Any]:
    """List up to `limit` photos that the viewer sees, with everything about them or their sizes
    only. `before` is the version of the last photo of the page before (its `next`), None for the
    first page."""
    read: Callable[[Connection, Select[Any]], list[Any]]
    is_by_time = asked.sort == "taken"
    time = photos.c.moment if is_by_time else photos.c.uploaded
    sizes = (photos.c.width, photos.c.height, time, photos.c.version, photos.c.audience)
    query = select(photos.c.id, *sizes) if sizes_only else SELECT_PHOTOS
    read = _read_outlined if sizes_only else read_photos
    with database.snapshot() as connection:
        version, total, closed_at = read_state(connection, viewer)
        # Each condition appears once: query planners multiply the selectivities of conditions.
        if asked.only == "private":
            query = query.where(is_withheld_from_others(viewer, Audience.OWNER))
        elif asked.only:
            query = query.where(is_withheld_from_others(viewer, Audience.HOSTS))
            query = query.where(photos.c.standing == asked.only)
        else:
            query = query.where(is_seen_by(viewer))
        if asked.guest_id is not None:
            query = query.where(photos.c.guest_id == asked.guest_id)
        if asked.ids is not None:
            query = query.where(is_one_of(connection, photos.c.id, asked.ids))
        key = [photos.c.moment, photos.c.version] if is_by_time else [photos.c.version]
        order, opposite = [column.desc() for column in key], [column.asc() for column in key]
        if asked.oldest_first:
            order, opposite = opposite, order
        following = query.order_by(*order)
        if before is not None:
            place: list[Any] = [before]
            if is_by_time:
                # What was removed while somebody pages still has its place, if they ever saw it.
                is_it = (photos.c.version == before) & was_seen_by(viewer)
                moment = connection.scalar(select(photos.c.moment).where(is_it))
                place.insert(0, moment or ("Z" if asked.oldest_first else ""))  # behind all others
            here, there = tuple_(*key), tuple_(*place)
            following = following.where(here > there if asked.oldest_first else here < there)
        end = None
        if asked.words:
            is_newest_first = not (is_by_time or asked.oldest_first)
            below = (search.NO_END if before is None else before) if is_newest_first else None
            found: list[Any] = search.read_having(
                connection, asked.words, following, read, limit + 1, below
            )
        else:
            found = read(connection, following.limit(limit + 1))
            if before is None and len(found) > limit:
                last = query.with_only_columns(time).order_by(*opposite).limit(1)
                end = connection.scalar(last)
    more = len(found) > limit
    last_version = found[limit - 1].version if more else None
    return Page(found[:limit], last_version, total, version, closed_at, end)


def keep_selection(
    database: Database,
    photo_ids: Collection[str],
    made_at: str,
    expired_before: str,
    viewer: Viewer,
) -> str:
    """Keep those of these ids that the viewer sees (made-up ones would fill the catalog), and
    return the id of the selection. Deletes selections that were made before `expired_before`."""
    newest = select(selections.c.id).order_by(selections.c.made.desc())
    is_old = selections.c.id.not_in(newest.limit(MOST_SELECTIONS - 1))
    with database.transaction() as connection:
        connection.execute(delete(selections).where(is_old | (selections.c.made < expired_before)))
        seen = is_one_of(connection, photos.c.id, photo_ids) & is_seen_by(viewer)
        known = connection.scalars(select(photos.c.id).where(seen))
        row = {"id": token_hex(16), "photo_ids": ",".join(known), "made": made_at}
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


def _read_outlined(connection: Connection, query: Select[Any]) -> list[OutlinedPhoto]:
    parts = connection.execute(query).partitions(1000)  # not row by row, which takes half more
    return [OutlinedPhoto(*row) for part in parts for row in part]
