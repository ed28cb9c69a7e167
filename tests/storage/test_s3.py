"""A gallery on an S3 server: the same as in a folder, also when the server fails in the middle."""

import io
import itertools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page
from sqlalchemy import update
from werkzeug.test import TestResponse

import dropwall.photos.sweep
from dropwall import create_app, timestamps
from dropwall.catalog import orphans
from dropwall.catalog.tables import photos
from dropwall.config import Config
from dropwall.photos.files import original_key, owner_id
from dropwall.photos.gallery import COPIES_AT_ONCE
from dropwall.refusals import NotStored, StorageUnavailable
from dropwall.storage import open_storage, s3
from dropwall.storage.s3_address import S3Address
from tests.support import page as ui
from tests.support.browser import ROOT
from tests.support.engines import catalog_of, config_of
from tests.support.faulty_proxy import Answer, FaultyProxy, Request
from tests.support.gallery_server import Gallery, GalleryServer, SharedGallery
from tests.support.photos import photo_bytes
from tests.support.ports import closed_port
from tests.support.seaweedfs import SeaweedFS
from tests.support.visitors import open_page, parts, send_as
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded

SILENT = "The gallery can't reach its photos right now. Try again in a few seconds."
NOT_HERE = "This photo was removed or isn't shared with you."
PRIVATE = "private, no-store"
CURL = {"User-Agent": "curl/8.14.1"}
SHOWS = {"Sec-Fetch-Dest": "image", "User-Agent": "Mozilla/5.0"}
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def _hasty_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "RETRY_SECONDS", 0.2)


@pytest.fixture
def gallery_settings(seaweedfs: SeaweedFS) -> dict[str, object]:
    return {"storage": seaweedfs.address(public_endpoint=seaweedfs.url)}


@pytest.fixture
def config(tmp_path: Path, gallery_settings: dict[str, object]) -> Config:
    return config_of(tmp_path / "data", **gallery_settings)


def stored(app: Flask) -> set[str]:
    """Everything that visitors' photos left on the server."""
    folders = ("incoming", "chunks", "originals", "thumbnails")
    return {key for folder in folders for key in parts(app).storage.list(folder)}


def the_photo(client: FlaskClient) -> dict:
    [photo] = client.get("/api/photos").json["photos"]
    return photo


def shown(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path, headers=SHOWS, buffered=True)
    assert answer.status_code == 200
    return answer.data


def post(client: FlaskClient, visibility: str = "everyone") -> TestResponse:
    photo = (io.BytesIO(photo_bytes("jpg")), "写真 1, 100 % é.jpg")
    return client.post("/", data={"file": photo, "visibility": visibility})


def test_a_photo_whose_original_is_lost_is_not_here(app: Flask, client: FlaskClient) -> None:
    post(client)
    photo = the_photo(client)
    parts(app).storage.delete(original_key(photo["id"], "jpg"))
    lost = client.get(photo["url"], headers=SHOWS)
    assert (lost.status_code, lost.text) == (404, NOT_HERE)


def test_reading_a_file_that_is_deleted_meanwhile_is_noticed(
    seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    storage = open_storage(seaweedfs.address(), tmp_path)
    storage.put_bytes("a", bytes(2 * s3.FIRST_BYTES))
    with storage.open("a") as stream:
        storage.delete("a")
        with pytest.raises(NotStored):
            stream.read()


def test_a_photo_takes_three_requests(config: Config, seaweedfs: SeaweedFS) -> None:
    asked: list[str] = []

    def note(proxy: FaultyProxy, request: Request) -> Answer:
        asked.append(f"{request.method} {request.path.rpartition('-')[2][-8:]}")
        return proxy.ask_server(request)

    with FaultyProxy(seaweedfs.url, note) as proxy:
        app = create_app(replace(config, storage=seaweedfs.address(endpoint=proxy.url)))
        assert post(open_page(app)).status_code == 204
    assert len(asked) == 3
    assert {each.partition(" ")[0] for each in asked} == {"PUT"}


MEMORY_OF_A_PUT = """
import resource, sys
from pathlib import Path
from dropwall.storage import open_storage, s3

def most_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

s3.PART_BYTES = 5 * 1024 * 1024
storage = open_storage(sys.argv[1], Path("."))
storage.put_bytes("small", b"small")
before = most_bytes()
storage.put("large", Path("large"))
with storage.open("large") as stream:
    while stream.read(65536):
        pass
used = most_bytes() - before
assert used < 5 * s3.PART_BYTES + 2 * s3.BLOCK_BYTES, used
"""


def test_a_large_file_takes_little_memory(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(40 * MEGABYTE))
    command = [sys.executable, "-c", MEMORY_OF_A_PUT, seaweedfs.address()]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)


