"""The table of photos: adds, finds, changes, removes and restores them."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Select,
    any_,
    case,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ..names import fold_for_search, with_extension
from ..refusals import NoSuchPhoto
from .changes import advance, record
from .database import Database
from .guests import read_owner_id
from .orphans import begin_intent, end_intent
from .tables import guests, is_listed, is_remembered, is_unsummed, photos, was_withheld
from .usage import Usage, read_usage
from .viewer import EVERYONE, HIDDEN, OWNER, SHOWN, Audience, Viewer
from .visibility import can_be_restored_by, is_seen_by


@dataclass(frozen=True)
class Photo:
    """One photo. `taken` is the local time where it was taken, ISO 8601 without a zone (photos of
    former versions have UTC, with a Z); other times are UTC. Width and height are as displayed.
    `sha256` (hex) is of the bytes as they were sent, `crc32` of those that are stored, None until
    it is computed. `version` is the gallery's version that added it, `sender` the name of its
    guest, None without one."""

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
    crc32: int | None = None

    @property
    def file_name(self) -> str:
        """The name under which a visitor saves the photo."""
        return with_extension(self.name, self.extension)

    @property
    def stored_name(self) -> str:
        """The name of the original below `/uploads/`."""
        return f"{self.id}.{self.extension}"

    @property
    def moment(self) -> str:
        """The time by which photos are sorted: when it was taken or, if that is unknown, uploaded.
        All have the same form, since they are compared as strings."""
        return f"{(self.taken or self.uploaded)[:19]}Z"

    @property
    def audience(self) -> Audience:
        if self.visibility == OWNER:
            return Audience.OWNER
        return Audience.EVERYONE if self.standing == SHOWN else Audience.HOSTS


class SamePhoto(Exception):
    """The guest has a listed photo with the same bytes already."""


MAX_IDS = 500
"""Number of photos in one statement and with one version: an answer about changes holds so many."""


@dataclass(frozen=True)
class PhotoFilter:
    """Selects listed photos: with these ids (MAX_IDS at most), of this guest, of this visibility,
    and seen by this viewer. A condition that is None selects all."""

    ids: Collection[str] | None = None
    guest_id: str | None = None
    visibility: str | None = None
    viewer: Viewer | None = None

    @property
    def rows(self) -> ColumnElement[bool]:
        if self == PhotoFilter():
            raise ValueError("These would be all photos.")
        wanted = is_seen_by(self.viewer) if self.viewer else is_listed
        if self.ids is not None:
            wanted &= photos.c.id.in_(self.ids)
        if self.guest_id is not None:
            wanted &= photos.c.guest_id == self.guest_id
        if self.visibility is not None:
            wanted &= photos.c.visibility == self.visibility
        return wanted


def begin_photo(
    database: Database,
    photo_id: str,
    guest_id: str,
    sha256: str,
    since: str,
    check: Callable[[Usage], None],
) -> Photo | None:
    """Write a photo's intent row, unless this guest has sent these bytes before: then return that
    photo. `check` gets the guest's usage `since` a moment; if it raises, no row is written."""
    with database.transaction() as connection:
        begin_intent(
            connection, photo_id
        )  # it writes first, so that SQLite waits for other writers
        same = _read_same(connection, guest_id, sha256)
        if same:
            end_intent(connection, photo_id)
        else:
            check(read_usage(connection, guest_id, since))
    return same


def add_photo(
    database: Database, photo: Photo, since: str = "", check: Callable[[Usage], None] | None = None
) -> Photo:
    """List a photo, delete its intent row, and return the photo with its version. It is hidden,
    until a host shows it, if a host withheld these bytes of this guest before. `check` gets the
    guest's usage `since` a moment, this photo included, while nobody else can add one; if it
    raises, the photo is not listed. Raises SamePhoto, also when two arrive at once, and
    UploadSwept."""
    try:
        with database.transaction() as connection:
            version = advance(connection)
            end_intent(connection, photo.id)
            guest_id = read_owner_id(connection, photo.guest_id)
            photo = replace(photo, version=version, guest_id=guest_id)
            same = (photos.c.guest_id == guest_id) & (photos.c.sha256 == photo.sha256)
            withheld = select(photos.c.id).where(same, is_remembered, was_withheld).limit(1)
            if connection.execute(withheld).first():
                photo = replace(photo, standing=HIDDEN)
            row = {name: getattr(photo, name) for name in OWN_COLUMNS}
            row |= {
                "audience": photo.audience,
                "widest_audience": photo.audience,
                "moment": photo.moment,
                "folded_name": fold_for_search(photo.name),
            }
            connection.execute(photos.insert().values(row))
            record(connection, version, [], [photo])
            if check:
                check(read_usage(connection, photo.guest_id, since))
    except IntegrityError:
        if find_same(database, photo.guest_id, photo.sha256):
            raise SamePhoto from None
        raise
    return photo


