"""What every catalog engine promises."""

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from server.catalog import (
    EVERYONE,
    HIDDEN,
    OWNER,
    PENDING,
    SHOWN,
    Catalog,
    ChunkedUpload,
    Database,
    Guest,
    GuestCatalog,
    LeftoverCatalog,
    NoSuchPhoto,
    NoSuchUpload,
    OutlinedPhoto,
    Photo,
    PhotoLists,
    RuledOut,
    SamePhoto,
    Selection,
    Share,
    UploadCatalog,
    Usage,
    UsageCatalog,
    Viewer,
    Which,
    metadata,
    open_database,
    schema,
    search,
    tables,
)
from server.catalog.counts import recount
from server.catalog.postgresql import PostgreSQL
from server.catalog.sqlite import SQLite
from server.catalog.usage import Overview

GUEST = Viewer("guest")
MORNING, NOON = "2026-11-22T10:00:00Z", "2026-11-22T12:00:00Z"


@pytest.fixture
def catalog(database: Database) -> Catalog:
    return Catalog(database)


@pytest.fixture
def leftovers(database: Database) -> LeftoverCatalog:
    return LeftoverCatalog(database)


@pytest.fixture
def lists(database: Database) -> PhotoLists:
    return PhotoLists(database)


@pytest.fixture
def named(database: Database) -> GuestCatalog:
    return GuestCatalog(database)


def photo(number: int) -> Photo:
    return Photo(
        id=f"{number:032x}",
        guest_id="guest",
        sha256=f"{number:064x}",
        name=f"{number}.jpg",
        extension="jpg",
        bytes=1000,
        width=40,
        height=30,
        animated=False,
        taken=None,
        uploaded="2026-11-22T10:00:00Z",
        placeholder="data:image/webp;base64,",
    )


def test_a_photo_is_found_as_it_was_added(catalog: Catalog) -> None:
    added = catalog.add_photo(photo(1))
    assert added == replace(photo(1), version=added.version)
    assert catalog.find_photo(added.id, Viewer()) == added


def test_each_has_a_version_of_its_own_however_many_come_at_once(
    catalog: Catalog, lists: PhotoLists
) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(catalog.add_photo, map(photo, range(40))))
    assert len({photo.version for photo in added}) == 40
    assert lists.list_photos(1).total == 40
    assert lists.version() == max(photo.version for photo in added)


def test_versions_grow_whatever_the_clock_says(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = catalog.add_photo(photo(1)).version
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert catalog.add_photo(photo(2)).version == first + 1


def test_the_same_bytes_of_the_same_guest_are_refused_and_use_no_version(
    catalog: Catalog, lists: PhotoLists
) -> None:
    version = catalog.add_photo(photo(1)).version
    with pytest.raises(SamePhoto):
        catalog.add_photo(replace(photo(2), sha256=photo(1).sha256))
    assert catalog.find_same("guest", photo(1).sha256)
    assert not catalog.find_same("other", photo(1).sha256)
    assert lists.version() == version
    catalog.add_photo(replace(photo(2), sha256=photo(1).sha256, guest_id="other"))


def test_trouble_with_the_catalog_is_not_taken_for_the_same_photo(catalog: Catalog) -> None:
    catalog.add_photo(photo(1))
    with pytest.raises(IntegrityError):
        catalog.add_photo(replace(photo(2), id=photo(1).id))


def test_a_removed_photo_is_gone_and_makes_room_for_itself(
    catalog: Catalog, lists: PhotoLists
) -> None:
    version = catalog.add_photo(photo(1)).version
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    with pytest.raises(NoSuchPhoto):
        catalog.find_photo(photo(1).id, Viewer())
    assert catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id) == []
    assert lists.changes_since(version, limit=9).removed == [photo(1).id]
    assert lists.list_photos(9).photos == []
    assert lists.find_photos([photo(1).id]).photos == []
    catalog.add_photo(replace(photo(2), sha256=photo(1).sha256))


