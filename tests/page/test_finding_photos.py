"""Finding photos: by words, by person, by time, by their address, and among very many."""

import re
from collections.abc import Callable
from contextlib import closing
from zipfile import ZipFile

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.support import page as ui
from tests.support.browser import opened_page
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.photos import timed_photo
from tests.support.waiting import wait_until


def names(*numbers: int) -> list[str]:
    return [f"{number}.jpg" for number in numbers]


def expect_focus_in_gallery(page: Page, name: str) -> None:
    expect(ui.lightbox(page)).to_have_count(0)
    expect(ui.tile(page, name)).to_be_focused()
    expect(ui.tile(page, name)).to_be_in_viewport(ratio=0.99)  # which is rounded


def first_in_view(page: Page) -> Locator:
    """The photo that stays where it is, whatever comes."""
    header = 56 + 20
    address = page.evaluate(
        """(top) => [...document.querySelectorAll("main li a")]
            .find((link) => link.getBoundingClientRect().bottom > top)
            .getAttribute("href")""",
        header,
    )
    return ui.tiles(page).and_(page.locator(f"[href='{address}']"))


def downloaded(page: Page) -> set[str]:
    """What the link beside the search leads to."""
    link = ui.search(page).get_by_role("link", name="Download these")
    with page.expect_download() as begun:
        link.click()
    with ZipFile(begun.value.path()) as photos:
        return {name.rpartition(" ")[2] for name in photos.namelist()}


def test_search_finds_names_people_and_times(page: Page, gallery: Gallery, guest: Guest) -> None:
    with closing(Guest(gallery.url)) as bob:
        bob.take_name("Bob Ray")
        ui.send(bob, *names(41, 40, 42))
    ui.send(guest, *names(*range(10, 27)))
    guest.take_name("Ann")
    ui.open_watching(page, gallery)
    ui.send_as(page, *names(3, 1))
    ui.send_privately(page, "5.jpg")

    expect(ui.tiles(page)).to_have_count(23)
    ui.search_box(page).fill("4")
    ui.expect_shown(page, *names(24, 14, 42, 40, 41))
    assert downloaded(page) == {*names(24, 14, 42, 40, 41)}
    expect(ui.search(page).get_by_role("status")).to_have_text("5 photos")
    ui.search_box(page).fill("ray BOB 1")
    ui.expect_shown(page, *names(41))
    ui.search_box(page).fill("nobody")
    expect(ui.search(page).get_by_role("status")).to_have_text("No photos found")
    ui.expect_shown(page)
    page.keyboard.press("Enter")
    ui.chip(page, "“nobody”").click()
    expect(ui.tiles(page)).to_have_count(23)
    expect(page.get_by_role("button", name="Search")).to_be_focused()
    expect(ui.search_box(page)).to_have_value("")

    ui.people(page).select_option("Bob Ray (3)")
    ui.expect_shown(page, *names(42, 40, 41))
    ui.order(page).select_option("Date taken, newest first")
    ui.expect_shown(page, *names(42, 41, 40))
    assert downloaded(page) == {*names(42, 41, 40)}
    ui.search_box(page).fill("1")
    ui.expect_shown(page, *names(41))
    assert downloaded(page) == {*names(41)}
    ui.search_box(page).fill("")
    ui.people(page).select_option("My photos")
    ui.expect_shown(page, *names(5, 3, 1))
    ui.people(page).focus()
    expect(ui.people(page).get_by_role("option")).to_have_text(
        ["Everyone's photos", "My photos", "Private", "Ann (17)", "Bob Ray (3)"]
    )
    ui.people(page).select_option("Private")
    ui.expect_shown(page, "5.jpg")
    ui.enlarge(page, "5.jpg", "Private")
    ui.change_in_lightbox(page, "Share with everyone", "5.jpg")
    expect(ui.lightbox(page)).to_have_count(0)  # there is none of them left
    ui.expect_shown(page)


