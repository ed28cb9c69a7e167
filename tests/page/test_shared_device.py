"""A device that several people use: what one of them leaves on it is not the next one's."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.page.test_live_gallery import IS_HIDDEN, enlarge, lightbox, small_photo, tile
from tests.page.test_own_photos import ask_by_menu, name_oneself
from tests.page.test_private_photos import choose, lose_posts, own_photos
from tests.page.test_resuming import (
    NO_CONNECTION,
    kept_files,
    until_leftovers_would_be_offered,
    until_nothing_would_be_lost,
)
from tests.page.test_uploading import REFUSED, UNREACHABLE, add_photos, open_gallery, summary, tiles
from tests.people.test_accounts import PASSWORD
from tests.support.gallery_server import RunningServer

ARE_ALL_OWNED = """() => {
    const store = idbKeyval.createStore("dropwall", "files");
    return idbKeyval
        .values(store)
        .then((kept) => kept.length === 1 && kept.every(({ ownerId }) => ownerId));
}"""


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "data", sign_up="true")
    for name in ("Ann", "Bo"):
        form = {"name": name, "password": PASSWORD}
        assert requests.post(f"{server.url}/sign-up", data=form, timeout=30).ok
    yield server
    server.stop(signal.SIGINT)


@pytest.fixture
def expected_errors() -> list[str]:
    """Chromium reports by itself what fails on its way."""
    return [NO_CONNECTION, UNREACHABLE, REFUSED]


def sign_in(page: Page, server: RunningServer, name: str = "Ann") -> None:
    form = {"name": name, "password": PASSWORD}
    assert page.request.post(f"{server.url}/sign-in", form=form).ok
    open_gallery(page, server)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Menu").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()


def leave_on_its_way(page: Page, server: RunningServer) -> None:
    page.route(f"{server.url}/", lose_posts)
    add_photos(page, ("1.jpg", small_photo(1)))
    until_nothing_would_be_lost(page)


def expect_nothing_offered(page: Page, server: RunningServer) -> None:
    open_gallery(page, server)
    until_leftovers_would_be_offered(page)
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()
    assert kept_files(page) == 1


def test_what_an_account_has_left_on_its_way_waits_for_that_account(
    page: Page, live_server: RunningServer
) -> None:
    sign_in(page, live_server)
    leave_on_its_way(page, live_server)
    sign_out(page)
    page.unroute_all()
    expect_nothing_offered(page, live_server)
    sign_in(page, live_server)
    page.get_by_role("button", name="Continue").click()
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    assert [photo["name"] for photo in own_photos(page)] == ["1.jpg"]


def test_what_a_guest_has_left_is_the_accounts_that_goes_on_with_it(
    page: Page, live_server: RunningServer
) -> None:
    open_gallery(page, live_server)
    leave_on_its_way(page, live_server)
    sign_in(page, live_server)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function(ARE_ALL_OWNED)
    sign_out(page)
    expect_nothing_offered(page, live_server)


@pytest.mark.parametrize("way_out", ["Sign out", "Sign out everywhere"])
def test_who_comes_after_an_account_does_not_inherit_its_name(
    page: Page, live_server: RunningServer, way_out: str
) -> None:
    sign_in(page, live_server)
    name_oneself(page, "Ann of the photos")
    page.goto(f"{live_server.url}/account")
    page.get_by_role("button", name=way_out, exact=True).click()
    expect(page).to_have_url(f"{live_server.url}/")
    expect(ask_by_menu(page).get_by_role("textbox")).to_have_value("")


def test_a_tab_is_of_who_has_signed_in_or_out_in_another(
    page: Page, live_server: RunningServer
) -> None:
    sign_in(page, live_server)
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    sign_out(page)
    open_gallery(page, live_server)
    page.evaluate(IS_HIDDEN, True)
    with page.context.new_page() as other_tab:
        sign_in(other_tab, live_server)
    with page.expect_navigation():
        page.evaluate(IS_HIDDEN, False)
    enlarge(page, "1.jpg")
    expect(lightbox(page).get_by_role("button", name="Remove 1.jpg")).to_be_visible()


def test_a_tab_whose_photos_are_on_their_way_waits_for_them_before_it_is_loaded_anew(
    page: Page, live_server: RunningServer
) -> None:
    open_gallery(page, live_server)
    leave_on_its_way(page, live_server)
    page.evaluate(IS_HIDDEN, True)
    with page.context.new_page() as other_tab:
        sign_in(other_tab, live_server)
    with page.expect_response("**/api/settings"):
        page.evaluate(IS_HIDDEN, False)
    expect(summary(page)).to_contain_text("Next try in")
    page.unroute_all()
    with page.expect_navigation():
        page.get_by_role("button", name="Try now").click()
    expect(tile(page, "1.jpg")).to_be_visible()
    expect(summary(page)).to_be_hidden()


def test_what_an_account_is_sending_is_not_sent_as_somebody_elses_who_signs_in_in_another_tab(
    page: Page, live_server: RunningServer
) -> None:
    sign_in(page, live_server)
    choose(page, "Only me")
    leave_on_its_way(page, live_server)
    with page.context.new_page() as other_tab:
        open_gallery(other_tab, live_server)
        sign_out(other_tab)
        sign_in(other_tab, live_server, "Bo")
        with page.expect_navigation():  # as soon as it tries again
            page.unroute_all()
        expect_nothing_offered(page, live_server)
        assert own_photos(page) == []
        sign_out(other_tab)
    sign_in(page, live_server)
    page.get_by_role("button", name="Continue").click()
    expect(tiles(page)).to_have_accessible_name("1.jpg Only me")


def test_a_name_that_an_account_took_is_not_told_for_who_comes_after_it_was_signed_out_elsewhere(
    page: Page, live_server: RunningServer
) -> None:
    sign_in(page, live_server)
    name_oneself(page, "Ann of the photos")
    elsewhere = requests.Session()
    form = {"name": "Ann", "password": PASSWORD}
    assert elsewhere.post(f"{live_server.url}/sign-in", data=form, timeout=30).ok
    assert elsewhere.post(f"{live_server.url}/sign-out-everywhere", timeout=30).ok
    open_gallery(page, live_server)
    expect(ask_by_menu(page).get_by_role("textbox")).to_have_value("")
