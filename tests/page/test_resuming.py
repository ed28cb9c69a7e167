"""Uploads survive a lost network, a killed server, a reload, a closed tab and a narrow proxy."""

import hashlib
import re
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserType, Page, Request, Route, expect

from tests.support.faulty_proxy import doubling_requests, losing_answers
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.page import (
    NO_CONNECTION,
    REFUSED,
    UNREACHABLE,
    UPLOADED_MS,
    Gate,
    Photo,
    abort_posts,
    add_photos,
    answer_posts,
    come_online,
    count_kept_files,
    count_wake_locks,
    expect_all_safe,
    large_photo,
    open_gallery,
    replace_in_script,
    rows,
    small_photo,
    summary,
    tiles,
    wait_in_page,
    wait_until_leftovers_are_offered,
    wait_until_page_may_close,
)
from tests.support.proxies import behind_nginx

LARGE = large_photo(1, kilobytes=1_900)
CHUNKS = 10
"""Of LARGE."""
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"chunk_bytes": 200_000}


@pytest.fixture
def expected_errors() -> list[str]:
    return [NO_CONNECTION, UNREACHABLE, REFUSED]


def assert_arrived_once(gallery: Gallery, *sent: Photo) -> None:
    """Every photo, byte for byte, and nothing else."""
    listed = gallery.photos()
    assert sorted(photo["name"] for photo in listed) == sorted(name for name, _ in sent)
    digests = {hashlib.sha256(content).digest() for _, content in sent}
    for photo in listed:
        content = requests.get(gallery.url + photo["url"], timeout=30).content
        assert hashlib.sha256(content).digest() in digests


def reconnect(page: Page) -> None:
    page.unroute(page.url)
    come_online(page)


def write_files(folder: Path, *files: tuple[str, bytes]) -> list[Path]:
    folder.mkdir()
    for name, content in files:
        (folder / name).write_bytes(content)
    return [folder / name for name, _ in files]


