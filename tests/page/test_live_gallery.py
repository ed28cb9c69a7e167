"""The gallery is live: photos of others come and go by themselves, and disturb nobody."""

from contextlib import closing

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.support.cable import cable_to
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.page import (
    ASKING,
    IS_HIDDEN,
    NO_CONNECTION,
    REFUSED,
    STREAM,
    UNREACHABLE,
    enlarge,
    expect_shown,
    expect_the_same_as,
    is_stream,
    lightbox,
    open_watching,
    replace_in_script,
    send,
    shown,
    tile,
    wait_for_animations,
)
from tests.support.waiting import wait_until


def make_impatient(page: Page) -> None:
    quicker = {
        "POLL_SECONDS = 3;": "POLL_SECONDS = 0.3;",
        "SILENCE_MS = 40_000;": "SILENCE_MS = 1_500;",
        "SHORT_LIVED_MS = 5_000;": "SHORT_LIVED_MS = 100;",
        "FIRST_PUT_OFF_MS = 5_000;": "FIRST_PUT_OFF_MS = 500;",
    }
    replace_in_script(page, "live.js", quicker)


def scroll(page: Page, pixels: int) -> None:
    page.mouse.move(600, 400)
    before = page.evaluate("() => scrollY")
    page.mouse.wheel(0, pixels)
    page.wait_for_function("(before) => scrollY !== before", arg=before)
    page.evaluate("() => new Promise(requestAnimationFrame)")


