"""The gallery's passcode: who has not told it sees nothing."""

import io
from dataclasses import replace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.config import Config
from server.passcode import Passcode
from tests.conftest import open_page
from tests.people.test_accounts import NAVIGATION, PASSWORD, TEXT, parts, sign_in, sign_up, waits
from tests.people.test_invitation import modules, modules_of
from tests.support.clock import Clock
from tests.support.engines import stored_files
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

PASSCODE = "Süße Rosen 7/7"
IN_A_LINK = "S%C3%BC%C3%9Fe%20Rosen%207%2F7"
WANTED = "This gallery has a passcode; please open it and enter that first."
WRONG = "This is not the passcode; please look at your invitation again."
ASKED = "This gallery has a passcode."


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, passcode=PASSCODE, sign_up=True)


def tell(client: FlaskClient, passcode: str = PASSCODE, **options: object):
    return client.post("/passcode", data={"passcode": passcode}, **options)


def sees_photos(client: FlaskClient) -> bool:
    return client.get("/api/photos").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("DELETE", "/"),
        ("GET", "/index.html"),
        ("GET", "/plain"),
        ("GET", "/poster"),
        ("GET", "/qr.svg"),
        ("GET", "/photos.zip"),
        ("GET", "/api/photos"),
        ("HEAD", "/api/photos"),
        ("OPTIONS", "/api/photos"),
        ("GET", "/api/outline"),
        ("GET", "/api/live"),
        ("GET", "/api/guests"),
        ("PUT", "/api/guest"),
        ("GET", "/api/settings"),
        ("GET", f"/api/uploads/{'a' * 32}"),
        ("DELETE", f"/api/photos/{'a' * 32}"),
        ("GET", f"/uploads/{'a' * 32}.jpg"),
        ("GET", f"/thumbnails/{'a' * 32}/320.webp"),
        ("POST", "/sign-up"),
        ("GET", "/nothing"),
        ("GET", "/api/nothing"),
    ],
)
def test_without_the_passcode_everything_is_closed(
    client: FlaskClient, method: str, path: str
) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (401, TEXT)
    assert answer.text == ("" if method == "HEAD" else WANTED)
    assert answer.headers["Dropwall-Refusal"] == "PasscodeWanted"


@pytest.mark.parametrize(
    "path",
    [
        "/app.js",
        "/styles/tokens.css",
        "/favicon.svg",
        "/icons/icon-192.png",
        "/manifest.webmanifest",
        "/vendor/dropzone@6.3.5/dist/dropzone-min.js",
        "/healthz",
        "/sign-in",
        "/passcode",
    ],
)
def test_what_the_pages_are_made_of_is_open(client: FlaskClient, path: str) -> None:
    assert client.get(path, buffered=True).status_code == 200


