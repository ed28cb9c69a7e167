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
    # A small picture with a long tail, as phones append their motion videos: decoding aside. And
    # searching for the location aside, which the second figure includes.
    picture = photo_bytes("jpg", size=(64, 48))
    tail = bytes(range(256)) * (BODY_BYTES // 256)
    rates: dict[str, list[float]] = {"bare": [], "whole": [], "tutorial": []}
    with dropwall(keep_location=True) as bare, dropwall() as whole, tutorial() as reference:
        urls = {"bare": bare.url, "whole": whole.url, "tutorial": reference}
        for round_number in range(ROUNDS):
            photo = with_comment(picture, round_number) + tail
            for name, url in urls.items():
                rates[name].append(megabytes_per_second(url, photo))
    median = {name: statistics.median(rate) for name, rate in rates.items()}
    ratios = [ours / theirs for ours, theirs in zip(rates["bare"], rates["tutorial"], strict=True)]
    return (
        f"MB/s of one 50 MB body, hashed and synced: {median['bare']:.0f};"
        f" the tutorial's server: {median['tutorial']:.0f};"
        f" ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}),"
        f" wanted 1.0; with the search for its location: {median['whole']:.0f}"
    )


def megabytes_per_second(url: str, photo: bytes) -> float:
    started = time.perf_counter()
    answer = requests.post(
        url, files={"file": ("photo.jpg", photo)}, timeout=60, allow_redirects=False
    )
    assert answer.status_code in (204, 302), answer.text
    return len(photo) / 1e6 / (time.perf_counter() - started)
