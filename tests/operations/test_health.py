"""/livez and /healthz: is the gallery alive, and does what it rests on answer in time?"""

import errno
import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server import create_app, health
from server.catalog import CatalogUnavailable
from server.config import Config
from server.health import Health
from server.logs import Seldom, reason
from server.storage import StorageUnavailable
from tests.support.waiting import PATIENCE_SECONDS, wait_until


def well() -> None:
    pass


def broken() -> None:
    raise OSError("no disk")


def silent() -> None:
    raise CatalogUnavailable("no catalog")


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A call that comes back when the test is over; nobody waits for it for long."""
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.2)
    over = threading.Event()
    yield lambda: over.wait() and None
    over.set()


def test_what_is_unwell_is_named() -> None:
    assert Health({"catalog": well, "storage": well}).failing() == []
    assert Health({"catalog": well, "storage": broken}).failing() == ["storage"]
    assert Health({"catalog": silent, "storage": broken}).failing() == ["catalog", "storage"]


def test_what_hangs_is_unwell_and_keeps_one_thread(hanging: Callable[[], None]) -> None:
    health = Health({"hung part": hanging, "storage": well})
    found: list[list[str]] = []
    asking = [
        threading.Thread(target=lambda: found.append(health.failing()), daemon=True)
        for _ in range(20)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(PATIENCE_SECONDS)
    assert found == [["hung part"]] * 20
    assert [thread.name for thread in threading.enumerate()].count("hung part") == 1


def test_what_hung_and_answers_again_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.2)
    over = threading.Event()
    checks = Health({"part": over.wait}, fresh_seconds=0)
    assert checks.failing() == ["part"]
    over.set()
    wait_until(lambda: checks.failing() == [])


def test_an_answer_is_given_again_for_a_while() -> None:
    asked = []
    health = Health({"part": lambda: asked.append(1)}, fresh_seconds=3600)
    assert [health.failing() for _ in range(5)] == [[]] * 5
    assert len(asked) == 1


def test_the_log_says_why_a_part_is_unwell_when_that_changes(
    caplog: pytest.LogCaptureFixture, hanging: Callable[[], None]
) -> None:
    state = iter([well, broken, broken, well, silent, hanging])
    health = Health({"storage": lambda: next(state)()}, fresh_seconds=0)
    for _ in range(6):
        health.failing()
    assert [record.getMessage() for record in caplog.records] == [
        "The storage is not well: no disk",
        "The storage is well again",
        "The storage is not well: no catalog",
    ]


def test_a_reason_in_the_log_is_one_line_without_the_requests_signature() -> None:
    refused = StorageUnavailable(
        errno.EIO,
        "status 403 Forbidden: \n<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code>"
        "<Message>It does not match.</Message><StringToSign>secret</StringToSign></Error>",
    )
    assert reason(refused) == (
        "[Errno 5] status 403 Forbidden: SignatureDoesNotMatch It does not match."
    )


def test_repeated_log_lines_pass_once_a_minute_for_each_kind() -> None:
    seldom, often = Seldom(3600), Seldom(0)
    lines = [logging.makeLogRecord({"kind": kind}) for kind in ("one", "one", "two", "one")]
    assert [seldom.filter(line) for line in lines] == [True, False, True, False]
    assert all(often.filter(line) for line in lines)


def test_a_defect_of_ours_is_no_failing_part() -> None:
    with pytest.raises(ZeroDivisionError):
        Health({"part": lambda: 1 / 0}).failing()


@pytest.mark.embedded
def test_livez_answers_though_nothing_else_does(client: FlaskClient, app: Flask) -> None:
    app.extensions["dropwall"].storage.root.joinpath("incoming").rmdir()
    for path in app.extensions["dropwall"].settings.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    answer = client.get("/livez")
    assert (answer.status_code, answer.text) == (200, "Dropwall is alive.")
    assert answer.mimetype == "text/plain"


def test_healthz_says_when_to_ask_again(client: FlaskClient, config: Config) -> None:
    (config.data / "incoming").rmdir()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.embedded
def test_checks_are_open_to_anybody_without_the_passcode(config: Config) -> None:
    client = create_app(Config(data=config.data, passcode="roses")).test_client()
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://status.example.com"}
    for path in ("/livez", "/healthz"):
        answer = client.get(path, headers=from_elsewhere)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
