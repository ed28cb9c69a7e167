"""For DROPWALL_NOTIFY_URL: what the host was last notified of, and when the next time may be."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    number = sa.Column("notified_version", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("gallery", number)
    time = sa.Column("notify_after", sa.String(20), nullable=False, server_default="")
    op.add_column("gallery", time)
