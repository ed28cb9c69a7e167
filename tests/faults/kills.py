"""Faults that end a process at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from tests.faults.fault import Broken, on, outage
from tests.faults.ground import Ground
from tests.support.crowd import Crowd
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import SeaweedFS


@contextmanager
def server_killed(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with on(engine, ground) as site:

        def kill(_: Crowd) -> int:
            server = chance.choice(site.servers)
            server.kill()
            server.start()
            return 1

        yield site, kill


@contextmanager
def ground_killed(
    which: Callable[[Ground], PostgreSQL | SeaweedFS], ground: Ground, chance: Random
) -> Iterator[Broken]:
    with ground.two_machines() as site:

        def kill(_: Crowd) -> int:
            killed = which(ground)
            killed.kill()
            outage(chance)
            killed.start()
            return 1

        yield site, kill
