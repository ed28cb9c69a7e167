"""kill -9 at any moment: what was answered stays, what was not leaves nothing behind."""

import hashlib
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
import requests
from PIL import Image
from sqlalchemy import update

from server import create_app
from server.catalog.tables import is_unpurged, photos, uploads
from server.config import Config
from server.images import THUMBNAIL_WIDTHS
from server.storage.keys import original_key, thumbnail_key
from tests.engines import catalog_of, make_old, stored_files
from tests.guest import Guest
from tests.photos import photo_bytes
from tests.running_server import RunningServer

CRASHES = 50
GUESTS = 4
WORKERS = 8
LONGEST_LIFE_SECONDS = 0.5
CHUNK_BYTES = 1000
GIVE_UP_AT_ONCE, WAIT_FOR_THE_SERVER = 0, 60
SWEEP_SECONDS = 15
LONG_AGO = "2000-01-01T00:00:00Z"


@dataclass
class Memory:
    """What the guests did, by the photos' names. Of what is in none but `sent` they never heard."""

    sent: dict[str, str] = field(default_factory=dict)  # name: SHA-256
    safe: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)


def photo(number: int, chance: Random) -> bytes:
    """A small picture, another one each time."""
    return photo_bytes("jpg", seed=number % 8, size=(96, 64)) + chance.randbytes(1000)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def send_until(over: threading.Event, server_url: str, guest_number: int, memory: Memory) -> None:
    """One guest: half of the photos in chunks, half of them given up when the server goes away,
    and a few removed again."""
    chance = Random(guest_number)
    with closing(Guest(server_url, WAIT_FOR_THE_SERVER)) as guest:
        number = 0
        while not over.is_set():
            number += 1
            name, content = f"{guest_number}-{number}.jpg", photo(number, chance)
            memory.sent[name] = sha256(content)
            guest.patience_seconds = chance.choice([GIVE_UP_AT_ONCE, WAIT_FOR_THE_SERVER])
            try:
                if chance.random() < 0.5:
                    guest.send(name, content)
                else:
                    guest.send_in_chunks(name, content, CHUNK_BYTES)
            except requests.RequestException:
                over.wait(0.02)
                continue
            if chance.random() < 0.1:
                guest.patience_seconds = WAIT_FOR_THE_SERVER
                guest.remove(name)
                memory.removed.add(name)
            else:
                memory.safe.add(name)


def crash_under_load(server: RunningServer, memory: Memory) -> None:
    chance = Random(CRASHES)
    over = threading.Event()
    with ThreadPoolExecutor(GUESTS) as pool:
        guests = [pool.submit(send_until, over, server.url, n, memory) for n in range(GUESTS)]
        try:
            for _ in range(CRASHES):
                over.wait(chance.uniform(0, LONGEST_LIFE_SECONDS))  # a random moment
                server.kill()
                server.start()
        finally:
            over.set()
    for guest in guests:
        guest.result()


def all_photos(server: RunningServer) -> Iterator[dict]:
    before: int | None = None
    while True:
        asked = {"limit": 500} | ({} if before is None else {"before": before})
        page = requests.get(f"{server.url}/api/photos", asked, timeout=30).json()
        yield from page["photos"]
        before = page["next"]
        if before is None:
            return


def make_everything_old(data: Path) -> None:
    """As if all that is half-way had been left for more than a day."""
    make_old(data, *(key for key in stored_files(data) if key.startswith(("incoming", "chunks"))))
    with catalog_of(data) as catalog:
        catalog.execute(update(uploads).values(touched=LONG_AGO))
        catalog.execute(update(photos).where(is_unpurged).values(removed=LONG_AGO))


def files_of(listed: list[dict]) -> set[str]:
    files = set()
    for photo in listed:
        files.add(original_key(photo["id"], photo["url"].rpartition(".")[2]))
        files |= {thumbnail_key(photo["id"], width) for width in THUMBNAIL_WIDTHS}
    return files


def assert_is_whole(server: RunningServer, listed: dict, sent: str) -> None:
    original = requests.get(server.url + listed["url"], timeout=30).content
    assert sha256(original) == sent
    Image.open(io.BytesIO(original)).load()
    for width in THUMBNAIL_WIDTHS:
        thumbnail = requests.get(server.url + listed["thumbnails"][str(width)], timeout=30)
        assert thumbnail.status_code == 200
        Image.open(io.BytesIO(thumbnail.content)).load()


def test_what_was_answered_outlives_fifty_crashes_and_nothing_else_stays(
    live_server: RunningServer,
) -> None:
    memory = Memory()
    crash_under_load(live_server, memory)
    listed = list(all_photos(live_server))
    names = [photo["name"] for photo in listed]
    assert len(set(names)) == len(names)
    assert memory.safe - set(names) == set()
    assert memory.removed & set(names) == set()
    for photo in listed:
        assert_is_whole(live_server, photo, memory.sent[photo["name"]])

    live_server.kill()
    expected = files_of(listed)
    assert set(live_server.files()) > expected  # the crashes did leave something behind
    make_everything_old(live_server.data)
    live_server.start()
    deadline = time.monotonic() + SWEEP_SECONDS
    while set(live_server.files()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(live_server.files()) == sorted(expected)
    assert "Traceback" not in (live_server.data.parent / "server.log").read_text()


@pytest.mark.parametrize("former", [b"", b"k" * 32])
def test_all_workers_know_each_others_guests(config: Config, former: bytes) -> None:
    """Those of a former version too, but for a first start of which the power saw no end."""
    config.data.mkdir()
    (config.data / "secret.key").write_bytes(former)
    with ThreadPoolExecutor(WORKERS) as workers:
        apps = list(workers.map(create_app, [config] * WORKERS))
    [key] = {app.secret_key for app in apps}
    assert key == former or not former
