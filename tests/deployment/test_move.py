"""`dropwall move` copies a running gallery to another database and storage, or backs it up."""

import errno
import io
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import BinaryIO

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, inspect, select, text

from dropwall import create_app
from dropwall.catalog import guests
from dropwall.catalog.changes import advance
from dropwall.catalog.database import AlreadyClaimed, find_database, open_database
from dropwall.catalog.replica import AnotherGallery, copy_tables, open_snapshot
from dropwall.catalog.tables import photos
from dropwall.config import Config
from dropwall.move import Move, Place
from dropwall.photos.files import original_key, owner_id
from dropwall.storage import Storage, open_storage
from dropwall.storage.filesystem import FilesystemStorage
from tests.support import engines, visitors
from tests.support.catalog_rows import old_gallery
from tests.support.chunks import InChunks, send_chunk
from tests.support.crowd import Crowd
from tests.support.gallery_server import ROOT, GalleryServer
from tests.support.photos import photo_bytes
from tests.support.processes import Process
from tests.support.small_disk import filled, small_disk
from tests.support.visitors import dropwall, listed, open_page, parts, send_as, signed_in, take_name
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded

SMALL = photo_bytes("jpg", size=(48, 32))
ANOTHER_GALLERY = (
    "The target holds another gallery, or one that has changed since it was copied. Choose an empty"
    " database and an empty storage. Nothing was changed."
)
ANOTHER_STORAGE = (
    "The target storage belongs to another database. Choose that one, or an empty storage."
    " Nothing was changed."
)
ITSELF = "That is where this gallery itself is. Choose another database and another storage."
STOPPED = "Stopped. What has been copied stays, and the same command goes on from there.\n"
NO_DATABASE = (
    "The target database doesn't answer (file is not a database). Check --to-database."
    " Nothing was copied.\n"
)
WRONG_KEYS = (
    r"A storage refuses or doesn't answer \(403 Forbidden: \w+\)\. Check its"
    r" address and the AWS_ variables\. Nothing was copied\."
)


def on_servers(folder: Path) -> Config:
    return Config(data=folder, **engines.servers_for(folder))


def move_to(database: object, storage: object) -> tuple[str, ...]:
    return "move", "--to-database", str(database), "--to-storage", str(storage)


class Gallery:
    """A gallery with one guest, and the place to which it is moved where no other is named."""

    def __init__(self, config: Config, target: Config) -> None:
        self.config, self.target = config, target
        self.app = create_app(config)
        self.client = open_page(self.app)

    def move(self, target: Config | None = None) -> Result:
        target = target or self.target
        return dropwall(self.app, *move_to(target.database_address, target.storage_address))

    def moved(self, target: Config | None = None) -> str:
        """The last line that is printed by a move that comes to its end, with all files there."""
        done = self.move(target)
        assert done.exit_code == 0, done.output
        assert files(target or self.target) == files(self.config)
        return done.output.splitlines()[-1]

    def refusal(self, target: Config | None = None) -> str:
        refused = self.move(target)
        assert refused.exit_code == 1, refused.output
        return refused.output.removeprefix("Error: ").removesuffix("\n")

    def started(self, target: Config | None = None) -> Flask:
        """The gallery where it has gone."""
        return create_app(replace(target or self.target, mode=self.config.mode))

    def send(self, *numbers: int) -> None:
        """Small photos, quickly."""
        form = [(io.BytesIO(SMALL + bytes([number])), f"{number}.jpg") for number in numbers]
        assert self.client.post("/", data={"file": form}).status_code == 204


def storage_of(config: Config) -> Storage:
    return open_storage(config.storage_address, config.data)


def place(config: Config) -> Place:
    return Place(open_database(config.database_address), storage_of(config))


def files(config: Config) -> dict[str, str]:
    """The SHA-256 of each stored file, by its key."""
    storage, found = storage_of(config), {}
    for folder in engines.FOLDERS:
        for key in storage.list(folder):
            with storage.open(key) as file:
                found[key] = sha256(file.read()).hexdigest()
    return found


