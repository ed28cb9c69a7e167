"""The slideshow shows all photos on a big screen, for as long as the party lasts."""

from contextlib import closing

from playwright.sync_api import Locator, Page, Route, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.waiting import wait_until

# Milliseconds of the page's clock
TURN, TURN_OF_NEWS, BEFORE_NEWS = 8_100, 4_100, 3_100
STEP = 10
INVITATION = "Scan to add the first photo"


def open_slideshow(page: Page, gallery: Gallery) -> Locator:
    """The slideshow's picture. The page's clock stands still, but for what a test lets it run."""
    page.clock.install(time=0)
    page.clock.pause_at(1)
    page.goto(f"{gallery.url}/#wall")
    expect(slideshow(page)).to_be_visible()
    return picture(page)


def wait_shortly(page: Page, expected: Locator, count: int = 1) -> None:
    """Waits until something is there, or no more, by less of the page's clock than a turn takes."""
    now = page.evaluate("Date.now()")
    wait_until(lambda: page.clock.run_for(STEP) or expected.count() == count)
    assert page.evaluate("Date.now()") - now < TURN


def slideshow(page: Page) -> Locator:
    return page.get_by_role("dialog", name="The wall")


def picture(page: Page, name: str = "") -> Locator:
    return slideshow(page).get_by_role("figure").get_by_role("img", name=name)


def name_of(picture: Locator) -> str:
    expect(picture).to_have_count(1)
    return picture.get_attribute("alt") or ""


def next_name(page: Page) -> str:
    former = name_of(picture(page))
    page.clock.run_for(TURN)
    expect(picture(page)).not_to_have_accessible_name(former)
    return name_of(picture(page))


def wait_until_shown(page: Page, *expected: str) -> set[str]:
    """Returns all photos that are shown until these were."""
    shown: set[str] = set()

    def are_shown() -> bool:
        page.clock.run_for(TURN_OF_NEWS)
        shown.add(name_of(picture(page)))
        return shown >= {*expected}

    wait_until(are_shown)
    return shown


def is_seen(locator: Locator) -> bool:
    ui.wait_for_animations(locator.page)
    return locator.evaluate("(element) => element.checkVisibility({ opacityProperty: true })")


def names(*numbers: int) -> list[str]:
    return [f"{number}.jpg" for number in numbers]


def test_the_slideshow_opens_from_menu_and_address_and_keeps_the_screen_awake(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, *names(*range(40)))
    ui.count_wake_locks(page)
    page.set_viewport_size({"width": 400, "height": 400})
    page.goto(gallery.url)
    expect(page.get_by_text("40 photos")).to_be_attached()
    page.evaluate("() => window.scrollTo(0, 700)")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Show on a big screen").click()
    expect(picture(page)).to_be_visible()
    page.wait_for_function("() => document.fullscreenElement !== null && wakeLocks === 1")
    page.mouse.wheel(0, 5_000)
    page.evaluate("() => document.exitFullscreen()")  # as a browser does on Escape
    expect(slideshow(page)).to_be_hidden()
    page.wait_for_function("() => wakeLocks === 0")
    assert page.url == f"{gallery.url}/"
    assert abs(page.evaluate("() => window.scrollY") - 700) < 5
    page.goto(f"{gallery.url}/#wall")
    expect(picture(page)).to_be_visible()
    page.go_back()
    expect(slideshow(page)).to_be_hidden()


def test_new_photos_come_next_in_the_slideshow(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2, 3, 4, 5))
    picture = open_slideshow(page, gallery)
    wait_shortly(page, picture)
    wait_shortly(page, page.get_by_text("5 photos"))  # behind the slideshow
    shown = [name_of(picture)]
    ui.send(guest, *names(6, 7, 8))
    wait_shortly(page, page.get_by_text("8 photos"))
    for milliseconds, name in (
        (BEFORE_NEWS, "6.jpg"),
        (TURN_OF_NEWS, "7.jpg"),
        (TURN_OF_NEWS, "8.jpg"),
        (TURN_OF_NEWS, "8.jpg"),
    ):
        page.clock.run_for(milliseconds)
        expect(picture).to_have_accessible_name(name)
    shown += [next_name(page) for _ in range(4)]
    assert sorted(shown) == names(1, 2, 3, 4, 5)
    assert sorted(next_name(page) for _ in range(8)) == names(*range(1, 9))


def test_the_slideshow_pauses_in_a_hidden_tab(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2))
    picture = open_slideshow(page, gallery)
    wait_shortly(page, picture)
    kept = name_of(picture)
    page.evaluate(ui.IS_HIDDEN, True)
    page.clock.run_for(3 * TURN)
    expect(picture).to_have_accessible_name(kept)
    page.evaluate(ui.IS_HIDDEN, False)
    page.clock.run_for(STEP)
    expect(picture).not_to_have_accessible_name(kept)


def test_an_empty_slideshow_invites(page: Page, gallery: Gallery, guest: Guest) -> None:
    picture = open_slideshow(page, gallery)
    invitation = page.get_by_role("heading", name=INVITATION)
    expect(invitation).to_be_visible()
    guest.take_name("Ann")
    ui.send(guest, "1.jpg")
    wait_shortly(page, picture)
    expect(picture).to_have_accessible_name("1.jpg, by Ann")
    expect(slideshow(page).get_by_text("Ann", exact=True)).to_be_visible()
    expect(invitation).to_be_hidden()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    address = page.request.get(f"{gallery.url}/api/settings").json()["address"]
    expect(slideshow(page).get_by_text(address.split("//")[-1].rstrip("/"))).to_be_visible()
    page.evaluate(
        """() => {
            window.changes = 0;
            const count = new MutationObserver((seen) => (changes += seen.length));
            const all = { subtree: true, childList: true, attributes: true };
            for (const figure of document.querySelectorAll("figure")) count.observe(figure, all);
        }"""
    )
    page.clock.run_for(5 * TURN)
    assert page.evaluate("() => changes") == 0
    expect(picture).to_be_visible()
    guest.remove("1.jpg")
    wait_shortly(page, invitation)
    expect(picture).to_have_count(0)


