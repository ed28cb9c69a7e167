"""One's own photos: removed and brought back by undo, and shown with one's name."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Network
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.page import (
    NO_CONNECTION,
    REFUSED,
    add_photos,
    ask_name_by_menu,
    choose_visibility,
    enlarge,
    expect_shown,
    lightbox,
    name_oneself,
    open_gallery,
    open_watching,
    remove_by_key,
    replace_in_script,
    send,
    send_as,
    small_photo,
    summary,
    tile,
    wait_for_animations,
)

QUESTION = "Shall the others see whose photos these are?"


@pytest.fixture
def expected_errors() -> list[str]:
    """A picture may be asked for just as it is removed; some tests cut the network off."""
    return [REFUSED, NO_CONNECTION]


def undo(page: Page) -> Locator:
    return page.get_by_role("button", name="Undo")


def test_undo_brings_removed_photos_back_for_everybody(
    page: Page, another: Page, gallery: Gallery, guest: Guest
) -> None:
    open_watching(page, gallery)
    open_watching(another, gallery)
    send_as(page, "1.jpg", "2.jpg", "3.jpg")
    send(guest, "4.jpg")

    def expect_both_show(*names: str) -> None:
        for each in (page, another):
            expect_shown(each, *names)

    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")
    enlarge(page, "2.jpg")
    lightbox(page).get_by_role("button", name="Remove 2.jpg").click()
    expect(lightbox(page)).to_have_count(0)
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    expect(undo(page)).to_be_focused()
    expect_both_show("4.jpg", "3.jpg", "1.jpg")
    page.keyboard.press("Enter")
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")
    expect(undo(page)).to_be_hidden()
    expect(tile(page, "2.jpg")).to_be_focused()

    remove_by_key(page, "3.jpg")
    expect(undo(page)).to_be_focused()
    remove_by_key(page, "1.jpg")
    expect(page.get_by_text("2 photos removed.")).to_be_visible()
    expect_both_show("4.jpg", "2.jpg")
    undo(page).click()
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")


def test_only_own_photos_can_be_removed(page: Page, gallery: Gallery, guest: Guest) -> None:
    open_watching(page, gallery)
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
    wait_for_animations(page)

    network = Network(page)
    network.set(offline=True)
    remove.click()
    expect(page.get_by_text("It could not be removed just now; please try again.")).to_be_visible()
    expect(lightbox(page)).to_contain_text("2.jpg")
    assert [photo["name"] for photo in gallery.photos()] == ["2.jpg", "1.jpg"]
    network.set()
    remove.click()
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    expect_shown(page, "1.jpg")
    assert [photo["name"] for photo in gallery.photos()] == ["1.jpg"]


def test_the_name_is_asked_for_once_and_for_shared_photos(page: Page, gallery: Gallery) -> None:
    # However quickly the photos are safe: before there is anything to be seen of them.
    slower = {"SHOWN_EVERY_MS = 100;": "SHOWN_EVERY_MS = 1000;"}
    replace_in_script(page, "upload-summary.js", slower)
    open_gallery(page, gallery)
    question = page.get_by_text(QUESTION)
    expect(question).to_be_hidden()
    choose_visibility(page, "Only me")
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(question).to_be_hidden()
    choose_visibility(page, "Everyone")
    add_photos(page, ("2.jpg", small_photo(2)))
    expect(question).to_be_visible()
    page.get_by_role("button", name="No, thanks").click()
    expect(question).to_be_hidden()
    page.unroute_all()
    for number in (3, 4):
        add_photos(page, (f"{number}.jpg", small_photo(number)))
        expect(tile(page, f"{number}.jpg")).to_be_visible()
        expect(question).to_be_hidden()
        open_gallery(page, gallery)


def test_a_name_is_seen_by_everybody_at_once_and_can_be_changed_and_taken_back(
    page: Page, another: Page, gallery: Gallery
) -> None:
    open_gallery(page, gallery)
    add_photos(page, ("1.jpg", small_photo(1)))
    open_watching(another, gallery)
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

    for typed, seen in (
        ("\u202eAnn\u200f \u0007Lee", "Ann Lee"),
        ("', \"><script>fail()</script>", "', \"><script>fail()</script>"),
        ("n" * 99, "n" * 60),
    ):
        name_oneself(page, typed)
        expect(sender).to_have_text(f"by {seen}")

    page.route("**/api/guest", lambda route: route.abort(), times=1)
    ask_name_by_menu(page).get_by_role("textbox").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_have_text(
        "It could not be saved just now; please try again."
    )
    dialog.get_by_role("button", name="Save").click()
    expect(sender).to_have_text("by Anna")
    expect(dialog).to_be_hidden()

    name_oneself(page, "")
    expect(sender).to_be_hidden()
    assert gallery.photos()[0]["by"]["name"] is None


def test_a_name_is_told_again_to_a_server_that_forgot_it(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    name_oneself(page, "Ann")
    page.context.clear_cookies()
    with page.expect_response("**/api/guest") as told:
        open_gallery(page, gallery)
    assert told.value.status == 204
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(page.get_by_text(QUESTION)).to_be_hidden()
    assert gallery.photos()[0]["by"]["name"] == "Ann"
    expect(ask_name_by_menu(page).get_by_role("textbox")).to_have_value("Ann")
