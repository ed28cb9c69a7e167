"""What the host is protected from: each limit, with its sentence and when to go on."""

import http.client
import io
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from server import create_app
from server.catalog.tables import photos
from server.config import Config
from server.moments import write_moment
from tests.conftest import open_page
from tests.support.chunks import InChunks, send_all, send_chunk
from tests.support.engines import catalog_of, stored_files
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

HOUR_SECONDS = 60 * 60
PHOTO_BYTES = 20_000
WORTH_THREE = 3 * PHOTO_BYTES
TERABYTE = 1024**4

AN_HOUR = "You have sent as much as one guest may within an hour; please wait."
GALLERY_FULL = "The gallery has reached its limit of 58.59 KB; please tell your host."
DISK_FULL = (
    "The server has almost no disk space left; please tell your host and send it again then."
)
STOOD_STILL = "The upload stood still for too long; please send it again."

LIMITS: dict[str, tuple[dict[str, int], int, str]] = {
    "photos an hour": ({"max_guest_photos_per_hour": 3}, 429, AN_HOUR),
    "bytes an hour": ({"max_guest_bytes_per_hour": WORTH_THREE}, 429, AN_HOUR),
    "gallery": ({"max_gallery_bytes": WORTH_THREE}, 507, GALLERY_FULL),
}
"""Each has room for three photos."""
EACH = pytest.mark.parametrize(("limits", "status", "sentence"), LIMITS.values(), ids=LIMITS.keys())
HOURLY = [
    pytest.param({"max_guest_photos_per_hour": 3}, id="photos"),
    pytest.param({"max_guest_bytes_per_hour": WORTH_THREE}, id="bytes"),
]
IN_BYTES = [
    pytest.param({"max_guest_bytes_per_hour": WORTH_THREE}, 429, AN_HOUR, id="an hour"),
    pytest.param({"max_gallery_bytes": WORTH_THREE}, 507, GALLERY_FULL, id="gallery"),
]


def photo(number: int) -> bytes:
    """All are of the same size."""
    image = photo_bytes("jpg", 1, (120, 80))
    return image + number.to_bytes(PHOTO_BYTES - len(image))


