"""Finding photos: by words, by person, by time, by their address, and among very many."""

import re
from contextlib import closing

from playwright.sync_api import Locator, Page, expect

from tests.support.gallery_server import Gallery
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.page import (
    REFUSED,
    change_in_lightbox,
    enlarge,
    expect_shown,
    lightbox,
    open_watching,
    people,
    press_enter_on,
    press_until_focused,
    search,
    search_box,
    send,
    send_as,
    send_privately,
    tile,
    tiles,
    wait_for_animations,
)
from tests.support.waiting import wait_until

MOST_TILES = 200
PHONE = {"width": 390, "height": 844}
GONE = "This photo is not here; it may have been removed."


def order(page: Page) -> Locator:
    return search(page).get_by_role("combobox", name="Order")


def names(*numbers: int) -> list[str]:
    return [f"{number}.jpg" for number in numbers]


def test_search_finds_photos_by_their_name_their_sender_and_their_time(
    page: Page, gallery: Gallery, guest: Guest
) -> None:
    with closing(Guest(gallery.url)) as bob:
        bob.take_name("Bob Ray")
        send(bob, *names(41, 40, 42))
    send(guest, *names(*range(10, 27)))
    guest.take_name("Ann")
    open_watching(page, gallery)
    send_as(page, *names(3, 1))
    send_privately(page, "5.jpg")

    expect(tiles(page)).to_have_count(23)
    search_box(page).fill("4")
    expect_shown(page, *names(24, 14, 42, 40, 41))
    expect(search(page).get_by_role("status")).to_have_text("5 photos")
    search_box(page).fill("ray BOB 1")
    expect_shown(page, *names(41))
    search_box(page).fill("nobody")
    expect(search(page).get_by_role("status")).to_have_text("No photos match.")
    expect_shown(page)
    search(page).get_by_role("button", name="Show all").click()
    expect(tiles(page)).to_have_count(23)
    expect(search_box(page)).to_have_value("")

    people(page).select_option("Bob Ray (3)")
    expect_shown(page, *names(42, 40, 41))
    order(page).select_option("By time taken")
    expect_shown(page, *names(42, 41, 40))
    download = search(page).get_by_role("link", name="Download these")
    sender = gallery.photos()[-1]["by"]["id"]
    expect(download).to_have_attribute("href", re.compile(rf"/photos\.zip\?by={sender}$"))
    people(page).select_option("My photos")
    expect_shown(page, *names(5, 3, 1))
    people(page).focus()
    expect(people(page).get_by_role("option")).to_have_text(
        ["Everybody", "My photos", "Only me", "Ann (17)", "Bob Ray (3)"]
    )
    people(page).select_option("Only me")
    expect_shown(page, "5.jpg")
    enlarge(page, "5.jpg", "Only me")
    change_in_lightbox(page, "Show everyone", "5.jpg")
    expect(lightbox(page)).to_have_count(0)  # there is none of them left
    expect_shown(page)


