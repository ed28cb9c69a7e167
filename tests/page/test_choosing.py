"""Several photos are chosen, and something is done with all of them at once."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zipfile import ZipFile

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.support import page as ui
from tests.support.browser import opened_page
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.visitors import make_accounts

SHARE = """window.shared = [];
    navigator.canShare = ({ files }) => files.length > 0;
    navigator.share = async ({ files }) => void shared.push(files.map(({ name }) => name));"""


@pytest.fixture
def expected_errors() -> list[str]:
    """A picture may be asked for just as it is removed; some tests cut the network off."""
    return [ui.REFUSED, ui.NO_CONNECTION]


@pytest.fixture
def phone(
    new_context: Callable[..., BrowserContext], gallery: Gallery, expected_errors: list[str]
) -> Iterator[Page]:
    size = {"width": 390, "height": 844}
    context = new_context(viewport=size, has_touch=True, is_mobile=True)
    with opened_page(context, expected_errors) as page:
        yield page


@pytest.fixture
def host(page: Page, gallery: Gallery) -> Page:
    make_accounts(gallery, "Hanna", is_host=True)
    ui.sign_in_by_request(page, gallery, "Hanna")
    return page


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Selected photos")


def action(page: Page, name: str) -> Locator:
    return bar(page).get_by_role("button", name=name, exact=True)


def tick(page: Page, name: str) -> Locator:
    tile = page.get_by_role("listitem").filter(has=ui.by_file(page, name))
    return tile.get_by_role("checkbox")


def choose(page: Page, *names: str) -> None:
    for name in names:
        ui.tile(page, name).hover()
        tick(page, name).click()
    expect(bar(page)).to_contain_text(f"{len(names)} selected")


def downloaded(page: Page) -> list[str]:
    with page.expect_download() as begun:
        bar(page).get_by_role("link", name="Download").click()
    with ZipFile(begun.value.path()) as photos:
        return sorted(name.rpartition(" ")[2] for name in photos.namelist())


@contextmanager
def pressed(page: Page, target: Locator) -> Iterator[Callable[[int], None]]:
    """A finger on the middle of this, which can be moved upwards by some pixels."""
    box = target.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = page.context.new_cdp_session(page)

    def touch(event: str, *points: dict[str, float]) -> None:
        devtools.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    yield lambda pixels: touch("touchMove", {"x": x, "y": y - pixels})
    touch("touchEnd")


def test_a_long_press_begins_to_choose_and_taps_go_on(
    phone: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    ui.open_gallery(phone, gallery)
    expect(tick(phone, "1.jpg")).to_be_hidden()
    with pressed(phone, ui.tile(phone, "2.jpg")):
        expect(bar(phone)).to_contain_text("1 selected")
    expect(tick(phone, "2.jpg")).to_be_checked()
    expect(ui.lightbox(phone)).to_have_count(0)
    ui.tile(phone, "4.jpg").tap()
    ui.tile(phone, "1.jpg").tap()
    ui.tile(phone, "4.jpg").tap()
    expect(bar(phone)).to_contain_text("2 selected")
    assert downloaded(phone) == ["1.jpg", "2.jpg"]
    phone.get_by_role("button", name="Stop selecting").tap()
    expect(bar(phone)).to_be_hidden()
    ui.tile(phone, "1.jpg").tap()
    expect(ui.lightbox(phone)).to_contain_text("1.jpg")


def test_going_back_ends_choosing_before_it_leaves_the_page(
    phone: Page, gallery: Gallery, guest: Guest
) -> None:
    add_many(gallery, 60)
    phone.goto("about:blank")
    ui.open_gallery(phone, gallery)
    with pressed(phone, ui.tile(phone, "59.png")):
        expect(bar(phone)).to_contain_text("1 selected")
    phone.evaluate("() => scrollTo(0, 600)")
    phone.go_back()
    expect(bar(phone)).to_be_hidden()
    assert phone.url == f"{gallery.url}/"
    assert phone.evaluate("() => scrollY") == 600
    # What is left in another way is not gone back to either.
    phone.get_by_role("button", name="Menu").click()
    phone.get_by_role("button", name="Select photos").click()
    phone.get_by_role("button", name="Stop selecting").tap()
    expect(bar(phone)).to_be_hidden()
    phone.wait_for_function("() => !history.state?.isChoosing")
    phone.go_forward()
    phone.wait_for_function("() => !history.state?.isChoosing")
    expect(bar(phone)).to_be_hidden()
    phone.go_back()
    expect(phone).to_have_url("about:blank")


def test_what_is_focused_is_not_below_the_bar(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 60)
    page.set_viewport_size({"width": 390, "height": 700})
    ui.open_gallery(page, gallery)
    ui.tiles(page).first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")

    def expect_in_sight() -> None:
        """The whole tile lies above the bar."""
        focused, covered = page.locator("a:focus").bounding_box(), bar(page).bounding_box()
        assert focused
        assert covered
        assert focused["y"] + focused["height"] <= covered["y"]

    page.keyboard.press("x")
    expect_in_sight()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        expect_in_sight()


def test_a_finger_that_scrolls_chooses_nothing(phone: Page, gallery: Gallery) -> None:
    add_many(gallery, 60)
    ui.open_gallery(phone, gallery)
    with pressed(phone, ui.tile(phone, "50.png")) as move:
        for pixels in (20, 60, 120):
            move(pixels)
        phone.wait_for_timeout(700)
    assert phone.evaluate("() => scrollY") > 0
    expect(bar(phone)).to_be_hidden()
    expect(ui.lightbox(phone)).to_have_count(0)


@pytest.mark.parametrize("size", [(320, 568), (844, 390)])
def test_the_bar_leaves_room_for_header_and_photos(
    phone: Page, gallery: Gallery, size: tuple[int, int]
) -> None:
    add_many(gallery, 40)
    phone.set_viewport_size({"width": size[0], "height": size[1]})
    ui.open_gallery(phone, gallery)
    phone.get_by_role("button", name="Menu").click()
    phone.get_by_role("button", name="Select photos").click()
    expect(bar(phone)).to_contain_text("Select photos")
    expect(bar(phone).get_by_role("link", name="Download")).to_be_disabled()
    covered = bar(phone).bounding_box()
    header = phone.get_by_role("banner").bounding_box()
    assert covered
    assert header
    assert header["y"] + 56 <= covered["y"]
    add = phone.get_by_role("button", name="Add photos")
    expect(add).to_be_visible(visible=size[0] > 768)  # the bar stands where it stood
    assert covered["height"] <= size[1] * 0.3
    slots = bar(phone).get_by_role("button").or_(bar(phone).get_by_role("link"))
    for box in map(Locator.bounding_box, slots.all()):
        assert box
        assert min(box["width"], box["height"]) >= 44
        assert 0 <= box["x"] <= size[0] - box["width"]
    phone.mouse.wheel(0, 100_000)
    ui.tile(phone, "1.png").tap()  # it is not below the bar
    expect(bar(phone)).to_contain_text("1 selected")
    phone.get_by_role("button", name="Stop selecting").tap()
    expect(add).to_be_visible()


def test_shift_click_chooses_all_between(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *(f"{number}.jpg" for number in range(1, 8)))
    ui.open_gallery(page, gallery)
    expect(tick(page, "6.jpg")).to_have_css("opacity", "0")
    choose(page, "6.jpg")
    ui.tile(page, "3.jpg").click(modifiers=["Shift"])
    expect(bar(page)).to_contain_text("4 selected")
    ui.tile(page, "4.jpg").click()
    assert downloaded(page) == ["3.jpg", "5.jpg", "6.jpg"]
    page.keyboard.press("Escape")
    expect(bar(page)).to_be_hidden()
    assert len(page.context.pages) == 1


def test_more_photos_than_an_address_can_name_are_downloaded(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 130)
    ui.open_gallery(page, gallery)
    choose(page, "130.png")
    ui.tile(page, "130.png").focus()
    page.keyboard.press("End")
    ui.tile(page, "1.png").click(modifiers=["Shift"])
    expect(bar(page)).to_contain_text("130 selected")
    expect(bar(page).get_by_role("link", name="Download")).to_be_enabled()
    assert len(downloaded(page)) == 130


def test_photos_are_chosen_and_removed_by_keyboard_and_one_undo_brings_all_back(
    page: Page, gallery: Gallery
) -> None:
    ui.open_watching(page, gallery)
    ui.send_as(page, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    ui.expect_shown(page, "4.jpg", "3.jpg", "2.jpg", "1.jpg")
    ui.tile(page, "4.jpg").focus()
    said = page.locator("[data-said]").first
    page.keyboard.press("Space")
    expect(tick(page, "4.jpg")).to_be_checked()
    expect(tick(page, "4.jpg")).to_have_accessible_name(re.compile("^Select Photo, "))
    expect(said).to_have_text("1 selected")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("x")
    expect(said).to_have_text("2 selected")
    ui.press_enter_on(page, action(page, "Remove"))
    expect(page.get_by_text("2 photos removed.")).to_be_visible()
    expect(bar(page)).to_be_hidden()
    ui.expect_the_same_as(gallery, page)
    ui.expect_shown(page, "2.jpg", "1.jpg")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    ui.expect_shown(page, "4.jpg", "3.jpg", "2.jpg", "1.jpg")

    ui.tile(page, "1.jpg").focus()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    expect(bar(page)).to_be_hidden()
    page.keyboard.press("x")
    page.keyboard.press("Delete")
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    ui.expect_shown(page, "4.jpg", "3.jpg", "2.jpg")


def test_only_what_one_may_do_is_offered(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    ui.open_watching(page, gallery)
    ui.send_as(page, "2.jpg", "3.jpg")
    ui.expect_shown(page, "3.jpg", "2.jpg", "1.jpg")
    choose(page, "2.jpg", "3.jpg")
    for name in ("Approve", "Hide", "Share"):  # this browser has no share sheet
        expect(action(page, name)).to_be_hidden()
    for name in ("Make private", "Remove"):
        expect(action(page, name)).to_be_enabled()
    ui.tile(page, "1.jpg").click()
    for name in ("Make private", "Remove"):
        expect(action(page, name)).to_be_disabled()
    page.keyboard.press("Delete")
    expect(bar(page).get_by_role("link", name="Download")).to_be_enabled()
    expect(bar(page)).to_contain_text("3 selected")
    guest.remove("1.jpg")  # what is no longer there is not chosen either
    expect(bar(page)).to_contain_text("2 selected")
    assert len(gallery.photos()) == 2

    action(page, "Make private").click()
    expect(page.get_by_text("2 photos now private")).to_be_visible()
    assert gallery.photos() == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("2 photos shared with everyone")).to_be_visible()
    assert len(gallery.photos()) == 2


def test_what_failed_is_said_and_stays_chosen(page: Page, gallery: Gallery) -> None:
    ui.open_watching(page, gallery)
    ui.send_as(page, *(f"{number}.jpg" for number in range(1, 8)))
    expect(ui.tiles(page)).to_have_count(7)
    choose(page, *(f"{number}.jpg" for number in range(1, 7)))
    under_way: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "DELETE":
            under_way.append(route)
        else:
            route.fallback()

    page.route("**/api/photos/*", hold)
    action(page, "Remove").click()
    ui.wait_in_page(page, lambda: len(under_way) == 4)
    page.wait_for_timeout(200)
    assert len(under_way) == 4  # a few at a time
    action(page, "Remove").click()  # once more, which changes nothing
    under_way.pop().abort()
    for route in under_way:
        route.continue_()
    page.unroute("**/api/photos/*")
    sum_up = page.get_by_text("5 photos removed. Couldn't remove 1. Try again.")
    expect(sum_up).to_be_visible()
    expect(bar(page)).to_contain_text("1 selected")
    expect(ui.tiles(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(ui.tiles(page)).to_have_count(7)


def test_the_share_sheet_gets_the_files(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    page.add_init_script(SHARE)
    ui.open_gallery(page, gallery)
    choose(page, "1.jpg", "3.jpg")
    action(page, "Share").click()
    page.wait_for_function("() => shared.length === 1")
    assert page.evaluate("() => shared[0]") == ["1.jpg", "3.jpg"]

    # A phone opens its sheet for a few seconds after a tap: the next one finds the files ready.
    page.evaluate(
        """() => Object.defineProperty(navigator, "userActivation", {
            configurable: true, value: { isActive: false } })"""
    )
    ui.tile(page, "2.jpg").click()
    action(page, "Share").click()
    expect(page.get_by_text("Ready. Tap Share again.")).to_be_visible()
    page.evaluate("() => delete navigator.userActivation")
    page.route("**/uploads/**", lambda route: route.abort())
    action(page, "Share").click()
    page.wait_for_function("() => shared.length === 2")
    assert page.evaluate("() => shared[1]") == ["1.jpg", "3.jpg", "2.jpg"]
    ui.tile(page, "2.jpg").click()
    action(page, "Share").click()
    expect(page.get_by_text("Couldn't load them. Try again.")).to_be_visible()


@pytest.mark.parametrize("gallery_settings", [{"mode": "approval"}])
def test_a_host_approves_and_hides_several(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    ui.open_watching(host, gallery)
    ui.open_watching(another, gallery)
    for name in ("1.jpg", "2.jpg"):
        tick(host, name).click()
    action(host, "Approve").click()
    expect(host.get_by_text("2 photos approved.")).to_be_visible()
    ui.expect_shown(another, "2.jpg", "1.jpg")
    host.get_by_role("button", name="Undo").click()
    expect(ui.tile(host, "1.jpg Pending")).to_be_visible()
    ui.expect_shown(another)
    for name in ("1.jpg", "2.jpg"):
        tick(host, name).click()
    action(host, "Approve").click()
    ui.expect_shown(another, "2.jpg", "1.jpg")
    for name in ("1.jpg", "2.jpg"):
        tick(host, name).click()
    expect(action(host, "Approve")).to_be_disabled()
    action(host, "Hide").click()
    expect(host.get_by_text("2 photos hidden.")).to_be_visible()
    ui.expect_shown(another)
    host.get_by_role("button", name="Undo").click()
    ui.expect_shown(another, "2.jpg", "1.jpg")
    tick(host, "1.jpg").click()
    action(host, "Hide").click()
    ui.expect_shown(another, "2.jpg")
    tick(host, "1.jpg").click()
    action(host, "Show").click()  # the same word as on the enlarged photo
    ui.expect_shown(another, "2.jpg", "1.jpg")


@ui.in_all_corners
def test_choosing_is_accessible(
    host: Page, gallery: Gallery, guest: Guest, corners: ui.Corners
) -> None:
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    ui.open_gallery(host, gallery)
    choose(host, "1.jpg", "3.jpg")
    ui.expect_accessible(host, corners)
