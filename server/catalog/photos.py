"""The table of photos: adds, finds, changes, removes and restores them, within the limits."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from .. import timestamps
from ..names import fold_for_search
from ..refusals import NoSuchPhoto, UploadSwept
from .changes import advance, record
from .database import Database
from .tables import (
    EVERYONE,
    HIDDEN,
    OWNER,
    SHOWN,
    Audience,
    gallery,
    goes_on,
    guests,
    intents,
    is_listed,
    is_remembered,
    photos,
    received_bytes,
    uploads,
    was_withheld,
)
from .visibility import GUEST_ID, Viewer, can_be_restored_by, is_seen_by


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
    audience: Audience = field(init=False)
    moment: str = field(init=False)
    stored_name: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive from the rest: the audience; the time by which photos are sorted, when it was
        taken or, if that is unknown, uploaded (all have the same form, since they are compared as
        strings); the name of the original below `/uploads/`."""
        audience = Audience.EVERYONE if self.standing == SHOWN else Audience.HOSTS
        audience = Audience.OWNER if self.visibility == OWNER else audience
        object.__setattr__(self, "audience", audience)
        object.__setattr__(self, "moment", f"{(self.taken or self.uploaded)[:19]}Z")
        object.__setattr__(self, "stored_name", f"{self.id}.{self.extension}")


OWN_COLUMNS = [each.name for each in fields(Photo) if each.init and each.name in photos.c]
SELECT_PHOTOS = select(
    *(photos.c[name] for name in OWN_COLUMNS), func.nullif(guests.c.name, "").label("sender")
).join(guests, guests.c.id == photos.c.guest_id, isouter=True)
"""The beginning of every query of photos, with the names of their senders."""


class SamePhoto(Exception):
    """The guest has a listed photo with the same bytes already: `photo`."""

    def __init__(self, photo: Photo) -> None:
        super().__init__(photo.id)
        self.photo = photo


@dataclass(frozen=True)
class Usage:
    """What the limits of a guest and of the gallery are checked against. `sent` counts the photos
    that a guest has sent since a moment, also those removed meanwhile; `begun` the guest's
    unfinished uploads that went on since then, and their received bytes; `held` all bytes that the
    gallery holds, with those of unfinished uploads. The gallery takes no more since `closed_at`."""

    sent_photos: int
    sent_bytes: int
    begun_uploads: int
    begun_bytes: int
    held_bytes: int
    first_sent: str | None
    closed_at: str | None = None


ADOPTION_SECONDS = 60 * 60
"""Time after a sign-in, in seconds, in which photos that the device was sending already become the
account's."""
MAX_IDS = 500
"""Number of photos in one statement and with one version: an answer about changes holds so many."""


@dataclass(frozen=True)
class PhotoFilter:
    """Selects listed photos: with these ids (MAX_IDS at most), of this guest, of this visibility
    and moderation state, and seen by this viewer. A condition that is None selects all."""

    ids: Collection[str] | None = None
    guest_id: str | None = None
    visibility: str | None = None
    standing: str | None = None
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
        if self.standing is not None:
            wanted &= photos.c.standing == self.standing
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
    theirs = photos.c.guest_id == owner_of(guest_id)
    same = SELECT_PHOTOS.where(theirs, photos.c.sha256 == sha256, is_listed)
    with database.transaction() as connection:
        for photo in read_photos(connection, same):
            return photo
        # The device's usage; `add_photo` checks the owner's, who may have signed in meanwhile.
        check(read_usage(connection, guest_id, since))
        row = {"photo_id": photo_id, "begun": timestamps.now(), "is_swept": False}
        connection.execute(intents.insert().values(row))
    return None