def test_photos_that_arrive_obey_the_filter_and_its_order(
    page: Page, gallery: Gallery, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # a picture may be asked for just as it is removed
    send(guest, *names(*range(10, 30)))
    guest.take_name("Ann")
    open_watching(page, gallery)
    search_box(page).fill("1")
    search_box(page).press("Enter")
    expect_shown(page, *names(21, *range(19, 9, -1)))
    order(page).select_option("By time taken")
    with closing(Guest(gallery.url)) as bob:
        send(bob, *names(30, 9, 31, 1))
        expect_shown(page, *names(31, 21, *range(19, 9, -1), 1))
        bob.remove("31.jpg")
    guest.remove("15.jpg")
    expect_shown(page, *names(21, 19, 18, 17, 16, 14, 13, 12, 11, 10, 1))
    expect(search(page).get_by_role("status")).to_have_text("11 photos")
    expect(page.get_by_text("22 photos", exact=True)).to_be_visible()

    enlarge(page, "12.jpg")
    lightbox(page).get_by_role("button", name="by Ann").click()
    expect(lightbox(page)).to_have_count(0)
    expect(search(page).get_by_role("status")).to_have_text("19 photos")
    expect(people(page).locator("option:checked")).to_have_text("Ann (19)")
    expect_shown(page, *names(*range(29, 15, -1), 14, 13, 12, 11, 10))


def test_a_photo_has_an_address_to_share(page: Page, gallery: Gallery) -> None:
    ids = add_many(gallery, 300)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{gallery.url}/#photo/{'0' * 32}")
    expect(page.get_by_text(GONE)).to_be_visible()
    expect(tile(page, "300.png")).to_be_visible()
    expect(page).to_have_url(f"{gallery.url}/")

    far = f"{gallery.url}/#photo/{ids[249]}"
    page.goto(far)
    expect(lightbox(page)).to_contain_text("51.png")
    page.reload()
    expect(lightbox(page)).to_contain_text("51.png")
    assert page.url == far
    share = lightbox(page).get_by_role("button", name="Share 51.png")
    share.click()
    expect(share).to_have_text("Link copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == far

    wait_for_animations(page)
    page.keyboard.press("ArrowLeft")
    expect(lightbox(page)).to_contain_text("52.png")
    expect(page).to_have_url(f"{gallery.url}/#photo/{ids[248]}")
    wait_for_animations(page)
    page.evaluate(
        """() => {
            Object.defineProperty(Navigator.prototype, "clipboard", { value: null });
            addEventListener("copy", ({ clipboardData }) => {
                window.copied = clipboardData.getData("text/plain");
            });
        }"""
    )  # as on plain http
    share = lightbox(page).get_by_role("button", name="Share 52.png")
    share.click()
    expect(share).to_have_text("Link copied")
    assert page.evaluate("() => copied") == page.url
    entries = page.evaluate("() => history.length")
    page.go_back()
    expect_in_the_gallery_at(page, "52.png")
    expect(page).to_have_url(f"{gallery.url}/")
    page.go_forward()
    expect(lightbox(page)).to_contain_text("52.png")
    expect(page).to_have_url(f"{gallery.url}/#photo/{ids[248]}")
    wait_for_animations(page)
    for number in range(53, 58):
        page.keyboard.press("ArrowLeft")
        expect(lightbox(page)).to_contain_text(f"{number}.png")
    wait_for_animations(page)
    page.keyboard.press("Escape")
    expect_in_the_gallery_at(page, "57.png")
    expect(page).to_have_url(f"{gallery.url}/")
    assert page.evaluate("() => history.length") == entries


def expect_in_the_gallery_at(page: Page, name: str) -> None:
    expect(lightbox(page)).to_have_count(0)
    expect(tile(page, name)).to_be_focused()
    expect(tile(page, name)).to_be_in_viewport(ratio=1)


def test_any_of_very_many_photos_is_reached_at_once(page: Page, gallery: Gallery) -> None:
    add_many(gallery, 1_200)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(gallery.url)
    newest = tile(page, "1200.png")
    newest.focus()
    # Until the place of every photo is known.
    wait_until(lambda: newest.evaluate("link => link.parentElement.ariaSetSize") == "1200")

    def expect_few_tiles_with_their_pictures() -> None:
        page.wait_for_function(
            """() => [...document.querySelectorAll("main li")].every((tile) => {
                const { top, bottom } = tile.getBoundingClientRect();
                const isInView = bottom > 80 && top < innerHeight;
                return !isInView || tile.querySelector("img").naturalWidth > 0;
            })"""
        )
        assert tiles(page).count() < MOST_TILES

    for key, name in (("End", "1.png"), ("Home", "1200.png")):
        page.keyboard.press(key)
        expect(tile(page, name)).to_be_focused()
        expect(tile(page, name)).to_be_in_viewport(ratio=1)
        expect_few_tiles_with_their_pictures()

    slider = page.get_by_role("slider", name="Place in the gallery")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    expect(slider).to_have_attribute("aria-valuenow", "20")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d{4}"))
    expect_few_tiles_with_their_pictures()
    page.keyboard.press("End")
    expect(tile(page, "1.png")).to_be_in_viewport()

    handle = slider.bounding_box()
    assert handle
    across = handle["x"] + handle["width"] / 2
    page.mouse.move(across, handle["y"] + handle["height"] - 30)
    page.mouse.down()
    page.mouse.move(across, handle["y"] + handle["height"] / 2, steps=5)
    date = slider.get_attribute("aria-valuetext")
    assert date
    expect(slider.get_by_text(date)).to_be_in_viewport()
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", re.compile(r"^(49|50|51)$"))
    expect_few_tiles_with_their_pictures()


def test_the_whole_gallery_works_by_keyboard(page: Page, gallery: Gallery, guest: Guest) -> None:
    send(guest, *names(*range(10, 30)))
    open_watching(page, gallery)
    send_as(page, *names(1, 2))
    expect(tiles(page)).to_have_count(22)
    menu = page.get_by_role("navigation", name="Gallery")
    press_enter_on(page, page.get_by_role("button", name="Menu"))
    expect(menu).to_be_visible()
    press_until_focused(page, menu.get_by_role("link", name="Download my photos"))
    press_enter_on(page, menu.get_by_role("button", name="Your name"))
    expect(menu).to_be_hidden()
    page.keyboard.type("Ann")
    press_enter_on(page, page.get_by_role("button", name="Save"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Menu")).to_be_focused()

    press_until_focused(page, search_box(page))
    page.keyboard.type("ann")
    expect_shown(page, *names(2, 1))
    press_enter_on(page, search(page).get_by_role("button", name="Show all"))
    expect(tiles(page)).to_have_count(22)
    expect(search_box(page)).to_be_focused()
    press_until_focused(page, order(page))
    page.keyboard.press("ArrowDown")
    expect(tiles(page).first).to_have_accessible_name("29.jpg")

    press_until_focused(page, tiles(page).first)
    page.keyboard.press("End")
    expect(tile(page, "1.jpg")).to_be_focused()
    page.keyboard.press("Enter")
    expect(lightbox(page)).to_contain_text("1.jpg")
    for name in ("by Ann", "Share 1.jpg", "Remove 1.jpg"):
        press_until_focused(page, lightbox(page).get_by_role("button", name=name))
    page.keyboard.press("Enter")
    expect(lightbox(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert len(gallery.photos()) == 21