def in_chunks(number: int) -> InChunks:
    return InChunks(photo(number), PHOTO_BYTES // 4)


def limited(config: Config, limits: dict[str, int]) -> Flask:
    return create_app(replace(config, max_upload_bytes=PHOTO_BYTES, **limits))


def send(client: FlaskClient, *numbers: int) -> TestResponse:
    """One form with these photos."""
    files = [(io.BytesIO(photo(number)), f"{number}.jpg") for number in numbers]
    return client.post("/", data={"file": files})


def listed(client: FlaskClient) -> list[str]:
    return [photo["name"] for photo in client.get("/api/photos").json["photos"]]


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.text


def shift(config: Config, seconds: int) -> None:
    """As if every photo had come so much earlier."""
    with catalog_of(config.data) as catalog:
        for photo_id, uploaded in catalog.execute(select(photos.c.id, photos.c.uploaded)).all():
            earlier = datetime.fromisoformat(uploaded) - timedelta(seconds=seconds)
            this_one = update(photos).where(photos.c.id == photo_id)
            catalog.execute(this_one.values(uploaded=write_moment(earlier)))


@EACH
def test_up_to_the_limit_photos_are_kept_and_then_refused(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    client = open_page(limited(config, limits))
    assert [send(client, number).status_code for number in range(3)] == [204] * 3
    kept = stored_files(config.data)
    answer = send(client, 3)
    assert told(answer) == (status, sentence)
    waits = answer.headers.get("Retry-After", type=int)
    assert HOUR_SECONDS - 10 < waits <= HOUR_SECONDS if status == 429 else waits is None
    assert sorted(stored_files(config.data)) == sorted(kept)


@EACH
def test_of_several_photos_those_within_the_limit_are_kept(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    client = open_page(limited(config, limits))
    assert told(send(client, *range(5))) == (
        status,
        f"3 of 5 photos are safe; these were refused:\n“3.jpg”: {sentence}\n“4.jpg”: {sentence}",
    )
    assert listed(client) == ["2.jpg", "1.jpg", "0.jpg"]


@EACH
def test_a_photo_that_is_there_already_is_welcome_at_the_limit(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    client = open_page(limited(config, limits))
    chunked = in_chunks(0)
    send_all(client, chunked)
    send(client, 1, 2)
    assert send(client, 1).status_code == 204
    assert send_all(client, chunked) == [204] * 4
    assert told(send(client, 1, 3)) == (
        status,
        f"1 of 2 photos are safe; these were refused:\n“3.jpg”: {sentence}",
    )


@EACH
def test_the_first_chunk_of_a_photo_over_the_limit_is_refused(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    client = open_page(limited(config, limits))
    send(client, 0, 1, 2)
    kept = stored_files(config.data)
    sent = in_chunks(3)
    assert told(send_chunk(client, sent, 0)) == (status, sentence)
    assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert sorted(stored_files(config.data)) == sorted(kept)


@pytest.mark.parametrize("limits", HOURLY)
def test_another_guest_may_send_meanwhile(config: Config, limits: dict[str, int]) -> None:
    app = limited(config, limits)
    busy, quiet = open_page(app), open_page(app)
    send(busy, 0, 1, 2)
    assert send(busy, 3).status_code == 429
    assert send(quiet, 3).status_code == 204


@pytest.mark.parametrize("limits", HOURLY)
def test_after_an_hour_it_goes_on(config: Config, limits: dict[str, int]) -> None:
    client = open_page(limited(config, limits))
    send(client, 0, 1, 2)
    shift(config, HOUR_SECONDS - 100)
    answer = send(client, 3)
    assert told(answer) == (429, AN_HOUR)
    assert 60 < int(answer.headers["Retry-After"]) <= 100
    shift(config, 70)
    assert 0 < int(send(client, 3).headers["Retry-After"]) <= 30
    shift(config, 40)
    assert send(client, 3, 4, 5).status_code == 204
    assert send(client, 6).status_code == 429


@pytest.mark.parametrize("limits", HOURLY)
def test_removing_photos_does_not_let_a_guest_send_more(
    config: Config, limits: dict[str, int]
) -> None:
    client = open_page(limited(config, limits))
    send(client, 0, 1, 2)
    for sent in client.get("/api/photos").json["photos"]:
        assert client.delete(f"/api/photos/{sent['id']}").status_code == 204
    assert told(send(client, 3)) == (429, AN_HOUR)


def test_a_photo_that_is_removed_makes_room_in_the_gallery(config: Config) -> None:
    client = open_page(limited(config, {"max_gallery_bytes": WORTH_THREE}))
    send(client, 0, 1, 2)
    [oldest] = client.get("/api/photos").json["photos"][-1:]
    client.delete(f"/api/photos/{oldest['id']}")
    assert send(client, 3).status_code == 204
    assert send(client, 4).status_code == 507


@pytest.mark.parametrize(("limits", "status", "sentence"), IN_BYTES)
def test_chunks_that_have_come_count(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    client = open_page(limited(config, limits))
    send(client, 0, 1)
    half = in_chunks(2)
    send_chunk(client, half, 0)
    assert told(send(client, 3)) == (status, sentence)
    assert client.delete(f"/api/uploads/{half.uuid}").status_code == 204
    assert send(client, 3).status_code == 204


@EACH
def test_photos_that_come_at_once_do_not_go_past_the_limit(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    app = limited(config, limits)
    client = open_page(app)
    cookie = client.get_cookie("dropwall")
    assert cookie

    def send_alone(number: int) -> tuple[int, str]:
        alone = app.test_client()
        alone.set_cookie("dropwall", cookie.value)
        return told(send(alone, number))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send_alone, range(16)))
    assert sorted(answers) == [(204, "")] * 3 + [(status, sentence)] * 13
    assert len(listed(client)) == 3
    assert len(stored_files(config.data)) == 3 * 3


def test_photos_that_have_begun_count_where_another_one_begins(config: Config) -> None:
    client = open_page(limited(config, {"max_guest_photos_per_hour": 3}))
    begun = [in_chunks(number) for number in range(3)]
    assert [send_chunk(client, half, 0).status_code for half in begun] == [204] * 3
    assert told(send_chunk(client, in_chunks(3), 0)) == (429, AN_HOUR)
    for half in begun:
        assert send_all(client, half) == [204] * 4


@EACH
def test_a_photo_in_chunks_counts_once(
    config: Config, limits: dict[str, int], status: int, sentence: str
) -> None:
    client = open_page(limited(config, limits))
    for number in range(3):
        assert send_all(client, in_chunks(number)) == [204] * 4
    assert told(send_chunk(client, in_chunks(3), 0)) == (status, sentence)


def test_an_upload_that_met_the_limit_goes_on_when_there_is_room(config: Config) -> None:
    client = open_page(limited(config, {"max_gallery_bytes": WORTH_THREE}))
    first, second, third, _ = begun = [in_chunks(number) for number in range(4)]
    assert [send_chunk(client, sent, 0).status_code for sent in begun] == [204] * 4
    assert send_all(client, first) + send_all(client, second) == [204] * 8
    assert told(send_chunk(client, third, 1)) == (507, GALLERY_FULL)
    assert client.get(f"/api/uploads/{third.uuid}").json["received"] == [0]
    for sent in client.get("/api/photos").json["photos"]:
        client.delete(f"/api/photos/{sent['id']}")
    assert send_all(client, third) == [204] * 4


def test_what_is_free_on_the_disk_is_kept_in_reserve(config: Config) -> None:
    client = open_page(limited(config, {"min_free_bytes": 1024 * TERABYTE}))
    raw = {"data": photo(0), "content_type": "image/jpeg"}
    answers = [send(client, 0, 1), client.post("/", **raw), send_chunk(client, in_chunks(0), 0)]
    assert [told(answer) for answer in answers] == [(507, DISK_FULL)] * 3
    assert stored_files(config.data) == []
    assert listed(client) == []


# Who is too slow

HEAD = "POST / HTTP/1.1\r\nHost: wall\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n\r\n"
FORM = "Content-Type: multipart/form-data; boundary=b"
SLOW_SECONDS = 10


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Waits two seconds, and goes on waiting for 20 kB/s."""
    data = tmp_path_factory.mktemp("impatient") / "data"
    server = RunningServer(data, workers=1, stall_seconds=2, slowest_bytes_per_second=20_000)
    yield server
    server.stop()


@contextmanager
def connect(server: RunningServer, kind: str, length: int) -> Iterator[socket.socket]:
    """The head of a request is sent."""
    with socket.create_connection(("127.0.0.1", server.port), SLOW_SECONDS) as visitor:
        visitor.sendall(HEAD.format(length, kind).encode())
        yield visitor


def read_answer(visitor: socket.socket) -> tuple[int, str]:
    answer = http.client.HTTPResponse(visitor)
    answer.begin()
    return answer.status, answer.read().decode()


def form(fields: dict[str, str], content: bytes) -> bytes:
    texts = [field(f'"{name}"', text.encode()) for name, text in fields.items()]
    return b"".join([*texts, field('"file"; filename="a.jpg"', content), b"--b--\r\n"])


def field(name: str, content: bytes) -> bytes:
    head = f"--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n"
    return head.encode() + content + b"\r\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(FORM, form({}, photo(0)), id="a form"),
        pytest.param("Content-Type: image/jpeg", photo(0), id="a raw photo"),
        pytest.param(FORM, form(in_chunks(0).fields(1), photo(0)[:5000]), id="a chunk"),
    ],
)
def test_an_upload_that_stands_still_is_ended_and_leaves_nothing(
    impatient: RunningServer, kind: str, body: bytes
) -> None:
    with connect(impatient, kind, len(body)) as visitor:
        visitor.sendall(body[:-1000])
        assert read_answer(visitor) == (408, STOOD_STILL)
    assert impatient.files() == []


def test_an_upload_that_comes_in_drops_is_ended(impatient: RunningServer) -> None:
    with connect(impatient, "Content-Type: image/jpeg", 100_000) as visitor:
        visitor.settimeout(0.1)
        for _ in range(10 * SLOW_SECONDS):  # at 5 kB/s
            visitor.sendall(bytes(500))
            with suppress(TimeoutError):
                visitor.recv(1, socket.MSG_PEEK)
                break
        assert read_answer(visitor) == (408, STOOD_STILL)
    assert impatient.files() == []


def test_an_upload_that_is_just_fast_enough_arrives(impatient: RunningServer) -> None:
    content = photo(0) + bytes(100_000)
    with connect(impatient, "Content-Type: image/jpeg", len(content)) as visitor:
        visitor.settimeout(0.1)
        for start in range(0, len(content), 4_000):  # at 40 kB/s
            visitor.sendall(content[start : start + 4_000])
            with suppress(TimeoutError):
                visitor.recv(1, socket.MSG_PEEK)
        visitor.settimeout(SLOW_SECONDS)
        assert read_answer(visitor) == (204, "")
