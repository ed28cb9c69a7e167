"""Connections and workers without a server: what no visitor can bring about at will."""

import errno
import io
import logging
import os
import select
import socket
import sys
from collections.abc import Iterator

import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.http.errors import LimitRequestLine

from dropwall.refusals import CatalogUnavailable
from dropwall.serving.connection import MinimumRateSocket, Stalled, WholeBody
from dropwall.serving.worker import Worker
from tests.support.waiting import PATIENCE_SECONDS

Ends = tuple[MinimumRateSocket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Ours, which allows the other side to stall for 0.2 s, and the visitor's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        visitor = socket.create_connection(listener.getsockname(), PATIENCE_SECONDS)
        accepted, _ = listener.accept()
    ours = MinimumRateSocket(accepted, stall_seconds=0.2, slowest_bytes_per_second=10**9)
    with ours, visitor:
        yield ours, visitor


class Body(io.BytesIO):
    """As gunicorn reads one in chunks."""

    length = None


def test_a_client_is_asked_once_for_its_body_when_that_is_read_first(ends: Ends) -> None:
    ours, visitor = ends
    body = WholeBody(Body(b"photo"), ours)
    assert body.read(0) == b""
    assert not select.select([visitor], [], [], 0.1)[0]
    assert body.read(2) + body.read(100) + body.read(100) == b"photo"
    assert visitor.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_where_the_kernel_tells_nothing_of_its_buffer_a_stalled_reader_is_noticed(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS."""
    monkeypatch.setattr(sys, "platform", "darwin")
    ours, visitor = ends
    ours.sendall(b"photo")
    assert visitor.recv(100) == b"photo"
    with pytest.raises(Stalled):
        ours.sendall(bytes(10**8))


@pytest.fixture
def worker() -> Worker:
    """One that serves nothing."""
    worker = Worker.__new__(Worker)
    worker.log, worker.sockets = logging.getLogger("gunicorn.error"), []
    return worker


class Listener:
    """A listening socket whose queue cannot be read."""

    def __init__(self, error: int) -> None:
        self.error = error

    def accept(self) -> None:
        raise OSError(self.error, os.strerror(self.error))


def test_who_connects_waits_while_no_more_files_can_be_opened(worker: Worker) -> None:
    for error in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        worker.accept(Listener(error))  # gunicorn would end
    with pytest.raises(OSError, match="Bad file descriptor"):
        worker.accept(Listener(errno.EBADF))


def test_who_has_left_before_a_refusal_is_no_error(
    worker: Worker, ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ours, visitor = ends
    refusal = LimitRequestLine(9999, 4094)
    worker.handle_error(None, ours, None, refusal)
    assert visitor.recv(20) == b"HTTP/1.1 414 URI Too"
    ours.shutdown(socket.SHUT_WR)
    worker.handle_error(None, ours, None, refusal)
    assert {record.levelname for record in caplog.records} == {"INFO", "DEBUG"}
    assert "Nobody is left to read the refusal: " in caplog.text


def test_a_worker_whose_catalog_does_not_answer_yet_is_followed_by_another(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With another exit status gunicorn would end."""

    def load(_: object) -> None:
        raise CatalogUnavailable("It is starting.")

    monkeypatch.setattr("gunicorn.workers.gthread.ThreadWorker.load_wsgi", load)
    with pytest.raises(SystemExit) as ended:
        worker.load_wsgi()
    assert ended.value.code not in (Arbiter.WORKER_BOOT_ERROR, Arbiter.APP_LOAD_ERROR)
    assert "Dropwall can't start yet. It is starting." in caplog.text
