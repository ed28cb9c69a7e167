"""Who may do what: every route, for everybody, and those of a photo in every state of it.

`public` is as sent, `private` for its owner alone, `hidden` by a host, `waiting` for a host's
approval, `removed` a moment ago. A cell is the answer's status, or whether the photo is in it.
`guest` is another one than the owner, `account` another one who is signed in, `forged` has the
owner's cookie with another end, `expired` the owner's of two years ago, and to `uninvited`, who has
told a wrong one, the same gallery has a passcode.
"""

import io
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from werkzeug.test import TestResponse

from server import create_app
from tests.conftest import open_page
from tests.people.test_accounts import PASSWORD, account, cookie, signed_in, with_cookie
from tests.support.chunks import InChunks, send_chunk
from tests.support.engines import config_of
from tests.support.photos import photo_bytes

numbers = itertools.count()
PASSCODE = "roses"
UPLOAD = InChunks(b"of the owner's", 8, "unfinished.jpg")
TWO_YEARS_SECONDS = 2 * 365 * 24 * 60 * 60
STATES = ("public", "private", "hidden", "waiting", "removed")
PEOPLE = ("nobody", "guest", "account", "owner", "host", "uninvited", "forged", "expired")
ACCOUNTS = {"account": "Ann", "host": "Hanna"}
PHOTO_TABLE = """
                                   public private hidden waiting removed

GET /uploads/<photo>
  nobody guest account forged expired 200    404     404    404     404
  owner                               200    200     200    200     404
  host                                200    404     200    200     404
  uninvited                           401    401     401    401     401

GET /thumbnails/<photo>
  nobody guest account forged expired 200    404     404    404     404
  owner                               200    200     200    200     404
  host                                200    404     200    200     404
  uninvited                           401    401     401    401     401

in GET /api/photos
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /api/photos?ids=
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /api/photos?since=0
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /api/photos?only=private
  nobody guest account forged expired -      -       -      -       -
  owner                               -      in      -      -       -
  host                                -      -       -      -       -
  uninvited                           401    401     401    401     401

in GET /api/photos?q=<name>
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /api/live?since=0
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /api/outline
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /photos.zip
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

in GET /plain
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

counted in total
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

named in GET /api/guests
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

DELETE /api/photos/<photo>
  nobody guest account forged expired 403    404     404    404     404
  owner                               204    204     204    204     404
  host                                204    404     204    204     404
  uninvited                           401    401     401    401     401

POST /api/photos/<photo>/restore
  nobody guest account forged expired 404    404     404    404     404
  owner                               404    404     404    404     204
  host                                404    404     404    404     204
  uninvited                           401    401     401    401     401

PATCH visibility
  nobody guest account forged expired 403    404     404    404     404
  owner                               204    204     204    204     404
  host                                403    404     403    403     404
  uninvited                           401    401     401    401     401

PATCH standing
  nobody guest account forged expired 403    403     403    403     403
  owner                               403    403     403    403     403
  host                                204    204     204    204     204
  uninvited                           401    401     401    401     401

DELETE /api/guests/<owner>/photos
  nobody guest account forged expired 403    403     403    403     403
  owner                               403    403     403    403     403
  host                                204    204     204    204     204
  uninvited                           401    401     401    401     401
"""


OTHER_TABLE = """
                              nobody guest account owner host uninvited forged expired
GET /                         200    200   200     200   200  200       200    200
GET /styles/tokens.css        200    200   200     200   200  200       200    200
GET /index.html               200    200   200     200   200  401       200    200
GET /vendor/<file>            200    200   200     200   200  200       200    200
GET /livez                    200    200   200     200   200  200       200    200
GET /healthz                  200    200   200     200   200  200       200    200
GET /metrics                  404    404   404     404   404  404       404    404
GET /api/settings             200    200   200     200   200  401       200    200
GET /qr.svg                   200    200   200     200   200  401       200    200
GET /poster                   200    200   200     200   200  401       200    200

POST / for everyone           204    204   204     204   204  401       204    204
POST / only me                401    204   204     204   204  401       401    401
GET /api/uploads/<upload>     404    404   404     200   404  401       404    404
DELETE /api/uploads/<upload>  204    204   204     204   204  401       204    204
PUT /api/guest                400    204   204     204   204  401       400    400

GET /api/host                 403    403   403     403   200  401       403    403
PATCH /api/guests/<guest>     403    403   403     403   204  401       403    403

GET /passcode                 303    303   303     303   303  200       303    303
POST /passcode right          204    204   204     204   204  204       204    204
POST /passcode wrong          204    204   204     204   204  401       204    204
GET /join/<right>             303    303   303     303   303  303       303    303
GET /sign-in                  200    200   303     200   303  200       200    200
POST /sign-in right           204    204   204     204   204  204       204    204
POST /sign-in wrong           401    401   401     401   401  401       401    401
GET /sign-up                  200    200   303     200   303  200       200    200
POST /sign-up                 204    204   204     204   204  401       204    204
GET /account                  401    401   200     401   200  401       401    401
POST /account                 401    401   204     401   204  401       401    401
POST /sign-out                204    204   204     204   204  204       204    204
POST /sign-out-everywhere     401    401   204     401   204  401       401    401
"""


