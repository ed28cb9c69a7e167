"""Upload clients that people already have can send photos here, each as it comes."""

import itertools
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support import page as ui
from tests.support import widgets
from tests.support.gallery_server import Gallery
from tests.support.page import UPLOADED_MS, Photo
from tests.support.photos import photo_bytes
from tests.support.programs import skip
from tests.support.proxies import behind_newcomers
from tests.support.widgets import CHUNK_BYTES, dropzone_5, dropzone_6, open_client

NAMES = (
    *("IMG_0001.JPG", "写真 3.jpg", "Смотри.webp", "emoji 🎉.png", "image.jpg", "image.jpg"),
    *(unicodedata.normalize("NFD", "café.jpg"), 'a "quoted" name.jpg', "a; and, b=c.gif"),
)
NOT_A_PHOTO = "This file isn't a photo. You can add JPEG, PNG, GIF, WebP, AVIF or HEIC."
PIECE_OF_A_PHOTO = "This is only part of a photo. Send the whole photo."
REALLY_A_PNG = "This file's content is PNG. Give it the right extension and add it again."
ONE_OF_TWO = f"1 of 2 photos added. These couldn't be added:\n“notes.jpg”: {NOT_A_PHOTO}"
SIZE = (120, 80)
GOOD = ("good.jpg", photo_bytes("jpg", 101, SIZE))
BETTER = ("better.jpg", photo_bytes("jpg", 102, SIZE))
MISNAMED = ("b.jpg", photo_bytes("png", 103, SIZE))
NOTES = ("notes.jpg", b"notes")
FILEPOND_IN_CHUNKS = widgets.filepond(widgets.FILEPOND_IN_CHUNKS)
JQUERY_IN_CHUNKS = widgets.jquery_file_upload(f"maxChunkSize: {CHUNK_BYTES}")
UPPYS_OWN_WORDS = (
    "This looks like a network error,"
    " the endpoint might be blocked by an internet provider or a firewall."
)

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


def expect_kept(gallery: Gallery, *photos: Photo) -> None:
    """The gallery has the originals of these photos under their names, and no others."""
    kept = [
        (photo["name"], requests.get(gallery.url + photo["url"], timeout=60).content)
        for photo in gallery.photos()
    ]
    sent = [(unicodedata.normalize("NFC", name), content) for name, content in photos]
    assert sorted(kept) == sorted(sent)


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


# In the browser

ONE_BY_ONE = {
    "Dropzone 5": dropzone_5(),
    "Dropzone 6": dropzone_6(),
    "FilePond": widgets.filepond(widgets.FILEPOND_THAT_SHOWS_THE_ANSWER),
    "jQuery File Upload": widgets.jquery_file_upload(),
    "Uppy": widgets.uppy(widgets.UPPY_THAT_SHOWS_THE_ANSWER),
    "jQuery for JSON": widgets.jquery_file_upload('dataType: "json"'),
}
ALL_AT_ONCE = {
    "Dropzone 5": dropzone_5("uploadMultiple: true"),
    "Dropzone 6": dropzone_6("uploadMultiple: true"),
    "jQuery File Upload": widgets.jquery_file_upload("singleFileUploads: false"),
    "Uppy": widgets.uppy(f"bundle: true, {widgets.UPPY_THAT_SHOWS_THE_ANSWER}"),
}


@pytest.mark.parametrize(
    "client",
    [pytest.param(name, marks=slow if "JSON" in name else ()) for name in ONE_BY_ONE],
)
def test_an_upload_client_sends_any_name_and_shows_a_refusal(
    page: Page, gallery: Gallery, client: str
) -> None:
    photos = new_photos(*NAMES)
    send_first(page, gallery, ONE_BY_ONE[client], *photos)
    choose(page, GOOD, NOTES, MISNAMED)
    assert outcomes(page, 3) == [
        ["b.jpg", "error", REALLY_A_PNG],
        ["good.jpg", "success", ""],
        ["notes.jpg", "error", NOT_A_PHOTO],
    ]
    expect_kept(gallery, *photos, GOOD)
    if client.startswith(("Dropzone", "FilePond")):  # the others have no rows of their own
        expect(page.locator("body")).to_contain_text(REALLY_A_PNG)


@pytest.mark.parametrize("client", ALL_AT_ONCE)
def test_an_upload_client_that_sends_all_at_once_shows_which_one_is_refused(
    page: Page, gallery: Gallery, client: str
) -> None:
    photos = new_photos(*NAMES)
    send_first(page, gallery, ALL_AT_ONCE[client], *photos)
    choose(page, GOOD, NOTES)
    assert outcomes(page, 2) == [[name, "error", ONE_OF_TWO] for name, _ in (GOOD, NOTES)]
    expect_kept(gallery, *photos, GOOD)


