"""Hosts act in the grid itself: they approve, hide and remove, and guests see it happen."""

import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Locator, Page, Request, Route, expect

from server import create_app
from tests.page.test_accessibility import expect_nobody_kept_out
from tests.page.test_finding_photos import box, people
from tests.page.test_live_gallery import (
    NO_CONNECTION,
    enlarge,
    expect_shown,
    lightbox,
    open_watching,
    send,
    shown,
    small_photo,
    tile,
)
from tests.page.test_private_photos import (
    change_in_lightbox,
    choose,
    lose_posts,
    send_privately,
    switch,
)
from tests.page.test_resuming import until_nothing_would_be_lost
from tests.page.test_uploading import (
    REFUSED,
    UNREACHABLE,
    add_photos,
    open_gallery,
    press_until_focused,
    tiles,
    until_nothing_moves,
)
from tests.people.test_account_commands import dropwall
from tests.people.test_accounts import PASSWORD
from tests.support.engines import config_of
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

WITHIN_A_SECOND = 1_000
"""Milliseconds, from the host's click to the guest's page."""
APPROVAL = "Photos appear for everyone once the host has approved them."
GONE = "This photo was removed."


@pytest.fixture(params=["approval"])
def live_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "data", mode=request.param)
    app = create_app(config_of(server.data))
    made = dropwall(app, "add-account", "Hanna", "--host", typed=PASSWORD)
    assert made.exit_code == 0
    yield server
    server.stop(signal.SIGINT)


@pytest.fixture
def host(page: Page, live_server: RunningServer, expected_errors: list[str]) -> Page:
    expected_errors.append(REFUSED)  # a picture may be asked for when it is hidden just then
    form = {"name": "Hanna", "password": PASSWORD}
    page.goto(live_server.url)
    assert page.request.post(f"{live_server.url}/sign-in", form=form).status in (200, 204)
    open_watching(page, live_server)
    return page


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    with closing(Guest(live_server.url)) as guest:
        yield guest


def waiting(page: Page) -> Locator:
    return page.get_by_role("button", name="waiting")


def bar(page: Page) -> Locator:
    return page.get_by_role("group", name="All of these photos")


