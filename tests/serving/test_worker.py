"""What a slow, broken or hostile visitor cannot do to the others, on a real gunicorn.

To see these tests fail without our worker: GUNICORN_CMD_ARGS="--worker-class gthread" pytest …
"""

import os
import re
import resource
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from gunicorn.workers.gthread import PollableMethodQueue

from dropwall.serving.worker import Worker
from tests.support.browser import ROOT
from tests.support.gallery_server import GalleryServer
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded

THREADS = 6
SHORT_SECONDS = 3
LONG_SECONDS = 10 * PATIENCE_SECONDS  # no test waits so long for a server that should not wait
MEGABYTE = 1 << 20


class Probe(GalleryServer):
    """A gunicorn as Dropwall configures it, which serves tests/support/probe.py with one worker."""

    application = (f"--graceful-timeout={LONG_SECONDS}", "tests.support.probe:application")

    def __init__(self, folder: Path, **settings: object) -> None:
        chosen = {"workers": 1, "threads": THREADS, "stall_seconds": LONG_SECONDS} | settings
        super().__init__(folder / "data", **chosen)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def answer(self, request: bytes) -> bytes:
        with self.connect() as visitor:
            visitor.sendall(request)
            return read_to_end(visitor)

    def state(self) -> list[int]:
        """The process id of the worker that answers, the number of its connections (with this
        one), and of the uploads that it reads."""
        return [int(number) for number in self.answer(request("/state")).split()[-3:]]

    def wait_for(self, connections: int, uploads: int = 0) -> None:
        wait_until(lambda: self.state()[1:] == [connections, uploads])

    def is_closed(self) -> bool:
        with suppress(ConnectionRefusedError):
            self.connect().close()
            return False
        return True


def read_to_end(visitor: socket.socket) -> bytes:
    with visitor.makefile("rb") as answer:
        return answer.read()


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: gallery", "Connection: close", *lines]
    return ("\r\n".join(head) + "\r\n\r\n").encode()


def upload(*lines: str, path: str = "/read") -> bytes:
    return request(path, *lines, method="POST")


HALF_AN_UPLOAD = upload("Content-Length: 9") + b"half"
CHUNKED = upload("Transfer-Encoding: chunked")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    folder = tmp_path_factory.mktemp("probe")
    with closing(
        Probe(folder, stall_seconds=SHORT_SECONDS, slowest_bytes_per_second=20_000)
    ) as server:
        yield server


@pytest.fixture
def server(impatient: Probe) -> Iterator[Probe]:
    """One for all tests, with the shortest stall; none of them may leave a traceback in its log."""
    logged = len(impatient.log)
    yield impatient
    assert "Traceback" not in impatient.log[logged:]


def test_a_slow_goodbye_does_not_hold_up_the_next_visitor(server: Probe) -> None:
    def is_served_meanwhile() -> bool:
        with server.connect() as lingering:
            lingering.sendall(request("/"))
            assert read_to_end(lingering).endswith(b"hello")  # and does not hang up
            return server.state()[1] == 2

    wait_until(is_served_meanwhile)
    server.wait_for(connections=1)  # every goodbye is counted, and once


def test_visitors_who_stall_give_their_threads_back(server: Probe) -> None:
    stalls = [
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: gal",
        HALF_AN_UPLOAD,
        CHUNKED + b"9\r\nhalf",
        request("/file"),
        request("/stream"),
    ]
    assert len(stalls) == THREADS
    with ExitStack() as visitors:
        for start in stalls:
            visitors.enter_context(server.connect()).sendall(start)
        server.wait_for(connections=1)


def test_a_visitor_who_trickles_bytes_is_cut_off(server: Probe) -> None:
    with server.connect() as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\nDrops: ")
        with pytest.raises(ConnectionError):
            wait_until(lambda: visitor.sendall(b"o"))  # a hundred bytes a second


def test_a_slow_but_steady_upload_arrives(server: Probe) -> None:
    with server.connect() as visitor:
        visitor.sendall(upload("Content-Length: 100000"))
        for _ in range(20):
            time.sleep(0.2)  # a slow sender: longer than the stall in all
            visitor.sendall(bytes(5000))
        assert read_to_end(visitor).endswith(b"100000 bytes")


def test_slow_but_steady_downloads_arrive(server: Probe) -> None:
    """Though the kernel takes nothing more in until much of what it has was sent."""
    with ExitStack() as connected:
        visitors = [connected.enter_context(server.connect()) for _ in range(3)]
        for visitor, path in zip(visitors, ("/lump", "/file", "/stream"), strict=True):
            visitor.sendall(request(path))
        received, started = 0, time.monotonic()
        while time.monotonic() < started + 3 * SHORT_SECONDS:
            received += sum(len(visitor.recv(10_000)) for visitor in visitors)
            time.sleep(0.2)  # slow receivers: longer than the stall in all
        received += sum(len(read_to_end(visitor)) for visitor in visitors)
    assert received > (24 + 64 + 64) * MEGABYTE


