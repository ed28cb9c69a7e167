"""Whatever sends photos can send them here: the real clients, each as it comes."""

import hashlib
import itertools
import math
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.conftest import CDN, play_cdn
from tests.support import widgets as clients
from tests.support.gallery_server import RunningServer
from tests.support.photos import encode, photo_bytes
from tests.support.skips import skip

Photo = tuple[str, bytes]
Added = Callable[[], list[tuple[str, str]]]

NAMES = (
    "IMG_0001.JPG",
    "写真 3.jpg",
    "Смотри.webp",
    "emoji 🎉.png",
    unicodedata.normalize("NFD", "café.jpg"),
    "image.jpg",
    "image.jpg",
)
FORMATS = "JPEG, PNG, GIF, WebP, AVIF or HEIC"
NOT_A_PHOTO = f"This is not a photo; please send {FORMATS}."
NO_PHOTO = "No photo came with this request; please choose one first."
PIECE_OF_A_PHOTO = "This is only a piece of a photo; please send the photo whole."
REALLY_A_PNG = (
    "The name of this file is wrong: its content is PNG;"
    " please give it its true extension and send it again."
)
ONE_OF_TWO = f"1 of 2 photos are safe; these were refused:\n“notes.jpg”: {NOT_A_PHOTO}"

REFUSED = r"Failed to load resource: the server responded with a status of 40[05] \(.+\)"

_seeds = itertools.count(1)


@pytest.fixture(scope="module")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One for all clients."""
    server = RunningServer(tmp_path_factory.mktemp("clients") / "data")
    yield server
    server.stop()


@pytest.fixture
def added(live_server: RunningServer) -> Added:
    """What this test has added to the gallery so far: names and SHA-256, sorted."""
    before = {photo["id"] for photo in live_server.photos()}

    def added() -> list[tuple[str, str]]:
        new = [photo for photo in live_server.photos() if photo["id"] not in before]
        return fingerprints([(photo["name"], original(photo)) for photo in new])

    def original(photo: dict) -> bytes:
        return requests.get(live_server.url + photo["url"], timeout=30).content

    return added


@pytest.fixture
def page_of_refusals(context: BrowserContext, live_server: RunningServer) -> Iterator[Page]:
    """A page that may report refused requests, and no other error."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page
    page.close()
    assert [error for error in errors if not re.fullmatch(REFUSED, error)] == []


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    context.route(f"{CDN}**", play_cdn)
    yield context.new_page()
    context.close()


def new_photos(*names: str) -> list[Photo]:
    """Never the same twice: clients without the page's cookie are one guest."""
    return [(name, photo_bytes(_format(name), next(_seeds), (120, 80))) for name in names]


def noise(seed: int) -> bytes:
    """More than 2 MiB, and less than twice that."""
    pixels = Random(seed).randbytes(1000 * 800 * 3)
    return encode(Image.frombytes("RGB", (1000, 800), pixels), "png")


def misnamed_photo() -> Photo:
    return "b.jpg", photo_bytes("png", next(_seeds), (120, 80))


def _format(name: str) -> str:
    return name.rpartition(".")[2].lower()


def fingerprints(photos: list[Photo]) -> list[tuple[str, str]]:
    """Names and SHA-256, sorted."""
    return sorted((name, hashlib.sha256(content).hexdigest()) for name, content in photos)


def as_listed(sent: list[Photo]) -> list[tuple[str, str]]:
    return fingerprints([(composed(name), content) for name, content in sent])


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def choose(page: Page, photos: list[Photo]) -> None:
    files = [
        {"name": name, "mimeType": f"image/{_mimetype(name)}", "buffer": content}
        for name, content in photos
    ]
    page.locator("input[type=file]").first.set_input_files(files)


def _mimetype(name: str) -> str:
    return {"jpg": "jpeg"}.get(_format(name), _format(name))


def outcomes(page: Page, count: int) -> list[list[str]]:
    """What the client says of each file, once it has said so `count` times."""
    page.wait_for_function("count => outcomes.length >= count", arg=count)
    return sorted(page.evaluate("outcomes"))


