"""Moderation: hosts approve, hide and remove photos in the grid, and guests see it happen."""

import re
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.page import (
    ASKING,
    REFUSED,
    UNREACHABLE,
    Corners,
    add_photos,
    change_in_lightbox,
    choose_visibility,
    close_lightbox,
    enlarge,
    expect_accessible,
    expect_shown,
    in_all_corners,
    lightbox,
    open_gallery,
    open_watching,
    own_photos,
    people,
    press_enter_on,
    search_box,
    send,
    shown,
    sign_in_by_request,
    small_photo,
    tile,
    tiles,
    visibility_switch,
    wait_for_animations,
)
from tests.support.photos import photo_bytes
from tests.support.visitors import make_accounts
from tests.support.waiting import wait_until

APPROVAL = "Photos appear for everyone once the host has approved them."
GONE = "This photo was removed."

needs_approval = pytest.mark.parametrize("mode", ["approval"])


@pytest.fixture
def mode() -> str:
    return "everyone"


@pytest.fixture
def gallery_settings(mode: str) -> dict[str, object]:
    return {"mode": mode}


@pytest.fixture
def expected_errors() -> list[str]:
    """A picture may be asked for just as it is hidden."""
    return [REFUSED]


@pytest.fixture
def host(page: Page, gallery: Gallery) -> Page:
    make_accounts(gallery, "Hanna", is_host=True)
    sign_in_by_request(page, gallery, "Hanna")
    open_watching(page, gallery)
    return page


def waiting(page: Page) -> Locator:
    return page.get_by_role("button", name="waiting")


def bar_button(page: Page, name: str) -> Locator:
    """Of the bar that acts on all photos that are shown."""
    bar = page.get_by_role("group", name="All of these photos")
    return bar.get_by_role("button", name=name)


def filter_by_person(page: Page, name: str) -> None:
    """By whoever has sent this photo."""
    page.get_by_role("link", name=name).click()
    wait_for_animations(page)
    lightbox(page).get_by_role("button", name="by ").click()
    expect(lightbox(page)).to_have_count(0)
    expect(bar_button(page, "Hide all")).to_be_visible()


