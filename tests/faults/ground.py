"""What the faults need of this machine: folders, and servers that may be killed."""

from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from tests.support.deployed import Site, on_one_machine, on_two_machines
from tests.support.postgresql import PostgreSQL
from tests.support.processes import temporary_folder
from tests.support.seaweedfs import SeaweedFS


class Ground(ExitStack):
    """Servers start when the first one asks for them; all is gone at the end."""

    @cached_property
    def postgresql(self) -> PostgreSQL:
        server = PostgreSQL()
        self.callback(server.remove)
        return server

    @cached_property
    def seaweedfs(self) -> SeaweedFS:
        server = SeaweedFS(self.folder())
        self.callback(server.remove)
        server.start()
        return server

    @property
    def postgresql_url(self) -> str:
        address = self.postgresql.address("")
        return f"http://{address.rpartition('@')[2].rstrip('/')}"

    def folder(self) -> Path:
        """Another one each time; PostgreSQL's user may have a folder of its own within."""
        folder = temporary_folder("faults")
        folder.chmod(0o711)
        return folder

    def site(self, engine: str) -> AbstractContextManager[Site]:
        return self.one_machine() if engine == "embedded" else self.two_machines()

    def one_machine(self, folder: Path | None = None) -> AbstractContextManager[Site]:
        return on_one_machine(folder or self.folder())

    def two_machines(
        self,
        database_url: str = "",
        storage_url: str = "",
        postgresql: PostgreSQL | None = None,
        **settings: object,
    ) -> AbstractContextManager[Site]:
        """They reach database and storage at these URLs instead of their own."""
        database = (postgresql or self.postgresql).create_database()
        storage = self.seaweedfs.address()
        through = {}
        if database_url:
            host = self.postgresql_url.removeprefix("http://")
            through["database"] = database.replace(host, database_url.removeprefix("http://"))
        if storage_url:
            moved = storage.replace(quote(self.seaweedfs.url, ""), quote(storage_url, ""))
            through["storage"] = f"{moved}&public_endpoint=none"
        return on_two_machines(self.folder(), database, storage, through, **settings)