def add_photo(
    database: Database, photo: Photo, since: str, check: Callable[[Usage], None]
) -> Photo:
    """List a photo, delete its intent row, and return the photo with its version. It is hidden,
    until a host shows it, if a host withheld these bytes of this guest before. `check` gets the
    guest's usage `since` a moment, this photo included, while nobody else can add one; if it
    raises, the photo is not listed. Raises SamePhoto, and UploadSwept."""
    with database.transaction() as connection:
        version = advance(connection)  # from here on nobody else adds a photo
        begun = (intents.c.photo_id == photo.id) & ~intents.c.is_swept
        if not connection.execute(delete(intents).where(begun)).rowcount:
            raise UploadSwept
        owner = owner_of(photo.guest_id)
        same = (photos.c.guest_id == owner) & (photos.c.sha256 == photo.sha256)
        query = select(
            owner,
            exists().where(same, is_remembered, was_withheld),
            select(photos.c.id).where(same, is_listed).scalar_subquery(),
        )
        guest_id, is_withheld, listed_id = connection.execute(query).one()
        if listed_id:
            listed = SELECT_PHOTOS.where(photos.c.id == listed_id)
            raise SamePhoto(read_photo(connection, listed))
        standing = HIDDEN if is_withheld else photo.standing
        photo = replace(photo, version=version, guest_id=guest_id, standing=standing)
        row = {name: getattr(photo, name) for name in OWN_COLUMNS}
        row |= {
            "audience": photo.audience,
            "widest_audience": photo.audience,
            "moment": photo.moment,
            "folded_name": fold_for_search(photo.name),
        }
        connection.execute(photos.insert().values(row))
        record(connection, version, former=[], present=[photo])
        check(read_usage(connection, photo.guest_id, since))
    return photo


def change_photos(
    database: Database,
    which: PhotoFilter,
    visibility: str | None = None,
    standing: str | None = None,
) -> list[str]:
    """Change the visibility or the moderation state of photos, record it for those who see the
    difference, and return the ids of those that were changed. Photos that are not there are passed
    over."""
    wanted = {"visibility": visibility, "standing": standing}
    values: dict[str, Any] = {name: value for name, value in wanted.items() if value}
    differs = or_(*(photos.c[name] != value for name, value in values.items()))
    with database.transaction() as connection:
        version = advance(connection)
        former = read_photos(connection, SELECT_PHOTOS.where(which.rows, differs))
        for batch_version, batch in batches(connection, version, former):
            changed = [replace(photo, **values) for photo in batch]
            for audience in {photo.audience for photo in changed}:
                ids = [photo.id for photo in changed if photo.audience == audience]
                is_wider = photos.c.widest_audience < audience
                widest = case((is_wider, audience), else_=photos.c.widest_audience)
                audiences = {"audience": audience, "widest_audience": widest}
                these = update(photos).where(photos.c.id.in_(ids))
                connection.execute(these.values(values | audiences))
            record(connection, batch_version, former=batch, present=changed)
        return [photo.id for photo in former]


def remove_photos(
    database: Database, which: PhotoFilter, removed_at: str, by_guest: str
) -> list[str]:
    """Remove photos and return their ids. They can be restored until they are wiped."""
    with database.transaction() as connection:
        version = advance(connection)
        gone = read_photos(connection, SELECT_PHOTOS.where(which.rows))
        remove(connection, version, gone, removed_at, by_guest)
        return [photo.id for photo in gone]


def restore_photo(
    database: Database,
    photo_id: str,
    viewer: Viewer,
    since: str,
    check: Callable[[Usage], None],
) -> None:
    """Restore a removed photo to its place in the lists, unless its guest has sent the same bytes
    again meanwhile. `check` is called as in `add_photo`. Raises NoSuchPhoto, also when the viewer
    may not restore it."""
    with database.transaction() as connection:
        version = advance(connection)  # from here on nobody else adds a photo
        query = SELECT_PHOTOS.where(photos.c.id == photo_id, can_be_restored_by(viewer))
        # Locked: nobody wipes it meanwhile.
        photo = read_photo(connection, query.with_for_update(of=photos))
        same = (photos.c.guest_id == photo.guest_id) & (photos.c.sha256 == photo.sha256)
        if connection.scalar(select(exists().where(same, is_listed))):
            return
        values = {"removed_version": None, "removed": None, "removed_by_owner": None}
        connection.execute(update(photos).where(photos.c.id == photo_id).values(values))
        record(connection, version, former=[], present=[photo])
        check(read_usage(connection, photo.guest_id, since))


def find_photo(database: Database, photo_id: str, viewer: Viewer) -> Photo:
    """Find a photo that the viewer sees. Raises NoSuchPhoto."""
    query = _select_photo_seen_by(replace(viewer, guest_id=viewer.guest_id and "anybody"))
    with database.snapshot() as connection:
        return read_photo(connection, query, photo_id=photo_id, **{GUEST_ID: viewer.guest_id})


