"""What a slow, broken or hostile visitor cannot do to the others, on a real gunicorn.

To see the tests fail without the mends: GUNICORN_CMD_ARGS="--worker-class gthread" pytest …
"""

import os
import re
import resource
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.gallery_server import ROOT, Process, start_gunicorn
from tests.support.waiting import wait_until

PATIENCE_SECONDS = 4.0  # with a stall of 1 s and a goodbye of at most 2 s, all is over by then
START_SECONDS = 30  # a process of Python and all that it imports, on a busy machine

PROBE = """
import gc, os, queue, tempfile
from gunicorn.workers.gthread import ThreadWorker

WATCHED = queue.SimpleQueue()
WATCHED.put(b"first")
SHEET = tempfile.TemporaryFile()
SHEET.truncate(64 << 20)

def app(environ, start_response):
    path, status, body = environ["PATH_INFO"], "200 OK", b"hello"
    if path == "/read":
        try:
            body = b"%d bytes" % len(environ["wsgi.input"].read())
        except TimeoutError:
            body = b"TimeoutError"
        except OSError:
            body = b"OSError"
    if path == "/refuse":
        status, body = "413 Content Too Large", b"too large"
    if path == "/connections":
        (worker,) = (it for it in gc.get_objects() if isinstance(it, ThreadWorker))
        body = b"%d connections" % worker.nr_conns
    if path == "/broken":
        raise RuntimeError("a defect")
    if path == "/stream":
        start_response(status, [])
        return (bytes(65536) for _ in range(1024))
    if path == "/file":
        start_response(status, [("Content-Length", str(64 << 20))])
        return environ["wsgi.file_wrapper"](os.fdopen(os.dup(SHEET.fileno()), "rb"))
    if path == "/watch":
        start_response(status, [])
        return iter(WATCHED.get, None)
    if path == "/lump":
        body = bytes(24 << 20)
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]

class Parts:
    class sweep:
        sweep_forever = staticmethod(lambda: None)

    class storage:
        check = staticmethod(lambda: None)

    class watchers:
        close = staticmethod(lambda: WATCHED.put(None))

app.extensions = {"dropwall": Parts}
"""


@dataclass
class Server:
    process: Process
    port: int
    log: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def answer(self, request: bytes) -> bytes:
        with self.connect() as visitor:
            visitor.sendall(request)
            return read_to_end(visitor)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launch(
    folder: Path, port: int, config: str = f"{ROOT}/server/gunicorn.conf.py", **changed: int
) -> Process:
    (folder / "probe.py").write_text(PROBE)
    settings = {"host": "127.0.0.1", "port": port, "data": "kept", "workers": 1}
    settings |= {"threads": 2, "stall_seconds": 1} | changed
    environ = {f"DROPWALL_{name.upper()}": str(value) for name, value in settings.items()}
    environ |= os.environ | {"PYTHONPATH": f"{ROOT}:{folder}"}
    with (folder / "log").open("wb") as log:
        return start_gunicorn(["--config", config, "probe:app"], folder, environ, log)


@contextmanager
def serving(folder: Path, **changed: Any) -> Iterator[Server]:
    port = free_port()
    process = launch(folder, port, **changed)
    server = Server(process, port, folder / "log")
    try:
        wait_until_open(server)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_open(server: Server) -> None:
    deadline = time.monotonic() + 15
    while server.process.poll() is None and time.monotonic() < deadline:
        try:
            server.connect().close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError(server.log.read_text())


def read_to_end(visitor: socket.socket) -> bytes:
    received = bytearray()
    while piece := visitor.recv(1 << 20):
        received += piece
    return bytes(received)


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: gallery", "Connection: close", *lines]
    return ("\r\n".join(head) + "\r\n\r\n").encode()


def upload(*lines: str, path: str = "/read") -> bytes:
    return request(path, *lines, method="POST")


