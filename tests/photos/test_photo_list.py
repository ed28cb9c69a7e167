"""The list of photos, whole, in part and in another order; their originals and thumbnails."""

import gzip
import io
import unicodedata
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.http import http_date, parse_options_header

from tests.support.photos import photo_bytes, timed_photo
from tests.support.visitors import (
    TEXT,
    Send,
    listed,
    listed_photos,
    open_page,
    outcome,
    own_id,
    send_as,
    take_name,
)  # fmt: skip
from tests.tools.hops import traced

CHANGED = b"This has changed in the meantime. Load it again."
NOT_UNDERSTOOD = "This request couldn't be understood. Reload the page and try again."


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
    name = unicodedata.normalize("NFD", "Zürich.png")
    send_as(client, name, photo_bytes("png", size=(90, 60), metadata=False))
    return client


# The list


def test_the_list_is_paged(evening: FlaskClient) -> None:
    everything, seen, before = listed_photos(evening), [], ""
    for _ in range(2):
        page = evening.get(f"/api/photos?limit=3{before}").json
        assert (page["total"], page["version"]) == (4, everything[0]["version"])
        seen += page["photos"]
        before = f"&before={page['next']}"
    assert (seen, page["next"]) == (everything, None)


def test_a_photo_in_the_list_has_what_the_page_needs(client: FlaskClient, send: Send) -> None:
    content = photo_bytes("jpg", size=(640, 480))
    send(("beach.jpg", content))
    [photo] = listed_photos(client)
    assert set(photo) == {
        *("id", "name", "url", "thumbnails", "width", "height", "bytes", "taken", "uploaded"),
        *("placeholder", "animated", "by", "visibility", "standing", "version"),
    }
    assert (photo["width"], photo["height"], photo["bytes"]) == (640, 480, len(content))
    assert set(photo["thumbnails"]) == {"320", "640", "2048"}
    assert photo["placeholder"].startswith("data:image/webp;base64,")
    assert photo["by"]["id"] == own_id(client)


def test_the_list_is_paged_from_the_oldest_and_tells_its_end(evening: FlaskClient) -> None:
    for query in ("", "order=oldest", "sort=taken", "sort=taken&order=oldest"):
        everything, seen, before = evening.get(f"/api/photos?{query}").json, [], ""
        last = everything["photos"][-1]
        end = last["taken"] if "taken" in query and last["taken"] else last["uploaded"][:19]
        assert everything["end"] is None
        for limit, told in ((1, f"{end}Z"), (2, None), (1, None)):
            page = evening.get(f"/api/photos?{query}&limit={limit}{before}").json
            assert (query, page["end"]) == (query, told)
            seen += page["photos"]
            before = f"&before={page['next']}"
        assert (seen, page["next"]) == (everything["photos"], None)
        outlined = evening.get(f"/api/outline?{query}").json["photos"]
        assert [photo[0] for photo in outlined] == [photo["id"] for photo in seen]


def test_photos_are_listed_by_sender_words_and_order(
    app: Flask, evening: FlaskClient, ann: FlaskClient
) -> None:
    everything = ["Zürich.png", "more cake.jpg", "cake.jpg", "beach.jpg"]
    photos = listed_photos(evening)
    taken = {photo["name"]: photo["taken"] or photo["uploaded"] for photo in photos}
    assert len(set(taken.values())) == len(taken)
    for query, expected in {
        "": everything,
        "sort=arrival": everything,
        "sort=taken": sorted(everything, key=taken.get, reverse=True),
        "order=newest": everything,
        "order=oldest": everything[::-1],
        "sort=taken&order=oldest": sorted(everything, key=taken.get),
        "q=cake&order=oldest": ["cake.jpg", "more cake.jpg"],
        f"by={own_id(ann)}": ["cake.jpg", "beach.jpg"],
        "mine=1": ["Zürich.png", "more cake.jpg"],
        "q=cake": ["more cake.jpg", "cake.jpg"],
        "q=CAKE ann": ["cake.jpg"],
        f"q=cake&by={own_id(ann)}&sort=taken": ["cake.jpg"],
        "q=züri": ["Zürich.png"],
        "q=zu\u0308ri": ["Zürich.png"],
        "q=%25": [],
        "by=nobody": [],
    }.items():
        assert listed(evening, query) == expected, query
    assert listed(ann, "mine=1") == ["cake.jpg", "beach.jpg"]
    assert listed(app.test_client(), "mine=1") == []
    page = evening.get("/api/photos?q=cake&limit=1").json
    assert (page["total"], page["photos"][0]["name"]) == (4, "more cake.jpg")
    assert listed(evening, f"q=cake&limit=1&before={page['next']}") == ["cake.jpg"]


