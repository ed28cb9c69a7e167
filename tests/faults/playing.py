"""One fault is played many times under load, and what came of it is a row of a table."""

import re
import time
from dataclasses import dataclass
from random import Random

from tests.faults.faults import Fault
from tests.faults.ground import Ground
from tests.support.crowd import Crowd, Findings

GUESTS, WATCHERS = 4, 6
LONGEST_CALM_SECONDS = 1.5
HEAD = ("fault", "engine", "times", "photos answered", "lost", "doubled", "half there")


@dataclass(frozen=True)
class Result:
    """`trouble` is what else is wrong, or why it was not played; then there are no findings."""

    name: str
    engine: str
    times: int = 0
    findings: Findings | None = None
    orphans: frozenset[str] = frozenset()
    trouble: str = ""

    @property
    def is_good(self) -> bool:
        has_good_findings = self.findings is not None and self.findings.are_good
        return has_good_findings and not self.orphans and not self.trouble

    @property
    def row(self) -> tuple[str, ...]:
        if self.findings is None:
            return self.name, self.engine, "not played", "", "", "", ""
        found = self.findings
        half_there = len(found.half_there) + len(self.orphans)
        counts = (self.times, found.answered, len(found.lost), len(found.doubled), half_there)
        return self.name, self.engine, *(f"{count:,}" for count in counts)


def play(fault: Fault, ground: Ground, rounds: int, seed: int) -> Result:
    chance = Random(f"{seed} {fault.name} {fault.engine}")
    with fault.play(fault.engine, ground, chance) as (site, break_once):
        crowd = Crowd(site.url, GUESTS, WATCHERS, seed, waits_for_room=True)
        with crowd.at_work():
            for _ in range(rounds):
                time.sleep(chance.uniform(0, LONGEST_CALM_SECONDS))  # a random moment
                break_once(crowd)
        findings = crowd.look_at(site.servers[0].url)
        orphans = frozenset(site.orphans())
        trouble = "; ".join(sorted(set(tracebacks(site.log()))))
    return Result(fault.name, fault.engine, rounds, findings, orphans, trouble)


def table(results: list[Result]) -> str:
    lines = [HEAD, ("---", "---", *["---:"] * (len(HEAD) - 2)), *(result.row for result in results)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tracebacks(log: str) -> list[str]:
    """The last lines of those in a log: what was not foreseen."""
    return re.findall(r"^Traceback .*\n(?: .*\n)*(\S.*)", log, re.MULTILINE)
