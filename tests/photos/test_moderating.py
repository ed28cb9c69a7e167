"""Moderating many photos at once, and undoing exactly that."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dropwall import create_app
from dropwall.catalog import photos as photos_of_catalog
from dropwall.config import Config
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    PASSWORD,
    listed,
    listed_photos,
    open_page,
    parts,
    send_as,
    signed_in,
)  # fmt: skip

Ids = list[str]
Moderate = Callable[[Ids, str, str], Ids]
ALL = ["4.jpg", "3.jpg", "2.jpg", "1.jpg"]


@pytest.fixture
def app(config: Config) -> Flask:
    app = create_app(replace(config, mode="approval"))
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    return app


@pytest.fixture
def host(app: Flask) -> FlaskClient:
    return signed_in(app, "Hanna")


@pytest.fixture
def moderate(host: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Moderate:
    """Changes the state of photos from one to another, and returns the ids of those it was."""
    monkeypatch.setattr(photos_of_catalog, "MAX_IDS", 3)  # so that it is done in pieces

    def moderate(photo_ids: Ids, former: str, standing: str) -> Ids:
        asked = {"ids": photo_ids, "from": former, "to": standing}
        answer = host.post("/api/photos/moderate", json=asked)
        assert answer.status_code == 200
        return answer.json["changed"]

    return moderate


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """A guest with four photos that wait."""
    client = open_page(app)
    for name in reversed(ALL):
        send_as(client, name, photo_bytes(seed=int(name[0])))
    return client


def ids(viewer: FlaskClient, *names: str) -> Ids:
    found = {photo["name"]: photo["id"] for photo in listed_photos(viewer)}
    return [found[name] for name in names]


def standings(host: FlaskClient) -> dict[str, str]:
    return {photo["name"]: photo["standing"] for photo in listed_photos(host)}


def test_all_that_wait_are_approved_and_wait_again_by_undo(
    app: Flask, host: FlaskClient, ann: FlaskClient, moderate: Moderate
) -> None:
    anybody, waiting = open_page(app), ids(ann, *ALL)
    assert listed(anybody) == []
    assert sorted(moderate(waiting, "pending", "shown")) == sorted(waiting)
    assert listed(anybody) == ALL
    assert moderate(waiting, "pending", "shown") == []  # they do not wait any more
    assert sorted(moderate(waiting, "shown", "pending")) == sorted(waiting)
    assert listed(anybody) == []
    assert host.get("/api/host").json["pending"] == 4
    # A page that watched has seen them go, too.
    assert sorted(anybody.get("/api/photos?since=0").json["removed"]) == sorted(waiting)


def test_what_was_changed_or_removed_meanwhile_stays_so(
    host: FlaskClient, ann: FlaskClient, moderate: Moderate
) -> None:
    all_ids, [one, two, three, four] = ids(ann, *ALL), ids(ann, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    assert moderate([one], "pending", "shown") == [one]
    hidden = moderate(all_ids, "pending", "hidden")  # and what is shown stays
    assert sorted(hidden) == sorted([two, three, four])
    assert moderate([two], "hidden", "shown") == [two]
    ann.delete(f"/api/photos/{three}")
    assert moderate(hidden, "hidden", "pending") == [four]
    assert standings(host) == {"1.jpg": "shown", "2.jpg": "shown", "4.jpg": "pending"}
    ann.post(f"/api/photos/{three}/restore")
    assert standings(host)["3.jpg"] == "hidden"


def test_private_photos_and_unknown_ones_are_passed_over(
    host: FlaskClient, ann: FlaskClient, moderate: Moderate
) -> None:
    [private] = ids(ann, "1.jpg")
    ann.patch(f"/api/photos/{private}", json={"visibility": "owner"})
    assert moderate([private, "f" * 32], "pending", "shown") == []
    ann.patch(f"/api/photos/{private}", json={"visibility": "everyone"})
    assert standings(host)["1.jpg"] == "pending"


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "pending", "to": "shown"},
        {"ids": [], "from": "pending", "to": "shown"},
        {"ids": ["1"], "from": "pending", "to": "shown"},
        {"ids": ["f" * 32], "to": "shown"},
        {"ids": ["f" * 32], "from": "pending", "to": "private"},
    ],
)
def test_what_makes_no_sense_is_refused(host: FlaskClient, asked: dict) -> None:
    answer = host.post("/api/photos/moderate", json=asked)
    assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (400, "bad-request")


def test_ten_thousand_photos_are_one_request(host: FlaskClient) -> None:
    asked = {"ids": [f"{number:032x}" for number in range(10_000)], "from": "shown", "to": "hidden"}
    assert host.post("/api/photos/moderate", json=asked).json == {"changed": []}
