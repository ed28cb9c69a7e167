"""X-Forwarded headers count only if they come from the proxies of the settings."""

from contextlib import closing

import pytest
import requests

from tests.support.gallery_server import GalleryServer
from tests.support.proxies import behind_caddy, behind_nginx


class Probe(GalleryServer):
    application = ("tests.support.forwarded_probe:create_probe()",)


def forwarded(address: str, scheme: str, host: str) -> dict[str, str]:
    return {
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": scheme,
        "X-Forwarded-Host": host,
        "X-Forwarded-Protocol": "ssl",
        "X-Forwarded-Ssl": "on",
        "Forwarded": f"for={address};proto={scheme};host={host}",
        "Script-Name": "/elsewhere",
        "Script_Name": "/elsewhere",
        "Remote_Addr": address,
    }


ADDRESS, NEIGHBOUR, FAR = "203.0.113.7", "203.0.113.8", "198.51.100.9"
FORGED = forwarded(ADDRESS, "https", "evil.test")
SITE = "https://photos.example.com"


def expect_visit(url: str, headers: dict[str, str], address: str, seen_url: str) -> None:
    """The server takes the visitor for one from this address, who has asked for this URL."""
    visited = requests.get(f"{url}/whoami", headers=headers, timeout=60)
    assert visited.json() == [address, f"{seen_url}/whoami"]
    cookie = requests.get(url, headers=headers, timeout=60).headers["Set-Cookie"]
    assert ("; Secure" in cookie) == seen_url.startswith("https:")


def shared_address(url: str, headers: dict[str, str]) -> str:
    settings = requests.get(f"{url}/api/settings", headers=headers, timeout=60)
    return str(settings.json()["address"])


def test_a_visitor_cannot_forge_forwarded_headers(tmp_path) -> None:
    with closing(Probe(tmp_path / "data", workers=1)) as server:
        expect_visit(server.url, FORGED, "127.0.0.1", server.url)
        assert shared_address(server.url, FORGED) == shared_address(server.url, {})


def test_the_last_proxys_forwarded_headers_count(tmp_path) -> None:
    by_https = forwarded(ADDRESS, "https", "photos.example.com")
    by_http = forwarded(f"{FAR}, {ADDRESS}", "https, http", "evil.test, photos.example.com")
    with closing(Probe(tmp_path / "data", workers=1, proxies=1)) as server:
        expect_visit(server.url, by_https, ADDRESS, SITE)
        assert shared_address(server.url, by_https) == SITE
        expect_visit(server.url, by_http, ADDRESS, "http://photos.example.com")


def test_of_two_proxies_the_first_ones_forwarded_headers_count(tmp_path) -> None:
    both = forwarded(f"{FAR}, {ADDRESS}, {NEIGHBOUR}", "http, https, http", "evil.test, a, b")
    with closing(Probe(tmp_path / "data", workers=1, proxies=2)) as server:
        expect_visit(server.url, both, ADDRESS, "https://a")
        expect_visit(server.url, FORGED, "127.0.0.1", server.url)


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy])
def test_our_proxies_drop_a_visitors_forwarded_headers(proxy, tmp_path) -> None:
    with (
        closing(Probe(tmp_path / "data", workers=1, proxies=1)) as server,
        proxy(server.url, tmp_path) as url,
    ):
        expect_visit(url, FORGED, "127.0.0.1", url)
