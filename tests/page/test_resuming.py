"""Uploads that survive: no network, no server, a reload, a closed tab, a narrow proxy, two tabs."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import requests
from playwright.sync_api import BrowserType, Page, Request, Route, expect

from tests.conftest import CDN, play_cdn
from tests.page.test_uploading import (
    REFUSED,
    UNREACHABLE,
    add_photos,
    drop_photos,
    open_gallery,
    rows,
    summary,
)
from tests.support.faulty_proxy import doubling_requests, losing_answers
from tests.support.gallery_server import RunningServer
from tests.support.network import Network
from tests.support.photos import photo_bytes
from tests.support.proxies import behind_nginx

UPLOADED = 90_000
"""Milliseconds within which all is to be safe, on a busy machine."""
NO_CONNECTION = r"net::ERR_"

NO_ROOM = """IDBObjectStore.prototype.put = () => {
    throw new DOMException("There is no room.", "QuotaExceededError");
};"""

Photo = tuple[str, bytes]


@pytest.fixture
def expected_errors() -> list[str]:
    """Chromium reports by itself what fails on its way."""
    return [NO_CONNECTION, UNREACHABLE, REFUSED]


def photo(number: int, kilobytes: int = 40) -> Photo:
    """With a long tail, as a phone's motion photo has: large, and quickly decoded."""
    tail = Random(number).randbytes(kilobytes * 1000)
    return f"{number}.jpg", photo_bytes("jpg", seed=number, size=(120, 90)) + tail


def assert_arrived_once(server: RunningServer, sent: list[Photo]) -> None:
    """Every photo, byte for byte, and nothing else."""
    listed = server.photos()
    assert sorted(p["name"] for p in listed) == sorted(name for name, _ in sent)
    digests = {hashlib.sha256(content).hexdigest() for _, content in sent}
    for each in listed:
        content = requests.get(server.url + each["url"], timeout=30).content
        assert hashlib.sha256(content).hexdigest() in digests


def expect_all_safe(page: Page, count: int) -> None:
    verb = "photo is safe" if count == 1 else "photos are safe"
    expect(summary(page)).to_contain_text(f"{count} of {count} {verb}", timeout=UPLOADED)


def until_some_are_safe(page: Page) -> None:
    expect(summary(page)).to_contain_text(re.compile(r"[1-9]\d* of \d+ photos safe"))


def until_half_is_sent(page: Page, name: str) -> None:
    page.wait_for_function(
        """(name) => [...document.querySelectorAll("progress")].some(
            (bar) => bar.ariaLabel === name && bar.value / bar.max > 0.4)""",
        arg=name,
        timeout=UPLOADED,
    )


def until_nothing_would_be_lost(page: Page) -> None:
    """From then on the page can be closed without a warning."""
    page.wait_for_function(
        "() => dispatchEvent(new Event('beforeunload', { cancelable: true }))", timeout=UPLOADED
    )


def kept_files(page: Page) -> int:
    return page.evaluate(
        """() => new Promise((resolve) => {
            const opening = indexedDB.open("dropwall");
            opening.onsuccess = () => {
                const database = opening.result;
                const asked = database.transaction("files").objectStore("files").count();
                asked.onsuccess = () => { database.close(); resolve(asked.result); };
            };
        })"""
    )


def until_leftovers_would_be_offered(page: Page) -> None:
    """The page asks the other tabs first, for 0.4 s; this is its own clock."""
    page.wait_for_function("() => performance.now() > 2_500")


def answer_posts(
    page: Page, server: RunningServer, status: int, headers: dict[str, str], body: str = ""
) -> None:
    """In the server's place, until `page.unroute`."""
    headers = {"Content-Type": "text/plain"} | headers

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=status, headers=headers, body=body)
        else:
            route.fallback()

    page.route(f"{server.url}/", answer)


def choose_offline(page: Page, folder: Path, *photos: Photo) -> Network:
    network = Network(page)
    network.set(offline=True)
    choose(page, folder, *photos)
    return network


