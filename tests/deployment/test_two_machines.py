"""Two servers of one gallery behind nginx: guests may come to either of them, and either of them,
PostgreSQL or the S3 server may stop without a photo being lost."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.faults.ground import Ground
from tests.support import crowd
from tests.support.chunks import InChunks
from tests.support.crowd import Crowd
from tests.support.deployed import Site
from tests.support.photos import photo_bytes
from tests.support.stream import Watcher
from tests.support.waiting import PATIENCE_SECONDS, wait_until

THREADS = 32  # of each server; three quarters of them may watch
RETRY_SECONDS = 2

at_length = pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with Ground() as ground:
        yield ground


@pytest.fixture(scope="module")
def site(ground: Ground) -> Iterator[Site]:
    with ground.two_machines(threads=THREADS) as site:
        yield site


def wait_for_more_photos(visitors: Crowd) -> None:
    enough = len(visitors.safe) + 3
    wait_until(lambda: len(visitors.safe) >= enough)


@at_length
def test_a_guest_may_come_to_either_server(site: Site, rounds: int) -> None:
    """Also with the last chunk to both at once: one of them finishes the photo while the other one
    is still assembling it. The photo is private, and nobody else sees it on either server."""
    here, there = urls = [server.url for server in site.servers]
    whole = photo_bytes("jpg", size=(2400, 1600))
    with requests.Session() as guest, ThreadPoolExecutor(2) as pool:
        guest.get(here, timeout=PATIENCE_SECONDS)

        def send(url: str, photo: InChunks, number: int) -> int:
            form = photo.fields(number) | {"visibility": "owner"}
            files = {"file": (photo.name, photo.bytes(number))}
            return guest.post(url, form, files=files, timeout=PATIENCE_SECONDS).status_code

        [(name, value)] = guest.cookies.items()
        with Watcher(there, cookie=f"{name}={value}") as watcher:
            watcher.next_event()  # where it begins
            for number in range(2 * rounds):
                name = f"private-{number}.jpg"
                photo = InChunks(whole + f"{rounds} {number}".encode(), len(whole) // 4, name)
                for chunk in photo.numbers[:-1]:
                    assert send(urls[chunk % 2], photo, chunk) == 204
                last = pool.map(lambda url, sent=photo: send(url, sent, sent.last), urls)
                assert list(last) == [204, 204]
                [seen] = watcher.next_event().changes["photos"]
                assert guest.get(there + seen["url"]).content == photo.content
                for url in urls:
                    mine = guest.get(f"{url}/api/photos?mine=1").json()["photos"]
                    assert [listed["name"] for listed in mine] == [name]
                    assert name not in requests.get(f"{url}/api/photos").text
                    assert requests.get(url + seen["url"]).status_code == 404
                assert guest.delete(f"{here}/api/photos/{seen['id']}").status_code == 204
                assert watcher.next_event().changes["removed"] == [seen["id"]]


@at_length
def test_a_rolling_restart_is_seen_by_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    # A request that comes in the moment in which a worker closes is sent again, as the page does.
    for patience in ("GIVE_UP_AT_ONCE", "WAIT_FOR_THE_SERVER"):
        monkeypatch.setattr(crowd, patience, RETRY_SECONDS)
    visitors = Crowd(site.url, guests=4, watchers=4, seed=rounds)
    with visitors.at_work():
        for server in site.servers * rounds:
            wait_for_more_photos(visitors)
            assert server.stop(signal.SIGTERM) == 0
            server.start()
    assert visitors.given_up == []
    assert visitors.look_at(site.url).are_good
    for follower in visitors.followers:
        assert follower.streams > 1
        assert (follower.polls, follower.resets, follower.errors) == (0, 0, 0)


@at_length
def test_kills_of_a_server_of_postgresql_and_of_s3_lose_no_photo(
    ground: Ground, rounds: int
) -> None:
    with ground.two_machines(threads=THREADS) as site:
        visitors = Crowd(site.url, guests=4, watchers=6 * rounds)
        with visitors.at_work():
            for killed in (site.servers[0], ground.postgresql, ground.seaweedfs) * rounds:
                wait_for_more_photos(visitors)
                killed.kill()
                killed.start()
            wait_for_more_photos(visitors)
        findings = visitors.look_at(site.url)
        assert findings.are_good, findings
        assert site.orphans() == set()
        assert "Traceback" not in site.log()
