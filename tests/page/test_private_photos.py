"""“Only me”: a photo that somebody keeps to themselves is in nobody else's browser."""

from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.gallery_server import Gallery
from tests.support.page import (
    ASKING,
    NO_CONNECTION,
    REFUSED,
    abort_posts,
    add_photos,
    change_in_lightbox,
    choose_visibility,
    close_lightbox,
    enlarge,
    expect_shown,
    large_photo,
    lightbox,
    open_gallery,
    open_watching,
    own_photos,
    payload,
    press_enter_on,
    press_until_focused,
    rows,
    send_privately,
    small_photo,
    summary,
    tile,
    tiles,
    visibility_switch,
    wait_for_animations,
    wait_until_page_may_close,
)
from tests.support.waiting import wait_until

HOLD_BACK_FOLDERS = """() => {
    const released = new Promise((resolve) => (window.releaseFolders = resolve));
    const { webkitGetAsEntry } = DataTransferItem.prototype;
    DataTransferItem.prototype.webkitGetAsEntry = function () {
        const entry = webkitGetAsEntry.call(this);
        const reader = entry.createReader();
        const readEntries = reader.readEntries.bind(reader);
        reader.readEntries = (...options) => released.then(() => readEntries(...options));
        entry.createReader = () => reader;
        return entry;
    };
}"""
"""Folders that are dropped are read once the test releases them."""


@pytest.fixture
def expected_errors() -> list[str]:
    """A picture may be asked for just as it is withdrawn; some tests cut the network off."""
    return [REFUSED, NO_CONNECTION]


def visibilities(page: Page) -> dict[str, str]:
    return {photo["name"]: photo["visibility"] for photo in own_photos(page)}


def test_a_private_photo_never_reaches_another_browser(
    page: Page, another: Page, gallery: Gallery
) -> None:
    open_watching(another, gallery)
    another.evaluate(
        """() => {
            window.told = "";
            const stream = new EventSource("/api/live?since=0");
            stream.addEventListener("message", ({ data }) => (told += data));
        }"""
    )
    open_gallery(page, gallery)
    choose_visibility(page, "Only me")
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(rows(page).get_by_role("img", name="Only me")).to_be_visible()
    expect(tiles(page)).to_have_accessible_name("1.jpg Only me")
    choose_visibility(page, "Everyone")
    add_photos(page, ("2.jpg", small_photo(2)))
    expect_shown(another, "2.jpg")
    expect(another.get_by_text("1 photo", exact=True)).to_be_visible()
    expect(page.get_by_text("2 photos", exact=True)).to_be_visible()

    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "everyone"}
    [public, private] = (photo["id"] for photo in own_photos(page))
    another.wait_for_function("(id) => told.includes(id)", arg=public)
    assert private not in another.evaluate("() => told")
    another.goto(f"{gallery.url}/#photo/{private}")
    expect(another.get_by_text("This photo is not here; it may have been removed.")).to_be_visible()
    expect(lightbox(another)).to_have_count(0)


