"""Photos a second, from POST to 204 with thumbnails: the same Pillow work alone, and peers."""

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import requests

from server.config import Config
from server.images import Images
from server.turns import Turns
from tests.benchmarks.engines import EMBEDDED, Engine
from tests.benchmarks.processes import busy_seconds, processor_seconds
from tests.benchmarks.rounds import in_turns
from tests.benchmarks.row import Row
from tests.benchmarks.sending import ask, put_photo, send_form, send_photo, with_comment
from tests.benchmarks.servers import copyparty, dropwall, tutorial
from tests.support.photos import photo_bytes

PHOTOS = 48
ROUNDS = 5
CLIENTS = 6
TWELVE_MEGAPIXELS = (4000, 3000)
PEERS = {
    "copyparty: stored, hashed, then one thumbnail of 320x256 asked for": "with thumbnails",
    "copyparty: stored and hashed, not looked at": "as they come",
    "the tutorial's server: stored, not looked at": "as they come",
}


def measure(engine: Engine) -> Iterator[Row]:
    photo = photo_bytes("jpg", size=TWELVE_MEGAPIXELS)
    numbers = count()
    with ExitStack() as ends:
        server = ends.enter_context(dropwall(**engine.new_settings()))
        cores = ends.enter_context(ProcessPoolExecutor(os.cpu_count()))
        clients = ends.enter_context(ThreadPoolExecutor(CLIENTS))

        spent: dict[Callable, list[float]] = defaultdict(list)

        def rate_of(pool: ProcessPoolExecutor | ThreadPoolExecutor, act: Callable) -> float:
            """Of photos that nobody has seen yet. In `spent` is what all processors spent on one
            of them, in ms."""
            batch = [with_comment(photo, next(numbers)) for _ in range(PHOTOS)]
            started, busy = time.perf_counter(), busy_seconds()
            list(pool.map(act, batch))
            spent[act].append(1000 * (busy_seconds() - busy) / PHOTOS)
            return PHOTOS / (time.perf_counter() - started)

        def send(content: bytes) -> None:
            send_photo(server.url, content)

        acts = [lambda: rate_of(clients, send), lambda: rate_of(cores, decode)]
        if engine.name == EMBEDDED:
            peers = peers_acts(ends.enter_context(copyparty()), ends.enter_context(tutorial()))
            acts += [lambda act=act: rate_of(clients, act) for act in peers]
        own_before = processor_seconds(server)
        ours, alone, *peers_rates = in_turns(ROUNDS, *acts)
        own = 1000 * (processor_seconds(server) - own_before) / ((1 + ROUNDS) * PHOTOS)
        total = requests.get(f"{server.url}/api/photos?limit=1", timeout=9).json()["total"]
        assert total == (1 + ROUNDS) * PHOTOS
    yield Row(
        f"photos of 12 MP, {len(photo) / 1e6:.1f} MB: POST to 204, checked, with thumbnails listed",
        "photos/s",
        ours,
        alone,
        f"the same Pillow work alone on {os.cpu_count()} cores",
        wanted_ratio=0.85,
        more_is_better=True,
    )
    everything, pillows = spent[send][1:], spent[decode][1:]
    for whose, milliseconds in (
        ("Dropwall's workers'", [own] * ROUNDS),
        ("the client's, the kernel's and the engines' too", everything),
    ):
        what = f"photos of 12 MP: processor time, {whose}"
        yield Row(what, "ms a photo", milliseconds, pillows, "the same Pillow work alone")
    for (peer, which), rates in zip(PEERS.items(), peers_rates, strict=False):
        what = f"photos of 12 MP, beside a peer that takes them {which}"
        yield Row(what, "photos/s", ours, rates, peer, more_is_better=True)


def decode(photo: bytes) -> None:
    config = Config()
    with tempfile.TemporaryDirectory() as folder:
        turns = Turns(Path(folder), os.cpu_count() or 1)
        images = Images(config.max_pixels, config.max_jpeg_pixels, turns)
        path = Path(folder) / "photo.jpg"
        path.write_bytes(photo)
        with path.open("rb") as file:
            images.read_photo(file)


def peers_acts(copyparty_url: str, tutorial_url: str) -> list[Callable[[bytes], None]]:
    """In the order of PEERS."""
    names = (f"{number}.jpg" for number in count())

    def send_and_see(photo: bytes) -> None:
        name = next(names)
        put_photo(copyparty_url, name, photo)
        answer = ask(copyparty_url, "GET", f"/{name}?th=w")
        assert answer.headers["Content-Type"] == "image/webp"

    return [
        send_and_see,
        lambda photo: put_photo(copyparty_url, next(names), photo),
        lambda photo: send_form(tutorial_url, "photo.jpg", photo),
    ]