def success(photos: list[Photo]) -> list[list[str]]:
    return sorted([name, "success", ""] for name, _ in photos)


# In the browser


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(clients.dropzone_5(), id="Dropzone 5.9.3"),
        pytest.param(clients.dropzone_6(), id="Dropzone 6.3.5"),
        pytest.param(clients.dropzone_5(clients.SEVERAL_AT_ONCE), id="Dropzone 5.9.3 multiple"),
        pytest.param(clients.dropzone_6(clients.SEVERAL_AT_ONCE), id="Dropzone 6.3.5 multiple"),
        pytest.param(clients.dropzone_5(clients.SMALLER_THAN_A_CHUNK), id="Dropzone 5.9.3 chunk"),
        pytest.param(clients.dropzone_6(clients.SMALLER_THAN_A_CHUNK), id="Dropzone 6.3.5 chunk"),
        pytest.param(clients.filepond(), id="FilePond"),
        pytest.param(clients.jquery_file_upload(), id="jQuery File Upload"),
        pytest.param(clients.jquery_file_upload('dataType: "json"'), id="jQuery File Upload json"),
        pytest.param(
            clients.jquery_file_upload("singleFileUploads: false"), id="jQuery File Upload together"
        ),
        pytest.param(clients.uppy(), id="Uppy"),
        pytest.param(
            clients.uppy(f"bundle: true, {clients.UPPY_THAT_TAKES_AN_EMPTY_ANSWER}"),
            id="Uppy bundle",
        ),
    ],
)
def test_a_client_uploads_photos_of_any_name(
    page: Page, live_server: RunningServer, added: Added, html: str
) -> None:
    photos = new_photos(*NAMES)
    clients.open_client(page, live_server.url, html)
    choose(page, photos)
    assert outcomes(page, len(photos)) == success(photos)
    assert added() == as_listed(photos)


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(clients.dropzone_5(), id="Dropzone 5.9.3"),
        pytest.param(clients.dropzone_6(), id="Dropzone 6.3.5"),
        pytest.param(clients.filepond(clients.FILEPOND_THAT_SHOWS_THE_ANSWER), id="FilePond"),
        pytest.param(clients.jquery_file_upload(), id="jQuery File Upload"),
        pytest.param(clients.uppy(clients.UPPY_THAT_SHOWS_THE_ANSWER), id="Uppy"),
    ],
)
def test_a_client_says_why_a_file_was_refused(
    page_of_refusals: Page, live_server: RunningServer, added: Added, html: str
) -> None:
    good = new_photos("good.jpg")
    clients.open_client(page_of_refusals, live_server.url, html)
    choose(page_of_refusals, [*good, ("notes.jpg", b"notes"), misnamed_photo()])
    assert outcomes(page_of_refusals, 3) == [
        ["b.jpg", "error", REALLY_A_PNG],
        *success(good),
        ["notes.jpg", "error", NOT_A_PHOTO],
    ]
    assert added() == as_listed(good)


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(clients.dropzone_5(clients.SEVERAL_AT_ONCE), id="Dropzone 5.9.3"),
        pytest.param(clients.dropzone_6(clients.SEVERAL_AT_ONCE), id="Dropzone 6.3.5"),
        pytest.param(
            clients.jquery_file_upload("singleFileUploads: false"), id="jQuery File Upload"
        ),
        pytest.param(
            clients.uppy(f"bundle: true, {clients.UPPY_THAT_SHOWS_THE_ANSWER}"), id="Uppy"
        ),
    ],
)
def test_a_client_that_sends_all_at_once_says_which_one_was_refused(
    page_of_refusals: Page, live_server: RunningServer, added: Added, html: str
) -> None:
    good = new_photos("good.jpg")
    clients.open_client(page_of_refusals, live_server.url, html)
    choose(page_of_refusals, [*good, ("notes.jpg", b"notes")])
    assert outcomes(page_of_refusals, 2) == [
        ["good.jpg", "error", ONE_OF_TWO],
        ["notes.jpg", "error", ONE_OF_TWO],
    ]
    assert added() == as_listed(good)


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(clients.dropzone_5(), id="Dropzone 5.9.3"),
        pytest.param(clients.dropzone_6(), id="Dropzone 6.3.5"),
        pytest.param(clients.filepond(clients.FILEPOND_THAT_SHOWS_THE_ANSWER), id="FilePond"),
    ],
)
def test_a_refused_files_row_shows_the_reason(
    page_of_refusals: Page, live_server: RunningServer, html: str
) -> None:
    clients.open_client(page_of_refusals, live_server.url, html)
    choose(page_of_refusals, [misnamed_photo()])
    expect(page_of_refusals.locator("body")).to_contain_text(REALLY_A_PNG)


