"""Accounts, and how often somebody failed to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded_name", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("is_host", sa.Boolean, nullable=False),
        sa.Column("session_key", sa.String(32), nullable=False),
        sa.Column("created", sa.String(20), nullable=False),
    )
    op.create_table(
        "failed_tries",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.String(20), nullable=False),
    )
    op.create_index("tried", "failed_tries", ["last"])
