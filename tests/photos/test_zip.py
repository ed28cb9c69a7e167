"""Photos as one ZIP file, which is made while it is sent."""

import io
import os
import socket
import subprocess
import sys
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from server import create_app
from server.archive import BLOCK_BYTES, LOST_PHOTOS, Archives
from server.catalog import CatalogUnavailable
from server.catalog.tables import photos
from server.config import Config
from server.storage.keys import original_key
from tests.support.engines import catalog_of
from tests.support.gallery_server import GalleryServer, SharedGallery
from tests.support.photos import photo_bytes
from tests.support.programs import need_program
from tests.support.visitors import (
    TEXT,
    Send,
    listed_photos,
    open_page,
    outcome,
    own_id,
    parts,
    send_as,
)
from tests.support.waiting import wait_until

TAKEN = "2024-06-01 20.00.00"
"""What the photos of `tests.support.photos` say of themselves, in UTC."""


def download(client: FlaskClient, query: str = "") -> ZipFile:
    return opened(client.get(f"/photos.zip{query}").data)


def opened(content: bytes) -> ZipFile:
    archive = ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return archive


def variant(number: int) -> bytes:
    """Taken in the same second as every other."""
    return photo_bytes("jpg", size=(64, 48)) + bytes(number)


def change_row(config: Config, name: str, **values: object) -> None:
    with catalog_of(config.data) as catalog:
        catalog.execute(update(photos).where(photos.c.name == name).values(values))


def test_a_zip_has_every_photo_as_it_was_sent(client: FlaskClient, tmp_path: Path) -> None:
    sent = {
        "2024-06-01 20.00.03 sea.png": photo_bytes("png", seed=3),
        "2024-06-01 20.00.02 写真.heic": photo_bytes("heic", seed=2),
        "2024-06-01 20.00.01 beach.jpg": photo_bytes("jpg", seed=1) + bytes(BLOCK_BYTES),
    }
    for name, content in sent.items():
        send_as(client, name.split()[-1], content)
    answer = client.get("/photos.zip")
    today = listed_photos(client)[0]["uploaded"][:10]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="Dropwall {today}.zip"'
    assert answer.mimetype == "application/zip"
    assert answer.headers["Cache-Control"] == "private, no-store"
    zipped = opened(answer.data)
    assert {name: zipped.read(name) for name in zipped.namelist()} == sent
    assert zipped.namelist() == sorted(sent, reverse=True)  # newest first
    assert {entry.compress_type for entry in zipped.infolist()} == {ZIP_STORED}
    path = tmp_path / "all.zip"
    path.write_bytes(answer.data)
    test = [need_program("unzip"), "-tq", path]
    assert subprocess.run(test, capture_output=True, check=False).returncode == 0


def test_a_zip_has_the_photos_of_its_selection(app: Flask, client: FlaskClient, send: Send) -> None:
    nothing = "There are no photos to download here yet; please send some first."
    refused = client.get("/photos.zip")
    assert (outcome(refused), refused.content_type) == ((404, nothing), TEXT)
    send(("mine.jpg", variant(1)), ("beach.jpg", variant(2)))
    other = open_page(app)
    send_as(other, "other beach.jpg", variant(3))
    for query, names in (
        ("", {"mine.jpg", "beach.jpg", "other beach.jpg"}),
        ("?mine=1", {"mine.jpg", "beach.jpg"}),
        (f"?by={own_id(other)}", {"other beach.jpg"}),
        ("?q=beach", {"beach.jpg", "other beach.jpg"}),
        ("?q=beach&mine=1&sort=arrival", {"beach.jpg"}),
    ):
        assert set(download(client, query).namelist()) == {f"{TAKEN} {name}" for name in names}
    for query in ("?by=nobody", "?q=nothing"):
        assert outcome(client.get(f"/photos.zip{query}")) == (404, nothing)


