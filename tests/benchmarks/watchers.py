"""What 500 watchers cost: processor time, memory, and how long a fast request takes meanwhile."""

import http.client
import os
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

from tests.benchmarks.photos_per_second import send_photo, with_comment
from tests.benchmarks.servers import dropwall
from tests.photos import photo_bytes
from tests.running_server import RunningServer

WATCHERS = 500
IDLE_SECONDS = 20
REQUESTS = 300
PHOTOS = 50
UPLOADS, UPLOAD_BYTES, UPLOAD_SECONDS, PIECES = 100, 1_000_000, 20, 100
SETTLE_SECONDS = 2
BEGUN, END = "begun", "end"
HEAD = b"POST / HTTP/1.1\r\nHost: gallery\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def measure_watchers() -> str:
    with dropwall(workers=2) as quiet, dropwall(workers=2) as watched:
        for server in (quiet, watched):
            show_some_photos(server)
        before = memory_bytes(watched)
        with in_a_process(watch, watched):
            time.sleep(SETTLE_SECONDS)
            grown = memory_bytes(watched) - before
            percent = processor_percent(watched, IDLE_SECONDS)
            reference = processor_percent(quiet, IDLE_SECONDS)
            alone_ms, watched_ms = medians(quiet, watched)
    with dropwall(workers=2) as quiet, dropwall(workers=2) as busy:
        for server in (quiet, busy):
            show_some_photos(server)
        with in_a_process(upload_slowly, busy):
            uploading_alone_ms, uploading_ms = medians(quiet, busy)
    return (
        f"{WATCHERS} watchers, 2 workers: {percent:.1f} % of a core idle (none: {reference:.1f} %),"
        f" wanted 2; {grown / 1e6:.0f} MB more, wanted 50, {grown / WATCHERS / 1e3:.0f} kB each;\n"
        f"  a fast GET: {watched_ms:.1f} ms; without them: {alone_ms:.1f} ms;"
        f" ratio {watched_ms / alone_ms:.2f}, wanted 1.5\n"
        f"{UPLOADS} uploads of 1 MB over {UPLOAD_SECONDS} s, none refused: a fast GET:"
        f" {uploading_ms:.1f} ms; without them: {uploading_alone_ms:.1f} ms;"
        f" ratio {uploading_ms / uploading_alone_ms:.2f}, wanted 1.5"
    )


def show_some_photos(server: RunningServer) -> None:
    photo = photo_bytes("jpg", size=(64, 48))
    for number in range(PHOTOS):
        send_photo(server.url, with_comment(photo, number))


@contextmanager
def in_a_process(act: Callable[[int, Connection], None], server: RunningServer) -> Iterator[None]:
    """Of its own, which says when all has begun, and ends well once it is asked to end."""
    ours, theirs = Pipe()
    process = Process(target=act, args=(server.port, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == BEGUN
    yield
    ours.send(END)
    process.join()
    assert process.exitcode == 0


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


def upload_slowly(port: int, told: Connection) -> None:
    """All at once, each a little at a time; none is refused."""
    photo = photo_bytes("jpg", size=(64, 48))
    photo += bytes(UPLOAD_BYTES - len(photo))
    pieces = range(0, UPLOAD_BYTES, UPLOAD_BYTES // PIECES)
    with ExitStack() as sockets:
        uploads = [
            sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            for _ in range(UPLOADS)
        ]
        contents = [with_comment(photo, number) for number in range(UPLOADS)]
        for upload, content in zip(uploads, contents, strict=True):
            upload.sendall(HEAD % len(content))
        told.send(BEGUN)
        for start in pieces:
            for upload, content in zip(uploads, contents, strict=True):
                end = None if start == pieces[-1] else start + pieces.step
                upload.sendall(content[start:end])
            time.sleep(UPLOAD_SECONDS / PIECES)
        for upload in uploads:
            answer = upload.recv(65536)
            assert answer.startswith(b"HTTP/1.1 204 "), answer


def memory_bytes(server: RunningServer) -> int:
    """That the workers have for themselves alone, or share in part (Pss of smaps_rollup)."""
    rollups = [(worker / "smaps_rollup").read_text() for worker in server.workers()]
    lines = [line.split() for rollup in rollups for line in rollup.splitlines()]
    return sum(int(line[1]) * 1024 for line in lines if line[0] == "Pss:")


def processor_percent(server: RunningServer, seconds: float) -> float:
    """Of one core, for all workers together."""
    before, started = processor_seconds(server), time.monotonic()
    time.sleep(seconds)
    spent = processor_seconds(server) - before
    return 100 * spent / (time.monotonic() - started)


def processor_seconds(server: RunningServer) -> float:
    """utime and stime (proc_pid_stat(5))."""
    fields = [
        (worker / "stat").read_text().rpartition(")")[2].split() for worker in server.workers()
    ]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS_PER_SECOND


def medians(quiet: RunningServer, busy: RunningServer) -> tuple[float, float]:
    """Milliseconds of a fast GET on both servers, in turns."""
    spent: tuple[list[float], list[float]] = ([], [])
    with closing(connect(quiet)) as first, closing(connect(busy)) as second:
        for _ in range(REQUESTS):
            spent[0].append(milliseconds(first))
            spent[1].append(milliseconds(second))
    return statistics.median(spent[0]), statistics.median(spent[1])


def connect(server: RunningServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)


def milliseconds(connection: http.client.HTTPConnection) -> float:
    started = time.perf_counter()
    connection.request("GET", "/api/photos?limit=1")
    connection.getresponse().read()
    return (time.perf_counter() - started) * 1000
