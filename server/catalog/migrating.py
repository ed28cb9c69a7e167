"""A schema that is not the newest: made, brought up to date, or left alone."""

import alembic.command
import alembic.config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from .errors import UnusableCatalog
from .schema import MIGRATIONS

OURS = {"alembic_version"}
"""Of tables, before the first migration."""
MAX_NAMED = 5
LOCK_SECONDS = 5


def migrate(connection: Connection, revision: str) -> None:
    """Raises UnusableCatalog."""
    check_revision(connection)
    config = _configured()
    config.attributes["connection"] = connection
    keep_writers_waiting(connection)
    alembic.command.upgrade(config, revision)


def keep_writers_waiting(connection: Connection) -> None:
    """Servers that are still to be exchanged write meanwhile, and have the gallery's row before
    they want the photos: who has both locks to take has to take them in that order, too. It rather
    gives up, and tries again (`Database.upgrade`), than keep all who read waiting behind it."""
    if connection.dialect.name == "postgresql" and inspect(connection).has_table("gallery"):
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(text("LOCK TABLE gallery IN EXCLUSIVE MODE"))


def _configured() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def check_revision(connection: Connection) -> None:
    """Raises UnusableCatalog when these migrations are not for what is there."""
    migrations = ScriptDirectory.from_config(_configured())
    known = {migration.revision for migration in migrations.walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := present - known:
        raise UnusableCatalog(
            f"The catalog has a schema that this Dropwall does not know ({', '.join(unknown)}): it"
            " is a newer one's, or another program's. Please update Dropwall, or let"
            " DROPWALL_DATABASE name another database."
        )
    if present:
        return
    if foreign := sorted(set(inspect(connection).get_table_names()) - OURS):
        named = ", ".join([*foreign[:MAX_NAMED], *(["…"] if len(foreign) > MAX_NAMED else [])])
        raise UnusableCatalog(
            "The database that DROPWALL_DATABASE names has tables of another program"
            f" ({named}); please give Dropwall one of its own."
        )
