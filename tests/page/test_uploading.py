"""Photos are uploaded by the page, and looked at in its gallery and lightbox."""

import base64

import pytest
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.browser import CDN
from tests.support.gallery_server import Gallery
from tests.support.photos import a_phone_batch, photo_bytes


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    """Photos of tests are small; some of them shall be sent in chunks, or refused."""
    return {"max_upload_bytes": 400 * 1024, "chunk_bytes": 50_000}


@pytest.mark.parametrize("count", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_everybody_sees_all_dropped_photos(
    page: Page, another: Page, gallery: Gallery, count: int
) -> None:
    """Fifteen of them are odd ones, of every format."""
    batch = a_phone_batch(count)
    ui.open_gallery(page, gallery)
    another.goto(gallery.url)
    gate = ui.Gate(page)
    ui.drop_photos(page, *batch)
    expect(ui.rows(page)).to_have_count(count)
    gate.open()
    ui.expect_all_safe(page, count)
    for each in (page, another):
        expect(each.get_by_text(f"{count} photos", exact=True)).to_be_visible()
        expect(ui.tile(each, batch[-1][0])).to_be_visible()
    stored = sorted(photo["name"] for photo in gallery.photos())
    assert stored == sorted(name for name, _ in batch)


def test_progress_bars_move_and_say_the_time_left(page: Page, gallery: Gallery) -> None:
    ui.replace_in_script(page, "upload/time-left.js", {"SAMPLE_MS = 1000;": "SAMPLE_MS = 1;"})
    ui.replace_in_script(
        page, "upload/summary.js", {"SHOWN_EVERY_MS = 100;": "SHOWN_EVERY_MS = 1;"}
    )
    ui.open_gallery(page, gallery)
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
    gate = ui.Gate(page, lets_through=20)
    photos = [ui.large_photo(number, kilobytes=290) for number in range(5)]
    ui.add_photos(page, *photos)
    expect(ui.summary(page)).to_contain_text("left")
    gate.open()
    ui.expect_all_safe(page, 5)
    seen = page.evaluate("() => Object.entries(seen).map(([name, { size }]) => [name, size])")
    for name in ("All photos", *(name for name, _ in photos)):
        assert dict(seen)[name] >= 4, seen


def test_a_refused_photo_keeps_its_row_and_its_reason_beside_those_that_arrive(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)
    ui.open_gallery(page, gallery)
    ui.add_photos(
        page,
        ("good.jpg", photo_bytes("jpg", seed=1)),
        ("notes.jpg", b"These are only notes."),
        ("also good.png", photo_bytes("png", seed=2)),
        ("letter.pdf", b"%PDF-1.7"),
        ui.large_photo(5, kilobytes=500),
    )
    refusals = {
        "notes.jpg": "This file isn't a photo. You can add JPEG, PNG, GIF, WebP, AVIF or HEIC.",
        "letter.pdf": "Only photos can be added",
        "5.jpg": "This photo is too large. The limit is 400 KB.",
    }
    expect(ui.summary(page)).to_contain_text("2 photos added. 3 couldn't be added.")
    expect(ui.tiles(page)).to_have_count(2)
    for name, reason in refusals.items():
        row = ui.rows(page).filter(has_text=name)
        expect(row).to_contain_text(reason)
        expect(row.get_by_role("button", name=f"Retry {name}")).to_be_hidden()
        page.get_by_role("button", name=f"Dismiss {name}").click()
    expect(ui.rows(page)).to_have_count(0)


def test_no_guest_meets_the_refusal_of_a_wrong_extension(page: Page, gallery: Gallery) -> None:
    """Each photo goes under its true one: in chunks, after a reload, from wherever it comes."""
    ui.open_gallery(page, gallery)
    gate = ui.Gate(page, lets_through=2)
    ui.drop_photos(page, ("IMG_1.HEIC", ui.large_photo(1, kilobytes=300)[1]))
    gate.wait_until_held()
    ui.wait_until_page_may_close(page)
    page.reload()
    gate.open()
    page.get_by_role("button", name="Resume").click()
    ui.expect_all_safe(page, 1)
    true_names = {"gif saved.php": "gif saved.php.gif"}
    true_names |= {name: name for name in ("png v1.2", "webp", "jpg.JPEG")}
    for kind in ("jpg", "png", "gif", "webp", "avif", "heic"):
        wrong = "jpg" if kind == "heic" else "HEIC"
        true_names[f"{kind}.{wrong}"] = f"{kind}.{kind}"
    kinds = [name.replace(".", " ").split()[0] for name in true_names]
    contents = [photo_bytes(kind, seed) for seed, kind in enumerate(kinds)]
    ui.add_photos(page, *zip(true_names, contents, strict=True))
    ui.expect_all_safe(page, len(true_names))
    names = [photo["name"] for photo in gallery.photos()]
    assert sorted(names) == sorted(["IMG_1.jpg", *true_names.values()])


def test_a_pasted_photo_is_uploaded_or_cancelled(page: Page, gallery: Gallery) -> None:
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

    ui.open_gallery(page, gallery)
    gate = ui.Gate(page)
    paste()
    gate.wait_until_held()
    ui.rows(page).get_by_role("button", name="Cancel").click()
    expect(ui.rows(page)).to_have_count(0)
    assert gallery.photos() == []
    gate.open()
    paste()
    expect(ui.tiles(page)).to_have_count(1)


def test_pictures_that_failed_to_load_appear_later_and_back_closes_the_lightbox(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors += [ui.UNREACHABLE, ui.REFUSED]
    gallery.send(("a.jpg", photo_bytes("jpg", size=(900, 600))))
    page.route("**/thumbnails/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(gallery.url)
    page.unroute("**/thumbnails/**")
    page.wait_for_function("() => document.querySelector('main img')?.naturalWidth > 0")
    page.route("**/thumbnails/*/2048.webp", lambda route: route.fulfill(status=503))
    ui.tiles(page).first.click()
    expect(ui.lightbox(page)).to_contain_text("Can't load the full photo. Check your connection.")
    page.unroute("**/thumbnails/*/2048.webp")
    picture = ui.lightbox(page).get_by_role("img").and_(ui.by_file(page, "a.jpg"))
    expect(picture).to_have_js_property("naturalWidth", 900)
    expect(ui.lightbox(page)).not_to_contain_text("Can't load")
    expect(ui.lightbox(page)).to_contain_text("a.jpg")
    page.go_back()
    expect(ui.lightbox(page)).to_have_count(0)
    expect(ui.tiles(page)).to_have_count(1)


def test_nothing_jumps_while_photos_load(page: Page, gallery: Gallery) -> None:
    for seed in range(6):
        gallery.send((f"{seed}.jpg", photo_bytes("jpg", seed, (900, 600))))
    ui.note_shifts(page)
    page.goto(gallery.url)
    expect(ui.tiles(page)).to_have_count(6)
    page.wait_for_function(
        """() => [...document.querySelectorAll("main img")].every(
            (image) => image.complete && image.naturalWidth)"""
    )
    assert ui.layout_shift(page) < 0.05


def test_without_the_cdn_the_page_uses_its_own_copies_or_its_plain_form(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors += [ui.UNREACHABLE, ui.REFUSED]
    page.route(f"{CDN}**", lambda route: route.abort())
    ui.open_gallery(page, gallery)
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    ui.enlarge(page, "1.jpg")
    page.route("**/vendor/**", lambda route: route.fulfill(status=404))
    page.goto(gallery.url)
    ui.file_input(page).set_input_files([ui.payload("2.jpg", ui.small_photo(2))])
    page.get_by_role("button", name="Add photos").click()
    expect(ui.tiles(page)).to_have_count(2)
