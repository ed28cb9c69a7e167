"""Photos as lists: page by page, in outline, and what has changed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, exists, select, tuple_

from . import search
from .database import Database
from .photos import Photo, read_photos, select_photos
from .sight import (
    count_own,
    has_left,
    is_seen_by,
    is_withheld_from_others,
    read_known_version,
    read_state,
)
from .tables import guests, photos
from .versions import read_version
from .viewer import Audience, Viewer


@dataclass(frozen=True)
class Selection:
    """Which photos, and in which order: newest first, by `arrival` or by the time they were
    `taken`. With `guest_id` only that guest's, with `words` only those that have each of them in
    their name or their sender's, with `only` (one of KINDS) what not everyone sees."""

    sort: str = "arrival"
    guest_id: str | None = None
    words: str = ""
    only: str = ""


ALL = Selection()
PUBLIC = Viewer()
SORTS = ("arrival", "taken")


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


@dataclass(frozen=True)
class Guest:
    """`name` is empty for who does not want to be named (any more)."""

    id: str
    name: str
    photos: int = 0


@dataclass(frozen=True)
class Changes:
    """What happened after a version: photos that came or are not what they were, ids of those that
    went, guests with another name. With `reset` it is too much to tell: start over."""

    photos: list[Photo]
    removed: list[str]
    guests: list[Guest]
    total: int
    version: int
    reset: bool = False


