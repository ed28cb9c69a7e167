"""A network cable between a page and its server, which can be pulled out."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.proxy import Connection, Proxy
from tests.support.waiting import in_a_thread

STREAM = b"GET /api/live"


class Cable(Proxy):
    def __init__(self, server_url: str) -> None:
        super().__init__(server_url, _CableConnection)
        self.is_pulled = False
        self.connections: set[_CableConnection] = set()

    def pull(self) -> None:
        """Ends all connections; new ones end at once until the cable is plugged in again."""
        self.is_pulled = True
        for connection in list(self.connections):
            connection.hang_up()

    def plug_in(self) -> None:
        self.is_pulled = False

    def silence_streams(self) -> None:
        """The live streams of this moment stay open, and nothing arrives on them any more."""
        for connection in list(self.connections):
            connection.is_silent = connection.is_stream


class _CableConnection(Connection):
    server: Cable
    is_stream = is_silent = False

    def handle(self) -> None:
        self.server.connections.add(self)
        if not self.server.is_pulled:
            super().handle()

    def finish(self) -> None:
        self.server.connections.discard(self)
        super().finish()

    def take_request(self, piece: bytes) -> None:
        self.is_stream = piece.startswith(STREAM)
        super().take_request(piece)

    def take_answer(self, piece: bytes) -> None:
        if not self.is_silent:
            super().take_answer(piece)


@contextmanager
def cable_to(server_url: str) -> Iterator[Cable]:
    with Cable(server_url) as cable, in_a_thread(cable):
        try:
            yield cable
        finally:
            cable.pull()
