"""A search finds what one would find who looked at every photo, in whatever way it is found."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from server.catalog import (
    EVERYONE,
    OWNER,
    Catalog,
    Database,
    GuestCatalog,
    LeftoverCatalog,
    PhotoLists,
    Selection,
    Viewer,
    Which,
    search,
    tables,
)
from server.catalog.trigrams import MOST_BEGUN
from tests.catalog.test_catalog import MORNING, NOON, photo

LETTERS = "ab%_\"'\\é写🎉"
NEVER_KEPT = "\0\ud800"
SENDERS = ("ann", "bo", "cy")
VIEWERS = (Viewer(), Viewer("ann"), Viewer("host", is_host=True), Viewer("bo", sees_others=False))
TUNED = "LOOKED_AT", "FEW", "MOST", "AS_FAR", "AGAIN"
GUESSES = (
    (100, 2, 4000, 2, 5),
    (1, 1, 3, 1, 2),
    (2, 2, 1, 1, 2),
    *((1, 99, most, 1, 2) for most in (1, 3, 4, 99)),
    *((1, 1, most, 2, 2) for most in (1, 3, 99)),  # these look again
    (2, 1, 3, 3, 1),
)
"""Of these values it depends how a photo is found; which is found, never."""


@dataclass(frozen=True)
class Sent:
    name: str
    guest_id: str
    taken: str
    visibility: str
    fate: str
    """Whether it is kept, removed, or wiped."""


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


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(GUESSES),
    st.lists(sent_photos, min_size=4, max_size=12),
    st.tuples(person_names, person_names),
    st.lists(pieces | pieces | words, min_size=1, max_size=2) | st.lists(pieces, max_size=7),
    st.sampled_from(VIEWERS),
)
def test_a_search_finds_what_a_look_at_every_photo_would(
    database: Database,
    guesses: tuple[int, ...],
    sent: list[Sent],
    people: tuple[str, str],
    sought: list[str | tuple[int, int, int]],
    viewer: Viewer,
) -> None:
    senders = fill(database, sent, people)
    asked = " ".join(piece_of(sent, each) for each in sought)
    expected = [
        number
        for number, each in enumerate(sent, 1)
        if is_seen(each, viewer) and has_all(asked, each.name, senders[each.guest_id])
    ]
    newest_first = expected[::-1]
    last_taken_first = sorted(newest_first, key=lambda number: sent[number - 1].taken, reverse=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(TUNED, guesses, strict=True):
            patch.setattr(search, name, value)
        assert found(database, Selection("arrival", words=asked), viewer) == newest_first
        assert found(database, Selection("taken", words=asked), viewer) == last_taken_first


def fill(database: Database, sent: list[Sent], people: tuple[str, str]) -> dict[str, str]:
    """With these photos alone. The names of their senders."""
    with database.transaction() as connection:
        for table in (tables.photos, tables.guests):
            connection.execute(delete(table))
    catalog, senders = Catalog(database), dict(zip(SENDERS, (*people, ""), strict=True))
    for number, each in enumerate(sent, 1):
        catalog.add_photo(
            replace(
                photo(number),
                name=each.name,
                guest_id=each.guest_id,
                taken=each.taken,
                visibility=each.visibility,
            )
        )
        if each.fate != "kept":
            catalog.remove_photos(Which([photo(number).id]), MORNING, each.guest_id)
        if each.fate == "wiped":
            LeftoverCatalog(database).wipe_photo(photo(number).id)
    for guest_id, name in senders.items():
        GuestCatalog(database).name_guest(guest_id, name)
    return senders


def piece_of(sent: list[Sent], sought: str | tuple[int, int, int]) -> str:
    if isinstance(sought, str):
        return sought
    number, start, length = sought
    return sent[number % len(sent)].name[start : start + length]


def is_seen(sent: Sent, viewer: Viewer) -> bool:
    if sent.fate != "kept":
        return False
    is_for_others = sent.visibility == EVERYONE and viewer.sees_others
    return sent.guest_id == viewer.guest_id or is_for_others


def has_all(asked: str, name: str, sender: str) -> bool:
    """The rule, as one would tell it."""
    for letter in NEVER_KEPT:
        asked = asked.replace(letter, "\ufffd")
    first_five = list(dict.fromkeys(asked.lower().split()))[:5]
    return all(word in name.lower() or word in sender.lower() for word in first_five)


def found(database: Database, selection: Selection, viewer: Viewer) -> list[int]:
    """Page by page."""
    numbers: list[int] = []
    before = None
    while True:
        page = PhotoLists(database).list_photos(2, before, selection, viewer)
        numbers += [int(each.id, 16) for each in page.photos]
        before = page.next
        if before is None:
            return numbers


def test_what_is_common_to_very_many_is_found_without_the_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters with many others after them; a name that many people have."""
    monkeypatch.setattr(search, "LOOKED_AT", 1)
    monkeypatch.setattr(search, "MOST_SENDERS", 2)
    catalog = Catalog(database)
    for number in range(1, MOST_BEGUN + 10):
        name, sender = f"a{chr(200 + number)}.jpg", f"sender-{number}"
        catalog.add_photo(replace(photo(number), name=name, guest_id=sender))
        if number <= 5:
            GuestCatalog(database).name_guest(sender, f"Ann {number}")
    catalog.add_photo(replace(photo(999), name="last.png"))
    lists = PhotoLists(database)
    assert len(lists.list_photos(99, None, Selection(words="a")).photos) == MOST_BEGUN + 10
    assert len(lists.list_photos(99, None, Selection(words="ann")).photos) == 5
    assert len(lists.list_photos(99, None, Selection(words="ann 3")).photos) == 1


@pytest.mark.parametrize("column", ["version", "folded_name"])
def test_the_index_knows_what_the_catalog_knows_however_it_was_written(
    database: Database, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 1)
    catalog, lists = Catalog(database), PhotoLists(database)
    for number in (1, 2, 3):
        catalog.add_photo(replace(photo(number), name=f"photo {number}.jpg"))
    with database.transaction() as connection:
        this_one = tables.photos.c.id == photo(1).id
        rows = connection.execute(select(tables.photos).where(this_one)).mappings().all()
        connection.execute(delete(tables.photos).where(this_one))
        changed = dict(rows[0]) | ({"version": 1} if column == "version" else {"name": "x"})
        connection.execute(tables.photos.insert().values(changed))
        value = "7" if column == "version" else "'cake'"
        connection.execute(text(f"UPDATE photos SET {column} = {value} WHERE id = '{photo(1).id}'"))
    word = "1.jp" if column == "version" else "cake"
    page = lists.list_photos(9, None, Selection(words=word))
    assert [each.id for each in page.photos] == [photo(1).id]
    assert lists.list_photos(9, None, Selection(words="phot")).photos != []
