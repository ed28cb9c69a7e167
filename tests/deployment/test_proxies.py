"""Behind the proxies of `deployment/` all is as it is without them."""

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests

from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes
from tests.support.ports import closed_port
from tests.support.proxies import behind_caddy, behind_nginx
from tests.support.waiting import wait_until

PROXIES = {"nginx": behind_nginx, "caddy": behind_caddy}
NOTHING_HERE = "There is nothing at this address; please go back to the gallery."


Site = tuple[str, list[GalleryServer]]


@pytest.fixture(scope="module", params=PROXIES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The URL of a proxy, and the two servers of one gallery behind it."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = {"workers": 1, "proxies": 1, "log": "json"}
    with ExitStack() as stack:
        servers = [GalleryServer(folder / "data", **settings) for _ in range(2)]
        for server in servers:
            stack.callback(server.close)
        urls = [server.url for server in servers]
        yield stack.enter_context(PROXIES[request.param](urls, folder)), servers


def large_photo(size: int) -> bytes:
    """A small picture with a long tail, as phones append their motion videos."""
    picture = photo_bytes("jpg", size=(64, 48))
    return picture + bytes(range(256)) * ((size - len(picture)) // 256)


def test_a_large_photo_goes_through_piece_by_piece_and_byte_for_byte(site: Site) -> None:
    url, servers = site
    photo = large_photo(20_000_000)
    incoming = servers[0].data / "incoming"
    address = url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=60)) as sending:
        sending.putrequest("POST", "/")
        sending.putheader("Content-Type", "image/jpeg")
        sending.putheader("Content-Length", str(len(photo)))
        sending.endheaders(photo[:2_000_000])
        wait_until(lambda: sum(file.stat().st_size for file in incoming.iterdir()) > 1_500_000)
        sending.send(photo[2_000_000:])
        answer = sending.getresponse()
        assert (answer.status, answer.read()) == (204, b"")
    [listed] = requests.get(f"{url}/api/photos", timeout=30).json()["photos"]
    assert requests.get(url + listed["url"], timeout=60).content == photo


def test_a_refusal_is_read_as_the_gallery_wrote_it(site: Site) -> None:
    url, _ = site
    for size in (1000, 8_000_000):
        files = {"file": ("a.jpg", b"text" * (size // 4))}
        answer = requests.post(url, files=files, timeout=30)
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.text.startswith("This is not a photo; please send ")


def test_a_proxy_asks_both_servers_and_gives_each_request_an_id(site: Site) -> None:
    url, servers = site
    chosen = {"X-Request-Id": "chosen-by-a-visitor"}
    answers = [requests.get(f"{url}/plain", headers=chosen, timeout=30) for _ in range(8)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids - {"chosen-by-a-visitor"}) == 8

    def lines() -> list[dict]:
        """What both servers have written, to one file, of these requests."""
        log = [json.loads(line) for line in servers[0].log.splitlines()]
        return [line for line in log if line.get("request_id") in ids]

    wait_until(lambda: len(lines()) == 8)

    def both_have_answered() -> bool:
        """Caddy chooses at random: eight in a row may be one server's."""
        ids.add(requests.get(f"{url}/plain", timeout=30).headers["X-Request-Id"])
        return len({line["pid"] for line in lines()}) == 2

    wait_until(both_have_answered)
    for access_log in servers[0].data.parent.glob("access.log"):  # nginx's
        assert access_log.read_bytes() == b"", "it would tell of visitors"


def test_the_metrics_of_a_server_are_not_for_the_world(site: Site) -> None:
    url, _ = site
    for path in ("/metrics", "//metrics"):
        answer = requests.get(url + path, timeout=30)
        assert (answer.status_code, answer.text) == (404, NOTHING_HERE)
        assert "X-Request-Id" not in answer.headers


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_finds_no_server_asks_to_try_again(proxy: str, tmp_path: Path) -> None:
    with PROXIES[proxy](f"http://127.0.0.1:{closed_port()}", tmp_path) as url:
        answer = requests.post(url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("please try again in a few seconds.")


@pytest.mark.embedded
def test_a_photo_that_nginx_refuses_whole_comes_through_in_chunks(
    tmp_path: Path, gallery: Gallery
) -> None:
    photo = large_photo(2_000_000)
    with behind_nginx(gallery.url, tmp_path, client_max_body_size="1m") as url:
        refusal = requests.post(url, files={"file": ("whole.jpg", photo)}, timeout=30)
        assert refusal.status_code == 413
        assert refusal.headers["Content-Type"] == "text/html"
        with closing(Guest(url)) as guest:
            guest.send_in_chunks("chunks.jpg", photo, chunk_bytes=900_000)
    [listed] = gallery.photos()
    assert (listed["name"], listed["bytes"]) == ("chunks.jpg", len(photo))
