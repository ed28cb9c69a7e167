"""Photos that are also pages or scripts are photos here, however they are opened."""

import signal
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.support.gallery_server import RunningServer
from tests.support.photos import encode, photo_bytes

RAN = "it ran"
SCRIPT = f"console.log('{RAN}')".encode()
HTML = (
    b"<!doctype html><html><h1>Sign in</h1><script>%s</script><img src=x onerror=%s>"
    b'<svg xmlns="http://www.w3.org/2000/svg" onload=%s></svg>' % (SCRIPT, SCRIPT, SCRIPT)
)
PDF = b"%%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(%s)>>>>endobj\n" % SCRIPT
SMALL = (48, 32)


def segment(marker: bytes, content: bytes) -> bytes:
    return b"\xff" + marker + (len(content) + 2).to_bytes(2) + content


def jpeg(comment: bytes, end: bytes = b"") -> bytes:
    return photo_bytes("jpg", size=SMALL, metadata=False, comment=comment) + end


def jpeg_script() -> bytes:
    """Read as Latin-1: `ÿØÿà/* … */=console.log('it ran')/* … */`. The first segment is as long as
    `/*` is as a number."""
    photo = photo_bytes("jpg", size=SMALL, metadata=False)
    head = photo[4:20]  # JFIF's, with its length
    length = int.from_bytes(b"/*")
    padded = photo[:4] + b"/*" + head[2:] + bytes(length - len(head))
    content = padded + segment(b"\xfe", b"*/=" + SCRIPT + b"/*") + photo[20:]
    assert content.count(b"*/") == 1
    return content + b"*/"


def png(text: bytes, end: bytes = b"") -> bytes:
    chunk = PngInfo()
    chunk.add_text("Comment", text.decode())
    return photo_bytes("png", size=SMALL, metadata=False, pnginfo=chunk) + end


def gif_script() -> bytes:
    """`GIF89a/* … */=console.log('it ran')`: as wide as `/*` is as a number."""
    image = Image.new("P", (int.from_bytes(b"/*", "little"), 1))
    content = encode(image, "gif", comment=b"-")
    assert content.startswith(b"GIF89a/*")
    return content + b"*/=" + SCRIPT


SCRIPTS: dict[str, Callable[[], bytes]] = {
    "script.jpg": jpeg_script,
    "script.gif": gif_script,
}
PAGES: dict[str, Callable[[], bytes]] = {
    "comment.jpg": lambda: jpeg(HTML),
    "end.jpg": lambda: jpeg(b"", HTML),
    "pdf.jpg": lambda: jpeg(PDF, HTML),
    "chunk.png": lambda: png(HTML),
    "end.png": lambda: png(b"", HTML),
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

OPENED = {
    "as it is": "{}",
    "as if it were a page": "{}?page.html",
}
# How a page of ours would use it, if somebody could make it do so.
USED = {
    "script": '<script charset="ISO-8859-1" src="{}"></script>',
    "module": '<script type="module" src="{}"></script>',
    "iframe": '<iframe src="{}"></iframe>',
    "object": '<object data="{}"></object>',
    "object of another type": '<object data="{}" type="text/html"></object>',
    "embed": '<embed src="{}" type="application/pdf">',
    "image": '<img src="{}" alt="">',
    "worker": "<script>new Worker('{}')</script>",
    "service worker": "<script>navigator.serviceWorker.register('{}')</script>",
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("gallery") / "data")
    yield server
    server.stop(signal.SIGINT)


@pytest.fixture(scope="module")
def addresses(gallery: RunningServer) -> list[str]:
    """Of all polyglots and their thumbnails."""
    sent = gallery.send(*((name, make()) for name, make in POLYGLOTS.items()))
    assert sent.status_code == 204, sent.text
    paths = [(photo["url"], photo["thumbnails"]["320"]) for photo in gallery.photos()]
    assert len(paths) == len(POLYGLOTS)
    return [gallery.url + path for pair in paths for path in pair]


@pytest.fixture
def said(page: Page) -> list[str]:
    """What scripts say, in whatever frame or worker."""
    lines: list[str] = []
    page.context.on("console", lambda line: lines.append(line.text))
    return lines


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with closing(browser.new_context()) as context:
        yield context.new_page()


def use(page: Page, origin: str, body: str) -> None:
    """On a page of this origin that allows everything."""
    html = f'<!doctype html><link rel="icon" href="data:,">{body}<p>Shown</p>'
    address = f"{origin}/careless"
    page.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Shown")).to_be_visible()


@pytest.mark.parametrize("way", OPENED)
def test_opened_it_is_a_photo(page: Page, said: list[str], addresses: list[str], way: str) -> None:
    for address in addresses:
        answer = page.goto(OPENED[way].format(address))
        assert answer
        assert answer.headers["content-type"].startswith("image/")
        assert page.locator("h1, script, svg").count() == 0
        assert page.locator("img").count() == 1
    assert RAN not in said


def test_to_be_saved_it_is_not_opened(page: Page, addresses: list[str]) -> None:
    for address in addresses:
        if "/uploads/" in address:
            with pytest.raises(Error, match="Download is starting"):
                page.goto(f"{address}?download")


@pytest.mark.parametrize("way", USED)
def test_used_it_runs_nothing(
    page: Page, said: list[str], gallery: RunningServer, addresses: list[str], way: str
) -> None:
    use(page, gallery.url, "".join(USED[way].format(address) for address in addresses))
    assert all(frame.locator("h1, script, svg").count() == 0 for frame in page.frames[1:])
    assert RAN not in said


@pytest.mark.parametrize("name", POLYGLOTS)
def test_elsewhere_it_would_run(page: Page, said: list[str], name: str) -> None:
    """So that the other tests could fail."""
    way, kind = ("script", "text/javascript") if name in SCRIPTS else ("iframe", "text/html")

    def careless(route: Route) -> None:
        route.fulfill(body=POLYGLOTS[name](), content_type=kind)

    page.route("http://careless.test/photo", careless)
    use(page, "http://careless.test", USED[way].format("http://careless.test/photo"))
    assert RAN in said


def test_a_name_is_only_a_name(page: Page, said: list[str], live_server: RunningServer) -> None:
    photos = [(name, photo_bytes("jpg", seed, SMALL)) for seed, name in enumerate(HOSTILE_NAMES)]
    assert live_server.send(*photos).status_code == 204
    assert {photo["name"] for photo in live_server.photos()} == set(HOSTILE_NAMES)
    for path in ("/", "/plain"):
        page.goto(f"{live_server.url}{path}")
        expect(page.get_by_role("listitem").get_by_role("img")).to_have_count(len(HOSTILE_NAMES))
        page.get_by_role("listitem").get_by_role("link").first.click()
    for photo in live_server.photos():
        answer = page.goto(live_server.url + photo["url"])
        assert answer
        assert answer.headers["content-type"] == "image/jpeg"
    assert RAN not in said
