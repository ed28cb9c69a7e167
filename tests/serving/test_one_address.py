"""What one address can hold, so that all others are served: uploads, streams, threads."""

import io
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
import requests

from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded

THREADS = 16
UPLOADS, WATCHERS, REQUESTS = 8, 6, 14  # of one address
QUICK_SECONDS = 4  # gunicorn keeps a thread for 5 where nothing comes
BUSY = (
    503,
    "Too much is coming from your network right now. Try again in a few seconds.",
)
FULL_HOUSE = (
    503,
    "Too many people are watching live right now. New photos appear every few seconds instead.",
)
SOMEBODY, NEIGHBOUR, SOMEBODY_ELSE = "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"
NAMED = "Host: gallery\r\nUser-Agent: Mozilla/5.0"


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"workers": 1, "threads": THREADS, "proxies": 1}


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[GalleryServer]:
    """Without a proxy."""
    with closing(GalleryServer(tmp_path / "direct", workers=1, threads=THREADS)) as server:
        yield server


def connect(server: GalleryServer, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS, (source, 0))


def ask(server: GalleryServer, address: str, path: str = "/livez") -> tuple[int, str]:
    answer = requests.get(
        server.url + path, headers={"X-Forwarded-For": address}, timeout=60, stream=True
    )
    with answer:
        assert answer.ok or int(answer.headers["Retry-After"]) > 0
        return answer.status_code, "" if answer.ok else answer.text


def send(server: GalleryServer, address: str) -> tuple[int, str]:
    photo = io.BytesIO(photo_bytes("jpg", 1, (48, 32)))
    answer = requests.post(
        server.url, files={"file": photo}, headers={"X-Forwarded-For": address}, timeout=60
    )
    assert answer.ok or int(answer.headers["Retry-After"]) > 0
    return answer.status_code, answer.text


def head(address: str, *lines: str) -> bytes:
    named = ("Host: gallery", "User-Agent: Mozilla/5.0", f"X-Forwarded-For: {address}")
    return "\r\n".join([lines[0], *named, *lines[1:], "", ""]).encode()


@pytest.mark.parametrize(
    "begun",
    [
        ("POST / HTTP/1.1", "Content-Length: 99"),
        ("POST / HTTP/1.1", "Transfer-Encoding: chunked"),
        ("POST / HTTP/1.1", "Content-Length: 99", "Sec-Fetch-Site: cross-site"),
        ("PUT /api/guest HTTP/1.1", "Content-Length: 99", "Content-Type: application/json"),
    ],
    ids=["whole", "chunked", "another site's", "no photo"],
)
def test_an_address_that_sends_much_at_once_waits_for_itself(
    server: GalleryServer, begun: tuple[str, ...]
) -> None:
    with ExitStack() as connected:
        sending = [connected.enter_context(connect(server)) for _ in range(UPLOADS + 1)]
        for connection in sending:
            connection.sendall(head(SOMEBODY, *begun))
        [answered] = select.select(sending, [], [], PATIENCE_SECONDS)[0]  # though no more comes
        assert answered.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert send(server, NEIGHBOUR) == BUSY
        assert send(server, SOMEBODY_ELSE) == (204, "")
        assert ask(server, SOMEBODY, "/api/photos") == (200, "")
    wait_until(lambda: send(server, SOMEBODY) == (204, ""))


def test_an_address_that_watches_much_asks_now_and_then(server: GalleryServer) -> None:
    with ExitStack() as connected:
        for _ in range(WATCHERS):
            watcher = connected.enter_context(connect(server))
            watcher.sendall(head(SOMEBODY, "GET /api/live HTTP/1.1"))
            assert watcher.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert ask(server, NEIGHBOUR, "/api/live") == FULL_HOUSE
        assert ask(server, SOMEBODY_ELSE, "/api/live") == (200, "")
        assert ask(server, SOMEBODY, "/api/photos?since=0") == (200, "")


def test_an_address_that_takes_long_to_read_leaves_threads_to_others(
    server: GalleryServer,
) -> None:
    large = photo_bytes("jpg", 1, (48, 32)) + bytes(20_000_000)
    [path] = [photo["url"] for photo in server.photos() or [sent_photo(server, large)]]
    with ExitStack() as connected:
        for _ in range(REQUESTS):
            reader = connected.enter_context(connect(server))
            reader.sendall(head(SOMEBODY, f"GET {path} HTTP/1.1"))
            assert reader.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert ask(server, NEIGHBOUR, "/api/photos") == BUSY
        assert ask(server, NEIGHBOUR) == (200, "")
        assert send(server, SOMEBODY_ELSE) == (204, "")
    wait_until(lambda: ask(server, SOMEBODY, "/api/photos") == (200, ""))


def sent_photo(server: GalleryServer, content: bytes) -> dict:
    server.send(("large.jpg", content))
    return server.photos()[0]


def test_without_a_proxy_an_address_waits_for_its_own_threads(direct: GalleryServer) -> None:
    """Whatever holds them: half a head is enough."""
    with ExitStack() as connected:
        for _ in range(2 * THREADS):
            connected.enter_context(connect(direct, "127.0.0.2")).sendall(b"GET / HT")
        with connect(direct, "127.0.0.3") as visitor:
            visitor.settimeout(QUICK_SECONDS)
            visitor.sendall(head("", "GET /api/photos HTTP/1.1"))
            assert visitor.recv(1000).startswith(b"HTTP/1.1 200 ")

    def is_answered() -> bool:
        with suppress(ConnectionError), connect(direct, "127.0.0.2") as visitor:
            visitor.sendall(head("", "GET /api/photos HTTP/1.1"))
            return visitor.recv(1000).startswith(b"HTTP/1.1 200 ")
        return False

    wait_until(is_answered)  # once the server has noticed that the others are gone


def test_without_a_proxy_an_address_has_only_so_many_connections(direct: GalleryServer) -> None:
    """Idle ones would leave none to others; past them they are closed."""
    with ExitStack() as connected:
        for _ in range(2 * THREADS):
            connected.enter_context(connect(direct, "127.0.0.2"))
        closed = connected.enter_context(connect(direct, "127.0.0.2"))
        closed.settimeout(QUICK_SECONDS)
        assert closed.recv(1) == b""
        with connect(direct, "127.0.0.3") as visitor:
            visitor.settimeout(QUICK_SECONDS)
            visitor.sendall(head("", "GET /api/photos HTTP/1.1"))
            assert visitor.recv(1000).startswith(b"HTTP/1.1 200 ")