def test_photos_of_others_come_and_go_by_the_stream_alone_and_fade_in_where_motion_is_wanted(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    page.emulate_media(reduced_motion="no-preference")
    open_watching(page, gallery)
    page.route(ASKING, lambda route: route.abort())
    page.evaluate(
        """() => {
            window.moved = 0; // milliseconds that the slowest motion took
            for (const name of ["animationstart", "transitionrun"]) {
                document.querySelector("main").addEventListener(name, () => {
                    for (const { effect } of document.getAnimations()) {
                        window.moved = Math.max(window.moved, effect.getTiming().duration);
                    }
                });
            }
        }"""
    )
    send(guest, "1.jpg")
    expect(tile(page, "1.jpg")).to_be_visible()
    page.wait_for_function("() => moved > 100")
    page.emulate_media(reduced_motion="reduce")
    wait_for_animations(page)
    page.evaluate("() => (moved = 0)")
    send(guest, "2.jpg")
    expect(tile(page, "2.jpg")).to_be_visible()
    page.wait_for_function("() => document.querySelector('main img[data-loaded]')")
    assert page.evaluate("() => moved") == 0
    guest.remove("1.jpg")
    expect(tile(page, "1.jpg")).to_have_count(0)
    expect(page.get_by_text("1 photo", exact=True)).to_be_visible()
    expect_shown(page, "2.jpg")


def test_new_photos_move_neither_what_one_looks_at_nor_the_focus(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    add_many(gallery, 90)
    open_watching(page, gallery)
    scroll(page, 2_500)
    name_in_view = page.evaluate(
        """() => document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest("li")
            .querySelector("img").alt"""
    )
    in_view = tile(page, name_in_view)
    in_view.focus()
    before = in_view.bounding_box()
    send(guest, "1.jpg", "2.jpg", "3.jpg")
    pill = page.get_by_role("button", name="3 new photos")
    expect(pill).to_be_visible()
    assert in_view.bounding_box() == pytest.approx(before, abs=1)
    expect(in_view).to_be_focused()
    pill.click()
    expect(tile(page, "3.jpg")).to_be_in_viewport(ratio=1)
    expect(tile(page, "3.jpg")).to_be_focused()
    pill = page.get_by_role("button", name="new photo")
    expect(pill).to_be_hidden()
    scroll(page, 2_500)
    send(guest, "4.jpg")
    expect(pill).to_have_text("1 new photo")
    scroll(page, -10_000)
    expect(pill).to_be_hidden()
    expect(tile(page, "4.jpg")).to_be_in_viewport()


def test_the_lightbox_says_that_its_photo_was_removed_elsewhere(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # its large picture may be asked for just then
    send(guest, "1.jpg", "2.jpg", "3.jpg")
    open_watching(page, gallery)
    enlarge(page, "2.jpg")
    guest.remove("2.jpg")
    expect(lightbox(page)).to_contain_text("This photo was removed.")
    expect(lightbox(page).get_by_role("link", name="Download")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(lightbox(page)).to_contain_text("1.jpg")
    wait_for_animations(page)
    page.keyboard.press("ArrowLeft")
    wait_for_animations(page)
    expect(lightbox(page).get_by_text("This photo was removed.")).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    expect(lightbox(page)).to_contain_text("3.jpg")
    wait_for_animations(page)
    page.keyboard.press("Escape")
    expect(lightbox(page)).to_have_count(0)
    expect_shown(page, "3.jpg", "1.jpg")
    expect(tile(page, "3.jpg")).to_be_focused()


def test_a_hidden_tab_closes_its_stream_and_catches_up_when_it_is_seen(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    send(guest, "1.jpg", "2.jpg")
    open_watching(page, gallery)
    expect_shown(page, "2.jpg", "1.jpg")
    with page.expect_event("requestfailed", lambda request: "/api/live" in request.url):
        page.evaluate(IS_HIDDEN, True)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    send(guest, "3.jpg")
    guest.remove("1.jpg")
    assert shown(page) == ["2.jpg", "1.jpg"]
    assert asked == []
    with page.expect_response(is_stream):
        page.evaluate(IS_HIDDEN, False)
    expect_shown(page, "3.jpg", "2.jpg")


def test_without_a_stream_the_page_polls_and_says_when_nothing_answers(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors += [REFUSED, UNREACHABLE]
    full_house = "No more can watch just now; new photos are shown every few seconds instead."
    make_impatient(page)
    page.route("**/api/photos*", lambda route: route.abort())
    page.route(STREAM, lambda route: route.fulfill(status=503, body=full_house))
    page.goto(gallery.url)
    no_answer = page.get_by_text("The gallery does not answer just now.")
    expect(no_answer).to_be_visible()
    with page.expect_response(STREAM):
        page.unroute("**/api/photos*")
    send(guest, "1.jpg")
    expect(tile(page, "1.jpg")).to_be_visible()
    expect(no_answer).to_be_hidden()
    with page.expect_response(is_stream):
        page.unroute(STREAM)
    page.route(ASKING, lambda route: route.abort())
    send(guest, "2.jpg")
    expect_shown(page, "2.jpg", "1.jpg")
    expect(no_answer).to_be_hidden()


@pytest.mark.parametrize("outage", ["killed server", "new workers", "cut cable", "silent stream"])
def test_no_change_is_missing_after_an_outage(
    page: Page, server: GalleryServer, expected_errors: list[str], outage: str
) -> None:
    expected_errors += [NO_CONNECTION, REFUSED]
    make_impatient(page)
    with closing(Guest(server.url)) as guest, cable_to(server.url) as cable:
        send(guest, "1.jpg", "2.jpg", "3.jpg")
        with page.expect_response(is_stream):
            page.goto(cable.url)
        expect_shown(page, "3.jpg", "2.jpg", "1.jpg")
        match outage:
            case "killed server":
                server.kill()
                server.start()
            case "new workers":
                former = set(server.workers())
                server.reload()
                wait_until(lambda: not former & set(server.workers()))
            case "cut cable":
                cable.pull()
            case "silent stream":
                cable.silence_streams()
        send(guest, "4.jpg", "5.jpg")
        guest.remove("2.jpg")
        guest.remove("4.jpg")
        cable.plug_in()
        expect_shown(page, "5.jpg", "3.jpg", "1.jpg")
        send(guest, "6.jpg")
        guest.remove("1.jpg")
        expect_shown(page, "6.jpg", "5.jpg", "3.jpg")
        expect_the_same_as(server, page)
        page.goto("about:blank")


def test_a_page_that_knows_too_much_is_read_anew_once(page: Page, gallery: Gallery) -> None:
    """As when somebody is signed out elsewhere while the page is loading."""
    add_many(gallery, 150)
    asked: list[str] = []
    outlines: list[str] = []

    def answer_as_before(route: Route) -> None:
        asked.append(route.request.url)
        nothing = {"photos": [], "removed": [], "guests": [], "total": 150, "reset": False}
        route.fulfill(json=nothing | {"version": 149})

    def outline(route: Route) -> None:
        outlines.append(route.request.url)
        answer = route.fetch().json()
        route.fulfill(json=answer | {"version": 149} if len(outlines) == 1 else answer)

    page.route(ASKING, answer_as_before)
    page.route("**/api/outline*", outline)
    with page.expect_response(lambda answer: "/outline" in answer.url and len(outlines) == 2):
        page.goto(gallery.url)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    assert sum(url.endswith("since=149") for url in asked) == 1
