"""The engines that the acts and the stories run on: the embedded ones, or with
`pytest --engines scaled` PostgreSQL and an S3 server, both started by the tests."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from server.catalog import Database, open_database
from server.config import Config
from server.storage import Storage, open_storage
from server.sweep import AGE_SECONDS

EMBEDDED, SCALED = "embedded", "scaled"
FOLDERS = ("originals", "thumbnails", "chunks")
ANY_AGE_SECONDS = -60
"""Also for a server whose clock is not ours."""


def config_of(data: Path, **settings: object) -> Config:
    """Of a gallery of its own for each folder, on the engines of this run."""
    return Config(data=data, **(addresses(data) | settings))  # type: ignore[arg-type]


def addresses(data: Path) -> dict[str, str]:
    """The settings that choose the engines; none for the embedded ones."""
    return {}


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
    return open_storage(config_of(data).storage_address)


def database_of(data: Path) -> Database:
    return open_database(config_of(data).database_address)


@contextmanager
def catalog_of(data: Path) -> Iterator[Connection]:
    """Its rows, by whatever SQL; what was done is committed at the end."""
    with database_of(data).transaction() as connection:
        yield connection
