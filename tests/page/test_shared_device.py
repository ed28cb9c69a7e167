"""A device that several people share: what one of them leaves on it is not the next one's."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.visitors import make_accounts


@pytest.fixture
def gallery(gallery: Gallery) -> Gallery:
    make_accounts(gallery, "Ann", "Bo")
    return gallery


@pytest.fixture
def expected_errors() -> list[str]:
    """Chromium reports by itself what fails on its way."""
    return [ui.NO_CONNECTION, ui.REFUSED]


def sign_in(page: Page, gallery: Gallery, name: str = "Ann") -> None:
    ui.sign_in_by_request(page, gallery, name)
    ui.open_gallery(page, gallery)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Menu").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()


def add_without_a_network(
    page: Page, gallery: Gallery, add: Callable[..., None] = ui.add_photos
) -> None:
    """Adds a photo that the browser keeps and cannot send."""
    page.route(f"{gallery.url}/", ui.abort_posts)
    add(page, ("1.jpg", ui.small_photo(1)))
    ui.wait_until_page_may_close(page)


def test_unsent_photos_of_an_account_wait_for_that_account(page: Page, gallery: Gallery) -> None:
    def expect_one_of_two_is_offered() -> None:
        expect(page.get_by_text("1 photo wasn't finished.").first).to_be_visible()
        assert ui.count_kept_files(page) == 2

    ui.open_gallery(page, gallery)
    # Dropwall kept photos like this, for anybody, before there were accounts and private photos.
    page.evaluate(
        """(bytes) => {
            const file = new File([Uint8Array.from(bytes)], "anybodys.jpg");
            return idbKeyval.set("an-old-visit", file, idbKeyval.createStore("dropwall", "files"));
        }""",
        list(ui.small_photo(2)),
    )
    sign_in(page, gallery)
    add_without_a_network(page, gallery, ui.add_privately)
    with page.context.new_page() as other_tab:
        ui.open_gallery(other_tab, gallery)
        sign_out(other_tab)
        sign_in(other_tab, gallery, "Bo")
        with page.expect_navigation():  # as soon as it tries again
            page.unroute_all()
        expect_one_of_two_is_offered()
        assert ui.own_photos(page) == []
    sign_out(page)
    expect_one_of_two_is_offered()
    sign_in(page, gallery)
    page.get_by_role("button", name="Resume").click()
    ui.expect_all_safe(page, 2)
    sent = {photo["name"]: photo["visibility"] for photo in ui.own_photos(page)}
    assert sent == {"1.jpg": "owner", "anybodys.jpg": "everyone"}


def test_an_account_takes_over_the_unsent_photos_of_a_guest(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    add_without_a_network(page, gallery, ui.add_privately)
    sign_in(page, gallery)
    page.get_by_role("button", name="Resume").click()
    page.wait_for_function(
        """async () => {
            const kept = await idbKeyval.values(idbKeyval.createStore("dropwall", "files"));
            return kept.length === 1 && kept[0].ownerId;
        }"""
    )
    page.unroute_all()
    expect(ui.tile(page, "1.jpg Private")).to_have_count(1)
    assert gallery.photos() == []


def test_a_tab_follows_who_signs_in_or_out_in_another_tab(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    add_without_a_network(page, gallery)
    page.evaluate(ui.IS_HIDDEN, True)
    with page.context.new_page() as other_tab:
        sign_in(other_tab, gallery)
        with page.expect_response("**/api/settings"):
            page.evaluate(ui.IS_HIDDEN, False)
        page.unroute_all()
        with page.expect_navigation():
            page.get_by_role("button", name="Retry now").click()
        expect(ui.tile(page, "1.jpg")).to_be_visible()
        expect(ui.summary(page)).to_be_hidden()
        remove = ui.lightbox(page).get_by_role("button", name="Remove")
        ui.enlarge(page, "1.jpg")
        expect(remove).to_be_enabled()
        page.evaluate(ui.IS_HIDDEN, True)
        sign_out(other_tab)
        with page.expect_navigation():
            page.evaluate(ui.IS_HIDDEN, False)
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    expect(remove).to_be_disabled()


def test_nobody_inherits_the_name_of_the_account_before_them(
    page: Page, another: Page, gallery: Gallery
) -> None:
    def sign_out_on_the_account_page() -> None:
        page.goto(f"{gallery.url}/account")
        page.get_by_role("button", name="Sign out everywhere").click()
        expect(page).to_have_url(f"{gallery.url}/")

    def sign_out_on_another_device() -> None:
        ui.sign_in_by_request(another, gallery)
        assert another.request.post(f"{gallery.url}/sign-out-everywhere").ok

    another.goto(gallery.url)
    for leave in (
        lambda: sign_out(page),
        sign_out_on_the_account_page,
        sign_out_on_another_device,
    ):
        sign_in(page, gallery)
        ui.name_oneself(page, "Ann of the photos")
        leave()
        ui.open_gallery(page, gallery)
        expect(ui.ask_name_by_menu(page).get_by_role("textbox")).to_have_value("")
