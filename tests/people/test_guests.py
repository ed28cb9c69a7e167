"""Guests and the names that they take."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.photos import photo_bytes
from tests.support.visitors import (
    TEXT,
    listed_photos,
    open_page,
    outcome,
    own_id,
    own_name,
    send_as,
    take_name,
)

TOO_LONG = "This name is too long. Use up to 60 characters."
NOT_UNDERSTOOD = "This request couldn't be understood. Reload the page and try again."
JSON = "application/json"


def test_a_guest_takes_a_name_and_takes_it_back(client: FlaskClient) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg"))
    assert own_name(client) is None
    for name in ("Ann", "Änne", ""):
        assert outcome(take_name(client, name)) == (204, "")
        assert own_name(client) == (name or None)
        [photo] = listed_photos(client)
        assert photo["by"] == {"id": own_id(client), "name": name or None}
        version = client.get("/api/photos").json["version"]
        take_name(client, f" {name} ")  # which is no change
        assert client.get("/api/photos").json["version"] == version


def test_a_name_is_one_line_without_invisible_characters(client: FlaskClient) -> None:
    for sent, kept in {
        "  Ann \t Smith\n": "Ann Smith",
        "A\u202enn\0": "A nn",
        "A\u0308nne": "Änne",
        "<b>Ann</b>": "<b>Ann</b>",
        "👩‍🚀": "👩‍🚀",
        "é" * 60: "é" * 60,
        " \u200b\u2028 ": None,
        "\u200d": None,
        "\u3164\u2800\ufffc\U0001d159": None,
        "\ufe0f \u034f\u200d": None,
        "❤\ufe0f": "❤\ufe0f",
    }.items():
        assert take_name(client, sent).status_code == 204
        assert own_name(client) == kept


def test_a_name_may_be_spelt_in_escapes(client: FlaskClient) -> None:
    for name, kept in ((b"\\ud83d\\ude00" * 60, "😀" * 60), (b"Ann\\ud800", "Ann")):
        answer = client.put("/api/guest", data=b'{"name": "%s"}' % name, content_type=JSON)
        assert (answer.status_code, own_name(client)) == (204, kept)


@pytest.mark.embedded
def test_a_name_that_is_no_json_string_of_60_characters_is_refused(client: FlaskClient) -> None:
    take_name(client, "Bo")
    for body, kind, sentence in (
        (b'{"name": "%s"}' % (b"n" * 61), JSON, TOO_LONG),
        (b"{", JSON, NOT_UNDERSTOOD),
        (b"", JSON, NOT_UNDERSTOOD),
        (b'"Ann"', JSON, NOT_UNDERSTOOD),
        (b"[]", JSON, NOT_UNDERSTOOD),
        (b"{}", JSON, NOT_UNDERSTOOD),
        (b'{"name": 1}', JSON, NOT_UNDERSTOOD),
        (b'{"name": null}', JSON, NOT_UNDERSTOOD),
        (b'{"name": "\xff"}', JSON, NOT_UNDERSTOOD),
        (b"[" * 800, JSON, NOT_UNDERSTOOD),
        (b'{"name": "Ann"}', "text/plain", NOT_UNDERSTOOD),
        (b"name=Ann", "application/x-www-form-urlencoded", NOT_UNDERSTOOD),
        (b'{"name": "Ann"}', "", NOT_UNDERSTOOD),
    ):
        answer = client.put("/api/guest", data=body, content_type=kind)
        assert (outcome(answer), answer.content_type) == ((400, sentence), TEXT), body
        assert own_name(client) == "Bo"


@pytest.mark.embedded
def test_a_name_of_megabytes_is_refused_and_not_read(client: FlaskClient) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    for framing, sentence in (({"CONTENT_LENGTH": "3000012"}, TOO_LONG), (chunked, NOT_UNDERSTOOD)):
        body = io.BytesIO(b'{"name": "%s"}' % (b"n" * 3_000_000))
        environ = framing | {"wsgi.input": body}
        answer = client.put("/api/guest", content_type=JSON, environ_overrides=environ)
        assert (outcome(answer), answer.content_type) == ((400, sentence), TEXT)
        assert body.tell() < 100_000


def test_named_guests_are_listed_with_their_counts(app: Flask, client: FlaskClient) -> None:
    ann, bo, nobody, empty = (open_page(app) for _ in range(4))
    for guest, name, count in (
        (bo, "bo", 3),
        (ann, "Ann", 2),
        (empty, "Empty", 0),
        (nobody, "", 1),
    ):
        take_name(guest, name)
        for number in range(count):
            send_as(guest, f"{number}.png", photo_bytes("png", seed=number, size=(48, 32)))
    first = bo.get(f"/api/photos?by={own_id(bo)}").json["photos"][0]
    bo.delete(f"/api/photos/{first['id']}")
    answer = client.get("/api/guests")
    assert answer.json["guests"] == [
        {"id": own_id(ann), "name": "Ann", "photos": 2},
        {"id": own_id(bo), "name": "bo", "photos": 2},
    ]
    assert answer.headers["Cache-Control"] == "private, no-store"
