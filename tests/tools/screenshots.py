"""Takes screenshots of the page in every state, size and colour scheme, and composes the README's
picture, `gallery.png`, of a phone before the slideshow."""

import io
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from itertools import product
from pathlib import Path

import requests
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.support import page as on_page
from tests.support.browser import Network
from tests.support.cdn import chromium
from tests.support.gallery_server import ROOT, GalleryServer
from tests.support.page import add_photos, add_privately, rows, tiles, upload_without_a_network
from tests.support.photos import encode
from tests.support.visitors import PASSWORD, make_accounts
from tests.tools.landscapes import landscape

FOLDER = ROOT / "tests" / "screenshots"
SIZES = {"phone": (320, 640), "laptop": (1280, 800), "projector": (1920, 1080)}
PASSCODE = "roses"
PUBLIC_URL = "https://photos.example.com"
TITLE = "Anna & Ben"
BACKGROUND = "#d9d7d2"
GUESTS = {
    "Tom": (1, 13, 29, 3, 39, 26),
    "Marie-Louise": (5, 20, 36, 10, 7, 8),
    "Anna": (18, 2, 24, 14, 30),
    "Aunt Gülay": (16,),
}
"""Who adds which landscapes to the gallery of the README's picture; the last of all is the one
that the slideshow shows."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    make_gallery_picture()
    closed = {"mode": "approval", "passcode": PASSCODE, "sign_up": "true"}
    with tempfile.TemporaryDirectory() as folder, chromium() as new_page:
        for name, show_all, settings in (("open", show_open, {}), ("closed", show_closed, closed)):
            with closing(GalleryServer(Path(folder) / name, **settings)) as server:
                show_all(server, partial(show, new_page, server))


def show_open(server: GalleryServer, show: Callable[..., None]) -> None:
    show("empty")
    show("ways-to-add", lambda page: press(page, "More ways to add"))
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
    show("leftovers", come_back, "12 photos weren't finished.")
    show("lightbox", lambda page: tiles(page).nth(2).click(), "Download")
    show("menu", lambda page: press(page, "Menu"), "Download all photos")
    show("found", lambda page: on_page.search_box(page).fill("tall"), "Download")
    show("removed", remove, "Undo")
    show("slideshow", open_slideshow)
    show("private", send_privately)
    show("private-lightbox", open_private_photo, "Only visible to you")


def show_closed(server: GalleryServer, show: Callable[..., None]) -> None:
    """Show a gallery with a passcode, in which photos wait for the host."""
    make_accounts(server, "Hanna", is_host=True)
    guest = requests.Session()
    guest.get(f"{server.url}/join/{PASSCODE}")
    guest.put(f"{server.url}/api/guest", json={"name": "Ann"})
    for seed in range(12):
        guest.post(server.url, files={"file": (f"{seed}.jpg", painted(seed))})
    show("passcode", path="/")
    show("sign-in", lambda page: sign_in(page, "wrong"), "Wrong name or password", path="/sign-in")
    show("sign-up", path=f"/join/{PASSCODE}?next=/sign-up")
    show("account", sign_in, "Hanna", path="/sign-in?next=/account")
    show("waiting", open_as_guest, path="/")
    show("host", sign_in, "pending", path="/sign-in")
    show("moderation", moderate, "Pending approval", path="/sign-in")
    show("host-menu", open_host_menu, path="/sign-in")


def show(
    new_page: Callable[..., Page],
    server: GalleryServer,
    name: str,
    act: Callable[[Page], object] = lambda _page: None,
    until: str = "",
    path: str = "",
) -> None:
    """Take a screenshot in every size and scheme, after an act and once this text is there, of the
    gallery or of another path."""
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
        page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")
        page.close()


def make_gallery_picture() -> None:
    """Compose a phone before a television. 256 colours keep the file below 600 kB."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as new_page,
        closing(GalleryServer(Path(folder) / "data", public_url=PUBLIC_URL, title=TITLE)) as server,
    ):
        *photos, last = [(name, seed) for name, seeds in GUESTS.items() for seed in seeds]
        for name, seed in photos:
            send_as(server, name, seed)
        phone = photograph(new_page, server, (390, 820), lambda _page: None)
        show_last = partial(show_in_slideshow, send_last=partial(send_as, server, *last))
        television = photograph(new_page, server, (1280, 720), show_last)

    picture = Image.new("RGB", (1280, 640), BACKGROUND)
    for screen, width, (left, top), border, radius in (
        (television, 896, (34, 98), 10, 12),
        (phone, 280, (966, 26), 10, 34),
    ):
        height = width * screen.height // screen.width
        frame = (left - border, top - border, left + width + border, top + height + border)
        ImageDraw.Draw(picture).rounded_rectangle(frame, radius, "#111", "#555", 1)
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, width, height), radius - border, 255)
        picture.paste(screen.resize((width, height), Image.Resampling.LANCZOS), (left, top), mask)
    palette = picture.quantize(256)
    picture = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    picture.save(FOLDER / "gallery.png", optimize=True)


