"""A removed photo is gone at once, can be taken back for a while, and then leaves nothing."""

import errno
import io
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from server import create_app, moments
from server.catalog.tables import photos
from server.config import Config
from server.storage.keys import owner_id
from tests.conftest import Send, open_page
from tests.people.test_accounts import PASSWORD, signed_in
from tests.support.engines import catalog_of, make_old, stored_files
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

NOT_YOURS = (403, "This photo is not yours; only who sent it can remove it.")
NOT_HERE = (404, "This photo is not here; it may have been removed.")
DONE = (204, "")
FILES_OF_A_PHOTO = 3  # the original and two thumbnails


@pytest.fixture
def photo(client: FlaskClient, send: Send) -> dict:
    send(("a.jpg", photo_bytes("jpg")))
    return listed(client)[0]


def listed(client: FlaskClient) -> list[dict]:
    return client.get("/api/photos").json["photos"]


def remove(client: FlaskClient, photo: dict) -> tuple[int, str]:
    return told(client.delete(f"/api/photos/{photo['id']}"))


def restore(client: FlaskClient, photo: dict) -> tuple[int, str]:
    return told(client.post(f"/api/photos/{photo['id']}/restore"))


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.text


def purge(app: Flask) -> int:
    """As if the time to take a removal back was over for all."""
    return app.extensions["dropwall"].sweep.purge_removed(undo_seconds=-1)


def files_of(photo: dict) -> list[str]:
    return [photo["url"], *photo["thumbnails"].values()]


def test_a_removed_photo_is_out_of_every_list_and_address(client: FlaskClient, photo: dict) -> None:
    assert remove(client, photo) == DONE
    page = client.get("/api/photos").json
    assert (page["photos"], page["next"], page["total"]) == ([], None, 0)
    assert client.get("/api/outline").json["photos"] == []
    assert client.get(f"/api/photos?ids={photo['id']}").json["photos"] == []
    assert {client.get(url).status_code for url in files_of(photo)} == {404}
    assert remove(client, photo) == NOT_HERE


def test_a_removal_that_is_undone_leaves_everything_as_it_was(
    client: FlaskClient, photo: dict
) -> None:
    before = client.get("/api/photos").json
    remove(client, photo)
    assert restore(client, photo) == DONE
    after = client.get("/api/photos").json
    assert after == before | {"version": after["version"]}
    for url in files_of(photo):
        with client.get(url) as answer:
            assert answer.status_code == 200
    assert restore(client, photo) == NOT_HERE  # it is not removed
    assert remove(client, photo) == DONE
    assert restore(client, photo) == DONE


def test_only_who_sent_a_photo_takes_its_removal_back(
    app: Flask, client: FlaskClient, photo: dict
) -> None:
    remove(client, photo)
    assert restore(open_page(app), photo) == NOT_HERE
    assert restore(app.test_client(), photo) == NOT_HERE
    assert listed(client) == []


@pytest.mark.parametrize("at_once", [False, True])
def test_what_a_host_removes_only_a_host_brings_back(
    app: Flask, client: FlaskClient, photo: dict, at_once: bool
) -> None:
    app.extensions["dropwall"].accounts.add("Hanna", PASSWORD, is_host=True)
    host = signed_in(app, "Hanna")
    path = f"/api/guests/{photo['by']['id']}/photos" if at_once else f"/api/photos/{photo['id']}"
    assert host.delete(path).status_code == 204
    assert restore(client, photo)[0] == 404
    assert listed(client) == []
    assert restore(host, photo)[0] == 204
    assert [each["id"] for each in listed(client)] == [photo["id"]]


def test_what_never_was_is_not_restored(client: FlaskClient) -> None:
    assert restore(client, {"id": "f" * 32}) == NOT_HERE


def test_files_stay_while_a_removal_can_be_undone_and_no_longer(
    app: Flask, client: FlaskClient, config: Config, photo: dict
) -> None:
    kept = sorted(stored_files(config.data))
    assert len(kept) == FILES_OF_A_PHOTO
    remove(client, photo)
    assert app.extensions["dropwall"].sweep.purge_removed() == 0
    assert sorted(stored_files(config.data)) == kept
    assert purge(app) == 1
    assert stored_files(config.data) == []
    assert restore(client, photo) == NOT_HERE
    assert purge(app) == 0


def test_a_photo_that_is_back_is_not_purged(
    app: Flask, client: FlaskClient, config: Config, photo: dict
) -> None:
    remove(client, photo)
    restore(client, photo)
    assert purge(app) == 0
    assert len(stored_files(config.data)) == FILES_OF_A_PHOTO