@pytest.mark.embedded
def test_names_in_a_zip_suit_every_system(client: FlaskClient, send: Send, tmp_path: Path) -> None:
    """None is there twice, even where upper and lower case are the same."""
    entries = {
        "写真 3.JPG": "写真 3.JPG",
        "👩‍👩‍👧.jpeg": "👩‍👩‍👧.jpeg",
        "<a>:%22b%22|?*.jpg": "_a___b____.jpg",
        "No. 5": "No. 5.jpg",
        "blob": "blob.jpg",
        "dots. . .jpg": "dots.jpg",
        "写" * 100: "写" * 77 + ".jpg",
        "x" * 400 + ".jpg": "x" * 231 + ".jpg",
        "X" * 400: "X" * 227 + " (2).jpg",
        "a.jpg": "a.jpg",
        "A.jpg": "A (2).jpg",
        "a (2).jpg": "a (2) (2).jpg",
        "a.JPG": "a (3).JPG",
        "a?.jpg": "a_.jpg",
        "a*.jpg": "a_ (2).jpg",
    }
    sent = [(name, variant(number)) for number, name in enumerate(reversed(entries))]
    assert send(*sent).status_code == 204
    zipped = download(client)
    assert zipped.namelist() == [f"{TAKEN} {entry}" for entry in entries.values()]
    assert all(len(entry.encode()) <= 255 for entry in zipped.namelist())
    zipped.extractall(tmp_path / "unpacked")
    assert set(os.listdir(tmp_path / "unpacked")) == set(zipped.namelist())


