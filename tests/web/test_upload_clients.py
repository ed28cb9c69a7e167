"""Upload clients that people already have can send photos here, each as it comes."""

import hashlib
import itertools
import math
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support import widgets
from tests.support.gallery_server import Gallery
from tests.support.page import UPLOADED_MS, Photo
from tests.support.photos import photo_bytes
from tests.support.programs import skip
from tests.support.widgets import CHUNK_BYTES, dropzone_5, dropzone_6, open_client

NAMES = (
    "IMG_0001.JPG",
    "写真 3.jpg",
    "Смотри.webp",
    "emoji 🎉.png",
    unicodedata.normalize("NFD", "café.jpg"),
    "image.jpg",
    "image.jpg",
    'a "quoted" name.jpg',
    "a; and, b=c.gif",
)
NOT_A_PHOTO = "This is not a photo; please send JPEG, PNG, GIF, WebP, AVIF or HEIC."
NO_PHOTO = "No photo came with this request; please choose one first."
PIECE_OF_A_PHOTO = "This is only a piece of a photo; please send the photo whole."
REALLY_A_PNG = (
    "The name of this file is wrong: its content is PNG;"
    " please give it its true extension and send it again."
)
ONE_OF_TWO = f"1 of 2 photos are safe; these were refused:\n“notes.jpg”: {NOT_A_PHOTO}"
SIZE = (120, 80)
GOOD = ("good.jpg", photo_bytes("jpg", 101, SIZE))
BETTER = ("better.jpg", photo_bytes("jpg", 102, SIZE))
MISNAMED = ("b.jpg", photo_bytes("png", 103, SIZE))
NOTES = ("notes.jpg", b"notes")

pytestmark = pytest.mark.embedded
slow = pytest.mark.slow


@pytest.fixture
def expected_errors() -> list[str]:
    """The browser reports a refusal by itself."""
    return [r"the server responded with a status of 40[05] \("]


def extension(name: str) -> str:
    return name.rpartition(".")[2].lower()


def new_photos(*names: str) -> list[Photo]:
    """Each is another one, and longer than a chunk."""
    photos = [(name, photo_bytes(extension(name), n, SIZE)) for n, name in enumerate(names)]
    assert all(len(content) > CHUNK_BYTES for _, content in photos)
    return photos


def fingerprints(photos: Iterable[Photo]) -> list[tuple[str, str]]:
    return sorted(
        (unicodedata.normalize("NFC", name), hashlib.sha256(content).hexdigest())
        for name, content in photos
    )


def expect_kept(gallery: Gallery, *photos: Photo) -> None:
    """The gallery has the originals of these photos under their names, and no others."""
    listed = gallery.photos()
    originals = [requests.get(gallery.url + photo["url"], timeout=60).content for photo in listed]
    kept = zip((photo["name"] for photo in listed), originals, strict=True)
    assert fingerprints(kept) == fingerprints(photos)


def choose(page: Page, *photos: Photo) -> None:
    files = []
    for name, content in photos:
        kind = extension(name).replace("jpg", "jpeg")
        files.append({"name": name, "mimeType": f"image/{kind}", "buffer": content})
    page.locator("input[type=file]").first.set_input_files(files)


def outcomes(page: Page, count: int) -> list[list[str]]:
    """What the client says of each file, once it has said so `count` times."""
    page.wait_for_function("count => outcomes.length >= count", arg=count, timeout=UPLOADED_MS)
    return sorted(page.evaluate("outcomes.splice(0)"))


def success(*photos: Photo) -> list[list[str]]:
    return sorted([name, "success", ""] for name, _ in photos)


def send_first(page: Page, gallery: Gallery, html: str, *photos: Photo) -> None:
    """Opens this client and sends the gallery's first photos with it."""
    open_client(page, gallery.url, html)
    choose(page, *photos)
    assert outcomes(page, len(photos)) == success(*photos)
    expect_kept(gallery, *photos)


def by_name(clients: dict[str, str]) -> list:
    return [pytest.param(html, id=name) for name, html in clients.items()]


# In the browser