@dataclass
class Scene:
    """A gallery, and all who might want to see a photo of its owner's. To `uninvited` it is
    another application, of the same folder."""

    app: Flask
    people: dict[str, FlaskClient]


@dataclass(frozen=True)
class Asked:
    """`request` is a method and a path, in which a photo's words are filled in; `shows` whether the
    photo is in the answer."""

    request: str
    json: dict | None = None
    data: dict | None = None
    shows: Callable[[TestResponse, dict], bool] | None = None

    def line(self, photo: dict) -> tuple[str, str]:
        """Method and path."""
        method, _, path = self.request.format(**photo).partition(" ")
        return method, path

    def of(self, who: FlaskClient, photo: dict) -> TestResponse:
        method, path = self.line(photo)
        return who.open(path, method=method, json=self.json, data=self.data)


def is_listed(answer: TestResponse, photo: dict) -> bool:
    return photo["id"] in [each["id"] for each in answer.json["photos"]]


def is_outlined(answer: TestResponse, photo: dict) -> bool:
    return photo["id"] in [photo_id for photo_id, *_ in answer.json["photos"]]


def is_told(answer: TestResponse, photo: dict) -> bool:
    event = next(answer.iter_encoded()).decode()
    told = json.loads(event.partition("data: ")[2])
    return photo["id"] in [each["id"] for each in told["photos"]]


def is_packed(answer: TestResponse, photo: dict) -> bool:
    if answer.status_code == 404:  # there is nothing to pack
        return False
    with ZipFile(io.BytesIO(answer.data)) as archive:
        return photo["name"] in [name.rpartition(" ")[2] for name in archive.namelist()]


def is_linked(answer: TestResponse, photo: dict) -> bool:
    return photo["id"] in answer.text


def is_counted(answer: TestResponse, _photo: dict) -> bool:
    return answer.json["total"] == 1


def is_named(answer: TestResponse, _photo: dict) -> bool:
    return [guest["name"] for guest in answer.json["guests"]] == ["Olga"]


OF_A_PHOTO = {
    "GET /uploads/<photo>": Asked("GET {url}"),
    "GET /thumbnails/<photo>": Asked("GET /thumbnails/{id}/320.webp"),
    "in GET /api/photos": Asked("GET /api/photos", shows=is_listed),
    "in GET /api/photos?ids=": Asked("GET /api/photos?ids={id}", shows=is_listed),
    "in GET /api/photos?since=0": Asked("GET /api/photos?since=0", shows=is_listed),
    "in GET /api/photos?only=private": Asked("GET /api/photos?only=private", shows=is_listed),
    "in GET /api/photos?q=<name>": Asked("GET /api/photos?q={name}", shows=is_listed),
    "in GET /api/live?since=0": Asked("GET /api/live?since=0", shows=is_told),
    "in GET /api/outline": Asked("GET /api/outline", shows=is_outlined),
    "in GET /photos.zip": Asked("GET /photos.zip", shows=is_packed),
    "in GET /plain": Asked("GET /plain", shows=is_linked),
    "counted in total": Asked("GET /api/photos", shows=is_counted),
    "named in GET /api/guests": Asked("GET /api/guests", shows=is_named),
    "DELETE /api/photos/<photo>": Asked("DELETE /api/photos/{id}"),
    "POST /api/photos/<photo>/restore": Asked("POST /api/photos/{id}/restore"),
    "PATCH visibility": Asked("PATCH /api/photos/{id}", {"visibility": "owner"}),
    "PATCH standing": Asked("PATCH /api/photos?ids={id}", {"standing": "shown"}),
    "DELETE /api/guests/<owner>/photos": Asked("DELETE /api/guests/{by[id]}/photos"),
}
OTHERS = {
    "GET /vendor/<file>": Asked("GET /vendor/dropzone@6.3.5/dist/dropzone-min.js"),
    "GET /api/uploads/<upload>": Asked(f"GET /api/uploads/{UPLOAD.uuid}"),
    "DELETE /api/uploads/<upload>": Asked(f"DELETE /api/uploads/{UPLOAD.uuid}"),
    "PUT /api/guest": Asked("PUT /api/guest", {"name": "Olga"}),
    "PATCH /api/guests/<guest>": Asked("PATCH /api/guests/1/photos", {"standing": "shown"}),
    "POST /passcode right": Asked("POST /passcode", data={"passcode": PASSCODE}),
    "POST /passcode wrong": Asked("POST /passcode", data={"passcode": "tulips"}),
    "GET /join/<right>": Asked(f"GET /join/{PASSCODE}"),
    "POST /sign-in right": Asked("POST /sign-in", data={"name": "Ann", "password": PASSWORD}),
    "POST /account": Asked("POST /account", data={"old_password": PASSWORD, "password": PASSWORD}),
}


