"""Photos as they are read from their rows."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Select,
    any_,
    func,
    literal,
    select,
)

from ..names import with_extension
from ..refusals import NoSuchPhoto
from .tables import guests, photos
from .viewer import EVERYONE, OWNER, SHOWN, Audience


@dataclass(frozen=True)
class Photo:
    """One row. `taken` is the time on the wall where it was taken, ISO 8601 without a zone (in UTC,
    with a Z, of a photo that came before that was so); other times are UTC. Width and height as
    displayed, `sha256` (hex) is of the bytes as they were sent, `crc32` of those that are stored,
    if it is known. `version` is the gallery's version that added it, `sender` the name of its
    guest, who may have none."""

    id: str
    guest_id: str
    sha256: str
    name: str
    extension: str
    bytes: int
    width: int
    height: int
    animated: bool
    taken: str | None
    uploaded: str
    placeholder: str
    visibility: str = EVERYONE
    standing: str = SHOWN
    version: int = 0
    sender: str | None = None
    crc32: int | None = None

    @property
    def file_name(self) -> str:
        """Under which it is saved."""
        return with_extension(self.name, self.extension)

    @property
    def stored_name(self) -> str:
        """Of its original, below `/uploads/`."""
        return f"{self.id}.{self.extension}"

    @property
    def moment(self) -> str:
        """When it was taken; of a photo that says nothing, when it came. By its digits photos are
        sorted, so all have the same form."""
        return f"{(self.taken or self.uploaded)[:19]}Z"

    @property
    def audience(self) -> Audience:
        if self.visibility == OWNER:
            return Audience.OWNER
        return Audience.EVERYONE if self.standing == SHOWN else Audience.HOSTS


OWN_COLUMNS = [name for name in Photo.__dataclass_fields__ if name in photos.c]

_sender = func.nullif(guests.c.name, "").label("sender")


def select_photos() -> Select[Any]:
    return select(*(photos.c[name] for name in OWN_COLUMNS), _sender).join(
        guests, guests.c.id == photos.c.guest_id, isouter=True
    )


def is_one_of(
    connection: Connection, column: Column[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """They may be many thousands, and are sent as one value."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def read_photos(connection: Connection, query: Select[Any]) -> list[Photo]:
    """Of a query that began as `select_photos`."""
    return [Photo(**row) for row in connection.execute(query).mappings()]


def read_photo(
    connection: Connection, which: ColumnElement[bool], for_update: bool = False
) -> Photo:
    """Raises NoSuchPhoto."""
    query = select_photos().where(which)
    if for_update:
        query = query.with_for_update(of=photos)
    for photo in read_photos(connection, query):
        return photo
    raise NoSuchPhoto