# A photo is saved from the S3 server itself, where visitors reach it.


def test_a_photo_is_shown_by_dropwall_and_saved_from_the_s3_server(
    client: FlaskClient, seaweedfs: SeaweedFS
) -> None:
    post(client)
    url, content = the_photo(client)["url"], photo_bytes("jpg")
    over_plain_http = {"User-Agent": "Mozilla/5.0"}
    for headers in (SHOWS, {"Sec-Fetch-Dest": "document"}, over_plain_http):
        answer = client.get(url, headers=headers, buffered=True)
        assert (answer.status_code, answer.data) == (200, content), headers
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"].startswith("inline")
    saves = (f"{url}?download", SHOWS), (f"{url}?download", over_plain_http), (url, CURL)
    for (path, headers), method in itertools.product(saves, ("GET", "HEAD")):
        answer = client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (302, PRIVATE)
        assert answer.location.startswith(seaweedfs.url)
        saved = requests.request(method, answer.location, timeout=30)
        assert (saved.status_code, saved.content) == (200, content if method == "GET" else b"")
        assert saved.headers["Content-Length"] == str(len(content))
        assert saved.headers["Content-Type"] == "image/jpeg"
        assert saved.headers["Cache-Control"] == PRIVATE
        disposition = saved.headers["Content-Disposition"]
        assert disposition.startswith('attachment; filename="__ 1_ 100 _ _.jpg"; filename*=UTF-8')
        assert disposition.endswith("%E5%86%99%E7%9C%9F%201%2C%20100%20%25%20%C3%A9.jpg")


def test_the_page_saves_a_photo_under_its_name(
    page: Page, gallery: Gallery, seaweedfs: SeaweedFS
) -> None:
    gallery.send(("写真 é.jpg", photo_bytes("jpg")))
    page.goto(gallery.url)
    ui.tile(page, "写真 é.jpg").click()
    with page.expect_download() as saved:
        page.get_by_role("dialog").get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "写真 é.jpg"
    assert Path(saved.value.path()).read_bytes() == photo_bytes("jpg")
    assert saved.value.url.startswith(seaweedfs.url)


