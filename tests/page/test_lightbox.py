"""The lightbox shows one photo over the whole screen, at an address of its own."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import page as ui
from tests.support.browser import CDN
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes, timed_photo
from tests.support.visitors import make_accounts

WITHOUT_CLIPBOARD = """() => {
    delete Navigator.prototype.share;
    Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined });
}"""  # as on plain http

PHONES = ((320, 568), (844, 390))
BOXES = """(all) => all.map((each) => {
    const { x, y, width, height } = each.getBoundingClientRect();
    return [x, y, width, height].map(Math.round);
})"""


def slots(page: Page) -> Locator:
    return ui.lightbox(page).get_by_role("group", name="This photo").locator("> :visible")


def count(page: Page) -> Locator:
    return ui.lightbox(page).locator(".lightbox-count")


def picture(page: Page) -> Locator:
    return ui.lightbox(page).locator("[aria-hidden=false] img[alt^=Photo]")


def test_the_caption_tells_who_and_when_and_the_file_behind_a_button(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    guest.take_name("Tom Becker")
    guest.send("IMG_4032.JPG", timed_photo(1, DateTimeOriginal="2024:06:22 15:42:00"))
    ui.send(guest, "2.jpg")
    ui.open_gallery(page, gallery)
    ui.enlarge(page, "IMG_4032.JPG")
    expect(ui.lightbox(page).get_by_role("button", name="by Tom Becker")).to_have_text("Tom Becker")
    expect(ui.lightbox(page).get_by_text("Sat, June 22, 2024, 3:42 PM")).to_be_visible()
    expect(count(page)).to_have_text("2 of 2")
    facts = ui.lightbox(page).get_by_text("IMG_4032.JPG")
    info = ui.lightbox(page).get_by_role("button", name="Info")
    expect(facts).to_be_hidden()
    info.click()
    expect(info).to_have_attribute("aria-expanded", "true")
    expect(facts).to_have_text("IMG_4032.JPG\u00a0· 1\u00a0KB\u00a0· 60\u00a0×\u00a040")  # noqa: RUF001
    page.keyboard.press("ArrowLeft")
    expect(ui.lightbox(page).get_by_text("2.jpg")).to_be_visible()


def test_slots_never_move_whatever_the_photo(page: Page, gallery: Gallery, guest: Guest) -> None:
    """Where "Make private" is tapped twice, nothing is removed."""
    ui.send(guest, "1.jpg")
    page.set_viewport_size({"width": 320, "height": 568})
    ui.open_gallery(page, gallery)
    ui.send_as(page, "2.jpg")
    ui.enlarge(page, "2.jpg")
    before = slots(page).evaluate_all(BOXES)
    assert len(before) == 5
    assert all(width >= 48 and height >= 48 for _, _, width, height in before)
    assert len({y for _, y, _, _ in before}) == 1
    right = [x + width for x, _, width, _ in before]
    assert right[-1] <= 320
    assert before[-1][0] - right[-2] >= 12  # "Remove" stands apart
    private = ui.lightbox(page).get_by_role("button", name="Make private")
    private.click()
    share = ui.lightbox(page).get_by_role("button", name="Share with everyone")
    expect(share).to_be_visible()
    assert slots(page).evaluate_all(BOXES) == before
    share.click()
    expect(private).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    ui.wait_for_animations(page)
    for name in ("Make private", "Remove"):
        expect(ui.lightbox(page).get_by_role("button", name=name)).to_be_disabled()
    assert slots(page).evaluate_all(BOXES) == before
    assert len(gallery.photos()) == 2


def test_a_photo_of_a_rare_format_is_saved_as_a_jpeg_from_its_info(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    """On the smallest phone, without moving a slot, and by keyboard."""
    guest.send("1.jpg", ui.small_photo(1))
    guest.send("IMG_0002.HEIC", photo_bytes("heic", 2))
    page.set_viewport_size({"width": 320, "height": 568})
    ui.open_gallery(page, gallery)
    ui.enlarge(page, "IMG_0002.HEIC")
    as_jpeg = ui.lightbox(page).get_by_role("link", name="Save as JPEG")
    expect(as_jpeg).to_be_hidden()
    before = slots(page).evaluate_all(BOXES)
    assert len(before) == 5
    info = ui.lightbox(page).get_by_role("button", name="Info")
    info.click()
    expect(as_jpeg).to_be_visible()
    assert slots(page).evaluate_all(BOXES) == before
    [[left, top, width, height]] = as_jpeg.evaluate_all(BOXES)
    assert width >= 44
    assert height >= 44
    assert 0 <= left <= left + width <= 320
    assert top + height <= before[0][1] + 1  # where the slots begin, rounded

    for link, name, kind in (
        (as_jpeg, "IMG_0002.jpg", b"\xff\xd8\xff"),
        (ui.lightbox(page).get_by_role("link", name="Download"), "IMG_0002.HEIC", b"\0\0\0"),
    ):
        with page.expect_download() as begun:
            ui.press_enter_on(page, link, "Shift+Tab")
        assert begun.value.suggested_filename == name
        assert begun.value.path().read_bytes().startswith(kind)

    ui.press_until_focused(page, as_jpeg, "Shift+Tab")
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    expect(as_jpeg).to_be_hidden()
    expect(info).to_be_focused()
    ui.wait_for_animations(page)
    assert slots(page).evaluate_all(BOXES) == before


def test_a_host_has_one_slot_more_and_six_fit_on_the_smallest_phone(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    make_accounts(gallery, "Hanna", is_host=True)
    ui.sign_in_by_request(page, gallery, "Hanna")
    page.set_viewport_size({"width": 320, "height": 568})
    ui.open_gallery(page, gallery)
    ui.enlarge(page, "1.jpg")
    before = slots(page).evaluate_all(BOXES)
    assert len(before) == 6
    assert len({y for _, y, _, _ in before}) == 1
    assert before[-1][0] + before[-1][2] <= 320
    ui.lightbox(page).get_by_role("button", name="Hide").click()
    expect(ui.lightbox(page).get_by_role("button", name="Show")).to_be_visible()
    assert slots(page).evaluate_all(BOXES) == before


@pytest.mark.parametrize("size", PHONES)
def test_the_caption_never_covers_the_photo(
    page: Page, gallery: Gallery, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    ui.open_gallery(page, gallery)
    tall = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo_bytes("jpg", 1, (900, 1600))}
    assert page.request.post(gallery.url, multipart={"file": tall}).ok
    ui.enlarge(page, "a.jpg")
    caption = ui.lightbox(page).locator(".lightbox-caption")

    def expect_apart() -> None:
        def are_apart() -> bool:
            shown, words = picture(page).bounding_box(), caption.bounding_box()
            assert shown
            assert words
            return shown["y"] >= 50 and abs(shown["y"] + shown["height"] - words["y"]) <= 1

        ui.wait_in_page(page, are_apart)

    expect_apart()
    ui.change_in_lightbox(page, "Make private", "a.jpg")
    expect(ui.lightbox(page)).to_contain_text("Only visible to you")
    expect_apart()
    ui.lightbox(page).get_by_role("button", name="Info").click()
    expect_apart()


def test_removing_goes_on_to_the_next_and_one_undo_brings_all_back(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    ui.open_watching(page, gallery)
    ui.send_as(page, "2.jpg", "3.jpg", "4.jpg")
    ui.enlarge(page, "4.jpg")
    remove = ui.lightbox(page).get_by_role("button", name="Remove")
    for following in ("3.jpg", "2.jpg"):
        remove.click()
        expect(ui.lightbox(page)).to_contain_text(following)
        expect(remove).to_be_focused()
    expect(ui.lightbox(page).get_by_text("2 photos removed.")).to_be_visible()
    expect(count(page)).to_have_text("1 of 2")
    page.keyboard.press("ArrowLeft")  # not back to what has gone
    expect(ui.lightbox(page)).to_contain_text("2.jpg")
    ui.lightbox(page).get_by_role("button", name="Undo").click()
    expect(ui.lightbox(page)).to_contain_text("3.jpg")
    expect(count(page)).to_have_text("2 of 4")
    ui.expect_shown(page, "4.jpg", "3.jpg", "2.jpg", "1.jpg")
    page.keyboard.press("End")
    expect(remove).to_be_disabled()
    page.keyboard.press("Delete")
    page.keyboard.press("Home")
    expect(ui.lightbox(page)).to_contain_text("4.jpg")
    assert len(gallery.photos()) == 4


def test_with_its_last_photo_the_lightbox_closes(page: Page, gallery: Gallery) -> None:
    ui.open_watching(page, gallery)
    ui.send_as(page, "1.jpg")
    ui.enlarge(page, "1.jpg")
    page.keyboard.press("Delete")
    expect(ui.lightbox(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()


def test_photos_that_arrive_are_reached_by_going_on(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg")
    ui.open_watching(page, gallery)
    ui.enlarge(page, "2.jpg")
    shown = picture(page).element_handle()
    ui.send(guest, "3.jpg", "4.jpg")
    expect(count(page)).to_have_text("3 of 4")
    assert shown.evaluate("(image) => image.isConnected")  # what is looked at does not blink
    for name in ("3.jpg", "4.jpg"):
        page.keyboard.press("ArrowLeft")
        expect(picture(page).and_(ui.by_file(page, name))).to_be_in_viewport()
        expect(ui.lightbox(page)).to_contain_text(name)
    guest.remove("3.jpg")
    expect(count(page)).to_have_text("1 of 3")
    for name in ("2.jpg", "1.jpg"):
        page.keyboard.press("ArrowRight")
        expect(picture(page).and_(ui.by_file(page, name))).to_be_in_viewport()
        expect(ui.lightbox(page)).to_contain_text(name)
    ui.wait_for_animations(page)
    ui.close_lightbox(page)
    expect(ui.tile(page, "1.jpg")).to_be_focused()


def test_home_and_end_lead_to_the_first_and_the_last_of_very_many(
    page: Page, gallery: Gallery
) -> None:
    add_many(gallery, 1_200)
    ui.open_gallery(page, gallery)
    ui.enlarge(page, "1200.png")
    page.keyboard.press("End")
    expect(ui.lightbox(page)).to_contain_text("1.png")
    expect(count(page)).to_have_text("1,200 of 1,200")
    expect(ui.lightbox(page).get_by_text("Added ")).to_be_visible()  # it has no time of its own
    page.keyboard.press("Home")
    expect(count(page)).to_have_text("1 of 1,200")


def test_what_is_shown_is_announced_when_it_turns(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    for number in (1, 2, 3):
        guest.send(f"{number}.jpg", timed_photo(number, DateTimeOriginal="2024:06:22 15:42:00"))
    guest.take_name("Ann")
    ui.open_watching(page, gallery)
    ui.enlarge(page, "3.jpg")
    name = "Photo by Ann, June 22, 2024, 3:42 PM"
    expect(ui.lightbox(page)).to_have_accessible_description(f"1 of 3. {name}")
    said = ui.lightbox(page).get_by_role("status").first
    page.evaluate(
        """(region) => {
            window.said = [];
            new MutationObserver(() => said.push(region.textContent))
                .observe(region, { childList: true });
        }""",
        said.element_handle(),
    )
    for _ in range(2):  # quickly: only what one rests on is said
        page.keyboard.press("ArrowRight")
    expect(said).to_have_text(f"3 of 3. {name}")
    guest.take_name("Anna")
    expect(ui.lightbox(page).get_by_role("button", name="by Anna")).to_be_visible()
    guest.remove("3.jpg")
    expect(count(page)).to_have_text("2 of 2")
    guest.remove("1.jpg")
    expect(said).to_have_text("This photo was removed.")
    assert page.evaluate("() => said") == [f"3 of 3. {name}", "This photo was removed."]


def test_nothing_behind_the_lightbox_is_reached(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    ui.open_gallery(page, gallery)
    ui.enlarge(page, "1.jpg")
    is_within = "() => document.activeElement.closest('.lightbox') !== null"
    for key in ("Tab", "Shift+Tab"):
        reached = set()
        for _ in range(12):
            page.keyboard.press(key)
            assert page.evaluate(is_within)
            reached.add(page.evaluate("() => document.activeElement.textContent.trim()"))
        assert {"Share", "Download", "Info"} <= reached
    for part in ("main", "header"):
        expect(page.locator(part).first).to_have_js_property("inert", True)
    ui.close_lightbox(page)
    for part in ("main", "header"):
        expect(page.locator(part).first).to_have_js_property("inert", False)
    expect(ui.tile(page, "1.jpg")).to_be_focused()


def test_a_panorama_is_zoomed_to_the_pixels_of_its_original(page: Page, gallery: Gallery) -> None:
    size = (5_000, 400)
    gallery.send(("wide.jpg", photo_bytes("jpg", 1, size)))
    ui.open_gallery(page, gallery)
    originals: list[str] = []
    page.on("request", lambda it: "/uploads/" in it.url and originals.append(it.url))
    ui.enlarge(page, "wide.jpg")
    page.wait_for_load_state("networkidle")
    expect(picture(page)).to_have_js_property("complete", True)
    assert not originals  # which may be large
    zoom = ui.lightbox(page).get_by_role("button", name="Zoom")
    expect(zoom.locator("svg")).to_have_css("stroke", "none")  # its plus is not painted over
    zoom.click()
    expect(picture(page)).to_have_js_property("naturalWidth", size[0])
    expect(picture(page)).to_have_css("width", f"{size[0]}px")
    assert originals == [f"{gallery.url}{gallery.photos()[0]['url']}"]


def test_without_a_network_the_thumbnail_stays_enlarged(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.NO_CONNECTION)
    for number in range(1, 7):
        guest.send(f"{number}.jpg", photo_bytes("jpg", number, (900, 600)))
    ui.open_gallery(page, gallery)
    ui.enlarge(page, "6.jpg")
    page.wait_for_load_state("networkidle")
    ui.close_lightbox(page)
    page.context.set_offline(True)
    ui.tile(page, "1.jpg").click()
    slide = ui.lightbox(page).locator("[aria-hidden=false]")
    trouble = slide.get_by_text("Can't load the full photo. Check your connection.")
    expect(trouble).to_be_visible()
    expect(picture(page)).to_have_js_property("complete", True)
    assert picture(page).evaluate("(image) => image.naturalWidth") in (320, 640)
    assert picture(page).bounding_box()["width"] > 500  # type: ignore[index]
    page.context.set_offline(False)
    expect(trouble).to_be_hidden()
    expect(picture(page)).to_have_js_property("naturalWidth", 900)


def test_a_tap_is_answered_at_once_where_the_cdn_is_swallowed(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    page.route(f"{CDN}photoswipe**", lambda route: None)
    held = ui.Hold(page, "**/vendor/photoswipe**")
    ui.open_gallery(page, gallery)
    ui.tile(page, "1.jpg").click()
    busy = page.locator(".photo-tile[aria-busy=true]")
    expect(busy).to_be_visible()  # while neither the CDN nor Dropwall has sent the library
    held.wait_for_request()
    held.release()
    expect(ui.lightbox(page)).to_be_visible()
    expect(busy).to_have_count(0)


def test_link_copied_is_said_only_when_it_was(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    ui.open_gallery(page, gallery)
    page.evaluate(WITHOUT_CLIPBOARD)
    ui.enlarge(page, "1.jpg")
    said = ui.lightbox(page).get_by_role("status")
    page.evaluate("() => (document.execCommand = () => false)")
    button = ui.lightbox(page).get_by_role("button", name="Share")
    button.click()
    expect(said.filter(has_text="Couldn't copy the link. It's in the address bar.")).to_be_visible()
    page.evaluate("() => delete document.execCommand")
    button.click()
    expect(said.filter(has_text="Link copied.")).to_be_visible()
    expect(button).to_be_focused()


def test_where_the_clipboard_is_forbidden_a_link_is_copied_all_the_same(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    ui.open_gallery(page, gallery)
    page.evaluate(
        """() => {
            delete Navigator.prototype.share;
            navigator.clipboard.writeText = () => Promise.reject(new Error("forbidden"));
            addEventListener("copy", ({ clipboardData }) => {
                window.copied = clipboardData.getData("text/plain");
            });
        }"""
    )
    ui.enlarge(page, "1.jpg")
    ui.lightbox(page).get_by_role("button", name="Share").click()
    expect(ui.lightbox(page).get_by_text("Link copied.")).to_be_visible()
    assert page.evaluate("() => copied") == page.url


def test_nothing_moves_under_the_finger_that_shared_a_photo(page: Page, gallery: Gallery) -> None:
    """Else a second tap may remove it."""
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg")
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(WITHOUT_CLIPBOARD)
    ui.enlarge(page, "1.jpg")
    before = slots(page).evaluate_all(BOXES)
    ui.lightbox(page).get_by_role("button", name="Share").click()
    expect(ui.lightbox(page).get_by_text("Link copied.")).to_be_visible()
    assert slots(page).evaluate_all(BOXES) == before


def test_a_link_is_copied_from_a_selection_and_the_next_copy_is_the_visitors_own(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    """WebKit copies nothing unless something is selected."""
    ui.send(guest, "1.jpg")
    ui.open_gallery(page, gallery)
    page.evaluate(WITHOUT_CLIPBOARD)
    page.evaluate(
        """() => {
            window.copied = [];
            addEventListener("copy", ({ target, clipboardData, defaultPrevented }) => {
                const { value = "", selectionStart, selectionEnd } = target;
                copied.push(value.slice(selectionStart, selectionEnd) || defaultPrevented);
            });
        }"""
    )
    ui.enlarge(page, "1.jpg")
    ui.lightbox(page).locator("[data-share]").click()
    page.wait_for_function("() => copied.length === 1")
    address = page.url
    assert page.evaluate("() => copied") == [address]
    ui.close_lightbox(page)
    page.evaluate("() => document.execCommand('selectAll') && document.execCommand('copy')")
    assert page.evaluate("() => copied") == [address, False]


def test_the_address_of_a_photo_from_earlier_versions_leads_to_it(
    page: Page, gallery: Gallery
) -> None:
    [photo_id] = add_many(gallery, 1)
    page.goto(f"{gallery.url}/#photo/{photo_id}")
    expect(ui.lightbox(page)).to_be_visible()
    expect(page).to_have_url(f"{gallery.url}/photo/{photo_id}")
    page.go_back()
    expect(page).to_have_url(f"{gallery.url}/")


def test_the_address_follows_once_the_visitor_rests_on_a_photo(
    page: Page, gallery: Gallery
) -> None:
    """Safari throws at more than 100 changes of the address in 30 seconds."""
    ids = add_many(gallery, 60)
    page.add_init_script(
        """const replaceState = history.replaceState;
        let changes = 0;
        history.replaceState = function (...parameters) {
            changes += 1;
            if (changes > 10) throw new DOMException("Too many", "SecurityError");
            return replaceState.apply(this, parameters);
        };"""
    )
    page.goto(f"{gallery.url}/photo/{ids[0]}")
    expect(ui.lightbox(page)).to_contain_text("60.png")
    ui.wait_for_animations(page)
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("20.png")
    expect(page).to_have_url(f"{gallery.url}/photo/{ids[40]}")


def test_a_photo_opens_even_if_the_server_refuses_to_say_what_is_new(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)
    ui.send(guest, "1.jpg")
    [photo] = gallery.photos()
    ui.open_watching(page, gallery)
    expect(ui.tile(page, "1.jpg")).to_be_visible()
    refusal = {"Dropwall-Refusal": "not-yours"}
    page.route(ui.ASKING, lambda route: route.fulfill(status=403, headers=refusal, body="No."))
    page.evaluate("(id) => (location.hash = `photo/${id}`)", photo["id"])
    expect(ui.lightbox(page)).to_contain_text("1.jpg")


def test_the_browser_restores_the_place_in_the_gallery_as_before_the_lightbox(
    page: Page, gallery: Gallery
) -> None:
    ids = add_many(gallery, 200)
    page.goto(f"{gallery.url}/photo/{ids[150]}")
    expect(ui.lightbox(page)).to_contain_text("50.png")
    ui.wait_for_animations(page)
    ui.close_lightbox(page)
    expect(ui.tile(page, "50.png")).to_be_in_viewport(ratio=1)
    page.wait_for_function("() => history.scrollRestoration === 'auto'")
    expect(ui.tile(page, "50.png")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("are_tabs_blocked", [False, True])
def test_without_photoswipe_a_tap_opens_the_original(
    page: Page,
    gallery: Gallery,
    guest: Guest,
    expected_errors: list[str],
    are_tabs_blocked: bool,
) -> None:
    # Chromium shows a picture by a page with a style of its own, which our policy forbids.
    expected_errors += [ui.UNREACHABLE, ui.REFUSED, "Applying inline style"]
    ui.send(guest, "1.jpg")
    page.route(f"{CDN}photoswipe**", lambda route: None if are_tabs_blocked else route.abort())
    page.route("**/vendor/photoswipe**", lambda route: route.fulfill(status=404))
    ui.open_gallery(page, gallery)
    original = f"{gallery.url}{gallery.photos()[0]['url']}"
    if are_tabs_blocked:
        page.evaluate("() => (window.open = () => null)")
        ui.tile(page, "1.jpg").click()
        page.wait_for_url(original)
        return
    for _ in range(2):  # the second at once: nothing is waited for again
        with page.expect_popup() as opened:
            ui.tile(page, "1.jpg").click()
        opened.value.wait_for_url(original)
        opened.value.close()


def test_photoswipe_is_not_used_without_its_style_sheet(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors += [ui.UNREACHABLE, ui.REFUSED]
    ui.send(guest, "1.jpg")
    for address in (f"{CDN}photoswipe*/**.css", "**/vendor/photoswipe*/**.css"):
        page.route(address, lambda route: route.abort())
    ui.open_gallery(page, gallery)
    page.evaluate("() => ([window.opened, window.open] = [0, () => (opened += 1)])")
    for count in range(1, 4):
        with page.expect_event("requestfailed", lambda it: "/vendor/photoswipe" in it.url):
            ui.tile(page, "1.jpg").click()
        page.wait_for_function(f"() => opened === {count}")
