"""Limits that protect the host: what is refused beyond each of them, and when it goes on."""

import http.client
import io
import select
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from dropwall import create_app, timestamps
from dropwall.catalog.tables import gallery, photos
from dropwall.config import Config
from dropwall.photos.limits import LEAST_QUEUE
from tests.support.chunks import InChunks, send_all, send_chunk
from tests.support.engines import catalog_of, stored_files
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    PASSWORD,
    cookie,
    listed,
    listed_photos,
    open_page,
    outcome,
    parts,
    signed_in,
    take_name,
    with_cookie,
)

HOUR_SECONDS = 60 * 60
PHOTO_BYTES = 20_000
WORTH_THREE = 3 * PHOTO_BYTES
KEPT = (204, "")

AN_HOUR = "You've reached the hourly limit for one guest. Try again in a while."
GALLERY_FULL = "The gallery has reached its limit of 58.6 KB. Let your host know."
DISK_FULL = "The server is almost out of disk space. Let your host know and try again later."
TOO_MUCH_FROM_NETWORK = (
    "Too much is coming from your network right now. Try again in a few seconds."
)
CUT_OFF = (400, "The upload was interrupted. Try again.")
VERY_MUCH = "That's a lot of changes at once. Wait a moment and try again."
STOOD_STILL = "The upload stalled. Try again."


class Limit(NamedTuple):
    """A setting that has room for three photos, and the refusal of more."""

    setting: dict[str, int]
    refusal: tuple[int, str]


PHOTOS_AN_HOUR = Limit({"max_guest_photos_per_hour": 3}, (429, AN_HOUR))
BYTES_AN_HOUR = Limit({"max_guest_bytes_per_hour": WORTH_THREE}, (429, AN_HOUR))
GALLERY_BYTES = Limit({"max_gallery_bytes": WORTH_THREE}, (507, GALLERY_FULL))


def each(*limits: Limit) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("limit", limits, ids=lambda limit: next(iter(limit.setting)))


def photo(number: int) -> bytes:
    """All are of the same size."""
    image = photo_bytes("jpg", 1, (120, 80))
    return image + number.to_bytes(PHOTO_BYTES - len(image))


def in_chunks(number: int) -> InChunks:
    return InChunks(photo(number), PHOTO_BYTES // 4)


def limited(config: Config, setting: dict[str, int]) -> Flask:
    return create_app(replace(config, max_upload_bytes=PHOTO_BYTES, **setting))


def send(client: FlaskClient, *numbers: int) -> TestResponse:
    """One form with these photos."""
    files = [(io.BytesIO(photo(number)), f"{number}.jpg") for number in numbers]
    return client.post("/", data={"file": files})


@each(PHOTOS_AN_HOUR, BYTES_AN_HOUR, GALLERY_BYTES)
def test_photos_beyond_the_limit_are_refused(config: Config, limit: Limit) -> None:
    client = open_page(limited(config, limit.setting))
    chunked, too_many = in_chunks(1), in_chunks(3)
    assert outcome(send(client, 0)) == KEPT
    assert send_all(client, chunked) == [204] * 4
    status, sentence = limit.refusal
    assert outcome(send(client, 2, 3, 4)) == (
        status,
        f"1 of 3 photos added. These couldn't be added:\n“3.jpg”: {sentence}\n“4.jpg”: {sentence}",
    )
    kept = sorted(stored_files(config.data))
    answer = send(client, 3)
    assert outcome(answer) == limit.refusal
    waits = answer.headers.get("Retry-After", type=int)
    assert HOUR_SECONDS - 60 < waits <= HOUR_SECONDS if status == 429 else waits is None
    assert outcome(send_chunk(client, too_many, 0)) == limit.refusal
    assert client.get(f"/api/uploads/{too_many.uuid}").status_code == 404
    # What is there already is welcome.
    assert outcome(send(client, 0, 1)) == KEPT
    assert send_all(client, chunked) == [204] * 4
    assert sorted(stored_files(config.data)) == kept
    assert listed(client) == ["2.jpg", "a.jpg", "0.jpg"]


@each(PHOTOS_AN_HOUR, BYTES_AN_HOUR, GALLERY_BYTES)
def test_photos_that_come_at_once_do_not_pass_the_limit(config: Config, limit: Limit) -> None:
    app = limited(config, limit.setting)
    client = open_page(app)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: send(with_cookie(app, cookie(client)), n), range(16))
    assert sorted(map(outcome, answers)) == [KEPT] * 3 + [limit.refusal] * 13
    assert len(listed(client)) == 3
    assert len(stored_files(config.data)) == 3 * 3


