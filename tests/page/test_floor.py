"""The oldest browsers that the page is for (DESIGN section 8): linters hold the floor, and what is
below it gets the plain gallery."""

import json
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import old_browsers
from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.photos import photo_bytes
from tests.support.programs import need_libraries
from tests.support.visitors import make_accounts

PROGRAMS = Path(__file__).parents[2] / "node_modules" / ".bin"
TOO_NEW = {
    "television.js": """
        new Set().union(new Set())
        export const join = (a, b) => a.difference(b)
        AbortSignal.any([])
        const query = new URLSearchParams(); query.size
        new Map().values().filter(Boolean)
        document.body.checkVisibility()
        document.body.ariaBusy = "true"
        list.toSpliced(0, 0)
        Promise.withResolvers()
        new CloseWatcher()
        const { any } = AbortSignal
        const { size } = query
        export const first = ({ difference }) => difference
    """,
    "upload/queue.js": """
        Object.groupBy([], String)
        document.body.showPopover()
    """,
    "styles/tokens.css": """
        a { color: light-dark(black, white) }
        :root { --ink: black; --ink: light-dark(black, white) }
        a { b { color: red } }
        a { @media (width > 1px) { b & { color: red } } }
        a:has(b) { color: red }
        a:popover-open { color: red }
        a { user-select: none }
        a { text-size-adjust: none }
        a { block-size: 2lh }
        a { grid-template: subgrid / subgrid }
        @starting-style { a { color: red } }
        @media (scripting: enabled) { a { color: red } }
    """,
    "slideshow/slideshow.css": """
        a { &:hover { color: red } }
        @layer b { a { color: red } }
        a { color: color-mix(in srgb, red, blue) }
        a { translate: 1px }
        a { block-size: 100dvh }
        a { block-size: 1cqb }
    """,
}
OLD_ENOUGH = {
    "app.js": """
        new Map().size
        list.entries().next()
        Object.entries({}).map(String)
        export const last = (list) => list.at(-1)
    """,
    "upload/queue.js": "[1].toSorted()",
    "styles/tokens.css": """
        a { color: black; color: light-dark(black, white) }
        @supports (color: light-dark(black, white)) { a { color: light-dark(black, white) } }
        a { & b { color: red } }
        a { -webkit-user-select: none; user-select: none }
    """,
}


def find_faults(file: str, source: str) -> list[str]:
    need_libraries()
    linter = "eslint" if file.endswith("js") else "stylelint"
    command = [PROGRAMS / linter, "-f", "json", "--stdin", f"--stdin-filename=frontend/{file}"]
    ended = subprocess.run(
        command,
        input=source,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROGRAMS.parents[1],
    )
    [result] = json.loads(ended.stdout or ended.stderr)
    faults = result["messages" if linter == "eslint" else "warnings"]
    assert bool(faults) == bool(ended.returncode), ended
    names = [fault.get("rule") or fault["ruleId"] for fault in faults]
    chosen = [fault for fault, name in zip(faults, names, strict=True) if name == "dropwall/floor"]
    return [f"{fault['line']}: {fault.get('text') or fault['message']}" for fault in chosen]


@pytest.mark.parametrize("file", TOO_NEW)
def test_the_linters_refuse_what_the_oldest_browsers_cannot_do(file: str) -> None:
    lines = TOO_NEW[file].strip().splitlines()
    faulty = {int(fault.partition(":")[0]) for fault in find_faults(file, "\n".join(lines))}
    assert faulty == set(range(1, len(lines) + 1))


@pytest.mark.parametrize("file", OLD_ENOUGH)
def test_the_linters_allow_what_they_can_and_what_has_a_fallback(file: str) -> None:
    assert find_faults(file, OLD_ENOUGH[file]) == []


# Below the floor


