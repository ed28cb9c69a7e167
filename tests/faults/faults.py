"""All faults of `make faults`: each opens a gallery, and breaks something that it rests on."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from random import Random

import requests

from tests.faults.ground import Ground
from tests.support.cable import Cable, cable_to
from tests.support.crowd import Crowd, small_photo
from tests.support.deployed import Site
from tests.support.faulty_proxy import Answer, FaultyProxy, Request, failing, losing_answers
from tests.support.jumping_clock import jumping_clock
from tests.support.postgresql import PostgreSQL
from tests.support.small_disk import filled, small_disk

MEGABYTE = 1024 * 1024
DAY_SECONDS = 24 * 60 * 60
LONGEST_OUTAGE_SECONDS = 0.6
LONGEST_DELAY_SECONDS = 2.0
TIMEOUT_SECONDS = 60

Break = Callable[[Crowd], int]
"""Does the damage once, undoes it, and returns how often something went wrong."""
Broken = Iterator[tuple[Site, Break]]
"""The site has the URL by which the crowd comes to it."""
Play = Callable[[str, Ground, Random], AbstractContextManager[tuple[Site, Break]]]


@dataclass(frozen=True)
class Fault:
    name: str
    engine: str
    play: Play


def outage(chance: Random) -> None:
    time.sleep(chance.uniform(0, LONGEST_OUTAGE_SECONDS))


# Processes that end at once


@contextmanager
def server_killed(engine: str, ground: Ground, chance: Random) -> Broken:
    with ground.site(engine) as site:

        def kill(_: Crowd) -> int:
            server = chance.choice(site.servers)
            server.kill()
            server.start()
            return 1

        yield site, kill


def killed(name: str) -> Play:
    @contextmanager
    def play(_: str, ground: Ground, chance: Random) -> Broken:
        with ground.two_machines() as site:

            def kill(_: Crowd) -> int:
                server = getattr(ground, name)
                server.kill()
                outage(chance)
                server.start()
                return 1

            yield site, kill

    return play


# The network


def cutting(cable: Cable, chance: Random) -> Break:
    def cut(_: Crowd) -> int:
        cable.pull()
        outage(chance)
        cable.plug_in()
        return 1

    return cut


@contextmanager
def visitors_cut_off(engine: str, ground: Ground, chance: Random) -> Broken:
    with ground.site(engine) as site, cable_to(site.url) as cable:
        yield replace(site, url=cable.url), cutting(cable, chance)


@contextmanager
def database_cut_off(_: str, ground: Ground, chance: Random) -> Broken:
    with (
        cable_to(ground.postgresql_url) as cable,
        ground.two_machines(database_url=cable.url) as site,
    ):
        yield site, cutting(cable, chance)


@contextmanager
def storage_cut_off(_: str, ground: Ground, chance: Random) -> Broken:
    with (
        cable_to(ground.seaweedfs.url) as cable,
        ground.two_machines(storage_url=cable.url) as site,
    ):
        yield site, cutting(cable, chance)


@contextmanager
def answers_lost(engine: str, ground: Ground, chance: Random) -> Broken:
    with (
        ground.site(engine) as site,
        losing_answers(site.url, 0.3, chance.randrange(1000)) as proxy,
    ):
        counted = 0

        def count_new(_: Crowd) -> int:
            nonlocal counted
            outage(chance)
            new, counted = proxy.faults - counted, proxy.faults
            return new

        yield replace(site, url=proxy.url), count_new


# The S3 server


def storage_in_trouble(ask: Callable[[FaultyProxy, Request, Random], Answer]) -> Play:
    @contextmanager
    def play(_: str, ground: Ground, chance: Random) -> Broken:
        with (
            failing(ground.seaweedfs.url, FaultyProxy.ask_server) as proxy,
            ground.two_machines(storage_url=proxy.url) as site,
        ):

            def fail(_: Crowd) -> int:
                proxy.fault = lambda proxy, request: ask(proxy, request, chance)
                outage(chance)
                proxy.fault = FaultyProxy.ask_server
                return 1

            yield site, fail

    return play


def storage_answers(status: int) -> Play:
    trouble = Answer(status, "Trouble", [("Content-Length", "0")], b"")
    return storage_in_trouble(lambda *_: trouble)


def ask_late(proxy: FaultyProxy, request: Request, chance: Random) -> Answer:
    time.sleep(chance.uniform(0, LONGEST_DELAY_SECONDS))
    return proxy.ask_server(request)


# Disks


@contextmanager
def disk_full(_: str, ground: Ground, chance: Random) -> Broken:
    folder = ground.folder()
    with small_disk(folder / "data", 64 * MEGABYTE) as disk, ground.one_machine(folder) as site:

        def fill(_: Crowd) -> int:
            with filled(disk, but_bytes=chance.choice([0, 50_000])):
                outage(chance)
            return 1

        yield site, fill


@contextmanager
def database_disk_full(_: str, ground: Ground, chance: Random) -> Broken:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(ground.folder() / "disk", 256 * MEGABYTE))
        disk.chmod(0o755)
        postgresql = PostgreSQL(disk)
        stack.callback(postgresql.remove)
        site = stack.enter_context(ground.two_machines(postgresql=postgresql))

        def fill(_: Crowd) -> int:
            with filled(disk):
                outage(chance)
            if not postgresql.is_running():  # it ends when it cannot write its log
                postgresql.start()
            return 1

        yield site, fill


# Time


@contextmanager
def clock_jumps(engine: str, ground: Ground, chance: Random) -> Broken:
    with jumping_clock(ground.folder()) as jump_to, ground.site(engine) as site:

        def jump(_: Crowd) -> int:
            jump_to(chance.choice([-DAY_SECONDS, 0, DAY_SECONDS]))
            outage(chance)
            return 1

        yield site, jump
        jump_to(0)


@contextmanager
def sent_four_times_at_once(engine: str, ground: Ground, chance: Random) -> Broken:
    with ground.site(engine) as site, requests.Session() as guest:
        guest.get(site.servers[0].url, timeout=TIMEOUT_SECONDS)
        times = 0

        def send_often(crowd: Crowd) -> int:
            nonlocal times
            times += 1
            name = crowd.new_name(times)
            content = crowd.remember(name, small_photo(times, chance))

            def send(server_url: str) -> int:
                files = {"file": (name, content)}
                return guest.post(server_url, files=files, timeout=TIMEOUT_SECONDS).status_code

            urls = [server.url for server in site.servers] * (4 // len(site.servers))
            with ThreadPoolExecutor(len(urls)) as pool:
                assert set(pool.map(send, urls)) == {204}
            crowd.memory.safe.add(name)
            return 1

        yield site, send_often


def on_both(name: str, play: Play) -> list[Fault]:
    return [Fault(name, engine, play) for engine in ("embedded", "scaled")]


FAULTS = [
    *on_both("a server is killed (`kill -9`)", server_killed),
    Fault("PostgreSQL is killed", "scaled", killed("postgresql")),
    Fault("the S3 server is killed", "scaled", killed("seaweedfs")),
    *on_both("the network to the visitors is cut", visitors_cut_off),
    Fault("the network to PostgreSQL is cut", "scaled", database_cut_off),
    Fault("the network to the S3 server is cut", "scaled", storage_cut_off),
    Fault("the S3 server answers 500", "scaled", storage_answers(500)),
    Fault("the S3 server answers 403", "scaled", storage_answers(403)),
    Fault("the S3 server is slow", "scaled", storage_in_trouble(ask_late)),
    Fault("the disk is full", "embedded", disk_full),
    Fault("PostgreSQL's disk is full", "scaled", database_disk_full),
    *on_both("the clock jumps by a day or two", clock_jumps),
    *on_both("one photo is sent four times at once", sent_four_times_at_once),
    *on_both("30 % of all answers are lost", answers_lost),
]
