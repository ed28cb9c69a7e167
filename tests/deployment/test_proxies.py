"""Behind the proxies of `deployment/` all is as it is without them."""

import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.proxies import behind_caddy, behind_nginx

PROXIES = {"nginx": behind_nginx, "caddy": behind_caddy}
PATIENCE_SECONDS = 20


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def proxy_url(proxy: str, live_server: RunningServer, tmp_path: Path) -> Iterator[str]:
    with PROXIES[proxy](live_server.url, tmp_path) as url:
        yield url


def large_photo(size: int) -> bytes:
    """A small picture with a long tail, as phones append their motion videos."""
    picture = photo_bytes("jpg", size=(64, 48))
    return picture + bytes(range(256)) * ((size - len(picture)) // 256)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_large_photo_comes_back_byte_for_byte(proxy_url: str) -> None:
    sent = large_photo(20_000_000)
    answer = requests.post(proxy_url, files={"file": ("large.jpg", sent)}, timeout=60)
    assert (answer.status_code, answer.content) == (204, b"")
    [photo] = requests.get(f"{proxy_url}/api/photos", timeout=30).json()["photos"]
    back = requests.get(proxy_url + photo["url"], timeout=60)
    assert sha256(back.content) == sha256(sent)


def received_bytes(server: RunningServer) -> int:
    return sum(file.stat().st_size for file in (server.data / "incoming").iterdir())


def test_a_photo_goes_to_its_place_while_it_is_still_being_sent(
    proxy_url: str, live_server: RunningServer
) -> None:
    photo = large_photo(4_000_000)
    address = proxy_url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=30)) as sending:
        sending.putrequest("POST", "/")
        sending.putheader("Content-Type", "image/jpeg")
        sending.putheader("Content-Length", str(len(photo)))
        sending.endheaders(photo[:2_000_000])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while received_bytes(live_server) < 1_500_000:
            assert time.monotonic() < deadline, "nothing has arrived"
            time.sleep(0.02)
        sending.send(photo[2_000_000:])
        assert sending.getresponse().status == 204


def test_an_answer_is_not_held_back_until_it_is_whole(proxy: str, tmp_path: Path) -> None:
    with streaming(proxy, tmp_path) as (stream, pieces):
        stream.say(b"first")
        assert next(pieces) == b"first"
        stream.say(b"second")
        assert next(pieces) == b"second"


def test_the_gallery_notices_when_a_watcher_leaves(proxy: str, tmp_path: Path) -> None:
    with streaming(proxy, tmp_path) as (stream, pieces):
        stream.say(b"first")
        assert next(pieces) == b"first"
        pieces.close()
        assert stream.is_left()


@contextmanager
def streaming(proxy: str, folder: Path) -> Iterator[tuple["Stream", Generator[bytes]]]:
    """An answer that goes on, and what comes of it through the proxy."""
    with (
        bit_by_bit() as stream,
        PROXIES[proxy](stream.url, folder) as url,
        requests.get(url, stream=True, timeout=PATIENCE_SECONDS) as answer,
    ):
        yield stream, answer.raw.stream()


@dataclass
class Stream:
    """A server's answer to its first visitor, as it goes on."""

    listening: socket.socket
    visitor: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def answer_head(self) -> None:
        while self._is_asked_for_health():
            pass
        assert self.visitor
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nConnection: close\r\n\r\n"
        self.visitor.sendall(head)

    def _is_asked_for_health(self) -> bool:
        self.visitor = self.listening.accept()[0]
        self.visitor.settimeout(PATIENCE_SECONDS)
        if not self.visitor.recv(65536).startswith(b"GET /livez"):
            return False
        self.visitor.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        self.visitor.close()
        return True

    def say(self, piece: bytes) -> None:
        assert self.visitor
        self.visitor.sendall(piece)

    def is_left(self) -> bool:
        assert self.visitor
        try:
            return self.visitor.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


@contextmanager
def bit_by_bit() -> Iterator[Stream]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_SECONDS)
        stream = Stream(listening)
        thread = threading.Thread(target=stream.answer_head)
        thread.start()
        try:
            yield stream
        finally:
            thread.join()
            if stream.visitor:
                stream.visitor.close()


@pytest.mark.parametrize("size", [1000, 8_000_000])
def test_a_refusal_is_read_as_the_gallery_wrote_it(proxy_url: str, size: int) -> None:
    answer = requests.post(proxy_url, files={"file": ("a.jpg", b"text" * (size // 4))}, timeout=30)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("This is not a photo; please send ")


def test_what_nginx_alone_refuses_comes_through_in_chunks(
    live_server: RunningServer, tmp_path: Path
) -> None:
    photo = large_photo(2_000_000)
    with behind_nginx(live_server.url, tmp_path, client_max_body_size="1m") as url:
        refusal = requests.post(url, files={"file": ("whole.jpg", photo)}, timeout=30)
        assert refusal.status_code == 413
        assert refusal.headers["Content-Type"] == "text/html"
        with closing(Guest(url)) as guest:
            guest.send_in_chunks("chunks.jpg", photo, chunk_bytes=900_000)
    [listed] = live_server.photos()
    assert (listed["name"], listed["bytes"]) == ("chunks.jpg", len(photo))
