"""Accounts: signing up, in and out, the password, and what failed tries cost."""

import hmac
import io
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha512
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from sqlalchemy import event, select
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from server import create_app, passwords
from server.catalog.tables import failed_tries
from server.config import Config
from server.parts import Parts
from server.passwords import NOBODYS_HASH, TooManyHashes, is_password
from server.tries import Allowance, neighbourhood
from tests.conftest import open_page
from tests.people.test_guests import listed, own_id, own_name, send_as, take_name
from tests.support.clock import Clock
from tests.support.engines import catalog_of, config_of
from tests.support.photos import photo_bytes

TEXT = "text/plain; charset=utf-8"
PASSWORD = "correct horse"
numbers = itertools.count()
WRONG = "This name and password do not belong together; please try again."
FIRST_SIGN_IN = "Please sign in first."
NAVIGATION = {"Sec-Fetch-Mode": "navigate"}
DAY_SECONDS = 24 * 60 * 60


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


def parts(app: Flask) -> Parts:
    return app.extensions["dropwall"]


def sign_in(
    client: FlaskClient, name: str = "Ann", password: str = PASSWORD, **options: object
) -> TestResponse:
    return client.post("/sign-in", data={"name": name, "password": password}, **options)


def sign_up(client: FlaskClient, name: str = "Bo", password: str = PASSWORD) -> TestResponse:
    return client.post("/sign-up", data={"name": name, "password": password})


def signed_in(app: Flask, name: str = "Ann", password: str = PASSWORD) -> FlaskClient:
    client = open_page(app)
    assert sign_in(client, name, password).status_code == 204
    return client


def change_password(client: FlaskClient, old: str, new: str, **options: object) -> TestResponse:
    return client.post("/account", data={"old_password": old, "password": new}, **options)


def account(client: FlaskClient) -> dict | None:
    return client.get("/api/settings").json["account"]


def with_cookie(app: Flask, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("dropwall", value)
    return client


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("dropwall")
    assert found
    return found.value


# Signing in


def test_who_signs_in_is_the_accounts_owner_and_takes_their_photos_along(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg"))
    assert account(client) is None
    answer = sign_in(client)
    assert (answer.status_code, answer.data) == (204, b"")
    assert account(client) == {"name": "Ann", "is_host": False}
    assert (own_id(client), own_name(client)) == (ann, "Ann")
    assert listed(client, "mine=1") == ["a.jpg"]
    other_device = signed_in(app)
    send_as(other_device, "b.jpg", photo_bytes("jpg", seed=2))
    assert listed(client, "mine=1") == ["b.jpg", "a.jpg"]
    [photo] = client.get("/api/photos?q=a.jpg").json["photos"]
    assert photo["by"] == {"id": ann, "name": "Ann"}
    assert other_device.delete(f"/api/photos/{photo['id']}").status_code == 204


def test_photos_of_clients_without_a_cookie_are_nobodys_to_take(app: Flask, ann: str) -> None:
    stranger = app.test_client()
    send_as(stranger, "a.jpg", photo_bytes("jpg"))
    sign_in(stranger)
    assert listed(stranger) == ["a.jpg"]
    assert listed(stranger, "mine=1") == []


def test_from_one_account_to_another_nothing_is_taken(app: Flask, ann: str) -> None:
    parts(app).accounts.add("Bo", PASSWORD)
    client = signed_in(app)
    send_as(client, "a.jpg", photo_bytes("jpg"))
    sign_in(client, "Bo")
    assert account(client) == {"name": "Bo", "is_host": False}
    assert listed(client, "mine=1") == []
    assert listed(signed_in(app), "mine=1") == ["a.jpg"]


@pytest.mark.parametrize("name", ["ann", " ANN ", "\uff21nn", "aNn"])
def test_a_name_is_known_however_it_is_typed(client: FlaskClient, ann: str, name: str) -> None:
    assert sign_in(client, name).status_code == 204


def test_a_password_is_the_same_from_every_keyboard(app: Flask, client: FlaskClient) -> None:
    parts(app).accounts.add("Ann", "Tu\u0308r und Tor")
    assert sign_in(client, password="T\u00fcr und Tor").status_code == 204
    assert sign_in(open_page(app), password="t\u00fcr und tor").status_code == 401
    assert sign_in(open_page(app), password=" T\u00fcr und Tor").status_code == 401


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Ann", "correct house"),
        ("Ann", ""),
        ("Anna", PASSWORD),
        ("", ""),
        ("n" * 100, PASSWORD),
        ("Ann", "p" * 1000),
        ("'; DROP TABLE accounts; --", "\0"),
    ],
)
def test_a_wrong_name_is_refused_as_a_wrong_password_is(
    client: FlaskClient, ann: str, name: str, password: str
) -> None:
    before = own_id(client)
    answer = sign_in(client, name, password)
    assert (answer.status_code, answer.text, answer.content_type) == (401, WRONG, TEXT)
    assert answer.headers["Dropwall-Refusal"] == "WrongPassword"
    assert (account(client), own_id(client)) == (None, before)