def test_a_restored_photo_is_where_it_was_and_everybody_is_told(
    catalog: Catalog, lists: PhotoLists
) -> None:
    for number in (1, 2, 3):
        catalog.add_photo(photo(number))
    before = lists.list_photos(9)
    catalog.remove_photos(Which([photo(2).id]), MORNING, GUEST.guest_id)
    removed = lists.version()
    catalog.restore_photo(photo(2).id, GUEST)
    restored = lists.version()
    assert lists.list_photos(9).photos == before.photos
    assert lists.list_photos(9).total == before.total
    assert [shown.id for shown in lists.changes_since(removed, limit=9).photos] == [photo(2).id]
    changes = lists.changes_since(before.version, limit=9)
    assert ([shown.id for shown in changes.photos], changes.removed) == ([photo(2).id], [])
    with pytest.raises(NoSuchPhoto):
        catalog.restore_photo(photo(2).id, GUEST)
    catalog.remove_photos(Which([photo(2).id]), MORNING, GUEST.guest_id)
    assert lists.changes_since(restored, limit=9).removed == [photo(2).id]


def test_what_was_sent_again_meanwhile_is_not_restored_twice(
    catalog: Catalog, lists: PhotoLists
) -> None:
    catalog.add_photo(photo(1))
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    catalog.add_photo(replace(photo(2), sha256=photo(1).sha256))
    with pytest.raises(SamePhoto):
        catalog.restore_photo(photo(1).id, GUEST)
    assert lists.list_photos(9).total == 1


def test_of_a_wiped_photo_only_a_tombstone_stays(
    catalog: Catalog, leftovers: LeftoverCatalog, lists: PhotoLists
) -> None:
    version = catalog.add_photo(photo(1)).version
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    assert leftovers.known_ids([photo(1).id]) == {photo(1).id}
    assert leftovers.unpurged_photos(MORNING, limit=9) == []
    assert leftovers.unpurged_photos(NOON, limit=9) == [photo(1).id]
    assert leftovers.wipe_photo(photo(1).id)
    with pytest.raises(NoSuchPhoto):
        catalog.restore_photo(photo(1).id, GUEST)
    assert leftovers.unpurged_photos(NOON, limit=9) == [photo(1).id]  # its files may be there still
    assert leftovers.wipe_photo(photo(1).id)  # and a crash between the two does not matter
    leftovers.mark_purged(photo(1).id)
    assert leftovers.unpurged_photos(NOON, limit=9) == []
    assert leftovers.known_ids([photo(1).id]) == set()
    assert lists.changes_since(version, limit=9).removed == [photo(1).id]


def test_a_restored_photo_is_not_wiped(catalog: Catalog, leftovers: LeftoverCatalog) -> None:
    catalog.add_photo(photo(1))
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    catalog.restore_photo(photo(1).id, GUEST)
    assert not leftovers.wipe_photo(photo(1).id)
    assert catalog.find_photo(photo(1).id, Viewer()).name == "1.jpg"


def test_what_came_and_went_meanwhile_is_told_as_gone(catalog: Catalog, lists: PhotoLists) -> None:
    catalog.add_photo(photo(1))
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    changes = lists.changes_since(0, limit=9)
    assert (changes.photos, changes.removed) == ([], [photo(1).id])


def test_too_many_changes_are_a_reset(catalog: Catalog, lists: PhotoLists) -> None:
    versions = [catalog.add_photo(photo(number)).version for number in range(4)]
    assert lists.changes_since(0, limit=3).reset
    assert len(lists.changes_since(versions[0], limit=3).photos) == 3
    assert lists.changes_since(versions[-1] + 1, limit=3).reset


def test_ids_are_told_apart(catalog: Catalog, leftovers: LeftoverCatalog) -> None:
    catalog.add_photo(photo(1))
    assert leftovers.known_ids({photo(1).id, photo(2).id}) == {photo(1).id}


def test_an_id_that_is_ruled_out_is_nobodys_and_no_photo_ever_has_it(
    catalog: Catalog, leftovers: LeftoverCatalog, lists: PhotoLists, usage: UsageCatalog
) -> None:
    version = catalog.add_photo(photo(1)).version
    overview, used = usage.overview(), usage.read("", MORNING)
    for _ in range(2):
        assert leftovers.rule_out([photo(1).id, photo(2).id, photo(3).id]) == {
            photo(2).id,
            photo(3).id,
        }
    with pytest.raises(RuledOut):
        catalog.add_photo(photo(2))
    assert leftovers.known_ids([photo(1).id, photo(2).id]) == {photo(1).id}
    for viewer in (Viewer(), GUEST, Viewer("host", is_host=True)):
        changes = lists.changes_since(version, 9, viewer)
        assert (changes.photos, changes.removed, changes.total) == ([], [], 1)
        assert changes.version == version
        with pytest.raises(NoSuchPhoto):
            catalog.restore_photo(photo(2).id, viewer)
    assert (usage.overview(), usage.read("", MORNING)) == (overview, used)


