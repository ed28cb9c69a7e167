"""`make bench` runs all benchmarks or the named ones, one after another, and reports them."""

import argparse
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.benchmarks import attacks, crowd, long_list, opening, page, uploading
from tests.benchmarks.report import cells, write_report
from tests.benchmarks.results import Row, load, save
from tests.support import engines, processes

BENCHMARKS = {
    "photos_per_second": uploading.photos_per_second,
    "body": uploading.body,
    "crowd_opens": opening.crowd_opens,
    "page_itself": opening.page_itself,
    "first_tile": opening.first_tile,
    "layout_shift": opening.layout_shift,
    "page_weight": page.page_weight,
    "long_list": long_list.long_list,
    "live_latency": crowd.live_latency,
    "watchers": crowd.watchers,
    "slow_uploads": crowd.slow_uploads,
    "memory": crowd.memory,
    "scrolling": page.scrolling,
    "attacks": attacks.attacks,
}
"""In the order of the table in the design."""
ONLY_EMBEDDED = {
    "crowd_opens",
    "page_itself",
    "first_tile",
    "layout_shift",
    "page_weight",
    "scrolling",
    "attacks",
}
DURABLE = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "128MB"}
"""PostgreSQL's own defaults, which other tests do without: a 204 costs what it costs a host."""


def main() -> int:
    """How many of them failed; the results of those stay what they were."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--engine", choices=engines.CHOICES, help="this one alone")
    parser.add_argument("--report", action="store_true", help="of what was measured before")
    chosen = parser.parse_args()
    if unknown := set(chosen.benchmarks) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(unknown)}: {', '.join(BENCHMARKS)}")
    failures = 0
    for benchmark in () if chosen.report else chosen.benchmarks or BENCHMARKS:
        for engine in [chosen.engine] if chosen.engine else engines.CHOICES:
            if engine == engines.SCALED and benchmark in ONLY_EMBEDDED:
                continue
            print(f"{benchmark}, {engine}", flush=True)
            try:
                # Nothing is left of it in a process of its own.
                with ProcessPoolExecutor(1, mp_context=get_context("fork")) as alone:
                    rows = alone.submit(measure, benchmark, engine).result()
                save(benchmark, engine, rows)
            except Exception:  # whatever it is, the others are measured all the same
                traceback.print_exc()
                failures += 1
    write_report(sorted(load(), key=lambda it: (list(BENCHMARKS).index(it.benchmark), it.engine)))
    return failures


def measure(benchmark: str, engine: str) -> list[Row]:
    engines.chosen, engines.postgresql_settings = engine, DURABLE
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
