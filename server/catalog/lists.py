"""Photos as lists: page by page, in outline, and what has changed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from . import search
from .database import Database
from .order import find_place, in_order
from .photo_rows import Photo, read_photos, select_photos
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

    def version(self) -> int:
        """Of the last change, whoever may know of it."""
        with self._database.snapshot() as connection:
            return read_version(connection)

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
            place = None if before is None else find_place(connection, before, viewer)
            query = in_order(query, selection.sort, place)
            found = search.read_having(
                connection, selection.words, query, read, limit + 1, selection.sort, before
            )
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

    def first_news(self, since: int | None, limit: int, viewer: Viewer) -> tuple[int, Changes]:
        """The gallery's version, and what has happened after `since` (by default after all that
        did) for who begins to watch, as of one moment."""
        with self._database.snapshot() as connection:
            known = read_known_version(connection, viewer) if since is None else since
            return read_version(connection), _read_changes(connection, known, limit, viewer)

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
