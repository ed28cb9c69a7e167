"""The thirteen stories that matter, in Chromium, Firefox and WebKit."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.support.browser import opened_page
from tests.support.foreign_browsers import ChromiumTab, Firefox, Tab, WebKit, firefox, webkit
from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.old_browsers import play_old_browser
from tests.support.page import NO_CONNECTION, REFUSED, large_photo, small_photo
from tests.support.proxy import Connection, Proxy
from tests.support.visitors import PASSWORD, make_accounts
from tests.support.waiting import PATIENCE_SECONDS, wait_until

OLD_BROWSERS = ("ios_saf 16.5", "chrome 112", "firefox 117")
PASSED_BYTES = 300_000
"""How much of each request passes a dam: some of a photo's first chunk, and all of others."""
INPUT = "input[name=file]"
PROGRESS = "() => document.querySelector('.upload-row progress')?.position ?? 0"
MAY_CLOSE = "() => dispatchEvent(new Event('beforeunload', { cancelable: true }))"
PHOTOS = """() => [...document.querySelectorAll("main [aria-label=Photos] img, .plain img")]
    .filter((image) => image.naturalWidth > 0 && image.getClientRects().length > 0).length"""
IS_AT_PAGE = "() => location.pathname === '/' && document.readyState === 'complete'"
IS_ORIGINAL = "() => location.pathname.startsWith('/uploads/')"
MUST_STAY_OPEN = "() => document.body.innerText.includes('Keep this page open')"
MARKS = """() => [...document.querySelectorAll("main [data-mark]:not([hidden])")]
    .map((mark) => mark.innerText)"""
SIGN_IN = """(name, password) => {
    document.querySelector("[name=name]").value = name;
    document.querySelector("[name=password]").value = password;
}"""
TAKES_TAPS = """() => [...document.querySelectorAll("[data-moved]")].every(
    ({ dataset }) => performance.now() - dataset.moved > 600)"""
IS_SHOWN = """() => [...document.querySelectorAll("dialog img")].some(
    (image) => image.naturalWidth > 0 && image.closest("[aria-hidden=false]"))"""
FIND = """(role, name) => {
    const selectors = {
        button: "button, [type=submit]",
        checkbox: "[role=checkbox][aria-checked=false]",
        dialog: "dialog[open], [role=dialog]",
        img: "img",
        link: "a",
        paragraph: "p",
        radio: "[type=radio]",
    };
    const nameOf = (element) =>
        element.getAttribute("aria-label") || element.alt ||
        (element.labels?.[0] ?? element).innerText.trim();
    const found = [...document.querySelectorAll(selectors[role])].find((element) => {
        const { width } = element.getBoundingClientRect();
        const isSeen = width > 0 && getComputedStyle(element).visibility === "visible";
        return isSeen && nameOf(element)?.includes(name) && !element.closest("[aria-hidden=true]");
    });
    if (!found) return null;
    found.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = found.getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2, href: found.href };
}"""


class Visitor:
    """Somebody at a tab, who waits until there is what they look for."""

    def __init__(self, tab: Tab, folder: Path) -> None:
        self.tab, self._folder = tab, folder

    def click(self, role: str, name: str) -> None:
        place = self.wait(lambda: self._settled(role, name))
        self.tab.click(place["x"], place["y"])

    def expect(self, role: str, name: str) -> dict:
        return self.wait(lambda: self._find(role, name))

    def expect_none(self, role: str, name: str = "") -> None:
        self.wait(lambda: not self._find(role, name))

    def expect_photos(self, count: int) -> None:
        """So many whole pictures, no more and no fewer."""
        self.wait(lambda: self.tab.run(PHOTOS) == count)

    def choose(self, *photos: tuple[str, bytes]) -> None:
        for name, content in photos:
            (self._folder / name).write_bytes(content)
        self.tab.choose(INPUT, *(self._folder / name for name, _ in photos))

    def add(self, *photos: tuple[str, bytes]) -> None:
        """As by "Add photos", whose dialog no driver can see."""
        self.expect("button", "Add photos")
        self.choose(*photos)

    def enlarge(self) -> None:
        """Taps on the newest photo. The original comes up where PhotoSwipe is late, as on a busy
        machine: one goes back and taps again."""
        self.click("img", "")
        self.wait(lambda: self._find("dialog", "") or self.tab.run(IS_ORIGINAL))
        if self.tab.run(IS_ORIGINAL):
            self.tab.run("() => history.back()")
            self.wait(lambda: self.tab.run("() => location.pathname") == "/")
            self.enlarge()

    def judge(self, action: str) -> None:
        """On the first tile that waits for approval; a tick that has just moved takes no tap."""
        self.expect("button", action)
        self.wait(lambda: self.tab.run(TAKES_TAPS))
        self.click("button", action)

    def _find(self, role: str, name: str) -> Any:
        return self.tab.run(FIND, role, name)

    def _settled(self, role: str, name: str) -> Any:
        """Where it is once it does not move any more."""
        place = self._find(role, name)
        time.sleep(0.1)
        return place if place and place == self._find(role, name) else None

    def wait(self, find: Callable[[], Any]) -> Any:
        found: list[Any] = []
        wait_until(lambda: found.append(find()) or found[-1])
        return found[-1]


