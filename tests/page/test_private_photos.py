"""“Only me”: a photo that somebody keeps to themselves is in nobody else's browser."""

from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
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
    return [ui.REFUSED, ui.NO_CONNECTION]


def visibilities(page: Page) -> dict[str, str]:
    return {photo["name"]: photo["visibility"] for photo in ui.own_photos(page)}


def test_nobody_else_sees_a_private_photo(page: Page, another: Page, gallery: Gallery) -> None:
    ui.open_watching(another, gallery)
    ui.open_gallery(page, gallery)
    ui.choose_visibility(page, "Only me")
    ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(ui.rows(page).get_by_role("img", name="Only me")).to_be_visible()
    expect(ui.tiles(page)).to_have_accessible_name("1.jpg Only me")
    ui.choose_visibility(page, "Everyone")
    ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
    ui.expect_shown(another, "2.jpg")
    expect(another.get_by_text("1 photo", exact=True)).to_be_visible()
    expect(page.get_by_text("2 photos", exact=True)).to_be_visible()

    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "everyone"}
    [_, private] = ui.own_photos(page)
    another.goto(f"{gallery.url}/#photo/{private['id']}")
    expect(another.get_by_text("This photo was removed or isn't shared with you.")).to_be_visible()
    expect(ui.lightbox(another)).to_have_count(0)