def test_pages_of_photos_are_in_a_zip_in_the_order_of_time(
    client: FlaskClient, config: Config, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As old as the format can say."""
    monkeypatch.setattr(sys.modules[Archives.__module__], "PAGE_PHOTOS", 3)
    send(*((f"{number}.jpg", photo_bytes(seed=number, size=(64, 48))) for number in range(8)))
    early, late = "0001-01-01T00:00:00Z", "2999-12-31T23:59:58Z"
    change_row(config, "7.jpg", moment=late, taken=late)
    change_row(config, "0.jpg", moment=early, taken=early)
    entries = [(entry.filename[20:], entry.date_time) for entry in download(client).infolist()]
    assert entries == [
        ("7.jpg", (2107, 12, 31, 23, 59, 58)),
        *((f"{second}.jpg", (2024, 6, 1, 20, 0, second & ~1)) for second in range(6, 0, -1)),
        ("0.jpg", (1980, 1, 1, 0, 0, 0)),
    ]


# What happens meanwhile


def original_path(data: Path, photo: dict) -> Path:
    return data / original_key(photo["id"], "jpg")


def test_photos_removed_or_made_private_meanwhile(client: FlaskClient, send: Send) -> None:
    send(*((f"{number}.jpg", photo_bytes(seed=number)) for number in range(4)))
    _, removed, private, _ = listed_photos(client)
    blocks = client.get("/photos.zip").iter_encoded()
    beginning = next(blocks)
    client.delete(f"/api/photos/{removed['id']}")
    client.patch(f"/api/photos/{private['id']}", json={"visibility": "owner"})
    names = opened(beginning + b"".join(blocks)).namelist()
    moment = TAKEN[:-2]
    assert names == [f"{moment}03 3.jpg", f"Only me/{moment}01 1.jpg", f"{moment}00 0.jpg"]


def test_a_zip_names_the_photos_that_are_lost(app: Flask, client: FlaskClient, send: Send) -> None:
    send(*((f"{number}.jpg", photo_bytes(seed=number)) for number in range(3)))
    lost = listed_photos(client)[1]
    parts(app).storage.delete(original_key(lost["id"], "jpg"))
    zipped = download(client)
    assert [name.split()[-1] for name in zipped.namelist()[:2]] == ["2.jpg", "0.jpg"]
    assert zipped.namelist()[2:] == [LOST_PHOTOS]
    assert zipped.read(LOST_PHOTOS).decode() == "1.jpg"


def test_downloads_leave_room_for_everybody_else(config: Config) -> None:
    client = open_page(create_app(replace(config, threads=16)))
    send_as(client, "a.jpg", variant(1))
    two = [client.get("/photos.zip") for _ in range(2)]
    refusal = client.get("/photos.zip")
    assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "5")
    assert refusal.text == "Very many are downloading just now; please try again in a while."
    for answer in two:
        answer.close()
    assert client.get("/photos.zip").status_code == 200


@pytest.mark.embedded
def test_a_silent_catalog_breaks_the_download(client: FlaskClient, config: Config) -> None:
    send_as(client, "a.jpg", variant(1))
    send_as(client, "b.jpg", variant(2))
    blocks = client.get("/photos.zip").iter_encoded()
    next(blocks)
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(CatalogUnavailable):
        list(blocks)


@pytest.mark.embedded
def test_a_broken_storage_breaks_the_download(tmp_path: Path) -> None:
    gallery = SharedGallery(tmp_path / "data")
    gallery.send(("old.jpg", variant(1)), ("new.jpg", variant(2)))
    new, old = (original_path(gallery.data, photo) for photo in gallery.photos())
    url = f"{gallery.url}/photos.zip"
    assert requests.get(url, timeout=60).ok
    for break_original in (lambda file: os.truncate(file, 10), put_a_folder_in_place_of):
        break_original(old)
        with requests.get(url, timeout=60, stream=True) as answer:
            assert answer.status_code == 200
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                _ = answer.content
    put_a_folder_in_place_of(new)
    head = requests.head(url, timeout=60)  # opens no original
    assert (head.status_code, head.headers["Content-Type"]) == (200, "application/zip")


def put_a_folder_in_place_of(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.embedded
def test_a_download_that_is_left_half_way_leaves_no_original_open(server: GalleryServer) -> None:
    assert server.send(("large.jpg", variant(10_000_000))).ok
    with socket.socket() as visitor:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        visitor.connect(("127.0.0.1", server.port))
        visitor.sendall(b"GET /photos.zip HTTP/1.1\r\nHost: gallery\r\n\r\n")
        wait_until(lambda: open_originals(server) == 1)
    wait_until(lambda: open_originals(server) == 0)


def open_originals(server: GalleryServer) -> int:
    """How many of them the workers hold open."""
    count = 0
    for worker in server.workers():
        for file in (worker / "fd").iterdir():
            with suppress(FileNotFoundError):  # it was just closed
                count += os.readlink(file).startswith(str(server.data / "originals"))
    return count


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("size", "limit"),
    [(20_000, 10_000), pytest.param(2**32 + 1, zipfile.ZIP64_LIMIT, marks=pytest.mark.slow)],
)
def test_a_large_photo_and_what_follows_it_are_in_a_zip64(
    client: FlaskClient, config: Config, tmp_path: Path, monkeypatch, size: int, limit: int
) -> None:
    send_as(client, "small.jpg", photo_bytes(seed=1, size=(64, 48)))
    send_as(client, "large.jpg", photo_bytes(seed=2, size=(64, 48)))
    os.truncate(original_path(config.data, listed_photos(client)[0]), size)  # zeros take no room
    change_row(config, "large.jpg", bytes=size)
    path, zeros = tmp_path / "all.zip", bytes(BLOCK_BYTES)
    with monkeypatch.context() as lowered, path.open("wb") as file:
        lowered.setattr(zipfile, "ZIP64_LIMIT", limit)
        for block in client.get("/photos.zip").iter_encoded():
            if block == zeros:
                file.seek(len(block), os.SEEK_CUR)
            else:
                file.write(block)
    large, small = ZipFile(path).infolist()
    assert (large.file_size, large.extract_version, small.extract_version) == (size, 45, 45)
    assert ZipFile(path).read(small) == photo_bytes(seed=1, size=(64, 48))
