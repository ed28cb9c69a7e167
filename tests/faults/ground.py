"""What the faults need of this machine: folders, and servers that may be killed."""

import os
import shutil
import tempfile
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from tests.support.deployed import Site, on_one_machine, on_two_machines
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import KEYS, SeaweedFS


class Ground:
    """Servers start when the first one asks for them; all is gone at the end."""

    def __init__(self) -> None:
        os.environ |= KEYS  # where Dropwall looks for those of the S3 server
        self._folder = _open_to_servers(tempfile.mkdtemp(prefix="dropwall-faults-"))

    def __enter__(self) -> "Ground":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for name in ("postgresql", "seaweedfs"):
            if name in vars(self):
                vars(self)[name].remove()
        shutil.rmtree(self._folder)

    @cached_property
    def postgresql(self) -> PostgreSQL:
        return PostgreSQL()

    @cached_property
    def seaweedfs(self) -> SeaweedFS:
        server = SeaweedFS(self.folder())
        server.start()
        return server

    def folder(self) -> Path:
        """Another one each time."""
        return _open_to_servers(tempfile.mkdtemp(dir=self._folder))

    def one_machine(self, folder: Path | None = None) -> AbstractContextManager[Site]:
        return on_one_machine(folder or self.folder())

    def two_machines(
        self, database_url: str = "", storage_url: str = "", postgresql: PostgreSQL | None = None
    ) -> AbstractContextManager[Site]:
        """They reach database and storage at these URLs instead of their own."""
        database = (postgresql or self.postgresql).create_database()
        storage = self.seaweedfs.address()
        through = {}
        if database_url:
            through["database"] = _moved(database, database_url)
        if storage_url:
            moved = storage.replace(quote(self.seaweedfs.url, ""), quote(storage_url, ""))
            through["storage"] = f"{moved}&public_endpoint=none"
        return on_two_machines(self.folder(), database, storage, through)

    @property
    def postgresql_url(self) -> str:
        address = self.postgresql.address("")
        return f"http://{address.rpartition('@')[2].rstrip('/')}"


def _open_to_servers(folder: str) -> Path:
    """PostgreSQL's, which another user runs, has its own folder within."""
    path = Path(folder)
    path.chmod(0o711)
    return path


def _moved(database: str, url: str) -> str:
    """To another host and port."""
    user, _, place = database.rpartition("@")
    return f"{user}@{url.removeprefix('http://')}/{place.rpartition('/')[2]}"
