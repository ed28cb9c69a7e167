"""The page loads quickly, whatever the CDN does, and goes on while its server is upgraded."""

import re
import shutil
import signal
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.support import page as ui
from tests.support.browser import CDN, ROOT
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.waiting import wait_until

NOTE_SCRIPTS = """
    window.asked = [];
    new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const { src } of addedNodes) {
            if (src) asked.push([new URL(src).pathname, performance.now()]);
        }
    }).observe(document, { childList: true, subtree: true });
"""
"""Notes in the page when it asks for which script."""

IS_LAST_CLEAR = """() => {
    const last = [...document.querySelectorAll(".photo-tile")].at(-1).getBoundingClientRect();
    return last.bottom <= document.querySelector(".file-picker").getBoundingClientRect().top;
}"""
"""Whether the last photo is above the form."""


def test_the_first_list_and_the_settings_are_asked_for_once(page: Page, gallery: Gallery) -> None:
    """By the page itself, before there is a script: the scripts are given those answers."""
    asked: list[Request] = []
    page.on("request", lambda it: "/api/" in it.url and asked.append(it))
    ui.open_watching(page, gallery)
    for path in ("/api/photos?limit=100", "/api/settings"):
        assert [it.url for it in asked].count(gallery.url + path) == 1, path


def test_where_the_cdn_is_silent_the_page_asks_for_its_own_copies_soon(
    page: Page, gallery: Gallery
) -> None:
    page.route(f"{CDN}**", lambda route: None)
    page.add_init_script(NOTE_SCRIPTS)
    page.goto(gallery.url, wait_until="domcontentloaded")  # nothing else ends without the CDN
    expect(page.locator("[data-state=ready]")).to_be_visible()
    asked = {re.sub("^/(npm|vendor)/", r"\1 ", path): at for path, at in page.evaluate("asked")}
    dropzone = "dropzone@6.3.5/dist/dropzone-min.js"
    waited_ms = asked[f"vendor {dropzone}"] - asked[f"npm {dropzone}"]
    assert 290 < waited_ms < 2_000  # on a busy machine


def test_the_first_photos_wait_for_no_library(page: Page, gallery: Gallery, guest: Guest) -> None:
    ui.send(guest, "1.jpg")
    for address in (f"{CDN}**", "**/vendor/**"):
        page.route(address, lambda route: None)
    page.goto(gallery.url, wait_until="domcontentloaded")
    expect(ui.tile(page, "1.jpg").locator("img[data-loaded]")).to_be_visible()


@pytest.mark.parametrize(
    "size", [(390, 844), pytest.param((844, 390), marks=pytest.mark.slow), (1366, 768)]
)
def test_where_nobody_has_dropzone_the_plain_form_comes_over_the_photos_and_moves_none(
    page: Page, gallery: Gallery, expected_errors: list[str], size: tuple[int, int]
) -> None:
    expected_errors += [ui.UNREACHABLE, ui.REFUSED]
    add_many(gallery, 40)
    page.route(f"{CDN}dropzone*/**", lambda route: route.abort())
    page.route("**/vendor/dropzone*/**", lambda route: route.fulfill(status=404))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    ui.note_shifts(page)
    page.goto(gallery.url)
    add = page.get_by_role("button", name="Add photos")
    expect(add).to_be_in_viewport()
    expect(page.get_by_role("group", name="Who sees these photos?")).to_be_in_viewport()
    page.wait_for_load_state("networkidle")
    assert ui.layout_shift(page) < 0.05
    page.keyboard.press("End")
    wait_until(lambda: page.evaluate(IS_LAST_CLEAR))
    ui.expect_accessible(page)


