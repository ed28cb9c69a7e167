"""“Only me”: what somebody keeps to themselves is nowhere in anybody else's browser."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.page.test_accessibility import expect_nobody_kept_out
from tests.page.test_finding_photos import people
from tests.page.test_live_gallery import (
    NO_CONNECTION,
    expect_shown,
    lightbox,
    open_watching,
    shown,
    small_photo,
    tile,
)
from tests.page.test_resuming import photo, until_nothing_would_be_lost
from tests.page.test_uploading import (
    REFUSED,
    UNREACHABLE,
    add_photos,
    drop_photos,
    open_gallery,
    payload,
    press_until_focused,
    rows,
    summary,
    tiles,
    until_nothing_moves,
)
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

WITHIN_A_SECOND = 1_000
"""Milliseconds, from the owner's click to the other browser."""

ANSWERED_LATE = """
const { fetch } = window;
window.fetch = async (...request) => {
    const answer = await fetch(...request);
    if (request[1]?.method === "PATCH") await new Promise((end) => setTimeout(end, 2_000));
    return answer;
};
"""

READ_LATER = """() => {
    const { prototype } = DataTransferItem;
    const { webkitGetAsEntry } = prototype;
    const waiting = [];
    prototype.webkitGetAsEntry = function () {
        const entry = webkitGetAsEntry.call(this);
        const reader = entry.createReader();
        const readEntries = reader.readEntries.bind(reader);
        reader.readEntries = (...options) => {
            if (prototype.webkitGetAsEntry === webkitGetAsEntry) readEntries(...options);
            else waiting.push(() => readEntries(...options));
        };
        entry.createReader = () => reader;
        return entry;
    };
    window.readAll = () => {
        prototype.webkitGetAsEntry = webkitGetAsEntry;
        for (const read of waiting) read();
    };
}"""
"""Folders that are dropped are read when the test says so."""


def switch(page: Page) -> Locator:
    return page.get_by_role("group", name="Who sees what you add")


def choose(page: Page, label: str) -> None:
    switch(page).get_by_role("radio", name=label).check()


def own_photos(page: Page) -> list[dict]:
    """As this browser's guest sees them."""
    return page.request.get(address(page, "/api/photos?limit=500")).json()["photos"]


def address(page: Page, path: str) -> str:
    return urljoin(page.url, path)


def send_privately(page: Page, *names: str) -> None:
    """As the guest of this page, and not by it."""
    for name in names:
        sent = payload(name, small_photo(int(name.partition(".")[0]))) | {"mimeType": "image/jpeg"}
        form = {"file": sent, "visibility": "owner"}
        assert page.request.post(page.url, multipart=form).status == 204


def lose_posts(route: Route) -> None:
    route.abort() if route.request.method == "POST" else route.fallback()


def change_in_lightbox(page: Page, action: str, name: str) -> None:
    lightbox(page).get_by_role("button", name=f"{action} {name}", exact=True).click()


