"""Shows the page in every state, size and colour scheme; `gallery.png` is the README's picture."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from itertools import product
from pathlib import Path

import requests
from playwright.sync_api import Page, expect

from tests.support import page as on_page
from tests.support.browser import Network
from tests.support.cdn import chromium
from tests.support.gallery_server import ROOT, GalleryServer
from tests.support.page import add_photos, choose_visibility, rows, tiles, upload_without_a_network
from tests.support.photos import encode
from tests.support.visitors import PASSWORD, make_accounts
from tests.tools.landscapes import landscape

FOLDER = ROOT / "tests" / "screenshots"
SIZES = {"phone": (320, 640), "laptop": (1280, 800), "projector": (1920, 1080)}
PASSCODE = "roses"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    closed = {"mode": "approval", "passcode": PASSCODE, "sign_up": "true"}
    with tempfile.TemporaryDirectory() as folder, chromium() as new_page:
        for name, show_all, settings in (("open", show_open, {}), ("closed", show_closed, closed)):
            with closing(GalleryServer(Path(folder) / name, **settings)) as server:
                show_all(server, partial(show, new_page, server))


def show_open(server: GalleryServer, show: Callable[..., None]) -> None:
    show("empty")
    show("only-me", lambda page: choose_visibility(page, "Only me"))
    for seed in range(3):
        server.send((f"{seed}.jpg", painted(seed)))
    show("three", lambda page: expect(tiles(page)).to_have_count(3))
    for seed in range(3, 200):
        server.send((f"{seed}.jpg", painted(seed, (900, 600))))
        if seed % 5 == 0:
            server.send((f"tall {seed}.jpg", painted(300 + seed, (600, 900))))
    show("many")
    show("uploading", upload_with_a_failure)
    show("paused", upload_without_a_network)
    show("leftovers", come_back, "12 photos were still on the way.")
    show("lightbox", lambda page: tiles(page).nth(2).click(), "Download")
    show("menu", lambda page: press(page, "Menu"), "Download all photos")
    show("found", lambda page: on_page.search_box(page).fill("tall"), "Show all")
    show("removed", remove, "Undo")
    show("wall", open_wall)
    show("private", send_privately)
    show("private-lightbox", open_private_photo, "Only you see this photo.")


def show_closed(server: GalleryServer, show: Callable[..., None]) -> None:
    """Who comes to a gallery with a passcode, where photos wait for the host."""
    make_accounts(server, "Hanna", is_host=True)
    guest = requests.Session()
    guest.get(f"{server.url}/join/{PASSCODE}")
    guest.put(f"{server.url}/api/guest", json={"name": "Ann"})
    for seed in range(12):
        guest.post(server.url, files={"file": (f"{seed}.jpg", painted(seed))})
    show("passcode", path="/")
    show("sign-in", lambda page: sign_in(page, "wrong"), "This name and password", path="/sign-in")
    show("sign-up", path=f"/join/{PASSCODE}?next=/sign-up")
    show("account", sign_in, "Hanna", path="/sign-in?next=/account")
    show("waiting", open_as_guest, path="/")
    show("host", sign_in, "waiting", path="/sign-in")
    show("moderation", moderate, "Waiting for approval.", path="/sign-in")
    show("host-menu", open_host_menu, path="/sign-in")


def show(
    new_page: Callable[..., Page],
    server: GalleryServer,
    name: str,
    act: Callable[[Page], object] = lambda _page: None,
    until: str = "",
    path: str = "",
) -> None:
    """After an act and until this text is there, in the gallery or at another path."""
    for (size, (width, height)), scheme in product(SIZES.items(), ("light", "dark")):
        page = new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        if path:
            page.goto(f"{server.url}{path}")
        else:
            on_page.open_gallery(page, server)
        act(page)
        expect(page.get_by_text(until).filter(visible=True).first).to_be_visible()
        on_page.wait_for_animations(page)
        page.wait_for_load_state("networkidle")
        file = f"{name}-{size}-{scheme}.png"
        picture = page.screenshot(path=FOLDER / file)
        if file == "many-laptop-light.png":
            (FOLDER / "gallery.png").write_bytes(picture)
        page.close()


@cache
def painted(seed: int, size: tuple[int, int] | None = None) -> bytes:
    return encode(landscape(seed, size), "jpg")


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()


def upload_with_a_failure(page: Page) -> None:
    page.wait_for_load_state("networkidle")  # which then is over: it is not waited for again
    add_photos(page, ("notes.jpg", b"These are only notes."))
    expect(rows(page)).to_contain_text("not a photo")
    Network(page).set(bytes_per_second=60_000)
    add_photos(page, *((f"IMG_{seed}.JPG", painted(seed)) for seed in range(200, 206)))
    expect(rows(page).filter(has_text="%").first).to_be_visible()


def come_back(page: Page) -> None:
    upload_without_a_network(page)
    on_page.wait_until_page_may_close(page)
    page.reload()


def remove(page: Page) -> None:
    add_photos(page, ("mine.jpg", painted(7)))
    press(page, "Done")
    on_page.remove_by_key(page, "mine.jpg")


def open_wall(page: Page) -> None:
    press(page, "Menu")
    page.get_by_role("link", name="Show on a big screen").click()
    expect(page.get_by_role("dialog", name="The wall").get_by_role("img").first).to_be_visible()


def send_privately(page: Page) -> None:
    choose_visibility(page, "Only me")
    add_photos(page, *((f"IMG_{seed}.JPG", painted(seed)) for seed in (401, 402)))
    expect(tiles(page).filter(has_text="Only me")).to_have_count(2)


def open_private_photo(page: Page) -> None:
    send_privately(page)
    tiles(page).first.click()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill("Hanna")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def open_as_guest(page: Page) -> None:
    page.get_by_label("Passcode").fill(PASSCODE)
    page.keyboard.press("Enter")
    add_photos(page, ("mine.jpg", painted(7)))
    expect(tiles(page).filter(has_text="Waiting")).to_have_count(1)
    press(page, "Done")


def moderate(page: Page) -> None:
    sign_in(page)
    press(page, "waiting")
    expect(page.get_by_role("button", name="Approve all")).to_be_visible()
    tiles(page).first.click()


def open_host_menu(page: Page) -> None:
    sign_in(page)
    press(page, "Menu")


if __name__ == "__main__":
    main()
