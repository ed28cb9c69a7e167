"""Uploads that arrive in chunks; how many bytes the gallery holds, and what a guest has sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("guest_id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("chunk_bytes", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("received_bytes", sa.BigInteger, nullable=False),
        sa.Column("touched", sa.String(20), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    op.create_index("untouched", "uploads", ["touched"])
    goes_on = sa.text("outcome = ''")
    op.create_index(
        "going_on", "uploads", ["guest_id"], sqlite_where=goes_on, postgresql_where=goes_on
    )
    op.create_table(
        "chunks",
        sa.Column("upload_id", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    )
    op.create_index("sent", "photos", ["guest_id", "uploaded", "bytes"])
    op.add_column("gallery", sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(
        "UPDATE gallery SET bytes ="
        " (SELECT coalesce(sum(bytes), 0) FROM photos WHERE removed_version IS NULL)"
    )
