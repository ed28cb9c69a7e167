"""Who may do what: every route of a photo, for everybody, in every state of the photo.

`public` is as sent, `private` for its owner alone, `hidden` by a host, `waiting` for a host's
approval, `removed` a moment ago. A cell is the answer's status, or whether the photo is in it.
`forged` is the owner's cookie with another end, `expired` the owner's of two years ago.
"""

import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from werkzeug.test import TestResponse

from server import create_app
from server.config import Config
from tests.conftest import open_page
from tests.photos import photo_bytes

numbers = itertools.count()
PASSWORD = "correct horse"
TWO_YEARS_SECONDS = 2 * 365 * 24 * 60 * 60
STATES = ("public", "private", "hidden", "waiting", "removed")
TABLE = """
                                   public private hidden waiting removed

GET /uploads/<photo>
  nobody guest account forged expired 200    404     404    404     404
  owner                               200    200     200    200     404
  host                                200    404     200    200     404

GET /thumbnails/<photo>
  nobody guest account forged expired 200    404     404    404     404
  owner                               200    200     200    200     404
  host                                200    404     200    200     404

in GET /api/photos
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

in GET /api/photos?ids=
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

in GET /api/photos?since=0
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

in GET /api/outline
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

in GET /photos.zip
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

in GET /plain
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

counted in total
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

named in GET /api/guests
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -

DELETE /api/photos/<photo>
  nobody guest account forged expired 403    404     404    404     404
  owner                               204    204     204    204     404
  host                                204    404     204    204     404

POST /api/photos/<photo>/restore
  nobody guest account forged expired 404    404     404    404     404
  owner                               404    404     404    404     204
  host                                404    404     404    404     204

PATCH visibility
  nobody guest account forged expired 403    404     404    404     404
  owner                               204    204     204    204     404
  host                                403    404     403    403     404

PATCH standing
  nobody guest account forged expired 403    403     403    403     403
  owner                               403    403     403    403     403
  host                                204    204     204    204     204

DELETE /api/guests/<owner>/photos
  nobody guest account forged expired 403    403     403    403     403
  owner                               403    403     403    403     403
  host                                204    204     204    204     204
"""


@dataclass
class Scene:
    """A gallery, and all who might want to see a photo of its owner's."""

    app: Flask
    people: dict[str, FlaskClient]


def read_table() -> list[tuple[str, str, str, str]]:
    cells, route = [], ""
    for line in TABLE.strip().splitlines()[1:]:
        if line.startswith("  "):
            *people, answers = line.split(maxsplit=len(line.split()) - len(STATES))
            for person in people:
                cells += [
                    (route, person, state, answer)
                    for state, answer in zip(STATES, answers.split(), strict=True)
                ]
        elif line:
            route = line
    return cells


CELLS = read_table()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    app = create_app(Config(data=tmp_path_factory.mktemp("matrix"), mode="approval"))
    accounts = app.extensions["dropwall"].accounts
    accounts.add("Ann", PASSWORD)
    accounts.add("Hanna", PASSWORD, is_host=True)
    owner = open_page(app)
    assert owner.put("/api/guest", json={"name": "Olga"}).status_code == 204
    people = {
        "nobody": app.test_client(),
        "owner": owner,
        "guest": open_page(app),
        "account": signed_in(app, "Ann"),
        "host": signed_in(app, "Hanna"),
        "forged": with_cookie(app, cookie_of(owner)[:-3] + "AAA"),
        "expired": with_cookie(app, expired_cookie(app, owner)),
    }
    return Scene(app, people)


def signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
    assert answer.status_code == 204
    return client


