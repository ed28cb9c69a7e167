"""Behind the proxies of `deployment/` all is as it is without them."""

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests

from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes
from tests.support.ports import closed_port
from tests.support.proxies import behind_caddy, behind_nginx
from tests.support.visitors import TEXT
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
    with ExitStack() as stack:
        servers = []
        for _ in range(2):
            servers.append(GalleryServer(folder / "data", workers=1, proxies=1, log="json"))
            stack.callback(servers[-1].close)
        urls = [server.url for server in servers]
        yield stack.enter_context(PROXIES[request.param](urls, folder)), servers


def test_a_large_photo_goes_through_piece_by_piece_and_byte_for_byte(site: Site) -> None:
    url, servers = site
    photo = photo_bytes("jpg") + bytes(range(256)) * 80_000  # as phones append their videos
    incoming = servers[0].data / "incoming"
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)) as sending:
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
    for size in (1000, 8_000_000):
        files = {"file": ("a.jpg", b"text" * (size // 4))}
        answer = requests.post(site[0], files=files, timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, TEXT)
        assert answer.text.startswith("This is not a photo; please send ")


def test_both_servers_are_asked_and_each_request_has_an_id(site: Site) -> None:
    url, servers = site
    ids: set[str] = set()

    def both_have_answered() -> bool:
        """Caddy chooses at random: many in a row may be one server's."""
        chosen = {"X-Request-Id": "chosen-by-a-visitor"}
        answer = requests.get(f"{url}/plain", headers=chosen, timeout=30)
        assert answer.headers["X-Request-Id"] not in ids | set(chosen.values())
        ids.add(answer.headers["X-Request-Id"])
        log = [json.loads(line) for line in servers[0].log.splitlines()]  # of both
        return len({line["pid"] for line in log if line.get("request_id") in ids}) == 2

    wait_until(both_have_answered)
    for access_log in servers[0].data.parent.glob("access.log"):  # nginx's
        assert access_log.read_bytes() == b"", "it would tell of visitors"


def test_the_metrics_of_a_server_are_not_for_the_world(site: Site) -> None:
    for path in ("/metrics", "//metrics"):
        answer = requests.get(site[0] + path, timeout=30)
        assert (answer.status_code, answer.text) == (404, NOTHING_HERE)
        assert "X-Request-Id" not in answer.headers


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_finds_no_server_asks_to_try_again(proxy: str, tmp_path: Path) -> None:
    with PROXIES[proxy](f"http://127.0.0.1:{closed_port()}", tmp_path) as url:
        answer = requests.post(url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == TEXT
    assert answer.text.endswith("please try again in a few seconds.")
