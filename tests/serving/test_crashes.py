"""kill -9 at any moment: what was answered stays, what was not leaves nothing behind."""

import time
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import update

from dropwall import create_app
from dropwall.catalog.tables import gallery, intents, is_unpurged, photos, uploads
from dropwall.config import Config
from tests.support.crowd import Crowd
from tests.support.deployed import files_of
from tests.support.engines import catalog_of, make_old, stored_files
from tests.support.gallery_server import GalleryServer
from tests.support.stream import View
from tests.support.waiting import wait_until


def make_everything_old(data: Path) -> None:
    """As if all that is half-way had been left for more than a day."""
    long_ago = "2000-01-01T00:00:00Z"
    make_old(data, *(key for key in stored_files(data) if key.startswith(("incoming", "chunks"))))
    with catalog_of(data) as catalog:
        catalog.execute(update(uploads).values(touched=long_ago))
        catalog.execute(update(intents).values(begun=long_ago))
        catalog.execute(update(photos).where(is_unpurged).values(removed=long_ago))
        catalog.execute(update(gallery).values(made=long_ago))


LONG = [pytest.mark.slow, pytest.mark.timeout(900)]  # two seconds a crash, on a busy machine ten


@pytest.mark.embedded  # the other engines are killed by tests/faults
@pytest.mark.parametrize("crashes", [5, pytest.param(50, marks=LONG)])
def test_answered_photos_survive_crashes_and_nothing_else_stays(
    server: GalleryServer, crashes: int
) -> None:
    crowd = Crowd(server.url, guests=4, watchers=2)
    chance = Random(crashes)
    with crowd.at_work():
        for _ in range(crashes):
            time.sleep(chance.uniform(0, 0.5))  # a random moment
            server.kill()
            server.start()
    findings = crowd.look_at(server.url)
    assert findings.are_good, findings

    kept = View(server.url)
    kept.load()
    expected = files_of(list(kept.photos.values()))
    server.kill()
    assert set(server.files()) > expected  # the crashes did leave something behind
    make_everything_old(server.data)
    server.start()
    wait_until(lambda: sorted(server.files()) == sorted(expected))
    assert "Traceback" not in server.log


@pytest.mark.embedded
def test_the_secret_key_is_made_once(config: Config) -> None:
    [key] = {create_app(config).secret_key for _ in range(4)}  # each one a start
    assert len(key) == 32
