"""One table of changes in the place of versions in columns, and guests' photos counted by audience.

Whoever asks for changes since a version before this migration starts over, unless nothing has
changed for them: each viewer's version stays what it was.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

KNOWN_VERSIONS = """
    INSERT INTO changes (version, guest_id, photo_id, audience)
    SELECT everyones_version, '', '', 2 FROM gallery WHERE everyones_version > 0
    UNION ALL
    SELECT hosts_version, '', '', 1 FROM gallery WHERE hosts_version > everyones_version
    UNION ALL
    SELECT own_version, id, '', 0 FROM guests WHERE own_version > 0 AND id <> ''
"""
FORGOTTEN_VERSION = """
    UPDATE gallery SET forgotten_version = CASE WHEN version > :now THEN version ELSE :now END
"""
COUNT_UNSHARED = """
    UPDATE guests SET
    private = (
        SELECT count(*) FROM photos WHERE guest_id = guests.id
        AND removed_version IS NULL AND audience < 2 AND audience = 0
    ),
    withheld = (
        SELECT count(*) FROM photos WHERE guest_id = guests.id
        AND removed_version IS NULL AND audience < 2 AND audience = 1
    )
"""
COUNT_SHOWN = """
    UPDATE guests SET shown = (
        SELECT count(*) FROM photos WHERE guest_id = guests.id AND removed_version IS NULL
    ) - private - withheld
"""
# Few photos were never seen by everyone: only their rows are written.
WIDEST_AUDIENCE = """
    UPDATE photos SET widest_audience =
    CASE WHEN audience = 1 OR left_hosts IS NOT NULL THEN 1 ELSE 0 END
    WHERE audience < 2 AND left_everyone IS NULL
"""


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("guest_id", sa.String(32), primary_key=True),
        sa.Column("photo_id", sa.String(32), primary_key=True),
        sa.Column("audience", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("changes_for_guest", "changes", ["guest_id", "version"])
    op.create_index("changes_for_audience", "changes", ["audience", "version"])
    op.execute(KNOWN_VERSIONS)

    _add("gallery", "forgotten_version")
    # The time, where it is later: the last change may be private, and this version is not.
    now = sa.bindparam("now", time.time_ns() // 1000, sa.BigInteger)
    op.execute(sa.text(FORGOTTEN_VERSION).bindparams(now))
    _drop("gallery", [], ["hosts_version", "everyones_version"])

    for name in ("private", "withheld", "shown"):
        _add("guests", name)
    op.execute(COUNT_UNSHARED)
    op.execute(COUNT_SHOWN)
    _drop("guests", ["named", "own_changes", "senders"], ["photos", "version", "own_version"])

    widest = sa.Column("widest_audience", sa.Integer, nullable=False, server_default="2")
    op.add_column("photos", widest)
    op.execute(WIDEST_AUDIENCE)
    _drop(
        "photos",
        ["shown", "removed", "left_hosts", "left_everyone"],
        ["shown_version", "left_hosts", "left_everyone"],
    )


def _drop(table: str, indexes: list[str], columns: list[str]) -> None:
    for index in indexes:
        op.drop_index(index, table, if_exists=True)
    for column in columns:
        op.drop_column(table, column)


def _add(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