class Dam(Proxy):
    """Holds back what comes after the first part of each request, until it is opened."""

    def __init__(self, url: str) -> None:
        super().__init__(url, _DamConnection)
        self.opened = threading.Event()

    def __exit__(self, *_: object) -> None:
        self.opened.set()
        super().__exit__()


class _DamConnection(Connection):
    server: Dam
    passed = 0

    def take_request(self, piece: bytes) -> None:
        self.passed = (
            len(piece) if piece.startswith((b"GET ", b"POST ")) else self.passed + len(piece)
        )
        if self.passed > PASSED_BYTES:
            self.server.opened.wait(PATIENCE_SECONDS)
        super().take_request(piece)


# Whose browser it is


@pytest.fixture(scope="module")
def firefox_browser() -> Iterator[Firefox]:
    with firefox() as browser:
        yield browser


@pytest.fixture(scope="module")
def webkit_browser() -> Iterator[WebKit]:
    with webkit() as browser:
        yield browser


@contextmanager
def chromium(new_context: Callable[..., BrowserContext], engine: str) -> Iterator[Tab]:
    with opened_page(new_context(), [REFUSED, NO_CONNECTION]) as page:
        if engine in OLD_BROWSERS:
            play_old_browser(page, engine)
        yield ChromiumTab(page)


def slow(*values: str) -> Any:
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.fixture(params=["chromium", *slow("firefox", "webkit", *OLD_BROWSERS)])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visitor(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visitor]:
    folder = tmp_path / "phone"
    folder.mkdir()
    if engine in ("firefox", "webkit"):
        opened = request.getfixturevalue(f"{engine}_browser").tab()
    else:
        opened = chromium(request.getfixturevalue("new_context"), engine)
    with opened as tab:
        yield Visitor(tab, folder)


@pytest.fixture
def host(
    engine: str, gallery: Gallery, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Visitor]:
    """A host, in another browser of the same engine: WebKit's driver opens one window, and a
    second tab of Firefox would put the first to sleep."""
    make_accounts(gallery, "Hanna", is_host=True)
    with ExitStack() as opened:
        if engine in ("firefox", "webkit"):
            start = {"firefox": firefox, "webkit": webkit}[engine]
            tab = opened.enter_context(opened.enter_context(start()).tab())
        else:
            new_context = request.getfixturevalue("new_context")
            tab = opened.enter_context(chromium(new_context, engine))
        host = Visitor(tab, tmp_path)
        tab.open(f"{gallery.url}/sign-in")
        tab.run(SIGN_IN, "Hanna", PASSWORD)
        host.click("button", "Sign in")
        host.wait(lambda: tab.run(IS_AT_PAGE))
        yield host


# The stories


def photo(number: int) -> tuple[str, bytes]:
    return f"{number}.jpg", small_photo(number)


def test_photos_are_added(visitor: Visitor, gallery: Gallery) -> None:
    visitor.tab.open(gallery.url)
    visitor.add(photo(1), photo(2))
    visitor.expect_photos(2)
    assert {photo["name"] for photo in gallery.photos()} == {"1.jpg", "2.jpg"}


def test_progress_is_shown_while_a_photo_is_on_its_way(visitor: Visitor, gallery: Gallery) -> None:
    with Dam(gallery.url) as dam:
        visitor.tab.open(dam.url)
        visitor.add(large_photo(1, kilobytes=20_000))  # more than sockets hold
        visitor.wait(lambda: 0 < visitor.tab.run(PROGRESS) < 1)
        assert gallery.photos() == []
        dam.opened.set()
        visitor.expect_photos(1)


def test_what_is_no_photo_is_refused_and_the_others_arrive(
    visitor: Visitor, gallery: Gallery
) -> None:
    visitor.tab.open(gallery.url)
    visitor.add(("notes.jpg", b"no photo"), photo(1))
    visitor.expect_photos(1)
    visitor.expect("button", "Dismiss notes.jpg")
    assert [photo["name"] for photo in gallery.photos()] == ["1.jpg"]


def test_uploads_go_on_after_a_reload(visitor: Visitor, gallery: Gallery) -> None:
    with Dam(gallery.url) as dam:
        visitor.tab.open(dam.url)
        visitor.add(large_photo(1, kilobytes=3_000), large_photo(2, kilobytes=3_000))
        visitor.expect("button", "Cancel 2.jpg")
        if visitor.tab.keeps_files:
            visitor.wait(lambda: visitor.tab.run(MAY_CLOSE))
            visitor.tab.reload()
            visitor.click("button", "Resume")
        else:
            visitor.wait(lambda: visitor.tab.run(MUST_STAY_OPEN))
        dam.opened.set()
        visitor.expect_photos(2)


def test_others_photos_appear_and_go_by_themselves(
    visitor: Visitor, gallery: Gallery, guest: Guest
) -> None:
    visitor.tab.open(gallery.url)
    visitor.expect("button", "Add photos")
    guest.send(*photo(1))
    visitor.expect_photos(1)
    guest.remove("1.jpg")
    visitor.expect_photos(0)


