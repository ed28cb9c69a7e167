"""The gallery on an S3 server: the same as on a disk, also when the server fails in the midst."""

import io
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO
from zipfile import ZipFile

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page

import server.errors
import server.sweep
from server import create_app
from server.config import Config
from server.gallery import COPIES_AT_ONCE
from server.storage import NotStored, Storage, StorageUnavailable, open_storage
from server.storage.keys import original_key
from server.storage.s3 import BLOCK_BYTES, FIRST_BYTES, PART_BYTES, PUTS_AT_ONCE, S3Storage
from server.storage.s3_address import S3Address
from tests.conftest import Send, open_page
from tests.support.chunks import InChunks, send_all
from tests.support.faulty_proxy import Answer, FaultyProxy, Request, failing
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.photos import photo_bytes
from tests.support.ports import free_port
from tests.support.seaweedfs import SeaweedFS
from tests.support.waiting import wait_until

SILENT = "The place where photos are kept does not answer; please try again in a few seconds."
SHOWS = {"Sec-Fetch-Dest": "image", "User-Agent": "Mozilla/5.0"}
MEGABYTE = 1_000_000


@pytest.fixture
def config(tmp_path: Path, seaweedfs: SeaweedFS) -> Config:
    storage = seaweedfs.address(public_endpoint=seaweedfs.url)
    return Config(data=tmp_path / "data", storage=storage)


@pytest.fixture
def live_server(config: Config) -> Iterator[RunningServer]:
    server = RunningServer(config.data, storage=config.storage)
    yield server
    server.stop(signal.SIGINT)


def storage_of(app: Flask) -> Storage:
    return app.extensions["dropwall"].storage


def stored(app: Flask) -> set[str]:
    """Everything that visitors' photos left on the server."""
    folders = ("incoming", "chunks", "originals", "thumbnails")
    return {key for folder in folders for key in storage_of(app).list(folder)}


def listed(client: FlaskClient) -> list[dict]:
    return client.get("/api/photos").json["photos"]


def shown(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path, headers=SHOWS, buffered=True)
    assert answer.status_code == 200
    return answer.data


