"""The page of another site can neither read nor change the gallery that its visitor uses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page, expect

from dropwall import create_app
from dropwall.config import Config
from tests.support.gallery_server import Gallery
from tests.support.page import add_photos, expect_all_safe, small_photo, wait_in_page
from tests.support.visitors import outcome
from tests.support.waiting import in_a_thread

REFUSAL = "This request came from another site. Open the gallery itself."
IMAGE = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="

# Where the gallery is, and where the other page. Chromium tells `.test`, which is neither encrypted
# nor on this computer as far as a browser can know, the origin of a request only.
PLACES = {
    "another site": ("127.0.0.1", "localhost"),
    "another port": ("127.0.0.1", "127.0.0.1"),
    "another site, by http": ("gallery.test", "evil.test"),
    "another port, by http": ("gallery.test", "gallery.test"),
}


class BlankPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Cats</title>")


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BlankPage)
    with server, in_a_thread(server):
        yield server.server_port


@dataclass
class Attack:
    """`page` is the other site's, `photo` is the visitor's own, whose browser it is."""

    gallery: str
    photo: dict
    other_site: str
    page: Page
    tells_site: bool
    """Whether the browser sends Sec-Fetch-Site."""

    def run(self, script: str) -> object:
        """An async function of the gallery's URL and the photo, on the other site's page."""
        return self.page.evaluate(f"([gallery, photo]) => ({script})()", [self.gallery, self.photo])


@pytest.fixture(
    params=[
        pytest.param(place, marks=pytest.mark.slow if "port" in place else ()) for place in PLACES
    ]
)
def attack(
    request: pytest.FixtureRequest,
    gallery: Gallery,
    new_context: Callable[..., BrowserContext],
    other_port: int,
) -> Iterator[Attack]:
    host, other_host = PLACES[request.param]
    url = gallery.url.replace("127.0.0.1", host)
    other_site = f"http://{other_host}:{other_port}/"
    page = new_context().new_page()
    page.goto(url)
    expect(page.locator("[data-state=ready]")).to_be_visible()
    add_photos(page, ("lake.jpg", small_photo(1)))
    expect_all_safe(page, 1)
    [photo] = gallery.photos()
    page.goto(other_site)
    yield Attack(url, photo, other_site, page, tells_site=host == "127.0.0.1")
    assert gallery.photos() == [photo], "something has changed"


def test_another_sites_form_is_refused(attack: Attack) -> None:
    for encoding, path in (
        ("multipart/form-data", "/"),
        ("text/plain", "/"),
        ("application/x-www-form-urlencoded", f"/api/photos/{attack.photo['id']}/restore"),
    ):
        attack.page.goto(attack.other_site)
        attack.page.set_content(
            f'<form method="post" action="{attack.gallery}{path}" enctype="{encoding}">'
            '<input type="file" name="file"><input name="a" value="b"><button>Win a prize</button>'
        )
        file = {"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": small_photo(2)}
        attack.page.locator("input[type=file]").set_input_files(file)
        attack.page.get_by_text("Win a prize").click()
        expect(attack.page.locator("body")).to_have_text(REFUSAL)


def test_another_sites_fetch_changes_and_reads_nothing(attack: Attack) -> None:
    outcomes = attack.run(
        """async () => {
        const bytes = Uint8Array.from(atob(IMAGE), (c) => c.charCodeAt());
        const form = new FormData();
        form.append("file", new File([bytes], "cat.gif"));
        const json = {"Content-Type": "application/json"};
        const fetches = {
          "a photo": {method: "POST", mode: "no-cors", body: form},
          "a raw photo": {method: "POST", mode: "no-cors", body: new Blob([bytes])},
          text: {method: "POST", mode: "no-cors", body: "text"},
          "a readable answer": {method: "POST", body: form},
          JSON: {method: "PUT", headers: json, body: "{}"},
          removal: {method: "DELETE"},
          looking: {},
          "looking without CORS": {mode: "no-cors"},
        };
        const own = `/api/photos/${photo.id}`;
        const outcomes = {};
        for (const [name, options] of Object.entries(fetches))
          for (const path of ["/", "/api/photos", own, "/api/settings", "/api/guest"])
            outcomes[`${name}: ${path}`] =
              await fetch(gallery + path, {credentials: "include", ...options})
                .then((answer) => answer.type, (error) => error.name);
        return outcomes;
    }""".replace("IMAGE", repr(IMAGE))
    )
    assert isinstance(outcomes, dict)
    assert outcomes == dict.fromkeys(outcomes, "TypeError")
    assert len(outcomes) == 8 * 5


def test_another_site_shows_nothing_of_the_gallery(attack: Attack) -> None:
    outcomes = attack.run("""async () => {
        const shown = (tag, options) => new Promise((resolve) => {
          const element = Object.assign(document.createElement(tag), options);
          for (const event of ["load", "loadedmetadata", "error"])
            element.addEventListener(event, () => resolve(event));
          document.body.append(element);
        });
        const heard = new Promise((resolve) => {
          const source = new EventSource(`${gallery}/api/live?since=0`, {withCredentials: true});
          source.onmessage = () => resolve("message");
          source.onerror = () =>
            resolve(source.readyState === EventSource.CLOSED ? "error" : "trying again");
        });
        return {
          image: await shown("img", {src: gallery + photo.url}),
          thumbnail: await shown("img", {src: gallery + photo.thumbnails[320]}),
          code: await shown("img", {src: gallery + "/qr.svg"}),
          video: await shown("video", {src: gallery + photo.url}),
          script: await shown("script", {src: gallery + "/api/photos"}),
          module: await shown("script", {type: "module", src: gallery + "/app.js"}),
          style: await shown("link", {rel: "stylesheet", href: gallery + "/styles/tokens.css"}),
          stream: await heard,
        };
    }""")
    assert outcomes == dict.fromkeys(outcomes, "error")
    assert len(outcomes) == 8


def test_another_site_frames_nothing_of_the_gallery(attack: Attack) -> None:
    failed: list[str] = []
    attack.page.on("requestfailed", lambda request: failed.append(request.url))
    urls = [attack.gallery + path for path in ("/", "/plain", "/api/photos", attack.photo["url"])]
    for tag, attribute in (("iframe", "src"), ("embed", "src"), ("object", "data")):
        failed.clear()
        attack.page.set_content("".join(f'<{tag} {attribute}="{url}"></{tag}>' for url in urls))
        wait_in_page(attack.page, lambda: sorted(failed) == sorted(urls))
        assert [frame.url for frame in attack.page.frames if frame.url in urls] == [], tag


def test_another_site_links_to_the_gallery_and_gets_no_hold_of_it(attack: Attack) -> None:
    page = attack.page
    if attack.tells_site:  # by http browsers do not keep those apart who open one another
        with page.expect_popup() as opened:
            page.evaluate("url => { window.opened = window.open(url) }", attack.gallery)
        expect(opened.value.get_by_role("heading", name="Photos", exact=True)).to_be_attached()
        assert opened.value.evaluate("window.opener") is None
        page.wait_for_function("window.opened.closed")
    page.set_content(f'<a href="{attack.gallery}/api/settings">Look</a>')
    with page.expect_response(f"{attack.gallery}/api/settings") as answer:
        page.get_by_role("link").click()
    assert answer.value.json()["guest"]["id"] == attack.photo["by"]["id"]


# A site whose owner lets its name lead to the gallery (DNS rebinding): to a browser they are one

OWN_URL = "https://photos.example.com:8443"
OWN_HOSTS = ("photos.example.com:8443", "Photos.Example.com", "photos.example.com.")
NEARBY_HOSTS = ("127.0.0.1:8000", "[::1]:8000", "192.168.1.20", "localhost:8000", "notebook:8000")
NEARBY_HOSTS += ("notebook.local:8000", "app1.internal", "dropwall.default.svc.cluster.local")
OTHER_HOSTS = ("evil.test", "photos.example.com.evil.test", "example.com", "127.0.0.1.evil.test")
ANOTHER_HOST = (421, f"This gallery is at {OWN_URL}. Open it there.")


def open_at(config: Config, **settings: object) -> FlaskClient:
    """A gallery that has been told at which address it is shared."""
    return create_app(replace(config, public_url=OWN_URL, **settings)).test_client()


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_a_name_that_is_not_the_gallerys_leads_to_nothing_of_it(config: Config, host: str) -> None:
    client = open_at(config, metrics_token="x")
    for path in ("/", "/api/photos", "/api/settings", "/app.js", "/qr.svg", "/nothing"):
        answer = client.get(path, headers={"Host": host})
        assert outcome(answer) == ANOTHER_HOST, path
        assert answer.headers["Dropwall-Refusal"] == "another-host"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.open("/api/guest", method=method, json={}, headers={"Host": host})
        assert outcome(answer) == ANOTHER_HOST, method
    for path, status in (("/livez", 200), ("/healthz", 200), ("/metrics", 401)):
        assert client.get(path, headers={"Host": host}).status_code == status, path


def test_the_gallerys_own_name_addresses_and_nearby_names_lead_to_it(config: Config) -> None:
    client = open_at(config)
    for host in (*OWN_HOSTS, *NEARBY_HOSTS):
        assert client.get("/api/photos", headers={"Host": host}).status_code == 200, host
    anywhere = create_app(config).test_client()
    for host in OTHER_HOSTS:  # nobody has said where the gallery is
        assert anywhere.get("/api/photos", headers={"Host": host}).status_code == 200, host


def test_behind_a_proxy_the_name_is_what_the_proxy_was_asked_for(config: Config) -> None:
    client = open_at(config, proxies=1)
    for host, asked, status in (
        ("app1.internal", "photos.example.com", 200),
        ("photos.example.com", "evil.test", 421),
        ("photos.example.com", None, 200),
    ):
        headers = {"Host": host} | ({"X-Forwarded-Host": asked} if asked else {})
        assert client.get("/api/photos", headers=headers).status_code == status, (host, asked)
