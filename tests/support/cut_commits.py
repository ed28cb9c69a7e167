"""A connection to PostgreSQL that is cut exactly when a photo is committed."""

from tests.support.proxy import Connection, Proxy


class CutCommits(Proxy):
    def __init__(self, address: str, arrives: bool) -> None:
        """Cuts the first commit, before the database or after it (`arrives`) has seen it."""
        super().__init__(address, _CommitConnection)
        self.address = address.replace(f":{self.upstream_address[1]}/", f":{self.port}/")
        self.arrives = arrives
        self.cuts = 0


class _CommitConnection(Connection):
    server: CutCommits
    transaction = b""
    is_cut = False

    def take_request(self, piece: bytes) -> None:
        self.transaction += piece
        if self.transaction.endswith(b"COMMIT\0"):
            if b"INSERT INTO photos " in self.transaction and not self.server.cuts:
                self.server.cuts += 1
                self.is_cut = True
                if not self.server.arrives:
                    raise ConnectionError
            self.transaction = b""
        super().take_request(piece)

    def take_answer(self, piece: bytes) -> None:
        if self.is_cut:  # the answer to the commit
            raise ConnectionError
        super().take_answer(piece)
