"""Words that photos are searched for, and which few photos may have a word that few have.

A photo has a word in its name or in its sender's, which is compared letter by letter (`has`). What
many have is soon found that way: a page is full before many photos were looked at. Of what seems
rare among the next LOOKED_AT of them, an index tells where it may be (`trigrams`). As it tells the
newest first, that may be a whole page, however many others there are.

So these alone go through all photos as before: a page by the time taken, or the last page, of a
word that more than MOST photos have and hardly any of the next; words that many have, but hardly
any photo all of them; a rare word that more than MOST_SENDERS have in their names; on SQLite, one
or two letters with more than `trigrams.MOST_BEGUN` others after them, all rare. PostgreSQL finds
all before it tells the newest, which takes about 50 ms for 100,000.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    any_,
    func,
    literal,
    select,
)

from .tables import guests, is_listed, photos
from .trigrams import versions_named

MAX_WORDS = 5
LOOKED_AT = 500
FEW = 5
"""Of LOOKED_AT. More of them fill a page sooner than all that the index knows is looked up."""
MOST = 4000
"""Photos that are looked up for a word."""
MOST_SENDERS = 100
NO_END = 2**63 - 1
"""No version is greater."""


@dataclass(frozen=True)
class Few:
    """All photos of these versions that may have what is searched for; those of versions below
    `least` are not among them, 0 if they are."""

    versions: set[int]
    least: int

    @property
    def are_all(self) -> bool:
        return self.least == 0

    def rows(self, connection: Connection) -> ColumnElement[bool]:
        """They may be thousands, and are sent as one value."""
        versions = list(self.versions)
        if connection.dialect.name == "postgresql":
            return photos.c.version == any_(literal(versions, ARRAY(BigInteger)))
        listed = func.json_each(str(versions)).table_valued("value")
        return photos.c.version.in_(select(listed.c.value))


def split(text: str) -> list[str]:
    """The words in lower case; the first MAX_WORDS, for each costs time."""
    return list(dict.fromkeys(text.lower().split()))[:MAX_WORDS]


def has(word: str, rows: FromClause = photos) -> ColumnElement[bool]:
    """Of a photo, or of `rows` with these columns of it."""
    return rows.c.folded_name.contains(word, autoescape=True) | rows.c.guest_id.in_(_senders(word))


def find_few(
    connection: Connection, wanted: Select[Any], words: list[str], below: int | None
) -> Few | None:
    """Of the photos that are `wanted`, in their order, those that may have all these words; None
    where it is as well to look at one after another. With `below` only lower versions count."""
    rare = _seem_rare(connection, wanted, words)
    end = NO_END if below is None else below
    found = [few for word in rare if (few := _find(connection, word, end))]
    if not found:
        return None
    versions = set.intersection(*(few.versions for few in found))
    least = max(few.least for few in found)
    return Few({version for version in versions if version >= least}, least)


def _seem_rare(connection: Connection, wanted: Select[Any], words: list[str]) -> list[str]:
    columns = wanted.with_only_columns(photos.c.folded_name, photos.c.guest_id)
    next_ones = columns.limit(LOOKED_AT).subquery()
    have = [has(word, next_ones) for word in words]
    counted = [func.count().filter(each) for each in (*have, and_(*have))]
    query = select(func.count(), *counted).select_from(next_ones)
    looked_at, *hits, full_hits = connection.execute(query).one()
    if looked_at < LOOKED_AT or full_hits >= FEW:
        return []
    return [word for word, count in zip(words, hits, strict=True) if count <= max(FEW, min(hits))]


def _find(connection: Connection, word: str, below: int) -> Few | None:
    """None where the index does not tell."""
    named = versions_named(connection, word, below)
    senders = list(connection.scalars(_senders(word).limit(MOST_SENDERS + 1)))
    if named is None or len(senders) > MOST_SENDERS:
        return None
    few = _newest(connection, named)
    if senders:
        theirs = select(photos.c.version).where(
            photos.c.guest_id.in_(senders), is_listed, photos.c.version < below
        )
        sent = _newest(connection, theirs.order_by(photos.c.version.desc()))
        few = Few(few.versions | sent.versions, max(few.least, sent.least))
    return few


def _newest(connection: Connection, query: Select[int]) -> Few:
    versions = list(connection.scalars(query.limit(MOST + 1)))
    return Few(set(versions), versions[-1] if len(versions) > MOST else 0)


def _senders(word: str) -> Select[str]:
    return select(guests.c.id).where(guests.c.folded_name.contains(word, autoescape=True))
