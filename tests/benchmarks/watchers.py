"""What 500 watchers cost: processor time, memory, and how long a fast request takes meanwhile."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection

from server.changes import HEARTBEAT_SECONDS
from tests.benchmarks.engines import Engine
from tests.benchmarks.fast_request import fast_request_ms, show_some_photos
from tests.benchmarks.processes import BEGUN, in_a_process, memory_bytes, processor_percents
from tests.benchmarks.row import Row
from tests.benchmarks.servers import dropwall

WATCHERS = 500
IDLE_SECONDS, ROUNDS = HEARTBEAT_SECONDS, 4
"""Each of them is sent a heartbeat once in a round, or twice."""
SETTLE_SECONDS = 2


def measure(engine: Engine) -> Iterator[Row]:
    with (
        dropwall(**engine.new_settings()) as quiet,
        dropwall(**engine.new_settings()) as watched,
    ):
        show_some_photos(quiet, watched)
        before = memory_bytes(watched)
        with in_a_process(watch, watched):
            time.sleep(SETTLE_SECONDS)
            grown, percents = [], []
            for _ in range(ROUNDS):
                percents.append(processor_percents(IDLE_SECONDS, watched, quiet))
                grown.append((memory_bytes(watched) - before) / 1e6)
            watched_ms, alone_ms = fast_request_ms(watched, quiet)
    idle, alone = map(list, zip(*percents, strict=True))
    who = f"{WATCHERS} watchers, 2 workers"
    yield Row(f"{who}: processor when idle", "% of a core", idle, alone, "no watchers", wanted=2)
    yield Row(f"{who}: memory that they add", "MB", grown, wanted=50)
    yield Row(
        f"{who}: another's fast GET, p50",
        "ms",
        watched_ms,
        alone_ms,
        "no watchers",
        wanted_ratio=1.5,
    )


def watch(port: int, told: Connection) -> None:
    """Reads whatever comes, as cheaply as can be."""
    with ExitStack() as sockets, selectors.DefaultSelector() as ready:
        for _ in range(WATCHERS):
            watcher = sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            watcher.sendall(b"GET /api/live HTTP/1.1\r\nHost: gallery\r\n\r\n")
            head = watcher.recv(65536)
            assert head.startswith(b"HTTP/1.1 200 "), head
            ready.register(watcher, selectors.EVENT_READ, watcher.recv)
        told.send(BEGUN)
        while not told.poll():
            for key, _ in ready.select(1):
                assert key.data(65536), "a stream has ended"
