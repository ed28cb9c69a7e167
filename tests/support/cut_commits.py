"""A way to PostgreSQL that is cut exactly when a photo is committed."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from tests.support.serving import in_a_thread

PIECE_BYTES = 65536
ADDING, COMMIT = b"INSERT INTO photos ", b"COMMIT\0"


class CutCommits(ThreadingTCPServer):
    daemon_threads = True  # who has a pool keeps its connections

    def __init__(self, address: str, arrives: bool) -> None:
        """Of the first commit; whether it `arrives`, nobody is told."""
        super().__init__(("127.0.0.1", 0), _Connection)
        port = urlsplit(address).port
        self.far_end = "127.0.0.1", port
        self.address = address.replace(f":{port}/", f":{self.server_address[1]}/")
        self.arrives = arrives
        self.cuts = 0

    def handle_error(self, *_: object) -> None:
        """Either end may go at any time."""


class _Connection(BaseRequestHandler):
    server: CutCommits

    def handle(self) -> None:
        self._asked = b""  # in this transaction
        self._is_cut = False
        with socket.create_connection(self.server.far_end) as self._far:
            answers = threading.Thread(target=self._pass_on, args=(self._far, self._take_answer))
            answers.start()
            self._pass_on(self.request, self._take_statement)
            answers.join()

    def _pass_on(self, end: socket.socket, take: Callable[[bytes], None]) -> None:
        """Whatever ends one direction ends both."""
        with suppress(OSError):
            while piece := end.recv(PIECE_BYTES):
                take(piece)
        for each in (self.request, self._far):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _take_statement(self, piece: bytes) -> None:
        self._asked += piece
        if self._asked.endswith(COMMIT):
            if ADDING in self._asked and not self.server.cuts:
                self.server.cuts += 1
                self._is_cut = True
                if not self.server.arrives:
                    raise ConnectionError
            self._asked = b""
        self._far.sendall(piece)

    def _take_answer(self, piece: bytes) -> None:
        if self._is_cut:  # it is what the commit was answered
            raise ConnectionError
        self.request.sendall(piece)


@contextmanager
def cutting_a_commit(address: str, arrives: bool) -> Iterator[CutCommits]:
    with CutCommits(address, arrives) as way:
        way.block_on_close = False
        with in_a_thread(way):
            yield way
