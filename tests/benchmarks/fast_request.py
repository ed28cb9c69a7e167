"""How long a fast request takes on a busy server, and on a quiet one in the same rounds."""

import http.client
import statistics
import time
from contextlib import closing

from tests.benchmarks.rounds import in_turns
from tests.benchmarks.sending import send_photo, with_comment
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

PHOTOS = 50
REQUESTS, ROUNDS = 60, 6
REST_SECONDS = 0.8


def show_some_photos(*servers: RunningServer) -> None:
    photo = photo_bytes("jpg", size=(64, 48))
    for server in servers:
        for number in range(PHOTOS):
            send_photo(server.url, with_comment(photo, number))


def fast_request_ms(busy: RunningServer, quiet: RunningServer) -> tuple[list[float], list[float]]:
    """The median of each round, on both."""
    with closing(connect(busy)) as first, closing(connect(quiet)) as second:
        spent = in_turns(ROUNDS, lambda: median_ms(first), lambda: median_ms(second))
    return spent[0], spent[1]


def connect(server: RunningServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)


def median_ms(connection: http.client.HTTPConnection) -> float:
    time.sleep(REST_SECONDS)
    spent = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        connection.request("GET", "/api/photos?limit=1")
        connection.getresponse().read()
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)
