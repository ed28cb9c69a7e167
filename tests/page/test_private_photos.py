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
    gate = ui.Gate(page)
    ui.add_privately(page, ("1.jpg", ui.small_photo(1)))
    gate.wait_until_held()
    expect(ui.summary(page)).to_contain_text("Only you will see this")
    expect(ui.rows(page).get_by_role("img", name="Private")).to_be_visible()
    gate.open()
    expect(ui.summary(page)).to_contain_text("Only you can see it.")
    expect(ui.tile(page, "1.jpg Private")).to_have_count(1)
    ui.add_photos(page, ("2.jpg", ui.small_photo(2)))
    ui.expect_shown(another, "2.jpg")
    expect(another.get_by_text("1 photo", exact=True)).to_be_visible()
    expect(page.get_by_text("2 photos", exact=True)).to_be_visible()

    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "everyone"}
    [_, private] = ui.own_photos(page)
    another.goto(f"{gallery.url}/photo/{private['id']}")
    expect(another.get_by_text("This photo was removed or isn't shared with you.")).to_be_visible()
    expect(ui.lightbox(another)).to_have_count(0)


def test_visibility_is_changed_by_keyboard(page: Page, another: Page, gallery: Gallery) -> None:
    ui.open_watching(another, gallery)
    another.route(ui.ASKING, lambda route: route.abort())  # the stream alone tells what follows
    ui.open_watching(page, gallery)
    ui.press_enter_on(page, page.get_by_role("button", name="More ways to add"))
    privately = page.get_by_role("button", name="Add privately")
    expect(privately).to_contain_text("Only you will see these, on this device. Sign in")
    ui.press_until_focused(page, privately)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([ui.payload("1.jpg", ui.small_photo(1))])
    expect(ui.summary(page)).to_contain_text("Only you can see it.")
    expect(ui.summary(page)).to_be_hidden()  # by itself
    own = ui.tile(page, "1.jpg Private")
    own.focus()
    page.keyboard.press("Enter")
    lightbox = ui.lightbox(page)
    expect(lightbox).to_contain_text("Only visible to you")
    ui.wait_for_animations(page)
    expect(lightbox.get_by_role("button", name="Share", exact=True)).to_be_disabled()
    picture = lightbox.get_by_role("img").and_(ui.by_file(page, "1.jpg")).first.element_handle()

    ui.press_enter_on(page, lightbox.get_by_role("button", name="Share with everyone"))
    expect(ui.tile(another, "1.jpg")).to_be_visible()
    expect(page.get_by_text("Shared with everyone")).to_be_visible()
    expect(lightbox.get_by_role("button", name="Share", exact=True)).to_be_enabled()
    expect(lightbox.get_by_text("Only visible to you")).to_be_hidden()
    expect(lightbox.get_by_text("Visible to everyone")).to_be_visible()
    expect(ui.tiles(another).get_by_role("img")).to_have_attribute("data-loaded", "")
    thumbnail = urljoin(gallery.url, ui.own_photos(another)[0]["thumbnails"]["320"])

    expect(lightbox.get_by_role("button", name="Make private")).to_be_focused()
    page.keyboard.press("Enter")
    expect(ui.tile(another, "1.jpg")).to_have_count(0)
    expect(lightbox).to_contain_text("Only visible to you")
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
    ui.enlarge(page, "1.jpg", "Private")
    page.route("**/api/photos/*", lambda route: route.abort(), times=1)
    ui.change_in_lightbox(page, "Share with everyone", "1.jpg")
    expect(page.get_by_text("Couldn't change it. Try again.")).to_be_visible()
    expect(ui.lightbox(page)).to_contain_text("Only visible to you")

    def change_again_before_the_answer(route: Route) -> None:
        answer = route.fetch()
        ui.change_in_lightbox(page, "Make private", "1.jpg")  # the stream has brought this button
        route.fulfill(response=answer)

    page.route("**/api/photos/*", change_again_before_the_answer, times=1)
    ui.change_in_lightbox(page, "Share with everyone", "1.jpg")
    expect(page.get_by_text("Now private")).to_be_visible()
    expect(ui.lightbox(page)).to_contain_text("Only visible to you")
    assert gallery.photos() == []