def test_of_a_purged_photo_nothing_can_be_read_any_more(
    app: Flask, client: FlaskClient, config: Config, photo: dict
) -> None:
    remove(client, photo)
    purge(app)
    with catalog_of(config.data) as catalog:
        [row] = catalog.execute(select(photos.c.name, photos.c.sha256, photos.c.placeholder))
    assert row == ("", "", "")
    assert client.get("/api/photos?since=1").json["removed"] == [photo["id"]]


@pytest.mark.embedded
def test_a_purge_that_was_cut_short_is_finished_by_the_next(
    app: Flask, client: FlaskClient, config: Config, photo: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(client, photo)
    unlink, faults = Path.unlink, iter([None, OSError(errno.EIO, "Input/output error")])

    def fail_at_the_second_file(path: Path, **options: bool) -> None:
        if fault := next(faults, None):
            raise fault
        unlink(path, **options)

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(Path, "unlink", fail_at_the_second_file)
        assert purge(app) == 0
    assert stored_files(config.data) != []
    assert restore(client, photo) == NOT_HERE  # half a photo is none
    assert purge(app) == 1
    assert stored_files(config.data) == []


@pytest.mark.embedded
def test_one_photo_that_cannot_be_purged_holds_up_no_other(
    app: Flask, client: FlaskClient, config: Config, photo: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it forgotten."""
    client.post("/", data={"file": (io.BytesIO(photo_bytes("png")), "b.png")})
    for each in listed(client):
        remove(client, each)
    unlink = Path.unlink

    def fail_for_one(path: Path, **options: bool) -> None:
        if photo["id"] in path.name:
            raise OSError(errno.EIO, "Input/output error")
        unlink(path, **options)

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(Path, "unlink", fail_for_one)
        assert purge(app) == 1
        left = stored_files(config.data)
        assert len(left) == FILES_OF_A_PHOTO
        assert {photo["id"]} == set(map(owner_id, left))
    assert purge(app) == 1
    assert stored_files(config.data) == []


@pytest.mark.embedded
def test_sweeping_leaves_alone_what_can_still_be_taken_back(
    app: Flask, client: FlaskClient, config: Config, photo: dict
) -> None:
    remove(client, photo)
    make_old(config.data, *stored_files(config.data))
    assert app.test_cli_runner().invoke(args=["sweep"]).output == "0 leftovers removed.\n"
    assert restore(client, photo) == DONE
    for url in files_of(photo):
        with client.get(url) as answer:
            assert answer.status_code == 200


def test_a_running_gallery_purges_by_itself_what_was_removed_long_enough_ago(
    live_server: RunningServer,
) -> None:
    with closing(Guest(live_server.url)) as guest:
        guest.send("early.jpg", photo_bytes("jpg"))
        guest.send("late.png", photo_bytes("png"))
        [early] = guest.remove("early.jpg")
        [late] = guest.remove("late.png")
        live_server.kill()
        with catalog_of(live_server.data) as catalog:
            this_one = update(photos).where(photos.c.id == early)
            catalog.execute(this_one.values(removed=moments.now(seconds_ago=60 * 60)))
        live_server.start()
        wait_until(lambda: len(live_server.files()) == FILES_OF_A_PHOTO)
        guest.restore(late)
    [photo] = live_server.photos()
    assert (photo["id"], photo["name"]) == (late, "late.png")
    assert set(map(owner_id, live_server.files())) == {late}


# It was sent again meanwhile


def test_a_photo_that_was_sent_again_is_there_once(
    app: Flask, client: FlaskClient, send: Send, config: Config, photo: dict
) -> None:
    remove(client, photo)
    assert told(send(("again.jpg", photo_bytes("jpg")))) == DONE
    assert restore(client, photo) == DONE
    [again] = listed(client)
    assert again["name"] == "again.jpg"
    purge(app)
    assert len(stored_files(config.data)) == FILES_OF_A_PHOTO
    for url in files_of(again)[:FILES_OF_A_PHOTO]:
        with client.get(url) as answer:
            assert answer.status_code == 200


# What counts against the limits


def test_what_is_removed_makes_room_and_takes_it_back(config: Config) -> None:
    contents = [photo_bytes("png", seed=number, size=(96, 64)) for number in range(3)]
    room = max(map(len, contents)) * 2
    limits = {"max_upload_bytes": room // 2, "max_gallery_bytes": room}
    client = open_page(create_app(replace(config, **limits)))

    def send(number: int) -> int:
        file = (io.BytesIO(contents[number]), f"{number}.png")
        return client.post("/", data={"file": file}).status_code

    assert [send(number) for number in range(3)] == [204, 204, 507]
    first = listed(client)[-1]
    for _ in range(3):
        remove(client, first)
        restore(client, first)
    assert send(2) == 507
    remove(client, first)
    assert send(2) == 204
    assert client.post(f"/api/photos/{first['id']}/restore").status_code == 507
    assert len(listed(client)) == 2