def test_photos_are_listed_by_their_ids(evening: FlaskClient, ann: FlaskClient) -> None:
    zurich, _, cake, beach = listed_photos(evening)
    ann.delete(f"/api/photos/{beach['id']}")
    ids = ",".join([cake["id"], zurich["id"], beach["id"], "f" * 32, "", "x'y"])
    page = evening.get(f"/api/photos?ids={ids}").json
    assert sorted(page["photos"], key=str) == sorted([cake, zurich], key=str)
    assert (page["next"], page["total"]) == (None, 3)
    for count, status in ((100, 200), (101, 400)):
        answer = evening.get(f"/api/photos?ids={','.join(['f' * 32] * count)}")
        assert answer.status_code == status


def test_since_lists_what_has_changed(client: FlaskClient, send: Send) -> None:
    empty = {"photos": [], "next": None, "total": 0, "version": 0, "end": None}
    assert client.get("/api/photos").json == empty | {"closed": None, "closed_at": None}
    send(("old.jpg", photo_bytes()))
    [old] = listed_photos(client)
    client.delete(f"/api/photos/{old['id']}")
    send(("new.png", photo_bytes("png")))
    changes = client.get(f"/api/photos?since={old['version']}").json
    assert [photo["name"] for photo in changes["photos"]] == ["new.png"]
    assert changes["removed"] == [old["id"]]
    assert (changes["total"], changes["reset"]) == (1, False)
    assert listed(client, f"since={changes['version']}") == []
    assert client.get(f"/api/photos?since={2**53}").json["reset"] is True


def test_photos_are_sorted_by_the_time_on_the_wall(client: FlaskClient, send: Send) -> None:
    phone, editor = "OffsetTimeOriginal", "OffsetTime"
    times = {
        "editor.jpg": {"DateTimeDigitized": "2024:06:01 15:10:00", editor: "+09:00"},
        "late.jpg": {"DateTimeOriginal": "2024:06:01 15:20:00", phone: "+02:00"},
        "early.jpg": {"DateTimeOriginal": "2024:06:01 15:00:00", phone: "+02:00"},
        "scan.jpg": {"DateTime": "2024:06:01 15:15:00"},
        "camera.jpg": {"DateTimeOriginal": "2024:06:01 15:05:00"},
        "factory.jpg": {"DateTimeOriginal": "1980:01:01 00:00:00"},
    }
    for seed, (name, tags) in enumerate(times.items()):
        send((name, timed_photo(seed, **tags)))
    found = client.get("/api/photos?sort=taken").json["photos"]
    assert {photo["name"]: photo["taken"] for photo in found} == {
        "factory.jpg": None,  # so it is sorted by when it came
        "late.jpg": "2024-06-01T15:20:00",
        "scan.jpg": "2024-06-01T15:15:00",
        "editor.jpg": "2024-06-01T15:10:00",
        "camera.jpg": "2024-06-01T15:05:00",
        "early.jpg": "2024-06-01T15:00:00",
    }
    order = ["factory.jpg", "late.jpg", "scan.jpg", "editor.jpg", "camera.jpg", "early.jpg"]
    assert [photo["name"] for photo in found] == order
    outlined = client.get("/api/outline?sort=taken").json["photos"]
    assert [moment - outlined[-1][2] for _, _, moment in outlined[1:]] == [1200, 900, 600, 300, 0]


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


