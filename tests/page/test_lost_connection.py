"""A lost connection to the server costs nobody a photo, an answer or their place."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from server.catalog import Catalog, Which
from tests.support.engines import database_of
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.page import (
    ASKING,
    NO_CONNECTION,
    REFUSED,
    STREAM,
    add_photos,
    come_online,
    enlarge,
    lightbox,
    open_watching,
    remove_by_key,
    replace_in_script,
    search_box,
    send,
    small_photo,
    tile,
    tiles,
    wait_for_animations,
    wait_in_page,
)

PHOTOS = 600
"""More than the server tells one by one."""
DEEP = "60.png"


@pytest.fixture
def expected_errors() -> list[str]:
    return [NO_CONNECTION]


def hide_and_show(gallery: Gallery, ids: list[str]) -> None:
    """As a host does with all photos at once."""
    with database_of(gallery.data) as database:
        for standing in ("hidden", "shown"):
            for some in (ids[: PHOTOS // 2], ids[PHOTOS // 2 :]):
                Catalog(database).change_photos(Which(some), standing=standing)


def abort(route: Route) -> None:
    route.abort()


@contextmanager
def missing_changes(page: Page) -> Iterator[None]:
    """The page misses what happens in the block, and catches up by the outline of all photos."""
    page.route(STREAM, abort)
    page.route(ASKING, abort)
    come_online(page)  # which lets go of the stream
    yield
    page.unroute(STREAM)
    page.unroute(ASKING)
    with page.expect_response("**/api/outline*"):
        come_online(page)


def test_after_a_long_outage_one_keeps_ones_place_and_a_removed_photo_leaves_the_lightbox(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # of pictures that are hidden just then
    ids = add_many(gallery, PHOTOS)
    send(guest, "3.jpg", "2.jpg")
    open_watching(page, gallery)
    tiles(page).first.focus()
    page.keyboard.press("End")
    for _ in range(PHOTOS):
        if tile(page, DEEP).count():
            break
        page.keyboard.press("ArrowUp")
    tile(page, DEEP).focus()
    wait_for_animations(page)
    before = tile(page, DEEP).bounding_box()
    with missing_changes(page):
        hide_and_show(gallery, ids)
        guest.remove("3.jpg")
        send(guest, "1.jpg")
    expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
    assert tile(page, DEEP).bounding_box() == pytest.approx(before, abs=1)
    page.keyboard.press("Home")
    expect(tile(page, "1.jpg")).to_be_visible()
    expect(tile(page, "3.jpg")).to_have_count(0)
    enlarge(page, "2.jpg")
    with missing_changes(page):
        guest.remove("2.jpg")
        hide_and_show(gallery, ids)
    expect(lightbox(page)).to_contain_text("This photo was removed.")


def test_older_photos_are_there_while_newer_ones_arrive_and_an_answer_is_lost(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    add_many(gallery, 300)
    outlines: list[Route] = []
    page.route("**/api/outline*", lambda route: outlines.append(route))
    open_watching(page, gallery)
    wait_in_page(page, lambda: outlines)
    [outline] = outlines
    answer = outline.fetch()  # older than what the page knows when it gets it
    send(guest, *(f"{number}.jpg" for number in range(1, 4)))
    expect(tile(page, "3.jpg")).to_be_visible()
    more = page.get_by_role("button", name="Show more")
    expect(more).to_be_visible()
    with page.expect_response(ASKING):
        outline.fulfill(response=answer)
    expect(more).to_be_hidden()
    assert len(outlines) == 1
    page.route("**/api/photos?ids=*", abort, times=1)
    tiles(page).first.focus()
    with page.expect_event("requestfailed"):
        page.keyboard.press("End")
    expect(tile(page, "1.png")).to_be_visible()


def test_a_search_is_answered_while_changes_are_asked_for_and_when_its_answer_was_lost(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    add_many(gallery, 30)
    replace_in_script(page, "live.js", {"POLL_SECONDS = 3;": "POLL_SECONDS = 0.3;"})
    page.route(STREAM, abort)
    held: list[Route] = []
    page.route(ASKING, lambda route: held.append(route), times=1)
    page.goto(gallery.url)
    expect(tiles(page)).to_have_count(30)
    wait_in_page(page, lambda: held)
    search_box(page).fill("17")
    page.wait_for_function("() => document.querySelector('[role=search]').ariaBusy === 'true'")
    held[0].continue_()
    expect(tiles(page)).to_have_count(1)
    send(guest, "17.jpg")
    expect(tiles(page)).to_have_count(2)
    page.route("**/api/photos?*q=*", abort, times=1)
    search_box(page).fill("18")
    expect(tile(page, "18.png")).to_be_visible()
    send(guest, "18.jpg")
    expect(tiles(page)).to_have_count(2)


def test_an_undo_that_does_not_arrive_can_be_tried_again(page: Page, gallery: Gallery) -> None:
    open_watching(page, gallery)
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(tile(page, "1.jpg")).to_be_visible()
    remove_by_key(page, "1.jpg")
    page.route("**/restore", abort, times=1)
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    expect(page.get_by_text("It could not be undone just now; please try again.")).to_be_visible()
    expect(tiles(page)).to_have_count(0)
    undo.click()
    expect(tile(page, "1.jpg")).to_be_visible()
