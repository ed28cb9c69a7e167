"""Measures one benchmark on one engine, in a process of its own: nothing is left of another."""

import importlib
import sys
import time

from tests.benchmarks.engines import running
from tests.benchmarks.results import keep


def measure_one(benchmark: str, engine_name: str) -> None:
    """Keeps its rows when all of them are there."""
    module = importlib.import_module(f"tests.benchmarks.{benchmark}")
    rows, started = [], time.monotonic()
    with running(engine_name) as engine:
        for row in module.measure(engine):
            print(f"  {row}", flush=True)
            rows.append(row)
    keep(benchmark, engine_name, rows, "", round(time.monotonic() - started))


if __name__ == "__main__":
    measure_one(*sys.argv[1:])
