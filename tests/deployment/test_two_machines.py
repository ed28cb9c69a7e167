"""Two servers, one gallery: any of what it rests on may go, and nobody loses a photo by it."""

import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event

import pytest
import requests

from tests.support import crowd
from tests.support.chunks import InChunks
from tests.support.crowd import Crowd, small_photo
from tests.support.deployed import Site, on_two_machines
from tests.support.photos import photo_bytes
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import KEYS, SeaweedFS
from tests.support.stream import View, Watcher

GUESTS, WATCHERS = 8, 50
THREADS = 32
"""Of each server; three quarters may watch: not all who want to."""
CALM_SECONDS = 1.5
OUTAGE_SECONDS = 0.5
TIMEOUT_SECONDS = 60


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """Nobody else's, since it is killed."""
    server = PostgreSQL()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def seaweedfs() -> Iterator[SeaweedFS]:
    with pytest.MonkeyPatch.context() as environ:
        for name, key in KEYS.items():
            environ.setenv(name, key)
        server = SeaweedFS(Path(tempfile.mkdtemp(prefix="dropwall-seaweedfs-")))
        server.start()
        yield server
        server.remove()


@pytest.fixture(scope="module")
def site(
    postgresql: PostgreSQL, seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    database, storage = postgresql.create_database(), seaweedfs.address()
    with on_two_machines(folder, database, storage, threads=THREADS) as site:
        yield site


def test_whatever_is_killed_nobody_loses_a_photo(
    site: Site, postgresql: PostgreSQL, seaweedfs: SeaweedFS
) -> None:
    calm = Event()
    visitors = Crowd(site.url, GUESTS, WATCHERS)
    with visitors.at_work():
        for killed in (site.servers[0], postgresql, seaweedfs):
            calm.wait(CALM_SECONDS)
            killed.kill()
            calm.wait(OUTAGE_SECONDS)
            killed.start()
        calm.wait(CALM_SECONDS)
    findings = visitors.look_at(site.url)
    assert findings.are_good, findings
    assert site.leftovers() == set()
    for running in site.servers:
        running.start()
    assert sum(follower.polls for follower in visitors.followers) > 0
    assert "Traceback" not in site.log()


def test_a_server_that_stops_in_the_midst_is_missed_by_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "WAIT_FOR_THE_SERVER", 0)  # whoever gets no 204 at once, gives up
    visitors = Crowd(site.url, GUESTS // 2, GUESTS // 2, seed=1)
    with visitors.at_work():
        for running in site.servers:
            Event().wait(CALM_SECONDS)
            assert running.stop(signal.SIGTERM) == 0
            running.start()
    assert visitors.given_up == []
    assert visitors.look_at(site.url).are_good


# What one server was told, the other one knows.


class Visitor(requests.Session):
    """One browser, who comes to either server."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.urls = [running.url for running in site.servers]
        self.get(self.urls[0], timeout=TIMEOUT_SECONDS)

    def post_photo(
        self, server: int, name: str, content: bytes, **fields: str
    ) -> requests.Response:
        files = {"file": (name, content)}
        return self.post(self.urls[server], fields, files=files, timeout=TIMEOUT_SECONDS)

    def send_chunk(self, server: int, photo: InChunks, number: int) -> int:
        return self.post_photo(
            server, photo.name, photo.bytes(number), **photo.fields(number)
        ).status_code

    def listed(self, server: int, name: str) -> list[dict]:
        url = f"{self.urls[server]}/api/photos?limit=500"
        photos = self.get(url, timeout=TIMEOUT_SECONDS).json()["photos"]
        return [photo for photo in photos if photo["name"] == name]


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with Visitor(site) as visitor:
        yield visitor


@pytest.fixture
def content(request: pytest.FixtureRequest) -> bytes:
    """Another photo in each test."""
    return small_photo(0, Random(request.node.name))


def test_what_is_private_on_one_server_is_so_on_the_other(
    site: Site, visitor: Visitor, content: bytes
) -> None:
    assert visitor.post_photo(0, "private.jpg", content, visibility="owner").status_code == 204
    [photo] = visitor.listed(1, "private.jpg")
    assert visitor.get(visitor.urls[1] + photo["url"], timeout=TIMEOUT_SECONDS).content == content
    with Visitor(site) as stranger:
        for server in (0, 1):
            assert stranger.listed(server, "private.jpg") == []
            url = stranger.urls[server] + photo["url"]
            assert stranger.get(url, timeout=TIMEOUT_SECONDS).status_code == 404


def test_chunks_go_to_whichever_server_takes_them(visitor: Visitor, content: bytes) -> None:
    photo = InChunks(content, chunk_bytes=400, name="chunks.jpg")
    for number in photo.numbers:
        assert visitor.send_chunk(number % 2, photo, number) == 204
    for server in (0, 1):
        [listed] = visitor.listed(server, photo.name)
        url = visitor.urls[server] + listed["url"]
        assert visitor.get(url, timeout=TIMEOUT_SECONDS).content == content


def test_two_servers_that_are_told_the_last_chunk_make_one_photo_of_it(visitor: Visitor) -> None:
    """The other one finishes it while the first one is still assembling it, or the other way."""
    whole = photo_bytes("jpg", size=(2400, 1600))
    for number in range(8):
        photo = InChunks(whole + bytes([number]), len(whole) // 4, f"finished-{number}.jpg")
        for chunk in photo.numbers[:-1]:
            assert visitor.send_chunk(chunk % 2, photo, chunk) == 204
        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(visitor.send_chunk, server, photo, photo.last) for server in (0, 1)]
        assert {end.result() for end in ends} == {204}
        assert len(visitor.listed(0, photo.name)) == 1


def test_a_photo_that_both_servers_are_sent_at_once_is_one_photo(
    visitor: Visitor, request: pytest.FixtureRequest
) -> None:
    for number in range(8):
        name, content = f"both-{number}.jpg", small_photo(number, Random(request.node.name))
        with ThreadPoolExecutor(4) as pool:
            sent = [
                pool.submit(visitor.post_photo, server, name, content) for server in (0, 1, 0, 1)
            ]
        assert {answer.result().status_code for answer in sent} == {204}
        assert len(visitor.listed(0, name)) == 1


def test_who_watches_one_server_hears_of_the_other(visitor: Visitor, content: bytes) -> None:
    view = View(visitor.urls[1])
    view.load()
    with Watcher(visitor.urls[1], since=view.version) as watcher:

        def wait_until_known(photos: int) -> None:
            while sum(photo["name"] == "news.jpg" for photo in view.photos.values()) != photos:
                event = watcher.next_event()
                assert event, "the stream has ended"
                view.take(event.changes)

        assert visitor.post_photo(0, "news.jpg", content).status_code == 204
        wait_until_known(1)
        [photo] = visitor.listed(0, "news.jpg")
        url = f"{visitor.urls[0]}/api/photos/{photo['id']}"
        assert visitor.delete(url, timeout=TIMEOUT_SECONDS).status_code == 204
        wait_until_known(0)
