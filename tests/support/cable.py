"""A network cable between a page and its server, which can be pulled out, or hold streams back."""

import threading

from tests.support.proxy import Connection, Proxy


class Cable(Proxy):
    def __init__(self, server_url: str) -> None:
        super().__init__(server_url, _CableConnection)
        self.is_pulled = False
        self.holds_streams = False
        self.lock = threading.Lock()
        self.connections: set[_CableConnection] = set()

    def __exit__(self, *_: object) -> None:
        self.pull()
        super().__exit__()

    def pull(self) -> None:
        """Ends all connections; new ones end at once until the cable is plugged in again."""
        self.is_pulled = True
        for connection in list(self.connections):
            connection.hang_up()

    def plug_in(self) -> None:
        self.is_pulled = False

    def hold_streams(self) -> None:
        """Nothing arrives of live streams that begin from now on, as behind a proxy that collects
        an answer before it passes it on."""
        self.holds_streams = True

    def let_streams_go(self) -> None:
        """What was held back arrives, and all that follows."""
        with self.lock:
            self.holds_streams = False
            for connection in list(self.connections):
                connection.request.sendall(connection.held)
                connection.held, connection.is_held = b"", False

    def silence_streams(self) -> None:
        """The live streams of this moment stay open, and nothing arrives on them any more."""
        for connection in list(self.connections):
            connection.is_silent = connection.is_stream


class _CableConnection(Connection):
    server: Cable
    is_stream = is_silent = is_held = False
    held = b""

    def handle(self) -> None:
        self.server.connections.add(self)
        if not self.server.is_pulled:
            super().handle()
        self.server.connections.discard(self)

    def take_request(self, piece: bytes) -> None:
        self.is_stream = piece.startswith(b"GET /api/live")
        self.is_held = self.is_stream and self.server.holds_streams
        super().take_request(piece)

    def take_answer(self, piece: bytes) -> None:
        with self.server.lock:
            if self.is_held:
                self.held += piece
            elif not self.is_silent:
                super().take_answer(piece)
