"""Uploading photos: what is kept, what the answer says, and what is swept."""

import errno
import io
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from PIL.ExifTags import IFD
from sqlalchemy import update
from werkzeug.http import parse_options_header

from dropwall import create_app
from dropwall.catalog import photos, tables
from dropwall.catalog.photos import Photo
from dropwall.catalog.tables import gallery
from dropwall.config import Config
from dropwall.images.slots import Cost
from dropwall.photos.files import (
    chunk_key,
    jpeg_key,
    original_key,
    owner_id,
    thumbnail_key,
    unknown_key,
)
from dropwall.photos.sweep import NEWEST_CHANGE_KEY
from dropwall.refusals import StorageUnavailable
from tests.support.catalog_rows import begin_intent
from tests.support.chunks import InChunks, send_all, send_chunk
from tests.support.engines import catalog_of, config_of, make_old, storage_of, stored_files
from tests.support.gallery_server import GalleryServer
from tests.support.photos import VENICE, XMP, phone_exif, photo_bytes
from tests.support.visitors import Send, listed, listed_photos, open_page, outcome, parts, send_as

FILES_OF_A_PHOTO = 3  # the original and two thumbnails


def test_every_format_in_any_field_comes_back_as_it_was(client: FlaskClient, send: Send) -> None:
    formats = ("jpg", "png", "apng", "gif", "webp", "avif", "heic")
    fields = ("file", "file[]", "file[0]", "files[]", "filepond", "任何", "file")
    for extension, field in zip(formats, fields, strict=True):
        sent = photo_bytes(extension, size=(120, 80))
        answer = send((f"photo.{extension.upper()}", sent), field=field)
        assert outcome(answer) == (204, "")
        assert "Content-Type" not in answer.headers
        back = client.get(listed_photos(client)[0]["url"], buffered=True)
        assert back.data == sent, extension


def test_a_raw_body_is_one_photo(client: FlaskClient) -> None:
    """Types are as often wrong as extensions are: the content decides."""
    unnamed = ("*", "pjpeg", "x-png", "heic-sequence", "tiff", "svg+xml", "x-icon", "vnd.x-y")
    names = {f"image/{subtype}": "photo" for subtype in unnamed}
    names |= {"image/jpeg": "photo.jpeg", "IMAGE/PNG; q=1": "photo.png", "image/jpg": "photo.jpg"}
    names |= {"application/octet-stream": "photo", None: "photo"}
    for seed, (kind, name) in enumerate(names.items()):
        for extension in ("jpg", "png"):
            answer = client.post("/", data=photo_bytes(extension, seed), content_type=kind)
            is_true = name == "photo" or name.replace("jpeg", "jpg").endswith(extension)
            kept = name if is_true else f"photo.{extension}"
            assert (answer.status_code, listed(client)[0]) == (204, kept), kind


NO_EXTENSIONS = (
    *("Foto v1.2", "Screenshot 2026.01.02", "IMG_4032", "v1.2b", "1.0-rc1", "Dr. Müller", "z.B"),
    *("12.5cm", "St.Gallen", "IMG_4032.jpg_large", "写真.写真", "2026.Hochzeit", "a.é"),
    *("фото.лето", "a.e\u200dxe"),
)
OTHER_EXTENSIONS = (
    *("exe", "pdf", "svg", "php", "html", "jpg.exe", "PhP", "js", "py", "mp4", "3gp", "7z", "tiff"),
    *("bmp", "ico", "phtml", "docx", "php5", "gz", "mp3", "sh", "JPG.txt", "heics"),
)


@pytest.mark.embedded
def test_what_follows_a_dot_is_refused_only_when_it_is_another_extension(
    client: FlaskClient, send: Send
) -> None:
    """Where there is none, the content decides, and what is saved is called as it is."""
    for seed, name in enumerate(NO_EXTENSIONS):
        assert outcome(send((name, photo_bytes("webp", seed)))) == (204, ""), name
        photo = listed_photos(client)[0]
        assert (photo["name"], saved_name(client, photo)) == (name, f"{name}.webp")
    for extension in OTHER_EXTENSIONS:
        answer = send((f"photo.{extension}", photo_bytes("webp", 99)))
        assert answer.headers["Dropwall-Refusal"] == "unknown-extension", extension
    assert len(listed(client)) == len(NO_EXTENSIONS)


