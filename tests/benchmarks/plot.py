"""results.svg: how many times as good as wanted each row is."""

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.benchmarks.results import HERE, Result
from tests.benchmarks.row import Row, Spread

FILE = HERE / "results.svg"
INK, REACHED, MISSED = "#7d7d7d", "#2a9d8f", "#e2672e"
"""On white as on near-black each can be read."""
INCHES_A_ROW, INCHES_AROUND, WIDTH_INCHES = 0.24, 1.3, 11


def draw(results: list[Result]) -> None:
    rows = [(it.engine, row) for it in results for row in it.rows if row.bound is not None]
    if not rows:
        return
    figure = Figure(figsize=(WIDTH_INCHES, INCHES_AROUND + INCHES_A_ROW * len(rows)))
    axes = figure.subplots()
    for height, (_, row) in enumerate(rows):
        mark(axes, height, row)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first on top
    axes.set_yticks(range(len(rows)), [f"{row.what} ({engine})" for engine, row in rows])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda times, _: f"{times:g}"))
    axes.set_xlabel("times as good as wanted, log scale; on the line: just as wanted", color=INK)
    axes.set_title(
        "● reached   ✕ not reached; lines from the worst round to the best", color=INK, fontsize=9
    )
    axes.tick_params(colors=INK, labelsize=8, which="both")
    axes.grid(axis="x", color=INK, alpha=0.25)
    for side in axes.spines.values():
        side.set_visible(False)
    # Words as words, and no date: the same results are the same, small file.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "dropwall"}):
        figure.savefig(FILE, transparent=True, bbox_inches="tight", metadata={"Date": None})


def mark(axes, height: int, row: Row) -> None:
    median, least, most = Spread.of(row.margins)
    colour, shape = (REACHED, "o") if row.is_reached else (MISSED, "X")
    axes.plot([least, most], [height, height], color=colour, linewidth=2, alpha=0.6)
    axes.plot([median], [height], shape, color=colour, markersize=6)
