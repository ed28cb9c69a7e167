"""Guests and their names; the gallery as one guest's, as found by words, in another order."""

import io
import unicodedata

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import open_page
from tests.support.photos import photo_bytes
from tests.support.visitors import TEXT, listed, own_id, own_name, send_as, take_name

TOO_LONG = "This name is too long; please take at most 60 characters."
NOT_UNDERSTOOD = "This request could not be understood; please reload the page and try again."


# Names


def test_a_guest_takes_a_name_and_takes_it_back(client: FlaskClient) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg"))
    assert own_name(client) is None
    for name in ("Ann", "Änne", ""):
        answer = take_name(client, name)
        assert (answer.status_code, answer.data) == (204, b"")
        assert own_name(client) == (name or None)
        [photo] = client.get("/api/photos").json["photos"]
        assert photo["by"] == {"id": own_id(client), "name": name or None}


def test_a_name_that_stays_as_it_was_is_no_change(client: FlaskClient) -> None:
    take_name(client, "Ann")
    version = client.get("/api/photos").json["version"]
    take_name(client, " Ann ")
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
        "\u3164\u2800": None,
    }.items():
        assert take_name(client, sent).status_code == 204
        assert own_name(client) == kept


@pytest.mark.embedded
def test_a_name_that_is_no_json_string_of_60_characters_is_refused(client: FlaskClient) -> None:
    take_name(client, "Bo")
    json = "application/json"
    for body, kind, sentence in (
        (b'{"name": "' + b"n" * 61 + b'"}', json, TOO_LONG),
        (b"{", json, NOT_UNDERSTOOD),
        (b"", json, NOT_UNDERSTOOD),
        (b'"Ann"', json, NOT_UNDERSTOOD),
        (b"[]", json, NOT_UNDERSTOOD),
        (b"{}", json, NOT_UNDERSTOOD),
        (b'{"name": 1}', json, NOT_UNDERSTOOD),
        (b'{"name": null}', json, NOT_UNDERSTOOD),
        (b'{"name": "\xff"}', json, NOT_UNDERSTOOD),
        (b"[" * 800, json, NOT_UNDERSTOOD),
        (b'{"name": "Ann"}', "text/plain", NOT_UNDERSTOOD),
        (b"name=Ann", "application/x-www-form-urlencoded", NOT_UNDERSTOOD),
        (b'{"name": "Ann"}', "", NOT_UNDERSTOOD),
    ):
        answer = client.put("/api/guest", data=body, content_type=kind)
        assert (answer.status_code, answer.text, answer.content_type) == (400, sentence, TEXT), body
        assert own_name(client) == "Bo"


@pytest.mark.embedded
def test_a_name_of_megabytes_is_refused_and_not_read(client: FlaskClient) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    for framing, sentence in (
        ({"CONTENT_LENGTH": "3000012"}, TOO_LONG),
        (chunked, NOT_UNDERSTOOD),
    ):
        body = io.BytesIO(b'{"name": "' + b"n" * 3_000_000 + b'"}')
        environ = framing | {"wsgi.input": body}
        answer = client.put(
            "/api/guest", content_type="application/json", environ_overrides=environ
        )
        assert (answer.status_code, answer.text, answer.content_type) == (400, sentence, TEXT)
        assert body.tell() < 100_000


def test_a_name_may_be_spelt_in_escapes(client: FlaskClient) -> None:
    for name, kept in ((b"\\ud83d\\ude00" * 60, "😀" * 60), (b"Ann\\ud800", "Ann")):
        body = b'{"name": "' + name + b'"}'
        answer = client.put("/api/guest", data=body, content_type="application/json")
        assert (answer.status_code, own_name(client)) == (204, kept)


def test_without_a_cookie_there_is_no_name_to_take_and_no_photo_of_ones_own(app: Flask) -> None:
    send_as(open_page(app), "a.jpg", photo_bytes("jpg"))
    stranger = app.test_client()
    assert take_name(stranger, "Ann").status_code == 400
    assert stranger.get("/api/guests").json == {"guests": []}
    assert listed(stranger, "mine=1") == []


def test_named_guests_are_listed_with_their_counts(app: Flask, client: FlaskClient) -> None:
    ann, bo, nobody, empty = (open_page(app) for _ in range(4))
    for guest, name in ((bo, "bo"), (ann, "Ann"), (empty, "Empty")):
        take_name(guest, name)
    for guest, count in ((ann, 2), (bo, 3), (nobody, 1)):
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


# The gallery in part, and in another order


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """Has sent a beach and a cake."""
    ann = open_page(app)
    take_name(ann, "Ann")
    send_as(ann, "beach.jpg", photo_bytes("jpg", seed=9, size=(160, 120)))
    send_as(ann, "cake.jpg", photo_bytes("jpg", seed=2, size=(120, 160)))
    return ann


@pytest.fixture
def evening(ann: FlaskClient, client: FlaskClient) -> FlaskClient:
    """Ann's, and then two photos of a guest without a name."""
    send_as(client, "more cake.jpg", photo_bytes("jpg", seed=5, size=(90, 60)))
    send_as(client, "by the sea.png", photo_bytes("png", size=(90, 60), metadata=False))
    return client