def test_filepond_reports_a_refused_file_in_its_own_words(
    page_of_refusals: Page, live_server: RunningServer, added: Added
) -> None:
    clients.open_client(page_of_refusals, live_server.url, clients.filepond())
    choose(page_of_refusals, [("notes.jpg", b"notes")])
    assert outcomes(page_of_refusals, 1) == [["notes.jpg", "error", "BAD REQUEST"]]
    expect(page_of_refusals.get_by_text("Error during upload").first).to_be_visible()
    assert added() == []


def test_uppy_tries_four_times_and_reports_the_refused_file(
    page_of_refusals: Page, live_server: RunningServer, added: Added
) -> None:
    sent: list[str] = []
    clients.open_client(page_of_refusals, live_server.url, clients.uppy())
    page_of_refusals.on("request", lambda request: sent.append(request.method))
    choose(page_of_refusals, [("notes.jpg", b"notes")])
    assert [outcome[:2] for outcome in outcomes(page_of_refusals, 1)] == [["notes.jpg", "error"]]
    assert sent == ["POST"] * 4
    assert added() == []


def test_fileponds_undo_is_refused_and_the_photo_stays(
    page_of_refusals: Page, live_server: RunningServer, added: Added
) -> None:
    photos = new_photos("a.jpg")
    clients.open_client(page_of_refusals, live_server.url, clients.filepond())
    choose(page_of_refusals, photos)
    assert outcomes(page_of_refusals, 1) == success(photos)
    with page_of_refusals.expect_response(lambda response: response.status == 405) as answer:
        page_of_refusals.get_by_role("button", name="Remove").click()
    assert answer.value.request.method == "DELETE"
    assert answer.value.headers["content-type"] == "text/plain; charset=utf-8"
    expect(page_of_refusals.get_by_text("a.jpg")).to_have_count(0)
    assert added() == as_listed(photos)


def test_the_files_of_a_raw_body_are_named_by_their_type(
    page: Page, live_server: RunningServer, added: Added
) -> None:
    photos = new_photos("写真.jpg", "b.png", "c.webp", "d.heic")
    clients.open_client(page, live_server.url, clients.dropzone_6(clients.BINARY_BODY))
    choose(page, photos)
    assert outcomes(page, len(photos)) == success(photos)
    names = ["photo.jpeg", "photo.png", "photo.webp", "photo.heic"]
    renamed = [(name, content) for name, (_, content) in zip(names, photos, strict=True)]
    assert added() == as_listed(renamed)


def test_a_raw_body_of_a_type_that_the_browser_does_not_know_is_a_photo(
    page: Page, live_server: RunningServer, added: Added
) -> None:
    content = photo_bytes("heic", next(_seeds), (120, 80))
    clients.open_client(page, live_server.url, clients.dropzone_6(clients.BINARY_BODY))
    with page.expect_request(f"{live_server.url}/") as sent:
        page.evaluate(
            "bytes => dropzone.addFile(new File([Uint8Array.from(bytes)], 'IMG_0001.HEIC'))",
            list(content),
        )
    assert "content-type" not in sent.value.headers
    assert outcomes(page, 1) == [["IMG_0001.HEIC", "success", ""]]
    assert added() == as_listed([("photo", content)])


