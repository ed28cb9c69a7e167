"""Behind nginx, two servers are restarted one after the other, and nobody outside can tell."""

import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes
from tests.support.proxies import behind_nginx
from tests.support.stream import View, Watcher
from tests.support.waiting import wait_until

ROUNDS = 2
SENDERS = 3
LAST = "last.jpg"
PATIENCE_SECONDS = 60


@dataclass
class Pair:
    """Two servers of one gallery, and nginx before them."""

    url: str
    servers: list[RunningServer]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """They share the data folder, as two machines share a catalog and a storage."""
    settings = {"workers": 1, "proxies": 1, "max_guest_photos_per_hour": 100_000}
    servers = [RunningServer(tmp_path / "data", **settings) for _ in range(2)]
    (tmp_path / "nginx").mkdir()
    with behind_nginx([server.url for server in servers], tmp_path / "nginx") as url:
        yield Pair(url, servers)
    for server in servers:
        server.stop(signal.SIGINT)


@dataclass
class Sender:
    """Sends a small photo after the other, without ever trying again."""

    url: str
    number: int
    answers: list[int] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def send(self) -> None:
        while not self.is_over.is_set():
            photo = photo_bytes("jpg", self.number, (48, 32)) + str(len(self.answers)).encode()
            files = {"file": (f"{self.number}-{len(self.answers)}.jpg", photo)}
            answer = requests.post(self.url, files=files, timeout=60)
            self.answers.append(answer.status_code)


@dataclass
class Follower:
    """Sees what a browser sees that watches, and comes again when its stream has ended."""

    url: str
    view: View = field(init=False)
    versions: list[int] = field(default_factory=list)
    reconnects: int = 0

    def __post_init__(self) -> None:
        self.view = View(self.url)
        self.view.load()

    def follow(self) -> None:
        """Until LAST is there."""
        with Watcher(self.url, since=self.view.version) as watcher:
            while LAST not in [photo["name"] for photo in self.view.photos.values()]:
                if event := watcher.next_event():
                    assert not event.changes["reset"]
                    self.versions.append(event.id)
                    self.view.take(event.changes)
                else:
                    self.reconnects += 1
                    watcher.reconnect()


@contextmanager
def meanwhile(*works: Callable[[], None]) -> Iterator[None]:
    """Each on a thread of its own; they end soon after the context, and well."""
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work) for work in works]
        yield
        for future in futures:
            future.result(PATIENCE_SECONDS)


def test_a_rolling_restart_is_seen_by_nobody(pair: Pair) -> None:
    senders = [Sender(pair.url, number) for number in range(SENDERS)]
    followers = [Follower(pair.url) for _ in range(2)]
    with meanwhile(*(follower.follow for follower in followers)):
        with meanwhile(*(sender.send for sender in senders)):
            for server in pair.servers * ROUNDS:
                assert server.stop(signal.SIGTERM) == 0
                server.start()
            for sender in senders:
                sender.is_over.set()
        assert pair.servers[0].send((LAST, photo_bytes("jpg", SENDERS))).status_code == 204
    answers = [status for sender in senders for status in sender.answers]
    assert set(answers) == {204}
    kept = View(pair.url)
    kept.load()
    assert kept.total == len(answers) + 1
    for follower in followers:
        assert follower.reconnects > 0
        assert follower.versions == sorted(follower.versions)
        assert follower.view.photos == kept.photos


def test_an_upload_in_flight_ends_well_while_its_server_stops(pair: Pair) -> None:
    photo = photo_bytes("jpg") + bytes(2_000_000)
    half_sent, is_stopping = threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        yield photo[:1_000_000]
        half_sent.set()
        assert is_stopping.wait(PATIENCE_SECONDS)
        yield photo[1_000_000:]

    with ThreadPoolExecutor(1) as pool:
        headers = {"Content-Type": "image/jpeg"}
        sending = pool.submit(requests.post, pair.url, data=pieces(), headers=headers, timeout=60)
        assert half_sent.wait(PATIENCE_SECONDS)
        for server in pair.servers:
            server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: all(is_closed(server) for server in pair.servers))
        is_stopping.set()
        assert sending.result(PATIENCE_SECONDS).status_code == 204
    for server in pair.servers:
        assert server.stop(signal.SIGTERM) == 0
        server.start()
    assert len(pair.servers[0].photos()) == 1


def is_closed(server: RunningServer) -> bool:
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", server.port)) == errno.ECONNREFUSED
