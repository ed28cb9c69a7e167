"""Accounts: signing up, in and out, the password, and the rate limit of failed tries."""

import hmac
import io
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha512
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from sqlalchemy import select, update
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from dropwall import create_app
from dropwall.catalog.accounts import find_account, remove_account
from dropwall.catalog.tables import accounts, failed_tries
from dropwall.config import Config
from dropwall.people import passwords, rate_limits
from dropwall.people.accounts import SIGN_UPS
from dropwall.people.passwords import DUMMY_HASH, is_password
from dropwall.people.rate_limits import Allowance, network_of
from dropwall.web.security import FORMER_COOKIE
from tests.support.clock import Clock
from tests.support.engines import catalog_of, config_of
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    NAVIGATION,
    PASSWORD,
    TEXT,
    account,
    cookie,
    cookie_name,
    listed,
    listed_photos,
    open_page,
    outcome,
    own_id,
    own_name,
    parts,
    send_as,
    sign_in,
    sign_up,
    signed_in,
    take_name,
    waits,
    with_cookie,
)

WRONG = "Wrong name or password. Try again."
TAKEN = "This name is taken. Choose another one."
TOO_LONG = "This name is too long. Use up to 60 characters."
BAD_PASSWORD = "Choose a password of 8 to 256 characters."
DONE = (204, "")
DAY_SECONDS = 24 * 60 * 60
PHOTO = photo_bytes("jpg", size=(48, 32))
ELSEWHERE = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "data", sign_up=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ann(app: Flask) -> str:
    """Her account's id."""
    return parts(app).accounts.add("Ann", PASSWORD).id


def change_password(client: FlaskClient, old: str, new: str, **options: object) -> TestResponse:
    return client.post("/account", data={"old_password": old, "password": new}, **options)


# Signing in


def test_signing_in_takes_photos_along(app: Flask, client: FlaskClient, ann: str) -> None:
    send_as(client, "a.jpg", PHOTO)
    assert account(client) is None
    assert outcome(sign_in(client)) == DONE
    assert account(client) == {"name": "Ann", "is_host": False}
    assert (own_id(client), own_name(client)) == (ann, "Ann")
    assert listed(client, "mine=1") == ["a.jpg"]
    other_device = signed_in(app)
    send_as(other_device, "b.jpg", photo_bytes("jpg", seed=2))
    assert listed(client, "mine=1") == ["b.jpg", "a.jpg"]
    photo = listed_photos(client)[-1]
    assert photo["by"] == {"id": ann, "name": "Ann"}
    assert other_device.delete(f"/api/photos/{photo['id']}").status_code == 204


def test_signing_in_takes_nobody_elses_photos_along(app: Flask, ann: str) -> None:
    parts(app).accounts.add("Bo", PASSWORD)
    for client in (app.test_client(), signed_in(app)):
        send_as(client, "a.jpg", PHOTO)
        sign_in(client, "Bo")
        assert account(client) == {"name": "Bo", "is_host": False}
        assert listed(client, "mine=1") == []
    assert listed(client) == ["a.jpg", "a.jpg"]
    assert listed(signed_in(app), "mine=1") == ["a.jpg"]


def test_a_name_or_a_password_may_be_spelt_in_another_way(app: Flask) -> None:
    parts(app).accounts.add("Ann", "Tu\u0308r und Tor")
    for name, password, status in (
        *((name, "T\u00fcr und Tor", 204) for name in ("ann", " ANN ", "\uff21nn", "aNn")),
        ("Ann", "t\u00fcr und tor", 401),
        ("Ann", " T\u00fcr und Tor", 401),
    ):
        assert sign_in(open_page(app), name, password).status_code == status, (name, password)