@each(PHOTOS_AN_HOUR, BYTES_AN_HOUR)
def test_after_an_hour_a_guest_may_go_on_and_not_by_removing_photos(
    config: Config, limit: Limit
) -> None:
    app = limited(config, limit.setting)
    busy, quiet = open_page(app), open_page(app)
    send(busy, 0, 1, 2)
    for sent in listed_photos(busy):
        assert busy.delete(f"/api/photos/{sent['id']}").status_code == 204
    date_back(config, HOUR_SECONDS - 100)
    answer = send(busy, 3)
    assert outcome(answer) == limit.refusal
    assert 0 < int(answer.headers["Retry-After"]) <= 100
    assert outcome(send(quiet, 3)) == KEPT
    date_back(config, HOUR_SECONDS + 10)
    assert outcome(send(busy, 3, 4, 5)) == KEPT
    assert outcome(send(busy, 6)) == limit.refusal


def date_back(config: Config, seconds: int) -> None:
    """As if every photo had come so long ago."""
    with catalog_of(config.data) as catalog:
        catalog.execute(update(photos).values(uploaded=timestamps.now(seconds_ago=seconds)))


@each(BYTES_AN_HOUR, GALLERY_BYTES)
def test_chunks_count_as_they_come(config: Config, limit: Limit) -> None:
    client = open_page(limited(config, limit.setting))
    send(client, 0, 1)
    half = in_chunks(2)
    send_chunk(client, half, 0)
    assert outcome(send(client, 3)) == limit.refusal
    assert client.delete(f"/api/uploads/{half.uuid}").status_code == 204
    assert outcome(send(client, 3)) == KEPT


def test_photos_that_have_begun_count_where_another_one_begins(config: Config) -> None:
    client = open_page(limited(config, {"max_guest_photos_per_hour": 3}))
    *begun, fourth = map(in_chunks, range(4))
    assert [outcome(send_chunk(client, half, 0)) for half in begun] == [KEPT] * 3
    assert outcome(send_chunk(client, fourth, 0)) == (429, AN_HOUR)
    for half in begun:
        assert send_all(client, half) == [204] * 4


def test_an_upload_that_met_the_limit_goes_on_when_there_is_room(config: Config) -> None:
    client = open_page(limited(config, {"max_gallery_bytes": WORTH_THREE}))
    first, second, third, _ = begun = list(map(in_chunks, range(4)))
    assert [outcome(send_chunk(client, sent, 0)) for sent in begun] == [KEPT] * 4
    assert send_all(client, first) + send_all(client, second) == [204] * 8
    assert outcome(send_chunk(client, third, 1)) == (507, GALLERY_FULL)
    assert client.get(f"/api/uploads/{third.uuid}").json["received"] == [0]
    for sent in listed_photos(client):
        client.delete(f"/api/photos/{sent['id']}")
    assert send_all(client, third) == [204] * 4


def test_a_removed_photo_makes_room_and_takes_it_back(config: Config) -> None:
    client = open_page(limited(config, GALLERY_BYTES.setting))
    send(client, 0, 1, 2)
    first = f"/api/photos/{listed_photos(client)[-1]['id']}"
    for _ in range(3):
        assert outcome(client.delete(first)) == outcome(client.post(f"{first}/restore")) == KEPT
    assert outcome(send(client, 3)) == GALLERY_BYTES.refusal
    client.delete(first)
    assert outcome(send(client, 3)) == KEPT
    assert outcome(client.post(f"{first}/restore")) == GALLERY_BYTES.refusal
    assert listed(client) == ["3.jpg", "2.jpg", "1.jpg"]


def test_changes_wait_in_a_line_that_ends_and_hold_up_nobody_else(config: Config) -> None:
    """Names, visibility, removals and all that is as cheap to ask for."""
    app = create_app(replace(config, threads=LEAST_QUEUE))
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    spammer, other = signed_in(app, "Hanna"), open_page(app)
    a_photo, theirs = f"/api/photos/{'f' * 32}", f"/api/guests/{'f' * 32}/photos"
    requests = [
        ("PUT", "/api/guest", {"name": "Bo"}),
        ("PATCH", a_photo, {"visibility": "owner"}),
        ("DELETE", a_photo, None),
        ("POST", f"{a_photo}/restore", None),
        ("PATCH", f"/api/photos?ids={'f' * 32}", {"standing": "hidden"}),
        ("PATCH", theirs, {"standing": "hidden"}),
        ("DELETE", theirs, None),
        ("DELETE", "/api/uploads/f", None),
    ]

    def rename(client: FlaskClient, number: int) -> TestResponse:
        return take_name(with_cookie(app, cookie(client)), str(number))

    with ThreadPoolExecutor(LEAST_QUEUE + 2) as pool:
        with catalog_of(config.data) as catalog:
            catalog.execute(update(gallery).values(version=gallery.c.version))  # and is locked
            spam = [pool.submit(rename, spammer, number) for number in range(LEAST_QUEUE + 1)]
            [refused] = wait(spam, return_when=FIRST_COMPLETED).done
            others = pool.submit(rename, other, 1)
            answers = [refused.result()]
            for method, path, json in requests:
                answers.append(spammer.open(path, method=method, json=json))
        assert {outcome(answer) for answer in answers} == {(429, VERY_MUCH)}
        assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
        assert outcome(others.result()) == KEPT
        assert [outcome(each.result()) for each in spam].count(KEPT) == LEAST_QUEUE


