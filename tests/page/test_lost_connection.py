"""A lost connection to the server costs nobody a photo, an answer or their place."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from dropwall.catalog.photos import PhotoFilter, change_photos
from tests.support import page as ui
from tests.support.engines import database_of
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many

PHOTOS = 5_200
"""More than the server tells one by one."""


@pytest.fixture
def expected_errors() -> list[str]:
    return [ui.NO_CONNECTION]


def hide_and_show(gallery: Gallery, ids: list[str]) -> None:
    """As a host does with all photos at once."""
    with database_of(gallery.data) as database:
        for standing in ("hidden", "shown"):
            for some in (ids[: PHOTOS // 2], ids[PHOTOS // 2 :]):
                change_photos(database, PhotoFilter(some), standing=standing)


def abort(route: Route) -> None:
    route.abort()


@contextmanager
def missing_changes(page: Page) -> Iterator[None]:
    """The page misses what happens in the block, and catches up by the outline of all photos."""
    page.route(ui.STREAM, abort)
    page.route(ui.ASKING, abort)
    ui.come_online(page)  # which lets go of the stream
    yield
    page.unroute(ui.STREAM)
    page.unroute(ui.ASKING)
    with page.expect_response("**/api/outline*"):
        ui.come_online(page)


def test_a_long_outage_keeps_the_place_and_a_removed_photo_leaves_the_lightbox(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)  # of pictures that are hidden just then
    ids = add_many(gallery, PHOTOS)
    ui.send(guest, "3.jpg", "2.jpg")
    ui.open_watching(page, gallery)
    page.goto(f"{gallery.url}/photo/{ids[PHOTOS - 60]}")
    expect(ui.lightbox(page)).to_contain_text("60.png")
    ui.wait_for_animations(page)
    ui.close_lightbox(page)
    deep = ui.tile(page, "60.png")
    expect(deep).to_be_focused()
    before = deep.bounding_box()
    removed = ui.tile(page, "3.jpg")
    with missing_changes(page):
        hide_and_show(gallery, ids)
        guest.remove("3.jpg")
        ui.send(guest, "1.jpg")
    expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
    assert deep.bounding_box() == pytest.approx(before, abs=1)
    page.keyboard.press("Home")
    expect(ui.tile(page, "1.jpg")).to_be_visible()
    expect(removed).to_have_count(0)
    ui.enlarge(page, "2.jpg")
    with missing_changes(page):
        guest.remove("2.jpg")
        hide_and_show(gallery, ids)
    expect(ui.lightbox(page)).to_contain_text("This photo was removed.")


def test_older_photos_load_despite_lost_answers(page: Page, gallery: Gallery, guest: Guest) -> None:
    add_many(gallery, 300)
    outlines: list[Route] = []
    page.route("**/api/outline*", lambda route: outlines.append(route))
    ui.open_watching(page, gallery)
    ui.wait_in_page(page, lambda: outlines)
    [outline] = outlines
    answer = outline.fetch()  # older than what the page knows when it gets it
    ui.send(guest, *(f"{number}.jpg" for number in range(1, 4)))
    expect(ui.tile(page, "3.jpg")).to_be_visible()
    more = page.get_by_role("button", name="Show more")
    expect(more).to_be_visible()
    with page.expect_response(ui.ASKING):
        outline.fulfill(response=answer)
    expect(more).to_be_hidden()
    assert len(outlines) == 1
    page.route("**/api/photos?ids=*", abort, times=1)
    ui.tiles(page).first.focus()
    with page.expect_event("requestfailed"):
        page.keyboard.press("End")
    expect(ui.tile(page, "1.png")).to_be_visible()


def test_a_search_survives_lost_answers(page: Page, gallery: Gallery, guest: Guest) -> None:
    add_many(gallery, 30)
    ui.replace_in_script(page, "gallery/live.js", {"POLL_MS = 4_000;": "POLL_MS = 400;"})
    page.route(ui.STREAM, abort)
    held: list[Route] = []
    page.route(ui.ASKING, lambda route: held.append(route), times=1)
    page.goto(gallery.url)
    expect(ui.tiles(page)).to_have_count(30)
    ui.wait_in_page(page, lambda: held)
    ui.search_box(page).fill("17")
    page.wait_for_function("() => document.querySelector('[role=search]').ariaBusy === 'true'")
    held[0].continue_()
    expect(ui.tiles(page)).to_have_count(1)
    ui.send(guest, "17.jpg")
    expect(ui.tiles(page)).to_have_count(2)
    page.route("**/api/photos?*q=*", abort, times=1)
    ui.search_box(page).fill("18")
    expect(ui.tile(page, "18.png")).to_be_visible()
    ui.send(guest, "18.jpg")
    expect(ui.tiles(page)).to_have_count(2)