def choose_files(page: Page, files: list[Path]) -> None:
    """Adds photos that the page reads from the device when it sends them."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files(files)


def send_half_and_close(page: Page, gallery: Gallery) -> None:
    """Sends half of LARGE from another tab, and closes that."""
    closed = page.context.new_page()
    open_gallery(closed, gallery)
    gate = Gate(closed, lets_through=5)
    add_photos(closed, LARGE)
    gate.wait_until_held()
    gate.cut()
    expect(summary(closed)).to_contain_text("Next try in")
    wait_until_page_may_close(closed)
    closed.close()
    open_gallery(page, gallery)
    expect(page.get_by_text("1 photo was still on the way.")).to_be_visible()


def test_a_large_photo_goes_on_after_an_outage_and_the_screen_stays_awake(
    page: Page, gallery: Gallery
) -> None:
    count_wake_locks(page)
    open_gallery(page, gallery)
    assert page.evaluate("() => wakeLocks") == 0
    gate = Gate(page, lets_through=4)
    add_photos(page, LARGE)
    gate.wait_until_held()
    gate.cut()
    expect(summary(page)).to_contain_text("No connection. Your photos wait here")
    page.wait_for_function("() => wakeLocks === 1")
    gate.open()
    expect_all_safe(page, 1)
    page.wait_for_function("() => wakeLocks === 0")
    assert_arrived_once(gallery, LARGE)
    assert gate.passed == CHUNKS  # what had arrived is not sent again


def test_photos_survive_a_killed_server(page: Page, server: GalleryServer) -> None:
    batch = [LARGE, *(large_photo(number) for number in range(2, 12))]
    open_gallery(page, server)
    gate = Gate(page, lets_through=9)
    add_photos(page, *batch)
    gate.wait_until_held()
    server.kill()
    gate.open()
    expect(summary(page)).to_contain_text("No connection. Your photos wait here")
    server.start()
    expect_all_safe(page, 11)
    assert_arrived_once(server, *batch)


def test_a_reload_in_the_middle_loses_no_photo(page: Page, gallery: Gallery) -> None:
    batch = [LARGE, *(large_photo(number) for number in range(2, 9))]
    open_gallery(page, gallery)
    gate = Gate(page, lets_through=7)
    add_photos(page, *batch)
    gate.wait_until_held()
    wait_until_page_may_close(page)
    page.reload()
    expect(page.get_by_text(re.compile(r"\d+ photos were still on the way"))).to_be_visible()
    gate.open()
    with page.expect_response("**/api/uploads/*") as asked:
        page.get_by_role("button", name="Continue").click()
    assert asked.value.status in (200, 404)
    all_of_them = re.compile(r"(\d+) of \1 photos are safe")
    expect(summary(page)).to_contain_text(all_of_them, timeout=UPLOADED_MS)
    assert_arrived_once(gallery, *batch)
    assert count_kept_files(page) == 0
    page.reload()
    wait_until_leftovers_are_offered(page)
    expect(summary(page)).to_be_hidden()


def test_a_closed_tab_continues_in_a_new_one(page: Page, gallery: Gallery) -> None:
    send_half_and_close(page, gallery)
    gate = Gate(page, lets_through=CHUNKS)
    with page.expect_response("**/api/uploads/*") as asked:
        page.get_by_role("button", name="Continue").click()
    received = asked.value.json()["received"]
    expect_all_safe(page, 1)
    assert_arrived_once(gallery, LARGE)
    assert len(received) >= 5
    assert gate.passed == CHUNKS - len(received)


def test_leftovers_can_be_forgotten_by_page_and_server(page: Page, gallery: Gallery) -> None:
    send_half_and_close(page, gallery)
    assert gallery.files() != []
    page.reload()
    expect(page.get_by_text("1 photo was still on the way.")).to_be_visible()
    with page.expect_response("**/api/uploads/*") as discarded:
        page.get_by_role("button", name="Forget them").click()
    assert discarded.value.status == 204
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()
    assert (gallery.files(), gallery.photos()) == ([], [])
    page.reload()
    wait_until_leftovers_are_offered(page)
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()
    assert count_kept_files(page) == 0


def test_two_tabs_send_at_once_and_offer_nothing(page: Page, gallery: Gallery) -> None:
    batches = [[large_photo(n) for n in range(6)], [large_photo(n) for n in range(5, 11)]]
    another = page.context.new_page()
    gates = []
    for tab, batch in zip((another, page), batches, strict=True):
        open_gallery(tab, gallery)
        gates.append(Gate(tab))
        add_photos(tab, *batch)
        wait_until_page_may_close(tab)
        tab.evaluate(
            """() => {
                window.offered = 0;
                const leftovers = document.querySelector("[data-continue]").parentElement;
                new MutationObserver(() => (offered += !leftovers.hidden)).observe(
                    leftovers, { attributes: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    wait_until_leftovers_are_offered(page)
    for tab, gate in zip((another, page), gates, strict=True):
        expect(tab.get_by_role("button", name="Continue")).to_be_hidden()
        gate.open()
        expect_all_safe(tab, 6)
        assert tab.evaluate("() => offered") == 0
    assert_arrived_once(gallery, *batches[0], *batches[1][1:])  # 5.jpg is one photo


def test_chunks_shrink_behind_a_proxy_that_takes_less(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    batch = [large_photo(0, 20), large_photo(2, 150), large_photo(3, 600), LARGE]
    last = large_photo(4, 500)
    with behind_nginx(gallery.url, tmp_path, client_max_body_size="120k") as url:
        page.goto(url)
        add_photos(page, *batch)
        expect_all_safe(page, 4)
        refused: list[int] = []
        page.on("response", lambda answer: refused.append(answer.status))
        page.reload()
        add_photos(page, last)
        expect_all_safe(page, 1)
        assert 413 not in refused  # it is known by now what goes through
        page.goto("about:blank")
    assert_arrived_once(gallery, *batch, last)


def test_every_photo_arrives_once_when_requests_come_twice_and_answers_are_lost(
    page: Page, gallery: Gallery
) -> None:
    batch = [(f"{number}.jpg", small_photo(number)) for number in range(30)]
    batch += [large_photo(number, kilobytes=1_500) for number in range(30, 34)]
    replace_in_script(page, "retry-pause.js", {"FIRST_MS = 500;": "FIRST_MS = 20;"})
    with doubling_requests(gallery.url) as doubled, losing_answers(doubled.url, 0.3) as proxy:
        page.goto(proxy.url)
        add_photos(page, *batch)
        expect_all_safe(page, 34)
        assert doubled.faults > 60
        assert proxy.faults > 10
        page.goto("about:blank")
    assert_arrived_once(gallery, *batch)


def test_a_photo_is_not_safe_until_the_gallery_confirms_it(page: Page, gallery: Gallery) -> None:
    sent = [LARGE, large_photo(2)]
    open_gallery(page, gallery)
    answer_posts(page, 200, HTML, "<h1>Free Wi-Fi</h1>")
    add_photos(page, *sent)
    expect(summary(page)).to_contain_text("Something else answers for the gallery")
    expect(summary(page)).to_contain_text("0 of 2 photos safe")
    wait_until_page_may_close(page)
    assert count_kept_files(page) == 2
    reconnect(page)
    expect_all_safe(page, 2)
    assert_arrived_once(gallery, *sent)


def test_a_photo_that_fails_while_others_arrive_waits_for_a_retry(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append("502")

    def fail_the_large_one(route: Route) -> None:
        if b"dzuuid" in (route.request.post_data_buffer or b""):
            route.abort()
        elif "/api/uploads/" in route.request.url:
            route.fulfill(status=502, body="<h1>Bad gateway</h1>")
        else:
            route.fallback()

    replace_in_script(page, "upload-queue.js", {"MOST_STRIKES = 12;": "MOST_STRIKES = 2;"})
    open_gallery(page, gallery)
    page.route("**/*", fail_the_large_one)
    add_photos(page, LARGE)
    expect(summary(page)).to_contain_text("No connection.")
    add_photos(page, large_photo(2))
    retry = page.get_by_role("button", name="Retry 1.jpg")
    expect(retry).to_be_visible(timeout=UPLOADED_MS)
    expect(summary(page)).to_contain_text("1 of 2 photos are safe. 1 needs another try.")
    assert_arrived_once(gallery, large_photo(2))
    wait_until_page_may_close(page)
    assert count_kept_files(page) == 1
    page.unroute("**/*")
    retry.click()
    expect_all_safe(page, 2)
    assert_arrived_once(gallery, LARGE, large_photo(2))


def test_a_photo_whose_chunks_are_gone_is_sent_anew(page: Page, gallery: Gallery) -> None:
    uuids: set[str] = set()

    def note_uuid(request: Request) -> None:
        if found := re.search(rb'name="dzuuid"\r\n\r\n(\S+)', request.post_data_buffer or b""):
            uuids.add(found[1].decode())

    open_gallery(page, gallery)
    gate = Gate(page, lets_through=5)
    page.on("request", note_uuid)
    add_photos(page, LARGE)
    gate.wait_until_held()
    [uuid] = uuids
    page.evaluate("(uuid) => fetch(`/api/uploads/${uuid}`, { method: 'DELETE' })", uuid)
    gate.open()
    expect(summary(page)).to_contain_text("Some of a photo got lost on the way; it is sent again.")
    expect_all_safe(page, 1)
    assert_arrived_once(gallery, LARGE)


def test_a_pause_lasts_as_long_as_the_server_asks_or_until_there_is_hope(
    page: Page, gallery: Gallery
) -> None:
    pause = {"Retry-After": "29"}
    open_gallery(page, gallery)
    answer_posts(page, 429, pause, "You have sent a lot.")
    add_photos(page, large_photo(1))
    expect(summary(page)).to_contain_text("You have sent a lot. Next try in 2")
    answer_posts(page, 503, pause | HTML, "<h1>Busy</h1>")
    come_online(page)
    busy = "The server is busy; your photos wait here. Next try in 2"
    expect(summary(page)).to_contain_text(busy)
    answer_posts(page, 503, pause, "One moment.")
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(summary(page)).to_contain_text("One moment. Next try in 2")
    page.unroute(page.url)
    page.get_by_role("button", name="Try now").click()
    expect_all_safe(page, 1)
    assert_arrived_once(gallery, large_photo(1))


def test_a_stalled_request_is_given_up_and_sent_again(page: Page, gallery: Gallery) -> None:
    replace_in_script(page, "upload-zone.js", {"STALL_MS = 30_000;": "STALL_MS = 1_500;"})
    of_uploads = "path.startsWith('/api/uploads/') ? 1_500 : PATIENCE_MS"
    replace_in_script(page, "api.js", {"timeout(PATIENCE_MS)": f"timeout({of_uploads})"})
    open_gallery(page, gallery)
    asked: list[Route] = []
    page.route("**/api/uploads/*", lambda route: asked.append(route))
    gate = Gate(page)
    add_photos(page, LARGE)
    expect(summary(page)).to_contain_text("No connection.")
    wait_in_page(page, lambda: len(asked) > 1)  # nor is it waited for ever for what has arrived
    page.unroute("**/api/uploads/*")
    gate.open()
    expect_all_safe(page, 1)
    assert_arrived_once(gallery, LARGE)


def test_only_the_gallery_itself_refuses_a_photo_for_good(page: Page, gallery: Gallery) -> None:
    ours = {"Dropwall-Refusal": "NotAPhoto"}
    answers = [(status, ours) for status in (400, 403, 413, 415, 507)]
    answers += [(status, HTML) for status in (401, 403, 404, 413)]
    photos = [large_photo(number) for number in range(9)]
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    open_gallery(page, gallery)
    for photo, (status, headers) in zip(photos, answers, strict=True):
        answer_posts(page, status, headers, "Not this one.")
        add_photos(page, photo)
        row = rows(page).filter(has_text=photo[0])
        somebody_else = "Something in front of the gallery refuses this photo"
        expect(row).to_contain_text("Not this one." if headers == ours else somebody_else)
        retry = row.get_by_role("button", name=f"Retry {photo[0]}")
        expect(retry).to_be_visible(visible=headers == HTML or status == 507)
    assert len(sent) == 9  # none is tried again
    wait_until_page_may_close(page)
    page.unroute(page.url)
    page.get_by_role("button", name="Retry 4.jpg").click()
    expect(tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Retry all").click()
    expect(summary(page)).to_contain_text("5 of 9 photos are safe. 4 could not be taken.")
    assert_arrived_once(gallery, *photos[4:])


@pytest.mark.embedded
def test_a_file_deleted_on_the_device_is_sent_from_the_browsers_copy(
    browser_type: BrowserType, browser_type_launch_args: dict, gallery: Gallery, tmp_path: Path
) -> None:
    """In a profile of its own: a private window refers to the file, and copies nothing."""
    profile = browser_type.launch_persistent_context(
        tmp_path / "profile", ignore_https_errors=True, **browser_type_launch_args
    )
    with profile as context:
        page = context.new_page()
        open_gallery(page, gallery)
        page.route(page.url, abort_posts)
        files = write_files(tmp_path / "phone", LARGE, large_photo(2))
        choose_files(page, files)
        wait_until_page_may_close(page)
        for file in files:
            file.unlink()
        reconnect(page)
        expect_all_safe(page, 2)
    assert_arrived_once(gallery, LARGE, large_photo(2))


def test_without_room_for_copies_the_page_must_stay_open_and_misses_a_deleted_file(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    page.add_init_script(
        """IDBObjectStore.prototype.put = () => {
            throw new DOMException("There is no room.", "QuotaExceededError");
        };"""
    )
    open_gallery(page, gallery)
    page.route(page.url, abort_posts)
    files = write_files(tmp_path / "phone", large_photo(1), large_photo(2))
    choose_files(page, files)
    expect(summary(page)).to_contain_text("Keep this page open")
    with page.expect_event("dialog") as warning:
        page.close(run_before_unload=True)
    assert warning.value.type == "beforeunload"
    warning.value.dismiss()
    files[0].unlink()
    reconnect(page)
    row = rows(page).filter(has_text="1.jpg")
    expect(row).to_contain_text("This file was moved or changed on your device")
    expect(summary(page)).to_contain_text("1 of 2 photos are safe. 1 could not be taken.")
    expect(page.get_by_text("Keep this page open")).to_be_hidden()
    assert_arrived_once(gallery, large_photo(2))


def test_a_folder_is_sent_without_what_lies_beside_its_photos(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    photos = [large_photo(1), large_photo(2)]
    write_files(tmp_path / "holiday", *photos, ("._1.jpg", b"litter"), ("notes.txt", b"notes"))
    open_gallery(page, gallery)
    page.locator("[data-folder]").set_input_files(tmp_path / "holiday")
    expect_all_safe(page, 2)
    left_out = page.get_by_text("1 file that is not a photo was left out.", exact=True)
    expect(left_out).to_be_visible()
    assert_arrived_once(gallery, *photos)
