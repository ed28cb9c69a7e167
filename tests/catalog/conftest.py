"""Catalogs to be filled; each test has new ones, copied from an empty catalog."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwall.catalog.database import Database, open_database
from tests.support.catalog_rows import FilledCatalog
from tests.support.engines import migrated, template
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import awaited_threads


@pytest.fixture
def in_postgresql(postgresql: PostgreSQL) -> Iterator[str]:
    """The address of a catalog without a photo."""
    address = postgresql.create_database(f"TEMPLATE {migrated()}")
    with awaited_threads("changes"):  # one that goes on would complain in another test
        yield address
    postgresql.drop_database(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        address = str(shutil.copyfile(template(), tmp_path / "catalog.sqlite"))
    else:
        address = request.getfixturevalue("in_postgresql")
    database = open_database(address)
    yield database
    database.close()


@pytest.fixture
def catalog(database: Database) -> FilledCatalog:
    return FilledCatalog(database)
