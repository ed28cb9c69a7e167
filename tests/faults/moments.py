"""Faults of time: what is not now, and what is at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import requests

from tests.faults.fault import Broken, on, outage
from tests.faults.ground import Ground
from tests.support.crowd import Crowd, small_photo
from tests.support.jumping_clock import jumping_clock

DAY_SECONDS = 24 * 60 * 60
TIMEOUT_SECONDS = 60


@contextmanager
def clock_jumps(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with jumping_clock(ground.folder()) as clock, on(engine, ground) as site:

        def jump(_: Crowd) -> int:
            clock.jump_to(chance.choice([-DAY_SECONDS, 0, DAY_SECONDS]))
            outage(chance)
            return 1

        yield site, jump
        clock.jump_to(0)


@contextmanager
def sent_twice_at_once(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with on(engine, ground) as site, requests.Session() as guest:
        guest.get(site.servers[0].url, timeout=TIMEOUT_SECONDS)
        times = 0

        def send_twice(crowd: Crowd) -> int:
            nonlocal times
            times += 1
            name, content = crowd.new_name(times), small_photo(times, chance)

            def send(server_url: str) -> int:
                files = {"file": (name, content)}
                return guest.post(server_url, files=files, timeout=TIMEOUT_SECONDS).status_code

            crowd.remember(name, content)
            urls = [server.url for server in site.servers] * (4 // len(site.servers))
            with ThreadPoolExecutor(len(urls)) as pool:
                assert set(pool.map(send, urls)) == {204}
            crowd.memory.safe.add(name)
            return 1

        yield site, send_twice
