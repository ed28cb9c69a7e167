"""The trigram index of the photos' names, which finds names that may have a word in them.

The database keeps it up to date: SQLite by triggers, PostgreSQL as any index.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    bindparam,
    cast,
    column,
    func,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from .tables import Text

LENGTH = 3
"""Letters of a trigram."""
MAX_BEGUN = 50
"""Trigrams that a shorter word may begin: one lookup each."""
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
_PARTS_IN_SQLITE = (
    "photo_trigrams",
    "photo_trigrams_added",
    "photo_trigrams_changed",
    "photo_trigrams_removed",
    "trigrams",
)
_PARTS_IN_POSTGRESQL = ("name_trigrams", "photo_trigrams", "photos_named")


# Two blanks follow each name, which no word contains: so every one or two letters of a name begin a
# trigram. A name's rowid is its photo's negative version, so that the newest come first.
CREATE_IN_SQLITE = (
    """
    CREATE VIRTUAL TABLE photo_trigrams USING fts5(
        name, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1'
    )
    """,
    "CREATE VIRTUAL TABLE trigrams USING fts5vocab(photo_trigrams, row)",
    """
    CREATE TRIGGER photo_trigrams_added AFTER INSERT ON photos WHEN new.folded_name <> ''
    BEGIN
        INSERT INTO photo_trigrams(rowid, name) VALUES (-new.version, new.folded_name || '  ');
    END
    """,
    """
    CREATE TRIGGER photo_trigrams_removed AFTER DELETE ON photos WHEN old.folded_name <> ''
    BEGIN
        INSERT INTO photo_trigrams(photo_trigrams, rowid, name)
            VALUES ('delete', -old.version, old.folded_name || '  ');
    END
    """,
    """
    CREATE TRIGGER photo_trigrams_changed AFTER UPDATE OF version, folded_name ON photos
    WHEN (new.version, new.folded_name) <> (old.version, old.folded_name)
    BEGIN
        INSERT INTO photo_trigrams(photo_trigrams, rowid, name)
            SELECT 'delete', -old.version, old.folded_name || '  ' WHERE old.folded_name <> '';
        INSERT INTO photo_trigrams(rowid, name)
            SELECT -new.version, new.folded_name || '  ' WHERE new.folded_name <> '';
    END
    """,
)
# Not pg_trgm: it needs an extension, and knows only ASCII letters where the locale is C.
CREATE_IN_POSTGRESQL = (
    """
    CREATE FUNCTION name_trigrams(name text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(array_agg(substr(name || '  ', place, 3)))
        FROM generate_series(1, length(name)) AS place
    $$
    """,
    # Without a pending list, which each search would have to read.
    """
    CREATE INDEX photo_trigrams ON photos USING gin (name_trigrams(folded_name))
    WITH (fastupdate = off)
    """,
    # By that index alone, whatever the planner estimates, and with memory for a bitmap of a million
    # photos: to recheck rows of a lossy one would take ten seconds.
    """
    CREATE FUNCTION photos_named(sought tsquery, below bigint, most integer) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
    SET work_mem = '64MB' AS $$
        SELECT version FROM photos
        WHERE name_trigrams(folded_name) @@ sought AND version + 0 < below
        ORDER BY version DESC LIMIT most
    $$
    """,
)


def create_index(connection: Connection) -> None:
    """Create the index of a new gallery, and what keeps it up to date."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in CREATE_IN_SQLITE if is_sqlite else CREATE_IN_POSTGRESQL:
        connection.execute(text(statement))


def versions_named(
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


def missing_parts(connection: Connection) -> list[str]:
    """Return the names of those parts of the index that the database lacks."""
    if connection.dialect.name == "postgresql":
        parts: tuple[str, ...] = _PARTS_IN_POSTGRESQL
        query = """
            SELECT proname FROM pg_proc WHERE pg_function_is_visible(oid)
            UNION SELECT relname FROM pg_class WHERE pg_table_is_visible(oid)
        """
    else:
        parts = _PARTS_IN_SQLITE
        query = "SELECT name FROM sqlite_master"
    present = set(connection.scalars(text(query)))
    return [name for name in parts if name not in present]


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
