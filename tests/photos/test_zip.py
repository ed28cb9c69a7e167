"""Many photos in one file, which is made while it is sent."""

import io
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.archive import BLOCK_BYTES, LOST_PHOTOS, PAGE_PHOTOS
from server.catalog import OWNER, Catalog, CatalogUnavailable, Photo, Selection, Viewer, Which
from server.config import Config
from server.storage.keys import original_key
from tests.conftest import Send, open_page
from tests.support.engines import database_of
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes
from tests.support.programs import need_program
from tests.support.waiting import wait_until

MORNING = "2026-11-22T10:00:00Z"
TAKEN = "2024-06-01 18.00.00"
"""What the photos of `tests.support.photos` say of themselves, in UTC."""


def download(client: FlaskClient, query: str = "") -> ZipFile:
    answer = client.get(f"/photos.zip{query}")
    assert answer.status_code == 200
    archive = ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    return archive


def variant(number: int) -> bytes:
    """Taken in the same second as every other."""
    return photo_bytes("jpg", size=(64, 48)) + bytes(number)


@pytest.fixture
def catalog(config: Config) -> Iterator[Catalog]:
    with database_of(config.data) as database:
        yield Catalog(database)


@pytest.fixture
def put_photo(app: Flask, catalog: Catalog) -> Callable[..., None]:
    """In the gallery, without being looked at; the staged file goes there."""

    def put_photo(number: int, staged: Path, moment: str = MORNING, guest_id: str = "") -> None:
        photo = Photo(
            id=f"{number:032x}",
            guest_id=guest_id,
            sha256=f"{number:064x}",
            name="same.jpg",
            extension="jpg",
            bytes=staged.stat().st_size,
            width=64,
            height=48,
            animated=False,
            taken=None,
            uploaded=moment,
            placeholder="",
        )
        app.extensions["dropwall"].storage.put(original_key(photo.id, "jpg"), staged)
        catalog.add_photo(photo)

    return put_photo


def original_paths(data: Path) -> list[Path]:
    return [path for path in (data / "originals").rglob("*") if path.is_file()]


def original_of(data: Path, photo: dict) -> Path:
    return data / original_key(photo["id"], "jpg")


def test_an_archive_holds_every_photo_as_it_was_sent(
    client: FlaskClient, send: Send, tmp_path: Path
) -> None:
    sent = {
        "2024-06-01 18.00.03 sea.png": photo_bytes("png", seed=3),
        "2024-06-01 18.00.02 写真.heic": photo_bytes("heic", seed=2),
        "2024-06-01 18.00.01 beach.jpg": photo_bytes("jpg", seed=1)
        + bytes(2 * BLOCK_BYTES - 200_000),
    }
    for name, content in sent.items():
        send((name.split()[-1], content))
    archive = download(client)
    assert {name: archive.read(name) for name in archive.namelist()} == sent
    assert archive.namelist() == sorted(sent, reverse=True)  # newest first
    assert {entry.compress_type for entry in archive.infolist()} == {ZIP_STORED}
    path = tmp_path / "all.zip"
    path.write_bytes(client.get("/photos.zip").data)
    test = [need_program("unzip"), "-tq", path]
    assert subprocess.run(test, capture_output=True, check=False).returncode == 0


def test_a_browser_saves_it_under_a_name_and_keeps_no_copy(client: FlaskClient, send: Send) -> None:
    send(("a.jpg", variant(1)))
    answer = client.get("/photos.zip")
    assert answer.mimetype == "application/zip"
    today = client.get("/api/photos").json["photos"][0]["uploaded"][:10]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="Dropwall {today}.zip"'
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_one_can_have_ones_own_photos_or_somebodys_or_those_found(
    app: Flask, client: FlaskClient, send: Send
) -> None:
    send(("mine.jpg", variant(1)), ("beach.jpg", variant(2)))
    other = open_page(app)
    other.post("/", data={"file": (io.BytesIO(variant(3)), "other beach.jpg")})
    theirs = other.get("/api/settings").json["guest"]["id"]
    for query, names in (
        ("", {"mine.jpg", "beach.jpg", "other beach.jpg"}),
        ("?mine=1", {"mine.jpg", "beach.jpg"}),
        (f"?by={theirs}", {"other beach.jpg"}),
        ("?q=beach", {"beach.jpg", "other beach.jpg"}),
        ("?q=beach&mine=1&sort=arrival", {"beach.jpg"}),
    ):
        assert set(download(client, query).namelist()) == {f"{TAKEN} {name}" for name in names}


