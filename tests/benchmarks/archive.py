"""The archive of many photos: its speed against a plain copy, and what it costs in memory."""

import http.client
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO

from tests.benchmarks.photos_per_second import send_photo, with_comment
from tests.benchmarks.servers import dropwall
from tests.photos import photo_bytes
from tests.running_server import RunningServer

PHOTOS = 2000
PHOTO_BYTES = 1_000_000
ROUNDS = 3
CLIENTS = 6
READ_BYTES = 1024 * 1024
SAMPLE_SECONDS = 0.05


def measure_archive() -> str:
    picture, tail = photo_bytes("jpg", size=(64, 48)), bytes(range(256)) * (PHOTO_BYTES // 256)
    ours, references = [], []
    with dropwall() as server:
        with ThreadPoolExecutor(CLIENTS) as clients:
            send = lambda n: send_photo(server.url, with_comment(picture, n) + tail)  # noqa: E731
            list(clients.map(send, range(PHOTOS)))
        before = workers_bytes(server)
        with sampled_bytes(server) as samples:
            for _ in range(ROUNDS):
                references.append(copy_seconds(server))
                ours.append(download_seconds(server))
    ratios = [ours_s / reference_s for ours_s, reference_s in zip(ours, references, strict=True)]
    return (
        f"an archive of {PHOTOS} photos of 1 MB: {statistics.median(ours):.2f} s;"
        f" `cat` of their files into a pipe: {statistics.median(references):.2f} s;"
        f" ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f});"
        f" memory of the workers: {before / 1e6:.0f} MB before,"
        f" at most {max(samples) / 1e6:.0f} MB during it"
    )


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


@contextmanager
def sampled_bytes(server: RunningServer) -> Iterator[list[int]]:
    """What the workers hold, every so often."""
    samples = [workers_bytes(server)]
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            samples.append(workers_bytes(server))

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield samples
    finally:
        is_over.set()
        sampling.join()


def workers_bytes(server: RunningServer) -> int:
    """Resident memory of all workers (proc(5): VmRSS, in kB)."""
    return sum(
        int(line.split()[1]) * 1024
        for worker in server.workers()
        for line in (worker / "status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