def test_a_refused_raw_body_is_reported_in_our_words(
    page_of_refusals: Page, live_server: RunningServer, added: Added
) -> None:
    clients.open_client(page_of_refusals, live_server.url, clients.dropzone_6(clients.BINARY_BODY))
    choose(page_of_refusals, [("notes.jpg", b"notes")])
    assert outcomes(page_of_refusals, 1) == [["notes.jpg", "error", NOT_A_PHOTO]]
    assert added() == []


# In chunks

DROPZONES = pytest.mark.parametrize(
    "dropzone",
    [
        pytest.param(clients.dropzone_5, id="Dropzone 5.9.3"),
        pytest.param(clients.dropzone_6, id="Dropzone 6.3.5"),
    ],
)


@DROPZONES
@pytest.mark.parametrize(
    "options",
    [
        clients.IN_SMALL_CHUNKS,
        clients.IN_PARALLEL_CHUNKS,
        clients.IN_CHUNKS_ALL_AT_ONCE,
        clients.IN_STUBBORN_CHUNKS,
    ],
)
def test_dropzone_uploads_photos_in_chunks(
    page: Page,
    live_server: RunningServer,
    added: Added,
    dropzone: Callable[[str], str],
    options: str,
) -> None:
    photos = new_photos("写真.jpg", "b.png", "c.gif", "d.webp")
    assert all(count_chunks(photo) > 1 for photo in photos)
    clients.open_client(page, live_server.url, dropzone(options))
    choose(page, photos)
    assert outcomes(page, len(photos)) == success(photos)
    assert added() == as_listed(photos)


@DROPZONES
def test_dropzone_uploads_a_large_photo_in_chunks_of_its_own_size(
    page: Page, live_server: RunningServer, added: Added, dropzone: Callable[[str], str]
) -> None:
    photos = [*new_photos("small.jpg"), ("large.png", noise(next(_seeds)))]
    sent: list[str] = []
    clients.open_client(page, live_server.url, dropzone(clients.IN_LARGE_CHUNKS))
    page.on("request", lambda request: sent.append(request.method))
    choose(page, photos)
    assert outcomes(page, len(photos)) == success(photos)
    assert sent.count("POST") == 3
    assert added() == as_listed(photos)


@DROPZONES
def test_dropzone_sends_a_chunk_again_that_was_lost_on_the_way(
    page: Page,
    live_server: RunningServer,
    added: Added,
    expected_errors: list[str],
    dropzone: Callable[[str], str],
) -> None:
    photos = new_photos("a.jpg")
    expected_errors.append("net::ERR_CONNECTION_RESET")
    clients.open_client(page, live_server.url, dropzone(clients.IN_STUBBORN_CHUNKS))
    fates = itertools.cycle([lambda route: route.abort("connectionreset"), Route.continue_])
    page.route(f"{live_server.url}/", lambda route: next(fates)(route))
    choose(page, photos)
    assert outcomes(page, 1) == success(photos)
    assert added() == as_listed(photos)


@DROPZONES
@pytest.mark.parametrize(
    ("options", "tries"),
    [
        (clients.IN_SMALL_CHUNKS, 1),
        (clients.IN_PARALLEL_CHUNKS, 1),
        (clients.IN_STUBBORN_CHUNKS, 4),
    ],
)
def test_dropzone_says_why_a_photo_in_chunks_was_refused(
    page_of_refusals: Page,
    live_server: RunningServer,
    added: Added,
    dropzone: Callable[[str], str],
    options: str,
    tries: int,
) -> None:
    answers: list[int] = []
    clients.open_client(page_of_refusals, live_server.url, dropzone(options))
    page_of_refusals.on("response", lambda response: answers.append(response.status))
    choose(page_of_refusals, [("notes.jpg", bytes(2 * clients.CHUNK_BYTES + 1))])
    assert outcomes(page_of_refusals, 1) == [["notes.jpg", "error", NOT_A_PHOTO]]
    assert answers.count(400) == tries
    assert added() == []


# In pieces that do not say of what: refused, and never half a photo


