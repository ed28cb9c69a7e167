"""Seconds of one large photo in chunks, one after another, against the same photo whole."""

import statistics
import time

import requests

from server.config import Config
from tests.benchmarks.photos_per_second import with_comment
from tests.benchmarks.servers import dropwall
from tests.dropzone import InChunks
from tests.photos import photo_bytes

PHOTO_BYTES = 50_000_000
ROUNDS = 8


def measure_chunks() -> str:
    picture = photo_bytes("jpg", size=(64, 48))
    tail = bytes(range(256)) * (PHOTO_BYTES // 256)
    whole_seconds, chunked_seconds = [], []
    with dropwall() as server:
        for number in range(ROUNDS):
            whole = with_comment(picture, number, 0) + tail
            in_chunks = InChunks(with_comment(picture, number, 1) + tail, Config().chunk_bytes)
            whole_seconds.append(seconds_to_send(server.url, [({}, whole)]))
            chunks = [(in_chunks.fields(n), in_chunks.bytes(n)) for n in in_chunks.numbers]
            chunked_seconds.append(seconds_to_send(server.url, chunks))
    pairs = zip(chunked_seconds, whole_seconds, strict=True)
    ratios = [chunked / whole for chunked, whole in pairs]
    return (
        f"one 50 MB photo in chunks of 4 MB: {statistics.median(chunked_seconds):.2f} s;"
        f" whole: {statistics.median(whole_seconds):.2f} s;"
        f" ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def seconds_to_send(url: str, requests_of_it: list[tuple[dict[str, str], bytes]]) -> float:
    started = time.perf_counter()
    with requests.Session() as session:
        for fields, content in requests_of_it:
            files = {"file": ("photo.jpg", content)}
            answer = session.post(url, data=fields, files=files, timeout=60)
            assert answer.status_code == 204, answer.text
    return time.perf_counter() - started
