"""Large thumbnails and JPEGs, which are made when they are first asked for."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dropwall.images import reading
from dropwall.photos import gallery
from tests.support.photos import photo_bytes
from tests.support.visitors import Send
from tests.support.waiting import PATIENCE_SECONDS, wait_until


class Decoding:
    """Counts what is decoded, and can hold it up."""

    def __init__(self, decode: Callable[..., Any]) -> None:
        self.decode = decode
        self.begun = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, *arguments: Any) -> Any:
        self.begun += 1
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        return self.decode(*arguments)


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoding]:
    decoding = Decoding(reading.decode)
    monkeypatch.setattr(reading, "decode", decoding)
    yield decoding
    decoding.may_go_on.set()


ADDRESSES = {
    "large thumbnail": lambda photo: photo["thumbnails"]["2048"],
    "jpeg": lambda photo: f"{photo['url']}?as=jpeg",
}
of_both = pytest.mark.parametrize("kind", ADDRESSES)


def add_photos(client: FlaskClient, send: Send, count: int, kind: str) -> list[str]:
    """The addresses of what is made of them."""
    for number in range(count):
        assert send((f"{number}.heic", photo_bytes("heic", number))).status_code == 204
    return [ADDRESSES[kind](photo) for photo in client.get("/api/photos").json["photos"]]


def fetch(app: Flask, address: str) -> tuple[int, bytes]:
    with app.test_client().get(address) as answer:
        return answer.status_code, answer.data


@of_both
def test_what_many_ask_for_at_once_is_made_once(
    app: Flask, client: FlaskClient, send: Send, decoding: Decoding, kind: str
) -> None:
    [address] = add_photos(client, send, 1, kind)
    decoding.begun = 0
    decoding.may_go_on.clear()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(fetch, app, address) for _ in range(8)]
        wait_until(lambda: decoding.begun == 1)
        decoding.may_go_on.set()
        answers = [answer.result(PATIENCE_SECONDS) for answer in asked]
    assert {status for status, _ in answers} == {200}
    assert len(set(answers)) == 1
    assert decoding.begun == 1


@of_both
def test_past_a_small_queue_nothing_more_is_made_and_uploads_wait(
    monkeypatch: pytest.MonkeyPatch, decoding: Decoding, request: pytest.FixtureRequest, kind: str
) -> None:
    monkeypatch.setattr(gallery, "THUMBNAILS_AT_ONCE", 1)
    app: Flask = request.getfixturevalue("app")
    client, send = request.getfixturevalue("client"), request.getfixturevalue("send")
    first, second = add_photos(client, send, 2, kind)
    decoding.begun = 0
    decoding.may_go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(fetch, app, first)
        wait_until(lambda: decoding.begun == 1)
        refused: TestResponse = client.get(second)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert refused.text == "Many photos are being prepared right now. Try again."
        sent = pool.submit(send, ("more.jpg", photo_bytes("jpg", 3)))
        wait_until(lambda: decoding.begun == 2)
        decoding.may_go_on.set()
        assert asked.result(PATIENCE_SECONDS)[0] == 200
        assert sent.result(PATIENCE_SECONDS).status_code == 204
    assert fetch(app, second)[0] == 200
