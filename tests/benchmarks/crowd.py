"""What many visitors at once cost: open pages and streams, slow uploads and large ones."""

import http.client
import json
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

from PIL import Image

from dropwall.photos.watchers import HEARTBEAT_SECONDS
from tests.benchmarks.results import Row, in_turns
from tests.benchmarks.servers import (
    dropwall,
    memory_mb,
    new_photo,
    peak_mb,
    processor_seconds,
    send_photo,
)
from tests.support.cdn import chromium
from tests.support.gallery_server import GalleryServer
from tests.support.photos import encode

STREAMS, PAGES, WATCHERS = 20, 2, 500
PHOTOS, PHOTO_ROUNDS, PAUSE_SECONDS = 25, 4, 0.25
UPLOADS, UPLOAD_BYTES, UPLOAD_SECONDS, PIECES = 100, 1_000_000, 20, 100
HEAD = b"POST / HTTP/1.1\r\nHost: gallery\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
LARGE_UPLOADS, LARGE_BYTES = 50, 20_000_000
# When a photo's tile is there, by the clock of this machine, in seconds since 1970.
RECORD_TILES = """
    window.seen = {};
    new MutationObserver(() => {
        for (const tile of document.querySelectorAll(".photo-tile:has(a[href])")) {
            seen[tile.dataset.id] ??= (performance.timeOrigin + performance.now()) / 1000;
        }
    }).observe(document, { childList: true, subtree: true, attributeFilter: ["href"] });
"""
ALL_SEEN = "ids => ids.every((id) => id in seen) && seen"


def live_latency() -> Iterator[Row]:
    """From a photo's 204 to its event in every stream, and to its tile in every open page."""
    with dropwall() as server, in_a_process(note_events, server) as watching:
        rounds = [send_photos(server) for _ in range(PHOTO_ROUNDS)]
        seen = watching.recv()
    yield p95(f"event in {STREAMS} streams", [(answered, seen) for answered in rounds], wanted=50)
    with dropwall() as server, chromium() as new_page:
        pages = [new_page(viewport={"width": 1280, "height": 800}) for _ in range(PAGES)]
        for page in pages:
            page.add_init_script(RECORD_TILES)
            page.goto(server.url)
        send_photo(server.url, new_photo())  # the first one takes longer
        warmed_up = [server.photos()[0]["id"]]
        for page in pages:
            page.wait_for_function(ALL_SEEN, arg=warmed_up)
        shown = []
        for _ in range(PHOTO_ROUNDS):
            answered = send_photos(server)
            seen = []
            for page in pages:
                times = page.wait_for_function(ALL_SEEN, arg=list(answered)).json_value()
                seen += times.items()
            shown.append((answered, seen))
    yield p95(f"tile in {PAGES} open pages", shown, wanted=300)


def p95(
    what: str, rounds: list[tuple[dict[str, float], list[tuple[str, float]]]], wanted: float
) -> Row:
    """Each round has the moments when its photos were answered and when they were seen."""
    values = []
    for answered, seen in rounds:
        spent_ms = [(at - answered[it]) * 1000 for it, at in seen if it in answered]
        values.append(statistics.quantiles(spent_ms, n=20)[-1])
    return Row(f"204 to {what}, p95", "ms", values, wanted=wanted)


def send_photos(server: GalleryServer) -> dict[str, float]:
    """When each was answered, by its id: seconds since 1970."""
    answered = []
    for _ in range(PHOTOS):
        send_photo(server.url, new_photo((96, 64)))
        answered.append(time.time())
        time.sleep(PAUSE_SECONDS)
    newest_first = server.photos()[:PHOTOS]
    return {listed["id"]: at for listed, at in zip(reversed(newest_first), answered, strict=True)}


def note_events(port: int, parent: Connection) -> None:
    """Sends ids of photos and when they were seen: seconds since 1970."""
    seen: list[tuple[str, float]] = []
    with open_streams(port, STREAMS) as ready:
        received = dict.fromkeys(ready.get_map(), b"")
        parent.send("begun")
        while len(seen) < STREAMS * PHOTOS * PHOTO_ROUNDS:
            for key, _ in ready.select():
                received[key.fd] += key.fileobj.recv(1 << 20)
                now = time.time()
                *events, received[key.fd] = received[key.fd].split(b"\n\n")
                for event in events:  # around its data stand HTTP's and other lines
                    data = event.partition(b"\ndata: ")[2]
                    photos = json.loads(data)["photos"] if data else []
                    seen += [(photo["id"], now) for photo in photos]
    parent.send(seen)
    parent.recv()


def watchers(rounds: int = 4) -> Iterator[Row]:
    """Processor time and memory of very many, and how long a fast request takes meanwhile."""
    with busy_and_quiet() as (watched, quiet):
        before = memory_mb(watched)
        with in_a_process(watch, watched):
            time.sleep(2)  # until all is settled
            idle, grown = [], []
            for _ in range(rounds):
                started, spent = time.monotonic(), processor_seconds(watched)
                time.sleep(HEARTBEAT_SECONDS)  # each watcher is sent one, or two
                share = (processor_seconds(watched) - spent) / (time.monotonic() - started)
                idle.append(100 * share)
                grown.append(memory_mb(watched) - before)
            fast_ms = fast_request_ms(watched, quiet)
    who = f"{WATCHERS} watchers, 2 workers"
    yield Row(f"{who}: processor when idle", "% of a core", idle, wanted=2)
    yield Row(f"{who}: memory that they add", "MB", grown, wanted=50)
    what = f"{who}: another's fast GET, p50"
    yield Row(what, "ms", *fast_ms, "no watchers", wanted_ratio=1.5)


