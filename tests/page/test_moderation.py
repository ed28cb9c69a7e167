"""Moderation: hosts approve, hide and remove photos in the grid, and guests see it happen."""

import re
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.visitors import make_accounts
from tests.support.waiting import wait_until

TAP_ONCE_MOVED = """(selector) => new MutationObserver((_, observer) => {
    const moved = document.querySelector(`[data-standing=pending] ${selector}`);
    window.tapped = moved.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1 }));
    observer.disconnect();
}).observe(document.body, { attributeFilter: ["data-moved"], subtree: true })"""
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
    return page.get_by_role("button", name=re.compile("^[0-9,]+ pending$"))


def bar_button(page: Page, name: str) -> Locator:
    """A button of the bar that acts on all photos that are shown."""
    bar = page.get_by_role("group", name="All of these photos")
    return bar.get_by_role("button", name=name)


def filter_by_sender_of(page: Page, name: str) -> None:
    ui.tiles(page).and_(ui.by_file(page, name.partition(" ")[0])).click()
    ui.wait_for_animations(page)
    ui.lightbox(page).get_by_role("button", name="by ").click()
    expect(ui.lightbox(page)).to_have_count(0)
    expect(bar_button(page, "Hide all")).to_be_visible()


@needs_approval
def test_a_host_approves_photos(host: Page, another: Page, gallery: Gallery, guest: Guest) -> None:
    lightbox = ui.lightbox(host)
    ui.open_watching(another, gallery)
    expect(another.get_by_text(APPROVAL)).to_be_visible()
    expect(another.get_by_role("button", name="Add photos for approval")).to_be_visible()
    ui.add_photos(another, ("1.jpg", ui.small_photo(1)), ("2.jpg", ui.small_photo(2)))
    own = ui.tile(another, "1.jpg Pending")
    expect(own).to_be_visible()
    expect(host.get_by_role("button", name="Add photos for everyone")).to_be_visible()
    ui.send(guest, "3.jpg")
    expect(waiting(host)).to_have_text("3 pending")
    expect(ui.tiles(another)).to_have_count(2)

    another.route(ui.ASKING, lambda route: route.abort())  # the stream alone tells what follows
    ui.press_enter_on(host, waiting(host))
    expect(ui.people(host)).to_have_value("pending")
    ui.tile(host, "3.jpg Pending").press("Enter")
    ui.wait_for_animations(host)
    expect(lightbox).to_contain_text("Pending approval")
    expect(lightbox.get_by_role("button", name="Share")).to_be_disabled()
    ui.press_enter_on(host, lightbox.get_by_role("button", name="Approve"))
    expect(ui.tile(another, "3.jpg")).to_be_visible()
    expect(host.get_by_text("Photo approved.")).to_be_visible()
    # The next photo that waits is shown at once.
    expect(lightbox).not_to_contain_text("3.jpg")
    expect(lightbox.get_by_role("button", name="Approve")).to_be_focused()
    ui.close_lightbox(host)

    waiting(host).focus()
    ui.press_enter_on(host, bar_button(host, "Approve all"))
    expect(own).to_have_count(0)
    wait_until(lambda: sorted(ui.shown(another)) == ["1.jpg", "2.jpg", "3.jpg"])
    expect(waiting(host)).to_be_hidden()
    expect(host.get_by_text("All caught up ✓")).to_be_visible()


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
    ui.enlarge(host, "1.jpg", "Pending")
    expect(lightbox.get_by_role("button", name="Approve")).to_be_visible()
    answers[0].continue_()  # the grid is filtered only when the photo is open
    expect(host.get_by_role("link", name="Download these photos")).to_be_attached()

    [photo_id] = [photo["id"] for photo in ui.own_photos(host) if photo["name"] == "1.jpg"]
    approval = f"{gallery.url}/api/photos?ids={photo_id}"
    assert host.request.patch(approval, data={"standing": "shown"}).status == 204
    expect(ui.tiles(host)).to_have_count(1)
    expect(lightbox.get_by_role("button", name="Hide")).to_be_visible()
    expect(lightbox).not_to_contain_text(GONE)
    expect(lightbox).not_to_contain_text("Pending approval")
    # Its pictures are withdrawn from the browser's cache, too.
    with host.expect_event("requestfinished", is_withdrawal):
        assert host.request.delete(f"{gallery.url}/api/photos/{photo_id}").status == 204
    expect(lightbox).to_contain_text(GONE)
    host.keyboard.press("ArrowLeft")
    expect(lightbox).to_contain_text("2.jpg")
    expect(lightbox.get_by_role("button", name="Approve")).to_be_visible()


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
        expect(ui.lightbox(host)).to_contain_text("Hidden from guests")
        expect(ui.lightbox(host).get_by_role("button", name="Show")).to_be_focused()
        ui.close_lightbox(host)
    expect(seen).to_contain_text(GONE)
    ui.close_lightbox(another)
    ui.enlarge(another, "1.jpg", "Hidden")
    expect(seen).to_contain_text("Hidden by the host")
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
    expect(host.get_by_text("2 photos hidden.")).to_be_visible()
    expect(bar_button(host, "Hide all")).to_be_hidden()  # there is nothing left to hide
    ui.expect_shown(another, "3.jpg")

    remove = bar_button(host, "Remove all")
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    remove.click()
    expect(sure).to_contain_text("and Ann's private ones. Private photos can't be restored.")
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

    ui.people(host).select_option("Everyone's photos")
    ui.close_search(host)
    filter_by_sender_of(host, "3.jpg")  # whose sender has no name
    expect(ui.people(host).get_by_role("option", name="Anonymous guest")).to_be_attached()
    ui.close_search(host)
    remove.click()
    expect(host.get_by_role("dialog", name="Remove all photos by this guest?")).to_be_visible()


