"""Photos as one ZIP file, which is made while it is sent."""

import io
import os
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from struct import unpack_from
from zipfile import ZIP_STORED, ZipFile

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from dropwall import create_app, timestamps
from dropwall.catalog.lists import find_selection
from dropwall.catalog.tables import photos
from dropwall.config import Config
from dropwall.photos.archive import BLOCK_BYTES, GONE, Archives
from dropwall.photos.files import original_key, owner_id
from dropwall.refusals import CatalogUnavailable
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

ARCHIVE = sys.modules[Archives.__module__]
TAKEN = "2024-06-01 20.00.00"
"""What the photos of `tests.support.photos` say of themselves."""


def download(client: FlaskClient, query: str = "") -> ZipFile:
    return opened(client.get(f"/photos.zip{query}").data)


def opened(content: bytes) -> ZipFile:
    """Whole, and as a reader has to find it that goes from entry to entry, such as Java's
    ZipInputStream: size, CRC-32 and the name in UTF-8 stand before each photo, none behind it."""
    archive = ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    place = 0
    for entry in archive.infolist():
        assert entry.header_offset == place
        _, _, flags, method, _, *sums, name, extra = unpack_from("<4s3H4I2H", content, place)
        assert (flags, method, entry.flag_bits) == (0x800, ZIP_STORED, 0x800)
        sizes = [entry.file_size] * 2
        if extra:
            assert sums[1:] == [0xFFFFFFFF] * 2
            sums[1:] = unpack_from("<2Q", content, place + 30 + name + 4)
        assert sums == [entry.CRC, *sizes]
        place += 30 + name + extra
        assert content[place - name - extra : place - extra].decode() == entry.filename
        place += entry.file_size
    assert content[place:][:4] == b"PK\1\2"
    return archive


def pieces(client: FlaskClient, query: str, cuts: list[int]) -> bytes:
    """A download that is cut off there, each time, and goes on."""
    whole = client.head(f"/photos.zip{query}")
    size, got = whole.content_length or 0, b""
    for stop in (*sorted(cuts), size):
        asked = {"Range": f"bytes={len(got)}-", "If-Range": whole.headers["ETag"]}
        answer = client.get(f"/photos.zip{query}", headers=asked)
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {len(got)}-{size - 1}/{size}"
        assert answer.headers["ETag"] == whole.headers["ETag"]
        assert answer.content_length == size - len(got)
        blocks = answer.iter_encoded()
        while len(got) < stop:
            got += next(blocks)
        answer.close()
        got = got[:stop] if stop < size else got
    return got


def variant(number: int) -> bytes:
    """Taken in the same second as every other."""
    return photo_bytes("jpg", size=(64, 48)) + bytes(number)


def change_row(config: Config, name: str, /, **values: object) -> None:
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
    assert answer.headers["Content-Disposition"] == f'attachment; filename="Photos {today}.zip"'
    assert answer.mimetype == "application/zip"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content_length == len(answer.data) == client.head("/photos.zip").content_length
    zipped = opened(answer.data)
    assert {name: zipped.read(name) for name in zipped.namelist()} == sent
    assert zipped.namelist() == sorted(sent, reverse=True)  # newest first
    assert {entry.compress_type for entry in zipped.infolist()} == {ZIP_STORED}
    path = tmp_path / "all.zip"
    path.write_bytes(answer.data)
    test = [need_program("unzip"), "-tq", path]
    assert subprocess.run(test, capture_output=True, check=False).returncode == 0


