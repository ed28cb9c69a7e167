"""A proxy on TCP connections: what a test puts between a client and a server to fail there."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Self
from urllib.parse import urlsplit

PIECE_BYTES = 65536


class Proxy(ThreadingTCPServer):
    """Listens on a port of its own, and serves as a context manager."""

    daemon_threads = True  # browsers and pools keep their connections open

    def __init__(self, server_url: str, handler: type[BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        server = urlsplit(server_url)
        self.upstream_address = server.hostname, server.port
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Either end may go at any time."""


class Connection(BaseRequestHandler):
    """Passes on what both ends send. A subclass sees each piece first; if it raises OSError, the
    connection ends."""

    def setup(self) -> None:
        self.upstream = socket.create_connection(self.server.upstream_address)

    def handle(self) -> None:
        answers = threading.Thread(target=self._relay, args=(self.upstream, self.take_answer))
        answers.start()
        self._relay(self.request, self.take_request)
        answers.join()

    def finish(self) -> None:
        self.upstream.close()

    def take_request(self, piece: bytes) -> None:
        self.upstream.sendall(piece)

    def take_answer(self, piece: bytes) -> None:
        self.request.sendall(piece)

    def hang_up(self) -> None:
        for end in (self.request, self.upstream):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _relay(self, end: socket.socket, take: Callable[[bytes], None]) -> None:
        """Whatever ends one direction ends both."""
        with suppress(OSError):
            while piece := end.recv(PIECE_BYTES):
                take(piece)
        self.hang_up()
