"""Permissions: who may do what on every route, and with a photo in every state of it.

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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from werkzeug.test import TestResponse

from dropwall import create_app
from dropwall.catalog.changes import set_closed_at
from tests.support.chunks import InChunks, send_chunk
from tests.support.engines import config_of
from tests.support.photos import photo_bytes
from tests.support.programs import need_libraries
from tests.support.visitors import (
    PASSWORD,
    cookie,
    cookie_name,
    listed_photos,
    open_page,
    parts,
    signed_in,
    with_cookie,
)

PASSCODE = "roses"
LIBRARY = "dropzone@6.3.5/dist/dropzone-min.js"
UPLOAD = InChunks(b"of the owner's", 8, "unfinished.jpg")
TWO_YEARS_SECONDS = 2 * 365 * 24 * 60 * 60
STATES = ("public", "private", "hidden", "waiting", "removed")
PEOPLE = ("nobody", "guest", "account", "owner", "host", "uninvited", "forged", "expired")
ACCOUNTS = {"account": "Ann", "host": "Hanna"}
PHOTO_TABLE = """
                                      public private hidden waiting removed
GET {url}
GET /thumbnails/{id}/320.webp
  nobody guest account forged expired 200    404     404    404     404
  owner                               200    200     200    200     404
  host                                200    404     200    200     404
  uninvited                           401    401     401    401     401

listed in GET /api/photos
listed in GET /api/photos?ids={id}
listed in GET /api/photos?since=0
listed in GET /api/photos?q={name}
counted in GET /api/photos
told in GET /api/live?since=0
outlined in GET /api/outline
packed in GET /photos.zip
packed in GET /photos.zip?ids={id}
named in GET /api/guests
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           401    401     401    401     401

linked in GET /plain
  nobody guest account forged expired in     -       -      -       -
  owner                               in     in      in     in      -
  host                                in     -       in     in      -
  uninvited                           -      -       -      -       -

listed in GET /api/photos?only=private
  nobody guest account forged expired -      -       -      -       -
  owner                               -      in      -      -       -
  host                                -      -       -      -       -
  uninvited                           401    401     401    401     401

DELETE /api/photos/{id}
  nobody guest account forged expired 403    404     404    404     404
  owner                               204    204     204    204     404
  host                                204    404     204    204     404
  uninvited                           401    401     401    401     401

POST /api/photos/{id}/restore
  nobody guest account forged expired 404    404     404    404     404
  owner                               404    404     404    404     204
  host                                404    404     404    404     204
  uninvited                           401    401     401    401     401

PATCH /api/photos/{id} visibility=owner
  nobody guest account forged expired 403    404     404    404     404
  owner                               204    204     204    204     404
  host                                403    404     403    403     404
  uninvited                           401    401     401    401     401

PATCH /api/photos?ids={id} standing=shown
DELETE /api/guests/{by[id]}/photos
  nobody guest account forged expired 403    403     403    403     403
  owner                               403    403     403    403     403
  host                                204    204     204    204     204
  uninvited                           401    401     401    401     401
"""
"""What is asked, and sent: routes with the same answers stand together."""

OTHER_TABLE = """
nobody guest account owner host uninvited forged expired
200    200   200     200   200  200       200    200 GET /
200    200   200     200   200  200       200    200 GET /styles/tokens.css
200    200   200     200   200  200       200    200 GET /page/version/styles/tokens.css
302    302   302     302   302  401       302    302 GET /index.html
404    404   404     404   404  401       404    404 GET /page/version/index.html
200    200   200     200   200  200       200    200 GET /vendor/{library}
200    200   200     200   200  200       200    200 GET /livez
200    200   200     200   200  200       200    200 GET /healthz
404    404   404     404   404  404       404    404 GET /metrics
200    200   200     200   200  401       200    200 GET /api/settings
200    200   200     200   200  401       200    200 GET /qr.svg
200    200   200     200   200  401       200    200 GET /poster
404    404   404     404   404  401       404    404 GET /wifi.svg
200    200   200     200   200  200       200    200 GET /slideshow
200    200   200     200   200  200       200    200 GET /photo/1
200    200   200     200   200  200       200    200 GET /manifest.webmanifest
400    400   400     400   400  401       400    400 POST /api/selections
400    400   400     400   400  401       400    400 POST /api/photos/restore

