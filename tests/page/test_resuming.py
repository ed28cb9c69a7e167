"""Uploads survive a lost network, a killed server, a reload, a closed tab and a narrow proxy."""

import re
import shutil
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserType, Page, Request, Route, expect

from tests.support import page as ui
from tests.support.faulty_proxy import doubling_requests, losing_answers
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.proxies import behind_nginx

LARGE = ui.large_photo(1, kilobytes=1_900)
CHUNKS = 10
"""Of LARGE."""
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"chunk_bytes": 200_000}


@pytest.fixture
def expected_errors() -> list[str]:
    return [ui.NO_CONNECTION, ui.UNREACHABLE, ui.REFUSED]


def assert_arrived_once(gallery: Gallery, *sent: ui.Photo) -> None:
    """Every photo, byte for byte, and nothing else."""
    stored = [
        (photo["name"], requests.get(gallery.url + photo["url"], timeout=30).content)
        for photo in gallery.photos()
    ]
    assert len(stored) == len(sent)
    assert set(stored) == set(sent), [name for name, _ in stored]


def reconnect(page: Page) -> None:
    page.unroute(page.url)
    ui.come_online(page)


def write_files(folder: Path, *files: tuple[str, bytes]) -> list[Path]:
    folder.mkdir()
    for name, content in files:
        (folder / name).write_bytes(content)
    return [folder / name for name, _ in files]


def choose_files_without_a_network(
    page: Page, gallery: Gallery, folder: Path, *photos: ui.Photo
) -> list[Path]:
    """Adds photos that the page reads from the device when it can send them."""
    ui.open_gallery(page, gallery)
    page.route(page.url, ui.abort_posts)
    files = write_files(folder, *photos)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files(files)
    return files


def send_half_and_close(page: Page, gallery: Gallery) -> None:
    """Sends half of LARGE from another tab, and closes that."""
    closed = page.context.new_page()
    ui.open_gallery(closed, gallery)
    gate = ui.Gate(closed, lets_through=5)
    ui.add_photos(closed, LARGE)
    gate.wait_until_held()
    gate.cut()
    expect(ui.summary(closed)).to_contain_text("Next try in")
    ui.wait_until_page_may_close(closed)
    closed.close()
    ui.open_gallery(page, gallery)
    expect(page.get_by_text("1 photo wasn't finished.").first).to_be_visible()


def test_after_an_outage_only_missing_chunks_are_sent(page: Page, gallery: Gallery) -> None:
    ui.count_wake_locks(page)
    ui.open_gallery(page, gallery)
    assert page.evaluate("() => wakeLocks") == 0
    gate = ui.Gate(page, lets_through=4)
    ui.add_photos(page, LARGE)
    gate.wait_until_held()
    gate.cut()
    expect(ui.summary(page)).to_contain_text("No connection. Your photos are waiting")
    page.wait_for_function("() => wakeLocks === 1")
    gate.open()
    ui.expect_all_safe(page, 1)
    page.wait_for_function("() => wakeLocks === 0")
    assert_arrived_once(gallery, LARGE)
    assert gate.passed == CHUNKS  # what had arrived is not sent again


def test_photos_survive_a_killed_server(page: Page, server: GalleryServer) -> None:
    batch = [LARGE, *(ui.large_photo(number) for number in range(2, 12))]
    ui.open_gallery(page, server)
    gate = ui.Gate(page, lets_through=9)
    ui.add_photos(page, *batch)
    gate.wait_until_held()
    server.kill()
    gate.open()
    expect(ui.summary(page)).to_contain_text("No connection. Your photos are waiting")
    server.start()
    ui.expect_all_safe(page, 11)
    assert_arrived_once(server, *batch)


