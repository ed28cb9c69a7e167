"""How quickly photos are taken: those of a phone, and one of 50 MB."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import count

import requests

from dropwall.config import Config
from dropwall.images.containers import parse_container
from dropwall.images.pictures import decode_photo
from tests.benchmarks.results import Row, in_turns
from tests.benchmarks.servers import (
    COPYPARTY,
    TIMEOUT_SECONDS,
    TUTORIAL,
    ask,
    dropwall,
    new_photo,
    reference_server,
    send_photo,
)
from tests.support import engines

CLIENTS = 6
TWELVE_MEGAPIXELS = (4000, 3000)


def photos_per_second(photos: int = 48, rounds: int = 5) -> Iterator[Row]:
    """From POST to 204 with thumbnails, against the same Pillow work alone, and copyparty."""
    names = (f"{number}.jpg" for number in count())

    def rate_of(pool: Executor, act: Callable[[bytes], None]) -> float:
        batch = [new_photo(TWELVE_MEGAPIXELS) for _ in range(photos)]
        started = time.perf_counter()
        list(pool.map(act, batch))
        return photos / (time.perf_counter() - started)

    def send(photo: bytes) -> None:
        send_photo(server.url, photo)

    def send_to_copyparty(photo: bytes) -> None:
        name = next(names)
        assert ask(peer, "PUT", f"/{name}", [photo]).status == 201
        thumbnail = ask(peer, "GET", f"/{name}?th=w")
        assert thumbnail.headers["Content-Type"] == "image/webp"

    with ExitStack() as stack:
        server = stack.enter_context(dropwall())
        cores = stack.enter_context(ProcessPoolExecutor(os.cpu_count()))
        clients = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        acts = [lambda: rate_of(clients, send), lambda: rate_of(cores, decode)]
        if engines.chosen == engines.EMBEDDED:
            peer = stack.enter_context(reference_server(COPYPARTY))
            acts.append(lambda: rate_of(clients, send_to_copyparty))
        ours, alone, *peers = in_turns(rounds, *acts)
        listed = requests.get(f"{server.url}/api/photos?limit=1", timeout=9).json()["total"]
        assert listed == (1 + rounds) * photos
    megabytes = len(new_photo(TWELVE_MEGAPIXELS)) / 1e6
    what = f"photos of 12 MP, {megabytes:.1f} MB: POST to 204, checked, with thumbnails listed"
    against = f"the same Pillow work alone on {os.cpu_count()} cores"
    wanted = 0.85 if engines.chosen == engines.EMBEDDED else 0.75
    yield Row(what, "photos/s", ours, alone, against, wanted_ratio=wanted, more_is_better=True)
    for theirs in peers:
        what = "photos of 12 MP, beside a peer that takes them with thumbnails"
        against = "copyparty: stored, hashed, then one thumbnail of 320x256 asked for"
        yield Row(what, "photos/s", ours, theirs, against, wanted_ratio=1, more_is_better=True)


def decode(photo: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(photo)
        decode_photo(file, parse_container(file), Config().max_pixels, keep_location=True)


def body(rounds: int = 12) -> Iterator[Row]:
    """MB a second of a small picture with a long tail: without decoding, and without a search for
    the location, which the second row includes."""

    def rate_of(url: str) -> float:
        photo = new_photo(tail_bytes=50 * 1024 * 1024)
        files = {"file": ("photo.jpg", photo)}
        started = time.perf_counter()
        answer = requests.post(url, files=files, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        assert answer.status_code in (204, 302), answer.text
        return len(photo) / 1e6 / (time.perf_counter() - started)

    with (
        dropwall(keep_location=True) as server,
        dropwall() as searching,
        reference_server(TUTORIAL) as tutorial,
    ):
        urls = (server.url, searching.url, tutorial)
        ours, searched, theirs = in_turns(rounds, *(partial(rate_of, url) for url in urls))
    what = "one body of 50 MB, hashed and synced"
    against = "the tutorial's server, written twice, neither hashed nor synced"
    yield Row(what, "MB/s", ours, theirs, against, wanted_ratio=1, more_is_better=True)
    what += ", and searched for the place it was taken at"
    yield Row(what, "MB/s", searched, theirs, against, more_is_better=True)
