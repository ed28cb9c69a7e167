"""`dropwall move`: a gallery goes to other engines while it runs, or is backed up to them."""

import contextlib
import io
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import sha256
from operator import itemgetter
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from server import create_app
from server.catalog import AnotherGallery, Replica, open_database
from server.catalog.versions import advance, read_version
from server.config import Config
from server.move import Move, Place, Progress
from server.storage import Storage, open_storage
from server.storage.filesystem import FilesystemStorage
from server.storage.keys import original_key, owner_id
from tests.conftest import open_page
from tests.people.test_account_commands import DROPWALL, dropwall
from tests.people.test_accounts import PASSWORD, account, cookie, signed_in, with_cookie
from tests.people.test_guests import listed, own_name, send_as, take_name
from tests.photos.test_removal import purge
from tests.storage.test_full_disk import disk  # noqa: F401
from tests.support import engines
from tests.support.chunks import InChunks, send_chunk
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.embedded

ITSELF = "This gallery itself is there; please choose another database and another storage."
NO_DATABASE = (
    "The database there does not answer (file is not a database); please see to --to-database."
    " Nothing was copied."
)
OF_ANOTHER_DATABASE = (
    "The storage there belongs to another database; please choose that one, or an empty storage."
    " Nothing was changed."
)
PHOTOS = 80
SENDERS, PHOTOS_OF_EACH = 5, 50
CHUNK_BYTES = 1500
STOPPED_BY_HAND = 130


def at_a_folder(folder: Path) -> Config:
    return Config(data=folder)


def at_servers(folder: Path) -> Config:
    return Config(data=folder, **engines.servers_for(folder))


WAYS = {
    "from folder to folder": (at_a_folder, at_a_folder),
    "from folder to servers": (at_a_folder, at_servers),
    "from servers to folder": (at_servers, at_a_folder),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Callable[[Path], Config], ...]:
    return WAYS[request.param]


@pytest.fixture
def config(way: tuple[Callable[[Path], Config], ...], tmp_path: Path) -> Config:
    return way[0](tmp_path / "data")


@pytest.fixture
def target(way: tuple[Callable[[Path], Config], ...], tmp_path: Path) -> Config:
    return way[1](tmp_path / "new")


def addresses(target: Config) -> list[str]:
    """As `dropwall move` is told them."""
    return ["--to-database", target.database_address, "--to-storage", target.storage_address]


def moved(app: Flask, target: Config) -> str:
    """The last line of what is said."""
    done = dropwall(app, "move", *addresses(target))
    assert done.exit_code == 0, done.output
    return done.output.splitlines()[-1]


def started(app: Flask, target: Config) -> Flask:
    """The gallery where it has gone."""
    return create_app(replace(target, mode=app.extensions["dropwall"].settings.mode))


def storage_of(config: Config) -> Storage:
    return open_storage(config.storage_address, config.data)


def place(config: Config) -> Place:
    return Place(open_database(config.database_address), storage_of(config))


def silently(_: Progress) -> None:
    pass


def files(config: Config) -> dict[str, str]:
    """What is stored: key, SHA-256."""
    storage, found = storage_of(config), {}
    for folder in ("originals", "thumbnails", "chunks"):
        for key in storage.list(folder):
            with storage.open(key) as file:
                found[key] = sha256(file.read()).hexdigest()
    return found


def send_many(client: FlaskClient, count: int) -> None:
    """Different ones, quickly."""
    small = photo_bytes("jpg", size=(48, 32))
    form = [(io.BytesIO(small + number.to_bytes(4)), f"{number}.jpg") for number in range(count)]
    assert client.post("/", data={"file": form}).status_code == 204


def remove(client: FlaskClient, name: str) -> None:
    assert client.delete(f"/api/photos/{photo_id(client, name)}").status_code == 204


def photo_id(client: FlaskClient, name: str) -> str:
    [photo] = [p for p in client.get("/api/photos").json["photos"] if p["name"] == name]
    return photo["id"]