@pytest.mark.parametrize("query", ["", "?mine=1", "?by=nobody", "?q=nothing"])
def test_an_archive_of_nothing_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/photos.zip{query}")
    assert (answer.status_code, answer.text) == (
        404,
        "There are no photos to download here yet; please send some first.",
    )
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("sent", "entry"),
    [
        ("../../x.jpg", "x.jpg"),
        ("..\\..\\x.jpg", "x.jpg"),
        ("../../x", "x.jpg"),
        ("C:/CON.jpg", "CON.jpg"),
        ("写真 3.JPG", "写真 3.JPG"),
        ("👩‍👩‍👧.jpeg", "👩‍👩‍👧.jpeg"),
        ("<a>:%22b%22|?*.jpg", "_a___b____.jpg"),
        ("No. 5", "No. 5.jpg"),
        ("blob", "blob.jpg"),
        ("dots. . .jpg", "dots.jpg"),
        ("x" * 400 + ".jpg", "x" * 231 + ".jpg"),
        ("写" * 100, "写" * 77 + ".jpg"),
    ],
)
def test_every_system_takes_a_photos_name(
    client: FlaskClient, send: Send, tmp_path: Path, sent: str, entry: str
) -> None:
    assert send((sent, variant(1))).status_code == 204
    archive = download(client)
    assert archive.namelist() == [f"{TAKEN} {entry}"]
    assert len(archive.namelist()[0].encode()) <= 255
    archive.extractall(tmp_path / "unpacked")
    assert os.listdir(tmp_path / "unpacked") == archive.namelist()


def test_no_name_is_there_twice_even_where_case_does_not_count(
    client: FlaskClient, send: Send
) -> None:
    names = ["a.jpg", "A.jpg", "a (2).jpg", "a.JPG", "a?.jpg", "a*.jpg", "x" * 300, "X" * 300]
    send(*((name, variant(number)) for number, name in enumerate(names)))
    entries = download(client).namelist()
    assert len({entry.casefold() for entry in entries}) == len(names)
    assert all(len(entry.encode()) <= 255 for entry in entries)
    assert f"{TAKEN} a (2).jpg" in entries


def test_hundreds_of_photos_are_all_there_in_the_order_of_time(
    app: Flask, put_photo: Callable[..., None], tmp_path: Path
) -> None:
    number_of_photos = 2 * PAGE_PHOTOS + 1
    for number in range(number_of_photos):
        staged = tmp_path / "staged"
        staged.write_text(str(number))
        put_photo(number, staged, f"2026-11-22T10:{59 - number // 20:02}:00Z")
    archive = download(app.test_client())
    names = archive.namelist()
    assert len({name.casefold() for name in names}) == number_of_photos
    minutes = [name[:19] for name in names]
    assert minutes == sorted(minutes, reverse=True)
    contents = {int(archive.read(name)) for name in names}
    assert contents == set(range(number_of_photos))


