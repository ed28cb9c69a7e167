"""Few fixtures: config → app → client, galleries on a real gunicorn, and a browser to see them."""

import io
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page, expect
from werkzeug.test import TestResponse

from dropwall import create_app
from dropwall.catalog.database import Database, open_database
from dropwall.config import Config
from dropwall.people import passwords
from tests.support import browser, cdn, engines, gallery_server, processes
from tests.support.browser import opened_page
from tests.support.gallery_server import Gallery, GalleryServer, SharedGallery
from tests.support.guest import Guest
from tests.support.passwords import make_passwords_cheap
from tests.support.postgresql import PostgreSQL
from tests.support.programs import need_libraries, skip
from tests.support.seaweedfs import SeaweedFS
from tests.support.visitors import Send, open_page
from tests.support.waiting import awaited_threads

GALLERY_FIXTURES = {"app", "config", "gallery", "server", "scene"}
MOST_WORKERS = 8  # each has a browser, a gunicorn, a PostgreSQL and a SeaweedFS
WORKERS_PER_CORE = 2  # servers and browsers wait for each other as often as they work

expect.set_options(timeout=30_000)  # milliseconds; what must be quicker says so itself


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", choices=engines.CHOICES, default=engines.EMBEDDED)


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as after `nohup`: servers inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for variable in [name for name in os.environ if name.startswith("DROPWALL_")]:
        del os.environ[variable]  # settings of whoever runs the tests
    engines.chosen = config.getoption("--engines")
    make_passwords_cheap(passwords)
    gallery_server.gunicorn = ("-c", gallery_server.HASTY)
    # The slow tests may find something new in each run; they print how to see it again.
    hypothesis.settings.register_profile(
        "tests", derandomize="not slow" in config.getoption("-m"), deadline=None
    )
    hypothesis.settings.load_profile("tests")


def pytest_unconfigure() -> None:
    engines.stop_servers()
    processes.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(MOST_WORKERS, WORKERS_PER_CORE * (cores or 1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each reason, however many tests were skipped for it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.line(f"{count} tests are left out: {reason}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With the scaled engines, only what acts on a gallery without a browser is run again;
    contracts name their engines themselves."""
    if engines.chosen == engines.EMBEDDED:
        return

    def acts_on_any_engine(item: pytest.Item) -> bool:
        fixtures = set(getattr(item, "fixturenames", ()))
        is_embedded = item.get_closest_marker("embedded") is not None
        return bool(fixtures & GALLERY_FIXTURES) and "browser" not in fixtures and not is_embedded

    config.hook.pytest_deselected(items=[it for it in items if not acts_on_any_engine(it)])
    items[:] = filter(acts_on_any_engine, items)


@pytest.fixture(autouse=True)
def _discarded_databases() -> Iterator[None]:
    with engines.discarded():
        yield


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return engines.config_of(tmp_path / "data")


@pytest.fixture(scope="session")
def postgresql() -> PostgreSQL:
    return engines.postgresql()


@pytest.fixture(scope="session")
def seaweedfs() -> SeaweedFS:
    return engines.seaweedfs()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of either engine, which is not there yet, or empty."""
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
def gallery_settings() -> dict[str, object]:
    """Settings of the gallery of a test; a module that wants others says so by its own fixture."""
    return {}


@pytest.fixture
def gallery(tmp_path: Path, gallery_settings: dict[str, object]) -> Iterator[Gallery]:
    """An empty gallery, on the gunicorn that all tests of this process share."""
    with closing(SharedGallery(tmp_path / "data", **gallery_settings)) as gallery:
        yield gallery


@pytest.fixture
def guest(gallery: Gallery) -> Iterator[Guest]:
    """Somebody else, elsewhere, without a browser."""
    with closing(Guest(gallery.url)) as guest:
        yield guest


@pytest.fixture
def server(tmp_path: Path, gallery_settings: dict[str, object]) -> Iterator[GalleryServer]:
    """An empty gallery on a gunicorn of its own, with two workers, which may be killed."""
    with closing(GalleryServer(tmp_path / "data", **gallery_settings)) as server:
        yield server


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    if not browser.is_installed():
        skip("Chromium is not installed")
    need_libraries()
    options = browser.launch_options()
    options["args"] += cdn.browser_arguments()
    return browser_type_launch_args | options


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict) -> dict:
    """What moves takes half of the time; the tests of that have contexts of their own."""
    return browser_context_args | {"reduced_motion": "reduce", "ignore_https_errors": True}


@pytest.fixture
def expected_errors() -> list[str]:
    """What the browser may complain of in this test, as regular expressions."""
    return []


@pytest.fixture
def page(
    request: pytest.FixtureRequest, context: BrowserContext, expected_errors: list[str]
) -> Iterator[Page]:
    """A page that must not report any other error; it is closed before its server stops."""
    for name in {"gallery", "server"} & set(request.fixturenames):
        request.getfixturevalue(name)
    with opened_page(context, expected_errors) as page:
        yield page


@pytest.fixture
def another(
    new_context: Callable[..., BrowserContext], expected_errors: list[str]
) -> Iterator[Page]:
    """Such a page in another browser: another guest's."""
    with opened_page(new_context(), expected_errors) as page:
        yield page