def test_visibility_is_changed_by_keyboard(page: Page, another: Page, gallery: Gallery) -> None:
    ui.open_watching(another, gallery)
    another.route(ui.ASKING, lambda route: route.abort())  # the stream alone tells what follows
    ui.open_watching(page, gallery)
    ui.press_until_focused(page, ui.visibility_switch(page).get_by_role("radio", name="Everyone"))
    page.keyboard.press("ArrowRight")
    only_me = ui.visibility_switch(page).get_by_role("radio", name="Only me")
    expect(only_me).to_be_focused()
    expect(only_me).to_be_checked()
    expect(only_me).to_have_accessible_description(
        "Only you see what you add now, and only on this device unless you sign in."
    )
    ui.press_until_focused(page, page.get_by_role("button", name="Add photos"), "Shift+Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([ui.payload("1.jpg", ui.small_photo(1))])
    ui.press_enter_on(page, page.get_by_role("button", name="Done"))
    expect(ui.summary(page)).to_be_hidden()
    own = page.get_by_role("link", name="1.jpg Only me")
    own.focus()
    page.keyboard.press("Enter")
    lightbox = ui.lightbox(page)
    expect(lightbox).to_contain_text("Only you see this photo.")
    ui.wait_for_animations(page)
    expect(lightbox.get_by_role("button", name="Share")).to_be_hidden()
    picture = lightbox.get_by_role("img", name="1.jpg").first.element_handle()

    ui.press_enter_on(page, lightbox.get_by_role("button", name="Show everyone 1.jpg"))
    expect(ui.tile(another, "1.jpg")).to_be_visible()
    expect(page.get_by_text("can be seen by everyone now.")).to_be_visible()
    expect(lightbox.get_by_role("button", name="Share 1.jpg")).to_be_visible()
    expect(lightbox.get_by_text("Only you see this photo.")).to_be_hidden()
    expect(ui.tiles(another).get_by_role("img")).to_have_attribute("data-loaded", "")
    thumbnail = urljoin(gallery.url, ui.own_photos(another)[0]["thumbnails"]["320"])

    expect(lightbox.get_by_role("button", name="Make private 1.jpg")).to_be_focused()
    page.keyboard.press("Enter")
    expect(ui.tile(another, "1.jpg")).to_have_count(0)
    expect(lightbox).to_contain_text("Only you see this photo.")
    assert picture.evaluate("(image) => image.isConnected")  # nothing blinked
    # Nor is it in the other browser's cache, where pictures are immutable.
    with another.context.new_page() as opened:
        wait_until(lambda: opened.goto(thumbnail).status == 404)
    ui.close_lightbox(page)
    expect(own).to_be_focused()


def test_a_visibility_change_may_be_lost_or_answered_late(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)
    ui.send_privately(page, "1.jpg")
    ui.open_watching(page, gallery)
    ui.enlarge(page, "1.jpg", "Only me")
    page.route("**/api/photos/*", lambda route: route.abort(), times=1)
    ui.change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(page.get_by_text("It could not be changed just now; please try again.")).to_be_visible()
    expect(ui.lightbox(page)).to_contain_text("Only you see this photo.")

    def change_again_before_the_answer(route: Route) -> None:
        answer = route.fetch()
        ui.change_in_lightbox(page, "Make private", "1.jpg")  # the stream has brought this button
        route.fulfill(response=answer)

    page.route("**/api/photos/*", change_again_before_the_answer, times=1)
    ui.change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(page.get_by_text("Only you see “1.jpg” now.")).to_be_visible()
    expect(ui.lightbox(page)).to_contain_text("Only you see this photo.")
    assert gallery.photos() == []


@pytest.mark.parametrize("gallery_settings", [{"chunk_bytes": 100_000}])
def test_an_upload_keeps_the_visibility_it_was_added_with(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    page.route("**/*", ui.abort_posts)
    ui.choose_visibility(page, "Only me")
    ui.add_photos(
        page, ui.large_photo(1), ui.large_photo(2, kilobytes=250)
    )  # the second one in chunks
    ui.choose_visibility(page, "Everyone")
    ui.add_photos(page, ui.large_photo(3))
    ui.choose_visibility(page, "Only me")
    ui.wait_until_page_may_close(page)
    page.reload()
    expect(ui.visibility_switch(page).get_by_role("radio", name="Only me")).to_be_checked()
    expect(page.get_by_text("3 photos were still on the way")).to_be_visible()
    with page.expect_event("requestfailed"):  # it will be tried again
        page.get_by_role("button", name="Continue").click()
    expect(ui.rows(page).get_by_role("img", name="Only me")).to_have_count(2)
    page.unroute_all()
    expect(ui.summary(page)).to_contain_text("3 of 3 photos are safe")
    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "owner", "3.jpg": "everyone"}
    with page.context.new_page() as later:
        ui.open_gallery(later, gallery)
        expect(ui.visibility_switch(later).get_by_role("radio", name="Everyone")).to_be_checked()


def test_a_folder_has_the_visibility_of_its_drop_and_is_private_in_doubt(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    def drop_folder(number: int, words: str) -> None:
        """Drops a folder called `holiday` with one photo, where the page says these words."""
        folder = tmp_path / f"{number}" / "holiday"
        folder.mkdir(parents=True)
        (folder / f"{number}.jpg").write_bytes(ui.small_photo(number))
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        devtools = page.context.new_cdp_session(page)
        for event in ("dragEnter", "dragOver", "drop"):
            drag = {"type": event, "x": 300, "y": 300, "data": data}
            devtools.send("Input.dispatchDragEvent", drag)
            if event == "dragOver":
                expect(page.get_by_text(words).locator("..")).to_have_css("opacity", "1")

    ui.open_gallery(page, gallery)
    page.evaluate(HOLD_BACK_FOLDERS)
    ui.choose_visibility(page, "Only me")
    drop_folder(1, "Drop to add for you only")
    ui.choose_visibility(page, "Everyone")
    drop_folder(2, "Drop to add to the wall")  # which `holiday` is which?
    page.evaluate("() => releaseFolders()")
    expect(ui.summary(page)).to_contain_text("2 of 2 photos are safe")
    page.evaluate(HOLD_BACK_FOLDERS)
    drop_folder(3, "Drop to add to the wall")
    ui.choose_visibility(page, "Only me")
    page.evaluate("() => releaseFolders()")
    expect(ui.summary(page)).to_contain_text("1 of 1 photo is safe")
    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "owner", "3.jpg": "everyone"}


def test_a_private_photo_of_a_forgotten_guest_waits(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.choose_visibility(page, "Only me")
    page.context.clear_cookies()
    with page.expect_navigation():  # by itself: it is another guest's page now
        ui.add_photos(page, ("1.jpg", ui.small_photo(1)))
    assert ui.own_photos(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(ui.summary(page)).to_contain_text("1 of 1 photo is safe")
    assert visibilities(page) == {"1.jpg": "owner"}


def test_the_slideshow_never_shows_private_photos(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)
    gallery.send(("2.jpg", ui.small_photo(2)), ("3.jpg", ui.small_photo(3)))
    ui.send_privately(page, "1.jpg")
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
    [private] = [photo for photo in ui.own_photos(page) if photo["name"] == "1.jpg"]
    address = f"{gallery.url}/api/photos/{private['id']}"
    assert page.request.patch(address, data={"visibility": "everyone"}).status == 204
    page.clock.run_for(5_000)
    expect(picture).to_have_accessible_name("1.jpg")
    assert page.request.patch(address, data={"visibility": "owner"}).status == 204
    expect(picture).not_to_have_accessible_name("1.jpg")
