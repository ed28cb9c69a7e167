"""What the wall costs a browser that shows it for long, whatever happens to its server."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

from playwright.sync_api import CDPSession, expect

from tests.benchmarks.on_the_page import heap_mb
from tests.benchmarks.results import Row
from tests.benchmarks.servers import dropwall
from tests.support.cdn import chromium
from tests.support.gallery_server import GalleryServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes

PHOTOS = 40
SIZES = ((2000, 1333), (1333, 2000), (2400, 800), (300, 200))
STEP_SECONDS, STEPS_OF_A_SAMPLE = 10, 6
OF_THE_NETWORK = r"net::ERR_|status of (404|5\d\d)"
"""A photo may be taken down just when it is its turn, and servers are killed."""
UNITS = {"JS heap": "MB", "DOM nodes": "nodes", "listeners": "listeners"}
UNITS |= {"memory of the renderer": "MB"}
NOTE_SHOWN = """() => {
    window.shown = new Set();
    new MutationObserver(() => {
        const photo = document.querySelector("figure[aria-hidden=false] img");
        if (photo) shown.add(photo.alt);
    }).observe(document.querySelector(".wall"), { subtree: true, attributes: true });
}"""


def wall(minutes: int = 2) -> Iterator[Row]:
    with dropwall() as server, closing(Guest(server.url)) as guest, chromium() as new_page:
        page = new_page(viewport={"width": 1920, "height": 1080})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        for number in range(PHOTOS):
            guest.send(*photo(number))
        page.goto(f"{server.url}/#wall")
        page.evaluate(NOTE_SHOWN)
        assert page.context.browser
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        processes = page.context.browser.new_browser_cdp_session()
        samples = [sample(devtools, processes)]
        events, end = happenings(server, guest), time.monotonic() + minutes * 60
        while time.monotonic() < end:
            for _ in range(STEPS_OF_A_SAMPLE):
                next(events)
                page.wait_for_timeout(STEP_SECONDS * 1000)
            samples.append(sample(devtools, processes))
        expect(page.get_by_role("dialog").get_by_role("figure").get_by_role("img")).to_be_visible()
        shown = page.evaluate("() => shown.size")
    assert [error for error in errors if not re.search(OF_THE_NETWORK, error)] == []
    what = f"the wall for {minutes:g} minutes, its server restarted and killed again and again"
    yield Row(f"{what}: different photos shown", "photos", [shown])
    middle, last = samples[len(samples) // 2], samples[-1]
    against = "once its caches were full"
    for name, unit in UNITS.items():
        yield Row(f"{what}: {name} at its end", unit, [last[name]], [middle[name]], against)


def photo(number: int) -> tuple[str, bytes]:
    seed, size = number % 30, SIZES[number % len(SIZES)]
    # A tail makes another photo of it, for what is drawn only once.
    return f"{number}.jpg", photo_bytes("jpg", seed=seed, size=size) + number.to_bytes(4)


def happenings(server: GalleryServer, guest: Guest) -> Iterator[None]:
    """Photos come singly and in bursts, photos go, the server ends well and badly."""
    chance, numbers, here = Random(1), count(PHOTOS), list(range(PHOTOS))

    def add(how_many: int) -> None:
        for _ in range(how_many):
            here.append(next(numbers))
            guest.send(*photo(here[-1]))

    def remove(how_many: int) -> None:
        for _ in range(how_many):
            guest.remove(f"{here.pop(chance.randrange(len(here)))}.jpg")

    def start_after(end: Callable[[], object]) -> None:
        end()
        server.start()

    while True:
        yield add(1)
        yield remove(1)
        yield start_after(server.stop)
        yield add(4)
        yield None
        yield start_after(server.kill)
        yield remove(5)
        yield add(1)
        yield None


def sample(page: CDPSession, browser: CDPSession) -> dict[str, float]:
    """As UNITS has it."""
    metrics = {it["name"]: it["value"] for it in page.send("Performance.getMetrics")["metrics"]}
    resident = 0
    for process in browser.send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"] == "renderer":
            status = Path(f"/proc/{process['id']}/status").read_text()
            resident += sum(map(int, re.findall(r"VmRSS:\s+(\d+) kB", status)))
    nodes, listeners = metrics["Nodes"], metrics["JSEventListeners"]
    values = (heap_mb(page), nodes, listeners, resident * 1024 / 1e6)
    return dict(zip(UNITS, values, strict=True))