@pytest.mark.parametrize("path", ["/", "/sign-up"])
def test_the_passcode_is_asked_for_in_place_of_a_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")
    assert ASKED in answer.text
    assert client.get_cookie("dropwall") is None
    fields = {"passcode": PASSCODE, "next": path}
    answer = client.post("/passcode", data=fields, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert ASKED not in client.get(path, buffered=True).text


@pytest.mark.parametrize("passcode", [PASSCODE, "süsse  rosen 7/7 ", "SU\u0308SSE ROSEN 7/7"])
def test_who_tells_it_is_in_however_it_is_typed(client: FlaskClient, passcode: str) -> None:
    answer = tell(client, passcode)
    assert (answer.status_code, answer.data) == (204, b"")
    assert sees_photos(client)
    with client.session_transaction() as session:
        assert session.permanent
        assert PASSCODE not in str(dict(session))


@pytest.mark.parametrize("passcode", ["", "roses", f"{PASSCODE}7", PASSCODE[:-1], "\0"])
def test_a_wrong_one_is_refused(client: FlaskClient, passcode: str) -> None:
    answer = tell(client, passcode)
    assert (answer.status_code, answer.text, answer.content_type) == (401, WRONG, TEXT)
    answer = tell(client, passcode, headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert WRONG in answer.text
    assert not sees_photos(client)


def test_the_link_lets_in(client: FlaskClient) -> None:
    answer = client.get(f"/join/{IN_A_LINK}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert sees_photos(client)
    assert client.get("/join/another").headers["Location"] == "/"
    assert client.get("/passcode").headers["Location"] == "/"


def test_a_wrong_link_asks(client: FlaskClient) -> None:
    answer = client.get("/join/roses")
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert WRONG in answer.text
    assert ASKED in answer.text
    assert not sees_photos(client)


def test_another_passcode_asks_anew(config: Config, client: FlaskClient) -> None:
    tell(client)
    before = client.get("/api/settings").json["guest"]["id"]
    cookie = client.get_cookie("dropwall").value
    changed = create_app(replace(config, passcode="tulips")).test_client()
    changed.set_cookie("dropwall", cookie)
    assert not sees_photos(changed)
    tell(changed, "tulips")
    assert changed.get("/api/settings").json["guest"]["id"] == before


@pytest.mark.parametrize("token", ["", "é", "0" * 64, 1, None, ["a"]])
def test_a_session_without_the_right_proof_is_outside(app: Flask, token: object) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["passcode"] = token
    assert not sees_photos(client)


def test_who_is_signed_in_needs_none(app: Flask, client: FlaskClient) -> None:
    parts(app).accounts.add("Ann", PASSWORD)
    assert sign_up(client).status_code == 401
    assert sign_in(client).status_code == 204
    assert sees_photos(client)
    client.post("/sign-out")
    assert not sees_photos(client)
    tell(client)
    assert sign_up(client).status_code == 204
    assert sees_photos(client)


def test_after_twenty_wrong_ones_each_further_try_has_to_wait(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    for number in range(20):
        assert tell(client, f"rose {number}").status_code == 401
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        assert waits(tell(client)) == seconds
        assert client.get(f"/join/{IN_A_LINK}").status_code == 429
        clock.set_forward(seconds)
        assert client.get("/join/roses").status_code == 401
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert tell(app.test_client(), environ_base=elsewhere).status_code == 204
    clock.set_forward(30)
    assert tell(client).status_code == 204
    assert tell(app.test_client(), "rose").status_code == 401


def test_the_invitation_carries_it(client: FlaskClient) -> None:
    tell(client)
    site = "https://photos.example.com"
    client.set_cookie("dropwall", client.get_cookie("dropwall").value, domain="photos.example.com")
    link = f"{site}/join/{IN_A_LINK}"
    assert client.get("/api/settings", base_url=site).json["address"] == link
    assert modules(client, base_url=site) == modules_of(link)
    poster = client.get("/poster", base_url=site).text
    assert f">{site}<" in poster
    assert f"Passcode: <strong>{PASSCODE}</strong>" in poster


def test_without_a_passcode_nothing_is_asked(config: Config) -> None:
    client = open_page(create_app(replace(config, passcode="")))
    assert sees_photos(client)
    for path in ("/passcode", "/join/roses"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "/join" not in client.get("/api/settings").json["address"]
    assert "Passcode" not in client.get("/poster").text


def test_photos_without_the_passcode_are_refused_and_not_kept(
    client: FlaskClient, config: Config
) -> None:
    body = io.BytesIO(b"x" * 5_000_000)
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "5000000"}
    answer = client.post("/", content_type="image/jpeg", environ_overrides=environ)
    assert (answer.status_code, answer.text) == (401, WANTED)
    assert body.tell() == 5_000_000  # else a browser would see a broken connection
    assert stored_files(config.data) == []


def test_a_defect_on_the_way_in_does_not_write_the_passcode_into_the_log(
    app: Flask,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Passcode, "check", lambda *_: 1 / 0)
    assert client.get(f"/join/{IN_A_LINK}").status_code == 500
    assert "ZeroDivisionError" in caplog.text
    assert "GET /join/<path:word> failed" in caplog.text
    assert PASSCODE not in caplog.text


def test_a_large_upload_reads_the_sentence_to_its_end(config: Config) -> None:
    server = RunningServer(config.data, passcode="roses", workers=1)
    try:
        photo = photo_bytes("jpg") + b"\0" * 20_000_000
        answer = server.send(("a.jpg", photo))
        assert (answer.status_code, answer.text) == (401, WANTED)
        guest = requests.Session()
        guest.get(f"{server.url}/join/roses")
        files = {"file": ("a.jpg", photo_bytes("jpg"))}
        assert guest.post(server.url, files=files).status_code == 204
    finally:
        server.stop()