def test_a_zip_has_the_photos_that_the_page_shows(
    app: Flask, client: FlaskClient, send: Send
) -> None:
    nothing = "There are no photos to download here. Add some or choose others."
    refused = client.get("/photos.zip")
    assert (outcome(refused), refused.content_type) == ((404, nothing), TEXT)
    send(*((f"{name}.jpg", variant(size)) for size, name in enumerate(("mine", "beach", "Bär"))))
    client.patch(f"/api/photos/{listed_photos(client)[0]['id']}", json={"visibility": "owner"})
    other = open_page(app)
    send_as(other, "other beach.jpg", variant(3))
    send_as(other, "sea.jpg", variant(4))
    ids = [photo["id"] for photo in listed_photos(client)]
    people = ("", f"&by={own_id(client)}", f"&by={own_id(other)}", "&mine=1", "&by=nobody")
    words = ("", "&q=beach", "&q=BEACH+other", "&q=b%C3%A4r", "&q=nothing")
    kinds = ("", "&only=private", "&sort=taken")
    chosen = ("", f"&ids={','.join(ids[1:4])},{'0' * 32},x", "&ids=")
    visitors = (client, other, app.test_client())
    asked = list(product(visitors, map("".join, product(people, words, kinds)), chosen))
    for visitor, query, choice in Random(1).sample(asked, 100):
        shown = {photo["id"] for photo in visitor.get(f"/api/photos?{query}").json["photos"]}
        if choice:
            shown &= set(ids[1:4]) if "x" in choice else set()
        names = {photo["name"] for photo in listed_photos(client) if photo["id"] in shown}
        answer = visitor.get(f"/photos.zip?{query}{choice}")
        if shown:
            packed = opened(answer.data).namelist()
            assert {name.partition(f"{TAKEN} ")[2] for name in packed} == names, (query, choice)
            assert len(packed) == len(shown)
        else:
            assert outcome(answer) == (404, nothing)


