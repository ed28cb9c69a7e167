"""Private, waiting and hidden photos: who may see a photo, and when they could not any more."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "photos", sa.Column("standing", sa.String(16), nullable=False, server_default="shown")
    )
    op.add_column("photos", sa.Column("audience", sa.Integer, nullable=False, server_default="2"))
    op.add_column("photos", sa.Column("left_hosts", sa.BigInteger))
    op.add_column("photos", sa.Column("left_everyone", sa.BigInteger))
    op.execute("UPDATE photos SET left_hosts = removed_version, left_everyone = removed_version")
    for level in ("left_hosts", "left_everyone"):
        _create_index(level, level, f"{level} IS NOT NULL")
    _create_index("unshared", "guest_id", "removed_version IS NULL AND audience < 2")
    for version in ("hosts_version", "everyones_version"):
        op.add_column(
            "gallery", sa.Column(version, sa.BigInteger, nullable=False, server_default="0")
        )
    op.execute("UPDATE gallery SET hosts_version = version, everyones_version = version")
    op.add_column(
        "guests", sa.Column("own_version", sa.BigInteger, nullable=False, server_default="0")
    )
    op.create_index("own_changes", "guests", ["own_version"])
    op.add_column(
        "uploads", sa.Column("visibility", sa.String(16), nullable=False, server_default="everyone")
    )


def _create_index(name: str, column: str, which: str) -> None:
    where = sa.text(which)
    op.create_index(name, "photos", [column], sqlite_where=where, postgresql_where=where)
