"""The passcode of a gallery: without it nothing is shown and nothing is taken."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path
from time import sleep

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dropwall import create_app
from dropwall.config import Config
from dropwall.people import rate_limits
from dropwall.people.passcode import Passcode
from dropwall.refusals import TooManyWaiting
from tests.support.clock import Clock
from tests.support.gallery_server import GalleryServer, SharedGallery
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    NAVIGATION,
    PASSWORD,
    TEXT,
    cookie,
    cookie_name,
    outcome,
    own_id,
    parts,
    sign_in,
    sign_up,
    waits,
    with_cookie,
)

pytestmark = pytest.mark.embedded

PASSCODE = "Süße Rosen 7/7"
LINK = "/join/S%C3%BC%C3%9Fe%20Rosen%207%2F7"
WANTED = "This gallery has a passcode. Open the gallery and enter it first."
WRONG = "That's not the passcode. Check your invitation."
ASKED = "Enter the passcode from your invitation."
CLOSED = """
    POST /, DELETE /, GET /index.html, GET /page/0/index.html, GET /photos.zip,
    GET /api/settings, GET /api/photos, HEAD /api/photos, OPTIONS /api/photos, GET /api/live,
    PUT /api/guest, GET /uploads/1.jpg, GET /thumbnails/1/320.webp, POST /sign-up, GET /nothing,
    GET /api/nothing
"""
OPEN = """
    /app.js /page/0/app.js /favicon.svg /icons/icon-192.png /manifest.webmanifest
    /sign-in /passcode