def test_more_photos_than_an_address_can_name_are_selected(
    app: Flask, client: FlaskClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(*((f"{number}.jpg", variant(number)) for number in range(4)))
    client.patch(f"/api/photos/{listed_photos(client)[0]['id']}", json={"visibility": "owner"})
    ids = [photo["id"] for photo in listed_photos(client)]
    unknown = [f"{number:032x}" for number in range(100_000 - 3)]
    kept = client.post("/api/selections", json={"ids": [*unknown, *ids[:3]]})
    address = f"/photos.zip?selection={kept.json['id']}"
    assert (kept.status_code, kept.headers["Location"]) == (201, address)
    assert len(opened(client.get(address).data).namelist()) == 3
    # The catalog is not filled with what nobody has.
    assert set(find_selection(parts(app).database, kept.json["id"], "")) == set(ids[:3])
    for somebody_else in (open_page(app), app.test_client()):  # sees what they see, no more
        names = opened(somebody_else.get(address).data).namelist()
        assert names == [f"{TAKEN} 2.jpg", f"{TAKEN} 1.jpg"]
    for wrong in (
        *({}, {"ids": []}, {"ids": ids[0]}, {"ids": [1]}, {"ids": [[]]}, {"ids": ["x"]}, [], 5),
        {"ids": [*unknown, *ids[:3], *unknown[:9000]]},
    ):
        assert client.post("/api/selections", json=wrong).status_code == 400
    nested = client.post("/api/selections", data="[" * 10**6, content_type="application/json")
    assert nested.status_code == 400

    too_old = (404, "This selection has expired. Choose the photos again.")
    assert outcome(client.get("/photos.zip?selection=unknown")) == too_old
    another = client.post("/api/selections", json={"ids": ids})
    now = timestamps.now
    for later, status in ((3590, 200), (3610, 404)):
        monkeypatch.setattr(
            timestamps, "now", lambda seconds_ago=0, by=later: now(seconds_ago - by)
        )
        assert client.get(address).status_code == status
    client.post("/api/selections", json={"ids": ids})
    monkeypatch.undo()
    assert outcome(client.get(another.headers["Location"])) == too_old  # it is forgotten


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
        "写" * 100: "写" * 52 + ".jpg",
        "x" * 400 + ".jpg": "x" * 156 + ".jpg",
        "X" * 400: "X" * 152 + " (2).jpg",
        "CON": "CON.jpg",
        "nul.tar.jpg": "nul.tar.jpg",
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
    assert all(len(entry.encode()) <= 180 for entry in zipped.namelist())
    zipped.extractall(tmp_path / "unpacked")
    assert set(os.listdir(tmp_path / "unpacked")) == set(zipped.namelist())


def test_pages_of_photos_are_in_a_zip_in_the_order_of_time(
    client: FlaskClient, config: Config, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As old as the format can say; as the clock on the wall had it, where no zone is told."""
    monkeypatch.setattr(ARCHIVE, "PAGE_PHOTOS", 3)
    send(*((f"{number}.jpg", photo_bytes(seed=number, size=(64, 48))) for number in range(8)))
    early, late = "0001-01-01T00:00:00Z", "2999-12-31T23:59:58Z"
    change_row(config, "7.jpg", moment=late, taken=late)
    change_row(config, "0.jpg", moment=early, taken=early)
    for name, new_name, zone in (("5.jpg", "a.jpg", "Z"), ("4.jpg", "A.jpg", "")):
        second = "2024-06-01T20:00:04"
        change_row(config, name, name=new_name, moment=f"{second}Z", taken=f"{second}{zone}")
    entries = [(entry.filename[20:], entry.date_time) for entry in download(client).infolist()]
    assert entries == [
        ("7.jpg", (2107, 12, 31, 23, 59, 58)),
        ("6.jpg", (2024, 6, 1, 20, 0, 6)),
        ("a.jpg", (2024, 6, 1, 20, 0, 4)),
        ("A (2).jpg", (2024, 6, 1, 20, 0, 4)),
        *((f"{second}.jpg", (2024, 6, 1, 20, 0, second & ~1)) for second in range(3, 0, -1)),
        ("0.jpg", (1980, 1, 1, 0, 0, 0)),
    ]


# Downloads that are cut off, and go on


@pytest.mark.parametrize("limits", [{}, {"ZIP64_LIMIT": 5000, "ZIP64_COUNT": 3}])
def test_a_download_that_was_cut_off_anywhere_goes_on(
    client: FlaskClient, config: Config, send: Send, monkeypatch: pytest.MonkeyPatch, limits: dict
) -> None:
    for name, limit in limits.items():
        monkeypatch.setattr(ARCHIVE, name, limit)
    send(*((f"Föto {number}.jpg", variant(number**5)) for number in range(12)))
    client.patch(f"/api/photos/{listed_photos(client)[0]['id']}", json={"visibility": "owner"})
    whole = client.get("/photos.zip").data
    assert len(opened(whole).namelist()) == 12
    chance, size = Random(1), len(whole)
    places = [*range(40), *range(size - 1200, size, 7), *chance.sample(range(size), 40)]
    for start in places:
        length = chance.choice((1, 50, 20_000, size))
        answer = client.get("/photos.zip", headers={"Range": f"bytes={start}-{start + length - 1}"})
        assert answer.status_code == 206
        assert answer.data == whole[start : start + length]
    for _ in range(8):
        cuts = [chance.randrange(1, size) for _ in range(chance.randrange(1, 6))]
        with catalog_of(config.data) as catalog:  # as of former versions, some of them
            some = [photo["id"] for photo in chance.sample(listed_photos(client), 4)]
            catalog.execute(update(photos).where(photos.c.id.in_(some)).values(crc32=None))
        assert pieces(client, "", cuts) == whole
    for asked, status, content in (
        ({"Range": "bytes=-25"}, 206, whole[-25:]),
        ({"Range": f"bytes={size - 1}-{size + 9}"}, 206, whole[-1:]),
        ({"Range": "bytes=9-12", "If-Range": '"another"'}, 200, whole),
        ({"Range": "bytes=0-1,5-6"}, 200, whole),
        ({"If-None-Match": client.head("/photos.zip").headers["ETag"]}, 304, b""),
    ):
        answer = client.get("/photos.zip", headers=asked)
        assert (answer.status_code, answer.data) == (status, content), asked
    unknown = client.get("/photos.zip", headers={"Range": f"bytes={size}-"})
    assert unknown.headers["Content-Range"] == f"bytes */{size}"
    assert outcome(unknown) == (416, "This part of the file doesn't exist. Load it again.")
    parts(client.application).storage.delete(original_key(listed_photos(client)[3]["id"], "jpg"))
    head = client.head("/photos.zip")  # reads no photo
    assert (head.status_code, head.content_length, head.data) == (200, size, b"")


def test_a_list_that_has_changed_starts_over(app: Flask, client: FlaskClient, send: Send) -> None:
    other = open_page(app)
    send(*((f"{number}.jpg", variant(number)) for number in range(4)))
    ids = [photo["id"] for photo in listed_photos(client)]
    hidden = {"visibility": "owner"}
    for change in (
        lambda: client.delete(f"/api/photos/{ids[0]}"),
        lambda: client.patch(f"/api/photos/{ids[1]}", json=hidden),
        lambda: send_as(other, "2.jpg", variant(2)),
        lambda: client.delete(f"/api/photos/{ids[2]}"),  # as large, and called the same
    ):
        for visitor in (client, other):
            visitor.former = visitor.get("/photos.zip")
        change()
        for visitor in (client, other):
            asked = {"Range": "bytes=100-", "If-Range": visitor.former.headers["ETag"]}
            answer = visitor.get("/photos.zip", headers=asked)
            whole = visitor.get("/photos.zip")
            assert (answer.status_code, answer.data) == (200, whole.data)
            assert answer.headers["ETag"] != visitor.former.headers["ETag"]
            assert whole.headers["ETag"] == answer.headers["ETag"]


def test_photos_of_former_versions_get_their_sums(
    app: Flask, client: FlaskClient, config: Config, send: Send
) -> None:
    send(*((f"{number}.jpg", photo_bytes(seed=number)) for number in range(3)))
    whole, sweep = client.get("/photos.zip").data, parts(app).sweep
    with catalog_of(config.data) as catalog:
        sums = catalog.execute(select(photos.c.name, photos.c.crc32)).all()
        catalog.execute(update(photos).values(crc32=None))
    assert dict(sums) == {entry.filename[20:]: entry.CRC for entry in opened(whole).infolist()}
    lost = listed_photos(client)[1]
    parts(app).storage.rename(original_key(lost["id"], "jpg"), "away")
    assert [sweep.sum_originals(after="") for _ in range(2)] == [3, 1]
    parts(app).storage.rename("away", original_key(lost["id"], "jpg"))
    assert client.get("/photos.zip").data == whole  # and keeps the last one
    assert sweep.sum_originals(after="") == 0


# What happens meanwhile


def original_path(data: Path, photo: dict) -> Path:
    return data / original_key(photo["id"], "jpg")


def test_photos_that_are_removed_or_hidden_meanwhile_are_not_sent(
    app: Flask, client: FlaskClient
) -> None:
    """The download comes to its end, as long as it was said to be."""
    large = bytes(BLOCK_BYTES)
    sent = {f"{number}.jpeg": photo_bytes(seed=number) + large for number in range(4)}
    for name, content in sent.items():
        send_as(client, name, content)
    _, removed, private, _ = listed_photos(client)
    others = open_page(app).get("/photos.zip")
    own = client.get("/photos.zip")
    client.delete(f"/api/photos/{removed['id']}")
    client.patch(f"/api/photos/{private['id']}", json={"visibility": "owner"})
    moment = TAKEN[:-2]
    for answer, are_gone in ((others, ("2", "1")), (own, ("2",))):
        assert len(answer.data) == answer.content_length
        zipped = opened(answer.data)
        for number in "3210":
            if number in are_gone:
                note = zipped.read(f"{moment}0{number} {number}..txt")
                assert note.rstrip(b"\0") == GONE
            else:
                name = f"{number}.jpeg"
                assert zipped.read(f"{moment}0{number} {name}") == sent[name]


def test_private_photos_lie_in_a_folder_of_their_own(client: FlaskClient, send: Send) -> None:
    """So that nobody passes them on by mistake."""
    send(*((f"{number}.jpg", photo_bytes(seed=number)) for number in range(2)))
    client.patch(f"/api/photos/{listed_photos(client)[0]['id']}", json={"visibility": "owner"})
    names = opened(client.get("/photos.zip").data).namelist()
    assert names == [f"Private/{TAKEN[:-1]}1 1.jpg", f"{TAKEN} 0.jpg"]


def test_a_lost_original_does_not_keep_the_others(
    app: Flask, client: FlaskClient, send: Send
) -> None:
    send(*((f"{number}.jpg", photo_bytes(seed=number)) for number in range(3)))
    lost = listed_photos(client)[1]
    parts(app).storage.delete(original_key(lost["id"], "jpg"))
    answer = client.get("/photos.zip")
    zipped = opened(answer.data)
    assert [name[20:] for name in zipped.namelist()] == ["2.jpg", "1.txt", "0.jpg"]
    assert zipped.read(zipped.namelist()[1]).rstrip(b"\0") == GONE
    for place in (100, len(answer.data) - 1000, len(answer.data) - 30):
        assert pieces(client, "", [place]) == answer.data


def test_downloads_leave_room_for_everybody_else(config: Config) -> None:
    client = open_page(create_app(replace(config, threads=16)))
    send_as(client, "a.jpg", variant(1))
    two = [client.get("/photos.zip") for _ in range(2)]
    refusal = client.get("/photos.zip")
    assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "5")
    assert refusal.text == "Many people are downloading right now. Try again in a while."
    for answer in two:
        answer.close()
    assert client.get("/photos.zip").status_code == 200


@pytest.mark.embedded
def test_a_silent_catalog_breaks_the_download(client: FlaskClient, config: Config) -> None:
    send_as(client, "a.jpg", variant(BLOCK_BYTES))
    send_as(client, "b.jpg", variant(BLOCK_BYTES + 1))
    blocks = client.get("/photos.zip").iter_encoded()
    next(blocks)
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(CatalogUnavailable):
        list(blocks)


@pytest.mark.embedded
def test_an_original_that_has_become_shorter_breaks_the_download(
    app: Flask, client: FlaskClient
) -> None:
    """The archive would be well-formed, and the photo in it cut off."""
    send_as(client, "old.jpg", variant(BLOCK_BYTES))
    send_as(client, "new.jpg", variant(BLOCK_BYTES + 1))
    new, old = (original_key(photo["id"], "jpg") for photo in listed_photos(client))
    os.truncate(parts(app).settings.data / old, 1000)
    with pytest.raises(OSError, match=f"{owner_id(old)} has another size than it had"):
        list(client.get("/photos.zip").iter_encoded())
    os.truncate(parts(app).settings.data / new, 1000)  # before anything has been sent
    answer = client.get("/photos.zip")
    assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (500, "internal-error")


@pytest.mark.embedded
def test_a_broken_storage_breaks_the_download(tmp_path: Path) -> None:
    gallery = SharedGallery(tmp_path / "data")
    gallery.send(("old.jpg", variant(1)), ("new.jpg", variant(BLOCK_BYTES)))
    new, old = (original_path(gallery.data, photo) for photo in gallery.photos())
    url = f"{gallery.url}/photos.zip"
    size = requests.get(url, timeout=60).headers["Content-Length"]
    for break_original in (lambda file: os.truncate(file, 10), put_a_folder_in_place_of):
        break_original(old)
        with requests.get(url, timeout=60, stream=True) as answer:
            assert (answer.status_code, answer.headers["Content-Length"]) == (200, size)
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


@pytest.mark.slow
@pytest.mark.embedded
def test_a_photo_of_four_gigabytes_and_what_follows_it_are_in_a_zip64(
    client: FlaskClient, config: Config, tmp_path: Path
) -> None:
    size = 2**32 + 1
    send_as(client, "small.jpg", photo_bytes(seed=1, size=(64, 48)))
    send_as(client, "large.jpg", photo_bytes(seed=2, size=(64, 48)))
    os.truncate(original_path(config.data, listed_photos(client)[0]), size)  # zeros take no room
    change_row(config, "large.jpg", bytes=size, crc32=None)
    path, zeros = tmp_path / "all.zip", bytes(BLOCK_BYTES)
    with path.open("wb") as file:
        for block in client.get("/photos.zip").iter_encoded():
            if block == zeros:
                file.seek(len(block), os.SEEK_CUR)
            else:
                file.write(block)
    large, small = ZipFile(path).infolist()
    assert (large.file_size, large.extract_version, small.extract_version) == (size, 45, 45)
    assert ZipFile(path).read(small) == photo_bytes(seed=1, size=(64, 48))
