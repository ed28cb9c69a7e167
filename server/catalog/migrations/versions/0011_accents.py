"""Names without accents, too, to be searched: those of the photos and guests that are there."""

import re
import unicodedata
from functools import lru_cache

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

BATCH = 1000


def upgrade() -> None:
    """What a former version has written folds to the same, unless it is in other letters than
    ASCII: few rows change."""
    for name, key in (("photos", "version"), ("guests", "id")):
        table = sa.table(name, *map(sa.column, ("name", "folded_name", key)))
        this_row, order = table.c[key] == sa.bindparam("this_row"), table.c[key]
        changed = sa.update(table).where(this_row).values(folded_name=sa.bindparam("folded"))
        query = sa.select(order, table.c.name, table.c.folded_name).order_by(order).limit(BATCH)
        rows = op.get_bind().execute(query.where(table.c.name != "")).all()
        while rows:
            folds = [(row[0], row[2], fold(row[1])) for row in rows]
            changes = [
                {"this_row": place, "folded": folded}
                for place, former, folded in folds
                if folded != former
            ]
            if changes:
                op.get_bind().execute(changed, changes)
            following = query.where(table.c.name != "", order > rows[-1][0])
            rows = op.get_bind().execute(following).all()


# What follows is `fold_for_search` of server/names.py, as it was.

IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ufffc\U0001d159\U00013430-\U00013440]"
)
KEPT_MARKS = (8, 9)
ALIKE = (
    str.maketrans("\u0131\u0237\u014b\u00f0\u02bc\u2019", "ijnd''")
    | str.maketrans({"\u00e6": "ae", "\u0153": "oe", "\u00fe": "th", "\u0640": ""})
    | str.maketrans("\u0671\u0649\u06cc\u06a9\u0629", "\u0627\u064a\u064a\u0643\u0647")
    | str.maketrans("\u06c1\u06be", "\u0647\u0647")
)


def fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", IGNORED.sub("", text))
    plain = "".join(c for c in letters if unicodedata.combining(c) in (0, *KEPT_MARKS))
    folded = "".join(map(without_stroke, plain.casefold())).translate(ALIKE)
    return unicodedata.normalize("NFC", folded)


@lru_cache(4096)
def without_stroke(letter: str) -> str:
    if letter.isascii() or not letter.isalpha():
        return letter
    try:
        return unicodedata.lookup(unicodedata.name(letter).partition(" WITH ")[0])
    except (KeyError, ValueError):
        return letter
