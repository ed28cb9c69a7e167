"""Starts Dropwall as `make run` does: a real gunicorn in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import requests

from tests.support.engines import addresses, stored_files
from tests.support.nursery import Forked, Nursery
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
STOP_SECONDS = 60
"""gunicorn itself gives a worker that was just starting half of that, before it kills it."""

Process = subprocess.Popen[bytes] | Forked

nursery: Nursery | None = None
"""Of the tests; what is measured starts as it does anywhere."""


class RunningServer:
    """Settings are fields of Config, as text. Listens on loopback only."""

    application: tuple[str, ...] = ()
    """Another one than the configuration's, as gunicorn's argument."""
    code: Path = ROOT
    """The folder in which the server's code and the page are."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        chosen = {"host": "127.0.0.1", "port": self.port, "data": data, "workers": 2}
        chosen |= addresses(data) | settings
        self._environ = os.environ | {
            f"DROPWALL_{name.upper()}": str(value) for name, value in chosen.items()
        }
        self.start()

    def start(self) -> None:
        self.log = (self.data.parent / "server.log").open("ab")
        arguments = ["--config", "server/gunicorn.conf.py", *self.application]
        self.process = start_gunicorn(arguments, self.code, self._environ, self.log, self.code)
        self._wait_until_well()

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        self.process.send_signal(with_signal)
        self.log.close()
        return self.process.wait(timeout=STOP_SECONDS)

    def kill(self) -> None:
        """All of its processes at once, as a power cut would; nothing is tidied up."""
        self.log.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=START_SECONDS)
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline:  # its workers have its port until they are gone, too
                os.killpg(self.process.pid, 0)
                time.sleep(0.01)
        self.process.wait(timeout=START_SECONDS)

    def reload(self) -> None:
        """New workers for the old ones, as on `kill -HUP`. It does not wait for them."""
        self.process.send_signal(signal.SIGHUP)

    def workers(self) -> list[Path]:
        """Their folders in Linux's /proc."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [Path(f"/proc/{worker}") for worker in children.read_text().split()]

    def files(self) -> list[str]:
        return stored_files(self.data)

    def photos(self) -> list[dict]:
        return requests.get(f"{self.url}/api/photos?limit=500", timeout=30).json()["photos"]

    def version(self) -> int:
        """Of the gallery, as everyone may know it."""
        page = requests.get(f"{self.url}/api/photos?limit=1", timeout=30).json()
        return int(page["version"])

    def send(self, *photos: tuple[str, bytes], **options: object) -> requests.Response:
        """One form with these photos, each a name and its bytes."""
        files = [("file", (name, content)) for name, content in photos]
        return requests.post(self.url, files=files, timeout=120, **options)

    def _wait_until_well(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if requests.get(f"{self.url}/healthz", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        self.kill()
        raise AssertionError((self.data.parent / "server.log").read_text())


def start_gunicorn(
    arguments: list[str], folder: Path, environ: dict[str, str], log: BinaryIO, code: Path = ROOT
) -> Process:
    """In this folder, with the server's code of another one."""
    if nursery and code == ROOT and "LD_PRELOAD" not in environ:
        return nursery.start(arguments, folder, environ, log)
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *arguments],
        cwd=folder,
        env=environ,
        stdout=log,
        stderr=log,
        start_new_session=True,  # so that `kill` reaches the workers
    )
