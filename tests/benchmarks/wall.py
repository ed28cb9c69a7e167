"""What the wall costs a browser that shows it for a long time, whatever happens to its server.

`python -m tests.benchmarks.wall 30` watches it for half an hour.
"""

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from random import Random

from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from tests.benchmarks.engines import EMBEDDED, Engine, running
from tests.benchmarks.queue import heap_bytes
from tests.benchmarks.row import Row
from tests.benchmarks.servers import dropwall
from tests.conftest import CDN, play_cdn
from tests.support.browser import launch_options
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes

MINUTES = 2
PHOTOS = 40
SIZES = ((2000, 1333), (1333, 2000), (2400, 800), (300, 200))
STEP_SECONDS = 10
STEPS_OF_A_SAMPLE = 6
WARM_SAMPLES = 2
"""Caches are full by then."""
OF_THE_NETWORK = r"net::ERR_|status of (404|5\d\d)"
"""A photo may be taken down just when it is its turn, and servers are killed."""
MB = 1e6
GROWING = (
    ("heap_mb", "JS heap", "MB"),
    ("nodes", "DOM nodes", "nodes"),
    ("listeners", "listeners", "listeners"),
    ("renderer_mb", "memory of the renderer", "MB"),
)
"""What a sample has, how we say it."""


@dataclass(frozen=True)
class Sample:
    heap_mb: float
    nodes: float
    listeners: float
    renderer_mb: float


@dataclass
class Watched:
    errors: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    changes: int = 0
    samples: list[Sample] = field(default_factory=list)


def measure(engine: Engine, minutes: float = MINUTES) -> Iterator[Row]:
    with (
        dropwall(**engine.new_settings()) as server,
        closing(Guest(server.url)) as guest,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(**launch_options())
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.route(f"{CDN}**", play_cdn)
        watched = watch(page, browser.new_browser_cdp_session(), server, guest, minutes)
        browser.close()
    assert watched.errors == []
    what = f"the wall for {minutes:g} minutes, its server restarted and killed again and again"
    yield Row(f"{what}: different photos shown", "photos", [len(watched.shown)])
    first, last = watched.samples[min(WARM_SAMPLES, len(watched.samples) - 1)], watched.samples[-1]
    for measured, name, unit in GROWING:
        ours, before = getattr(last, measured), getattr(first, measured)
        yield Row(f"{what}: {name} at its end", unit, [ours], [before], "once its caches were full")


def watch(
    page: Page, browser: CDPSession, server: RunningServer, guest: Guest, minutes: float
) -> Watched:
    watched = Watched()
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("console", lambda line: watched.errors.append(line.text) if _is_error(line) else None)
    page.expose_function("tellShown", lambda name: _note(watched, name))
    for number in range(PHOTOS):
        guest.send(*photo(number))
    page.goto(f"{server.url}/#wall")
    page.evaluate(
        """() => {
            const tell = (figure) => window.tellShown(figure.querySelector("img").alt);
            const watcher = new MutationObserver(([{ target }]) => {
                const shown = document.querySelector("figure[aria-hidden=false]");
                if (shown) tell(shown);
            });
            const attributeFilter = ["aria-hidden"];
            watcher.observe(document.querySelector(".wall"), { subtree: true, attributeFilter });
        }"""
    )
    page_tools = page.context.new_cdp_session(page)
    page_tools.send("Performance.enable")
    acts = happenings(server, guest)
    end = time.monotonic() + minutes * 60
    for step in count():
        if step % STEPS_OF_A_SAMPLE == 0:
            watched.samples.append(sample(page_tools, browser))
            print(f"{step * STEP_SECONDS:>6} s  {watched.samples[-1]}", flush=True)
        if time.monotonic() > end:
            break
        next(acts)
        page.wait_for_timeout(STEP_SECONDS * 1000)
    expect(page.get_by_role("dialog").get_by_role("figure").get_by_role("img")).to_be_visible()
    return watched


def _is_error(line) -> bool:
    return line.type == "error" and not re.search(OF_THE_NETWORK, line.text)


def _note(watched: Watched, name: str) -> None:
    watched.shown.add(name)
    watched.changes += 1


def photo(number: int) -> tuple[str, bytes]:
    seed, size = number % 30, SIZES[number % len(SIZES)]
    # A tail makes another photo of it, for what is drawn only once.
    return f"{number}.jpg", photo_bytes("jpg", seed=seed, size=size) + number.to_bytes(4)


def happenings(server: RunningServer, guest: Guest) -> Iterator[None]:
    """Photos come singly and in bursts, photos go, the server ends well and badly."""
    chance = Random(1)
    numbers = count(PHOTOS)
    here = list(range(PHOTOS))

    def add(how_many: int) -> None:
        for number in [next(numbers) for _ in range(how_many)]:
            guest.send(*photo(number))
            here.append(number)

    def remove(how_many: int) -> None:
        for _ in range(how_many):
            guest.remove(f"{here.pop(chance.randrange(len(here)))}.jpg")

    def restart() -> None:
        server.stop(signal.SIGTERM)
        server.start()

    def crash() -> None:
        server.kill()
        server.start()

    def rest() -> None:
        pass

    for act in cycle(
        (
            lambda: add(1),
            lambda: remove(1),
            restart,
            lambda: add(4),
            rest,
            crash,
            lambda: remove(5),
            lambda: add(1),
            rest,
        )
    ):
        act()
        yield


def sample(page_tools: CDPSession, browser: CDPSession) -> Sample:
    heap = heap_bytes(page_tools) / MB
    found = page_tools.send("Performance.getMetrics")["metrics"]
    metrics = {metric["name"]: metric["value"] for metric in found}
    processes = browser.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]
    resident = sum(resident_mb(pid) for pid in renderers)
    return Sample(heap, metrics["Nodes"], metrics["JSEventListeners"], resident)


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(kilobytes) * 1024 / MB


if __name__ == "__main__":
    with running(EMBEDDED) as engine:
        for row in measure(engine, *map(float, sys.argv[1:])):
            print(row, flush=True)
