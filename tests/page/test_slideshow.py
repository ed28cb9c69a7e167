"""The slideshow shows all photos on a big screen, for as long as the party lasts."""

import io
import re
from contextlib import closing

import pytest
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.old_browsers import play_old_browser
from tests.support.photos import encode
from tests.support.waiting import wait_until

# Milliseconds of the page's clock
TURN, TURN_OF_NEWS, BEFORE_NEWS = 8_100, 4_100, 3_100
STEP = 10
TITLED = {
    "title": "Anna & Ben",
    "welcome": "Good to see you!",
    "public_url": "https://photos.example.com",
}
LEFT_TO_THE_BROWSER = """() => addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    window.opened = !event.defaultPrevented && link.href;
    event.preventDefault();
})"""
INVITATION, NEXT_INVITATION = "Scan to add the first photo", "Scan to add your photos"


def open_slideshow(page: Page, gallery: Gallery, settings: str = "") -> Locator:
    """The slideshow's picture, over the gallery's page, by the address of earlier versions. The
    page's clock stands still, but for what a test lets it run."""
    page.clock.install(time=0)
    page.clock.pause_at(1)
    page.goto(f"{gallery.url}/{settings}#wall")
    expect(page).to_have_url(f"{gallery.url}/slideshow{settings}")
    expect(slideshow(page)).to_be_visible()
    return picture(page)


def wait_shortly(page: Page, expected: Locator, count: int = 1) -> None:
    """Waits until something is there, or no more, by less of the page's clock than a turn takes."""
    now = page.evaluate("Date.now()")
    wait_until(lambda: page.clock.run_for(STEP) or expected.count() == count)
    assert page.evaluate("Date.now()") - now < TURN


