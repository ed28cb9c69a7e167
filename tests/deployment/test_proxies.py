"""Behind the proxies of `deployment/` all is as it is without them; behind what newcomers write
for nginx, Caddy or Apache photos come in, or the log says which line is missing."""

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_connection, create_server

import pytest
import requests

from dropwall import create_app
from dropwall.config import Config
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.photos import photo_bytes
from tests.support.ports import closed_port
from tests.support.proxies import behind_caddy, behind_newcomers, behind_nginx
from tests.support.visitors import TEXT
from tests.support.waiting import in_a_thread, wait_until

PROXIES = {"nginx": behind_nginx, "caddy": behind_caddy}
NOTHING_HERE = "There's nothing at this address."
NO_ANSWER = "The gallery can't be reached right now. Try again in a few seconds."
UNREADABLE = "This request couldn't be read. Reload the page and try again."
TOO_MUCH = "That's too much at once. Add fewer photos at a time."
MANY = "Too many photos are coming from your network right now. Try again in a few seconds."
TIMEOUT = 30

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
        assert answer.text.startswith("This file isn't a photo. You can add ")


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
        assert access_log.read_bytes() == b"", "it is for what fails"


def test_the_metrics_of_a_server_are_not_for_the_world(site: Site) -> None:
    for path in ("/metrics", "//metrics"):
        answer = requests.get(site[0] + path, timeout=30)
        assert (answer.status_code, answer.text) == (404, NOTHING_HERE)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "X-Request-Id" not in answer.headers


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_finds_no_server_asks_to_try_again(proxy: str, tmp_path: Path) -> None:
    with PROXIES[proxy](f"http://127.0.0.1:{closed_port()}", tmp_path) as url:
        answer = requests.post(url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert (answer.headers["Content-Type"], answer.text) == (TEXT, NO_ANSWER)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def ask(url: str, head: str) -> requests.Response:
    """What a client gets that sends just this, if it is no HTTP too."""
    address = url.removeprefix("http://")
    host, port = address.split(":")
    with closing(create_connection((host, int(port)), TIMEOUT)) as client:
        client.sendall(head.replace("{host}", address).encode() + b"\r\n\r\n")
        received = http.client.HTTPResponse(client)
        received.begin()
        answer = requests.Response()
        answer.status_code, answer._content = received.status, received.read()
        answer.headers.update(received.headers)
    return answer


HOST = " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
REFUSED_BY_NGINX = {
    "GET / nonsense": (400, UNREADABLE),
    "GET /../.." + HOST: (400, UNREADABLE),
    "GET / HTTP/1.1": (400, UNREADABLE),
    "GET /dropwall-refusal" + HOST: (404, NOTHING_HERE),
    "TRACE /" + HOST: (
        405,
        "This address doesn't accept such requests.",
    ),
    "POST /" + HOST + "Content-Length: 3000000000": (413, TOO_MUCH),
    "POST /sign-in" + HOST + "Content-Length: 1500000": (413, TOO_MUCH),
    "GET /" + 9000 * "a" + HOST: (414, "This address is too long. Shorten it."),
    "GET /" + HOST + "Cookie: " + 9000 * "a": (
        431,
        "This request's headers are too large. Clear this site's cookies and try again.",
    ),
    "POST /" + HOST + "Transfer-Encoding: pigeon": (501, UNREADABLE),
    "GET / HTTP/4.0\r\nHost: {host}": (505, UNREADABLE),
}


def test_what_nginx_itself_refuses_is_a_plain_sentence(tmp_path: Path) -> None:
    with behind_nginx(f"http://127.0.0.1:{closed_port()}", tmp_path) as url:
        for head, (status, sentence) in REFUSED_BY_NGINX.items():
            answer = ask(url, head)
            assert (answer.status_code, answer.text) == (status, sentence), head[:40]
            assert answer.headers["Content-Type"] == TEXT
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_caddy_itself_refuses_is_a_plain_sentence(tmp_path: Path) -> None:
    defect = "Something went wrong on our side. Try again in a moment."
    told = {403: UNREADABLE, 413: TOO_MUCH, 421: UNREADABLE, 500: defect}
    refusing = [f"error /{status} {status}" for status in told]
    with behind_caddy(f"http://127.0.0.1:{closed_port()}", tmp_path, *refusing) as url:
        for status, sentence in told.items():
            answer = requests.get(f"{url}/{status}", timeout=TIMEOUT)
            assert (answer.status_code, answer.text) == (status, sentence)
            assert answer.headers["Content-Type"] == TEXT
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for status, head in (
            (400, "GET / nonsense"),
            (501, "POST /" + HOST + "Transfer-Encoding: a"),
        ):
            answer = ask(url, head)  # Go's own words
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, TEXT)


