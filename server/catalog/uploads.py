"""The table of uploads that arrive in chunks. Each function is one transaction."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Executable, delete, select, update
from sqlalchemy.exc import IntegrityError

from ..refusals import NoSuchUpload
from .database import Database
from .tables import EVERYONE, chunks, goes_on, uploads


@dataclass(frozen=True)
class ChunkedUpload:
    """One upload. `chunks` is the number of chunks there will be, `received` of those that have
    come; `touched` is when the last one came. `outcome` is empty as long as the upload goes on."""

    id: str
    guest_id: str
    name: str
    bytes: int
    chunk_bytes: int
    chunks: int
    touched: str
    visibility: str = EVERYONE
    received: int = 0
    received_bytes: int = 0
    outcome: str = ""

    @property
    def is_whole(self) -> bool:
        return self.received == self.chunks


_COLUMNS = [uploads.c[name] for name in ChunkedUpload.__dataclass_fields__]


def begin(database: Database, upload: ChunkedUpload) -> ChunkedUpload:
    """Add an upload; return it, or the one that has this id already."""
    try:
        with database.transaction() as connection:
            connection.execute(uploads.insert().values(asdict(upload)))
    except IntegrityError:
        return find(database, upload.id)
    return upload


def find(database: Database, upload_id: str) -> ChunkedUpload:
    """Find an upload. Raises NoSuchUpload."""
    with database.snapshot() as connection:
        return _found(connection, select(*_COLUMNS).where(uploads.c.id == upload_id))


def touch(database: Database, upload_id: str, now: str) -> ChunkedUpload:
    """Note that somebody goes on with this upload. Raises NoSuchUpload."""
    touched = update(uploads).where(uploads.c.id == upload_id).values(touched=now)
    with database.transaction() as connection:
        return _found(connection, touched.returning(*_COLUMNS))


def received(database: Database, upload_id: str) -> list[int]:
    """List the numbers of the chunks that have come; none once there is an outcome."""
    query = select(chunks.c.number).where(chunks.c.upload_id == upload_id)
    with database.snapshot() as connection:
        return list(connection.scalars(query.order_by(chunks.c.number)))


def has_chunk(database: Database, upload_id: str, number: int) -> bool:
    this_one = (chunks.c.upload_id == upload_id) & (chunks.c.number == number)
    with database.snapshot() as connection:
        return connection.execute(select(chunks.c.number).where(this_one)).first() is not None


def add_chunk(
    database: Database, upload_id: str, number: int, size: int, now: str
) -> ChunkedUpload:
    """Add a chunk and return its upload. A chunk counts once however often it comes. The upload's
    row stays locked until the commit, so that one of the last chunks sees all. Raises
    NoSuchUpload."""
    counted = (
        update(uploads)
        .where(uploads.c.id == upload_id, goes_on)
        .values(
            received=uploads.c.received + 1,
            received_bytes=uploads.c.received_bytes + size,
            touched=now,
        )
    )
    try:
        with database.transaction() as connection:
            upload = _found(connection, counted.returning(*_COLUMNS))
            connection.execute(chunks.insert().values(upload_id=upload_id, number=number))
    except (IntegrityError, NoSuchUpload):  # it came twice; or all is over already
        return find(database, upload_id)
    return upload


def conclude(database: Database, upload_id: str, outcome: str, now: str) -> list[int]:
    """Keep an upload's outcome; return the numbers of its chunks, whose files can go."""
    with database.transaction() as connection:
        ended = update(uploads).where(uploads.c.id == upload_id)
        connection.execute(ended.values(outcome=outcome, touched=now))
        return _delete_chunks(connection, upload_id)


def forget(database: Database, upload_id: str, untouched_since: str | None = None) -> list[int]:
    """Delete an upload; return the numbers of its chunks, whose files can go. Does nothing when
    somebody has gone on with it since."""
    gone = delete(uploads).where(uploads.c.id == upload_id)
    if untouched_since is not None:
        gone = gone.where(uploads.c.touched < untouched_since)
    with database.transaction() as connection:
        is_gone = connection.execute(gone).rowcount
        return _delete_chunks(connection, upload_id) if is_gone else []


def ids_untouched_since(database: Database, since: str, limit: int) -> list[str]:
    query = select(uploads.c.id).where(uploads.c.touched < since).limit(limit)
    with database.snapshot() as connection:
        return list(connection.scalars(query))


def known_ids(database: Database, upload_ids: Collection[str]) -> set[str]:
    """Return those of `upload_ids` (some hundreds at most) that go on."""
    query = select(uploads.c.id).where(uploads.c.id.in_(upload_ids), goes_on)
    with database.snapshot() as connection:
        return set(connection.scalars(query))


def _delete_chunks(connection: Connection, upload_id: str) -> list[int]:
    gone = delete(chunks).where(chunks.c.upload_id == upload_id).returning(chunks.c.number)
    return list(connection.scalars(gone))


def _found(connection: Connection, query: Executable) -> ChunkedUpload:
    for row in connection.execute(query).mappings():
        return ChunkedUpload(**row)
    raise NoSuchUpload
