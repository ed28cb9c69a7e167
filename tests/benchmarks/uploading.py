"""How quickly photos are taken: of 12 MP, of 50 MB, in chunks; and given back in an archive."""

import http.client
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import requests

from server.config import Config
from server.images import Images
from server.turns import Turns
from tests.benchmarks import servers
from tests.benchmarks.results import Row, in_turns
from tests.benchmarks.servers import dropwall, new_photo, put_photo, send_form, send_photo
from tests.support import engines
from tests.support.chunks import InChunks

CLIENTS = 6
TWELVE_MEGAPIXELS = (4000, 3000)


def photos_per_second(photos: int = 48, rounds: int = 5) -> Iterator[Row]:
    """From POST to 204 with thumbnails: the same Pillow work alone, and peers."""
    spent_ms: dict[Callable, list[float]] = defaultdict(list)

    def rate_of(pool: Executor, act: Callable) -> float:
        """Of photos that nobody has seen yet. In `spent_ms` is what all processors spent on one."""
        batch = [new_photo(TWELVE_MEGAPIXELS) for _ in range(photos)]
        started, busy = time.perf_counter(), servers.busy_seconds()
        list(pool.map(act, batch))
        spent_ms[act].append(1000 * (servers.busy_seconds() - busy) / photos)
        return photos / (time.perf_counter() - started)

    with ExitStack() as ends:
        server = ends.enter_context(dropwall())
        cores = ends.enter_context(ProcessPoolExecutor(os.cpu_count()))
        clients = ends.enter_context(ThreadPoolExecutor(CLIENTS))
        send = partial(send_photo, server.url)
        acts = [partial(rate_of, clients, send), partial(rate_of, cores, decode)]
        peers: dict[str, Callable[[bytes], None]] = {}
        if engines.chosen == engines.EMBEDDED:
            started = (servers.copyparty(), servers.tutorial())
            peers = peers_acts(*map(ends.enter_context, started))
            acts += [partial(rate_of, clients, act) for act in peers.values()]
        own_before, sent = servers.processor_seconds(server), (1 + rounds) * photos
        ours, alone, *peers_rates = in_turns(rounds, *acts)
        own_ms = 1000 * (servers.processor_seconds(server) - own_before) / sent
        listed = requests.get(f"{server.url}/api/photos?limit=1", timeout=9).json()["total"]
        assert listed == sent
    megabytes, cpus = len(new_photo(TWELVE_MEGAPIXELS)) / 1e6, os.cpu_count()
    what = f"photos of 12 MP, {megabytes:.1f} MB: POST to 204, checked, with thumbnails listed"
    pillow = "the same Pillow work alone"
    against, wanted = f"{pillow} on {cpus} cores", {"wanted_ratio": 0.85, "more_is_better": True}
    yield Row(what, "photos/s", ours, alone, against, **wanted)
    for whose, milliseconds in (
        ("Dropwall's workers'", [own_ms] * rounds),
        ("the client's, the kernel's and the engines' too", spent_ms[send][1:]),
    ):
        what = f"photos of 12 MP: processor time, {whose}"
        yield Row(what, "ms a photo", milliseconds, spent_ms[decode][1:], pillow)
    for peer, rates in zip(peers, peers_rates, strict=True):
        how = "with thumbnails" if "thumbnail" in peer else "as they come"
        what = f"photos of 12 MP, beside a peer that takes them {how}"
        yield Row(what, "photos/s", ours, rates, peer, more_is_better=True)


def decode(photo: bytes) -> None:
    config = Config()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
        file.write(photo)
        turns = Turns(Path(folder), os.cpu_count() or 1)
        Images(config.max_pixels, config.max_jpeg_pixels, turns).read_photo(file)


def peers_acts(copyparty_url: str, tutorial_url: str) -> dict[str, Callable[[bytes], None]]:
    """What each of them does with a photo."""
    numbers = count()

    def put(photo: bytes) -> str:
        name = f"{next(numbers)}.jpg"
        put_photo(copyparty_url, name, photo)
        return name

    def put_and_see(photo: bytes) -> None:
        answer = servers.ask(copyparty_url, "GET", f"/{put(photo)}?th=w")
        assert answer.headers["Content-Type"] == "image/webp"

    def send(photo: bytes) -> None:
        send_form(tutorial_url, "photo.jpg", photo)

    return {
        "copyparty: stored, hashed, then one thumbnail of 320x256 asked for": put_and_see,
        "copyparty: stored and hashed, not looked at": put,
        "the tutorial's server: stored, not looked at": send,
    }


