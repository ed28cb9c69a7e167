"""Rows of figures, measured in interleaved rounds; results.json keeps each benchmark's last."""

import json
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.support.gallery_server import ROOT

HERE = Path(__file__).parent
FILE = HERE / "results.json"


@dataclass(frozen=True)
class Row:
    """One line of the table. `ours` and `reference` have a value for each round, and the same
    round made the same demands on both. `wanted` is a bound of ours, `wanted_ratio` of their
    ratio: the least where more is better, otherwise the most."""

    what: str
    unit: str
    ours: list[float]
    reference: list[float] = field(default_factory=list)
    against: str = ""
    wanted: float | None = None
    wanted_ratio: float | None = None
    more_is_better: bool = False

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.ours, self.reference, strict=True) if self.reference else ()
        return [ours / theirs for ours, theirs in pairs if theirs]

    @property
    def bound(self) -> float | None:
        return self.wanted if self.wanted_ratio is None else self.wanted_ratio

    @property
    def is_reached(self) -> bool:
        assert self.bound is not None
        median = statistics.median(self.ours if self.wanted_ratio is None else self.ratios)
        return median >= self.bound if self.more_is_better else median <= self.bound


@dataclass(frozen=True)
class Result:
    """What one benchmark measured on one engine."""

    benchmark: str
    engine: str
    measured: str
    commit: str
    machine: str
    rows: list[Row]


def in_turns(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """What each measures, round by round, after a round that only warms up. Every other round goes
    backwards, so that none always comes first."""
    values: list[list[float]] = [[] for _ in measures]
    turns = list(zip(measures, values, strict=True))
    for _ in range(1 + rounds):
        for measure, own in turns:
            own.append(measure())
        turns.reverse()
    return [own[1:] for own in values]


def save(benchmark: str, engine: str, rows: list[Row]) -> None:
    """Replaces what was measured of it before; all else stays."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    new = Result(benchmark, engine, now, commit(), machine(), rows)
    others = [it for it in load() if (it.benchmark, it.engine) != (benchmark, engine)]
    kept = json.dumps([asdict(result) for result in [*others, new]])
    one_row_a_line = kept.replace('[{"', '[\n{"').replace(', {"', ',\n{"')
    FILE.write_text(one_row_a_line + "\n")


def load() -> list[Result]:
    kept = json.loads(FILE.read_text()) if FILE.exists() else []
    return [Result(**it | {"rows": [Row(**row) for row in it["rows"]]}) for it in kept]


def commit() -> str:
    """The one that was measured; with a plus, and something that was not committed yet."""
    head = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True)
    status = ["git", "status", "--porcelain", "-uno", "--", ".", f":!{HERE.relative_to(ROOT)}"]
    return head.strip() + "+" * bool(subprocess.check_output(status, cwd=ROOT))


def machine() -> str:
    """Linux's: processor, cores, memory, system, Python."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"
    processor = f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    return f"{processor}, {memory:.0f} GiB of memory, {system}, {python}"