LOGGING = {"nginx": behind_nginx, "caddy": lambda *site: behind_caddy(*site, "log")}


@pytest.mark.parametrize("proxy", LOGGING)
def test_no_log_of_a_proxy_tells_a_passcode_a_search_or_a_photo(proxy: str, tmp_path: Path) -> None:
    """With Caddy's access log switched on."""
    upstream = f"127.0.0.1:{closed_port()}"
    with LOGGING[proxy](f"http://{upstream}", tmp_path) as url:
        for path in ("join/secret", "?q=secret", "uploads/secret.jpg"):
            answer = requests.get(f"{url}/{path}", headers={"Referer": url + path}, timeout=TIMEOUT)
            assert answer.status_code == 503
            for broken in (" nonsense", HOST + "Content-Length: 3000000000", 9000 * "a" + HOST):
                ask(url, f"POST /{path}{broken}")
    logs = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "secret" not in logs
    if proxy == "nginx":
        assert logs.count(f" 503 {upstream} 502 ") == 3  # what failed, and where


@contextmanager
def begun_upload(url: str, headers: dict[str, str]) -> Iterator[None]:
    """A photo's upload, whose last byte is sent at the end of the block."""
    photo = photo_bytes("png")
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)) as sending:
        sending.putrequest("POST", "/")
        for name, value in headers.items():
            sending.putheader(name, value)
        sending.putheader("Content-Length", str(len(photo)))
        sending.endheaders(photo[:-1])
        yield
        sending.send(photo[-1:])
        answer = sending.getresponse()
        assert (answer.status, answer.read()) == (204, b"")


@pytest.mark.embedded
def test_nginx_takes_so_many_uploads_at_once_from_one_network(
    tmp_path: Path, gallery: Gallery
) -> None:
    def coming_from(address: str) -> dict[str, str]:
        return {"Tests-Address": address, "Content-Type": "image/png"}

    def send(address: str) -> requests.Response:
        return requests.post(url, photo_bytes("png"), headers=coming_from(address), timeout=TIMEOUT)

    with behind_nginx(gallery.url, tmp_path, limit_conn="dropwall_uploads 2") as url:
        for one, neighbour, another in (
            ("203.0.113.1", "203.0.113.1", "203.0.113.2"),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"),
        ):
            first, second = (begun_upload(url, coming_from(one)) for _ in range(2))
            with first, second:
                wait_until(lambda address=neighbour: send(address).status_code == 503)
                refused = send(neighbour)
                assert (refused.headers["Content-Type"], refused.text) == (TEXT, MANY)
                assert refused.headers["Retry-After"] == "5"
                assert "Dropwall-Refusal" not in refused.headers
                assert send(another).status_code == 204
                page = requests.get(url, headers=coming_from(neighbour), timeout=TIMEOUT)
                assert page.status_code == 200
            wait_until(lambda address=neighbour: send(address).status_code == 204)


def test_what_is_sent_slowly_holds_no_server_behind_nginx_unless_it_is_a_photo(
    tmp_path: Path,
) -> None:
    with (
        closing(create_server(("127.0.0.1", 0))) as server,
        behind_nginx(f"http://127.0.0.1:{server.getsockname()[1]}", tmp_path) as url,
        ExitStack() as stack,
    ):
        server.settimeout(TIMEOUT)
        for method, path in (("PUT", "/api/guest"), ("POST", "/sign-in"), ("POST", "/")):
            address = url.removeprefix("http://")
            client = stack.enter_context(closing(http.client.HTTPConnection(address)))
            client.putrequest(method, path)
            client.putheader("Content-Length", "100")
            client.endheaders(b"a")
        with closing(server.accept()[0]) as first:
            assert first.recv(1000).startswith(b"POST / HTTP/1.1\r\n")


# As newcomers write them

