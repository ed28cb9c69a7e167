"""Faults of an S3 server that runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from tests.faults.fault import Broken, outage
from tests.faults.ground import Ground
from tests.support.crowd import Crowd
from tests.support.faulty_proxy import Answer, FaultyProxy, Request, failing

LONGEST_DELAY_SECONDS = 2.0


@contextmanager
def storage_answers(status: int, ground: Ground, chance: Random) -> Iterator[Broken]:
    def answer(_proxy: FaultyProxy, _request: Request) -> Answer:
        return Answer(status, "Trouble", [("Content-Length", "0")], b"")

    with _storage_in_trouble(answer, ground, chance) as broken:
        yield broken


@contextmanager
def storage_is_slow(ground: Ground, chance: Random) -> Iterator[Broken]:
    def answer_late(proxy: FaultyProxy, request: Request) -> Answer:
        time.sleep(chance.uniform(0, LONGEST_DELAY_SECONDS))
        return proxy.ask_server(request)

    with _storage_in_trouble(answer_late, ground, chance) as broken:
        yield broken


@contextmanager
def _storage_in_trouble(
    trouble: Callable[[FaultyProxy, Request], Answer], ground: Ground, chance: Random
) -> Iterator[Broken]:
    with (
        failing(ground.seaweedfs.url, FaultyProxy.ask_server) as proxy,
        ground.two_machines(storage_url=proxy.url) as site,
    ):

        def fail(_: Crowd) -> int:
            proxy.fault = trouble
            outage(chance)
            proxy.fault = FaultyProxy.ask_server
            return 1

        yield site, fail
