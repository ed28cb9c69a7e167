"""Photos as rows."""

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from .counts import count_kind
from .database import Database
from .guest_rows import present_id
from .sight import can_be_restored_by, is_seen_by
from .tables import guests, is_listed, is_unpurged, photos, was_removed
from .usage import Usage, read_usage
from .versions import advance, tell
from .viewer import EVERYONE, OWNER, SHOWN, Audience, Viewer


@dataclass(frozen=True)
class Photo:
    """One row. Times are ISO 8601 UTC, width and height as displayed, `sha256` (hex) is of the
    bytes as they were sent. `version` is the gallery's version that added it, `sender` the name
    of its guest, who may have none."""

    id: str
    guest_id: str
    sha256: str
    name: str
    extension: str
    bytes: int
    width: int
    height: int
    animated: bool
    taken: str | None
    uploaded: str
    placeholder: str
    visibility: str = EVERYONE
    standing: str = SHOWN
    version: int = 0
    sender: str | None = None

    @property
    def moment(self) -> str:
        """When it was taken; of a photo that says nothing, when it came."""
        return self.taken or self.uploaded

    @property
    def audience(self) -> Audience:
        if self.visibility == OWNER:
            return Audience.OWNER
        return Audience.EVERYONE if self.standing == SHOWN else Audience.HOSTS


class NoSuchPhoto(LookupError):
    """No listed photo has this id, as far as the viewer may know."""


class SamePhoto(Exception):
    """This guest's gallery holds these very bytes already."""


class RuledOut(Exception):
    """A sweep has taken this photo for left behind: under this id there will never be one."""


MAX_IDS = 500
"""In one statement."""


@dataclass(frozen=True)
class Which:
    """Listed photos: with these ids (MAX_IDS at most), of this guest, of this visibility, that this
    viewer sees; what is not given, is not asked for."""

    ids: Collection[str] | None = None
    guest_id: str | None = None
    visibility: str | None = None
    viewer: Viewer | None = None

    @property
    def rows(self) -> ColumnElement[bool]:
        if self == Which():
            raise ValueError("These would be all photos.")
        wanted = is_seen_by(self.viewer) if self.viewer else is_listed
        if self.ids is not None:
            wanted &= photos.c.id.in_(self.ids)
        if self.guest_id is not None:
            wanted &= photos.c.guest_id == self.guest_id
        if self.visibility is not None:
            wanted &= photos.c.visibility == self.visibility
        return wanted


_OWN_COLUMNS = [name for name in Photo.__dataclass_fields__ if name in photos.c]


_sender = func.nullif(guests.c.name, "").label("sender")


def select_photos() -> Select[Any]:
    return select(*(photos.c[name] for name in _OWN_COLUMNS), _sender).join(
        guests, guests.c.id == photos.c.guest_id, isouter=True
    )


def read_photos(connection: Connection, query: Select[Any]) -> list[Photo]:
    """Of a query that began as `select_photos`."""
    return [Photo(**row) for row in connection.execute(query).mappings()]