def body(rounds: int = 12) -> Iterator[Row]:
    """MB a second of a small picture with a long tail: without decoding, and without a search for
    the location, which the second row includes."""
    numbers = count()

    def rate_of(url: str, field: str = "file") -> float:
        photo = new_photo(tail_bytes=50 * 1024 * 1024)
        started = time.perf_counter()
        send_form(url, f"{next(numbers)}.jpg", photo, field)
        return len(photo) / 1e6 / (time.perf_counter() - started)

    with ExitStack() as ends:
        bare = ends.enter_context(dropwall(keep_location=True))
        whole = ends.enter_context(dropwall())
        reference = ends.enter_context(servers.tutorial())
        acts = [partial(rate_of, url) for url in (bare.url, whole.url, reference)]
        if engines.chosen == engines.EMBEDDED:
            acts.append(partial(rate_of, ends.enter_context(servers.copyparty()), field="f"))
        ours, searched, theirs, *peers = in_turns(rounds, *acts)
    what = "one body of 50 MB, hashed and synced"
    against = "the tutorial's server, written twice, neither hashed nor synced"
    yield Row(what, "MB/s", ours, theirs, against, wanted_ratio=1, more_is_better=True)
    searching = f"{what}, and searched for the place it was taken at"
    yield Row(searching, "MB/s", searched, theirs, against, more_is_better=True)
    against = "copyparty, written and hashed (SHA-512) but not synced"
    for rates in peers:
        yield Row(f"{what}, beside a peer", "MB/s", ours, rates, against, more_is_better=True)


def chunks(photo_bytes: int = 50_000_000, rounds: int = 8) -> Iterator[Row]:
    """Seconds of one large photo in chunks, one after another, against the same photo whole."""

    def seconds_to_send(*bodies: tuple[dict[str, str], bytes]) -> float:
        started = time.perf_counter()
        with requests.Session() as session:
            for fields, content in bodies:
                files = {"file": ("photo.jpg", content)}
                answer = session.post(server.url, data=fields, files=files, timeout=60)
                assert answer.status_code == 204, answer.text
        return time.perf_counter() - started

    def send_in_chunks() -> float:
        photo = InChunks(new_photo(tail_bytes=photo_bytes), Config().chunk_bytes)
        return seconds_to_send(*((photo.fields(n), photo.bytes(n)) for n in photo.numbers))

    def send_whole() -> float:
        return seconds_to_send(({}, new_photo(tail_bytes=photo_bytes)))

    with dropwall() as server:
        in_chunks, whole = in_turns(rounds, send_in_chunks, send_whole)
    yield Row("one photo of 50 MB in chunks of 4 MB", "s", in_chunks, whole, "the same photo whole")


def archive(photos: int = 2000, rounds: int = 3) -> Iterator[Row]:
    """Seconds of the archive of many photos against a plain copy, and what it costs in memory."""

    def download() -> float:
        started = time.perf_counter()
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
            client.request("GET", "/photos.zip")
            assert read_to_end(client.getresponse()) > photos * 1_000_000
        return time.perf_counter() - started

    def copy() -> float:
        originals = [path for path in (server.data / "originals").rglob("*") if path.is_file()]
        started = time.perf_counter()
        with subprocess.Popen(["cat", *originals], stdout=subprocess.PIPE) as cat:
            assert read_to_end(cat.stdout) > photos * 1_000_000
        return time.perf_counter() - started

    def send(_: int) -> None:
        send_photo(server.url, new_photo(tail_bytes=1_000_000))

    with dropwall() as server, ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send, range(photos)))
        before = servers.memory_mb(server)
        measured = clients.submit(in_turns, rounds, download, copy)
        grown = servers.peak_mb(server, [measured]) - before
    what = f"an archive of {photos:,} photos of 1 MB"
    yield Row(what, "s", *measured.result(), "`cat` of their files into a pipe")
    yield Row(f"{what}: memory of all workers grows by at most", "MB", [grown])


def read_to_end(stream: Any) -> int:
    """How many bytes it has."""
    block, size = bytearray(1024 * 1024), 0
    while read := stream.readinto(block):
        size += read
    return size