ONE_BY_ONE = {
    "Dropzone 5": dropzone_5(),
    "Dropzone 6": dropzone_6(),
    "FilePond": widgets.filepond(widgets.FILEPOND_THAT_SHOWS_THE_ANSWER),
    "jQuery File Upload": widgets.jquery_file_upload(),
    "Uppy": widgets.uppy(widgets.UPPY_THAT_SHOWS_THE_ANSWER),
}
ALL_AT_ONCE = {
    "Dropzone 5": dropzone_5("uploadMultiple: true"),
    "Dropzone 6": dropzone_6("uploadMultiple: true"),
    "jQuery File Upload": widgets.jquery_file_upload("singleFileUploads: false"),
    "Uppy": widgets.uppy(f"bundle: true, {widgets.UPPY_THAT_SHOWS_THE_ANSWER}"),
}
JSON = pytest.param(widgets.jquery_file_upload('dataType: "json"'), id="JSON", marks=slow)


@pytest.mark.parametrize("html", [*by_name(ONE_BY_ONE), JSON])
def test_an_upload_client_sends_any_name_and_shows_a_refusal(
    page: Page, gallery: Gallery, html: str
) -> None:
    photos = new_photos(*NAMES)
    send_first(page, gallery, html, *photos)
    choose(page, GOOD, NOTES, MISNAMED)
    assert outcomes(page, 3) == [
        ["b.jpg", "error", REALLY_A_PNG],
        *success(GOOD),
        ["notes.jpg", "error", NOT_A_PHOTO],
    ]
    expect_kept(gallery, *photos, GOOD)
    if "new Dropzone" in html or "FilePond" in html:  # the others have no rows of their own
        expect(page.locator("body")).to_contain_text(REALLY_A_PNG)


@pytest.mark.parametrize("html", by_name(ALL_AT_ONCE))
def test_an_upload_client_that_sends_all_at_once_shows_which_one_is_refused(
    page: Page, gallery: Gallery, html: str
) -> None:
    photos = new_photos(*NAMES)
    send_first(page, gallery, html, *photos)
    choose(page, GOOD, NOTES)
    assert outcomes(page, 2) == [[name, "error", ONE_OF_TWO] for name, _ in (GOOD, NOTES)]
    expect_kept(gallery, *photos, GOOD)


def test_filepond_says_in_its_own_words_what_is_refused_and_cannot_undo(
    page: Page, gallery: Gallery
) -> None:
    send_first(page, gallery, widgets.filepond(), GOOD)
    with page.expect_response(lambda response: response.status == 405) as answer:
        page.get_by_role("button", name="Remove").click()
    assert answer.value.request.method == "DELETE"
    assert answer.value.headers["content-type"] == "text/plain; charset=utf-8"
    expect(page.get_by_text("good.jpg")).to_have_count(0)
    choose(page, NOTES)
    assert outcomes(page, 1) == [["notes.jpg", "error", "BAD REQUEST"]]
    expect(page.get_by_text("Error during upload").first).to_be_visible()
    expect_kept(gallery, GOOD)


def test_uppy_tries_four_times_and_reports_the_refused_file(page: Page, gallery: Gallery) -> None:
    sent: list[str] = []
    open_client(page, gallery.url, widgets.uppy())
    page.on("request", lambda request: sent.append(request.method))
    choose(page, NOTES)
    assert [outcome[:2] for outcome in outcomes(page, 1)] == [["notes.jpg", "error"]]
    assert sent == ["POST"] * 4
    expect_kept(gallery)


def test_a_raw_body_is_a_photo_named_by_its_type(page: Page, gallery: Gallery) -> None:
    photos = new_photos("写真.jpg", "b.png", "c.webp", "d.heic")
    open_client(page, gallery.url, dropzone_6("binaryBody: true"))
    choose(page, *photos, NOTES)
    told = [["notes.jpg", "error", NOT_A_PHOTO], *success(*photos)]
    assert outcomes(page, len(told)) == sorted(told)
    with page.expect_request(f"{gallery.url}/") as sent:
        page.evaluate(
            "bytes => dropzone.addFile(new File([Uint8Array.from(bytes)], 'IMG_0001.HEIC'))",
            list(GOOD[1]),
        )
    assert "content-type" not in sent.value.headers
    assert outcomes(page, 1) == [["IMG_0001.HEIC", "success", ""]]
    names = ["photo.jpeg", "photo.png", "photo.webp", "photo.heic", "photo"]
    contents = [content for _, content in (*photos, GOOD)]
    expect_kept(gallery, *zip(names, contents, strict=True))