def change_photos(
    database: Database,
    which: PhotoFilter,
    visibility: str | None = None,
    standing: str | None = None,
) -> None:
    """Change the visibility or the moderation state of photos, and record it for those who see the
    difference. Photos that are not there are passed over."""
    wanted = {"visibility": visibility, "standing": standing}
    values: dict[str, Any] = {name: value for name, value in wanted.items() if value}
    differs = or_(*(photos.c[name] != value for name, value in values.items()))
    with database.transaction() as connection:
        version = advance(connection)
        former = read_photos(connection, select_photos().where(which.rows, differs))
        for later, some in batches(connection, version, former):
            changed = [replace(photo, **values) for photo in some]
            for audience in {photo.audience for photo in changed}:
                ids = [photo.id for photo in changed if photo.audience == audience]
                is_wider = photos.c.widest_audience < audience
                widest = case((is_wider, audience), else_=photos.c.widest_audience)
                audiences = {"audience": audience, "widest_audience": widest}
                these = update(photos).where(photos.c.id.in_(ids))
                connection.execute(these.values(values | audiences))
            record(connection, later, some, changed)


def remove_photos(database: Database, which: PhotoFilter, moment: str, by_guest: str) -> list[str]:
    """Remove photos and return their ids. They can be restored until they are wiped."""
    with database.transaction() as connection:
        version = advance(connection)
        gone = read_photos(connection, select_photos().where(which.rows))
        remove(connection, version, gone, moment, by_guest)
        return [photo.id for photo in gone]


def restore_photo(
    database: Database,
    photo_id: str,
    viewer: Viewer,
    since: str = "",
    check: Callable[[Usage], None] | None = None,
) -> None:
    """Restore a removed photo to its place in the lists. `check` is called as in `add_photo`.
    Raises NoSuchPhoto, also when the viewer may not restore it, and SamePhoto."""
    try:
        with database.transaction() as connection:
            version = advance(connection)
            wanted = (photos.c.id == photo_id) & can_be_restored_by(viewer)
            photo = read_photo(connection, wanted, for_update=True)  # nobody wipes it meanwhile
            values = {"removed_version": None, "removed": None, "removed_by_owner": None}
            connection.execute(update(photos).where(photos.c.id == photo_id).values(values))
            record(connection, version, [], [photo])
            if check:
                check(read_usage(connection, photo.guest_id, since))
    except IntegrityError:
        raise SamePhoto from None


def find_photo(database: Database, photo_id: str, viewer: Viewer) -> Photo:
    """Find a photo that the viewer sees. Raises NoSuchPhoto."""
    with database.transaction() as connection:
        return read_photo(connection, (photos.c.id == photo_id) & is_seen_by(viewer))


def find_same(database: Database, guest_id: str, sha256: str) -> Photo | None:
    """Find the listed photo of these bytes that this guest sent before."""
    with database.transaction() as connection:
        return _read_same(connection, guest_id, sha256)


def keep_crc32(database: Database, photo_id: str, crc32: int | None) -> None:
    """Store the CRC-32 of a photo's original; None forgets it."""
    with database.transaction() as connection:
        kept = update(photos).where(photos.c.id == photo_id).values(crc32=crc32)
        connection.execute(kept)


def find_unsummed(database: Database, after: str, limit: int) -> list[tuple[str, str]]:
    """Find the ids and extensions of listed photos without a CRC-32, sorted by id, beginning after
    this one."""
    query = select(photos.c.id, photos.c.extension).where(is_unsummed, photos.c.id > after)
    with database.transaction() as connection:
        found = connection.execute(query.order_by(photos.c.id).limit(limit))
        return [(photo_id, extension) for photo_id, extension in found]


def _read_same(connection: Connection, guest_id: str, sha256: str) -> Photo | None:
    theirs = photos.c.guest_id == read_owner_id(connection, guest_id)
    query = select_photos().where(theirs, photos.c.sha256 == sha256, is_listed)
    return next(iter(read_photos(connection, query)), None)


def remove(
    connection: Connection, version: int, gone: list[Photo], moment: str, by_guest: str
) -> None:
    """Remove these listed photos, the first batch of them in this version."""
    by_owner = photos.c.guest_id == by_guest
    for later, some in batches(connection, version, gone):
        values = {"removed_version": later, "removed": moment, "removed_by_owner": by_owner}
        these = photos.c.id.in_([photo.id for photo in some])
        connection.execute(update(photos).where(these).values(values))
        record(connection, later, some, [])


def batches(
    connection: Connection, version: int, changed: list[Photo]
) -> Iterator[tuple[int, list[Photo]]]:
    """Divide photos into batches of MAX_IDS, the first with this version, each other with a later
    one of its own."""
    for start in range(0, len(changed), MAX_IDS):
        if start:
            version = advance(connection)
        yield version, changed[start : start + MAX_IDS]


OWN_COLUMNS = [name for name in Photo.__dataclass_fields__ if name in photos.c]

_sender = func.nullif(guests.c.name, "").label("sender")


def select_photos() -> Select[Any]:
    """Begin a query of photos, with the names of their senders."""
    return select(*(photos.c[name] for name in OWN_COLUMNS), _sender).join(
        guests, guests.c.id == photos.c.guest_id, isouter=True
    )


def is_one_of(
    connection: Connection, column: Column[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Whether a column is one of many thousand values, which are sent as one parameter."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def read_photos(connection: Connection, query: Select[Any]) -> list[Photo]:
    """Read the photos of a query that began as `select_photos`."""
    return [Photo(**row) for row in connection.execute(query).mappings()]


def read_photo(
    connection: Connection, which: ColumnElement[bool], for_update: bool = False
) -> Photo:
    """Read the photo that meets a condition. Raises NoSuchPhoto."""
    query = select_photos().where(which)
    if for_update:
        query = query.with_for_update(of=photos)
    for photo in read_photos(connection, query):
        return photo
    raise NoSuchPhoto
