"""When the catalog was made; senders whom an early form of 0004 left out."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

SENDERS = """
    INSERT INTO guests (id, name, version, own_version, photos)
        SELECT guest_id, '', 0, 0, sum(CASE WHEN removed_version IS NULL THEN 1 ELSE 0 END)
        FROM photos WHERE guest_id <> '' AND guest_id NOT IN (SELECT id FROM guests)
        GROUP BY guest_id
"""
MADE = """
    UPDATE gallery SET made = coalesce(
        (SELECT min(uploaded) FROM photos WHERE uploaded <> ''), '{now}'
    )
"""


def upgrade() -> None:
    made = sa.Column("made", sa.String(20), nullable=False, server_default="")
    op.add_column("gallery", made)
    op.execute(MADE.format(now=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
    op.execute(SENDERS)
