"""A gallery as it is deployed: its servers, and what they rest on, all of which may be killed."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import dropwall.photos.sweep
from dropwall.catalog.database import open_database
from dropwall.images.pictures import THUMBNAIL_WIDTHS
from dropwall.photos.files import original_key, thumbnail_key
from dropwall.storage import open_storage
from tests.support.engines import FOLDERS
from tests.support.gallery_server import GalleryServer
from tests.support.proxies import behind_nginx
from tests.support.stream import View

ANY_AGE_SECONDS = -3 * 24 * 60 * 60  # also for servers whose clock was ahead by days
SETTINGS = {"max_guest_photos_per_hour": 1_000_000, "min_free_bytes": 1}


@dataclass
class Site:
    """`url` is the visitors'; `database` and `storage` are addresses, without what may stand in
    between."""

    url: str
    servers: list[GalleryServer]
    database: str
    storage: str
    folder: Path = field(repr=False)

    def log(self) -> str:
        """Of all servers."""
        return "".join(path.read_text() for path in sorted(self.folder.rglob("server.log")))

    def orphans(self) -> set[str]:
        """Files that belong to no photo, and those that are missing. Stops the servers, and sweeps
        what is known to be unfinished, as if days had passed."""
        listed = View(self.servers[0].url)
        listed.load()
        for running in self.servers:
            running.stop(signal.SIGINT)
        database = open_database(self.database)
        storages = [open_storage(self.storage, running.data) for running in self.servers]
        with patch.object(dropwall.photos.sweep, "AGE_SECONDS", ANY_AGE_SECONDS):
            for storage in storages:
                sweep = dropwall.photos.sweep.Sweep(database, storage)
                sweep.sweep_unfinished()
                sweep.purge_removed(ANY_AGE_SECONDS)
        database.close()
        staged = {name for storage in storages for name in storage.old_staged(ANY_AGE_SECONDS)}
        kept = {key for folder in FOLDERS for key in storages[0].list(folder)}
        return (staged | kept) ^ files_of(list(listed.photos.values()))


def files_of(listed: list[dict]) -> set[str]:
    """The keys of everything that these photos keep."""
    originals = {original_key(photo["id"], photo["url"].rpartition(".")[2]) for photo in listed}
    thumbnails = {thumbnail_key(p["id"], width) for p in listed for width in THUMBNAIL_WIDTHS}
    return originals | thumbnails


@contextmanager
def on_one_machine(folder: Path, **settings: object) -> Iterator[Site]:
    """With the embedded engines."""
    data = folder / "data"
    addresses = {"database": str(data / "catalog.sqlite"), "storage": str(data)}
    with _running([data], SETTINGS | addresses | settings) as servers:
        yield Site(servers[0].url, servers, **addresses, folder=folder)


@contextmanager
def on_two_machines(
    folder: Path,
    database: str,
    storage: str,
    through: dict[str, str] | None = None,
    **settings: object,
) -> Iterator[Site]:
    """Behind nginx. `through` are other addresses of database and storage, by which the servers
    reach them."""
    (folder / "nginx").mkdir(parents=True)
    machines = [folder / name / "data" for name in ("app1", "app2")]
    addresses = {"database": database, "storage": f"{storage}&public_endpoint=none"}
    chosen = SETTINGS | {"proxies": 1, "workers": 1} | addresses | (through or {}) | settings
    with (
        _running(machines, chosen) as servers,
        behind_nginx([running.url for running in servers], folder / "nginx") as url,
    ):
        yield Site(url, servers, **addresses, folder=folder)


@contextmanager
def _running(machines: list[Path], settings: dict[str, object]) -> Iterator[list[GalleryServer]]:
    with ExitStack() as stack:
        servers = []
        for data in machines:
            data.parent.mkdir(parents=True, exist_ok=True)
            servers.append(GalleryServer(data, **settings))
            stack.callback(servers[-1].close)
        yield servers
