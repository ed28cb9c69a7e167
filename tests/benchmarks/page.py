"""What the page costs a browser: its weight on first view, and a long list on a phone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from playwright.sync_api import Page

from tests.benchmarks.results import Row
from tests.benchmarks.servers import dropwall, new_photo, send_photo
from tests.support.cdn import chromium
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes

LAPTOP = {"width": 1280, "height": 800}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
THROTTLE = 4
SETTLE_MS, QUIET_MS = 3_000, 2_000
FLUNG = (
    ("mostTiles", "tiles in the DOM at most", "tiles", 1500),
    ("longestTask", "longest task", "ms", 200),
    ("longestBlank", "longest time without any picture", "ms", 500),
)
"""What FLING returns, how we say it, and what is wanted at most."""

WATCH_TASKS = """
    window.tasks = [];
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: "longtask", buffered: true });
"""
FORGET_TASKS = "() => void (tasks.length = 0)"
# Flings as of a hasty thumb, each fading as a browser lets it. A screen is blank as long as nothing
# of it has a picture, or at least the blur that comes before it.
FLING = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const isBlank = () => [0.25, 0.5, 0.75].every((height) => [0.2, 0.8].every((across) => {
        const at = document.elementFromPoint(innerWidth * across, innerHeight * height);
        return !at?.closest("a")?.href;
    }));
    let [top, speed, blankSince, longestBlank, mostTiles] = [1000, 0, null, 0, 0];
    let [last, nextFling] = [performance.now(), 0];
    for (const end = last + 12000; last < end; await frame()) {
        const now = performance.now();
        if (now > nextFling && now < end - 2000) [speed, nextFling] = [20000, now + 600];
        top += (speed * (now - last)) / 1000;
        speed *= Math.exp((last - now) / 700);
        last = now;
        scrollTo({ top, behavior: "instant" });
        blankSince = isBlank() ? (blankSince ?? now) : null;
        if (blankSince) longestBlank = Math.max(longestBlank, now - blankSince);
        mostTiles = Math.max(mostTiles, document.querySelectorAll("main li").length);
    }
    return { longestBlank, mostTiles, longestTask: Math.max(0, ...tasks) };
}"""


def page_weight(photos: int = 200, rounds: int = 3) -> Iterator[Row]:
    """Bytes on first view, against the tutorial's page."""
    batch = [new_photo((4000, 3000)) for _ in range(photos)]
    with dropwall() as server, ThreadPoolExecutor(4) as clients, chromium() as new_page:
        list(clients.map(partial(send_photo, server.url), batch))
        ours = [page_megabytes(new_page(viewport=LAPTOP), server.url) for _ in range(rounds)]
    # The tutorial's page loads every original, so its weight needs no browser.
    theirs = [sum(map(len, batch)) / 1e6] * rounds
    what = f"the page with {photos} photos of 12 MP on first view"
    yield Row(what, "MB", ours, theirs, "the tutorial's page", wanted_ratio=1 / 100)


def page_megabytes(page: Page, url: str) -> float:
    """All that Chromium loads, the CDN's files included."""
    received: list[int] = []
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", lambda it: received.append(it["encodedDataLength"]))
    page.goto(url)
    page.wait_for_timeout(SETTLE_MS)
    page.close()
    return sum(received) / 1e6


def scrolling(photos: int = 10_000) -> Iterator[Row]:
    """On a phone at a fraction of this machine's speed: flung, then looked at while more come."""
    with dropwall() as server, chromium() as new_page:
        add_many(server, photos)
        page = new_page(**PHONE)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
        page.add_init_script(WATCH_TASKS)
        page.goto(server.url)
        page.wait_for_selector("main img[data-loaded]")
        page.wait_for_timeout(QUIET_MS)
        flings = []
        for _ in range(3):
            page.evaluate(FORGET_TASKS)
            flings.append(page.evaluate(FLING))
        page.evaluate("() => scrollTo(0, 0)")
        page.wait_for_timeout(QUIET_MS)
        page.evaluate(FORGET_TASKS)
        for seed in range(10):
            server.send((f"{seed}.jpg", photo_bytes("jpg", seed=1000 + seed)))
        page.wait_for_timeout(QUIET_MS)
        arrivals = [page.evaluate("() => Math.max(0, ...tasks)")]
    what = f"{photos:,} photos, phone, CPU / {THROTTLE}"
    for measured, name, unit, wanted in FLUNG:
        yield Row(f"{what}, flung: {name}", unit, [it[measured] for it in flings], wanted=wanted)
    yield Row(f"{what}: longest task while ten more arrive", "ms", arrivals, wanted=200)
