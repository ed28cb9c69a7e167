"""The host is notified of new photos, by a line that is posted to DROPWALL_NOTIFY_URL."""

import io
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dropwall import create_app
from dropwall.catalog import notifications
from dropwall.config import BadSetting, Config
from dropwall.photos.notifier import EVERY_SECONDS, RETRY_SECONDS, Notifier
from tests.support.clock import Clock
from tests.support.engines import config_of
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.visitors import TEXT, listed_photos, open_page, parts
from tests.support.waiting import wait_until


class Phone:
    """A server that a host's phone is reached by."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.status = 204
        self.may_answer = threading.Event()
        self.may_answer.set()
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == TEXT
                line = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if phone.status == 204:
                    phone.lines.append(line)
                phone.may_answer.wait()
                self.send_response(phone.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/topic"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def phone() -> Iterator[Phone]:
    with closing(Phone()) as phone:
        yield phone


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def notifier(clock: Clock, app: Flask, phone: Phone) -> Notifier:
    notifications.begin(parts(app).database)
    clock.set_forward(1)
    return Notifier(parts(app).database, phone.url)


def add(client: FlaskClient, *seeds: int, visibility: str = "everyone") -> None:
    for seed in seeds:
        file = (io.BytesIO(photo_bytes("jpg", seed)), f"{seed}.jpg")
        answer = client.post("/", data={"file": file, "visibility": visibility}, buffered=True)
        assert answer.status_code == 204


def test_the_host_is_notified_once_a_quarter_of_an_hour_at_most(
    client: FlaskClient, notifier: Notifier, phone: Phone, clock: Clock
) -> None:
    notifier.notify()
    assert phone.lines == []
    add(client, 1)
    notifier.notify()
    assert phone.lines == ["1 new photo."]
    add(client, 2, 3)
    clock.set_forward(EVERY_SECONDS - 1)
    notifier.notify()
    assert phone.lines == ["1 new photo."]
    clock.set_forward(2)
    notifier.notify()
    assert phone.lines == ["1 new photo.", "2 new photos."]
    clock.set_forward(EVERY_SECONDS + 1)
    notifier.notify()
    assert phone.lines == ["1 new photo.", "2 new photos."]


def test_what_waits_for_the_host_is_said_with_the_events_name(
    tmp_path: Path, phone: Phone, clock: Clock
) -> None:
    app = create_app(config_of(tmp_path / "data", mode="approval"))
    notifications.begin(parts(app).database)
    clock.set_forward(1)
    notifier = Notifier(parts(app).database, phone.url, "Anna & Ben")
    guest = open_page(app)
    add(guest, 1)
    notifier.notify()
    add(guest, 2, 3)
    clock.set_forward(EVERY_SECONDS + 1)
    notifier.notify()
    assert phone.lines == [
        "Anna & Ben: 1 new photo, 1 waits for you.",
        "Anna & Ben: 2 new photos, 3 wait for you.",
    ]


def test_nobody_is_notified_of_private_and_of_removed_photos(
    client: FlaskClient, notifier: Notifier, phone: Phone
) -> None:
    add(client, 1, visibility="owner")
    add(client, 2)
    [removed, _] = listed_photos(client)
    client.delete(f"/api/photos/{removed['id']}")
    notifier.notify()
    assert phone.lines == []


def test_photos_from_before_are_not_new(app: Flask, client: FlaskClient, phone: Phone) -> None:
    add(client, 1, 2)
    notifications.begin(parts(app).database)
    Notifier(parts(app).database, phone.url).notify()
    assert phone.lines == []


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_could_not_be_sent_is_sent_later_and_logged_once(
    client: FlaskClient,
    notifier: Notifier,
    phone: Phone,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    phone.status = status
    for seed in (1, 2, 3):
        add(client, seed)
        notifier.notify()
        clock.set_forward(RETRY_SECONDS + 1)
    assert phone.lines == []
    phone.status = 204
    notifier.notify()
    assert phone.lines == ["3 new photos."]
    assert [line.partition(": ")[0] for line in caplog.messages] == [
        "DROPWALL_NOTIFY_URL can't be reached",
        "DROPWALL_NOTIFY_URL can be reached again.",
    ]


def test_one_of_all_machines_notifies_the_host(
    app: Flask, client: FlaskClient, notifier: Notifier, phone: Phone, config: Config
) -> None:
    another = create_app(config)
    add(client, 1)
    add(open_page(another), 2)
    for database in (parts(another).database, notifier.database):
        Notifier(database, phone.url).notify()
    assert phone.lines == ["2 new photos."]


def test_a_clock_that_is_set_back_silences_nobody(
    client: FlaskClient, notifier: Notifier, phone: Phone, clock: Clock
) -> None:
    add(client, 1)
    notifier.notify()
    add(client, 2)
    clock.set_forward(-24 * 60 * 60)
    notifier.notify()
    assert phone.lines == ["1 new photo.", "1 new photo."]


def test_no_upload_waits_for_whoever_is_notified(tmp_path: Path, phone: Phone) -> None:
    phone.may_answer.clear()
    settings = {"notify_url": phone.url, "title": "Anna & Ben"}
    with closing(GalleryServer(tmp_path / "data", **settings)) as server:
        assert server.send(("1.png", photo_bytes("png", 1))).status_code == 204
        wait_until(lambda: phone.lines)
        assert server.send(("2.png", photo_bytes("png", 2))).status_code == 204
        assert phone.lines == ["Anna & Ben: 1 new photo."]


@pytest.mark.parametrize(
    "url",
    [
        "ntfy.sh/topic",
        "ftp://ntfy.sh",
        "https://",
        "https://ntfy.sh/a b",
        "https://ann:secret@ntfy.sh/topic",
    ],
)
def test_an_address_that_nothing_can_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        Config(notify_url=url)
    assert str(refusal.value) == (
        "DROPWALL_NOTIFY_URL must be an address, such as https://ntfy.sh/your-topic."
    )