def test_what_can_be_restored_is_not_ruled_out(
    catalog: Catalog, leftovers: LeftoverCatalog
) -> None:
    catalog.add_photo(photo(1))
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    assert leftovers.rule_out([photo(1).id]) == set()
    catalog.restore_photo(photo(1).id, GUEST)


# Some of them, in an order


def of(number: int, **columns: object) -> Photo:
    return replace(photo(number), **columns)  # type: ignore[arg-type]


def numbers(photos: Sequence[Photo | OutlinedPhoto]) -> list[int]:
    return [int(listed.id, 16) for listed in photos]


@pytest.fixture
def an_evening(catalog: Catalog, named: GuestCatalog) -> None:
    """Six photos; the third is older than it came, the fourth says nothing, and two were taken
    in the same second."""
    named.name_guest("anne", "Änne K.")
    catalog.add_photo(of(1, guest_id="anne", taken="2026-11-22T19:00:00Z"))
    catalog.add_photo(of(2, guest_id="anne", taken="2026-11-22T20:00:00Z"))
    catalog.add_photo(of(3, guest_id="anne", taken="2026-11-22T18:00:00Z", name="the 50% cake.jpg"))
    catalog.add_photo(of(4, uploaded="2026-11-22T18:30:00Z", name="BÄR_1.jpg"))
    catalog.add_photo(of(5, taken="2026-11-22T19:00:00Z", name="bar 1.jpg"))
    catalog.add_photo(of(6, taken="2026-11-22T19:00:00Z"))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), [6, 5, 4, 3, 2, 1]),
        (Selection("taken"), [2, 6, 5, 1, 4, 3]),
        (Selection(guest_id="anne"), [3, 2, 1]),
        (Selection("taken", guest_id="anne"), [2, 1, 3]),
        (Selection(guest_id="nobody"), []),
        (Selection(words="bär"), [4]),
        (Selection(words="BAR"), [5]),
        (Selection(words="änne"), [3, 2, 1]),
        (Selection("taken", words="k. ÄNNE"), [2, 1, 3]),
        (Selection(words="cake änne"), [3]),
        (Selection(words="50%"), [3]),
        (Selection(words="_1"), [4]),
        (Selection(words="nothing"), []),
        (Selection(words="  "), [6, 5, 4, 3, 2, 1]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 9])
def test_a_selection_is_read_page_by_page(
    lists: PhotoLists, an_evening: None, selection: Selection, expected: list[int], limit: int
) -> None:
    for read in (lists.list_photos, lists.outline):
        seen: list[int] = []
        before = None
        while True:
            page = read(limit, before, selection)
            seen += numbers(page.photos)
            before = page.next
            if before is None:
                break
        assert seen == expected


def test_a_page_goes_on_where_a_photo_was_that_is_removed(
    catalog: Catalog, lists: PhotoLists, an_evening: None
) -> None:
    taken = Selection("taken")
    first = lists.list_photos(3, None, taken)
    catalog.remove_photos(Which([photo(5).id]), MORNING, GUEST.guest_id)
    assert numbers(lists.list_photos(9, first.next, taken).photos) == [1, 4, 3]


def test_the_place_of_a_photo_that_one_does_not_see_is_not_told(
    catalog: Catalog, lists: PhotoLists, an_evening: None
) -> None:
    private = catalog.add_photo(of(7, taken="2026-11-22T19:30:00Z", guest_id="a", visibility=OWNER))
    own = Viewer("a")
    assert numbers(lists.list_photos(1, private.version, Selection("taken"), own).photos) == [6]
    assert lists.list_photos(1, private.version, Selection("taken")).photos == []


def test_the_outline_tells_shapes_and_moments(lists: PhotoLists, an_evening: None) -> None:
    outlined = {
        int(each.id, 16): each for each in lists.outline(9, None, Selection("taken")).photos
    }
    assert (outlined[3].width, outlined[3].height) == (40, 30)
    assert outlined[3].moment == "2026-11-22T18:00:00Z"
    assert outlined[4].moment == "2026-11-22T18:30:00Z"
    assert lists.outline(9).photos[3].moment == "2026-11-22T10:00:00Z"