def send_as(server: GalleryServer, name: str, seed: int) -> None:
    """Each photo comes from a guest of its own: the picture shows no more than their names."""
    guest = requests.Session()
    guest.get(server.url)
    guest.put(f"{server.url}/api/guest", json={"name": name})
    guest.post(server.url, files={"file": (f"{seed}.jpg", painted(seed))}).raise_for_status()


def show_in_slideshow(page: Page, send_last: Callable[[], None]) -> None:
    """Open the slideshow, send a photo that it shows next, and wait until its buttons are gone."""
    open_slideshow(page)
    send_last()
    expect(page.locator("[data-awake]")).to_have_count(0)
    name = [*GUESTS][-1]
    expect(page.locator("figcaption").filter(has_text=name, visible=True)).to_be_visible()


def photograph(
    new_page: Callable[..., Page],
    server: GalleryServer,
    size: tuple[int, int],
    act: Callable[[Page], object],
) -> Image.Image:
    """Take a screenshot of the gallery after an act, with twice the pixels."""
    viewport = {"width": size[0], "height": size[1]}
    page = new_page(viewport=viewport, device_scale_factor=2, color_scheme="light")
    on_page.open_gallery(page, server)
    act(page)
    on_page.wait_for_animations(page)
    page.wait_for_load_state("networkidle")
    return Image.open(io.BytesIO(page.screenshot()))


@cache
def painted(seed: int, size: tuple[int, int] | None = None) -> bytes:
    return encode(landscape(seed, size), "jpg")


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()


def upload_with_a_failure(page: Page) -> None:
    page.wait_for_load_state("networkidle")  # loading is over now, and isn't waited for again
    add_photos(page, ("notes.jpg", b"These are only notes."))
    expect(rows(page)).to_contain_text("isn't a photo")
    Network(page).set(bytes_per_second=60_000)
    add_photos(page, *((f"IMG_{seed}.JPG", painted(seed)) for seed in range(200, 206)))
    expect(rows(page).filter(has_text="%").first).to_be_visible()


def come_back(page: Page) -> None:
    upload_without_a_network(page)
    on_page.wait_until_page_may_close(page)
    page.reload()


def remove(page: Page) -> None:
    add_photos(page, ("mine.jpg", painted(7)))
    expect(tiles(page).and_(on_page.by_file(page, "mine.jpg"))).to_have_count(1)
    on_page.remove_by_key(page, "mine.jpg")


def open_slideshow(page: Page) -> None:
    press(page, "Menu")
    page.get_by_role("link", name="Slideshow").click()
    expect(page.get_by_role("dialog", name="Slideshow").get_by_role("img").first).to_be_visible()


def send_privately(page: Page) -> None:
    add_privately(page, *((f"IMG_{seed}.JPG", painted(seed)) for seed in (401, 402)))
    expect(tiles(page).filter(has_text="Private")).to_have_count(2)


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
    expect(tiles(page).filter(has_text="Pending")).to_have_count(1)


def moderate(page: Page) -> None:
    sign_in(page)
    press(page, "pending")
    expect(page.get_by_role("button", name="Approve all")).to_be_visible()
    tiles(page).first.click()


def open_host_menu(page: Page) -> None:
    sign_in(page)
    press(page, "Menu")


if __name__ == "__main__":
    main()
