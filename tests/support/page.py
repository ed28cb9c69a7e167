"""What a person does with the page and finds on it, by role and name."""

import base64
import math
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from random import Random
from urllib.parse import urlencode, urljoin
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import BrowserContext, Error, Locator, Page, Response, Route, expect

from tests.support.browser import ROOT
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.visitors import PASSWORD
from tests.support.waiting import wait_until

# Chromium reports each of these by itself; the page deals with them.
REFUSED = r"status of (4\d\d|503|507)"
UNREACHABLE = r"net::ERR_FAILED"
NO_CONNECTION = r"net::ERR_"

UNMARKED = "^Photo.*(?<! Private)(?<! Pending)(?<! Hidden)$"
STREAM = "**/api/live*"
ASKING = "**/api/photos?since=*"
NOTE_SHIFTS = """
    let shifts = 0;
    const add = (entries) => {
        for (const { value, hadRecentInput } of entries) if (!hadRecentInput) shifts += value;
    };
    const observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    window.readShifts = async () => {
        await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
        add(observer.takeRecords());
        return shifts;
    };
"""
IS_HIDDEN = """(isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
UPLOADED_MS = 90_000
"""Milliseconds within which all photos have arrived, on a busy machine."""
Corners = tuple[tuple[int, str], ...]
"""Widths of the window in pixels, each with a colour scheme."""
CORNERS = ((320, "light"), (1280, "dark"))
ALL_CORNERS = tuple(product((320, 390, 768, 1280, 1920), ("light", "dark")))
in_all_corners = pytest.mark.parametrize(
    "corners", [CORNERS, pytest.param(ALL_CORNERS, marks=pytest.mark.slow)], ids=["two", "all"]
)
"""For a main story that axe-core follows: `make check` looks at every width in both schemes."""

Photo = tuple[str, bytes]


# Opening the page


def open_gallery(page: Page, gallery: Gallery) -> None:
    """Opens the page, and waits until it takes photos by more than its plain form."""
    page.goto(gallery.url)
    expect(page.locator("[data-state=ready]")).to_be_visible()


def open_watching(page: Page, gallery: Gallery) -> None:
    """Opens the page, and waits until it is told of everything that happens."""
    with page.expect_response(is_stream):
        open_gallery(page, gallery)


def is_stream(answer: Response) -> bool:
    return "/api/live" in answer.url and answer.ok


def wait_in_page(page: Page, is_so: Callable[[], object]) -> None:
    """Waits for what routes and listeners of this page note, while they are served."""
    wait_until(lambda: page.evaluate("true") and is_so())


def wait_for_animations(page: Page) -> None:
    page.wait_for_function(
        """() => document.getAnimations().every(({ effect, playState }) =>
            playState !== "running" || effect.getTiming().iterations === Infinity)"""
    )


def replace_in_script(page: Page, name: str, changes: dict[str, str]) -> None:
    """Changes one of the page's scripts, such as a number of seconds, before it is loaded."""
    assert (ROOT / "frontend" / name).is_file()

    def fulfill(route: Route) -> None:
        script = route.fetch()
        body = script.text()
        for written, instead in changes.items():
            assert written in body
            body = body.replace(written, instead)
        route.fulfill(response=script, body=body)

    page.route(f"**/{name}", fulfill)


def count_wake_locks(page: Page) -> None:
    """Counts in the page's `wakeLocks` what keeps the screen awake, once it is loaded."""
    page.add_init_script(
        """window.wakeLocks = 0;
        const request = async () => {
            wakeLocks += 1;
            const lock = new EventTarget();
            lock.release = async () => (wakeLocks -= 1);
            return lock;
        };
        Object.defineProperty(navigator, "wakeLock", { value: { request } });"""
    )


def press_until_focused(page: Page, target: Locator, key: str = "Tab") -> None:
    for _ in range(12):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{target} is not reached by {key}")


def press_enter_on(page: Page, target: Locator, key: str = "Tab") -> None:
    press_until_focused(page, target, key)
    page.keyboard.press("Enter")


# Uploading


def payload(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "", "buffer": content}


def small_photo(seed: int) -> bytes:
    return photo_bytes("jpg", seed, (48, 32))


def large_photo(number: int, kilobytes: int = 40) -> Photo:
    """A photo with a long tail, as a phone's motion photo has: large, and quickly decoded."""
    tail = Random(number).randbytes(kilobytes * 1000)
    return f"{number}.jpg", photo_bytes("jpg", seed=number, size=(120, 90)) + tail


def add_photos(page: Page, *photos: Photo) -> None:
    """Adds photos by the button, as a person does."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files([payload(name, content) for name, content in photos])


def add_privately(page: Page, *photos: Photo) -> None:
    """Adds photos that nobody else is to see, by the small menu beside the button."""
    page.get_by_role("button", name="More ways to add").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add privately").click()
    chooser.value.set_files([payload(name, content) for name, content in photos])


def file_input(page: Page) -> Locator:
    """The form's own field, which "Add photos" hides behind itself where there are scripts."""
    return page.get_by_label("Photos to add")


