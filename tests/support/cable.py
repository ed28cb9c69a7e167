"""The cable between a page and its server, which can be pulled out."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from tests.support.serving import in_a_thread

PIECE_BYTES = 65536
STREAM = b"GET /api/live"


class Cable(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, server_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.far_end = urlsplit(server_url).hostname, urlsplit(server_url).port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.is_pulled = False
        self.connections: set[_Connection] = set()

    def pull(self) -> None:
        """Whatever is under way ends here, and nothing else begins."""
        self.is_pulled = True
        for connection in list(self.connections):
            connection.hang_up()

    def plug_in(self) -> None:
        self.is_pulled = False

    def silence_streams(self) -> None:
        """Those that there are now: they seem to be well, and nothing arrives."""
        for connection in list(self.connections):
            connection.is_silent = connection.is_stream

    def handle_error(self, *_: object) -> None:
        """Either end may go at any time."""


class _Connection(BaseRequestHandler):
    server: Cable
    is_stream = False
    is_silent = False

    def handle(self) -> None:
        with socket.create_connection(self.server.far_end) as self.far:
            self.server.connections.add(self)
            if self.server.is_pulled:
                return
            answers = threading.Thread(target=self._pass_on, args=(self.far, self._take_answer))
            answers.start()
            self._pass_on(self.request, self._take_request)
            answers.join()

    def finish(self) -> None:
        self.server.connections.discard(self)

    def hang_up(self) -> None:
        for end in (self.request, self.far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, end: socket.socket, take: Callable[[bytes], None]) -> None:
        """Whatever ends one direction ends both."""
        with suppress(OSError):
            while piece := end.recv(PIECE_BYTES):
                take(piece)
        self.hang_up()

    def _take_request(self, piece: bytes) -> None:
        self.is_stream = piece.startswith(STREAM)
        self.far.sendall(piece)

    def _take_answer(self, piece: bytes) -> None:
        if not self.is_silent:
            self.request.sendall(piece)


@contextmanager
def cable_to(server_url: str) -> Iterator[Cable]:
    with Cable(server_url) as cable:
        cable.block_on_close = False  # a page keeps its connections open
        try:
            with in_a_thread(cable):
                yield cable
        finally:
            cable.pull()
