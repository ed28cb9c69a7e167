"""Sending photos: what is kept, under which name, and what the answer says."""

import errno
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient

import server.sweep
from server import create_app
from server.catalog import Catalog, Photo
from server.config import Config
from server.names import MAX_NAME_BYTES
from server.storage.keys import original_key, thumbnail_key
from tests.conftest import Send, open_page
from tests.support.engines import config_of, make_old, storage_of, stored_files
from tests.support.photos import photo_bytes

FORMATS = ("jpg", "png", "apng", "gif", "webp", "avif", "heic")


def listed(client: FlaskClient) -> list[dict]:
    return client.get("/api/photos").json["photos"]


def test_a_photo_is_answered_with_an_empty_204(send: Send) -> None:
    answer = send(("a.jpg", photo_bytes("jpg")))
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_comes_back_byte_for_byte(
    client: FlaskClient, send: Send, extension: str
) -> None:
    sent = photo_bytes(extension)
    assert send((f"photo.{extension.upper()}", sent)).status_code == 204
    back = client.get(listed(client)[0]["url"], buffered=True)
    assert hashlib.sha256(back.data).digest() == hashlib.sha256(sent).digest()


@pytest.mark.parametrize("field", ["file", "file[]", "file[0]", "files[]", "filepond", "任何"])
def test_a_file_part_is_a_photo_whatever_its_field_is_called(
    client: FlaskClient, send: Send, field: str
) -> None:
    assert send(("a.jpg", photo_bytes("jpg")), field=field).status_code == 204
    assert len(listed(client)) == 1


def test_several_photos_in_one_field_are_all_kept_in_their_order(
    client: FlaskClient, send: Send
) -> None:
    assert send(*((f"{n}.jpg", photo_bytes("jpg", seed=n)) for n in range(4))).status_code == 204
    assert [photo["name"] for photo in listed(client)] == ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]


def test_the_good_ones_are_kept_and_each_refused_one_is_named(
    client: FlaskClient, send: Send
) -> None:
    answer = send(
        ("good.jpg", photo_bytes("jpg")), ("notes.txt", b"notes"), ("fake.png", b"no picture")
    )
    assert answer.status_code == 400
    assert answer.text.splitlines() == [
        "1 of 3 photos are safe; these were refused:",
        "“notes.txt”: Files of this type are not taken;"
        " please send JPEG, PNG, GIF, WebP, AVIF or HEIC.",
        "“fake.png”: This is not a photo; please send JPEG, PNG, GIF, WebP, AVIF or HEIC.",
    ]
    assert [photo["name"] for photo in listed(client)] == ["good.jpg"]


def test_two_photos_of_the_same_name_are_both_kept(client: FlaskClient, send: Send) -> None:
    send(("image.jpg", photo_bytes("jpg", seed=1)))
    send(("image.jpg", photo_bytes("jpg", seed=2)))
    assert [photo["name"] for photo in listed(client)] == ["image.jpg", "image.jpg"]


def test_the_same_photo_twice_is_one_photo(client: FlaskClient, send: Send) -> None:
    assert send(("a.jpg", photo_bytes("jpg"))).status_code == 204
    assert send(("b.jpg", photo_bytes("jpg"))).status_code == 204
    assert [photo["name"] for photo in listed(client)] == ["a.jpg"]


def test_the_same_photo_many_times_at_once_is_one_photo(config: Config) -> None:
    app = create_app(config)
    photo = photo_bytes("jpg")

    def send_once(_: int) -> int:
        return app.test_client().post("/", data=photo, content_type="image/jpeg").status_code

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(send_once, range(6))) == [204] * 6
    assert len(listed(app.test_client())) == 1
    assert len(stored_files(config.data)) == 3


def test_two_guests_may_send_the_same_photo(app: Flask, send: Send, client: FlaskClient) -> None:
    send(("a.jpg", photo_bytes("jpg")))
    somebody_else = app.test_client()
    somebody_else.get("/", buffered=True)
    somebody_else.post("/", data=photo_bytes("jpg"), content_type="image/jpeg")
    assert len({photo["by"]["id"] for photo in listed(client)}) == 2


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", None])
def test_a_raw_body_is_one_photo(client: FlaskClient, kind: str | None) -> None:
    assert client.post("/", data=photo_bytes("jpg"), content_type=kind).status_code == 204
    assert listed(client)[0]["name"] == ("photo.jpeg" if kind == "image/jpeg" else "photo")


def test_a_form_without_script_is_sent_back_to_the_page(client: FlaskClient, send: Send) -> None:
    for headers in ({"Sec-Fetch-Mode": "navigate"}, {"Accept": "text/html,*/*"}):
        answer = send((f"{len(headers)}.jpg", photo_bytes("jpg")), headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_script_that_takes_html_too_is_answered_204(send: Send) -> None:
    headers = {"Sec-Fetch-Mode": "cors", "Accept": "text/html"}
    assert send(("a.jpg", photo_bytes("jpg")), headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("写真 3.JPG", "写真 3.JPG"),
        ("../../../.bashrc.jpg", "bashrc.jpg"),
        ("a%22b.jpg", 'a"b.jpg'),
        ("photo\u202egpj.exe.jpg", "photo gpj.exe.jpg"),
        ("e\u0301te.jpg", "\u00e9te.jpg"),
        ("👩‍👩‍👧.jpg", "👩‍👩‍👧.jpg"),
        (".jpg", "jpg"),
        ("blob", "blob"),
        ("...", "photo"),
        ("x" * 400 + ".jpg", "x" * (MAX_NAME_BYTES - 4) + ".jpg"),
        ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"),
    ],
)
def test_the_visitors_own_name_is_shown_made_safe(
    client: FlaskClient, send: Send, sent: str, shown: str
) -> None:
    assert send((sent, photo_bytes("jpg"))).status_code == 204
    assert listed(client)[0]["name"] == shown