def watch(port: int, parent: Connection) -> None:
    """Reads whatever comes, as cheaply as can be."""
    with open_streams(port, WATCHERS) as ready:
        parent.send("begun")
        while not parent.poll():
            for key, _ in ready.select(1):
                assert key.fileobj.recv(65536), "a stream has ended"


def slow_uploads() -> Iterator[Row]:
    """How long a fast request takes while uploads trickle in, none of which is refused."""
    with busy_and_quiet() as (busy, quiet), in_a_process(upload_slowly, busy) as uploading:
        fast_ms = fast_request_ms(busy, quiet)
        assert not uploading.poll(), "the uploads were over before the last request"
    what = f"{UPLOADS} uploads of 1 MB over {UPLOAD_SECONDS} s: another's fast GET, p50"
    yield Row(what, "ms", *fast_ms, "no uploads", wanted_ratio=1.5)


def upload_slowly(port: int, parent: Connection) -> None:
    """All at once, each a little at a time."""
    photos = [new_photo(tail_bytes=UPLOAD_BYTES) for _ in range(UPLOADS)]
    with ExitStack() as stack:
        address = ("127.0.0.1", port)
        sockets = [stack.enter_context(socket.create_connection(address)) for _ in photos]
        uploads = list(zip(sockets, photos, strict=True))
        for upload, photo in uploads:
            upload.sendall(HEAD % len(photo))
        parent.send("begun")
        piece_bytes = -(-max(map(len, photos)) // PIECES)
        for start in range(0, piece_bytes * PIECES, piece_bytes):
            for upload, photo in uploads:
                upload.sendall(photo[start : start + piece_bytes])
            time.sleep(UPLOAD_SECONDS / PIECES)
        for upload in sockets:
            answer = upload.recv(65536)
            assert answer.startswith(b"HTTP/1.1 204 "), answer
    parent.send("all are answered")


def memory(rounds: int = 2) -> Iterator[Row]:
    """The workers' memory while large uploads and an image of 98 MP come all at once."""
    # Four channels of eight bits take the most memory, and few bytes where all are the same.
    large = encode(Image.new("RGBA", (9_900, 9_900), (0, 128, 128, 99)), "png")
    peaks = []
    for _ in range(rounds):
        with dropwall() as server, ThreadPoolExecutor(LARGE_UPLOADS + 1) as clients:
            photos = [new_photo((4000, 3000)) for _ in range(LARGE_UPLOADS)]
            # All share it: the client's memory is the server's neighbour.
            tail = bytes(range(256)) * ((LARGE_BYTES - len(photos[0])) // 256)
            sent = [clients.submit(send_photo, server.url, it, tail) for it in photos]
            sent.append(clients.submit(send_photo, server.url, large, kind="png"))
            peaks.append(peak_mb(server, sent))
            for each in sent:
                each.result()
    what = f"{LARGE_UPLOADS} uploads of 20 MB and a PNG of 98 MP at once"
    yield Row(f"{what}: memory of all workers at most", "MB", peaks, wanted=1500)


@contextmanager
def busy_and_quiet() -> Iterator[tuple[GalleryServer, GalleryServer]]:
    """Two galleries that show some photos."""
    of_one_address = {"max_address_watchers": WATCHERS}
    with dropwall() as quiet, dropwall(**of_one_address) as busy:
        for server in [quiet, busy] * 50:
            send_photo(server.url, new_photo())
        yield busy, quiet


def fast_request_ms(busy: GalleryServer, quiet: GalleryServer) -> list[list[float]]:
    """The median of each round, on the busy server and on the quiet one."""

    def median_ms(server: GalleryServer) -> float:
        time.sleep(0.8)  # at rest
        spent = []
        with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
            for _ in range(60):
                started = time.perf_counter()
                connection.request("GET", "/api/photos?limit=1")
                connection.getresponse().read()
                spent.append((time.perf_counter() - started) * 1000)
        return statistics.median(spent)

    return in_turns(6, lambda: median_ms(busy), lambda: median_ms(quiet))


@contextmanager
def in_a_process(
    act: Callable[[int, Connection], None], server: GalleryServer
) -> Iterator[Connection]:
    """Visitors who share no interpreter with what measures; the context begins when they have."""
    ours, theirs = Pipe()
    process = Process(target=act, args=(server.port, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.recv() == "begun"
        yield ours
        ours.send("end")
        process.join()
    finally:
        process.terminate()
    assert process.exitcode == 0


@contextmanager
def open_streams(port: int, count: int) -> Iterator[selectors.DefaultSelector]:
    """Sockets on which events come, whose HTTP heads have been read."""
    with ExitStack() as sockets, selectors.DefaultSelector() as ready:
        for _ in range(count):
            watcher = sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            watcher.sendall(b"GET /api/live HTTP/1.1\r\nHost: gallery\r\n\r\n")
            head = watcher.recv(65536)
            assert head.startswith(b"HTTP/1.1 200 "), head
            ready.register(watcher, selectors.EVENT_READ)
        yield ready