def refusal(status: str, sentence: str) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(sentence)}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nX-Request-Id: \r\n\r\n{sentence}"
    ).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def test_a_slow_goodbye_does_not_hold_up_the_next_visitor(server: Server) -> None:
    with server.connect() as lingering:
        lingering.sendall(request("/"))
        assert read_to_end(lingering).endswith(b"hello")  # and does not hang up
        started = time.monotonic()
        assert server.answer(request("/")).endswith(b"hello")
        assert time.monotonic() - started < 1


def test_every_goodbye_is_counted_once(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (counted := server.answer(request("/connections"))).endswith(b"\n1 connections"):
        assert time.monotonic() < deadline, counted


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"GET / HT", id="request_line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: gal", id="headers"),
        pytest.param(upload("Content-Length: 9") + b"half", id="body"),
        pytest.param(upload("Transfer-Encoding: chunked") + b"9\r\nhalf", id="chunk"),
        pytest.param(request("/file"), id="download"),
        pytest.param(request("/stream"), id="streamed_download"),
    ],
)
def test_visitors_who_stall_give_their_threads_back(server: Server, start: bytes) -> None:
    told = server.log.read_text()  # of a defect, when another test comes first
    with server.connect() as first, server.connect() as second:
        first.sendall(start)
        second.sendall(start)
        time.sleep(0.1)  # both threads are theirs now
        assert server.answer(request("/")).endswith(b"hello")
    assert "Traceback" not in server.log.read_text().removeprefix(told)


def test_a_visitor_who_sends_drops_is_not_kept_for_long(server: Server) -> None:
    with server.connect() as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\nDrops: ")
        with pytest.raises(ConnectionError):
            drip(visitor)


def drip(visitor: socket.socket) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        visitor.sendall(b"o")
        time.sleep(0.1)


def test_a_slow_but_steady_upload_arrives(server: Server) -> None:
    with server.connect() as visitor:
        visitor.sendall(upload("Content-Length: 8000"))
        for _ in range(8):
            time.sleep(0.2)
            visitor.sendall(bytes(1000))
        assert read_to_end(visitor).endswith(b"8000 bytes")


def test_a_slow_but_steady_download_arrives(server: Server) -> None:
    received = 0
    with server.connect() as visitor:
        visitor.sendall(request("/lump"))
        while piece := visitor.recv(1 << 20, socket.MSG_WAITALL):
            received += len(piece)
            time.sleep(0.1)
    assert received > 24 << 20


CHUNKED = upload("Transfer-Encoding: chunked")
BROKEN_BODIES = {
    "cut_off": (upload("Content-Length: 9") + b"half", True, b"OSError"),
    "cut_off_in_a_chunk": (CHUNKED + b"9\r\nhalf", True, b"OSError"),
    "cut_off_after_a_chunk": (CHUNKED + b"4\r\nhalf", True, b"OSError"),
    "cut_off_before_the_trailer": (CHUNKED + b"0\r\n", True, b"OSError"),
    "no_chunk_size": (CHUNKED + b"nine\r\nhalf", False, b"OSError"),
    "wrong_chunk_size": (CHUNKED + b"4\r\nhalf and more\r\n", False, b"OSError"),
    "bad_extension": (CHUNKED + b"4;\x01\r\nhalf\r\n", False, b"OSError"),
    "bad_trailer": (CHUNKED + b"0\r\ntrailer\r\n\r\n", False, b"OSError"),
    "stalled": (upload("Content-Length: 9") + b"half", False, b"TimeoutError"),
    "stalled_in_a_chunk": (CHUNKED + b"9\r\nhalf", False, b"TimeoutError"),
}


@pytest.mark.parametrize(
    ("body", "hangs_up", "error"), BROKEN_BODIES.values(), ids=BROKEN_BODIES.keys()
)
def test_a_body_that_is_not_whole_is_an_os_error_to_the_application(
    server: Server, body: bytes, hangs_up: bool, error: bytes
) -> None:
    with server.connect() as visitor:
        visitor.sendall(body)
        if hangs_up:
            visitor.shutdown(socket.SHUT_WR)
        assert read_to_end(visitor).split(b"\r\n\r\n")[1] == error


