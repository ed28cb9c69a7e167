"""/livez and /healthz: is the gallery alive, and does what it rests on answer in time?"""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from flask.testing import FlaskClient

from dropwall import create_app
from dropwall.config import Config
from dropwall.operations import health, logs
from dropwall.operations.health import Health
from dropwall.operations.logs import OutageLog
from dropwall.refusals import CatalogUnavailable
from tests.support.visitors import TEXT
from tests.support.waiting import wait_until


def well() -> None:
    pass


def broken() -> None:
    raise OSError("no disk")


def silent() -> None:
    raise CatalogUnavailable("no catalog")


@pytest.fixture
def end_of_hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What waits for it hangs for longer than anybody wants to wait."""
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.2)
    end = threading.Event()
    yield end
    end.set()


def test_what_hangs_is_unwell_and_keeps_one_thread(end_of_hanging: threading.Event) -> None:
    health = Health({"hung part": end_of_hanging.wait, "storage": well}, fresh_seconds=0)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: health.failing(), range(20)))
    assert found == [["hung part"]] * 20
    assert [thread.name for thread in threading.enumerate()].count("hung part") == 1
    end_of_hanging.set()
    wait_until(lambda: health.failing() == [])


def test_an_answer_is_given_again_for_a_while() -> None:
    asked = []
    health = Health({"part": lambda: asked.append(1)}, fresh_seconds=3600)
    assert [health.failing() for _ in range(5)] == [[]] * 5
    assert len(asked) == 1


def test_the_log_says_why_a_part_is_unwell_when_that_changes(
    caplog: pytest.LogCaptureFixture, end_of_hanging: threading.Event
) -> None:
    state = iter([well, broken, broken, well, silent, end_of_hanging.wait])
    health = Health({"storage": lambda: next(state)()}, fresh_seconds=0)
    assert [health.failing() == [] for _ in range(6)] == [True, False, False, True, False, False]
    assert [record.getMessage() for record in caplog.records] == [
        "The storage is not well: no disk",
        "The storage is well again",
        "The storage is not well: no catalog",
    ]


def test_a_defect_of_ours_is_no_failing_part() -> None:
    with pytest.raises(ZeroDivisionError):
        Health({"part": lambda: 1 / 0}).failing()


def test_an_outage_is_logged_at_once_then_once_a_minute_then_as_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0, 1, 59, 61, 62, 62])
    monkeypatch.setattr(logs, "time", Mock(monotonic=lambda: next(seconds)))
    outages = OutageLog(logging.getLogger("dropwall"))
    outages.recovered("never failed")
    for number in range(4):
        outages.failed("failed %d", number)
    outages.failed("failed too", kind="another")
    outages.recovered("well again")
    outages.recovered("well again")
    outages.failed("failed anew")
    assert [record.getMessage() for record in caplog.records] == [
        *("failed 0", "failed 3", "failed too", "well again", "failed anew"),
    ]


@pytest.mark.embedded
def test_livez_answers_though_nothing_else_does(client: FlaskClient, config: Config) -> None:
    (config.data / "incoming").rmdir()
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    alive, well = client.get("/livez"), client.get("/healthz")
    assert (alive.status_code, alive.text) == (200, "Dropwall is alive.")
    assert (well.status_code, well.text) == (503, "Not answering: catalog, storage.")
    assert well.headers["Retry-After"] == "5"
    assert alive.content_type == well.content_type == TEXT


@pytest.mark.embedded
def test_a_disk_that_is_nearly_full_is_unwell(config: Config) -> None:
    client = create_app(Config(data=config.data, min_free_bytes=2**60)).test_client()
    well = client.get("/healthz")
    assert (well.status_code, well.text) == (503, "Not answering: disk.")


@pytest.mark.embedded
def test_checks_are_open_to_anybody_without_the_passcode(config: Config) -> None:
    client = create_app(Config(data=config.data, passcode="roses")).test_client()
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://status.example.com"}
    for path in ("/livez", "/healthz"):
        answer = client.get(path, headers=from_elsewhere)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