"""
"""Every route stands in web/test_permissions, with its status."""


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, passcode=PASSCODE, sign_up=True)


def enter(client: FlaskClient, passcode: str = PASSCODE, **options: object) -> TestResponse:
    return client.post("/passcode", data={"passcode": passcode}, **options)


def sees_photos(client: FlaskClient) -> bool:
    answer = client.get("/api/photos")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_without_the_passcode_only_what_the_form_needs_is_open(client: FlaskClient) -> None:
    for request in CLOSED.split(","):
        method, path = request.split()
        answer = client.open(path, method=method)
        text = "" if method == "HEAD" else WANTED
        assert (outcome(answer), answer.content_type) == ((401, text), TEXT), request
        assert answer.headers["Dropwall-Refusal"] == "passcode-wanted"
    for path in OPEN.split():
        assert client.get(path, buffered=True).status_code == 200, path


def test_the_passcode_is_asked_for_in_place_of_a_page(app: Flask) -> None:
    for path in ("/", "/plain", "/slideshow", "/sign-up"):
        client = app.test_client()
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")
        assert ASKED in answer.text
        assert client.get_cookie(cookie_name(app)) is None
        fields = {"passcode": PASSCODE, "next": path}
        answer = client.post("/passcode", data=fields, headers=NAVIGATION)
        assert (answer.status_code, answer.headers["Location"]) == (303, path)
        assert ASKED not in client.get(path, buffered=True).text


def test_the_passcode_lets_in_however_it_is_typed(app: Flask) -> None:
    for passcode in (PASSCODE, "süsse  rosen 7/7 ", "SU\u0308SSE ROSEN 7/7"):
        client = app.test_client()
        assert outcome(enter(client, passcode)) == (204, ""), passcode
        assert sees_photos(client)
        with client.session_transaction() as session:
            assert session.permanent
            assert PASSCODE not in str(dict(session))


def test_a_wrong_passcode_is_refused(client: FlaskClient) -> None:
    for passcode in ("", "roses", f"{PASSCODE}7", PASSCODE[:-1], "\0"):
        answer = enter(client, passcode)
        assert (outcome(answer), answer.content_type) == ((401, WRONG), TEXT)
        answer = enter(client, passcode, headers=NAVIGATION)
        assert (answer.status_code, answer.mimetype) == (401, "text/html")
        assert WRONG in unescape(answer.text)
        assert not sees_photos(client)


def test_the_link_with_the_passcode_lets_in(client: FlaskClient) -> None:
    answer = client.get("/join/roses")
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert WRONG in unescape(answer.text)
    assert ASKED in answer.text
    assert not sees_photos(client)
    for path in (LINK, "/join/another", "/passcode"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert sees_photos(client)


def test_a_new_passcode_is_asked_for_again(config: Config, client: FlaskClient) -> None:
    enter(client)
    guest = own_id(client)
    changed = with_cookie(create_app(replace(config, passcode="tulips")), cookie(client))
    assert not sees_photos(changed)
    enter(changed, "tulips")
    assert own_id(changed) == guest


def test_a_session_without_the_right_proof_sees_nothing(app: Flask) -> None:
    for token in ("", "é", "0" * 64, 1, None, ["a"]):
        client = app.test_client()
        with client.session_transaction() as session:
            session["passcode"] = token
        assert not sees_photos(client), token


def test_an_account_stands_for_the_passcode_but_is_not_made_without_it(
    app: Flask, client: FlaskClient
) -> None:
    parts(app).accounts.add("Ann", PASSWORD)
    assert sign_up(client).status_code == 401
    assert sign_in(client).status_code == 204
    assert sees_photos(client)
    client.post("/sign-out")
    assert not sees_photos(client)
    enter(client)
    assert sign_up(client).status_code == 204
    assert sees_photos(client)


def test_the_rate_limit_begins_after_twenty_wrong_passcodes(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    for number in range(20):
        assert enter(client, f"rose {number}").status_code == 401
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        assert waits(enter(client)) == seconds
        clock.set_forward(seconds)
        assert enter(client, "roses").status_code == 401
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert enter(app.test_client(), environ_base=elsewhere).status_code == 204
    clock.set_forward(30)
    assert enter(client).status_code == 204
    assert enter(app.test_client(), "rose").status_code == 401


def test_links_that_another_page_opens_keep_nobody_from_typing_the_passcode(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)  # on a busy machine the first tries would be forgotten before the last
    for number in range(20):
        assert client.get(f"/join/rose {number}").status_code == 401
    answer = client.get(LINK)
    assert (answer.status_code, answer.mimetype) == (429, "text/html")
    assert answer.headers["Dropwall-Refusal"] == "too-many-links"
    assert "Almost there. Tap “Open the gallery”." in answer.text
    assert f'value="{PASSCODE}"' in answer.text
    assert not sees_photos(client)
    assert enter(client).status_code == 204


def guess(app: Flask, network: int) -> TestResponse:
    """From one of the many networks that one person may have."""
    elsewhere = {"REMOTE_ADDR": f"2001:db8:0:{network:x}::1"}
    return enter(app.test_client(), f"rose {network}", environ_base=elsewhere)


def test_guessing_from_many_networks_is_slow_and_delays_nobody_for_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    for network in range(100):
        assert guess(app, network).status_code == 401
    assert clock.slept_seconds == 0
    for network, delay in ((100, 1), (101, 2), (102, 3), (103, 3)):
        before = clock.slept_seconds
        assert guess(app, network).status_code == 401
        assert clock.slept_seconds - before == delay
        guest = {"REMOTE_ADDR": f"192.0.2.{network}"}
        assert enter(app.test_client(), environ_base=guest).status_code == 204
        assert clock.slept_seconds - before <= delay + 3
    clock.set_forward(6)
    before = clock.slept_seconds
    assert enter(app.test_client()).status_code == 204
    assert clock.slept_seconds == before


def test_guests_of_one_router_get_in_while_others_guess(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once, more than there are places, and each is delayed."""
    app = create_app(replace(config, threads=64))  # four places, two for a network
    Clock(monkeypatch)
    for network in range(100):
        guess(app, network)
    at_once, most = 0, 0
    changing = threading.Lock()

    def wait(_seconds: float) -> None:
        nonlocal at_once, most
        with changing:
            at_once += 1
            most = max(most, at_once)
        sleep(0.01)
        with changing:
            at_once -= 1

    monkeypatch.setattr(rate_limits, "sleep", wait)

    def enter_as_guest(_number: int) -> int:
        return enter(app.test_client(), environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code

    with ThreadPoolExecutor(40) as pool:
        guessing = [pool.submit(guess, app, network) for network in range(100, 120)]
        assert set(pool.map(enter_as_guest, range(10))) == {204}
        for guessed in guessing:
            guessed.result()
    assert most <= 4


def test_somebody_who_guesses_takes_only_some_of_the_places(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(replace(config, threads=64))
    Clock(monkeypatch)
    for network in range(100):
        guess(app, network)
    is_waiting, may_end = threading.Semaphore(0), threading.Event()

    def wait(_seconds: float) -> None:
        is_waiting.release()
        may_end.wait()

    monkeypatch.setattr(rate_limits, "sleep", wait)
    with ThreadPoolExecutor(40) as pool:
        try:
            guessing = [pool.submit(guess, app, 100 + number) for number in range(30)]
            again = [pool.submit(guess, app, number) for number in range(30)]
            assert all(is_waiting.acquire(timeout=30) for _ in range(2))
            assert not is_waiting.acquire(timeout=0.1)
            guest = pool.submit(enter, app.test_client(), environ_base={"REMOTE_ADDR": "192.0.2.7"})
            assert is_waiting.acquire(timeout=30)
        finally:
            may_end.set()
    assert guest.result().status_code == 204
    refused = [each.result() for each in [*guessing, *again] if each.result().status_code != 401]
    assert refused
    for answer in refused:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
        assert answer.text == "Many people are trying to get in right now. Try again in 3 seconds."


def test_a_short_passcode_is_warned_of_at_the_start(tmp_path: Path) -> None:
    warning = (
        "DROPWALL_PASSCODE has fewer than 6 characters, and can be guessed by somebody with many"
        " addresses. Choose a longer one."
    )
    for name, passcode, is_warned in (("short", "12 3 45", True), ("long", "roses7", False)):
        folder = tmp_path / name
        folder.mkdir()
        with closing(GalleryServer(folder / "data", passcode=passcode)) as server:
            assert (warning in server.log) == is_warned
            assert passcode not in server.log


def test_who_sends_a_photo_without_the_passcode_reads_the_refusal(tmp_path: Path) -> None:
    gallery = SharedGallery(tmp_path / "data", passcode="roses")
    large = photo_bytes("jpg") + bytes(20_000_000)  # unread it would break the connection
    answer = gallery.send(("a.jpg", large))
    assert (answer.status_code, answer.text) == (401, WANTED)
    assert gallery.files() == []


def test_the_log_of_a_defect_does_not_have_the_passcode(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Passcode, "check", lambda *_: 1 / 0)
    assert client.get(LINK).status_code == 500
    assert "ZeroDivisionError" in caplog.text
    assert "GET /join/<path:word> failed" in caplog.text
    assert PASSCODE not in caplog.text


def test_whoever_waits_very_long_for_a_place_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limits, "LONGEST_WAIT_SECONDS", 0.05)
    room = rate_limits.WaitingRoom(2)
    with room.place("home", False, 9):
        for _ in range(10):  # who has gone leaves room for the next one to wait
            with pytest.raises(TooManyWaiting), room.place("home", False, 9):
                pass
        with room.place("office", False, 9):
            pass
    with room.place("home", False, 9):
        pass