def judge(page: Page, name: str, action: str) -> Locator:
    """The tick or the cross on the tile of a photo."""
    tile = page.get_by_role("listitem").filter(has=ui.by_file(page, name))
    return tile.get_by_role("button", name=re.compile(f"^{action} photo"))


def show_waiting(page: Page, count: int) -> None:
    expect(waiting(page)).to_have_text(f"{count} pending")
    waiting(page).click()
    expect(page.get_by_role("link", name="Download these photos")).to_be_attached()
    expect(ui.tiles(page)).to_have_count(count)
    wait_until_still(page)


def wait_until_still(page: Page) -> None:
    """A tick that has just come to its place takes no tap."""
    page.wait_for_function(
        """() => [...document.querySelectorAll("[data-moved]")].every(
            ({ dataset }) => performance.now() - dataset.moved > 600)"""
    )


def standings(page: Page) -> dict[str, str]:
    return {photo["name"]: photo["standing"] for photo in ui.own_photos(page)}


@needs_approval
def test_a_host_approves_and_hides_on_the_tiles_and_one_undo_takes_it_back(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    guest.take_name("Ann")
    ui.send(guest, *(f"{number}.jpg" for number in range(1, 6)))
    ui.open_watching(another, gallery)
    show_waiting(host, 5)
    approve = judge(host, "5.jpg", "Approve")
    expect(approve).to_have_accessible_name(re.compile(r"^Approve photo by Ann, .*\d{4}, \d+:\d\d"))
    box = approve.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    places = {name: ui.tile(host, name).bounding_box() for name in ("4.jpg Pending",)}
    approve.click()
    expect(host.get_by_text("Photo approved.")).to_be_visible()
    ui.expect_shown(another, "5.jpg")
    expect(waiting(host)).to_have_text("4 pending")
    expect(approve).to_have_count(0)
    judge(host, "4.jpg", "Hide").click()
    judge(host, "2.jpg", "Approve").click()
    expect(host.get_by_text("2 photos approved, 1 hidden.")).to_be_visible()
    expect(ui.search(host).get_by_role("status")).to_have_text("2 photos")
    expect(ui.tile(host, "4.jpg Hidden").get_by_role("img")).to_have_css("opacity", "0.3")
    assert ui.tile(host, "4.jpg Hidden").bounding_box() == places["4.jpg Pending"]  # none moved
    ui.expect_shown(another, "5.jpg", "2.jpg")
    # Nothing in view waits any more: the rows close up.
    judge(host, "3.jpg", "Approve").click()
    judge(host, "1.jpg", "Hide").click()
    expect(host.get_by_text("All caught up ✓")).to_be_visible()
    expect(ui.tiles(host)).to_have_count(0)
    expect(host.get_by_text("3 photos approved, 2 hidden.")).to_be_visible()
    host.get_by_role("button", name="Undo").click()
    expect(ui.tiles(host)).to_have_count(5)
    ui.expect_shown(another)
    assert set(standings(host).values()) == {"pending"}


@needs_approval
def test_a_second_tap_judges_no_photo_that_was_not_seen(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    show_waiting(host, 3)
    judge(host, "3.jpg", "Approve").dblclick()
    expect(host.get_by_text("Photo approved.")).to_be_visible()
    expect(ui.lightbox(host)).to_have_count(0)
    # Photos move just before a tap: it was meant for another one.
    wait_until_still(host)
    host.evaluate(TAP_ONCE_MOVED, "[data-judge=shown]")
    ui.send(guest, "4.jpg")
    host.wait_for_function("() => window.tapped")
    expect(ui.tiles(host)).to_have_count(4)
    assert list(standings(host).values()).count("shown") == 1
    wait_until_still(host)
    judge(host, "4.jpg", "Approve").click()
    expect(host.get_by_text("2 photos approved.")).to_be_visible()


@needs_approval
def test_a_host_approves_on_the_tiles_by_keyboard(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    show_waiting(host, 3)
    ui.tile(host, "3.jpg Pending").focus()
    ui.press_until_focused(host, judge(host, "3.jpg", "Approve"))
    host.keyboard.down("Enter")
    for _ in range(3):
        host.keyboard.down("Enter")  # which repeats while it is held down
    host.keyboard.up("Enter")
    expect(judge(host, "2.jpg", "Approve")).to_be_focused()
    expect(host.get_by_text("Photo approved.")).to_be_visible()
    host.wait_for_timeout(500)
    host.keyboard.press("Space")
    expect(host.get_by_text("2 photos approved.")).to_be_visible()
    ui.press_until_focused(host, judge(host, "1.jpg", "Hide"), "Shift+Tab")
    host.wait_for_timeout(500)
    host.keyboard.press("Enter")
    undo = host.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()  # nothing else is left
    assert standings(host) == {"1.jpg": "hidden", "2.jpg": "shown", "3.jpg": "shown"}
    host.keyboard.press("Enter")
    expect(judge(host, "1.jpg", "Approve")).to_be_visible()


@needs_approval
def test_a_photo_that_could_not_be_approved_waits_still(
    host: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.UNREACHABLE)
    ui.send(guest, "1.jpg", "2.jpg")
    show_waiting(host, 2)
    judge(host, "1.jpg", "Approve").click()
    expect(host.get_by_text("Photo approved.")).to_be_visible()
    answers: list[Route] = []
    host.route("**/api/photos/moderate", lambda route: answers.append(route))
    judge(host, "2.jpg", "Hide").click()
    expect(ui.tiles(host)).to_have_count(1)  # the other one has left the list
    ui.wait_in_page(host, lambda: answers)
    answers[0].abort()
    sum_up = host.get_by_text("Photo approved. Couldn't change it. Try again.")
    expect(sum_up).to_be_visible()
    expect(judge(host, "2.jpg", "Hide")).to_be_visible()
    host.unroute_all()
    host.route("**/api/photos/moderate", lambda route: route.abort())
    host.get_by_role("button", name="Undo").click()
    expect(host.get_by_text("Couldn't undo it. Try again.")).to_be_visible()
    host.unroute_all()
    host.get_by_role("button", name="Undo").click()
    expect(judge(host, "1.jpg", "Approve")).to_be_visible()
    assert set(standings(host).values()) == {"pending"}


@needs_approval
def test_undo_of_approve_all_and_hide_all_leaves_alone_what_has_changed_meanwhile(
    host: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    guest.take_name("Ann")
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    ui.open_watching(another, gallery)
    show_waiting(host, 4)
    judge(host, "1.jpg", "Hide").click()
    expect(host.get_by_text("Photo hidden.")).to_be_visible()
    bar_button(host, "Approve all").click()
    undo = host.get_by_role("button", name="Undo")
    expect(host.get_by_text("1 photo hidden, 3 approved.")).to_be_visible()
    ui.expect_shown(another, "4.jpg", "3.jpg", "2.jpg")
    guest.remove("2.jpg")
    undo.click()
    expect(ui.tiles(host)).to_have_count(3)
    assert standings(host) == {"1.jpg": "pending", "3.jpg": "pending", "4.jpg": "pending"}

    ui.people(host).select_option("Everyone's photos")
    ui.close_search(host)
    wait_until_still(host)
    judge(host, "4.jpg", "Approve").click()
    ui.expect_shown(another, "4.jpg")
    filter_by_sender_of(host, "3.jpg Pending")
    bar_button(host, "Hide all").click()
    expect(host.get_by_text("3 photos hidden.")).to_be_visible()
    ui.expect_shown(another)
    undo.click()
    ui.expect_shown(another, "4.jpg")
    assert standings(host) == {"1.jpg": "pending", "3.jpg": "pending", "4.jpg": "shown"}


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
    ui.close_search(host)
    bar_button(host, "Remove all").click()
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    expect(sure).to_contain_text("Removes 2 photos, ")


def test_the_photos_move_once_when_a_host_chooses_a_person_in_the_lightbox(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    """A phone may wait a second for the photos. There is room by then for what is chosen, and for
    what a host does with it."""
    guest.take_name("Ann")
    ui.send(guest, *(f"{number}.jpg" for number in range(12)))
    host.set_viewport_size({"width": 390, "height": 844})
    ui.tile(host, "11.jpg").click()
    photos = ui.Hold(host, "**/api/photos?*by=*")
    guests = ui.Hold(host, "**/api/guests")
    ui.lightbox(host).get_by_role("button", name="Ann").click()
    for held in (photos, guests):
        held.wait_for_request()
    expect(host.get_by_role("button", name="Remove Ann")).to_be_visible()
    top = ui.tiles(host).first.bounding_box()["y"]  # type: ignore[index]
    for held in (photos, guests):
        held.release()
    expect(bar_button(host, "Remove all")).to_be_visible()
    assert ui.tiles(host).first.bounding_box()["y"] == top  # type: ignore[index]


@needs_approval
def test_there_is_room_for_what_a_host_does_with_those_found_among_the_pending(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg")
    host.set_viewport_size({"width": 390, "height": 844})
    show_waiting(host, 2)
    ui.search_box(host).fill("2.jpg")
    expect(ui.tiles(host)).to_have_count(1)
    ui.close_search(host)
    ui.wait_for_animations(host)
    first = ui.tiles(host).first.bounding_box()
    bar = bar_button(host, "Approve all").bounding_box()
    assert first["y"] >= bar["y"] + bar["height"]  # type: ignore[index]


def test_the_open_search_does_not_cover_what_a_host_does_with_all_photos_of_a_person(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    guest.take_name("Ann")
    ui.send(guest, "1.jpg", "2.jpg")
    ui.send_as(host, "3.jpg")
    host.set_viewport_size({"width": 390, "height": 844})
    expect(ui.tiles(host)).to_have_count(3)
    ui.people(host).select_option("Ann (2)")
    expect(ui.tiles(host)).to_have_count(2)
    first, bar = ui.tiles(host).first.bounding_box(), bar_button(host, "Remove all").bounding_box()
    assert first["y"] >= bar["y"] + bar["height"]  # type: ignore[index]
    bar_button(host, "Remove all").click()
    host.get_by_role("dialog").get_by_role("button", name="Remove all").click()
    # The panel is open still, and says what there is now.
    expect(ui.people(host).get_by_role("option", selected=True)).to_have_text("Ann")
    host.get_by_role("button", name="Undo").click()
    expect(ui.people(host).get_by_role("option", selected=True)).to_have_text("Ann (2)")
    ui.close_search(host)
    bar_button(host, "Hide all").click()
    expect(host.get_by_text("2 photos hidden.")).to_be_visible()


@needs_approval
def test_a_host_who_is_signed_out_elsewhere_sees_nothing_that_waits(
    host: Page, new_context: Callable[..., BrowserContext], gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg", "2.jpg")
    expect(waiting(host)).to_have_text("2 pending")
    wait_until_still(host)
    judge(host, "2.jpg", "Approve").click()  # so that what everyone may know is the newest
    expect(waiting(host)).to_have_text("1 pending")
    with closing(new_context()) as context:
        elsewhere = context.new_page()
        ui.sign_in_by_request(elsewhere, gallery, "Hanna")
        with host.expect_navigation():  # it is opened anew, as a guest's
            assert elsewhere.request.post(f"{gallery.url}/sign-out-everywhere").ok
    ui.expect_shown(host, "2.jpg")
    expect(waiting(host)).to_be_hidden()


@pytest.mark.parametrize("gallery_settings", [{"mode": "own"}])
def test_the_page_says_that_guests_see_only_their_own_photos(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    expect(page.get_by_text("Only you and the host can see your photos.")).to_be_visible()
    expect(page.get_by_role("button", name="Add photos for the host")).to_be_visible()
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(page.get_by_role("textbox", name="Let the host know who you are?")).to_be_visible()
    audience = ui.summary(page).get_by_role("combobox", name="Who sees these photos?")
    expect(audience.get_by_role("option", selected=True)).to_have_text("The host")
    dialog = ui.ask_name_by_menu(page)
    expect(dialog).to_contain_text("The host sees it with your photos.")
    page.keyboard.press("Escape")
    ui.enlarge(page, "1.jpg")
    expect(ui.lightbox(page).get_by_role("button", name="Share")).to_be_disabled()
    ui.change_in_lightbox(page, "Make private", "1.jpg")
    ui.change_in_lightbox(page, "Share with the host", "1.jpg")
    expect(page.get_by_text("Shared with the host")).to_be_visible()
    assert gallery.photos() == []


@pytest.mark.parametrize("gallery_settings", [{"mode": "own"}])
def test_where_guests_see_only_their_own_photos_a_host_neither_projects_nor_shares_theirs(
    host: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    menu = host.get_by_role("navigation", name="Gallery")
    expect(ui.tile(host, "1.jpg")).to_be_visible()
    host.get_by_role("button", name="Menu").click()
    expect(menu.get_by_role("link", name="Download all photos")).to_be_visible()
    expect(menu.get_by_role("link", name="Slideshow")).to_be_hidden()
    host.keyboard.press("Escape")
    ui.enlarge(host, "1.jpg")
    expect(ui.lightbox(host).get_by_role("button", name="Share")).to_be_disabled()

    for path in ("/slideshow", "/#wall"):
        host.goto(f"{gallery.url}{path}")
        expect(host.get_by_role("heading", name="Scan to add your photos")).to_be_visible()
        expect(host.get_by_text("Only you and the host will see them.")).to_be_visible()
    ui.send_as(host, "2.jpg")
    picture = host.get_by_role("dialog").get_by_role("figure").get_by_role("img")
    expect(picture.and_(ui.by_file(host, "2.jpg"))).to_be_visible()
    host.keyboard.press("Escape")
    host.get_by_role("button", name="Menu").click()
    expect(menu.get_by_role("link", name="Slideshow")).to_be_visible()


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
    ui.enlarge(host, "2.jpg", "Pending")
    ui.expect_accessible(host, corners)
    ui.close_lightbox(host)
    filter_by_sender_of(host, "2.jpg")
    bar_button(host, "Remove all").click()
    ui.expect_accessible(host, corners)
    host.keyboard.press("Escape")

    menu = host.get_by_role("navigation", name="Gallery")
    host.get_by_role("button", name="Menu").click()
    overview = menu.get_by_role("list", name="Overview")
    for line in ("2 photos · ", "of 1 TB", "1 pending · 0 hidden", "1 private · "):
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
