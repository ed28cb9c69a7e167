"""Whoever looks after the gallery is told whether it lives and whether it is well, in time."""

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.catalog import CatalogUnavailable
from server.config import Config
from server.health import PATIENCE_SECONDS, Health
from server.logs import Seldom, reason
from server.storage import StorageUnavailable
from tests.support.waiting import wait_until

PATHS = ("/livez", "/healthz")


def well() -> None:
    pass


def broken() -> None:
    raise OSError("no disk")


def silent() -> None:
    raise CatalogUnavailable("no catalog")


@pytest.fixture
def hanging() -> Iterator[Callable[[], None]]:
    """A call that comes back when the test is over."""
    over = threading.Event()
    yield lambda: over.wait() and None
    over.set()


def test_what_is_not_well_is_named() -> None:
    assert Health({"catalog": well, "storage": well}).failing() == []
    assert Health({"catalog": well, "storage": broken}).failing() == ["storage"]
    assert Health({"catalog": silent, "storage": broken}).failing() == ["catalog", "storage"]


def test_nobody_waits_for_what_hangs(hanging: Callable[[], None]) -> None:
    health = Health({"catalog": hanging, "storage": well})
    asked = threading.Thread(target=health.failing, daemon=True)
    asked.start()
    asked.join(10 * PATIENCE_SECONDS)
    assert not asked.is_alive()


def test_however_often_one_asks_what_hangs_keeps_one_thread(hanging: Callable[[], None]) -> None:
    health = Health({"hung part": hanging})
    asking = [threading.Thread(target=health.failing) for _ in range(20)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert [thread.name for thread in threading.enumerate()].count("hung part") == 1


def test_what_hung_and_answers_again_is_well() -> None:
    over = threading.Event()
    health = Health({"part": over.wait}, fresh_seconds=0)
    assert health.failing() == ["part"]
    over.set()
    wait_until(lambda: health.failing() == [])


def test_whoever_asks_again_at_once_gets_the_last_answer() -> None:
    asked = []
    health = Health({"part": lambda: asked.append(1)}, fresh_seconds=3600)
    assert [health.failing() for _ in range(5)] == [[]] * 5
    assert len(asked) == 1


def test_whoever_looks_after_it_reads_why_it_is_not_well(
    caplog: pytest.LogCaptureFixture, hanging: Callable[[], None]
) -> None:
    state = iter([well, broken, broken, well, silent, hanging])
    health = Health({"storage": lambda: next(state)()}, fresh_seconds=0)
    told = []
    for _ in range(6):
        health.failing()
        told += [record.getMessage() for record in caplog.records]
        caplog.clear()
    assert told == [
        "The storage is not well: no disk",
        "The storage is well again",
        "The storage is not well: no catalog",
    ]


def test_a_reason_is_one_line_without_the_signature_that_was_refused() -> None:
    refused = StorageUnavailable(
        errno.EIO,
        "status 403 Forbidden: \n<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code>"
        "<Message>It does not match.</Message><StringToSign>secret</StringToSign></Error>",
    )
    told = reason(refused)
    assert told == "[Errno 5] status 403 Forbidden: SignatureDoesNotMatch It does not match."


def test_why_requests_are_refused_is_told_once_a_minute_for_each_kind() -> None:
    seldom, often = Seldom(3600), Seldom(0)
    lines = [logging.makeLogRecord({"kind": kind}) for kind in ("one", "one", "two", "one")]
    assert [seldom.filter(line) for line in lines] == [True, False, True, False]
    assert all(often.filter(line) for line in lines)


def test_a_defect_is_no_failing_part() -> None:
    with pytest.raises(ZeroDivisionError):
        Health({"part": lambda: 1 / 0}).failing()


@pytest.mark.embedded
def test_alive_is_who_answers_though_nothing_else_does(client: FlaskClient, app: Flask) -> None:
    app.extensions["dropwall"].storage.root.joinpath("incoming").rmdir()
    for path in app.extensions["dropwall"].settings.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    answer = client.get("/livez")
    assert (answer.status_code, answer.text) == (200, "Dropwall is alive.")
    assert answer.mimetype == "text/plain"


def test_who_is_unwell_says_when_to_ask_again(client: FlaskClient, config: Config) -> None:
    (config.data / "incoming").rmdir()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", PATHS)
def test_a_check_may_come_from_anywhere_without_the_passcode(tmp_path: Path, path: str) -> None:
    app = create_app(Config(data=tmp_path / "data", passcode="roses"))
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://status.example.com"}
    answer = app.test_client().get(path, headers=from_elsewhere)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
