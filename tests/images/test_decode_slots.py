"""Photos are decoded in a few slots, which all processes share."""

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.turns import Turns


def test_no_more_than_its_number_are_at_work(tmp_path: Path) -> None:
    turns, at_work, most = Turns(tmp_path, 2), [], []

    def work(number: int) -> None:
        with turns.wait():
            at_work.append(number)
            most.append(len(at_work))
            time.sleep(0.005)
            at_work.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert max(most) == 2


def hold(folder: Path, holding: "multiprocessing.synchronize.Event") -> None:
    with Turns(folder, 1).wait(), Turns(folder, 1).wait_for_large():
        holding.set()
        time.sleep(60)


def test_a_process_that_dies_gives_its_slot_back(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    holding = spawn.Event()
    process = spawn.Process(target=hold, args=(tmp_path, holding))
    process.start()
    assert holding.wait(30)
    process.kill()
    with Turns(tmp_path, 1).wait(), Turns(tmp_path, 1).wait_for_large():
        process.join()


def test_waiting_long_takes_no_more_open_files(tmp_path: Path) -> None:
    turns, counts = Turns(tmp_path, 1), []

    def wait() -> None:
        with turns.wait():
            pass

    with ThreadPoolExecutor(1) as pool:
        with turns.wait():
            waiting = pool.submit(wait)
            for _ in range(5):
                time.sleep(0.05)
                counts.append(len(os.listdir("/proc/self/fd")))
        waiting.result(timeout=10)
    assert max(counts) - min(counts) <= 3