# In chunks

IN_CHUNKS = f"chunking: true, chunkSize: {CHUNK_BYTES}"
TWO_AT_ONCE = f"{IN_CHUNKS}, parallelChunkUploads: true"
ALL_AT_THE_SAME_TIME = f"{IN_CHUNKS}, parallelChunkUploads: 100"
WITH_RETRIES = f"{IN_CHUNKS}, retryChunks: true"
IN_ONE_CHUNK = "chunking: true, forceChunking: true"


@pytest.mark.parametrize(
    ("dropzone", "options", "tries"),
    [
        (dropzone_5, WITH_RETRIES, 4),
        (dropzone_6, TWO_AT_ONCE, 1),
        pytest.param(dropzone_5, IN_CHUNKS, 1, marks=slow),
        pytest.param(dropzone_5, TWO_AT_ONCE, 1, marks=slow),
        pytest.param(dropzone_5, ALL_AT_THE_SAME_TIME, 1, marks=slow),
        pytest.param(dropzone_6, IN_CHUNKS, 1, marks=slow),
        pytest.param(dropzone_6, ALL_AT_THE_SAME_TIME, 1, marks=slow),
        pytest.param(dropzone_6, WITH_RETRIES, 4, marks=slow),
        pytest.param(dropzone_5, IN_ONE_CHUNK, 1, marks=slow),
        pytest.param(dropzone_6, IN_ONE_CHUNK, 1, marks=slow),
    ],
)
def test_dropzone_sends_photos_in_chunks_and_shows_a_refusal(
    page: Page, gallery: Gallery, dropzone: Callable[[str], str], options: str, tries: int
) -> None:
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status))
    photos = new_photos(*NAMES)
    send_first(page, gallery, dropzone(options), *photos)
    choose(page, ("notes.jpg", bytes(2 * CHUNK_BYTES + 1)))
    assert outcomes(page, 1) == [["notes.jpg", "error", NOT_A_PHOTO]]
    assert answers.count(400) == tries
    expect_kept(gallery, *photos)


