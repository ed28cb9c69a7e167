"""The wall: all photos on a big screen, for as long as the party lasts."""

from collections.abc import Iterator
from contextlib import closing
from zlib import crc32

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.test_accessibility import serious_findings
from tests.page.test_uploading import REFUSED, UNREACHABLE, until_nothing_moves
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.network import Network
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

AT_ONCE = 3_000
"""Milliseconds; a photo's own time is longer."""
A_TURN, OF_NEWS, BEFORE_NEWS = 8_100, 4_100, 3_100
A_NIGHT = 8 * 60 * 60 * 1000
INVITATION = "Scan to add the first photo"
NO_NETWORK = r"net::ERR_"
COUNTED = ("Nodes", "JSEventListeners")


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    with closing(Guest(live_server.url)) as guest:
        yield guest


def send(guest: Guest, *names: str) -> None:
    for name in names:
        guest.send(name, photo_bytes("jpg", seed=crc32(name.encode()), size=(240, 160)))


def open_wall(page: Page, server: RunningServer) -> Locator:
    """Its clock can be put forward, by steps shorter than the page's patience."""
    page.clock.install()
    page.goto(f"{server.url}/#wall")
    expect(wall(page)).to_be_visible()
    return picture(page)


def wall(page: Page) -> Locator:
    return page.get_by_role("dialog", name="The wall")


def picture(page: Page) -> Locator:
    return wall(page).get_by_role("figure").get_by_role("img")


def name_of(picture: Locator) -> str:
    expect(picture).to_have_count(1)
    return picture.get_attribute("alt") or ""


def next_name(page: Page) -> str:
    former = name_of(picture(page))
    page.clock.run_for(A_TURN)
    expect(picture(page)).not_to_have_accessible_name(former)
    return name_of(picture(page))


def until_known(page: Page, count: int) -> None:
    """The gallery behind the wall counts them."""
    expect(page.get_by_text(f"{count} photo")).to_be_attached()


def test_the_wall_is_opened_from_the_gallery_and_left_with_escape(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, *(f"{number}.jpg" for number in range(40)))
    page.set_viewport_size({"width": 400, "height": 400})
    page.goto(live_server.url)
    until_known(page, 40)
    page.evaluate("() => window.scrollTo(0, 700)")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Show on a big screen").click()
    expect(picture(page)).to_be_visible()
    page.wait_for_function("() => document.fullscreenElement !== null")
    page.mouse.wheel(0, 5_000)
    page.evaluate("() => document.exitFullscreen()")  # as a browser does on Escape
    expect(wall(page)).to_be_hidden()
    assert page.url == f"{live_server.url}/"
    assert abs(page.evaluate("() => window.scrollY") - 700) < 5


