"""Photos of formats that many programs cannot open, as JPEGs."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageChops
from PIL.ExifTags import IFD, Base
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from dropwall import create_app
from dropwall.config import Config
from dropwall.images.rendering import profile_of_code_points
from dropwall.photos import limits
from dropwall.photos.files import jpeg_key, original_key
from dropwall.refusals import NotStored
from tests.support.engines import config_of
from tests.support.photos import VENICE, encode, photo_bytes, picture
from tests.support.visitors import (
    PASSWORD,
    TEXT,
    Send,
    listed_photos,
    open_page,
    outcome,
    parts,
    send_as,
    signed_in,
)

CAN_NOT = "This photo can't be saved as a JPEG. Download it as it is."
GONE = "This photo was removed or isn't shared with you."


def as_jpeg(client: FlaskClient, photo: dict, **options: object) -> TestResponse:
    return client.get(f"{photo['url']}?as=jpeg", buffered=True, **options)


def opened(answer: TestResponse) -> Image.Image:
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    image = Image.open(io.BytesIO(answer.data))
    image.load()
    assert image.format == "JPEG"
    return image


def only_photo(client: FlaskClient) -> dict:
    [photo] = listed_photos(client)
    return photo


@pytest.mark.parametrize("orientation", [1, 6, 7])
@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_heic_or_avif_is_also_there_as_a_jpeg_of_its_full_size(
    client: FlaskClient, kind: str, orientation: int
) -> None:
    """Upright, with its time and its camera, and without the place."""
    sent = photo_bytes(kind, 1, (900, 600), orientation=orientation, gps=VENICE)
    send_as(client, f"a.{kind}", sent)
    photo = only_photo(client)
    image = opened(as_jpeg(client, photo))
    assert image.size == (photo["width"], photo["height"])
    assert image.size == ((900, 600) if orientation == 1 else (600, 900))
    exif = image.getexif()
    assert (exif[Base.Make], exif[Base.Model]) == ("Google", "Pixel 8")
    assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2024:06:01 20:00:01"
    assert exif.get(Base.Orientation, 1) == 1
    assert not exif.get_ifd(IFD.GPSInfo)
    thumbnail = client.get(photo["thumbnails"]["2048"], buffered=True)
    shown = Image.open(io.BytesIO(thumbnail.data)).convert("RGB")
    difference = ImageChops.difference(image, shown).resize((6, 6))
    assert max(most for _, most in difference.getextrema()) < 12


def test_a_gallery_that_keeps_places_keeps_them_in_the_jpeg(config: Config) -> None:
    client = open_page(create_app(config_of(config.data, keep_location=True)))
    send_as(client, "a.heic", photo_bytes("heic", gps=VENICE))
    place = opened(as_jpeg(client, only_photo(client))).getexif().get_ifd(IFD.GPSInfo)
    assert place[2][0] == pytest.approx(VENICE[0], abs=0.01)


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_its_colours_keep_their_profile(client: FlaskClient, kind: str) -> None:
    display_p3 = profile_of_code_points(12, 13)
    sent = encode(picture(1), kind, icc_profile=display_p3)
    send_as(client, f"a.{kind}", sent)
    assert opened(as_jpeg(client, only_photo(client))).info["icc_profile"] == display_p3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L"])
def test_what_is_transparent_becomes_white_and_grey_stays_grey(
    client: FlaskClient, mode: str
) -> None:
    image = Image.new(mode, (64, 48), "black")
    if "A" in mode:
        image.putalpha(Image.new("L", image.size, 0))
    send_as(client, "a.heic", encode(image, "heic"))
    corner = opened(as_jpeg(client, only_photo(client))).convert("L").getpixel((0, 0))
    assert corner == pytest.approx(255 if "A" in mode else 0, abs=2)


def test_it_is_answered_like_an_original(client: FlaskClient) -> None:
    """Under its own tag, by ranges and conditions, to be shown or to be saved."""
    send_as(client, "IMG_0001.HEIC", photo_bytes("heic"))
    photo = only_photo(client)
    whole = as_jpeg(client, photo)
    assert whole.headers["ETag"] == f'"{photo["id"]}-jpeg"'
    assert whole.headers["Cache-Control"] == "no-cache, private"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    original = client.get(photo["url"], buffered=True, headers={"Sec-Fetch-Dest": "image"})
    for header in ("Last-Modified", "Content-Security-Policy", "Cache-Control", "Accept-Ranges"):
        assert whole.headers.get(header) == original.headers.get(header)
    disposition = parse_options_header(whole.headers["Content-Disposition"])
    assert disposition == ("inline", {"filename": "IMG_0001.jpg"})
    saved = client.get(f"{photo['url']}?as=jpeg&download", buffered=True)
    disposition = parse_options_header(saved.headers["Content-Disposition"])
    assert disposition == ("attachment", {"filename": "IMG_0001.jpg"})
    assert saved.data == whole.data

    head = client.head(f"{photo['url']}?as=jpeg", buffered=True)
    assert (head.status_code, head.content_length) == (200, len(whole.data))
    part = as_jpeg(client, photo, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, whole.data[10:20])
    rest = {"Range": "bytes=10-", "If-Range": whole.headers["ETag"]}
    assert as_jpeg(client, photo, headers=rest).data == whole.data[10:]
    beyond = as_jpeg(client, photo, headers={"Range": f"bytes={len(whole.data)}-"})
    assert beyond.status_code == 416
    known = as_jpeg(client, photo, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    changed = as_jpeg(client, photo, headers={"If-Match": f'"{photo["id"]}"'})
    assert changed.status_code == 412


def test_a_jpeg_is_sent_as_it_is(client: FlaskClient, send: Send) -> None:
    send(("a.jpeg", photo_bytes()))
    photo = only_photo(client)
    shown = {"Sec-Fetch-Dest": "image"}
    asked = as_jpeg(client, photo, headers=shown)
    original = client.get(photo["url"], buffered=True, headers=shown)
    assert asked.data == original.data == photo_bytes()
    assert asked.headers["ETag"] == original.headers["ETag"]
    assert asked.headers["Content-Disposition"] == "inline; filename=a.jpeg"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.gif", {}),
        ("a.webp", {}),
        ("a.gif", {"frames": 3}),
        ("a.avif", {"frames": 3}),
    ],
    ids=["png", "gif", "webp", "animated gif", "animated avif"],
)
def test_what_every_program_opens_or_moves_is_no_jpeg(
    client: FlaskClient, name: str, options: dict
) -> None:
    send_as(client, name, photo_bytes(name[2:], size=(120, 80), **options))
    answer = as_jpeg(client, only_photo(client))
    assert (answer.status_code, answer.text, answer.content_type) == (400, CAN_NOT, TEXT)
    assert answer.headers["Dropwall-Refusal"] == "not-as-jpeg"


@pytest.mark.parametrize("other", ["png", "", "JPEG"])
def test_there_is_no_other_format_to_ask_for(client: FlaskClient, other: str) -> None:
    send_as(client, "a.heic", photo_bytes("heic"))
    answer = client.get(f"{only_photo(client)['url']}?as={other}")
    assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (400, "bad-request")


def test_the_zip_has_the_originals(client: FlaskClient) -> None:
    send_as(client, "a.heic", photo_bytes("heic"))
    photo = only_photo(client)
    as_jpeg(client, photo)
    packed = client.get("/photos.zip?as=jpeg", buffered=True).data
    assert b"a.heic" in packed
    assert b".jpg" not in packed


def test_a_jpeg_is_seen_by_whoever_sees_the_original(config: Config) -> None:
    """Also if it was made while others saw it."""
    app = create_app(config_of(config.data, mode="approval"))
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    owner, guest, host = open_page(app), open_page(app), signed_in(app, "Hanna")
    send_as(owner, "a.heic", photo_bytes("heic"))
    photo = only_photo(owner)

    def statuses() -> list[int]:
        return [as_jpeg(client, photo).status_code for client in (owner, guest, host)]

    def moderate(standing: str) -> None:
        answer = host.patch(f"/api/photos?ids={photo['id']}", json={"standing": standing})
        assert answer.status_code == 204

    assert statuses() == [200, 404, 200]
    assert "no-store" in as_jpeg(owner, photo).headers["Cache-Control"]
    moderate("shown")
    assert statuses() == [200, 200, 200]
    assert "no-store" not in as_jpeg(owner, photo).headers["Cache-Control"]
    moderate("hidden")
    assert statuses() == [200, 404, 200]
    moderate("shown")
    private = owner.patch(f"/api/photos/{photo['id']}", json={"visibility": "owner"})
    assert private.status_code == 204
    assert statuses() == [200, 404, 404]
    assert outcome(as_jpeg(guest, photo)) == (404, GONE)
    assert owner.delete(f"/api/photos/{photo['id']}").status_code == 204
    assert statuses() == [404, 404, 404]


def is_stored(app: Flask, photo: dict) -> bool:
    try:
        parts(app).storage.open(jpeg_key(photo["id"])).close()
    except NotStored:
        return False
    return True


def test_it_is_kept_and_goes_with_its_photo(app: Flask, client: FlaskClient) -> None:
    send_as(client, "a.heic", photo_bytes("heic"))
    photo = only_photo(client)
    assert not is_stored(app, photo)
    as_jpeg(client, photo)
    assert is_stored(app, photo)
    client.delete(f"/api/photos/{photo['id']}")
    parts(app).sweep.purge_removed(undo_seconds=-1)
    assert not is_stored(app, photo)


@contextmanager
def without_room(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as full:
        full.setattr(limits.Limits, "free_bytes", lambda _: parts(app).settings.min_free_bytes)
        yield


def test_on_a_nearly_full_disk_only_what_is_made_already_is_sent(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_as(client, "a.heic", photo_bytes("heic"))
    photo = only_photo(client)
    with without_room(app, monkeypatch):
        answer = as_jpeg(client, photo)
        assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (507, "disk-nearly-full")
        assert not is_stored(app, photo)
    made = as_jpeg(client, photo)
    with without_room(app, monkeypatch):
        assert as_jpeg(client, photo).data == made.data


def test_an_original_that_the_disk_has_spoilt_or_lost_makes_no_jpeg(
    app: Flask, client: FlaskClient
) -> None:
    send_as(client, "a.heic", photo_bytes("heic"))
    photo, storage = only_photo(client), parts(app).storage
    spoilt = bytearray(photo_bytes("heic"))
    spoilt[len(spoilt) // 2 :] = bytes(len(spoilt) // 2)
    storage.put_bytes(key := original_key(photo["id"], "heic"), bytes(spoilt))
    answer = as_jpeg(client, photo)
    assert outcome(answer) == (400, "This photo is damaged or incomplete. Try the original.")
    assert outcome(client.get(photo["thumbnails"]["2048"])) == outcome(answer)
    storage.delete(key)
    assert outcome(as_jpeg(client, photo)) == (404, GONE)
    assert not is_stored(app, photo)
