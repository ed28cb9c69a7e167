"""RESULTS.md: the results as tables, with notes, and where and when they were measured."""

import statistics
from collections.abc import Iterable

from tests.benchmarks.results import HERE, Result, Row

INTRODUCTION = """# What Dropwall needs, measured

`make bench` has written this. Ours and the reference are measured in turns, round by round, in one
run, after a round that only warms up: machines differ and are noisy, ratios last. Of the rounds the
median is given, and in brackets the least and the most. *Embedded* is SQLite and files in a folder;
*scaled* is PostgreSQL and SeaweedFS, an S3 server, on the same cores as everything else.

`make bench` repeats all of it, `make bench ONLY="body watchers"` some, `make bench ENGINE=scaled`
one engine; what is measured takes the place of what was measured of it before. Nothing else should
run meanwhile.
"""

# Why a row is not reached, or what in it cannot be compared: by its words, or these and its engine.
PHOTO = "photos of 12 MP, 1.0 MB: POST to 204, checked, with thumbnails listed"
OF_ALL = "Every photo of the gallery is read for one answer."
NOTES = {
    f"{PHOTO}, embedded": """The processors are busy all the time, so the ratio is that of the
        processor time a photo. By the clocks of its threads, Dropwall's own part of it, beside the
        decoding that both have, is about 5 ms to receive and to hash 1 MB, 7 ms to write, sync and
        name three files, 8 ms for three transactions, and 5 ms for HTTP and Flask; the rest are
        caches that others have filled meanwhile.""",
    f"{PHOTO}, scaled": """As with the embedded engines, and each photo is sent on: PostgreSQL and
        the S3 server share the two cores. On machines of their own they would not.""",
    "photos of 12 MP, beside a peer that takes them with thumbnails": """Dropwall's 204 comes when
        the photo is decoded to its last byte, hashed, searched for a place, synced and has two
        thumbnails and a placeholder; copyparty makes its one smaller thumbnail when it is first
        asked for, from a shrunk decode, and answers before anything is synced.""",
    "one body of 50 MB, hashed and synced, scaled": """The tutorial's server writes to a disk, once
        more into a file of its own; here each byte is written to a disk, read again, and sent on,
        signed, to an S3 server, which hashes and writes it on the same two cores. The same photo
        takes 0.4 times as long without it.""",
    "80 people open the page at once: the last one has page and 30 tiles": """One visitor's
        requests, one after the other, take 0.6 ms of Dropwall's processor time for `/livez`, 0.7
        for a file of the page, 1.3 for a thumbnail, 1.6 for the page and 2.9 for the list; 0.25 of
        each are gunicorn's with an application that does nothing. For all 80 that makes 5.0 s.
        From 480 connections at once they took 7.2 s: at each system call a thread hands the
        interpreter's lock on. With 0.6 s for the client, both cores were busy for 3.9 of that
        run's 4.5 s; else they waited for the slowest of a stage. gunicorn alone would take 0.6 s
        for these requests, three times as long as nginx for all of it.""",
    "of 1,000,000 photos, a guest's outline of all of it": OF_ALL,
    "of 1,000,000 photos, a guest's guests, counted": OF_ALL,
    "10,000 photos, phone, CPU / 4, flung: longest time without any picture": """Photos are asked
        for ahead of where a fling goes, and with a processor slowed to a quarter a screen may go by
        before they are there.""",
}


def write_report(results: list[Result]) -> None:
    promised, beside = [], []
    notes: dict[str, int] = {}
    for result in results:
        for row in result.rows:
            what, *measured = cells(result.engine, row)
            if note := NOTES.get(f"{what}, {result.engine}") or NOTES.get(what):
                what += f" [{notes.setdefault(note, len(notes) + 1)}]"
            (beside if row.bound is None else promised).append([what, *measured])
    parts = [
        INTRODUCTION,
        "\n## What was promised\n\n",
        *table(("what", "engine", "ours", "reference", "ratio", "wanted", ""), promised),
        "\n## What else was measured\n\n",
        *table(("what", "engine", "ours", "reference", "ratio"), beside),
        "\n## Notes\n\n",
        *(f"{number}. {' '.join(note.split())}\n" for note, number in notes.items()),
        "\n## Where, and when\n\n",
    ]
    for machine in dict.fromkeys(it.machine for it in results):
        runs = [
            [f"`{it.benchmark}`", it.engine, it.measured, it.commit]
            for it in results
            if it.machine == machine
        ]
        head = ("benchmark", "engine", "measured (UTC)", "commit")
        parts += [f"{machine}:\n\n", *table(head, runs), "\n"]
    parts.append("A plus: with changes that were not committed yet.\n")
    (HERE / "RESULTS.md").write_text("".join(parts))


def table(head: tuple[str, ...], rows: list[list[str]]) -> Iterable[str]:
    for line in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(line)} |\n"


def cells(engine: str, row: Row) -> list[str]:
    reference = f"{row.against}: {spread(row.reference)} {row.unit}" if row.reference else ""
    ratio = spread(row.ratios) if row.ratios else ""
    measured = [row.what, engine, f"{spread(row.ours)} {row.unit}", reference, ratio]
    if row.bound is None:
        return measured
    bound = f"{'≥' if row.more_is_better else '≤'} {figure(row.bound)}"
    wanted = f"ratio {bound}" if row.wanted_ratio else f"{bound} {row.unit}"
    return [*measured, wanted, "reached" if row.is_reached else "**not reached**"]


def spread(values: list[float]) -> str:
    """The median, the least, the most."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{figure(median)} ({figure(least)} to {figure(most)})" if least < most else figure(most)


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
