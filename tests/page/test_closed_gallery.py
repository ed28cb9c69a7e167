"""A host closes the gallery for uploads when the event is over, and opens it again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.support.browser import CDN, Network, opened_page
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.page import (
    ASKING,
    REFUSED,
    STREAM,
    Corners,
    add_photos,
    drop_photos,
    expect_accessible,
    in_all_corners,
    large_photo,
    open_gallery,
    open_watching,
    rows,
    send,
    sign_in_by_request,
    small_photo,
    summary,
    tiles,
    wait_in_page,
)
from tests.support.visitors import make_accounts

CLOSED = re.compile(r"^\s*Closed for uploads\s+Photos were collected until \w+ \w+\.\s*$")
SENTENCE = re.compile(r"Photos were collected until \w+ \w+\.")


@pytest.fixture
def expected_errors() -> list[str]:
    return ["net::ERR_FAILED"]


@pytest.fixture
def host(gallery: Gallery, another: Page) -> Page:
    """A host who has opened the host's page."""
    make_accounts(gallery, "Ann", is_host=True)
    sign_in_by_request(another, gallery)
    another.goto(f"{gallery.url}/host")
    return another


def switch(host: Page, is_closed: bool) -> None:
    host.get_by_role("switch", name="Closed for uploads").click()
    expect(host.get_by_role("switch", checked=is_closed)).to_be_visible()


def note(page: Page) -> Locator:
    return page.get_by_role("paragraph").filter(has_text=CLOSED)


def add_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Add photos")


def test_a_guests_open_page_follows_while_what_is_half_sent_finishes(
    page: Page, host: Page, gallery: Gallery
) -> None:
    """Three photos are on their way, and two wait."""
    open_watching(page, gallery)
    network = Network(page)
    network.set(bytes_per_second=20_000)
    add_photos(page, *(large_photo(number, 300) for number in range(5)))
    expect(rows(page)).to_have_count(5)
    wait_in_page(page, lambda: len(list(gallery.data.rglob("*.part"))) == 3)
    switch(host, is_closed=True)
    expect(note(page)).to_be_visible()
    expect(add_button(page)).to_be_hidden()
    network.set()
    expect(summary(page)).to_contain_text("3 photos added. 2 didn't go through.")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text(SENTENCE)
    switch(host, is_closed=False)
    expect(add_button(page)).to_be_visible()
    page.get_by_role("button", name="Retry all").click()
    expect(tiles(page)).to_have_count(5)
    add_photos(page, ("6.jpg", small_photo(6)))
    expect(tiles(page)).to_have_count(6)


def test_a_page_that_polls_follows_as_well(page: Page, host: Page, gallery: Gallery) -> None:
    page.route(STREAM, lambda route: route.abort())
    open_gallery(page, gallery)
    switch(host, is_closed=True)
    expect(note(page)).to_be_visible()
    page.reload()
    expect(note(page)).to_be_visible()
    expect(add_button(page)).to_be_hidden()


def test_what_is_dropped_is_answered_by_the_sentence(
    page: Page, host: Page, gallery: Gallery
) -> None:
    switch(host, is_closed=True)
    page.goto(gallery.url)
    expect(note(page)).to_be_visible()
    drop_photos(page, ("1.jpg", small_photo(1)))
    expect(page.get_by_role("status").filter(has_text=SENTENCE)).to_be_visible()
    expect(rows(page)).to_have_count(0)
    assert gallery.photos() == []


def test_without_javascript_the_sentence_stands_in_the_forms_place(
    host: Page, gallery: Gallery, new_context: Callable[..., BrowserContext]
) -> None:
    with opened_page(new_context(java_script_enabled=False), []) as page:
        page.goto(gallery.url)
        expect(page.get_by_label("Photos to add")).to_be_visible()
        switch(host, is_closed=True)
        page.reload()
        expect(page.frame_locator("iframe").get_by_text(SENTENCE)).to_be_visible()
        expect(page.get_by_label("Photos to add")).to_be_hidden()


