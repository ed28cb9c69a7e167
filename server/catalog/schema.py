"""The schema: which one it is, and that it is the newest."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parents[1] / "migrations"
NEWEST = "head"


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """In the transaction of one who is alone there. Raises UnusableCatalog."""
    if revision == NEWEST and _revisions(connection) == [_newest()]:
        return
    from .migrating import migrate  # what it takes to migrate is half of what a start takes

    migrate(connection, revision)


def _revisions(connection: Connection) -> list[str]:
    """As Alembic writes them down: one, or none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _newest() -> str:
    """The files of the migrations begin with their numbers."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]
