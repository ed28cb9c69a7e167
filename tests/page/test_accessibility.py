"""Accessibility: axe-core finds nothing serious on the page, whatever it shows, light or dark."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.gallery_server import Gallery
from tests.support.many_photos import add_many
from tests.support.page import (
    REFUSED,
    UNREACHABLE,
    Corners,
    add_photos,
    choose_visibility,
    expect_accessible,
    in_all_corners,
    lightbox,
    open_gallery,
    rows,
    search,
    search_box,
    send_privately,
    serious_findings,
    tiles,
    upload_without_a_network,
    wait_for_animations,
    wait_until_page_may_close,
)
from tests.support.photos import photo_bytes


@pytest.fixture
def expected_errors() -> list[str]:
    return [REFUSED, UNREACHABLE]


@in_all_corners
def test_axe_finds_nothing_while_uploading(page: Page, gallery: Gallery, corners: Corners) -> None:
    open_gallery(page, gallery)
    choose_visibility(page, "Only me")
    expect_accessible(page, corners)
    page.get_by_role("button", name="Menu").click()
    expect_accessible(page, corners)
    page.keyboard.press("Escape")
    send_privately(page, "1.jpg")
    choose_visibility(page, "Everyone")
    add_photos(page, ("a.jpg", photo_bytes("jpg", size=(900, 600))), ("b.jpg", b"no photo"))
    expect(rows(page)).to_have_count(1)
    expect(tiles(page)).to_have_count(2)
    expect(page.get_by_role("button", name="No, thanks")).to_be_visible()
    expect_accessible(page, corners)
    page.get_by_role("button", name="Add your name").click()
    expect_accessible(page, corners)
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Done").click()

    tiles(page).first.click()
    expect(lightbox(page).get_by_role("button", name="Remove a.jpg")).to_be_visible()
    expect(lightbox(page).get_by_role("button", name="by Ann")).to_be_visible()
    wait_for_animations(page)
    expect_accessible(page, corners)
    page.keyboard.press("ArrowRight")
    expect(lightbox(page)).to_contain_text("Only you see this photo.")
    expect_accessible(page, corners)
    page.get_by_role("button", name="Remove 1.jpg").click()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    expect_accessible(page, corners)


@in_all_corners
def test_axe_finds_nothing_while_searching(page: Page, gallery: Gallery, corners: Corners) -> None:
    add_many(gallery, 200)
    open_gallery(page, gallery)
    page.get_by_role("slider", name="Place in the gallery").press("End")
    gallery.send(("a.jpg", photo_bytes("jpg")))
    expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
    expect_accessible(page, corners)
    search_box(page).fill("19")
    expect(search(page).get_by_role("status")).to_have_text("12 photos")
    expect_accessible(page, corners)
    search_box(page).fill("nothing")
    expect(page.get_by_text("No photos match.")).to_be_visible()
    expect_accessible(page, corners)


def test_axe_finds_nothing_while_photos_wait_for_the_network(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    upload_without_a_network(page)
    assert serious_findings(page) == []
    wait_until_page_may_close(page)
    page.reload()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert serious_findings(page) == []


def test_axe_finds_nothing_in_the_plain_gallery(page: Page, gallery: Gallery) -> None:
    gallery.send(("a.jpg", photo_bytes("jpg")))
    page.goto(f"{gallery.url}/plain")
    assert serious_findings(page) == []