def test_a_private_photo_is_shown_to_everyone_and_taken_back_by_keyboard(
    page: Page, another: Page, gallery: Gallery
) -> None:
    open_watching(another, gallery)
    another.route(ASKING, lambda route: route.abort())  # the stream alone tells what follows
    open_watching(page, gallery)
    press_until_focused(page, visibility_switch(page).get_by_role("radio", name="Everyone"))
    page.keyboard.press("ArrowRight")
    only_me = visibility_switch(page).get_by_role("radio", name="Only me")
    expect(only_me).to_be_focused()
    expect(only_me).to_be_checked()
    expect(only_me).to_have_accessible_description(
        "Only you see what you add now, and only on this device unless you sign in."
    )
    press_until_focused(page, page.get_by_role("button", name="Add photos"), "Shift+Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([payload("1.jpg", small_photo(1))])
    own = page.get_by_role("link", name="1.jpg Only me")
    own.focus()
    page.keyboard.press("Enter")
    expect(lightbox(page)).to_contain_text("Only you see this photo.")
    wait_for_animations(page)
    expect(lightbox(page).get_by_role("button", name="Share")).to_be_hidden()
    picture = lightbox(page).get_by_role("img", name="1.jpg").first.element_handle()

    press_enter_on(page, lightbox(page).get_by_role("button", name="Show everyone 1.jpg"))
    expect(tile(another, "1.jpg")).to_be_visible()
    expect(page.get_by_text("can be seen by everyone now.")).to_be_visible()
    expect(lightbox(page).get_by_role("button", name="Share 1.jpg")).to_be_visible()
    expect(lightbox(page).get_by_text("Only you see this photo.")).to_be_hidden()
    expect(tiles(another).get_by_role("img")).to_have_attribute("data-loaded", "")
    thumbnail = urljoin(gallery.url, own_photos(another)[0]["thumbnails"]["320"])

    expect(lightbox(page).get_by_role("button", name="Make private 1.jpg")).to_be_focused()
    page.keyboard.press("Enter")
    expect(tile(another, "1.jpg")).to_have_count(0)
    expect(lightbox(page)).to_contain_text("Only you see this photo.")
    assert picture.evaluate("(image) => image.isConnected")  # nothing blinked
    # Nor is it in the other browser's cache, where pictures are immutable.
    with another.context.new_page() as opened:
        wait_until(lambda: opened.goto(thumbnail).status == 404)  # type: ignore[union-attr]
    close_lightbox(page)
    expect(own).to_be_focused()


def test_a_visibility_change_may_be_lost_or_answered_late(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)
    send_privately(page, "1.jpg")
    open_watching(page, gallery)
    enlarge(page, "1.jpg", "Only me")
    page.route("**/api/photos/*", lambda route: route.abort(), times=1)
    change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(page.get_by_text("It could not be changed just now; please try again.")).to_be_visible()
    expect(lightbox(page)).to_contain_text("Only you see this photo.")

    def change_again_before_the_answer(route: Route) -> None:
        answer = route.fetch()
        change_in_lightbox(page, "Make private", "1.jpg")  # the stream has brought this button
        route.fulfill(response=answer)

    page.route("**/api/photos/*", change_again_before_the_answer, times=1)
    change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(page.get_by_text("Only you see “1.jpg” now.")).to_be_visible()
    expect(lightbox(page)).to_contain_text("Only you see this photo.")
    assert gallery.photos() == []


@pytest.mark.parametrize("gallery_settings", [{"chunk_bytes": 100_000}])
def test_an_upload_keeps_the_visibility_it_was_added_with(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    page.route("**/*", abort_posts)
    choose_visibility(page, "Only me")
    add_photos(page, large_photo(1), large_photo(2, kilobytes=250))  # the second one in chunks
    choose_visibility(page, "Everyone")
    add_photos(page, large_photo(3))
    choose_visibility(page, "Only me")
    wait_until_page_may_close(page)
    page.reload()
    expect(visibility_switch(page).get_by_role("radio", name="Only me")).to_be_checked()
    with page.expect_event("requestfailed"):  # it will be tried again
        page.get_by_role("button", name="Continue").click()
    expect(rows(page).get_by_role("img", name="Only me")).to_have_count(2)
    page.unroute_all()
    expect(summary(page)).to_contain_text("3 of 3 photos are safe")
    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "owner", "3.jpg": "everyone"}
    with page.context.new_page() as later:
        open_gallery(later, gallery)
        expect(visibility_switch(later).get_by_role("radio", name="Everyone")).to_be_checked()


def test_a_folder_has_the_visibility_of_its_drop_and_is_private_in_doubt(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    def drop_folder(name: str, words: str) -> None:
        """Drops a folder called `holiday` with this photo in it, where the page says these."""
        folder = tmp_path / name / "holiday"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(small_photo(int(name.partition(".")[0])))
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        devtools = page.context.new_cdp_session(page)
        for event in ("dragEnter", "dragOver", "drop"):
            drag = {"type": event, "x": 300, "y": 300, "data": data}
            devtools.send("Input.dispatchDragEvent", drag)
            if event == "dragOver":
                expect(page.get_by_text(words).locator("..")).to_have_css("opacity", "1")

    open_gallery(page, gallery)
    page.evaluate(HOLD_BACK_FOLDERS)
    choose_visibility(page, "Only me")
    drop_folder("1.jpg", "Drop to add for you only")
    choose_visibility(page, "Everyone")
    drop_folder("2.jpg", "Drop to add to the wall")  # which `holiday` is which?
    page.evaluate("() => releaseFolders()")
    expect(summary(page)).to_contain_text("2 of 2 photos are safe")
    page.evaluate(HOLD_BACK_FOLDERS)
    drop_folder("3.jpg", "Drop to add to the wall")
    choose_visibility(page, "Only me")
    page.evaluate("() => releaseFolders()")
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "owner", "3.jpg": "everyone"}


def test_a_private_photo_of_a_forgotten_guest_waits(page: Page, gallery: Gallery) -> None:
    open_gallery(page, gallery)
    choose_visibility(page, "Only me")
    page.context.clear_cookies()
    with page.expect_navigation():  # by itself: it is another guest's page now
        add_photos(page, ("1.jpg", small_photo(1)))
    assert own_photos(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    assert visibilities(page) == {"1.jpg": "owner"}


def test_the_slideshow_has_only_photos_that_everyone_may_see(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)
    gallery.send(("2.jpg", small_photo(2)), ("3.jpg", small_photo(3)))
    send_privately(page, "1.jpg")
    page.clock.install()
    page.goto(f"{gallery.url}/#wall")
    picture = page.get_by_role("dialog", name="The wall").get_by_role("figure").get_by_role("img")
    expect(picture).to_have_count(1)
    seen = set()
    for _ in range(4):  # of two photos: two rounds
        former = picture.get_attribute("alt") or ""
        seen.add(former)
        page.clock.run_for(8_500)
        expect(picture).not_to_have_accessible_name(former)
    assert seen == {"2.jpg", "3.jpg"}
    [private] = [photo for photo in own_photos(page) if photo["name"] == "1.jpg"]
    address = f"{gallery.url}/api/photos/{private['id']}"
    assert page.request.patch(address, data={"visibility": "everyone"}).status == 204
    page.clock.run_for(5_000)
    expect(picture).to_have_accessible_name("1.jpg")
    assert page.request.patch(address, data={"visibility": "owner"}).status == 204
    expect(picture).not_to_have_accessible_name("1.jpg")