def drop_photos(page: Page, *photos: Photo) -> None:
    """Drops photos from the desktop onto the middle of the window."""
    files = [[name, base64.b64encode(content).decode()] for name, content in photos]
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, content] of files) {
                const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            return transfer;
        }""",
        files,
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Photos on their way").get_by_role("listitem")


def summary(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


def abort_posts(route: Route) -> None:
    route.abort() if route.request.method == "POST" else route.fallback()


def upload_without_a_network(page: Page) -> None:
    """Adds twelve photos, none of which can be sent."""
    page.route("**/*", abort_posts)
    add_photos(page, *(large_photo(number) for number in range(12)))
    expect(summary(page)).to_contain_text("Next try in")


class Gate:
    """Lets some of a page's POSTs through and holds those that follow, until it is opened or cut.

    `passed` counts those that went through."""

    def __init__(self, page: Page, lets_through: int = 0) -> None:
        self.passed = 0
        self._page = page
        self._lets_through: float = lets_through
        self._is_cut = False
        self._held: list[Route] = []
        page.route(page.url, self._take)

    def wait_until_held(self) -> None:
        wait_in_page(self._page, lambda: self._held)

    def cut(self) -> None:
        """What it holds and what follows fails, as when the network is lost."""
        self._is_cut = True
        self._release()

    def open(self) -> None:
        self._lets_through = math.inf
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for route in held:
            self._take(route)

    def _take(self, route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
        elif self.passed < self._lets_through:
            self.passed += 1
            route.continue_()
        elif self._is_cut:
            route.abort()
        else:
            self._held.append(route)


class Hold:
    """Holds a page's requests for an address until it is released; those that come later pass: a
    page that imports two modules may ask for the second only then."""

    def __init__(self, page: Page, address: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        self._is_released = False
        page.route(address, self._take)

    def wait_for_request(self) -> None:
        wait_in_page(self._page, lambda: self._routes)

    def release(self) -> None:
        self._is_released = True
        for route in self._routes:
            route.continue_()

    def _take(self, route: Route) -> None:
        if self._is_released:
            route.continue_()
        else:
            self._routes.append(route)


def note_shifts(page: Page) -> None:
    """From the next page on, so that `layout_shift` can tell of it."""
    page.add_init_script(f"{{{NOTE_SHIFTS}}}")


def layout_shift(page: Page) -> float:
    """The sum of all shifts of the layout (https://web.dev/articles/cls) up to what is painted now,
    but for those that a tap or a key has just caused."""
    return page.evaluate("() => readShifts()")


def answer_posts(page: Page, status: int, headers: dict[str, str], body: str) -> None:
    """In the server's place, until `page.unroute(page.url)`."""

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            all_headers = {"Content-Type": "text/plain"} | headers
            route.fulfill(status=status, headers=all_headers, body=body)
        else:
            route.fallback()

    page.route(page.url, answer)


def come_online(page: Page) -> None:
    """What a browser does when the network is back."""
    page.evaluate("() => dispatchEvent(new Event('online'))")


def expect_all_safe(page: Page, count: int) -> None:
    """The bar says so for a few seconds."""
    sentence = {1: "Photo added", 2: "Both photos added"}.get(count, f"All {count} photos added")
    expect(summary(page)).to_contain_text(sentence, timeout=UPLOADED_MS)


def wait_until_page_may_close(page: Page) -> None:
    """Waits until the page could be closed without a warning that something would be lost."""
    page.wait_for_function(
        "() => dispatchEvent(new Event('beforeunload', { cancelable: true }))", timeout=UPLOADED_MS
    )


def count_kept_files(page: Page) -> int:
    """How many photos the browser keeps until the server has them."""
    return page.evaluate(
        """() => new Promise((resolve) => {
            const opening = indexedDB.open("dropwall");
            opening.onsuccess = () => {
                const database = opening.result;
                const asked = database.transaction("files").objectStore("files").count();
                asked.onsuccess = () => { database.close(); resolve(asked.result); };
            };
        })"""
    )


def wait_until_leftovers_are_offered(page: Page) -> None:
    """The page asks the other tabs first, for 0.4 s; this is its own clock."""
    page.wait_for_function("() => performance.now() > 2_500")


# The gallery


def tiles(page: Page) -> Locator:
    return page.get_by_role("list", name="Photos", exact=True).get_by_role("link")


def tile(page: Page, name: str) -> Locator:
    """A photo's tile, by the name of its file; a mark such as "Private" may follow it."""
    file_name, mark = re.fullmatch(r"(.*?\.\w+)(.*)", name).groups()  # type: ignore[union-attr]
    named = re.compile(f"{mark}$" if mark else UNMARKED)
    return tiles(page).and_(page.get_by_role("link", name=named)).and_(by_file(page, file_name))


def by_file(page: Page, name: str) -> Locator:
    """What shows a photo or leads to it. The page itself calls photos by who took them and when."""
    ids: list[str] = []

    def is_known() -> bool:
        known = _learn_names(page, q=name)
        ids[:] = [photo_id for photo_id in known if known[photo_id] == name]
        return bool(ids)

    wait_until(is_known)
    return page.locator(",".join(f"[href*='{each}'], [src*='{each}']" for each in ids))


def file_name(page: Page, address: str) -> str:
    """The name of the file of the photo at this address of its picture, or of the original."""
    photo_id = re.findall(r"[0-9a-f]{32}", address)[0]
    known = _file_names.get(page.context, {})
    if photo_id not in known:
        known = _learn_names(page, ids=photo_id)
    return known.get(photo_id, address)


_file_names: WeakKeyDictionary[BrowserContext, dict[str, str]] = WeakKeyDictionary()
"""By the ids of photos: of all that a page was asked about, as long as it is open."""


def _learn_names(page: Page, **asked: object) -> dict[str, str]:
    known = _file_names.setdefault(page.context, {})
    query = urlencode({"limit": 500} | asked)
    with suppress(Error):  # the server may be down
        listed = page.request.get(urljoin(page.url, f"/api/photos?{query}")).json()["photos"]
        known |= {photo["id"]: photo["name"] for photo in listed}
    return known


def shown(page: Page) -> list[str]:
    """The names of the photos' files, in their order on the page."""
    addresses = tiles(page).evaluate_all("(links) => links.map(({ href }) => href)")
    return [file_name(page, address) for address in addresses]


def expect_shown(page: Page, *names: str) -> None:
    wait_until(lambda: shown(page) == list(names))


def expect_the_same_as(gallery: Gallery, page: Page) -> None:
    wait_until(lambda: shown(page) == [photo["name"] for photo in gallery.photos()])


def search(page: Page) -> Locator:
    return page.get_by_role("search")


def open_search(page: Page) -> Locator:
    """The fields, which its button opens unless they are open."""
    if page.get_by_role("button", name="Search", expanded=False).count():
        page.get_by_role("button", name="Search").click()
    return search(page)


def close_search(page: Page) -> None:
    page.get_by_role("button", name="Search", expanded=True).click()


def search_box(page: Page) -> Locator:
    return open_search(page).get_by_role("searchbox", name="Search by name or person")


def people(page: Page) -> Locator:
    return open_search(page).get_by_role("combobox", name="Whose photos")


def order(page: Page) -> Locator:
    return open_search(page).get_by_role("combobox", name="Order")


def chip(page: Page, label: str) -> Locator:
    """What is chosen in the search, beside the photos; takes it back."""
    return search(page).get_by_role("button", name=f"Remove {label}")


def remove_by_key(page: Page, name: str) -> None:
    tile(page, name).focus()
    page.keyboard.press("Delete")


def lightbox(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Enlarged photo")


def enlarge(page: Page, name: str, mark: str = "") -> None:
    """Opens a photo in the lightbox; its tile may have a mark, such as "Private"."""
    tile(page, f"{name} {mark}".strip()).click()
    expect(lightbox(page)).to_contain_text(name)
    wait_for_animations(page)


def close_lightbox(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(lightbox(page)).to_have_count(0)


def change_in_lightbox(page: Page, action: str, name: str) -> None:
    expect(lightbox(page)).to_contain_text(name)
    lightbox(page).get_by_role("button", name=action, exact=True).click()


# The guest of this page, and others


def send(guest: Guest, *names: str) -> None:
    """Photos of another guest; their names begin with a number."""
    for name in names:
        guest.send(name, _numbered_photo(name))


def send_as(page: Page, *names: str, visibility: str = "everyone") -> None:
    """Photos of the guest of this page, but not sent by it; their names begin with a number."""
    for name in names:
        sent = payload(name, _numbered_photo(name)) | {"mimeType": "image/jpeg"}
        form = {"file": sent, "visibility": visibility}
        assert page.request.post(urljoin(page.url, "/"), multipart=form).status == 204


def _numbered_photo(name: str) -> bytes:
    return small_photo(int(name.partition(".")[0]))


def send_privately(page: Page, *names: str) -> None:
    send_as(page, *names, visibility="owner")


def own_photos(page: Page) -> list[dict]:
    """The photos as the server lists them for this browser's guest."""
    return page.request.get(urljoin(page.url, "/api/photos?limit=500")).json()["photos"]


def sign_in_by_request(page: Page, gallery: Gallery, name: str = "Ann") -> None:
    """Signs in the guest of this page, which has to be loaded after it."""
    form = {"name": name, "password": PASSWORD}
    assert page.request.post(f"{gallery.url}/sign-in", form=form).status == 204


def ask_name_by_menu(page: Page) -> Locator:
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Gallery").get_by_role(
        "button", name=re.compile("^Your name$|^Name: ")
    ).click()
    dialog = page.get_by_role("dialog", name="Your name")
    expect(dialog).to_be_visible()
    return dialog


def name_oneself(page: Page, name: str) -> None:
    dialog = ask_name_by_menu(page)
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()


# Accessibility


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds to be serious or critical."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("() => axe.run().then((results) => results.violations)")
    return [
        f"{finding['id']}: {node['html']}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def expect_accessible(page: Page, corners: Corners = CORNERS) -> None:
    """axe-core finds nothing serious, in these widths and colour schemes."""
    for width, scheme in corners:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert serious_findings(page) == [], f"{width} px, {scheme}"