@needs_approval
def test_a_host_approves_photos_one_by_one_and_all_at_once_by_keyboard(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    open_watching(another, gallery)
    expect(visibility_switch(another)).to_contain_text(APPROVAL)
    add_photos(another, ("1.jpg", small_photo(1)), ("2.jpg", small_photo(2)))
    own = another.get_by_role("link", name="1.jpg Waiting")
    expect(own).to_be_visible()
    rule = another.locator("main").get_by_text(APPROVAL)
    expect(rule).to_be_visible()
    choose_visibility(another, "Only me")
    expect(rule).to_be_hidden()
    expect(host.locator("main").get_by_text(APPROVAL)).to_be_hidden()
    send(guest, "3.jpg")
    expect(waiting(host)).to_have_text("3 waiting")
    expect(tiles(another)).to_have_count(2)

    another.route(ASKING, lambda route: route.abort())  # the stream alone tells what follows
    press_enter_on(host, waiting(host))
    expect(people(host)).to_have_value("pending")
    host.get_by_role("link", name="3.jpg Waiting").press("Enter")
    wait_for_animations(host)
    expect(lightbox(host)).to_contain_text("Waiting for approval.")
    expect(lightbox(host).get_by_role("button", name="Share")).to_be_hidden()
    press_enter_on(host, lightbox(host).get_by_role("button", name="Approve 3.jpg"))
    expect(tile(another, "3.jpg")).to_be_visible()
    expect(host.get_by_text("can be seen by everyone now.")).to_be_visible()
    # The next photo that waits is shown at once.
    expect(lightbox(host).get_by_role("button", name=re.compile(r"Approve [12]"))).to_be_focused()
    close_lightbox(host)

    waiting(host).focus()
    press_enter_on(host, bar_button(host, "Approve all"))
    expect(own).to_have_count(0)
    wait_until(lambda: sorted(shown(another)) == ["1.jpg", "2.jpg", "3.jpg"])
    expect(waiting(host)).to_be_hidden()
    expect(host.get_by_text("Nothing is waiting.")).to_be_visible()


@needs_approval
def test_a_photo_that_another_host_approves_stays_open(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    def is_withdrawal(request: Request) -> bool:
        """Pictures are otherwise asked for by their elements."""
        return request.resource_type == "fetch" and "/thumbnails/" in request.url

    withdrawn: list[str] = []
    host.on("request", lambda request: is_withdrawal(request) and withdrawn.append(request.url))
    answers: list[Route] = []
    host.route(re.compile("only=pending"), lambda route: answers.append(route))
    send(guest, "1.jpg", "2.jpg")
    with host.expect_request(re.compile("only=pending")):
        waiting(host).click()
    enlarge(host, "1.jpg", "Waiting")
    expect(lightbox(host).get_by_role("button", name="Approve 1.jpg")).to_be_visible()
    answers[0].continue_()  # the grid is filtered only when the photo is open
    expect(host.get_by_role("link", name="Download these photos")).to_be_attached()

    [photo_id] = [photo["id"] for photo in own_photos(host) if photo["name"] == "1.jpg"]
    approval = f"{gallery.url}/api/photos?ids={photo_id}"
    assert host.request.patch(approval, data={"standing": "shown"}).status == 204
    expect(tiles(host)).to_have_count(1)
    expect(lightbox(host).get_by_role("button", name="Hide 1.jpg")).to_be_visible()
    expect(lightbox(host)).not_to_contain_text(GONE)
    expect(lightbox(host)).not_to_contain_text("Waiting for approval.")
    assert withdrawn == []
    with host.expect_event("requestfinished", lambda it: is_withdrawal(it) and photo_id in it.url):
        assert host.request.delete(f"{gallery.url}/api/photos/{photo_id}").status == 204
    expect(lightbox(host)).to_contain_text(GONE)
    host.keyboard.press("ArrowLeft")
    expect(lightbox(host).get_by_role("button", name="Approve 2.jpg")).to_be_visible()


def test_a_photo_that_a_host_hides_or_removes_vanishes_and_comes_back(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    open_watching(another, gallery)
    add_photos(another, ("1.jpg", small_photo(1)))
    send(guest, "2.jpg")
    enlarge(another, "2.jpg")
    for name in ("2.jpg", "1.jpg"):
        enlarge(host, name)
        change_in_lightbox(host, "Hide", name)
        expect(lightbox(host)).to_contain_text("Hidden from the guests.")
        expect(lightbox(host).get_by_role("button", name=f"Show {name}")).to_be_focused()
        close_lightbox(host)
    expect(lightbox(another)).to_contain_text(GONE)
    close_lightbox(another)
    enlarge(another, "1.jpg", "Hidden")
    expect(lightbox(another)).to_contain_text("The host has hidden this photo; you still see it.")
    enlarge(host, "2.jpg", "Hidden")
    change_in_lightbox(host, "Show", "2.jpg")
    expect(tile(another, "2.jpg")).to_have_count(1)
    close_lightbox(host)

    tile(host, "2.jpg").press("Delete")
    expect(tile(another, "2.jpg")).to_have_count(0)
    host.get_by_role("button", name="Undo").click()
    expect(tile(another, "2.jpg")).to_have_count(1)


def test_a_host_hides_and_removes_all_photos_of_a_person_at_once(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    open_watching(another, gallery)
    guest.take_name("Ann")
    send(guest, "1.jpg", "2.jpg")
    add_photos(another, ("3.jpg", small_photo(3)))
    expect(tiles(host)).to_have_count(3)
    filter_by_person(host, "1.jpg")
    bar_button(host, "Hide all").click()
    expect(host.get_by_text("The photos by Ann are hidden.")).to_be_visible()
    expect_shown(another, "3.jpg")

    remove = bar_button(host, "Remove all")
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    remove.click()
    expect(sure).to_contain_text("Any that only Ann sees go too, and cannot be brought back.")
    expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
    host.keyboard.press("Escape")
    expect(remove).to_be_focused()
    expect(tiles(host)).to_have_count(2)
    remove.click()
    sure.get_by_role("button", name="Remove all").click()
    expect(host.get_by_text("2 photos removed.")).to_be_visible()
    expect(tiles(host)).to_have_count(0)
    host.get_by_role("button", name="Undo").click()
    expect(tiles(host)).to_have_count(2)

    people(host).select_option("Everybody")
    filter_by_person(host, "3.jpg")  # whose sender has no name
    expect(people(host).get_by_role("option", name="This person")).to_be_attached()
    remove.click()
    expect(host.get_by_role("dialog", name="Remove all photos by this guest?")).to_be_visible()


def test_a_host_acts_on_all_of_a_person_only_while_all_are_shown(
    host: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(UNREACHABLE)
    with closing(Guest(gallery.url)) as bob:
        bob.take_name("Bob")
        send(bob, "3.jpg")
    guest.take_name("Ann")
    send(guest, "1.jpg", "2.jpg")
    filter_by_person(host, "1.jpg")

    def expect_bar(is_there: bool) -> None:
        for name in ("Hide all", "Remove all"):
            expect(bar_button(host, name)).to_be_visible(visible=is_there)

    search_box(host).fill("1")
    expect(tiles(host)).to_have_count(1)
    expect_bar(is_there=False)
    search_box(host).fill("")
    expect_bar(is_there=True)

    def answer_with_one_photo(route: Route) -> None:
        """As if there were too many photos for one answer."""
        answer = route.fetch().json()
        first = answer["photos"][0]
        route.fulfill(json=answer | {"photos": [first], "next": first["version"]})

    host.route("**/api/photos?*by=*", answer_with_one_photo)
    host.route("**/api/outline?*", lambda route: route.abort())
    search_box(host).fill("jpg")
    search_box(host).fill("")
    expect(tiles(host)).to_have_count(1)
    expect_bar(is_there=False)
    host.unroute_all()
    host.get_by_role("button", name="Show more").click()
    expect_bar(is_there=True)

    # Until others are shown, the bar is about those that are.
    host.route("**/api/photos?*limit=100*", lambda route: route.abort())
    people(host).select_option("Bob (1)")
    bar_button(host, "Remove all").click()
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    expect(sure).to_contain_text("2 photos will go.")


@pytest.mark.parametrize("mode", ["own"])
def test_the_words_say_that_guests_see_only_their_own(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    expect(visibility_switch(page)).to_contain_text("Only you and the host see what you add.")
    expect(visibility_switch(page).get_by_role("radio", name="The host")).to_be_checked()
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(page.get_by_text("Shall the host see whose photos these are?")).to_be_visible()
    page.get_by_role("button", name="Add your name").click()
    dialog = page.get_by_role("dialog", name="Your name")
    expect(dialog).to_contain_text("The host sees it with your photos.")
    page.keyboard.press("Escape")
    enlarge(page, "1.jpg")
    expect(lightbox(page).get_by_role("button", name="Share")).to_be_hidden()
    change_in_lightbox(page, "Make private", "1.jpg")
    change_in_lightbox(page, "Show the host", "1.jpg")
    expect(page.get_by_text("can be seen by the host now.")).to_be_visible()
    assert gallery.photos() == []


@in_all_corners
@needs_approval
def test_axe_finds_nothing_in_what_a_host_sees(
    host: Page, gallery: Gallery, guest: Guest, corners: Corners
) -> None:
    guest.take_name("Ann")
    guest.send("2.jpg", photo_bytes("jpg", size=(900, 600)))
    with requests.Session() as owner:
        owner.get(gallery.url)
        private = {"files": {"file": ("1.jpg", small_photo(1))}, "data": {"visibility": "owner"}}
        assert owner.post(gallery.url, **private).status_code == 204
    waiting(host).click()
    expect(bar_button(host, "Approve all")).to_be_visible()
    expect(tiles(host)).to_have_count(1)  # not the private photo
    expect_accessible(host, corners)
    enlarge(host, "2.jpg", "Waiting")
    expect_accessible(host, corners)
    close_lightbox(host)
    filter_by_person(host, "2.jpg")
    bar_button(host, "Remove all").click()
    expect_accessible(host, corners)
    host.keyboard.press("Escape")

    menu = host.get_by_role("navigation", name="Gallery")
    host.get_by_role("button", name="Menu").click()
    overview = menu.get_by_role("list", name="Overview")
    for line in ("2 photos · ", "of 1 TB", "1 waiting · 0 hidden", "1 private · "):
        expect(overview).to_contain_text(line)
    expect(menu.get_by_role("link", name="Hanna")).to_have_attribute("href", "/account")
    expect(menu.get_by_role("link", name="Sign in")).to_be_hidden()
    expect_accessible(host, corners)
    with host.expect_navigation():
        menu.get_by_role("button", name="Sign out").click()
    host.get_by_role("button", name="Menu").click()
    expect(menu.get_by_role("link", name="Sign in")).to_be_visible()
    expect(overview).to_be_hidden()
    expect(waiting(host)).to_be_hidden()