204    204   204     204   204  401       204    204 POST / visibility=everyone
401    204   204     204   204  401       401    401 POST / visibility=owner
404    404   404     200   404  401       404    404 GET /api/uploads/{upload}
204    204   204     204   204  401       204    204 DELETE /api/uploads/{upload}
400    204   204     204   204  401       400    400 PUT /api/guest name=Olga

403    403   403     403   200  401       403    403 GET /api/host
403    403   403     403   200  401       403    403 GET /host
403    403   403     403   204  401       403    403 POST /host/close
403    403   403     403   204  401       403    403 POST /host/open
403    403   403     403   204  401       403    403 PATCH /api/guests/1/photos standing=shown
403    403   403     403   400  401       403    403 POST /api/photos/moderate

303    303   303     303   303  200       303    303 GET /passcode
204    204   204     204   204  204       204    204 POST /passcode passcode=roses
204    204   204     204   204  401       204    204 POST /passcode passcode=tulips
303    303   303     303   303  303       303    303 GET /join/roses
200    200   303     200   303  200       200    200 GET /sign-in
204    204   204     204   204  204       204    204 POST /sign-in name=Ann password={ok}
401    401   401     401   401  401       401    401 POST /sign-in name={new} password=wrong
200    200   303     200   303  200       200    200 GET /sign-up
204    204   204     204   204  401       204    204 POST /sign-up name={new} password={ok}
401    401   200     401   200  401       401    401 GET /account
401    401   204     401   204  401       401    401 POST /account old_password={ok} password={ok}
204    204   204     204   204  204       204    204 POST /sign-out
401    401   204     401   204  401       401    401 POST /sign-out-everywhere
"""


def read_photo_table() -> dict[str, dict[tuple[str, str], str]]:
    """By route: by person and state the answer."""
    table = {}
    for block in PHOTO_TABLE.strip().partition("\n")[2].split("\n\n"):
        answers = {}
        for line in re.findall("^  (.+)", block, re.M):
            people, cells = line.split()[: -len(STATES)], line.split()[-len(STATES) :]
            for person in people:
                answers |= {(person, state): cells[n] for n, state in enumerate(STATES)}
        table |= dict.fromkeys(re.findall("^[^ ].*", block, re.M), answers)
    return table


def read_other_table() -> dict[str, dict[str, str]]:
    """By route: by person the status."""
    _people, *rows = [line.split(maxsplit=len(PEOPLE)) for line in OTHER_TABLE.splitlines() if line]
    return {route: dict(zip(PEOPLE, answers, strict=True)) for *answers, route in rows}


OF_A_PHOTO, OF_OTHERS = read_photo_table(), read_other_table()


# What is asked


def shows(answer: TestResponse, how: str, photo: dict) -> bool:
    """Whether the photo is in the answer."""
    match how:
        case "counted":
            return answer.json["total"] == 1
        case "linked":
            return photo["id"] in answer.text
        case "named":
            return [guest["name"] for guest in answer.json["guests"]] == ["Olga"]
        case "outlined":
            return photo["id"] in [each[0] for each in answer.json["photos"]]
        case "packed" if answer.status_code == 404:
            return False  # there is nothing to pack
        case "packed":
            names = ZipFile(io.BytesIO(answer.data)).namelist()
            return photo["name"] in [name.rpartition(" ")[2] for name in names]
        case "told":
            event = next(answer.iter_encoded()).decode()
            listed = json.loads(event.partition("data: ")[2])
        case "listed":
            listed = answer.json
    return photo["id"] in [each["id"] for each in listed["photos"]]


OF_NO_PHOTO = {"id": "1", "url": "/uploads/1.jpg", "name": "1.jpg", "by": {"id": "2"}}
numbers = itertools.count()


def request_to(route: str, photo: dict = OF_NO_PHOTO) -> tuple[str, str, dict[str, str]]:
    """Method, path, and fields."""
    if "{library}" in route:
        need_libraries()
    words = {"library": LIBRARY, "upload": UPLOAD.uuid, "new": f"Guest-{next(numbers)}"}
    words["ok"] = PASSWORD
    method, path, *fields = route.rpartition(" in ")[2].split()
    sent = dict(field.format(**words).split("=") for field in fields)
    return method, path.format(**words, **photo), sent


def ask(who: FlaskClient, route: str, photo: dict = OF_NO_PHOTO) -> TestResponse:
    method, path, sent = request_to(route, photo)
    if method in ("PUT", "PATCH"):
        return who.open(path, method=method, json=sent)
    files = {"file": new_files(1)} if path == "/" and method == "POST" else {}
    return who.open(path, method=method, data=sent | files)


SENTENCES = {
    401: ["This gallery has a passcode. Open the gallery and enter it first."],
    403: [
        "This isn't your photo. Only whoever added it can do that.",
        "Only hosts can do that. Sign in as a host.",
    ],
    404: ["This photo was removed or isn't shared with you."],
}


# The gallery


@dataclass
class Scene:
    """A gallery, and all who might want to see a photo of its owner's. To `uninvited` it is
    another application, of the same folder."""

    app: Flask
    people: dict[str, FlaskClient]

    def send_photos(self, state: str, count: int) -> list[dict]:
        """As many of the owner's, brought into this state as people bring them there."""
        owner, host = self.people["owner"], self.people["host"]
        visibility = "owner" if state == "private" else "everyone"
        form = {"visibility": visibility, "file": new_files(count)}
        assert owner.post("/", data=form).status_code == 204
        photos = listed_photos(owner)
        assert len(photos) == count
        ids = ",".join(photo["id"] for photo in photos)
        for standing in {"waiting": [], "hidden": ["shown", "hidden"]}.get(state, ["shown"]):
            answer = host.patch(f"/api/photos?ids={ids}", json={"standing": standing})
            assert answer.status_code == 204
        if state == "removed":
            assert {owner.delete(f"/api/photos/{p['id']}").status_code for p in photos} == {204}
        return photos

    def empty(self) -> None:
        """Everybody removes what they may, and the gallery takes photos again."""
        set_closed_at(parts(self.app).database, None)
        clients = [self.people[person] for person in ("owner", "guest", "account", "host")]
        for client in clients:
            for photo in listed_photos(client):
                client.delete(f"/api/photos/{photo['id']}")
        assert [listed_photos(client) for client in clients] == [[], [], [], []]
        parts(self.app).sweep.purge_removed(undo_seconds=-1)


