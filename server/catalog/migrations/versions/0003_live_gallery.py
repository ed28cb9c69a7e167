"""Removed photos that can be restored; guests' names; the order by time taken."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

LISTED = "removed_version IS NULL"


def upgrade() -> None:
    op.add_column(
        "photos", sa.Column("shown_version", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column("photos", sa.Column("removed", sa.String(20)))
    op.add_column("photos", sa.Column("moment", sa.String(20), nullable=False, server_default=""))
    op.add_column("photos", sa.Column("folded_name", sa.Text, nullable=False, server_default=""))
    # Cameras that do not know the time; the year 999 was even written with three digits.
    op.execute("UPDATE photos SET taken = NULL WHERE length(taken) < 20 OR taken < '1826'")
    op.execute("UPDATE photos SET shown_version = version, moment = coalesce(taken, uploaded)")
    _fold_names()
    _create_index("shown", ["shown_version"], LISTED)
    _create_index("by_time", ["moment", "version"], LISTED)
    _create_index("of_guest", ["guest_id", "version"], LISTED)
    _create_index("of_guest_by_time", ["guest_id", "moment", "version"], LISTED)
    _create_index("unpurged", ["removed"], "removed IS NOT NULL")
    op.create_table(
        "guests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("named", "guests", ["version"])


def _fold_names() -> None:
    """Here, not by SQLite's `lower`, which knows only ASCII."""
    photos = sa.table("photos", *map(sa.column, ("id", "name", "folded_name")))
    for photo_id, name in op.get_bind().execute(sa.select(photos.c.id, photos.c.name)).all():
        op.execute(
            sa.update(photos).where(photos.c.id == photo_id).values(folded_name=name.lower())
        )


def _create_index(name: str, columns: Sequence[str], which: str) -> None:
    where = sa.text(which)
    op.create_index(name, "photos", columns, sqlite_where=where, postgresql_where=where)
