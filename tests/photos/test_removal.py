"""Removing photos: they come back by undo, and are purged a while later."""

import errno
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from dropwall import timestamps
from dropwall.catalog import photos as photos_of_catalog
from dropwall.catalog.changes import forget_old_changes
from dropwall.catalog.tables import photos
from dropwall.config import Config
from dropwall.photos.files import owner_id
from tests.support.engines import catalog_of, stored_files
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    PASSWORD,
    listed,
    listed_photos,
    open_page,
    outcome,
    parts,
    send_as,
    signed_in,
)  # fmt: skip
from tests.support.waiting import wait_until

NOT_HERE = (404, "This photo was removed or isn't shared with you.")
DONE = (204, "")
FILES_OF_A_PHOTO = 3  # the original and two thumbnails


@pytest.fixture
def photo(client: FlaskClient) -> dict:
    send_as(client, "a.jpg", photo_bytes())
    return listed_photos(client)[0]


def remove(client: FlaskClient, photo: dict) -> tuple[int, str]:
    return outcome(client.delete(f"/api/photos/{photo['id']}"))


def restore(client: FlaskClient, photo: dict) -> tuple[int, str]:
    return outcome(client.post(f"/api/photos/{photo['id']}/restore"))


def purge(app: Flask) -> int:
    """As if the time to undo a removal was over for all."""
    return parts(app).sweep.purge_removed(undo_seconds=-1)


def file_statuses(client: FlaskClient, photo: dict) -> set[int]:
    urls = [photo["url"], *photo["thumbnails"].values()]
    return {client.get(url, buffered=True).status_code for url in urls}


def test_undo_leaves_everything_as_it_was(client: FlaskClient, photo: dict) -> None:
    before = client.get("/api/photos").json
    for _ in range(2):
        assert remove(client, photo) == DONE
        assert file_statuses(client, photo) == {404}
        assert restore(client, photo) == DONE
        after = client.get("/api/photos").json
        assert after == before | {"version": after["version"]}
        assert file_statuses(client, photo) == {200}
    assert restore(client, photo) == NOT_HERE  # it is not removed
    assert restore(client, {"id": "f" * 32}) == NOT_HERE


