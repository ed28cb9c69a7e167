"""Photos are uploaded by the page, and looked at in its gallery and lightbox."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import CDN
from tests.support.gallery_server import Gallery
from tests.support.many_photos import add_many
from tests.support.page import (
    REFUSED,
    UNREACHABLE,
    Gate,
    add_photos,
    drop_photos,
    enlarge,
    expect_all_safe,
    large_photo,
    lightbox,
    open_gallery,
    payload,
    press_until_focused,
    replace_in_script,
    rows,
    small_photo,
    summary,
    tile,
    tiles,
    wait_for_animations,
)
from tests.support.photos import a_phone_batch, photo_bytes
from tests.support.waiting import wait_until


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    """Photos of tests are small; some of them shall be sent in chunks, or refused."""
    return {"max_upload_bytes": 400 * 1024, "chunk_bytes": 50_000}


def test_sixty_dropped_photos_are_seen_by_everybody(page: Page, gallery: Gallery) -> None:
    batch = a_phone_batch(60)
    open_gallery(page, gallery)
    another = page.context.new_page()
    another.goto(gallery.url)
    gate = Gate(page)
    drop_photos(page, *batch)
    expect(rows(page)).to_have_count(60)
    gate.open()
    expect_all_safe(page, 60)
    for each in (page, another):
        expect(each.get_by_text("60 photos", exact=True)).to_be_visible()
        expect(tile(each, "IMG_2059.jpg")).to_be_visible()
    stored = sorted(photo["name"] for photo in gallery.photos())
    assert stored == sorted(name for name, _ in batch)


def test_progress_bars_move_and_say_the_time_left(page: Page, gallery: Gallery) -> None:
    replace_in_script(page, "time-left.js", {"SAMPLE_MS = 1000;": "SAMPLE_MS = 1;"})
    replace_in_script(page, "upload-summary.js", {"SHOWN_EVERY_MS = 100;": "SHOWN_EVERY_MS = 1;"})
    open_gallery(page, gallery)
    page.evaluate(
        """() => {
            window.seen = {}; // name → values
            const note = (changes) => {
                for (const { target } of changes) {
                    (window.seen[target.ariaLabel] ??= new Set()).add(target.value);
                }
            };
            const attributes = { subtree: true, attributeFilter: ["value"] };
            new MutationObserver(note).observe(document.body, attributes);
        }"""
    )
    gate = Gate(page, lets_through=20)
    photos = [large_photo(number, kilobytes=290) for number in range(5)]
    add_photos(page, *photos)
    expect(summary(page)).to_contain_text("left")
    gate.open()
    expect_all_safe(page, 5)
    seen = page.evaluate("() => Object.entries(seen).map(([name, { size }]) => [name, size])")
    for name in ("All photos", *(name for name, _ in photos)):
        assert dict(seen)[name] >= 4, seen


def test_a_refused_photo_keeps_its_row_and_its_reason_and_the_others_arrive(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    open_gallery(page, gallery)
    add_photos(
        page,
        ("good.jpg", photo_bytes("jpg", seed=1)),
        ("notes.jpg", b"These are only notes."),
        ("also good.png", photo_bytes("png", seed=2)),
        ("letter.pdf", b"%PDF-1.7"),
        large_photo(5, kilobytes=500),
    )
    refusals = {
        "notes.jpg": "This is not a photo; please send JPEG, PNG, GIF, WebP, AVIF or HEIC.",
        "letter.pdf": "Files of this type are not taken",
        "5.jpg": "This photo is too large; the limit is 400 KB.",
    }
    expect(summary(page)).to_contain_text("2 of 5 photos are safe")
    expect(tiles(page)).to_have_count(2)
    for name, reason in refusals.items():
        row = rows(page).filter(has_text=name)
        expect(row).to_contain_text(reason)
        expect(row.get_by_role("button", name=f"Retry {name}")).to_be_hidden()
        page.get_by_role("button", name=f"Dismiss {name}").click()
    expect(rows(page)).to_have_count(0)


def test_a_pasted_picture_is_uploaded_or_cancelled(page: Page, gallery: Gallery) -> None:
    def paste() -> None:
        page.evaluate(
            """(content) => {
                const clipboardData = new DataTransfer();
                const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
                clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
                const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true });
                document.dispatchEvent(paste);
            }""",
            base64.b64encode(photo_bytes("png", size=(48, 32))).decode(),
        )

    open_gallery(page, gallery)
    gate = Gate(page)
    paste()
    gate.wait_until_held()
    rows(page).get_by_role("button", name="Cancel").click()
    expect(rows(page)).to_have_count(0)
    assert gallery.photos() == []
    gate.open()
    paste()
    expect(tiles(page)).to_have_count(1)


def test_photos_are_added_enlarged_and_downloaded_by_keyboard(page: Page, gallery: Gallery) -> None:
    photos = [(f"{seed}.jpg", photo_bytes("jpg", seed, (900, 600))) for seed in range(3)]
    gallery.send(photos[0])
    gallery.send(photos[1])
    open_gallery(page, gallery)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([payload(*photos[2])])
    expect(tiles(page)).to_have_count(3)
    press_until_focused(page, page.get_by_role("button", name="Done"))
    page.keyboard.press("Enter")
    expect(summary(page)).to_be_hidden()
    press_until_focused(page, tile(page, "2.jpg"))
    page.keyboard.press("Enter")
    expect(lightbox(page)).to_contain_text("2.jpg")
    wait_for_animations(page)
    page.keyboard.press("ArrowRight")
    expect(lightbox(page)).to_contain_text("1.jpg")
    with page.expect_download() as download:
        lightbox(page).get_by_role("link", name="Download").press("Enter")
    original = download.value
    assert (original.suggested_filename, Path(original.path()).read_bytes()) == photos[1]
    page.keyboard.press("Escape")
    expect(lightbox(page)).to_have_count(0)
    expect(tile(page, "1.jpg")).to_be_focused()


def test_pictures_that_failed_to_load_appear_later_and_back_closes_the_lightbox(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, REFUSED]
    gallery.send(("a.jpg", photo_bytes("jpg", size=(900, 600))))
    page.route("**/thumbnails/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(gallery.url)
    page.unroute("**/thumbnails/**")
    page.wait_for_function("() => document.querySelector('main img')?.naturalWidth > 0")
    page.route("**/thumbnails/*/2048.webp", lambda route: route.fulfill(status=503))
    tiles(page).first.click()
    expect(lightbox(page)).to_contain_text("This photo cannot be shown just now.")
    page.unroute("**/thumbnails/*/2048.webp")
    picture = lightbox(page).get_by_role("img", name="a.jpg")
    expect(picture).to_have_js_property("naturalWidth", 900)
    expect(lightbox(page)).not_to_contain_text("cannot be shown")
    expect(lightbox(page)).to_contain_text("a.jpg")
    page.go_back()
    expect(lightbox(page)).to_have_count(0)
    expect(tiles(page)).to_have_count(1)


def test_a_long_gallery_loads_as_one_scrolls(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 230)
    page.goto(gallery.url)
    expect(page.get_by_text("230 photos")).to_be_visible()
    page.mouse.move(600, 400)
    oldest = tile(page, "1.png")

    def is_oldest_reached() -> bool:
        page.mouse.wheel(0, 5_000)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        return oldest.is_visible()

    wait_until(is_oldest_reached)


def test_nothing_jumps_while_photos_load(page: Page, gallery: Gallery) -> None:
    for seed in range(6):
        gallery.send((f"{seed}.jpg", photo_bytes("jpg", seed, (900, 600))))
    page.add_init_script(
        """window.shifts = 0;
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.shifts += entry.value;
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    page.goto(gallery.url)
    expect(tiles(page)).to_have_count(6)
    page.wait_for_function(
        """() => [...document.querySelectorAll("main img")].every(
            (image) => image.complete && image.naturalWidth)"""
    )
    assert page.evaluate("() => window.shifts") < 0.05


def test_without_the_cdn_the_page_uses_its_own_copies_or_its_plain_form(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, REFUSED]
    page.route(f"{CDN}**", lambda route: route.abort())
    open_gallery(page, gallery)
    add_photos(page, ("1.jpg", small_photo(1)))
    enlarge(page, "1.jpg")
    page.route("**/vendor/**", lambda route: route.fulfill(status=404))
    page.goto(gallery.url)
    form = page.get_by_label("Photos", exact=True).first
    form.set_input_files([payload("2.jpg", small_photo(2))])
    page.get_by_role("button", name="Send photos").click()
    expect(tiles(page)).to_have_count(2)