def slideshow(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Slideshow")


def invitation(page: Page, words: str = NEXT_INVITATION) -> Locator:
    return slideshow(page).get_by_role("heading", name=words)


def code(page: Page) -> Locator:
    """Where it is seen: in the corner, or in the invitation."""
    return slideshow(page).get_by_role("img", name="QR code").filter(visible=True)


def words(page: Page, text: str) -> Locator:
    return slideshow(page).get_by_text(text, exact=True).filter(visible=True)


def picture(page: Page, name: str = "") -> Locator:
    shown = slideshow(page).get_by_role("figure").get_by_role("img")
    return shown.and_(ui.by_file(page, name)) if name else shown


def name_of(picture: Locator) -> str:
    expect(picture).to_have_count(1)
    return ui.file_name(picture.page, picture.get_attribute("src") or "")


def next_name(page: Page) -> str:
    former = name_of(picture(page))
    page.clock.run_for(TURN)
    expect(picture(page, former)).to_have_count(0)
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
    expect(page.get_by_text("40 photos", exact=True)).to_be_attached()
    page.evaluate("() => window.scrollTo(0, 800)")
    page.evaluate("() => window.scrollTo(0, 700)")  # upwards, which shows the header
    page.get_by_role("button", name="Menu").click()
    place = page.evaluate("() => (window.isSamePage = true) && window.scrollY")
    assert place > 0
    page.get_by_role("link", name="Slideshow").click()
    expect(picture(page)).to_be_visible()
    assert page.url == f"{gallery.url}/slideshow"
    page.wait_for_function("() => document.fullscreenElement !== null && wakeLocks === 1")
    page.mouse.wheel(0, 5_000)
    page.evaluate("() => document.exitFullscreen()")  # as a browser does on Escape
    expect(slideshow(page)).to_be_hidden()
    page.wait_for_function("() => wakeLocks === 0")
    assert page.url == f"{gallery.url}/"
    assert abs(page.evaluate("() => window.scrollY") - place) < 5
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Slideshow").click()
    expect(picture(page)).to_be_visible()
    page.go_back()
    expect(slideshow(page)).to_be_hidden()
    page.go_forward()
    expect(picture(page)).to_be_visible()
    assert page.evaluate("() => window.isSamePage")


def test_a_reload_shows_the_same_and_leaving_leads_to_the_gallery(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    page.goto(f"{gallery.url}/#wall")
    expect(picture(page, "1.jpg")).to_be_visible()
    expect(page).to_have_url(f"{gallery.url}/slideshow")
    page.reload()
    expect(picture(page, "1.jpg")).to_be_visible()
    expect(page.get_by_role("button", name="Menu")).to_have_count(0)
    page.mouse.move(300, 300)
    page.mouse.move(320, 300)
    slideshow(page).get_by_role("button", name="Exit", exact=True).click()
    expect(page).to_have_url(f"{gallery.url}/")
    expect(ui.tile(page, "1.jpg")).to_be_visible()
    # Another tab is the browser's to open. Playwright may miss its first page, or all of it.
    page.evaluate(LEFT_TO_THE_BROWSER)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Slideshow").click(modifiers=["ControlOrMeta"])
    assert page.evaluate("() => opened") == f"{gallery.url}/slideshow"
    expect(slideshow(page)).to_be_hidden()


def test_new_photos_come_next_in_the_slideshow(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2, 3, 4, 5))
    picture = open_slideshow(page, gallery, "?qr=no")  # with no invitation between the photos
    wait_shortly(page, picture)
    wait_shortly(page, page.get_by_text("5 photos", exact=True))  # behind the slideshow
    shown = [name_of(picture)]
    ui.send(guest, *names(6, 7, 8))
    wait_shortly(page, page.get_by_text("8 photos", exact=True))
    for milliseconds, name in (
        (BEFORE_NEWS, "6.jpg"),
        (TURN_OF_NEWS, "7.jpg"),
        (TURN_OF_NEWS, "8.jpg"),
        (TURN_OF_NEWS, "8.jpg"),
    ):
        page.clock.run_for(milliseconds)
        expect(picture.and_(ui.by_file(page, name))).to_have_count(1)
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
    assert name_of(picture) == kept
    page.evaluate(ui.IS_HIDDEN, False)
    page.clock.run_for(STEP)
    wait_until(lambda: name_of(picture) != kept)


def test_an_empty_slideshow_invites(page: Page, gallery: Gallery, guest: Guest) -> None:
    picture = open_slideshow(page, gallery)
    expect(invitation(page, INVITATION)).to_be_visible()
    guest.take_name("Ann")
    ui.send(guest, "1.jpg")
    wait_shortly(page, picture)
    expect(picture).to_have_accessible_name(re.compile("^Photo by Ann, "))
    expect(words(page, "New · Ann")).to_be_visible()
    expect(invitation(page, INVITATION)).to_be_hidden()
    expect(code(page)).to_be_visible()
    expect(words(page, "Add yours")).to_be_visible()
    address = page.request.get(f"{gallery.url}/api/settings").json()["address"]
    expect(words(page, address.split("//")[-1].rstrip("/"))).to_be_visible()
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
    wait_shortly(page, invitation(page, INVITATION))
    expect(picture).to_have_count(0)


def test_the_slideshow_invites_nobody_before_it_knows_that_there_is_no_photo(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    held = ui.Hold(page, "**/api/photos?limit=*")
    page.goto(f"{gallery.url}/#wall", wait_until="domcontentloaded")
    expect(slideshow(page)).to_be_visible()
    held.wait_for_request()
    expect(invitation(page, INVITATION)).to_be_hidden()
    held.release()
    expect(picture(page, "1.jpg")).to_be_visible()


def test_without_a_qr_code_the_slideshow_shows_the_address_in_words(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)
    page.route("**/qr.svg", lambda route: route.fulfill(status=404))
    open_slideshow(page, gallery)
    expect(words(page, gallery.url.rpartition("/")[2])).to_be_visible()
    expect(code(page)).to_have_count(0)


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
    for _ in range(2):
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


def test_arrivals_are_new_and_a_name_given_late_appears(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, "1.jpg")
    wait_shortly(page, open_slideshow(page, gallery))
    expect(words(page, "New")).to_have_count(0)
    ui.send(guest, "2.jpg")
    wait_shortly(page, page.get_by_text("2 photos", exact=True))
    page.clock.run_for(BEFORE_NEWS)
    wait_shortly(page, picture(page, "2.jpg"))
    expect(words(page, "New")).to_be_visible()
    guest.take_name("Bob")
    wait_shortly(page, words(page, "New · Bob"))
    expect(picture(page, "2.jpg")).to_have_accessible_name(re.compile("^Photo by Bob, "))
    assert next_name(page) == "1.jpg"
    expect(words(page, "Bob")).to_be_visible()
    guest.take_name("")
    wait_shortly(page, words(page, "Bob"), count=0)


@pytest.mark.parametrize("gallery_settings", [TITLED])
def test_every_tenth_picture_is_the_invitation(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, *names(1, 2, 3))
    wait_shortly(page, open_slideshow(page, gallery))
    for _ in range(2):
        for _ in range(8):
            expect(invitation(page)).to_be_hidden()
            next_name(page)
        last = name_of(picture(page))
        page.clock.run_for(TURN)
        expect(invitation(page)).to_be_visible()
        for text in ("Anna & Ben", "Good to see you!", "photos.example.com"):
            expect(words(page, text)).to_have_count(1)
        expect(code(page)).to_have_count(1)
        page.clock.run_for(TURN)
        wait_shortly(page, invitation(page), count=0)
        assert name_of(picture(page)) != last


def test_an_invitation_waits_for_arrivals_and_hides_no_photo_for_long(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    ui.send(guest, *names(1, 2))
    wait_shortly(page, open_slideshow(page, gallery))
    wait_shortly(page, page.get_by_text("2 photos", exact=True))
    for _ in range(8):
        next_name(page)
    ui.send(guest, *names(3, 4))
    wait_shortly(page, page.get_by_text("4 photos", exact=True))
    for name in ("3.jpg", "4.jpg"):
        page.clock.run_for(TURN_OF_NEWS)
        expect(picture(page, name)).to_be_visible()
        expect(invitation(page)).to_be_hidden()
    page.clock.run_for(TURN)
    expect(invitation(page)).to_be_visible()
    page.keyboard.press("Space")
    page.clock.run_for(5 * TURN)
    expect(invitation(page)).to_be_visible()
    page.keyboard.press("ArrowLeft")  # to the photo before it
    wait_shortly(page, invitation(page), count=0)
    expect(picture(page, "4.jpg")).to_be_visible()
    page.keyboard.press("Space")
    for _ in range(8):
        next_name(page)
    page.clock.run_for(TURN)
    expect(invitation(page)).to_be_visible()
    expected_errors.append(ui.NO_CONNECTION)
    kept = name_of(picture(page))
    page.route("**/2048.webp", lambda route: route.abort())
    page.clock.run_for(TURN)
    wait_shortly(page, invitation(page), count=0)  # the network is gone: rather a photo
    assert name_of(picture(page)) == kept


CAPTIONS_THAT_OVERLAP = """() => new Promise((resolve) => {
    const [one, other] = document.querySelectorAll("figure");
    const seen = { overlaps: 0, faded: 0 };
    const opacityOf = (element) => Number(getComputedStyle(element).opacity);
    const opacity = (figure) => getComputedStyle(figure).visibility === "hidden" ? 0
        : opacityOf(figure) * opacityOf(figure.querySelector("figcaption"));
    const look = () => {
        const both = [opacity(one), opacity(other)];
        if (both.every((each) => each > 0.02)) seen.overlaps += 1;
        if (both.some((each) => each > 0.02 && each < 0.98)) seen.faded += 1;
        const isAtRest = document.getAnimations().length === 0 && seen.faded > 0;
        isAtRest ? resolve(seen) : requestAnimationFrame(look);
    };
    look();
})"""


def test_names_fade_one_after_the_other(page: Page, gallery: Gallery, guest: Guest) -> None:
    guest.take_name("Ann")
    ui.send(guest, *names(1, 2))
    page.emulate_media(reduced_motion="no-preference")
    page.goto(f"{gallery.url}/slideshow?seconds=3")
    expect(words(page, "Ann")).to_have_count(1)
    seen = page.evaluate(CAPTIONS_THAT_OVERLAP)
    assert seen["faded"] > 0
    assert seen["overlaps"] == 0


@pytest.mark.parametrize(
    "screen", [(1366, 768), pytest.param((1920, 1080), marks=pytest.mark.slow), (390, 844)]
)
def test_the_code_is_large_and_photos_make_room_for_it(
    page: Page, gallery: Gallery, guest: Guest, screen: tuple[int, int]
) -> None:
    width, height = screen
    page.set_viewport_size({"width": width, "height": height})
    guest.send("1.jpg", encode(Image.new("RGB", (1600, 1200), "#ff0000"), "jpg"))
    wait_shortly(page, open_slideshow(page, gallery))
    expect(code(page)).to_be_visible()
    ui.wait_for_animations(page)
    card = words(page, "Add yours").locator("xpath=ancestor::div[1]")
    box, around = code(page).bounding_box(), card.bounding_box()
    assert box
    assert around
    assert 0.24 <= box["width"] / min(screen) <= 0.28
    assert box["x"] > width / 2
    assert box["y"] > height / 2
    screenshot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    left, top = int(around["x"]) - 4, int(around["y"]) - 4
    reds = [screenshot.getpixel(place)[0] for place in ((left, height - 60), (width - 60, top))]  # type: ignore[index]
    assert max(reds) < 200  # the blur around the photo, which the code leaves whole
    assert screenshot.getpixel((width // 2, height // 2))[0] > 240  # type: ignore[index]


PASSCODE = TITLED | {"passcode": "blue hydrangea/ä", "public_url": ""}


@pytest.mark.parametrize("gallery_settings", [PASSCODE])
def test_the_passcode_stands_in_words_and_the_page_asks_for_nothing_it_knows(
    page: Page, gallery: Gallery
) -> None:
    page.goto(f"{gallery.url}/join/blue%20hydrangea%2F%C3%A4")
    expect(page.get_by_role("button", name="Add photos")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Slideshow").click()
    expect(words(page, "Passcode: blue hydrangea/ä")).to_be_visible()
    expect(words(page, "Anna & Ben")).to_be_visible()
    expect(words(page, gallery.url.rpartition("/")[2])).to_be_visible()
    expect(code(page)).to_be_visible()
    assert [url for url in asked if "/api/settings" in url] == []
    page.reload()
    expect(words(page, "Passcode: blue hydrangea/ä")).to_be_visible()
    expect(page).to_have_title("Slideshow · Anna & Ben")


class TestSettings:
    def test_photos_stay_as_long_as_the_address_says(
        self, page: Page, gallery: Gallery, guest: Guest
    ) -> None:
        ui.send(guest, *names(1, 2))
        for seconds, milliseconds in (("12", 12_000), ("1", 3_000), ("999", 120_000)):
            picture = open_slideshow(page, gallery, f"?seconds={seconds}")
            wait_shortly(page, picture)
            kept = name_of(picture)
            page.clock.run_for(milliseconds - 500)
            assert name_of(picture) == kept
            page.clock.run_for(600)
            wait_shortly(page, picture.and_(ui.by_file(page, kept)), count=0)

    def test_only_one_guests_photos_are_shown(
        self, page: Page, gallery: Gallery, guest: Guest
    ) -> None:
        gallery.send(("9.jpg", ui.small_photo(9)))
        ui.send(guest, *names(1, 2))
        [photo] = (each for each in gallery.photos() if each["name"] == "1.jpg")
        page.clock.install()
        page.goto(f"{gallery.url}/slideshow?by={photo['by']['id']}&qr=no")
        expect(picture(page)).to_be_visible()
        ui.send(guest, "3.jpg")
        gallery.send(("8.jpg", ui.small_photo(8)))
        expected = {*names(1, 2, 3)}
        assert wait_until_shown(page, *expected) == expected
        assert wait_until_shown(page, *expected) == expected
        expect(code(page)).to_have_count(0)
        expect(words(page, "Add yours")).to_have_count(0)

    def test_the_page_hands_over_whose_photos_it_shows(
        self, page: Page, gallery: Gallery, guest: Guest
    ) -> None:
        guest.take_name("Ann")
        ui.send(guest, "1.jpg")
        gallery.send(("9.jpg", ui.small_photo(9)))
        ui.open_gallery(page, gallery)
        ui.people(page).select_option("Ann (1)")
        ui.close_search(page)
        ui.expect_shown(page, "1.jpg")
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Slideshow").click()
        expect(picture(page, "1.jpg")).to_be_visible()
        [photo] = (each for each in gallery.photos() if each["name"] == "1.jpg")
        assert page.url == f"{gallery.url}/slideshow?by={photo['by']['id']}"
        page.reload()
        expect(picture(page, "1.jpg")).to_be_visible()

    def test_what_it_does_not_know_is_ignored(
        self, page: Page, gallery: Gallery, guest: Guest
    ) -> None:
        ui.send(guest, *names(1, 2))
        picture = open_slideshow(page, gallery, "?seconds=soon&by=me&qr=maybe&colour=red")
        wait_shortly(page, picture)
        assert {name_of(picture), next_name(page)} == {*names(1, 2)}
        expect(code(page)).to_be_visible()

    def test_without_a_code_an_empty_slideshow_only_waits(
        self, page: Page, gallery: Gallery
    ) -> None:
        page.goto(f"{gallery.url}/slideshow?qr=no")
        expect(invitation(page, "Photos appear here as they're added")).to_be_visible()
        expect(code(page)).to_have_count(0)


def test_the_slideshow_works_by_mouse_and_keys(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    wait_shortly(page, open_slideshow(page, gallery))
    page.clock.run_for(TURN)
    full_screen = slideshow(page).get_by_role("button", name="Full screen", exact=True)
    leave = slideshow(page).get_by_role("button", name="Exit", exact=True)
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
    assert seen[:2] == ["Full screen", "Exit"]
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
            page.evaluate("() => document.querySelector('[href=\"/slideshow\"]').click()")
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
    expect(invitation(page, INVITATION)).to_be_visible()
    expect(code(page)).to_be_visible()
    ui.expect_accessible(page)
    guest.take_name("Ann")
    ui.send(guest, "1.jpg")
    expect(picture(page)).to_be_visible()
    ui.expect_accessible(page)
    page.keyboard.press("Space")
    expect(slideshow(page).get_by_role("button", name="Resume")).to_be_visible()
    ui.expect_accessible(page)


def test_the_slideshow_pauses_and_goes_back_and_on(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    ui.send(guest, *names(1, 2, 3, 4))
    wait_shortly(page, open_slideshow(page, gallery))
    first = name_of(picture(page))
    page.keyboard.press("ArrowLeft")  # there is none before it
    second = next_name(page)
    page.keyboard.press("Space")
    resume = slideshow(page).get_by_role("button", name="Resume")
    assert is_seen(resume)
    page.clock.run_for(5 * TURN)
    assert name_of(picture(page)) == second
    assert is_seen(resume)
    for key, name in (("ArrowLeft", first), ("ArrowRight", second)):
        page.keyboard.press(key)
        wait_shortly(page, picture(page, name))
    page.keyboard.press("ArrowRight")
    wait_shortly(page, picture(page, second), count=0)
    third = name_of(picture(page))
    assert third not in (first, second)
    page.clock.run_for(5 * TURN)
    ui.send(guest, "5.jpg")
    wait_shortly(page, page.get_by_text("5 photos", exact=True))
    page.clock.run_for(5 * TURN)
    assert name_of(picture(page)) == third
    resume.click()
    wait_shortly(page, picture(page, "5.jpg"))
    slideshow(page).get_by_role("button", name="Pause").click()
    page.clock.run_for(5 * TURN)
    assert name_of(picture(page)) == "5.jpg"


def test_a_slideshow_that_was_left_costs_the_page_nothing(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    beginning = "#update(news = []) {"
    counted = f"{beginning} window.updates = 1 + (window.updates ?? 0);"
    ui.replace_in_script(page, "slideshow/slideshow.js", {beginning: counted})
    ui.send(guest, "1.jpg")
    page.goto(f"{gallery.url}/#wall")
    expect(picture(page, "1.jpg")).to_be_visible()
    slideshow(page).press("Escape")
    expect(slideshow(page)).to_have_count(0)
    updates = page.evaluate("() => window.updates")
    assert updates > 0
    ui.send(guest, "2.jpg")
    expect(ui.tile(page, "2.jpg").get_by_role("img")).to_be_visible()
    assert page.evaluate("() => window.updates") == updates


STEEPEST = """(figure) => {
    const context = figure.querySelector("canvas").getContext("2d");
    const { data, width } = context.getImageData(0, 0, 32, 32);
    const row = Array.from({ length: width }, (_, x) => data[4 * (16 * width + x)]);
    const steps = row.slice(1).map((value, x) => Math.abs(value - row[x]));
    return Math.max(...steps) / (Math.max(...row) - Math.min(...row));
}"""
"""The largest step between neighbours in the middle of what is behind the photo."""


def test_a_photo_is_over_a_blur_in_a_browser_whose_canvas_has_no_filter(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    """As in every Safari."""
    page.add_init_script("delete CanvasRenderingContext2D.prototype.filter")
    halves = Image.new("RGB", (800, 600), "white")
    halves.paste("black", (0, 0, 400, 600))
    guest.send("1.jpg", encode(halves, "jpg"))
    page.goto(f"{gallery.url}/slideshow")
    expect(picture(page)).to_be_visible()
    assert 0 < picture(page).locator("..").evaluate(STEEPEST) < 0.27  # 0.34 without


def test_a_television_gets_the_slideshow_alone(page: Page, gallery: Gallery, guest: Guest) -> None:
    """The browsers of 2023 are Chromium 94. It knows no layers of styles, in which all but the
    slideshow's are."""

    def take_styles_away(route: Route) -> None:
        route.fallback() if "slideshow" in route.request.url else route.fulfill(body="")

    ui.send(guest, "1.jpg")
    play_old_browser(page, "chrome 94", is_below_the_floor=True)
    page.route("**/*.css", take_styles_away)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{gallery.url}/#wall")
    expect(page).to_have_url(f"{gallery.url}/slideshow")
    expect(picture(page)).to_be_visible()
    asked.clear()
    page.reload()
    expect(picture(page)).to_be_visible()
    assert not [url for url in asked if re.search("app.js|upload/|lightbox/|cdn", url)]
    ui.wait_for_animations(page)
    ui.send(guest, "2.jpg")
    expect(picture(page, "2.jpg")).to_be_visible()
    assert slideshow(page).bounding_box() == {"x": 0, "y": 0, **page.viewport_size}  # type: ignore[dict-item]
    leave = slideshow(page).get_by_role("button", name="Exit", exact=True)
    expect(leave).to_have_css("min-height", "44px")
    ui.expect_accessible(page)
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{gallery.url}/plain")


def test_the_slideshow_of_televisions_is_that_of_the_page(client: FlaskClient) -> None:
    """They are two documents, so that a television never loads the page."""
    dialogs = [
        re.search(r'<dialog class="slideshow".*?</dialog>', client.get(path).text, re.DOTALL)
        for path in ("/", "/slideshow")
    ]
    assert dialogs[0]
    assert dialogs[1]
    assert dialogs[0][0] == dialogs[1][0]
