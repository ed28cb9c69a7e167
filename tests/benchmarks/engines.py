"""What a measured gallery keeps its rows and its photos in."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.engines import EMBEDDED, SCALED
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import KEYS, SeaweedFS

AS_INSTALLED = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "128MB"}
"""PostgreSQL's own defaults, which other tests do without: a 204 is to be as durable as it is."""


@dataclass(frozen=True)
class Engine:
    """`new_settings` are those of another empty gallery, fields of Config."""

    name: str
    new_settings: Callable[[], dict[str, str]]


@contextmanager
def running(name: str) -> Iterator[Engine]:
    with embedded() if name == EMBEDDED else scaled() as engine:
        yield engine


@contextmanager
def embedded() -> Iterator[Engine]:
    """SQLite, and files in the folder of the gallery."""
    yield Engine(EMBEDDED, dict)


@contextmanager
def scaled() -> Iterator[Engine]:
    """PostgreSQL and SeaweedFS on this machine, and so on the same cores."""
    os.environ.update(KEYS)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        database, storage = PostgreSQL(**AS_INSTALLED), SeaweedFS(Path(folder) / "seaweedfs")
        ends.callback(database.remove)
        storage.start()
        ends.callback(storage.stop)
        yield Engine(
            SCALED,
            lambda: {"database": database.create_database(), "storage": storage.address()},
        )
