"""Photos are found: by words, by person, by time, by their address, and among very many."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.page.test_live_gallery import (
    enlarge,
    expect_shown,
    lightbox,
    open_watching,
    send,
    shown,
    tile,
)
from tests.page.test_own_photos import remove_by_key, send_as
from tests.page.test_uploading import (
    REFUSED,
    press_until_focused,
    tiles,
    until_nothing_moves,
)
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.many_photos import add_many
from tests.support.waiting import wait_until

MOST_TILES = 200
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def guest(live_server: RunningServer) -> Iterator[Guest]:
    with closing(Guest(live_server.url)) as guest:
        yield guest


def search(page: Page) -> Locator:
    return page.get_by_role("search")


def box(page: Page) -> Locator:
    return search(page).get_by_role("searchbox", name="Search by name or person")


def people(page: Page) -> Locator:
    return search(page).get_by_role("combobox", name="Whose photos")


def order(page: Page) -> Locator:
    return search(page).get_by_role("combobox", name="Order")


def numbers(*seeds: int) -> list[str]:
    return [f"{seed}.jpg" for seed in seeds]


def test_photos_are_found_by_their_name_their_sender_and_their_time(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    with closing(Guest(live_server.url)) as bob:
        bob.take_name("Bob Ray")
        send(bob, *numbers(41, 40, 42))
    send(guest, *numbers(*range(10, 27)))
    guest.take_name("Ann")
    open_watching(page, live_server)
    send_as(page, *numbers(3, 1))

    expect(tiles(page)).to_have_count(22)
    box(page).fill("4")
    expect_shown(page, *numbers(24, 14, 42, 40, 41))
    expect(search(page).get_by_role("status")).to_have_text("5 photos")
    box(page).fill("ray BOB 1")
    expect_shown(page, *numbers(41))
    box(page).fill("nobody")
    expect(search(page).get_by_role("status")).to_have_text("No photos match.")
    expect_shown(page)
    search(page).get_by_role("button", name="Show all").click()
    expect(tiles(page)).to_have_count(22)
    expect(box(page)).to_have_value("")

    people(page).select_option("Bob Ray (3)")
    expect_shown(page, *numbers(42, 40, 41))
    order(page).select_option("By time taken")
    expect_shown(page, *numbers(42, 41, 40))
    download = search(page).get_by_role("link", name="Download these")
    sender = live_server.photos()[-1]["by"]["id"]
    expect(download).to_have_attribute("href", re.compile(rf"/photos\.zip\?by={sender}$"))
    people(page).select_option("My photos")
    expect_shown(page, *numbers(3, 1))
    people(page).focus()
    expect(people(page).get_by_role("option")).to_have_text(
        ["Everybody", "My photos", "Ann (17)", "Bob Ray (3)"]
    )


def test_what_arrives_obeys_the_filter_and_its_order(
    page: Page, live_server: RunningServer, guest: Guest, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # the picture of what is removed may be asked for just then
    send(guest, *numbers(*range(10, 30)))
    guest.take_name("Ann")
    open_watching(page, live_server)
    box(page).fill("1")
    box(page).press("Enter")
    expect_shown(page, *numbers(21, *range(19, 9, -1)))
    order(page).select_option("By time taken")
    with closing(Guest(live_server.url)) as bob:
        send(bob, *numbers(30, 9, 31, 1))
        expect_shown(page, *numbers(31, 21, *range(19, 9, -1), 1))
        bob.remove("31.jpg")
    guest.remove("15.jpg")
    expect_shown(page, *numbers(21, 19, 18, 17, 16, 14, 13, 12, 11, 10, 1))
    expect(search(page).get_by_role("status")).to_have_text("11 photos")
    expect(page.get_by_text("22 photos", exact=True)).to_be_visible()

    enlarge(page, "12.jpg")
    lightbox(page).get_by_role("button", name="by Ann").click()
    expect(lightbox(page)).to_have_count(0)
    expect(search(page).get_by_role("status")).to_have_text("19 photos")
    expect(people(page).locator("option:checked")).to_have_text("Ann (19)")
    expect_shown(page, *numbers(*range(29, 15, -1), 14, 13, 12, 11, 10))


def test_a_photo_has_an_address(page: Page, live_server: RunningServer) -> None:
    ids = add_many(live_server, 300)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    far = f"{live_server.url}/#photo/{ids[249]}"
    page.goto(far)
    expect(lightbox(page)).to_contain_text("51.png")
    page.reload()
    expect(lightbox(page)).to_contain_text("51.png")
    assert page.url == far
    lightbox(page).get_by_role("button", name="Share 51.png").click()
    expect(lightbox(page).get_by_role("button", name="Share 51.png")).to_have_text("Link copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == far
    until_nothing_moves(page)
    page.keyboard.press("ArrowLeft")
    expect(lightbox(page)).to_contain_text("52.png")
    expect(page).to_have_url(f"{live_server.url}/#photo/{ids[248]}")
    until_nothing_moves(page)
    entries = page.evaluate("() => history.length")
    page.go_back()
    expect_in_the_gallery_at(page, "52.png")
    expect(page).to_have_url(f"{live_server.url}/")
    page.go_forward()
    expect(lightbox(page)).to_contain_text("52.png")
    expect(page).to_have_url(f"{live_server.url}/#photo/{ids[248]}")
    until_nothing_moves(page)
    for number in range(53, 73):
        page.keyboard.press("ArrowLeft")
        expect(lightbox(page)).to_contain_text(f"{number}.png")
    until_nothing_moves(page)
    page.keyboard.press("Escape")
    expect_in_the_gallery_at(page, "72.png")
    expect(page).to_have_url(f"{live_server.url}/")
    assert page.evaluate("() => history.length") == entries


def expect_in_the_gallery_at(page: Page, name: str) -> None:
    expect(lightbox(page)).to_have_count(0)
    expect(tile(page, name)).to_be_focused()
    expect(tile(page, name)).to_be_in_viewport(ratio=1)


def test_the_address_of_a_photo_that_is_gone_says_so(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, *numbers(1, 2))
    page.goto(f"{live_server.url}/#photo/{'0' * 32}")
    expect(page.get_by_text("This photo is not here; it may have been removed.")).to_be_visible()
    expect_shown(page, *numbers(2, 1))
    expect(page).to_have_url(f"{live_server.url}/")


def test_a_link_is_copied_on_plain_http_too(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', { value: null })")
    send(guest, "1.jpg")
    page.goto(live_server.url)
    page.evaluate(
        """() => addEventListener("copy", ({ clipboardData }) => {
            window.copied = clipboardData.getData("text/plain");
        })"""
    )
    enlarge(page, "1.jpg")
    share = lightbox(page).get_by_role("button", name="Share 1.jpg")
    share.click()
    expect(share).to_have_text("Link copied")
    assert page.evaluate("() => copied") == page.url


def test_among_very_many_photos_one_is_anywhere_at_once(
    page: Page, live_server: RunningServer
) -> None:
    ids = add_many(live_server, 1_200)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(live_server.url)
    newest = tile(page, "1200.png")
    newest.focus()
    # Until the place of every photo is known.
    wait_until(lambda: newest.evaluate("link => link.parentElement.ariaSetSize") == "1200")
    most = 0
    for key, name in (("End", "1.png"), ("Home", "1200.png")):
        page.keyboard.press(key)
        expect(tile(page, name)).to_be_focused()
        expect(tile(page, name)).to_be_in_viewport(ratio=1)
        until_pictures_are_seen(page)
        most = max(most, tiles(page).count())

    slider = page.get_by_role("slider", name="Place in the gallery")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    expect(slider).to_have_attribute("aria-valuenow", "20")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d{4}"))
    until_pictures_are_seen(page)
    most = max(most, tiles(page).count())
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
    until_pictures_are_seen(page)
    most = max(most, tiles(page).count())

    middle = shown(page)[len(shown(page)) // 2]
    enlarge(page, middle)
    expect(page).to_have_url(f"{live_server.url}/#photo/{ids[1200 - int(middle[:-4])]}")
    page.go_back()
    expect_in_the_gallery_at(page, middle)
    assert most < MOST_TILES


def until_pictures_are_seen(page: Page) -> None:
    """Of every photo in view."""
    page.wait_for_function(
        """() => [...document.querySelectorAll("main li")].every((tile) => {
            const { top, bottom } = tile.getBoundingClientRect();
            const isSeen = bottom > 80 && top < innerHeight;
            return !isSeen || tile.querySelector("img").naturalWidth > 0;
        })"""
    )


def test_the_whole_gallery_is_used_by_keyboard(
    page: Page, live_server: RunningServer, guest: Guest
) -> None:
    send(guest, *numbers(*range(10, 30)))
    open_watching(page, live_server)
    send_as(page, *numbers(1, 2))
    expect(tiles(page)).to_have_count(22)
    menu = page.get_by_role("navigation", name="Gallery")
    press_until_focused(page, page.get_by_role("button", name="Menu"))
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    press_until_focused(page, menu.get_by_role("link", name="Download my photos"))
    press_until_focused(page, menu.get_by_role("button", name="Your name"))
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    page.keyboard.type("Ann")
    press_until_focused(page, page.get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Menu")).to_be_focused()

    press_until_focused(page, box(page))
    page.keyboard.type("ann")
    expect_shown(page, *numbers(2, 1))
    press_until_focused(page, search(page).get_by_role("button", name="Show all"))
    page.keyboard.press("Enter")
    expect(tiles(page)).to_have_count(22)
    expect(box(page)).to_be_focused()
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
    page.keyboard.press("Enter")
    expect(tile(page, "1.jpg")).to_be_focused()
    remove_by_key(page, "1.jpg")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert len(requests.get(f"{live_server.url}/api/photos", timeout=9).json()["photos"]) == 21
