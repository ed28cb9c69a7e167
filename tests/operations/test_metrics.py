"""/metrics for Prometheus: who gets the numbers, and whether they add up."""

import io
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from server import create_app
from server.config import Config
from tests.support.chunks import InChunks, send_chunk
from tests.support.engines import config_of
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.stream import Watcher
from tests.support.waiting import wait_until

pytestmark = pytest.mark.embedded

TOKEN = "rosé=secret"
BEARER = {"Authorization": f"Bearer {TOKEN}".encode()}
Numbers = dict[tuple[str, frozenset], float]


def numbers_of(page: str) -> Numbers:
    """As Prometheus reads them; nothing is there twice."""
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
    numbers = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    assert len(numbers) == len(samples)
    return numbers


def number(numbers: Numbers, name: str, **labels: str) -> float:
    """The sum of all that have these labels."""
    wanted = set(labels.items())
    return sum(n for (found, has), n in numbers.items() if found == name and wanted <= has)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "data", metrics_token=TOKEN)


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"metrics_token": TOKEN}


@pytest.fixture
def server(server: GalleryServer) -> GalleryServer:
    wait_until(lambda: len(server.workers()) == 2)  # the first one answers for both
    return server


def read(server: GalleryServer) -> Numbers:
    answer = requests.get(f"{server.url}/metrics", headers=BEARER, timeout=60)
    assert answer.status_code == 200
    return numbers_of(answer.text)


def read_here(client: FlaskClient) -> Numbers:
    answer = client.get("/metrics", headers={"Authorization": BEARER["Authorization"].decode("l1")})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return numbers_of(answer.text)


def test_without_a_token_there_are_no_metrics(config: Config) -> None:
    client = create_app(replace(config, metrics_token="", passcode="roses")).test_client()
    for told in ("", "Bearer", "Bearer ", "Bearer x"):
        assert client.get("/metrics", headers={"Authorization": told}).status_code == 404


def test_metrics_are_for_the_token_alone_and_need_no_passcode(config: Config) -> None:
    client = create_app(replace(config, passcode="roses")).test_client()
    for told in ("", "Bearer", "Bearer ", "Bearer rose", f"Basic {TOKEN}", TOKEN):
        answer = client.get("/metrics", headers={"Authorization": told.encode().decode("l1")})
        assert (answer.status_code, answer.mimetype) == (401, "text/plain"), told
        assert answer.text == "The numbers of this gallery are for those who send its token."
    assert read_here(client)


def test_added_and_refused_photos_are_counted(client: FlaskClient) -> None:
    good, bad = photo_bytes("jpg"), b"no photo"
    files = [("a.jpg", good), ("b.jpg", bad), ("c.svg", bad)]
    form = {"file": [(io.BytesIO(content), name) for name, content in files]}
    client.post("/", data=form, buffered=True)
    client.post("/", data=b"", content_type="image/jpeg", buffered=True)
    numbers = read_here(client)
    assert number(numbers, "dropwall_photos_added_total") == 1
    for reason in ("NotAPhoto", "UnknownExtension", "NoPhoto"):
        assert number(numbers, "dropwall_photos_refused_total", reason=reason) == 1
    assert number(numbers, "dropwall_photos_refused_total") == 3
    assert number(numbers, "dropwall_received_bytes_total") == len(good) + 2 * len(bad)
    refused = {"method": "POST", "rule": "/", "status": "400"}
    assert number(numbers, "dropwall_http_requests_total", **refused) == 2
    assert number(numbers, "dropwall_refusals_total", reason="NoPhoto") == 1


def test_a_photo_in_chunks_is_counted_once(client: FlaskClient) -> None:
    sent = InChunks(photo_bytes("jpg"), 100, "a.jpg")
    for chunk in sent.numbers:
        assert send_chunk(client, sent, chunk).status_code == 204
    assert len(sent.numbers) > 1
    numbers = read_here(client)
    assert number(numbers, "dropwall_photos_added_total") == 1
    assert number(numbers, "dropwall_received_bytes_total") == len(photo_bytes("jpg"))


def test_visitors_cannot_make_up_labels(client: FlaskClient) -> None:
    for path in ("/nothing/1", "/nothing/2", "/uploads/1.jpg", "/join/roses"):
        client.get(path, buffered=True)
        client.open(path, method="BREW", buffered=True)
    labels = [dict(labels) for _, labels in read_here(client)]
    methods = {each["method"] for each in labels if "method" in each}
    rules = {each["rule"] for each in labels if "rule" in each}
    assert methods == {"GET", "other"}
    assert rules == {"/", "/<path:filename>", "/uploads/<filename>", "/join/<path:word>", "none"}


def test_the_numbers_of_all_workers_add_up_killed_ones_too(server: GalleryServer) -> None:
    for asked in (20, 40, 60):
        ask_twenty_times(server)
        assert _plain(read(server)) == asked
        replace_a_worker(server)
    numbers = read(server)
    everything = {"method": "GET", "rule": "/plain"}
    assert number(numbers, "dropwall_http_request_seconds_count", **everything) == asked
    assert number(numbers, "dropwall_http_request_seconds_bucket", le="+Inf", **everything) == asked


def ask_twenty_times(server: GalleryServer) -> None:
    """On a connection each, so that both workers answer; and until it is counted, after the
    answer."""
    wanted = _plain(read(server)) + 20
    for _ in range(20):
        assert requests.get(f"{server.url}/plain", timeout=60).ok
    wait_until(lambda: _plain(read(server)) >= wanted)


def replace_a_worker(server: GalleryServer) -> None:
    before = {worker.name for worker in server.workers()}
    os.kill(int(server.workers()[0].name), signal.SIGKILL)
    wait_until(lambda: _are_replaced(server, before))


def _plain(numbers: Numbers) -> float:
    return number(numbers, "dropwall_http_requests_total", rule="/plain", status="200")


def _are_replaced(server: GalleryServer, before: set[str]) -> bool:
    now = {worker.name for worker in server.workers()}
    return len(now) == len(before) and now != before


def test_watchers_are_counted_until_their_worker_is_gone(server: GalleryServer) -> None:
    def watching() -> float:
        return number(read(server), "dropwall_watchers")

    with Watcher(server.url) as first, Watcher(server.url) as second:
        assert first.next_event()
        assert second.next_event()
        assert watching() == 2
        for worker in server.workers():
            os.kill(int(worker.name), signal.SIGKILL)
        wait_until(lambda: _is_well(server) and watching() == 0)


def _is_well(server: GalleryServer) -> bool:
    try:
        return requests.get(f"{server.url}/livez", timeout=60).ok
    except requests.ConnectionError:
        return False


def test_a_restart_counts_from_zero(server: GalleryServer) -> None:
    requests.get(f"{server.url}/plain", timeout=60)
    server.stop(signal.SIGINT)
    server.start()
    assert _plain(read(server)) == 0


def test_killed_workers_leave_no_files_of_numbers(server: GalleryServer) -> None:
    """Where none can begin, such as without a catalog, there is one after the other."""
    [folder] = (server.data / "metrics").iterdir()
    first = {worker.name for worker in server.workers()}
    for _ in range(3):
        for worker in server.workers():
            before = {each.name for each in server.workers()}
            os.kill(int(worker.name), signal.SIGKILL)
            wait_until(lambda before=before: _are_replaced(server, before))
    counted = {path.stem.rpartition("_")[2] for path in folder.glob("*.db")}
    assert counted <= first | {worker.name for worker in server.workers()}
