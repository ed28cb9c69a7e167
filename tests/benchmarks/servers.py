"""The measured servers: how they are started, sent photos, and what they take of the machine."""

import http.client
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import requests

from tests.support.gallery_server import ROOT, GalleryServer, with_descendants
from tests.support.photos import photo_bytes
from tests.support.ports import closed_port
from tests.support.processes import Process
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 300
SAMPLE_SECONDS = 0.05
# Two gthread workers, as Dropwall has.
TUTORIAL = (
    "gunicorn --bind 127.0.0.1:{port} --workers 2 --threads 16 --no-control-socket"
    " tests.benchmarks.tutorial:app"
)
# As it comes, with one folder into which everyone may write; only that it listens on loopback,
# without TLS, and does not print every request.
COPYPARTY = "copyparty -i 127.0.0.1 -p {port} --http-only -q -v {photos}::rw"

_numbers = count()


@contextmanager
def dropwall(**settings: object) -> Iterator[GalleryServer]:
    """An empty gallery, as `make run` starts it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(GalleryServer(Path(folder) / "data", **settings)) as server,
    ):
        yield server


@contextmanager
def reference_server(module: str) -> Iterator[str]:
    """The address of TUTORIAL or COPYPARTY."""
    with tempfile.TemporaryDirectory() as home:
        port, photos, null = closed_port(), Path(home) / "photos", subprocess.DEVNULL
        photos.mkdir()
        url = f"http://127.0.0.1:{port}/"
        words = [word.format(port=port, photos=photos) for word in module.split()]
        variables = {"HOME": home, "XDG_CONFIG_HOME": home, "UPLOAD_PATH": str(photos)}
        command, environ = [sys.executable, "-m", *words], os.environ | variables
        process = Process(command, cwd=ROOT, env=environ, stdout=null, stderr=null)

        def answers() -> bool:
            with suppress(requests.ConnectionError):
                requests.get(url, timeout=TIMEOUT_SECONDS)
                return True
            return False

        try:
            wait_until(answers)
            yield url
        finally:
            process.terminate()
            process.wait()


def new_photo(size: tuple[int, int] = (64, 48), tail_bytes: int = 0) -> bytes:
    """Always the same picture but for its comment: the same bytes would be taken for the same
    photo. With a long tail, as phones append their motion videos."""
    photo = photo_bytes("jpg", size=size, quality=73)  # of 12 megapixels, 1.0 MB
    comment = str(next(_numbers)).encode()
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    return photo[:2] + segment + photo[2:] + bytes(range(256)) * (tail_bytes // 256)


def send_photo(url: str, *pieces: bytes, kind: str = "jpeg") -> None:
    """To Dropwall, as a raw body."""
    answer = ask(url, "POST", "/", pieces, {"Content-Type": f"image/{kind}"})
    assert answer.status == 204, answer.reason


def ask(
    url: str, method: str, path: str, body: Sequence[bytes] = (), headers: Mapping[str, str] = {}
) -> http.client.HTTPResponse:
    """The answer, read to its end. Not by `requests`: the client shares the cores with what is
    measured."""
    address = url.removeprefix("http://").removesuffix("/")
    headers = {"Content-Length": str(sum(map(len, body))), **headers}
    with closing(http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request(method, path, iter(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer


def memory_mb(server: GalleryServer) -> float:
    """That workers and decoders have for themselves alone, or share in part (Pss of
    smaps_rollup)."""
    rollups = []
    for process in with_descendants(server.process.pid):
        with suppress(OSError):  # a decoder of a large photo ends after it
            rollups.append((process / "smaps_rollup").read_text())
    lines = [line.split() for rollup in rollups for line in rollup.splitlines()]
    return sum(int(line[1]) * 1024 for line in lines if line[0] == "Pss:") / 1e6


def peak_mb(server: GalleryServer, works: list[Future]) -> float:
    """The most that the workers hold until all these works are done, looked at every so often."""
    peak = memory_mb(server)
    while wait(works, SAMPLE_SECONDS).not_done:
        peak = max(peak, memory_mb(server))
    return peak


def processor_seconds(server: GalleryServer) -> float:
    """Of all workers: utime and stime (proc_pid_stat(5))."""
    stats = [(worker / "stat").read_text() for worker in server.workers()]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")