def test_only_the_formats_of_the_settings_are_taken(config: Config) -> None:
    client = create_app(replace(config, extensions=("png",))).test_client()
    for name in ("a.jpg", "blob"):
        answer = client.post("/", data={"file": (io.BytesIO(photo_bytes("jpg")), name)})
        assert (answer.status_code, answer.text) == (
            400,
            "Files of this type are not taken; please send PNG.",
        )
    assert (
        client.post("/", data={"file": (io.BytesIO(photo_bytes("png")), "a.png")}).status_code
        == 204
    )


@pytest.mark.embedded
def test_a_full_disk_is_told_and_leaves_nothing(
    config: Config, client: FlaskClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "fsync", no_room)
        answer = send(("a.jpg", photo_bytes("jpg")))
    assert answer.status_code == 507
    assert answer.text == "The gallery is full; nothing was lost, please tell your host."
    assert stored_files(config.data) == []
    assert send(("a.jpg", photo_bytes("jpg"))).status_code == 204


@pytest.mark.embedded
def test_what_is_not_listed_is_swept_after_a_day(
    app: Flask, config: Config, send: Send, client: FlaskClient
) -> None:
    send(("kept.jpg", photo_bytes("jpg")))
    kept = stored_files(config.data)
    orphans = [original_key("ab" * 16, "jpg"), thumbnail_key("ab" * 16, 320)]
    for orphan in orphans:
        storage_of(config.data).put_bytes(orphan, b"orphan")
    storage_of(config.data).mark("half")
    sweep = app.test_cli_runner().invoke
    assert sweep(args=["sweep"]).output == "0 leftovers removed.\n"
    make_old(config.data, "incoming/half", *kept, *orphans)
    assert sweep(args=["sweep"]).output == "3 leftovers removed.\n"
    assert sorted(stored_files(config.data)) == sorted(kept)


@pytest.mark.embedded
def test_what_a_broken_disk_would_not_remove_is_swept_later(
    app: Flask, config: Config, send: Send, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(("a.jpg", photo_bytes("jpg")))
    kept = sorted(stored_files(config.data))

    def broken(_path: Path, **_options: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    purge = partial(app.extensions["dropwall"].sweep.purge_removed, undo_seconds=-1)
    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(Path, "unlink", broken)
        assert client.delete(f"/api/photos/{listed(client)[0]['id']}").status_code == 204
        assert purge() == 0
    assert listed(client) == []
    assert sorted(stored_files(config.data)) == kept
    assert purge() == 1
    assert stored_files(config.data) == []


@pytest.mark.embedded
def test_with_the_wrong_catalog_no_photo_is_swept(
    app: Flask, config: Config, send: Send, client: FlaskClient
) -> None:
    send(("kept.jpg", photo_bytes("jpg")))
    kept = stored_files(config.data)
    make_old(config.data, *kept)
    wrong = create_app(replace(config, database=str(config.data / "other.sqlite")))
    result = wrong.test_cli_runner().invoke(args=["sweep"])
    assert "is it the right one? Nothing was removed." in result.output
    assert stored_files(config.data) == kept


def test_with_the_catalog_of_another_gallery_no_photo_is_swept(
    app: Flask, config: Config, send: Send
) -> None:
    send(("kept.jpg", photo_bytes("jpg")))
    kept = sorted(stored_files(config.data))
    another = config_of(config.data / "another")
    open_page(create_app(another)).post("/", data=photo_bytes("png"), content_type="image/png")
    wrong = create_app(replace(config, database=another.database_address))
    result = wrong.test_cli_runner().invoke(args=["sweep"])
    assert "is it the right one? Nothing was removed." in result.output
    assert sorted(stored_files(config.data)) == kept


def test_a_photo_that_a_machine_with_a_wrong_clock_sweeps_is_not_answered_as_safe(
    app: Flask, config: Config, client: FlaskClient, send: Send, monkeypatch
) -> None:
    """Both machines are healthy; the other one's clock is days ahead."""
    send(("kept.png", photo_bytes("png")))
    other = create_app(config).extensions["dropwall"].sweep
    add_photo = Catalog.add_photo

    def add_late(*arguments: object) -> Photo:
        other.sweep()
        return add_photo(*arguments)

    with monkeypatch.context() as late:
        late.setattr(server.sweep, "AGE_SECONDS", -60)
        late.setattr(Catalog, "add_photo", add_late)
        answer = send(("late.jpg", photo_bytes("jpg")))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text == "What had arrived of this photo is gone; please send it again."
    assert [photo["name"] for photo in listed(client)] == ["kept.png"]
    assert len(stored_files(config.data)) == 3
    assert send(("late.jpg", photo_bytes("jpg"))).status_code == 204
    for photo in listed(client):
        assert client.get(photo["url"], buffered=True).status_code == 200


@pytest.mark.embedded
def test_a_machine_without_another_thread_refuses_for_now(
    config: Config, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(Thread, "start", no_thread)
        answer = send(("a.jpg", photo_bytes("jpg")))
    assert answer.status_code == 503
    assert send(("a.jpg", photo_bytes("jpg"))).status_code == 204