def test_a_reload_in_the_middle_loses_no_photo(page: Page, gallery: Gallery) -> None:
    batch = [LARGE, *(ui.large_photo(number) for number in range(2, 9))]
    ui.open_gallery(page, gallery)
    gate = ui.Gate(page, lets_through=7)
    ui.add_photos(page, *batch)
    gate.wait_until_held()
    ui.wait_until_page_may_close(page)
    page.reload()
    expect(page.get_by_text(re.compile(r"\d+ photos weren't finished")).first).to_be_visible()
    gate.open()
    page.get_by_role("button", name="Resume").click()
    all_of_them = re.compile("All [3-8] photos added|Both photos added|Photo added")
    expect(ui.summary(page)).to_contain_text(all_of_them, timeout=ui.UPLOADED_MS)
    assert_arrived_once(gallery, *batch)


def test_a_closed_tab_continues_in_a_new_one(page: Page, gallery: Gallery) -> None:
    send_half_and_close(page, gallery)
    gate = ui.Gate(page, lets_through=CHUNKS)
    with page.expect_response("**/api/uploads/*") as asked:
        page.get_by_role("button", name="Resume").click()
    received = asked.value.json()["received"]
    ui.expect_all_safe(page, 1)
    assert_arrived_once(gallery, LARGE)
    assert len(received) >= 5
    assert gate.passed == CHUNKS - len(received)
    assert ui.count_kept_files(page) == 0
    page.reload()
    ui.wait_until_leftovers_are_offered(page)
    expect(ui.summary(page)).to_be_hidden()


def test_unsent_photos_can_be_forgotten_by_page_and_server(page: Page, gallery: Gallery) -> None:
    send_half_and_close(page, gallery)
    assert gallery.files() != []
    page.reload()
    expect(page.get_by_text("1 photo wasn't finished.").first).to_be_visible()
    with page.expect_response("**/api/uploads/*") as discarded:
        page.get_by_role("button", name="Discard").click()
    assert discarded.value.status == 204
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()
    assert (gallery.files(), gallery.photos()) == ([], [])
    page.reload()
    ui.wait_until_leftovers_are_offered(page)
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    assert ui.count_kept_files(page) == 0