@pytest.mark.embedded
def test_a_query_that_makes_no_sense_is_refused(client: FlaskClient) -> None:
    versions = ("x", "-1", "1.5", "1e3", "9223372036854775808", "0" * 5000, "9" * 5000)
    queries = [
        *("photos?limit=0", "photos?limit=501", "photos?limit=x", "photos?since="),
        f"photos?before={'0' * 20}99999999999999999999999",
    ]
    for path in ("photos", "outline"):
        queries += [f"{path}?sort=size", f"{path}?sort=", f"{path}?order=", f"{path}?order=random"]
        queries += [f"{path}?before=x", f"{path}?before=-1"]
    for path in ("photos", "live"):
        queries += [f"{path}?since={version}" for version in versions]
    asked = [(query, {}) for query in queries]
    asked += [("live", {"Last-Event-ID": version}) for version in versions]
    for query, headers in asked:
        answer = client.get(f"/api/{query}", headers=headers)
        assert outcome(answer) == (400, NOT_UNDERSTOOD), (query, headers)
        assert answer.content_type == TEXT


# What a browser keeps


def test_what_has_not_changed_is_not_sent_again(evening: FlaskClient, ann: FlaskClient) -> None:
    newest = listed_photos(evening)[0]
    files = (newest["url"], newest["thumbnails"]["320"])
    lists = ("/api/photos", "/api/photos?since=0", "/api/outline?sort=taken", "/api/photos?q=a")
    etags = {path: evening.get(path, buffered=True).headers["ETag"] for path in (*files, *lists)}
    for path, etag in etags.items():
        again = evening.get(path, headers={"If-None-Match": etag}, buffered=True)
        assert (path, again.status_code, again.data) == (path, 304, b"")
    take_name(ann, "Anna")
    for path in lists:
        changed = evening.get(path, headers={"If-None-Match": etags[path]})
        assert (path, changed.status_code) == (path, 200)


@pytest.mark.embedded
def test_that_nothing_has_changed_is_found_by_one_query(client: FlaskClient) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg", 1))
    known = {"If-None-Match": client.get("/api/photos").headers["ETag"]}
    with traced() as trace:
        assert client.get("/api/photos", headers=known).status_code == 304
    [statement] = trace.statements
    assert "FROM changes" in statement
    assert "FROM photos" not in statement
    other = open_page(client.application)  # another list of the same photos
    assert other.get("/api/photos", headers=known).status_code == 200


@pytest.mark.embedded
def test_a_long_list_is_compressed_for_clients_that_accept_that(evening: FlaskClient) -> None:
    for path, is_long in (("/api/photos", True), ("/api/photos?limit=1", False)):
        plain = evening.get(path)
        packed = evening.get(path, headers={"Accept-Encoding": "gzip"})
        assert (packed.headers.get("Content-Encoding") == "gzip") == is_long
        assert (gzip.decompress(packed.data) if is_long else packed.data) == plain.data
        for answer in (plain, packed):
            assert answer.headers["Vary"] == "Accept-Encoding, Cookie"
            assert answer.headers["ETag"] == plain.headers["ETag"]
            for encoding in ("gzip", "identity"):
                known = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": encoding}
                assert evening.get(path, headers=known).status_code == 304


def test_a_list_with_a_private_photo_is_not_cached(client: FlaskClient) -> None:
    queries = ("photos", "photos?since=0", "photos?mine=1", "outline")
    send_as(client, "a.jpg", photo_bytes("jpg", 1))
    for query in queries:
        assert client.get(f"/api/{query}").headers["Cache-Control"] == "private, no-cache"
    [photo] = listed_photos(client)
    client.patch(f"/api/photos/{photo['id']}", json={"visibility": "owner"})
    for query in queries:
        cache_control = client.get(f"/api/{query}").headers["Cache-Control"]
        assert set(cache_control.split(", ")) == {"private", "no-cache", "no-store"}