def test_a_search_that_is_refused_is_not_repeated(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)
    add_many(gallery, 21)
    ui.open_watching(page, gallery)  # else it asks again to be up to date
    expect(ui.tiles(page)).to_have_count(21)
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=403, headers={"Dropwall-Refusal": "not-yours"}, body="No.")

    page.route("**/api/photos?*q=*", refuse)
    ui.search_box(page).fill("birthday")
    ui.wait_in_page(page, lambda: asked)
    expect(ui.search(page)).to_have_attribute("aria-busy", "false")
    assert len(asked) == 1
    page.unroute("**/api/photos?*q=*")
    ui.search_box(page).fill("")
    expect(ui.search(page)).to_have_attribute("aria-busy", "false")
    expect(ui.tiles(page)).to_have_count(21)


def test_a_photos_address_ends_the_filter_by_one_request(page: Page, gallery: Gallery) -> None:
    ids = add_many(gallery, 21)
    ui.open_watching(page, gallery)
    ui.order(page).select_option("Date taken, newest first")
    ui.search_box(page).fill("7.png")
    expect(ui.search(page).get_by_role("status")).to_have_text("2 photos")
    asked: list[str] = []
    page.on("request", lambda it: "limit=100" in it.url and asked.append(it.url))
    page.evaluate("(id) => (location.hash = `photo/${id}`)", ids[0])
    expect(ui.lightbox(page)).to_contain_text("21.png")
    assert asked == [f"{gallery.url}/api/photos?limit=100&sort=taken"]
    ui.close_lightbox(page)
    expect(ui.tiles(page)).to_have_count(21)
    expect(ui.search_box(page)).to_have_value("")
    expect(ui.people(page)).to_have_value("")


def test_new_photos_respect_the_filter_and_its_order(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)  # a picture may be asked for just as it is removed
    ui.send(guest, *names(*range(10, 30)))
    guest.take_name("Ann")
    ui.open_watching(page, gallery)
    ui.search_box(page).fill("1")
    ui.search_box(page).press("Enter")
    ui.expect_shown(page, *names(21, *range(19, 9, -1)))
    ui.order(page).select_option("Date taken, newest first")
    with closing(Guest(gallery.url)) as bob:
        ui.send(bob, *names(30, 9, 31, 1))
        ui.expect_shown(page, *names(31, 21, *range(19, 9, -1), 1))
        bob.remove("31.jpg")
    guest.remove("15.jpg")
    ui.expect_shown(page, *names(21, 19, 18, 17, 16, 14, 13, 12, 11, 10, 1))
    expect(ui.search(page).get_by_role("status")).to_have_text("11 photos")
    expect(page.get_by_text("22 photos", exact=True)).to_be_visible()

    ui.enlarge(page, "12.jpg")
    ui.lightbox(page).get_by_role("button", name="by Ann").click()
    expect(ui.lightbox(page)).to_have_count(0)
    expect(ui.search(page).get_by_role("status")).to_have_text("19 photos")
    expect(ui.people(page).locator("option:checked")).to_have_text("Ann (19)")
    ui.expect_shown(page, *names(*range(29, 15, -1), 14, 13, 12, 11, 10))


@pytest.mark.parametrize(
    "zone", ["America/Los_Angeles", pytest.param("Pacific/Auckland", marks=pytest.mark.slow)]
)
def test_everybody_sees_the_time_on_the_wall(
    new_context: Callable[..., BrowserContext],
    gallery: Gallery,
    guest: Guest,
    expected_errors: list[str],
    zone: str,
) -> None:
    ui.send(guest, *names(*range(10, 27)))  # so many that there is a choice of orders
    for number, time, zone_of_camera in (
        (1, "01 23:50", "+02:00"),
        (3, "02 00:10", "+02:00"),
        (2, "01 23:55", ""),
    ):
        times = {"DateTimeOriginal": f"2024:06:{time}:00", "OffsetTimeOriginal": zone_of_camera}
        guest.send(f"cake {number}.jpg", timed_photo(number, **times))
    with opened_page(new_context(timezone_id=zone, locale="en-GB"), expected_errors) as page:
        ui.open_watching(page, gallery)
        ui.search_box(page).fill("cake")
        ui.order(page).select_option("Date taken, newest first")
        ui.expect_shown(page, "cake 3.jpg", "cake 2.jpg", "cake 1.jpg")
        guest.send("a cake.jpg", timed_photo(4, DateTimeOriginal="2024:06:01 23:57:00"))
        ui.expect_shown(page, "cake 3.jpg", "a cake.jpg", "cake 2.jpg", "cake 1.jpg")
        ui.enlarge(page, "cake 1.jpg")
        expect(ui.lightbox(page)).to_contain_text("Sat, 1 June 2024, 23:50")


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Photos", exact=True).get_by_role(
        "heading", name=re.compile(name)
    )


