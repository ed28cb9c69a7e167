"""MB a second of one large body, hashed and durable, against the tutorial's server."""

import statistics
import time

import requests

from tests.benchmarks.photos_per_second import with_comment
from tests.benchmarks.servers import dropwall, tutorial
from tests.photos import photo_bytes

BODY_BYTES = 50 * 1024 * 1024
ROUNDS = 12


def measure_body() -> str:
    # A small picture with a long tail, as phones append their motion videos: decoding aside.
    picture = photo_bytes("jpg", size=(64, 48))
    tail = bytes(range(256)) * (BODY_BYTES // 256)
    ratios, ours, references = [], [], []
    with dropwall() as server, tutorial() as reference:
        for round_number in range(ROUNDS):
            photo = with_comment(picture, round_number) + tail
            references.append(megabytes_per_second(reference, photo))
            ours.append(megabytes_per_second(server.url, photo))
            ratios.append(ours[-1] / references[-1])
    return (
        f"MB/s of one 50 MB body, hashed and synced: {statistics.median(ours):.0f};"
        f" the tutorial's server: {statistics.median(references):.0f};"
        f" ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}),"
        f" wanted 1.0"
    )


def megabytes_per_second(url: str, photo: bytes) -> float:
    started = time.perf_counter()
    answer = requests.post(
        url, files={"file": ("photo.jpg", photo)}, timeout=60, allow_redirects=False
    )
    assert answer.status_code in (204, 302), answer.text
    return len(photo) / 1e6 / (time.perf_counter() - started)