class Catalog:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_photo(
        self, photo: Photo, since: str = "", check: Callable[[Usage], None] | None = None
    ) -> Photo:
        """The photo with its version. `check` is shown the usage of its guest `since` a moment,
        with this photo, while nobody else can add one: what it raises leaves the photo out.
        Raises SamePhoto, also when two arrive at once, and RuledOut."""
        try:
            with self._database.transaction() as connection:
                version = advance(connection)
                guest_id = present_id(connection, photo.guest_id)
                photo = replace(photo, version=version, guest_id=guest_id)
                row = {name: getattr(photo, name) for name in _OWN_COLUMNS}
                row |= {
                    "shown_version": photo.version,
                    "audience": photo.audience,
                    "moment": photo.moment,
                    "folded_name": photo.name.lower(),
                }
                connection.execute(photos.insert().values(row))
                publish(connection, photo.version, [], [photo])
                if check:
                    check(read_usage(connection, photo.guest_id, since))
        except IntegrityError:
            if self.find_same(photo.guest_id, photo.sha256):
                raise SamePhoto from None
            if self._is_ruled_out(photo.id):
                raise RuledOut from None
            raise
        return photo

    def change_photos(
        self, which: Which, visibility: str | None = None, standing: str | None = None
    ) -> None:
        """Those that see the difference are told of it; what is not there is passed over."""
        wanted = {"visibility": visibility, "standing": standing}
        values: dict[str, Any] = {name: value for name, value in wanted.items() if value}
        differs = or_(*(photos.c[name] != value for name, value in values.items()))
        with self._database.transaction() as connection:
            version = advance(connection)
            former = read_photos(connection, select_photos().where(which.rows, differs))
            changed = [replace(photo, **values) for photo in former]
            for audience in {photo.audience for photo in changed}:
                ids = [photo.id for photo in changed if photo.audience == audience]
                sight = {"shown_version": version, **_sight(version, audience)}
                _update(connection, ids, values | {"audience": audience} | sight)
            publish(connection, version, former, changed)

    def remove_photos(self, which: Which, moment: str, by_guest: str) -> list[str]:
        """Their ids. They can be restored until they are wiped."""
        with self._database.transaction() as connection:
            version = advance(connection)
            gone = read_photos(connection, select_photos().where(which.rows))
            remove(connection, version, gone, moment, by_guest)
            return [photo.id for photo in gone]

    def restore_photo(
        self,
        photo_id: str,
        viewer: Viewer,
        since: str = "",
        check: Callable[[Usage], None] | None = None,
    ) -> None:
        """Back to its place. `check` as in `add_photo`. Raises NoSuchPhoto, also when it is not
        for the viewer to restore, and SamePhoto."""
        try:
            with self._database.transaction() as connection:
                version = advance(connection)
                wanted = (photos.c.id == photo_id) & can_be_restored_by(viewer)
                photo = _find(connection, wanted, for_update=True)  # nobody wipes it meanwhile
                values = {"removed_version": None, "removed": None, "removed_by_owner": None}
                shown = {"shown_version": version, **_sight(version, photo.audience)}
                _update(connection, [photo_id], values | shown)
                publish(connection, version, [], [photo])
                if check:
                    check(read_usage(connection, photo.guest_id, since))
        except IntegrityError:
            raise SamePhoto from None

    def unpurged_photos(self, removed_before: str, limit: int) -> list[str]:
        """Ids of photos that were removed then, and whose files may still be there."""
        query = select(photos.c.id).where(is_unpurged, photos.c.removed < removed_before)
        with self._database.transaction() as connection:
            return list(connection.scalars(query.limit(limit)))

    def wipe_photo(self, photo_id: str) -> bool:
        """Leave of a removed photo a tombstone, so that `changes_since` can tell of it, and nothing
        to look at or to restore. False when it was restored meanwhile."""
        wiped = update(photos).where(photos.c.id == photo_id, is_unpurged)
        with self._database.transaction() as connection:
            nothing = {"name": "", "folded_name": "", "placeholder": "", "sha256": ""}
            return bool(connection.execute(wiped.values(nothing)).rowcount)

    def mark_purged(self, photo_id: str) -> None:
        """Its files are gone."""
        purged = update(photos).where(photos.c.id == photo_id, was_removed).values(removed=None)
        with self._database.transaction() as connection:
            connection.execute(purged)

    def find_photo(self, photo_id: str, viewer: Viewer) -> Photo:
        """Raises NoSuchPhoto."""
        with self._database.transaction() as connection:
            return _find(connection, (photos.c.id == photo_id) & is_seen_by(viewer))

    def find_same(self, guest_id: str, sha256: str) -> Photo | None:
        """The photo of these bytes that this guest sent before."""
        with suppress(NoSuchPhoto), self._database.transaction() as connection:
            theirs = photos.c.guest_id == present_id(connection, guest_id)
            return _find(connection, theirs & (photos.c.sha256 == sha256) & is_listed)
        return None

    def known_ids(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) that are in the gallery, or may be again."""
        with self._database.transaction() as connection:
            query = select(photos.c.id).where(photos.c.id.in_(photo_ids), is_listed | is_unpurged)
            return set(connection.scalars(query))

    def rule_out(self, photo_ids: Collection[str]) -> set[str]:
        """Those of `photo_ids` (some hundreds at most) under which there will never be a photo from
        now on, whatever is on its way: what is of no photo yet gets a tombstone, which nobody is
        told of."""
        these = photos.c.id.in_(photo_ids)
        with self._database.transaction() as connection:
            version = advance(connection)  # nobody adds one of them meanwhile
            known = set(connection.scalars(select(photos.c.id).where(these)))
            for photo_id in sorted(set(photo_ids) - known):
                connection.execute(photos.insert().values(_tombstone(photo_id, version)))
                version = advance(connection)
            gone = select(photos.c.id).where(these, was_removed, ~is_unpurged)
            return set(connection.scalars(gone))

    def _is_ruled_out(self, photo_id: str) -> bool:
        query = select(photos.c.id).where(photos.c.id == photo_id, was_removed)
        with self._database.transaction() as connection:
            return connection.execute(query).first() is not None


def publish(
    connection: Connection, version: int, former: list[Photo], present: list[Photo]
) -> None:
    """What these photos have become is told to all who see a difference."""
    touched = [*former, *present]
    if touched:
        theirs = Counter(photo.guest_id for photo in present)
        theirs.subtract(photo.guest_id for photo in former)
        counts = _count(present)
        counts.subtract(_count(former))
        tell(connection, version, max(photo.audience for photo in touched), theirs, counts)


def remove(
    connection: Connection, version: int, gone: list[Photo], moment: str, by_guest: str
) -> None:
    values = {
        "removed_version": version,
        "removed": moment,
        "removed_by_owner": photos.c.guest_id == by_guest,
    }
    _update(connection, [photo.id for photo in gone], values | _sight(version, None))
    publish(connection, version, gone, [])


def _tombstone(photo_id: str, version: int) -> dict[str, Any]:
    """As of a photo that nobody ever saw."""
    texts = ("guest_id", "sha256", "name", "folded_name", "extension", "uploaded", "moment")
    return {
        "id": photo_id,
        "version": version,
        "shown_version": version,
        "removed_version": version,
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(("bytes", "width", "height"), 0),
        "animated": False,
        "placeholder": "",
        "visibility": OWNER,
        "standing": SHOWN,
        "audience": Audience.OWNER,
    }


def _count(counted: list[Photo]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for photo in counted:
        counts.update(count_kind(photo.audience, photo.standing, photo.bytes))
    return counts


def _sight(version: int, audience: Audience | None) -> dict[str, Any]:
    """Who does not see a photo any more from this version on; None is nobody."""
    values: dict[str, Any] = {}
    for name, level in (("left_hosts", Audience.HOSTS), ("left_everyone", Audience.EVERYONE)):
        if audience is not None and audience >= level:
            values[name] = None
        else:
            was_seen = is_listed & (photos.c.audience >= level)
            values[name] = case((was_seen, version), else_=photos.c[name])
    return values


def _update(connection: Connection, photo_ids: list[str], values: dict[str, Any]) -> None:
    for start in range(0, len(photo_ids), MAX_IDS):
        ids = photo_ids[start : start + MAX_IDS]
        connection.execute(update(photos).where(photos.c.id.in_(ids)).values(values))


def _find(connection: Connection, which: ColumnElement[bool], for_update: bool = False) -> Photo:
    query = select_photos().where(which)
    if for_update:
        query = query.with_for_update(of=photos)
    for photo in read_photos(connection, query):
        return photo
    raise NoSuchPhoto
