"""The page is accessible, whatever it shows: axe-core finds nothing serious, light or dark."""

import pytest
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes


@pytest.fixture
def expected_errors() -> list[str]:
    return [ui.REFUSED, ui.UNREACHABLE]


@ui.in_all_corners
def test_uploading_is_accessible(page: Page, gallery: Gallery, corners: ui.Corners) -> None:
    ui.open_gallery(page, gallery)
    ui.expect_accessible(page, corners)
    page.get_by_role("button", name="More ways to add").click()
    ui.expect_accessible(page, corners)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Menu").click()
    ui.expect_accessible(page, corners)
    page.keyboard.press("Escape")
    ui.send_privately(page, "1.jpg")
    gate = ui.Gate(page)
    ui.add_photos(page, ("a.jpg", photo_bytes("jpg", size=(900, 600))), ("b.jpg", b"no photo"))
    gate.wait_until_held()
    expect(ui.rows(page)).to_have_count(2)
    ui.expect_accessible(page, corners)
    gate.open()
    expect(ui.rows(page)).to_have_count(1)
    expect(ui.tiles(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Skip")).to_be_visible()
    ui.expect_accessible(page, corners)
    page.get_by_role("textbox", name="Who's adding these?").fill("Ann")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Done").click()
    ui.ask_name_by_menu(page)
    ui.expect_accessible(page, corners)
    page.keyboard.press("Escape")

    ui.tiles(page).first.click()
    expect(ui.lightbox(page).get_by_role("button", name="Remove")).to_be_visible()
    expect(ui.lightbox(page).get_by_role("button", name="by Ann")).to_be_visible()
    ui.wait_for_animations(page)
    ui.expect_accessible(page, corners)
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("Only visible to you")
    ui.expect_accessible(page, corners)
    page.get_by_role("button", name="Info").click()
    ui.expect_accessible(page, corners)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    ui.expect_accessible(page, corners)


@ui.in_all_corners
def test_searching_is_accessible(page: Page, gallery: Gallery, corners: ui.Corners) -> None:
    add_many(gallery, 200)
    ui.open_gallery(page, gallery)
    page.get_by_role("slider", name="Place in the gallery").press("End")
    gallery.send(("a.jpg", photo_bytes("jpg")))
    expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
    ui.expect_accessible(page, corners)
    ui.search_box(page).fill("19")
    expect(ui.search(page).get_by_role("status")).to_have_text("12 photos")
    ui.expect_accessible(page, corners)
    ui.search_box(page).fill("nothing")
    expect(page.get_by_text("No photos found")).to_be_visible()
    page.keyboard.press("Enter")
    expect(ui.chip(page, "“nothing”")).to_be_visible()
    ui.expect_accessible(page, corners)


def test_waiting_for_the_network_is_accessible(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.upload_without_a_network(page)
    ui.expect_accessible(page)
    ui.wait_until_page_may_close(page)
    page.reload()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    ui.expect_accessible(page)


def test_the_plain_gallery_is_accessible(page: Page, gallery: Gallery) -> None:
    gallery.send(("a.jpg", photo_bytes("jpg")))
    page.goto(f"{gallery.url}/plain")
    ui.expect_accessible(page)


def test_all_of_the_page_is_in_a_landmark(page: Page, gallery: Gallery) -> None:
    """Also what leads through a long gallery."""
    add_many(gallery, 300)
    ui.open_gallery(page, gallery)
    expect(page.get_by_role("slider", name="Place in the gallery")).to_be_attached()
    ui.expect_accessible(page)
    outside = page.evaluate("() => axe.run({ runOnly: ['region'] }).then((it) => it.violations)")
    assert outside == []


def test_pages_of_few_words_are_accessible(page: Page, gallery: Gallery) -> None:
    for path, words in (("/poster", "Scan"), ("/uploads/1.jpg", "photo")):
        page.goto(f"{gallery.url}{path}")
        expect(page.get_by_text(words).first).to_be_visible()
        ui.expect_accessible(page)


def test_what_fails_is_said_within_the_dialog_that_covers_the_page(
    page: Page, gallery: Gallery
) -> None:
    """Nothing outside of it is heard."""
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg")
    gate = ui.Gate(page)
    ui.add_photos(page, ("2.jpg", b"no photo"))
    gate.wait_until_held()
    ui.enlarge(page, "1.jpg")
    gate.open()
    said = ui.lightbox(page).get_by_role("status").filter(has_text="2.jpg: ")
    expect(said).to_have_count(1)


@pytest.mark.parametrize("is_enlarged", [False, True])
def test_a_macs_delete_key_removes_a_photo(page: Page, gallery: Gallery, is_enlarged: bool) -> None:
    """It is called Backspace."""
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg", "2.jpg")
    if is_enlarged:
        ui.enlarge(page, "1.jpg")
    else:
        ui.tile(page, "1.jpg").focus()
    page.keyboard.press("Backspace")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    if is_enlarged:
        ui.close_lightbox(page)
    ui.expect_shown(page, "2.jpg")
