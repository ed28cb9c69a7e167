"""Counts that are kept: of what not everyone sees, and of each guest's photos; orders of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

UNSHARED = "removed_version IS NULL AND audience < 2"

COUNT_KINDS = """
    UPDATE gallery SET (pending, hidden, private, private_bytes) = (
        SELECT coalesce(sum(CASE WHEN audience = 1 AND standing = 'pending' THEN 1 END), 0),
            coalesce(sum(CASE WHEN audience = 1 AND standing = 'hidden' THEN 1 END), 0),
            coalesce(sum(CASE WHEN audience = 0 THEN 1 END), 0),
            coalesce(sum(CASE WHEN audience = 0 THEN bytes END), 0)
        FROM photos WHERE removed_version IS NULL AND audience < 2
    )
"""
COUNT_THEIRS = """
    UPDATE guests SET photos = (
        SELECT count(*) FROM photos WHERE guest_id = guests.id AND removed_version IS NULL
    )
"""


def upgrade() -> None:
    for table, *names in (
        ("gallery", "pending", "hidden", "private", "private_bytes"),
        ("guests", "photos"),
    ):
        for name in names:
            column = sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
            op.add_column(table, column)
    # Last: who reads has the gallery before the photos.
    op.drop_index("unshared", "photos")
    op.drop_index("removed", "photos")
    _create_index(UNSHARED, "unshared", "audience", "guest_id", "version")
    _create_index(UNSHARED, "judged", "audience", "standing", "version")
    _create_index("removed_version IS NOT NULL", "removed", "guest_id", "removed_version")
    op.execute(COUNT_KINDS)
    op.execute(COUNT_THEIRS)
    senders = sa.text("photos > 0")
    op.create_index("senders", "guests", ["id"], sqlite_where=senders, postgresql_where=senders)


def _create_index(which: str, name: str, *columns: str) -> None:
    where = sa.text(which)
    op.create_index(name, "photos", columns, sqlite_where=where, postgresql_where=where)