def test_photos_are_listed_by_sender_words_and_order(
    evening: FlaskClient, ann: FlaskClient
) -> None:
    everything = ["by the sea.png", "more cake.jpg", "cake.jpg", "beach.jpg"]
    taken = {
        photo["name"]: photo["taken"] or photo["uploaded"]
        for photo in evening.get("/api/photos").json["photos"]
    }
    assert len(set(taken.values())) == len(taken)
    for query, expected in {
        "": everything,
        "sort=arrival": everything,
        "sort=taken": sorted(everything, key=taken.get, reverse=True),
        f"by={own_id(ann)}": ["cake.jpg", "beach.jpg"],
        "mine=1": ["by the sea.png", "more cake.jpg"],
        "q=cake": ["more cake.jpg", "cake.jpg"],
        "q=CAKE ann": ["cake.jpg"],
        f"q=cake&by={own_id(ann)}&sort=taken": ["cake.jpg"],
        "q=%25": [],
        "by=nobody": [],
    }.items():
        assert listed(evening, query) == expected, query
    assert listed(ann, "mine=1") == ["cake.jpg", "beach.jpg"]
    page = evening.get("/api/photos?q=cake&limit=1").json
    assert (page["total"], page["photos"][0]["name"]) == (4, "more cake.jpg")
    assert listed(evening, f"q=cake&limit=1&before={page['next']}") == ["cake.jpg"]


def test_an_accent_is_found_however_it_was_typed(app: Flask, client: FlaskClient) -> None:
    for form in ("NFC", "NFD"):
        guest = open_page(app)
        send_as(guest, unicodedata.normalize(form, "Zürich.jpg"), photo_bytes("jpg"))
        for asked in ("NFC", "NFD"):
            query = f"by={own_id(guest)}&q={unicodedata.normalize(asked, 'züri')}"
            assert listed(client, query) == ["Zürich.jpg"]


@pytest.mark.embedded
def test_a_list_with_a_private_photo_is_not_cached(client: FlaskClient) -> None:
    queries = ("photos", "photos?since=0", "photos?mine=1", "outline")
    send_as(client, "a.jpg", photo_bytes("jpg", 1))
    for query in queries:
        assert client.get(f"/api/{query}").headers["Cache-Control"] == "private, no-cache"
    [photo] = client.get("/api/photos").json["photos"]
    client.patch(f"/api/photos/{photo['id']}", json={"visibility": "owner"})
    for query in queries:
        cache_control = client.get(f"/api/{query}").headers["Cache-Control"]
        assert set(cache_control.split(", ")) == {"private", "no-cache", "no-store"}


@pytest.mark.embedded
def test_an_order_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    for path in ("photos", "outline"):
        for query in ("sort=size", "sort=", "before=x", "before=-1"):
            answer = client.get(f"/api/{path}?{query}")
            assert (answer.status_code, answer.text) == (400, NOT_UNDERSTOOD), (path, query)
            assert answer.content_type == TEXT


def test_photos_are_listed_by_their_ids(evening: FlaskClient, ann: FlaskClient) -> None:
    photos = {photo["name"]: photo for photo in evening.get("/api/photos").json["photos"]}
    wanted = [photos["cake.jpg"], photos["by the sea.png"]]
    gone = photos["beach.jpg"]
    ann.delete(f"/api/photos/{gone['id']}")
    ids = ",".join([*(photo["id"] for photo in wanted), gone["id"], "f" * 32, "", "x'y"])
    page = evening.get(f"/api/photos?ids={ids}").json
    assert sorted(page["photos"], key=str) == sorted(wanted, key=str)
    assert (page["next"], page["total"]) == (None, 3)
    for count, status in ((100, 200), (101, 400)):
        answer = evening.get(f"/api/photos?ids={','.join(['f' * 32] * count)}")
        assert answer.status_code == status


def test_the_outline_has_every_photos_shape_and_moment(evening: FlaskClient) -> None:
    outline, page = evening.get("/api/outline").json, evening.get("/api/photos").json
    ids, shapes, moments = zip(*outline["photos"], strict=True)
    assert [*ids] == [photo["id"] for photo in page["photos"]]
    assert shapes == (1.5, 1.5, 0.75, 1.333)
    assert {type(moment) for moment in moments} == {int}
    assert (outline["next"], outline["total"], outline["version"]) == (None, 4, page["version"])
    ids, _, moments = zip(*evening.get("/api/outline?sort=taken").json["photos"], strict=True)
    assert [*moments] == sorted(moments, reverse=True)
    by_taken = evening.get("/api/photos?sort=taken").json["photos"]
    assert [*ids] == [photo["id"] for photo in by_taken]
    for query, count in (("mine=1", 2), ("q=beach", 1)):
        assert len(evening.get(f"/api/outline?{query}").json["photos"]) == count


def test_an_unchanged_list_is_not_sent_again(evening: FlaskClient, ann: FlaskClient) -> None:
    for number, query in enumerate(
        ("photos", "photos?since=0", "outline?sort=taken", "photos?q=a")
    ):
        first = evening.get(f"/api/{query}")
        assert first.headers["Cache-Control"] == "private, no-cache"
        known = {"If-None-Match": first.headers["ETag"]}
        again = evening.get(f"/api/{query}", headers=known)
        assert (again.status_code, again.data) == (304, b"")
        take_name(ann, f"Anna {number}")
        assert evening.get(f"/api/{query}", headers=known).status_code == 200