def with_cookie(app: Flask, cookie: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("dropwall", cookie)
    return client


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("dropwall")
    assert cookie
    return cookie.value


def expired_cookie(app: Flask, owner: FlaskClient) -> str:
    """Signed rightly, as it would have been then."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    session = serializer.loads(cookie_of(owner))
    then = int(time.time()) - TWO_YEARS_SECONDS
    with patch.object(TimestampSigner, "get_timestamp", lambda _signer: then):
        text = serializer.dumps(session)
    return text if isinstance(text, str) else text.decode()


def send_photo(scene: Scene, state: str) -> dict:
    """The owner's photo, brought into this state as people bring it there."""
    owner, host = scene.people["owner"], scene.people["host"]
    name = f"{next(numbers)}.jpg"
    visibility = "owner" if state == "private" else "everyone"
    form = {
        "visibility": visibility,
        "file": (io.BytesIO(photo_bytes("jpg", next(numbers), (48, 32))), name),
    }
    assert owner.post("/", data=form).status_code == 204
    photo = next(p for p in photos_of(owner) if p["name"] == name)
    standings = {"waiting": [], "hidden": ["shown", "hidden"]}.get(state, ["shown"])
    for standing in standings:
        answer = host.patch(f"/api/photos?ids={photo['id']}", json={"standing": standing})
        assert answer.status_code == 204
    if state == "removed":
        assert owner.delete(f"/api/photos/{photo['id']}").status_code == 204
    return photo


def photos_of(client: FlaskClient) -> list[dict]:
    return list(client.get("/api/photos").json["photos"])


@pytest.fixture
def only_photo(scene: Scene) -> Iterator[None]:
    yield
    owner = scene.people["owner"]
    for photo in photos_of(owner):
        owner.delete(f"/api/photos/{photo['id']}")
    scene.app.extensions["dropwall"].sweep.purge_removed(undo_seconds=-1)


def zip_names(client: FlaskClient) -> list[str]:
    answer = client.get("/photos.zip")
    if answer.status_code == 404:
        return []
    return [entry.rpartition(" ")[2] for entry in ZipFile(io.BytesIO(answer.data)).namelist()]


LOOK: dict[str, Callable[[FlaskClient, dict], bool]] = {
    "in GET /api/photos": lambda who, photo: photo["id"] in ids(who, "/api/photos"),
    "in GET /api/photos?ids=": lambda who, photo: bool(ids(who, f"/api/photos?ids={photo['id']}")),
    "in GET /api/photos?since=0": lambda who, photo: photo["id"] in ids(who, "/api/photos?since=0"),
    "in GET /api/outline": lambda who, photo: (
        photo["id"] in [each[0] for each in who.get("/api/outline").json["photos"]]
    ),
    "in GET /photos.zip": lambda who, photo: photo["name"] in zip_names(who),
    "in GET /plain": lambda who, photo: photo["id"] in who.get("/plain").text,
    "counted in total": lambda who, _photo: who.get("/api/photos").json["total"] == 1,
    "named in GET /api/guests": lambda who, _photo: (
        [guest["name"] for guest in who.get("/api/guests").json["guests"]] == ["Olga"]
    ),
}
ACT: dict[str, Callable[[FlaskClient, dict], TestResponse]] = {
    "GET /uploads/<photo>": lambda who, photo: who.get(photo["url"]),
    "GET /thumbnails/<photo>": lambda who, photo: who.get(photo["thumbnails"]["320"]),
    "DELETE /api/photos/<photo>": lambda who, photo: who.delete(f"/api/photos/{photo['id']}"),
    "POST /api/photos/<photo>/restore": lambda who, photo: who.post(
        f"/api/photos/{photo['id']}/restore"
    ),
    "PATCH visibility": lambda who, photo: who.patch(
        f"/api/photos/{photo['id']}", json={"visibility": "owner"}
    ),
    "PATCH standing": lambda who, photo: who.patch(
        f"/api/photos?ids={photo['id']}", json={"standing": "shown"}
    ),
    "DELETE /api/guests/<owner>/photos": lambda who, photo: who.delete(
        f"/api/guests/{photo['by']['id']}/photos"
    ),
}
SENTENCES = {
    403: {
        "This photo is not yours; only who sent it can do that.",
        "Only a host of this gallery can do that; please sign in as one.",
    },
    404: {"This photo is not here; it may have been removed."},
}


def ids(who: FlaskClient, path: str) -> list[str]:
    return [photo["id"] for photo in who.get(path).json["photos"]]


def test_there_are_two_hundred_cells_and_more() -> None:
    assert len(set(CELLS)) == len(CELLS) >= 200


@pytest.mark.parametrize(("route", "person", "state", "expected"), CELLS)
def test_everybody_may_do_what_the_table_says(
    scene: Scene, only_photo: None, route: str, person: str, state: str, expected: str
) -> None:
    photo = send_photo(scene, state)
    who = scene.people[person]
    if route in LOOK:
        assert LOOK[route](who, photo) == (expected == "in")
        return
    with ACT[route](who, photo) as answer:
        assert answer.status_code == int(expected)
        if answer.status_code >= 400:
            assert answer.text in SENTENCES[answer.status_code]
        if route.startswith("GET") and answer.status_code == 200:
            may_be_kept = state == "public"
            assert ("no-store" not in answer.headers["Cache-Control"]) == may_be_kept
            assert "private" in answer.headers["Cache-Control"]
