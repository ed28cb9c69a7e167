"""Few fixtures: config → app → client, a server that really runs, and a browser that sees it."""

import io
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Route, expect
from werkzeug.test import TestResponse

from server import create_app
from server.catalog import Database, open_database
from server.config import Config
from tests.support import browser, engines
from tests.support import gallery_server as running_server
from tests.support.engines import config_of
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.nursery import Nursery
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import SeaweedFS
from tests.support.waiting import awaited_threads

CDN = "https://cdn.jsdelivr.net/npm/"

expect.set_options(timeout=15_000)  # milliseconds; what must be quicker says so itself

Send = Callable[..., TestResponse]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", choices=engines.CHOICES, default=engines.EMBEDDED)


def pytest_configure(config: pytest.Config) -> None:
    engines.chosen = config.getoption("--engines")
    running_server.nursery = Nursery(ROOT)


def pytest_unconfigure() -> None:
    engines.stop_servers()
    if running_server.nursery:
        running_server.nursery.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With other engines, all is left out that is not about engines, or only about the others."""
    if engines.chosen == engines.EMBEDDED:
        return
    chosen = [item for item in items if engines.are_asked_for_by(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture(autouse=True)
def _discarded_databases() -> Iterator[None]:
    with engines.discarded():
        yield


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "data")


@pytest.fixture(scope="session")
def postgresql() -> PostgreSQL:
    return engines.postgresql()


@pytest.fixture(scope="session")
def seaweedfs() -> SeaweedFS:
    return engines.seaweedfs()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database of either engine, which is not there yet, or empty."""
    if request.param == "sqlite":
        yield str(tmp_path / "catalog.sqlite")
    else:
        server = request.getfixturevalue("postgresql")
        created = server.create_database()
        yield created
        server.drop_database(created)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    database = open_database(address)
    with awaited_threads("changes"):  # one that goes on would leave a connection open
        yield database
    database.close()


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    yield app
    app.extensions["dropwall"].watchers.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return open_page(app)


def open_page(app: Flask) -> FlaskClient:
    """A visitor that has opened the page, and so is known by its cookie."""
    client = app.test_client()
    client.get("/", buffered=True)
    return client


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Sends photos, each a name and its bytes, in one form."""

    def send(*photos: tuple[str, bytes], field: str = "file", **options: object) -> TestResponse:
        files = [(io.BytesIO(content), name) for name, content in photos]
        return client.post(
            "/", data={field: files}, content_type="multipart/form-data", buffered=True, **options
        )

    return send


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "data")
    yield server
    server.stop(signal.SIGINT)  # a graceful end waits for idle connections


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return browser_type_launch_args | browser.launch_options()


@pytest.fixture
def context_with_cdn(context: BrowserContext) -> BrowserContext:
    """A browser context for which this test plays the CDN, from the same npm packages."""
    context.route(f"{CDN}**", play_cdn)
    return context


def play_cdn(route: Route) -> None:
    package, _, path = route.request.url.removeprefix(CDN).partition("/")
    name = package.partition("@")[0]
    route.fulfill(
        path=ROOT / "node_modules" / name / path,
        headers={"Access-Control-Allow-Origin": "*", **_content_type(path)},
    )


def _content_type(path: str) -> dict[str, str]:
    kind = "text/css" if path.endswith(".css") else "text/javascript"
    return {"Content-Type": kind}


@pytest.fixture
def expected_errors() -> list[str]:
    """What the browser may complain of in this test, as regular expressions."""
    return []


@pytest.fixture
def page(
    context_with_cdn: BrowserContext, expected_errors: list[str], live_server: RunningServer
) -> Iterator[Page]:
    """A page that must not report any other error; it is closed before its server stops."""
    with opened_page(context_with_cdn, expected_errors) as page:
        yield page


@pytest.fixture
def another(
    new_context: Callable[..., BrowserContext],
    expected_errors: list[str],
    live_server: RunningServer,
) -> Iterator[Page]:
    """Such a page in another browser: another guest's."""
    context = new_context()
    context.route(f"{CDN}**", play_cdn)
    with opened_page(context, expected_errors) as page:
        yield page


def is_trouble(line: ConsoleMessage) -> bool:
    """That a withdrawn picture is not there any more is what the page asks for."""
    return line.type == "error" and not line.location["url"].endswith("#withdrawn")


@contextmanager
def opened_page(context: BrowserContext, expected_errors: list[str]) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if is_trouble(line) else None)
    page.on("filechooser", lambda _: None)  # who asks for one only then may be too late
    yield page
    page.close()
    unexpected = [
        error for error in errors if not any(re.search(known, error) for known in expected_errors)
    ]
    assert unexpected == []
