"""One's own photos: removed and brought back, and shown with one's name."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.test_live_gallery import (
    NO_CONNECTION,
    change_script,
    enlarge,
    expect_shown,
    expect_the_same_as,
    lightbox,
    open_watching,
    send,
    small_photo,
    tile,
)
from tests.page.test_uploading import (
    REFUSED,
    add_photos,
    open_gallery,
    payload,
    summary,
    until_nothing_moves,
)
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.network import Network

QUESTION = "Shall the others see whose photos these are?"


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    with closing(Guest(live_server.url)) as guest:
        yield guest


def send_as(page: Page, *names: str) -> None:
    """As the guest of this page, and not by it."""
    for name in names:
        photo = payload(name, small_photo(int(name.partition(".")[0]))) | {"mimeType": "image/jpeg"}
        assert page.request.post(page.url, multipart={"file": photo}).status == 204


def notice(page: Page) -> Locator:
    return page.get_by_role("button", name="Undo")


def remove_in_lightbox(page: Page, name: str) -> None:
    enlarge(page, name)
    lightbox(page).get_by_role("button", name=f"Remove {name}").click()
    expect(lightbox(page)).to_have_count(0)


def remove_by_key(page: Page, name: str) -> None:
    tile(page, name).focus()
    page.keyboard.press("Delete")


def test_what_somebody_removes_is_gone_for_all_and_can_be_undone(
    page: Page,
    another: Page,
    live_server: RunningServer,
    guest: Guest,
    expected_errors: list[str],
) -> None:
    expected_errors.append(REFUSED)  # a picture may be asked for just then
    open_watching(page, live_server)
    open_watching(another, live_server)
    send_as(page, "1.jpg", "2.jpg", "3.jpg")
    send(guest, "4.jpg")
    expect_shown(page, "4.jpg", "3.jpg", "2.jpg", "1.jpg")
    remove_in_lightbox(page, "2.jpg")
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    expect(notice(page)).to_be_focused()
    for each in (page, another):
        expect_shown(each, "4.jpg", "3.jpg", "1.jpg")
    page.keyboard.press("Enter")
    for each in (page, another):
        expect_shown(each, "4.jpg", "3.jpg", "2.jpg", "1.jpg")
    expect(notice(page)).to_be_hidden()
    expect(tile(page, "2.jpg")).to_be_focused()

    remove_by_key(page, "3.jpg")
    expect(notice(page)).to_be_focused()
    remove_by_key(page, "1.jpg")
    expect(page.get_by_text("2 photos removed.")).to_be_visible()
    for each in (page, another):
        expect_shown(each, "4.jpg", "2.jpg")
    notice(page).click()
    for each in (page, another):
        expect_shown(each, "4.jpg", "3.jpg", "2.jpg", "1.jpg")


def test_nobody_removes_what_others_have_sent(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(page, live_server)
    send(guest, "1.jpg")
    send_as(page, "2.jpg")
    expect_shown(page, "2.jpg", "1.jpg")
    remove_by_key(page, "1.jpg")
    enlarge(page, "1.jpg")
    remove = lightbox(page).get_by_role("button", name="Remove")
    expect(lightbox(page).get_by_role("link", name="Download 1.jpg")).to_be_visible()
    expect(remove).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(remove).to_have_accessible_name("Remove 2.jpg")
    until_nothing_moves(page)
    page.keyboard.press("Escape")
    remove_by_key(page, "2.jpg")
    expect_shown(page, "1.jpg")
    expect_the_same_as(live_server, page)


def test_a_removal_that_does_not_arrive_loses_nothing(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_CONNECTION)
    open_watching(page, live_server)
    send_as(page, "1.jpg", "2.jpg")
    expect_shown(page, "2.jpg", "1.jpg")
    enlarge(page, "1.jpg")
    network = Network(page)
    network.set(offline=True)
    remove = lightbox(page).get_by_role("button", name="Remove 1.jpg")
    remove.click()
    expect(page.get_by_text("It could not be removed just now; please try again.")).to_be_visible()
    expect(lightbox(page)).to_contain_text("1.jpg")
    assert [photo["name"] for photo in live_server.photos()] == ["2.jpg", "1.jpg"]
    network.set()
    remove.click()
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    expect_shown(page, "2.jpg")


def ask_by_menu(page: Page) -> Locator:
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Gallery").get_by_role("button", name="Your name").click()
    dialog = page.get_by_role("dialog", name="Your name")
    expect(dialog).to_be_visible()
    return dialog


def name_oneself(page: Page, name: str) -> None:
    dialog = ask_by_menu(page)
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()


def test_who_does_not_want_to_be_named_is_asked_once(
    page: Page, live_server: RunningServer
) -> None:
    # However quickly the photos are safe: before there is anything to be seen of them.
    change_script(page, "upload-summary.js", {"SHOWN_EVERY_MS = 100;": "SHOWN_EVERY_MS = 1000;"})
    open_gallery(page, live_server)
    question = page.get_by_text(QUESTION)
    expect(question).to_be_hidden()
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(question).to_be_visible()
    page.get_by_role("button", name="No, thanks").click()
    expect(question).to_be_hidden()
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    add_photos(page, ("2.jpg", small_photo(2)))
    expect(tile(page, "2.jpg")).to_be_visible()
    expect(question).to_be_hidden()
    open_gallery(page, live_server)
    add_photos(page, ("3.jpg", small_photo(3)))
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(question).to_be_hidden()


def test_who_keeps_photos_to_themselves_is_not_asked_for_a_name_yet(
    page: Page, live_server: RunningServer
) -> None:
    open_gallery(page, live_server)
    question = page.get_by_text(QUESTION)
    page.get_by_role("radio", name="Only me").check()
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(question).to_be_hidden()
    page.get_by_role("radio", name="Everyone").check()
    add_photos(page, ("2.jpg", small_photo(2)))
    expect(question).to_be_visible()


def test_a_name_is_seen_by_all_while_they_look_and_can_be_changed_and_taken_back(
    page: Page, another: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_CONNECTION)
    open_gallery(page, live_server)
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(tile(page, "1.jpg")).to_be_visible()
    open_watching(another, live_server)
    enlarge(another, "1.jpg")
    sender = lightbox(another).get_by_role("button", name="by ")
    expect(sender).to_be_hidden()

    page.get_by_role("button", name="Add your name").click()
    dialog = page.get_by_role("dialog", name="Your name")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    expect(sender).to_have_text("by Ann")
    expect(page.get_by_text(QUESTION)).to_be_hidden()

    for hostile, harmless in (
        ("<b>Ann</b>", "by <b>Ann</b>"),
        ("\u202eAnn\u200f \u0007Lee", "by Ann Lee"),
        ("', \"><script>fail()</script>", "by ', \"><script>fail()</script>"),
    ):
        name_oneself(page, hostile)
        expect(sender).to_have_text(harmless)

    name_oneself(page, "n" * 99)
    expect(sender).to_have_text("by " + "n" * 60)

    page.route("**/api/guest", lambda route: route.abort())
    dialog = ask_by_menu(page)
    dialog.get_by_role("textbox").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_have_text(
        "It could not be saved just now; please try again."
    )
    page.unroute("**/api/guest")
    dialog.get_by_role("button", name="Save").click()
    expect(sender).to_have_text("by Anna")
    expect(dialog).to_be_hidden()

    name_oneself(page, "")
    expect(sender).to_be_hidden()
    assert live_server.photos()[0]["by"]["name"] is None


def test_a_name_is_kept_on_the_device_and_told_again_to_a_server_that_forgot_it(
    page: Page, live_server: RunningServer
) -> None:
    open_gallery(page, live_server)
    name_oneself(page, "Ann")
    page.context.clear_cookies()
    with page.expect_response("**/api/guest") as told:
        open_gallery(page, live_server)
    assert told.value.status == 204
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(page.get_by_text(QUESTION)).to_be_hidden()
    assert live_server.photos()[0]["by"]["name"] == "Ann"
    expect(ask_by_menu(page).get_by_role("textbox")).to_have_value("Ann")