def test_a_private_photo_never_reaches_another_browser(
    page: Page, another: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    open_watching(another, live_server)
    told = watch_stream(another, live_server)
    open_gallery(page, live_server)
    choose(page, "Only me")
    add_photos(page, ("1.jpg", small_photo(1)))
    expect(rows(page).get_by_role("img", name="Only me")).to_be_visible()
    expect(tiles(page)).to_have_accessible_name("1.jpg Only me")
    choose(page, "Everyone")
    add_photos(page, ("2.jpg", small_photo(2)))
    expect(tile(another, "2.jpg")).to_be_visible()

    [public, private] = own_photos(page)
    assert (private["name"], private["visibility"]) == ("1.jpg", "owner")
    assert public["visibility"] == "everyone"
    expect_shown(another, "2.jpg")
    expect(another.get_by_text("1 photo", exact=True)).to_be_visible()
    expect(page.get_by_text("2 photos", exact=True)).to_be_visible()
    for path in (private["url"], *private["thumbnails"].values()):
        assert another.request.get(address(another, path)).status == 404
    for path in (f"/api/photos?ids={private['id']}", "/api/outline", "/api/guests", "/plain"):
        answer = another.request.get(address(another, path)).text()
        assert private["id"] not in answer
        assert ">1.jpg<" not in answer
        assert '"1.jpg"' not in answer
    archive_address = address(another, "/photos.zip")
    with ZipFile(BytesIO(another.request.get(archive_address).body())) as archive:
        assert [name.split()[-1] for name in archive.namelist()] == ["2.jpg"]
    assert private["id"] not in "".join(told())

    another.goto(f"{live_server.url}/#photo/{private['id']}")
    expect(another.get_by_text("This photo is not here; it may have been removed.")).to_be_visible()
    expect(lightbox(another)).to_have_count(0)


def watch_stream(page: Page, server: RunningServer) -> Callable[[], list[str]]:
    """What a stream of one's own tells."""
    page.evaluate(
        """(url) => {
            window.told = [];
            new EventSource(url).addEventListener("message", ({ data }) => told.push(data));
        }""",
        f"{server.url}/api/live?since=0",
    )
    return lambda: page.evaluate("() => window.told")


def test_what_is_made_public_appears_within_a_second_and_vanishes_within_a_second(
    page: Page, another: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # a picture may be asked for just then
    open_watching(another, live_server)
    open_watching(page, live_server)
    send_privately(page, "1.jpg", "2.jpg")
    expect(tiles(page)).to_have_count(2)
    page.get_by_role("link", name="1.jpg Only me").click()
    expect(lightbox(page)).to_contain_text("Only you see this photo.")
    until_nothing_moves(page)
    expect(lightbox(page).get_by_role("button", name="Share")).to_be_hidden()
    picture = lightbox(page).get_by_role("img", name="1.jpg").first.element_handle()

    change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(tile(another, "1.jpg")).to_be_visible(timeout=WITHIN_A_SECOND)
    expect(page.get_by_text("can be seen by everyone now.")).to_be_visible()
    expect(lightbox(page).get_by_role("button", name="Share 1.jpg")).to_be_visible()
    expect(lightbox(page).get_by_text("Only you see this photo.")).to_be_hidden()
    expect(tiles(another).get_by_role("img")).to_have_attribute("data-loaded", "")
    thumbnail = live_server.url + own_photos(another)[0]["thumbnails"]["320"]

    change_in_lightbox(page, "Make private", "1.jpg")
    expect(tile(another, "1.jpg")).to_have_count(0, timeout=WITHIN_A_SECOND)
    expect(lightbox(page)).to_contain_text("Only you see this photo.")
    assert picture.evaluate("(image) => image.isConnected")  # nothing blinked

    # Nor is it in the other's cache, where pictures are immutable.
    opened = another.context.new_page()
    wait_until(lambda: opened.goto(thumbnail).status == 404)  # type: ignore[union-attr]
    opened.close()
    page.keyboard.press("Escape")
    expect(lightbox(page)).to_have_count(0)
    expect(page.get_by_role("link", name="1.jpg Only me")).to_be_focused()


def test_whoever_takes_back_what_was_not_answered_yet_is_heard(
    page: Page, live_server: RunningServer, another: Page, expected_errors: list[str]
) -> None:
    """The stream tells of the first change, and its button of the second, before its answer."""
    expected_errors.append(REFUSED)  # it may be asked for when it is withdrawn just then
    page.add_init_script(ANSWERED_LATE)
    open_watching(another, live_server)
    open_gallery(page, live_server)
    send_privately(page, "1.jpg")
    page.get_by_role("link", name="1.jpg Only me").click()
    change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(tile(another, "1.jpg")).to_be_visible()
    change_in_lightbox(page, "Make private", "1.jpg")
    expect(tile(another, "1.jpg")).to_have_count(0)


def test_the_visitor_decides_for_what_comes_next_and_not_for_what_is_on_its_way(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, NO_CONNECTION]
    open_gallery(page, live_server)
    page.route("**/*", lose_posts)
    choose(page, "Only me")
    drop_photos(page, ("1.jpg", small_photo(1)))
    choose(page, "Everyone")
    drop_photos(page, ("2.jpg", small_photo(2)))
    expect(summary(page)).to_contain_text("Next try in")
    page.unroute_all()
    page.get_by_role("button", name="Try now").click()
    expect(summary(page)).to_contain_text("2 of 2 photos are safe")
    sent = {p["name"]: p["visibility"] for p in own_photos(page)}
    assert sent == {"1.jpg": "owner", "2.jpg": "everyone"}


def drop_folder(page: Page, parent: Path, name: str) -> None:
    """One of the name `holiday`, with a photo in it."""
    folder = parent / name / "holiday"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(small_photo(int(name.partition(".")[0])))
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for event in ("dragEnter", "dragOver", "drop"):
        drag = {"type": event, "x": 300, "y": 300, "data": data}
        devtools.send("Input.dispatchDragEvent", drag)


def test_a_folder_goes_where_it_was_dropped_and_is_private_where_that_is_not_known(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    open_gallery(page, live_server)
    page.evaluate(READ_LATER)
    for name, label in (("1.jpg", "Only me"), ("2.jpg", "Everyone")):
        choose(page, label)
        drop_folder(page, tmp_path, name)
    page.evaluate("() => readAll()")
    expect(summary(page)).to_contain_text("2 of 2 photos are safe")
    page.evaluate(READ_LATER)
    drop_folder(page, tmp_path, "3.jpg")
    choose(page, "Only me")
    page.evaluate("() => readAll()")
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    sent = {p["name"]: p["visibility"] for p in own_photos(page)}
    assert sent == {"1.jpg": "owner", "2.jpg": "owner", "3.jpg": "everyone"}


def test_what_is_dropped_says_who_will_see_it(page: Page, live_server: RunningServer) -> None:
    open_gallery(page, live_server)
    cover = page.locator(".drop-cover")
    for label, words in (
        ("Only me", "Drop to add for you only"),
        ("Everyone", "Drop to add to the wall"),
    ):
        choose(page, label)
        page.evaluate(
            """() => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([], "a.jpg"));
                const options = { bubbles: true, dataTransfer: transfer };
                document.body.dispatchEvent(new DragEvent("dragenter", options));
            }"""
        )
        expect(cover).to_have_css("opacity", "1")
        expect(cover).to_have_text(words)
        page.evaluate(
            """() => document.body.dispatchEvent(
                new DragEvent("dragleave", { bubbles: true, dataTransfer: new DataTransfer() })
            ) && document.dispatchEvent(new Event("dragend"))"""
        )


def test_a_resumed_upload_stays_private(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, NO_CONNECTION, REFUSED]
    open_gallery(page, live_server)
    choose(page, "Only me")
    page.route("**/*", lose_posts)
    # One of them in several chunks.
    add_photos(page, photo(1), photo(2, kilobytes=5_000))
    until_nothing_would_be_lost(page)
    choose(page, "Everyone")
    page.unroute_all()
    page.reload()
    page.get_by_role("button", name="Continue").click()
    expect(rows(page).get_by_role("img", name="Only me")).to_have_count(2)
    expect(summary(page)).to_contain_text("2 of 2 photos are safe")
    assert [p["visibility"] for p in own_photos(page)] == ["owner", "owner"]
    assert live_server.photos() == []


def test_a_private_photo_of_a_forgotten_guest_waits_until_it_is_known_whose_it_is(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    open_gallery(page, live_server)
    choose(page, "Only me")
    page.context.clear_cookies()
    with page.expect_navigation():  # by itself: it is another guest's page now
        add_photos(page, ("1.jpg", small_photo(1)))
    assert own_photos(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    assert [p["visibility"] for p in own_photos(page)] == ["owner"]


def test_what_was_kept_before_there_were_private_photos_is_for_everyone(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # the server has nothing of it yet
    open_gallery(page, live_server)
    page.evaluate(
        """async (bytes) => {
            const { createStore, set } = idbKeyval;
            const file = new File([Uint8Array.from(bytes)], "1.jpg");
            await set("an-earlier-visit", file, createStore("dropwall", "files"));
        }""",
        list(small_photo(1)),
    )
    page.reload()
    page.get_by_role("button", name="Continue").click()
    expect(summary(page)).to_contain_text("1 of 1 photo is safe")
    assert [p["visibility"] for p in live_server.photos()] == ["everyone"]


def test_the_choice_outlives_a_reload_and_not_the_visit(
    page: Page, live_server: RunningServer
) -> None:
    open_gallery(page, live_server)
    choose(page, "Only me")
    page.reload()
    expect(switch(page).get_by_role("radio", name="Only me")).to_be_checked()
    with page.context.new_page() as later:
        open_gallery(later, live_server)
        expect(switch(later).get_by_role("radio", name="Everyone")).to_be_checked()


@pytest.fixture
def without_script(browser: Browser) -> Page:
    return browser.new_context(java_script_enabled=False).new_page()


def test_the_plain_form_knows_only_me(without_script: Page, live_server: RunningServer) -> None:
    page = without_script
    page.goto(live_server.url)
    page.get_by_role("radio", name="Only me").check()
    page.get_by_role("button", name="Photos", exact=True).set_input_files(
        [payload("1.jpg", small_photo(1))]
    )
    page.get_by_role("button", name="Send photos").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("listitem").filter(has_text="Only me")).to_have_count(1)
    expect(frame.get_by_role("img", name="1.jpg")).to_be_attached()
    expect(frame.get_by_role("link", name="Sign in")).to_be_attached()
    assert [p["visibility"] for p in own_photos(page)] == ["owner"]
    assert live_server.photos() == []
    page.context.close()


def test_private_photos_are_sent_and_shown_by_keyboard_alone(
    page: Page, another: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # it may be asked for when it is withdrawn just then
    open_watching(another, live_server)
    open_gallery(page, live_server)
    press_until_focused(page, switch(page).get_by_role("radio", name="Everyone"))
    page.keyboard.press("ArrowRight")
    only_me = switch(page).get_by_role("radio", name="Only me")
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
    expect(own).to_be_visible()
    own.focus()
    page.keyboard.press("Enter")
    show = lightbox(page).get_by_role("button", name="Show everyone 1.jpg")
    until_nothing_moves(page)
    press_until_focused(page, show)
    page.keyboard.press("Enter")
    expect(tile(another, "1.jpg")).to_be_visible()
    keep = lightbox(page).get_by_role("button", name="Make private 1.jpg")
    expect(keep).to_be_focused()
    page.keyboard.press("Enter")
    expect(tile(another, "1.jpg")).to_have_count(0)


def test_the_wall_shows_only_what_everyone_may_see(
    page: Page, live_server: RunningServer, another: Page, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)  # it may be asked for when it is withdrawn just then
    another.goto(live_server.url)
    live_server.send(("2.jpg", small_photo(2)), ("3.jpg", small_photo(3)))
    page.goto(live_server.url)
    send_privately(page, "1.jpg")
    page.clock.install()
    page.goto(f"{live_server.url}/#wall")
    wall = page.get_by_role("dialog", name="The wall")
    picture = wall.get_by_role("figure").get_by_role("img")
    expect(picture).to_have_count(1)
    seen = set()
    for _ in range(6):
        former = picture.get_attribute("alt")
        seen.add(former)
        page.clock.run_for(8_500)
        expect(picture).not_to_have_accessible_name(former or "")
    assert seen == {"2.jpg", "3.jpg"}
    [private] = [p for p in own_photos(page) if p["name"] == "1.jpg"]
    changed = address(page, f"/api/photos/{private['id']}")
    assert page.request.patch(changed, data={"visibility": "everyone"}).status == 204
    page.clock.run_for(5_000)
    expect(picture).to_have_accessible_name("1.jpg")
    assert page.request.patch(changed, data={"visibility": "owner"}).status == 204
    expect(picture).not_to_have_accessible_name("1.jpg")


def test_ones_private_photos_are_found_among_many(page: Page, live_server: RunningServer) -> None:
    live_server.send(*((f"{seed}.jpg", small_photo(seed)) for seed in range(2, 26)))
    page.goto(live_server.url)
    send_privately(page, "1.jpg")
    open_gallery(page, live_server)
    people(page).focus()
    expect(people(page).get_by_role("option", name="Only me")).to_be_attached()
    people(page).select_option("Only me")
    expect_shown(page, "1.jpg")
    page.get_by_role("link", name="1.jpg Only me").click()
    until_nothing_moves(page)
    change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(lightbox(page)).to_have_count(0)  # there is none of them left
    assert shown(page) == []


def test_a_change_that_does_not_arrive_is_told(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors += [UNREACHABLE, NO_CONNECTION]
    page.goto(live_server.url)
    send_privately(page, "1.jpg")
    open_watching(page, live_server)
    page.get_by_role("link", name="1.jpg Only me").click()
    until_nothing_moves(page)
    page.route("**/api/photos/*", lambda route: route.abort())
    change_in_lightbox(page, "Show everyone", "1.jpg")
    expect(page.get_by_text("It could not be changed just now; please try again.")).to_be_visible()
    expect(lightbox(page)).to_contain_text("Only you see this photo.")


def test_who_keeps_photos_to_themselves_is_not_kept_out(
    page: Page, live_server: RunningServer
) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_gallery(page, live_server)
    choose(page, "Only me")
    expect_nobody_kept_out(page)
    add_photos(page, ("1.jpg", photo_bytes("jpg", size=(900, 600))))
    expect(page.get_by_role("link", name="1.jpg Only me")).to_be_visible()
    expect_nobody_kept_out(page)
    page.get_by_role("button", name="Done").click()
    page.get_by_role("link", name="1.jpg Only me").click()
    until_nothing_moves(page)
    expect_nobody_kept_out(page)