BROKEN_BODIES = {
    "cut off": (HALF_AN_UPLOAD, True, b"OSError"),
    "cut off in a chunk": (CHUNKED + b"9\r\nhalf", True, b"OSError"),
    "cut off after a chunk": (CHUNKED + b"4\r\nhalf", True, b"OSError"),
    "cut off before the trailer": (CHUNKED + b"0\r\n", True, b"OSError"),
    "no chunk size": (CHUNKED + b"nine\r\nhalf", False, b"OSError"),
    "wrong chunk size": (CHUNKED + b"4\r\nhalf and more\r\n", False, b"OSError"),
    "bad extension": (CHUNKED + b"4;\x01\r\nhalf\r\n", False, b"OSError"),
    "bad trailer": (CHUNKED + b"0\r\ntrailer\r\n\r\n", False, b"OSError"),
    "stalled": (HALF_AN_UPLOAD, False, b"TimeoutError"),
    "stalled in a chunk": (CHUNKED + b"9\r\nhalf", False, b"TimeoutError"),
    "no chunk size, and nobody reads": (
        b"POST / HTTP/1.1\r\nHost: gallery\r\nTransfer-Encoding: chunked\r\n\r\nnine\r\n",
        *(False, b"hello"),
    ),
}


def test_a_body_that_is_not_whole_is_an_os_error_and_has_one_answer(server: Probe) -> None:
    with ExitStack() as connected:
        visitors = {name: connected.enter_context(server.connect()) for name in BROKEN_BODIES}
        for name, (sent, hangs_up, _) in BROKEN_BODIES.items():
            visitors[name].sendall(sent)
            if hangs_up:
                visitors[name].shutdown(socket.SHUT_WR)
        answers = {name: read_to_end(visitor) for name, visitor in visitors.items()}
    bodies = {name: answer.split(b"\r\n\r\n")[1:] for name, answer in answers.items()}
    assert bodies == {name: [error] for name, (_, _, error) in BROKEN_BODIES.items()}


def test_our_own_defect_is_answered_in_one_plain_sentence(impatient: Probe) -> None:
    sentence = "Something went wrong on our side. Try again in a moment."
    answer = impatient.answer(request("/broken")).decode()
    assert re.sub("(?<=X-Request-Id: )[0-9a-f]{32}", "…", answer) == (
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n"
        f"Content-Length: {len(sentence)}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"X-Request-Id: …\r\n\r\n{sentence}"
    )
    assert "RuntimeError: a defect" in impatient.log


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (upload(f"Content-Length: {8 * MEGABYTE}", path="/refuse"), b"too large"),
        (request("/", "No colon"), b"This request couldn't be read. Reload the page"),
    ],
    ids=["by the application", "by gunicorn"],
)
def test_a_refusal_reaches_a_visitor_who_is_still_sending(
    server: Probe, start: bytes, end: bytes
) -> None:
    with server.connect() as visitor:
        visitor.sendall(start)
        visitor.sendall(bytes(8 * MEGABYTE))  # a browser reads only when it has sent everything
        assert end in read_to_end(visitor)


def test_a_visitor_who_resets_the_connection_is_not_logged(server: Probe) -> None:
    logged = server.log
    with server.connect() as visitor:
        visitor.sendall(HALF_AN_UPLOAD)
        server.wait_for(connections=2, uploads=1)
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wait_for(connections=1)
    assert server.log == logged


def test_a_port_that_is_taken_is_named(tmp_path: Path, server: Probe) -> None:
    with pytest.raises(AssertionError) as failed:
        Probe(tmp_path, port=server.port)
    assert str(failed.value) == (
        f"Dropwall can't use 127.0.0.1:{server.port}: Address already in use. "
        "Set DROPWALL_PORT to another port.\n"
    )


def test_ctrl_c_ends_the_server_at_once_whoever_is_connected(tmp_path: Path) -> None:
    with closing(Probe(tmp_path)) as server, server.connect() as idle, server.connect() as busy:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: gallery\r\n\r\n")
        assert b"Connection: keep-alive" in idle.recv(1000)
        busy.sendall(HALF_AN_UPLOAD)
        server.wait_for(connections=3, uploads=1)
        os.killpg(server.process.pid, signal.SIGINT)  # what a terminal does
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert server.log.splitlines() == [
            f"Dropwall is on {server.url}",
            f"Photos are kept in {server.data}",
            "Stop with Ctrl-C",
        ]


