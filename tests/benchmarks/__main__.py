"""`make bench`: all benchmarks or the named ones, one after another, and the report of them."""

import argparse
import signal
import subprocess
import sys
import time

from tests.benchmarks.engines import EMBEDDED, SCALED
from tests.benchmarks.plot import draw
from tests.benchmarks.report import write_report
from tests.benchmarks.results import keep, load
from tests.support.gallery_server import ROOT

BOTH, ONLY_EMBEDDED = (EMBEDDED, SCALED), (EMBEDDED,)
BENCHMARKS = {
    "photos_per_second": BOTH,
    "body": BOTH,
    "page_weight": ONLY_EMBEDDED,
    "long_list": BOTH,
    "live_latency": BOTH,
    "watchers": BOTH,
    "slow_uploads": BOTH,
    "memory": BOTH,
    "scrolling": ONLY_EMBEDDED,
    "chunks": BOTH,
    "archive": ONLY_EMBEDDED,
    "queue": ONLY_EMBEDDED,
    "wall": ONLY_EMBEDDED,
}
"""In the order of the design's table, and then what it says nothing of."""
MOST_SECONDS = 600
"""Of one of them: it hangs."""
ENDING_SECONDS = 90


def main() -> int:
    """How many of them failed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--engine", choices=BOTH, help="this one alone")
    parser.add_argument("--report", action="store_true", help="of what was measured before")
    chosen = parser.parse_args()
    if unknown := set(chosen.benchmarks) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(unknown)}: {', '.join(BENCHMARKS)}")
    failures = 0
    for benchmark in () if chosen.report else chosen.benchmarks or BENCHMARKS:
        for engine in BENCHMARKS[benchmark]:
            if chosen.engine in (None, engine):
                failures += run(benchmark, engine)
    results = sorted(load(), key=lambda it: (list(BENCHMARKS).index(it.benchmark), it.engine))
    write_report(results)
    draw(results)
    return failures


def run(benchmark: str, engine: str) -> bool:
    """Whether it failed: its failure is kept then, in the place of its rows."""
    print(f"{benchmark}, {engine}", flush=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.benchmarks.one", benchmark, engine]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, errors = process.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            errors = end(process) + f"\nnot over after {MOST_SECONDS} s"
    if process.returncode == 0:
        return False
    *_, failure = ["", *errors.strip().splitlines()]
    print(f"{errors}\n  FAILED: {failure}", file=sys.stderr, flush=True)
    keep(benchmark, engine, [], failure or "it ended badly", round(time.monotonic() - started))
    return True


def end(process: subprocess.Popen[str]) -> str:
    """As Ctrl-C does: it ends what it has started. What it wrote to stderr."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=ENDING_SECONDS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1]


if __name__ == "__main__":
    sys.exit(main())
