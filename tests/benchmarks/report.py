"""RESULTS.md: the results as tables, with where and how they were measured."""

from collections.abc import Iterable

from tests.benchmarks.notes import note_on
from tests.benchmarks.results import HERE, Result
from tests.benchmarks.row import Row, Spread

FILE = HERE / "RESULTS.md"
Line = tuple[str, Row]
"""Its engine, and what was measured on it."""

INTRODUCTION = """# What Dropwall needs, measured

`make bench` has written this. Ours and the reference are measured in turns, round by round, in one
run, after a round that only warms up: machines differ and are noisy, ratios last. Of the rounds the
median is given, and in brackets the least and the most. *Embedded* is SQLite and files in a folder;
*scaled* is PostgreSQL and SeaweedFS, an S3 server, on the same cores as everything else.

`make bench` repeats all of it, `make bench ONLY="body watchers"` some, `make bench ENGINE=scaled`
one engine; what is measured takes the place of what was measured of it before. Nothing else should
run meanwhile.
"""
PLOT = """
![How many times as good as wanted each row is](results.svg)
"""
PROMISED = ("what", "engine", "ours", "reference", "ratio", "wanted", "")
BESIDE = ("what", "engine", "ours", "reference", "ratio")


def write_report(results: list[Result]) -> None:
    lines = [(result.engine, row) for result in results for row in result.rows]
    promised = [line for line in lines if line[1].bound is not None]
    beside = [line for line in lines if line[1].bound is None]
    numbers: dict[str, int] = {}
    parts = [
        INTRODUCTION,
        "\n## What was promised\n",
        PLOT,
        "\n",
        *(f"**{it.benchmark}, {it.engine}, failed.**\n\n" for it in results if it.failure),
        *table(PROMISED, [promised_cells(*line, numbers) for line in promised]),
        "\n## What else was measured\n\n",
        *table(BESIDE, [cells(*line, numbers) for line in beside]),
        *(["\n## Notes\n\n"] if numbers else []),
        *(f"{number}. {note}\n" for note, number in numbers.items()),
        "\n## Where, and when\n\n",
        *where(results),
    ]
    FILE.write_text("".join(parts))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterable[str]:
    for cells in (head, ["---"] * len(list(head)), *rows):
        yield f"| {' | '.join(cells)} |\n"


def promised_cells(engine: str, row: Row, numbers: dict[str, int]) -> list[str]:
    bound = f"{'≥' if row.more_is_better else '≤'} {figure(row.bound or 0)}"
    wanted = f"ratio {bound}" if row.wanted_ratio else f"{bound} {row.unit}"
    reached = "reached" if row.is_reached else "**not reached**"
    return [*cells(engine, row, numbers), wanted, reached]


def cells(engine: str, row: Row, numbers: dict[str, int]) -> list[str]:
    what = row.what
    if note := note_on(row.what, engine):
        what += f" [{numbers.setdefault(note, len(numbers) + 1)}]"
    reference = ""
    if row.reference:
        reference = f"{row.against}: {spread(row.reference)} {row.unit}"
    ratio = spread(row.ratios) if row.ratios else ""
    return [what, engine, f"{spread(row.ours)} {row.unit}", reference, ratio]


def spread(values: list[float]) -> str:
    median, least, most = Spread.of(values)
    return f"{figure(median)} ({figure(least)} to {figure(most)})" if least < most else figure(most)


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def where(results: list[Result]) -> Iterable[str]:
    for machine in dict.fromkeys(result.machine for result in results):
        yield f"{machine}:\n\n"
        head = ("benchmark", "engine", "measured (UTC)", "commit", "seconds", "")
        yield from table(
            head,
            [
                (
                    f"`{it.benchmark}`",
                    it.engine,
                    it.measured,
                    it.commit,
                    f"{it.seconds:.0f}",
                    f"**failed**: {it.failure.replace('|', ' ')}" if it.failure else "",
                )
                for it in results
                if it.machine == machine
            ],
        )
        yield "\nA plus: with changes that were not committed yet.\n\n"
