"""Dropwall, the tutorial's server under the same gunicorn, and a peer, each in its folder."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.gallery_server import ROOT, RunningServer
from tests.support.ports import free_port

START_SECONDS = 30


@contextmanager
def dropwall(**settings: object) -> Iterator[RunningServer]:
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder) / "data", **settings)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def tutorial() -> Iterator[str]:
    """Its address. Two gthread workers, as Dropwall has."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
        command += ["--workers", "2", "--threads", "16", "--no-control-socket"]
        command += ["tests.benchmarks.tutorial:app"]
        with _running(command, port, UPLOAD_PATH=folder) as url:
            yield url


@contextmanager
def copyparty(*options: str) -> Iterator[str]:
    """Its address. As it comes, with one folder into which everyone may write; only that it
    listens on loopback, without TLS, and does not print every request."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        (photos := Path(folder) / "photos").mkdir()
        command = [sys.executable, "-m", "copyparty", "-i", "127.0.0.1", "-p", str(port)]
        command += ["--http-only", "-q", "-v", f"{photos}::rw", *options]
        with _running(command, port, HOME=folder, XDG_CONFIG_HOME=folder) as url:
            yield url


@contextmanager
def _running(command: list[str], port: int, **environ: str) -> Iterator[str]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_until_up(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_until_up(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing answers at {url}")
