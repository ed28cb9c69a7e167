"""`make bench`: all benchmarks or the named ones, one after another, and the report of them."""

import argparse
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import active_children, get_context

from tests.benchmarks import crowd, long_list, on_the_page, uploading, wall
from tests.benchmarks.report import cells, write_report
from tests.benchmarks.results import Row, keep, load
from tests.support import engines, processes

BENCHMARKS = {
    "photos_per_second": uploading.photos_per_second,
    "body": uploading.body,
    "page_weight": on_the_page.page_weight,
    "long_list": long_list.long_list,
    "live_latency": crowd.live_latency,
    "watchers": crowd.watchers,
    "slow_uploads": crowd.slow_uploads,
    "memory": crowd.memory,
    "scrolling": on_the_page.scrolling,
    "chunks": uploading.chunks,
    "archive": uploading.archive,
    "queue": on_the_page.queue,
    "wall": wall.wall,
}
"""In the order of the design's table, and then what it says nothing of."""
ONLY_EMBEDDED = {"page_weight", "scrolling", "archive", "queue", "wall"}
AS_INSTALLED = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "128MB"}
"""PostgreSQL's own defaults, which other tests do without: a 204 is to be as durable as it is."""
MOST_SECONDS = 600  # of one of them: it hangs


def main() -> int:
    """How many of them failed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--engine", choices=engines.CHOICES, help="this one alone")
    parser.add_argument("--report", action="store_true", help="of what was measured before")
    chosen = parser.parse_args()
    if unknown := set(chosen.benchmarks) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(unknown)}: {', '.join(BENCHMARKS)}")
    failures = 0
    for benchmark in () if chosen.report else chosen.benchmarks or BENCHMARKS:
        for engine in engines.CHOICES[:1] if benchmark in ONLY_EMBEDDED else engines.CHOICES:
            if chosen.engine in (None, engine):
                failures += run(benchmark, engine)
    write_report(sorted(load(), key=lambda it: (list(BENCHMARKS).index(it.benchmark), it.engine)))
    return failures


def run(benchmark: str, engine: str) -> bool:
    """In a process of its own: nothing is left of another. Whether it failed: its failure is kept
    then, in the place of its rows."""
    print(f"{benchmark}, {engine}", flush=True)
    started = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as alone:
        measured = alone.submit(measure, benchmark, engine)
        if wait([measured], MOST_SECONDS).not_done:
            print(f"  not over after {MOST_SECONDS} s", file=sys.stderr, flush=True)
            for process in active_children():
                process.kill()
        try:
            rows, failure = measured.result(), ""
        except Exception as error:  # whatever it is, the others are measured all the same
            traceback.print_exc()
            rows, failure = [], traceback.format_exception_only(error)[-1].splitlines()[0]
    keep(benchmark, engine, rows, failure, round(time.monotonic() - started))
    return bool(failure)


def measure(benchmark: str, engine: str) -> list[Row]:
    engines.chosen, engines.postgresql_settings = engine, AS_INSTALLED
    rows = []
    try:
        for row in BENCHMARKS[benchmark]():
            print("  " + " | ".join(filter(None, cells(engine, row))), flush=True)
            rows.append(row)
        return rows
    finally:
        engines.stop_servers()
        processes.close()


if __name__ == "__main__":
    sys.exit(main())
