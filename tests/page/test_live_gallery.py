"""The gallery is live: photos of others come and go by themselves, and disturb nobody."""

from contextlib import closing

import pytest
from playwright.sync_api import Page, Request, Response, Route, expect
from sqlalchemy import update

from dropwall.catalog.accounts import adopt
from dropwall.catalog.guests import name_guest
from dropwall.catalog.photos import PhotoFilter, change_photos
from dropwall.catalog.tables import photos
from tests.support import page as ui
from tests.support.cable import Cable
from tests.support.engines import catalog_of, database_of
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.waiting import wait_until


def make_impatient(page: Page, silence_ms: int = 1_500) -> None:
    quicker = {
        "POLL_MS = 4_000;": "POLL_MS = 400;",
        "FIRST_EVENT_MS = 5_000;": "FIRST_EVENT_MS = 300;",
        "SILENCE_MS = 40_000;": f"SILENCE_MS = {silence_ms};",
        "SHORT_LIVED_MS = 5_000;": "SHORT_LIVED_MS = 100;",
        "FIRST_PUT_OFF_MS = 5_000;": "FIRST_PUT_OFF_MS = 500;",
    }
    ui.replace_in_script(page, "gallery/live.js", quicker)


def scroll(page: Page, pixels: int) -> None:
    page.mouse.move(600, 400)
    before = page.evaluate("() => scrollY")
    page.mouse.wheel(0, pixels)
    page.wait_for_function("(before) => scrollY !== before", arg=before)
    page.evaluate("() => new Promise(requestAnimationFrame)")


def test_photos_of_others_come_and_go_live(page: Page, gallery: Gallery, guest: Guest) -> None:
    page.emulate_media(reduced_motion="no-preference")
    ui.open_watching(page, gallery)
    page.route(ui.ASKING, lambda route: route.abort())  # the stream alone tells what follows
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
    ui.send(guest, "1.jpg")
    expect(ui.tile(page, "1.jpg")).to_be_visible()
    page.wait_for_function("() => moved > 100")
    page.emulate_media(reduced_motion="reduce")
    ui.wait_for_animations(page)
    page.evaluate("() => (moved = 0)")
    ui.send(guest, "2.jpg")
    expect(ui.tile(page, "2.jpg")).to_be_visible()
    page.wait_for_function("() => document.querySelector('main img[data-loaded]')")
    assert page.evaluate("() => moved") == 0
    guest.remove("1.jpg")
    ui.expect_shown(page, "2.jpg")
    expect(page.get_by_text("1 photo", exact=True)).to_be_visible()


def test_new_photos_do_not_move_the_view(page: Page, gallery: Gallery, guest: Guest) -> None:
    add_many(gallery, 90)
    ui.open_watching(page, gallery)
    scroll(page, 2_500)
    in_view_address = page.evaluate(
        """() => document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest("li")
            .querySelector("a").href"""
    )
    in_view = ui.tile(page, ui.file_name(page, in_view_address))
    in_view.focus()
    before = in_view.bounding_box()
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    pill = page.get_by_role("button", name="3 new photos")
    expect(pill).to_be_visible()
    assert in_view.bounding_box() == pytest.approx(before, abs=1)
    expect(in_view).to_be_focused()
    pill.click()
    expect(ui.tile(page, "3.jpg")).to_be_in_viewport(ratio=1)
    expect(ui.tile(page, "3.jpg")).to_be_focused()
    pill = page.get_by_role("button", name="new photo")
    expect(pill).to_be_hidden()

    scroll(page, 2_500)
    ui.send(guest, "4.jpg")
    expect(pill).to_have_text("1 new photo")
    scroll(page, -10_000)
    expect(pill).to_be_hidden()
    expect(ui.tile(page, "4.jpg")).to_be_in_viewport()


@pytest.mark.parametrize("is_streamed", [True, False])
def test_no_page_starts_over_when_very_many_photos_change_at_once(
    page: Page, gallery: Gallery, expected_errors: list[str], is_streamed: bool
) -> None:
    add_many(gallery, 1_100)
    with catalog_of(gallery.data) as catalog:
        catalog.execute(update(photos).values(guest_id="camera"))
    if not is_streamed:
        expected_errors.append(ui.REFUSED)
        make_impatient(page)
        page.route(ui.STREAM, lambda route: route.fulfill(status=503, body="Full."))
    page.goto(gallery.url)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    expect(page.get_by_text("1,100 photos", exact=True)).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with database_of(gallery.data) as database:
        name_guest(database, "ann", "Ann")
        adopt(database, "camera", "ann")
        ui.enlarge(page, "1100.png")
        expect(ui.lightbox(page).get_by_role("button", name="by Ann")).to_be_visible()
        ui.close_lightbox(page)
        for standing, tiles in (("hidden", 0), ("shown", 1)):
            change_photos(database, PhotoFilter(guest_id="ann"), standing=standing)
            expect(ui.tile(page, "1100.png")).to_have_count(tiles)
    expect(page.get_by_text("1,100 photos", exact=True)).to_be_visible()
    assert not [url for url in asked if "/api/outline" in url or "limit=" in url]


