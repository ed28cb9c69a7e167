"""Ports of loopback for the servers that tests start."""

import socket
import sys


class Port:
    """A port that the kernel has chosen and gives to nobody else until it is released. A server
    that sets SO_REUSEADDR, as all of ours do, can listen on it meanwhile: we never do."""

    def __init__(self, second_at: int = 0) -> None:
        """With `second_at` the port that lies so far above is held, too."""
        while True:
            self._sockets = [self._bind(0)]
            self.number: int = self._sockets[0].getsockname()[1]
            try:
                if second_at:
                    self._sockets.append(self._bind(self.number + second_at))
                if sys.platform != "linux":  # BSD lets nobody else bind what is held
                    self.release()
                return
            except (OSError, OverflowError):
                self.release()

    def release(self) -> None:
        for held in self._sockets:
            held.close()

    def _bind(self, port: int) -> socket.socket:
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            held.close()
            raise
        return held


def closed_port() -> int:
    """A port on which nothing listens, for as long as these tests run."""
    _closed.append(Port())
    return _closed[-1].number


_closed: list[Port] = []
