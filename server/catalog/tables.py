"""The tables; what stands here, the migrations have made."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

photos = Table(
    "photos",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False, unique=True),
    Column("shown_version", BigInteger, nullable=False),
    Column("removed_version", BigInteger),
    Column("removed", String(20)),
    Column("guest_id", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),  # in lower case, to be searched
    Column("extension", String(4), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("animated", Boolean, nullable=False),
    Column("taken", String(20)),
    Column("uploaded", String(20), nullable=False),
    # When it was taken; of a photo that says nothing, when it came.
    Column("moment", String(20), nullable=False),
    Column("placeholder", Text, nullable=False),
    Column("visibility", String(16), nullable=False),
)
is_listed = photos.c.removed_version.is_(None)
was_removed = photos.c.removed_version.is_not(None)
is_unpurged = photos.c.removed.is_not(None)
"""What was removed keeps its files for a while, so that it can be restored."""
Index(
    "one_photo_a_guest",
    photos.c.guest_id,
    photos.c.sha256,
    unique=True,
    sqlite_where=is_listed,
    postgresql_where=is_listed,
)
Index("listed", photos.c.version, sqlite_where=is_listed, postgresql_where=is_listed)
Index("shown", photos.c.shown_version, sqlite_where=is_listed, postgresql_where=is_listed)
Index(
    "by_time",
    photos.c.moment,
    photos.c.version,
    sqlite_where=is_listed,
    postgresql_where=is_listed,
)
Index(
    "of_guest",
    photos.c.guest_id,
    photos.c.version,
    sqlite_where=is_listed,
    postgresql_where=is_listed,
)
Index(
    "of_guest_by_time",
    photos.c.guest_id,
    photos.c.moment,
    photos.c.version,
    sqlite_where=is_listed,
    postgresql_where=is_listed,
)
# What was removed counts too: who sends and removes in turns is sending.
Index("sent", photos.c.guest_id, photos.c.uploaded, photos.c.bytes)
Index(
    "removed",
    photos.c.removed_version,
    sqlite_where=was_removed,
    postgresql_where=was_removed,
)

Index("unpurged", photos.c.removed, sqlite_where=is_unpurged, postgresql_where=is_unpurged)

guests = Table(
    "guests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)
Index("named", guests.c.version)

gallery = Table(
    "gallery",
    metadata,
    Column("version", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
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
    Column("touched", String(20), nullable=False),
    Column("outcome", Text, nullable=False),
)
goes_on = uploads.c.outcome == ""
Index("untouched", uploads.c.touched)
Index("going_on", uploads.c.guest_id, sqlite_where=goes_on, postgresql_where=goes_on)

chunks = Table(
    "chunks",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
)