@pytest.mark.parametrize("dropzone", [pytest.param(dropzone_5, marks=slow), dropzone_6])
def test_dropzone_sends_a_large_photo_in_chunks_of_its_own_size(
    page: Page, gallery: Gallery, dropzone: Callable[[str], str]
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    large = ("large.jpg", GOOD[1] + bytes(3_000_000))  # Dropzone's chunks have 2 MB
    send_first(page, gallery, dropzone("chunking: true"), *new_photos("small.jpg"), large)
    assert sent.count("POST") == 3


@pytest.mark.parametrize("dropzone", [dropzone_5, pytest.param(dropzone_6, marks=slow)])
def test_dropzone_sends_a_lost_chunk_again(
    page: Page, gallery: Gallery, expected_errors: list[str], dropzone: Callable[[str], str]
) -> None:
    expected_errors.append("net::ERR_CONNECTION_RESET")
    fates = itertools.cycle([lambda route: route.abort("connectionreset"), Route.continue_])
    page.route(f"{gallery.url}/", lambda route: next(fates)(route))
    send_first(page, gallery, dropzone(WITH_RETRIES), GOOD)


# In pieces that do not say of what: refused, and never half a photo


@pytest.mark.parametrize(
    ("html", "message"),
    [
        (widgets.jquery_file_upload(f"maxChunkSize: {CHUNK_BYTES}"), PIECE_OF_A_PHOTO),
        (widgets.filepond(widgets.FILEPOND_IN_CHUNKS), "BAD REQUEST"),
    ],
    ids=["jQuery File Upload", "FilePond"],
)
def test_an_upload_client_stops_at_the_first_refused_piece(
    page: Page, gallery: Gallery, html: str, message: str
) -> None:
    open_client(page, gallery.url, html)
    choose(page, GOOD)
    assert outcomes(page, 1) == [["good.jpg", "error", message]]
    expect_kept(gallery)


def test_raw_slices_are_never_half_a_photo(page: Page, gallery: Gallery) -> None:
    photos = new_photos("a.jpg", "b.png", "c.gif", "d.webp", "e.heic")
    slices = sum(math.ceil(len(content) / CHUNK_BYTES) for _, content in photos)
    open_client(page, gallery.url, dropzone_6(f"binaryBody: true, {ALL_AT_THE_SAME_TIME}"))
    choose(page, *photos)
    refused = {(name, outcome) for name, outcome, _ in outcomes(page, slices)}
    assert refused == {(name, "error") for name, _ in photos}
    expect_kept(gallery)


# A form, without script


@pytest.fixture
def plain_page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context(java_script_enabled=False).new_page()


def send_form(page: Page, gallery: Gallery, *photos: Photo) -> None:
    page.goto(gallery.url)
    choose(page, *photos)
    with page.expect_event("domcontentloaded"):
        page.get_by_role("button", name="Send photos").click()


def test_a_plain_form_shows_what_is_sent_and_why_a_file_is_refused(
    plain_page: Page, gallery: Gallery
) -> None:
    status = plain_page.frame_locator("iframe").get_by_role("status")
    images = plain_page.frame_locator("iframe").get_by_role("img")
    send_form(plain_page, gallery, GOOD)
    expect(plain_page).to_have_url(f"{gallery.url}/")
    expect(status).to_have_text("Your photo is safe.")
    plain_page.reload()
    expect(images).to_have_count(1)
    expect(status).to_have_count(0)
    photos = new_photos(*NAMES)
    send_form(plain_page, gallery, *photos)
    expect(plain_page).to_have_url(f"{gallery.url}/")
    expect(status).to_have_text(f"Your {len(photos)} photos are safe.")
    for position, (name, _) in enumerate(reversed([GOOD, *photos])):
        expect(images.nth(position)).to_have_attribute("alt", unicodedata.normalize("NFC", name))
        expect(images.nth(position)).not_to_have_js_property("naturalWidth", 0)
    send_form(plain_page, gallery, BETTER, NOTES)
    expect(plain_page.get_by_text(ONE_OF_TWO)).to_be_visible()
    expect_kept(gallery, GOOD, *photos, BETTER)
    plain_page.go_back()
    expect(plain_page.get_by_role("button", name="Send photos")).to_be_visible()


def test_a_plain_form_with_nothing_chosen_is_not_sent_or_refused(
    plain_page: Page, gallery: Gallery
) -> None:
    sent: list[str] = []
    plain_page.on("request", lambda request: sent.append(request.method))
    plain_page.goto(gallery.url)
    button = plain_page.get_by_role("button", name="Send photos")
    button.click()
    expect(plain_page.locator("input:invalid")).to_be_focused()
    assert "POST" not in sent
    plain_page.locator("form[method=post]").evaluate("form => form.noValidate = true")
    with plain_page.expect_response(lambda response: response.request.method == "POST") as answer:
        button.click()
    assert answer.value.status == 400
    assert answer.value.headers["content-type"] == "text/plain; charset=utf-8"
    expect(plain_page.get_by_text(NO_PHOTO)).to_be_visible()


# From the command line


def curl(gallery: Gallery, folder: Path, *photos: Photo) -> tuple[int, str, str]:
    """Status, body and protocol. Each file has a folder of its own: two may have one name."""
    if not shutil.which("curl"):
        skip("curl is not installed: apt-get install curl")
    command = ["curl", "--silent", "--verbose", "--write-out", "%{http_code}", gallery.url]
    for number, (name, content) in enumerate(photos):
        file = folder / str(number) / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        # As curl's manual has it: in double quotes, those in the name and backslashes escaped.
        escaped = str(file).replace("\\", "\\\\").replace('"', '\\"')
        command += ["--form", f'file=@"{escaped}"']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout[-3:]), done.stdout[:-3], done.stderr


def test_curl_sends_photos_of_any_name_and_shows_a_refusal(
    gallery: Gallery, tmp_path: Path
) -> None:
    large = ("large.jpg", GOOD[1] + bytes(1_200_000))  # curl asks before it sends so much
    photos = [*new_photos(*NAMES), large]
    status, body, protocol = curl(gallery, tmp_path / "all", *photos)
    assert (status, body) == (204, "")
    assert "> Expect: 100-continue" in protocol
    assert "< HTTP/1.1 100 Continue" in protocol
    assert curl(gallery, tmp_path / "some", BETTER, NOTES)[:2] == (400, ONE_OF_TWO)
    expect_kept(gallery, *photos, BETTER)