def test_a_name_that_there_is_not_takes_as_long_as_one_that_there_is() -> None:
    assert NOBODYS_HASH.split("$")[0] == generate_password_hash("", method="scrypt").split("$")[0]
    assert not is_password("", NOBODYS_HASH)


def test_where_nothing_was_sent_nobody_is_signed_in(client: FlaskClient, ann: str) -> None:
    assert client.post("/sign-in").status_code == 401
    assert client.post("/sign-in", json={"name": "Ann", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/account", "/passcode"])
def test_a_form_of_megabytes_is_refused_and_not_read(app: Flask, ann: str, path: str) -> None:
    app = create_app(replace(parts(app).settings, passcode="party"))
    answer = signed_in(app).post(path, data={"name": "n" * 3_000_000})
    assert (answer.status_code, answer.content_type) == (400, TEXT)


def test_a_browser_without_script_goes_back_to_where_it_wanted(
    client: FlaskClient, ann: str
) -> None:
    answer = sign_in(client, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/sign-in?next=/account").headers["Location"] == "/account"
    client.post("/sign-out")
    fields = {"name": "Ann", "password": PASSWORD, "next": "/account"}
    answer = client.post("/sign-in", data=fields, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "evil.example",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: a=b",
        " //evil.example",
    ],
)
def test_nobody_is_led_to_another_site(client: FlaskClient, ann: str, elsewhere: str) -> None:
    fields = {"name": "Ann", "password": PASSWORD, "next": elsewhere}
    answer = client.post("/sign-in", data=fields, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    answer = client.get("/sign-in", query_string={"next": elsewhere})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_browser_without_script_is_shown_the_form_again(client: FlaskClient, ann: str) -> None:
    answer = sign_in(client, "<Ann>", "wrong", headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert answer.headers["Dropwall-Refusal"] == "WrongPassword"
    assert WRONG in answer.text
    assert 'value="&lt;Ann&gt;"' in answer.text
    assert "wrong" not in answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"


# The session


def test_what_was_in_the_session_before_is_not_in_it_after(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    planted = cookie(client)
    sign_in(client)
    assert cookie(client) != planted
    stranger = with_cookie(app, planted)
    assert account(stranger) is None
    assert own_id(stranger) != ann
    with client.session_transaction() as session:
        assert "guest_id" not in session
        assert session.permanent


def test_a_copy_of_the_cookie_from_before_the_account_owns_nothing(
    app: Flask, client: FlaskClient
) -> None:
    send_as(client, "a.jpg", photo_bytes("jpg"))
    copied = cookie(client)
    assert sign_up(client).status_code == 204
    assert listed(client, "mine=1") == ["a.jpg"]
    assert listed(with_cookie(app, copied), "mine=1") == []


def test_a_forged_cookie_is_nobody(app: Flask, ann: str) -> None:
    right = cookie(signed_in(app))
    assert account(with_cookie(app, right)) is not None
    payload, rest = right.split(".", 1) if not right.startswith(".") else right[1:].split(".", 1)
    key = parts(app).accounts.catalog.find(ann).session_key
    other_app = Flask("other")
    other_app.secret_key = b"k" * 32
    signer = SecureCookieSessionInterface().get_signing_serializer(other_app)
    for forged in (
        right[:-2] + ("AA" if right[-2:] != "AA" else "BB"),
        f"{payload}x.{rest}",
        signer.dumps({"_user_id": f"{ann}.{key}"}),
        "",
        "." * 50,
        "é",
    ):
        assert account(with_cookie(app, forged)) is None


@pytest.mark.parametrize("key", ["", ".", ".x", ".é", ".{other}", "{key}"])
def test_a_session_with_another_key_is_nobodys(app: Flask, ann: str, key: str) -> None:
    other = parts(app).accounts.add("Bo", PASSWORD).session_key
    own = parts(app).accounts.catalog.find(ann).session_key
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = ann + key.format(other=other, key=own)
    assert account(client) is None
    assert own_id(client) != ann


def test_a_session_ends_after_400_days(
    app: Flask, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app)
    for days, is_signed_in in ((399, True), (401, False)):
        later = int(time.time()) + days * DAY_SECONDS
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self, at=later: at)
        answer = with_cookie(app, cookie(client)).get("/account")
        assert answer.status_code == (200 if is_signed_in else 401)


@pytest.mark.parametrize("digest", ["right", "é", "", "x|y"])
def test_there_is_no_cookie_that_remembers(app: Flask, ann: str, digest: str) -> None:
    user_id = f"{ann}.{parts(app).accounts.catalog.find(ann).session_key}"
    right = hmac.new(app.secret_key, user_id.encode(), sha512).hexdigest()
    client = app.test_client()
    client.set_cookie("remember_token", f"{user_id}|{right if digest == 'right' else digest}")
    assert account(client) is None
    assert sign_in(client).headers.getlist("Set-Cookie")[0].startswith("dropwall=")


def test_style_sheets_do_not_depend_on_who_asks(app: Flask, ann: str) -> None:
    answer = signed_in(app).get("/styles/tokens.css", buffered=True)
    assert "Vary" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_only_for_who_is_signed_in_is_an_account_looked_up(app: Flask, ann: str) -> None:
    guest, hers = open_page(app), signed_in(app)
    asked: list[str] = []
    engine = parts(app).accounts.catalog._database._kind.engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    for client, lookups in ((guest, 0), (hers, 1)):
        asked.clear()
        client.get("/api/photos?mine=1")
        assert sum("FROM accounts" in statement for statement in asked) == lookups


def test_what_is_on_its_way_while_one_signs_in_is_ones_own(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    before = with_cookie(app, cookie(client))  # of a request that ends after that
    assert sign_in(client).status_code == 204
    form = {"visibility": "owner", "file": (io.BytesIO(photo_bytes("jpg")), "a.jpg")}
    assert before.post("/", data=form).status_code == 204
    assert listed(client, "mine=1") == ["a.jpg"]
    assert listed(before) == []


def test_a_page_sends_as_who_it_was_or_not_at_all(
    app: Flask, client: FlaskClient, ann: str
) -> None:
    guest = own_id(client)

    def send(who: FlaskClient, page_of: str) -> int:
        form = {"guest": page_of, "file": (io.BytesIO(photo_bytes("jpg", next(numbers))), "a.jpg")}
        return who.post("/", data=form).status_code

    assert send(client, guest) == 204
    assert sign_in(client).status_code == 204
    assert send(client, guest) == 204  # it was on its way
    bo = parts(app).accounts.add("Bo", PASSWORD)
    assert send(signed_in(app, "Bo"), ann) == 401
    assert send(signed_in(app, "Bo"), bo.id) == 204
    assert send(app.test_client(), ann) == 204  # of a browser without cookies
    assert len(listed(client, "mine=1")) == 2


@pytest.mark.parametrize("how", ["everywhere", "password", "later"])
def test_what_comes_by_a_former_cookie_is_the_accounts_for_a_while_only(
    app: Flask, client: FlaskClient, ann: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = with_cookie(app, cookie(client))
    assert sign_in(client).status_code == 204
    send_as(client, "own.jpg", photo_bytes("jpg", 1))
    form = {"visibility": "owner", "file": (io.BytesIO(photo_bytes("jpg", 1)), "own.jpg")}
    assert before.post("/", data=form).status_code == 204
    assert listed(app.test_client()) == ["own.jpg"]  # nobody else takes it away by that
    if how == "everywhere":
        client.post("/sign-out-everywhere")
    elif how == "password":
        parts(app).accounts.set_password(parts(app).accounts.called("Ann"), PASSWORD)
    else:
        monkeypatch.setattr("server.catalog.guest_rows.ADOPTION_SECONDS", -1)
    send_as(before, "by the former cookie.jpg", photo_bytes("jpg", 2))
    assert listed(signed_in(app), "mine=1") == ["own.jpg"]


def test_a_password_of_an_account_that_is_removed_meanwhile_is_not_changed(
    app: Flask, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app)

    def remove_meanwhile(_hash: str, _password: str) -> bool:
        parts(app).accounts.catalog.remove(ann)
        return True

    monkeypatch.setattr(passwords, "check_password_hash", remove_meanwhile)
    answer = change_password(client, PASSWORD, "battery staple")
    assert (answer.status_code, answer.text) == (
        401,
        "This account is not there any more; please sign in again.",
    )


# Signing out


def test_a_device_that_signs_out_is_a_new_guest(app: Flask, ann: str) -> None:
    client = signed_in(app)
    other_device = signed_in(app)
    answer = client.post("/sign-out")
    assert (answer.status_code, answer.data) == (204, b"")
    assert account(client) is None
    assert own_id(client) != ann
    assert account(other_device) is not None
    assert client.post("/sign-out", headers=NAVIGATION).headers["Location"] == "/"


def test_a_guest_who_signs_out_stays_the_guest(client: FlaskClient) -> None:
    before = own_id(client)
    assert client.post("/sign-out").status_code == 204
    assert own_id(client) == before


def test_signing_out_everywhere_reaches_every_device(app: Flask, ann: str) -> None:
    here, there = signed_in(app), signed_in(app)
    send_as(here, "a.jpg", photo_bytes("jpg"))
    kept = cookie(there)
    assert here.post("/sign-out-everywhere").status_code == 204
    for client in (here, there, with_cookie(app, kept)):
        assert client.get("/account").status_code == 401
        assert account(client) is None
        assert own_id(client) != ann
        assert listed(client, "mine=1") == []
    assert listed(signed_in(app), "mine=1") == ["a.jpg"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/account"), ("POST", "/account"), ("POST", "/sign-out-everywhere")],
)
def test_who_is_not_signed_in_is_asked_to(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.text) == (401, FIRST_SIGN_IN)
    assert answer.content_type == TEXT
    if method == "GET":
        answer = client.get(f"{path}?a=b", headers=NAVIGATION)
        assert answer.headers["Location"] == "/sign-in?next=/account?a%3Db"


def test_some_things_are_for_hosts(app: Flask, ann: str) -> None:
    parts(app).accounts.add("Host", PASSWORD, is_host=True)
    guests = (app.test_client(), open_page(app), signed_in(app))
    assert [guest.get("/api/host").status_code for guest in guests] == [403] * 3
    assert signed_in(app, "Host").get("/api/host").status_code == 200


# Signing up


def test_who_signs_up_keeps_photos_and_name(app: Flask, client: FlaskClient) -> None:
    take_name(client, "Bobo")
    send_as(client, "a.jpg", photo_bytes("jpg"))
    answer = sign_up(client)
    assert (answer.status_code, answer.data) == (204, b"")
    assert account(client) == {"name": "Bo", "is_host": False}
    assert own_name(client) == "Bobo"
    assert listed(client, "mine=1") == ["a.jpg"]
    [photo] = client.get("/api/photos").json["photos"]
    assert photo["by"] == {"id": own_id(client), "name": "Bobo"}
    assert account(signed_in(app, "bo")) == {"name": "Bo", "is_host": False}


def test_an_account_gives_its_name_to_who_has_none(client: FlaskClient) -> None:
    sign_up(client)
    assert own_name(client) == "Bo"


@pytest.mark.parametrize(
    ("name", "password", "status", "sentence"),
    [
        ("ANN", PASSWORD, 409, "This name is taken; please choose another one."),
        ("\uff21nn ", PASSWORD, 409, "This name is taken; please choose another one."),
        ("", PASSWORD, 400, "Please tell a name."),
        ("\u200b\u3164", PASSWORD, 400, "Please tell a name."),
        ("n" * 61, PASSWORD, 400, "This name is too long; please take at most 60 characters."),
        ("Bo", "7 chars", 400, "Please choose a password of 8 to 256 characters."),
        ("Bo", "u\u0308" * 7, 400, "Please choose a password of 8 to 256 characters."),
        ("Bo", "p" * 257, 400, "Please choose a password of 8 to 256 characters."),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    client: FlaskClient, ann: str, name: str, password: str, status: int, sentence: str
) -> None:
    answer = sign_up(client, name, password)
    assert (answer.status_code, answer.text, answer.content_type) == (status, sentence, TEXT)
    assert account(client) is None


@pytest.mark.parametrize("password", ["8 signs.", "        ", "🐎" * 256])
def test_nothing_is_demanded_of_a_password_but_its_length(
    app: Flask, client: FlaskClient, password: str
) -> None:
    assert sign_up(client, password=password).status_code == 204
    assert account(signed_in(app, "Bo", password)) is not None


def test_many_who_want_one_name_at_once_do_not_share_it(app: Flask) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: sign_up(app.test_client()).status_code, range(4))
        assert sorted(answers) == [204, 409, 409, 409]


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
    before = cookie(here)
    answer = change_password(here, PASSWORD, "battery staple")
    assert (answer.status_code, answer.data) == (204, b"")
    assert account(here) is not None
    for client in (there, with_cookie(app, before)):
        assert account(client) is None
    assert sign_in(there).status_code == 401
    assert sign_in(there, password="battery staple").status_code == 204


def test_who_does_not_know_the_old_password_sets_no_new_one(app: Flask, ann: str) -> None:
    client = signed_in(app)
    answer = change_password(client, "wrong", "battery staple")
    sentence = "This is not your present password; please try again."
    assert (answer.status_code, answer.text, answer.content_type) == (401, sentence, TEXT)
    assert change_password(client, PASSWORD, "short").status_code == 400
    answer = change_password(client, "wrong", "battery staple", headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert sentence in answer.text
    assert account(signed_in(app)) is not None


def test_passwords_are_kept_as_scrypt_hashes(app: Flask, config: Config, ann: str) -> None:
    kept = parts(app).accounts.catalog.find(ann).password_hash
    assert kept.startswith("scrypt:32768:8:1$")
    for file in config.data.glob("catalog*"):
        assert PASSWORD.encode() not in file.read_bytes()


def test_hashes_that_would_wait_for_long_are_refused(
    app: Flask, client: FlaskClient, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    with passwords._turn(), passwords._turn():
        with pytest.raises(TooManyHashes):
            is_password("", NOBODYS_HASH)
        answer = sign_in(client)
        assert (answer.status_code, answer.content_type) == (503, TEXT)
        assert answer.headers["Retry-After"]
    assert sign_in(client).status_code == 204


# Failed tries


def fail(client: FlaskClient, times: int, **options: object) -> None:
    for _ in range(times):
        assert sign_in(client, password="wrong", **options).status_code == 401


def waits(answer: TestResponse) -> int:
    """What a refused try has to wait."""
    assert (answer.status_code, answer.content_type) == (429, TEXT)
    seconds = int(answer.headers["Retry-After"])
    assert answer.text.startswith("That was wrong too often; please try again in ")
    return seconds


def test_after_five_failures_each_further_try_waits_twice_as_long(
    client: FlaskClient, ann: str, clock: Clock
) -> None:
    fail(client, 5)
    for expected in (1, 2, 4, 8, 16, 32, 60, 60):
        assert waits(sign_in(client)) == expected  # even with the right one
        clock.set_forward(expected)
        fail(client, 1)
    assert "please try again in 60 seconds." in sign_in(client).text
    clock.set_forward(60)
    assert sign_in(client).status_code == 204


def test_who_is_let_in_has_failed_never(client: FlaskClient, ann: str) -> None:
    for _ in range(3):
        fail(client, 4)
        assert sign_in(client).status_code == 204
        client.post("/sign-out")


def test_one_does_not_wait_for_what_others_did(
    app: Flask, client: FlaskClient, ann: str, clock: Clock
) -> None:
    parts(app).accounts.add("Bo", PASSWORD)
    fail(client, 5)
    assert waits(sign_in(client)) == 1
    assert sign_in(app.test_client(), "Bo").status_code == 204
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    assert sign_in(app.test_client(), **elsewhere).status_code == 204


def test_nobody_can_keep_a_host_out_for_long(
    app: Flask, client: FlaskClient, ann: str, clock: Clock
) -> None:
    attackers = (f"192.0.2.{number}" for number in range(256))
    for _ in range(10):
        fail(client, 5, environ_base={"REMOTE_ADDR": next(attackers)})
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        assert waits(sign_in(client)) == seconds
        clock.set_forward(seconds)
        fail(client, 1, environ_base={"REMOTE_ADDR": next(attackers)})
    clock.set_forward(30)
    assert sign_in(client).status_code == 204


def test_whoever_tries_one_name_after_the_other_waits_too(
    client: FlaskClient, ann: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "check_password_hash", lambda *_: False)
    for number in range(100):
        assert sign_in(client, f"guest {number}").status_code == 401
    assert waits(sign_in(client, "guest 100")) == 1


def test_tries_at_once_are_no_more_than_tries_one_by_one(
    app: Flask, ann: str, clock: Clock
) -> None:
    with ThreadPoolExecutor(8) as pool:
        tries = pool.map(lambda _: sign_in(app.test_client(), password="no").status_code, range(12))
        assert sorted(tries) == [401] * 5 + [429] * 7


def test_workers_and_restarts_know_of_each_try(
    config: Config, app: Flask, ann: str, clock: Clock
) -> None:
    fail(app.test_client(), 3)
    other = create_app(config).test_client()
    fail(other, 2)
    assert waits(sign_in(app.test_client())) == 1


def test_nobody_waits_for_a_pause_that_there_is_not_though_clocks_differ(
    client: FlaskClient, ann: str, clock: Clock
) -> None:
    """Each machine has its own, some seconds off."""
    fail(client, 1)
    clock.set_forward(-20)
    fail(client, 4)
    clock.set_forward(-20)
    assert waits(sign_in(client)) == 1


def test_the_old_password_may_be_guessed_no_more_often(app: Flask, ann: str, clock: Clock) -> None:
    client = signed_in(app)
    for _ in range(5):
        assert change_password(client, "wrong", "battery staple").status_code == 401
    assert waits(change_password(client, PASSWORD, "battery staple")) == 1


def test_accounts_are_not_made_by_the_hundred(
    client: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "generate_password_hash", lambda *_, **__: "")
    for number in range(200):
        assert sign_up(client, f"guest {number}", "short").status_code == 400  # it costs nothing
        assert sign_up(client, f"guest {number}").status_code == 204
    refused = sign_up(client, "guest 200")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.text == (
        "Very many have made an account from here; please try again in 1 second."
    )


def test_failures_of_yesterday_are_forgotten(
    config: Config, app: Flask, client: FlaskClient, ann: str, clock: Clock
) -> None:
    fail(client, 5)
    clock.set_forward(DAY_SECONDS + 1)
    fail(client, 5, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    with catalog_of(config.data) as catalog:
        rows = catalog.execute(select(failed_tries)).all()
    assert [row.failures for row in rows] == [5, 5, 5]  # of the name, of the address, of both
    assert "ann" not in str(rows)
    assert "192.0.2.7" not in str(rows)


@pytest.mark.parametrize(
    ("address", "other", "is_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
    ],
)
def test_addresses_that_one_person_can_choose_from_are_one(
    address: str, other: str, is_one: bool
) -> None:
    assert (neighbourhood(address) == neighbourhood(other)) == is_one


def test_a_pause_ends_growing() -> None:
    allowance = Allowance(free=2, longest_wait_seconds=30)
    waited = [allowance.wait_seconds(failures) for failures in (0, 1, 2, 3, 4, 5, 6, 7, 10**9)]
    assert waited == [0, 0, 1, 2, 4, 8, 16, 30, 30]