def test_focus_and_screen_readers_follow(page: Page, host: Page, gallery: Gallery) -> None:
    open_watching(page, gallery)
    page.route(ASKING, lambda route: route.abort())  # the stream alone tells what follows
    add_button(page).focus()
    switch(host, is_closed=True)
    expect(note(page)).to_be_focused()
    announcements = page.get_by_role("status")
    expect(announcements.filter(has_text=SENTENCE)).to_have_count(1)
    switch(host, is_closed=False)
    expect(add_button(page)).to_be_focused()
    expect(announcements.filter(has_text="You can add photos again.")).to_have_count(1)


def test_a_host_closes_it_by_the_menu_and_undoes_it(host: Page, gallery: Gallery) -> None:
    open_gallery(host, gallery)
    menu = host.get_by_role("navigation", name="Gallery")
    host.get_by_role("button", name="Menu").click()
    menu.get_by_role("button", name="Close for uploads").click()
    expect(note(host)).to_be_visible()
    host.get_by_role("button", name="Undo").click()
    expect(add_button(host)).to_be_visible()
    host.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Manage gallery").click()
    expect(host.get_by_role("heading", name="Manage gallery")).to_be_visible()
    expect(host.get_by_role("switch", checked=False)).to_be_visible()


def test_a_reopening_that_is_undone_leaves_the_day_until_which_photos_were_collected(
    host: Page, gallery: Gallery
) -> None:
    closing = host.request.post(f"{gallery.url}/host/close?since=2020-06-21T12:00:00Z")
    assert closing.status == 204
    open_gallery(host, gallery)
    host.get_by_role("button", name="Menu").click()
    host.get_by_role("button", name="Reopen for uploads").click()
    expect(add_button(host)).to_be_visible()
    host.get_by_role("button", name="Undo").click()
    expect(host.get_by_role("paragraph").filter(has_text="until 21 June 2020.")).to_be_visible()


def test_the_slideshow_invites_nobody_meanwhile(
    page: Page, host: Page, gallery: Gallery, guest: Guest
) -> None:
    send(guest, "1.jpg")
    page.goto(f"{gallery.url}/slideshow")
    invitation = page.get_by_text("Add yours")
    expect(invitation).to_be_visible()
    switch(host, is_closed=True)
    expect(invitation).to_be_hidden()
    switch(host, is_closed=False)
    expect(invitation).to_be_visible()


@in_all_corners
def test_the_hosts_page_and_a_closed_gallery_are_accessible_and_fit(
    page: Page, host: Page, gallery: Gallery, guest: Guest, corners: Corners
) -> None:
    guest.take_name("Marie-Louise Charlotte von und zu Hohenlohe-Schillingsfürst")
    send(guest, "1.jpg")
    switch(host, is_closed=True)
    page.goto(gallery.url)
    expect(note(page)).to_be_visible()
    root = "document.documentElement"
    for each in (host, page):
        expect_accessible(each, corners)
        for width, _ in corners:
            each.set_viewport_size({"width": width, "height": 568})
            assert each.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), width


def test_the_hosts_page_is_used_on_a_phone_by_keyboard(host: Page) -> None:
    host.set_viewport_size({"width": 390, "height": 844})
    expect(host.get_by_role("img", name="QR code")).to_be_in_viewport(ratio=1)
    for is_closed in (True, False):
        toggle = host.get_by_role("switch", name="Closed for uploads")
        box = toggle.bounding_box()
        assert box
        assert box["height"] >= 44
        toggle.focus()
        host.keyboard.press("Space")
        expect(host.get_by_role("switch", checked=is_closed)).to_be_visible()


def test_where_nobody_has_dropzone_a_phone_says_so_at_the_bottom_too(
    page: Page, host: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    send(guest, "1.jpg")
    switch(host, is_closed=True)
    page.route(f"{CDN}dropzone*/**", lambda route: route.abort())
    page.route("**/vendor/dropzone*/**", lambda route: route.fulfill(status=404))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(gallery.url)
    expect(note(page)).to_be_in_viewport(ratio=1)
    place = note(page).bounding_box()
    assert place
    assert place["y"] > 700
    expect(add_button(page)).to_be_hidden()