class PhotoLists:
    """Every method sees one moment, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self, viewer: Viewer | None = None) -> int:
        """Of the last change, or of the last that this viewer may know of."""
        with self._database.snapshot() as connection:
            return read_known_version(connection, viewer) if viewer else read_version(connection)

    def list_photos(
        self,
        limit: int,
        before: int | None = None,
        selection: Selection = ALL,
        viewer: Viewer = PUBLIC,
    ) -> Page[Photo]:
        return self._read_page(select_photos(), read_photos, limit, before, selection, viewer)

    def outline(
        self,
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
        return self._read_page(query, _read_outlined, limit, before, selection, viewer)

    def _read_page(
        self,
        query: Select[Any],
        read: Callable[[Connection, Select[Any]], list[SomePhoto]],
        limit: int,
        before: int | None,
        selection: Selection,
        viewer: Viewer,
    ) -> Page[SomePhoto]:
        with self._database.snapshot() as connection:
            version, total = read_state(connection, viewer)
            query = _selected(query, selection, viewer)
            query = _ordered(query, selection.sort, _place(connection, before, viewer))
            words = search.read_words(connection, selection.words)
            if words:
                found = _read_having(
                    connection, words, query, read, limit + 1, before, selection.sort
                )
            else:
                found = read(connection, query.limit(limit + 1))
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].version if more else None, total, version)

    def find_photos(self, photo_ids: list[str], viewer: Viewer = PUBLIC) -> Page[Photo]:
        """Those of these (some hundreds at most) that are in the gallery, in no order."""
        with self._database.snapshot() as connection:
            version, total = read_state(connection, viewer)
            query = select_photos().where(photos.c.id.in_(photo_ids), is_seen_by(viewer))
            return Page(read_photos(connection, query), None, total, version)

    def changes_since(self, since: int, limit: int, viewer: Viewer = PUBLIC) -> Changes:
        """At most `limit` changes; more than that, or a version that never was, is a reset."""
        with self._database.snapshot() as connection:
            return _read_changes(connection, since, limit, viewer)

    def news(
        self, since: int, limit: int, viewers: Collection[Viewer]
    ) -> tuple[int, dict[Viewer, Changes]]:
        """The gallery's version, and what has happened after `since` for those of these viewers for
        whom something has, all of it as of one moment. Most are told the same, the very same."""
        changed = select(guests.c.id).where(guests.c.own_version > since)
        read: dict[Viewer, Changes] = {}
        told: dict[tuple[Viewer, int], Changes] = {}
        news = {}
        with self._database.snapshot() as connection:
            version = read_version(connection)
            owners = set(connection.scalars(changed))
            own = count_own(connection, viewers)
            for viewer in viewers:
                like = viewer if viewer.guest_id in owners else replace(viewer, guest_id="")
                if like not in read:
                    read[like] = _read_changes(connection, since, limit, like)
                changes = read[like]
                if changes.version > since:
                    more = own[viewer] - own[like]  # is in the total already
                    total = changes.total + more
                    news[viewer] = told.setdefault((like, more), replace(changes, total=total))
        return version, news


def _read_changes(connection: Connection, since: int, limit: int, viewer: Viewer) -> Changes:
    version, total = read_state(connection, viewer)
    # Ordered here: for the order's sake SQLite would go through all photos, not only the new.
    added = select_photos().where(photos.c.shown_version > since, is_seen_by(viewer))
    # Those that came meanwhile too: who is told of overlapping changes may know them.
    removed = select(photos.c.id).where(has_left(viewer, since))
    renamed = select(guests.c.id, guests.c.name).where(guests.c.version > since)
    renamed = renamed.where(_is_known_to(viewer))
    most = limit + 1
    found = read_photos(connection, added.limit(most))
    changes = Changes(
        sorted(found, key=attrgetter("version"), reverse=True),
        list(connection.scalars(removed.limit(most))),
        [Guest(*row) for row in connection.execute(renamed.limit(most))],
        total,
        version,
    )
    told = len(changes.photos) + len(changes.removed) + len(changes.guests)
    if since > version or told > limit:
        return Changes([], [], [], total, version, reset=True)
    return changes


def _is_known_to(viewer: Viewer) -> ColumnElement[bool]:
    theirs = exists().where(photos.c.guest_id == guests.c.id, is_seen_by(viewer))
    return theirs | (guests.c.id == viewer.guest_id)


def _read_outlined(connection: Connection, query: Select[Any]) -> list[OutlinedPhoto]:
    return [OutlinedPhoto(*row) for row in connection.execute(query)]


def _place(connection: Connection, before: int | None, viewer: Viewer) -> tuple[str, int] | None:
    """Where a page begins; a photo that was removed meanwhile still has its place."""
    if before is None:
        return None
    query = select(photos.c.moment).where(photos.c.version == before)
    query = query.where(is_seen_by(viewer) | has_left(viewer, since=0))
    return connection.scalar(query) or "", before


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


def _read_having(
    connection: Connection,
    words: list[search.Word],
    query: Select[Any],
    read: Callable[[Connection, Select[Any]], list[SomePhoto]],
    count: int,
    before: int | None,
    sort: str,
) -> list[SomePhoto]:
    """The first `count` that have all these words, or as many as there are."""
    having = query.where(*(word.is_in() for word in words)).limit(count)
    sample = search.look_at_next(connection, query, words)
    if sample.is_all:
        return read(connection, having)
    if needed := sample.needed(count):
        end = _place_of(connection, query, needed)
        found = read(connection, having.where(_is_until(end, sort)) if end else having)
        if len(found) == count or not end:
            return found
    by_arrival = sort == "arrival"
    few = search.find_few(connection, sample.rare(words), before if by_arrival else None)
    if few and (few.are_all or by_arrival):  # else the first of the page may not be among them
        found = read(connection, having.where(few.rows(connection))) if few.versions else []
        if len(found) == count or few.are_all:
            return found
    return read(connection, having)


def _place_of(connection: Connection, query: Select[Any], number: int) -> tuple[str, int] | None:
    """Of this one of the photos, from 1 on; None if there are fewer."""
    places = query.with_only_columns(photos.c.moment, photos.c.version)
    place = connection.execute(places.offset(number - 1).limit(1)).first()
    return place and (place.moment, place.version)


def _is_until(place: tuple[str, int], sort: str) -> ColumnElement[bool]:
    """Of a photo that is not after this place in the order."""
    if sort == "taken":
        return tuple_(photos.c.moment, photos.c.version) >= tuple_(*place)
    return photos.c.version >= place[1]


def _ordered(query: Select[Any], sort: str, place: tuple[str, int] | None) -> Select[Any]:
    if sort == "taken":
        if place:
            query = query.where(tuple_(photos.c.moment, photos.c.version) < tuple_(*place))
        return query.order_by(photos.c.moment.desc(), photos.c.version.desc())
    if place:
        query = query.where(photos.c.version < place[1])
    return query.order_by(photos.c.version.desc())
