"""Ports of loopback for servers of the tests."""

import socket


def free_port() -> int:
    """Of this moment: nobody had it when we looked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
