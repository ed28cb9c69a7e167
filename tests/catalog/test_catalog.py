"""What every catalog engine promises of photos, lists, guests, uploads and its own migrations."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, column, inspect, select, table, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from dropwall.catalog import accounts, schema, search, tables
from dropwall.catalog.changes import KEPT_SECONDS, forget_old_changes
from dropwall.catalog.database import open_database
from dropwall.catalog.guests import Guest
from dropwall.catalog.lists import PhotoQuery
from dropwall.catalog.photos import Photo, PhotoFilter, SamePhoto, Usage
from dropwall.catalog.schema import UnusableCatalog
from dropwall.catalog.tables import HIDDEN, OWNER, PENDING, SHOWN, metadata
from dropwall.catalog.uploads import ChunkedUpload
from dropwall.catalog.visibility import Viewer
from dropwall.names import fold_for_search
from dropwall.people.passwords import is_password
from dropwall.photos.watchers import MAX_CHANGES
from dropwall.refusals import GalleryFull, NoSuchPhoto, NoSuchUpload, UploadSwept
from tests.support.catalog_rows import (
    GUEST,
    MORNING,
    NOON,
    PUBLIC,
    FilledCatalog,
    empty_database,
    load_gallery,
    no_limits,
    old_gallery,
    photo,
)

BY_TAKEN = PhotoQuery("taken")


# Photos


def test_a_photo_is_found_as_it_was_added(catalog: FilledCatalog) -> None:
    added = catalog.add(1)
    assert added == replace(photo(1), version=added.version)
    assert catalog.photos.find_photo(added.id, PUBLIC) == added


def test_photos_added_at_once_have_versions_of_their_own(catalog: FilledCatalog) -> None:
    with ThreadPoolExecutor(8) as pool:
        versions = {added.version for added in pool.map(catalog.add, range(40))}
    assert len(versions) == catalog.lists.list_photos(1, viewer=PUBLIC).total == 40
    assert catalog.feed.find_version() == max(versions)


def test_versions_grow_though_the_clock_goes_back(
    catalog: FilledCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = catalog.add(1).version
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert catalog.add(2).version == first + 1


def test_only_the_same_bytes_of_the_same_guest_are_the_same_photo(catalog: FilledCatalog) -> None:
    first = catalog.add(1)
    with pytest.raises(SamePhoto):
        catalog.add(2, sha256=first.sha256)
    assert catalog.feed.find_version() == first.version
    catalog.add(2, sha256=first.sha256, guest_id="other")
    with pytest.raises(IntegrityError):
        catalog.add(3, id=first.id)


def test_only_a_tombstone_stays_of_a_wiped_photo(catalog: FilledCatalog) -> None:
    version, orphans = catalog.add(1).version, catalog.orphans
    catalog.remove(1)
    catalog.photos.restore_photo(photo(1).id, GUEST, MORNING, no_limits)
    assert not catalog.orphans.wipe_photo(photo(1).id)
    assert catalog.photos.find_photo(photo(1).id, PUBLIC).name == "1.jpg"
    catalog.remove(1)
    assert orphans.known_ids([photo(1).id]) == {photo(1).id}
    assert catalog.orphans.unpurged_photos(MORNING, limit=9) == []
    for _ in range(2):  # a crash before its files are gone does not matter
        assert catalog.orphans.unpurged_photos(NOON, limit=9) == [photo(1).id]
        assert catalog.orphans.wipe_photo(photo(1).id)
    with pytest.raises(NoSuchPhoto):
        catalog.photos.restore_photo(photo(1).id, GUEST, MORNING, no_limits)
    catalog.orphans.mark_purged(photo(1).id)
    assert catalog.orphans.unpurged_photos(NOON, limit=9) == []
    assert orphans.known_ids([photo(1).id]) == set()
    for since in (version, 0):  # 0: it came and went meanwhile
        changes = catalog.feed.read_changes(since, 9, PUBLIC)
        assert (changes.photos, changes.removed) == ([], [photo(1).id])


def test_very_many_changes_are_a_reset(catalog: FilledCatalog) -> None:
    versions = [catalog.add(number).version for number in range(21)]
    assert catalog.feed.read_changes(0, 2, PUBLIC).reset
    assert len(catalog.feed.read_changes(versions[0], 2, PUBLIC).photos) == 2
    assert len(catalog.feed.read_changes(versions[0], 20, PUBLIC).photos) == 20
    assert catalog.feed.read_changes(versions[-1] + 1, 2, PUBLIC).reset
    [reset] = catalog.feed.read_news(0, 2, [PUBLIC])[1][PUBLIC]
    assert (reset.reset, reset.version) == (True, versions[-1])
    with catalog.database.transaction() as connection:
        connection.execute(update(tables.changes).values(version=versions[-1]))
    whole = catalog.feed.read_changes(0, 5, PUBLIC)
    assert (len(whole.photos), whole.more) == (21, False)


def test_changes_are_forgotten_after_a_while_and_no_viewers_version_changes(
    catalog: FilledCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewers = [PUBLIC, GUEST, Viewer("ann"), Viewer("host", is_host=True)]
    for number in range(3):
        catalog.add(number)
    catalog.add(3, guest_id="ann", visibility=OWNER)
    for number in (4, 5):
        catalog.add(number, standing=PENDING)
    known = [catalog.feed.find_known_version(viewer) for viewer in viewers]
    assert forget_old_changes(catalog.database) == 0
    later = time.time_ns() + (KEPT_SECONDS + 60) * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert forget_old_changes(catalog.database) == 3
    assert [catalog.feed.find_known_version(viewer) for viewer in viewers] == known
    for viewer, version in zip(viewers, known, strict=True):
        changes = catalog.feed.read_changes(version, 9, viewer)
        assert (changes.photos, changes.removed, changes.reset) == ([], [], False)
        assert catalog.feed.read_changes(1, 9, viewer).reset
    added = catalog.add(6)
    for viewer, version in zip(
        viewers, known, strict=True
    ):  # they may have missed what was forgotten
        assert catalog.feed.read_changes(version, 9, viewer).reset
    # Ann's last change is not her last one any more, and is older than what was forgotten before.
    again = catalog.add(7, guest_id="ann", visibility=OWNER)
    assert forget_old_changes(catalog.database) == 2
    assert catalog.feed.read_changes(known[1], 9, PUBLIC).reset
    assert catalog.feed.read_changes(added.version, 9, Viewer("ann")).photos == [again]


HOST = Viewer("host", is_host=True)
WAITING = {"guest_id": "ann", "standing": PENDING}
AT_ONCE: dict[str, tuple[dict[str, str], Callable[[FilledCatalog], object]]] = {
    "a photographer signs in": (
        {"guest_id": "camera"},
        lambda catalog: catalog.adopt("camera", "ann"),
    ),
    "a photographer with private photos signs in": (
        {"guest_id": "camera", "visibility": OWNER},
        lambda catalog: catalog.adopt("camera", "ann"),
    ),
    "a host approves all of a guest": (
        WAITING,
        lambda catalog: catalog.photos.change_photos(
            PhotoFilter(guest_id="ann", viewer=HOST), standing=SHOWN
        ),
    ),
    "a host approves all that wait": (
        WAITING,
        lambda catalog: [
            catalog.photos.change_photos(PhotoFilter(ids, viewer=HOST), standing=SHOWN)
            for ids in batched(range(1, 1201), 100)
        ],
    ),
    "a host hides all of a guest": (
        {"guest_id": "ann"},
        lambda catalog: catalog.photos.change_photos(
            PhotoFilter(guest_id="ann", viewer=HOST), standing=HIDDEN
        ),
    ),
    "a host removes all of a guest": (
        {"guest_id": "ann"},
        lambda catalog: catalog.photos.remove_photos(PhotoFilter(guest_id="ann"), NOON, "host"),
    ),
    "an account goes with its private photos": (
        {"guest_id": "ann", "visibility": OWNER},
        lambda catalog: accounts.remove_account(catalog.database, "ann", with_private=True),
    ),
}
"""What happens to 1,200 photos that are like this one."""


def batched(numbers: range, size: int) -> list[list[str]]:
    ids = [photo(number).id for number in numbers]
    return [ids[start : start + size] for start in range(0, len(ids), size)]


@pytest.mark.parametrize("label", AT_ONCE)
def test_a_page_follows_many_changes_at_once_in_pieces(catalog: FilledCatalog, label: str) -> None:
    columns, act = AT_ONCE[label]
    first = catalog.add(0, **columns)
    with catalog.database.transaction() as connection:
        row = connection.execute(select(tables.photos)).mappings().one()
        for ids in batched(range(1, 1201), 100):
            rows = [{"id": each, "sha256": sha256(each.encode()).hexdigest()} for each in ids]
            for number, each in enumerate(rows):
                each["version"] = first.version - int(ids[number], 16)
            connection.execute(tables.photos.insert(), [dict(row) | each for each in rows])
    catalog.guests.recount()
    viewers = [PUBLIC, HOST, Viewer("ann"), Viewer("ann", sees_others=False)]
    before = {viewer: page_of(catalog, viewer) for viewer in viewers}
    known = {viewer: catalog.lists.list_photos(1, viewer=viewer).version for viewer in viewers}
    since = catalog.feed.find_version()
    act(catalog)
    _, news = catalog.feed.read_news(since, MAX_CHANGES, viewers)
    for viewer in viewers:
        told = [catalog.feed.read_changes(known[viewer], MAX_CHANGES, viewer)]
        while told[-1].more:
            told.append(catalog.feed.read_changes(told[-1].version, MAX_CHANGES, viewer))
        for pieces in (told, news.get(viewer, [])):
            shown = dict(before[viewer])
            for changes in pieces:
                assert not changes.reset
                assert len(changes.photos) + len(changes.removed) <= MAX_CHANGES
                shown |= {each.id: each for each in changes.photos}
                for gone in changes.removed:
                    shown.pop(gone, None)
            assert shown == page_of(catalog, viewer)
            assert not pieces or pieces[-1].total == len(shown)


def page_of(catalog: FilledCatalog, viewer: Viewer) -> dict[str, Photo]:
    return {each.id: each for each in catalog.lists.list_photos(9999, viewer=viewer).photos}


# Intent rows


def test_a_photo_has_an_intent_row_until_it_is_listed(catalog: FilledCatalog) -> None:
    """Which nobody else learns of, and which counts against no limit."""
    version, one, two = catalog.add(1).version, photo(1), photo(2)
    overview, used = catalog.guests.overview(), catalog.photos.find_usage("guest", MORNING)
    shown: list[Usage] = []
    begin = partial(catalog.photos.begin_photo, since=MORNING, check=shown.append)
    assert begin(two.id, two.guest_id, two.sha256) is None
    assert shown == [used]
    assert begin("f" * 32, one.guest_id, one.sha256).id == one.id  # and no row is left of it
    assert catalog.orphans.known_ids([one.id, two.id, "f" * 32]) == {one.id, two.id}
    assert catalog.feed.find_version() == version
    assert (catalog.guests.overview(), catalog.photos.find_usage("guest", MORNING)) == (
        overview,
        used,
    )
    catalog.photos.add_photo(two, MORNING, no_limits)
    assert catalog.orphans.mark_intents_swept("9999", 9) == set()
    with pytest.raises(UploadSwept):
        catalog.photos.add_photo(photo(3), MORNING, no_limits)


def test_what_a_limit_refuses_has_no_intent_row(catalog: FilledCatalog) -> None:
    def refuse(_used: Usage) -> None:
        raise GalleryFull

    with pytest.raises(GalleryFull):
        catalog.photos.begin_photo(photo(1).id, "guest", photo(1).sha256, MORNING, refuse)
    assert catalog.orphans.mark_intents_swept("9999", 9) == set()


def test_a_photo_that_was_swept_is_never_listed(catalog: FilledCatalog) -> None:
    """Its row stays until its files are gone."""
    catalog.photos.begin_photo(photo(1).id, "guest", photo(1).sha256, MORNING, lambda _: None)
    assert catalog.orphans.mark_intents_swept(MORNING, 9) == set()
    for _ in range(2):
        assert catalog.orphans.mark_intents_swept("9999", 9) == {photo(1).id}
        with pytest.raises(UploadSwept):
            catalog.photos.add_photo(photo(1), MORNING, no_limits)
    assert catalog.orphans.known_ids([photo(1).id]) == {photo(1).id}
    catalog.orphans.forget_intents([photo(1).id])
    with pytest.raises(UploadSwept):
        catalog.photos.add_photo(photo(1), MORNING, no_limits)
    assert catalog.orphans.known_ids([photo(1).id]) == set()
    assert catalog.listed() == []


# Lists


@pytest.fixture
def evening(catalog: FilledCatalog) -> FilledCatalog:
    """Six photos; the third is older than it came, the fourth says nothing, and three were taken
    in the same second."""
    catalog.guests.name_guest("anne", "Änne K.")
    catalog.add(1, guest_id="anne", taken="2026-11-22T19:00:00Z")
    catalog.add(2, guest_id="anne", taken="2026-11-22T20:00:00Z")
    catalog.add(3, guest_id="anne", taken="2026-11-22T18:00:00Z", name="the 50% cake.jpg")
    catalog.add(4, uploaded="2026-11-22T18:30:00Z", name="BÄR_1.jpg")
    catalog.add(5, taken="2026-11-22T19:00:00Z", name="bar 1.jpg")
    catalog.add(6, taken="2026-11-22T19:00:00Z")
    return catalog


SELECTED = {
    PhotoQuery(): [6, 5, 4, 3, 2, 1],
    BY_TAKEN: [2, 6, 5, 1, 4, 3],
    PhotoQuery(oldest_first=True): [1, 2, 3, 4, 5, 6],
    PhotoQuery("taken", oldest_first=True): [3, 4, 1, 5, 6, 2],
    PhotoQuery("taken", guest_id="anne", oldest_first=True): [3, 1, 2],
    PhotoQuery(words="bär", oldest_first=True): [4, 5],
    PhotoQuery(guest_id="anne"): [3, 2, 1],
    PhotoQuery("taken", guest_id="anne"): [2, 1, 3],
    PhotoQuery(guest_id="nobody"): [],
    PhotoQuery(words="bär"): [5, 4],
    PhotoQuery(words="BAR"): [5, 4],
    PhotoQuery(words="änne"): [3, 2, 1],
    PhotoQuery("taken", words="k. ÄNNE"): [2, 1, 3],
    PhotoQuery(words="cake änne"): [3],
    PhotoQuery(words="50%"): [3],
    PhotoQuery(words="_1"): [4],
    PhotoQuery(words="nothing"): [],
    PhotoQuery(words="  "): [6, 5, 4, 3, 2, 1],
}


def test_every_selection_is_read_page_by_page(evening: FilledCatalog) -> None:
    for selection, expected in SELECTED.items():
        for page in (1, 2, 9):
            assert evening.listed(selection, page=page) == expected, selection
        outlined = evening.lists.list_photos(
            9, None, selection, viewer=PUBLIC, sizes_only=True
        ).photos
        assert [int(each.id, 16) for each in outlined] == expected, selection


def test_a_page_goes_on_where_a_photo_was_removed(evening: FilledCatalog) -> None:
    from_oldest = replace(BY_TAKEN, oldest_first=True)
    pages = {
        asked: evening.lists.list_photos(3, None, asked, viewer=PUBLIC)
        for asked in (BY_TAKEN, from_oldest)
    }
    for number in (5, 1):
        evening.remove(number, "anne" if number == 1 else "guest")
    for asked, left in ((BY_TAKEN, (4, 3)), (from_oldest, (6, 2))):
        following = evening.lists.list_photos(9, pages[asked].next, asked, viewer=PUBLIC)
        assert [each.id for each in following.photos] == [photo(number).id for number in left]
        beyond_all = evening.lists.list_photos(9, 10**9, asked, viewer=PUBLIC)
        assert beyond_all.photos == []


def test_others_cannot_page_from_a_private_photo(evening: FilledCatalog) -> None:
    private = evening.add(7, taken="2026-11-22T19:30:00Z", guest_id="a", visibility=OWNER)
    for viewer, expected in ((Viewer("a"), [photo(6).id]), (PUBLIC, [])):
        page = evening.lists.list_photos(1, private.version, BY_TAKEN, viewer=viewer)
        assert [each.id for each in page.photos] == expected


# Guests


def test_a_guests_name_stands_at_all_their_photos_and_is_a_change(evening: FilledCatalog) -> None:
    lists, guests, feed = evening.lists, evening.guests, evening.feed
    assert (guests.find_name("anne"), guests.find_name("guest")) == ("Änne K.", "")
    assert {shown.sender for shown in lists.list_photos(9, viewer=PUBLIC).photos} == {
        "Änne K.",
        None,
    }
    version = feed.find_version()
    guests.name_guest("anne", "Anne")
    changes = feed.read_changes(version, 9, PUBLIC)
    assert (changes.guests, changes.photos) == ([Guest("anne", "Anne")], [])
    assert changes.version == feed.find_version()
    assert guests.list_senders(9, PUBLIC) == [Guest("anne", "Anne", 3)]
    guests.name_guest("anne", "")
    assert guests.list_senders(9, PUBLIC) == []


def test_a_guest_who_is_named_many_times_at_once_has_one_name(catalog: FilledCatalog) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(catalog.guests.name_guest, ["anne"] * 16, map(str, range(16))))
    anne = Guest("anne", catalog.guests.find_name("anne"))
    assert catalog.feed.read_changes(0, 99, Viewer("anne")).guests == [anne]


# Usage


def test_the_gallery_knows_how_many_bytes_it_holds(catalog: FilledCatalog) -> None:
    assert catalog.photos.find_usage("guest", MORNING) == Usage(0, 0, 0, 0, 0, None)
    for number in (1, 2, 3):
        catalog.add(number, bytes=10**number * 5_000_000_000)
    with pytest.raises(SamePhoto):
        catalog.add(4, bytes=7, sha256=photo(1).sha256)
    assert [catalog.remove(number) for number in (2, 2, 99)] == [[photo(2).id], [], []]
    assert catalog.photos.find_usage("guest", MORNING).held_bytes == 5_050_000_000_000


# Uploads


def upload(number: int = 1, chunks: int = 3) -> ChunkedUpload:
    return ChunkedUpload(
        id=f"{number:032x}",
        guest_id="guest",
        name=f"{number}.jpg",
        bytes=1000 * chunks,
        chunk_bytes=1000,
        chunks=chunks,
        touched=MORNING,
    )


def test_uploads_and_chunks_that_come_many_times_at_once_count_once(catalog: FilledCatalog) -> None:
    uploads, whole = catalog.uploads, upload(chunks=24)
    twins = [replace(whole, name=f"{number}.jpg") for number in range(8)]

    def add(number: int) -> ChunkedUpload:
        return uploads.add_chunk(whole.id, number, 1000, NOON)

    with ThreadPoolExecutor(8) as pool:
        [begun] = set(pool.map(uploads.begin, twins))
        [first] = set(pool.map(add, [0] * 8))
        others = [*pool.map(add, range(1, 24))]
    assert first == replace(begun, received=1, received_bytes=1000, touched=NOON)
    assert sorted(each.received for each in others) == [*range(2, 25)]
    assert [each.received_bytes for each in others if each.is_whole] == [24_000]
    assert uploads.received(whole.id) == [*range(24)]
    assert catalog.photos.find_usage("guest", since=MORNING).begun_uploads == 1


def test_an_upload_is_forgotten_unless_somebody_goes_on_with_it(catalog: FilledCatalog) -> None:
    uploads = catalog.uploads
    for number in (1, 2, 3):
        uploads.begin(upload(number))
    assert uploads.ids_untouched_since(MORNING, 9) == []
    uploads.add_chunk(upload(1).id, 2, 1000, NOON)
    uploads.conclude(upload(2).id, "safe", MORNING)
    assert set(uploads.ids_untouched_since(NOON, 9)) == {upload(2).id, upload(3).id}
    assert len(uploads.ids_untouched_since(NOON, 1)) == 1
    assert uploads.forget(upload(1).id, untouched_since=NOON) == []
    assert uploads.received(upload(1).id) == [2]
    assert [uploads.forget(upload(1).id) for _ in range(2)] == [[2], []]
    with pytest.raises(NoSuchUpload):
        uploads.add_chunk(upload(1).id, 1, 1000, NOON)


# The schema


REVISIONS = ["0008", "0012"]
"""Of which there are dumps; 0008 is the oldest that is upgraded."""


def structure(connection: Connection) -> dict[str, set[tuple[object, ...]]]:
    """Tables, columns, keys, indexes, triggers and functions. Not the order of columns, and not
    server defaults: only migrations need these, for rows that are there already."""
    inspector = inspect(connection)
    found: dict[str, set[tuple[object, ...]]] = {}
    for name in inspector.get_table_names():
        columns = inspector.get_columns(name)
        found[name] = {(each["name"], str(each["type"]), each["nullable"]) for each in columns}
        found[name] |= {("key", *inspector.get_pk_constraint(name)["constrained_columns"])}
        found[name] |= {
            ("unique", *each["column_names"]) for each in inspector.get_unique_constraints(name)
        }
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type <> 'table' OR sql LIKE '%VIRTUAL%'"
    else:
        query = """
            SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION SELECT proname, pg_get_functiondef(oid) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
        """
    definitions = connection.execute(text(query)).all()
    found["definitions"] = {
        (name, re.sub(r"\s+", " ", definition or "").replace("<>", "!="))
        for name, definition in definitions
    }
    return found


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_migrations_lead_to_the_schema_of_a_new_gallery(
    address: str, revision: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = "://" not in address
    new_one = str(tmp_path / "new") if is_file else request.getfixturevalue("in_postgresql")
    load_gallery(address, revision)
    upgraded, new = open_database(address), open_database(new_one)
    with upgraded.transaction() as connection, new.transaction() as another:
        assert structure(connection) == structure(another)
        context = MigrationContext.configure(another, opts={"include_name": is_own})
        assert compare_metadata(context, metadata) == []


def is_own(name: str | None, kind: str, _: object) -> bool:
    """Not the search index, which is no table of the metadata."""
    return not (kind in ("table", "index") and re.match(r"(photo_)?trigrams", name or ""))


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_gallery_of_a_former_version_is_upgraded(address: str, revision: str) -> None:
    """With all that it had, and as open to each viewer as it was."""
    load_gallery(address, revision)
    catalog = FilledCatalog(database := open_database(address))
    [hanna] = accounts.list_accounts(database)
    assert (hanna.name, hanna.is_host) == ("Hanna", True)
    assert is_password("correct horse battery", hanna.password_hash)
    host, anyone = Viewer(hanna.id, is_host=True), Viewer()

    def names(viewer: Viewer, **selected: str) -> list[str]:
        found = catalog.lists.list_photos(99, None, PhotoQuery(**selected), viewer=viewer).photos
        return [each.name for each in reversed(found)]

    everyones = ["Straße.jpg", "IMG_2.jpg", "the 50% cake.jpg", "写真.jpg", "By the host.jpg"]
    assert names(anyone) == everyones
    assert names(host) == [*everyones, "Hidden.jpg", "Waiting.jpg"]
    assert names(host, only="hidden") == ["Hidden.jpg"]
    with database.transaction() as connection:
        by_name = {row.name: row for row in connection.execute(select(tables.photos))}
    bo = by_name["Bo alone.jpg"].guest_id
    assert set(names(Viewer(bo))) == {*everyones, "Bo alone.jpg", "Waiting.jpg"}
    assert catalog.guests.overview().pending == catalog.guests.overview().hidden == 1
    counts = catalog.guests.overview()
    catalog.guests.recount()
    assert catalog.guests.overview() == counts
    assert names(anyone, words="gulay") == everyones[:2]
    assert names(anyone, words="strasse") == everyones[:1]
    assert names(anyone, words="真") == ["写真.jpg"]
    [upload_id] = catalog.uploads.ids_untouched_since("2999-01-01T00:00:00Z", 9)
    half = catalog.uploads.find(upload_id)
    assert (half.name, half.guest_id) == ("Half.jpg", bo)
    assert catalog.uploads.received(half.id) == [0, 2]
    with pytest.raises(NoSuchPhoto):
        catalog.photos.restore_photo(
            by_name["Removed by a host.jpg"].id, Viewer("stranger"), MORNING, no_limits
        )
    catalog.photos.restore_photo(by_name["Removed.jpg"].id, Viewer(bo), MORNING, no_limits)
    assert names(anyone) == [*everyones, "Removed.jpg"]
    since = catalog.feed.find_version()
    added = catalog.add(1, name="New.jpg")
    news = catalog.feed.read_changes(since, 9, PUBLIC)
    assert [each.id for each in news.photos] == [added.id]


@pytest.mark.parametrize("revision", ["0001", "0007"])
def test_a_gallery_that_is_too_old_is_refused_and_not_touched(address: str, revision: str) -> None:
    load_gallery(address, "0008")
    with empty_database(address) as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        before = structure(connection)
    with pytest.raises(UnusableCatalog) as refusal:
        open_database(address)
    assert str(refusal.value) == (
        f"The catalog is of a Dropwall that is too old for this one to upgrade ({revision}). Start"
        " the gallery once with the Dropwall of commit 1c33cb1, which upgrades it, and then"
        " with this one. Nothing was changed."
    )
    with empty_database(address) as connection:
        assert structure(connection) == before
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == revision


# A migration that has run somewhere runs nowhere again: what is edited in it, that gallery never
# gets. A change is a migration of its own, with a line here.
FROZEN = {
    "0008_oldest.py": "d44b691a2023d03bdaaaf6336545e39dca615173f711ae88056f8b6ea93db83a",
    "0009_made.py": "cfcbe1cf85c3bc582f30c6f492c02bf9119ad251f08bfa2f04f864c9aac8f935",
    "0010_withheld.py": "09ca7945517541dac559a64ef6814b84dc3b28f14cb048d9a445f7d152737518",
    "0011_accents.py": "cb1a2fbae6c4a563a0f34a718e8dc46985d1963c9c4fe32fc45b6a73326d0b2b",
    "0012_zip.py": "9bdc1c706a22b2ead9c64f8cf0d7356bda2e415d54d8d6ce4312868f3b0134b1",
    "0013_intents.py": "ef8d1a507f2eeaba50a74a242b822b5925dec911c4c62a637df1e0af12cafde6",
    "0014_changes.py": "ebf9bb23a4b4b7514080ff9201677185779611e6f8ce01b9eb36814e9c55a5c8",
    "0015_closed.py": "81f5642646fc79e8e9d56680e655cfc7fa21c1f29d78afada9451f994e6d9141",
    "0016_notifications.py": "f4fbc252b4b3a5ff8d671681157a0256834c7c0d1e9c897fe77f7a31c128a18b",
}


def test_a_migration_that_was_committed_is_never_edited() -> None:
    migrations = sorted((schema.MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert {path.name: sha256(path.read_bytes()).hexdigest() for path in migrations} == FROZEN


def test_what_an_edited_migration_left_out_is_added(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a gallery that the first form of an early migration has made."""
    load_gallery(address, "0008")
    with empty_database(address) as connection:
        for lacking in ("photos DROP COLUMN removed_by_owner", "guests DROP COLUMN adopted_by"):
            connection.exec_driver_sql(f"ALTER TABLE {lacking}")
        connection.exec_driver_sql("DROP INDEX by_time")
    catalog = FilledCatalog(open_database(address))
    assert caplog.messages == [
        "The catalog lacked what was added now: guests.adopted_by, photos.removed_by_owner, by_time"
    ]
    catalog.add(1)
    catalog.add(2, guest_id="phone")
    catalog.adopt("phone", "guest")
    assert catalog.remove(1) == [photo(1).id]
    catalog.photos.restore_photo(photo(1).id, GUEST, MORNING, no_limits)
    assert catalog.listed()[:2] == [2, 1]
    caplog.clear()
    open_database(address)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("ALTER TABLE uploads DROP COLUMN received", "uploads.received"),
        ("DROP TABLE chunks", "chunks"),
        ("DROP INDEX one_photo_a_guest", "one_photo_a_guest"),
    ],
)
def test_what_cannot_be_added_to_a_catalog_is_named(
    address: str, statement: str, lacking: str
) -> None:
    with open_database(address).transaction() as connection:
        connection.exec_driver_sql(statement)
    with pytest.raises(UnusableCatalog) as refusal:
        open_database(address)
    assert str(refusal.value) == (
        f"The catalog lacks what this Dropwall needs ({lacking}), as one of an early development"
        " version does. Let DROPWALL_DATABASE name a backup of it, or another database."
    )


