"""10,000 photos on a phone at a quarter of this machine's speed: opened, flung, jumped through."""

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.benchmarks.engines import Engine
from tests.benchmarks.rounds import in_turns
from tests.benchmarks.row import Row
from tests.benchmarks.servers import dropwall
from tests.conftest import CDN, play_cdn
from tests.support.browser import launch_options
from tests.support.gallery_server import RunningServer
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes

PHOTOS, REFERENCE_PHOTOS = 10_000, 100
THROTTLE = 4
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
QUIET_MS = 2_000
OPENINGS, FLINGS = 3, 3
FLUNG = (
    ("mostTiles", "tiles in the DOM at most", "tiles", 1500),
    ("longestTask", "longest task", "ms", 200),
    ("longestBlank", "longest time without any picture", "ms", 500),
)
"""What the page tells of a fling, how we say it, and what is wanted at most."""

WATCH = """
    window.tasks = [];
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: "longtask", buffered: true });
    (function look() {
        if (document.querySelector("main img[data-loaded]")) window.painted = performance.now();
        else requestAnimationFrame(look);
    })();
"""
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
    return { top, longestBlank, mostTiles, longestTask: Math.max(0, ...tasks) };
}"""
JUMP = """async (share) => {
    const started = performance.now();
    scrollTo({ top: share * document.documentElement.scrollHeight, behavior: "instant" });
    const isThere = () => [0.25, 0.5, 0.75].every((height) =>
        document.elementFromPoint(innerWidth / 2, innerHeight * height)
            ?.closest("a")?.querySelector("img[data-loaded]"));
    while (!isThere()) await new Promise(requestAnimationFrame);
    return performance.now() - started;
}"""


def measure(engine: Engine) -> Iterator[Row]:
    with (
        sync_playwright() as playwright,
        dropwall(**engine.new_settings()) as few,
        dropwall(**engine.new_settings()) as many,
    ):
        add_many(few, REFERENCE_PHOTOS)
        add_many(many, PHOTOS)
        browser = playwright.chromium.launch(**launch_options())
        first_ms, reference_ms = in_turns(
            OPENINGS,
            lambda: first_picture_ms(browser, many),
            lambda: first_picture_ms(browser, few),
        )
        page = open_slowly(browser, many)
        flings = [measure_flung(page) for _ in range(FLINGS)]
        jumps = [page.evaluate(JUMP, share) for share in (0.5, 0.1, 0.9, 0.33)]
        arrivals = [measure_arrivals(page, many)]
        browser.close()
    what = f"{PHOTOS:,} photos, phone, CPU / {THROTTLE}"
    against = f"{REFERENCE_PHOTOS} photos"
    yield Row(f"{what}: first picture", "ms", first_ms, reference_ms, against, wanted=2000)
    for measured, name, unit, wanted in FLUNG:
        yield Row(f"{what}, flung: {name}", unit, [it[measured] for it in flings], wanted=wanted)
    yield Row(f"{what}: from a jump to pictures", "ms", jumps)
    yield Row(f"{what}: longest task while ten more arrive", "ms", arrivals, wanted=200)


def first_picture_ms(browser: Browser, server: RunningServer) -> float:
    page = open_slowly(browser, server)
    milliseconds: float = page.evaluate("() => painted")
    page.context.close()
    return milliseconds


def open_slowly(browser: Browser, server: RunningServer) -> Page:
    """Until its first picture is there."""
    context = browser.new_context(**PHONE)  # type: ignore[arg-type]
    context.route(f"{CDN}**", play_cdn)
    page = context.new_page()
    devtools: CDPSession = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
    page.add_init_script(WATCH)
    page.goto(server.url)
    page.wait_for_function("() => window.painted")
    page.wait_for_timeout(QUIET_MS)
    return page


def measure_flung(page: Page) -> dict[str, Any]:
    page.evaluate("() => void (tasks.length = 0)")
    flung: dict[str, Any] = page.evaluate(FLING)
    return flung


def measure_arrivals(page: Page, server: RunningServer) -> float:
    """The longest task while ten photos arrive at the top of the wall."""
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_timeout(QUIET_MS)
    page.evaluate("() => void (tasks.length = 0)")
    for seed in range(10):
        server.send((f"{seed}.jpg", photo_bytes("jpg", seed=1000 + seed)))
    page.wait_for_timeout(QUIET_MS)
    return float(page.evaluate("() => Math.max(0, ...tasks)"))
