"""Ports of loopback for the servers that tests start."""

import socket
import sys


class Port:
    """A port that the kernel has chosen and gives to nobody else until it is released. A server
    that sets SO_REUSEADDR, as all of ours do, can listen on it meanwhile: we never do."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]
        if sys.platform != "linux":  # BSD lets nobody else bind what is held
            self.release()

    def release(self) -> None:
        self._socket.close()


def closed_port() -> int:
    """A port on which nothing listens, for as long as these tests run."""
    _closed.append(Port())
    return _closed[-1].number


_closed: list[Port] = []