def sweep_all(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a day had passed."""
    with monkeypatch.context() as tomorrow:
        tomorrow.setattr(server.sweep, "AGE_SECONDS", -60)
        app.extensions["dropwall"].sweep.sweep()


def test_a_photo_is_kept_shown_and_purged(app: Flask, client: FlaskClient, send: Send) -> None:
    content = photo_bytes("jpg", size=(2400, 1600))
    assert send(("beach.jpg", content)).status_code == 204
    [photo] = listed(client)
    assert shown(client, photo["url"]) == content
    for thumbnail in photo["thumbnails"].values():
        assert shown(client, thumbnail).startswith(b"RIFF")
    assert {key.split("/")[0] for key in stored(app)} == {"originals", "thumbnails"}
    assert len(stored(app)) == 4
    archive = ZipFile(io.BytesIO(client.get("/photos.zip").data))
    assert archive.read(archive.namelist()[0]) == content
    assert client.delete(f"/api/photos/{photo['id']}").status_code == 204
    assert app.extensions["dropwall"].sweep.purge_removed(undo_seconds=-1) == 1
    assert stored(app) == set()


def test_chunks_meet_on_the_server(app: Flask, client: FlaskClient) -> None:
    content = photo_bytes("jpg") + bytes(300_000)
    assert send_all(client, InChunks(content, 200_000)) == [204, 204]
    [photo] = listed(client)
    assert shown(client, photo["url"]) == content
    assert not any(key.startswith("chunks/") for key in stored(app))


def test_a_part_of_a_photo_can_be_had(client: FlaskClient) -> None:
    content = photo_bytes("jpg") + bytes(range(256)) * 20_000
    client.post("/", data=content, content_type="image/jpeg")
    headers = SHOWS | {"Range": "bytes=3000000-3000099"}
    answer = client.get(listed(client)[0]["url"], headers=headers, buffered=True)
    assert (answer.status_code, answer.data) == (206, content[3_000_000:3_000_100])


def test_a_photo_that_is_lost_is_not_here(app: Flask, client: FlaskClient, send: Send) -> None:
    send(("a.jpg", photo_bytes("jpg")))
    [photo] = listed(client)
    storage_of(app).delete(original_key(photo["id"], "jpg"))
    answer = client.get(photo["url"], headers=SHOWS)
    assert answer.status_code == 404
    assert answer.text == "This photo is not here; it may have been removed."


def test_who_reads_while_it_is_deleted_is_told(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    storage = open_storage(seaweedfs.address(), tmp_path)
    storage.put_bytes("a", bytes(2 * FIRST_BYTES))
    with storage.open("a") as stream:
        storage.delete("a")
        with pytest.raises(NotStored):
            stream.read()


def test_every_machine_sees_what_another_has_left(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    address = seaweedfs.address()
    here, there = (open_storage(address, tmp_path / name) for name in ("here", "there"))
    with here.stage() as staged:
        here.mark("half")
        assert set(here.old_staged(-60)) == {staged.name, "half"}
        assert list(there.old_staged(-60)) == ["half"]
        there.discard_staged("half")
        assert list(here.old_staged(-60)) == [staged.name]


def test_galleries_in_one_bucket_do_not_meet(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    one, two = (open_storage(seaweedfs.address(prefix), tmp_path) for prefix in ("one", "two/a"))
    one.put_bytes("originals/ab/a.jpg", b"a")
    assert list(one.list("originals")) == ["originals/ab/a.jpg"]
    assert list(two.list("originals")) == []


MEMORY_OF_A_PUT = """
import resource, sys
from pathlib import Path
from server.storage import open_storage

def most_kibibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

storage = open_storage(sys.argv[1], Path(sys.argv[2]))
storage.put_bytes("small", b"small")
before = most_kibibytes()
storage.put("large", Path(sys.argv[3]))
with storage.open("large") as stream:
    while stream.read(65536):
        pass
print((most_kibibytes() - before) * 1024)
"""


def test_large_files_take_little_memory(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(60 * MEGABYTE))
    command = [sys.executable, "-c", MEMORY_OF_A_PUT, seaweedfs.address(), tmp_path, large]
    measured = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert int(measured.stdout) < 5 * PART_BYTES + 2 * BLOCK_BYTES


# Who saves a photo gets it from the server itself.


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", SHOWS),
        ("", {"Sec-Fetch-Dest": "document"}),
        ("", {"User-Agent": "Mozilla/5.0"}),  # over plain http
        pytest.param("?download", {"User-Agent": "Mozilla/5.0"}, id="without a public endpoint"),
    ],
)
def test_who_is_shown_a_photo_gets_it_from_us(
    config: Config, query: str, headers: dict[str, str]
) -> None:
    if query:
        config = replace(config, storage=config.storage.partition("&")[0])
    client = open_page(create_app(config))
    client.post("/", data={"file": (io.BytesIO(photo_bytes("jpg")), "a.jpg")})
    answer = client.get(listed(client)[0]["url"] + query, headers=headers, buffered=True)
    assert (answer.status_code, answer.data) == (200, photo_bytes("jpg"))
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment" if query else "inline")


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?download", SHOWS),
        ("?download", {"User-Agent": "Mozilla/5.0"}),
        ("", {"User-Agent": "curl/8.14.1"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_saves_a_photo_gets_it_from_the_server(
    client: FlaskClient, send: Send, seaweedfs: SeaweedFS, query, headers, method
) -> None:
    name = "写真 1, 100 % é.jpg"
    send((name, photo_bytes("jpg")))
    answer = client.open(listed(client)[0]["url"] + query, method=method, headers=headers)
    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.location.startswith(seaweedfs.url)
    saved = requests.request(method, answer.location, timeout=30)
    assert saved.status_code == 200
    assert saved.content == (photo_bytes("jpg") if method == "GET" else b"")
    assert saved.headers["Content-Length"] == str(len(photo_bytes("jpg")))
    assert saved.headers["Content-Type"] == "image/jpeg"
    assert saved.headers["Cache-Control"] == "private, no-store"
    disposition = saved.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="__ 1_ 100 _ _.jpg"; filename*=UTF-8')
    assert disposition.endswith("%E5%86%99%E7%9C%9F%201%2C%20100%20%25%20%C3%A9.jpg")


def test_a_link_ends(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    address = seaweedfs.address(public_endpoint=seaweedfs.url)
    storage = open_storage(address, tmp_path)
    storage.put_bytes("a", b"a")
    link = storage.link("a", seconds=2)
    assert requests.get(link, timeout=30).content == b"a"
    wait_until(lambda: requests.get(link, timeout=30).status_code == 403)


def test_nobody_gets_a_link_to_what_they_do_not_see(app: Flask, client: FlaskClient) -> None:
    data = {"file": (io.BytesIO(photo_bytes("jpg")), "a.jpg"), "visibility": "owner"}
    assert client.post("/", data=data).status_code == 204
    [photo] = listed(client)
    assert client.get(f"{photo['url']}?download").status_code == 302
    for path in (f"{photo['url']}?download", photo["url"]):
        answer = open_page(app).get(path)
        assert (answer.status_code, answer.location) == (404, None)
    assert client.get(f"/uploads/{photo['id']}.png?download").status_code == 404


def test_links_lead_to_where_visitors_reach_the_server(config: Config) -> None:
    public = "https://photos.example.com:8443"
    storage = f"{config.storage.partition('&')[0]}&public_endpoint={public}&region=eu-north-1"
    config = replace(config, storage=storage)
    client = open_page(create_app(config))
    client.post("/", data={"file": (io.BytesIO(photo_bytes("jpg")), "a.jpg")})
    location = client.get(f"{listed(client)[0]['url']}?download").location
    assert location.startswith(f"{public}/bucket-")
    assert "eu-north-1" in location


def test_the_page_saves_a_photo_under_its_name(
    page: Page, live_server: RunningServer, seaweedfs: SeaweedFS
) -> None:
    content = photo_bytes("jpg", size=(900, 600))
    live_server.send(("写真 é.jpg", content))
    page.goto(live_server.url)
    page.get_by_role("link", name="写真 é.jpg").click()
    with page.expect_download() as saved:
        page.get_by_role("dialog").get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "写真 é.jpg"
    assert Path(saved.value.path()).read_bytes() == content
    assert saved.value.url.startswith(seaweedfs.url)


@pytest.mark.parametrize(
    ("endpoint", "has_links"),
    [
        ("http://127.0.0.1:8333", False),
        ("http://[::1]:8333", False),
        ("http://localhost:8333", False),
        ("http://seaweedfs:8333", False),
        ("https://s3.example.com", True),
        ("http://192.168.1.7:8333", True),
    ],
)
def test_nobody_is_led_where_only_the_gallery_comes(
    tmp_path: Path, endpoint: str, has_links: bool
) -> None:
    storage = open_storage(f"s3://bucket?endpoint={endpoint}", tmp_path)
    assert bool(storage.link("a", 60)) == has_links


# What is copied here for a while.


def missing_thumbnail(app: Flask, client: FlaskClient) -> str:
    client.post("/", data=photo_bytes("jpg", size=(2400, 1600)), content_type="image/jpeg")
    return listed(client)[0]["thumbnails"]["2048"]


def test_an_original_is_copied_here_only_where_there_is_room(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(config)
    client = open_page(app)
    path = missing_thumbnail(app, client)
    limits = app.extensions["dropwall"].limits
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=config.min_free_bytes))
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (507, "DiskNearlyFull")
    assert limits.free_bytes() > 0
    assert shown(client, path).startswith(b"RIFF")


def test_few_originals_are_copied_here_at_once(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = missing_thumbnail(app, client)
    storage = storage_of(app)
    lock, copying, most, copied = threading.Lock(), 0, 0, 0

    @contextmanager
    def open_here(*arguments: object) -> Iterator[BinaryIO]:
        nonlocal copying, most, copied
        with lock:
            copied, copying = copied + 1, copying + 1
            most = max(most, copying)
        with S3Storage.open_here(storage, *arguments) as file:
            yield file
        with lock:
            copying -= 1

    monkeypatch.setattr(storage, "open_here", open_here)
    with ThreadPoolExecutor(20) as pool:
        pages = [client.application.test_client() for _ in range(20)]
        answers = list(pool.map(lambda page: page.get(path, buffered=True), pages))
    assert {answer.status_code for answer in answers} == {200}
    assert most <= COPIES_AT_ONCE
    assert copied < len(answers)


def test_whoever_waits_too_long_to_put_a_file_is_told(
    seaweedfs: SeaweedFS, tmp_path: Path, silence: Callable[..., None]
) -> None:
    with failing(seaweedfs.url, silence) as proxy:
        address = S3Address.parse(seaweedfs.address(endpoint=proxy.url))
        storage = S3Storage(address, tmp_path, queue_seconds=0.1)
        staged = [tmp_path / str(number) for number in range(PUTS_AT_ONCE + 1)]
        for path in staged:
            path.write_bytes(b"a")
        for path in staged[1:]:
            threading.Thread(target=put_in_vain, args=(storage, path), daemon=True).start()
        wait_until(lambda: storage._puts._value == 0)
        with pytest.raises(StorageUnavailable, match="wait to be put"):
            storage.put("a", staged[0])


def put_in_vain(storage: Storage, path: Path) -> None:
    with suppress(StorageUnavailable):
        storage.put("a", path)


# A server that fails.


def is_broken(_proxy: FaultyProxy, _request: Request) -> Answer:
    return Answer(500, "Internal Server Error", [("Content-Length", "0")], b"")


def hangs_up(_proxy: FaultyProxy, _request: Request) -> None:
    return None


def passes(proxy: FaultyProxy, request: Request) -> Answer:
    return proxy.ask_server(request)


def cuts(proxy: FaultyProxy, request: Request) -> Answer:
    answer = proxy.ask_server(request)
    half = answer.body[: len(answer.body) // 2]
    return replace(answer, headers=[*answer.headers, ("Connection", "close")], body=half)


@pytest.fixture
def silence() -> Iterator[Callable[..., None]]:
    ended = threading.Event()

    def stands_still(_proxy: FaultyProxy, _request: Request) -> None:
        ended.wait()

    yield stands_still
    ended.set()


@pytest.fixture(params=[is_broken, hangs_up, cuts, "silence"])
def fault(request: pytest.FixtureRequest) -> Callable[..., Answer | None]:
    return request.getfixturevalue("silence") if request.param == "silence" else request.param


def test_a_server_in_trouble_is_unavailable(seaweedfs: SeaweedFS, tmp_path: Path, fault) -> None:
    with failing(seaweedfs.url, passes) as proxy:
        address = S3Address.parse(seaweedfs.address(endpoint=proxy.url))
        storage = S3Storage(address, tmp_path, answer_seconds=0.5)
        storage.put_bytes("a", bytes(2 * FIRST_BYTES))
        with storage.open("a") as half_read:
            proxy.fault = fault
            with pytest.raises(StorageUnavailable):
                half_read.read()
        for attempt in (
            lambda: storage.open("a"),
            lambda: list(storage.list("originals")),
            storage.check,
        ):
            with pytest.raises(StorageUnavailable):
                attempt()


@pytest.mark.parametrize("sound_requests", range(6))
def test_what_fails_in_the_midst_leaves_no_half_photo(
    config: Config, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch, sound_requests: int
) -> None:
    def fails_in_the_midst(proxy: FaultyProxy, request: Request) -> Answer:
        with proxy.lock:
            left.append(request)
            fails = len(left) > sound_requests
        return is_broken(proxy, request) if fails else passes(proxy, request)

    left: list[Request] = []
    content = photo_bytes("jpg")
    with failing(seaweedfs.url, fails_in_the_midst) as proxy:
        storage = seaweedfs.address(endpoint=proxy.url)
        app = create_app(replace(config, storage=storage))
        client = open_page(app)
        answer = client.post("/", data={"file": (io.BytesIO(content), "a.jpg")})
        if answer.status_code != 204:
            assert (answer.status_code, answer.text) == (503, SILENT)
            assert answer.headers["Retry-After"] == "5"
            assert listed(client) == []
        assert (answer.status_code == 204) == (sound_requests >= 4)
        proxy.fault = passes
        again = client.post("/", data={"file": (io.BytesIO(content), "a.jpg")})
        assert again.status_code == 204
        [photo] = listed(client)
        assert shown(client, photo["url"]) == content
        sweep_all(app, monkeypatch)
        assert {key for key in stored(app) if photo["id"] not in key} == set()
        assert len(stored(app)) == 3


def test_with_the_wrong_key_nothing_is_taken(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server.errors.log, "filters", [])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    client = open_page(create_app(config))
    answer = client.post("/", data={"file": (io.BytesIO(photo_bytes("jpg")), "a.jpg")})
    assert (answer.status_code, answer.text) == (503, SILENT)
    health = client.get("/healthz")
    assert (health.status_code, health.text) == (503, "Not answering: storage.")
    refused, unwell = (record.getMessage() for record in caplog.records)
    assert refused.startswith("Requests are refused (StorageUnavailable): ")
    assert unwell.startswith("The storage is not well: ")
    for line in (refused, unwell):
        assert "SignatureDoesNotMatch" in line
        assert "<" not in line


@pytest.mark.parametrize(
    ("wrong", "why"), [("key", "403 Forbidden: SignatureDoesNotMatch"), ("endpoint", "HTTP error")]
)
def test_a_storage_that_takes_nothing_is_told_of_at_the_start(
    tmp_path: Path, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch, wrong: str, why: str
) -> None:
    """The gallery starts all the same: its storage may come later."""

    class Starting(RunningServer):
        def _wait_until_well(self) -> None:
            log = self.data.parent / "server.log"
            wait_until(lambda: "No photo can be kept just now" in log.read_text())

    if wrong == "key":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    nowhere = {"endpoint": f"http://127.0.0.1:{free_port()}"} if wrong == "endpoint" else {}
    server = Starting(tmp_path / "data", storage=seaweedfs.address(**nowhere))
    assert requests.get(f"{server.url}/livez", timeout=30).status_code == 200
    server.stop(signal.SIGINT)
    lines = (tmp_path / "server.log").read_text().splitlines()
    [told] = [line for line in lines if "No photo can be kept just now" in line]
    assert "please see to DROPWALL_STORAGE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told
    assert why in told
    assert "<" not in told


def test_photos_that_come_together_wait_for_a_silent_server_once(
    tmp_path: Path, seaweedfs: SeaweedFS
) -> None:
    def counts(proxy: FaultyProxy, request: Request) -> None:
        asked.append(request.path)

    asked: list[str] = []
    with failing(seaweedfs.url, counts) as proxy:
        storage = seaweedfs.address(endpoint=proxy.url)
        client = open_page(create_app(Config(data=tmp_path / "data", storage=storage)))
        files = [(io.BytesIO(photo_bytes("jpg", seed)), f"{seed}.jpg") for seed in range(3)]
        answer = client.post("/", data={"file": files})
    assert answer.status_code == 503
    assert answer.text.count(SILENT) == 3
    assert len(set(asked)) == 1


def test_without_its_bucket_no_photo_is_taken_for_lost(
    tmp_path: Path, seaweedfs: SeaweedFS
) -> None:
    storage = open_storage(f"s3://no-such-bucket?endpoint={seaweedfs.url}", tmp_path)
    with pytest.raises(StorageUnavailable):
        storage.open("originals/ab/a.jpg")


def test_a_server_that_is_killed_loses_nothing(
    live_server: RunningServer, seaweedfs: SeaweedFS
) -> None:
    try:
        content = photo_bytes("jpg") + bytes(40 * MEGABYTE)
        assert live_server.send(("large.jpg", content)).status_code == 204
        url = live_server.url + live_server.photos()[0]["url"]
        begun = requests.get(url, headers=SHOWS, stream=True, timeout=60)
        seaweedfs.kill()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = begun.content
        for answer in (
            live_server.send(("small.jpg", photo_bytes("png"))),
            live_server.send(("small.png", photo_bytes("png"))),
            requests.get(url, headers=SHOWS, timeout=60),
            requests.get(f"{live_server.url}/photos.zip", timeout=60),
        ):
            assert answer.status_code in (400, 503)
        assert answer.text == SILENT
        seaweedfs.start()
        assert live_server.send(("small.png", photo_bytes("png"))).status_code == 204
        assert requests.get(url, headers=SHOWS, timeout=60).content == content
    finally:
        if seaweedfs.process.poll() is not None:
            seaweedfs.start()
