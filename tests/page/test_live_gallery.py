"""The gallery is live: what others send and remove is told, and nothing is missed or in the way."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Locator, Page, Request, Response, Route, expect

from tests.page.test_uploading import REFUSED, UNREACHABLE, open_gallery, tiles, until_nothing_moves
from tests.support.cable import Cable, cable_to
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

STREAM = "**/api/live*"
ASKING = "**/api/photos?since=*"
NO_CONNECTION = r"net::ERR_"

IS_HIDDEN = """(isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""

WATCH_MOTION = """() => {
    window.moved = 0; // milliseconds that the slowest motion took
    for (const name of ["animationstart", "transitionrun"]) {
        document.querySelector("main").addEventListener(name, () => {
            for (const { effect } of document.getAnimations()) {
                window.moved = Math.max(window.moved, effect.getTiming().duration);
            }
        });
    }
}"""


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    """Somebody else, elsewhere."""
    with closing(Guest(live_server.url)) as guest:
        yield guest


def small_photo(seed: int) -> bytes:
    return photo_bytes("jpg", seed, (48, 32))


def send(guest: Guest, *names: str) -> None:
    for name in names:
        guest.send(name, small_photo(int(name.partition(".")[0])))


def is_stream(answer: Response) -> bool:
    return "/api/live" in answer.url and answer.ok


def open_watching(page: Page, server: RunningServer) -> None:
    """Until it is told of everything that happens."""
    with page.expect_response(is_stream):
        open_gallery(page, server)


def tile(page: Page, name: str) -> Locator:
    return tiles(page).and_(page.get_by_role("link", name=name, exact=True))


def shown(page: Page) -> list[str]:
    """Names, in the order of the wall."""
    pictures = page.get_by_role("list", name="Photos", exact=True).get_by_role("img")
    return pictures.evaluate_all("(images) => images.map((image) => image.alt)")


def expect_shown(page: Page, *names: str) -> None:
    wait_until(lambda: shown(page) == list(names))


def expect_the_same_as(server: RunningServer, page: Page) -> None:
    wait_until(lambda: shown(page) == [photo["name"] for photo in server.photos()])


def lightbox(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Photos")


def enlarge(page: Page, name: str) -> None:
    tile(page, name).click()
    expect(lightbox(page)).to_contain_text(name)
    until_nothing_moves(page)


def test_what_others_send_and_remove_is_told_by_the_stream_alone(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    open_watching(page, live_server)
    page.route(ASKING, lambda route: route.abort())
    page.evaluate(WATCH_MOTION)
    send(guest, "1.jpg")
    expect(tile(page, "1.jpg")).to_be_visible()
    page.wait_for_function("() => moved > 100")
    page.emulate_media(reduced_motion="reduce")
    until_nothing_moves(page)
    page.evaluate("() => (moved = 0)")
    send(guest, "2.jpg")
    expect(tile(page, "2.jpg")).to_be_visible()
    page.wait_for_function("() => document.querySelector('main img[data-loaded]')")
    assert page.evaluate("() => moved") == 0
    guest.remove("1.jpg")
    expect(tile(page, "1.jpg")).to_have_count(0)
    expect(page.get_by_text("1 photo", exact=True)).to_be_visible()
    expect_shown(page, "2.jpg")


def make_impatient(page: Page) -> None:
    """It notices within moments what it notices in the end."""
    quicker = {
        "POLL_SECONDS = 3;": "POLL_SECONDS = 0.3;",
        "SILENCE_MS = 40_000;": "SILENCE_MS = 1_500;",
        "SHORT_LIVED_MS = 5_000;": "SHORT_LIVED_MS = 100;",
        "FIRST_PUT_OFF_MS = 5_000;": "FIRST_PUT_OFF_MS = 500;",
    }
    change_script(page, "live.js", quicker)


def change_script(page: Page, name: str, changes: dict[str, str]) -> None:
    def fulfill(route: Route) -> None:
        script = route.fetch()
        body = script.text()
        for written, instead in changes.items():
            assert written in body
            body = body.replace(written, instead)
        route.fulfill(response=script, body=body)

    page.route(f"**/{name}", fulfill)


def test_a_page_without_a_stream_asks_until_there_is_room_for_it(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors += [REFUSED, UNREACHABLE]
    full_house = "No more can watch just now; new photos are shown every few seconds instead."
    make_impatient(page)
    page.route(STREAM, lambda route: route.fulfill(status=503, body=full_house))
    with page.expect_response(STREAM):
        open_gallery(page, live_server)
    send(guest, "1.jpg")
    expect(tile(page, "1.jpg")).to_be_visible()
    with page.expect_response(is_stream):
        page.unroute(STREAM)
    page.route(ASKING, lambda route: route.abort())
    send(guest, "2.jpg")
    expect_shown(page, "2.jpg", "1.jpg")
    expect(page.get_by_text("The gallery does not answer just now.")).to_be_hidden()


def kill(server: RunningServer, _cable: Cable) -> None:
    server.kill()
    server.start()


def reload_workers(server: RunningServer, _cable: Cable) -> None:
    former = set(server.workers())
    server.reload()
    wait_until(lambda: not former & set(server.workers()))


def pull(_server: RunningServer, cable: Cable) -> None:
    cable.pull()


def silence(_server: RunningServer, cable: Cable) -> None:
    cable.silence_streams()


@pytest.mark.parametrize("trouble", [kill, reload_workers, pull, silence])
def test_nothing_is_missing_after(
    page: Page,
    live_server: RunningServer,
    guest: Guest,
    expected_errors: list[str],
    trouble: Callable[[RunningServer, Cable], None],
) -> None:
    expected_errors += [NO_CONNECTION, REFUSED]
    send(guest, "1.jpg", "2.jpg", "3.jpg")
    make_impatient(page)
    with cable_to(live_server.url) as cable:
        with page.expect_response(is_stream):
            page.goto(cable.url)
        expect_shown(page, "3.jpg", "2.jpg", "1.jpg")
        trouble(live_server, cable)
        send(guest, "4.jpg", "5.jpg")
        guest.remove("2.jpg")
        guest.remove("4.jpg")
        cable.plug_in()
        expect_shown(page, "5.jpg", "3.jpg", "1.jpg")
        send(guest, "6.jpg")
        guest.remove("1.jpg")
        expect_shown(page, "6.jpg", "5.jpg", "3.jpg")
        expect_the_same_as(live_server, page)
        page.goto("about:blank")


def test_a_hidden_tab_leaves_its_place_to_others_and_catches_up_when_it_is_seen(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "1.jpg", "2.jpg")
    open_watching(page, live_server)
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


def test_what_somebody_looks_at_stays_where_it_is_when_photos_arrive(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    add_many(live_server, 90)
    open_watching(page, live_server)
    scroll(page, 2_500)
    in_view = tile(page, name_in_view(page))
    before = in_view.bounding_box()
    send(guest, "1.jpg", "2.jpg", "3.jpg")
    pill = page.get_by_role("button", name="3 new photos")
    expect(pill).to_be_visible()
    assert in_view.bounding_box() == pytest.approx(before, abs=1)
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


def test_a_page_that_knows_more_than_it_may_is_read_anew_and_does_not_ask_for_ever(
    page: Page, live_server: RunningServer
) -> None:
    """As when somebody is signed out elsewhere while the page is loading."""
    add_many(live_server, 150)
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
        open_gallery(page, live_server)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    assert sum(url.endswith("since=149") for url in asked) == 1


def scroll(page: Page, pixels: int) -> None:
    page.mouse.move(600, 400)
    before = page.evaluate("() => scrollY")
    page.mouse.wheel(0, pixels)
    page.wait_for_function("(before) => scrollY !== before", arg=before)
    page.evaluate("() => new Promise(requestAnimationFrame)")


def name_in_view(page: Page) -> str:
    """Of the photo in the middle of the screen."""
    return page.evaluate(
        """() => document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest("li")
            .querySelector("img").alt"""
    )


def test_a_photo_that_is_removed_elsewhere_while_somebody_looks_at_it_is_told(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # its large picture may be asked for just then
    send(guest, "1.jpg", "2.jpg", "3.jpg")
    open_watching(page, live_server)
    enlarge(page, "2.jpg")
    guest.remove("2.jpg")
    expect(lightbox(page)).to_contain_text("This photo was removed.")
    expect(lightbox(page).get_by_role("link", name="Download")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(lightbox(page)).to_contain_text("1.jpg")
    until_nothing_moves(page)
    page.keyboard.press("ArrowLeft")
    until_nothing_moves(page)
    expect(lightbox(page).get_by_text("This photo was removed.")).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    expect(lightbox(page)).to_contain_text("3.jpg")
    until_nothing_moves(page)
    page.keyboard.press("Escape")
    expect(lightbox(page)).to_have_count(0)
    expect_shown(page, "3.jpg", "1.jpg")
    expect(tile(page, "3.jpg")).to_be_focused()