NEWCOMERS = {
    "nginx": {
        "": (False, False),
        "proxy_set_header Host $host;": (True, True),
        "proxy_set_header Host $host; proxy_set_header X-Forwarded-Host $host;": (True, True),
        "proxy_set_header Host $host:$server_port;": (True, True),
        "proxy_set_header Host $http_host;": (True, True),
        "proxy_set_header X-Forwarded-Host $http_host;": (False, True),
        "proxy_set_header X-Forwarded-Host $host;": (False, True),
        "proxy_set_header X-Forwarded-For $remote_addr;": (False, False),
    },
    "caddy": {
        "": (True, True),
        "request_body {\nmax_size 10MB\n}": (True, True),
    },
    "apache2": {
        "": (False, True),
        "ProxyAddHeaders Off": (False, False),
        "ProxyPreserveHost On": (True, True),
        "ProxyPreserveHost On\nProxyAddHeaders Off": (True, True),
    },
}
"""By lines of the configuration: whether the gallery's own page may send where browsers tell only
its Origin, as by plain http: with no setting of ours, and with DROPWALL_PROXIES=1."""


class Recorder(BaseHTTPRequestHandler):
    """Answers with the headers that have come."""

    def do_POST(self) -> None:
        told = json.dumps(self.headers.items()).encode()
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + told)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("program", NEWCOMERS)
def test_behind_a_newcomers_proxy_the_gallerys_own_page_may_send_and_no_other(
    config: Config, tmp_path: Path, program: str, scheme: str
) -> None:
    """Real proxies say what they make of a browser's request, and the gallery takes their word. A
    browser names no port where it is the one of http or https."""
    site = f"{scheme}://photos.test"
    clients = [
        create_app(replace(config, **settings)).test_client()
        for settings in ({}, {"proxies": 1}, {"public_url": site})
    ]
    certificate = str(tmp_path / "certificate.pem")
    same_origin, cross_site = ({"Sec-Fetch-Site": told} for told in ("same-origin", "cross-site"))
    wrong = []

    def check(settings: int, told: dict[str, str], may: bool) -> None:
        answer = clients[settings].delete("/api/uploads/any", headers=headers | told)
        if answer.status_code != (204 if may else 403):
            wrong.append((lines, host, settings, told, answer.status_code))

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as recorder,
        in_a_thread(recorder),
        behind_newcomers(
            *(program, f"http://127.0.0.1:{recorder.server_port}", tmp_path, *NEWCOMERS[program]),
            scheme=scheme,
        ) as ports,
    ):
        for port, (lines, rights) in zip(ports, NEWCOMERS[program].items(), strict=True):
            for host in (f"photos.test:{port}", "photos.test"):
                if "$server_port" in lines and host == "photos.test":
                    continue  # nginx is on another port here than its visitor says
                url = f"{scheme}://127.0.0.1:{port}"
                asking = {"Host": host, "Origin": f"{scheme}://{host}"}
                recorded = requests.post(url, headers=asking, verify=certificate)
                headers = dict(recorded.json())
                for settings, may in enumerate([*rights, True][: 2 + (host == "photos.test")]):
                    check(settings, {}, may)
                    check(settings, {"Origin": f"{scheme}://evil.test"}, False)
                    if ":" in host and "$host;" not in lines:
                        check(settings, {"Origin": f"{site}:1"}, False)
                    check(settings, same_origin, True)
                    check(settings, cross_site, False)
    assert wrong == []


def test_the_log_says_which_line_a_proxy_lacks(tmp_path: Path) -> None:
    """Once, however many are refused."""
    site = {"workers": 1, "public_url": "http://photos.test"}
    photo = ("a.png", photo_bytes("png"))
    with closing(GalleryServer(tmp_path / "data", **site)) as server:
        for headers, refusal in (
            ({"Origin": "http://photos.test:8080"}, "another-site"),
            ({"Host": "app1.example.com"}, "another-host"),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.test"}, "another-site"),
        ):
            for _ in range(2):
                answer = server.send(photo, headers=headers)
                assert answer.headers["Dropwall-Refusal"] == refusal
    by_origin, by_host = [line for line in server.log.splitlines() if "are refused" in line]
    assert f"'http://photos.test:8080' sends them to the Host '{server.url[7:]}'" in by_origin
    assert "'app1.example.com'" in by_host
    for line in (by_origin, by_host):
        assert '"proxy_set_header Host $http_host;" (nginx)' in line
        assert '"ProxyPreserveHost On" (Apache)' in line
