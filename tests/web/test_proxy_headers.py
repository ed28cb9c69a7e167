"""What is said of a visitor counts only if it is said by the proxies of the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.gallery_server import RunningServer
from tests.support.proxies import behind_caddy, behind_nginx

ADDRESS, NEIGHBOUR, FAR = "203.0.113.7", "203.0.113.8", "198.51.100.9"


class Probe(RunningServer):
    application = ("tests.support.forwarded_probe:create_probe()",)


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[RunningServer]:
    server = Probe(folder / "data", workers=1, **settings)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("exposed")) as server:
        yield server.url


@pytest.fixture(scope="module")
def behind_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("behind"), proxies=1) as server:
        yield server.url


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


def whoami(url: str, headers: dict[str, str]) -> list[str]:
    answer: list[str] = requests.get(f"{url}/whoami", headers=headers, timeout=30).json()
    return answer


def is_secure(url: str, headers: dict[str, str]) -> bool:
    answer = requests.get(url, headers=headers, timeout=30)
    return "; Secure" in answer.headers["Set-Cookie"]


def shared_address(url: str, headers: dict[str, str]) -> str:
    settings = requests.get(f"{url}/api/settings", headers=headers, timeout=30)
    return str(settings.json()["address"])


FORGED = forwarded(ADDRESS, "https", "evil.test")


def test_a_visitor_cannot_say_it_of_themselves(exposed: str) -> None:
    assert whoami(exposed, FORGED) == ["127.0.0.1", f"{exposed}/whoami"]
    assert not is_secure(exposed, FORGED)
    assert shared_address(exposed, FORGED) == shared_address(exposed, {})


def test_the_proxy_of_the_settings_says_it(behind_one: str) -> None:
    said = forwarded(ADDRESS, "https", "photos.example.com")
    assert whoami(behind_one, said) == [ADDRESS, "https://photos.example.com/whoami"]
    assert is_secure(behind_one, said)
    assert shared_address(behind_one, said) == "https://photos.example.com"


def test_without_https_a_cookie_goes_over_http(behind_one: str) -> None:
    assert not is_secure(behind_one, forwarded(ADDRESS, "http", "photos.example.com"))


def test_what_was_said_before_the_last_proxy_is_not_believed(behind_one: str) -> None:
    said = forwarded(f"{FAR}, {ADDRESS}", "https, http", "evil.test, photos.example.com")
    assert whoami(behind_one, said) == [ADDRESS, "http://photos.example.com/whoami"]
    assert not is_secure(behind_one, said)


def test_of_two_proxies_the_first_is_believed(tmp_path: Path) -> None:
    with running(tmp_path, proxies=2) as server:
        both = forwarded(f"{FAR}, {ADDRESS}, {NEIGHBOUR}", "http, https, http", "evil.test, a, b")
        assert whoami(server.url, both) == [ADDRESS, "https://a/whoami"]
        one_is_missing = forwarded(ADDRESS, "https", "evil.test")
        assert whoami(server.url, one_is_missing) == ["127.0.0.1", f"{server.url}/whoami"]


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy])
def test_the_proxies_let_nobody_speak_for_them(proxy, behind_one, tmp_path) -> None:
    with proxy(behind_one, tmp_path) as url:
        assert whoami(url, FORGED) == ["127.0.0.1", f"{url}/whoami"]
        assert not is_secure(url, FORGED)