def test_bad_framing_that_nobody_reads_brings_no_second_answer(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: gallery\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert server.answer(head + b"nine\r\n").endswith(b"\r\n\r\nhello")


UNREADABLE = "This request could not be read; please reload the page and try again."
TOO_LONG = "This address is too long; please shorten it."
TOO_MUCH = "This request has too much in its head; please clear this site's cookies and try again."
DEFECT = "Something went wrong on our side; please try again in a moment."
REFUSALS = {
    "no_request": (b"hello\r\n\r\n", "400 Bad Request", UNREADABLE),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", "400 Bad Request", UNREADABLE),
    "version": (b"GET / HTTP/3.0\r\n\r\n", "400 Bad Request", UNREADABLE),
    "method": (b"get / HTTP/1.1\r\n\r\n", "400 Bad Request", UNREADABLE),
    "header": (request("/", "No colon"), "400 Bad Request", UNREADABLE),
    "header_name": (request("/", "Sp ace: 1"), "400 Bad Request", UNREADABLE),
    "folding": (request("/", "Folded: a", " b"), "400 Bad Request", UNREADABLE),
    "negative_length": (upload("Content-Length: -1"), "400 Bad Request", UNREADABLE),
    "wordy_length": (upload("Content-Length: many"), "400 Bad Request", UNREADABLE),
    "two_lengths": (upload(*2 * ["Content-Length: 1"]), "400 Bad Request", UNREADABLE),
    "unknown_coding": (upload("Transfer-Encoding: knitted"), "400 Bad Request", UNREADABLE),
    "unending_coding": (upload("Transfer-Encoding: gzip"), "400 Bad Request", UNREADABLE),
    "expectation": (request("/", "Expect: tea"), "417 Expectation Failed", UNREADABLE),
    "long_address": (request("/" + 5000 * "a"), "414 URI Too Long", TOO_LONG),
    "long_header": (
        request("/", "Cookie: " + 9000 * "a"),
        "431 Request Header Fields Too Large",
        TOO_MUCH,
    ),
    "many_headers": (
        request("/", *(f"A{number}: 1" for number in range(150))),
        "431 Request Header Fields Too Large",
        TOO_MUCH,
    ),
    "our_own_defect": (request("/broken"), "500 Internal Server Error", DEFECT),
}


@pytest.mark.parametrize(("asked", "status", "sentence"), REFUSALS.values(), ids=REFUSALS.keys())
def test_every_refusal_of_the_server_itself_is_one_plain_sentence(
    server: Server, asked: bytes, status: str, sentence: str
) -> None:
    answer = re.sub(rb"(?<=X-Request-Id: )[0-9a-f]{32}(?=\r\n)", b"", server.answer(asked))
    assert answer == refusal(status, sentence)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(upload("Content-Length: 8388608", path="/refuse"), b"too large", id="app"),
        pytest.param(request("/", "No colon"), UNREADABLE.encode(), id="gunicorn"),
    ],
)
def test_a_refusal_reaches_a_visitor_who_is_still_sending(
    server: Server, start: bytes, end: bytes
) -> None:
    with server.connect() as visitor:
        visitor.sendall(start)
        visitor.sendall(bytes(8388608))  # a browser, too, reads only when it has sent everything
        assert read_to_end(visitor).endswith(end)


def test_ctrl_c_ends_it_at_once_whoever_is_connected(tmp_path: Path) -> None:
    running = serving(tmp_path, stall_seconds=60)
    with running as server, server.connect() as idle, server.connect() as uploading:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: gallery\r\n\r\n")
        assert b"Connection: keep-alive" in idle.recv(1000)
        uploading.sendall(upload("Content-Length: 9") + b"half")
        time.sleep(0.1)
        os.killpg(server.process.pid, signal.SIGINT)  # what a terminal does
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert server.log.read_text().splitlines() == [
            f"Dropwall is on http://127.0.0.1:{server.port}",
            f"Photos are kept in {tmp_path / 'kept'}",
            "Stop with Ctrl-C",
        ]


