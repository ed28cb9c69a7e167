"""Guests and their names; the gallery as one guest's, as found by words, in another order."""

import io
import unicodedata
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Send, open_page
from tests.support.photos import photo_bytes

TOO_LONG = "This name is too long; please take at most 60 characters."
NOT_UNDERSTOOD = "This request could not be understood; please reload the page and try again."
TEXT = "text/plain; charset=utf-8"

Listing = Callable[[str], list[str]]


def take_name(client: FlaskClient, name: str) -> TestResponse:
    return client.put("/api/guest", json={"name": name})


def own_name(client: FlaskClient) -> str | None:
    return client.get("/api/settings").json["guest"]["name"]


def own_id(client: FlaskClient) -> str:
    return client.get("/api/settings").json["guest"]["id"]


def listed(client: FlaskClient, query: str = "") -> list[str]:
    return [photo["name"] for photo in client.get(f"/api/photos?{query}").json["photos"]]


def send_as(client: FlaskClient, name: str, content: bytes) -> None:
    answer = client.post("/", data={"file": (io.BytesIO(content), name)})
    assert answer.status_code == 204


# Names


def test_a_guest_takes_a_name_and_takes_it_back(client: FlaskClient, send: Send) -> None:
    send(("a.jpg", photo_bytes("jpg")))
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


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  Ann \t Smith\n", "Ann Smith"),
        ("A\u202enn\u0000", "A nn"),
        ("A\u0308nne", "Änne"),
        ("<b>Ann</b>", "<b>Ann</b>"),
        ("👩‍🚀", "👩‍🚀"),
        ("é" * 60, "é" * 60),
        (" \u200b\u2028 ", None),
        ("\u200d", None),
        ("\u3164\u2800", None),
    ],
)
def test_a_name_is_one_line_without_what_cannot_be_seen(
    client: FlaskClient, sent: str, kept: str | None
) -> None:
    assert take_name(client, sent).status_code == 204
    assert own_name(client) == kept


def test_a_name_that_is_too_long_is_refused_and_the_old_one_stays(client: FlaskClient) -> None:
    take_name(client, "Ann")
    answer = take_name(client, "n" * 61)
    assert (answer.status_code, answer.text) == (400, TOO_LONG)
    assert answer.content_type == TEXT
    assert own_name(client) == "Ann"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"{", "application/json", id="broken"),
        pytest.param(b"", "application/json", id="empty"),
        pytest.param(b'"Ann"', "application/json", id="a word"),
        pytest.param(b"[]", "application/json", id="a list"),
        pytest.param(b"{}", "application/json", id="no name"),
        pytest.param(b'{"name": 1}', "application/json", id="a number"),
        pytest.param(b'{"name": null}', "application/json", id="nothing"),
        pytest.param(b'{"name": "\xff"}', "application/json", id="no UTF-8"),
        pytest.param(b"[" * 800, "application/json", id="deep"),
        pytest.param(b'{"name": "Ann"}', "text/plain", id="another type"),
        pytest.param(b"name=Ann", "application/x-www-form-urlencoded", id="a form"),
        pytest.param(b'{"name": "Ann"}', "", id="no type"),
    ],
)
def test_what_is_no_name_is_refused_in_text(client: FlaskClient, body: bytes, kind: str) -> None:
    answer = client.put("/api/guest", data=body, content_type=kind)
    assert (answer.status_code, answer.text, answer.content_type) == (400, NOT_UNDERSTOOD, TEXT)
    assert own_name(client) is None


