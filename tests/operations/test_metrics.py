"""/metrics for Prometheus: who gets the numbers, and whether they add up."""

import io
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from dropwall import create_app
from dropwall.config import Config
from dropwall.operations import metrics
from tests.support.browser import ROOT
from tests.support.chunks import InChunks, send_all
from tests.support.engines import config_of
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.stream import Watcher
from tests.support.visitors import outcome
from tests.support.waiting import wait_until

pytestmark = pytest.mark.embedded

TOKEN = "rosé=secret"
FOR_THE_TOKEN = "A valid metrics token is required."


class Numbers:
    """As Prometheus reads them; nothing is there twice."""

    def __init__(self, asked: FlaskClient | GalleryServer) -> None:
        bearer = f"Bearer {TOKEN}".encode()
        if isinstance(asked, FlaskClient):
            answer = asked.get("/metrics", headers={"Authorization": bearer.decode("l1")})
        else:
            url, headers = f"{asked.url}/metrics", {"Authorization": bearer}
            answer = requests.get(url, headers=headers, timeout=60)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        families = text_string_to_metric_families(answer.text)
        self.samples = [sample for family in families for sample in family.samples]
        named = [(sample.name, sorted(sample.labels.items())) for sample in self.samples]
        assert all(named.count(one) == 1 for one in named)

    def total(self, name: str, **labels: str) -> float:
        """The sum of all that have these labels."""
        found = (s for s in self.samples if s.name == f"dropwall_{name}")
        return sum(s.value for s in found if labels.items() <= s.labels.items())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "data", metrics_token=TOKEN)


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"metrics_token": TOKEN}


def test_metrics_are_for_the_token_alone_and_need_no_passcode(config: Config) -> None:
    without = create_app(replace(config, metrics_token="", passcode="roses")).test_client()
    client = create_app(replace(config, passcode="roses")).test_client()
    for told in ("", "Bearer", "Bearer ", "Bearer rose", f"Basic {TOKEN}", TOKEN):
        headers = {"Authorization": told.encode().decode("l1")}
        assert without.get("/metrics", headers=headers).status_code == 404, told
        answer = client.get("/metrics", headers=headers)
        assert (*outcome(answer), answer.mimetype) == (401, FOR_THE_TOKEN, "text/plain"), told
    assert Numbers(client).samples


def test_added_and_refused_photos_are_counted(client: FlaskClient) -> None:
    good, bad = photo_bytes("jpg"), b"no photo"
    files = [("a.jpg", good), ("b.jpg", bad), ("c.svg", bad)]
    form = {"file": [(io.BytesIO(content), name) for name, content in files]}
    client.post("/", data=form, buffered=True)
    client.post("/", data=b"", content_type="image/jpeg", buffered=True)
    in_chunks = InChunks(photo_bytes("png"), 10_000, "a.png")
    assert send_all(client, in_chunks) == [204] * len(in_chunks.numbers)
    numbers = Numbers(client)
    assert numbers.total("photos_added_total") == 2
    for reason in ("not-a-photo", "unknown-extension", "no-photo"):
        assert numbers.total("photos_refused_total", reason=reason) == 1
    assert numbers.total("photos_refused_total") == 3
    received = len(good) + 2 * len(bad) + len(in_chunks.content)
    assert numbers.total("received_bytes_total") == received
    assert numbers.total("http_requests_total", method="POST", rule="/", status="400") == 2
    assert numbers.total("refusals_total", reason="no-photo") == 1


def test_a_photo_that_is_sent_again_counts_once(client: FlaskClient) -> None:
    """As by a page whose answers get lost."""

    def send(photo: InChunks) -> None:
        send_all(client.application.test_client(), photo)

    script = client.application.test_client()  # the same guest, nobody's

    good = [InChunks(photo_bytes("png", n, (120, 80)), 4_000, "a.png") for n in range(3)]
    bad = [InChunks(bytes([number]) * 9_000, 4_000) for number in range(3)]
    for _ in range(2):
        with ThreadPoolExecutor() as pool:  # several last chunks of each at once
            list(pool.map(send, [*good, *bad] * 2))
    for content in (good[0].content, photo_bytes("jpg"), photo_bytes("jpg")):
        form = {"file": [(io.BytesIO(content), f"{number}.jpg") for number in range(2)]}
        script.post("/", data=form, buffered=True)
        script.post("/", data=content, content_type="image/jpeg", buffered=True)
    numbers = Numbers(client)
    assert numbers.total("photos_added_total") == client.get("/api/photos").json["total"] == 4
    assert numbers.total("photos_refused_total", reason="not-a-photo") == 3


