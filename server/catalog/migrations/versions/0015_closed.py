"""When the gallery was closed for uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("gallery", sa.Column("closed_at", sa.String(20)))
