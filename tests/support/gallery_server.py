"""Galleries on a real gunicorn: one of their own, as `make run` starts it, or one after the other
on the gunicorn that all tests of a process share."""

import os
import signal
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import requests

from tests.support.browser import ROOT
from tests.support.engines import addresses, stored_files
from tests.support.ports import Port
from tests.support.processes import Process, temporary_folder
from tests.support.programs import skip
from tests.support.waiting import PATIENCE_SECONDS

OPEN_GALLERY, CLOSE_GALLERY = "/_tests/open-gallery", "/_tests/close-gallery"
PROC = Path("/proc")
"""Linux's folder of processes; macOS has none."""
HASTY = """
import brotli
from gunicorn.app.wsgiapp import run
compress = brotli.compress
brotli.compress = lambda content, quality: compress(content, quality=1)
run(prog="gunicorn")
"""

gunicorn = ("-m", "gunicorn")
"""Python's arguments. `conftest.py` has HASTY instead: of each start, compressing the page's files
as well as can be takes half a second, and no test looks at their size on a server."""


class Gallery:
    """What a test asks of a gallery that runs. `log` is what its server has written since it was
    opened."""

    url: str
    data: Path
    log: str

    def files(self) -> list[str]:
        return stored_files(self.data)

    def photos(self) -> list[dict]:
        return requests.get(f"{self.url}/api/photos?limit=500", timeout=60).json()["photos"]

    def version(self) -> int:
        """The gallery's, as everyone may know it."""
        page = requests.get(f"{self.url}/api/photos?limit=1", timeout=60).json()
        return int(page["version"])

    def send(self, *photos: tuple[str, bytes], **options: Any) -> requests.Response:
        """One form with these photos, each a name and its bytes."""
        files = [("file", (name, content)) for name, content in photos]
        return requests.post(self.url, files=files, timeout=120, **options)


class GalleryServer(Gallery):
    """A gunicorn of its own, listening on loopback only. Settings are fields of Config, as text."""

    application: tuple[str, ...] = ()
    """Another one than the configuration's, as gunicorn's argument."""
    code: Path = ROOT
    """The folder in which the server's code and the page are. For another version it also has the
    package `dropwall`, which comes before the one that is installed."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.data = data
        self._log_path = data.parent / "server.log"
        self._held = Port()
        self.port = self._held.number
        self.url = f"http://127.0.0.1:{self.port}"
        chosen = {"host": "127.0.0.1", "port": self.port, "data": data, "workers": 2}
        chosen |= addresses(data) | settings
        self._worker_count = int(str(chosen["workers"]))
        self._environ = os.environ | _variables(chosen)
        self.start()

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def start(self) -> None:
        arguments = ["--config", "server/gunicorn.conf.py", *self.application]
        with self._log_path.open("ab") as log:
            environ = self._environ | {"PYTHONPATH": str(self.code)}
            self.process = start_gunicorn(arguments, self.code, environ, log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.has_started():
                return
            time.sleep(0.02)
        self.kill()
        self._held.release()
        raise AssertionError(self.log)

    def has_started(self) -> bool:
        """It answers, and all of its workers are there, though not all may listen yet."""
        with suppress(requests.RequestException):
            is_well = requests.get(f"{self.url}/healthz", timeout=5).ok
            return is_well and (not PROC.exists() or len(self.workers()) == self._worker_count)
        return False

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Kills all of its processes at once, as a power cut would; nothing is tidied up."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE_SECONDS)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:  # its workers have its port until they are gone, too
                os.killpg(self.process.pid, 0)
                time.sleep(0.01)

    def close(self) -> None:
        """Stops it if it still runs; a graceful end would wait for idle connections."""
        self.stop(signal.SIGINT)
        self._held.release()

    def reload(self) -> None:
        """Asks for new workers in place of the old ones, as `kill -HUP` does, and does not wait."""
        self.process.send_signal(signal.SIGHUP)

    def workers(self) -> list[Path]:
        """Their folders in Linux's /proc. Skips the test where there is none."""
        if not PROC.exists():
            skip("processes are looked into by Linux's /proc")
        children = PROC / f"{self.process.pid}/task/{self.process.pid}/children"
        found = []
        for child in children.read_text().split():
            with suppress(ProcessLookupError):  # it has just ended
                # Whoever forks the decoders is in a session of its own.
                if os.getsid(int(child)) == os.getsid(self.process.pid):
                    found.append(PROC / child)
        return found


def with_descendants(process: int) -> list[Path]:
    """Its folder in Linux's /proc, and those of the processes that it, or they, have started."""
    found = [PROC / str(process)]
    with suppress(OSError):  # it has just ended
        for child in (found[0] / f"task/{process}/children").read_text().split():
            found += with_descendants(int(child))
    return found


class SharedGallery(Gallery):
    """A gallery of its own on the gunicorn that all tests of this process share: for those that
    neither stop it nor look into its processes. The gallery that was opened before it is closed."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.data = data
        self._server = shared_server()
        self.url = self._server.url
        self._log_begins = len(self._server.log)
        chosen = {"data": data, "database": "", "storage": ""} | addresses(data) | settings
        opened = requests.post(self.url + OPEN_GALLERY, json=_variables(chosen), timeout=60)
        assert opened.ok, self.log

    @property
    def log(self) -> str:
        return self._server.log[self._log_begins :]

    def close(self) -> None:
        """Waits until nothing is under way any more, and looks at what was logged."""
        requests.post(self.url + CLOSE_GALLERY, timeout=60)
        assert "Traceback" not in self.log, self.log


@cache
def shared_server() -> GalleryServer:
    """It starts with the first test that wants it, and ends with this process."""

    class Shared(GalleryServer):
        application = ("tests.support.shared_app:application",)

    data = temporary_folder("tests") / "data"
    embedded = {"database": data / "catalog.sqlite", "storage": data}  # till the first is opened
    return Shared(data, workers=1, **embedded)


def start_gunicorn(
    arguments: list[str], code: Path, environ: dict[str, str], log: BinaryIO
) -> Process:
    """With the server's code of this folder."""
    command = [sys.executable, *gunicorn, *arguments]
    return Process(command, cwd=code, env=environ, stdout=log, stderr=log)


def _variables(settings: dict[str, object]) -> dict[str, str]:
    return {f"DROPWALL_{name.upper()}": str(value) for name, value in settings.items()}
