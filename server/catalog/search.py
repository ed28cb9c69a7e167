"""Search by photo and sender name: a look at the next photos, then the trigram index.

A photo has a word in its name or in its sender's, compared letter by letter (`_Word.is_in`); the
steps below only decide where to look, never what is found:

1. The next LOOKED_AT photos in order are looked at: a word of many photos fills the page.
2. The index tells which photos may have a rarer word: the newest MAX_FOUND. Where these are all,
   the page is among them; where not, a page by arrival, newest first, may still be filled by them.
3. Otherwise all photos are looked at. That remains for a page by time taken, or oldest first, of a
   word that more than MAX_FOUND photos have and hardly any of the next, for names of more than
   MAX_SENDERS people, and on SQLite for one or two letters with very many others after them
   (MAX_BEGUN).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    cast,
    column,
    func,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from ..names import fold_for_search
from .database import is_one_of
from .tables import Text, guests, is_listed, photos

MAX_WORDS = 5
"""Words of a search that count: each costs time."""
LOOKED_AT = 1000
"""Photos that are looked at before the index is asked: a few milliseconds."""
MAX_FOUND = 20_000
"""Photos that are taken from the index, and looked up: at most 70 ms of SQLite, by time taken."""
MAX_SENDERS = 100
"""People of one name whose photos are looked up."""
NO_END = 2**63 - 1
"""The greatest version."""
LENGTH = 3
"""Letters of a trigram."""
MAX_BEGUN = 50
"""Trigrams that a shorter word may begin in SQLite: one lookup each."""
LAST = "\U0010ffff"
"""The last code point."""

_sought = bindparam("sought", type_=Text())
_below = bindparam("below", type_=BigInteger)
_most = bindparam("most", type_=Integer)
_index = table("photo_trigrams", column("photo_trigrams"), column("rowid", BigInteger))
# FTS5 reads quickly in ascending order of rowids only, so they are negative versions.
_IN_SQLITE = (
    select(-_index.c.rowid)
    .where(_index.c.photo_trigrams.op("MATCH")(_sought), _index.c.rowid > -_below)
    .order_by(_index.c.rowid)
    .limit(_most)
)
_IN_POSTGRESQL = select(
    func.photos_named(cast(_sought, TSQUERY), cast(_below, BigInteger), cast(_most, Integer))
)
_known = table("trigrams", column("term", Text()))

Found = TypeVar("Found")


@dataclass(frozen=True)
class _Word:
    """`text` is folded as names are; `senders` have it in their names, MAX_SENDERS + 1 at most."""

    text: str
    senders: list[str]

    @property
    def is_in(self) -> ColumnElement[bool]:
        named = photos.c.folded_name.contains(self.text, autoescape=True)
        return named | photos.c.guest_id.in_(_senders(self.text)) if self.senders else named


def read_having(
    connection: Connection,
    text: str,
    wanted: Select[Any],
    read: Callable[[Connection, Select[Any]], list[Found]],
    count: int,
    below: int | None,
) -> list[Found]:
    """Read the first `count` of the `wanted` photos, in their order, that have each word of the
    text. `below` is the version before which photos are listed by arrival, newest first; None in
    any other order."""
    texts = list(dict.fromkeys(fold_for_search(text).split()))[:MAX_WORDS]
    words = [
        _Word(each, list(connection.scalars(_senders(each).limit(MAX_SENDERS + 1))))
        for each in texts
    ]
    having = wanted.where(*(word.is_in for word in words)).limit(count)
    if not words:
        return read(connection, having)

    def read_among(versions: Collection[int]) -> list[Found]:
        among = is_one_of(connection, photos.c.version, versions)
        return read(connection, having.where(among)) if versions else []

    next_ones = wanted.with_only_columns(photos.c.version).limit(LOOKED_AT)
    looked_at = connection.scalars(next_ones).all()
    found = read_among(looked_at)
    if len(looked_at) < LOOKED_AT or len(found) == count:
        return found
    versions, are_all = _find_candidates(connection, words, NO_END if below is None else below)
    if are_all or below is not None:
        found = read_among(versions)
        if are_all or len(found) == count:
            return found
    return read(connection, having)


def _find_candidates(
    connection: Connection, words: list[_Word], below: int
) -> tuple[set[int], bool]:
    """Return the versions of photos that may have all the words, and whether these are all; if not,
    they are the newest ones. Only versions lower than `below` count."""
    of_names = [word.text for word in words if not word.senders]
    lists = [_versions_named(connection, of_names, below, MAX_FOUND + 1)] if of_names else []
    for word in words:
        if 0 < len(word.senders) <= MAX_SENDERS:
            named = _versions_named(connection, [word.text], below, MAX_FOUND + 1)
            theirs = select(photos.c.version).where(
                photos.c.guest_id.in_(word.senders), is_listed, photos.c.version < below
            )
            theirs = theirs.order_by(photos.c.version.desc()).limit(MAX_FOUND + 1)
            if named is not None:
                both = {*named, *connection.scalars(theirs)}
                lists.append(sorted(both, reverse=True)[: MAX_FOUND + 1])
    known = [versions for versions in lists if versions is not None]
    if whole := [set(versions) for versions in known if len(versions) <= MAX_FOUND]:
        return set.intersection(*whole), True
    if not known:
        return set(), False
    least = max(versions[-1] for versions in known)
    newest = set.intersection(*(set(versions) for versions in known))
    return {version for version in newest if version >= least}, False


def _versions_named(
    connection: Connection, words: Sequence[str], below: int, most: int
) -> Sequence[int] | None:
    """Return the versions of photos that have all trigrams of all the words in their names, the
    newest first: the first `most` that are lower than `below`. None where the index cannot say."""
    if connection.dialect.name == "postgresql":
        query, sought = _IN_POSTGRESQL, " & ".join(map(_for_postgresql, words))
    else:
        query, terms = _IN_SQLITE, []
        for word in words:
            grams = _grams(word) or _begun_with(connection, word)
            if not grams:
                return []
            if len(grams) <= MAX_BEGUN:
                joint = " AND " if len(word) >= LENGTH else " OR "
                quoted = joint.join(_quoted(gram, '"') for gram in grams)
                terms.append(f"({quoted})")
        if not terms:
            return None
        sought = " AND ".join(terms)
    return connection.scalars(query, {"sought": sought, "below": below, "most": most}).all()


def _grams(word: str) -> list[str]:
    """Return the fewest trigrams that together cover every letter of the word."""
    last = len(word) - LENGTH
    starts = [*range(0, last, LENGTH), last] if last >= 0 else []
    return [word[start : start + LENGTH] for start in starts]


def _begun_with(connection: Connection, word: str) -> list[str]:
    """Return the trigrams of names that begin with one or two letters: MAX_BEGUN + 1 at most."""
    term = _known.c.term
    begun = select(term).where(term >= word, term < word + LAST)
    return list(connection.scalars(begun.limit(MAX_BEGUN + 1)))


def _for_postgresql(word: str) -> str:
    grams = _grams(word)
    quoted = [_quoted(gram.replace("\\", "\\\\"), "'") for gram in grams or [word]]
    return " & ".join(quoted) + ("" if grams else ":*")


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, 2 * mark) + mark


def _senders(word: str) -> Select[str]:
    return select(guests.c.id).where(guests.c.folded_name.contains(word, autoescape=True))