def test_a_guests_name_stands_at_all_their_photos_and_is_a_change(
    lists: PhotoLists, named: GuestCatalog, an_evening: None
) -> None:
    assert named.name_of("anne") == "Änne K."
    assert named.name_of("guest") == ""
    assert {shown.sender for shown in lists.list_photos(9).photos} == {"Änne K.", None}
    version = lists.version()
    named.name_guest("anne", "Anne")
    changes = lists.changes_since(version, limit=9)
    assert (changes.guests, changes.photos) == ([Guest("anne", "Anne")], [])
    assert changes.version == lists.version()
    assert named.list_senders(9) == [Guest("anne", "Anne", 3)]
    named.name_guest("anne", "")
    assert named.list_senders(9) == []


def test_a_guest_who_is_named_many_times_at_once_has_one_name(
    lists: PhotoLists, named: GuestCatalog
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(named.name_guest, ["anne"] * 16, map(str, range(16))))
    anne = Viewer("anne")
    assert lists.changes_since(0, 99, anne).guests == [Guest("anne", named.name_of("anne"))]


# What is held, and what was sent


def sized(number: int, size: int, uploaded: str = "2026-11-22T10:00:00Z") -> Photo:
    return replace(photo(number), bytes=size, uploaded=uploaded)


@pytest.fixture
def usage(database: Database) -> UsageCatalog:
    return UsageCatalog(database)


def test_the_gallery_knows_how_many_bytes_it_holds(catalog: Catalog, usage: UsageCatalog) -> None:
    assert usage.read("guest", MORNING) == Usage(0, 0, 0, 0, 0, None)
    for number in (1, 2, 3):
        catalog.add_photo(sized(number, 10**number * 5_000_000_000))
    with pytest.raises(SamePhoto):
        catalog.add_photo(replace(sized(4, 7), sha256=photo(1).sha256))
    catalog.remove_photos(Which([photo(2).id]), MORNING, GUEST.guest_id)
    assert catalog.remove_photos(Which([photo(2).id]), MORNING, GUEST.guest_id) == []
    assert catalog.remove_photos(Which([photo(99).id]), MORNING, GUEST.guest_id) == []
    assert usage.read("guest", MORNING).held_bytes == 5_050_000_000_000


def test_what_a_guest_has_sent_since_a_moment_is_told_with_what_was_removed(
    catalog: Catalog, usage: UsageCatalog
) -> None:
    for number in range(4):
        catalog.add_photo(sized(number, 10**number, f"2026-11-22T10:00:0{number}Z"))
    catalog.add_photo(replace(sized(4, 10_000), guest_id="other"))
    catalog.remove_photos(Which([photo(2).id]), MORNING, GUEST.guest_id)
    sent = usage.read("guest", since="2026-11-22T10:00:01Z")
    assert (sent.sent_photos, sent.sent_bytes) == (3, 1110)
    assert sent.first_sent == "2026-11-22T10:00:01Z"
    nothing = usage.read("guest", since="2026-11-22T10:00:04Z")
    assert (nothing.sent_photos, nothing.sent_bytes, nothing.first_sent) == (0, 0, None)


# Uploads


@pytest.fixture
def uploads(database: Database) -> UploadCatalog:
    return UploadCatalog(database)


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