@pytest.mark.parametrize(
    ("html", "photo", "message"),
    [
        pytest.param(widgets.filepond(), NOTES, "BAD REQUEST", id="FilePond as it comes"),
        pytest.param(widgets.uppy(), NOTES, UPPYS_OWN_WORDS, id="Uppy as it comes"),
        pytest.param(FILEPOND_IN_CHUNKS, GOOD, "BAD REQUEST", id="FilePond in chunks"),
        pytest.param(JQUERY_IN_CHUNKS, GOOD, PIECE_OF_A_PHOTO, id="jQuery in chunks"),
    ],
)
def test_a_refusal_reaches_the_guest_whatever_an_upload_client_makes_of_it(
    page: Page, gallery: Gallery, html: str, photo: Photo, message: str
) -> None:
    """A piece that does not say what it is a piece of is refused, too."""
    open_client(page, gallery.url, html)
    choose(page, photo)
    assert outcomes(page, 1) == [[photo[0], "error", message]]
    expect_kept(gallery)


def test_a_raw_body_is_a_photo_named_by_its_type(page: Page, gallery: Gallery) -> None:
    photos = new_photos("写真.jpg", "b.png", "c.webp", "d.heic")
    open_client(page, gallery.url, dropzone_6("binaryBody: true"))
    choose(page, *photos, NOTES)
    expected = [["notes.jpg", "error", NOT_A_PHOTO], *success(*photos)]
    assert outcomes(page, len(expected)) == sorted(expected)
    names = ("photo.jpeg", "photo.png", "photo.webp", "photo.heic")
    expect_kept(gallery, *zip(names, [content for _, content in photos], strict=True))


# In chunks

IN_CHUNKS = f"chunking: true, chunkSize: {CHUNK_BYTES}"
TWO_AT_ONCE = f"{IN_CHUNKS}, parallelChunkUploads: true"
ALL_AT_THE_SAME_TIME = f"{IN_CHUNKS}, parallelChunkUploads: 100"
WITH_RETRIES = f"{IN_CHUNKS}, retryChunks: true"
IN_ONE_CHUNK = "chunking: true, forceChunking: true"


QUICK = [(dropzone_5, WITH_RETRIES), (dropzone_6, TWO_AT_ONCE)]
SLOW = [
    pytest.param(dropzone, options, marks=slow)
    for dropzone in (dropzone_5, dropzone_6)
    for options in (IN_CHUNKS, TWO_AT_ONCE, ALL_AT_THE_SAME_TIME, WITH_RETRIES, IN_ONE_CHUNK)
    if (dropzone, options) not in QUICK
]


@pytest.mark.parametrize(("dropzone", "options"), QUICK + SLOW)
def test_dropzone_sends_photos_in_chunks_and_shows_a_refusal(
    page: Page, gallery: Gallery, dropzone: Callable[[str], str], options: str
) -> None:
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status))
    photos = new_photos(*NAMES)
    send_first(page, gallery, dropzone(options), *photos)
    choose(page, ("notes.jpg", bytes(2 * CHUNK_BYTES + 1)))
    assert outcomes(page, 1) == [["notes.jpg", "error", NOT_A_PHOTO]]
    assert answers.count(400) == (4 if options == WITH_RETRIES else 1)
    expect_kept(gallery, *photos)


@pytest.mark.parametrize("dropzone", [dropzone_5, pytest.param(dropzone_6, marks=slow)])
def test_dropzone_sends_a_lost_chunk_again(
    page: Page, gallery: Gallery, expected_errors: list[str], dropzone: Callable[[str], str]
) -> None:
    expected_errors.append("net::ERR_CONNECTION_RESET")
    fates = itertools.cycle([lambda route: route.abort("connectionreset"), Route.continue_])
    page.route(f"{gallery.url}/", lambda route: next(fates)(route))
    send_first(page, gallery, dropzone(WITH_RETRIES), GOOD)


# A form, without script


def send_form(page: Page, gallery: Gallery, *photos: Photo) -> None:
    page.goto(gallery.url)
    choose(page, *photos)
    with page.expect_event("domcontentloaded"):
        page.get_by_role("button", name="Add photos").click()


