"""Bytes of the page with 200 photos on first view, against the tutorial's page and a peer's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.engines import Engine
from tests.benchmarks.row import Row
from tests.benchmarks.sending import put_photo, send_photo, with_comment
from tests.benchmarks.servers import copyparty, dropwall
from tests.conftest import CDN, play_cdn
from tests.support.browser import launch_options
from tests.support.photos import photo_bytes

PHOTOS = 200
ROUNDS = 3
SETTLE_MILLISECONDS = 3000
MINUTE_MS = 60_000
PEER = "copyparty's grid of them, with the thumbnails that it loads at once"


def measure(engine: Engine) -> Iterator[Row]:
    photo = photo_bytes("jpg", size=(4000, 3000))
    batch = [with_comment(photo, number) for number in range(PHOTOS)]
    with (
        dropwall(**engine.new_settings()) as server,
        copyparty("--grid") as peer,
        ThreadPoolExecutor(4) as clients,
        sync_playwright() as playwright,
    ):
        list(clients.map(lambda content: send_photo(server.url, content), batch))
        names = [f"{number}.jpg" for number in range(PHOTOS)]
        list(clients.map(lambda name, content: put_photo(peer, name, content), names, batch))
        browser = playwright.chromium.launch(**launch_options())
        let_thumbnails_be_made(browser, peer)
        ours = [page_megabytes(browser, server.url) for _ in range(ROUNDS)]
        peers = [page_megabytes(browser, peer) for _ in range(ROUNDS)]
        browser.close()
    # The tutorial's page loads every original, so its weight needs no browser.
    theirs = [sum(map(len, batch)) / 1e6] * ROUNDS
    what = f"the page with {PHOTOS} photos of 12 MP on first view"
    yield Row(what, "MB", ours, theirs, "the tutorial's page", wanted_ratio=1 / 100)
    yield Row(f"{what}, beside a peer", "MB", ours, peers, PEER)


def page_megabytes(browser: Browser, url: str) -> float:
    """All that Chromium loads at laptop size, the CDN's files included."""
    received: list[int] = []
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.route(f"{CDN}**", play_cdn)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on(
        "Network.loadingFinished", lambda event: received.append(event["encodedDataLength"])
    )
    page.goto(url)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.context.close()
    return sum(received) / 1e6


def let_thumbnails_be_made(browser: Browser, url: str) -> None:
    """By a peer that makes them when they are first seen."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.wait_for_load_state("networkidle", timeout=MINUTE_MS)
    page.close()
