"""Both servers under the same gunicorn, each in its folder."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.ports import free_port
from tests.running_server import ROOT, RunningServer


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
        url = f"127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "gunicorn", "--bind", url, "--workers", "2"]
        command += ["--threads", "16", "--no-control-socket", "tests.benchmarks.tutorial:app"]
        environ = os.environ | {"UPLOAD_PATH": folder}
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
        try:
            _wait_until_up(f"http://{url}/")
            yield f"http://{url}/"
        finally:
            process.terminate()
            process.wait()


def _wait_until_up(url: str) -> None:
    for _ in range(200):
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing answers at {url}")
