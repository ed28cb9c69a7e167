"""Moderation: hosts approve, hide and remove photos in the grid, and guests see it happen."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.visitors import make_accounts
from tests.support.waiting import wait_until

APPROVAL = "Your photos appear once the host approves them."
GONE = "This photo was removed."

needs_approval = pytest.mark.parametrize("gallery_settings", [{"mode": "approval"}])


@pytest.fixture
def expected_errors() -> list[str]:
    """A picture may be asked for just as it is hidden."""
    return [ui.REFUSED]


@pytest.fixture
def host(page: Page, gallery: Gallery) -> Page:
    make_accounts(gallery, "Hanna", is_host=True)
    ui.sign_in_by_request(page, gallery, "Hanna")
    ui.open_watching(page, gallery)
    return page


def waiting(page: Page) -> Locator:
    return page.get_by_role("button", name="waiting")


def bar_button(page: Page, name: str) -> Locator:
    """A button of the bar that acts on all photos that are shown."""
    bar = page.get_by_role("group", name="All of these photos")
    return bar.get_by_role("button", name=name)


def filter_by_sender_of(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    ui.wait_for_animations(page)
    ui.lightbox(page).get_by_role("button", name="by ").click()
    expect(ui.lightbox(page)).to_have_count(0)
    expect(bar_button(page, "Hide all")).to_be_visible()


@needs_approval
def test_a_host_approves_photos(host: Page, another: Page, gallery: Gallery, guest: Guest) -> None:
    lightbox = ui.lightbox(host)
    ui.open_watching(another, gallery)
    expect(ui.visibility_switch(another)).to_contain_text(APPROVAL)
    ui.add_photos(another, ("1.jpg", ui.small_photo(1)), ("2.jpg", ui.small_photo(2)))
    own = another.get_by_role("link", name="1.jpg Waiting")
    expect(own).to_be_visible()
    rule = another.locator("main").get_by_text(APPROVAL)
    expect(rule).to_be_visible()
    ui.choose_visibility(another, "Only me")
    expect(rule).to_be_hidden()
    expect(host.locator("main").get_by_text(APPROVAL)).to_be_hidden()
    ui.send(guest, "3.jpg")
    expect(waiting(host)).to_have_text("3 waiting")
    expect(ui.tiles(another)).to_have_count(2)

    another.route(ui.ASKING, lambda route: route.abort())  # the stream alone tells what follows
    ui.press_enter_on(host, waiting(host))
    expect(ui.people(host)).to_have_value("pending")
    host.get_by_role("link", name="3.jpg Waiting").press("Enter")
    ui.wait_for_animations(host)
    expect(lightbox).to_contain_text("Waiting for approval.")
    expect(lightbox.get_by_role("button", name="Share")).to_be_hidden()
    ui.press_enter_on(host, lightbox.get_by_role("button", name="Approve 3.jpg"))
    expect(ui.tile(another, "3.jpg")).to_be_visible()
    expect(host.get_by_text("can be seen by everyone now.")).to_be_visible()
    # The next photo that waits is shown at once.
    expect(lightbox.get_by_role("button", name=re.compile(r"Approve [12]"))).to_be_focused()
    ui.close_lightbox(host)

    waiting(host).focus()
    ui.press_enter_on(host, bar_button(host, "Approve all"))
    expect(own).to_have_count(0)
    wait_until(lambda: sorted(ui.shown(another)) == ["1.jpg", "2.jpg", "3.jpg"])
    expect(waiting(host)).to_be_hidden()
    expect(host.get_by_text("Nothing is waiting.")).to_be_visible()


@needs_approval
def test_a_photo_approved_elsewhere_stays_open(host: Page, gallery: Gallery, guest: Guest) -> None:
    lightbox = ui.lightbox(host)
    answers: list[Route] = []

    def is_withdrawal(request: Request) -> bool:
        """Pictures are otherwise asked for by their elements."""
        return request.resource_type == "fetch" and f"/thumbnails/{photo_id}/" in request.url

    host.route(re.compile("only=pending"), lambda route: answers.append(route))
    ui.send(guest, "1.jpg", "2.jpg")
    expect(ui.tiles(host)).to_have_count(2)
    with host.expect_request(re.compile("only=pending")):
        waiting(host).click()
    ui.enlarge(host, "1.jpg", "Waiting")
    expect(lightbox.get_by_role("button", name="Approve 1.jpg")).to_be_visible()
    answers[0].continue_()  # the grid is filtered only when the photo is open
    expect(host.get_by_role("link", name="Download these photos")).to_be_attached()

    [photo_id] = [photo["id"] for photo in ui.own_photos(host) if photo["name"] == "1.jpg"]
    approval = f"{gallery.url}/api/photos?ids={photo_id}"
    assert host.request.patch(approval, data={"standing": "shown"}).status == 204
    expect(ui.tiles(host)).to_have_count(1)
    expect(lightbox.get_by_role("button", name="Hide 1.jpg")).to_be_visible()
    expect(lightbox).not_to_contain_text(GONE)
    expect(lightbox).not_to_contain_text("Waiting for approval.")
    # Its pictures are withdrawn from the browser's cache, too.
    with host.expect_event("requestfinished", is_withdrawal):
        assert host.request.delete(f"{gallery.url}/api/photos/{photo_id}").status == 204
    expect(lightbox).to_contain_text(GONE)
    host.keyboard.press("ArrowLeft")
    expect(lightbox.get_by_role("button", name="Approve 2.jpg")).to_be_visible()


def test_a_photo_that_a_host_hides_or_removes_vanishes_and_comes_back(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    seen = ui.lightbox(another)
    ui.open_watching(another, gallery)
    ui.add_photos(another, ("1.jpg", ui.small_photo(1)))
    ui.send(guest, "2.jpg")
    ui.enlarge(another, "2.jpg")
    for name in ("2.jpg", "1.jpg"):
        ui.enlarge(host, name)
        ui.change_in_lightbox(host, "Hide", name)
        expect(ui.lightbox(host)).to_contain_text("Hidden from the guests.")
        expect(ui.lightbox(host).get_by_role("button", name=f"Show {name}")).to_be_focused()
        ui.close_lightbox(host)
    expect(seen).to_contain_text(GONE)
    ui.close_lightbox(another)
    ui.enlarge(another, "1.jpg", "Hidden")
    expect(seen).to_contain_text("The host has hidden this photo; you still see it.")
    ui.enlarge(host, "2.jpg", "Hidden")
    ui.change_in_lightbox(host, "Show", "2.jpg")
    expect(ui.tile(another, "2.jpg")).to_have_count(1)
    ui.close_lightbox(host)

    ui.tile(host, "2.jpg").press("Delete")
    expect(ui.tile(another, "2.jpg")).to_have_count(0)
    host.get_by_role("button", name="Undo").click()
    expect(ui.tile(another, "2.jpg")).to_have_count(1)


def test_a_host_hides_and_removes_all_photos_of_a_person_at_once(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.open_watching(another, gallery)
    guest.take_name("Ann")
    ui.send(guest, "1.jpg", "2.jpg")
    ui.add_photos(another, ("3.jpg", ui.small_photo(3)))
    expect(ui.tiles(host)).to_have_count(3)
    filter_by_sender_of(host, "1.jpg")
    bar_button(host, "Hide all").click()
    expect(host.get_by_text("The photos by Ann are hidden.")).to_be_visible()
    ui.expect_shown(another, "3.jpg")

    remove = bar_button(host, "Remove all")
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    remove.click()
    expect(sure).to_contain_text("Any that only Ann sees go too, and cannot be brought back.")
    expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
    host.keyboard.press("Escape")
    expect(remove).to_be_focused()
    expect(ui.tiles(host)).to_have_count(2)
    remove.click()
    sure.get_by_role("button", name="Remove all").click()
    expect(host.get_by_text("2 photos removed.")).to_be_visible()
    expect(ui.tiles(host)).to_have_count(0)
    host.get_by_role("button", name="Undo").click()
    expect(ui.tiles(host)).to_have_count(2)

    ui.people(host).select_option("Everybody")
    filter_by_sender_of(host, "3.jpg")  # whose sender has no name
    expect(ui.people(host).get_by_role("option", name="This person")).to_be_attached()
    remove.click()
    expect(host.get_by_role("dialog", name="Remove all photos by this guest?")).to_be_visible()


def test_a_host_acts_on_all_photos_of_a_person_only_while_all_are_shown(
    host: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.UNREACHABLE)
    with closing(Guest(gallery.url)) as bob:
        bob.take_name("Bob")
        ui.send(bob, "3.jpg")
    guest.take_name("Ann")
    ui.send(guest, "1.jpg", "2.jpg")
    filter_by_sender_of(host, "1.jpg")

    def expect_bar(is_there: bool) -> None:
        for name in ("Hide all", "Remove all"):
            expect(bar_button(host, name)).to_be_visible(visible=is_there)

    ui.search_box(host).fill("1")
    expect(ui.tiles(host)).to_have_count(1)
    expect_bar(is_there=False)
    ui.search_box(host).fill("")
    expect_bar(is_there=True)

    def answer_with_one_photo(route: Route) -> None:
        """As if there were too many photos for one answer."""
        answer = route.fetch().json()
        first = answer["photos"][0]
        route.fulfill(json=answer | {"photos": [first], "next": first["version"]})

    host.route("**/api/photos?*by=*", answer_with_one_photo)
    host.route("**/api/outline?*", lambda route: route.abort())
    ui.search_box(host).fill("jpg")
    ui.search_box(host).fill("")
    expect(ui.tiles(host)).to_have_count(1)
    expect_bar(is_there=False)
    host.unroute_all()
    host.get_by_role("button", name="Show more").click()
    expect_bar(is_there=True)

    # Until others are shown, the bar is about those that are.
    host.route("**/api/photos?*limit=100*", lambda route: route.abort())
    ui.people(host).select_option("Bob (1)")
    bar_button(host, "Remove all").click()
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    expect(sure).to_contain_text("2 photos will go.")


@pytest.mark.parametrize("gallery_settings", [{"mode": "own"}])
def test_the_page_says_that_guests_see_only_their_own_photos(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    expect(ui.visibility_switch(page)).to_contain_text("Only you and the host can see your photos.")
    expect(ui.visibility_switch(page).get_by_role("radio", name="The host")).to_be_checked()
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(page.get_by_text("Shall the host see whose photos these are?")).to_be_visible()
    page.get_by_role("button", name="Add your name").click()
    dialog = page.get_by_role("dialog", name="Your name")
    expect(dialog).to_contain_text("The host sees it with your photos.")
    page.keyboard.press("Escape")
    ui.enlarge(page, "1.jpg")
    expect(ui.lightbox(page).get_by_role("button", name="Share")).to_be_hidden()
    ui.change_in_lightbox(page, "Make private", "1.jpg")
    ui.change_in_lightbox(page, "Show the host", "1.jpg")
    expect(page.get_by_text("can be seen by the host now.")).to_be_visible()
    assert gallery.photos() == []


@ui.in_all_corners
@needs_approval
def test_what_a_host_sees_is_accessible(
    host: Page, another: Page, gallery: Gallery, guest: Guest, corners: ui.Corners
) -> None:
    guest.take_name("Ann")
    guest.send("2.jpg", photo_bytes("jpg", size=(900, 600)))
    another.goto(gallery.url)
    ui.send_privately(another, "1.jpg")
    waiting(host).click()
    expect(bar_button(host, "Approve all")).to_be_visible()
    expect(ui.tiles(host)).to_have_count(1)  # not the private photo
    ui.expect_accessible(host, corners)
    ui.enlarge(host, "2.jpg", "Waiting")
    ui.expect_accessible(host, corners)
    ui.close_lightbox(host)
    filter_by_sender_of(host, "2.jpg")
    bar_button(host, "Remove all").click()
    ui.expect_accessible(host, corners)
    host.keyboard.press("Escape")

    menu = host.get_by_role("navigation", name="Gallery")
    host.get_by_role("button", name="Menu").click()
    overview = menu.get_by_role("list", name="Overview")
    for line in ("2 photos · ", "of 1 TB", "1 waiting · 0 hidden", "1 private · "):
        expect(overview).to_contain_text(line)
    expect(menu.get_by_role("link", name="Hanna")).to_have_attribute("href", "/account")
    expect(menu.get_by_role("link", name="Sign in")).to_be_hidden()
    ui.expect_accessible(host, corners)
    with host.expect_navigation():
        menu.get_by_role("button", name="Sign out").click()
    host.get_by_role("button", name="Menu").click()
    expect(menu.get_by_role("link", name="Sign in")).to_be_visible()
    expect(menu.get_by_role("link", name="Sign in")).to_have_attribute("href", "/sign-in")
    expect(overview).to_be_hidden()
    expect(waiting(host)).to_be_hidden()
