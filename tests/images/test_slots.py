"""Decodes are limited over all workers together, and slots are shared fairly."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from dropwall.images.slots import Cost, Slots
from dropwall.refusals import VisitorLeft
from tests.support.waiting import PATIENCE_SECONDS, wait_until

MEGABYTE = 1_000_000
SMALL = Cost(10 * MEGABYTE, 0.1)
LARGE = Cost(600 * MEGABYTE, 2)
HUGE = Cost(4000 * MEGABYTE, 20)


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    return Slots(tmp_path, processors=2, decode_bytes=1000 * MEGABYTE)


class AtWork:
    """Photos that are decoded, each in a thread, until they are told to end."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.begun: list[str] = []
        self.ends: dict[str, threading.Event] = {}
        self.pool = ThreadPoolExecutor(20)

    def begin(self, name: str, visitor: str = "", cost: Cost = SMALL) -> None:
        self.ends[name] = threading.Event()

        def work() -> None:
            with self.slots.hold(visitor or name, cost):
                self.begun.append(name)
                assert self.ends[name].wait(PATIENCE_SECONDS)

        self.pool.submit(work)
        wait_until(lambda: len(self.begun) + len(self.slots._waiting) == len(self.ends))

    def wait_for(self, *names: str) -> None:
        """In whatever order two of them note it that began at once."""
        wait_until(lambda: sorted(self.begun) == sorted(names))


@pytest.fixture
def at_work(slots: Slots) -> Iterator[AtWork]:
    at_work = AtWork(slots)
    yield at_work
    for end in at_work.ends.values():
        end.set()
    at_work.pool.shutdown()


def test_the_visitor_with_the_fewest_photos_at_work_goes_first(at_work: AtWork) -> None:
    for number in range(2):
        at_work.begin(f"many {number}", "many")
    at_work.wait_for("many 0", "many 1")
    for number in range(2, 6):
        at_work.begin(f"many {number}", "many")
    at_work.begin("one", "one")
    at_work.ends["many 0"].set()
    at_work.wait_for("many 0", "many 1", "one")
    at_work.ends["many 1"].set()
    at_work.wait_for("many 0", "many 1", "one", "many 2")


@pytest.mark.parametrize("cost", [LARGE, HUGE, Cost(MEGABYTE, seconds=5)])
def test_large_and_slow_photos_leave_room_for_a_small_one(at_work: AtWork, cost: Cost) -> None:
    at_work.begin("large", cost=cost)
    at_work.wait_for("large")
    at_work.begin("large too", cost=cost)
    at_work.begin("small")
    at_work.wait_for("large", "small")
    at_work.ends["large"].set()
    at_work.wait_for("large", "small", "large too")


def test_a_large_photo_is_decoded_among_small_ones(tmp_path: Path) -> None:
    slots = Slots(tmp_path, processors=8, decode_bytes=100 * MEGABYTE)
    work = AtWork(slots)
    names = [f"small {number}" for number in range(8)]
    for name in names:
        work.begin(name)
    work.begin("large", cost=HUGE)
    for name in names:  # each is followed by another one
        work.begin(f"{name} again")
        work.ends[name].set()
    wait_until(lambda: all(f"{name} again" in work.begun for name in names[:2]))
    for end in work.ends.values():
        end.set()
    wait_until(lambda: "large" in work.begun)
    work.pool.shutdown()


def test_memory_is_shared_by_all_workers(tmp_path: Path) -> None:
    first, second = (Slots(tmp_path, processors=8, decode_bytes=1000 * MEGABYTE) for _ in range(2))
    part = Cost(200 * MEGABYTE, 0.1)
    with ExitStack() as held:
        for slots in (first, second, first, second, first):
            held.enter_context(slots.hold("", part))
        with pytest.raises(VisitorLeft), first.hold("", part, is_disconnected=lambda: True):
            pass


def test_large_photos_of_two_workers_come_one_after_the_other(tmp_path: Path) -> None:
    """If each kept the memory that it could get, both would wait for ever."""
    one, another = (AtWork(Slots(tmp_path, 8, 1000 * MEGABYTE)) for _ in range(2))
    one.begin("first", cost=HUGE)
    one.wait_for("first")
    one.begin("second", cost=HUGE)
    another.begin("third", cost=HUGE)
    one.ends["first"].set()
    one.ends["second"].set()
    another.ends["third"].set()
    one.wait_for("first", "second")
    another.wait_for("third")
    for work in (one, another):
        work.pool.shutdown()


def test_a_visitor_who_has_disconnected_waits_no_longer(slots: Slots, at_work: AtWork) -> None:
    for name in ("one", "two"):
        at_work.begin(name)
    at_work.wait_for("one", "two")
    with pytest.raises(VisitorLeft), slots.hold("three", SMALL, is_disconnected=lambda: True):
        pass
    assert slots._waiting == []
    assert slots._decoding.total() == 2


@contextmanager
def everything_held(folder: Path) -> Iterator[None]:
    slots = Slots(folder, 2, 1000 * MEGABYTE)
    with slots.hold("", SMALL), slots.hold("", LARGE), slots.one_at_a_time("upload", "0"):
        yield


def hold(folder: Path, holding: Event) -> None:
    with everything_held(folder):
        holding.set()
        threading.Event().wait()


def test_a_process_that_dies_gives_its_slots_back(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    holding = spawn.Event()
    process = spawn.Process(target=hold, args=(tmp_path, holding))
    process.start()
    assert holding.wait(PATIENCE_SECONDS)
    process.kill()
    process.join(PATIENCE_SECONDS)
    with everything_held(tmp_path):
        pass


def test_waiting_long_takes_no_more_open_files(slots: Slots, at_work: AtWork) -> None:
    for name in ("one", "two", "three"):
        at_work.begin(name)
    counts = []
    for _ in range(5):
        threading.Event().wait(0.05)
        counts.append(len(os.listdir("/proc/self/fd")))
    assert max(counts) - min(counts) < 30  # what it opens while it tries, not more each time
