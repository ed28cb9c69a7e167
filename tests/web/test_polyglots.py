"""Polyglots, photos that are also pages or scripts, are only photos here."""

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import ConsoleMessage, Error, Page, Route, expect

from tests.support.gallery_server import Gallery
from tests.support.page import UPLOADED_MS
from tests.support.photos import encode, photo_bytes
from tests.support.waiting import wait_until

RAN = "it ran"
SCRIPT = f"console.log('{RAN}')".encode()
HTML = (
    b"<!doctype html><html><h1>Sign in</h1><script>%s</script><img src=x onerror=%s>"
    b'<svg xmlns="http://www.w3.org/2000/svg" onload=%s></svg>' % (SCRIPT, SCRIPT, SCRIPT)
)
PDF = b"%%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(%s)>>>>endobj\n" % SCRIPT
SMALL = (48, 32)


def jpeg(comment: bytes) -> bytes:
    return photo_bytes("jpg", size=SMALL, metadata=False, comment=comment)


def png(text: bytes) -> bytes:
    chunk = PngInfo()
    chunk.add_text("Comment", text.decode())
    return photo_bytes("png", size=SMALL, metadata=False, pnginfo=chunk)


def jpeg_script() -> bytes:
    """Read as Latin-1: `ÿØÿà/* … */=console.log('it ran')/* … */`. The first segment is as long as
    `/*` is as a number."""
    photo = jpeg(b"*/=" + SCRIPT + b"/*")
    head = photo[4:20]  # JFIF's, with its length
    length = int.from_bytes(b"/*")
    content = photo[:4] + b"/*" + head[2:] + bytes(length - len(head)) + photo[20:]
    assert content.count(b"*/") == 1
    return content + b"*/"


def gif_script() -> bytes:
    """`GIF89a/* … */=console.log('it ran')`: as wide as `/*` is as a number."""
    image = Image.new("P", (int.from_bytes(b"/*", "little"), 1))
    content = encode(image, "gif", comment=b"-")
    assert content.startswith(b"GIF89a/*")
    return content + b"*/=" + SCRIPT


SCRIPTS = {"script.jpg": jpeg_script, "script.gif": gif_script}
PAGES = {
    "comment.jpg": lambda: jpeg(HTML),
    "end.jpg": lambda: jpeg(b"") + HTML,
    "pdf.jpg": lambda: jpeg(PDF) + HTML,
    "chunk.png": lambda: png(HTML),
    "end.png": lambda: png(b"") + HTML,
    "end.gif": lambda: photo_bytes("gif", size=SMALL) + HTML,
}
POLYGLOTS = SCRIPTS | PAGES
HOSTILE_NAMES = [
    f"<script>console.log('{RAN}')<script>.jpg",
    f"<img src=x onerror=console.log('{RAN}')>.jpg",
    f"\"' onload=console.log('{RAN}') alt='.jpg",
    f"javascript:console.log('{RAN}').jpg",
    "{{ 7 * 7 }}${7 * 7}.jpg",
    "page.html.jpg",
]

# How a page of ours would use them, if somebody could make it do so.
USES = (
    '<script charset="ISO-8859-1" src="{}"></script>',
    '<script type="module" src="{}"></script>',
    '<iframe src="{}"></iframe>',
    '<object data="{}"></object>',
    '<object data="{}" type="text/html"></object>',
    '<embed src="{}" type="application/pdf">',
    '<img src="{}" alt="">',
    "<script>ends((end) => { new Worker('{}').onerror = end })</script>",
    "<script>ends((end) => navigator.serviceWorker.register('{}').finally(end))</script>",
)


@pytest.fixture
def expected_errors() -> list[str]:
    """Whatever a browser says of a photo that is used as something else."""
    return ["."]


@pytest.fixture
def ran(page: Page) -> set[str]:
    """The files whose scripts have run, in whatever frame or worker."""
    files: set[str] = set()

    def note(line: ConsoleMessage) -> None:
        if line.text == RAN:
            files.add(line.location["url"].rpartition("/")[2])

    page.context.on("console", note)
    return files


@pytest.fixture
def addresses(gallery: Gallery) -> list[str]:
    """Addresses of all polyglots and their thumbnails."""
    sent = gallery.send(*((name, make()) for name, make in POLYGLOTS.items()))
    assert sent.status_code == 204, sent.text
    paths = [(photo["url"], photo["thumbnails"]["320"]) for photo in gallery.photos()]
    assert len(paths) == len(POLYGLOTS)
    return [gallery.url + path for pair in paths for path in pair]


def test_an_opened_polyglot_is_a_photo(page: Page, ran: set[str], addresses: list[str]) -> None:
    originals = [address for address in addresses if "/uploads/" in address]
    for address in (*addresses, *(f"{original}?page.html" for original in originals)):
        answer = page.goto(address)
        assert answer
        assert answer.headers["content-type"].startswith("image/")
        assert page.locator("h1, script, svg").count() == 0
        assert page.locator("img").count() == 1
    for original in originals:
        with pytest.raises(Error, match="Download is starting"):
            page.goto(f"{original}?download")
    assert ran == set()


def test_a_polyglot_runs_nothing_however_our_own_page_uses_it(
    page: Page, ran: set[str], gallery: Gallery, addresses: list[str]
) -> None:
    used = "".join(use.replace("{}", address) for use in USES for address in addresses)
    open_page_with(page, gallery.url, used)
    assert len(page.frames) > 1
    assert all(frame.locator("h1, script, svg").count() == 0 for frame in page.frames[1:])
    assert ran == set()


def test_a_polyglot_would_run_on_a_careless_site(page: Page, ran: set[str]) -> None:
    """So that the other tests could fail."""

    def careless(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        kind = "text/javascript" if name in SCRIPTS else "text/html"
        route.fulfill(body=POLYGLOTS[name](), content_type=kind)

    for name in POLYGLOTS:
        page.route(f"http://careless.test/{name}", careless)
    scripts = [f'<script charset="ISO-8859-1" src="/{name}"></script>' for name in SCRIPTS]
    frames = [f'<iframe src="/{name}"></iframe>' for name in PAGES]
    open_page_with(page, "http://careless.test", "".join(scripts + frames))
    wait_until(lambda: page.title() == "" and ran == set(POLYGLOTS))


def open_page_with(page: Page, origin: str, body: str) -> None:
    """Opens a page of this origin that allows everything, until all has loaded or failed."""
    script = "let pending = 0; const ends = (start) => { pending++; start(() => pending--) };"
    html = f'<link rel="icon" href="data:,"><script>{script}</script>{body}'
    address = f"{origin}/careless"
    page.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(address, timeout=UPLOADED_MS)
    page.wait_for_function("() => pending === 0", timeout=UPLOADED_MS)


def test_a_hostile_name_is_only_a_name(page: Page, ran: set[str], gallery: Gallery) -> None:
    photos = [(name, photo_bytes("jpg", seed, SMALL)) for seed, name in enumerate(HOSTILE_NAMES)]
    assert gallery.send(*photos).status_code == 204
    assert {photo["name"] for photo in gallery.photos()} == set(HOSTILE_NAMES)
    for path in ("/", "/plain"):
        page.goto(f"{gallery.url}{path}")
        expect(page.get_by_role("listitem").get_by_role("img")).to_have_count(len(HOSTILE_NAMES))
        page.get_by_role("listitem").get_by_role("link").first.click()
    for photo in gallery.photos():
        answer = page.goto(gallery.url + photo["url"])
        assert answer
        assert answer.headers["content-type"] == "image/jpeg"
    assert ran == set()
