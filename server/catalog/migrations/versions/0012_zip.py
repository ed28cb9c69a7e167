"""For ZIP files whose length is known: each original's CRC-32, and selections of many photos."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

UNSUMMED = "removed_version IS NULL AND crc32 IS NULL"


def upgrade() -> None:
    op.create_table(
        "selections",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("photo_ids", sa.Text, nullable=False),
        sa.Column("made", sa.String(20), nullable=False),
    )
    op.add_column("photos", sa.Column("crc32", sa.BigInteger))
    where = sa.text(UNSUMMED)
    op.create_index("unsummed", "photos", ["id"], sqlite_where=where, postgresql_where=where)
