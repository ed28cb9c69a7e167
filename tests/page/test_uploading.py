"""What people do with the page, in a real browser, against a real server."""

import base64
import hashlib
import re
from pathlib import Path

import requests
from playwright.sync_api import Locator, Page, Route, expect

from tests.conftest import CDN
from tests.support.gallery_server import RunningServer
from tests.support.network import Network
from tests.support.photos import a_phone_batch, photo_bytes

ARRIVED_IN_ANOTHER_BROWSER = 3_000
"""Milliseconds."""


# Chromium reports each of these by itself; the page deals with them.
REFUSED = r"status of (4\d\d|5\d\d)"
UNREACHABLE = r"net::ERR_FAILED"


def open_gallery(page: Page, server: RunningServer) -> None:
    """Until it takes photos by more than its plain form."""
    page.goto(server.url)
    expect(page.locator("[data-state=ready]")).to_be_visible()


def payload(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "", "buffer": content}


def add_photos(page: Page, *photos: tuple[str, bytes]) -> None:
    """Through the button, as a person does."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files([payload(name, content) for name, content in photos])


def drop_photos(page: Page, *photos: tuple[str, bytes]) -> None:
    """From the desktop, onto the middle of the window."""
    files = [[name, base64.b64encode(content).decode()] for name, content in photos]
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, content] of files) {
                const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            return transfer;
        }""",
        files,
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})


def tiles(page: Page) -> Locator:
    return page.get_by_role("list", name="Photos", exact=True).get_by_role("link")


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Photos on their way").get_by_role("listitem")


