"""Processes beside the measured server, and what its own ones take of the machine."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.gallery_server import RunningServer

BEGUN, END = "begun", "end"
SAMPLE_SECONDS = 0.05
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@contextmanager
def in_a_process(
    act: Callable[[int, Connection], None], server: RunningServer
) -> Iterator[Connection]:
    """Of its own, which says when all has begun, and ends well once it is asked to end."""
    ours, theirs = Pipe()
    process = Process(target=act, args=(server.port, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.recv() == BEGUN
        yield ours
        ours.send(END)
        process.join()
    finally:
        process.terminate()
    assert process.exitcode == 0


def memory_bytes(server: RunningServer) -> int:
    """That the workers have for themselves alone, or share in part (Pss of smaps_rollup)."""
    rollups = [(worker / "smaps_rollup").read_text() for worker in server.workers()]
    lines = [line.split() for rollup in rollups for line in rollup.splitlines()]
    return sum(int(line[1]) * 1024 for line in lines if line[0] == "Pss:")


@contextmanager
def sampled_bytes(server: RunningServer) -> Iterator[list[int]]:
    """What the workers hold, every so often."""
    samples = [memory_bytes(server)]
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            samples.append(memory_bytes(server))

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield samples
    finally:
        is_over.set()
        sampling.join()


def processor_percents(seconds: float, *servers: RunningServer) -> list[float]:
    """Of one core, for all workers of a server together, during the same time."""
    before, started = [processor_seconds(server) for server in servers], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - started
    after = [processor_seconds(server) for server in servers]
    return [100 * (late - early) / passed for early, late in zip(before, after, strict=True)]


def busy_seconds() -> float:
    """Of all processors of this machine, whatever kept them busy (proc_stat(5))."""
    user, nice, system, _idle, _iowait, *interrupts = (
        int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / TICKS_PER_SECOND


def processor_seconds(server: RunningServer) -> float:
    """utime and stime (proc_pid_stat(5))."""
    fields = [
        (worker / "stat").read_text().rpartition(")")[2].split() for worker in server.workers()
    ]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS_PER_SECOND