def test_what_one_tab_is_sending_no_other_tab_offers(page: Page, gallery: Gallery) -> None:
    batches = [[ui.large_photo(n) for n in range(6)], [ui.large_photo(n) for n in range(5, 11)]]
    another = page.context.new_page()
    gates = []
    for tab, batch in zip((another, page), batches, strict=True):
        ui.open_gallery(tab, gallery)
        gates.append(ui.Gate(tab))
        ui.add_photos(tab, *batch)
        ui.wait_until_page_may_close(tab)
        tab.evaluate(
            """() => {
                window.offered = 0;
                const leftovers = document.querySelector("[data-continue]").parentElement;
                new MutationObserver(() => (offered += !leftovers.hidden)).observe(
                    leftovers, { attributes: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    ui.wait_until_leftovers_are_offered(page)
    for tab, gate in zip((another, page), gates, strict=True):
        expect(tab.get_by_role("button", name="Resume")).to_be_hidden()
        gate.open()
        ui.expect_all_safe(tab, 6)
        assert tab.evaluate("() => offered") == 0
    assert_arrived_once(gallery, *batches[0], *batches[1][1:])  # 5.jpg is one photo


def test_chunks_fit_through_a_narrow_proxy(page: Page, gallery: Gallery, tmp_path: Path) -> None:
    batch = [ui.large_photo(0, 20), ui.large_photo(2, 150), ui.large_photo(3, 600), LARGE]
    last = ui.large_photo(4, 500)
    with behind_nginx(gallery.url, tmp_path, client_max_body_size="120k") as url:
        page.goto(url)
        ui.add_photos(page, *batch)
        ui.expect_all_safe(page, 4)
        refused: list[int] = []
        page.on("response", lambda answer: refused.append(answer.status))
        page.reload()
        ui.add_photos(page, last)
        ui.expect_all_safe(page, 1)
        assert 413 not in refused  # it is known by now what goes through
        page.goto("about:blank")
    assert_arrived_once(gallery, *batch, last)


def test_doubled_requests_and_lost_answers_make_one_photo(page: Page, gallery: Gallery) -> None:
    batch = [(f"{number}.jpg", ui.small_photo(number)) for number in range(15)]
    batch += [ui.large_photo(number, kilobytes=1_500) for number in range(15, 18)]
    ui.replace_in_script(page, "upload/pause.js", {"FIRST_MS = 500;": "FIRST_MS = 20;"})
    with doubling_requests(gallery.url) as doubled, losing_answers(doubled.url, 0.3) as proxy:
        page.goto(proxy.url)
        ui.add_photos(page, *batch)
        ui.expect_all_safe(page, 18)
        assert doubled.faults > 30
        assert proxy.faults > 5
        page.goto("about:blank")
    assert_arrived_once(gallery, *batch)


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

    ui.replace_in_script(page, "upload/queue.js", {"MOST_STRIKES = 12;": "MOST_STRIKES = 2;"})
    ui.open_gallery(page, gallery)
    page.route("**/*", fail_the_large_one)
    ui.add_photos(page, LARGE)
    expect(ui.summary(page)).to_contain_text("No connection.")
    ui.add_photos(page, ui.large_photo(2))
    retry = page.get_by_role("button", name="Retry 1.jpg")
    expect(retry).to_be_visible(timeout=ui.UPLOADED_MS)
    expect(ui.summary(page)).to_contain_text("1 photo added. 1 didn't go through.")
    assert_arrived_once(gallery, ui.large_photo(2))
    ui.wait_until_page_may_close(page)
    assert ui.count_kept_files(page) == 1
    page.unroute("**/*")
    retry.click()
    ui.expect_all_safe(page, 2)
    assert_arrived_once(gallery, LARGE, ui.large_photo(2))


def test_a_photo_whose_chunks_are_gone_is_sent_anew(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    gate = ui.Gate(page, lets_through=5)
    with page.expect_request(lambda request: request.method == "POST") as chunk:
        ui.add_photos(page, LARGE)
    gate.wait_until_held()
    uuid = re.search(rb'name="dzuuid"\r\n\r\n(\S+)', chunk.value.post_data_buffer)[1].decode()
    page.evaluate("(uuid) => fetch(`/api/uploads/${uuid}`, { method: 'DELETE' })", uuid)
    gate.open()
    lost = "A photo got interrupted. Sending it again."
    expect(ui.summary(page)).to_contain_text(lost)
    ui.expect_all_safe(page, 1)
    assert_arrived_once(gallery, LARGE)


def test_no_photo_is_safe_until_the_gallery_confirms_it(page: Page, gallery: Gallery) -> None:
    sent = [LARGE, ui.large_photo(2)]
    pause = {"Retry-After": "29"}
    summary = ui.summary(page)
    ui.open_gallery(page, gallery)
    ui.answer_posts(page, 200, HTML, "<h1>Free Wi-Fi</h1>")
    ui.add_photos(page, *sent)
    expect(summary).to_contain_text("This Wi-Fi wants you to sign in first.")
    expect(summary).to_contain_text("Adding 2 photos…")
    ui.wait_until_page_may_close(page)
    assert ui.count_kept_files(page) == 2

    # A pause lasts as long as the server asks, or until a retry may work.
    ui.answer_posts(page, 429, pause, "You have sent a lot.")
    ui.come_online(page)
    expect(summary).to_contain_text("You have sent a lot. Next try in 2")
    ui.answer_posts(page, 503, pause | HTML, "<h1>Busy</h1>")
    ui.come_online(page)
    expect(summary).to_contain_text("Busy right now. Your photos are waiting. Next try in 2")
    ui.answer_posts(page, 503, pause, "One moment. Try again in a few seconds.")
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(summary).to_contain_text("One moment. Next try in 2")
    page.unroute(page.url)
    page.get_by_role("button", name="Retry now").click()
    ui.expect_all_safe(page, 2)
    assert_arrived_once(gallery, *sent)


def test_a_stalled_request_is_given_up_and_sent_again(page: Page, gallery: Gallery) -> None:
    ui.replace_in_script(page, "upload/dropzone.js", {"STALL_MS = 30_000;": "STALL_MS = 1_500;"})
    of_uploads = "path.startsWith('/api/uploads/') ? 1_500 : patienceMs"
    ui.replace_in_script(page, "page/api.js", {"abort(), patienceMs": f"abort(), {of_uploads}"})
    ui.open_gallery(page, gallery)
    asked: list[Route] = []
    page.route("**/api/uploads/*", lambda route: asked.append(route))
    gate = ui.Gate(page)
    ui.add_photos(page, LARGE)
    expect(ui.summary(page)).to_contain_text("No connection.")
    ui.wait_in_page(page, lambda: len(asked) > 1)  # nor is it waited for ever for what has arrived
    page.unroute("**/api/uploads/*")
    gate.open()
    ui.expect_all_safe(page, 1)
    assert_arrived_once(gallery, LARGE)


def test_only_the_gallery_itself_refuses_a_photo_for_good(page: Page, gallery: Gallery) -> None:
    ours = {"Dropwall-Refusal": "not-a-photo"}
    answers = [(status, ours) for status in (400, 403, 413, 415, 507)]
    answers += [(status, HTML) for status in (401, 403, 404, 413)]
    photos = [ui.large_photo(number) for number in range(9)]
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    ui.open_gallery(page, gallery)
    for photo, (status, headers) in zip(photos, answers, strict=True):
        ui.answer_posts(page, status, headers, "Not this one.")
        ui.add_photos(page, photo)
        row = ui.rows(page).filter(has_text=photo[0])
        somebody_else = "This photo was blocked on the way."
        expect(row).to_contain_text("Not this one." if headers == ours else somebody_else)
        retry = row.get_by_role("button", name=f"Retry {photo[0]}")
        expect(retry).to_be_visible(visible=headers == HTML or status == 507)
    assert len(sent) == 9  # none is tried again
    ui.wait_until_page_may_close(page)
    page.unroute(page.url)
    page.get_by_role("button", name="Retry 4.jpg").click()
    expect(ui.tiles(page)).to_have_count(1)
    page.get_by_role("button", name="Retry all").click()
    expect(ui.summary(page)).to_contain_text("All 5 photos added")
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
        phone = tmp_path / "phone"
        choose_files_without_a_network(page, gallery, phone, LARGE, ui.large_photo(2))
        ui.wait_until_page_may_close(page)
        shutil.rmtree(phone)
        reconnect(page)
        ui.expect_all_safe(page, 2)
    assert_arrived_once(gallery, LARGE, ui.large_photo(2))


def test_without_room_for_copies_the_page_must_stay_open_and_a_deleted_file_is_lost(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    page.add_init_script(
        """IDBObjectStore.prototype.put = () => {
            throw new DOMException("There is no room.", "QuotaExceededError");
        };"""
    )
    photos = [ui.large_photo(1), ui.large_photo(2)]
    files = choose_files_without_a_network(page, gallery, tmp_path / "phone", *photos)
    expect(ui.summary(page)).to_contain_text("Keep this page open")
    with page.expect_event("dialog") as warning:
        page.close(run_before_unload=True)
    assert warning.value.type == "beforeunload"
    warning.value.dismiss()
    files[0].unlink()
    reconnect(page)
    row = ui.rows(page).filter(has_text="1.jpg")
    expect(row).to_contain_text("This file was moved or changed on your device")
    expect(ui.summary(page)).to_contain_text("1 photo added. 1 couldn't be added.")
    expect(page.get_by_text("Keep this page open")).to_be_hidden()
    assert_arrived_once(gallery, ui.large_photo(2))


def test_of_a_folder_only_the_photos_are_sent(page: Page, gallery: Gallery, tmp_path: Path) -> None:
    photos = [ui.large_photo(1), ui.large_photo(2)]
    write_files(tmp_path / "holiday", *photos, ("._1.jpg", b"litter"), ("notes.txt", b"notes"))
    ui.open_gallery(page, gallery)
    page.locator("[data-folder]").set_input_files(tmp_path / "holiday")
    ui.expect_all_safe(page, 2)
    left_out = page.get_by_text("Skipped 1 file that isn't a photo.", exact=True)
    expect(left_out).to_be_visible()
    assert_arrived_once(gallery, *photos)
