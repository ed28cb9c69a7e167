"""The tables of the catalog, as the migrations leave them; their words, conditions and indexes."""

import re
from enum import IntEnum
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    func,
    literal_column,
)

metadata = MetaData()

CHANNEL = "dropwall"
"""PostgreSQL's NOTIFY channel, on which every commit wakes those who watch the gallery."""

EVERYONE, OWNER = "everyone", "owner"
"""Values of `visibility`: who may see a photo, as its owner chooses."""
SHOWN, PENDING, HIDDEN = "shown", "pending", "hidden"
"""Values of `standing`: a photo's moderation state."""


class Audience(IntEnum):
    """The widest group that sees a photo, by its visibility and its moderation state. Each audience
    includes those before it. Where guests see only their own photos, they are not in EVERYONE; a
    change of the gallery itself is for ALL."""

    OWNER = 0
    HOSTS = 1
    EVERYONE = 2
    ALL = 3


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL does not store, and lone surrogates, which UTF-8 cannot encode."""


class String(TypeDecorator[str]):
    """A string in which characters that no database stores become U+FFFD, so that every query with
    it has an answer."""

    impl = sqlalchemy.String
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        return value and _UNSTORABLE.sub("\ufffd", value)


class Text(String):
    impl = sqlalchemy.Text
    cache_ok = True


class CodePoints(String):
    """Text that is sorted by its code points, as SQLite sorts any text."""

    impl = sqlalchemy.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return sqlalchemy.Text(collation="C" if dialect.name == "postgresql" else None)


def _index_where(
    which: ColumnElement[bool], name: str, *columns: Column[Any], unique: bool = False
) -> None:
    """Add a partial index, of the rows that meet a condition, in either database."""
    Index(name, *columns, unique=unique, sqlite_where=which, postgresql_where=which)


photos = Table(
    "photos",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False, unique=True),  # the gallery's, when it was added
    Column("removed_version", BigInteger),
    Column("removed", String(20)),
    Column("removed_by_owner", Boolean),
    Column("guest_id", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),  # the form that a search compares
    Column("extension", String(4), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("crc32", BigInteger),  # of the original as it is stored; NULL until it is computed
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("animated", Boolean, nullable=False),
    Column("taken", String(20)),
    Column("uploaded", String(20), nullable=False),
    # The digits of `taken` and a Z, or of `uploaded` where the time taken is unknown: the sort key.
    Column("moment", String(20), nullable=False),
    Column("placeholder", Text, nullable=False),
    Column("visibility", String(16), nullable=False),  # the owner's choice
    Column("standing", String(16), nullable=False),  # the moderation state
    Column("audience", Integer, nullable=False),  # an Audience, which follows from both
    Column("widest_audience", Integer, nullable=False, server_default="2"),  # so far
)
is_listed = photos.c.removed_version.is_(None)
was_removed = photos.c.removed_version.is_not(None)
# A literal instead of a bound value, so that SQLite sees that a partial index will do.
is_shared = photos.c.audience >= literal_column(str(Audience.EVERYONE.value))
is_unshared = is_listed & ~is_shared
is_unpurged = photos.c.removed.is_not(None)
"""Whether a removed photo may still have files: they are kept for a while, to restore it."""
is_wiped = photos.c.name == ""
"""Whether a photo's row was blanked, because its files are being deleted or are gone already. Every
other photo has a name, given by `names.py`."""
is_unsummed = is_listed & photos.c.crc32.is_(None)
is_remembered = was_removed & (photos.c.sha256 != literal_column("''"))
was_withheld = (photos.c.standing == HIDDEN) | (
    photos.c.removed_by_owner.is_(False) & (photos.c.audience > Audience.OWNER)
)
"""Whether a host has hidden a removed photo, or removed one that others saw."""
_index_where(is_listed, "one_photo_a_guest", photos.c.guest_id, photos.c.sha256, unique=True)
_index_where(is_listed, "listed", photos.c.version)
_index_where(is_listed, "by_time", photos.c.moment, photos.c.version)
_index_where(is_listed, "of_guest", photos.c.guest_id, photos.c.version)
_index_where(is_listed, "of_guest_by_time", photos.c.guest_id, photos.c.moment, photos.c.version)
_index_where(is_unshared, "unshared", photos.c.audience, photos.c.guest_id, photos.c.version)
_index_where(is_unshared, "judged", photos.c.audience, photos.c.standing, photos.c.version)
_index_where(is_unpurged, "unpurged", photos.c.removed)
_index_where(is_unsummed, "unsummed", photos.c.id)
_index_where(is_remembered, "remembered", photos.c.guest_id, photos.c.sha256)
# The index has removed photos as well: they count as sent, or one could send and remove forever.
Index("sent", photos.c.guest_id, photos.c.uploaded, photos.c.bytes)

guests = Table(
    "guests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", CodePoints, nullable=False),  # the form that a search compares
    # Counts of the guest's listed photos with the audience OWNER, HOSTS and EVERYONE.
    Column("private", BigInteger, nullable=False, server_default="0"),
    Column("withheld", BigInteger, nullable=False, server_default="0"),
    Column("shown", BigInteger, nullable=False, server_default="0"),
    # The account that signed in on this guest's device, and when: it owns uploads under way then.
    Column("adopted_by", String(32)),
    Column("adopted", String(20)),
)
has_photos = guests.c.private + guests.c.withheld + guests.c.shown > 0

changes = Table(
    "changes",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("guest_id", String(32), primary_key=True),  # the owner of the photo or of the name
    # Empty for a change of the guest's name or, without a guest, of the gallery itself.
    Column("photo_id", String(32), primary_key=True),
    Column("audience", Integer, nullable=False),  # the widest that may know, besides the guest
    sqlite_with_rowid=False,
)
Index("changes_for_guest", changes.c.guest_id, changes.c.version)
Index("changes_for_audience", changes.c.audience, changes.c.version)

gallery = Table(
    "gallery",
    metadata,
    Column("version", BigInteger, nullable=False),
    # Changes of this version and of earlier ones may be deleted.
    Column("forgotten_version", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False),  # photos that everyone sees
    Column("bytes", BigInteger, nullable=False),
    # Counts of photos that not everyone sees.
    Column("pending", BigInteger, nullable=False),
    Column("hidden", BigInteger, nullable=False),
    Column("private", BigInteger, nullable=False),
    Column("private_bytes", BigInteger, nullable=False),
    Column("made", String(20), nullable=False),  # when this catalog was created
    Column("closed_at", String(20)),  # when a host closed it for uploads; NULL while it is open
    # The host knows of photos up to this version, and is notified of later ones after this time,
    # which is empty until somebody is to be notified.
    Column("notified_version", BigInteger, nullable=False, server_default="0"),
    Column("notify_after", String(20), nullable=False, server_default=""),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("guest_id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("chunk_bytes", BigInteger, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("received_bytes", BigInteger, nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("touched", String(20), nullable=False),
    Column("outcome", Text, nullable=False),
)
goes_on = uploads.c.outcome == literal_column("''")  # a literal, as in is_shared
received_bytes = func.coalesce(func.sum(uploads.c.received_bytes), 0)
Index("untouched", uploads.c.touched)
_index_where(goes_on, "going_on", uploads.c.guest_id)

intents = Table(
    "intents",
    metadata,
    Column("photo_id", String(32), primary_key=True),
    Column("begun", String(20), nullable=False),
    Column("is_swept", Boolean, nullable=False),  # it will not be listed
)

chunks = Table(
    "chunks",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),  # also the guest id that owns its photos
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("is_host", Boolean, nullable=False),
    Column("session_key", String(32), nullable=False),
    Column("created", String(20), nullable=False),
)

failed_tries = Table(
    "failed_tries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", String(20), nullable=False),
)
Index("tried", failed_tries.c.last)

selections = Table(
    "selections",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("photo_ids", Text, nullable=False),  # separated by commas
    Column("made", String(20), nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
