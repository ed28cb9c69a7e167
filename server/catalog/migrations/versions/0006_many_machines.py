"""What many machines share: the key that signs cookies; guests' names, to be searched."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    # The order of code points, which SQLite has anyway.
    folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("guests", sa.Column("folded_name", folded, nullable=False, server_default=""))
    guests = sa.table("guests", *map(sa.column, ("id", "name", "folded_name")))
    for guest_id, name in (
        op.get_bind()
        .execute(
            sa.select(guests.c.id, guests.c.name).where(guests.c.name != "").order_by(guests.c.id)
        )
        .all()
    ):
        # Here, as ever: SQLite's `lower` knows only ASCII, and PostgreSQL's what its locale does.
        op.execute(
            sa.update(guests).where(guests.c.id == guest_id).values(folded_name=name.lower())
        )