def test_an_upload_may_finish_while_the_server_stops(tmp_path: Path) -> None:
    with closing(Probe(tmp_path)) as server, server.connect() as uploading:
        uploading.sendall(HALF_AN_UPLOAD)
        server.wait_for(connections=2, uploads=1)
        server.process.terminate()
        wait_until(server.is_closed)
        uploading.sendall(b"other")
        assert read_to_end(uploading).endswith(b"9 bytes")
        uploading.close()
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_a_worker_that_ends_answers_everybody_who_was_connected(tmp_path: Path) -> None:
    with closing(Probe(tmp_path)) as server, ExitStack() as connected:
        [pid, *_] = server.state()
        os.kill(pid, signal.SIGSTOP)  # so that all wait in the listener's queue
        visitors = [connected.enter_context(server.connect()) for _ in range(THREADS)]
        for visitor in visitors:
            visitor.sendall(request("/"))
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        assert [read_to_end(visitor)[-5:] for visitor in visitors] == [b"hello"] * THREADS


def test_nobody_waits_in_the_queue_of_a_worker_that_ends(tmp_path: Path) -> None:
    with closing(Probe(tmp_path)) as server, server.connect() as uploading:
        uploading.sendall(HALF_AN_UPLOAD)
        server.wait_for(connections=2, uploads=1)
        [old, *_] = server.state()
        server.reload()  # the old worker waits for this upload
        answered_by = [old]

        def is_answered_by_the_new_one_alone() -> bool:
            with suppress(ConnectionError):  # whoever comes as the queue is closed tries again
                answered_by.append(server.state()[0])
            return old not in answered_by[-50:]

        wait_until(is_answered_by_the_new_one_alone)
        uploading.sendall(b"other")
        assert read_to_end(uploading).endswith(b"9 bytes")


def test_workers_end_with_their_parent_even_while_somebody_watches(tmp_path: Path) -> None:
    with closing(Probe(tmp_path)) as server, server.connect() as watching:
        watching.sendall(request("/watch"))
        assert watching.recv(1000).startswith(b"HTTP/1.1 200 OK")
        server.process.kill()
        read_to_end(watching)
        assert server.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        wait_until(server.is_closed)


def test_a_sigterm_that_arrives_between_two_requests_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would go on for half a minute, and its visitors would be cut off then."""
    worker = Worker.__new__(Worker)
    worker.alive, worker.ppid, worker.method_queue = True, 1, PollableMethodQueue()
    worker.method_queue.init()

    def arrives_while_the_parent_is_asked_for() -> int:
        worker.handle_exit(signal.SIGTERM, None)
        return worker.ppid

    monkeypatch.setattr(os, "getppid", arrives_while_the_parent_is_asked_for)
    with closing(worker.method_queue):
        assert not worker.is_parent_alive()
        assert not worker.alive


def test_more_visitors_than_the_usual_limit_of_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # What the server inherits; this process itself must still be able to start it.
    few = max(int(file.name) for file in Path("/proc/self/fd").iterdir()) + 50
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
        try:
            server = stack.enter_context(closing(Probe(tmp_path, threads=2 * few)))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(few + 40):
            stack.enter_context(server.connect())
        server.wait_for(connections=few + 41)
        assert "Traceback" not in server.log


FEW_FILES = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
exec(compile(open("{ROOT}/server/gunicorn.conf.py").read(), "gunicorn.conf.py", "exec"))
"""


@pytest.mark.parametrize("proxies", [0, 1])
def test_more_visitors_than_files_that_may_be_open(tmp_path: Path, proxies: int) -> None:
    """Behind a proxy, too, whose visitors all have its address."""
    config = tmp_path / "few.conf.py"
    config.write_text(FEW_FILES)

    class Few(Probe):
        application = (f"--config={config}", *Probe.application)

    with closing(Few(tmp_path, threads=512, proxies=proxies)) as server:
        [pid, *_] = server.state()
        with ExitStack() as connected:
            for _ in range(400):
                visitor = socket.create_connection(
                    ("127.0.0.1", server.port), PATIENCE_SECONDS, ("127.0.0.2", 0)
                )
                connected.enter_context(visitor)
                with suppress(ConnectionError):  # it has too many already
                    visitor.sendall(HALF_AN_UPLOAD)
            if not proxies:
                assert server.state()[0] == pid
        wait_until(lambda: server.state()[1] == 1)
        assert server.state()[0] == pid
        [warning] = [line for line in server.log.splitlines() if "ulimit" in line]
        assert warning.endswith(
            "Only 256 files may be open at once (ulimit -n), so each process serves no more than"
            " 32 requests at once."
        )
        assert "Traceback" not in server.log
