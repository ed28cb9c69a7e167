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
        _create_index(level, f"{level} IS NOT NULL", level)
    op.add_column("photos", sa.Column("removed_by_owner", sa.Boolean))
    op.execute("UPDATE photos SET removed_by_owner = true WHERE removed IS NOT NULL")
    _create_index("unshared", "removed_version IS NULL AND audience < 2", "audience", "guest_id")
    for version in ("hosts_version", "everyones_version"):
        op.add_column(
            "gallery", sa.Column(version, sa.BigInteger, nullable=False, server_default="0")
        )
    op.execute("UPDATE gallery SET hosts_version = version, everyones_version = version")
    op.add_column(
        "guests", sa.Column("own_version", sa.BigInteger, nullable=False, server_default="0")
    )
    op.create_index("own_changes", "guests", ["own_version"])
    op.add_column("guests", sa.Column("adopted_by", sa.String(32)))
    op.add_column("guests", sa.Column("adopted", sa.String(20)))
    op.execute(
        "INSERT INTO guests (id, name, version, own_version)"
        " SELECT DISTINCT guest_id, '', 0, 0 FROM photos"
        " WHERE guest_id <> '' AND guest_id NOT IN (SELECT id FROM guests)"
    )
    op.add_column(
        "uploads", sa.Column("visibility", sa.String(16), nullable=False, server_default="everyone")
    )


def _create_index(name: str, which: str, *columns: str) -> None:
    where = sa.text(which)
    op.create_index(name, "photos", columns, sqlite_where=where, postgresql_where=where)
