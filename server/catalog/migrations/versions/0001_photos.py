"""The photos and the gallery's version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "photos",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False, unique=True),
        sa.Column("removed_version", sa.BigInteger),
        sa.Column("guest_id", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("extension", sa.String(4), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("animated", sa.Boolean, nullable=False),
        sa.Column("taken", sa.String(20)),
        sa.Column("uploaded", sa.String(20), nullable=False),
        sa.Column("placeholder", sa.Text, nullable=False),
        sa.Column("visibility", sa.String(16), nullable=False),
    )
    listed = sa.text("removed_version IS NULL")
    removed = sa.text("removed_version IS NOT NULL")
    op.create_index(
        "one_photo_a_guest",
        "photos",
        ["guest_id", "sha256"],
        unique=True,
        sqlite_where=listed,
        postgresql_where=listed,
    )
    op.create_index("listed", "photos", ["version"], sqlite_where=listed, postgresql_where=listed)
    op.create_index(
        "removed", "photos", ["removed_version"], sqlite_where=removed, postgresql_where=removed
    )
    gallery = op.create_table(
        "gallery",
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(gallery, [{"version": 0, "total": 0}])
