"""The faults: each makes a gallery, and breaks something of it at a word.

It is a context that gives the site, with the URL by which the crowd comes to it, and a function
that does the damage once, undoes it, and says how often something went wrong."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from random import Random

import requests

from tests.cable import Cable, cable_to
from tests.crowd import Crowd, small_photo
from tests.faults.ground import Ground
from tests.faulty_proxy import Answer, FaultyProxy, Request, failing, losing_answers
from tests.jumping_clock import jumping_clock
from tests.postgresql import PostgreSQL
from tests.seaweedfs import SeaweedFS
from tests.site import Site
from tests.small_disk import filled, small_disk

LONGEST_OUTAGE_SECONDS = 0.6
LONGEST_DELAY_SECONDS = 2.0
DAY_SECONDS = 24 * 60 * 60
SMALL_DISK_BYTES = 64 * 1024 * 1024
DATABASE_DISK_BYTES = 256 * 1024 * 1024
LOST_SHARE = 0.3
CLOSE_BY_SECONDS = 0.3
TIMEOUT_SECONDS = 60

Break = Callable[[Crowd], int]
Broken = tuple[Site, Break]
Play = Callable[[Ground, Random], AbstractContextManager[Broken]]


@dataclass(frozen=True)
class Fault:
    name: str
    engine: str
    play: Play


def _outage(chance: Random) -> None:
    time.sleep(chance.uniform(0, LONGEST_OUTAGE_SECONDS))


def _on(engine: str, ground: Ground) -> AbstractContextManager[Site]:
    return ground.one_machine() if engine == "embedded" else ground.two_machines()


@contextmanager
def _server_killed(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with _on(engine, ground) as site:

        def kill(_: Crowd) -> int:
            server = chance.choice(site.servers)
            server.kill()
            server.start()
            return 1

        yield site, kill


@contextmanager
def _ground_killed(
    which: Callable[[Ground], PostgreSQL | SeaweedFS], ground: Ground, chance: Random
) -> Iterator[Broken]:
    with ground.two_machines() as site:

        def kill(_: Crowd) -> int:
            killed = which(ground)
            killed.kill()
            _outage(chance)
            killed.start()
            return 1

        yield site, kill


def _cutting(cable: Cable, chance: Random) -> Break:
    def cut(_: Crowd) -> int:
        cable.pull()
        _outage(chance)
        cable.plug_in()
        return 1

    return cut


@contextmanager
def _visitors_cut_off(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with _on(engine, ground) as site, cable_to(site.url) as cable:
        yield replace(site, url=cable.url), _cutting(cable, chance)


@contextmanager
def _database_cut_off(ground: Ground, chance: Random) -> Iterator[Broken]:
    with (
        cable_to(ground.postgresql_url) as cable,
        ground.two_machines(database_url=cable.url) as site,
    ):
        yield site, _cutting(cable, chance)


@contextmanager
def _storage_cut_off(ground: Ground, chance: Random) -> Iterator[Broken]:
    with (
        cable_to(ground.seaweedfs.url) as cable,
        ground.two_machines(storage_url=cable.url) as site,
    ):
        yield site, _cutting(cable, chance)


@contextmanager
def _storage_answers(status: int, ground: Ground, chance: Random) -> Iterator[Broken]:
    def answer(_proxy: FaultyProxy, _request: Request) -> Answer:
        return Answer(status, "Trouble", [("Content-Length", "0")], b"")

    with _storage_in_trouble(answer, ground, chance) as broken:
        yield broken


@contextmanager
def _storage_is_slow(ground: Ground, chance: Random) -> Iterator[Broken]:
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
            _outage(chance)
            proxy.fault = FaultyProxy.ask_server
            return 1

        yield site, fail


@contextmanager
def _disk_full(ground: Ground, chance: Random) -> Iterator[Broken]:
    folder = ground.folder()
    with small_disk(folder / "data", SMALL_DISK_BYTES) as disk, ground.one_machine(folder) as site:

        def fill(_: Crowd) -> int:
            with filled(disk, but_bytes=chance.choice([0, 50_000])):
                _outage(chance)
            return 1

        yield site, fill


@contextmanager
def _database_disk_full(ground: Ground, chance: Random) -> Iterator[Broken]:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(ground.folder() / "disk", DATABASE_DISK_BYTES))
        disk.chmod(0o755)
        postgresql = PostgreSQL(disk)
        stack.callback(postgresql.remove)
        site = stack.enter_context(ground.two_machines(postgresql=postgresql))

        def fill(_: Crowd) -> int:
            with filled(disk):
                _outage(chance)
            if not postgresql.is_running():  # it ends when it cannot write its log
                postgresql.start()
            return 1

        yield site, fill


@contextmanager
def _clock_jumps(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with jumping_clock(ground.folder()) as clock, _on(engine, ground) as site:

        def jump(_: Crowd) -> int:
            clock.jump_to(chance.choice([-DAY_SECONDS, 0, DAY_SECONDS]))
            _outage(chance)
            return 1

        yield site, jump
        clock.jump_to(0)


@contextmanager
def _sent_twice_at_once(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with _on(engine, ground) as site, requests.Session() as guest:
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


@contextmanager
def _answers_lost(engine: str, ground: Ground, chance: Random) -> Iterator[Broken]:
    with (
        _on(engine, ground) as site,
        losing_answers(site.url, LOST_SHARE, chance.randrange(1000)) as proxy,
    ):
        counted = 0

        def wait(_: Crowd) -> int:
            nonlocal counted
            time.sleep(CLOSE_BY_SECONDS)
            new, counted = proxy.faults - counted, proxy.faults
            return new

        yield replace(site, url=proxy.url), wait


def _on_both(name: str, play: Callable[..., AbstractContextManager[Broken]]) -> list[Fault]:
    return [Fault(name, engine, partial(play, engine)) for engine in ("embedded", "scaled")]


FAULTS = [
    *_on_both("a server is killed (`kill -9`)", _server_killed),
    Fault(
        "PostgreSQL is killed",
        "scaled",
        partial(_ground_killed, lambda ground: ground.postgresql),
    ),
    Fault(
        "the S3 server is killed",
        "scaled",
        partial(_ground_killed, lambda ground: ground.seaweedfs),
    ),
    *_on_both("the network to the visitors is cut", _visitors_cut_off),
    Fault("the network to PostgreSQL is cut", "scaled", _database_cut_off),
    Fault("the network to the S3 server is cut", "scaled", _storage_cut_off),
    Fault("the S3 server answers 500", "scaled", partial(_storage_answers, 500)),
    Fault("the S3 server answers 403", "scaled", partial(_storage_answers, 403)),
    Fault("the S3 server is slow", "scaled", _storage_is_slow),
    Fault("the disk is full", "embedded", _disk_full),
    Fault("PostgreSQL's disk is full", "scaled", _database_disk_full),
    *_on_both("the clock jumps by a day or two", _clock_jumps),
    *_on_both("one photo is sent four times at once", _sent_twice_at_once),
    *_on_both("30 % of all answers are lost", _answers_lost),
]