def asked_of_others(route: str) -> Asked:
    if route.startswith("POST / "):
        return Asked("POST /", data=form_of("owner" if "only me" in route else "everyone"))
    if route in ("POST /sign-up", "POST /sign-in wrong"):
        nobody = {"name": f"Guest {next(numbers)}", "password": PASSWORD}
        return Asked(route.removesuffix(" wrong"), data=nobody)
    return OTHERS.get(route) or Asked(route)


SENTENCES = {
    401: {"This gallery has a passcode; please open it and enter that first."},
    403: {
        "This photo is not yours; only who sent it can do that.",
        "Only a host of this gallery can do that; please sign in as one.",
    },
    404: {"This photo is not here; it may have been removed."},
}


def cells_of_photos() -> Iterator[tuple[str, str, str, str]]:
    """Route, person, state, answer."""
    route = ""
    for line in PHOTO_TABLE.strip().splitlines()[1:]:
        if line.startswith("  "):
            *people, answers = line.split(maxsplit=len(line.split()) - len(STATES))
            for person, (state, answer) in itertools.product(
                people, zip(STATES, answers.split(), strict=True)
            ):
                yield route, person, state, answer
        elif line:
            route = line


def cells_of_others() -> Iterator[tuple[str, str, str]]:
    """Route, person, answer."""
    for line in filter(None, OTHER_TABLE.strip().splitlines()[1:]):
        route, *answers = line.rsplit(maxsplit=len(PEOPLE))
        for person, answer in zip(PEOPLE, answers, strict=True):
            yield route, person, answer


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    config = config_of(tmp_path_factory.mktemp("matrix"), mode="approval", sign_up=True)
    app = create_app(config)
    accounts = app.extensions["dropwall"].accounts
    for name in ACCOUNTS.values():
        accounts.add(name, PASSWORD, is_host=name == "Hanna")
    owner = open_page(app)
    assert owner.put("/api/guest", json={"name": "Olga"}).status_code == 204
    uninvited = open_page(create_app(replace(config, passcode=PASSCODE)))
    assert uninvited.post("/passcode", data={"passcode": "tulips"}).status_code == 401
    people = {
        "nobody": app.test_client(),
        "owner": owner,
        "guest": open_page(app),
        "account": signed_in(app, "Ann"),
        "host": signed_in(app, "Hanna"),
        "uninvited": uninvited,
        "forged": with_cookie(app, cookie(owner)[:-3] + "AAA"),
        "expired": with_cookie(app, expired_cookie(app, owner)),
    }
    return Scene(app, people)


