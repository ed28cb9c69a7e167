"""Visitors of an application in this process: who they are, what they see, how they sign in."""

import io
import sys
from collections.abc import Callable

from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dropwall import create_app
from dropwall.web import Dropwall
from tests.support.engines import config_of
from tests.support.gallery_server import Gallery

TEXT = "text/plain; charset=utf-8"
PASSWORD = "correct horse"
NAVIGATION = {"Sec-Fetch-Mode": "navigate"}

Send = Callable[..., TestResponse]
"""What the fixture `send` gives."""


def parts(app: Flask) -> Dropwall:
    return app.extensions["dropwall"]


def open_page(app: Flask) -> FlaskClient:
    """A visitor who has opened the page, and so is known by a cookie."""
    client = app.test_client()
    client.get("/", buffered=True)
    return client


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


def account(client: FlaskClient) -> dict | None:
    return client.get("/api/settings").json["account"]


def with_cookie(app: Flask, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie(cookie_name(app), value)
    return client


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie(cookie_name(client.application))
    assert found
    return found.value


def cookie_name(app: Flask) -> str:
    """With the gallery's id."""
    return str(app.config["SESSION_COOKIE_NAME"])


def waits(answer: TestResponse) -> int:
    """What a refused try has to wait."""
    assert (answer.status_code, answer.content_type) == (429, TEXT)
    seconds = int(answer.headers["Retry-After"])
    assert answer.text.startswith("Too many wrong tries. Try again in ")
    return seconds


def take_name(client: FlaskClient, name: str) -> TestResponse:
    return client.put("/api/guest", json={"name": name})


def own_name(client: FlaskClient) -> str | None:
    return client.get("/api/settings").json["guest"]["name"]


def own_id(client: FlaskClient) -> str:
    return client.get("/api/settings").json["guest"]["id"]


def listed(client: FlaskClient, query: str = "") -> list[str]:
    return [photo["name"] for photo in client.get(f"/api/photos?{query}").json["photos"]]


def listed_photos(client: FlaskClient) -> list[dict]:
    """As the list has them, the newest first."""
    found: list[dict] = client.get("/api/photos").json["photos"]
    return found


def outcome(answer: TestResponse) -> tuple[int, str]:
    """Its status and its text."""
    return answer.status_code, answer.text


def send_as(client: FlaskClient, name: str, content: bytes) -> None:
    answer = client.post("/", data={"file": (io.BytesIO(content), name)})
    assert answer.status_code == 204


DROPWALL = (sys.executable, "-c", "from dropwall.cli import command_line; command_line()")


def dropwall(app: Flask, *arguments: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(args=arguments, input=typed)


def make_accounts(gallery: Gallery, *names: str, is_host: bool = False) -> None:
    """In a gallery that another process serves."""
    app = create_app(config_of(gallery.data))
    for name in names:
        made = dropwall(app, "add-account", name, *(["--host"] * is_host), typed=PASSWORD)
        assert made.exit_code == 0, made.output
    parts(app).watchers.close()
