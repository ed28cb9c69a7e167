"""Photos a second, from POST to 204 with thumbnails, against the same Pillow work alone."""

import http.client
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import requests

from server.config import Config
from server.images import Images
from server.turns import Turns
from tests.benchmarks.servers import dropwall
from tests.photos import photo_bytes

PHOTOS = 48
ROUNDS = 5
CLIENTS = 6
TWELVE_MEGAPIXELS = (4000, 3000)


def measure_photos_per_second() -> str:
    photo = photo_bytes("jpg", size=TWELVE_MEGAPIXELS)
    ratios, ours, references = [], [], []
    with dropwall() as server, ProcessPoolExecutor(os.cpu_count()) as cores:
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(cores.map(decode, [photo] * 4))  # both sides warm
            for round_number in range(ROUNDS):
                batch = [with_comment(photo, round_number, n) for n in range(PHOTOS)]
                references.append(rate(lambda batch=batch: list(cores.map(decode, batch))))
                send = lambda content: send_photo(server.url, content)  # noqa: E731
                ours.append(rate(lambda batch=batch, send=send: list(clients.map(send, batch))))
                ratios.append(ours[-1] / references[-1])
        total = requests.get(f"{server.url}/api/photos?limit=1", timeout=9).json()["total"]
        assert total == ROUNDS * PHOTOS
    return (
        f"photos/s, 12 MP JPEG of {len(photo) / 1e6:.1f} MB, POST to 204 with thumbnails listed:"
        f" {statistics.median(ours):.1f}; the same Pillow work alone on"
        f" {os.cpu_count()} cores: {statistics.median(references):.1f};"
        f" ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}),"
        f" wanted 0.85"
    )


def decode(photo: bytes) -> None:
    config = Config()
    with tempfile.TemporaryDirectory() as folder:
        turns = Turns(Path(folder), os.cpu_count() or 1)
        images = Images(config.max_pixels, config.max_jpeg_pixels, turns)
        path = Path(folder) / "photo.jpg"
        path.write_bytes(photo)
        with path.open("rb") as file:
            images.read_photo(file)


def send_photo(url: str, photo: bytes) -> None:
    # Raw, and not by `requests`: the client has to share the cores with what is measured.
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.request("POST", "/", photo, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    assert answer.status == 204, answer.read()
    connection.close()


def with_comment(photo: bytes, *numbers: int) -> bytes:
    """Another photo with the same picture: the same bytes would be taken for the same photo."""
    comment = repr(numbers).encode()
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    return photo[:2] + segment + photo[2:]


def rate(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return PHOTOS / (time.perf_counter() - started)