def test_what_is_said_of_a_photo_is_not_said_over_the_next(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.send_as(page, "1.jpg", "2.jpg")
    ui.enlarge(page, "2.jpg")
    ui.change_in_lightbox(page, "Make private", "2.jpg")
    said = page.get_by_text("Now private")
    expect(said).to_be_visible()
    expect(ui.lightbox(page)).to_contain_text("Only visible to you")
    page.keyboard.press("ArrowRight")
    expect(ui.lightbox(page)).to_contain_text("1.jpg")
    expect(said).to_be_hidden()
    page.keyboard.press("Delete")
    expect(ui.lightbox(page)).to_contain_text("2.jpg")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()  # as long as one can


@pytest.mark.parametrize("gallery_settings", [{"chunk_bytes": 100_000}])
def test_an_upload_keeps_the_visibility_it_was_added_with(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    page.route("**/*", ui.abort_posts)
    in_chunks = ui.large_photo(2, kilobytes=250)
    ui.add_privately(page, ui.large_photo(1), in_chunks)
    ui.add_photos(page, ui.large_photo(3))  # for everyone again
    ui.wait_until_page_may_close(page)
    page.reload()
    expect(page.get_by_text("3 photos weren't finished").first).to_be_visible()
    with page.expect_event("requestfailed"):  # it will be tried again
        page.get_by_role("button", name="Resume").click()
    expect(ui.rows(page).get_by_role("img", name="Private")).to_have_count(2)
    page.unroute_all()
    ui.expect_all_safe(page, 3)
    assert visibilities(page) == {"1.jpg": "owner", "2.jpg": "owner", "3.jpg": "everyone"}


def test_a_folder_has_the_visibility_of_its_drop_and_is_private_in_doubt(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    def drop_folder(number: int, words: str) -> None:
        """Drops a folder called `holiday` with one photo onto the half that says these words."""
        folder = tmp_path / f"{number}" / "holiday"
        folder.mkdir(parents=True)
        (folder / f"{number}.jpg").write_bytes(ui.small_photo(number))
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        devtools = page.context.new_cdp_session(page)
        half = page.get_by_text(words, exact=True).locator("..")
        place = half.bounding_box() or {}
        for event in ("dragEnter", "dragOver", "drop"):
            drag = {"type": event, "x": place["x"] + 20, "y": place["y"] + 20, "data": data}
            devtools.send("Input.dispatchDragEvent", drag)
            if event == "dragOver":
                expect(half).to_have_css("border-style", "solid")
                expect(half.locator("..")).to_have_css("opacity", "1")

    ui.open_gallery(page, gallery)
    page.evaluate(HOLD_BACK_FOLDERS)
    drop_folder(1, "Drop to add privately")
    drop_folder(2, "Drop to add")  # which `holiday` is which?
    page.evaluate("() => releaseFolders()")
    ui.expect_all_safe(page, 2)
    page.evaluate(HOLD_BACK_FOLDERS)
    drop_folder(3, "Drop to add")
    ui.add_privately(page, ("4.jpg", ui.small_photo(4)))
    page.evaluate("() => releaseFolders()")
    expect(ui.tile(page, "3.jpg")).to_be_visible()
    expect(ui.tile(page, "4.jpg Private")).to_be_visible()
    assert visibilities(page) == {
        "1.jpg": "owner",
        "2.jpg": "owner",
        "3.jpg": "everyone",
        "4.jpg": "owner",
    }


@pytest.mark.parametrize("gallery_settings", [{"chunk_bytes": 100_000}])
def test_who_sees_a_whole_batch_is_changed_while_it_is_on_its_way(
    page: Page, another: Page, gallery: Gallery
) -> None:
    """Photos that are in the gallery, that are being sent, and that wait."""
    ui.open_watching(another, gallery)
    ui.open_gallery(page, gallery)
    names = [f"{number}.jpg" for number in range(6)]
    gate = ui.Gate(page, lets_through=1)
    sizes = (40, 40, 250, 40, 250, 40)
    ui.add_photos(page, *(ui.large_photo(n, kilobytes=size) for n, size in enumerate(sizes)))
    expect(ui.tiles(another)).to_have_count(1)
    audience = ui.summary(page).get_by_role("combobox", name="Who sees these photos?")
    audience.select_option("Only me")
    expect(ui.summary(page)).to_contain_text("Only you will see these")
    expect(ui.tiles(another)).to_have_count(0)
    gate.open()
    ui.expect_all_safe(page, 6)
    assert visibilities(page) == dict.fromkeys(names, "owner")
    audience.select_option("Everyone")
    expect(ui.tiles(another)).to_have_count(6)
    assert visibilities(page) == dict.fromkeys(names, "everyone")
    ui.add_privately(page, ui.large_photo(6))
    expect(ui.tile(page, "6.jpg Private")).to_be_visible()
    expect(audience).to_have_value("owner")
    ui.add_photos(page, ui.large_photo(7))  # for everyone again
    expect(ui.tile(another, "7.jpg")).to_be_visible()
    assert len(gallery.photos()) == 7


def test_a_private_photo_of_a_forgotten_guest_waits(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    page.context.clear_cookies()
    with page.expect_navigation():  # by itself: it is another guest's page now
        ui.add_privately(page, ("1.jpg", ui.small_photo(1)))
    assert ui.own_photos(page) == []
    page.get_by_role("button", name="Resume").click()
    ui.expect_all_safe(page, 1)
    assert visibilities(page) == {"1.jpg": "owner"}


def test_the_slideshow_never_shows_private_photos(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)
    gallery.send(("2.jpg", ui.small_photo(2)), ("3.jpg", ui.small_photo(3)))
    ui.send_privately(page, "1.jpg")
    page.clock.install()
    page.goto(f"{gallery.url}/#wall")
    picture = page.get_by_role("dialog", name="Slideshow").get_by_role("figure").get_by_role("img")
    expect(picture).to_have_count(1)
    seen = set()
    for _ in range(4):  # of two photos: two rounds
        former = ui.file_name(page, picture.get_attribute("src") or "")
        seen.add(former)
        page.clock.run_for(8_500)
        expect(picture.and_(ui.by_file(page, former))).to_have_count(0)
    assert seen == {"2.jpg", "3.jpg"}
    [private] = [photo for photo in ui.own_photos(page) if photo["name"] == "1.jpg"]
    address = f"{gallery.url}/api/photos/{private['id']}"
    assert page.request.patch(address, data={"visibility": "everyone"}).status == 204
    page.clock.run_for(5_000)
    expect(picture.and_(ui.by_file(page, "1.jpg"))).to_have_count(1)
    assert page.request.patch(address, data={"visibility": "owner"}).status == 204
    expect(picture.and_(ui.by_file(page, "1.jpg"))).to_have_count(0)
