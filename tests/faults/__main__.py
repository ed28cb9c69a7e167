"""`make faults`: breaks everything that a gallery rests on, again and again, while a crowd is at
work; then looks whether every photo that was answered for is there, whole and once."""

import argparse
import sys
import time
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS
from tests.faults.ground import Ground
from tests.faults.playing import Result, play, table

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    """How many faults did harm, or could not be played."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of each fault")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--only", default="", help="those whose name or engine has this in it")
    chosen = parser.parse_args()
    print(f"SEED={chosen.seed}", flush=True)
    results = []
    with Ground() as ground:
        for fault in FAULTS:
            if chosen.only not in f"{fault.name} ({fault.engine})":
                continue
            began = time.monotonic()
            try:
                result = play(fault, ground, chosen.rounds, chosen.seed)
            except (pytest.skip.Exception, AssertionError, OSError) as trouble:
                result = Result(fault.name, fault.engine, trouble=str(trouble))
            results.append(result)
            print(f"{' | '.join(result.row)} ({time.monotonic() - began:.0f} s)", flush=True)
            if not result.is_good:
                print(result, flush=True)
    print(f"\n{table(results)}")
    if not chosen.only:
        report = f"# Broken on purpose\n\nWritten by `make faults` (`SEED={chosen.seed}`).\n\n"
        report += table(results)
        for result in results:
            if result.trouble:
                report += f"\n- {result.name}, {result.engine}: {result.trouble}\n"
        RESULTS.write_text(report)
    return sum(not result.is_good for result in results)


if __name__ == "__main__":
    sys.exit(main())