@cache
def _select_photo_seen_by(kind: Viewer) -> Select[Any]:
    """Select a photo for any viewer of this kind (see `read_state`)."""
    return SELECT_PHOTOS.where(photos.c.id == bindparam("photo_id"), is_seen_by(kind))


def keep_crc32(database: Database, photo_id: str, crc32: int | None) -> None:
    """Store the CRC-32 of a photo's original; None forgets it."""
    with database.transaction() as connection:
        kept = update(photos).where(photos.c.id == photo_id).values(crc32=crc32)
        connection.execute(kept)


def find_usage(database: Database, guest_id: str, since: str) -> Usage:
    """Read the usage of a guest and the gallery, as of one moment."""
    with database.snapshot() as connection:
        return read_usage(connection, guest_id, since)


def find_owner_id(database: Database, guest_id: str) -> str:
    """Find the id that owns what this guest sends: an account's if they signed in a short while
    ago, otherwise their own."""
    with database.snapshot() as connection:
        return str(connection.scalar(select(owner_of(guest_id))))


def remove(
    connection: Connection, version: int, gone: list[Photo], removed_at: str, by_guest: str
) -> None:
    """Remove these listed photos, the first batch of them in this version."""
    by_owner = photos.c.guest_id == by_guest
    for batch_version, batch in batches(connection, version, gone):
        values = {
            "removed_version": batch_version,
            "removed": removed_at,
            "removed_by_owner": by_owner,
        }
        these = photos.c.id.in_([photo.id for photo in batch])
        connection.execute(update(photos).where(these).values(values))
        record(connection, batch_version, former=batch, present=[])


def batches(
    connection: Connection, version: int, changed: list[Photo]
) -> Iterator[tuple[int, list[Photo]]]:
    """Divide photos into batches of MAX_IDS, the first with this version, each other with a later
    one of its own."""
    for start in range(0, len(changed), MAX_IDS):
        if start:
            version = advance(connection)
        yield version, changed[start : start + MAX_IDS]


def read_photos(connection: Connection, query: Select[Any], **given: str) -> list[Photo]:
    """Read the photos of a query that began as SELECT_PHOTOS, with these parameters."""
    return [Photo(**row) for row in connection.execute(query, given).mappings()]


def read_photo(connection: Connection, query: Select[Any], **given: str) -> Photo:
    """Read the only photo of such a query. Raises NoSuchPhoto."""
    for photo in read_photos(connection, query, **given):
        return photo
    raise NoSuchPhoto


def owner_of(guest_id: str) -> ColumnElement[str]:
    """Select the id that owns what this guest sends (see `find_owner_id`). An adoption counts only
    for a while: somebody else may have a copy of the cookie that the device had before."""
    since = timestamps.now(seconds_ago=ADOPTION_SECONDS)
    adopter = select(guests.c.adopted_by).where(guests.c.id == guest_id, guests.c.adopted >= since)
    own_id = literal(guest_id, guests.c.id.type)
    return func.coalesce(adopter.correlate(None).scalar_subquery(), own_id)


def read_usage(connection: Connection, guest_id: str, since: str) -> Usage:
    theirs = goes_on & (uploads.c.guest_id == guest_id) & (uploads.c.touched >= since)
    query = select(
        func.count(),
        func.coalesce(func.sum(photos.c.bytes), 0),
        select(func.count()).where(theirs).scalar_subquery(),
        select(received_bytes).where(theirs).scalar_subquery(),
        select(
            gallery.c.bytes + select(received_bytes).where(goes_on).scalar_subquery()
        ).scalar_subquery(),
        func.min(photos.c.uploaded),
        select(gallery.c.closed_at).scalar_subquery(),
    ).where(photos.c.guest_id == guest_id, photos.c.uploaded >= since)
    sent, sent_bytes, begun, begun_bytes, held, *more = connection.execute(query).one()
    # PostgreSQL returns sums of BIGINT as Decimal.
    return Usage(sent, int(sent_bytes), begun, int(begun_bytes), int(held), *more)
