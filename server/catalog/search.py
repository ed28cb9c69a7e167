"""Search by photo and sender name: a look at the next photos, then the trigram index.

A photo has a word in its name or in its sender's, compared letter by letter (`_Word.is_in`); the
steps below only decide where to look, never what is found:

1. The next LOOKED_AT photos in order are looked at: a word of many photos fills the page.
2. The index tells which photos may have a rarer word: the newest MAX_FOUND. Where these are all,
   the page is among them; where not, a page by arrival may still be filled by them.
3. Otherwise all photos are looked at. That remains for a page by time taken of a word that more
   than MAX_FOUND photos have and hardly any of the next, for names of more than MAX_SENDERS
   people, and on SQLite for one or two letters with very many others after them (`trigrams`).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, select

from ..names import fold_for_search
from .photos import is_one_of
from .tables import guests, is_listed, photos
from .trigrams import versions_named

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
    sort: str,
    before: int | None,
) -> list[Found]:
    """Read the first `count` of the `wanted` photos, in their order, that have each word of the
    text. `before` is the version where an order by arrival goes on."""
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
    is_by_arrival = sort == "arrival"
    below = before if is_by_arrival and before is not None else NO_END
    versions, are_all = _find_candidates(connection, words, below)
    if are_all or is_by_arrival:
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
    lists = [versions_named(connection, of_names, below, MAX_FOUND + 1)] if of_names else []
    for word in words:
        if 0 < len(word.senders) <= MAX_SENDERS:
            named = versions_named(connection, [word.text], below, MAX_FOUND + 1)
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


def _senders(word: str) -> Select[str]:
    return select(guests.c.id).where(guests.c.folded_name.contains(word, autoescape=True))
