"""The page on a phone in one hand: the photos come first, and a thumb reaches what is done."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many

PHONE = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 568}
SIDEWAYS = {"width": 844, "height": 390}
LAPTOP = {"width": 1366, "height": 768}
ZOOMED = {"width": 683, "height": 384}
"""A laptop's window at 200 %."""
on_every_phone = pytest.mark.parametrize(
    "size",
    [PHONE, pytest.param(SMALL, marks=pytest.mark.slow), SIDEWAYS],
    ids=["usual", "small", "sideways"],
)


@pytest.fixture
def expected_errors() -> list[str]:
    return [ui.REFUSED, ui.UNREACHABLE]


def open_at(page: Page, gallery: Gallery, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    ui.open_gallery(page, gallery)


def box(element: Locator) -> dict[str, float]:
    """Its edges in pixels of the window."""
    return element.evaluate(
        """(it) => {
            const { top, right, bottom, left, width, height } = it.getBoundingClientRect();
            return { top, right, bottom, left, width, height };
        }"""
    )


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    return (
        one["left"] < other["right"]
        and other["left"] < one["right"]
        and one["top"] < other["bottom"]
        and other["top"] < one["bottom"]
    )


def add_photos_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Add photos")


def toggle(page: Page) -> Locator:
    return page.get_by_role("button", name="List of uploads")


def scroll_by(page: Page, pixels: int) -> None:
    page.evaluate(f"() => scrollBy({{ top: {pixels}, behavior: 'instant' }})")


def test_the_header_is_one_row_that_makes_way_for_the_photos(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 60)
    open_at(page, gallery, PHONE)
    heading, add = page.get_by_role("heading", level=1), add_photos_button(page)
    assert box(page.get_by_role("banner"))["height"] == 56
    assert box(ui.tiles(page).first)["top"] <= 72
    assert box(add)["height"] >= 52
    assert box(add)["top"] > 2 / 3 * PHONE["height"]

    scroll_by(page, 700)
    expect(heading).not_to_be_in_viewport()
    expect(add).to_be_in_viewport(ratio=1)
    scroll_by(page, -100)
    expect(heading).to_be_in_viewport(ratio=1)
    scroll_by(page, 300)
    expect(heading).not_to_be_in_viewport()
    page.get_by_role("button", name="Search").focus()  # as by Tab
    expect(heading).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Menu").click()
    scroll_by(page, 300)  # the menu hangs from it
    expect(heading).to_be_in_viewport(ratio=1)


def test_search_opens_over_the_photos_and_leaves_chips(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 12)
    open_at(page, gallery, PHONE)
    first = box(ui.tiles(page).first)
    ui.search_box(page).fill("1")
    expect(ui.search(page).get_by_role("status")).to_have_text("4 photos")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Search", expanded=False)).to_be_focused()
    ui.order(page).select_option("Date taken, newest first")
    ui.close_search(page)
    for label in ("“1”", "Date taken"):
        expect(ui.chip(page, label)).to_be_in_viewport()
    ui.chip(page, "“1”").click()
    expect(ui.tiles(page)).to_have_count(12)
    expect(ui.chip(page, "Date taken")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Search")).to_be_focused()
    assert box(ui.tiles(page).first)["top"] == first["top"]


@on_every_phone
def test_what_was_found_begins_below_the_search(
    page: Page, gallery: Gallery, size: dict[str, int]
) -> None:
    add_many(gallery, 12)
    open_at(page, gallery, size)
    ui.search_box(page).fill("1")
    expect(ui.search(page).get_by_role("status")).to_have_text("4 photos")
    download = page.get_by_role("link", name="Download these photos")
    assert box(ui.tiles(page).first)["top"] >= box(download)["bottom"]
    top = box(ui.tiles(page).first)["top"]
    ui.tiles(page).first.click()  # which closes the search, and meets the photo all the same
    expect(ui.lightbox(page)).to_be_visible()
    ui.close_lightbox(page)
    ui.wait_for_animations(page)
    assert box(ui.tiles(page).first)["top"] < top


@on_every_phone
def test_uploads_leave_the_gallery_in_sight_and_the_header_free(
    page: Page, gallery: Gallery, size: dict[str, int]
) -> None:
    add_many(gallery, 20)
    open_at(page, gallery, size)
    gate = ui.Gate(page, lets_through=4)
    ui.add_photos(page, *(ui.large_photo(number) for number in range(30)))
    expect(ui.summary(page)).to_contain_text("4 of 30 added")
    header, tray = page.get_by_role("banner"), ui.summary(page)
    row = box(header)
    assert row["height"] == 56
    name = page.get_by_role("textbox", name="Who's adding these?")
    expect(name).to_be_in_viewport(ratio=1)
    covered = row["bottom"] + box(tray)["height"]
    if size == PHONE:
        assert size["height"] - covered - 52 >= 0.6 * size["height"]
    page.get_by_role("button", name="Skip").click()
    expect(name).to_be_hidden()
    assert box(tray)["height"] <= 66

    toggle(page).click()
    sheet = box(tray)
    assert sheet["top"] >= row["bottom"]
    assert sheet["bottom"] <= size["height"]
    expect(page.get_by_role("button", name="Cancel 7.jpg")).to_be_attached()
    expect(ui.summary(page).get_by_role("combobox", name="Who sees these")).to_be_in_viewport(
        ratio=1
    )
    page.get_by_role("button", name="Cancel 29.jpg").click()
    expect(ui.rows(page)).to_have_count(29)
    page.get_by_role("button", name="Menu").click()  # nothing lies on it
    expect(page.get_by_role("navigation", name="Gallery")).to_be_visible()
    page.keyboard.press("Escape")
    toggle(page).click()
    expect(ui.rows(page)).to_have_count(0)
    expect(add_photos_button(page)).to_be_in_viewport(ratio=1)
    gate.open()
    ui.expect_all_safe(page, 29)


def test_with_text_twice_as_large_the_question_for_the_name_is_whole(
    page: Page, gallery: Gallery
) -> None:
    sizes = {"fontSizes": {"standard": 32, "fixed": 26}}
    page.context.new_cdp_session(page).send("Page.setFontSizes", sizes)
    add_many(gallery, 12)
    open_at(page, gallery, SMALL)
    gate = ui.Gate(page, lets_through=1)
    ui.add_photos(page, *(ui.large_photo(number) for number in range(3)))
    expect(ui.summary(page)).to_contain_text("1 of 3 added")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "30px"
    offer = ui.summary(page)
    header = box(page.get_by_role("banner"))
    for part in (
        offer.get_by_text("Who's adding these?"),
        offer.get_by_role("textbox", name="Who's adding these?"),
        offer.get_by_role("button", name="Add name"),
        offer.get_by_role("button", name="Skip"),
        offer.get_by_text("1 of 3 added"),
    ):
        expect(part).to_be_in_viewport(ratio=1)
        assert box(part)["top"] >= header["bottom"]
    expect(add_photos_button(page)).to_be_hidden()  # it would lie over the header
    gate.open()


def test_the_bar_goes_by_itself_unless_something_failed_or_is_asked(
    page: Page, gallery: Gallery
) -> None:
    page.clock.install()
    open_at(page, gallery, PHONE)
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    page.clock.run_for(2_000)
    ui.expect_all_safe(page, 1)
    page.clock.run_for(20_000)  # somebody is asked for their name
    ui.expect_all_safe(page, 1)
    page.get_by_role("button", name="Skip").click()
    page.clock.run_for(4_500)
    expect(ui.summary(page)).to_be_hidden()

    ui.add_photos(page, ("notes.jpg", b"These are only notes."), ("2.jpg", ui.small_photo(2)))
    line = ui.summary(page).get_by_text("1 photo added. 1 couldn't be added.")
    for _ in range(8):
        page.clock.run_for(2_500)
    expect(line).to_be_visible()
    toggle(page).click()
    expect(ui.rows(page)).to_contain_text("This file isn't a photo.")
    toggle(page).click()
    ui.add_photos(page, ("3.jpg", ui.small_photo(3)), ("4.jpg", ui.small_photo(4)))
    page.clock.run_for(2_000)
    ui.expect_all_safe(page, 2)  # of this batch; the row of the former stays
    page.clock.run_for(20_000)
    toggle(page).click()
    expect(ui.rows(page)).to_have_count(1)
    page.get_by_role("button", name="Done").click()
    expect(ui.summary(page)).to_be_hidden()


def test_photos_are_added_privately_by_a_tap(page: Page, another: Page, gallery: Gallery) -> None:
    add_many(gallery, 20)
    open_at(page, gallery, PHONE)
    scroll_by(page, 400)  # the header has made way
    ui.add_privately(page, ("1.jpg", ui.small_photo(1)))
    expect(ui.summary(page)).to_contain_text("Only you can see it.")
    ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
    expect(page.get_by_text("Photo added", exact=True)).to_be_visible()
    another.goto(gallery.url)
    expect(another.get_by_text("21 photos", exact=True)).to_be_visible()


@on_every_phone
def test_a_notice_covers_nothing_that_can_be_tapped(
    page: Page, gallery: Gallery, size: dict[str, int]
) -> None:
    open_at(page, gallery, size)
    ui.send_as(page, "1.jpg", "2.jpg")
    gate = ui.Gate(page)
    ui.add_photos(page, ui.large_photo(3))
    gate.wait_until_held()
    ui.remove_by_key(page, "1.jpg")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_in_viewport(ratio=1)
    notice = box(undo.locator(".."))
    for other in (page.get_by_role("banner"), ui.summary(page), add_photos_button(page)):
        assert not overlap(notice, box(other)), other
    gate.open()


def test_that_the_gallery_is_silent_is_said_over_the_photos(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 60)
    ui.replace_in_script(page, "gallery/live.js", {"POLL_MS = 4_000;": "POLL_MS = 400;"})
    page.route(ui.STREAM, lambda route: route.fulfill(status=503, body="Full."))
    open_at(page, gallery, PHONE)
    scroll_by(page, 600)
    tile = ui.tiles(page).first
    top = box(tile)["top"]
    page.route(ui.ASKING, lambda route: route.abort())
    said = page.get_by_text("Can't reach the gallery. Reconnecting…")
    expect(said).to_be_in_viewport(ratio=1)
    assert box(tile)["top"] == top  # nothing was pushed
    page.unroute(ui.ASKING)
    expect(said).to_be_hidden()


@pytest.mark.parametrize(
    "size",
    [PHONE, SIDEWAYS, *(pytest.param(size, marks=pytest.mark.slow) for size in (SMALL, ZOOMED))],
    ids=["usual", "sideways", "small", "zoomed"],
)
def test_nothing_jumps_while_photos_are_added(
    page: Page, gallery: Gallery, size: dict[str, int]
) -> None:
    add_many(gallery, 12)
    ui.note_shifts(page)
    open_at(page, gallery, size)
    ui.file_input(page).set_input_files(
        [ui.payload(*ui.large_photo(number)) for number in range(8)]
        + [ui.payload("notes.jpg", b"These are only notes.")]
    )
    expect(ui.summary(page)).to_contain_text("8 photos added. 1 couldn't be added.")
    assert ui.layout_shift(page) <= 0.05


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_no_row_appears_above_the_photos_as_they_come(
    page: Page, gallery: Gallery, guest: Guest, size: dict[str, int]
) -> None:
    """Once there were fields to search in as soon as there were twenty photos."""
    page.set_viewport_size(size)  # type: ignore[arg-type]
    ui.open_watching(page, gallery)
    expect(add_photos_button(page)).to_be_visible()
    tops = set()
    for first, last in ((1, 1), (2, 2), (3, 18), (19, 19), (20, 20), (21, 21), (22, 22)):
        ui.send(guest, *(f"{number}.jpg" for number in range(first, last + 1)))
        expect(ui.tile(page, f"{last}.jpg")).to_be_visible()
        tops.add(box(ui.tile(page, f"{last}.jpg"))["top"])
    assert len(tops) == 1


def test_words_in_the_menu_begin_on_one_line(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg")
    expect(ui.tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Menu").click()
    entries = page.get_by_role("navigation", name="Gallery").locator("a:visible, button:visible")
    begins = entries.evaluate_all(
        """(entries) => entries.map((entry) => {
            const words = document.createRange();
            words.selectNodeContents(entry);
            return words.getBoundingClientRect().left;
        })"""
    )
    assert len(begins) >= 6
    assert len(set(begins)) == 1


@pytest.mark.parametrize("size", [SIDEWAYS, LAPTOP], ids=["sideways", "laptop"])
def test_nothing_jumps_when_a_gallery_turns_out_to_be_empty(
    page: Page, gallery: Gallery, size: dict[str, int]
) -> None:
    """Whether it is empty is known only once its place in the header could have been painted."""
    ui.note_shifts(page)
    page.set_viewport_size(size)  # type: ignore[arg-type]
    photos = ui.Hold(page, "**/api/photos?limit=100")
    settings = ui.Hold(page, "**/api/settings")
    page.goto(gallery.url, wait_until="domcontentloaded")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for held in (photos, settings):
        held.wait_for_request()
        page.evaluate("() => new Promise((painted) => setTimeout(painted, 100))")
        held.release()
    expect(add_photos_button(page)).to_be_visible()
    assert ui.layout_shift(page) <= 0.001


def test_the_menu_beside_add_photos_covers_no_words_of_an_empty_gallery(
    page: Page, gallery: Gallery
) -> None:
    open_at(page, gallery, PHONE)
    page.get_by_role("button", name="More ways to add").click()
    menu = box(page.get_by_role("group", name="Ways to add"))
    assert not overlap(menu, box(page.get_by_role("heading", name="Share your photos")))
    assert menu["bottom"] <= PHONE["height"]


def test_a_tap_beside_an_open_menu_closes_it_and_opens_no_photo(
    page: Page, gallery: Gallery
) -> None:
    add_many(gallery, 12)
    open_at(page, gallery, PHONE)
    photo = page.get_by_role("listitem").get_by_role("link").first
    for button, menu in [
        ("Menu", page.get_by_role("navigation", name="Gallery")),
        ("More ways to add", page.get_by_role("group", name="Ways to add")),
    ]:
        page.get_by_role("button", name=button).click()
        expect(menu).to_be_visible()
        photo.click(position={"x": 10, "y": 10})
        expect(menu).to_be_hidden()
        ui.wait_for_animations(page)
        expect(ui.lightbox(page)).to_have_count(0)
    photo.click(position={"x": 10, "y": 10})
    expect(ui.lightbox(page)).to_be_visible()


def test_the_plain_gallery_fits_a_phone_and_nothing_in_it_jumps(
    page: Page, gallery: Gallery
) -> None:
    add_many(gallery, 12)
    ui.note_shifts(page)
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    page.goto(f"{gallery.url}/plain")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => document.documentElement.scrollWidth") == SMALL["width"]
    assert box(ui.file_input(page))["height"] >= 44
    assert ui.layout_shift(page) <= 0.05


def test_all_of_an_empty_gallery_is_an_invitation(page: Page, gallery: Gallery) -> None:
    open_at(page, gallery, PHONE)
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Full quality. No app, no account.").click()
    chooser.value.set_files([ui.payload("1.jpg", ui.small_photo(1))])
    ui.expect_all_safe(page, 1)
    assert len(gallery.photos()) == 1
