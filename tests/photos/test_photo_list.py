"""Looking at photos: the list, the originals, the thumbnails, removal."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from tests.conftest import Send
from tests.support.photos import photo_bytes


@pytest.fixture
def five_photos(client: FlaskClient, send: Send) -> list[dict]:
    """Newest first."""
    for number in range(5):
        send((f"{number}.jpg", photo_bytes("jpg", seed=number, size=(160, 120))))
    return client.get("/api/photos").json["photos"]


def test_an_empty_gallery_is_a_list_too(client: FlaskClient) -> None:
    assert client.get("/api/photos").json == {
        "photos": [],
        "next": None,
        "total": 0,
        "version": 0,
    }


def test_the_list_is_paged_newest_first(client: FlaskClient, five_photos: list[dict]) -> None:
    seen, before = [], ""
    for _ in range(3):
        page = client.get(f"/api/photos?limit=2{before}").json
        assert (page["total"], page["version"]) == (5, five_photos[0]["version"])
        seen += page["photos"]
        before = f"&before={page['next']}"
    assert page["next"] is None
    assert seen == five_photos
    assert [photo["name"] for photo in seen] == ["4.jpg", "3.jpg", "2.jpg", "1.jpg", "0.jpg"]


def test_a_photo_tells_what_the_page_must_know(client: FlaskClient, send: Send) -> None:
    content = photo_bytes("jpg", size=(640, 480))
    send(("beach.jpg", content))
    photo = client.get("/api/photos").json["photos"][0]
    assert set(photo) == {
        *("id", "name", "url", "thumbnails", "width", "height", "bytes", "taken", "uploaded"),
        *("placeholder", "animated", "by", "visibility", "standing", "version"),
    }
    assert (photo["width"], photo["height"], photo["bytes"]) == (640, 480, len(content))
    assert set(photo["thumbnails"]) == {"320", "640", "2048"}
    assert photo["placeholder"].startswith("data:image/webp;base64,")
    assert photo["by"]["id"] == client.get("/api/settings").json["guest"]["id"]


def test_an_unchanged_list_is_not_sent_again(client: FlaskClient, five_photos: list[dict]) -> None:
    etag = client.get("/api/photos").headers["ETag"]
    again = client.get("/api/photos", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_since_tells_what_was_added_and_removed(
    client: FlaskClient, send: Send, five_photos: list[dict]
) -> None:
    version = client.get("/api/photos").json["version"]
    client.delete(f"/api/photos/{five_photos[0]['id']}")
    send(("new.jpg", photo_bytes("png")), ("new.png", photo_bytes("png")))
    changes = client.get(f"/api/photos?since={version}").json
    assert [photo["name"] for photo in changes["photos"]] == ["new.png"]
    assert changes["removed"] == [five_photos[0]["id"]]
    assert (changes["total"], changes["reset"]) == (5, False)
    assert client.get(f"/api/photos?since={changes['version']}").json["photos"] == []


def test_a_version_that_never_was_says_reset(client: FlaskClient) -> None:
    assert client.get(f"/api/photos?since={2**53}").json["reset"] is True


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=x", "before=-1", "since=9223372036854775808", "since="),
        f"before={'0' * 20}99999999999999999999999",
        f"since={'0' * 5000}",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/photos?{query}")
    assert answer.status_code == 400
    assert answer.content_type == "text/plain; charset=utf-8"


def test_an_original_says_its_name_and_type(client: FlaskClient, send: Send) -> None:
    send(("写真.heic", photo_bytes("heic")))
    answer = client.get(client.get("/api/photos").json["photos"][0]["url"], buffered=True)
    assert answer.headers["Content-Type"] == "image/heic"
    assert "filename*=UTF-8''%E5%86%99%E7%9C%9F.heic" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_original_is_sent_in_ranges(client: FlaskClient, send: Send) -> None:
    content = photo_bytes("jpg")
    send(("a.jpg", content))
    url = client.get("/api/photos").json["photos"][0]["url"]
    part = client.get(url, headers={"Range": "bytes=10-19"}, buffered=True)
    assert (part.status_code, part.data) == (206, content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(content)}"
    for odd in ("lines=1", "bytes=5-1", "bytes=0-1,3-4"):
        whole = client.get(url, headers={"Range": odd}, buffered=True)
        assert (whole.status_code, whole.data) == (200, content)
        assert whole.headers["Accept-Ranges"] == "bytes"
    beyond = client.get(url, headers={"Range": f"bytes={len(content)}-"}, buffered=True)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(content)}")


@pytest.mark.parametrize("which", ["url", "thumbnails"])
def test_a_file_that_the_browser_has_is_not_sent_again(
    client: FlaskClient, five_photos: list[dict], which: str
) -> None:
    url = five_photos[0][which]
    url = url if which == "url" else url["320"]
    etag = client.get(url, buffered=True).headers["ETag"]
    again = client.get(url, headers={"If-None-Match": etag}, buffered=True)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("width", [320, 640, 2048])
def test_thumbnails_have_their_width_and_never_change(
    client: FlaskClient, send: Send, width: int
) -> None:
    send(("wide.jpg", photo_bytes("jpg", size=(2400, 1600))))
    photo = client.get("/api/photos").json["photos"][0]
    for _first_and_kept in range(2):
        answer = client.get(photo["thumbnails"][str(width)], buffered=True)
        size = Image.open(io.BytesIO(answer.data)).size
        assert size == (width, pytest.approx(width * 2 / 3, abs=1))
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_small_photo_is_not_blown_up(client: FlaskClient, send: Send) -> None:
    send(("small.png", photo_bytes("png", size=(90, 60))))
    photo = client.get("/api/photos").json["photos"][0]
    for url in photo["thumbnails"].values():
        assert Image.open(io.BytesIO(client.get(url, buffered=True).data)).size == (90, 60)


@pytest.mark.parametrize(
    "path",
    [
        "/thumbnails/{id}/321.webp",
        "/thumbnails/{id}/0320.webp.webp",
        "/thumbnails/ffffffffffffffffffffffffffffffff/320.webp",
        "/thumbnails/..%2f..%2fcatalog/320.webp",
        "/uploads/{id}.png",
        "/uploads/{id}",
        "/uploads/..%2fcatalog.sqlite",
        "/uploads/%00.jpg",
        "/../data/secret.key",
        "/server/config.py",
    ],
)
def test_what_is_not_there_is_a_404_in_text(
    client: FlaskClient, five_photos: list[dict], path: str
) -> None:
    answer = client.get(path.format(id=five_photos[0]["id"]))
    assert (answer.status_code, answer.content_type) == (404, "text/plain; charset=utf-8")


def test_only_who_sent_a_photo_removes_it(
    app: Flask, client: FlaskClient, five_photos: list[dict]
) -> None:
    address = f"/api/photos/{five_photos[0]['id']}"
    assert app.test_client().delete(address).status_code == 403
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
    for url in (five_photos[0]["url"], five_photos[0]["thumbnails"]["320"]):
        assert client.get(url).status_code == 404
