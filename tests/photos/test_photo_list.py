"""The list of photos, their originals and their thumbnails."""

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.conftest import Send
from tests.support.photos import photo_bytes
from tests.support.visitors import TEXT, listed, listed_photos, own_id


@pytest.fixture
def five_photos(client: FlaskClient, send: Send) -> list[dict]:
    """Newest first."""
    send(*((f"{n}.jpg", photo_bytes("jpg", seed=n, size=(160, 120))) for n in range(5)))
    return listed_photos(client)


def only_photo(client: FlaskClient) -> dict:
    [photo] = listed_photos(client)
    return photo


def test_the_list_is_paged_newest_first(client: FlaskClient, five_photos: list[dict]) -> None:
    seen, before = [], ""
    for _ in range(3):
        page = client.get(f"/api/photos?limit=2{before}").json
        assert (page["total"], page["version"]) == (5, five_photos[0]["version"])
        seen += page["photos"]
        before = f"&before={page['next']}"
    assert page["next"] is None
    assert seen == five_photos
    assert listed(client) == ["4.jpg", "3.jpg", "2.jpg", "1.jpg", "0.jpg"]


def test_a_photo_in_the_list_has_what_the_page_needs(client: FlaskClient, send: Send) -> None:
    content = photo_bytes("jpg", size=(640, 480))
    send(("beach.jpg", content))
    photo = only_photo(client)
    assert set(photo) == {
        *("id", "name", "url", "thumbnails", "width", "height", "bytes", "taken", "uploaded"),
        *("placeholder", "animated", "by", "visibility", "standing", "version"),
    }
    assert (photo["width"], photo["height"], photo["bytes"]) == (640, 480, len(content))
    assert set(photo["thumbnails"]) == {"320", "640", "2048"}
    assert photo["placeholder"].startswith("data:image/webp;base64,")
    assert photo["by"]["id"] == own_id(client)


def test_since_lists_what_has_changed(client: FlaskClient, send: Send) -> None:
    empty = {"photos": [], "next": None, "total": 0, "version": 0}
    assert client.get("/api/photos").json == empty
    send(("old.jpg", photo_bytes()))
    old = only_photo(client)
    version = client.get("/api/photos").json["version"]
    client.delete(f"/api/photos/{old['id']}")
    send(("new.png", photo_bytes("png")))
    changes = client.get(f"/api/photos?since={version}").json
    assert [photo["name"] for photo in changes["photos"]] == ["new.png"]
    assert changes["removed"] == [old["id"]]
    assert (changes["total"], changes["reset"]) == (1, False)
    assert listed(client, f"since={changes['version']}") == []
    assert client.get(f"/api/photos?since={2**53}").json["reset"] is True


@pytest.mark.embedded
def test_a_list_query_that_makes_no_sense_is_refused(client: FlaskClient) -> None:
    for query in (
        *("limit=0", "limit=501", "limit=x", "before=-1", "since=9223372036854775808", "since="),
        f"before={'0' * 20}99999999999999999999999",
        f"since={'0' * 5000}",
    ):
        answer = client.get(f"/api/photos?{query}")
        assert (query, answer.status_code, answer.content_type) == (query, 400, TEXT)


def test_an_etag_saves_what_the_browser_has(client: FlaskClient, five_photos: list[dict]) -> None:
    newest = five_photos[0]
    for url in ("/api/photos", newest["url"], newest["thumbnails"]["320"]):
        etag = client.get(url, buffered=True).headers["ETag"]
        again = client.get(url, headers={"If-None-Match": etag}, buffered=True)
        assert (url, again.status_code, again.data) == (url, 304, b"")


def test_an_original_has_its_name_and_is_sent_in_ranges(client: FlaskClient, send: Send) -> None:
    content = photo_bytes("heic")
    send(("写真.heic", content))
    url = only_photo(client)["url"]
    part = client.get(url, headers={"Range": "bytes=10-19"}, buffered=True)
    assert (part.status_code, part.data) == (206, content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(content)}"
    assert part.headers["Content-Type"] == "image/heic"
    assert part.headers["Content-Disposition"].startswith("inline")
    assert "filename*=UTF-8''%E5%86%99%E7%9C%9F.heic" in part.headers["Content-Disposition"]
    assert "sandbox" in part.headers["Content-Security-Policy"]
    assert part.headers["X-Content-Type-Options"] == "nosniff"
    for odd in ("lines=1", "bytes=5-1", "bytes=0-1,3-4"):
        whole = client.get(url, headers={"Range": odd}, buffered=True)
        assert (whole.status_code, whole.data) == (200, content)
        assert whole.headers["Accept-Ranges"] == "bytes"
    beyond = client.get(url, headers={"Range": f"bytes={len(content)}-"}, buffered=True)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(content)}")


def test_thumbnails_have_their_width_and_never_change(client: FlaskClient, send: Send) -> None:
    send(("wide.jpg", photo_bytes("jpg", size=(2400, 1600))))
    send(("small.png", photo_bytes("png", size=(90, 60))))  # and is not blown up
    small, wide = listed_photos(client)
    for photo, widths in ((wide, {320: 320, 640: 640, 2048: 2048}), (small, {320: 90, 2048: 90})):
        for width, shown in widths.items():
            for _made_and_kept in range(2):
                answer = client.get(photo["thumbnails"][str(width)], buffered=True)
                size = Image.open(io.BytesIO(answer.data)).size
                assert size == (shown, pytest.approx(shown * 2 / 3, abs=1))
                assert "immutable" in answer.headers["Cache-Control"]


def test_a_missing_file_is_a_404_in_text(client: FlaskClient, five_photos: list[dict]) -> None:
    photo_id = five_photos[0]["id"]
    for path in (
        f"/thumbnails/{photo_id}/321.webp",
        f"/thumbnails/{photo_id}/0320.webp.webp",
        "/thumbnails/ffffffffffffffffffffffffffffffff/320.webp",
        "/thumbnails/..%2f..%2fcatalog/320.webp",
        f"/uploads/{photo_id}.png",
        f"/uploads/{photo_id}",
        "/uploads/..%2fcatalog.sqlite",
        "/uploads/%00.jpg",
        "/../data/secret.key",
        "/server/config.py",
    ):
        answer = client.get(path)
        assert (path, answer.status_code, answer.content_type) == (path, 404, TEXT)