def test_a_wrong_name_is_refused_as_a_wrong_password_is(client: FlaskClient, ann: str) -> None:
    before = own_id(client)
    for name, password in (
        ("Ann", "correct house"),
        ("Ann", ""),
        ("Anna", PASSWORD),
        ("", ""),
        ("n" * 100, PASSWORD),
        ("Ann", "p" * 1000),
        ("'; DROP TABLE accounts; --", "\0"),
    ):
        answer = sign_in(client, name, password)
        assert (outcome(answer), answer.content_type) == ((401, WRONG), TEXT)
        assert answer.headers["Dropwall-Refusal"] == "wrong-password"
    assert client.post("/sign-in").status_code == 401
    assert client.post("/sign-in", json={"name": "Ann", "password": PASSWORD}).status_code == 401
    assert (account(client), own_id(client)) == (None, before)
    form = sign_in(client, "<Ann>", "wrong", headers=NAVIGATION)
    assert (form.status_code, form.mimetype) == (401, "text/html")
    assert form.headers["Dropwall-Refusal"] == "wrong-password"
    assert form.headers["Cache-Control"] == "private, no-store"
    assert WRONG in form.text
    assert 'value="&lt;Ann&gt;"' in form.text
    assert "wrong" not in form.text


@pytest.mark.embedded
def test_who_waits_too_long_for_a_password_to_be_hashed_is_asked_to_come_again(
    app: Flask, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(passwords, "_slots", threading.BoundedSemaphore(1))
    with passwords._slots:
        answer = sign_in(app.test_client())
    sentence = "Many people are signing in right now. Try again in a few seconds."
    assert (outcome(answer), answer.headers["Retry-After"]) == ((503, sentence), "5")
    assert account(signed_in(app)) is not None


def test_a_form_of_megabytes_is_refused_and_not_read(app: Flask, ann: str) -> None:
    client = signed_in(create_app(replace(parts(app).settings, passcode="party")))
    for path in ("/sign-in", "/sign-up", "/account", "/passcode"):
        answer = client.post(path, data={"name": "n" * 3_000_000})
        assert (answer.status_code, answer.content_type) == (400, TEXT), path


@pytest.mark.embedded
def test_signing_in_redirects_only_within_this_site(client: FlaskClient, ann: str) -> None:
    answer = sign_in(client, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    for wanted, location in (
        ("/account", "/account"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        (" //evil.example", "/"),
    ):
        there_already = client.get("/sign-in", query_string={"next": wanted})
        client.post("/sign-out")
        fields = {"name": "Ann", "password": PASSWORD, "next": wanted}
        signing_in = client.post("/sign-in", data=fields, headers=NAVIGATION)
        for answer in (there_already, signing_in):
            assert (answer.status_code, answer.headers["Location"]) == (303, location), wanted


# The session


def test_a_cookie_from_before_signing_in_or_up_is_not_the_accounts(app: Flask, ann: str) -> None:
    for enter in (sign_in, sign_up):
        client = open_page(app)
        send_as(client, "a.jpg", PHOTO)
        planted = cookie(client)
        assert enter(client).status_code == 204
        assert listed(client, "mine=1") == ["a.jpg"]
        stranger = with_cookie(app, planted)
        assert account(stranger) is None
        assert own_id(stranger) != own_id(client)
        assert listed(stranger, "mine=1") == []
        with client.session_transaction() as session:
            assert "guest_id" not in session
            assert session.permanent


@pytest.mark.embedded
def test_a_forged_cookie_is_nobodys(app: Flask, ann: str) -> None:
    def sign(user_id: str, signing: Flask = app) -> str:
        serializer = SecureCookieSessionInterface().get_signing_serializer(signing)
        return serializer.dumps({"_user_id": user_id})

    right = cookie(signed_in(app))
    payload, rest = right.removeprefix(".").split(".", 1)
    own = find_account(parts(app).accounts.database, ann).session_key
    other = parts(app).accounts.add("Bo", PASSWORD).session_key
    elsewhere = Flask("other")
    elsewhere.secret_key = b"k" * 32
    for forged in (
        right[:-2] + ("AA" if right[-2:] != "AA" else "BB"),
        f"{payload}x.{rest}",
        sign(f"{ann}.{own}", elsewhere),
        "",
        "." * 50,
        "é",
        *(sign(ann + key) for key in ("", ".", ".x", ".é", f".{other}", own)),
    ):
        stranger = with_cookie(app, forged)
        assert account(stranger) is None, forged
        assert own_id(stranger) != ann
    for known in (right, sign(f"{ann}.{own}")):
        assert account(with_cookie(app, known)) is not None
    digest = hmac.new(app.secret_key, f"{ann}.{own}".encode(), sha512).hexdigest()
    for remembered in (digest, "é", "", "x|y"):  # which Flask-Login would take by default
        client = app.test_client()
        client.set_cookie("remember_token", f"{ann}.{own}|{remembered}")
        assert account(client) is None
        assert sign_in(client).headers.getlist("Set-Cookie")[0].startswith(f"{cookie_name(app)}=")


@pytest.mark.embedded
def test_sessions_last_400_days(app: Flask, ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for days, status in ((399, 200), (401, 401)):
        past = int(time.time()) - days * DAY_SECONDS
        with monkeypatch.context() as long_ago:
            long_ago.setattr(TimestampSigner, "get_timestamp", lambda _self, at=past: at)
            client = signed_in(app)
        assert with_cookie(app, cookie(client)).get("/account").status_code == status


def send_private(client: FlaskClient) -> None:
    form = {"visibility": "owner", "file": (io.BytesIO(PHOTO), "own.jpg")}
    assert client.post("/", data=form, headers=NAVIGATION).status_code == 303


def test_two_galleries_on_one_host_take_nothing_of_each_other(app: Flask, tmp_path: Path) -> None:
    """A browser sends its cookies to every port of a host."""
    other = create_app(config_of(tmp_path / "other"))
    browser = open_page(app)
    guest = own_id(browser)
    send_private(browser)
    browser.application = other
    assert "Photo added ✓" not in browser.get("/plain").text
    there = own_id(browser)
    browser.application = app
    assert "Photo added ✓" in browser.get("/plain").text
    assert own_id(browser) == guest
    assert listed(browser, "mine=1") == ["own.jpg"]
    browser.application = other
    assert own_id(browser) == there


def test_the_cookie_of_a_former_version_is_taken_over_once(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    """Until the visitor is somebody else: servers of that version may still run beside this one."""
    send_private(client)
    browser = app.test_client()
    browser.set_cookie(FORMER_COOKIE, cookie(client))
    answer = browser.get("/styles/tokens.css", buffered=True)
    assert (answer.headers["Vary"], "Set-Cookie" in answer.headers) == ("Accept-Encoding", False)
    assert listed(browser, "mine=1") == ["own.jpg"]
    assert own_id(with_cookie(app, cookie(browser))) == own_id(client)
    assert browser.get_cookie(FORMER_COOKIE)
    assert sign_in(browser).status_code == 204
    assert browser.get_cookie(FORMER_COOKIE) is None
    browser.set_cookie(FORMER_COOKIE, cookie(client))
    assert account(browser) == {"name": "Ann", "is_host": False}  # the one with the id comes first
    browser.post("/sign-out")
    assert own_id(browser) not in (own_id(client), ann)


def test_the_former_cookie_of_another_gallery_is_left_alone(app: Flask, tmp_path: Path) -> None:
    theirs = cookie(open_page(create_app(config_of(tmp_path / "other"))))
    browser = app.test_client()
    browser.set_cookie(FORMER_COOKIE, theirs)
    assert own_id(browser) == own_id(browser)
    assert browser.get_cookie(FORMER_COOKIE).value == theirs


@pytest.mark.embedded
def test_style_sheets_do_not_depend_on_who_asks(app: Flask, ann: str) -> None:
    answer = signed_in(app).get("/styles/tokens.css", buffered=True)
    assert (answer.headers["Vary"], "Set-Cookie" in answer.headers) == ("Accept-Encoding", False)


def test_a_page_sends_as_who_it_was_or_not_at_all(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    guest, numbers = own_id(client), itertools.count()

    def send(who: FlaskClient, page_of: str) -> int:
        content = io.BytesIO(PHOTO + bytes([next(numbers)]))
        return who.post("/", data={"guest": page_of, "file": (content, "a.jpg")}).status_code

    assert send(client, guest) == 204
    assert sign_in(client).status_code == 204
    assert send(client, guest) == 204  # it was on its way
    bo = parts(app).accounts.add("Bo", PASSWORD)
    assert send(signed_in(app, "Bo"), ann) == 401
    assert send(signed_in(app, "Bo"), bo.id) == 204
    assert send(app.test_client(), ann) == 204  # of a browser without cookies
    assert len(listed(client, "mine=1")) == 2


@pytest.mark.parametrize("how", ["everywhere", "password", "later"])
def test_the_cookie_from_before_sends_for_the_account_for_a_while_only(
    app: Flask, client: FlaskClient, ann: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on its way while one signs in is the account's; and nobody else removes it so."""
    before = with_cookie(app, cookie(client))
    assert sign_in(client).status_code == 204
    for _ in range(2):
        form = {"visibility": "owner", "file": (io.BytesIO(PHOTO), "own.jpg")}
        assert before.post("/", data=form).status_code == 204
        assert listed(client, "mine=1") == ["own.jpg"]
        assert listed(before) == []
    if how == "everywhere":
        client.post("/sign-out-everywhere")
    elif how == "password":
        parts(app).accounts.set_password(parts(app).accounts.find("Ann"), PASSWORD)
    else:
        monkeypatch.setattr("dropwall.catalog.photos.ADOPTION_SECONDS", -1)
    send_as(before, "by the former cookie.jpg", photo_bytes("jpg", 2))
    assert listed(signed_in(app), "mine=1") == ["own.jpg"]


# Signing out


def test_a_device_that_signs_out_is_a_new_guest(app: Flask, ann: str) -> None:
    client, other_device = signed_in(app), signed_in(app)
    assert outcome(client.post("/sign-out")) == DONE
    assert account(client) is None
    assert (guest := own_id(client)) != ann
    assert account(other_device) is not None
    assert client.post("/sign-out", headers=NAVIGATION).headers["Location"] == "/"
    assert own_id(client) == guest  # who is not signed in stays who they are


def test_signing_out_everywhere_reaches_every_device(app: Flask, ann: str) -> None:
    here, there = signed_in(app), signed_in(app)
    send_as(here, "a.jpg", PHOTO)
    copied = with_cookie(app, cookie(there))
    assert here.post("/sign-out-everywhere").status_code == 204
    for client in (here, there, copied):
        assert outcome(client.get("/account")) == (401, "Sign in first.")
        redirect = client.get("/account?a=b", headers=NAVIGATION)
        assert redirect.headers["Location"] == "/sign-in?next=/account?a%3Db"
        assert (account(client), listed(client, "mine=1")) == (None, [])
        assert own_id(client) != ann
    assert listed(signed_in(app), "mine=1") == ["a.jpg"]


def test_the_page_of_a_session_that_was_ended_elsewhere_adds_no_photo_of_nobody(
    app: Flask, ann: str
) -> None:
    here, there = signed_in(app), signed_in(app)
    assert here.post("/sign-out-everywhere").status_code == 204
    sent = {"file": (io.BytesIO(PHOTO), "b.jpg"), "guest": ann}
    answer = there.post("/", data=sent)
    assert (answer.status_code, answer.headers["Dropwall-Refusal"]) == (401, "somebody-else")
    assert listed(signed_in(app)) == []


def test_a_name_from_a_session_that_was_ended_elsewhere_is_nobodys(app: Flask, ann: str) -> None:
    here, there = signed_in(app), signed_in(app)
    assert here.post("/sign-out-everywhere").status_code == 204
    sentence = "You've been signed out, or cookies are off. Reload the page and try again."
    assert outcome(take_name(there, "Bobo")) == (400, sentence)
    there.get("/")
    assert (outcome(take_name(there, "Bobo")), own_name(signed_in(app))) == (DONE, "Ann")


# Signing up


def test_signing_up_keeps_photos_and_name(app: Flask, client: FlaskClient) -> None:
    take_name(client, "Bobo")
    send_as(client, "a.jpg", PHOTO)
    assert outcome(sign_up(client)) == DONE
    assert account(client) == account(signed_in(app, "bo")) == {"name": "Bo", "is_host": False}
    assert own_name(client) == "Bobo"
    assert listed(client, "mine=1") == ["a.jpg"]
    assert listed_photos(client)[0]["by"] == {"id": own_id(client), "name": "Bobo"}
    nameless = open_page(app)
    sign_up(nameless, "Cy")
    assert own_name(nameless) == "Cy"


def test_signing_up_needs_a_free_name_and_a_password_of_8_to_256_characters(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    for name, password, status, sentence in (
        ("ANN", PASSWORD, 409, TAKEN),
        ("\uff21nn ", PASSWORD, 409, TAKEN),
        ("", PASSWORD, 400, "Enter a name."),
        ("\u200b\u3164", PASSWORD, 400, "Enter a name."),
        ("n" * 61, PASSWORD, 400, TOO_LONG),
        ("Bo", "7 chars", 400, BAD_PASSWORD),
        ("Bo", "u\u0308" * 7, 400, BAD_PASSWORD),
        ("Bo", "p" * 257, 400, BAD_PASSWORD),
    ):
        answer = sign_up(client, name, password)
        assert (outcome(answer), answer.content_type) == ((status, sentence), TEXT)
        assert account(client) is None
    for name, password in (("Bo", "8 signs."), ("Cy", "        "), ("Di", "🐎" * 256)):
        assert sign_up(open_page(app), name, password).status_code == 204
        assert account(signed_in(app, name, password)) is not None


# Characters that are not drawn by themselves: of the categories Cf, Mn, Lo and So.
UNSEEN = (
    "\u00ad\u034f\u115f\u17b4\u180b\u180e\u200b\u200c\u200d\u2060\u3164\ufe00\ufe0f\ufeff\ufffc"
    "\U0001d159\U000e0061\U000e0100"
)


def test_nobody_is_called_like_another_but_for_what_cannot_be_seen(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    parts(app).accounts.add("Zoë Lang", PASSWORD)
    for character in UNSEEN:
        for name in (f"Ann{character}", f"{character}ann", f"Zoë{character} Lang"):
            assert sign_up(client, name).status_code == 409, ascii(name)
    for joined in ("A\u200dnn", "An\ufe0fn", "A\u034fnn", "Zo\u200de\u0308 Lang"):
        assert sign_up(client, joined).status_code == 409, ascii(joined)
    for space in "\t\u00a0\u1680\u2003\u2028\u202f\u205f\u2800\u3000":
        for name in (f"Zoë{space}Lang", f"Zoë {space}Lang{space}"):
            assert sign_up(client, name).status_code == 409, ascii(name)
    for name in ("\ufe0f", "\u034f\u200d", "\U000e0100 \ufe0f"):
        assert sign_up(client, name).text == "Enter a name."
    assert account(client) is None


def test_an_account_of_a_former_version_is_found_by_its_whole_name(
    config: Config, app: Flask, ann: str
) -> None:
    """It may differ from another one by what cannot be seen."""
    for name, former in (("Ann \u2764\ufe0f", "ann \u2764\ufe0f"), ("A\u200dnn", "a\u200dnn")):
        made = parts(app).accounts.add(f"Former {name}", f"{PASSWORD} {name}")
        with catalog_of(config.data) as catalog:
            this_one = update(accounts).where(accounts.c.id == made.id)
            catalog.execute(this_one.values(name=name, folded_name=former))
        assert own_id(signed_in(app, name, f"{PASSWORD} {name}")) == made.id
        assert parts(app).accounts.find(name).id == made.id
    assert own_id(signed_in(app)) == ann


def test_many_who_want_one_name_at_once_do_not_share_it(app: Flask) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: sign_up(app.test_client()).status_code, range(4))
        assert sorted(answers) == [204, 409, 409, 409]


@pytest.mark.embedded
def test_where_the_host_does_not_want_it_there_is_no_signing_up(config: Config) -> None:
    client = create_app(replace(config, sign_up=False)).test_client()
    for answer in (client.get("/sign-up"), sign_up(client)):
        assert (answer.status_code, answer.content_type) == (404, TEXT)
    assert "/sign-up" not in client.get("/sign-in").text
    settings = client.get("/api/settings").json
    assert (settings["sign_up"], settings["mode"]) == (False, "everyone")


# The password


def test_another_password_signs_out_the_other_devices(app: Flask, ann: str) -> None:
    here, there = signed_in(app), signed_in(app)
    copied = with_cookie(app, cookie(here))
    assert outcome(change_password(here, PASSWORD, "battery staple")) == DONE
    assert account(here) is not None
    assert account(there) is account(copied) is None
    assert sign_in(there).status_code == 401
    assert sign_in(there, password="battery staple").status_code == 204


def test_without_the_old_password_there_is_no_new_one(app: Flask, ann: str) -> None:
    client, sentence = signed_in(app), "That's not your current password. Try again."
    answer = change_password(client, "wrong", "battery staple")
    assert (outcome(answer), answer.content_type) == ((401, sentence), TEXT)
    assert outcome(change_password(client, PASSWORD, "short")) == (400, BAD_PASSWORD)
    answer = change_password(client, "wrong", "battery staple", headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert sentence in unescape(answer.text)
    assert account(signed_in(app)) is not None


def test_an_account_that_is_removed_meanwhile_gets_no_new_password(
    app: Flask, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_and_agree(*_: str) -> bool:
        remove_account(parts(app).accounts.database, ann)
        return True

    client = signed_in(app)
    monkeypatch.setattr(passwords, "check_password_hash", remove_and_agree)
    assert outcome(change_password(client, PASSWORD, "battery staple")) == (
        401,
        "This account no longer exists. Sign in again.",
    )


@pytest.mark.embedded
def test_passwords_are_kept_as_scrypt_hashes(
    app: Flask, config: Config, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that nobody has is compared at the same cost, lest time tell who has an account."""
    monkeypatch.setattr(passwords, "generate_password_hash", generate_password_hash)
    assert sign_up(client).status_code == 204
    for kept in (parts(app).accounts.find("Bo").password_hash, DUMMY_HASH):
        assert kept.startswith("scrypt:32768:8:1$")
    assert not is_password("", DUMMY_HASH)
    for file in config.data.glob("catalog*"):
        assert PASSWORD.encode() not in file.read_bytes()


@pytest.mark.embedded
def test_password_hashes_wait_for_a_slot(
    client: FlaskClient, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    are_busy, may_end = threading.Barrier(passwords.AT_ONCE + 1), threading.Event()

    def compute_slowly(*_: str) -> bool:
        are_busy.wait()
        return may_end.wait()

    with monkeypatch.context() as patch, ThreadPoolExecutor(passwords.AT_ONCE) as pool:
        patch.setattr(passwords, "check_password_hash", compute_slowly)
        for _ in range(passwords.AT_ONCE):
            pool.submit(is_password, "", "")
        are_busy.wait()
        try:
            answers = [sign_in(client) for _ in range(6)]
        finally:
            may_end.set()
    for answer in answers:
        assert (answer.status_code, answer.content_type) == (503, TEXT)
        assert answer.headers["Retry-After"]
    assert sign_in(client).status_code == 204  # none of them was a try


@pytest.mark.embedded
def test_a_delayed_try_keeps_its_place_until_its_hash_is_computed(
    config: Config, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever guesses from many networks could fill the slots otherwise."""
    monkeypatch.setattr(rate_limits, "WAITING_PER_PLACE", 0)
    app = create_app(replace(config, threads=32))  # two places, one for a network
    parts(app).accounts.add("Ann", PASSWORD)
    is_busy, may_end = threading.Event(), threading.Event()

    def guess(network: int) -> TestResponse:
        elsewhere = {"REMOTE_ADDR": f"2001:db8:0:{network:x}::1"}
        return sign_in(app.test_client(), password="wrong", environ_base=elsewhere)

    def compute_slowly(*_: str) -> bool:
        is_busy.set()
        may_end.wait(timeout=30)
        return False

    for network in range(50):
        assert guess(network).status_code == 401
    monkeypatch.setattr(passwords, "check_password_hash", compute_slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(guess, 50)
        assert is_busy.wait(timeout=30)
        refused = guess(51)
        may_end.set()
    assert first.result().status_code == 401
    assert (refused.status_code, refused.headers["Dropwall-Refusal"]) == (503, "too-many-waiting")


# The rate limit of failed tries


def fail(client: FlaskClient, times: int, **options: object) -> None:
    for _ in range(times):
        assert sign_in(client, password="wrong", **options).status_code == 401


def test_the_rate_limit_doubles_after_five_tries_of_one_name_at_one_address(
    app: Flask, client: FlaskClient, ann: str, clock: Clock
) -> None:
    parts(app).accounts.add("Bo", PASSWORD)
    fail(client, 5)
    for expected in (1, 2, 4, 8, 16, 32, 60, 60):
        assert waits(sign_in(client)) == expected  # even with the right one
        assert sign_in(app.test_client(), "Bo").status_code == 204
        assert sign_in(app.test_client(), **ELSEWHERE).status_code == 204
        clock.set_forward(expected)
        fail(client, 1)
    assert "Try again in 60 seconds." in sign_in(client).text
    clock.set_forward(60)
    for _ in range(3):  # each forgets the failed ones before it
        assert sign_in(client).status_code == 204
        client.post("/sign-out")
        fail(client, 4)


def test_nobody_elsewhere_can_keep_a_host_out(app: Flask, ann: str, clock: Clock) -> None:
    """Whoever guesses without end from many networks delays the right one by three seconds."""
    client = app.test_client()
    attackers = ({"environ_base": {"REMOTE_ADDR": f"192.0.2.{n}"}} for n in range(256))
    for _ in range(10):
        fail(client, 5, **next(attackers))
    assert clock.slept_seconds == 0
    for delay in (1, 2, 3, 3):
        before = clock.slept_seconds
        fail(client, 1, **next(attackers))
        assert clock.slept_seconds - before == delay
        assert sign_in(app.test_client()).status_code == 204
        assert clock.slept_seconds - before <= delay + 3


@pytest.mark.embedded
def test_guessing_names_that_nobody_has_is_slow_from_many_networks(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "check_password_hash", lambda *_: False)
    for number in range(101):
        elsewhere = {"environ_base": {"REMOTE_ADDR": f"2001:db8:0:{number:x}::1"}}
        assert sign_in(app.test_client(), f"guest {number}", **elsewhere).status_code == 401
    assert clock.slept_seconds == 1


def test_a_clock_that_was_ahead_keeps_nobody_out(
    client: FlaskClient, ann: str, clock: Clock
) -> None:
    clock.set_forward(DAY_SECONDS)
    fail(client, 5)
    assert waits(sign_in(client)) == 1
    clock.set_forward(-DAY_SECONDS)
    fail(client, 1)
    assert waits(sign_in(client)) == 2
    clock.set_forward(2)
    assert sign_in(client).status_code == 204


@pytest.mark.embedded
def test_trying_many_names_meets_the_rate_limit(
    client: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "check_password_hash", lambda *_: False)
    for number in range(100):
        assert sign_in(client, f"guest {number}").status_code == 401
    assert waits(sign_in(client, "guest 100")) == 1


def test_tries_at_once_at_several_workers_meet_the_same_rate_limit(
    app: Flask, config: Config, ann: str, clock: Clock
) -> None:
    """Each machine has a clock of its own, some seconds off."""
    fail(app.test_client(), 1)
    clock.set_forward(-20)
    workers = [app, create_app(config)]
    clients = [worker.test_client() for worker in workers for _ in range(12)]
    with ThreadPoolExecutor(8) as pool:
        statuses = pool.map(lambda client: sign_in(client, password="no").status_code, clients)
        # Those under way when the last free one fails: of each worker four, as were free then.
        assert 4 <= list(statuses).count(401) <= 3 + 2 * 4
    clock.set_forward(-20)
    for worker in workers:
        assert waits(sign_in(worker.test_client())) >= 1


def test_the_old_password_may_be_guessed_no_more_often(app: Flask, ann: str, clock: Clock) -> None:
    client = signed_in(app)
    for _ in range(5):
        assert change_password(client, "wrong", "battery staple").status_code == 401
    assert waits(change_password(client, PASSWORD, "battery staple")) == 1


@pytest.mark.embedded
def test_accounts_are_not_made_by_the_hundred(client: FlaskClient, clock: Clock) -> None:
    assert SIGN_UPS.free == 200
    assert sign_up(client, "guest", "short").status_code == 400  # it costs nothing
    for number in range(200):
        assert sign_up(client, f"guest {number}").status_code == 204
    refused = sign_up(client, "guest 200")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.text == ("Too many accounts were created from here. Try again in 1 second.")


def test_failed_tries_are_forgotten_after_a_day(
    config: Config, client: FlaskClient, ann: str, clock: Clock
) -> None:
    fail(client, 5)
    clock.set_forward(DAY_SECONDS + 1)
    fail(client, 5, **ELSEWHERE)
    with catalog_of(config.data) as catalog:
        rows = catalog.execute(select(failed_tries)).all()
    assert [row.failures for row in rows] == [5] * 4  # of the name, of the address, of both, of all
    assert "ann" not in str(rows)
    assert "192.0.2.7" not in str(rows)


def test_addresses_that_one_person_can_choose_from_are_one() -> None:
    for address, other, is_one in (
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
    ):
        assert (network_of(address) == network_of(other)) == is_one, (address, other)


def test_a_pause_ends_growing() -> None:
    assert Allowance(free=2, longest_wait_seconds=30).wait_seconds(10**9) == 30