def test_it_is_opened_by_its_address_and_closed_by_going_back(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    page.goto(live_server.url)
    page.goto(f"{live_server.url}/#wall")
    expect(picture(page)).to_have_accessible_name("a.jpg")
    page.go_back()
    expect(wall(page)).to_be_hidden()
    expect(page.get_by_role("link", name="a.jpg")).to_be_visible()


def test_every_photo_has_its_turn_before_any_comes_again(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    sent = [f"{number}.jpg" for number in range(5)]
    send(guest, *sent)
    shown = [name_of(open_wall(page, live_server))]
    shown += [next_name(page) for _ in range(9)]
    assert sorted(shown[:5]) == sent
    assert sorted(shown[5:]) == sent


def test_one_photo_alone_stays(page: Page, live_server: RunningServer, guest: Guest) -> None:
    send(guest, "a.jpg")
    picture = open_wall(page, live_server)
    expect(picture).to_be_visible()
    until_nothing_moves(page)
    page.evaluate(
        """() => {
            window.changes = 0;
            const count = new MutationObserver((seen) => (window.changes += seen.length));
            const all = { subtree: true, childList: true, attributes: true };
            for (const one of document.querySelectorAll("figure")) count.observe(one, all);
        }"""
    )
    page.clock.run_for(5 * A_TURN)
    assert name_of(picture) == "a.jpg"
    assert page.evaluate("() => window.changes") == 0


def test_new_photos_come_next_in_the_order_of_their_arrival(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, *(f"{number}.jpg" for number in range(5)))
    picture = open_wall(page, live_server)
    expect(picture).to_be_visible()
    until_known(page, 5)
    send(guest, "first.jpg", "second.jpg", "third.jpg")
    until_known(page, 8)
    page.clock.run_for(BEFORE_NEWS)
    expect(picture).to_have_accessible_name("first.jpg")
    page.clock.run_for(OF_NEWS)
    expect(picture).to_have_accessible_name("second.jpg")
    page.clock.run_for(OF_NEWS)
    expect(picture).to_have_accessible_name("third.jpg")
    page.clock.run_for(OF_NEWS)
    expect(picture).to_have_accessible_name("third.jpg")


def test_an_empty_gallery_invites_and_the_first_photo_appears(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    picture = open_wall(page, live_server)
    expect(page.get_by_role("heading", name=INVITATION)).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    send(guest, "a.jpg")
    expect(picture).to_have_accessible_name("a.jpg", timeout=AT_ONCE)
    expect(page.get_by_role("heading", name=INVITATION)).to_be_hidden()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    guest.remove("a.jpg")
    expect(page.get_by_role("heading", name=INVITATION)).to_be_visible(timeout=AT_ONCE)
    expect(picture).to_have_count(0)


def test_it_says_who_sent_a_photo_and_where_to_send_more(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    guest.take_name("Ann")
    send(guest, "a.jpg")
    picture = open_wall(page, live_server)
    expect(picture).to_have_accessible_name("a.jpg, by Ann")
    expect(wall(page).get_by_text("Ann", exact=True)).to_be_visible()
    address = page.request.get(f"{live_server.url}/api/settings").json()["address"]
    expect(wall(page).get_by_text(address.split("//")[-1].rstrip("/"))).to_be_visible()


def test_without_a_code_the_address_is_there_in_words(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    page.route("**/qr.svg", lambda route: route.fulfill(status=404))
    open_wall(page, live_server)
    expect(wall(page).get_by_text(str(live_server.port))).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_hidden()


def test_a_photo_that_is_taken_down_leaves_at_once(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg", "b.jpg", "c.jpg")
    picture = open_wall(page, live_server)
    gone = name_of(picture)
    guest.remove(gone)
    expect(picture).not_to_have_accessible_name(gone, timeout=AT_ONCE)
    shown = {name_of(picture)} | {next_name(page) for _ in range(4)}
    assert shown == {"a.jpg", "b.jpg", "c.jpg"} - {gone}


def test_a_picture_that_cannot_be_had_is_passed_over(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(UNREACHABLE)
    send(guest, "a.jpg", "b.jpg", "c.jpg")
    broken = next(photo for photo in live_server.photos() if photo["name"] == "b.jpg")
    refused = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.abort()

    page.route(f"**{broken['thumbnails']['2048']}", refuse)
    picture = open_wall(page, live_server)
    shown = []

    def have_all_had_their_turns() -> bool:
        page.clock.run_for(OF_NEWS)
        shown.append(name_of(picture))
        return bool(refused) and {"a.jpg", "c.jpg"} <= set(shown) and len(shown) >= 12

    wait_until(have_all_had_their_turns)
    assert set(shown) == {"a.jpg", "c.jpg"}


def test_a_picture_that_never_comes_is_not_waited_for(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg", "b.jpg", "c.jpg")
    page.route("**/2048.webp", lambda _route: None, times=1)
    page.goto(f"{live_server.url}/#wall")
    expect(picture(page)).to_be_visible(timeout=40_000)


def test_without_a_network_the_photo_stays_and_the_wall_goes_on_later(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_NETWORK)
    send(guest, *(f"{number}.jpg" for number in range(5)))
    picture = open_wall(page, live_server)
    kept = name_of(picture)
    network = Network(page)
    network.set(offline=True)
    for _ in range(5):
        page.clock.run_for(A_TURN)
        assert name_of(picture) == kept
    page.clock.fast_forward(A_NIGHT)
    expect(picture).to_be_visible()
    send(guest, "meanwhile.jpg")
    network.set(offline=False)
    until_known(page, 6)
    shown = {next_name(page) for _ in range(12)}
    assert shown == {f"{number}.jpg" for number in range(5)} | {"meanwhile.jpg"}


def test_a_server_that_was_killed_and_started_again_is_found(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(NO_NETWORK)
    send(guest, *(f"{number}.jpg" for number in range(5)))
    picture = open_wall(page, live_server)
    expect(picture).to_be_visible()
    live_server.kill()
    for _ in range(3):
        page.clock.run_for(A_TURN)
        expect(picture).to_be_visible()
    live_server.start()
    send(guest, "after.jpg")
    shown = {next_name(page) for _ in range(14)}
    assert shown == {f"{number}.jpg" for number in range(5)} | {"after.jpg"}


def test_nothing_happens_while_nobody_sees_it(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg", "b.jpg")
    picture = open_wall(page, live_server)
    kept = name_of(picture)
    hide = """(isHidden) => {
        Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.clock.run_for(3 * A_TURN)
    assert name_of(picture) == kept
    page.evaluate(hide, False)
    expect(picture).not_to_have_accessible_name(kept, timeout=AT_ONCE)


def test_the_screen_stays_awake_while_it_is_open(page: Page, live_server: RunningServer) -> None:
    page.add_init_script(
        """window.held = 0;
        const request = async () => {
            window.held += 1;
            const lock = new EventTarget();
            lock.release = async () => (window.held -= 1);
            return lock;
        };
        Object.defineProperty(navigator, "wakeLock", { value: { request } });"""
    )
    open_wall(page, live_server)
    page.wait_for_function("() => window.held === 1")
    page.keyboard.press("Escape")
    page.wait_for_function("() => window.held === 0")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_photos_fade_unless_motion_is_unwanted(
    page: Page, live_server: RunningServer, guest: Guest, motion: str
) -> None:
    send(guest, "a.jpg", "b.jpg")
    page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    open_wall(page, live_server)
    expect(picture(page)).to_be_visible()
    page.evaluate(
        """() => {
            window.fades = [];
            document.addEventListener("transitionstart", ({ target, propertyName }) => {
                if (target.matches("figure")) window.fades.push(propertyName);
            });
        }"""
    )
    next_name(page)
    page.wait_for_timeout(200)  # it would have begun
    assert ("opacity" in page.evaluate("() => window.fades")) == (motion != "reduce")


def test_it_is_used_by_keyboard_and_nothing_behind_it_is(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    open_wall(page, live_server)
    expect(picture(page)).to_be_visible()
    page.clock.run_for(AT_ONCE)
    until_nothing_moves(page)
    full_screen = wall(page).get_by_role("button", name="Full screen")
    assert not is_seen(full_screen)
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("() => document.activeElement.textContent"))
        assert page.evaluate("() => document.activeElement.closest('main, header') === null")
    assert seen[:2] == ["Full screen", "Leave the wall"]
    full_screen.focus()
    page.clock.run_for(AT_ONCE)
    until_nothing_moves(page)
    assert is_seen(full_screen)
    wall(page).get_by_role("button", name="Leave the wall").press("Enter")
    expect(wall(page)).to_be_hidden()


def is_seen(locator: Locator) -> bool:
    seen: bool = locator.evaluate("(el) => el.checkVisibility({ opacityProperty: true })")
    return seen


def test_full_screen_ends_by_its_button_and_the_wall_stays(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    page.goto(f"{live_server.url}/#wall")
    expect(picture(page)).to_be_visible()
    page.mouse.move(300, 300)
    for name in ("Full screen", "Exit full screen"):
        wall(page).get_by_role("button", name=name, exact=True).click()
    expect(wall(page).get_by_role("button", name="Full screen", exact=True)).to_be_visible()
    expect(picture(page)).to_be_visible()


def test_the_mouse_brings_the_buttons_and_they_go_again(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg")
    open_wall(page, live_server)
    page.clock.run_for(AT_ONCE)
    leave = wall(page).get_by_role("button", name="Leave the wall")
    until_nothing_moves(page)
    assert not is_seen(leave)
    page.mouse.move(300, 300)
    page.mouse.move(320, 300)
    until_nothing_moves(page)
    assert is_seen(leave)
    leave.click()
    expect(wall(page)).to_be_hidden()


def test_opening_it_often_leaves_nothing_behind(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, "a.jpg", "b.jpg")
    page.goto(f"{live_server.url}/#wall")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def open_and_leave() -> None:
        page.evaluate("() => (location.hash = '#wall')")
        expect(picture(page)).to_be_visible()
        page.keyboard.press("Escape")
        page.wait_for_url(f"{live_server.url}/")

    def left_behind() -> dict[str, float]:
        devtools.send("HeapProfiler.collectGarbage")
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return {
            m["name"]: m["value"] for m in metrics if m["name"] in ("Nodes", "JSEventListeners")
        }

    for _ in range(3):
        open_and_leave()
    before = left_behind()
    for _ in range(20):
        open_and_leave()

    def is_as_before() -> bool:  # once the last pictures that were on their way have come
        after = left_behind()
        return all(after[name] < before[name] + 10 for name in COUNTED)

    wait_until(is_as_before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_wall_keeps_nobody_out(
    page: Page, live_server: RunningServer, guest: Guest, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    open_wall(page, live_server)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert serious_findings(page) == []
    guest.take_name("Ann")
    send(guest, "a.jpg")
    expect(picture(page)).to_be_visible()
    assert serious_findings(page) == []
