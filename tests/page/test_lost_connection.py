"""What goes wrong between the page and its server costs nobody a photo, or their place."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, Route, expect

from server.catalog import Catalog, Which
from tests.page.test_live_gallery import (
    ASKING,
    NO_CONNECTION,
    STREAM,
    open_watching,
    send,
    small_photo,
    tile,
)
from tests.page.test_uploading import REFUSED, add_photos, tiles, until_nothing_moves
from tests.support.engines import database_of
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.waiting import wait_until

PHOTOS = 600
"""More than can be told one by one."""
DEEP = "60.png"


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    with closing(Guest(live_server.url)) as guest:
        yield guest


def change_all(server: RunningServer, ids: list[str]) -> None:
    """A host hides them all and shows them again, at once."""
    with database_of(server.data) as database:
        for standing in ("hidden", "shown"):
            for some in (ids[: PHOTOS // 2], ids[PHOTOS // 2 :]):
                Catalog(database).change_photos(Which(some), standing=standing)


def abort(route: Route) -> None:
    route.abort()


def scroll_to(page: Page, name: str) -> None:
    tiles(page).first.focus()
    page.keyboard.press("End")
    for _ in range(PHOTOS):
        if tile(page, name).count():
            break
        page.keyboard.press("ArrowUp")
    tile(page, name).focus()
    until_nothing_moves(page)


def test_who_missed_more_than_can_be_told_keeps_their_place(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors += [NO_CONNECTION, REFUSED]  # of pictures that are hidden just then
    ids = add_many(live_server, PHOTOS)
    send(guest, "3.jpg", "2.jpg")
    open_watching(page, live_server)
    scroll_to(page, DEEP)
    before = tile(page, DEEP).bounding_box()
    page.route(STREAM, abort)
    page.route(ASKING, abort)
    page.evaluate("() => dispatchEvent(new Event('online'))")  # which lets go of the stream
    change_all(live_server, ids)
    guest.remove("3.jpg")
    send(guest, "1.jpg")
    page.unroute(STREAM)
    page.unroute(ASKING)
    with page.expect_response("**/api/outline*"):
        page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
    assert tile(page, DEEP).bounding_box() == pytest.approx(before, abs=1)
    page.keyboard.press("Home")
    expect(tile(page, "1.jpg")).to_be_visible()
    expect(tile(page, "3.jpg")).to_have_count(0)


def test_a_photo_that_went_with_many_changes_is_gone_from_the_lightbox_too(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors += [NO_CONNECTION, REFUSED]  # of pictures that are hidden just then
    ids = add_many(live_server, PHOTOS)
    send(guest, "1.jpg", "2.jpg")
    open_watching(page, live_server)
    tile(page, "1.jpg").click()
    expect(page.get_by_role("dialog")).to_contain_text("1.jpg")
    page.route(STREAM, abort)
    page.route(ASKING, abort)
    page.evaluate("() => dispatchEvent(new Event('online'))")
    guest.remove("1.jpg")
    change_all(live_server, ids)
    page.unroute(STREAM)
    page.unroute(ASKING)
    with page.expect_response("**/api/outline*"):
        page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.get_by_role("dialog")).to_contain_text("This photo was removed.")


def test_older_photos_are_known_while_newer_ones_keep_arriving(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    add_many(live_server, PHOTOS)
    outlines: list[Route] = []
    page.route("**/api/outline*", lambda route: outlines.append(route))
    open_watching(page, live_server)
    wait_until(lambda: bool(page.evaluate("1")) and len(outlines) == 1)
    [outline] = outlines
    answer = outline.fetch()  # older than what the page knows when it gets it
    send(guest, *(f"{number}.jpg" for number in range(1, 4)))
    expect(tile(page, "3.jpg")).to_be_visible()
    with page.expect_response(ASKING):
        outline.fulfill(response=answer)
    tiles(page).first.focus()
    wait_until(lambda: is_at_the_end(page, "1.png"))
    assert len(outlines) == 1


def is_at_the_end(page: Page, name: str) -> bool:
    page.keyboard.press("End")
    return tile(page, name).count() == 1


def test_a_search_whose_answer_was_lost_is_asked_again(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_CONNECTION)
    add_many(live_server, 30)
    open_watching(page, live_server)
    page.route("**/api/photos?*q=*", abort, times=1)
    page.get_by_role("searchbox", name="Search by name or person").fill("17")
    expect(tiles(page)).to_have_count(1)
    send(guest, "17.jpg")
    expect(tiles(page)).to_have_count(2)


def test_photos_whose_answer_was_lost_are_asked_for_again(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_CONNECTION)
    add_many(live_server, PHOTOS)
    with page.expect_response("**/api/outline*"):
        open_watching(page, live_server)
    page.route("**/api/photos?ids=*", abort, times=1)
    tiles(page).first.focus()
    with page.expect_event("requestfailed"):
        page.keyboard.press("End")
    expect(tile(page, "1.png")).to_be_visible()


def test_a_search_in_the_midst_of_asking_for_changes_is_answered(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_CONNECTION)
    add_many(live_server, 30)
    page.route(STREAM, abort)
    held: list[Route] = []
    page.route(ASKING, lambda route: held.append(route), times=1)
    page.goto(live_server.url)
    expect(tiles(page)).to_have_count(30)
    wait_until(lambda: page.evaluate("1") == 1 and len(held) == 1)
    page.get_by_role("searchbox", name="Search by name or person").fill("17")
    page.wait_for_function("() => document.querySelector('[role=search]').ariaBusy === 'true'")
    held[0].continue_()
    expect(tiles(page)).to_have_count(1)
    send(guest, "17.jpg")
    expect(tiles(page)).to_have_count(2)


def test_an_undo_that_does_not_arrive_can_be_tried_again(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_CONNECTION)
    open_watching(page, live_server)
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(tile(page, "1.jpg")).to_be_visible()
    tile(page, "1.jpg").press("Delete")
    page.route("**/restore", abort, times=1)
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    expect(page.get_by_text("It could not be undone just now; please try again.")).to_be_visible()
    expect(tiles(page)).to_have_count(0)
    undo.click()
    expect(tile(page, "1.jpg")).to_be_visible()
