"""Removed photos by their content, so that a hidden one does not come back by being sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

REMEMBERED = "removed_version IS NOT NULL AND sha256 <> ''"


def upgrade() -> None:
    where = sa.text(REMEMBERED)
    op.create_index(
        "remembered",
        "photos",
        ["guest_id", "sha256"],
        sqlite_where=where,
        postgresql_where=where,
    )