def test_an_upload_may_finish_while_the_server_stops(tmp_path: Path) -> None:
    with serving(tmp_path, stall_seconds=60) as server, server.connect() as uploading:
        uploading.sendall(upload("Content-Length: 9") + b"half")
        time.sleep(0.1)
        server.process.terminate()
        time.sleep(0.3)
        uploading.sendall(b"other")
        assert read_to_end(uploading).endswith(b"9 bytes")
        uploading.close()
        assert server.process.wait(PATIENCE_SECONDS) == 0


SLOW_FORK = f"""
import time
exec(compile(open("{ROOT}/server/gunicorn.conf.py").read(), "gunicorn.conf.py", "exec"))

def post_fork(server, worker):
    if worker.age == 2:
        (dropwall.data / "forked").touch()
        time.sleep(3)
    make_room(_counted)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_just_starting_ends_with_the_server(
    tmp_path: Path, sent: signal.Signals
) -> None:
    """It is told so once, and killed half a minute later."""
    (tmp_path / "slow.conf.py").write_text(SLOW_FORK)
    config = str(tmp_path / "slow.conf.py")
    with serving(tmp_path, workers=2, config=config) as server:
        wait_until(lambda: any(tmp_path.rglob("forked")))
        server.process.send_signal(sent)
        assert server.process.wait(START_SECONDS / 2) == 0


def test_a_worker_that_ends_leaves_nobody_at_its_door(tmp_path: Path) -> None:
    with serving(tmp_path, stall_seconds=60, threads=16) as server, server.connect() as uploading:
        uploading.sendall(upload("Content-Length: 9") + b"half")
        time.sleep(0.1)
        server.process.send_signal(signal.SIGHUP)  # the old worker waits for this upload
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline - 2:  # before, meanwhile and afterwards
            with suppress(ConnectionError):  # whoever comes as the door falls shut knocks again
                assert server.answer(request("/")).endswith(b"hello")
        uploading.sendall(b"other")
        assert read_to_end(uploading).endswith(b"9 bytes")


def test_without_their_parent_workers_end_whoever_watches(tmp_path: Path) -> None:
    with serving(tmp_path, threads=16) as server, server.connect() as watching:
        watching.sendall(request("/watch"))
        assert watching.recv(1000).startswith(b"HTTP/1.1 200 OK")
        server.process.kill()
        read_to_end(watching)
        assert server.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        wait_until_closed(server)


def wait_until_closed(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("somebody still listens")


def test_more_visitors_than_the_usual_limit_of_open_files(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    # What the server inherits; this process itself must still be able to start it.
    few = max(int(file.name) for file in Path("/proc/self/fd").iterdir()) + 32
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, usual[1]))
        try:
            server = stack.enter_context(serving(tmp_path, threads=few))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)
        with ExitStack() as crowd:
            for _ in range(few + 40):
                crowd.enter_context(server.connect())
            time.sleep(0.2)
        assert server.answer(request("/")).endswith(b"hello")
        assert "Traceback" not in server.log.read_text()


def test_a_port_that_is_taken_is_named(tmp_path: Path, server: Server) -> None:
    process = launch(tmp_path, server.port)
    assert process.wait(START_SECONDS) == 1
    assert (tmp_path / "log").read_text() == (
        f"Dropwall cannot use 127.0.0.1:{server.port}: Address already in use. "
        "Set DROPWALL_PORT to another port.\n"
    )


def test_a_visitor_who_resets_the_connection_leaves_no_trace(server: Server) -> None:
    with server.connect() as visitor:
        visitor.sendall(upload("Content-Length: 9") + b"half")
        time.sleep(0.05)
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    logged = server.log.read_text()
    assert server.answer(request("/")).endswith(b"hello")
    assert server.log.read_text() == logged