def headings(page: Page) -> list[str]:
    return heading(page, "").all_text_contents()


def below(page: Page, name: str) -> Locator:
    """The first photo below a heading."""
    has = page.get_by_role("heading", name=re.compile(name))
    return page.get_by_role("listitem").filter(has=has).get_by_role("link")


@pytest.mark.parametrize(
    ("zone", "first_of_sunday"),
    [
        ("America/New_York", "57.png"),
        pytest.param("Europe/Rome", "54.png", marks=pytest.mark.slow),
    ],
)
def test_headings_tell_the_days_where_the_visitor_is(
    new_context: Callable[..., BrowserContext],
    gallery: Gallery,
    expected_errors: list[str],
    zone: str,
    first_of_sunday: str,
) -> None:
    add_many(gallery, 60, hours_apart=2, newest="2024-06-24T14:00Z")  # a Monday
    context = new_context(timezone_id=zone, locale="en-GB")
    with opened_page(context, expected_errors) as page:
        ui.open_watching(page, gallery)
        expect(below(page, "Monday,? 24 June 2024").and_(ui.tile(page, "60.png"))).to_be_visible()
        last_of_monday = f"{int(first_of_sunday[:2]) + 1}.png"
        ui.tile(page, last_of_monday).focus()
        page.keyboard.press("ArrowRight")
        expect_focus_in_gallery(page, first_of_sunday)
        # Who dances until five still does so on the evening before.
        expect(below(page, "Sunday,? 23 June 2024")).to_be_focused()
        expect(heading(page, "Sunday")).to_be_in_viewport(ratio=1)
        page.keyboard.press("ArrowUp")
        focused = ui.tiles(page).and_(page.locator(":focus"))
        expect(focused).to_be_in_viewport(ratio=1)
        assert (
            int(ui.file_name(page, focused.get_attribute("href") or "")[:2])
            >= int(first_of_sunday[:2]) + 1
        )
        page.keyboard.press("End")
        expect_focus_in_gallery(page, "1.png")
        ui.search_box(page).fill("5.png")
        expect(ui.tiles(page)).to_have_count(6)
        assert headings(page) == []  # over so few they say nothing
        expect(ui.search(page).get_by_role("status")).to_have_text("6 photos")


def test_headings_tell_the_part_of_the_day_where_all_is_one_day(
    new_context: Callable[..., BrowserContext],
    gallery: Gallery,
    guest: Guest,
    expected_errors: list[str],
) -> None:
    add_many(gallery, 41, hours_apart=0.5, newest="2024-06-23T01:30Z")
    context = new_context(timezone_id="UTC", locale="en-GB", viewport={"width": 390, "height": 400})
    with opened_page(context, expected_errors) as page:
        ui.open_watching(page, gallery)
        seen = dict.fromkeys(headings(page))
        in_header = page.get_by_role("banner").get_by_text("Night", exact=True)
        expect(in_header).to_be_in_viewport(ratio=1)
        assert (ui.tile(page, "41.png").bounding_box() or {})["y"] <= 72
        slider = page.get_by_role("slider", name="Place in the gallery")
        expect(slider).to_have_attribute("aria-valuetext", "01:30")
        ui.expect_accessible(page, ((390, "dark"), (1280, "light")))
        page.set_viewport_size({"width": 390, "height": 400})
        slider.focus()
        while slider.get_attribute("aria-valuenow") != "100":
            page.keyboard.press("PageDown")
            seen |= dict.fromkeys(headings(page))
        assert list(seen) == ["Night", "Evening", "Afternoon", "Morning"]
        assert re.fullmatch(r"(0[5-9]|1[01]):[03]0", slider.get_attribute("aria-valuetext") or "")
        expect(slider.get_by_text(slider.get_attribute("aria-valuetext") or "")).to_be_in_viewport()

        page.keyboard.press("PageUp")
        page.keyboard.press("PageUp")
        ui.wait_for_animations(page)
        held = first_in_view(page)
        place = held.bounding_box()
        ui.send(guest, "42.jpg")  # of another day
        expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
        assert held.bounding_box() == pytest.approx(place, abs=1)
        page.get_by_role("button", name="1 new photo").click()
        expect_focus_in_gallery(page, "42.jpg")
        expect(below(page, "Saturday,? 22 June 2024").and_(ui.tile(page, "41.png"))).to_be_visible()
        expect(heading(page, "Night")).to_have_count(0)