def test_without_a_qr_code_the_slideshow_shows_the_address_in_words(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)
    page.route("**/qr.svg", lambda route: route.fulfill(status=404))
    open_slideshow(page, gallery)
    expect(slideshow(page).get_by_text(gallery.url.rpartition(":")[2])).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_hidden()


def test_a_removed_photo_leaves_at_once_and_a_broken_picture_is_skipped(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.UNREACHABLE)
    ui.send(guest, *names(1, 2, 3, 4))
    [broken] = (photo for photo in gallery.photos() if photo["name"] == "2.jpg")
    failed: list[Route] = []
    page.route(f"**{broken['thumbnails']['2048']}", lambda route: failed.append(route.abort()))
    wait_shortly(page, open_slideshow(page, gallery))
    removed = name_of(picture(page))
    guest.remove(removed)
    wait_shortly(page, picture(page, removed), count=0)
    wait_shortly(page, picture(page))
    rest = {*names(1, 3, 4)} - {removed}
    for _ in range(4):
        assert wait_until_shown(page, *rest) == rest
    assert failed


def test_a_picture_that_never_loads_is_skipped(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2, 3))
    held: list[Route] = []
    page.route("**/2048.webp", lambda route: held.append(route), times=1)
    open_slideshow(page, gallery)
    wait_until(lambda: page.clock.run_for(STEP) or held)
    page.clock.run_for(20_000)
    page.clock.run_for(TURN_OF_NEWS)
    expect(picture(page)).to_be_visible()
    [photo] = (each for each in gallery.photos() if each["id"] in held[0].request.url)
    assert name_of(picture(page)) != photo["name"]


def test_the_slideshow_survives_a_night_without_its_server(
    page: Page, server: GalleryServer, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.NO_CONNECTION)
    with closing(Guest(server.url)) as guest:
        ui.send(guest, *names(1, 2, 3, 4, 5))
        picture = open_slideshow(page, server)
        wait_shortly(page, picture)
        kept = name_of(picture)
        server.kill()
        for _ in range(5):
            page.clock.run_for(TURN)
            assert name_of(picture) == kept
        page.clock.fast_forward("08:00:00")
        assert name_of(picture) == kept
        server.start()
        ui.send(guest, "6.jpg")
    all_names = {*names(1, 2, 3, 4, 5, 6)}
    assert wait_until_shown(page, *all_names) == all_names


def test_photos_fade_unless_motion_is_unwanted(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2))
    wait_shortly(page, open_slideshow(page, gallery))
    page.evaluate(
        """() => {
            const note = () => {
                window.fades = document.getAnimations().filter(
                    ({ transitionProperty }) => transitionProperty === "opacity").length;
            };
            for (const figure of document.querySelectorAll("figure")) {
                new MutationObserver(note).observe(figure, { attributeFilter: ["aria-hidden"] });
            }
        }"""
    )
    next_name(page)
    assert page.evaluate("() => fades") == 0
    page.emulate_media(reduced_motion="no-preference")
    next_name(page)
    assert page.evaluate("() => fades") > 0


def test_the_slideshow_works_by_mouse_and_keys(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    wait_shortly(page, open_slideshow(page, gallery))
    page.clock.run_for(TURN)
    full_screen = slideshow(page).get_by_role("button", name="Full screen", exact=True)
    leave = slideshow(page).get_by_role("button", name="Leave the wall")
    assert not is_seen(leave)
    page.mouse.move(300, 300)
    page.mouse.move(320, 300)
    assert is_seen(leave)
    full_screen.click()
    slideshow(page).get_by_role("button", name="Exit full screen").click()
    expect(full_screen).to_be_visible()
    expect(picture(page)).to_be_visible()
    page.clock.run_for(TURN)
    slideshow(page).focus()
    assert not is_seen(leave)
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("() => document.activeElement.textContent"))
        assert page.evaluate("() => document.activeElement.closest('main, header') === null")
    assert seen[:2] == ["Full screen", "Leave the wall"]
    leave.focus()
    page.clock.run_for(TURN)
    assert is_seen(leave)
    leave.press("Enter")
    expect(slideshow(page)).to_be_hidden()


def test_opening_it_often_leaks_nothing(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2))
    page.goto(f"{gallery.url}/#wall")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def open_and_leave(times: int) -> None:
        for _ in range(times):
            page.evaluate("() => (location.hash = '#wall')")
            expect(picture(page)).to_be_visible()
            page.keyboard.press("Escape")
            page.wait_for_url(f"{gallery.url}/")

    def count_kept_objects() -> float:
        devtools.send("HeapProfiler.collectGarbage")
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        counts = {metric["name"]: metric["value"] for metric in metrics}
        return counts["Nodes"] + counts["JSEventListeners"]

    open_and_leave(times=3)
    before = count_kept_objects()
    open_and_leave(times=12)
    # Once the last pictures that were on their way have come.
    wait_until(lambda: count_kept_objects() < before + 10)


def test_the_slideshow_is_accessible(page: Page, gallery: Gallery, guest: Guest) -> None:
    page.goto(f"{gallery.url}/#wall")
    expect(page.get_by_role("heading", name=INVITATION)).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    ui.expect_accessible(page)
    guest.take_name("Ann")
    ui.send(guest, "1.jpg")
    expect(picture(page)).to_be_visible()
    ui.expect_accessible(page)