def test_a_browser_below_the_floor_gets_a_form_photos_and_originals(
    page: Page, gallery: Gallery
) -> None:
    gallery.send(("1.jpg", photo_bytes("jpg", 1)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    old_browsers.play_old_browser(page, "ios_saf 15.6", is_below_the_floor=True)
    page.goto(gallery.url)
    expect(page).to_have_url(f"{gallery.url}/plain")
    ui.file_input(page).set_input_files(ui.payload("2.jpg", photo_bytes("jpg", 2)))
    page.get_by_role("button", name="Add photos").click()
    expect(page.get_by_role("status")).to_have_text("Photo added ✓")
    expect(page).to_have_url(f"{gallery.url}/plain")
    photos = page.get_by_role("listitem")
    expect(photos).to_have_count(2)
    original = photos.first.get_by_role("link").get_attribute("href")
    assert page.request.get(f"{gallery.url}{original}").body() == photo_bytes("jpg", 2)
    link = page.get_by_role("link", name="Download all photos")
    assert page.request.get(f"{gallery.url}{link.get_attribute('href')}").ok
    assert [url for url in asked if "/api/live" in url] == []  # no script has started


# On old phones


@pytest.mark.parametrize("popover", ["none", "manual"])
def test_the_menu_needs_no_popovers(page: Page, gallery: Gallery, popover: str) -> None:
    """iOS 16 has none; those of iOS 17 are not closed by a tap beside them."""
    if popover == "none":
        old_browsers.play_old_browser(page, "ios_saf 16.5")
    else:
        old_browsers.play_popovers_that_stay_open(page)
    gallery.send(("1.jpg", photo_bytes("jpg")))
    page.goto(gallery.url)
    button = page.get_by_role("button", name="Menu")
    menu = page.get_by_role("navigation", name="Gallery")
    expect(page.get_by_role("listitem").get_by_role("img")).to_be_visible()
    expect(menu).to_be_hidden()
    button.click()
    expect(menu.get_by_role("link", name="Download all photos")).to_be_visible()
    expect(menu.get_by_role("link", name="Download my photos")).to_be_hidden()
    assert ui.serious_findings(page) == []
    page.mouse.click(20, 400)
    expect(menu).to_be_hidden()
    button.click()
    expect(menu).to_be_visible()
    button.click()
    expect(menu).to_be_hidden()
    if popover == "none":  # Chromium closes others by itself, but none that is "manual"
        ui.press_enter_on(page, button)
        expect(button).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        expect(button).to_be_focused()
    ui.name_oneself(page, "Ann")
    expect(menu).to_be_hidden()


def test_without_popovers_a_menu_is_over_the_uploads_all_the_same(
    page: Page, gallery: Gallery
) -> None:
    """On a phone held sideways both reach over half of the screen."""
    old_browsers.play_old_browser(page, "ios_saf 16.5")
    page.set_viewport_size({"width": 844, "height": 390})
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg")
    expect(ui.tiles(page)).to_have_count(1)
    gate = ui.Gate(page)
    ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
    gate.wait_until_held()
    expect(page.get_by_role("textbox", name="Who's adding these?")).to_be_visible()
    page.get_by_role("button", name="Menu").click()
    menu = page.get_by_role("navigation", name="Gallery")
    menu.get_by_role("link", name="Sign in").click(trial=True)
    menu.get_by_role("button", name="Your name").click()
    expect(page.get_by_role("dialog", name="Your name")).to_be_visible()
    gate.open()


SMALL_FIELDS = """() => [...document.querySelectorAll("input, select, textarea")]
    .filter((field) => !["radio", "hidden"].includes(field.type))
    .map((field) => [field.outerHTML, parseFloat(getComputedStyle(field).fontSize)])
    .filter(([, size]) => size < 16).map(([html]) => html)"""


class TestFields:
    @pytest.fixture
    def gallery_settings(self) -> dict[str, object]:
        return {"passcode": "1234", "sign_up": True}

    @pytest.fixture
    def expected_errors(self) -> list[str]:
        return [ui.REFUSED]

    def test_no_field_makes_an_iphone_zoom_in(self, page: Page, gallery: Gallery) -> None:
        """It does when text smaller than 16 px gets the focus."""
        make_accounts(gallery, "Ann")
        page.set_viewport_size({"width": 390, "height": 844})
        small: list[str] = []

        def look(path: str) -> None:
            page.goto(f"{gallery.url}{path}")
            assert page.locator("input").count() > 0, path
            small.extend(page.evaluate(SMALL_FIELDS))

        for path in ("/passcode", "/sign-in", "/sign-up"):
            look(path)
        page.goto(gallery.url)
        page.get_by_role("textbox").fill("1234")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Add photos")).to_be_visible()
        ui.sign_in_by_request(page, gallery)
        for path in ("/", "/plain", "/account"):
            look(path)
        assert small == []