def photo_id(client: FlaskClient, name: str) -> str:
    [photo] = [each for each in visitors.listed_photos(client) if each["name"] == name]
    return str(photo["id"])


def remove(client: FlaskClient, name: str) -> str:
    """The id that it had."""
    removed = photo_id(client, name)
    assert client.delete(f"/api/photos/{removed}").status_code == 204
    return removed


def moderate(host: FlaskClient, standing: str, *names: str) -> None:
    ids = ",".join(photo_id(host, name) for name in names)
    assert host.patch(f"/api/photos?ids={ids}", json={"standing": standing}).status_code == 204


def make_private(client: FlaskClient, name: str) -> None:
    path = f"/api/photos/{photo_id(client, name)}"
    assert client.patch(path, json={"visibility": "owner"}).status_code == 204


def purge(app: Flask) -> int:
    """As if the time to undo a removal was over for all of them."""
    return parts(app).sweep.purge_removed(undo_seconds=-1)


def cut_short(storage: Storage, key: str) -> None:
    with storage.open(key) as file:
        storage.put_bytes(key, file.read()[:-1])


class Scene(Gallery):
    """It has photos in every state, and people who are known by their cookies."""

    def __init__(self, config: Config, target: Config) -> None:
        super().__init__(replace(config, mode="approval"), target)
        dropwall(self.app, "add-account", "Ann", typed=visitors.PASSWORD)
        dropwall(self.app, "add-account", "Hanna", "--host", typed=visitors.PASSWORD)
        self.owner, self.guest = self.client, open_page(self.app)
        self.ann, self.host = signed_in(self.app, "Ann"), signed_in(self.app, "Hanna")
        take_name(self.owner, "Örn")
        names = ("public", "private", "hidden", "waiting", "removed", "purged")
        for seed, name in enumerate(names):
            send_as(self.owner, f"{name}.jpg", photo_bytes("jpg", seed, gps=(47.0, 8.0)))
        send_as(self.ann, "anns.png", photo_bytes("png", 50))
        moderate(self.host, "shown", "public.jpg", "removed.jpg", "purged.jpg", "anns.png")
        moderate(self.host, "hidden", "hidden.jpg")
        make_private(self.owner, "private.jpg")
        remove(self.owner, "purged.jpg")
        assert purge(self.app) == 1
        self.removed_id = remove(self.owner, "removed.jpg")
        content = photo_bytes("jpg", 90)
        self.unfinished = InChunks(content, len(content) // 3 + 1, "unfinished.jpg")
        for number in (0, 2):
            assert send_chunk(self.owner, self.unfinished, number).status_code == 204

    def assert_is_the_same(self, there: Flask) -> None:
        """For everybody whom it knows, and for a stranger."""
        for client in (self.owner, self.ann, self.host, self.guest):
            assert seen_by(known_at(there, client)) == seen_by(client)
        assert seen_by(there.test_client()) == seen_by(self.app.test_client())


def known_at(there: Flask, client: FlaskClient) -> FlaskClient:
    """The same visitor in the moved gallery."""
    assert visitors.cookie_name(there) == visitors.cookie_name(client.application)
    return visitors.with_cookie(there, visitors.cookie(client))


def seen_by(client: FlaskClient) -> dict[str, object]:
    """All that the gallery tells a visitor, with the files of the photos."""
    pages = ("limit=3", "limit=500", "mine=1", "q=p&sort=taken")
    seen: dict[str, object] = {page: client.get(f"/api/photos?{page}").json for page in pages}
    seen["guests"] = client.get("/api/guests").json
    changes = seen["changes"] = client.get("/api/photos?since=0").json
    changes["removed"].sort()
    changes["guests"].sort(key=itemgetter("id"))
    for photo in client.get("/api/photos?limit=500").json["photos"]:
        for path in (photo["url"], *photo["thumbnails"].values()):
            answer = client.get(path, headers={"Sec-Fetch-Dest": "image"}, buffered=True)
            headers = [answer.headers.get(name) for name in ("Content-Disposition", "ETag")]
            seen[path] = (answer.status_code, headers, sha256(answer.data).hexdigest())
    return seen


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """In a folder, which is moved to servers."""
    return Gallery(engines.config_of(tmp_path / "data"), on_servers(tmp_path / "new"))


@pytest.fixture(
    params=[
        pytest.param((engines.config_of, on_servers), id="folder to servers"),
        pytest.param((engines.config_of, Config), id="folder to folder", marks=pytest.mark.slow),
        pytest.param((on_servers, Config), id="servers to folder", marks=pytest.mark.slow),
    ]
)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    here, there = request.param
    return Scene(here(tmp_path / "data"), there(tmp_path / "new"))


def test_a_moved_gallery_is_the_same_for_everybody_and_goes_on(scene: Scene) -> None:
    assert scene.moved().startswith("6 photos")
    assert scene.moved().startswith("0 photos (0.0 MB) copied; 6 photos ")
    assert list(storage_of(scene.target).list("incoming")) == []
    there = scene.started()
    scene.assert_is_the_same(there)
    owner = known_at(there, scene.owner)
    assert visitors.own_name(owner) == "Örn"
    assert visitors.account(known_at(there, scene.ann)) == {"name": "Ann", "is_host": False}
    assert visitors.account(signed_in(there, "Hanna")) == {"name": "Hanna", "is_host": True}
    assert guests.overview(parts(there).database) == guests.overview(parts(scene.app).database)
    # An upload, an undo, and what is there already
    progress = owner.get(f"/api/uploads/{scene.unfinished.uuid}").json
    assert progress["received"] == [0, 2]
    assert send_chunk(owner, scene.unfinished, 1).status_code == 204
    assert owner.post(f"/api/photos/{scene.removed_id}/restore").status_code == 204
    assert {"unfinished.jpg", "removed.jpg"} <= set(listed(owner))
    send_as(owner, "again.jpg", photo_bytes("jpg", 1, gps=(47.0, 8.0)))  # private.jpg's bytes
    assert "again.jpg" not in listed(owner)
    send_as(owner, "new.jpg", photo_bytes("jpg", 91))
    assert listed(owner)[0] == "new.jpg"


def test_a_second_move_follows_what_has_changed(scene: Scene) -> None:
    send_as(scene.guest, "twice.jpg", photo_bytes("jpg", 60))
    moderate(scene.host, "shown", "twice.jpg")
    scene.moved()
    moderate(scene.host, "hidden", "public.jpg")
    moderate(scene.host, "shown", "waiting.jpg", "hidden.jpg")
    make_private(scene.owner, "waiting.jpg")
    assert purge(scene.app) == 1
    remove(scene.ann, "anns.png")
    remove(scene.guest, "twice.jpg")
    send_as(scene.guest, "once.jpg", photo_bytes("jpg", 60))  # the same bytes
    take_name(scene.owner, "Åsa")
    take_name(scene.guest, "Gus")
    dropwall(scene.app, "remove-account", "Ann")
    assert scene.owner.delete(f"/api/uploads/{scene.unfinished.uuid}").status_code == 204
    assert scene.moved().startswith("1 photo ")
    there = scene.started()
    scene.assert_is_the_same(there)
    assert dropwall(there, "accounts").output == "Hanna (host)\n"


def test_a_second_move_copies_again_what_the_copy_has_lost(scene: Scene, tmp_path: Path) -> None:
    public = original_key(photo_id(scene.owner, "public.jpg"), "jpg")
    copy = storage_of(scene.target)
    scene.moved()
    for spoil in (
        lambda: copy.delete(public),
        lambda: cut_short(copy, public),
        lambda: purge(scene.started()),  # somebody has tried whether it starts
    ):
        spoil()
        assert files(scene.target) != files(scene.config)
        assert scene.moved().startswith("1 photo ")
    elsewhere = replace(scene.target, storage=str(tmp_path / "elsewhere"))  # all files are lost
    assert scene.moved(elsewhere).startswith("6 photos ")
    scene.assert_is_the_same(scene.started(elsewhere))
    assert scene.moved(elsewhere).startswith("0 photos ")


def test_a_copy_can_be_moved_from_and_back_to(gallery: Gallery) -> None:
    gallery.send(0, 1)
    gallery.started()  # as long as it is empty
    assert gallery.moved().startswith("2 photos ")
    with open_database(gallery.target.database_address).transaction() as connection:
        known = connection.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'photos'"))
    assert known == 2  # to PostgreSQL's planner
    copy = Gallery(gallery.target, gallery.config)
    send_as(known_at(copy.app, gallery.client), "new.jpg", photo_bytes("jpg"))
    assert copy.moved().startswith("1 photo ")
    assert gallery.moved().startswith("0 photos ")


# While guests send, and when a move is ended


def test_photos_that_come_during_a_move_are_copied_too(gallery: Gallery) -> None:
    numbers = [2, 3, 4]

    def send_another(_: object) -> None:
        if numbers:
            gallery.send(numbers.pop())

    gallery.send(0, 1)
    Move(place(gallery.config), place(gallery.target), send_another).run()
    assert files(gallery.target) == files(gallery.config)
    there = known_at(gallery.started(), gallery.client)
    assert listed(there) == listed(gallery.client)
    assert len(listed(there)) == 5


@contextmanager
def running_move(gallery: Gallery) -> Iterator["subprocess.Popen[bytes]"]:
    """`dropwall move` in a process of its own, which is killed if it still runs at the end."""
    target = gallery.target
    process = Process(
        [*visitors.DROPWALL, *move_to(target.database_address, target.storage_address)],
        cwd=ROOT,
        env=os.environ | {"DROPWALL_DATA": str(gallery.config.data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )

    def is_unclaimed() -> bool:
        """PostgreSQL may need a moment to see that somebody was killed."""
        with suppress(AlreadyClaimed), open_database(target.database_address).claim():
            return True
        return False

    with process:
        try:
            yield process
        finally:
            process.kill()
    wait_until(is_unclaimed)


def count_originals(target: Config) -> int:
    return len(list(storage_of(target).list("originals")))


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [
        pytest.param(signal.SIGINT, 130, STOPPED, id="Ctrl-C"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, "", id="kill -9"),
    ],
)
def test_a_move_that_was_ended_goes_on_where_it_was(
    gallery: Gallery, sent: signal.Signals, code: int, said: str
) -> None:
    """It hangs in the last photo but one, whose file is a pipe into which nothing is written."""
    gallery.send(*range(22))
    hanging = gallery.config.data / original_key(photo_id(gallery.client, "20.jpg"), "jpg")
    kept = hanging.rename(gallery.config.data / "kept")
    os.mkfifo(hanging)
    with running_move(gallery) as process:
        wait_until(lambda: count_originals(gallery.target) == 21 or process.poll() is not None)
        assert process.poll() is None
        with hanging.open("wb"):  # when the move has opened it, too
            process.send_signal(sent)
        _, trouble = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, trouble.decode()) == (code, said)
    kept.rename(hanging)
    assert listed(known_at(gallery.started(), gallery.client)) == []  # no half gallery is shown
    assert re.match(r"1 photo .* copied; 22 photos ", gallery.moved())
    there = gallery.started()
    assert seen_by(known_at(there, gallery.client)) == seen_by(gallery.client)
    assert guests.overview(parts(there).database) == guests.overview(parts(gallery.app).database)


def test_two_moves_at_once_do_not_meet(gallery: Gallery, tmp_path: Path) -> None:
    for target in (gallery.target, Config(data=tmp_path / "a folder")):
        with open_database(target.database_address).claim():
            assert gallery.refusal(target) == "This gallery is being copied already."
        gallery.moved(target)


@pytest.mark.slow
def test_moves_that_are_killed_while_guests_send_lose_nothing(gallery: Gallery) -> None:
    chance, kills = Random(6), 0
    with closing(GalleryServer(gallery.config.data)) as running:
        crowd = Crowd(running.url, guests=3, watchers=0)
        with crowd.at_work():
            while kills < 5:
                enough = count_originals(gallery.target) + chance.randint(1, 10)
                with running_move(gallery) as process:
                    while count_originals(gallery.target) < enough and process.poll() is None:
                        pass
                assert process.returncode in (0, -signal.SIGKILL)
                kills += process.returncode != 0
    assert gallery.move().exit_code == 0
    addresses = engines.servers_for(gallery.target.data)
    with closing(GalleryServer(gallery.target.data, **addresses)) as running:
        findings = crowd.look_at(running.url)
    assert findings.are_good, findings


# What is damaged, lost or full


class BadDisk(FilesystemStorage):
    """It spoils the first original that it is given, each time."""

    spoilt = ""

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        if key.startswith("originals"):
            self.spoilt = self.spoilt or key
        if key == self.spoilt:
            staged.write_bytes(staged.read_bytes()[:-1] + b"?")
        super().put(key, staged, mimetype, name)


def test_a_file_that_a_bad_disk_spoils_is_found_and_copied_anew(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.send(0, 1, 2)
    target = Config(tmp_path / "bad")
    bad_disk = BadDisk(target.data)
    there = Place(open_database(target.database_address), bad_disk)
    done = Move(place(gallery.config), there, lambda _: None).run()
    assert [photo.id for photo in done.lost] == [owner_id(bad_disk.spoilt)]
    assert bad_disk.spoilt not in files(target)
    assert guests.overview(parts(gallery.started(target)).database).photos == 2
    assert gallery.moved(target).startswith("1 photo ")


class BadSector(FilesystemStorage):
    """A disk that cannot read one file."""

    bad = ""
    error = errno.EIO

    def open(self, key: str) -> BinaryIO:
        if key != self.bad:
            return super().open(key)

        class Unreadable(io.BytesIO):
            def read(self, _size: int | None = -1) -> bytes:
                raise OSError(BadSector.error, "bad")

        return Unreadable()


def test_a_file_that_cannot_be_read_holds_up_no_other(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the whole disk stops the move, which goes on later."""
    gallery.send(0, 1, 2)
    bad_disk = BadSector(gallery.config.data)
    BadSector.bad = original_key(photo_id(gallery.client, "1.jpg"), "jpg")
    here = Place(open_database(gallery.config.database_address), bad_disk)
    reported: list[int] = []
    move = Move(
        here, place(gallery.target), lambda progress: reported.append(progress.copied.photos)
    )
    assert [photo.name for photo in move.run().lost] == ["1.jpg"]
    assert reported == [1, 2]
    monkeypatch.setattr(BadSector, "error", errno.ENODEV)
    with pytest.raises(OSError, match="bad"):
        Move(here, place(gallery.target), lambda _: None).run()
    assert gallery.moved().startswith("1 photo ")


def test_a_move_that_takes_long_tells_how_far_it_is(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropwall.cli.PROGRESS_SECONDS", 0)
    gallery.send(0, 1)
    first, second, last = gallery.move().output.splitlines()
    for line, there in ((first, "1 photo"), (second, "2 photos")):
        assert re.fullmatch(rf"{there} \(\d\.\d MB\) of 2 photos \(\d\.\d MB\) are there\.", line)
    assert last.startswith("2 photos ")


def test_a_lost_or_damaged_original_is_named_and_holds_up_no_other(gallery: Gallery) -> None:
    gallery.send(0, 1)
    gallery.moved()
    gallery.send(2, 3, 4)
    lost = {name: photo_id(gallery.client, name) for name in ("1.jpg", "3.jpg")}
    gone, damaged = (original_key(photo_id, "jpg") for photo_id in lost.values())
    for config in (gallery.config, gallery.target):
        storage_of(config).delete(gone)
    cut_short(storage_of(gallery.config), damaged)
    for _ in range(2):
        done = gallery.move()
        assert done.exit_code == 1
        for name, its_id in lost.items():
            named = f"“{name}” ({its_id}) is lost, damaged, or can't be kept.\n"
            assert named in done.output
        assert "; 3 photos (" in done.output
        assert done.output.endswith("Error: 2 of the photos couldn't be copied.\n")
        assert not files(gallery.target).keys() & {gone, damaged}
    page = known_at(gallery.started(), gallery.client).get("/api/photos").json
    assert [photo["name"] for photo in page["photos"]] == ["4.jpg", "2.jpg", "0.jpg"]
    assert page["total"] == 3


def test_a_full_disk_stops_a_move_and_loses_nothing(gallery: Gallery, tmp_path: Path) -> None:
    send_as(gallery.client, "a.jpg", SMALL + bytes(400_000))
    with small_disk(tmp_path / "disk", 8_000_000) as disk:
        target = Config(disk, database=str(tmp_path / "new.sqlite"))
        with filled(disk, but_bytes=200_000):
            assert gallery.refusal(target).startswith("There is no room left")
        assert gallery.moved(target).startswith("1 photo ")


def test_a_move_that_fails_on_the_way_says_why_and_goes_on_later(gallery: Gallery) -> None:
    gallery.send(0, 1)
    gallery.moved()
    gallery.send(2)
    original = gallery.config.data / original_key(photo_id(gallery.client, "2.jpg"), "jpg")
    kept = original.rename(gallery.config.data / "kept")
    original.mkdir()
    goes_on = STOPPED.removeprefix("Stopped. ").strip()
    refused = re.escape(f"Files can't be copied ([Errno 21] Is a directory: '{original}'). ")
    assert re.fullmatch(refused + re.escape(goes_on), gallery.refusal())
    original.rmdir()
    kept.rename(original)
    there = open_database(gallery.target.database_address)
    with there.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'Too slow' USING ERRCODE = '57014'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER fail BEFORE INSERT ON photos EXECUTE FUNCTION fail()"
        )
    refused = rf"A database do\S+( not)? answer \(Too slow.*\)\. {re.escape(goes_on)}"
    assert re.fullmatch(refused, gallery.refusal())
    with there.transaction() as connection:
        connection.exec_driver_sql("DROP TRIGGER fail ON photos")
    assert gallery.moved().startswith("0 photos ")


# What is refused


def test_another_gallery_is_not_written_over(gallery: Gallery, tmp_path: Path) -> None:
    def photos_and_all(there: Gallery) -> None:
        there.send(0, 1)

    def accounts_alone(there: Gallery) -> None:
        dropwall(there.app, "add-account", "Bo", typed=visitors.PASSWORD)

    def files_alone(there: Gallery) -> None:
        storage_of(there.config).put_bytes(original_key("f" * 32, "jpg"), b"a photo")

    def a_copy_that_went_on_by_itself(there: Gallery) -> None:
        gallery.moved(there.config)
        there.send(*range(4))

    gallery.send(0, 1)
    for fill in (photos_and_all, accounts_alone, files_alone, a_copy_that_went_on_by_itself):
        target = on_servers(tmp_path / fill.__name__)
        fill(Gallery(target, target))
        before = files(target)
        assert gallery.refusal(target) == ANOTHER_GALLERY, fill.__name__
        send_as(gallery.client, "more.jpg", SMALL + fill.__name__.encode())
        assert gallery.refusal(target) == ANOTHER_GALLERY, fill.__name__
        assert files(target) == before


def rows_of(connection: Connection, table: str) -> list[str]:
    """Each with the transaction that has written it, as PostgreSQL knows."""
    query = text(f"SELECT concat(xmin, {table}) FROM {table}")
    return list(connection.scalars(query))


@pytest.mark.parametrize("revision", ["0008", "0012"])
def test_a_strangers_gallery_is_looked_at_and_not_touched(
    gallery: Gallery, address: str, revision: str
) -> None:
    def everything() -> object:
        """That is there: of a file each byte, and what lies beside it."""
        if "://" not in address:
            return {path: path.read_bytes() for path in Path(address).parent.glob("catalog*")}
        with find_database(address).look() as there:
            assert there
            tables = inspect(there).get_multi_columns()
            return {
                table: ([column["name"] for column in columns], rows_of(there, table))
                for (_, table), columns in tables.items()
            }

    with old_gallery(address, revision) as connection:
        connection.exec_driver_sql(
            "INSERT INTO guests (id, name, version, own_version, folded_name)"
            " VALUES ('guest', 'Anne', 1, 1, 'anne')"
        )
    gallery.send(0, 1)
    before = everything()
    target = replace(gallery.target, database=address)
    assert gallery.refusal(target) == ANOTHER_GALLERY
    assert everything() == before
    assert files(gallery.target) == {}


def test_a_photo_that_comes_to_the_copy_at_the_last_moment_is_not_written_over(
    gallery: Gallery,
) -> None:
    gallery.send(0)
    gallery.moved()
    there = open_database(gallery.target.database_address)
    here = open_database(gallery.config.database_address)

    def waits_for_a_lock() -> bool:
        with there.transaction() as connection:
            return bool(connection.scalar(text("SELECT 1 FROM pg_locks WHERE NOT granted")))

    with ThreadPoolExecutor() as pool, open_snapshot(here) as snapshot:
        with there.transaction() as sending:
            sent = dict(sending.execute(select(photos)).mappings().one())
            sent |= {"id": "f" * 32, "sha256": "0" * 64, "version": advance(sending)}
            sending.execute(photos.insert().values(sent))
            applied = pool.submit(copy_tables, snapshot, there, [])
            wait_until(lambda: applied.done() or waits_for_a_lock())
        with pytest.raises(AnotherGallery):
            applied.result()
    with there.transaction() as connection:
        assert sent["id"] in connection.scalars(select(photos.c.id)).all()


def test_a_storage_belongs_to_one_database(gallery: Gallery, tmp_path: Path) -> None:
    gallery.send(0, 1)
    gallery.moved()
    gallery.moved(other := Config(tmp_path / "other"))
    before = files(gallery.target)
    for database in (other.database_address, str(tmp_path / "new.sqlite")):
        mixed = replace(gallery.target, database=database)
        assert gallery.refusal(mixed) == ANOTHER_STORAGE, database
    assert files(gallery.target) == before
    assert gallery.moved().startswith("0 photos ")


def test_a_gallery_is_not_copied_onto_itself(gallery: Gallery, tmp_path: Path) -> None:
    gallery.send(0, 1)
    config, before = gallery.config, files(gallery.config)
    new, link = tmp_path / "new", tmp_path / "link"
    link.symlink_to(config.data)
    for target in (
        Config(new, database=config.database_address),
        Config(new, storage=config.storage_address),
        config,
        Config(link),
        Config(tmp_path / "x" / ".." / config.data.name),
    ):
        assert gallery.refusal(target) == ITSELF, target
    assert files(config) == before
    assert len(listed(gallery.client)) == 2
    assert not new.exists()


def test_a_gallery_on_servers_is_known_under_another_address(tmp_path: Path) -> None:
    gallery = Gallery(config := on_servers(tmp_path / "data"), Config(tmp_path / "new"))
    gallery.send(0, 1)
    before = files(config)
    aliases = f"{config.database}?application_name=copy", f"{config.storage}&region=eu-north-1"
    for target in (
        replace(gallery.target, database=aliases[0]),
        replace(gallery.target, storage=aliases[1]),
        replace(gallery.target, database=aliases[0], storage=aliases[1]),
    ):
        for _ in range(2):
            assert gallery.refusal(target) == ITSELF
    assert files(config) == before
    assert len(listed(gallery.client)) == 2
    gallery.moved()


def test_a_place_that_keeps_nothing_is_refused_in_a_sentence(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, file = tmp_path / "new", tmp_path / "file"
    file.write_bytes(b"something else, and longer than the header of a database" * 9)
    for database, storage, sentence in (
        ("gopher://there", new, "--to-database must be"),
        ("postgresql://a:b@c@d/e", new, "--to-database is no address"),
        (f"{new}.sqlite", "gopher://there", "--to-storage must be"),
        (f"{file}/catalog.sqlite", new, "Nothing can be kept there"),
        (f"{new}.sqlite", f"{file}/photos", "Nothing can be kept there"),
        (file, new, NO_DATABASE),
    ):
        refused = dropwall(gallery.app, *move_to(database, storage))
        assert refused.exit_code == 1
        assert refused.output.startswith(f"Error: {sentence}"), (database, storage)
    for wrong in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        with monkeypatch.context() as environ:
            environ.setenv(wrong, "wrong")
            assert re.fullmatch(WRONG_KEYS, gallery.refusal())