def expired_cookie(app: Flask, owner: FlaskClient) -> str:
    """Signed rightly, as it would have been then."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    session = serializer.loads(cookie(owner))
    then = int(time.time()) - TWO_YEARS_SECONDS
    with patch.object(TimestampSigner, "get_timestamp", lambda _signer: then):
        text = serializer.dumps(session)
    return text if isinstance(text, str) else text.decode()


def send_photo(scene: Scene, state: str) -> dict:
    """The owner's photo, brought into this state as people bring it there."""
    owner, host = scene.people["owner"], scene.people["host"]
    name = f"{next(numbers)}.jpg"
    visibility = "owner" if state == "private" else "everyone"
    assert owner.post("/", data=form_of(visibility, name)).status_code == 204
    photo = next(p for p in photos_of(owner) if p["name"] == name)
    standings = {"waiting": [], "hidden": ["shown", "hidden"]}.get(state, ["shown"])
    for standing in standings:
        answer = host.patch(f"/api/photos?ids={photo['id']}", json={"standing": standing})
        assert answer.status_code == 204
    if state == "removed":
        assert owner.delete(f"/api/photos/{photo['id']}").status_code == 204
    return photo


def form_of(visibility: str, name: str = "a.jpg") -> dict:
    content = photo_bytes("jpg", next(numbers), (48, 32))
    return {"visibility": visibility, "file": (io.BytesIO(content), name)}


def photos_of(client: FlaskClient) -> list[dict]:
    return list(client.get("/api/photos").json["photos"])


@pytest.fixture
def only_photo(scene: Scene) -> Iterator[None]:
    yield
    owner = scene.people["owner"]
    for photo in photos_of(owner):
        owner.delete(f"/api/photos/{photo['id']}")
    scene.app.extensions["dropwall"].sweep.purge_removed(undo_seconds=-1)


@pytest.fixture
def signed_in_again(scene: Scene) -> Iterator[None]:
    yield
    for person, name in ACCOUNTS.items():
        if account(scene.people[person]) is None:
            scene.people[person] = signed_in(scene.app, name)


def test_every_route_is_asked_and_there_are_two_hundred_cells_and_more(scene: Scene) -> None:
    photo = {"id": "1", "url": "/uploads/1.jpg", "name": "1.jpg", "by": {"id": "2"}}
    match = scene.app.url_map.bind("localhost").match
    asked = set()
    others = {route: asked_of_others(route) for route, _, _ in cells_of_others()}
    for each in (*OF_A_PHOTO.values(), *others.values()):
        method, path = each.line(photo)
        asked.add((match(path.partition("?")[0], method)[0], method))
    every = {
        (rule.endpoint, method)
        for rule in scene.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert asked == every
    assert len({*cells_of_photos(), *cells_of_others()}) >= 200


@pytest.mark.parametrize(("route", "person", "state", "expected"), list(cells_of_photos()))
def test_everybody_may_do_with_a_photo_what_the_table_says(
    scene: Scene, only_photo: None, route: str, person: str, state: str, expected: str
) -> None:
    photo = send_photo(scene, state)
    asked = OF_A_PHOTO[route]
    with asked.of(scene.people[person], photo) as answer:
        if expected in ("in", "-"):
            assert asked.shows
            assert asked.shows(answer, photo) == (expected == "in")
            return
        assert answer.status_code == int(expected)
        if answer.status_code >= 400:
            assert answer.text in SENTENCES[answer.status_code]
        if route.startswith("GET") and answer.status_code == 200:
            may_be_kept = state == "public"
            assert ("no-store" not in answer.headers["Cache-Control"]) == may_be_kept
            assert "private" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(("route", "person", "expected"), list(cells_of_others()))
def test_everybody_may_do_what_the_table_says(
    scene: Scene, only_photo: None, signed_in_again: None, route: str, person: str, expected: str
) -> None:
    owner = scene.people["owner"]
    if "<upload>" in route:
        assert send_chunk(owner, UPLOAD, 0).status_code == 204
    with asked_of_others(route).of(copy_of(scene.people[person]), {}) as answer:
        assert answer.status_code == int(expected)
        if answer.status_code >= 400:
            assert re.fullmatch("[A-Z].*[.]", answer.text)
    if "<upload>" in route:
        is_discarded = (person, route.partition(" ")[0]) == ("owner", "DELETE")
        progress = owner.get(f"/api/uploads/{UPLOAD.uuid}")
        assert progress.status_code == (404 if is_discarded else 200)


def copy_of(client: FlaskClient) -> FlaskClient:
    """Who does what ends a session, does it to a copy of its cookie."""
    if client.get_cookie("dropwall"):
        return with_cookie(client.application, cookie(client))
    return client.application.test_client()
