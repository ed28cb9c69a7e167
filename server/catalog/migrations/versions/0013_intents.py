"""Intent rows of photos on their way, instead of marks in the storage and rows of photos that never
were, by which a late request knew that it had been swept."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "intents",
        sa.Column("photo_id", sa.String(32), primary_key=True),
        sa.Column("begun", sa.String(20), nullable=False),
        sa.Column("is_swept", sa.Boolean, nullable=False),
    )
    op.execute("DELETE FROM photos WHERE uploaded = ''")