def test_a_column_that_is_not_there_is_a_defect_and_no_matter_of_waiting(
    catalog: FilledCatalog,
) -> None:
    with catalog.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE photos DROP COLUMN placeholder")
    with pytest.raises(ProgrammingError, match="placeholder"):
        catalog.add(1)


def insert_rows(connection: Connection, name: str, rows: list[dict[str, object]]) -> None:
    """Into a table as a former version knew it."""
    connection.execute(table(name, *map(column, rows[0])).insert(), rows)


def test_photos_of_an_old_gallery_keep_their_times_between_new_ones(address: str) -> None:
    with old_gallery(address, "0012") as connection:
        for number, taken in ((1, "2026-11-22T15:10:00Z"), (2, "2026-11-22T14:00:00Z")):
            row = asdict(photo(number, version=number, taken=taken))
            del row["sender"], row["stored_name"]
            more = {"shown_version": number, "audience": 2, "moment": taken, "folded_name": ""}
            insert_rows(connection, "photos", [row | more])
        versions = "version = 2, hosts_version = 2, everyones_version = 2"
        connection.exec_driver_sql(f"UPDATE gallery SET {versions}")
    catalog = FilledCatalog(open_database(address))
    for number, taken in ((3, "2026-11-22T15:10:00"), (4, "2026-11-22T15:05:00"), (5, None)):
        catalog.add(number, taken=taken, uploaded="2026-11-22T15:07:00Z")
    found = catalog.lists.list_photos(9, None, BY_TAKEN, viewer=PUBLIC).photos
    assert [(int(each.id, 16), each.taken) for each in found] == [
        (3, "2026-11-22T15:10:00"),  # came later than the one of the same time
        (1, "2026-11-22T15:10:00Z"),
        (5, None),
        (4, "2026-11-22T15:05:00"),
        (2, "2026-11-22T14:00:00Z"),
    ]


