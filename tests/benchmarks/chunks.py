"""Seconds of one large photo in chunks, one after another, against the same photo whole."""

import time
from collections.abc import Iterator
from itertools import count

import requests

from server.config import Config
from tests.benchmarks.engines import Engine
from tests.benchmarks.rounds import in_turns
from tests.benchmarks.row import Row
from tests.benchmarks.sending import with_comment
from tests.benchmarks.servers import dropwall
from tests.support.chunks import InChunks
from tests.support.photos import photo_bytes

PHOTO_BYTES = 50_000_000
ROUNDS = 8


def measure(engine: Engine) -> Iterator[Row]:
    picture = photo_bytes("jpg", size=(64, 48))
    tail = bytes(range(256)) * (PHOTO_BYTES // 256)
    numbers = count()

    with dropwall(**engine.new_settings()) as server:

        def send_whole() -> float:
            return seconds_to_send(server.url, [({}, with_comment(picture, next(numbers)) + tail)])

        def send_in_chunks() -> float:
            photo = InChunks(with_comment(picture, next(numbers)) + tail, Config().chunk_bytes)
            chunks = [(photo.fields(n), photo.bytes(n)) for n in photo.numbers]
            return seconds_to_send(server.url, chunks)

        in_chunks, whole = in_turns(ROUNDS, send_in_chunks, send_whole)
    yield Row("one photo of 50 MB in chunks of 4 MB", "s", in_chunks, whole, "the same photo whole")


def seconds_to_send(url: str, requests_of_it: list[tuple[dict[str, str], bytes]]) -> float:
    started = time.perf_counter()
    with requests.Session() as session:
        for fields, content in requests_of_it:
            files = {"file": ("photo.jpg", content)}
            answer = session.post(url, data=fields, files=files, timeout=60)
            assert answer.status_code == 204, answer.text
    return time.perf_counter() - started
