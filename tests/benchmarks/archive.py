"""The archive of many photos: its speed against a plain copy, and what it costs in memory."""

import http.client
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from tests.benchmarks.engines import Engine
from tests.benchmarks.processes import memory_bytes, sampled_bytes
from tests.benchmarks.rounds import in_turns
from tests.benchmarks.row import Row
from tests.benchmarks.sending import send_photo, with_comment
from tests.benchmarks.servers import dropwall
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

PHOTOS = 2000
PHOTO_BYTES = 1_000_000
ROUNDS = 3
CLIENTS = 6
READ_BYTES = 1024 * 1024


def measure(engine: Engine) -> Iterator[Row]:
    picture, tail = photo_bytes("jpg", size=(64, 48)), bytes(range(256)) * (PHOTO_BYTES // 256)
    with dropwall(**engine.new_settings()) as server:
        with ThreadPoolExecutor(CLIENTS) as clients:
            send = lambda n: send_photo(server.url, with_comment(picture, n) + tail)  # noqa: E731
            list(clients.map(send, range(PHOTOS)))
        before = memory_bytes(server)
        with sampled_bytes(server) as samples:
            ours, copies = in_turns(
                ROUNDS, lambda: download_seconds(server), lambda: copy_seconds(server)
            )
    what = f"an archive of {PHOTOS:,} photos of 1 MB"
    yield Row(what, "s", ours, copies, "`cat` of their files into a pipe")
    grown = [(max(samples) - before) / 1e6]
    yield Row(f"{what}: memory of all workers grows by at most", "MB", grown)


def download_seconds(server: RunningServer) -> float:
    started = time.perf_counter()
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/photos.zip")
    assert read_to_end(connection.getresponse()) > PHOTOS * PHOTO_BYTES
    connection.close()
    return time.perf_counter() - started


def copy_seconds(server: RunningServer) -> float:
    originals = [path for path in (server.data / "originals").rglob("*") if path.is_file()]
    started = time.perf_counter()
    with subprocess.Popen(["cat", *originals], stdout=subprocess.PIPE) as cat:
        assert cat.stdout
        assert read_to_end(cat.stdout) >= PHOTOS * PHOTO_BYTES
    return time.perf_counter() - started


def read_to_end(stream: IO[bytes] | http.client.HTTPResponse) -> int:
    block, count = bytearray(READ_BYTES), 0
    while size := stream.readinto(block):  # type: ignore[union-attr]
        count += size
    return count