@pytest.mark.parametrize(
    ("html", "message"),
    [
        pytest.param(
            clients.jquery_file_upload(f"maxChunkSize: {clients.CHUNK_BYTES}"),
            PIECE_OF_A_PHOTO,
            id="jQuery File Upload",
        ),
        pytest.param(clients.filepond(clients.FILEPOND_IN_CHUNKS), "BAD REQUEST", id="FilePond"),
    ],
)
def test_a_client_that_sends_chunks_stops_at_the_first_refusal(
    page_of_refusals: Page, live_server: RunningServer, added: Added, html: str, message: str
) -> None:
    clients.open_client(page_of_refusals, live_server.url, html)
    choose(page_of_refusals, new_photos("a.jpg"))
    assert outcomes(page_of_refusals, 1) == [["a.jpg", "error", message]]
    assert added() == []


def test_raw_slices_are_never_half_a_photo(
    page_of_refusals: Page, live_server: RunningServer, added: Added
) -> None:
    photos = new_photos("a.jpg", "b.png", "c.gif", "d.webp", "e.heic")
    html = clients.dropzone_6(f"{clients.BINARY_BODY}, {clients.IN_CHUNKS_ALL_AT_ONCE}")
    clients.open_client(page_of_refusals, live_server.url, html)
    choose(page_of_refusals, photos)
    refusals = outcomes(page_of_refusals, sum(map(count_chunks, photos)))
    assert {(name, outcome) for name, outcome, _ in refusals} == {
        (name, "error") for name, _ in photos
    }
    assert added() == []


def count_chunks(photo: Photo) -> int:
    """At least two."""
    chunks = math.ceil(len(photo[1]) / clients.CHUNK_BYTES)
    assert chunks > 1
    return chunks


# A form, without script


def test_a_plain_form_sends_a_photo_and_shows_it(
    plain_page: Page, live_server: RunningServer
) -> None:
    send_form(plain_page, live_server, new_photos("IMG_0001.JPG"))
    expect(plain_page).to_have_url(f"{live_server.url}/")
    expect_newest(plain_page, ["IMG_0001.JPG"])
    told = plain_page.frame_locator("iframe").get_by_role("status")
    expect(told).to_have_text("Your photo is safe.")
    plain_page.reload()
    expect_newest(plain_page, ["IMG_0001.JPG"])
    expect(told).to_have_count(0)


def test_a_plain_form_sends_several_photos(
    plain_page: Page, live_server: RunningServer, added: Added
) -> None:
    photos = new_photos(*NAMES)
    send_form(plain_page, live_server, photos)
    expect(plain_page).to_have_url(f"{live_server.url}/")
    expect_newest(plain_page, [composed(name) for name, _ in reversed(photos)])
    told = plain_page.frame_locator("iframe").get_by_role("status")
    expect(told).to_have_text(f"Your {len(photos)} photos are safe.")
    assert added() == as_listed(photos)


def test_a_plain_form_with_nothing_chosen_is_not_sent(
    plain_page: Page, live_server: RunningServer
) -> None:
    sent: list[str] = []
    plain_page.on("request", lambda request: sent.append(request.method))
    plain_page.goto(live_server.url)
    plain_page.get_by_role("button", name="Send photos").click()
    expect(plain_page.locator("input:invalid")).to_be_focused()
    assert "POST" not in sent


def test_a_form_with_nothing_chosen_is_answered_in_plain_text(
    plain_page: Page, live_server: RunningServer
) -> None:
    plain_page.goto(live_server.url)
    plain_page.locator("form[method=post]").evaluate("form => form.noValidate = true")
    with plain_page.expect_response(lambda response: response.request.method == "POST") as answer:
        plain_page.get_by_role("button", name="Send photos").click()
    assert answer.value.status == 400
    assert answer.value.headers["content-type"] == "text/plain; charset=utf-8"
    expect(plain_page.get_by_text(NO_PHOTO)).to_be_visible()


def test_a_plain_form_shows_why_a_file_was_refused(
    plain_page: Page, live_server: RunningServer, added: Added
) -> None:
    good = new_photos("good.jpg")
    send_form(plain_page, live_server, [*good, ("notes.jpg", b"notes")])
    expect(plain_page.get_by_text(ONE_OF_TWO)).to_be_visible()
    assert added() == as_listed(good)
    plain_page.go_back()
    expect(plain_page.get_by_role("button", name="Send photos")).to_be_visible()


