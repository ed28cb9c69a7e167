"""The gallery's versions: each change has one, and those who may know of it are told.

A version is the moment of its commit in microseconds since 1970, or one more than the last one if
that is greater. So they are in the order of commits whatever the clock says, and the distance
between two says nothing of what happened between them, which may be private.
"""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, case, func, literal, select, update

from .guest_rows import write_guest
from .tables import CHANNEL, gallery
from .viewer import Audience


def advance(connection: Connection) -> int:
    """The next version. Its row stays locked until the commit, so that versions are in commit
    order; it is the transaction's first statement, so that SQLite waits its turn."""
    now = literal(time.time_ns() // 1000, BigInteger)
    following = case((gallery.c.version >= now, gallery.c.version + 1), else_=now)
    advanced = update(gallery).values(version=following)
    advanced_to = advanced.returning(gallery.c.version, *_wake(connection))
    return int(connection.execute(advanced_to).one().version)


def wait_turn(connection: Connection) -> None:
    """For what changes guests' rows and no photo: nobody advances beside it."""
    connection.execute(update(gallery).values(version=gallery.c.version))


def _wake(connection: Connection) -> list[ColumnElement[Any]]:
    return [func.pg_notify(CHANNEL, "")] if connection.dialect.name == "postgresql" else []


def tell(
    connection: Connection,
    version: int,
    audience: Audience,
    added: Mapping[str, int],
    counts: Mapping[str, int],
) -> None:
    """A change of this version is known to its audience, and to the guests whose photos it is
    about, who have so many more. By so much the counts of the gallery grow."""
    values: dict[str, Any] = {name: gallery.c[name] + count for name, count in counts.items()}
    if audience >= Audience.HOSTS:
        values["hosts_version"] = version
    if audience >= Audience.EVERYONE:
        values["everyones_version"] = version
    if values:
        connection.execute(update(gallery).values(values))
    for guest_id, count in added.items():
        if guest_id:
            write_guest(connection, guest_id, count, own_version=version)


def read_version(connection: Connection) -> int:
    return int(connection.execute(select(gallery.c.version)).scalar_one())
