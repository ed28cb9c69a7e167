"""kill -9 at any moment: what was answered stays, what was not leaves nothing behind."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import update

from server import create_app
from server.catalog.tables import is_unpurged, photos, uploads
from server.config import Config
from tests.support.crowd import Crowd
from tests.support.deployed import files_of
from tests.support.engines import catalog_of, make_old, stored_files
from tests.support.gallery_server import RunningServer
from tests.support.stream import View

CRASHES = 50
GUESTS, WATCHERS = 4, 2
WORKERS = 4
LONGEST_LIFE_SECONDS = 0.5
SWEEP_SECONDS = 15
LONG_AGO = "2000-01-01T00:00:00Z"


def crash_under_load(server: RunningServer, crowd: Crowd) -> None:
    chance = Random(CRASHES)
    with crowd.at_work():
        for _ in range(CRASHES):
            time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))  # a random moment
            server.kill()
            server.start()


def make_everything_old(data: Path) -> None:
    """As if all that is half-way had been left for more than a day."""
    make_old(data, *(key for key in stored_files(data) if key.startswith(("incoming", "chunks"))))
    with catalog_of(data) as catalog:
        catalog.execute(update(uploads).values(touched=LONG_AGO))
        catalog.execute(update(photos).where(is_unpurged).values(removed=LONG_AGO))


@pytest.mark.embedded  # the other engines are killed by tests/faults
def test_what_was_answered_outlives_fifty_crashes_and_nothing_else_stays(
    live_server: RunningServer,
) -> None:
    crowd = Crowd(live_server.url, GUESTS, WATCHERS)
    crash_under_load(live_server, crowd)
    findings = crowd.look_at(live_server.url)
    assert findings.are_good, findings

    kept = View(live_server.url)
    kept.load()
    expected = files_of(list(kept.photos.values()))
    live_server.kill()
    assert set(live_server.files()) > expected  # the crashes did leave something behind
    make_everything_old(live_server.data)
    live_server.start()
    deadline = time.monotonic() + SWEEP_SECONDS
    while set(live_server.files()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(live_server.files()) == sorted(expected)
    assert "Traceback" not in (live_server.data.parent / "server.log").read_text()


def begin_at_once(workers: Barrier) -> None:
    """This module, and the server with it, has been imported by then."""
    workers.wait()


def secret_key_of_a_worker(config: Config) -> bytes:
    return create_app(config).secret_key


@pytest.mark.parametrize("former", [b"", b"k" * 32])
def test_all_workers_know_each_others_guests(config: Config, former: bytes) -> None:
    """Those of a former version too, but for a first start of which the power saw no end."""
    config.data.mkdir()
    (config.data / "secret.key").write_bytes(former)
    processes = multiprocessing.get_context("spawn")
    together = (processes.Barrier(WORKERS),)
    with ProcessPoolExecutor(WORKERS, processes, begin_at_once, together) as workers:
        [key] = set(workers.map(secret_key_of_a_worker, [config] * WORKERS))
    assert key == former or not former
