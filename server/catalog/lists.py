"""Photos as lists: page by page, in outline, and what has changed."""

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from .database import Database
from .photos import Photo, read_photos, read_state, select_photos
from .tables import guests, is_listed, photos


@dataclass(frozen=True)
class Selection:
    """Which photos, and in which order: newest first, by `arrival` or by the time they were
    `taken`. With `guest_id` only that guest's, with `words` only those that have each of them in
    their name or their sender's."""

    sort: str = "arrival"
    guest_id: str | None = None
    words: str = ""


ALL = Selection()
SORTS = ("arrival", "taken")


@dataclass(frozen=True)
class Page:
    """Photos; `next` is the `before` of the following page, None on the last. `total` and
    `version` are the gallery's."""

    photos: list[Photo]
    next: int | None
    total: int
    version: int


@dataclass(frozen=True)
class OutlinedPhoto:
    """As much as it takes to leave room for it. `moment` is the one that it is sorted by."""

    id: str
    width: int
    height: int
    moment: str


@dataclass(frozen=True)
class Outline:
    """As `Page`."""

    photos: list[OutlinedPhoto]
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
    reset: bool = field(default=False)


class PhotoLists:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> int:
        with self._database.transaction() as connection:
            return read_state(connection)[0]

    def list_photos(
        self, limit: int, before: int | None = None, selection: Selection = ALL
    ) -> Page:
        with self._database.transaction() as connection:
            version, total = read_state(connection)
            query = _select(select_photos(), selection, limit, _place(connection, before))
            found = read_photos(connection, query)
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].version if more else None, total, version)

    def outline(self, limit: int, before: int | None = None, selection: Selection = ALL) -> Outline:
        columns = (photos.c.id, photos.c.width, photos.c.height, _moment(selection))
        query = select(*columns, photos.c.version).join(
            guests, guests.c.id == photos.c.guest_id, isouter=True
        )
        with self._database.transaction() as connection:
            version, total = read_state(connection)
            query = _select(query, selection, limit, _place(connection, before))
            found = list(connection.execute(query))
        outlined = [OutlinedPhoto(*row[:4]) for row in found[:limit]]
        return Outline(
            outlined, found[limit - 1][4] if len(found) > limit else None, total, version
        )

    def find_photos(self, photo_ids: list[str]) -> Page:
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


def _moment(selection: Selection) -> ColumnElement[str]:
    return photos.c.moment if selection.sort == "taken" else photos.c.uploaded


def _place(connection: Connection, before: int | None) -> tuple[str, int] | None:
    """Where a page begins; a photo that was removed meanwhile still has its place."""
    if before is None:
        return None
    query = select(photos.c.moment).where(photos.c.version == before)
    return connection.scalar(query) or "", before


def _select(
    query: Select[Any], selection: Selection, limit: int, place: tuple[str, int] | None
) -> Select[Any]:
    """One more than `limit`, which tells whether there are more."""
    query = query.where(is_listed)
    if selection.guest_id is not None:
        query = query.where(photos.c.guest_id == selection.guest_id)
    for word in selection.words.split():
        sender = func.coalesce(guests.c.name, "")
        query = query.where(
            photos.c.name.icontains(word, autoescape=True) | sender.icontains(word, autoescape=True)
        )
    if selection.sort == "taken":
        if place:
            query = query.where(tuple_(photos.c.moment, photos.c.version) < tuple_(*place))
        query = query.order_by(photos.c.moment.desc(), photos.c.version.desc())
    else:
        if place:
            query = query.where(photos.c.version < place[1])
        query = query.order_by(photos.c.version.desc())
    return query.limit(limit + 1)
