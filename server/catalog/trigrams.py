"""The index of the photos' names by their trigrams: in which photos' names a word may be.

The database itself keeps it up to date.
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
MOST_BEGUN = 50
LAST = "\U0010ffff"

_sought = bindparam("sought", type_=Text())
_below = bindparam("below", type_=BigInteger)
_most = bindparam("most", type_=Integer)
_index = table("photo_trigrams", column("photo_trigrams"), column("rowid", BigInteger))
# FTS5 goes quickly through its rowids in their order alone, so they are negative versions.
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
    connection: Connection, word: str, below: int, most: int
) -> Sequence[int] | None:
    """Of photos with all the trigrams of a word in their names, the newest first; None where what
    the word begins are too many trigrams."""
    if connection.dialect.name == "postgresql":
        query, sought = _IN_POSTGRESQL, _for_postgresql(word)
    else:
        grams = _grams(word) or _begun_with(connection, word)
        if len(grams) > MOST_BEGUN:
            return None
        joint = " AND " if len(word) >= LENGTH else " OR "
        query, sought = _IN_SQLITE, joint.join(_quoted(gram, '"') for gram in grams) or '""'
    return connection.scalars(query, {"sought": sought, "below": below, "most": most}).all()


def missing_parts(connection: Connection) -> list[str]:
    """The names of what the index consists of, and is not there."""
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
    """As few as leave out no letter."""
    last = len(word) - LENGTH
    starts = [*range(0, last, LENGTH), last] if last >= 0 else []
    return [word[start : start + LENGTH] for start in starts]


def _begun_with(connection: Connection, word: str) -> list[str]:
    term = _known.c.term
    begun = select(term).where(term >= word, term < word + LAST)
    return list(connection.scalars(begun.limit(MOST_BEGUN + 1)))


def _for_postgresql(word: str) -> str:
    grams = _grams(word)
    quoted = [_quoted(gram.replace("\\", "\\\\"), "'") for gram in grams or [word]]
    return " & ".join(quoted) + ("" if grams else ":*")


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, 2 * mark) + mark