def test_of_two_who_remove_a_photo_at_once_one_is_told_that_it_is_gone(
    client: FlaskClient, photo: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, answers = photos_of_catalog.find_photo, []

    def find_and_be_late(*asked: object) -> object:
        found = find(*asked)
        if not answers:
            answers.append(None)
            answers[0] = remove(client, photo)
        return found

    monkeypatch.setattr(photos_of_catalog, "find_photo", find_and_be_late)
    assert remove(client, photo) == NOT_HERE
    assert answers == [DONE]
    assert restore(client, photo) == DONE
    assert listed(client) == ["a.jpg"]


def test_many_removals_are_undone_by_one_request(app: Flask, client: FlaskClient) -> None:
    """Sent again, it does no harm; what cannot be undone any more keeps nothing else away."""
    for number in range(5):
        send_as(client, f"{number}.jpg", photo_bytes(size=(48, 30 + number)))
    photos = listed_photos(client)
    for photo in photos:
        assert remove(client, photo) == DONE
    ids = [photo["id"] for photo in photos]
    undo = partial(client.post, "/api/photos/restore")
    assert outcome(undo(json={"ids": ids[:3]})) == DONE
    assert outcome(undo(json={"ids": ids})) == DONE
    assert listed_photos(client) == photos
    remove(client, photos[0])
    purge(app)
    remove(client, photos[1])
    assert outcome(undo(json={"ids": ids})) == NOT_HERE
    assert listed_photos(client) == photos[1:]
    for wrong in ({}, {"ids": []}, {"ids": ["1"]}, ["1"]):
        assert undo(json=wrong).status_code == 400
    stranger = app.test_client()
    remove(client, photos[1])
    assert outcome(stranger.post("/api/photos/restore", json={"ids": ids[1:2]})) == NOT_HERE


@pytest.mark.parametrize("path", ["/api/photos/{id}", "/api/guests/{by[id]}/photos"])
def test_what_a_host_removes_only_a_host_brings_back(
    app: Flask, client: FlaskClient, photo: dict, path: str
) -> None:
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    host = signed_in(app, "Hanna")
    assert outcome(host.delete(path.format(**photo))) == DONE
    assert restore(client, photo) == NOT_HERE
    assert listed(client) == []
    assert restore(host, photo) == DONE
    assert listed(client) == ["a.jpg"]


@pytest.mark.parametrize("withheld", ["hidden", "hidden and made private", "removed by a host"])
@pytest.mark.parametrize("is_purged", [True, False])
def test_what_a_host_withheld_stays_hidden_when_it_is_sent_again(
    app: Flask, client: FlaskClient, photo: dict, withheld: str, is_purged: bool
) -> None:
    """By the same guest, until a host shows it."""
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    host, anybody = signed_in(app, "Hanna"), open_page(app)
    if withheld == "removed by a host":
        assert remove(host, photo) == DONE
    else:
        hide = f"/api/photos?ids={photo['id']}"
        assert host.patch(hide, json={"standing": "hidden"}).status_code == 204
        if "private" in withheld:
            private = client.patch(f"/api/photos/{photo['id']}", json={"visibility": "owner"})
            assert private.status_code == 204
        assert remove(client, photo) == DONE
    if is_purged:
        assert purge(app) == 1
    send_as(client, "again.jpg", photo_bytes())
    assert [listed(client), listed(anybody)] == [["again.jpg"], []]
    again = listed_photos(client)[0]["id"]
    assert host.patch(f"/api/photos?ids={again}", json={"standing": "shown"}).status_code == 204
    assert listed(anybody) == ["again.jpg"]
    send_as(anybody, "mine.jpg", photo_bytes())
    assert listed(anybody)[0] == "mine.jpg"


def test_what_its_sender_removed_comes_back_as_new_when_it_is_sent_again(
    app: Flask, client: FlaskClient, photo: dict
) -> None:
    assert remove(client, photo) == DONE
    assert purge(app) == 1
    send_as(client, "again.jpg", photo_bytes())
    assert listed(open_page(app)) == ["again.jpg"]


def test_a_photo_that_was_sent_again_meanwhile_is_there_once(
    app: Flask, client: FlaskClient, config: Config, photo: dict
) -> None:
    remove(client, photo)
    send_as(client, "again.jpg", photo_bytes())
    assert restore(client, photo) == DONE
    [again] = listed_photos(client)
    assert again["name"] == "again.jpg"
    purge(app)
    assert len(stored_files(config.data)) == FILES_OF_A_PHOTO
    assert file_statuses(client, again) == {200}


# Purging


def test_a_removed_photo_is_purged_once_it_cannot_be_undone(
    app: Flask, client: FlaskClient, config: Config, photo: dict
) -> None:
    kept = sorted(stored_files(config.data))
    assert len(kept) == FILES_OF_A_PHOTO
    remove(client, photo)
    restore(client, photo)
    assert purge(app) == 0
    remove(client, photo)
    assert parts(app).sweep.purge_removed() == 0
    assert sorted(stored_files(config.data)) == kept
    assert [purge(app), purge(app)] == [1, 0]
    assert stored_files(config.data) == []
    assert restore(client, photo) == NOT_HERE
    with catalog_of(config.data) as catalog:
        [row] = catalog.execute(select(photos.c.name, photos.c.sha256, photos.c.placeholder))
    assert row == ("", "", "")
    assert client.get("/api/photos?since=1").json["removed"] == [photo["id"]]


@pytest.mark.embedded
def test_a_purge_that_a_broken_disk_cuts_short_is_finished_by_the_next(
    app: Flask, client: FlaskClient, config: Config, photo: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it hold up the purge of another photo."""
    send_as(client, "b.png", photo_bytes("png"))
    for each in listed_photos(client):
        remove(client, each)
    unlink, deleted = Path.unlink, []

    def fail_at_the_second_file(path: Path, **options: bool) -> None:
        if photo["id"] in path.name:
            deleted.append(path)
            if len(deleted) > 1:
                raise OSError(errno.EIO, "Input/output error")
        unlink(path, **options)

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(Path, "unlink", fail_at_the_second_file)
        assert purge(app) == 1
    left = stored_files(config.data)
    assert 0 < len(left) < FILES_OF_A_PHOTO
    assert {photo["id"]} == set(map(owner_id, left))
    assert restore(client, photo) == NOT_HERE  # half a photo is none
    assert purge(app) == 1
    assert stored_files(config.data) == []


def test_a_running_gallery_purges(client: FlaskClient, config: Config, photo: dict) -> None:
    send_as(client, "late.png", photo_bytes("png"))
    late = listed_photos(client)[0]
    assert [remove(client, photo), remove(client, late)] == [DONE] * 2
    with catalog_of(config.data) as catalog:
        early = update(photos).where(photos.c.id == photo["id"])
        catalog.execute(early.values(removed=timestamps.now(seconds_ago=60 * 60)))
    with closing(GalleryServer(config.data)):
        wait_until(lambda: {late["id"]} == set(map(owner_id, stored_files(config.data))))
    assert restore(client, late) == DONE
    assert listed(client) == ["late.png"]


def test_old_changes_are_forgotten_and_a_page_that_knows_older_ones_starts_over(
    app: Flask, client: FlaskClient, photo: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client.get("/api/photos").json["version"]
    send_as(client, "b.jpg", photo_bytes(seed=1))
    assert not client.get(f"/api/photos?since={before - 1}").json.get("reset")
    monkeypatch.setattr("dropwall.catalog.changes.KEPT_SECONDS", -60)
    assert forget_old_changes(parts(app).sweep.database) > 0
    assert client.get(f"/api/photos?since={before - 1}").json["reset"]
    version = client.get("/api/photos").json["version"]
    assert not client.get(f"/api/photos?since={version}").json.get("reset")


def test_a_photo_whose_files_are_being_deleted_cannot_be_restored(
    app: Flask, client: FlaskClient, photo: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that a host withheld is remembered by its SHA-256, also when it is wiped."""
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    host = signed_in(app, "Hanna")
    assert remove(host, photo) == DONE

    def restore_meanwhile(*_keys: str) -> None:
        restored.append(restore(host, photo))

    restored: list[tuple[int, str]] = []
    monkeypatch.setattr(parts(app).storage, "delete", restore_meanwhile)
    purge(app)
    assert restored == [NOT_HERE]
