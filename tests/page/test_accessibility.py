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
    ui.choose_visibility(page, "Only me")
    ui.expect_accessible(page, corners)
    page.get_by_role("button", name="Menu").click()
    ui.expect_accessible(page, corners)
    page.keyboard.press("Escape")
    ui.send_privately(page, "1.jpg")
    ui.choose_visibility(page, "Everyone")
    ui.add_photos(page, ("a.jpg", photo_bytes("jpg", size=(900, 600))), ("b.jpg", b"no photo"))
    expect(ui.rows(page)).to_have_count(1)
    expect(ui.tiles(page)).to_have_count(2)
    expect(page.get_by_role("button", name="No, thanks")).to_be_visible()
    ui.expect_accessible(page, corners)
    page.get_by_role("button", name="Add your name").click()
    ui.expect_accessible(page, corners)
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Done").click()

    ui.tiles(page).first.click()
    expect(ui.lightbox(page).get_by_role("button", name="Remove a.jpg")).to_be_visible()
    expect(ui.lightbox(page).get_by_role("button", name="by Ann")).to_be_visible()
    ui.wait_for_animations(page)
    ui.expect_accessible(page, corners)
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("Only you see this photo.")
    ui.expect_accessible(page, corners)
    page.get_by_role("button", name="Remove 1.jpg").click()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
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
    expect(page.get_by_text("No photos match.")).to_be_visible()
    ui.expect_accessible(page, corners)


def test_waiting_for_the_network_is_accessible(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.upload_without_a_network(page)
    assert ui.serious_findings(page) == []
    ui.wait_until_page_may_close(page)
    page.reload()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert ui.serious_findings(page) == []


def test_the_plain_gallery_is_accessible(page: Page, gallery: Gallery) -> None:
    gallery.send(("a.jpg", photo_bytes("jpg")))
    page.goto(f"{gallery.url}/plain")
    assert ui.serious_findings(page) == []
