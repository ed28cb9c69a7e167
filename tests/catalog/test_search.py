"""A search finds what a look at every photo would find, whichever way it takes."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from dropwall.catalog import search, tables
from dropwall.catalog.lists import PhotoQuery
from dropwall.catalog.search import MAX_BEGUN
from dropwall.catalog.tables import EVERYONE, OWNER
from dropwall.catalog.visibility import Viewer
from dropwall.names import fold_for_search
from tests.support.catalog_rows import MORNING, NOON, FilledCatalog, photo

LETTERS = "ab%_\"'\\éİßς写🎉"
NEVER_KEPT = "\0\ud800"
SENDERS = ("ann", "bo", "cy")
VIEWERS = (Viewer(), Viewer("ann"), Viewer("host", is_host=True), Viewer("bo", sees_others=False))
TUNED = "LOOKED_AT", "MAX_FOUND"
LIMITS = ((1000, 20_000), (1, 99), (1, 4), (1, 3), (1, 1), (2, 1), (3, 3))
"""Of these values it depends how a photo is found; which is found, never."""


@dataclass(frozen=True)
class Sent:
    name: str
    guest_id: str
    taken: str
    visibility: str
    fate: str
    """Whether it is kept, removed, or wiped."""

    def is_seen_by(self, viewer: Viewer) -> bool:
        is_for_others = self.visibility == EVERYONE and viewer.sees_others
        return self.fate == "kept" and (self.guest_id == viewer.guest_id or is_for_others)


kept_letters = st.sampled_from(LETTERS + LETTERS.upper())
words = st.text(kept_letters | st.sampled_from(NEVER_KEPT + "*:|"), min_size=1, max_size=4)
sent_photos = st.builds(
    Sent,
    st.text(kept_letters | st.just(" "), min_size=1, max_size=6),
    st.sampled_from(SENDERS),
    st.sampled_from([MORNING, NOON]),
    st.sampled_from([EVERYONE, EVERYONE, EVERYONE, OWNER]),
    st.sampled_from(["kept", "kept", "kept", "removed", "wiped"]),
)
person_names = st.text(kept_letters | st.just(" "), max_size=6)
pieces = st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(1, 4))
"""Of the name of one of the photos: from where, and how long."""


@pytest.mark.parametrize("batch", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in "1234")])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limits=st.sampled_from(LIMITS),
    sent=st.lists(sent_photos, min_size=4, max_size=12),
    people=st.tuples(person_names, person_names),
    sought=st.lists(pieces | pieces | words, min_size=1, max_size=2) | st.lists(pieces, max_size=7),
    viewer=st.sampled_from(VIEWERS),
)
def test_a_search_finds_what_a_look_at_every_photo_would(
    catalog: FilledCatalog,
    batch: object,
    limits: tuple[int, ...],
    sent: list[Sent],
    people: tuple[str, str],
    sought: list[str | tuple[int, int, int]],
    viewer: Viewer,
) -> None:
    senders = dict(zip(SENDERS, (*people, ""), strict=True))
    fill(catalog, sent, senders)
    asked = " ".join(piece_of(sent, each) for each in sought)
    newest_first = [
        number
        for number, each in reversed([*enumerate(sent, 1)])
        if each.is_seen_by(viewer) and has_all(asked, each.name, senders[each.guest_id])
    ]
    by_taken = sorted(newest_first, key=lambda number: sent[number - 1].taken, reverse=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(TUNED, limits, strict=True):
            patch.setattr(search, name, value)
        for sort, expected in (("arrival", newest_first), ("taken", by_taken)):
            for oldest_first in (False, True):
                query = PhotoQuery(sort, words=asked, oldest_first=oldest_first)
                in_order = expected[::-1] if oldest_first else expected
                assert catalog.listed(query, viewer, page=2) == in_order


def fill(catalog: FilledCatalog, sent: list[Sent], senders: dict[str, str]) -> None:
    """With these photos alone."""
    with catalog.database.transaction() as connection:
        for table in (tables.photos, tables.guests):
            connection.execute(delete(table))
    for number, each in enumerate(sent, 1):
        catalog.add(
            number,
            name=each.name,
            guest_id=each.guest_id,
            taken=each.taken,
            visibility=each.visibility,
        )
        if each.fate != "kept":
            catalog.remove(number, each.guest_id)
        if each.fate == "wiped":
            catalog.orphans.wipe_photo(photo(number).id)
    for guest_id, name in senders.items():
        catalog.guests.name_guest(guest_id, name)


def piece_of(sent: list[Sent], sought: str | tuple[int, int, int]) -> str:
    if isinstance(sought, str):
        return sought
    number, start, length = sought
    return sent[number % len(sent)].name[start : start + length]


def has_all(asked: str, name: str, sender: str) -> bool:
    """The rule, as one would tell it."""
    for letter in NEVER_KEPT:
        asked = asked.replace(letter, "\ufffd")
    first_five = list(dict.fromkeys(fold_for_search(asked).split()))[:5]
    named = [fold_for_search(each) for each in (name, sender)]
    return all(any(word in each for each in named) for word in first_five)


ALIKE = (
    ("Gülay", "gulay", "GÜLAY", "gu\u0308lay"),
    ("İSTANBUL", "ISTANBUL", "istanbul", "\u0131stanbul"),
    ("Straße", "STRASSE", "strasse", "STRAẞE"),
    ("Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ", "οδυσσευσ", "Οδυσσεύς"),
    ("Алёна", "АЛЕНА", "алена"),
    ("مُحَمَّد", "محمد", "محمـــد"),
    ("علی‌رضا", "علیرضا", "عليرضا"),
    ("שָׁלוֹם", "שלום"),
    ("Đặng Thị", "dang thi", "ĐẶNG THI"),
    ("Łódź Øresund", "lodz oresund", "LODZ ORESUND"),
    ("\uff26\uff55\uff4c\uff4c", "full", "FULL"),
    ("ｶﾞｷﾞ", "ガギ", "カ\u3099キ\u3099"),
    ("ﬁne æther", "fine aether"),
    ("Қазақ", "қазақ", "казак"),
    ("क़लम", "क\u093cलम", "कलम"),
    ("O\u2019Brien", "o'brien"),
    ("❤️ \uff19", "❤ 9"),
    ("각", "\u1100\u1161\u11a8"),
)


@pytest.mark.parametrize("alike", ALIKE, ids=[ascii(alike[0]) for alike in ALIKE])
def test_a_search_finds_a_name_however_a_person_would_type_it(
    catalog: FilledCatalog, monkeypatch: pytest.MonkeyPatch, alike: tuple[str, ...]
) -> None:
    """In names of photos and of people; by the index, and by a look at each photo."""
    for number, name in enumerate(alike, 1):
        catalog.add(number, name=f"{name}.jpg")
        catalog.add(100 + number, name="photo.jpg", guest_id=f"sender {number}")
        catalog.guests.name_guest(f"sender {number}", name)
    catalog.add(999, name="another.jpg")
    found = [*range(1, len(alike) + 1), *range(101, 101 + len(alike))]
    for looked_at in (100, 1):
        monkeypatch.setattr(search, "LOOKED_AT", looked_at)
        for typed in alike:
            assert sorted(catalog.listed(PhotoQuery(words=typed))) == found, typed


def test_letters_that_differ_by_more_than_an_accent_stay_apart() -> None:
    for name, other in (("かき", "がき"), ("ロシア", "ロジア"), ("дом", "том"), ("क्या", "कया")):
        assert fold_for_search(name) != fold_for_search(other)


@pytest.mark.parametrize("sort", ["arrival", "taken"])
def test_a_word_that_every_other_photo_has_is_found_page_by_page(
    catalog: FilledCatalog, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """A look at the next few tells how far to read for a page."""
    monkeypatch.setattr(search, "LOOKED_AT", 4)
    for number in range(1, 61):
        kind = "cake" if number % 2 else "beach"
        taken = f"2026-11-22T10:{number * 7 % 60:02}:00Z"
        catalog.add(number, name=f"{kind} {number}.jpg", taken=taken)
    cakes = list(range(59, 0, -2))
    if sort == "taken":
        cakes.sort(key=lambda number: number * 7 % 60, reverse=True)
    assert catalog.listed(PhotoQuery(sort, words="cake"), page=2) == cakes


def test_a_word_that_very_many_have_is_found_without_the_index(
    catalog: FilledCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters with many others after them; a name that many people have."""
    monkeypatch.setattr(search, "LOOKED_AT", 1)
    monkeypatch.setattr(search, "MAX_SENDERS", 2)
    for number in range(1, MAX_BEGUN + 10):
        catalog.add(number, name=f"a{chr(200 + number)}.jpg", guest_id=f"sender-{number}")
        if number <= 5:
            catalog.guests.name_guest(f"sender-{number}", f"Ann {number}")
    catalog.add(999, name="last.png")
    for words, count in (("a", MAX_BEGUN + 10), ("ann", 5), ("ann 3", 1)):
        assert len(catalog.listed(PhotoQuery(words=words))) == count


@pytest.mark.parametrize(
    ("change", "word"), [("version = 7", "1.jp"), ("folded_name = 'cake'", "cake")]
)
def test_the_search_index_follows_a_row_however_it_was_written(
    catalog: FilledCatalog, monkeypatch: pytest.MonkeyPatch, change: str, word: str
) -> None:
    """Deleted, inserted again with something else, and changed."""
    monkeypatch.setattr(search, "LOOKED_AT", 1)
    for number in (1, 2, 3):
        catalog.add(number, name=f"photo {number}.jpg")
    this_one = tables.photos.c.id == photo(1).id
    with catalog.database.transaction() as connection:
        [row] = connection.execute(select(tables.photos).where(this_one)).mappings().all()
        connection.execute(delete(tables.photos).where(this_one))
        inserted = {"version": 1} if change.startswith("version") else {"name": "x"}
        connection.execute(tables.photos.insert().values(dict(row) | inserted))
        connection.execute(text(f"UPDATE photos SET {change} WHERE id = '{photo(1).id}'"))
    assert catalog.listed(PhotoQuery(words=word)) == [1]
    assert catalog.listed(PhotoQuery(words="phot")) != []
