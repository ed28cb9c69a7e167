"""Photos as they come, change and go."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, case, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..names import fold_for_search
from ..refusals import NoSuchPhoto, RuledOut
from .changes import advance, tell
from .counts import count_kind
from .database import Database
from .guest_rows import present_id
from .photo_rows import OWN_COLUMNS, Photo, read_photo, read_photos, select_photos
from .tables import is_listed, is_remembered, is_unsummed, photos, was_removed, was_withheld
from .usage import Usage, read_usage
from .viewer import HIDDEN, Audience, Viewer
from .visibility import can_be_restored_by, is_seen_by


class SamePhoto(Exception):
    """This guest's gallery holds these very bytes already."""


MAX_IDS = 500
"""In one statement, and with one version: who asks what has changed can be told so many at once."""


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


class Catalog:
    """Every method is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_photo(
        self, photo: Photo, since: str = "", check: Callable[[Usage], None] | None = None
    ) -> Photo:
        """The photo with its version; hidden where a host withheld these bytes of this guest
        before, until a host shows it. `check` is shown the usage of its guest `since` a moment,
        with this photo, while nobody else can add one: what it raises leaves the photo out.
        Raises SamePhoto, also when two arrive at once, and RuledOut."""
        try:
            with self._database.transaction() as connection:
                version = advance(connection)
                guest_id = present_id(connection, photo.guest_id)
                photo = replace(photo, version=version, guest_id=guest_id)
                if _was_withheld(connection, photo):
                    photo = replace(photo, standing=HIDDEN)
                row = {name: getattr(photo, name) for name in OWN_COLUMNS}
                row |= {
                    "shown_version": photo.version,
                    "audience": photo.audience,
                    "moment": photo.moment,
                    "folded_name": fold_for_search(photo.name),
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
                alike = [photo for photo in changed if photo.audience == audience]
                for later, some in in_versions(connection, version, alike):
                    sight = {"shown_version": later, **_sight(later, audience)}
                    connection.execute(some.values(values | {"audience": audience} | sight))
                    version = later
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
                photo = read_photo(connection, wanted, for_update=True)  # nobody wipes it meanwhile
                values = {"removed_version": None, "removed": None, "removed_by_owner": None}
                shown = {"shown_version": version, **_sight(version, photo.audience)}
                this_one = update(photos).where(photos.c.id == photo_id)
                connection.execute(this_one.values(values | shown))
                publish(connection, version, [], [photo])
                if check:
                    check(read_usage(connection, photo.guest_id, since))
        except IntegrityError:
            raise SamePhoto from None

    def find_photo(self, photo_id: str, viewer: Viewer) -> Photo:
        """Raises NoSuchPhoto."""
        with self._database.transaction() as connection:
            return read_photo(connection, (photos.c.id == photo_id) & is_seen_by(viewer))

    def find_same(self, guest_id: str, sha256: str) -> Photo | None:
        """The photo of these bytes that this guest sent before."""
        with suppress(NoSuchPhoto), self._database.transaction() as connection:
            theirs = photos.c.guest_id == present_id(connection, guest_id)
            return read_photo(connection, theirs & (photos.c.sha256 == sha256) & is_listed)
        return None

    def keep_crc32(self, photo_id: str, crc32: int | None) -> None:
        """Of its original; None forgets it."""
        with self._database.transaction() as connection:
            kept = update(photos).where(photos.c.id == photo_id).values(crc32=crc32)
            connection.execute(kept)

    def unsummed(self, after: str, limit: int) -> list[tuple[str, str]]:
        """Ids and extensions of listed photos whose CRC-32 is not known, by their ids, after this
        one."""
        query = select(photos.c.id, photos.c.extension).where(is_unsummed, photos.c.id > after)
        with self._database.transaction() as connection:
            found = connection.execute(query.order_by(photos.c.id).limit(limit))
            return [(photo_id, extension) for photo_id, extension in found]

    def _is_ruled_out(self, photo_id: str) -> bool:
        query = select(photos.c.id).where(photos.c.id == photo_id, was_removed)
        with self._database.transaction() as connection:
            return connection.execute(query).first() is not None


def _was_withheld(connection: Connection, photo: Photo) -> bool:
    same = (photos.c.guest_id == photo.guest_id) & (photos.c.sha256 == photo.sha256)
    query = select(photos.c.id).where(same, is_remembered, was_withheld).limit(1)
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
) -> int:
    """The version of the last ones."""
    by_owner = photos.c.guest_id == by_guest
    for later, some in in_versions(connection, version, gone):
        values = {"removed_version": later, "removed": moment, "removed_by_owner": by_owner}
        connection.execute(some.values(values | _sight(later, None)))
        version = later
    publish(connection, version, gone, [])
    return version


def in_versions(
    connection: Connection, version: int, changed: list[Photo]
) -> Iterator[tuple[int, Update]]:
    """An update of MAX_IDS of these photos after the other, the first of them in this version, each
    that follows in a later one."""
    for start in range(0, len(changed), MAX_IDS):
        if start:
            version = advance(connection)
        ids = [photo.id for photo in changed[start : start + MAX_IDS]]
        yield version, update(photos).where(photos.c.id.in_(ids))


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
