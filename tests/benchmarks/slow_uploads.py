"""How long a fast request takes while 100 uploads trickle in; none of those is refused."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection

from tests.benchmarks.engines import Engine
from tests.benchmarks.fast_request import fast_request_ms, show_some_photos
from tests.benchmarks.processes import BEGUN, in_a_process
from tests.benchmarks.row import Row
from tests.benchmarks.sending import with_comment
from tests.benchmarks.servers import dropwall
from tests.support.photos import photo_bytes

UPLOADS, UPLOAD_BYTES, UPLOAD_SECONDS, PIECES = 100, 1_000_000, 20, 100
HEAD = b"POST / HTTP/1.1\r\nHost: gallery\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


def measure(engine: Engine) -> Iterator[Row]:
    with dropwall(**engine.new_settings()) as quiet, dropwall(**engine.new_settings()) as busy:
        show_some_photos(quiet, busy)
        with in_a_process(upload_slowly, busy) as uploading:
            busy_ms, alone_ms = fast_request_ms(busy, quiet)
            assert not uploading.poll(), "the uploads were over before the last request"
    yield Row(
        f"{UPLOADS} uploads of 1 MB over {UPLOAD_SECONDS} s: another's fast GET, p50",
        "ms",
        busy_ms,
        alone_ms,
        "no uploads",
        wanted_ratio=1.5,
    )


def upload_slowly(port: int, told: Connection) -> None:
    """All at once, each a little at a time; tells when all are answered."""
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
    told.send("all are answered")