# Originals and thumbnails


def test_an_original_has_its_name_and_is_sent_in_ranges(client: FlaskClient, send: Send) -> None:
    content = photo_bytes("heic")
    send(("写真.heic", content))
    url = listed_photos(client)[0]["url"]
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
    for last in (1, len(content) - 1, len(content), len(content) + 1, 10**15):
        end = client.get(url, headers={"Range": f"bytes=-{last}"}, buffered=True)
        assert (end.status_code, end.data) == (206, content[-last:])
        first = max(0, len(content) - last)
        told = f"bytes {first}-{len(content) - 1}/{len(content)}"
        assert (end.headers["Content-Range"], end.content_length) == (told, len(end.data))


def test_an_original_is_sent_only_if_it_is_as_its_reader_expects(
    client: FlaskClient, send: Send
) -> None:
    content = photo_bytes("png")
    send(("a.png", content))
    url = listed_photos(client)[0]["url"]
    whole = client.get(url, buffered=True)
    etag, same = whole.headers["ETag"], whole.headers["Last-Modified"]
    before = http_date(whole.last_modified - timedelta(seconds=1))
    after = http_date(whole.last_modified + timedelta(days=1))
    part = {"Range": "bytes=2-5"}
    for headers, status in (
        ({"If-Unmodified-Since": same}, 200),
        ({"If-Unmodified-Since": after}, 200),
        ({"If-Unmodified-Since": before}, 412),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        ({"If-Unmodified-Since": before, **part}, 412),
        ({"If-Unmodified-Since": same, **part}, 206),
        ({"If-Match": etag}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f'"other", {etag}', **part}, 206),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": '"other"', **part}, 412),
        ({"If-Match": f"W/{etag}"}, 412),
        ({"If-Match": etag, "If-Unmodified-Since": before}, 200),
        ({"If-Match": etag, "If-None-Match": etag}, 304),
        ({"If-None-Match": etag, **part}, 304),
        ({"If-None-Match": '"other"', **part}, 206),
        ({"If-Modified-Since": same, **part}, 304),
        ({"If-Modified-Since": before, **part}, 206),
        ({"If-Range": etag, **part}, 206),
        ({"If-Range": '"other"', **part}, 200),
        ({"If-Range": before, **part}, 200),
        ({"If-Range": etag, "Range": "bytes=-999999"}, 206),
    ):
        answer = client.get(url, headers=headers, buffered=True)
        told = {206: content[2:6], 200: content, 304: b""}.get(status, CHANGED)
        if "999999" in headers.get("Range", ""):
            told = content
        assert (headers, answer.status_code, answer.data) == (headers, status, told)


@pytest.mark.parametrize(
    ("name", "extension"), [("blob", "jpg"), ("No. 5", "png"), ("写真", "heic"), ("a b", "avif")]
)
def test_a_photo_without_an_extension_is_saved_with_one(
    client: FlaskClient, send: Send, name: str, extension: str
) -> None:
    send((name, photo_bytes(extension)))
    [photo] = listed_photos(client)
    assert photo["name"] == name
    saved = client.get(f"{photo['url']}?download", buffered=True, follow_redirects=True)
    disposition = parse_options_header(saved.headers["Content-Disposition"])
    assert disposition == ("attachment", {"filename": f"{name}.{extension}"})


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


def test_a_photo_has_no_other_addresses(client: FlaskClient, send: Send) -> None:
    send(("a.jpg", photo_bytes()))
    photo_id = listed_photos(client)[0]["id"]
    for path in (
        f"/thumbnails/{photo_id}/321.webp",
        f"/thumbnails/{photo_id}/0320.webp.webp",
        f"/uploads/{photo_id}.png",
        f"/uploads/{photo_id}",
    ):
        answer = client.get(path)
        assert (path, answer.status_code, answer.content_type) == (path, 404, TEXT)
