"""One fault, many times, under load."""

import time
from random import Random

from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.results import Result, tracebacks
from tests.support.crowd import Crowd

GUESTS, WATCHERS = 4, 6
LONGEST_CALM_SECONDS = 1.5


def play(fault: Fault, ground: Ground, rounds: int, seed: int) -> Result:
    chance = Random(f"{seed} {fault.name} {fault.engine}")
    times = 0
    with fault.play(ground, chance) as (site, break_once):
        crowd = Crowd(site.url, GUESTS, WATCHERS, seed, waits_for_room=True)
        with crowd.at_work():
            for _ in range(rounds):
                time.sleep(chance.uniform(0, LONGEST_CALM_SECONDS))  # a random moment
                times += break_once(crowd)
        findings = crowd.look_at(site.servers[0].url)
        leftovers = frozenset(site.leftovers())
        trouble = "; ".join(sorted(set(tracebacks(site.log()))))
    return Result(fault.name, fault.engine, times, findings, leftovers, trouble)
