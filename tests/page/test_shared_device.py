"""A device that several people share: what one of them leaves on it is not the next one's."""

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.support.gallery_server import Gallery
from tests.support.page import (
    IS_HIDDEN,
    NO_CONNECTION,
    REFUSED,
    abort_posts,
    add_photos,
    ask_name_by_menu,
    choose_visibility,
    count_kept_files,
    enlarge,
    lightbox,
    name_oneself,
    open_gallery,
    own_photos,
    sign_in_by_request,
    small_photo,
    summary,
    tile,
    tiles,
    wait_until_page_may_close,
)
from tests.support.visitors import PASSWORD, make_accounts

KEEP_FOR_ANYBODY = """(bytes) => {
    const file = new File([Uint8Array.from(bytes)], "anybodys.jpg");
    return idbKeyval.set("an-old-visit", file, idbKeyval.createStore("dropwall", "files"));
}"""
"""As Dropwall did before there were accounts and private photos."""
ARE_ALL_OWNED = """() => {
    const store = idbKeyval.createStore("dropwall", "files");
    return idbKeyval
        .values(store)
        .then((kept) => kept.length === 1 && kept.every(({ ownerId }) => ownerId));
}"""


@pytest.fixture
def gallery(gallery: Gallery) -> Gallery:
    make_accounts(gallery, "Ann", "Bo")
    return gallery


@pytest.fixture
def expected_errors() -> list[str]:
    """Chromium reports by itself what fails on its way."""
    return [NO_CONNECTION, REFUSED]


def sign_in(page: Page, gallery: Gallery, name: str = "Ann") -> None:
    sign_in_by_request(page, gallery, name)
    open_gallery(page, gallery)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Menu").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()


def leave_on_its_way(page: Page, gallery: Gallery) -> None:
    """Adds a photo that is kept in the browser and cannot be sent."""
    page.route(f"{gallery.url}/", abort_posts)
    add_photos(page, ("1.jpg", small_photo(1)))
    wait_until_page_may_close(page)


def expect_only_what_is_anybodys(page: Page) -> None:
    """Of two photos that are kept, the page offers one."""
    expect(page.get_by_text("1 photo was still on the way.")).to_be_visible()
    assert count_kept_files(page) == 2


def test_unsent_photos_of_an_account_wait_for_that_account(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    page.evaluate(KEEP_FOR_ANYBODY, list(small_photo(2)))
    sign_in(page, gallery)
    choose_visibility(page, "Only me")
    leave_on_its_way(page, gallery)
    with page.context.new_page() as other_tab:
        open_gallery(other_tab, gallery)
        sign_out(other_tab)
        sign_in(other_tab, gallery, "Bo")
        with page.expect_navigation():  # as soon as it tries again
            page.unroute_all()
        expect_only_what_is_anybodys(page)
        assert own_photos(page) == []
    sign_out(page)
    expect_only_what_is_anybodys(page)
    sign_in(page, gallery)
    page.get_by_role("button", name="Continue").click()
    expect(summary(page)).to_contain_text("2 of 2 photos are safe")
    sent = {photo["name"]: photo["visibility"] for photo in own_photos(page)}
    assert sent == {"1.jpg": "owner", "anybodys.jpg": "everyone"}


def test_an_account_takes_over_the_unsent_photos_of_a_guest(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    choose_visibility(page, "Only me")
    leave_on_its_way(page, gallery)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function(ARE_ALL_OWNED)
    page.unroute_all()
    expect(tiles(page)).to_have_accessible_name("1.jpg Only me")
    assert gallery.photos() == []


def test_a_tab_follows_who_signs_in_or_out_in_another_tab(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    leave_on_its_way(page, gallery)
    page.evaluate(IS_HIDDEN, True)
    with page.context.new_page() as other_tab:
        sign_in(other_tab, gallery)
        with page.expect_response("**/api/settings"):
            page.evaluate(IS_HIDDEN, False)
        page.unroute_all()
        with page.expect_navigation():
            page.get_by_role("button", name="Try now").click()
        expect(tile(page, "1.jpg")).to_be_visible()
        expect(summary(page)).to_be_hidden()
        remove = lightbox(page).get_by_role("button", name="Remove 1.jpg")
        enlarge(page, "1.jpg")
        expect(remove).to_be_visible()
        page.evaluate(IS_HIDDEN, True)
        sign_out(other_tab)
        with page.expect_navigation():
            page.evaluate(IS_HIDDEN, False)
    expect(lightbox(page)).to_contain_text("1.jpg")
    expect(remove).to_be_hidden()


def test_nobody_inherits_the_name_of_the_account_before_them(page: Page, gallery: Gallery) -> None:
    def sign_out_everywhere_on_the_account_page() -> None:
        page.goto(f"{gallery.url}/account")
        page.get_by_role("button", name="Sign out everywhere").click()
        expect(page).to_have_url(f"{gallery.url}/")

    def sign_out_everywhere_on_another_device() -> None:
        form = {"name": "Ann", "password": PASSWORD}
        with requests.Session() as elsewhere:
            assert elsewhere.post(f"{gallery.url}/sign-in", form).status_code == 204
            assert elsewhere.post(f"{gallery.url}/sign-out-everywhere").ok

    for way_out in (
        lambda: sign_out(page),
        sign_out_everywhere_on_the_account_page,
        sign_out_everywhere_on_another_device,
    ):
        sign_in(page, gallery)
        name_oneself(page, "Ann of the photos")
        way_out()
        open_gallery(page, gallery)
        expect(ask_name_by_menu(page).get_by_role("textbox")).to_have_value("")