def new_files(count: int) -> list[tuple[BinaryIO, str]]:
    """That many photos, which are all the same picture, but for a number behind its end."""
    picture = photo_bytes(size=(48, 32))
    return [(io.BytesIO(picture + b"%d" % n), f"{n}.jpg") for n in itertools.islice(numbers, count)]


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    config = config_of(tmp_path_factory.mktemp("permissions"), mode="approval", sign_up=True)
    app, closed_app = create_app(config), create_app(replace(config, passcode=PASSCODE))
    for name in ACCOUNTS.values():
        parts(app).accounts.add(name, PASSWORD, is_host=name == "Hanna")
    owner, uninvited = open_page(app), open_page(closed_app)
    assert owner.put("/api/guest", json={"name": "Olga"}).status_code == 204
    assert uninvited.post("/passcode", data={"passcode": "tulips"}).status_code == 401
    people = {
        "nobody": app.test_client(),
        "owner": owner,
        "guest": open_page(app),
        "uninvited": uninvited,
        "forged": with_cookie(app, cookie(owner)[:-3] + "AAA"),
        "expired": with_cookie(app, expired_cookie(app, owner)),
    }
    yield Scene(app, people)
    for each in (app, closed_app):
        parts(each).watchers.close()


def expired_cookie(app: Flask, owner: FlaskClient) -> str:
    """Signed rightly, as it would have been then."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    then = int(time.time()) - TWO_YEARS_SECONDS
    with patch.object(TimestampSigner, "get_timestamp", lambda _signer: then):
        return serializer.dumps(serializer.loads(cookie(owner)))


@pytest.fixture
def scene(shared_scene: Scene) -> Iterator[Scene]:
    """Who has an account signs in again, because some routes end all of its sessions."""
    app, people = shared_scene.app, shared_scene.people
    people |= {person: signed_in(app, name) for person, name in ACCOUNTS.items()}
    yield shared_scene
    shared_scene.empty()


def test_every_route_is_in_the_tables(scene: Scene) -> None:
    match = scene.app.url_map.bind("localhost").match
    asked = set()
    for route in (*OF_A_PHOTO, *OF_OTHERS):
        method, path, _ = request_to(route)
        asked.add((match(path.partition("?")[0], method)[0], method))
    every = {
        (rule.endpoint, method)
        for rule in scene.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert asked == every


@pytest.mark.parametrize("route", OF_A_PHOTO)
def test_everybody_may_do_with_a_photo_what_the_table_says(scene: Scene, route: str) -> None:
    """Each photo is the only one, as counts are of it, unless the route changes it: then everybody
    has one, and who may remove them all comes last."""
    wrong = []
    for state in STATES:
        photos = scene.send_photos(state, 1 if "GET" in route else len(PEOPLE))
        people = sorted(PEOPLE, key=lambda person: OF_A_PHOTO[route][person, state] == "204")
        for person, photo in zip(people, itertools.cycle(photos), strict=False):
            expected = OF_A_PHOTO[route][person, state]
            with ask(scene.people[person], route, photo) as answer:
                got = seen_in(answer, route, photo, state, expected)
            if got != expected:
                wrong.append(f"{person}, {state}: {got} instead of {expected}")
        scene.empty()
    assert not wrong, "\n".join(wrong)


def seen_in(answer: TestResponse, route: str, photo: dict, state: str, expected: str) -> str:
    """What stands in the table, or else what is wrong with the answer."""
    if expected in ("in", "-"):
        return "in" if shows(answer, route.split()[0], photo) else "-"
    status = answer.status_code
    if status >= 400 and answer.text not in SENTENCES.get(status, []):
        return f"{status} {answer.text}"
    if route.startswith("GET") and status == 200:
        kept = answer.headers["Cache-Control"]
        if "private" not in kept or ("no-store" not in kept) != (state == "public"):
            return kept
    return str(status)


@pytest.mark.parametrize("route", OF_OTHERS)
def test_everybody_may_do_what_the_table_says(scene: Scene, route: str) -> None:
    owner, wrong = scene.people["owner"], []
    for person, expected in OF_OTHERS[route].items():
        if "{upload}" in route:
            assert send_chunk(owner, UPLOAD, 0).status_code == 204
        with ask(copy_of(scene.people[person]), route) as answer:
            is_said = answer.status_code < 400 or re.fullmatch("[A-Z].*[.]", answer.text)
            if str(answer.status_code) != expected or not is_said:
                wrong.append(f"{person}: {answer.status} {answer.text[:200]} instead of {expected}")
        if "{upload}" in route:
            progress = owner.get(f"/api/uploads/{UPLOAD.uuid}").status_code
            is_discarded = person == "owner" and route.startswith("DELETE")
            if progress != (404 if is_discarded else 200):
                wrong.append(f"{person}: the upload is then answered with {progress}")
    assert not wrong, "\n".join(wrong)


def copy_of(client: FlaskClient) -> FlaskClient:
    """Who does what ends a session, does it to a copy of its cookie."""
    if client.get_cookie(cookie_name(client.application)):
        return with_cookie(client.application, cookie(client))
    return client.application.test_client()
