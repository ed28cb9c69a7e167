"""A page of another site, in the browser of somebody who also has the gallery open."""

import http.server
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes
from tests.support.serving import in_a_thread
from tests.web.test_security_headers import REFUSAL

# Where the gallery is, and where the other page. Chromium tells of `.test` only its origin, for it
# is neither encrypted nor on the same computer, as far as a browser can know.
PLACES = {
    "another site": ("127.0.0.1", "localhost"),
    "another port": ("127.0.0.1", "127.0.0.1"),
    "another site, over http": ("gallery.test", "evil.test"),
    "another port, over http": ("gallery.test", "gallery.test"),
}
IMAGE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


class BlankPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b'<!doctype html><link rel="icon" href="data:,"><title>Cats</title>')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), BlankPage)
    with server, in_a_thread(server):
        yield server.server_port


@pytest.fixture(scope="module")
def resolving_browser(
    browser_type: BrowserType, browser_type_launch_args: dict
) -> Iterator[Browser]:
    rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
    options = browser_type_launch_args | {"args": [*browser_type_launch_args["args"], rules]}
    browser = browser_type.launch(**options)
    yield browser
    browser.close()


@dataclass
class Attack:
    """`page` is the other site's, `photo` is the visitor's own, whose browser it is."""

    gallery: str
    photo: dict
    other_site: str
    page: Page
    server: RunningServer
    is_known: bool
    """Whether the browser tells the gallery who asks for what."""

    def run(self, script: str) -> object:
        """An async function of the gallery's URL and the photo, on the other site's page."""
        return self.page.evaluate(f"([gallery, photo]) => ({script})()", [self.gallery, self.photo])


@pytest.fixture(scope="module", params=PLACES)
def place(
    request: pytest.FixtureRequest,
    resolving_browser: Browser,
    other_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Attack]:
    host, other_host = PLACES[request.param]
    server = RunningServer(tmp_path_factory.mktemp("gallery") / "data")
    gallery = f"http://{host}:{server.port}"
    other_site = f"http://{other_host}:{other_port}/"
    is_known = "http" not in request.param
    with closing(resolving_browser.new_context()) as context:
        page = context.new_page()
        send_photo(page, gallery)
        [photo] = server.photos()
        yield Attack(gallery, photo, other_site, page, server, is_known)
    server.stop(signal.SIGINT)


@pytest.fixture
def attack(place: Attack) -> Iterator[Attack]:
    place.page.goto(place.other_site)
    yield place
    assert place.server.photos() == [place.photo], "something has changed"


def send_photo(page: Page, gallery: str) -> None:
    """As its visitor."""
    page.goto(gallery)
    sent = page.evaluate(
        """async (photo) => {
          const form = new FormData();
          form.append("file", new File([Uint8Array.from(photo)], "lake.jpg"));
          return (await fetch("/", { method: "POST", body: form })).status;
        }""",
        list(photo_bytes("jpg")),
    )
    assert sent == 204


FORMS = {
    "multipart": ("multipart/form-data", "/"),
    "text": ("text/plain", "/"),
    "undo": ("application/x-www-form-urlencoded", "/api/photos/PHOTO/restore"),
}


@pytest.mark.parametrize("form", FORMS)
def test_its_form_is_answered_with_a_refusal(attack: Attack, form: str) -> None:
    encoding, path = FORMS[form]
    path = path.replace("PHOTO", attack.photo["id"])
    attack.page.set_content(
        f'<form method="post" action="{attack.gallery}{path}" enctype="{encoding}">'
        '<input type="file" name="file"><input name="a" value="b"><button>Win a prize</button>'
    )
    file = {"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": photo_bytes("jpg", seed=2)}
    attack.page.locator("input[type=file]").set_input_files(file)
    attack.page.get_by_text("Win a prize").click()
    expect(attack.page.locator("body")).to_have_text(REFUSAL)


# Each fails by itself or, without CORS, says nothing: which is told from what is on the server.
FETCHES = {
    "a photo": "{method: 'POST', mode: 'no-cors', body: form()}",
    "a raw photo": "{method: 'POST', mode: 'no-cors', body: new Blob([bytes])}",
    "text": "{method: 'POST', mode: 'no-cors', body: 'text'}",
    "a readable answer": "{method: 'POST', body: form()}",
    "JSON": "{method: 'PUT', headers: {'Content-Type': 'application/json'}, body: '{}'}",
    "removal": "{method: 'DELETE'}",
    "looking": "{}",
    "looking without CORS": "{mode: 'no-cors'}",
}