def test_the_lightbox_says_that_its_photo_was_removed_elsewhere(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)  # its large picture may be asked for just then
    ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
    ui.open_watching(page, gallery)
    ui.enlarge(page, "2.jpg")
    guest.remove("2.jpg")
    expect(ui.lightbox(page)).to_contain_text("This photo was removed.")
    expect(ui.lightbox(page).get_by_role("link", name="Download")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    ui.wait_for_animations(page)
    page.keyboard.press("ArrowLeft")  # what has gone is not come back to
    expect(ui.lightbox(page)).to_contain_text("3.jpg")
    ui.wait_for_animations(page)
    ui.close_lightbox(page)
    ui.expect_shown(page, "3.jpg", "1.jpg")
    expect(ui.tile(page, "3.jpg")).to_be_focused()


def test_a_hidden_tab_catches_up_when_shown(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg", "2.jpg")
    ui.open_watching(page, gallery)
    ui.expect_shown(page, "2.jpg", "1.jpg")
    with page.expect_event("requestfailed", lambda request: "/api/live" in request.url):
        page.evaluate(ui.IS_HIDDEN, True)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    ui.send(guest, "3.jpg")
    guest.remove("1.jpg")
    assert ui.shown(page) == ["2.jpg", "1.jpg"]
    assert asked == []
    with page.expect_response(ui.is_stream):
        page.evaluate(ui.IS_HIDDEN, False)
    ui.expect_shown(page, "3.jpg", "2.jpg")


def test_without_a_stream_the_page_polls_and_says_when_nothing_answers(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors += [ui.REFUSED, ui.UNREACHABLE]
    full_house = (
        "Too many people are watching live right now. New photos appear every few seconds instead."
    )
    make_impatient(page)
    page.route("**/api/photos*", lambda route: route.abort())
    page.route(ui.STREAM, lambda route: route.fulfill(status=503, body=full_house))
    page.goto(gallery.url)
    no_answer = page.get_by_text("Can't reach the gallery. Reconnecting…")
    expect(no_answer).to_be_visible()
    with page.expect_response(ui.STREAM):
        page.unroute("**/api/photos*")
    ui.send(guest, "1.jpg")
    expect(ui.tile(page, "1.jpg")).to_be_visible()
    expect(no_answer).to_be_hidden()
    with page.expect_response(ui.is_stream):
        page.unroute(ui.STREAM)
    page.route(ui.ASKING, lambda route: route.abort())
    ui.send(guest, "2.jpg")
    ui.expect_shown(page, "2.jpg", "1.jpg")
    expect(no_answer).to_be_hidden()


@pytest.mark.parametrize("ends", ["the same stream comes late", "another stream comes"])
def test_a_stream_that_a_proxy_holds_back_is_not_waited_for(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str], ends: str
) -> None:
    """The page polls meanwhile, and says nothing of it; the stream is used when it comes."""
    expected_errors.append(ui.NO_CONNECTION)
    is_late = ends == "the same stream comes late"
    make_impatient(page, silence_ms=60_000 if is_late else 1_500)
    with Cable(gallery.url) as cable:
        cable.hold_streams()
        with page.expect_request(ui.STREAM):
            page.goto(cable.url)
        for name in ("1.jpg", "2.jpg"):  # who only asks once would miss the second
            ui.send(guest, name)
            expect(ui.tile(page, name)).to_be_visible()
        expect(page.get_by_text("Can't reach the gallery")).to_be_hidden()
        with page.expect_response(ui.is_stream):
            if is_late:
                cable.let_streams_go()
            else:
                cable.holds_streams = False
        page.route(ui.ASKING, lambda route: route.abort())
        ui.send(guest, "3.jpg")
        ui.expect_shown(page, "3.jpg", "2.jpg", "1.jpg")
        expect(page.get_by_text("Can't reach the gallery")).to_be_hidden()
        page.goto("about:blank")


@pytest.mark.parametrize("outage", ["killed server", "new workers", "cut cable", "silent stream"])
def test_no_change_is_missing_after_an_outage(
    page: Page, server: GalleryServer, expected_errors: list[str], outage: str
) -> None:
    expected_errors += [ui.NO_CONNECTION, ui.REFUSED]
    make_impatient(page)
    with closing(Guest(server.url)) as guest, Cable(server.url) as cable:
        ui.send(guest, "1.jpg", "2.jpg", "3.jpg")
        with page.expect_response(ui.is_stream):
            page.goto(cable.url)
        ui.expect_shown(page, "3.jpg", "2.jpg", "1.jpg")
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
        ui.send(guest, "4.jpg", "5.jpg")
        guest.remove("2.jpg")
        guest.remove("4.jpg")
        cable.plug_in()
        ui.expect_shown(page, "5.jpg", "3.jpg", "1.jpg")
        ui.send(guest, "6.jpg")
        guest.remove("1.jpg")
        ui.expect_shown(page, "6.jpg", "5.jpg", "3.jpg")
        ui.expect_the_same_as(server, page)
        page.goto("about:blank")


def test_signing_out_elsewhere_makes_the_page_load_once_more(page: Page, gallery: Gallery) -> None:
    """The server knows for this visitor an older version than the page has seen."""
    add_many(gallery, 150)
    older = {"version": 149}
    nothing_new = {"photos": [], "removed": [], "guests": [], "total": 150, "reset": False}
    asked: list[str] = []

    def answer_with_an_older_outline(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | older)

    def is_second_outline(answer: Response) -> bool:
        return "/outline" in answer.url and sum("/outline" in url for url in asked) == 2

    page.on("request", lambda request: asked.append(request.url))
    page.route(ui.ASKING, lambda route: route.fulfill(json=nothing_new | older))
    page.route("**/api/outline*", answer_with_an_older_outline, times=1)
    with page.expect_response(is_second_outline):
        page.goto(gallery.url)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    assert sum(url.endswith("since=149") for url in asked) == 1
