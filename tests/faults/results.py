"""What came of the faults, as a table."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.crowd import Findings

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = ("fault", "engine", "times", "photos answered", "lost", "doubled", "half there")


@dataclass(frozen=True)
class Result:
    """`trouble` is what else is wrong, or why it was not played; then there are no findings."""

    name: str
    engine: str
    times: int = 0
    findings: Findings | None = None
    leftovers: frozenset[str] = frozenset()
    trouble: str = ""

    @property
    def is_good(self) -> bool:
        return bool(self.findings and self.findings.are_good) and not (
            self.leftovers or self.trouble
        )

    @property
    def row(self) -> tuple[str, ...]:
        if self.findings is None:
            return self.name, self.engine, "not played", "", "", "", ""
        found = self.findings
        half_there = len(found.half_there) + len(self.leftovers)
        counts = (self.times, found.answered, len(found.lost), len(found.doubled), half_there)
        return self.name, self.engine, *(f"{count:,}" for count in counts)


def table(results: list[Result]) -> str:
    lines = [HEAD, ("---", "---", *["---:"] * (len(HEAD) - 2)), *(result.row for result in results)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(results: list[Result], seed: int) -> None:
    troubles = "".join(f"- {it.name}, {it.engine}: {it.trouble}\n" for it in results if it.trouble)
    RESULTS.write_text(
        f"# Broken on purpose\n\nWritten by `make faults` (`SEED={seed}`).\n\n{table(results)}"
        + (f"\nWhat else was wrong, or not played:\n\n{troubles}" if troubles else "")
    )


def tracebacks(log: str) -> list[str]:
    """The last lines of those in a log: what was not foreseen."""
    return re.findall(r"^Traceback .*\n(?: .*\n)*(\S.*)", log, re.MULTILINE)