def saved_name(client: FlaskClient, photo: dict) -> str:
    """As a browser saves it."""
    answer = client.get(f"{photo['url']}?download", buffered=True)
    _, options = parse_options_header(answer.headers["Content-Disposition"])
    return options["filename"]


def test_the_place_is_erased_unless_the_host_keeps_it(config: Config, client: FlaskClient) -> None:
    city = b"<photoshop:City>Wien</photoshop:City>"
    xmp = XMP.replace(b'7.2"/>', b'7.2">' + city + b"</rdf:Description>")
    sent = photo_bytes("webp", gps=VENICE, exif=phone_exif(gps=VENICE), xmp=xmp)
    keeper = create_app(replace(config, keep_location=True)).test_client()
    for guest, kept in ((client, xmp.replace(city, b" " * len(city))), (keeper, xmp)):
        send_as(guest, "a.webp", sent)
        back = guest.get(listed_photos(guest)[0]["url"], buffered=True).data
        assert len(back) == len(sent)
        assert kept in back
        assert bool(Image.open(io.BytesIO(back)).getexif().get_ifd(IFD.GPSInfo)) == (kept == xmp)
    assert back == sent


def test_several_photos_of_one_name_are_kept_in_order(client: FlaskClient, send: Send) -> None:
    names = ["0.jpg", "image.jpg", "image.jpg", "3.jpg"]
    send(*((name, photo_bytes(seed=seed)) for seed, name in enumerate(names)))
    assert listed(client) == names[::-1]


def test_the_same_photo_twice_is_one_photo_of_each_guest(app: Flask, client: FlaskClient) -> None:
    send_as(client, "a.jpg", photo_bytes())
    send_as(client, "b.jpg", photo_bytes())
    send_as(open_page(app), "c.jpg", photo_bytes())
    assert listed(client) == ["c.jpg", "a.jpg"]
    assert len({photo["by"]["id"] for photo in listed_photos(client)}) == 2


def test_the_same_photo_many_times_at_once_is_one_photo(app: Flask, config: Config) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: send_as(app.test_client(), "a.jpg", photo_bytes()), range(6)))
    assert listed(app.test_client()) == ["a.jpg"]
    assert len(stored_files(config.data)) == FILES_OF_A_PHOTO