def test_the_oldest_come_first_and_new_photos_at_the_end(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    add_many(gallery, 150)
    ui.open_watching(page, gallery)
    ui.order(page).select_option("Oldest first")
    expect(ui.tiles(page).first.and_(ui.tile(page, "1.png"))).to_have_count(1)
    ui.close_search(page)
    expect(ui.chip(page, "Oldest first")).to_be_in_viewport()
    ui.enlarge(page, "1.png")
    expect(ui.lightbox(page)).to_contain_text("1 of 150")
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("2.png")
    ui.wait_for_animations(page)
    ui.close_lightbox(page)

    page.keyboard.press("End")
    expect_focus_in_gallery(page, "150.png")
    held = ui.tile(page, "149.png")
    place = held.bounding_box()
    ui.send(guest, "151.jpg", "152.jpg")
    expect(page.get_by_text("152 photos", exact=True)).to_be_attached()
    assert held.bounding_box() == pytest.approx(place, abs=1)
    page.keyboard.press("End")
    expect_focus_in_gallery(page, "152.jpg")
    page.keyboard.press("ArrowLeft")
    expect_focus_in_gallery(page, "151.jpg")
    ui.order(page).select_option("Date taken, oldest first")  # 2024, before all others
    expect(ui.tiles(page).first.and_(ui.tile(page, "151.jpg"))).to_have_count(1)
    ui.search_box(page).fill("jpg")
    ui.expect_shown(page, "151.jpg", "152.jpg")
    assert downloaded(page) == {"151.jpg", "152.jpg"}


def test_a_photo_has_an_address_to_share(page: Page, gallery: Gallery) -> None:
    ids = add_many(gallery, 300)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{gallery.url}/photo/{'0' * 32}")
    expect(page.get_by_text("This photo was removed or isn't shared with you.")).to_be_visible()
    expect(ui.tile(page, "300.png")).to_be_visible()
    expect(page).to_have_url(f"{gallery.url}/")

    far = f"{gallery.url}/photo/{ids[249]}"
    page.goto(far)
    expect(ui.lightbox(page)).to_contain_text("51.png")
    page.reload()
    expect(ui.lightbox(page)).to_contain_text("51.png")
    assert page.url == far
    share = ui.lightbox(page).get_by_role("button", name="Share")
    share.click()
    expect(ui.lightbox(page).get_by_text("Link copied.")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == far

    ui.wait_for_animations(page)
    page.keyboard.press("ArrowLeft")
    expect(ui.lightbox(page)).to_contain_text("52.png")
    expect(page).to_have_url(f"{gallery.url}/photo/{ids[248]}")
    ui.wait_for_animations(page)
    page.evaluate(
        """() => {
            Object.defineProperty(Navigator.prototype, "clipboard", { value: null });
            addEventListener("copy", ({ clipboardData }) => {
                window.copied = clipboardData.getData("text/plain");
            });
        }"""
    )  # as on plain http
    share = ui.lightbox(page).get_by_role("button", name="Share")
    share.click()
    page.wait_for_function("() => window.copied")
    assert page.evaluate("() => copied") == page.url

    entries = page.evaluate("() => history.length")
    page.go_back()
    expect_focus_in_gallery(page, "52.png")
    expect(page).to_have_url(f"{gallery.url}/")
    page.go_forward()
    expect(ui.lightbox(page)).to_contain_text("52.png")
    expect(page).to_have_url(f"{gallery.url}/photo/{ids[248]}")
    ui.wait_for_animations(page)
    for number in range(53, 58):
        page.keyboard.press("ArrowLeft")
        expect(ui.lightbox(page)).to_contain_text(f"{number}.png")
    ui.wait_for_animations(page)
    page.keyboard.press("Escape")
    expect_focus_in_gallery(page, "57.png")
    expect(page).to_have_url(f"{gallery.url}/")
    assert page.evaluate("() => history.length") == entries


def test_any_of_very_many_photos_is_reached_at_once(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 1_200)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(gallery.url)
    newest = ui.tile(page, "1200.png")
    newest.focus()
    # Until the place of every photo is known.
    wait_until(lambda: newest.evaluate("link => link.parentElement.ariaSetSize") == "1200")

    def expect_few_tiles_with_their_pictures() -> None:
        page.wait_for_function(
            """() => [...document.querySelectorAll("main li")].every((tile) => {
                const { top, bottom } = tile.getBoundingClientRect();
                const isInView = bottom > 80 && top < innerHeight;
                return !isInView || tile.querySelector("img").naturalWidth > 0;
            })"""
        )
        assert ui.tiles(page).count() < 200

    for key, name in (("End", "1.png"), ("Home", "1200.png")):
        page.keyboard.press(key)
        expect_focus_in_gallery(page, name)
        expect_few_tiles_with_their_pictures()

    slider = page.get_by_role("slider", name="Place in the gallery")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    expect(slider).to_have_attribute("aria-valuenow", "20")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d{4}"))
    expect_few_tiles_with_their_pictures()
    page.keyboard.press("End")
    expect(ui.tile(page, "1.png")).to_be_in_viewport()

    handle = slider.bounding_box()
    across = handle["x"] + handle["width"] / 2
    page.mouse.move(across, handle["y"] + handle["height"] - 30)
    page.mouse.down()
    page.mouse.move(across, handle["y"] + handle["height"] / 2, steps=5)
    expect(slider.get_by_text(slider.get_attribute("aria-valuetext"))).to_be_in_viewport()
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", re.compile(r"^(49|50|51)$"))
    expect_few_tiles_with_their_pictures()

    page.mouse.move(100, 400)
    page.mouse.wheel(0, 1_000_000)
    expect(ui.tile(page, "1.png")).to_be_in_viewport()
    expect_few_tiles_with_their_pictures()


def test_the_gallery_works_by_keyboard(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(*range(10, 30)))
    ui.open_watching(page, gallery)
    ui.send_as(page, *names(1, 2))
    expect(ui.tiles(page)).to_have_count(22)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()
    menu = page.get_by_role("navigation", name="Gallery")
    ui.press_enter_on(page, page.get_by_role("button", name="Menu"))
    expect(menu).to_be_visible()
    ui.press_until_focused(page, menu.get_by_role("link", name="Download my photos"))
    ui.press_enter_on(page, menu.get_by_role("button", name="Your name"))
    expect(menu).to_be_hidden()
    page.keyboard.type("Ann")
    ui.press_enter_on(page, page.get_by_role("button", name="Save"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Menu")).to_be_focused()

    search = page.get_by_role("button", name="Search")
    ui.press_enter_on(page, search, "Shift+Tab")
    expect(ui.search_box(page)).to_be_focused()
    page.keyboard.type("ann")
    ui.expect_shown(page, *names(2, 1))
    page.keyboard.press("Escape")
    expect(search).to_be_focused()
    ui.press_enter_on(page, ui.chip(page, "“ann”"))
    expect(ui.tiles(page)).to_have_count(22)
    expect(search).to_be_focused()
    page.keyboard.press("Enter")
    ui.press_until_focused(page, ui.order(page))
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(ui.order(page).locator("option:checked")).to_have_text("Date taken, newest first")
    expect(ui.tiles(page).first.and_(ui.tile(page, "29.jpg"))).to_have_count(1)
    page.keyboard.press("Escape")

    ui.press_until_focused(page, ui.tiles(page).first)
    page.keyboard.press("End")
    expect(ui.tile(page, "1.jpg")).to_be_focused()
    page.keyboard.press("Enter")
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    with page.expect_download() as download:
        ui.press_enter_on(page, ui.lightbox(page).get_by_role("link", name="Download"))
    assert download.value.suggested_filename == "1.jpg"
    assert download.value.path().read_bytes() == ui.small_photo(1)
    for name in ("by Ann", "Share", "Remove"):
        ui.press_until_focused(page, ui.lightbox(page).get_by_role("button", name=name))
    page.keyboard.press("Enter")
    expect(ui.lightbox(page)).to_contain_text("2.jpg")  # the next, as there is none behind it
    ui.press_until_focused(page, page.get_by_role("button", name="Undo"))
    assert len(gallery.photos()) == 21