def judge(host: FlaskClient, standing: str, *names: str) -> None:
    for name in names:
        path = f"/api/photos?ids={photo_id(host, name)}"
        assert host.patch(path, json={"standing": standing}).status_code == 204


def show_to_none_but_oneself(client: FlaskClient, name: str) -> None:
    path = f"/api/photos/{photo_id(client, name)}"
    assert client.patch(path, json={"visibility": "owner"}).status_code == 204


@dataclass
class Scene:
    """A gallery with photos in every state, and people who know it by their cookies."""

    config: Config
    app: Flask
    owner: FlaskClient
    ann: FlaskClient
    host: FlaskClient
    guest: FlaskClient
    unfinished: InChunks

    def people(self) -> dict[str, FlaskClient]:
        names = ("owner", "ann", "host", "guest")
        return {name: getattr(self, name) for name in names}


@pytest.fixture
def scene(config: Config) -> Scene:
    app = create_app(replace(config, mode="approval"))
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    dropwall(app, "add-account", "Hanna", "--host", typed=PASSWORD)
    content = photo_bytes("jpg", 90)
    scene = Scene(
        config,
        app,
        owner=open_page(app),
        ann=signed_in(app, "Ann"),
        host=signed_in(app, "Hanna"),
        guest=open_page(app),
        unfinished=InChunks(content, len(content) // 3 + 1, "unfinished.jpg"),
    )
    take_name(scene.owner, "Örn")
    names = ("public", "private", "hidden", "waiting", "removed", "purged")
    for seed, name in enumerate(names):
        send_as(scene.owner, f"{name}.jpg", photo_bytes("jpg", seed, gps=(47.0, 8.0)))
    send_as(scene.ann, "anns.png", photo_bytes("png", 50))
    judge(scene.host, "shown", "public.jpg", "removed.jpg", "purged.jpg", "anns.png")
    judge(scene.host, "hidden", "hidden.jpg")
    show_to_none_but_oneself(scene.owner, "private.jpg")
    remove(scene.owner, "purged.jpg")
    assert purge(app) == 1
    remove(scene.owner, "removed.jpg")
    for number in (0, 2):
        assert send_chunk(scene.owner, scene.unfinished, number).status_code == 204
    return scene


ASKED = (
    "/api/photos?limit=3",
    "/api/photos?limit=500",
    "/api/photos?mine=1",
    "/api/photos?q=p&sort=taken",
    "/api/guests",
)


def seen_by(client: FlaskClient) -> dict[str, object]:
    """All that the gallery tells, the photos' files too."""
    told: dict[str, object] = {path: client.get(path).json for path in ASKED}
    changes = client.get("/api/photos?since=0").json
    for name, key in (("removed", None), ("guests", itemgetter("id"))):
        changes[name].sort(key=key)
    told["changes"] = changes
    for photo in client.get("/api/photos?limit=500").json["photos"]:
        for path in (photo["url"], *photo["thumbnails"].values()):
            answer = client.get(path, headers={"Sec-Fetch-Dest": "image"}, buffered=True)
            headers = [answer.headers.get(name) for name in ("Content-Disposition", "ETag")]
            told[path] = (answer.status_code, headers, sha256(answer.data).hexdigest())
    return told


def assert_is_the_same(scene: Scene, there: Flask) -> None:
    for name, client in scene.people().items():
        assert seen_by(with_cookie(there, cookie(client))) == seen_by(client), name
    assert seen_by(there.test_client()) == seen_by(scene.app.test_client())


def test_everybody_finds_the_gallery_as_it_was(
    scene: Scene, config: Config, target: Config
) -> None:
    assert moved(scene.app, target).startswith("6 photos")
    assert files(target) == files(config)
    assert list(storage_of(target).list("incoming")) == []
    there = started(scene.app, target)
    assert_is_the_same(scene, there)
    ann = with_cookie(there, cookie(scene.ann))
    assert account(ann) == {"name": "Ann", "is_host": False}
    assert own_name(with_cookie(there, cookie(scene.owner))) == "Örn"
    assert account(signed_in(there, "Hanna")) == {"name": "Hanna", "is_host": True}
    assert there.extensions["dropwall"].usage.overview() == (
        scene.app.extensions["dropwall"].usage.overview()
    )


def test_the_gallery_goes_on_where_it_has_gone(scene: Scene, target: Config) -> None:
    removed = scene.app.extensions["dropwall"].sweep.catalog.unpurged_photos("9", 10)
    moved(scene.app, target)
    there = started(scene.app, target)
    owner = with_cookie(there, cookie(scene.owner))
    progress = owner.get(f"/api/uploads/{scene.unfinished.uuid}").json
    assert progress["received"] == [0, 2]
    assert send_chunk(owner, scene.unfinished, 1).status_code == 204
    assert "unfinished.jpg" in listed(owner)
    assert owner.post(f"/api/photos/{removed[0]}/restore").status_code == 204
    assert "removed.jpg" in listed(owner)
    send_as(owner, "again.jpg", photo_bytes("jpg", 1, gps=(47.0, 8.0)))  # that one is there
    assert "again.jpg" not in listed(owner)
    send_as(owner, "new.jpg", photo_bytes("jpg", 91))
    assert listed(owner)[0] == "new.jpg"


def test_a_second_run_copies_nothing_again(scene: Scene, target: Config) -> None:
    moved(scene.app, target)
    assert moved(scene.app, target).startswith("0 photos (0.0 MB) copied; 6 photos ")
    assert_is_the_same(scene, started(scene.app, target))


def test_a_second_run_follows_what_has_changed(
    scene: Scene, config: Config, target: Config
) -> None:
    send_as(scene.guest, "twice.jpg", photo_bytes("jpg", 60))
    judge(scene.host, "shown", "twice.jpg")
    moved(scene.app, target)
    judge(scene.host, "hidden", "public.jpg")
    judge(scene.host, "shown", "waiting.jpg", "hidden.jpg")
    show_to_none_but_oneself(scene.owner, "waiting.jpg")
    assert purge(scene.app) == 1
    remove(scene.ann, "anns.png")
    remove(scene.guest, "twice.jpg")
    send_as(scene.guest, "once.jpg", photo_bytes("jpg", 60))  # the same bytes
    take_name(scene.owner, "Åsa")
    take_name(scene.guest, "Gus")
    dropwall(scene.app, "remove-account", "Ann")
    assert scene.owner.delete(f"/api/uploads/{scene.unfinished.uuid}").status_code == 204
    assert moved(scene.app, target).startswith("1 photo ")
    assert files(target) == files(config)
    there = started(scene.app, target)
    assert_is_the_same(scene, there)
    assert dropwall(there, "accounts").output == "Hanna (host)\n"


def test_what_was_purged_at_the_copy_alone_is_copied_again(scene: Scene, target: Config) -> None:
    moved(scene.app, target)
    purge(started(scene.app, target))  # somebody has tried whether it starts
    assert moved(scene.app, target).startswith("1 photo ")
    assert_is_the_same(scene, started(scene.app, target))


def command(config: Config, target: Config) -> subprocess.Popen[str]:
    settings = {"DATA": config.data, "DATABASE": config.database, "STORAGE": config.storage}
    environ = {f"DROPWALL_{name}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [*DROPWALL, "move", *addresses(target)],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def originals(target: Config) -> int:
    return len(list(storage_of(target).list("originals")))


def begun(config: Config, target: Config, photos: int = 1) -> subprocess.Popen[str]:
    """A run that has just copied so many, unless it has ended."""
    enough = originals(target) + photos
    process = command(config, target)
    wait_until(lambda: originals(target) >= enough or process.poll() is not None)
    return process


def ends_unless_killed(config: Config, target: Config, chance: random.Random) -> bool:
    process = begun(config, target, chance.randint(1, PHOTOS // 4))
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=chance.uniform(0, 0.1))
    process.kill()
    process.communicate()
    return process.returncode == 0


def copied_ids(config: Config, target: Config) -> set[str]:
    """Of the photos that a next run would not copy."""
    ours = open_database(config.database_address)
    replica = Replica(ours, open_database(target.database_address))
    uncopied = {photo.id for some in replica.uncopied(-1, replica.version()) for photo in some}
    return {owner_id(key) for key in storage_of(config).list("originals")} - uncopied


def test_a_run_that_is_killed_at_any_moment_goes_on(
    app: Flask, client: FlaskClient, config: Config, target: Config
) -> None:
    send_many(client, PHOTOS)
    chance = random.Random(6)
    kills, former = 0, 0
    while not ends_unless_killed(config, target, chance):
        kills += 1
        copied, there = copied_ids(config, target), files(target)
        assert len(copied) >= former
        former = len(copied)
        for key, digest in files(config).items():
            assert owner_id(key) not in copied or there[key] == digest
    assert kills > 1
    moved(app, target)
    assert files(target) == files(config)
    there = started(app, target)
    assert seen_by(with_cookie(there, cookie(client))) == seen_by(client)


def test_ctrl_c_stops_a_run_and_says_how_to_go_on(
    app: Flask, client: FlaskClient, config: Config, target: Config
) -> None:
    send_many(client, PHOTOS)
    process = begun(config, target)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (
        STOPPED_BY_HAND,
        "Stopped. What has been copied stays, and the same command goes on from there.\n",
    )
    there = started(app, target)
    assert listed(with_cookie(there, cookie(client))) == []  # no half gallery is shown
    moved(app, target)
    assert_as_many(app, there)


def assert_as_many(app: Flask, there: Flask) -> None:
    ours, theirs = (one.extensions["dropwall"].usage.overview() for one in (app, there))
    assert theirs == ours


def test_two_runs_at_once_do_not_meet(app: Flask, client: FlaskClient, target: Config) -> None:
    send_many(client, 1)
    with open_database(target.database_address).claim():
        refused = dropwall(app, "move", *addresses(target))
    assert refused.output == "Error: This gallery is being copied already.\n"
    assert refused.exit_code == 1
    assert moved(app, target).startswith("1 photo ")


class BadDisk(FilesystemStorage):
    """It keeps something else than it is given, when the file's key says so."""

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        if self.spoils(key):
            content = bytearray(staged.read_bytes())
            content[len(content) // 2] ^= 1
            staged.write_bytes(content)
        super().put(key, staged, mimetype, name)

    def spoils(self, key: str) -> bool:
        return False


def test_a_copy_that_is_not_what_was_sent_is_found_and_made_anew(
    app: Flask, client: FlaskClient, config: Config, tmp_path: Path
) -> None:
    send_many(client, 3)
    [spoilt, *_] = sorted(storage_of(config).list("originals"))
    target = Config(data=tmp_path / "bad")
    bad_disk = BadDisk(target.data)
    bad_disk.spoils = lambda key: key == spoilt  # type: ignore[method-assign]
    there = Place(open_database(target.database_address), bad_disk)
    done = Move(place(config), there, silently).run()
    assert [photo.id for photo in done.lost] == [owner_id(spoilt)]
    assert spoilt not in files(target)
    assert started(app, target).extensions["dropwall"].usage.overview().photos == 2
    assert moved(app, target).startswith("1 photo ")
    assert files(target) == files(config)


def lose(storage: Storage, key: str) -> None:
    storage.delete(key)


def cut_short(storage: Storage, key: str) -> None:
    with storage.open(key) as file:
        storage.put_bytes(key, file.read()[:-1])


@pytest.mark.parametrize("spoil", [lose, cut_short])
def test_a_photo_whose_file_is_no_more_what_it_was_is_named_and_holds_up_no_other(
    app: Flask,
    client: FlaskClient,
    config: Config,
    target: Config,
    spoil: Callable[[Storage, str], None],
) -> None:
    send_many(client, 5)
    lost = client.get("/api/photos").json["photos"][2]
    spoil(storage_of(config), original_key(lost["id"], "jpg"))
    done = dropwall(app, "move", *addresses(target))
    assert done.exit_code == 1
    assert f"“{lost['name']}” ({lost['id']}) is lost, damaged, or cannot be kept.\n" in done.output
    assert done.output.endswith("Error: 1 of the photos could not be copied.\n")
    assert original_key(lost["id"], "jpg") not in files(target)
    there = with_cookie(started(app, target), cookie(client))
    page = there.get("/api/photos").json
    assert lost["name"] not in [photo["name"] for photo in page["photos"]]
    assert page["total"] == len(page["photos"]) == 4


@pytest.mark.parametrize("spoil", [lose, cut_short])
def test_what_is_not_there_any_more_is_copied_again(
    scene: Scene, config: Config, target: Config, spoil: Callable[[Storage, str], None]
) -> None:
    moved(scene.app, target)
    spoil(storage_of(target), original_key(photo_id(scene.owner, "public.jpg"), "jpg"))
    assert moved(scene.app, target).startswith("1 photo ")
    assert files(target) == files(config)
    assert_is_the_same(scene, started(scene.app, target))


def test_what_is_lost_at_both_places_is_told(
    app: Flask, client: FlaskClient, config: Config, target: Config
) -> None:
    send_many(client, 2)
    moved(app, target)
    [lost, _] = storage_of(config).list("originals")
    for each in (config, target):
        storage_of(each).delete(lost)
    for _ in range(2):
        done = dropwall(app, "move", *addresses(target))
        assert done.exit_code == 1
        assert "; 1 photo (" in done.output
        assert done.output.endswith("Error: 1 of the photos could not be copied.\n")


def elsewhere(target: Config) -> Config:
    """The same database, with another storage."""
    return replace(target, storage=f"{target.data}-elsewhere")


def test_a_storage_that_is_empty_is_filled_whatever_the_database_knows(
    scene: Scene, config: Config, target: Config
) -> None:
    moved(scene.app, target)
    assert moved(scene.app, elsewhere(target)).startswith("6 photos ")
    assert files(elsewhere(target)) == files(config)
    assert_is_the_same(scene, started(scene.app, elsewhere(target)))
    assert moved(scene.app, elsewhere(target)).startswith("0 photos ")


@pytest.mark.parametrize("is_new", [True, False])
def test_a_storage_belongs_to_one_database(
    app: Flask, client: FlaskClient, config: Config, target: Config, is_new: bool, tmp_path: Path
) -> None:
    send_many(client, 2)
    moved(app, target)
    other = at_a_folder(tmp_path / "other")
    if not is_new:
        moved(app, other)
    mixed = replace(target, database=other.database_address)
    before = files(target)
    refused = dropwall(app, "move", *addresses(mixed))
    assert (refused.exit_code, refused.output) == (1, f"Error: {OF_ANOTHER_DATABASE}\n")
    assert files(target) == before
    assert moved(app, target).startswith("0 photos ")


def test_a_copy_can_be_moved_from_and_back_to(
    app: Flask, client: FlaskClient, config: Config, target: Config
) -> None:
    send_many(client, 2)
    moved(app, target)
    there = started(app, target)
    send_as(with_cookie(there, cookie(client)), "new.jpg", photo_bytes("jpg"))
    assert moved(there, config).startswith("1 photo ")
    assert files(target) == files(config)
    assert moved(app, target).startswith("0 photos ")


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_storage_that_refuses_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    app, target = create_app(at_a_folder(tmp_path / "data")), at_servers(tmp_path / "new")
    monkeypatch.setenv(wrong, "wrong")
    refused = dropwall(app, "move", *addresses(target))
    assert refused.exit_code == 1
    assert re.fullmatch(
        r"Error: A storage refuses or does not answer \(403 Forbidden: \w+\); please see to its"
        r" address and the AWS_ variables. Nothing was copied.\n",
        refused.output,
    )


def test_a_full_disk_is_told_and_loses_nothing(
    app: Flask,
    client: FlaskClient,
    config: Config,
    tmp_path: Path,
    disk: Path,  # noqa: F811
) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg") + bytes(400_000))
    target = Config(data=disk, database=str(tmp_path / "new.sqlite"))
    with (disk / "filler").open("wb") as filler:
        filler.write(bytes(shutil.disk_usage(disk).free - 200_000))
    refused = dropwall(app, "move", *addresses(target))
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: There is no room left")
    (disk / "filler").unlink()
    assert moved(app, target).startswith("1 photo ")
    assert files(target) == files(config)


def another_gallery(target: Config) -> None:
    send_many(open_page(create_app(target)), 2)


def accounts_alone(target: Config) -> None:
    dropwall(create_app(target), "add-account", "Bo", typed=PASSWORD)


def files_alone(target: Config) -> None:
    storage_of(target).put_bytes(original_key("f" * 32, "jpg"), b"a photo")


@pytest.mark.parametrize("fill", [another_gallery, accounts_alone, files_alone])
def test_another_gallery_is_not_written_over(
    app: Flask, client: FlaskClient, target: Config, fill: Callable[[Config], None]
) -> None:
    send_many(client, 2)
    fill(target)
    before = files(target)
    refused = dropwall(app, "move", *addresses(target))
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: There is another gallery, or one that has changed")
    assert files(target) == before


def test_a_copy_that_went_on_by_itself_is_not_written_over(
    app: Flask, client: FlaskClient, target: Config
) -> None:
    send_many(client, 2)
    moved(app, target)
    send_as(open_page(started(app, target)), "new.jpg", photo_bytes("jpg"))
    for _ in range(2):  # whichever of them has the greater version
        refused = dropwall(app, "move", *addresses(target))
        assert refused.output.startswith("Error: There is another gallery, or one that has changed")
        send_many(open_page(app), 1)


def test_a_photo_that_comes_to_the_copy_at_the_last_moment_is_not_written_over(
    app: Flask, client: FlaskClient, config: Config, target: Config
) -> None:
    send_many(client, 2)
    moved(app, target)
    there = open_database(target.database_address)
    replica = Replica(open_database(config.database_address), there)
    with ThreadPoolExecutor() as pool, replica.snapshot() as snapshot:
        with there.transaction() as sending:
            version = advance(sending)
            applied = pool.submit(snapshot.apply)
            with pytest.raises(TimeoutError):
                applied.result(0.5)
        with pytest.raises(AnotherGallery):
            applied.result()
    with there.transaction() as connection:
        assert read_version(connection) == version


def test_the_planner_knows_of_what_was_copied(
    app: Flask, client: FlaskClient, config: Config, tmp_path: Path
) -> None:
    send_many(client, 3)
    target = at_servers(tmp_path / "servers")
    moved(app, target)
    with open_database(target.database_address).transaction() as connection:
        known = connection.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'photos'"))
    assert known == 3


def test_a_gallery_that_has_been_started_and_is_empty_is_taken(
    app: Flask, client: FlaskClient, target: Config
) -> None:
    create_app(target)
    send_many(client, 2)
    assert moved(app, target).startswith("2 photos ")


@pytest.mark.parametrize("at_home", ["catalog", "storage", "both"])
def test_a_gallery_is_not_copied_onto_itself(
    app: Flask, client: FlaskClient, config: Config, target: Config, at_home: str
) -> None:
    send_many(client, 2)
    before = files(config)
    if at_home != "storage":
        target = replace(target, database=config.database_address)
    if at_home != "catalog":
        target = replace(target, storage=config.storage_address)
    refused = dropwall(app, "move", *addresses(target))
    assert (refused.exit_code, refused.output) == (1, f"Error: {ITSELF}\n")
    assert files(config) == before
    assert len(listed(client)) == 2
    assert not target.data.exists()


def test_a_gallery_knows_itself_by_another_path(tmp_path: Path) -> None:
    config = at_a_folder(tmp_path / "data")
    app = create_app(config)
    other_way = tmp_path / "link"
    other_way.symlink_to(config.data)
    for data in (other_way, config.data.parent / "x" / ".." / config.data.name):
        refused = dropwall(app, "move", *addresses(Config(data=data)))
        assert (refused.exit_code, refused.output) == (1, f"Error: {ITSELF}\n")


@pytest.mark.parametrize(
    ("to_database", "to_storage", "sentence"),
    [
        ("gopher://there", "{new}", "--to-database must be"),
        ("postgresql://a:b@c@d/e", "{new}", "--to-database is no address"),
        ("{new}.sqlite", "gopher://there", "--to-storage must be"),
        ("{file}/catalog.sqlite", "{new}", "Nothing can be kept there"),
        ("{new}.sqlite", "{file}/photos", "Nothing can be kept there"),
        ("{file}", "{new}", NO_DATABASE),
    ],
)
def test_where_nothing_can_be_kept_is_told_in_a_sentence(
    tmp_path: Path, to_database: str, to_storage: str, sentence: str
) -> None:
    app = create_app(at_a_folder(tmp_path / "data"))
    (tmp_path / "file").write_bytes(b"something else, and longer than the header of a database" * 9)
    known = {"new": tmp_path / "new", "file": tmp_path / "file"}
    there = [to_database.format(**known), to_storage.format(**known)]
    refused = dropwall(app, "move", "--to-database", there[0], "--to-storage", there[1])
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Error: {sentence}")


def settings(config: Config) -> dict[str, str]:
    """As RunningServer takes them."""
    chosen = {"database": config.database, "storage": config.storage}
    return {name: text for name, text in chosen.items() if text}


@dataclass
class Sender:
    """What one guest has sent, by name, and was told that it is safe."""

    number: int
    safe: dict[str, str] = field(default_factory=dict)

    def send(self, server_url: str, count: int) -> None:
        """So many more."""
        small = photo_bytes("jpg", size=(48, 32))
        with contextlib.closing(Guest(server_url)) as guest:
            for number in range(len(self.safe), len(self.safe) + count):
                name = f"{self.number}-{number}.jpg"
                content = small + name.encode() * 500
                if number % 2:
                    guest.send(name, content)
                else:
                    guest.send_in_chunks(name, content, CHUNK_BYTES)
                self.safe[name] = sha256(content).hexdigest()


def move_while_all_send(here: Config, there: Config, senders: list[Sender], count: int) -> int:
    """Each of them so many. The gallery's version."""
    server = RunningServer(here.data, **settings(here))
    try:
        sent = [len(sender.safe) for sender in senders]
        with ThreadPoolExecutor(len(senders)) as pool:
            sending = [pool.submit(sender.send, server.url, count) for sender in senders]
            wait_until(lambda: all(len(s.safe) > n + 1 for s, n in zip(senders, sent, strict=True)))
            run_to_its_end(here, there)
            for each in sending:
                each.result()
        version = server.version()
    finally:
        server.stop(signal.SIGINT)
    said = run_to_its_end(here, there)
    assert f"{sum(len(sender.safe) for sender in senders)} photos" in said
    return version


def run_to_its_end(here: Config, there: Config) -> str:
    said, trouble = (process := command(here, there)).communicate(timeout=180)
    assert (process.returncode, trouble) == (0, "")
    return said


def test_five_hundred_photos_go_to_servers_and_back_while_guests_are_sending(
    tmp_path: Path,
) -> None:
    home, away, back = at_a_folder(tmp_path / "1"), at_servers(tmp_path / "2"), tmp_path / "3"
    senders = [Sender(number) for number in range(SENDERS)]
    move_while_all_send(home, away, senders, PHOTOS_OF_EACH)
    version = move_while_all_send(away, at_a_folder(back), senders, PHOTOS_OF_EACH)
    server = RunningServer(back)
    try:
        assert server.version() == version
        there = {
            photo["name"]: sha256(requests.get(server.url + photo["url"], timeout=30).content)
            for photo in server.photos()
        }
    finally:
        server.stop(signal.SIGINT)
    safe = {name: digest for sender in senders for name, digest in sender.safe.items()}
    assert {name: content.hexdigest() for name, content in there.items()} == safe
    assert len(safe) == 2 * SENDERS * PHOTOS_OF_EACH
