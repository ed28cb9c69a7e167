"""Intent rows: photos of which files may be in the storage, and which are not listed yet.

The row of a photo is written before its first file, and deleted by the transaction that lists the
photo. So whatever a crash, a silent catalog or a broken disk leaves behind is known by its row, and
swept. Each attempt to add a photo has an id of its own, also when several machines put the chunks
of one upload together.
"""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from .. import timestamps
from ..refusals import UploadSwept
from .database import Database
from .tables import intents


def begin(connection: Connection, photo_id: str) -> None:
    row = {"photo_id": photo_id, "begun": timestamps.now(), "is_swept": False}
    connection.execute(intents.insert().values(row))


def end(connection: Connection, photo_id: str) -> None:
    """Delete the row of a photo that is being listed. Raises UploadSwept."""
    ended = delete(intents).where(intents.c.photo_id == photo_id, ~intents.c.is_swept)
    if not connection.execute(ended).rowcount:
        raise UploadSwept


def forget(database: Database, photo_ids: Collection[str]) -> None:
    """Delete the rows of photos that have no files, and never will have any."""
    with database.transaction() as connection:
        connection.execute(delete(intents).where(intents.c.photo_id.in_(photo_ids)))


def mark_swept(database: Database, begun_before: str, limit: int) -> set[str]:
    """Let none of the photos that were begun before then be listed any more; return the ids of so
    many of them. Their rows stay until their files are deleted (`forget`): a sweep may crash."""
    old = select(intents.c.photo_id).where(intents.c.begun < begun_before).limit(limit)
    swept = update(intents).where(intents.c.photo_id.in_(old)).values(is_swept=True)
    with database.transaction() as connection:
        return set(connection.scalars(swept.returning(intents.c.photo_id)))