def test_names_of_an_old_gallery_are_found_without_their_accents(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the index, too, and however many they are."""
    monkeypatch.setattr(search, "LOOKED_AT", 1)
    names = ("Gülay.JPG", "IMG.JPG", "ΟΔΥΣΣΕΎΣ.jpg", "Straße.jpg") * 600
    with old_gallery(address, "0008") as connection:
        rows, people = [], []
        for number, name in enumerate(names, 1):
            row = asdict(photo(number, name=name, version=number, guest_id=f"guest {number % 4}"))
            row |= {"shown_version": number, "moment": MORNING, "audience": 2}
            rows.append(row | {"folded_name": name.lower()})
            for derived in ("sender", "crc32", "stored_name"):
                del rows[-1][derived]
            person = {"id": f"guest {number + 9999}", "name": name, "folded_name": name.lower()}
            people.append(person | dict.fromkeys(("version", "own_version"), number))
        insert_rows(connection, "photos", rows)
        insert_rows(connection, "guests", people)
    catalog = FilledCatalog(open_database(address))
    for word, first in {"gulay": 2397, "g\xfcl": 2397, "οδυσσευσ": 2399, "strasse": 2400}.items():
        found = catalog.lists.list_photos(700, None, PhotoQuery(words=word), viewer=PUBLIC).photos
        assert [int(each.id, 16) for each in found] == [*range(first, 0, -4)], word
    with catalog.database.transaction() as connection:
        for each in (tables.photos, tables.guests):
            for name, folded in connection.execute(select(each.c.name, each.c.folded_name)):
                assert folded == fold_for_search(name)