def filter_by_person(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    until_nothing_moves(page)
    lightbox(page).get_by_role("button", name="by ").click()
    expect(lightbox(page)).to_have_count(0)
    expect(bar(page)).to_be_visible()


def test_what_waits_is_approved_one_by_one_and_appears_for_all(
    host: Page, another: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(another, live_server)
    add_photos(another, ("1.jpg", small_photo(1)), ("2.jpg", small_photo(2)))
    own = another.get_by_role("link", name="1.jpg Waiting")
    expect(own).to_be_visible()
    send(guest, "3.jpg")
    expect(waiting(host)).to_have_text("3 waiting")
    expect(tiles(another)).to_have_count(2)

    waiting(host).press("Enter")
    expect(people(host)).to_have_value("pending")
    host.get_by_role("link", name="3.jpg Waiting").click()
    until_nothing_moves(host)
    expect(lightbox(host)).to_contain_text("Waiting for approval.")
    expect(lightbox(host).get_by_role("button", name="Share")).to_be_hidden()
    change_in_lightbox(host, "Approve", "3.jpg")
    expect(tile(another, "3.jpg")).to_be_visible(timeout=WITHIN_A_SECOND)
    expect(host.get_by_text("can be seen by everyone now.")).to_be_visible()
    # The next that waits has its turn at once.
    expect(lightbox(host).get_by_role("button", name=re.compile(r"Approve [12]"))).to_be_focused()
    host.keyboard.press("Escape")
    expect(lightbox(host)).to_have_count(0)

    bar(host).get_by_role("button", name="Approve all").click()
    expect(own).to_have_count(0)
    wait_until(lambda: sorted(shown(another)) == ["1.jpg", "2.jpg", "3.jpg"])
    expect(waiting(host)).to_be_hidden()
    expect(host.get_by_text("Nothing is waiting.")).to_be_visible()


def test_what_another_host_approves_stays_before_who_looks_at_it_and_is_not_called_removed(
    host: Page, live_server: RunningServer, guest: Guest
) -> None:
    withdrawn: list[str] = []
    host.on("request", lambda request: is_withdrawal(request) and withdrawn.append(request.url))
    answers: list[Route] = []
    host.route(re.compile("only=pending"), lambda route: answers.append(route))
    send(guest, "1.jpg", "2.jpg")
    with host.expect_request(re.compile("only=pending")):
        waiting(host).click()
    host.get_by_role("link", name="1.jpg Waiting").click()
    until_nothing_moves(host)
    expect(lightbox(host).get_by_role("button", name="Approve 1.jpg")).to_be_visible()
    answers[0].continue_()  # the wall is another one only when the photo is open
    expect(host.get_by_role("link", name="Download these photos")).to_be_attached()
    with requests.Session() as elsewhere:
        form = {"name": "Hanna", "password": PASSWORD}
        assert elsewhere.post(f"{live_server.url}/sign-in", data=form).ok
        photos = elsewhere.get(f"{live_server.url}/api/photos").json()["photos"]
        [photo_id] = [photo["id"] for photo in photos if photo["name"] == "1.jpg"]
        address = f"{live_server.url}/api/photos?ids={photo_id}"
        assert elsewhere.patch(address, json={"standing": "shown"}).ok
        expect(tiles(host)).to_have_count(1)
        expect(lightbox(host).get_by_role("button", name="Hide 1.jpg")).to_be_visible()
        expect(lightbox(host)).not_to_contain_text(GONE)
        expect(lightbox(host)).not_to_contain_text("Waiting for approval.")
        assert withdrawn == []
        with host.expect_event(
            "requestfinished", lambda it: is_withdrawal(it) and photo_id in it.url
        ):
            assert elsewhere.delete(f"{live_server.url}/api/photos/{photo_id}").ok
    expect(lightbox(host)).to_contain_text(GONE)
    host.keyboard.press("ArrowLeft")
    expect(lightbox(host).get_by_role("button", name="Approve 2.jpg")).to_be_visible()


def is_withdrawal(request: Request) -> bool:
    """Pictures are otherwise asked for by their elements."""
    return request.resource_type == "fetch" and "/thumbnails/" in request.url


@pytest.mark.parametrize("live_server", ["everyone"], indirect=True)
def test_what_a_host_hides_vanishes_and_its_sender_still_sees_it(
    host: Page, another: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(another, live_server)
    add_photos(another, ("1.jpg", small_photo(1)))
    send(guest, "2.jpg")
    expect(tiles(another)).to_have_count(2)
    enlarge(another, "2.jpg")
    expect(tiles(host)).to_have_count(2)
    for name in ("2.jpg", "1.jpg"):
        enlarge(host, name)
        change_in_lightbox(host, "Hide", name)
        expect(lightbox(host)).to_contain_text("Hidden from the guests.")
        expect(lightbox(host).get_by_role("button", name=f"Show {name}")).to_be_focused()
        host.keyboard.press("Escape")
        expect(lightbox(host)).to_have_count(0)
    expect(lightbox(another)).to_contain_text(GONE)
    another.keyboard.press("Escape")
    expect(lightbox(another)).to_have_count(0)
    another.get_by_role("link", name="1.jpg Hidden").click()
    expect(lightbox(another)).to_contain_text("The host has hidden this photo; you still see it.")
    host.get_by_role("link", name="2.jpg Hidden").click()
    until_nothing_moves(host)
    change_in_lightbox(host, "Show", "2.jpg")
    expect(tile(another, "2.jpg")).to_have_count(1)


@pytest.mark.parametrize("live_server", ["everyone"], indirect=True)
def test_all_photos_of_a_guest_are_hidden_or_removed_at_once(
    host: Page, another: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(another, live_server)
    guest.take_name("Ann")
    send(guest, "1.jpg", "2.jpg")
    add_photos(another, ("3.jpg", small_photo(3)))
    expect(tiles(host)).to_have_count(3)
    filter_by_person(host, "1.jpg")
    bar(host).get_by_role("button", name="Hide all").click()
    expect(host.get_by_text("The photos by Ann are hidden.")).to_be_visible()
    expect_shown(another, "3.jpg")

    remove = bar(host).get_by_role("button", name="Remove all")
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


@pytest.mark.parametrize("live_server", ["everyone"], indirect=True)
def test_all_photos_of_a_guest_are_acted_on_only_while_all_are_shown(
    host: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(UNREACHABLE)
    with closing(Guest(live_server.url)) as bob:
        bob.take_name("Bob")
        send(bob, "3.jpg")
    guest.take_name("Ann")
    send(guest, "1.jpg", "2.jpg")
    expect(tiles(host)).to_have_count(3)
    filter_by_person(host, "1.jpg")
    both = [bar(host).get_by_role("button", name=name) for name in ("Hide all", "Remove all")]
    box(host).fill("1")
    expect(tiles(host)).to_have_count(1)
    for button in both:
        expect(button).to_be_hidden()
    box(host).fill("")
    for button in both:
        expect(button).to_be_visible()

    host.route("**/api/photos?*by=*", answer_in_part)
    host.route("**/api/outline?*", lambda route: route.abort())
    box(host).fill("jpg")
    box(host).fill("")
    expect(tiles(host)).to_have_count(1)
    for button in both:
        expect(button).to_be_hidden()
    host.unroute_all()
    host.get_by_role("button", name="Show more").click()
    for button in both:
        expect(button).to_be_visible()

    # Until others are shown, it is about those that are.
    host.route("**/api/photos?*limit=100*", lambda route: route.abort())
    people(host).select_option("Bob (1)")
    bar(host).get_by_role("button", name="Remove all").click()
    sure = host.get_by_role("dialog", name="Remove all photos by Ann?")
    expect(sure).to_contain_text("2 photos will go.")


def answer_in_part(route: Route) -> None:
    """As if there were too many photos for one answer."""
    page = route.fetch().json()
    first = page["photos"][0]
    route.fulfill(json=page | {"photos": [first], "next": first["version"]})


@pytest.mark.parametrize("live_server", ["everyone"], indirect=True)
def test_a_host_finds_the_photos_of_who_tells_no_name(
    host: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "1.jpg")
    filter_by_person(host, "1.jpg")
    expect(people(host).get_by_role("option", name="This person")).to_be_attached()
    bar(host).get_by_role("button", name="Remove all").click()
    expect(host.get_by_role("dialog", name="Remove all photos by this guest?")).to_be_visible()


@pytest.mark.parametrize("live_server", ["everyone"], indirect=True)
def test_a_host_removes_a_photo_of_somebody_else_and_brings_it_back(
    host: Page, another: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(another, live_server)
    send(guest, "1.jpg")
    tile(host, "1.jpg").focus()
    host.keyboard.press("Delete")
    expect(tile(another, "1.jpg")).to_have_count(0, timeout=WITHIN_A_SECOND)
    host.get_by_role("button", name="Undo").click()
    expect(tile(another, "1.jpg")).to_be_visible()


def test_the_menu_tells_a_host_how_full_the_gallery_is(
    host: Page, another: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(another, live_server)
    send_privately(another, "1.jpg")
    send(guest, "2.jpg")
    expect(tiles(host)).to_have_count(1)  # not the picture of what is private
    menu = host.get_by_role("navigation", name="Gallery")
    host.get_by_role("button", name="Menu").click()
    overview = menu.get_by_role("list", name="Overview")
    expect(overview).to_contain_text("2 photos · ")
    expect(overview).to_contain_text("of 1 TB")
    expect(overview).to_contain_text("1 waiting · 0 hidden")
    expect(overview).to_contain_text("1 private · ")
    expect(menu.get_by_role("link", name="Hanna")).to_have_attribute("href", "/account")
    expect(menu.get_by_role("link", name="Sign in")).to_be_hidden()
    with host.expect_navigation():
        menu.get_by_role("button", name="Sign out").click()
    host.get_by_role("button", name="Menu").click()
    expect(menu.get_by_role("link", name="Sign in")).to_be_visible()
    expect(overview).to_be_hidden()
    expect(waiting(host)).to_be_hidden()


def test_guests_are_told_that_photos_wait_and_hosts_act_by_keyboard(
    host: Page, another: Page, live_server: RunningServer
) -> None:
    open_gallery(another, live_server)
    expect(switch(another)).to_contain_text(APPROVAL)
    add_photos(another, ("1.jpg", small_photo(1)))
    expect(another.get_by_role("link", name="1.jpg Waiting")).to_be_visible()
    expect(another.locator("main").get_by_text(APPROVAL)).to_be_visible()
    choose(another, "Only me")
    expect(host.locator("main").get_by_text(APPROVAL)).to_be_hidden()
    press_until_focused(host, waiting(host))
    host.keyboard.press("Enter")
    press_until_focused(host, bar(host).get_by_role("button", name="Approve all"))
    host.keyboard.press("Enter")
    expect(tile(another, "1.jpg")).to_be_visible()


@pytest.mark.parametrize("live_server", ["own"], indirect=True)
def test_where_guests_see_their_own_the_words_say_so(
    page: Page, another: Page, live_server: RunningServer
) -> None:
    open_watching(another, live_server)
    open_gallery(page, live_server)
    expect(switch(page)).to_contain_text("Only you and the host see what you add.")
    expect(switch(page).get_by_role("radio", name="The host")).to_be_checked()
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
    expect(tiles(another)).to_have_count(0)


@pytest.mark.parametrize("live_server", ["everyone"], indirect=True)
def test_who_goes_to_sign_in_loses_no_photo_on_its_way(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, NO_CONNECTION, REFUSED]
    open_gallery(page, live_server)
    choose(page, "Only me")
    page.route(f"{live_server.url}/", lose_posts)
    add_photos(page, ("1.jpg", small_photo(1)))
    until_nothing_would_be_lost(page)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("Hanna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.unroute_all()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("link", name="1.jpg Only me")).to_be_visible()
    assert live_server.photos() == []


def test_hosts_are_not_kept_out(host: Page, live_server: RunningServer, guest: Guest) -> None:
    host.emulate_media(reduced_motion="reduce")
    guest.take_name("Ann")
    guest.send("1.jpg", photo_bytes("jpg", size=(900, 600)))
    waiting(host).click()
    expect(bar(host)).to_be_visible()
    expect_nobody_kept_out(host)
    host.get_by_role("button", name="Menu").click()
    expect(host.get_by_role("list", name="Overview")).to_be_visible()
    expect_nobody_kept_out(host)
    host.keyboard.press("Escape")
    host.get_by_role("link", name="1.jpg Waiting").click()
    until_nothing_moves(host)
    expect_nobody_kept_out(host)
    host.keyboard.press("Escape")
    expect(lightbox(host)).to_have_count(0)
    filter_by_person(host, "1.jpg")
    bar(host).get_by_role("button", name="Remove all").click()
    expect_nobody_kept_out(host)


def test_whoever_comes_without_the_passcode_is_asked_for_it(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    open_gallery(page, live_server)
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    refusal = {"Dropwall-Refusal": "PasscodeWanted", "Content-Type": "text/plain"}
    page.route("**/api/photos*", lambda route: route.fulfill(status=401, headers=refusal, body="x"))
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.get_by_text("The gallery does not answer just now.")).to_be_visible()
    wait_until(lambda: len(loads) == 1)  # and not again: here it is of no use