@pytest.mark.parametrize(
    ("framing", "sentence"),
    [
        pytest.param({"CONTENT_LENGTH": "3000012"}, TOO_LONG, id="whole"),
        pytest.param(
            {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
            NOT_UNDERSTOOD,
            id="chunked",
        ),
    ],
)
def test_a_name_of_megabytes_is_refused_and_not_read(
    client: FlaskClient, framing: dict, sentence: str
) -> None:
    body = io.BytesIO(b'{"name": "' + b"n" * 3_000_000 + b'"}')
    environ = framing | {"wsgi.input": body}
    answer = client.put("/api/guest", content_type="application/json", environ_overrides=environ)
    assert (answer.status_code, answer.text, answer.content_type) == (400, sentence, TEXT)
    assert body.tell() < 100_000


def test_the_longest_name_may_be_spelt_in_escapes(client: FlaskClient) -> None:
    body = b'{"name": "' + b"\\ud83d\\ude00" * 60 + b'"}'
    answer = client.put("/api/guest", data=body, content_type="application/json")
    assert (answer.status_code, own_name(client)) == (204, "😀" * 60)


def test_half_a_surrogate_is_no_letter(client: FlaskClient) -> None:
    answer = client.put(
        "/api/guest", data=b'{"name": "Ann\\ud800"}', content_type="application/json"
    )
    assert answer.status_code == 204
    assert own_name(client) == "Ann"


def test_who_has_not_opened_the_page_has_no_name_to_take(app: Flask) -> None:
    stranger = app.test_client()
    assert take_name(stranger, "Ann").status_code == 400
    assert stranger.get("/api/guests").json == {"guests": []}


def test_named_guests_are_listed_with_how_many_photos_they_have(
    app: Flask, client: FlaskClient
) -> None:
    ann, bo, nobody, empty = (open_page(app) for _ in range(4))
    for guest, name in ((bo, "bo"), (ann, "Ann"), (empty, "Empty")):
        take_name(guest, name)
    for guest, count in ((ann, 2), (bo, 3), (nobody, 1)):
        for number in range(count):
            send_as(guest, f"{number}.png", photo_bytes("png", seed=number, size=(48, 32)))
    first = bo.get(f"/api/photos?by={own_id(bo)}").json["photos"][0]
    bo.delete(f"/api/photos/{first['id']}")
    answer = client.get("/api/guests")
    assert answer.json == {
        "guests": [
            {"id": own_id(ann), "name": "Ann", "photos": 2},
            {"id": own_id(bo), "name": "bo", "photos": 2},
        ]
    }
    assert answer.headers["Cache-Control"] == "private, no-store"


# Some photos, in an order


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


def test_the_gallery_is_told_in_part_and_in_another_order(
    evening: FlaskClient, ann: FlaskClient
) -> None:
    everything = ["by the sea.png", "more cake.jpg", "cake.jpg", "beach.jpg"]
    of_ann = f"by={own_id(ann)}"
    assert listed(evening) == everything
    assert listed(evening, "sort=arrival") == everything
    taken = {
        p["name"]: p["taken"] or p["uploaded"] for p in evening.get("/api/photos").json["photos"]
    }
    assert listed(evening, "sort=taken") == sorted(everything, key=taken.get, reverse=True)
    assert len(set(taken.values())) == len(taken)
    assert listed(evening, of_ann) == ["cake.jpg", "beach.jpg"]
    assert listed(evening, "mine=1") == ["by the sea.png", "more cake.jpg"]
    assert listed(ann, "mine=1") == ["cake.jpg", "beach.jpg"]
    assert listed(evening, "q=cake") == ["more cake.jpg", "cake.jpg"]
    assert listed(evening, "q=CAKE ann") == ["cake.jpg"]
    assert listed(evening, f"q=cake&{of_ann}&sort=taken") == ["cake.jpg"]
    assert listed(evening, "q=%25") == []
    assert listed(evening, "by=nobody") == []
    page = evening.get("/api/photos?q=cake&limit=1").json
    assert (page["total"], page["photos"][0]["name"]) == (4, "more cake.jpg")
    assert listed(evening, f"q=cake&limit=1&before={page['next']}") == ["cake.jpg"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_accent_is_found_however_it_was_typed(client: FlaskClient, form: str) -> None:
    send_as(client, unicodedata.normalize(form, "Zürich.jpg"), photo_bytes("jpg"))
    for asked in ("NFC", "NFD"):
        assert listed(client, f"q={unicodedata.normalize(asked, 'züri')}") == ["Zürich.jpg"]


def test_who_has_no_cookie_has_no_photos(evening: FlaskClient, app: Flask) -> None:
    assert listed(app.test_client(), "mine=1") == []


@pytest.mark.parametrize("query", ["photos", "photos?since=0", "photos?mine=1", "outline"])
def test_a_list_with_what_not_everyone_sees_is_kept_nowhere(
    client: FlaskClient, query: str
) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg", 1))
    assert client.get(f"/api/{query}").headers["Cache-Control"] == "private, no-cache"
    [photo] = client.get("/api/photos").json["photos"]
    client.patch(f"/api/photos/{photo['id']}", json={"visibility": "owner"})
    cache_control = client.get(f"/api/{query}").headers["Cache-Control"]
    assert set(cache_control.split(", ")) == {"private", "no-cache", "no-store"}


@pytest.mark.parametrize("path", ["/api/photos", "/api/outline"])
@pytest.mark.parametrize("query", ["sort=size", "sort=", "before=x", "before=-1"])
def test_an_order_that_there_is_not_is_refused(client: FlaskClient, path: str, query: str) -> None:
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, answer.text, answer.content_type) == (400, NOT_UNDERSTOOD, TEXT)


def test_photos_are_told_by_their_ids(evening: FlaskClient, ann: FlaskClient) -> None:
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


def test_the_outline_tells_every_photos_shape_and_moment(evening: FlaskClient) -> None:
    outline = evening.get("/api/outline").json
    page = evening.get("/api/photos").json
    photos = page["photos"]
    assert [each[0] for each in outline["photos"]] == [photo["id"] for photo in photos]
    assert [each[1] for each in outline["photos"]] == [1.5, 1.5, 0.75, 1.333]
    assert all(isinstance(each[2], int) for each in outline["photos"])
    assert (outline["next"], outline["total"], outline["version"]) == (None, 4, page["version"])
    by_taken = evening.get("/api/outline?sort=taken").json["photos"]
    moments = [each[2] for each in by_taken]
    assert moments == sorted(moments, reverse=True)
    assert [each[0] for each in by_taken] == [
        photo["id"] for photo in evening.get("/api/photos?sort=taken").json["photos"]
    ]
    assert len(evening.get("/api/outline?mine=1").json["photos"]) == 2
    assert len(evening.get("/api/outline?q=beach").json["photos"]) == 1


@pytest.mark.parametrize(
    "address", ["/api/photos", "/api/photos?since=0", "/api/outline?sort=taken", "/api/photos?q=a"]
)
def test_what_has_not_changed_is_not_sent_again(
    evening: FlaskClient, ann: FlaskClient, address: str
) -> None:
    first = evening.get(address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    known = {"If-None-Match": first.headers["ETag"]}
    again = evening.get(address, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    take_name(ann, "Anna")
    assert evening.get(address, headers=known).status_code == 200