def test_a_photo_is_enlarged_and_turned_and_closed(
    visitor: Visitor, gallery: Gallery, guest: Guest
) -> None:
    guest.send(*photo(1))
    guest.send(*photo(2))
    visitor.tab.open(gallery.url)
    visitor.expect_photos(2)
    visitor.enlarge()
    newest = visitor.expect("link", "Download")["href"]
    visitor.tab.press("ArrowRight")
    visitor.wait(lambda: visitor.expect("link", "Download")["href"] != newest)
    visitor.tab.press("Escape")
    visitor.expect_none("dialog")
    visitor.expect_photos(2)


def test_a_photo_is_removed_and_comes_back(visitor: Visitor, gallery: Gallery) -> None:
    visitor.tab.open(gallery.url)
    visitor.add(photo(1))
    visitor.expect_photos(1)
    visitor.enlarge()
    visitor.click("button", "Remove")
    visitor.wait(lambda: gallery.photos() == [])
    visitor.click("button", "Undo")
    visitor.expect_photos(1)
    assert [photo["name"] for photo in gallery.photos()] == ["1.jpg"]


def test_several_photos_are_chosen_and_removed_and_come_back(
    visitor: Visitor, gallery: Gallery
) -> None:
    visitor.tab.open(gallery.url)
    visitor.add(photo(1), photo(2), photo(3))
    visitor.expect_photos(3)
    visitor.click("button", "Menu")
    visitor.click("button", "Select photos")
    for _ in range(2):
        visitor.click("checkbox", "Select Photo")
    visitor.click("button", "Remove")
    visitor.wait(lambda: len(gallery.photos()) == 1)
    visitor.click("button", "Undo")
    visitor.expect_photos(3)


def test_a_photo_for_oneself_is_shown_to_nobody_else(visitor: Visitor, gallery: Gallery) -> None:
    visitor.tab.open(gallery.url)
    visitor.expect("button", "Add photos")
    visitor.click("button", "More ways to add")
    visitor.click("button", "Add privately")
    visitor.add(photo(1))
    visitor.expect_photos(1)
    assert gallery.photos() == []


def test_a_gallery_that_a_host_closes_takes_photos_again_once_it_is_open(
    visitor: Visitor, host: Visitor, gallery: Gallery
) -> None:
    visitor.tab.open(gallery.url)
    visitor.expect("button", "Add photos")
    host.click("button", "Menu")
    host.click("button", "Close for uploads")
    visitor.expect("paragraph", "Closed for uploads")
    visitor.expect_none("button", "Add photos")
    host.click("button", "Menu")
    host.click("button", "Reopen for uploads")
    visitor.add(photo(1))
    visitor.expect_photos(1)
    assert [photo["name"] for photo in gallery.photos()] == ["1.jpg"]


@pytest.mark.parametrize("gallery_settings", [{"mode": "approval"}])
def test_photos_wait_until_a_host_approves_or_hides_them(
    visitor: Visitor, host: Visitor, gallery: Gallery
) -> None:
    visitor.tab.open(gallery.url)
    visitor.add(photo(1), photo(2))
    visitor.expect_photos(2)
    visitor.wait(lambda: visitor.tab.run(MARKS) == ["Pending", "Pending"])
    assert gallery.photos() == []
    host.judge("Approve photo")
    host.expect("paragraph", "Photo approved.")
    visitor.wait(lambda: visitor.tab.run(MARKS) == ["Pending"])
    assert len(gallery.photos()) == 1
    host.tab.reload()  # or Undo would be for both
    host.judge("Hide photo")
    host.click("paragraph", "Photo hidden.")  # it stays as long as the pointer is on it
    visitor.wait(lambda: visitor.tab.run(MARKS) == ["Hidden"])
    host.click("button", "Undo")
    visitor.wait(lambda: visitor.tab.run(MARKS) == ["Pending"])
    assert len(gallery.photos()) == 1


def test_the_slideshow_opens_from_the_menu_and_is_left_by_escape(
    visitor: Visitor, gallery: Gallery, guest: Guest
) -> None:
    guest.send(*photo(1))
    visitor.tab.open(gallery.url)
    visitor.expect_photos(1)
    visitor.click("button", "Menu")
    visitor.click("link", "Slideshow")
    visitor.wait(lambda: visitor.tab.run(IS_SHOWN))
    visitor.tab.press("Escape")
    visitor.expect_none("dialog")


def test_the_plain_form_takes_photos(visitor: Visitor, gallery: Gallery) -> None:
    visitor.tab.open(f"{gallery.url}/plain")
    visitor.choose(photo(1), photo(2))
    visitor.click("button", "Add photos")
    visitor.wait(lambda: visitor.tab.run(IS_AT_PAGE))  # which has a button of the same name
    visitor.expect("button", "Add photos")
    visitor.tab.open(f"{gallery.url}/plain")
    visitor.expect_photos(2)
