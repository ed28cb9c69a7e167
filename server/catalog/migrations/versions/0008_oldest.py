"""The oldest schema that can be upgraded: galleries from 0001 to 0007 are refused."""

revision = "0008"
down_revision = None


def upgrade() -> None:
    """Never runs: a new gallery begins with the newest schema (`schema._create`)."""