def test_what_is_free_on_the_disk_is_kept_in_reserve(config: Config) -> None:
    client = open_page(limited(config, {"min_free_bytes": 1024**5}))
    raw = client.post("/", data=photo(0), content_type="image/jpeg")
    for answer in (send(client, 0, 1), raw, send_chunk(client, in_chunks(0), 0)):
        assert outcome(answer) == (507, DISK_FULL)
    assert stored_files(config.data) == []
    assert listed(client) == []


class Usage(NamedTuple):
    free: int


@pytest.mark.embedded
def test_one_network_leaves_room_on_a_small_disk_for_others(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, free = parts(app).settings, 10**9
    monkeypatch.setattr(
        "dropwall.photos.limits.shutil.disk_usage",
        lambda _: Usage(free=settings.min_free_bytes + free),
    )

    def send(address: str, length: int) -> tuple[int, str]:
        environ = {
            "REMOTE_ADDR": address,
            "CONTENT_LENGTH": str(length),
            "wsgi.input": io.BytesIO(),
        }
        client = app.test_client()
        return outcome(
            client.post(
                "/", content_type="multipart/form-data; boundary=b", environ_overrides=environ
            )
        )

    assert send("10.0.0.1", free * 3 // 4) == (507, DISK_FULL)
    with parts(app).staged.reserving("10.0.0.1") as reserve:
        reserve(free * 2 // 5)
        assert send("10.0.0.1", free * 2 // 5) == (503, TOO_MUCH_FROM_NETWORK)
        assert send("10.0.0.2", free * 2 // 5) == CUT_OFF  # its reading begins
    assert send("10.0.0.1", free * 2 // 5) == CUT_OFF


# Uploads that are too slow


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"stall_seconds": 1, "slowest_bytes_per_second": 20_000}


@pytest.mark.embedded
def test_an_upload_that_stalls_or_drips_is_ended_and_leaves_nothing(server: GalleryServer) -> None:
    chunk = in_chunks(0)
    file, piece = {"file": ("a.jpg", photo(0))}, {"file": ("a.jpg", chunk.bytes(1))}
    raw = {"data": photo(0), "headers": {"Content-Type": "image/jpeg"}}
    with ExitStack() as connected:
        visitors = []
        for options in ({"files": file}, {"files": piece, "data": chunk.fields(1)}, raw, raw):
            whole = requests.Request("POST", server.url, **options).prepare()
            head = "".join(f"{name}: {value}\r\n" for name, value in whole.headers.items())
            visitor = socket.create_connection(("127.0.0.1", server.port), timeout=60)
            visitors.append(connected.enter_context(visitor))
            visitor.sendall(f"POST / HTTP/1.1\r\nHost: gallery\r\n{head}\r\n".encode())
            visitor.sendall(whole.body[:-1000])
        while not select.select([visitor], [], [], 0.05)[0]:
            visitor.sendall(b"o")
        for visitor in visitors:
            answer = http.client.HTTPResponse(visitor)
            answer.begin()
            assert (answer.status, answer.read().decode()) == (408, STOOD_STILL)
    assert server.files() == []


@pytest.mark.embedded
@pytest.mark.parametrize(("most", "limit"), [(500, "500 bytes"), (1536, "1.5 KB")])
def test_a_limit_is_told_in_the_unit_that_suits_it(config: Config, most: int, limit: str) -> None:
    client = create_app(replace(config, max_upload_bytes=most)).test_client()
    answer = client.post("/", data={"file": (io.BytesIO(photo_bytes()), "a.jpg")})
    assert outcome(answer) == (413, f"This photo is too large. The limit is {limit}.")


def test_a_word_that_is_far_too_long_is_not_understood(client: FlaskClient) -> None:
    send(client, 0)
    [photo] = client.get("/api/photos").json["photos"]
    for visibility in ("o" * 2000, "nobody"):
        answer = client.patch(f"/api/photos/{photo['id']}", json={"visibility": visibility})
        assert answer.status_code == 400
