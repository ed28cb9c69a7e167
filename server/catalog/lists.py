"""Photos as lists: page by page, in outline, and what has changed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from operator import attrgetter
from secrets import token_hex
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, select

from ..refusals import NoSuchSelection
from . import search
from .changes import read_version
from .database import Database
from .guests import Guest
from .order import find_place, in_order
from .photos import Photo, is_one_of, read_photos, select_photos
from .tables import guests, photos, selections
from .viewer import PUBLIC, Audience, Viewer
from .visibility import (
    count_own,
    departures,
    has_left,
    is_seen_by,
    is_withheld_from_others,
    read_known_version,
    read_state,
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
MAX_PIECES = 10
"""In which changes are told one by one. More of them than that cost more than to read the list."""


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
class Changes:
    """What happened after a version: photos that came or are not what they were, ids of those that
    went, guests with another name. With `more` there is more to tell, which came after `version`.
    With `reset` it is too much to tell: start over."""

    photos: list[Photo]
    removed: list[str]
    guests: list[Guest]
    total: int
    version: int
    reset: bool = False
    more: bool = False


MOST_SELECTIONS = 200
"""That are kept at once; 100,000 photos are three megabytes."""


def known_version(database: Database, viewer: Viewer) -> int:
    """Return the version of the last change that the viewer may know of."""
    with database.snapshot() as connection:
        return read_known_version(connection, viewer)


def version(database: Database) -> int:
    """Of the last change, whoever may know of it."""
    with database.snapshot() as connection:
        return read_version(connection)


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
        place = None if before is None else find_place(connection, before, viewer)
        query = in_order(query, selection.sort, place)
        found = search.read_having(
            connection, selection.words, query, read, limit + 1, selection.sort, before
        )
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
        version, total = read_state(connection, viewer)
        query = select_photos().where(photos.c.id.in_(photo_ids), is_seen_by(viewer))
        return Page(read_photos(connection, query), None, total, version)


def changes_since(database: Database, since: int, limit: int, viewer: Viewer = PUBLIC) -> Changes:
    """The first `limit` changes or so: a version is told whole. More than MAX_PIECES times as
    many, or a version that never was, is a reset."""
    with database.snapshot() as connection:
        return _read_changes(connection, since, limit, viewer)


def first_news(
    database: Database, since: int | None, limit: int, viewer: Viewer
) -> tuple[int, list[Changes]]:
    """The gallery's version, and what has happened after `since` (by default after all that
    did) for who begins to watch, as of one moment: all of it, in pieces."""
    with database.snapshot() as connection:
        known = read_known_version(connection, viewer) if since is None else since
        return read_version(connection), _read_pieces(connection, known, limit, viewer)


def news(
    database: Database, since: int, limit: int, viewers: Collection[Viewer]
) -> tuple[int, dict[Viewer, list[Changes]]]:
    """The gallery's version, and what has happened after `since` for those of these viewers for
    whom something has, all of it as of one moment, in pieces. Most are told the same, the very
    same."""
    changed = select(guests.c.id).where(guests.c.own_version > since)
    read: dict[Viewer, list[Changes]] = {}
    told: dict[tuple[Viewer, int], list[Changes]] = {}
    news = {}
    with database.snapshot() as connection:
        version = read_version(connection)
        owners = set(connection.scalars(changed))
        own = count_own(connection, viewers)
        for viewer in viewers:
            like = viewer if viewer.guest_id in owners else replace(viewer, guest_id="")
            if like not in read:
                read[like] = _read_pieces(connection, since, limit, like)
            pieces = read[like]
            if pieces[-1].version > since:
                more = own[viewer] - own[like]  # is in the total already
                if (like, more) not in told:
                    told[like, more] = [replace(p, total=p.total + more) for p in pieces]
                news[viewer] = told[like, more]
    return version, news


def _read_pieces(connection: Connection, since: int, limit: int, viewer: Viewer) -> list[Changes]:
    """Each goes on where the one before it ends."""
    pieces = [_read_changes(connection, since, limit, viewer)]
    while pieces[-1].more:
        pieces.append(_read_changes(connection, pieces[-1].version, limit, viewer))
    return pieces


def _read_changes(connection: Connection, since: int, limit: int, viewer: Viewer) -> Changes:
    version, total = read_state(connection, viewer)
    reset = Changes([], [], [], total, version, reset=True)
    if since > version:
        return reset
    changes = _read_between(connection, since, version, limit + 1, viewer)
    if len(changes.photos) + len(changes.removed) + len(changes.guests) > limit:
        most = MAX_PIECES * limit
        versions = _read_versions(connection, since, most + 1, viewer)
        if len(versions) > most:
            return reset
        until = max(versions[0], versions[limit] - 1)
        changes = _read_between(connection, since, until, most, viewer)
    return replace(changes, total=total, more=changes.version < version)


def _read_between(
    connection: Connection, since: int, until: int, most: int, viewer: Viewer
) -> Changes:
    """At most so many of each kind, in no order of versions."""

    def is_between(version: ColumnElement[int]) -> ColumnElement[bool]:
        return (version > since) & (version <= until)

    # Ordered here: for the order's sake SQLite would go through all photos, not only the new.
    added = select_photos().where(is_between(photos.c.shown_version), is_seen_by(viewer))
    # Those that came meanwhile too: who is told of overlapping changes may know them.
    removed = select(photos.c.id).where(has_left(viewer, since, until))
    renamed = select(guests.c.id, guests.c.name).where(is_between(guests.c.version))
    renamed = renamed.where(_is_known_to(viewer))
    return Changes(
        sorted(read_photos(connection, added.limit(most)), key=attrgetter("version"), reverse=True),
        list(connection.scalars(removed.limit(most))),
        [Guest(*row) for row in connection.execute(renamed.limit(most))],
        total=0,
        version=until,
    )


def _read_versions(connection: Connection, since: int, most: int, viewer: Viewer) -> list[int]:
    """Of the changes after `since`, each as often as it changed something for this viewer."""
    shown = (photos.c.shown_version, is_seen_by(viewer))
    renamed = (guests.c.version, _is_known_to(viewer))
    found: list[int] = []
    for version, which in (shown, renamed, *departures(viewer)):
        query = select(version).where(version > since, which).order_by(version)
        found += connection.scalars(query.limit(most))
    return sorted(found)


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