@pytest.mark.parametrize("fetched", FETCHES)
def test_its_fetch_changes_and_reads_nothing(attack: Attack, fetched: str) -> None:
    outcomes = attack.run(f"""async () => {{
        const bytes = Uint8Array.from(atob("{IMAGE.partition(",")[2]}"), (c) => c.charCodeAt());
        const form = () => {{
          const data = new FormData();
          data.append("file", new File([bytes], "cat.gif"));
          return data;
        }};
        const own = `/api/photos/${{photo.id}}`;
        const paths = ["/", "/api/photos", own, "/api/settings", "/api/guest"];
        const options = {{credentials: "include", ...{FETCHES[fetched]}}};
        const outcomes = paths.map(async (path) => {{
          const answer = await fetch(gallery + path, options);
          return answer.type === "opaque" ? "opaque" : await answer.text();
        }});
        const settled = await Promise.allSettled(outcomes);
        return settled.map(({{value, reason}}) => value ?? reason.name);
    }}""")
    assert set(outcomes) <= {"TypeError", "opaque"}


SHOWN = {
    "image": "Object.assign(new Image(), {src: gallery + photo.url})",
    "thumbnail": "Object.assign(new Image(), {src: gallery + photo.thumbnails[320]})",
    "QR code": "Object.assign(new Image(), {src: gallery + '/qr.svg'})",
    "script": "Object.assign(document.createElement('script'), {src: gallery + '/api/photos'})",
    "module": "Object.assign(document.createElement('script'), "
    "{type: 'module', src: gallery + '/app.js'})",
    "style": "Object.assign(document.createElement('link'), "
    "{rel: 'stylesheet', href: gallery + '/styles/tokens.css'})",
    "video": "Object.assign(document.createElement('video'), {src: gallery + photo.url})",
}


@pytest.mark.parametrize("kind", SHOWN)
def test_it_shows_nothing_of_the_gallery(attack: Attack, kind: str) -> None:
    outcome = attack.run(f"""() => new Promise((resolve) => {{
        const element = {SHOWN[kind]};
        for (const event of ["load", "loadedmetadata", "error"])
          element.addEventListener(event, () => resolve(event));
        document.body.append(element);
    }})""")
    assert outcome == "error"


@pytest.mark.parametrize("element", ["iframe", "embed", "object"])
@pytest.mark.parametrize("path", ["/", "/plain", "photo", "/api/photos"])
def test_it_frames_nothing_of_the_gallery(attack: Attack, element: str, path: str) -> None:
    url = attack.gallery + (attack.photo["url"] if path == "photo" else path)
    address = "data" if element == "object" else "src"
    with attack.page.expect_request(url):
        attack.page.set_content(f'<{element} {address}="{url}"></{element}><p>Loaded')
    shown = [frame.url for frame in attack.page.frames[1:]]
    assert not any(url.startswith(attack.gallery) for url in shown), shown


def test_it_hears_of_nothing(attack: Attack) -> None:
    outcome = attack.run("""() => new Promise((resolve) => {
        const source = new EventSource(`${gallery}/api/live?since=0`, {withCredentials: true});
        source.onmessage = (event) => resolve(event.data);
        source.onerror = () => resolve(source.readyState === EventSource.CLOSED);
    })""")
    assert outcome is True


@pytest.mark.parametrize("place", ["another site", "another port"], indirect=True)
def test_it_has_no_hold_of_a_gallery_that_it_opens(attack: Attack) -> None:
    """Over http browsers do not keep those apart who open one another."""
    with attack.page.expect_popup() as opened:
        attack.page.evaluate("url => { window.opened = window.open(url) }", attack.gallery)
    expect(opened.value.get_by_role("heading", name="Dropwall")).to_be_attached()
    assert opened.value.evaluate("window.opener") is None
    attack.page.wait_for_function("window.opened.closed")


def test_its_link_leads_to_the_gallery_as_its_visitor_knows_it(attack: Attack) -> None:
    attack.page.set_content(f'<a href="{attack.gallery}/api/settings">Look</a>')
    with attack.page.expect_response(f"{attack.gallery}/api/settings") as answer:
        attack.page.get_by_role("link").click()
    assert answer.value.json()["guest"]["id"] == attack.photo["by"]["id"]


def test_what_a_browser_tells_of_is_refused_by_the_gallery_itself(attack: Attack) -> None:
    answers: list[int] = []
    attack.page.on("response", lambda answer: answers.append(answer.status))
    attack.run("""async () => {
        const modes = ["cors", "no-cors"];
        await Promise.allSettled(modes.map((mode) => fetch(gallery + photo.url, {mode})));
    }""")
    assert set(answers) <= ({403} if attack.is_known else {200, 403})