def test_where_nobody_has_photoswipe_a_tap_opens_the_original(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    """The CDN is silent, and npm has installed no copy."""
    expected_errors.append(ui.REFUSED)
    ui.send(guest, "1.jpg")
    page.route(f"{CDN}photoswipe**", lambda route: None)
    page.route("**/vendor/photoswipe**", lambda route: route.fulfill(status=404))
    page.add_init_script("window.open = () => (window.opened = true)")
    ui.open_gallery(page, gallery)
    ui.tile(page, "1.jpg").click()
    page.wait_for_function("() => window.opened")


@pytest.mark.parametrize("gallery_settings", [{"mode": "own"}])
def test_settings_whose_answer_was_lost_are_asked_for_again(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.NO_CONNECTION)
    page.goto(gallery.url)
    ui.send_as(page, "1.jpg")
    page.route("**/api/settings", lambda route: route.abort())
    page.goto(gallery.url)
    ui.enlarge(page, "1.jpg")  # which waits for no settings
    page.unroute("**/api/settings")
    expect(ui.lightbox(page).get_by_role("button", name="Remove")).to_be_visible()
    ui.close_lightbox(page)
    expect(page.locator("[data-state=ready]")).to_be_visible()
    expect(page.get_by_role("button", name="Add photos for the host")).to_be_visible()


def count_loads(page: Page) -> list[str]:
    """The addresses of the documents that the page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda it: it.is_navigation_request() and asked.append(it.url))
    return asked


@pytest.mark.parametrize(
    ("script", "fragment"), [("upload/index.js", ""), ("slideshow/slideshow.js", "#wall")]
)
def test_a_script_lost_on_its_way_is_loaded_with_the_page_again(
    page: Page,
    gallery: Gallery,
    guest: Guest,
    expected_errors: list[str],
    script: str,
    fragment: str,
) -> None:
    expected_errors.append(ui.NO_CONNECTION)
    ui.send(guest, "1.jpg")
    loads = count_loads(page)
    page.route(f"**/{script}", lambda it: it.abort() if len(loads) == 1 else it.fallback())
    page.goto(f"{gallery.url}/{fragment}")
    if fragment:
        expect(page.get_by_role("dialog").get_by_role("figure").get_by_role("img")).to_be_visible()
    expect(page.locator("[data-state=ready]")).to_be_attached()
    assert len(loads) == 2


@pytest.mark.parametrize("script", ["app.js", "gallery/grid.js"])
@pytest.mark.parametrize("losses", [1, 2])
def test_without_its_first_scripts_the_page_is_asked_for_again_then_the_plain_gallery(
    page: Page,
    gallery: Gallery,
    guest: Guest,
    expected_errors: list[str],
    script: str,
    losses: int,
) -> None:
    expected_errors.append(ui.NO_CONNECTION)
    ui.send(guest, "1.jpg")
    loads = count_loads(page)
    page.route(f"**/{script}", lambda it: it.abort() if len(loads) <= losses else it.fallback())
    page.goto(gallery.url)
    if losses == 1:
        expect(ui.tiles(page)).to_have_count(1)
    else:
        expect(page).to_have_url(f"{gallery.url}/plain")
        expect(page.get_by_role("img")).to_have_count(1)


SENTENCES = {
    "upload/index.js": "Part of this page didn't load. Reload it.",
    "people/name.js": "Part of this page didn't load. Reload it.",
    "slideshow/slideshow.js": "Couldn't open the slideshow. Try again.",
    "lightbox/lightbox.js": "Couldn't open this photo. Try again.",
}


@pytest.mark.parametrize(
    ("script", "is_there"),
    [
        ("upload/index.js", True),
        *((script, False) for script in SENTENCES),
        *(
            pytest.param(script, True, marks=pytest.mark.slow)
            for script in SENTENCES
            if script != "upload/index.js"
        ),
    ],
)
def test_a_script_that_never_fits_costs_its_room_and_a_single_reload(
    page: Page,
    gallery: Gallery,
    guest: Guest,
    expected_errors: list[str],
    script: str,
    is_there: bool,
) -> None:
    """It is another version's, or missing."""
    expected_errors.append(ui.REFUSED)
    ui.send(guest, "1.jpg")
    [photo] = gallery.photos()
    fragment = {"slideshow": "wall", "lightbox": f"photo/{photo['id']}"}.get(
        script.split("/")[0], ""
    )
    body = 'import { nothing } from "../page/memory.js";'
    answer = {"body": body, "content_type": "text/javascript"} if is_there else {"status": 404}
    page.route(f"**/{script}", lambda route: route.fulfill(**answer))
    loads = count_loads(page)
    page.goto(f"{gallery.url}/#{fragment}")
    expect(page.get_by_text(SENTENCES[script])).to_be_visible()
    state = "plain" if script == "upload/index.js" else "ready"
    expect(page.locator(f"[data-state={state}]")).to_be_visible()
    assert len(loads) == 2


def test_a_photo_dropped_before_the_page_takes_any_leads_nowhere(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    (tmp_path / "1.jpg").write_bytes(ui.small_photo(1))
    page.route("**/upload/index.js", lambda route: None)
    page.goto(gallery.url, wait_until="domcontentloaded")
    page.wait_for_function("() => document.body.dataset.gallery")  # app.js runs
    loads = count_loads(page)
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(tmp_path / "1.jpg")], "dragOperationsMask": 1}
    for event in ("dragEnter", "dragOver", "drop"):
        drag = {"type": event, "x": 300, "y": 500, "data": data}
        devtools.send("Input.dispatchDragEvent", drag)
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 200))")
    assert loads == []
    assert page.url == f"{gallery.url}/"


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The folder of a Dropwall all of whose scripts have changed. What the slideshow imports has
    another name: it does not fit to the scripts of a page that is open."""
    folder = tmp_path / "next"
    for name in ("server", "frontend"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "package.json", folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "dropwall").symlink_to(folder / "server")
    for script in (folder / "frontend").rglob("*.js"):
        renamed = script.read_text().replace("RequestError", "FailedRequest")
        script.write_text(f'{renamed}\nvoid "of the next version";\n')
    return folder


def test_an_open_page_goes_on_when_its_server_is_upgraded(
    page: Page, tmp_path: Path, next_version: Path, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.NO_CONNECTION)
    with closing(GalleryServer(tmp_path / "data", workers=1)) as server:
        server.send(("1.jpg", ui.small_photo(1)))
        scripts: list[str] = []
        page.on("request", lambda it: it.url.endswith(".js") and scripts.append(it.url))
        ui.open_gallery(page, server)
        [entry] = [address for address in scripts if address.endswith("/app.js")]
        server.stop(signal.SIGINT)  # it waits for no stream
        server.code = next_version
        server.start()
        answer = page.request.get(entry)
        assert answer.text().endswith('void "of the next version";\n')
        assert answer.headers["cache-control"] == "no-cache"
        ui.enlarge(page, "1.jpg")
        ui.close_lightbox(page)
        page.get_by_role("button", name="Menu").click()
        with page.expect_request(lambda it: it.url.endswith("/app.js")) as loaded_anew:
            page.get_by_role("link", name="Slideshow").click()
        assert loaded_anew.value.url != entry
        shown = page.get_by_role("dialog", name="Slideshow").get_by_role("figure")
        expect(shown.get_by_role("img", name="Photo")).to_be_visible()
        page.keyboard.press("Escape")
        ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
        expect(ui.tile(page, "2.jpg")).to_be_visible()
