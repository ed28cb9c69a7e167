"""Photos as lists: page by page, in outline, and what has changed."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select, select, tuple_

from .database import Database
from .photos import Photo, read_photos, read_state, select_photos
from .tables import guests, is_listed, photos


@dataclass(frozen=True)
class Selection:
    """Which photos, and in which order: newest first, by `arrival` or by the time they were
    `taken`. With `guest_id` only that guest's, with `words` only those that have each of them (the
    first MAX_WORDS, for each costs time) in their name or their sender's."""

    sort: str = "arrival"
    guest_id: str | None = None
    words: str = ""


ALL = Selection()
MAX_WORDS = 5
SORTS = ("arrival", "taken")


@dataclass(frozen=True)
class OutlinedPhoto:
    """As much as it takes to leave room for it. `moment` is the one that it is sorted by."""

    id: str
    width: int
    height: int
    moment: str
    version: int


SomePhoto = TypeVar("SomePhoto", Photo, OutlinedPhoto)


@dataclass(frozen=True)
class Page(Generic[SomePhoto]):
    """Photos; `next` is the `before` of the following page, None on the last. `total` and
    `version` are the gallery's."""

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
    """What happened after a version: photos that came, ids of those that went, guests with another
    name. With `reset` it is too much to tell: start over."""

    photos: list[Photo]
    removed: list[str]
    guests: list[Guest]
    total: int
    version: int
    reset: bool = False


class PhotoLists:
    """Every method is one transaction, with the troubles of `Database`. The gallery's version is
    read first: where a later statement sees more than an earlier one (PostgreSQL's default), photos
    are told twice rather than not at all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> int:
        with self._database.transaction() as connection:
            return read_state(connection)[0]

    def list_photos(
        self, limit: int, before: int | None = None, selection: Selection = ALL
    ) -> Page[Photo]:
        return self._read_page(select_photos(), read_photos, limit, before, selection)

    def outline(
        self, limit: int, before: int | None = None, selection: Selection = ALL
    ) -> Page[OutlinedPhoto]:
        moment = photos.c.moment if selection.sort == "taken" else photos.c.uploaded
        query = select(photos.c.id, photos.c.width, photos.c.height, moment, photos.c.version)
        return self._read_page(query, _read_outlined, limit, before, selection)

    def _read_page(
        self,
        query: Select[Any],
        read: Callable[[Connection, Select[Any]], list[SomePhoto]],
        limit: int,
        before: int | None,
        selection: Selection,
    ) -> Page[SomePhoto]:
        with self._database.transaction() as connection:
            version, total = read_state(connection)
            query = _selected(query, selection)
            query = _ordered(query, selection.sort, _place(connection, before))
            found = read(connection, query.limit(limit + 1))
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].version if more else None, total, version)

    def find_photos(self, photo_ids: list[str]) -> Page[Photo]:
        """Those of these (some hundreds at most) that are in the gallery, in no order."""
        with self._database.transaction() as connection:
            version, total = read_state(connection)
            query = select_photos().where(photos.c.id.in_(photo_ids), is_listed)
            return Page(read_photos(connection, query), None, total, version)

    def changes_since(self, since: int, limit: int) -> Changes:
        """At most `limit` changes; more than that, or a version that never was, is a reset."""
        # Ordered here: for the order's sake SQLite would go through all photos, not only the new.
        added = select_photos().where(photos.c.shown_version > since, is_listed)
        # Those that came meanwhile too: who is told of overlapping changes may know them.
        removed = select(photos.c.id).where(photos.c.removed_version > since)
        renamed = select(guests.c.id, guests.c.name).where(guests.c.version > since)
        with self._database.transaction() as connection:
            version, total = read_state(connection)
            if not version - limit <= since <= version:
                return Changes([], [], [], total, version, reset=True)
            return Changes(
                sorted(read_photos(connection, added), key=attrgetter("version"), reverse=True),
                list(connection.scalars(removed)),
                [Guest(*row) for row in connection.execute(renamed)],
                total,
                version,
            )


def _read_outlined(connection: Connection, query: Select[Any]) -> list[OutlinedPhoto]:
    return [OutlinedPhoto(*row) for row in connection.execute(query)]


def _place(connection: Connection, before: int | None) -> tuple[str, int] | None:
    """Where a page begins; a photo that was removed meanwhile still has its place."""
    if before is None:
        return None
    query = select(photos.c.moment).where(photos.c.version == before)
    return connection.scalar(query) or "", before


def _selected(query: Select[Any], selection: Selection) -> Select[Any]:
    query = query.where(is_listed)
    if selection.guest_id is not None:
        query = query.where(photos.c.guest_id == selection.guest_id)
    for word in list(dict.fromkeys(selection.words.lower().split()))[:MAX_WORDS]:
        senders = select(guests.c.id).where(guests.c.name.icontains(word, autoescape=True))
        query = query.where(
            photos.c.folded_name.contains(word, autoescape=True) | photos.c.guest_id.in_(senders)
        )
    return query


def _ordered(query: Select[Any], sort: str, place: tuple[str, int] | None) -> Select[Any]:
    if sort == "taken":
        if place:
            query = query.where(tuple_(photos.c.moment, photos.c.version) < tuple_(*place))
        return query.order_by(photos.c.moment.desc(), photos.c.version.desc())
    if place:
        query = query.where(photos.c.version < place[1])
    return query.order_by(photos.c.version.desc())