def test_a_plain_form_shows_what_is_sent_and_why_a_file_is_refused(
    new_context: Callable[..., BrowserContext], gallery: Gallery
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    status = page.frame_locator("iframe").get_by_role("status")
    images = page.frame_locator("iframe").get_by_role("img")
    page.goto(gallery.url)
    page.get_by_role("button", name="Add photos").click()
    expect(page.locator("input:invalid")).to_be_focused()  # nothing is chosen, and nothing sent
    send_form(page, gallery, GOOD)
    expect(page).to_have_url(f"{gallery.url}/")
    expect(status).to_have_text("Photo added ✓")
    page.reload()
    expect(images).to_have_count(1)
    expect(status).to_have_count(0)
    photos = new_photos(*NAMES)
    send_form(page, gallery, *photos)
    expect(page).to_have_url(f"{gallery.url}/")
    expect(status).to_have_text(f"{len(photos)} photos added ✓")
    for position, (name, _) in enumerate(reversed([GOOD, *photos])):
        address = images.nth(position).get_attribute("src") or ""
        assert ui.file_name(page, address) == unicodedata.normalize("NFC", name)
        expect(images.nth(position)).not_to_have_js_property("naturalWidth", 0)
    send_form(page, gallery, BETTER, NOTES)
    expect(page.get_by_text(ONE_OF_TWO)).to_be_visible()
    expect_kept(gallery, GOOD, *photos, BETTER)
    page.go_back()
    expect(page.get_by_role("button", name="Add photos")).to_be_visible()


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


# Behind a proxy, over plain http, where browsers tell nothing but the page's origin

PROXIES = {
    "nginx": ("proxy_set_header Host $host;", 0),
    "caddy": ("", 0),
    "apache2": ("", 1),
}
"""A newcomer's lines for each, and DROPWALL_PROXIES."""
EVERY_CLIENT = {
    **{f"{name}, one by one": html for name, html in ONE_BY_ONE.items()},
    **{f"{name}, all at once": html for name, html in ALL_AT_ONCE.items()},
    "Dropzone 5, in chunks": dropzone_5(WITH_RETRIES),
    "Dropzone 6, in chunks": dropzone_6(TWO_AT_ONCE),
    "Dropzone 6, raw": dropzone_6("binaryBody: true"),
}


SOME = ("Uppy, all at once", "Dropzone 6, in chunks", "Dropzone 6, raw")
"""A form, a chunk and a raw body are all that a proxy can tell apart."""


@pytest.mark.parametrize(
    ("program", "lines", "gallery_settings", "clients"),
    [
        pytest.param(program, lines, {"proxies": hops}, clients, marks=marks, id=f"{program}-{how}")
        for program, (lines, hops) in PROXIES.items()
        for how, clients, marks in (("some", SOME, ()), ("every", EVERY_CLIENT, slow))
    ],
)
def test_every_upload_client_gets_its_photos_through_a_proxy(
    new_context: Callable[..., BrowserContext],
    gallery: Gallery,
    tmp_path: Path,
    program: str,
    lines: str,
    clients: Iterable[str],
) -> None:
    page = new_context(bypass_csp=True).new_page()
    seeds = itertools.count()

    def two_photos() -> list[Photo]:
        return [(f"{n}.jpg", photo_bytes("jpg", n, SIZE)) for n in (next(seeds), next(seeds))]

    with behind_newcomers(program, gallery.url, tmp_path, lines) as [port]:
        site = f"http://gallery.test:{port}"
        sent: list[bytes] = []
        for client in clients:
            photos = two_photos()
            open_client(page, site, EVERY_CLIENT[client], replaces_page=True)
            choose(page, *photos)
            assert outcomes(page, 2) == success(*photos), client
            sent += [content for _, content in photos]
        photos = two_photos()
        open_client(page, site, widgets.plain_form(), replaces_page=True)
        choose(page, *photos)
        page.get_by_role("button", name="Send").click()
        page.wait_for_url(f"{site}/")
        sent += [content for _, content in photos]
        page.close()

        nearby = Gallery()
        nearby.url = f"http://127.0.0.1:{port}"
        photos = [("large.jpg", GOOD[1] + bytes(900_000)), *two_photos()]  # nginx takes 1 MB
        assert curl(nearby, tmp_path / "curl", *photos)[:2] == (204, "")
        assert nearby.send(BETTER).status_code == 204
        raw = requests.post(nearby.url, MISNAMED[1], headers={"Content-Type": "image/png"})
        assert raw.status_code == 204
        sent += [content for _, content in (*photos, BETTER, MISNAMED)]
        kept = [requests.get(nearby.url + photo["url"]).content for photo in nearby.photos()]
    assert sorted(kept) == sorted(sent)