@pytest.mark.parametrize(
    ("moment", "modified"),
    [
        ("2026-11-22T10:20:30Z", (2026, 11, 22, 10, 20, 30)),
        ("0001-01-01T00:00:00Z", (1980, 1, 1, 0, 0, 0)),
        ("2999-12-31T23:59:58Z", (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_photos_are_as_old_as_they_are_and_the_format_can_say(
    app: Flask,
    put_photo: Callable[..., None],
    tmp_path: Path,
    moment: str,
    modified: tuple[int, ...],
) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"a photo")
    put_photo(1, staged, moment)
    [entry] = download(app.test_client()).infolist()
    assert entry.date_time == modified


def test_what_is_made_private_meanwhile_is_put_apart(
    app: Flask, catalog: Catalog, put_photo: Callable[..., None], tmp_path: Path
) -> None:
    for number in range(2):
        staged = tmp_path / f"{number}.jpg"
        staged.write_bytes(variant(number))
        put_photo(number, staged, guest_id="ann")
    archives = app.extensions["dropwall"].archives
    with archives.open(Selection(), Viewer("ann")) as blocks:
        content = next(blocks)
        catalog.change_photos(Which(guest_id="ann"), visibility=OWNER)
        content += b"".join(blocks)
    folders = [name.rpartition("/")[0] for name in ZipFile(io.BytesIO(content)).namelist()]
    assert folders == ["", "Only me"]


def test_what_is_removed_meanwhile_is_left_out(client: FlaskClient, send: Send) -> None:
    for number in range(4):
        send((f"{number}.jpg", photo_bytes("jpg", seed=number)))
    removed = client.get("/api/photos").json["photos"][1]
    answer = client.get("/photos.zip")
    blocks = answer.iter_encoded()
    beginning = next(blocks)
    client.delete(f"/api/photos/{removed['id']}")
    archive = ZipFile(io.BytesIO(beginning + b"".join(blocks)))
    assert archive.testzip() is None
    assert [name.split()[-1] for name in archive.namelist()] == ["3.jpg", "1.jpg", "0.jpg"]


def test_a_photo_that_is_lost_is_named_and_the_others_are_there(
    app: Flask, client: FlaskClient, send: Send
) -> None:
    for number in range(3):
        send((f"{number}.jpg", photo_bytes("jpg", seed=number)))
    lost = client.get("/api/photos").json["photos"][1]
    app.extensions["dropwall"].storage.delete(original_key(lost["id"], "jpg"))
    archive = download(client)
    assert [name.split()[-1] for name in archive.namelist()[:2]] == ["2.jpg", "0.jpg"]
    assert archive.namelist()[2:] == [LOST_PHOTOS]
    assert archive.read(LOST_PHOTOS).decode() == "1.jpg"


def test_downloads_leave_room_for_everybody_else(config: Config) -> None:
    client = open_page(create_app(replace(config, threads=16)))
    client.post("/", data={"file": (io.BytesIO(variant(1)), "a.jpg")})
    two = [client.get("/photos.zip") for _ in range(2)]
    refusal = client.get("/photos.zip")
    assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "5")
    assert refusal.text == "Very many are downloading just now; please try again in a while."
    for answer in two:
        answer.close()
    assert client.get("/photos.zip").status_code == 200


@pytest.mark.embedded
def test_a_catalog_that_falls_silent_breaks_the_archive(
    client: FlaskClient, send: Send, config: Config
) -> None:
    send(("a.jpg", variant(1)), ("b.jpg", variant(2)))
    blocks = client.get("/photos.zip").iter_encoded()
    next(blocks)
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(CatalogUnavailable):
        list(blocks)


def put_a_folder_in_its_place(original: Path) -> None:
    original.unlink()
    original.mkdir()


def cut_off(original: Path) -> None:
    os.truncate(original, original.stat().st_size - 1)


@pytest.mark.embedded
@pytest.mark.parametrize("break_original", [put_a_folder_in_its_place, cut_off])
def test_a_broken_storage_breaks_the_download(live_server: RunningServer, break_original) -> None:
    live_server.send(("old.jpg", photo_bytes("jpg", seed=1)))
    live_server.send(("new.jpg", photo_bytes("jpg", seed=2)))
    assert requests.get(f"{live_server.url}/photos.zip", timeout=30).ok
    break_original(original_of(live_server.data, live_server.photos()[-1]))
    answer = requests.get(f"{live_server.url}/photos.zip", timeout=30, stream=True)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = answer.content
    assert requests.get(f"{live_server.url}/healthz", timeout=30).ok


@pytest.mark.embedded
def test_nothing_is_opened_for_who_only_wants_the_head(
    client: FlaskClient, send: Send, config: Config
) -> None:
    send(("a.jpg", variant(1)))
    [original] = original_paths(config.data)
    put_a_folder_in_its_place(original)
    answer = client.head("/photos.zip")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.mimetype == "application/zip"


@pytest.mark.embedded
def test_who_leaves_half_way_leaves_no_original_open(live_server: RunningServer) -> None:
    live_server.send(("large.jpg", variant(50_000_000)))
    answer = requests.get(f"{live_server.url}/photos.zip", timeout=30, stream=True)
    blocks = answer.iter_content(1000)
    next(blocks)
    wait_until(lambda: open_originals(live_server) == 1)
    answer.close()
    wait_until(lambda: open_originals(live_server) == 0)


def open_originals(server: RunningServer) -> int:
    """How many of them the workers hold open."""
    descriptors = [file for worker in server.workers() for file in (worker / "fd").iterdir()]
    names = [os.readlink(file) for file in descriptors if file.is_symlink()]
    return sum(name.startswith(str(server.data / "originals")) for name in names)


@pytest.mark.embedded
def test_an_archive_may_be_larger_than_four_gigabytes(
    app: Flask, put_photo: Callable[..., None], tmp_path: Path
) -> None:
    archives = app.extensions["dropwall"].archives
    small, huge, path = (tmp_path / name for name in ("small", "huge", "all.zip"))
    small.write_bytes(b"small")
    with huge.open("wb") as file:
        file.truncate(2**32 + 1)  # zeros, which take no room on the disk
    put_photo(1, small, "2026-11-22T09:00:00Z")
    put_photo(2, huge)
    zeros = bytes(BLOCK_BYTES)
    with path.open("wb") as file, ExitStack() as opened:
        for block in opened.enter_context(archives.open(Selection(), Viewer())):
            if block == zeros:
                file.seek(len(block), os.SEEK_CUR)
            else:
                file.write(block)
    archive = ZipFile(path)
    assert [entry.file_size for entry in archive.infolist()] == [2**32 + 1, 5]
    assert archive.read(archive.infolist()[1]) == b"small"