def test_whoever_sends_a_photo_is_told_its_address(client: FlaskClient, send: Send) -> None:
    """However it is sent, and each time; of several, those that are safe, as they were sent."""
    kinds = ("jpg", "png", "gif", "webp", "heic", "avif")
    contents = [photo_bytes(kind, seed=seed, size=(64, 48)) for seed, kind in enumerate(kinds)]
    chunked = InChunks(contents[0], -(-len(contents[0]) // 3), "a.jpg")
    for content, kind in zip(contents, kinds, strict=True):
        parts_of_it = InChunks(content, -(-len(content) // 3), f"a.{kind}")
        for _ in range(2):
            answers = [
                send((f"a.{kind}", content)),
                client.post("/", data=content, content_type=f"image/{kind}"),
                *(send_chunk(client, parts_of_it, number) for number in (0, 2, 1, 0)),
            ]
            told = [answer.headers.get("Location") for answer in answers]
            newest = listed_photos(client)[0]["url"]
            assert told[:2] + told[-2:] == [newest] * 4
            assert client.get(newest, buffered=True).data == content
        assert told[2:4] == [newest] * 2  # of an upload that has come to its end
    fresh = send_chunk(client, replace(chunked, uuid="another"), 0)
    assert "Location" not in fresh.headers
    assert "Dropwall-Photos" not in fresh.headers

    mixed = [*zip(("1.jpg", "2.png"), contents, strict=False), ("3.jpg", b"no photo")]
    for sent, status in ((mixed, 400), (mixed[:2], 204), ([mixed[0], mixed[0]], 204)):
        answer = send(*sent)
        ids = [listed_photos(client)[-1 - kinds.index(name[2:])]["id"] for name, _ in sent[:2]]
        assert (answer.status_code, answer.headers["Dropwall-Photos"]) == (status, ",".join(ids))
        assert "Location" not in answer.headers
    assert not {"Location", "Dropwall-Photos"} & set(send(mixed[2]).headers.keys())


@pytest.mark.embedded
def test_the_head_of_an_answer_stays_short_enough_for_proxies(send: Send) -> None:
    """nginx reads it into one page of memory, often 4 KB, and answers 502 if it is longer."""
    for count, is_named in ((50, True), (51, False)):
        answer = send(*[("a.gif", photo_bytes("gif", size=(48, 32)))] * count)
        assert answer.status_code == 204
        assert ("Dropwall-Photos" in answer.headers) == is_named
        assert len(str(answer.headers)) < 3500


@pytest.mark.embedded
def test_only_a_form_that_navigates_is_sent_back_to_the_page(send: Send) -> None:
    for headers, status, location in (
        ({"Sec-Fetch-Mode": "navigate"}, 303, "/"),
        ({"Accept": "text/html,*/*"}, 303, "/"),
        ({"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, 204, "/uploads/"),
    ):
        answer = send(("a.jpg", photo_bytes()), headers=headers)
        told = answer.headers["Location"][: len(location)]
        assert (answer.status_code, told) == (status, location), headers


@pytest.mark.embedded
def test_only_the_formats_of_the_settings_are_taken(config: Config) -> None:
    client = create_app(replace(config, extensions=("png",))).test_client()
    for name in ("a.jpg", "blob"):
        answer = client.post("/", data={"file": (io.BytesIO(photo_bytes("jpg")), name)})
        assert outcome(answer) == (400, "Only photos can be added: PNG.")
    send_as(client, "a.png", photo_bytes("png"))


@pytest.mark.embedded
def test_a_full_disk_refuses_a_photo_and_keeps_nothing_of_it(
    app: Flask, config: Config, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(parts(app).storage, "put", no_room)
        assert outcome(send(("a.jpg", photo_bytes()))) == (
            507,
            "The gallery is full, but nothing was lost. Let your host know.",
        )
    assert stored_files(config.data) == []
    assert send(("a.jpg", photo_bytes())).status_code == 204


@pytest.mark.embedded
def test_a_machine_out_of_threads_refuses_a_photo_for_now(send: Send, monkeypatch) -> None:
    def no_thread(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(Thread, "start", no_thread)
        assert send(("a.jpg", photo_bytes())).status_code == 503
    assert send(("a.jpg", photo_bytes())).status_code == 204


# Sweeping


@pytest.mark.embedded
def test_orphans_are_swept_after_a_day_and_nothing_else(
    app: Flask, client: FlaskClient, config: Config
) -> None:
    """What was removed can be undone for longer than a sweep takes, and is purged by itself."""
    for seed, name in enumerate(("removed.jpg", "kept.jpg")):
        send_as(client, name, photo_bytes(seed=seed))
    removed = f"/api/photos/{listed_photos(client)[1]['id']}"
    client.delete(removed)
    waiting = InChunks(photo_bytes(seed=2), 10_000)
    send_chunk(client, waiting, 0)
    kept, storage = stored_files(config.data), storage_of(config.data)
    *old, young = (
        *(original_key("ab" * 16, "jpg"), thumbnail_key("ab" * 16, 320), jpeg_key("ab" * 16)),
        *(chunk_key("ab" * 16, 0), chunk_key("cd" * 16, 0)),
    )
    for orphan in (*old, young):
        storage.put_bytes(orphan, b"whose?")
    half = "ef" * 16
    begin(config, half)
    storage.put_bytes(thumbnail_key(half, 320), b"of a photo that never came")
    sweep = app.test_cli_runner().invoke
    assert sweep(args=["sweep"]).output == "Removed 0 leftover files.\n"
    make_old(config.data, *kept, *old)
    make_intents_old(config)
    make_catalog_old(config)
    assert sweep(args=["sweep"]).output == (
        "Removed 4 leftover files.\n"
        "Moved 1 original that the catalog doesn't know to the storage's folder “unknown”."
        " Delete that folder once you are sure nobody misses a photo.\n"
    )
    assert sorted(stored_files(config.data)) == sorted([*kept, young])
    assert set(send_all(client, waiting)) == {204}
    assert client.post(f"{removed}/restore").status_code == 204


def begin(config: Config, photo_id: str) -> None:
    with catalog_of(config.data) as catalog:
        begin_intent(catalog, photo_id)


def make_intents_old(config: Config) -> None:
    with catalog_of(config.data) as catalog:
        catalog.execute(update(tables.intents).values(begun="2026-01-01T00:00:00Z"))


def put_mark(config: Config, photo_id: str) -> str:
    """Its key. Versions that had no intent rows put such an empty file there instead."""
    storage_of(config.data).put_bytes(key := f"incoming/{photo_id}", b"")
    return key


def make_catalog_old(config: Config) -> None:
    """As if the gallery was older than anything that was left in it."""
    with catalog_of(config.data) as catalog:
        catalog.execute(update(gallery).values(made="2026-01-01T00:00:00Z"))


def doubt(count: str) -> str:
    return (
        f"Error: The catalog knows nothing of {count} in the storage: is it the right one? If it"
        " was lost, put its backup in place. If nobody misses these photos, `dropwall sweep"
        " --delete-unknown` moves them to the storage's folder “unknown”, where you can delete"
        " them. None of them was touched.\n"
    )


@pytest.mark.parametrize(
    ("count", "is_old", "told"),
    [(1, False, "1 original"), (11, True, "11 originals"), (501, False, "501 originals")],
)
@pytest.mark.embedded
def test_originals_that_no_row_knows_are_listed_and_moved_only_when_told_so(
    app: Flask, client: FlaskClient, config: Config, count: int, is_old: bool, told: str
) -> None:
    """Such as after the catalog was lost, and a photo was sent."""
    send_as(client, "kept.jpg", photo_bytes())
    kept, storage = sorted(stored_files(config.data)), storage_of(config.data)
    lost = sorted(original_key(f"{number:032x}", "jpg") for number in range(count))
    for key in lost:
        storage.put_bytes(key, b"a photo")
    mark = put_mark(config, owner_id(lost[0]))  # as one that was listed all the same may have
    make_old(config.data, mark, *lost)
    if is_old:
        make_catalog_old(config)
        storage.delete(mark)
    parts(app).sweep.sweep_unfinished()
    assert sorted(stored_files(config.data)) == sorted([*kept, *lost])
    refused = app.test_cli_runner().invoke(args=["sweep"])
    assert refused.exit_code == 1
    assert refused.output == "".join(f"{key}\n" for key in lost) + doubt(told)
    assert sorted(stored_files(config.data)) == sorted([*kept, *lost])
    moved = app.test_cli_runner().invoke(args=["sweep", "--delete-unknown"])
    assert moved.output.startswith(f"Removed 0 leftover files.\nMoved {told} that the")
    assert sorted(stored_files(config.data)) == kept
    assert sorted(storage.list("unknown")) == sorted(map(unknown_key, lost))
    assert app.test_cli_runner().invoke(args=["sweep"]).output == "Removed 0 leftover files.\n"


@pytest.mark.embedded
def test_half_photos_of_a_former_version_are_swept(
    app: Flask, client: FlaskClient, config: Config
) -> None:
    """They have a mark instead of an intent row; of a listed photo a mark may have stayed."""
    send_as(client, "kept.jpg", photo_bytes())
    kept, storage = stored_files(config.data), storage_of(config.data)
    old, young, kept_id = "ab" * 16, "cd" * 16, listed_photos(client)[0]["id"]
    marks = [put_mark(config, photo_id) for photo_id in (old, young, kept_id)]
    for photo_id in (old, young):
        storage.put_bytes(original_key(photo_id, "png"), b"a photo")
        storage.put_bytes(thumbnail_key(photo_id, 640), b"its thumbnail")
    make_catalog_old(config)
    make_old(config.data, marks[0], marks[2])
    assert parts(app).sweep.sweep_unfinished() == 2
    left = {original_key(young, "png"), thumbnail_key(young, 640), marks[1]}
    assert set(stored_files(config.data)) == {*kept, *left}


def test_a_restored_catalog_sweeps_no_photo_that_was_listed_after_its_backup(
    app: Flask, client: FlaskClient, config: Config
) -> None:
    """Two came after it; one of them was on its way at that moment, and so has an intent row."""
    send_as(client, "kept.jpg", photo_bytes())
    kept, storage = stored_files(config.data), storage_of(config.data)
    on_its_way, later = "ab" * 16, "cd" * 16
    begin(config, on_its_way)
    since = [original_key(photo_id, "jpg") for photo_id in (on_its_way, later)]
    for key in since:
        storage.put_bytes(key, b"a photo")
    make_intents_old(config)
    for _ in range(2):
        assert parts(app).sweep.sweep_unfinished() == 0
        assert sorted(stored_files(config.data)) == sorted([*kept, *since])
    storage.delete(since[1])
    assert parts(app).sweep.sweep_unfinished() == 1
    assert sorted(stored_files(config.data)) == sorted(kept)


def test_a_restored_catalog_loses_no_photo_that_was_listed_since(
    app: Flask, client: FlaskClient, config: Config
) -> None:
    """It was on its way when the backup was made, and was the last one to be listed."""
    send_as(client, "kept.jpg", photo_bytes())
    begin(config, listed_since := "ab" * 16)
    key = original_key(listed_since, "jpg")
    storage = storage_of(config.data)
    storage.put_bytes(key, b"a photo")
    parts(app).sweep.sweep_unfinished()
    with storage.open(NEWEST_CHANGE_KEY) as file:
        newest = int(file.read())
    storage.put_bytes(NEWEST_CHANGE_KEY, str(newest + 1).encode())  # of the catalog that was lost
    make_intents_old(config)
    for _ in range(2):
        assert parts(app).sweep.sweep_unfinished() == 0
    assert key in stored_files(config.data)


@pytest.mark.embedded
def test_a_sweep_that_crashes_is_followed_by_another(
    app: Flask, client: FlaskClient, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_keys: str) -> None:
        raise StorageUnavailable

    begin(config, half := "ab" * 16)
    storage_of(config.data).put_bytes(original_key(half, "jpg"), b"a photo")
    make_intents_old(config)
    with monkeypatch.context() as broken:
        broken.setattr(parts(app).storage, "delete", break_down)
        with pytest.raises(StorageUnavailable):
            parts(app).sweep.sweep_unfinished()
    assert parts(app).sweep.sweep_unfinished() == 1
    assert stored_files(config.data) == []


@pytest.mark.embedded
def test_an_original_of_a_removed_photo_is_no_unknown_one(
    app: Flask, client: FlaskClient, config: Config
) -> None:
    send_as(client, "kept.jpg", photo_bytes())
    send_as(client, "a.jpg", photo_bytes(seed=1))
    removed = listed_photos(client)[0]["id"]
    assert client.delete(f"/api/photos/{removed}").status_code == 204
    assert parts(app).sweep.purge_removed(undo_seconds=-1) == 1
    storage_of(config.data).put_bytes(left := original_key(removed, "jpg"), b"by a bad disk")
    make_old(config.data, left)
    assert app.test_cli_runner().invoke(args=["sweep"]).output == "Removed 1 leftover file.\n"
    assert len(stored_files(config.data)) == FILES_OF_A_PHOTO


def test_a_start_without_the_catalog_of_its_photos_is_logged_loudly(config: Config) -> None:
    """Once only, and not where photos are known, or where there are none."""
    loud = "[CRITICAL] [-] THE CATALOG IS EMPTY, AND THERE ARE PHOTOS IN THE STORAGE: "

    class Starting(GalleryServer):
        def has_started(self) -> bool:
            return loud in self.log

    storage_of(config.data).put_bytes(original_key("ab" * 16, "jpg"), b"a photo")
    with closing(Starting(config.data)) as running:
        assert running.log.count(loud) == 1


def test_with_another_gallerys_catalog_nothing_is_swept(
    config: Config, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropwall.photos.sweep.AGE_SECONDS", -60)  # all is old enough
    send(("kept.jpg", photo_bytes()))
    kept = sorted(stored_files(config.data))
    another = config_of(config.data / "another")
    send_as(create_app(another).test_client(), "a.png", photo_bytes("png"))
    wrong = create_app(replace(config, database=another.database_address))
    result = wrong.test_cli_runner().invoke(args=["sweep"])
    assert result.output.endswith(doubt("1 original"))
    assert sorted(stored_files(config.data)) == kept


def test_a_photo_that_was_swept_meanwhile_is_not_answered_as_safe(
    config: Config, client: FlaskClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both machines are healthy; the other one's clock is days ahead."""
    send(("kept.png", photo_bytes("png")))
    other = parts(create_app(config)).sweep
    add_photo = photos.add_photo

    def add_late(*arguments: object) -> Photo:
        other.sweep_everything()
        return add_photo(*arguments)

    with monkeypatch.context() as late:
        late.setattr("dropwall.photos.sweep.AGE_SECONDS", -60)
        late.setattr(photos, "add_photo", add_late)
        answer = send(("late.jpg", photo_bytes()))
    gone = "Part of this photo was lost. Add it again."
    assert (*outcome(answer), answer.headers["Retry-After"]) == (503, gone, "5")
    assert listed(client) == ["kept.png"]
    assert len(stored_files(config.data)) == FILES_OF_A_PHOTO
    assert send(("late.jpg", photo_bytes())).status_code == 204
    for photo in listed_photos(client):
        assert client.get(photo["url"], buffered=True).status_code == 200


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a visitor's connection: the visitor's, and gunicorn's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        visitor = socket.create_connection(listener.getsockname())
        with visitor, listener.accept()[0] as accepted:
            yield visitor, accepted


@contextmanager
def all_slots_held(app: Flask) -> Iterator[None]:
    slots = parts(app).chunks._slots
    with ExitStack() as held:
        for _ in slots._processors:
            held.enter_context(slots.hold("others", Cost(1, 0)))
        yield


def send_over(client: FlaskClient, connection: socket.socket) -> tuple[int, str]:
    form = {"file": (io.BytesIO(photo_bytes()), "a.jpg")}
    return outcome(client.post("/", data=form, environ_overrides={"gunicorn.socket": connection}))


@pytest.mark.parametrize("resets", [False, True], ids=["closing", "resetting"])
def test_a_photo_is_not_decoded_for_who_has_hung_up(
    app: Flask, client: FlaskClient, resets: bool
) -> None:
    with connected() as (visitor, connection), all_slots_held(app):
        if resets:
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        visitor.close()
        assert send_over(client, connection) == (400, "The upload was interrupted. Try again.")
    assert listed(client) == []


@pytest.mark.parametrize("more", [b"", b"GET / HTTP/1.1"], ids=["silent", "sending more"])
def test_a_photo_waits_for_its_turn_while_its_sender_is_there(
    app: Flask, client: FlaskClient, more: bytes
) -> None:
    with connected() as (visitor, connection), ThreadPoolExecutor(1) as pool:
        visitor.sendall(more)
        with all_slots_held(app):
            answer = pool.submit(send_over, client, connection)
            assert wait([answer], 1).not_done
        assert answer.result() == (204, "")
    assert listed(client) == ["a.jpg"]


def test_a_request_that_makes_no_sense_is_refused(app: Flask, client: FlaskClient) -> None:
    form = {"visibility": "friends", "file": (io.BytesIO(photo_bytes()), "a.jpg")}
    nested = b'{"ids": ' + b"[" * 100_000
    for answer in (
        client.post("/", data=form),
        client.post("/api/selections", data=nested, content_type="application/json"),
    ):
        assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (400, "bad-request")
    assert stored_files(parts(app).settings.data) == []
