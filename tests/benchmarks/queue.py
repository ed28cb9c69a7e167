"""From the choice of 500 photos to the first request, and how the tab's memory grows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from tests.benchmarks.engines import Engine
from tests.benchmarks.row import Row
from tests.benchmarks.servers import dropwall
from tests.conftest import CDN, play_cdn
from tests.page.test_uploading import open_gallery, summary
from tests.support.browser import launch_options
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

PHOTOS = 500
PHOTO_BYTES = 1_000_000
MINUTES_MS = 60_000


def measure(engine: Engine) -> Iterator[Row]:
    with (
        dropwall(**engine.new_settings()) as server,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        files = write_photos(Path(folder))
        browser = playwright.chromium.launch(**launch_options())
        alone_ms, _ = choose(browser.new_page(), server, files[:1])
        many_ms, heap_growth = choose(browser.new_page(), server, files[1:])
        browser.close()
    what = f"{PHOTOS} photos of 1 MB chosen in Chromium"
    first = f"{what}: the first request begins after"
    yield Row(first, "ms", [many_ms], [alone_ms], "one photo chosen", wanted=1000)
    growth = f"{what}: the page's memory grows by at most"
    yield Row(growth, "MB", [heap_growth / 1e6], wanted=50)


def write_photos(folder: Path) -> list[Path]:
    picture = photo_bytes("jpg", size=(120, 90))
    files = [folder / f"{number}.jpg" for number in range(PHOTOS + 1)]
    for number, file in enumerate(files):
        file.write_bytes(picture + Random(number).randbytes(PHOTO_BYTES))
    return files


def choose(page: Page, server: RunningServer, files: list[Path]) -> tuple[float, float]:
    """Milliseconds to the first request, and the bytes by which the heap has grown at most."""
    page.context.route(f"{CDN}**", play_cdn)
    page.add_init_script(
        """addEventListener("change", () => (window.chosen ??= performance.now()), true);
        const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (body) {
            window.began ??= performance.now();
            return send.call(this, body);
        };"""
    )
    open_gallery(page, server)
    devtools = page.context.new_cdp_session(page)
    before = heap_bytes(devtools)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files(files)
    page.wait_for_function("() => window.began", timeout=MINUTES_MS)
    grown = heap_bytes(devtools) - before
    done = summary(page).get_by_role("button", name="Done")
    while not done.is_visible():
        page.wait_for_timeout(2_000)
        grown = max(grown, heap_bytes(devtools) - before)
    expect(summary(page)).to_contain_text(f"{len(files)} of {len(files)} photo")
    milliseconds: float = page.evaluate("() => window.began - window.chosen")
    page.close()
    return milliseconds, grown


def heap_bytes(devtools: CDPSession) -> float:
    devtools.send("HeapProfiler.collectGarbage")
    used: float = devtools.send("Runtime.getHeapUsage")["usedSize"]
    return used