def upload_without_a_network(page: Page) -> None:
    def lose(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.fallback()

    page.route("**/*", lose)
    add_photos(page, *(photo(number) for number in range(12)))
    expect(summary(page)).to_contain_text("Next try in")


def choose(page: Page, folder: Path, *photos: Photo) -> None:
    """Real files, through the button."""
    folder.mkdir(exist_ok=True)
    paths = [folder / name for name, _ in photos]
    for path, (_, content) in zip(paths, photos, strict=True):
        path.write_bytes(content)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files(paths)


def count_sent_chunks(page: Page) -> Callable[[], int]:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    return lambda: len(sent)


def test_a_large_photo_goes_on_where_the_network_was_lost(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    large = photo(1, kilobytes=30_000)
    open_gallery(page, live_server)
    network = Network(page)
    network.set(bytes_per_second=6_000_000)
    sent_chunks = count_sent_chunks(page)
    choose(page, tmp_path / "phone", large)
    until_half_is_sent(page, "1.jpg")
    network.set(offline=True)
    expect(summary(page)).to_contain_text("No connection. Your photos wait here")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    network.set()
    expect_all_safe(page, 1)
    assert_arrived_once(live_server, [large])
    assert sent_chunks() <= 8 + 3  # what had arrived is not sent again


def test_twenty_photos_survive_that_the_server_is_killed(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    batch = [photo(number, kilobytes=500) for number in range(19)] + [photo(19, 9_000)]
    open_gallery(page, live_server)
    Network(page).set(bytes_per_second=6_000_000)
    choose(page, tmp_path / "phone", *batch)
    until_some_are_safe(page)
    live_server.kill()
    expect(summary(page)).to_contain_text("No connection. Your photos wait here")
    live_server.start()
    expect_all_safe(page, 20)
    assert_arrived_once(live_server, batch)


def test_a_reload_in_the_middle_loses_nothing(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    batch = [photo(number, kilobytes=300) for number in range(11)] + [photo(11, 12_000)]
    open_gallery(page, live_server)
    network = Network(page)
    network.set(bytes_per_second=2_000_000)
    choose(page, tmp_path / "phone", *reversed(batch))
    until_half_is_sent(page, "11.jpg")
    network.set(bytes_per_second=50_000)
    until_nothing_would_be_lost(page)
    page.reload()
    expect(page.get_by_text(re.compile(r"\d+ photos? (was|were) still on the way"))).to_be_visible()
    network.set()
    with page.expect_response("**/api/uploads/*") as asked:
        page.get_by_role("button", name="Continue").click()
    assert asked.value.status in (200, 404)
    expect(summary(page)).to_contain_text(
        re.compile(r"(\d+) of \1 photos? (is|are) safe"), timeout=UPLOADED
    )
    assert_arrived_once(live_server, batch)
    assert kept_files(page) == 0
    page.reload()
    until_leftovers_would_be_offered(page)
    expect(page.get_by_role("region", name="Uploads")).to_be_hidden()


def test_a_closed_tab_is_continued_in_a_new_one(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    large = photo(1, kilobytes=20_000)
    closed = page.context.new_page()
    open_gallery(closed, live_server)
    Network(closed).set(bytes_per_second=3_000_000)
    choose(closed, tmp_path / "phone", large)
    until_nothing_would_be_lost(closed)
    until_half_is_sent(closed, "1.jpg")
    closed.close()
    open_gallery(page, live_server)
    sent_chunks = count_sent_chunks(page)
    expect(page.get_by_text("1 photo was still on the way.")).to_be_visible()
    with page.expect_response("**/api/uploads/*") as asked:
        page.get_by_role("button", name="Continue").click()
    assert len(asked.value.json()["received"]) >= 1
    expect_all_safe(page, 1)
    assert_arrived_once(live_server, [large])
    assert sent_chunks() <= 4


def test_what_was_left_can_be_forgotten_here_and_on_the_server(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    closed = page.context.new_page()
    open_gallery(closed, live_server)
    Network(closed).set(bytes_per_second=4_000_000)
    choose(closed, tmp_path / "phone", photo(1, kilobytes=20_000))
    until_half_is_sent(closed, "1.jpg")
    until_nothing_would_be_lost(closed)
    closed.close()
    assert live_server.files() != []
    for _ in range(2):
        open_gallery(page, live_server)
        expect(page.get_by_text("1 photo was still on the way.")).to_be_visible()
    with page.expect_response("**/api/uploads/*") as discarded:
        page.get_by_role("button", name="Forget them").click()
    assert discarded.value.status == 204
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()
    assert (live_server.files(), live_server.photos()) == ([], [])
    open_gallery(page, live_server)
    until_leftovers_would_be_offered(page)
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()
    assert kept_files(page) == 0


def test_two_tabs_send_at_once_and_leave_each_others_photos_alone(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    batches = [[photo(n, 400) for n in range(6)], [photo(n, 400) for n in range(5, 11)]]
    another = page.context.new_page()
    open_gallery(another, live_server)
    network = Network(another)
    network.set(bytes_per_second=100_000)
    choose(another, tmp_path / "phone", *batches[0])
    until_nothing_would_be_lost(another)
    open_gallery(page, live_server)
    # From a folder of its own: 5.jpg would be written anew under the eyes of the other tab.
    choose(page, tmp_path / "camera", *batches[1])
    until_leftovers_would_be_offered(page)
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()
    network.set()
    expect_all_safe(page, 6)
    expect_all_safe(another, 6)
    assert_arrived_once(live_server, [*batches[0], *batches[1][1:]])  # 5.jpg is one photo
    another.close()


def test_behind_a_proxy_that_takes_one_megabyte_chunks_shrink(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    batch = [photo(0, 200), photo(1, 2_500), photo(2, 12_000), photo(3, 900), photo(4, 5_000)]
    with behind_nginx(live_server.url, tmp_path, client_max_body_size="1m") as url:
        page.goto(url)
        expect(page.locator("[data-state=ready]")).to_be_visible()
        choose(page, tmp_path / "phone", *batch)
        expect_all_safe(page, 5)
        refused: list[int] = []
        page.on("response", lambda answer: refused.append(answer.status))
        page.reload()
        expect(page.locator("[data-state=ready]")).to_be_visible()
        last = photo(5, 6_000)
        choose(page, tmp_path / "phone", last)
        expect_all_safe(page, 1)
        assert 413 not in refused  # it is known by now what goes through
        page.goto("about:blank")
    assert_arrived_once(live_server, [*batch, last])


@pytest.mark.parametrize("fault", ["a third of the answers is lost", "requests come twice"])
def test_a_hundred_photos_are_there_once_however_the_network_fails(
    page: Page, live_server: RunningServer, tmp_path: Path, fault: str
) -> None:
    batch = [(f"{n}.png", photo_bytes("png", seed=n, size=(48, 32))) for n in range(96)]
    batch += [photo(number, kilobytes=9_000) for number in range(4)]
    failing = losing_answers(live_server.url, 0.3) if "lost" in fault else None
    with failing or doubling_requests(live_server.url) as proxy:
        page.goto(proxy.url)
        expect(page.locator("[data-state=ready]")).to_be_visible()
        choose(page, tmp_path / "phone", *batch)
        expect_all_safe(page, 100)
        assert proxy.faults > 20
        page.goto("about:blank")
    assert_arrived_once(live_server, batch)


def test_what_the_gallery_has_not_confirmed_is_not_safe(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    sent = [photo(1), photo(2, kilobytes=5_000)]
    open_gallery(page, live_server)

    answer_posts(page, live_server, 200, {"Content-Type": "text/html"}, "<h1>Free Wi-Fi</h1>")
    choose(page, tmp_path / "phone", *sent)
    expect(summary(page)).to_contain_text("Something else answers for the gallery")
    expect(summary(page)).to_contain_text("0 of 2 photos safe")
    until_nothing_would_be_lost(page)
    assert kept_files(page) == 2
    page.unroute(f"{live_server.url}/")
    expect_all_safe(page, 2)
    assert_arrived_once(live_server, sent)


def test_a_photo_that_fails_while_others_arrive_waits_for_its_guest(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    def less_patient(route: Route) -> None:
        script = route.fetch()
        body = script.text().replace("MOST_STRIKES = 12", "MOST_STRIKES = 2")
        route.fulfill(response=script, body=body)

    def fail_the_large_one(route: Route) -> None:
        if b"dzuuid" in (route.request.post_data_buffer or b""):
            route.abort()
        elif "/api/uploads/" in route.request.url:
            route.fulfill(status=502, body="<h1>Bad gateway</h1>")
        else:
            route.fallback()

    page.route("**/upload-queue.js", less_patient)
    open_gallery(page, live_server)
    page.route("**/*", fail_the_large_one)
    large = photo(0, kilobytes=5_000)
    choose(page, tmp_path / "phone", large)
    expect(summary(page)).to_contain_text("No connection.")
    choose(page, tmp_path / "phone", photo(1))
    retry = page.get_by_role("button", name="Retry 0.jpg")
    expect(retry).to_be_visible(timeout=UPLOADED)
    expect(summary(page)).to_contain_text("1 of 2 photos are safe. 1 needs another try.")
    assert_arrived_once(live_server, [photo(1)])
    until_nothing_would_be_lost(page)
    assert kept_files(page) == 1
    page.unroute("**/*")
    retry.click()
    expect_all_safe(page, 2)
    assert_arrived_once(live_server, [large, photo(1)])


def test_a_page_does_not_offer_what_it_is_sending(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    open_gallery(page, live_server)
    Network(page).set(bytes_per_second=150_000)
    choose(page, tmp_path / "phone", *(photo(number) for number in range(12)))
    until_nothing_would_be_lost(page)
    page.evaluate(
        """() => {
            window.offered = 0;
            const leftovers = document.querySelector("[data-continue]").parentElement;
            new MutationObserver(() => (offered += !leftovers.hidden)).observe(
                leftovers, { attributes: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    expect_all_safe(page, 12)
    assert page.evaluate("() => offered") == 0


def test_a_photo_whose_chunks_are_gone_is_sent_anew(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    large = photo(1, kilobytes=12_000)
    open_gallery(page, live_server)
    network = Network(page)
    network.set(bytes_per_second=4_000_000)
    uuids: set[str] = set()

    def note_uuid(request: Request) -> None:
        if found := re.search(rb'name="dzuuid"\r\n\r\n(\S+)', request.post_data_buffer or b""):
            uuids.add(found[1].decode())

    page.on("request", note_uuid)
    choose(page, tmp_path / "phone", large)
    until_half_is_sent(page, "1.jpg")
    [uuid] = uuids
    page.evaluate("(uuid) => fetch(`/api/uploads/${uuid}`, { method: 'DELETE' })", uuid)
    expect(summary(page)).to_contain_text("Some of a photo got lost on the way; it is sent again.")
    expect_all_safe(page, 1)
    assert_arrived_once(live_server, [large])


def test_the_page_waits_as_long_as_the_server_asks(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    open_gallery(page, live_server)
    answer_posts(page, live_server, 429, {"Retry-After": "4"}, "You have sent a lot.")
    choose(page, tmp_path / "phone", photo(1))
    expect(summary(page)).to_contain_text("You have sent a lot. Next try in")
    page.unroute(f"{live_server.url}/")
    answer_posts(page, live_server, 503, {"Content-Type": "text/html"}, "<h1>Busy</h1>")
    expect(summary(page)).to_contain_text("The server is busy; your photos wait here.")
    page.unroute(f"{live_server.url}/")
    expect_all_safe(page, 1)
    assert_arrived_once(live_server, [photo(1)])


def test_the_screen_stays_awake_while_photos_are_sent(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    page.add_init_script(
        """window.locks = [];
        navigator.wakeLock.request = async () => {
            const lock = new EventTarget();
            lock.release = () => locks.splice(locks.indexOf(lock), 1);
            locks.push(lock);
            return lock;
        };"""
    )
    open_gallery(page, live_server)
    network = Network(page)
    network.set(bytes_per_second=20_000)
    assert page.evaluate("() => locks.length") == 0
    choose(page, tmp_path / "phone", photo(1), photo(2))
    page.wait_for_function("() => locks.length === 1")
    network.set()
    expect_all_safe(page, 2)
    page.wait_for_function("() => locks.length === 0")


@pytest.mark.parametrize(
    "event",
    [
        "window.dispatchEvent(new Event('online'))",
        "document.dispatchEvent(new Event('visibilitychange'))",
    ],
    ids=["online", "visible"],
)
def test_a_pause_ends_as_soon_as_there_is_hope(
    page: Page, live_server: RunningServer, tmp_path: Path, event: str
) -> None:
    open_gallery(page, live_server)
    answer_posts(page, live_server, 503, {"Retry-After": "25"})
    choose(page, tmp_path / "phone", photo(1))
    expect(summary(page)).to_contain_text("Next try in 2")
    page.unroute(f"{live_server.url}/")
    page.evaluate(f"() => {event}")
    expect(summary(page)).to_contain_text("1 of 1 photo is safe", timeout=15_000)


def test_pauses_grow_and_are_never_the_same_and_never_endless(
    page: Page, live_server: RunningServer
) -> None:
    page.goto(live_server.url)
    pauses, again, longest, is_on = page.evaluate(
        """async () => {
            const { RetryPause } = await import("/retry-pause.js");
            const pause = new RetryPause();
            const next = (...order) => {
                pause.begin("No connection.", ...order);
                const seconds = pause.secondsLeft;
                pause.end();
                return seconds;
            };
            const pauses = Array.from({ length: 9 }, () => next());
            pause.succeed();
            const again = next();
            const longest = next(3_000_000);
            pause.begin("Busy.", 3_000_000); // more than a timer can count
            await new Promise((resolve) => setTimeout(resolve, 50));
            return [pauses, again, longest, pause.isOn];
        }"""
    )
    for number, seconds in enumerate(pauses):
        growing = min(0.5 * 2**number, 30)
        assert growing * 0.49 < seconds <= growing
    assert len(set(pauses)) == len(pauses)
    assert again <= 0.5
    assert longest <= 3600
    assert is_on


def test_a_request_that_stands_still_is_given_up_and_sent_again(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    def less_patient(route: Route) -> None:
        script = route.fetch()
        body = script.text().replace("_MS = 30_000", "_MS = 1_500")
        route.fulfill(response=script, body=body.replace("_MS = 300_000", "_MS = 1_500"))

    page.route("**/upload-zone.js", less_patient)
    page.route("**/api.js", less_patient)
    open_gallery(page, live_server)
    large = photo(1, kilobytes=5_000)
    asked: list[Route] = []

    def never_answer(route: Route) -> None:
        is_about_it = route.request.method == "POST" or "/api/uploads/" in route.request.url
        asked.append(route) if is_about_it else route.fallback()

    page.route("**/*", never_answer)
    choose(page, tmp_path / "phone", large)
    expect(summary(page)).to_contain_text("No connection.")
    page.unroute("**/*")
    expect_all_safe(page, 1)
    assert_arrived_once(live_server, [large])


@pytest.mark.parametrize("status", [400, 403, 413, 415, 507])
def test_what_the_gallery_refuses_is_not_tried_again(
    page: Page, live_server: RunningServer, tmp_path: Path, status: int
) -> None:
    open_gallery(page, live_server)
    sent_chunks = count_sent_chunks(page)
    answer_posts(page, live_server, status, {"Dropwall-Refusal": "NotAPhoto"}, "Not this one.")
    choose(page, tmp_path / "phone", photo(1))
    expect(rows(page)).to_contain_text("Not this one.")
    retry = rows(page).get_by_role("button", name="Retry 1.jpg")
    expect(retry).to_be_visible(visible=status == 507)
    assert sent_chunks() == 1


@pytest.mark.parametrize("status", [401, 403, 404, 413])
def test_what_somebody_else_refuses_is_never_the_last_word(
    page: Page, live_server: RunningServer, tmp_path: Path, status: int
) -> None:
    open_gallery(page, live_server)
    answer_posts(page, live_server, status, {"Content-Type": "text/html"}, "<h1>No</h1>")
    choose(page, tmp_path / "phone", photo(1))
    expect(rows(page)).to_contain_text("Something in front of the gallery refuses this photo")
    until_nothing_would_be_lost(page)
    page.unroute(f"{live_server.url}/")
    page.get_by_role("button", name="Retry 1.jpg").click()
    expect_all_safe(page, 1)
    assert_arrived_once(live_server, [photo(1)])


def test_a_file_that_is_deleted_meanwhile_is_sent_from_the_browsers_copy(
    browser_type: BrowserType,
    browser_type_launch_args: dict,
    live_server: RunningServer,
    tmp_path: Path,
) -> None:
    """In a profile of its own: a private window refers to the file, and copies nothing."""
    batch = [photo(1, 200), photo(2, 5_000)]
    profile = browser_type.launch_persistent_context(
        tmp_path / "profile", **browser_type_launch_args
    )
    with profile as context:
        context.route(f"{CDN}**", play_cdn)
        page = context.new_page()
        open_gallery(page, live_server)
        network = choose_offline(page, tmp_path / "phone", *batch)
        until_nothing_would_be_lost(page)
        for name, _ in batch:
            (tmp_path / "phone" / name).unlink()
        network.set()
        expect_all_safe(page, 2)
    assert_arrived_once(live_server, batch)


def test_a_file_that_is_gone_everywhere_is_told(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    page.add_init_script(NO_ROOM)
    open_gallery(page, live_server)
    network = choose_offline(page, tmp_path / "phone", photo(1))
    expect(summary(page)).to_contain_text("No connection.")
    (tmp_path / "phone" / "1.jpg").unlink()
    network.set()
    expect(rows(page)).to_contain_text("This file was moved or changed on your device")
    expect(summary(page)).to_contain_text("1 photo could not be taken")


def test_a_folder_is_sent_without_what_lies_beside_its_photos(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    for name, content in (photo(1), photo(2), ("._1.jpg", b"litter"), ("notes.txt", b"notes")):
        (folder / name).write_bytes(content)
    open_gallery(page, live_server)
    page.locator("[data-folder]").set_input_files(folder)
    expect_all_safe(page, 2)
    left_out = page.get_by_text("1 file that is not a photo was left out.", exact=True)
    expect(left_out).to_be_visible()
    assert_arrived_once(live_server, [photo(1), photo(2)])


def test_a_browser_without_room_says_that_the_page_must_stay_open(
    page: Page, live_server: RunningServer, tmp_path: Path
) -> None:
    page.add_init_script(NO_ROOM)
    open_gallery(page, live_server)
    network = choose_offline(page, tmp_path / "phone", photo(1))
    expect(summary(page)).to_contain_text("Keep this page open")
    with page.expect_event("dialog") as warning:
        page.close(run_before_unload=True)
    assert warning.value.type == "beforeunload"
    warning.value.dismiss()
    network.set()
    expect_all_safe(page, 1)
    expect(page.get_by_text("Keep this page open")).to_be_hidden()


def test_hundreds_of_photos_have_their_rows_at_once_and_all_arrive(
    page: Page, live_server: RunningServer
) -> None:
    batch = [(f"{n}.png", photo_bytes("png", seed=n, size=(48, 32))) for n in range(200)]
    open_gallery(page, live_server)
    drop_photos(page, *batch)
    expect(rows(page).filter(has_text="199.png")).to_have_count(1)
    expect_all_safe(page, 200)
    assert_arrived_once(live_server, batch)
