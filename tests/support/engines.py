"""The engines that the acts and the stories run on: the embedded ones, or with
`pytest --engines scaled` PostgreSQL and an S3 server, which the tests start."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from dropwall.catalog.database import Database, open_database
from dropwall.config import Config
from dropwall.photos.sweep import AGE_SECONDS
from dropwall.storage import Storage, open_storage
from tests.support.postgresql import PostgreSQL
from tests.support.processes import temporary_folder
from tests.support.seaweedfs import KEYS, SeaweedFS

EMBEDDED, SCALED = CHOICES = ("embedded", "scaled")
FOLDERS = ("originals", "thumbnails", "chunks")
ANY_AGE_SECONDS = -60
"""Also for a server whose clock is not ours."""

chosen = EMBEDDED
postgresql_settings: dict[str, str] = {}
"""Of PostgreSQL's own; benchmarks want it as durable as it is installed."""
os.environ |= KEYS  # where Dropwall looks for them, whichever server starts first
_scaled: dict[Path, dict[str, str]] = {}


@cache
def postgresql() -> PostgreSQL:
    """One server for all tests of this process, each with a database of its own."""
    return PostgreSQL(**postgresql_settings)


@cache
def seaweedfs() -> SeaweedFS:
    """As `postgresql`, each with a bucket or a folder of its own."""
    server = SeaweedFS(temporary_folder("seaweedfs"))
    server.start()
    return server


@cache
def migrated() -> str:
    """The name of a database without a photo; a copy of it is made at once."""
    address = postgresql().create_database()
    open_database(address).close()
    return address.rpartition("/")[2]


@cache
def template() -> Path:
    """A SQLite catalog without a photo; a copy of it is made at once."""
    catalog = temporary_folder("template") / "catalog.sqlite"
    open_database(str(catalog)).close()
    return catalog


def stop_servers() -> None:
    """Those that were started."""
    for started in (postgresql, seaweedfs):
        if started.cache_info().currsize:
            started().remove()


def config_of(data: Path, **settings: object) -> Config:
    """Of a gallery of its own for each folder, on the engines of this run; for clients within this
    process, who are led to no other server."""
    chosen_engines = addresses(data)
    if "storage" in chosen_engines:
        chosen_engines["storage"] += "&public_endpoint=none"
    return Config(data=data, **(chosen_engines | settings))  # type: ignore[arg-type]


def addresses(data: Path) -> dict[str, str]:
    """The settings that choose the engines; none for the embedded ones, whose catalog is there."""
    if chosen == SCALED:
        return servers_for(data)
    if not data.exists():
        data.mkdir(parents=True)
        shutil.copy(template(), data / "catalog.sqlite")
    return {}


def servers_for(data: Path) -> dict[str, str]:
    """As `addresses`, whatever the engines of this run are."""
    if data not in _scaled:
        database = postgresql().create_database(f"TEMPLATE {migrated()}")
        folder = database.rpartition("/")[2]
        _scaled[data] = {"database": database, "storage": seaweedfs().address(folder)}
    return dict(_scaled[data])


@contextmanager
def discarded() -> Iterator[None]:
    """Databases that are first asked for in this context are gone after it."""
    former = set(_scaled)
    yield
    for data in set(_scaled) - former:
        postgresql().drop_database(_scaled.pop(data)["database"])


def stored_files(data: Path) -> list[str]:
    """Everything that visitors' photos left: keys, and names of staged files."""
    storage = storage_of(data)
    kept = [key for folder in FOLDERS for key in storage.list(folder)]
    return kept + [f"incoming/{name}" for name in storage.old_staged(ANY_AGE_SECONDS)]


def make_old(data: Path, *keys: str) -> None:
    """As if they had been left there two days ago; nobody can do that on an S3 server."""
    long_ago = time.time() - 2 * AGE_SECONDS
    for key in keys:
        os.utime(data / key, (long_ago, long_ago))


def storage_of(data: Path) -> Storage:
    return open_storage(config_of(data).storage_address, data)


@contextmanager
def database_of(data: Path) -> Iterator[Database]:
    database = open_database(config_of(data).database_address)
    yield database
    database.close()


@contextmanager
def catalog_of(data: Path) -> Iterator[Connection]:
    """Its rows, by whatever SQL; what was done is committed at the end."""
    with database_of(data) as database, database.transaction() as connection:
        yield connection