def send_form(page: Page, live_server: RunningServer, photos: list[Photo]) -> None:
    page.goto(live_server.url)
    choose(page, photos)
    with page.expect_event("domcontentloaded"):
        page.get_by_role("button", name="Send photos").click()


def expect_newest(page: Page, names: list[str]) -> None:
    """In the frame for browsers without script."""
    images = page.frame_locator("iframe").get_by_role("img")
    for position, name in enumerate(names):
        expect(images.nth(position)).to_have_attribute("alt", name)
        expect(images.nth(position)).not_to_have_js_property("naturalWidth", 0)


# From the command line


def send_with_curl(live_server: RunningServer, files: list[Path]) -> tuple[int, str]:
    parts = [("--form", f"file=@{quoted(file)}") for file in files]
    return curl(live_server, *itertools.chain(*parts))


def quoted(file: Path) -> str:
    """As curl's manual has it: in double quotes, those in the name and backslashes escaped."""
    escaped = str(file).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def curl(live_server: RunningServer, *arguments: str) -> tuple[int, str]:
    """Status and body, or the protocol too with --verbose."""
    command = shutil.which("curl")
    if command is None:
        skip("curl is not installed: apt-get install curl")
    done = subprocess.run(
        [command, "--silent", "--write-out", "%{http_code}", *arguments, live_server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return int(done.stdout[-3:]), done.stdout[:-3] + done.stderr


def send_with_requests(live_server: RunningServer, files: list[Path]) -> tuple[int, str]:
    answer = live_server.send(*((file.name, file.read_bytes()) for file in files))
    return answer.status_code, answer.text


Send = Callable[[RunningServer, list[Path]], tuple[int, str]]


@pytest.fixture(params=[send_with_curl, send_with_requests], ids=["curl", "requests"])
def send(request: pytest.FixtureRequest) -> Send:
    return request.param


@pytest.mark.parametrize(
    "names",
    [
        ("a.jpg",),
        ("a.jpg", "b.png", "c.webp"),
        ("IMG_0001.JPG",),
        ("写真.jpg",),
        ("emoji 🎉.png",),
        ('a "quoted" name.jpg',),
        ("a; and, b=c.jpg",),
        ("image.jpg", "image.jpg"),
    ],
    ids=" + ".join,
)
def test_a_command_line_client_uploads_photos_of_any_name(
    live_server: RunningServer, added: Added, send: Send, tmp_path: Path, names: tuple[str, ...]
) -> None:
    photos = new_photos(*names)
    assert send(live_server, written(tmp_path, photos)) == (204, "")
    assert added() == as_listed(photos)


def test_a_command_line_client_is_told_why_a_file_was_refused(
    live_server: RunningServer, added: Added, send: Send, tmp_path: Path
) -> None:
    good = new_photos("good.jpg")
    files = written(tmp_path, [*good, ("notes.jpg", b"notes")])
    assert send(live_server, files) == (400, ONE_OF_TWO)
    assert added() == as_listed(good)


def test_curl_waits_for_the_go_ahead_before_a_large_photo(
    live_server: RunningServer, added: Added, tmp_path: Path
) -> None:
    photo = photo_bytes("jpg", next(_seeds), (120, 80)) + bytes(1_200_000)
    (file,) = written(tmp_path, [("large.jpg", photo)])
    status, protocol = curl(live_server, "--verbose", "--form", f"file=@{file}")
    assert status == 204
    assert "> Expect: 100-continue" in protocol
    assert "< HTTP/1.1 100 Continue" in protocol
    assert added() == as_listed([("large.jpg", photo)])


def written(folder: Path, photos: list[Photo]) -> list[Path]:
    """Each in a folder of its own, so that two can have the same name."""
    files = [folder / str(number) / name for number, (name, _) in enumerate(photos)]
    for file, (_, content) in zip(files, photos, strict=True):
        file.parent.mkdir()
        file.write_bytes(content)
    return files
