"""Bytes of the page with 200 photos on first view, against the tutorial's page."""

from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import sync_playwright

from tests.benchmarks.photos_per_second import send_photo, with_comment
from tests.benchmarks.servers import dropwall
from tests.browser import launch_options
from tests.conftest import CDN, play_cdn
from tests.photos import photo_bytes

PHOTOS = 200
SETTLE_MILLISECONDS = 3000


def measure_page_weight() -> str:
    photo = photo_bytes("jpg", size=(4000, 3000))
    batch = [with_comment(photo, number) for number in range(PHOTOS)]
    with dropwall() as server, ThreadPoolExecutor(4) as clients:
        list(clients.map(lambda content: send_photo(server.url, content), batch))
        ours = page_bytes(server.url)
    # The tutorial's page loads every original, so its weight needs no browser.
    reference = sum(map(len, batch))
    return (
        f"bytes of the page with {PHOTOS} photos on first view: {ours / 1e6:.2f} MB;"
        f" the tutorial's page: {reference / 1e6:.0f} MB;"
        f" ratio 1/{reference / ours:.0f}, wanted 1/100 or less"
    )


def page_bytes(url: str) -> int:
    """All that Chromium loads at laptop size, the CDN's files included."""
    received: list[int] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.route(f"{CDN}**", play_cdn)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.on(
            "Network.loadingFinished", lambda event: received.append(event["encodedDataLength"])
        )
        page.goto(url)
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        browser.close()
    return int(sum(received))
