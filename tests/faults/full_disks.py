"""Disks that are full."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random

from tests.faults.fault import Broken, outage
from tests.faults.ground import Ground
from tests.support.crowd import Crowd
from tests.support.postgresql import PostgreSQL
from tests.support.small_disk import filled, small_disk

SMALL_DISK_BYTES = 64 * 1024 * 1024
DATABASE_DISK_BYTES = 256 * 1024 * 1024


@contextmanager
def disk_full(ground: Ground, chance: Random) -> Iterator[Broken]:
    folder = ground.folder()
    with small_disk(folder / "data", SMALL_DISK_BYTES) as disk, ground.one_machine(folder) as site:

        def fill(_: Crowd) -> int:
            with filled(disk, but_bytes=chance.choice([0, 50_000])):
                outage(chance)
            return 1

        yield site, fill


@contextmanager
def database_disk_full(ground: Ground, chance: Random) -> Iterator[Broken]:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(ground.folder() / "disk", DATABASE_DISK_BYTES))
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
