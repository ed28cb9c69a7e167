"""Two servers of one gallery behind nginx: each knows what the other was told, and either of them,
PostgreSQL or the S3 server may stop without a photo being lost."""

import errno
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event
from typing import Any

import pytest
import requests

from tests.faults.ground import Ground
from tests.support import crowd
from tests.support.chunks import InChunks
from tests.support.crowd import Crowd, small_photo
from tests.support.deployed import Site, on_two_machines
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import SeaweedFS
from tests.support.stream import View, Watcher
from tests.support.waiting import PATIENCE_SECONDS, wait_until

THREADS = 32  # of each server; three quarters of them may watch

at_length = pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def site(
    postgresql: PostgreSQL, seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    addresses = postgresql.create_database(), seaweedfs.address()
    with on_two_machines(tmp_path_factory.mktemp("site"), *addresses, threads=THREADS) as site:
        yield site


def wait_for_more_photos(visitors: Crowd) -> None:
    enough = len(visitors.memory.safe) + 3
    wait_until(lambda: len(visitors.memory.safe) >= enough)


@at_length
def test_kills_of_a_server_of_postgresql_and_of_s3_lose_no_photo(rounds: int) -> None:
    with Ground() as ground, ground.two_machines(threads=THREADS) as site:
        visitors = Crowd(site.url, guests=4, watchers=6 * rounds)
        with visitors.at_work():
            for killed in (site.servers[0], ground.postgresql, ground.seaweedfs) * rounds:
                wait_for_more_photos(visitors)
                killed.kill()
                killed.start()
            wait_for_more_photos(visitors)
        findings = visitors.look_at(site.url)
        assert findings.are_good, findings
        assert site.orphans() == set()
        assert "Traceback" not in site.log()


@at_length
def test_a_rolling_restart_is_seen_by_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    monkeypatch.setattr(crowd, "WAIT_FOR_THE_SERVER", 0)  # whoever gets no 204 at once, gives up
    visitors = Crowd(site.url, guests=4, watchers=4, seed=rounds)
    with visitors.at_work():
        for server in site.servers * rounds:
            wait_for_more_photos(visitors)
            assert server.stop(signal.SIGTERM) == 0
            server.start()
    assert visitors.given_up == []
    assert visitors.look_at(site.url).are_good
    for follower in visitors.followers:
        assert follower.streams > 1
        assert (follower.polls, follower.resets, follower.errors) == (0, 0, 0)


def test_an_upload_is_finished_while_its_server_stops(site: Site) -> None:
    photo = photo_bytes("jpg") + bytes(2_000_000)
    half_sent, is_stopping = Event(), Event()

    def pieces() -> Iterator[bytes]:
        yield photo[:1_000_000]
        half_sent.set()
        assert is_stopping.wait(PATIENCE_SECONDS)
        yield photo[1_000_000:]

    with ThreadPoolExecutor(1) as pool:
        headers = {"Content-Type": "image/jpeg"}
        sending = pool.submit(requests.post, site.url, data=pieces(), headers=headers, timeout=60)
        assert half_sent.wait(PATIENCE_SECONDS)
        for server in site.servers:
            server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: all(takes_no_visitors(server) for server in site.servers))
        is_stopping.set()
        assert sending.result(PATIENCE_SECONDS).status_code == 204
    for server in site.servers:
        assert server.stop(signal.SIGTERM) == 0
        server.start()
    assert len(photo) in [photo["bytes"] for photo in site.servers[0].photos()]


def takes_no_visitors(server: GalleryServer) -> bool:
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", server.port)) == errno.ECONNREFUSED


class Visitor(requests.Session):
    """One browser that comes to either server, 0 or 1."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.urls = [server.url for server in site.servers]
        self.get(self.urls[0])

    def request(self, *asked: Any, **options: Any) -> requests.Response:
        return super().request(*asked, **({"timeout": PATIENCE_SECONDS} | options))

    def send_photo(self, server: int, name: str, content: bytes, **fields: str) -> int:
        return self.post(self.urls[server], fields, files={"file": (name, content)}).status_code

    def send_chunk(self, server: int, photo: InChunks, number: int) -> int:
        return self.send_photo(server, photo.name, photo.bytes(number), **photo.fields(number))

    def listed(self, server: int, name: str) -> list[dict]:
        photos = self.get(f"{self.urls[server]}/api/photos?limit=500").json()["photos"]
        return [photo for photo in photos if photo["name"] == name]


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with Visitor(site) as visitor:
        yield visitor


def photo_called(name: str) -> bytes:
    """Another one for each name."""
    return small_photo(0, Random(name))


def test_a_private_photo_is_private_on_both_servers(site: Site, visitor: Visitor) -> None:
    content = photo_called("private.jpg")
    assert visitor.send_photo(0, "private.jpg", content, visibility="owner") == 204
    [photo] = visitor.listed(1, "private.jpg")
    assert visitor.get(visitor.urls[1] + photo["url"]).content == content
    with Visitor(site) as stranger:
        for server in (0, 1):
            assert stranger.listed(server, "private.jpg") == []
            assert stranger.get(stranger.urls[server] + photo["url"]).status_code == 404


def test_chunks_may_go_to_either_server(visitor: Visitor) -> None:
    photo = InChunks(photo_called("chunks.jpg"), chunk_bytes=400, name="chunks.jpg")
    for number in photo.numbers:
        assert visitor.send_chunk(number % 2, photo, number) == 204
    for server in (0, 1):
        [listed] = visitor.listed(server, photo.name)
        assert visitor.get(visitor.urls[server] + listed["url"]).content == photo.content


@at_length
def test_the_last_chunk_at_both_servers_makes_one_photo(visitor: Visitor, rounds: int) -> None:
    """One of them finishes the photo while the other one is still assembling it."""
    whole = photo_bytes("jpg", size=(2400, 1600))
    for number in range(2 * rounds):
        name = f"finished-{rounds}-{number}.jpg"
        photo = InChunks(whole + name.encode(), len(whole) // 4, name)
        for chunk in photo.numbers[:-1]:
            assert visitor.send_chunk(chunk % 2, photo, chunk) == 204
        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(visitor.send_chunk, server, photo, photo.last) for server in (0, 1)]
        assert {end.result() for end in ends} == {204}
        assert len(visitor.listed(0, name)) == 1


@at_length
def test_a_photo_at_both_servers_at_once_is_one_photo(visitor: Visitor, rounds: int) -> None:
    for number in range(2 * rounds):
        name = f"both-{rounds}-{number}.jpg"
        content = photo_called(name)
        with ThreadPoolExecutor(4) as pool:
            sent = [
                pool.submit(visitor.send_photo, server, name, content) for server in (0, 1, 0, 1)
            ]
        assert {answer.result() for answer in sent} == {204}
        assert len(visitor.listed(0, name)) == 1


def test_a_watcher_of_one_server_sees_what_happens_at_the_other(visitor: Visitor) -> None:
    view = View(visitor.urls[1])
    view.load()
    with Watcher(visitor.urls[1], since=view.version) as watcher:

        def wait_until_seen(photos: int) -> None:
            while sum(photo["name"] == "news.jpg" for photo in view.photos.values()) != photos:
                event = watcher.next_event()
                assert event, "the stream has ended"
                view.take(event.changes)

        assert visitor.send_photo(0, "news.jpg", photo_called("news.jpg")) == 204
        wait_until_seen(1)
        [photo] = visitor.listed(0, "news.jpg")
        url = f"{visitor.urls[0]}/api/photos/{photo['id']}"
        assert visitor.delete(url).status_code == 204
        wait_until_seen(0)
