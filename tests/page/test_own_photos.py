"""One's own photos: removed and brought back by undo, and shown with one's name."""

import pytest
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest

QUESTION = "Shall the others see whose photos these are?"


@pytest.fixture
def expected_errors() -> list[str]:
    """A picture may be asked for just as it is removed; some tests cut the network off."""
    return [ui.REFUSED, ui.NO_CONNECTION]


def test_undo_brings_photos_back(page: Page, another: Page, gallery: Gallery, guest: Guest) -> None:
    ui.open_watching(page, gallery)
    ui.open_watching(another, gallery)
    ui.send_as(page, "1.jpg", "2.jpg", "3.jpg")
    ui.send(guest, "4.jpg")

    def expect_both_show(*names: str) -> None:
        for each in (page, another):
            ui.expect_shown(each, *names)

    undo = page.get_by_role("button", name="Undo")
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")
    ui.enlarge(page, "2.jpg")
    ui.lightbox(page).get_by_role("button", name="Remove 2.jpg").click()
    expect(ui.lightbox(page)).to_have_count(0)
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    expect(undo).to_be_focused()
    expect_both_show("4.jpg", "3.jpg", "1.jpg")
    page.keyboard.press("Enter")
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")
    expect(undo).to_be_hidden()
    expect(ui.tile(page, "2.jpg")).to_be_focused()

    ui.remove_by_key(page, "3.jpg")
    expect(undo).to_be_focused()
    ui.remove_by_key(page, "1.jpg")
    expect(page.get_by_text("2 photos removed.")).to_be_visible()
    page.route("**/restore", lambda route: route.abort())
    undo.click()
    expect(page.get_by_text("It could not be undone just now; please try again.")).to_be_visible()
    expect_both_show("4.jpg", "2.jpg")
    page.unroute("**/restore")
    undo.click()
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")


def test_only_own_photos_can_be_removed(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.open_watching(page, gallery)
    ui.send(guest, "1.jpg")
    ui.send_as(page, "2.jpg")
    ui.expect_shown(page, "2.jpg", "1.jpg")
    ui.remove_by_key(page, "1.jpg")
    ui.enlarge(page, "1.jpg")
    remove = ui.lightbox(page).get_by_role("button", name="Remove")
    expect(ui.lightbox(page).get_by_role("link", name="Download 1.jpg")).to_be_visible()
    expect(remove).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(remove).to_have_accessible_name("Remove 2.jpg")
    ui.wait_for_animations(page)

    page.context.set_offline(True)
    remove.click()
    expect(page.get_by_text("It could not be removed just now; please try again.")).to_be_visible()
    expect(ui.lightbox(page)).to_contain_text("2.jpg")
    assert len(gallery.photos()) == 2
    page.context.set_offline(False)
    remove.click()
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    ui.expect_the_same_as(gallery, page)
    ui.expect_shown(page, "1.jpg")


def test_whoever_shares_a_photo_is_asked_once_for_a_name(page: Page, gallery: Gallery) -> None:
    # However quickly the photos are safe: before there is anything to be seen of them.
    slower = {"SHOWN_EVERY_MS = 100;": "SHOWN_EVERY_MS = 1000;"}
    ui.replace_in_script(page, "upload-summary.js", slower)
    ui.open_gallery(page, gallery)
    question = page.get_by_text(QUESTION)
    expect(question).to_be_hidden()
    ui.choose_visibility(page, "Only me")
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(ui.summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(question).to_be_hidden()
    ui.choose_visibility(page, "Everyone")
    ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
    expect(question).to_be_visible()
    page.get_by_role("button", name="No, thanks").click()
    expect(question).to_be_hidden()
    page.unroute_all()
    for number in (3, 4):
        ui.add_photos(page, (f"{number}.jpg", ui.small_photo(number)))
        expect(ui.tile(page, f"{number}.jpg")).to_be_visible()
        expect(question).to_be_hidden()
        ui.open_gallery(page, gallery)


def test_everybody_sees_a_changed_name_at_once(page: Page, another: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    ui.open_watching(another, gallery)
    ui.enlarge(another, "1.jpg")
    sender = ui.lightbox(another).get_by_role("button", name="by ")
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
        ui.name_oneself(page, typed)
        expect(sender).to_have_text(f"by {seen}")

    page.route("**/api/guest", lambda route: route.abort(), times=1)
    ui.ask_name_by_menu(page).get_by_role("textbox").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_have_text(
        "It could not be saved just now; please try again."
    )
    dialog.get_by_role("button", name="Save").click()
    expect(sender).to_have_text("by Anna")
    expect(dialog).to_be_hidden()

    ui.name_oneself(page, "")
    expect(sender).to_be_hidden()
    assert gallery.photos()[0]["by"]["name"] is None


def test_a_name_is_sent_again_to_a_server_that_forgot_it(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.name_oneself(page, "Ann")
    page.context.clear_cookies()
    with page.expect_response("**/api/guest") as told:
        ui.open_gallery(page, gallery)
    assert told.value.status == 204
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(ui.summary(page)).to_contain_text("1 of 1 photo is safe")
    expect(page.get_by_text(QUESTION)).to_be_hidden()
    assert gallery.photos()[0]["by"]["name"] == "Ann"
    expect(ui.ask_name_by_menu(page).get_by_role("textbox")).to_have_value("Ann")