def test_an_upload_that_begins_twice_at_once_is_one(
    uploads: UploadCatalog, usage: UsageCatalog
) -> None:
    names = [replace(upload(), name=f"{number}.jpg") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        begun = set(pool.map(uploads.begin, names))
    assert begun == {uploads.find(upload().id)}
    assert usage.read("guest", since=MORNING).begun_uploads == 1
    uploads.add_chunk(upload().id, 0, 1000, NOON)
    assert uploads.begin(upload()).received == 1


def test_a_chunk_counts_once(uploads: UploadCatalog) -> None:
    uploads.begin(upload())
    once = uploads.add_chunk(upload().id, 2, 1000, NOON)
    assert once == replace(upload(), received=1, received_bytes=1000, touched=NOON)
    assert uploads.add_chunk(upload().id, 2, 1000, NOON) == once
    assert uploads.received(upload().id) == [2]


def test_of_chunks_that_come_at_once_one_is_the_last(uploads: UploadCatalog) -> None:
    uploads.begin(upload(chunks=24))
    with ThreadPoolExecutor(8) as pool:
        seen = [*pool.map(lambda n: uploads.add_chunk(upload().id, n, 1000, NOON), range(24))]
    assert sorted(each.received for each in seen) == [*range(1, 25)]
    assert [each.received_bytes for each in seen if each.is_whole] == [24_000]
    assert uploads.received(upload().id) == [*range(24)]


def test_the_same_chunk_many_times_at_once_counts_once(uploads: UploadCatalog) -> None:
    uploads.begin(upload())
    with ThreadPoolExecutor(8) as pool:
        seen = {*pool.map(lambda _: uploads.add_chunk(upload().id, 1, 1000, NOON), range(24))}
    assert [(each.received, each.received_bytes) for each in seen] == [(1, 1000)]


def test_an_upload_at_its_end_takes_no_more_chunks(uploads: UploadCatalog) -> None:
    uploads.begin(upload())
    uploads.add_chunk(upload().id, 0, 1000, MORNING)
    uploads.conclude(upload().id, "safe", NOON)
    ended = uploads.add_chunk(upload().id, 1, 1000, NOON)
    assert (ended.outcome, ended.received, ended.touched) == ("safe", 1, NOON)
    assert uploads.received(upload().id) == []
    assert uploads.known_ids({upload().id}) == set()


def test_an_upload_that_is_forgotten_is_not_there(uploads: UploadCatalog) -> None:
    uploads.begin(upload())
    uploads.add_chunk(upload().id, 0, 1000, NOON)
    uploads.forget(upload().id)
    uploads.forget(upload().id)
    with pytest.raises(NoSuchUpload):
        uploads.find(upload().id)
    with pytest.raises(NoSuchUpload):
        uploads.add_chunk(upload().id, 1, 1000, NOON)
    assert uploads.begin(upload()).received == 0
    assert uploads.add_chunk(upload().id, 0, 1000, NOON).received == 1


def test_only_what_goes_on_is_begun(uploads: UploadCatalog, usage: UsageCatalog) -> None:
    theirs = replace(upload(3), guest_id="other")
    for begun in (upload(1), upload(2), theirs):
        uploads.begin(begun)
        uploads.add_chunk(begun.id, 0, 1000, NOON)
    uploads.conclude(upload(2).id, "safe", NOON)
    for guest_id, begun_uploads in (("guest", 1), ("nobody", 0)):
        used = usage.read(guest_id, since=MORNING)
        assert (used.begun_uploads, used.begun_bytes) == (begun_uploads, 1000 * begun_uploads)
        assert used.held_bytes == 2000
    ids = {each.id for each in (upload(1), upload(2), theirs, upload(4))}
    assert uploads.known_ids(ids) == {upload(1).id, theirs.id}


def test_an_upload_that_somebody_went_on_with_is_not_given_up(uploads: UploadCatalog) -> None:
    uploads.begin(upload())
    assert uploads.untouched_since(NOON, 9) != []
    uploads.add_chunk(upload().id, 2, 1000, NOON)
    assert uploads.forget(upload().id, untouched_since=NOON) == []
    assert uploads.received(upload().id) == [2]
    assert uploads.forget(upload().id) == [2]
    with pytest.raises(NoSuchUpload):
        uploads.find(upload().id)


def test_uploads_that_nobody_touched_are_told(uploads: UploadCatalog) -> None:
    for number in (1, 2, 3):
        uploads.begin(upload(number))
    uploads.add_chunk(upload(1).id, 0, 1000, NOON)
    uploads.conclude(upload(2).id, "safe", MORNING)
    assert {old.id for old in uploads.untouched_since(NOON, 9)} == {upload(2).id, upload(3).id}
    assert len(uploads.untouched_since(NOON, 1)) == 1
    assert uploads.untouched_since(MORNING, 9) == []


# The schema


def test_many_may_open_a_new_catalog_at_once(address: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = pool.map(open_database, [address] * 4)
        assert [PhotoLists(database).version() for database in opened] == [0] * 4


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_of_code})
        assert compare_metadata(context, metadata) == []


def _is_of_code(name: str | None, kind: str, _: object) -> bool:
    """Not the index that searches use, nor the tables in which SQLite keeps it: no code reads
    or writes them in the way of other tables."""
    return not (kind in ("table", "index") and re.match(r"(photo_)?trigrams", name or ""))