def test_a_download_link_expires(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    storage = open_storage(seaweedfs.address(public_endpoint=seaweedfs.url), tmp_path)
    storage.put_bytes("a", b"a")
    assert requests.get(storage.link("a", seconds=60), timeout=30).content == b"a"
    link = storage.link("a", seconds=1)
    wait_until(lambda: requests.get(link, timeout=30).status_code == 403)


def test_nobody_gets_a_link_to_a_photo_that_is_private(app: Flask, client: FlaskClient) -> None:
    post(client, visibility="owner")
    photo = the_photo(client)
    for headers in (SHOWS, CURL):
        answer = client.get(f"{photo['url']}?download", headers=headers, buffered=True)
        assert (answer.status_code, answer.data) == (200, photo_bytes("jpg"))
    for path in (f"{photo['url']}?download", photo["url"]):
        answer = open_page(app).get(path)
        assert (answer.status_code, answer.location) == (404, None)
    assert client.get(f"/uploads/{photo['id']}.png?download").status_code == 404


def test_no_link_leads_to_what_not_everyone_sees(config: Config) -> None:
    for mode in ("approval", "own"):
        client = open_page(create_app(replace(config, mode=mode)))
        post(client)
        answer = client.get(f"{the_photo(client)['url']}?download", headers=CURL, buffered=True)
        assert (answer.status_code, answer.data) == (200, photo_bytes("jpg")), mode


def test_links_lead_to_the_public_endpoint_or_nowhere(config: Config, tmp_path: Path) -> None:
    public = "https://photos.example.com:8443"
    address = config.storage.partition("&")[0]
    config = replace(config, storage=f"{address}&public_endpoint={public}&region=eu-north-1")
    client = open_page(create_app(config))
    post(client)
    location = client.get(f"{the_photo(client)['url']}?download").location
    assert location.startswith(f"{public}/bucket-")
    assert "eu-north-1" in location

    client = open_page(create_app(replace(config, storage=address)))  # which says of none
    answer = client.get(f"{the_photo(client)['url']}?download", headers=SHOWS)
    assert (answer.status_code, answer.data) == (200, photo_bytes("jpg"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    for options in ("", "?endpoint=https://s3.example.com", "?public_endpoint=none"):
        assert open_storage(f"s3://bucket{options}", tmp_path).link("a", 60) is None


# Originals of which a large thumbnail is made are copied to this machine.


@pytest.fixture
def missing_thumbnail(client: FlaskClient) -> str:
    send_as(client, "a.jpg", photo_bytes("jpg", size=(2100, 300)))
    return the_photo(client)["thumbnails"]["2048"]


def test_an_original_is_copied_here_only_where_there_is_room(
    client: FlaskClient, config: Config, monkeypatch: pytest.MonkeyPatch, missing_thumbnail: str
) -> None:
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=config.min_free_bytes))
        answer = client.get(missing_thumbnail)
        assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (507, "disk-nearly-full")
    assert shown(client, missing_thumbnail).startswith(b"RIFF")


def test_few_originals_are_copied_here_at_once(
    config: Config, seaweedfs: SeaweedFS, client: FlaskClient
) -> None:
    photos = 2 * COPIES_AT_ONCE
    for number in range(photos):
        send_as(client, "a.jpg", photo_bytes("jpg", number, size=(2100, 30)))
    missing = [photo["thumbnails"]["2048"] for photo in client.get("/api/photos").json["photos"]]
    copying: list[Request] = []
    at_once: list[int] = []

    def gather(proxy: FaultyProxy, request: Request) -> Answer:
        if "/originals/" not in request.path:
            return proxy.ask_server(request)
        copying.append(request)
        at_once.append(len(copying))
        wait_until(lambda: len(at_once) >= COPIES_AT_ONCE)
        answer = proxy.ask_server(request)
        copying.remove(request)
        return answer

    with FaultyProxy(seaweedfs.url, gather) as proxy, ThreadPoolExecutor(photos) as pool:
        storage = config.storage.replace(str(seaweedfs.port), str(proxy.port), 1)
        app = create_app(replace(config, storage=storage))
        visitors = [open_page(app) for _ in missing]
        assert all(pool.map(shown, visitors, missing))
    assert max(at_once) == COPIES_AT_ONCE


# A server that fails.


def pass_on(proxy: FaultyProxy, request: Request) -> Answer:
    return proxy.ask_server(request)


def break_down(_proxy: FaultyProxy, _request: Request) -> Answer:
    return Answer(500, "Internal Server Error", [("Content-Length", "0")], b"")


def hang_up(_proxy: FaultyProxy, _request: Request) -> None:
    """No answer."""


def cut_off(proxy: FaultyProxy, request: Request) -> Answer:
    answer = proxy.ask_server(request)
    half = answer.body[: len(answer.body) // 2]
    return replace(answer, headers=[*answer.headers, ("Connection", "close")], body=half)


@pytest.mark.parametrize("fault", [break_down, hang_up, cut_off, "silence"])
def test_a_server_that_fails_or_is_silent_is_unavailable(
    seaweedfs: SeaweedFS, tmp_path: Path, fault: Callable[..., Answer | None]
) -> None:
    is_over = threading.Event()
    with FaultyProxy(seaweedfs.url, pass_on) as proxy, ThreadPoolExecutor() as pool:
        address = S3Address.parse(seaweedfs.address(endpoint=proxy.url))
        storage = s3.S3Storage(address, tmp_path, answer_seconds=1)
        storage.put_bytes("a", bytes(2 * s3.FIRST_BYTES))
        with storage.open("a") as half_read:
            proxy.fault = (lambda *_: is_over.wait() and None) if fault == "silence" else fault
            attempts = [
                pool.submit(half_read.read),
                pool.submit(storage.open, "a"),
                pool.submit(lambda: list(storage.list("originals"))),
                pool.submit(storage.check),
            ]
            failures = [type(attempt.exception()) for attempt in attempts]
        is_over.set()
        assert failures == [StorageUnavailable] * len(attempts)


def test_a_file_that_waits_too_long_to_be_put_is_refused(
    seaweedfs: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PUTS_AT_ONCE", 1)
    is_busy, is_over = threading.Event(), threading.Event()

    def hold(proxy: FaultyProxy, request: Request) -> Answer:
        is_busy.set()
        is_over.wait()
        return proxy.ask_server(request)

    with FaultyProxy(seaweedfs.url, hold) as proxy, ThreadPoolExecutor() as pool:
        address = S3Address.parse(seaweedfs.address(endpoint=proxy.url))
        storage = s3.S3Storage(address, tmp_path, queue_seconds=0.1)
        with storage.stage() as first, storage.stage() as second:
            put = pool.submit(storage.put, "a", first)
            try:
                assert is_busy.wait(PATIENCE_SECONDS)
                with pytest.raises(StorageUnavailable, match="wait to be put"):
                    storage.put("b", second)
            finally:
                is_over.set()
            put.result()


def test_a_photo_that_cannot_be_read_asks_the_server_for_nothing(
    config: Config, seaweedfs: SeaweedFS
) -> None:
    asked: list[Request] = []

    def note(proxy: FaultyProxy, request: Request) -> Answer:
        asked.append(request)
        return proxy.ask_server(request)

    with FaultyProxy(seaweedfs.url, note) as proxy:
        app = create_app(replace(config, storage=seaweedfs.address(endpoint=proxy.url)))
        client = open_page(app)
        asked.clear()
        half = photo_bytes("jpg")[:-400]
        assert client.post("/", data={"file": (io.BytesIO(half), "1.jpg")}).status_code == 400
        assert asked == []


@pytest.mark.parametrize("sound_requests", range(5))
def test_a_server_that_fails_in_the_middle_leaves_no_half_photo(
    config: Config, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch, sound_requests: int
) -> None:
    left: list[Request] = []

    def fail_in_the_middle(proxy: FaultyProxy, request: Request) -> Answer:
        left.append(request)
        return (break_down if len(left) > sound_requests else pass_on)(proxy, request)

    with FaultyProxy(seaweedfs.url, fail_in_the_middle) as proxy:
        storage = seaweedfs.address(endpoint=proxy.url)
        app = create_app(replace(config, storage=storage))
        client = open_page(app)
        answer = post(client)
        if sound_requests >= 3:
            assert answer.status_code == 204
        else:
            assert (answer.status_code, answer.text) == (503, SILENT)
            assert answer.headers["Retry-After"] == "5"
            assert client.get("/api/photos").json["photos"] == []
        proxy.fault = pass_on
        assert post(client).status_code == 204
        photo = the_photo(client)
        assert shown(client, photo["url"]) == photo_bytes("jpg")
        proxy.fault = break_down
        for path in (photo["url"], "/photos.zip"):
            answer = client.get(path, headers=SHOWS)
            assert (answer.status_code, answer.text) == (503, SILENT)
        proxy.fault = pass_on
        monkeypatch.setattr(dropwall.photos.sweep, "AGE_SECONDS", -60)  # as if a day had passed
        parts(app).sweep.sweep_everything()
        assert all(photo["id"] in key for key in stored(app))
        assert len(stored(app)) == 3


class SweepingEnds(Exception):
    """The test has seen enough rounds."""


@pytest.mark.parametrize("fault", [break_down, hang_up, cut_off])
def test_a_purge_that_a_failing_server_stops_is_finished_by_a_later_round(
    config: Config,
    seaweedfs: SeaweedFS,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[..., Answer | None],
) -> None:
    """The sweep logs the failure, and goes on for ever."""
    left: list[int] = []

    def look_and_mend(_seconds: float) -> None:
        proxy.fault = pass_on
        left.append(len(orphans.unpurged_photos(parts(app).database, timestamps.now(), 9)))
        if len(left) > 1:
            raise SweepingEnds

    monkeypatch.setattr(dropwall.photos.sweep, "time", SimpleNamespace(sleep=look_and_mend))
    with FaultyProxy(seaweedfs.url, pass_on) as proxy:
        app = create_app(replace(config, storage=seaweedfs.address(endpoint=proxy.url)))
        client = open_page(app)
        post(client)
        assert client.delete(f"/api/photos/{the_photo(client)['id']}").status_code == 204
        with catalog_of(config.data) as catalog:
            catalog.execute(update(photos).values(removed=timestamps.now(seconds_ago=60 * 60)))
        proxy.fault = fault
        with pytest.raises(SweepingEnds):
            parts(app).sweep.sweep_forever()
        assert left == [1, 0]
        assert stored(app) == set()
    assert "Sweeping failed, it is tried again later: " in caplog.text


@pytest.mark.parametrize(
    ("wrong", "why"), [("key", "403 Forbidden: SignatureDoesNotMatch"), ("endpoint", "HTTP error")]
)
def test_a_gallery_with_a_wrong_storage_starts_and_logs_why(
    tmp_path: Path, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch, wrong: str, why: str
) -> None:
    """Its storage may come later."""
    see_to = "Check DROPWALL_STORAGE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "

    class Starting(GalleryServer):
        def has_started(self) -> bool:
            return see_to in self.log

    if wrong == "key":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    nowhere = {"endpoint": f"http://127.0.0.1:{closed_port()}"} if wrong == "endpoint" else {}
    with closing(Starting(tmp_path / "data", storage=seaweedfs.address(**nowhere))) as running:
        asked = [requests.get(f"{running.url}/{path}", timeout=60) for path in ("livez", "healthz")]
        asked.append(running.send(("a.jpg", photo_bytes("jpg"))))
    assert [answer.status_code for answer in asked] == [200, 503, 503]
    assert [answer.text for answer in asked[1:]] == ["Not answering: storage.", SILENT]
    for told in (
        see_to,
        "The storage is not well: ",
        "Requests are refused (storage-unavailable): ",
    ):
        [line] = [line for line in running.log.splitlines() if told in line]
        assert why in line
        assert "<" not in line


def test_photos_of_one_request_wait_for_a_silent_server_once(
    config: Config, seaweedfs: SeaweedFS
) -> None:
    asked: set[str] = set()
    with FaultyProxy(seaweedfs.url, lambda _, request: asked.add(request.path)) as proxy:
        storage = seaweedfs.address(endpoint=proxy.url)
        client = open_page(create_app(replace(config, storage=storage)))
        files = [(io.BytesIO(photo_bytes("jpg", seed)), f"{seed}.jpg") for seed in range(3)]
        answer = client.post("/", data={"file": files})
    assert answer.status_code == 503
    assert answer.text.count(SILENT) == 3
    assert len({owner_id(path) for path in asked}) == 1  # all files of the first one


def test_without_its_bucket_no_photo_is_taken_for_lost(
    tmp_path: Path, seaweedfs: SeaweedFS
) -> None:
    storage = open_storage(f"s3://no-such-bucket?endpoint={seaweedfs.url}", tmp_path)
    with pytest.raises(StorageUnavailable):
        storage.open("originals/ab/a.jpg")


def test_a_download_whose_server_is_killed_is_not_taken_for_whole(
    tmp_path: Path, seaweedfs: SeaweedFS, gallery_settings: dict[str, object]
) -> None:
    gallery = SharedGallery(tmp_path / "data", **gallery_settings)
    content = photo_bytes("jpg") + bytes(20 * MEGABYTE)
    assert gallery.send(("large.jpg", content)).status_code == 204
    url = gallery.url + gallery.photos()[0]["url"]
    begun = requests.get(url, headers=SHOWS, stream=True, timeout=60)
    seaweedfs.kill()
    try:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = begun.content
    finally:
        seaweedfs.start()
    assert requests.get(url, headers=SHOWS, timeout=60).content == content
