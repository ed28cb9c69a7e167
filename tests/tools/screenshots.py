"""Shows the page in every state, size and colour scheme, to be looked at.

`gallery.png` is the README's picture.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from server import create_app
from tests.conftest import CDN, play_cdn
from tests.page.test_resuming import until_nothing_would_be_lost, upload_without_a_network
from tests.page.test_uploading import (
    add_photos,
    open_gallery,
    rows,
    tiles,
    until_nothing_moves,
)
from tests.people.test_account_commands import dropwall
from tests.people.test_accounts import PASSWORD
from tests.support.browser import launch_options
from tests.support.engines import config_of
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.network import Network
from tests.support.photos import encode, landscape, photo_bytes

FOLDER = ROOT / "tests" / "screenshots"
SIZES = {"phone": (320, 640), "laptop": (1280, 800), "projector": (1920, 1080)}
README = ("laptop", "light")
PASSCODE = "roses"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(**launch_options())
        closed = {"mode": "approval", "passcode": PASSCODE, "sign_up": "true"}
        for name, show_all, settings in (("open", show_open, {}), ("closed", show_closed, closed)):
            server = RunningServer(Path(folder) / name, **settings)
            try:
                show_all(browser, server)
            finally:
                server.stop()
        browser.close()


def show_open(browser: Browser, server: RunningServer) -> None:
    show(browser, server, "empty", lambda _page: None)
    show(browser, server, "only-me", choose_only_me)
    for seed in range(3):
        server.send((f"{seed}.jpg", encode(landscape(seed), "jpg")))
    show(browser, server, "three", lambda page: expect(tiles(page)).to_have_count(3))
    for seed in range(3, 200):
        server.send((f"{seed}.jpg", encode(landscape(seed, (900, 600)), "jpg")))
        if seed % 5 == 0:
            server.send((f"tall {seed}.jpg", encode(landscape(seed), "jpg")))
    show(browser, server, "many", lambda _page: None)
    show(browser, server, "uploading", upload_with_a_failure)
    show(browser, server, "paused", upload_without_a_network)
    show(browser, server, "leftovers", come_back)
    show(browser, server, "lightbox", open_lightbox)
    show(browser, server, "menu", open_menu)
    show(browser, server, "found", search)
    show(browser, server, "removed", remove)
    show(browser, server, "wall", open_wall)
    show(browser, server, "private", send_privately)
    show(browser, server, "private-lightbox", enlarge_private)


def show_closed(browser: Browser, server: RunningServer) -> None:
    """Who comes to a gallery with a passcode, where photos wait for the host."""
    made = dropwall(
        create_app(config_of(server.data)), "add-account", "Hanna", "--host", typed=PASSWORD
    )
    assert made.exit_code == 0
    guest = requests.Session()
    guest.get(f"{server.url}/join/{PASSCODE}")
    guest.put(f"{server.url}/api/guest", json={"name": "Ann"})
    for seed in range(12):
        guest.post(server.url, files={"file": (f"{seed}.jpg", encode(landscape(seed), "jpg"))})

    show(browser, server, "passcode", wait_for_form, "/")
    show(browser, server, "sign-in", refuse_sign_in, "/sign-in")
    show(browser, server, "sign-up", wait_for_form, f"/join/{PASSCODE}?next=/sign-up")
    show(browser, server, "account", sign_in, "/sign-in?next=/account")
    show(browser, server, "waiting", open_as_guest, "/")
    show(browser, server, "host", open_as_host, "/sign-in")
    show(browser, server, "moderation", moderate, "/sign-in")
    show(browser, server, "host-menu", open_host_menu, "/sign-in")


def show(
    browser: Browser,
    server: RunningServer,
    name: str,
    act: Callable[[Page], None],
    path: str = "",
) -> None:
    """After `act`, in the gallery or at another path."""
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            context.route(f"{CDN}**", play_cdn)
            page = context.new_page()
            if path:
                page.goto(f"{server.url}{path}")
            else:
                open_gallery(page, server)
            act(page)
            until_nothing_moves(page)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")
            if name == "many" and (size, scheme) == README:
                page.screenshot(path=FOLDER / "gallery.png")
            context.close()


def upload_with_a_failure(page: Page) -> None:
    add_photos(page, ("notes.jpg", b"These are only notes."))
    expect(rows(page)).to_contain_text("not a photo")
    Network(page).set(bytes_per_second=60_000)
    batch = [
        (f"IMG_{seed}.JPG", photo_bytes("jpg", seed=seed, size=(1600, 1067))) for seed in range(6)
    ]
    add_photos(page, *batch)
    expect(rows(page).filter(has_text="%").first).to_be_visible()


def choose_only_me(page: Page) -> None:
    page.get_by_role("radio", name="Only me").check()


def come_back(page: Page) -> None:
    upload_without_a_network(page)
    until_nothing_would_be_lost(page)
    page.reload()
    expect(page.get_by_text("12 photos were still on the way.")).to_be_visible()


def open_lightbox(page: Page) -> None:
    tiles(page).nth(2).click()
    expect(page.get_by_role("dialog").get_by_role("link")).to_be_visible()


def open_menu(page: Page) -> None:
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Download all photos")).to_be_visible()


def search(page: Page) -> None:
    page.get_by_role("searchbox", name="Search by name or person").fill("tall")
    expect(page.get_by_role("button", name="Show all")).to_be_visible()


def remove(page: Page) -> None:
    add_photos(page, ("mine.jpg", photo_bytes("jpg", seed=7, size=(900, 600))))
    mine = tiles(page).and_(page.get_by_role("link", name="mine.jpg"))
    expect(mine).to_be_visible()
    page.get_by_role("button", name="Done").click()
    mine.press("Delete")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def open_wall(page: Page) -> None:
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Show on a big screen").click()
    expect(page.get_by_role("dialog", name="The wall").get_by_role("img").first).to_be_visible()


def send_privately(page: Page) -> None:
    choose_only_me(page)
    private = [(f"IMG_{seed}.JPG", encode(landscape(seed), "jpg")) for seed in (301, 302)]
    add_photos(page, *private)
    expect(tiles(page).filter(has_text="Only me")).to_have_count(2)


def enlarge_private(page: Page) -> None:
    send_privately(page)
    tiles(page).first.click()
    expect(page.get_by_role("dialog").get_by_text("Only you see this photo.")).to_be_visible()


def wait_for_form(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def fill_sign_in(page: Page, password: str) -> None:
    page.get_by_label("Name").fill("Hanna")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def refuse_sign_in(page: Page) -> None:
    fill_sign_in(page, "wrong")
    expect(page.get_by_role("alert")).not_to_be_empty()


def sign_in(page: Page) -> None:
    fill_sign_in(page, PASSWORD)
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)


def open_as_guest(page: Page) -> None:
    page.get_by_label("Passcode").fill(PASSCODE)
    page.keyboard.press("Enter")
    add_photos(page, ("mine.jpg", encode(landscape(7), "jpg")))
    expect(tiles(page).filter(has_text="Waiting")).to_have_count(1)
    page.get_by_role("button", name="Done").click()


def open_as_host(page: Page) -> None:
    sign_in(page)
    expect(page.get_by_role("button", name="waiting")).to_be_visible()


def moderate(page: Page) -> None:
    open_as_host(page)
    page.get_by_role("button", name="waiting").click()
    expect(page.get_by_role("button", name="Approve all")).to_be_visible()
    tiles(page).first.click()
    expect(page.get_by_role("dialog").get_by_text("Waiting for approval.")).to_be_visible()


def open_host_menu(page: Page) -> None:
    open_as_host(page)
    page.get_by_role("button", name="Menu").click()


if __name__ == "__main__":
    main()
