"""One's own photos: removed and brought back by undo, and shown with one's name."""

import pytest
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest

QUESTION = "Who's adding these?"


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
    ui.lightbox(page).get_by_role("button", name="Remove").click()
    # It goes on to the next, and keeps the focus.
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    expect(ui.lightbox(page).get_by_role("button", name="Remove")).to_be_focused()
    expect(page.get_by_text("Photo removed.")).to_be_visible()
    expect_both_show("4.jpg", "3.jpg", "1.jpg")
    ui.press_enter_on(page, undo)
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")
    expect(undo).to_be_hidden()
    expect(ui.lightbox(page)).to_contain_text("2.jpg")
    ui.close_lightbox(page)
    expect(ui.tile(page, "2.jpg")).to_be_focused()

    ui.remove_by_key(page, "3.jpg")
    expect(undo).to_be_focused()
    ui.remove_by_key(page, "1.jpg")
    expect(page.get_by_text("2 photos removed.")).to_be_visible()
    page.route("**/restore", lambda route: route.abort())
    undo.click()
    expect(page.get_by_text("Couldn't undo it. Try again.")).to_be_visible()
    expect_both_show("4.jpg", "2.jpg")
    page.unroute("**/restore")
    undo.click()
    expect_both_show("4.jpg", "3.jpg", "2.jpg", "1.jpg")


def test_a_photo_opened_by_its_link_is_ones_own_once_the_page_knows_its_visitor(
    page: Page, gallery: Gallery
) -> None:
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg")
    [photo] = ui.own_photos(page)
    held = ui.Hold(page, "**/api/settings")
    page.goto("about:blank")
    page.goto(f"{gallery.url}/photo/{photo['id']}")
    remove = ui.lightbox(page).get_by_role("button", name="Remove")
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    expect(remove).to_be_disabled()
    held.release()
    remove.click()
    expect(ui.lightbox(page)).to_have_count(0)

    def expect_download_offered(is_offered: bool) -> None:
        page.get_by_role("button", name="Menu").click()
        menu = page.get_by_role("navigation", name="Gallery")
        expect(menu).to_be_visible()
        download = menu.get_by_role("link", name="Download my photos")
        expect(download).to_be_visible(visible=is_offered)
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()

    ui.expect_shown(page)
    expect_download_offered(False)
    page.get_by_role("button", name="Undo").click()
    ui.expect_shown(page, "1.jpg")
    expect_download_offered(True)


def test_ones_own_photos_are_found_by_the_menu(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    ui.open_watching(page, gallery)
    menu = page.get_by_role("navigation", name="Gallery")
    own = menu.get_by_role("button", name="My photos", exact=True)
    page.get_by_role("button", name="Menu").click()
    expect(menu).to_be_visible()
    expect(own).to_be_hidden()  # there are none
    page.keyboard.press("Escape")
    ui.send_as(page, "2.jpg")
    ui.expect_shown(page, "2.jpg", "1.jpg")
    page.get_by_role("button", name="Menu").click()
    own.click()
    expect(menu).to_be_hidden()
    ui.expect_shown(page, "2.jpg")
    page.get_by_role("button", name="Remove My photos").click()
    ui.expect_shown(page, "2.jpg", "1.jpg")
    ui.enlarge(page, "1.jpg")
    expect(ui.lightbox(page).get_by_text("Visible to everyone")).to_have_count(0)  # not one's own


def test_only_own_photos_can_be_removed(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.open_watching(page, gallery)
    ui.send(guest, "1.jpg")
    ui.send_as(page, "2.jpg")
    ui.expect_shown(page, "2.jpg", "1.jpg")
    ui.remove_by_key(page, "1.jpg")
    ui.enlarge(page, "1.jpg")
    remove = ui.lightbox(page).get_by_role("button", name="Remove")
    expect(ui.lightbox(page).get_by_role("link", name="Download")).to_be_visible()
    expect(remove).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(ui.lightbox(page)).to_contain_text("2.jpg")
    expect(remove).to_be_enabled()
    ui.wait_for_animations(page)

    page.context.set_offline(True)
    remove.click()
    expect(page.get_by_text("Couldn't remove it. Try again.")).to_be_visible()
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
    ui.replace_in_script(page, "upload/summary.js", slower)
    ui.open_gallery(page, gallery)
    question = page.get_by_text(QUESTION)
    expect(question).to_be_hidden()
    ui.add_privately(page, ("1.jpg", ui.small_photo(1)))
    ui.expect_all_safe(page, 1)
    expect(question).to_be_hidden()
    ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
    expect(question).to_be_visible()
    page.get_by_role("button", name="Skip").click()
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

    field = page.get_by_role("textbox", name=QUESTION)
    field.fill("Ann")
    page.route("**/api/guest", lambda route: route.abort(), times=1)
    page.keyboard.press("Enter")
    expect(ui.summary(page).get_by_role("alert")).to_contain_text("Couldn't save your name.")
    page.get_by_role("button", name="Add name").click()
    expect(page.get_by_text("Thanks, Ann!")).to_be_visible()
    expect(sender).to_have_text("Ann")
    expect(page.get_by_text(QUESTION)).to_be_hidden()

    for typed, seen in (
        ("\u202eAnn\u200f \u0007Lee", "Ann Lee"),
        ("', \"><script>fail()</script>", "', \"><script>fail()</script>"),
        ("n" * 99, "n" * 60),
    ):
        ui.name_oneself(page, typed)
        expect(sender).to_have_text(seen)

    page.route("**/api/guest", lambda route: route.abort(), times=1)
    dialog = ui.ask_name_by_menu(page)
    dialog.get_by_role("textbox").fill("Anna")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Couldn't save your name. Try again.")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(sender).to_have_text("Anna")
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
    ui.expect_all_safe(page, 1)
    expect(page.get_by_text(QUESTION)).to_be_hidden()
    assert gallery.photos()[0]["by"]["name"] == "Ann"
    expect(ui.ask_name_by_menu(page).get_by_role("textbox")).to_have_value("Ann")


def test_a_broken_memory_of_the_name_costs_nothing_but_the_name(
    page: Page, gallery: Gallery
) -> None:
    page.add_init_script("localStorage.setItem('dropwall-sender', '{')")
    ui.open_gallery(page, gallery)
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(page.get_by_text(QUESTION)).to_be_visible()


def test_undo_stays_while_it_has_the_focus_or_the_pointer(page: Page, gallery: Gallery) -> None:
    page.clock.install()
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg", "2.jpg")
    ui.remove_by_key(page, "2.jpg")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.clock.run_for(15_000)
    expect(undo).to_be_focused()
    undo.hover()  # before the focus leaves it: a second later it would be gone
    ui.tile(page, "1.jpg").focus()
    page.clock.run_for(5_000)
    expect(undo).to_be_visible()
    page.mouse.move(5, 5)
    page.clock.run_for(2_000)
    expect(undo).to_be_hidden()


def test_a_sentence_is_said_where_it_is_heard(page: Page, gallery: Gallery) -> None:
    """The region is there before it is filled, and within the dialog that covers all else."""
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg")
    ui.enlarge(page, "1.jpg")
    region = ui.lightbox(page).get_by_role("status").last
    expect(region).to_have_text("")
    ui.change_in_lightbox(page, "Make private", "1.jpg")
    expect(region).to_contain_text("Now private")
    ui.close_lightbox(page)
    expect(page.get_by_text("Now private")).to_be_visible()
