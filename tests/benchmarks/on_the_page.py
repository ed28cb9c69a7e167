"""What the page costs a browser: its weight on first view, a long list on a phone, a long queue."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from playwright.sync_api import CDPSession, Page, expect

from tests.benchmarks.results import Row, in_turns
from tests.benchmarks.servers import copyparty, dropwall, new_photo, put_photo, send_photo
from tests.support.cdn import chromium
from tests.support.gallery_server import GalleryServer
from tests.support.many_photos import add_many
from tests.support.page import open_gallery, summary
from tests.support.photos import photo_bytes

LAPTOP = {"width": 1280, "height": 800}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
THROTTLE = 4
MINUTE_MS, SETTLE_MS, QUIET_MS = 60_000, 3_000, 2_000
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
NOTE_REQUEST = """
    addEventListener("change", () => (window.chosen ??= performance.now()), true);
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
        window.began ??= performance.now();
        return send.call(this, body);
    };
"""


def page_weight(photos: int = 200, rounds: int = 3) -> Iterator[Row]:
    """Bytes on first view, against the tutorial's page and a peer's."""
    batch = [new_photo((4000, 3000)) for _ in range(photos)]
    with (
        dropwall() as server,
        copyparty("--grid") as peer,
        ThreadPoolExecutor(4) as clients,
        chromium() as new_page,
    ):
        list(clients.map(lambda content: send_photo(server.url, content), batch))
        names = [f"{number}.jpg" for number in range(photos)]
        list(clients.map(lambda name, content: put_photo(peer, name, content), names, batch))
        page = new_page(viewport=LAPTOP)
        page.goto(peer)
        page.wait_for_load_state("networkidle", timeout=MINUTE_MS)  # it makes thumbnails only now
        page.close()
        ours, peers = (
            [page_megabytes(new_page(viewport=LAPTOP), url) for _ in range(rounds)]
            for url in (server.url, peer)
        )
    # The tutorial's page loads every original, so its weight needs no browser.
    theirs = [sum(map(len, batch)) / 1e6] * rounds
    what = f"the page with {photos} photos of 12 MP on first view"
    yield Row(what, "MB", ours, theirs, "the tutorial's page", wanted_ratio=1 / 100)
    against = "copyparty's grid of them, with the thumbnails that it loads at once"
    yield Row(f"{what}, beside a peer", "MB", ours, peers, against)


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


def scrolling(photos: int = 10_000, few_photos: int = 100) -> Iterator[Row]:
    """On a phone at a fraction of this machine's speed: opened, flung, jumped through."""
    with dropwall() as few, dropwall() as many, chromium() as new_page:
        add_many(few, few_photos)
        add_many(many, photos)

        def first_picture_ms(server: GalleryServer) -> float:
            page = open_slowly(new_page, server)
            milliseconds: float = page.evaluate("() => painted")
            page.close()
            return milliseconds

        first_ms = in_turns(3, lambda: first_picture_ms(many), lambda: first_picture_ms(few))
        page = open_slowly(new_page, many)
        flings = []
        for _ in range(3):
            page.evaluate(FORGET_TASKS)
            flings.append(page.evaluate(FLING))
        jumps = [page.evaluate(JUMP, share) for share in (0.5, 0.1, 0.9, 0.33)]
        page.evaluate("() => scrollTo(0, 0)")
        page.wait_for_timeout(QUIET_MS)
        page.evaluate(FORGET_TASKS)
        for seed in range(10):
            many.send((f"{seed}.jpg", photo_bytes("jpg", seed=1000 + seed)))
        page.wait_for_timeout(QUIET_MS)
        arrivals = [page.evaluate("() => Math.max(0, ...tasks)")]
    what = f"{photos:,} photos, phone, CPU / {THROTTLE}"
    against = f"{few_photos} photos"
    yield Row(f"{what}: first picture", "ms", *first_ms, against, wanted=2000)
    for measured, name, unit, wanted in FLUNG:
        yield Row(f"{what}, flung: {name}", unit, [it[measured] for it in flings], wanted=wanted)
    yield Row(f"{what}: from a jump to pictures", "ms", jumps)
    yield Row(f"{what}: longest task while ten more arrive", "ms", arrivals, wanted=200)


def open_slowly(new_page: Callable[..., Page], server: GalleryServer) -> Page:
    """Until its first picture is there."""
    page = new_page(**PHONE)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
    page.add_init_script(WATCH)
    page.goto(server.url)
    page.wait_for_function("() => window.painted")
    page.wait_for_timeout(QUIET_MS)
    return page


def queue(photos: int = 500) -> Iterator[Row]:
    """From the choice of many photos to the first request, and how the tab's memory grows."""
    with dropwall() as server, TemporaryDirectory() as folder, chromium() as new_page:
        picture = photo_bytes("jpg", size=(120, 90))
        files = [Path(folder) / f"{number}.jpg" for number in range(photos + 1)]
        for number, file in enumerate(files):
            file.write_bytes(picture + Random(number).randbytes(1_000_000))
        alone_ms, _ = choose(new_page(), server, files[:1])
        many_ms, grown_mb = choose(new_page(), server, files[1:])
    what = f"{photos} photos of 1 MB chosen in Chromium"
    first = f"{what}: the first request begins after"
    yield Row(first, "ms", [many_ms], [alone_ms], "one photo chosen", wanted=1000)
    yield Row(f"{what}: the page's memory grows by at most", "MB", [grown_mb], wanted=50)


def choose(page: Page, server: GalleryServer, files: list[Path]) -> tuple[float, float]:
    """Milliseconds to the first request, and the MB by which the heap has grown at most."""
    page.add_init_script(NOTE_REQUEST)
    open_gallery(page, server)
    devtools = page.context.new_cdp_session(page)
    before = heap_mb(devtools)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files(files)
    page.wait_for_function("() => window.began", timeout=MINUTE_MS)
    grown = heap_mb(devtools) - before
    done = summary(page).get_by_role("button", name="Done")
    while not done.is_visible():
        page.wait_for_timeout(2_000)
        grown = max(grown, heap_mb(devtools) - before)
    expect(summary(page)).to_contain_text(f"{len(files)} of {len(files)} photo")
    milliseconds: float = page.evaluate("() => window.began - window.chosen")
    page.close()
    return milliseconds, grown


def heap_mb(devtools: CDPSession) -> float:
    devtools.send("HeapProfiler.collectGarbage")
    used: float = devtools.send("Runtime.getHeapUsage")["usedSize"]
    return used / 1e6
