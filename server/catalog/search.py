"""Words that photos are searched for, and which few photos may have a word that few have.

A photo has a word in its name or in its sender's, compared letter by letter (`Word.is_in`). What
many of the next LOOKED_AT photos have is looked for in them one by one, as far as it should take to
fill the page; where that is far, AGAIN times as many tell better how far. Of what seems rare, and
of what was not found there, an index tells where it may be (`trigrams`). As it tells the newest
first, that may be a whole page, however many others there are.

So these alone go through all photos: a page by the time taken, or the last page, of a word that
more than MOST photos have and hardly any of the next; words that many have, but hardly any photo
all of them; a rare word that more than MOST_SENDERS have in their names; on SQLite, one or two
letters with more than `trigrams.MOST_BEGUN` others after them, all rare. PostgreSQL finds all
before it tells the newest, which takes about 50 ms for 100,000. The names of those who have told
theirs are all looked at, a tenth of a millisecond for a thousand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, select

from ..names import fold_for_search
from .order import is_until, read_place
from .photos import is_one_of
from .tables import guests, is_listed, photos
from .trigrams import versions_named

MAX_WORDS = 5
LOOKED_AT = 100
AGAIN = 5
"""Times as many, before more than twice that are looked at for a page."""
FEW = 2
"""Of LOOKED_AT; what fewer have is rare."""
AS_FAR = 2
"""How many times as far as a page should take, going by the next, is looked for it one by one."""
MOST = 4000
"""Photos that are looked up for a word."""
MOST_SENDERS = 100
NO_END = 2**63 - 1
"""No version is greater."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Word:
    """Folded as names are. Of its `senders`, those who have it in their names, only
    MOST_SENDERS + 1 are told."""

    text: str
    senders: list[str]

    @property
    def are_all_told(self) -> bool:
        return len(self.senders) <= MOST_SENDERS

    def is_in(self, rows: FromClause = photos) -> ColumnElement[bool]:
        """Of a photo, or of `rows` with these columns of it."""
        named = rows.c.folded_name.contains(self.text, autoescape=True)
        if not self.senders:
            return named
        senders = self.senders if self.are_all_told else _senders(self.text)
        return named | rows.c.guest_id.in_(senders)


@dataclass(frozen=True)
class Few:
    """All photos of these versions that may have what is searched for; those of versions below
    `least` are not among them, 0 if they are."""

    versions: set[int]
    least: int

    @property
    def are_all(self) -> bool:
        return self.least == 0


@dataclass(frozen=True)
class Sample:
    """How many of the next photos have each of the words, and all of them; of so many that were to
    be looked at, there are only `looked_at`."""

    size: int
    looked_at: int
    hits: list[int]
    full_hits: int

    @property
    def is_all(self) -> bool:
        return self.looked_at < self.size

    @property
    def _few(self) -> int:
        return FEW * self.size // LOOKED_AT

    def needed(self, count: int) -> int | None:
        """Among how many of the next photos there should be so many hits, and to spare; None where
        there are too few to go by."""
        if self.full_hits < self._few:
            return None
        return AS_FAR * count * self.size // self.full_hits

    def rare(self, words: list[Word]) -> list[Word]:
        most = max(self._few, min(self.hits))
        return [word for word, count in zip(words, self.hits, strict=True) if count <= most]


def read_having(
    connection: Connection,
    text: str,
    wanted: Select[Any],
    read: Callable[[Connection, Select[Any]], list[Found]],
    count: int,
    sort: str,
    before: int | None,
) -> list[Found]:
    """The first `count` of the photos that are `wanted`, in their order, that have each word of the
    text; all do, if there is none."""
    words = _read_words(connection, text)
    having = wanted.where(*(word.is_in() for word in words)).limit(count)
    if not words:
        return read(connection, having)
    sample = _look_at_next(connection, wanted, words, LOOKED_AT)
    if (sample.needed(count) or 0) > 2 * AGAIN * LOOKED_AT:
        sample = _look_at_next(connection, wanted, words, AGAIN * LOOKED_AT)
    if sample.is_all:
        return read(connection, having)
    if needed := sample.needed(count):
        end = read_place(connection, wanted, needed)
        found = read(connection, having.where(is_until(end, sort)) if end else having)
        if len(found) == count or not end:
            return found
    by_arrival = sort == "arrival"
    few = _find_few(connection, sample.rare(words), before if by_arrival else None)
    if few and (few.are_all or by_arrival):  # else the first of the page may not be among them
        among_few = is_one_of(connection, photos.c.version, few.versions)
        found = read(connection, having.where(among_few)) if few.versions else []
        if len(found) == count or few.are_all:
            return found
    return read(connection, having)


def _read_words(connection: Connection, text: str) -> list[Word]:
    """The first MAX_WORDS, for each costs time."""
    words = list(dict.fromkeys(fold_for_search(text).split()))[:MAX_WORDS]
    told = MOST_SENDERS + 1
    return [Word(word, list(connection.scalars(_senders(word).limit(told)))) for word in words]


def _look_at_next(
    connection: Connection, wanted: Select[Any], words: list[Word], size: int
) -> Sample:
    columns = wanted.with_only_columns(photos.c.folded_name, photos.c.guest_id)
    next_ones = columns.limit(size).subquery()
    have = [word.is_in(next_ones) for word in words]
    counted = [func.count().filter(each) for each in (*have, and_(*have))]
    query = select(func.count(), *counted).select_from(next_ones)
    looked_at, *hits, full_hits = connection.execute(query).one()
    return Sample(size, looked_at, hits, full_hits)


def _find_few(connection: Connection, rare: list[Word], below: int | None) -> Few | None:
    """The photos that may have all these words; None where the index does not tell. With `below`
    only lower versions count."""
    end = NO_END if below is None else below
    found = [few for word in rare if (few := _find(connection, word, end))]
    if not found:
        return None
    found = [few for few in found if few.are_all] or found
    versions = set.intersection(*(few.versions for few in found))
    least = max(few.least for few in found)
    return Few({version for version in versions if version >= least}, least)


def _find(connection: Connection, word: Word, below: int) -> Few | None:
    """None where the index does not tell."""
    if not word.are_all_told:
        return None
    named = versions_named(connection, word.text, below, MOST + 1)
    if named is None:
        return None
    few = _newest(named)
    if word.senders:
        theirs = select(photos.c.version).where(
            photos.c.guest_id.in_(word.senders), is_listed, photos.c.version < below
        )
        theirs = theirs.order_by(photos.c.version.desc()).limit(MOST + 1)
        sent = _newest(connection.scalars(theirs).all())
        few = Few(few.versions | sent.versions, max(few.least, sent.least))
    return few


def _newest(versions: Sequence[int]) -> Few:
    """Of MOST + 1 at most, the newest first."""
    return Few(set(versions), versions[-1] if len(versions) > MOST else 0)


def _senders(word: str) -> Select[str]:
    return select(guests.c.id).where(guests.c.folded_name.contains(word, autoescape=True))
