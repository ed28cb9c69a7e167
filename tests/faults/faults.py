"""All faults of `make faults`: each opens a gallery, and breaks something that it rests on."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from random import Random

import requests

from tests.faults.ground import Ground
from tests.support.cable import Cable
from tests.support.crowd import Crowd, small_photo
from tests.support.deployed import Site
from tests.support.faulty_proxy import Answer, FaultyProxy, Request, losing_answers
from tests.support.gallery_server import GalleryServer
from tests.support.jumping_clock import jumping_clock
from tests.support.postgresql import PostgreSQL
from tests.support.seaweedfs import SeaweedFS
from tests.support.small_disk import filled, small_disk

MEGABYTE = 1024 * 1024
DAY_SECONDS = 24 * 60 * 60
LONGEST_OUTAGE_SECONDS = 0.6
LONGEST_DELAY_SECONDS = 2.0
TIMEOUT_SECONDS = 60

Break = Callable[[Crowd], None]
"""Does the damage once, and undoes it."""
Broken = Iterator[tuple[Site, Break]]
"""The site has the URL by which the crowd comes to it."""
Play = Callable[[str, Ground, Random], AbstractContextManager[tuple[Site, Break]]]
"""Opens a gallery on these engines."""


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
        yield site, lambda _: kill(chance.choice(site.servers), chance)


def killed(choose: Callable[[Ground], PostgreSQL | SeaweedFS]) -> Play:
    @contextmanager
    def play(_: str, ground: Ground, chance: Random) -> Broken:
        with ground.two_machines() as site:
            yield site, lambda _: kill(choose(ground), chance)

    return play


def kill(server: GalleryServer | PostgreSQL | SeaweedFS, chance: Random) -> None:
    server.kill()
    outage(chance)
    server.start()


# The network


@contextmanager
def visitors_cut_off(engine: str, ground: Ground, chance: Random) -> Broken:
    with ground.site(engine) as site, Cable(site.url) as cable:
        yield replace(site, url=cable.url), lambda _: cut(cable, chance)


@contextmanager
def database_cut_off(_: str, ground: Ground, chance: Random) -> Broken:
    with (
        Cable(ground.postgresql_url) as cable,
        ground.two_machines(database_url=cable.url) as site,
    ):
        yield site, lambda _: cut(cable, chance)


@contextmanager
def storage_cut_off(_: str, ground: Ground, chance: Random) -> Broken:
    with (
        Cable(ground.seaweedfs.url) as cable,
        ground.two_machines(storage_url=cable.url) as site,
    ):
        yield site, lambda _: cut(cable, chance)


def cut(cable: Cable, chance: Random) -> None:
    cable.pull()
    outage(chance)
    cable.plug_in()


@contextmanager
def answers_lost(engine: str, ground: Ground, chance: Random) -> Broken:
    with (
        ground.site(engine) as site,
        losing_answers(site.url, 0.3, chance.randrange(1000)) as proxy,
    ):
        yield replace(site, url=proxy.url), lambda _: outage(chance)
        assert proxy.faults > 0, "no answer was lost"


# The S3 server


def storage_misbehaves(ask: Callable[[FaultyProxy, Request], Answer]) -> Play:
    @contextmanager
    def play(_: str, ground: Ground, chance: Random) -> Broken:
        with (
            FaultyProxy(ground.seaweedfs.url, FaultyProxy.ask_server) as proxy,
            ground.two_machines(storage_url=proxy.url) as site,
        ):

            def fail(_: Crowd) -> None:
                proxy.fault = ask
                outage(chance)
                proxy.fault = FaultyProxy.ask_server

            yield site, fail

    return play


def storage_answers(status: int) -> Play:
    answer = Answer(status, "Trouble", [("Content-Length", "0")], b"")
    return storage_misbehaves(lambda *_: answer)


def ask_late(proxy: FaultyProxy, request: Request) -> Answer:
    time.sleep(random.uniform(0, LONGEST_DELAY_SECONDS))
    return proxy.ask_server(request)


# Disks


@contextmanager
def disk_full(_: str, ground: Ground, chance: Random) -> Broken:
    folder = ground.folder()
    with small_disk(folder / "data", 64 * MEGABYTE) as disk, ground.one_machine(folder) as site:

        def fill(_: Crowd) -> None:
            with filled(disk, but_bytes=chance.choice([0, 50_000])):
                outage(chance)

        yield site, fill


@contextmanager
def database_disk_full(_: str, ground: Ground, chance: Random) -> Broken:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(ground.folder() / "disk", 256 * MEGABYTE))
        disk.chmod(0o755)
        postgresql = PostgreSQL(disk)
        stack.callback(postgresql.remove)
        site = stack.enter_context(ground.two_machines(postgresql=postgresql))

        def fill(_: Crowd) -> None:
            with filled(disk):
                outage(chance)
            if not postgresql.is_running():  # it ends when it cannot write its log
                postgresql.start()

        yield site, fill


# Time


@contextmanager
def clock_jumps(engine: str, ground: Ground, chance: Random) -> Broken:
    with jumping_clock(ground.folder()) as jump_to, ground.site(engine) as site:

        def jump(_: Crowd) -> None:
            jump_to(chance.choice([-DAY_SECONDS, 0, DAY_SECONDS]))
            outage(chance)

        yield site, jump
        jump_to(0)


@contextmanager
def sent_four_times_at_once(engine: str, ground: Ground, chance: Random) -> Broken:
    with ground.site(engine) as site, requests.Session() as guest:
        guest.get(site.servers[0].url, timeout=TIMEOUT_SECONDS)
        numbers = count(1)

        def send_often(crowd: Crowd) -> None:
            number = next(numbers)
            name = crowd.new_name(number)
            content = crowd.remember(name, small_photo(number, chance))

            def send(server_url: str) -> int:
                files = {"file": (name, content)}
                return guest.post(server_url, files=files, timeout=TIMEOUT_SECONDS).status_code

            urls = [server.url for server in site.servers] * (4 // len(site.servers))
            with ThreadPoolExecutor(len(urls)) as pool:
                assert set(pool.map(send, urls)) == {204}
            crowd.safe.add(name)

        yield site, send_often


def on_both(name: str, play: Play) -> list[Fault]:
    return [Fault(name, engine, play) for engine in ("embedded", "scaled")]


FAULTS = [
    *on_both("a server is killed (`kill -9`)", server_killed),
    Fault("PostgreSQL is killed", "scaled", killed(lambda ground: ground.postgresql)),
    Fault("the S3 server is killed", "scaled", killed(lambda ground: ground.seaweedfs)),
    *on_both("the network to the visitors is cut", visitors_cut_off),
    Fault("the network to PostgreSQL is cut", "scaled", database_cut_off),
    Fault("the network to the S3 server is cut", "scaled", storage_cut_off),
    Fault("the S3 server answers 500", "scaled", storage_answers(500)),
    Fault("the S3 server answers 403", "scaled", storage_answers(403)),
    Fault("the S3 server is slow", "scaled", storage_misbehaves(ask_late)),
    Fault("the disk is full", "embedded", disk_full),
    Fault("PostgreSQL's disk is full", "scaled", database_disk_full),
    *on_both("the clock jumps by a day or two", clock_jumps),
    *on_both("one photo is sent four times at once", sent_four_times_at_once),
    *on_both("30 % of all answers are lost", answers_lost),
]
