"""What every catalog engine promises."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from server.catalog import Catalog, NoSuchPhoto, Photo, SamePhoto, metadata, open_database


@pytest.fixture(params=["sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"sqlite": str(tmp_path / "catalog.sqlite")}[request.param]


@pytest.fixture
def catalog(address: str) -> Catalog:
    return Catalog(open_database(address))


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
    assert added == replace(photo(1), version=1)
    assert catalog.find_photo(added.id) == added


def test_versions_are_gapless_however_many_come_at_once(catalog: Catalog) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = pool.map(catalog.add_photo, map(photo, range(40)))
    assert sorted(photo.version for photo in added) == list(range(1, 41))
    assert catalog.list_photos(1).total == 40


def test_the_same_bytes_of_the_same_guest_are_refused_and_use_no_version(catalog: Catalog) -> None:
    catalog.add_photo(photo(1))
    with pytest.raises(SamePhoto):
        catalog.add_photo(replace(photo(2), sha256=photo(1).sha256))
    assert catalog.holds("guest", photo(1).sha256)
    assert not catalog.holds("other", photo(1).sha256)
    assert catalog.version() == 1
    catalog.add_photo(replace(photo(2), sha256=photo(1).sha256, guest_id="other"))


def test_trouble_with_the_catalog_is_not_taken_for_the_same_photo(
    catalog: Catalog, address: str
) -> None:
    catalog.add_photo(photo(1))
    with sqlite3.connect(address) as connection:  # somebody restored half of it by hand
        connection.execute("UPDATE gallery SET version = 0")
    connection.close()
    with pytest.raises(IntegrityError):
        catalog.add_photo(photo(2))


def test_a_removed_photo_leaves_only_a_tombstone(catalog: Catalog) -> None:
    catalog.add_photo(photo(1))
    catalog.remove_photo(photo(1).id)
    for act in (catalog.find_photo, catalog.remove_photo):
        with pytest.raises(NoSuchPhoto):
            act(photo(1).id)
    assert catalog.changes_since(1, limit=9).removed == [photo(1).id]
    assert catalog.list_photos(9).photos == []
    catalog.add_photo(replace(photo(2), sha256=photo(1).sha256))


def test_what_came_and_went_meanwhile_is_not_told(catalog: Catalog) -> None:
    catalog.add_photo(photo(1))
    catalog.remove_photo(photo(1).id)
    changes = catalog.changes_since(0, limit=9)
    assert (changes.photos, changes.removed, changes.version) == ([], [], 2)


def test_too_many_changes_are_a_reset(catalog: Catalog) -> None:
    for number in range(4):
        catalog.add_photo(photo(number))
    assert catalog.changes_since(0, limit=3).reset
    assert len(catalog.changes_since(1, limit=3).photos) == 3


def test_ids_are_told_apart(catalog: Catalog) -> None:
    catalog.add_photo(photo(1))
    assert catalog.listed_ids({photo(1).id, photo(2).id}) == {photo(1).id}


def test_many_may_open_a_new_catalog_at_once(address: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = pool.map(open_database, [address] * 4)
        assert [Catalog(database).version() for database in opened] == [0] * 4


def test_the_migrations_make_the_tables_that_the_code_uses(address: str) -> None:
    open_database(address)
    engine = create_engine(f"sqlite:///{address}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