def test_a_gallery_of_the_first_version_learns_its_size(address: str) -> None:
    with old_gallery(address, "0001") as connection:
        for number in (1, 2, 3):
            row = asdict(replace(sized(number, 10**number), version=number, name=f"Ä{number}.JPG"))
            del row["sender"], row["standing"]  # of later versions
            connection.execute(tables.photos.insert().values(row))
        connection.exec_driver_sql("UPDATE photos SET removed_version = 4 WHERE version = 2")
        connection.exec_driver_sql(
            "UPDATE photos SET taken = '1-01-01T00:00:00Z' WHERE version = 3"
        )
        connection.exec_driver_sql("UPDATE gallery SET version = 4, total = 2")
    database = open_database(address)
    catalog, lists, usage = Catalog(database), PhotoLists(database), UsageCatalog(database)
    assert usage.read("guest", since=MORNING).held_bytes == 1010
    assert [photo.bytes for photo in lists.list_photos(9).photos] == [1000, 10]
    assert [photo.taken for photo in lists.list_photos(9).photos] == [None, None]
    assert lists.changes_since(3, limit=9).removed == [photo(2).id]
    assert [each.moment for each in lists.outline(9, None, Selection("taken")).photos] == [
        MORNING
    ] * 2
    assert len(lists.list_photos(9, None, Selection(words="ä3.jpg")).photos) == 1
    assert LeftoverCatalog(database).unpurged_photos("2999-01-01T00:00:00Z", limit=9) == []
    assert (usage.overview().photos, usage.overview().guests) == (2, 1)
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    assert usage.read("guest", since=MORNING).held_bytes == 1000
    assert lists.version() > 4


def test_guests_of_a_former_version_are_found_by_their_names(address: str) -> None:
    with old_gallery(address, "0005") as connection:
        connection.exec_driver_sql(
            "INSERT INTO guests (id, name, version, own_version) VALUES ('anne', 'ÄNNE', 1, 1)"
        )
    database = open_database(address)
    Catalog(database).add_photo(of(1, guest_id="anne"))
    assert GuestCatalog(database).list_senders(9) == [Guest("anne", "ÄNNE", 1)]
    assert numbers(PhotoLists(database).list_photos(9, None, Selection(words="änne")).photos) == [1]


def test_a_former_gallery_learns_to_search_quickly_and_its_counts(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [(EVERYONE, SHOWN), (EVERYONE, PENDING), (EVERYONE, HIDDEN), (OWNER, SHOWN)]
    with old_gallery(address, "0006") as connection:
        connection.exec_driver_sql(
            "INSERT INTO guests (id, name, version, own_version) VALUES ('guest', '', 1, 1)"
        )
        for number, (visibility, standing) in enumerate(kinds * 2, 1):
            added = of(number, visibility=visibility, standing=standing, name=f"写真{number}.jpg")
            row = asdict(added) | {
                "version": number,
                "shown_version": number,
                "removed_version": None if number <= 5 else number,
                "audience": added.audience,
                "moment": added.moment,
                "folded_name": added.name,
            }
            del row["sender"]
            connection.execute(tables.photos.insert().values(row))
        connection.exec_driver_sql("UPDATE gallery SET version = 8, total = 2, bytes = 5000")
    database = open_database(address)
    assert UsageCatalog(database).overview() == Overview(5, 5000, 1, 1, Share(1, 1000), 1)
    monkeypatch.setattr(search, "LOOKED_AT", 1)
    for words, expected in (
        ("写真", [5, 1]),
        ("真1", [1]),
        ("真5.J", [5]),
        ("真2", []),
        ("5.jpgx", []),
    ):
        found = PhotoLists(database).list_photos(9, None, Selection(words=words))
        assert numbers(found.photos) == expected
    with database.transaction() as connection:
        recount(connection)
    assert UsageCatalog(database).overview() == Overview(5, 5000, 1, 1, Share(1, 1000), 1)


@contextmanager
def old_gallery(address: str, revision: str) -> Iterator[Connection]:
    """A connection to one whose schema is of this revision."""
    kind = PostgreSQL(address) if "://" in address else SQLite(address)
    with kind.alone() as connection:
        schema.upgrade(connection, revision)
        yield connection
    kind.engine.dispose()
