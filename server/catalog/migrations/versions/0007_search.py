"""The photos' names by their trigrams, so that a search need not look at all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Two blanks follow each name, which are in no word: so every one or two characters of a name begin
# a trigram. A name is there under its photo's version, the newest first.
SQLITE = (
    """
    CREATE VIRTUAL TABLE photo_trigrams USING fts5(
        name, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1'
    )
    """,
    "CREATE VIRTUAL TABLE trigrams USING fts5vocab(photo_trigrams, row)",
    """
    INSERT INTO photo_trigrams(rowid, name)
        SELECT -version, folded_name || '  ' FROM photos WHERE folded_name <> ''
        ORDER BY version DESC
    """,
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
# Not pg_trgm: it has to be installed, and knows no letters but ASCII where the locale is C.
POSTGRESQL = (
    """
    CREATE FUNCTION name_trigrams(name text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(array_agg(substr(name || '  ', place, 3)))
        FROM generate_series(1, length(name)) AS place
    $$
    """,
    # Without a list of what is still to be put in its place, which each search would go through.
    """
    CREATE INDEX photo_trigrams ON photos USING gin (name_trigrams(folded_name))
    WITH (fastupdate = off)
    """,
    # By that index alone, whatever the planner thinks of it, and with memory for a million photos'
    # places: to make the trigrams of rows anew would take ten seconds for all.
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


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if is_sqlite else POSTGRESQL:
        op.execute(sa.text(statement))