def summary(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


def test_thirty_photos_are_dropped_and_everybody_sees_them(
    page: Page, live_server: RunningServer
) -> None:
    batch = a_phone_batch(30)
    open_gallery(page, live_server)
    another = page.context.new_page()
    another.goto(live_server.url)
    drop_photos(page, *batch)
    expect(summary(page)).to_contain_text("30 of 30 photos are safe", timeout=60_000)
    expect(tiles(page)).to_have_count(30)
    expect(tiles(another)).to_have_count(30, timeout=ARRIVED_IN_ANOTHER_BROWSER)
    stored = {photo["name"] for photo in live_server.photos()}
    assert stored == {name for name, _ in batch}
    another.close()


def test_every_bar_moves_and_the_total_says_how_much_is_left(
    page: Page, live_server: RunningServer
) -> None:
    open_gallery(page, live_server)
    Network(page).set(bytes_per_second=400_000)
    page.evaluate(
        """() => {
            window.seen = {};
            setInterval(() => {
                for (const bar of document.querySelectorAll("progress")) {
                    (window.seen[bar.ariaLabel] ??= new Set()).add(bar.value);
                }
            }, 20);
        }"""
    )
    photos = [
        (f"{seed}.jpg", photo_bytes("jpg", seed=seed, size=(1600, 1200), quality=95))
        for seed in range(5)
    ]
    add_photos(page, *photos)
    expect(summary(page)).to_contain_text(re.compile(r"left"), timeout=30_000)
    expect(summary(page)).to_contain_text("5 of 5 photos are safe", timeout=60_000)
    seen = page.evaluate(
        "() => Object.fromEntries(Object.entries(window.seen).map(([k, v]) => [k, v.size]))"
    )
    for name in ("All photos", *(name for name, _ in photos)):
        assert seen[name] >= 4, seen


def test_a_refused_photo_keeps_its_row_and_its_reason_and_nothing_else_is_lost(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    open_gallery(page, live_server)
    add_photos(
        page,
        ("good.jpg", photo_bytes("jpg", seed=1)),
        ("notes.jpg", b"These are only notes."),
        ("also good.png", photo_bytes("png", seed=2)),
        ("letter.pdf", b"%PDF-1.7"),
    )
    expect(summary(page)).to_contain_text("2 of 4 photos are safe")
    for name, reason in (
        ("notes.jpg", "This is not a photo; please send JPEG, PNG, GIF, WebP, AVIF or HEIC."),
        ("letter.pdf", "Files of this type are not taken"),
    ):
        row = rows(page).filter(has_text=name)
        expect(row).to_contain_text(reason)
        expect(row.get_by_role("button", name=f"Retry {name}")).to_be_hidden()
    expect(tiles(page)).to_have_count(2)
    for name in ("notes.jpg", "letter.pdf"):
        page.get_by_role("button", name=f"Dismiss {name}").click()
    expect(rows(page)).to_have_count(0)


def test_a_photo_over_the_limit_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", max_upload_bytes=20 * 1024)
    try:
        open_gallery(page, server)
        add_photos(page, ("big.png", photo_bytes("png", size=(400, 300))))
        expect(rows(page)).to_contain_text("This photo is too large; the limit is 20 KB.")
        page.goto("about:blank")
    finally:
        server.stop()


def test_what_needs_the_host_is_tried_again_when_the_guest_says_so(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    open_gallery(page, live_server)

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=507, content_type="text/plain", body="The gallery is full.")
        else:
            route.continue_()

    page.route(f"{live_server.url}/", refuse)
    add_photos(page, *((f"{n}.jpg", photo_bytes("jpg", seed=n)) for n in range(3)))
    expect(summary(page)).to_contain_text("0 of 3 photos are safe")
    expect(rows(page).first).to_contain_text("The gallery is full.")
    page.unroute(f"{live_server.url}/")
    page.get_by_role("button", name="Retry 0.jpg").click()
    expect(tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Retry all").click()
    expect(summary(page)).to_contain_text("3 of 3 photos are safe")
    expect(tiles(page)).to_have_count(3)


def test_a_photo_can_be_cancelled_on_its_way(page: Page, live_server: RunningServer) -> None:
    open_gallery(page, live_server)
    Network(page).set(bytes_per_second=20_000)
    add_photos(page, ("slow.jpg", photo_bytes("jpg", size=(1600, 1200), quality=95)))
    page.get_by_role("button", name="Cancel slow.jpg").click()
    expect(rows(page)).to_have_count(0)
    assert live_server.photos() == []


def test_a_pasted_picture_is_a_photo(page: Page, live_server: RunningServer) -> None:
    open_gallery(page, live_server)
    content = base64.b64encode(photo_bytes("png")).decode()
    page.evaluate(
        """(content) => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        content,
    )
    expect(tiles(page)).to_have_count(1)


def test_the_grid_keeps_its_elements_and_its_focus_when_photos_arrive(
    page: Page, live_server: RunningServer
) -> None:
    live_server.send(("first.jpg", photo_bytes("jpg", seed=1)))
    page.goto(live_server.url)
    first = tiles(page).first
    first.focus()
    page.evaluate("() => (document.activeElement.dataset.known = 'yes')")
    live_server.send(("second.jpg", photo_bytes("jpg", seed=2)))
    expect(tiles(page)).to_have_count(2, timeout=ARRIVED_IN_ANOTHER_BROWSER)
    assert page.evaluate("() => document.activeElement.dataset.known") == "yes"


def test_a_removed_photo_leaves_every_screen(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # its picture may be asked for just then
    guest = requests.Session()
    guest.get(live_server.url, timeout=9)
    guest.post(live_server.url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=9)
    page.goto(live_server.url)
    expect(tiles(page)).to_have_count(1)
    guest.delete(f"{live_server.url}/api/photos/{live_server.photos()[0]['id']}", timeout=9)
    expect(tiles(page)).to_have_count(0, timeout=ARRIVED_IN_ANOTHER_BROWSER)


def test_a_long_gallery_loads_as_one_scrolls(page: Page, live_server: RunningServer) -> None:
    many(live_server, 230)
    page.goto(live_server.url)
    expect(page.get_by_text("230 photos")).to_be_visible()
    page.mouse.move(600, 400)
    oldest = page.get_by_role("link", name="0.png", exact=True)
    for _ in range(60):
        page.mouse.wheel(0, 5_000)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        if oldest.is_visible():
            break
    expect(oldest).to_be_visible()


def many(server: RunningServer, count: int) -> None:
    small = [(f"{n}.png", photo_bytes("png", seed=n, size=(48, 32))) for n in range(count)]
    for start in range(0, count, 50):
        assert server.send(*small[start : start + 50]).status_code == 204


def test_the_lightbox_is_walked_through_by_keyboard(page: Page, live_server: RunningServer) -> None:
    for seed in range(3):
        live_server.send((f"{seed}.jpg", photo_bytes("jpg", seed=seed, size=(900, 600))))
    page.goto(live_server.url)
    tiles(page).first.focus()
    page.keyboard.press("Enter")
    lightbox = page.get_by_role("dialog")
    expect(lightbox).to_contain_text("2.jpg")
    until_nothing_moves(page)
    page.keyboard.press("ArrowRight")
    expect(lightbox).to_contain_text("1.jpg")
    download = lightbox.get_by_role("link", name="Download")
    with page.expect_download() as original:
        download.click()
    sent = photo_bytes("jpg", seed=1, size=(900, 600))
    received = Path(original.value.path()).read_bytes()
    assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()
    assert original.value.suggested_filename == "1.jpg"
    page.keyboard.press("Escape")
    expect(lightbox).to_have_count(0)
    expect(tiles(page).nth(1)).to_be_focused()


def test_back_closes_the_lightbox_and_stays_on_the_wall(
    page: Page, live_server: RunningServer
) -> None:
    live_server.send(("a.jpg", photo_bytes("jpg", size=(900, 600))))
    open_gallery(page, live_server)
    tiles(page).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("a.jpg")
    until_nothing_moves(page)
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(tiles(page)).to_have_count(1)


def test_a_server_that_does_not_answer_is_told_and_the_page_recovers(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(UNREACHABLE)
    page.route("**/api/photos*", lambda route: route.abort())
    page.goto(live_server.url)
    trouble = page.get_by_text("The gallery does not answer just now.")
    expect(trouble).to_be_visible(timeout=10_000)
    page.unroute("**/api/photos*")
    live_server.send(("a.jpg", photo_bytes("jpg")))
    expect(tiles(page)).to_have_count(1, timeout=15_000)
    expect(trouble).to_be_hidden()


def test_pictures_that_were_lost_with_the_network_appear_later(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(UNREACHABLE)
    live_server.send(("a.jpg", photo_bytes("jpg")))
    page.route("**/thumbnails/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(live_server.url)
    page.unroute("**/thumbnails/**")
    page.wait_for_function("() => document.querySelector('main img')?.naturalWidth > 0")


def test_an_enlarged_photo_that_could_not_be_had_appears_later(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append("503")
    live_server.send(("a.jpg", photo_bytes("jpg", size=(900, 600))))
    page.route("**/thumbnails/*/2048.webp", lambda route: route.fulfill(status=503))
    open_gallery(page, live_server)
    tiles(page).first.click()
    lightbox = page.get_by_role("dialog")
    expect(lightbox).to_contain_text("This photo cannot be shown just now.")
    page.unroute("**/thumbnails/*/2048.webp")
    expect(lightbox.get_by_role("img", name="a.jpg")).to_have_js_property("naturalWidth", 900)
    expect(lightbox).not_to_contain_text("cannot be shown")
    expect(lightbox).to_contain_text("a.jpg")


def until_nothing_moves(page: Page) -> None:
    page.wait_for_function(
        """() => document.getAnimations().every(({ effect, playState }) =>
            playState !== "running" || effect.getTiming().iterations === Infinity)"""
    )


def test_the_whole_job_is_done_by_keyboard(page: Page, live_server: RunningServer) -> None:
    page.on("filechooser", lambda _: None)  # playwright is ready for it before Enter is
    open_gallery(page, live_server)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([payload("a.jpg", photo_bytes("jpg", size=(900, 600)))])
    expect(tiles(page)).to_have_count(1)
    press_until_focused(page, page.get_by_role("button", name="Done"))
    page.keyboard.press("Enter")
    expect(summary(page)).to_be_hidden()
    press_until_focused(page, tiles(page).first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(tiles(page).first).to_be_focused()


def press_until_focused(page: Page, target: Locator, key: str = "Tab") -> None:
    for _ in range(12):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{target} is not reached by {key}")


def test_without_the_cdn_the_page_uses_its_own_copies(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, REFUSED]
    page.context.unroute(f"{CDN}**")
    page.context.route(f"{CDN}**", lambda route: route.abort())
    open_gallery(page, live_server)
    add_photos(page, ("a.jpg", photo_bytes("jpg", size=(900, 600))))
    expect(tiles(page)).to_have_count(1)
    tiles(page).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("a.jpg")


def test_without_any_copy_of_the_libraries_the_plain_form_uploads(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, REFUSED]
    page.context.unroute(f"{CDN}**")
    page.context.route(f"{CDN}**", lambda route: route.abort())
    page.context.route("**/vendor/**", lambda route: route.fulfill(status=404))
    page.goto(live_server.url)
    page.get_by_label("Photos", exact=True).first.set_input_files(
        [payload("a.jpg", photo_bytes("jpg"))]
    )
    page.get_by_role("button", name="Send photos").click()
    expect(tiles(page)).to_have_count(1)


def test_nothing_jumps_while_photos_load(page: Page, live_server: RunningServer) -> None:
    for seed in range(6):
        live_server.send((f"{seed}.jpg", photo_bytes("jpg", seed=seed, size=(900, 600))))
    page.add_init_script(
        """window.shifts = 0;
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.shifts += entry.value;
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    page.goto(live_server.url)
    expect(tiles(page)).to_have_count(6)
    page.wait_for_function(
        """() => [...document.querySelectorAll("main img")].every(
            (image) => image.complete && image.naturalWidth)"""
    )
    assert page.evaluate("() => window.shifts") < 0.05
