"""Faults of the network."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

from tests.faults.fault import Break, Broken, on, outage
from tests.faults.ground import Ground
from tests.support.cable import Cable, cable_to
from tests.support.crowd import Crowd
from tests.support.faulty_proxy import losing_answers

LOST_SHARE = 0.3
CLOSE_BY_SECONDS = 0.3


@contextmanager
def visitors_cut_off(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with on(engine, ground) as site, cable_to(site.url) as cable:
        yield replace(site, url=cable.url), _cutting(cable, chance)


@contextmanager
def database_cut_off(ground: Ground, chance: Random) -> Iterator[Broken]:
    with (
        cable_to(ground.postgresql_url) as cable,
        ground.two_machines(database_url=cable.url) as site,
    ):
        yield site, _cutting(cable, chance)


@contextmanager
def storage_cut_off(ground: Ground, chance: Random) -> Iterator[Broken]:
    with (
        cable_to(ground.seaweedfs.url) as cable,
        ground.two_machines(storage_url=cable.url) as site,
    ):
        yield site, _cutting(cable, chance)


def _cutting(cable: Cable, chance: Random) -> Break:
    def cut(_: Crowd) -> int:
        cable.pull()
        outage(chance)
        cable.plug_in()
        return 1

    return cut


@contextmanager
def answers_lost(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with (
        on(engine, ground) as site,
        losing_answers(site.url, LOST_SHARE, chance.randrange(1000)) as proxy,
    ):
        counted = 0

        def wait(_: Crowd) -> int:
            nonlocal counted
            time.sleep(CLOSE_BY_SECONDS)
            new, counted = proxy.faults - counted, proxy.faults
            return new

        yield replace(site, url=proxy.url), wait
