"""What was measured last, by benchmark and engine, kept in results.json."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.row import Row
from tests.support.gallery_server import ROOT

HERE = Path(__file__).parent
FILE = HERE / "results.json"


@dataclass(frozen=True)
class Result:
    """Of one benchmark on one engine; `failure` is empty, or says why there are no rows."""

    benchmark: str
    engine: str
    rows: list[Row]
    failure: str
    seconds: float
    measured: str
    commit: str
    machine: str


def keep(benchmark: str, engine: str, rows: list[Row], failure: str, seconds: float) -> None:
    """In the place of what was measured of it before; all else stays."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    new = Result(benchmark, engine, rows, failure, seconds, now, commit(), machine())
    others = [it for it in load() if (it.benchmark, it.engine) != (benchmark, engine)]
    kept = json.dumps([asdict(result) for result in [*others, new]], indent=1)
    FILE.write_text(kept + "\n")


def load() -> list[Result]:
    return [read(kept) for kept in json.loads(FILE.read_text())] if FILE.exists() else []


def read(kept: dict[str, Any]) -> Result:
    return Result(**kept | {"rows": [Row(**row) for row in kept["rows"]]})


def commit() -> str:
    """The one that was measured; with a plus, and something that was not committed yet."""
    git = ["git", "-C", ROOT]
    head = subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip()
    ours = ["--", ".", f":!{HERE.relative_to(ROOT)}"]
    changed = subprocess.check_output([*git, "status", "--porcelain", "-uno", *ours])
    return head + "+" * bool(changed)


def machine() -> str:
    """Linux's: processor, cores, memory, system, Python."""
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in processors if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return ", ".join(
        (
            models[0] if models else platform.machine(),
            f"{os.cpu_count()} cores",
            f"{memory:.0f} GiB of memory",
            platform.freedesktop_os_release()["PRETTY_NAME"],
            f"Linux {platform.release()}",
            f"Python {platform.python_version()}",
        )
    )