def test_visitors_cannot_make_up_labels(client: FlaskClient) -> None:
    for path in ("/nothing/1", "/nothing/2", "/uploads/1.jpg", "/join/roses"):
        client.get(path, buffered=True)
        client.open(path, method="BREW", buffered=True)
    labels = [sample.labels for sample in Numbers(client).samples]
    methods = {each["method"] for each in labels if "method" in each}
    rules = {each["rule"] for each in labels if "rule" in each}
    assert methods == {"GET", "other"}
    assert rules == {"/", "/<path:filename>", "/uploads/<filename>", "/join/<path:word>", "none"}


def plain_pages(server: GalleryServer) -> float:
    return Numbers(server).total("http_requests_total", rule="/plain", status="200")


def process_ids(server: GalleryServer) -> set[str]:
    return {worker.name for worker in server.workers()}


def kill_worker(server: GalleryServer, process_id: str) -> None:
    """Waits until another one is there."""
    os.kill(int(process_id), signal.SIGKILL)
    wait_until(lambda: len(process_ids(server) - {process_id}) == 2)


def test_the_numbers_of_all_workers_add_up_those_of_killed_ones_too(server: GalleryServer) -> None:
    for asked in (20, 40, 60):
        for _ in range(20):  # on a connection each, so that both workers answer
            assert requests.get(f"{server.url}/plain", timeout=60).ok
        wait_until(lambda asked=asked: plain_pages(server) >= asked)  # counted after the answer
        assert plain_pages(server) == asked
        kill_worker(server, min(process_ids(server)))
    numbers, everything = Numbers(server), {"method": "GET", "rule": "/plain"}
    assert numbers.total("http_request_seconds_count", **everything) == 60
    assert numbers.total("http_request_seconds_bucket", le="+Inf", **everything) == 60
    server.stop(signal.SIGINT)
    server.start()
    assert plain_pages(server) == 0  # Prometheus knows what a restart is


def test_watchers_are_counted_until_their_worker_is_gone(server: GalleryServer) -> None:
    with Watcher(server.url) as first, Watcher(server.url) as second:
        assert first.next_event()
        assert second.next_event()
        assert Numbers(server).total("watchers") == 2
        for process_id in process_ids(server):
            kill_worker(server, process_id)

        def nobody_watches() -> bool:
            with suppress(requests.ConnectionError):  # of a worker that is just starting
                return Numbers(server).total("watchers") == 0
            return False

        wait_until(nobody_watches)


def metrics_folder(server: GalleryServer) -> Path:
    """The folder of the files that its workers have open."""
    links = [link for worker in server.workers() for link in (worker / "fd").iterdir()]
    opened = set()
    for link in links:
        with suppress(FileNotFoundError):  # closed meanwhile
            opened.add(os.readlink(link))
    [folder] = {Path(each).parent for each in opened if "dropwall-metrics-" in each}
    return folder


def test_the_numbers_are_read_again_where_a_process_has_just_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """prometheus_client makes an empty file and gives it its size a moment later."""
    monkeypatch.setenv(metrics.FOLDER_VARIABLE, str(tmp_path))
    file, read = tmp_path / "counter_7.db", metrics.generate_latest
    file.touch()

    def read_then_size(registry: CollectorRegistry) -> bytes:
        try:
            return read(registry)
        finally:
            file.write_bytes(bytes(1 << 16))

    monkeypatch.setattr(metrics, "generate_latest", read_then_size)
    assert metrics.Metrics().page() == b""


def test_the_folder_of_the_numbers_is_gone_with_the_server(server: GalleryServer) -> None:
    folder = metrics_folder(server)
    assert folder.exists()
    server.stop(signal.SIGINT)
    assert not folder.exists()
    server.start()


def test_workers_that_cannot_begin_leave_no_files_of_numbers(server: GalleryServer) -> None:
    """Where none can begin, such as without a catalog, there is one after the other."""
    folder, first = metrics_folder(server), process_ids(server)
    for file in server.data.glob("catalog.sqlite*"):
        file.write_bytes(b"no database" * 1000)
    os.kill(int(min(first)), signal.SIGKILL)
    wait_until(lambda: server.log.count("Dropwall can't start yet") >= 3)
    assert {path.stem.rpartition("_")[2] for path in folder.glob("*.db")} <= first


WITHOUT_ROOM = """
import os
from dropwall.operations import metrics
metrics.share_metrics()
folder = os.environ[metrics.FOLDER_VARIABLE]
metrics.ROOM_BYTES = 1 << 60
metrics.check_metrics_room()
own = metrics.Metrics()
own.photos_added.inc()
assert b"dropwall_photos_added_total 1.0" in own.page()
assert os.listdir(folder) == []
os.rmdir(folder)
"""


def test_a_process_counts_for_itself_where_there_is_no_room() -> None:
    """It would be killed by writing to a file that is mapped into its memory."""
    subprocess.run([sys.executable, "-c", WITHOUT_ROOM], cwd=ROOT, check=True)
