"""The address to share, at which guests find the gallery and which no visitor can make up."""

import socket

import pytest

from dropwall.config import Config
from dropwall.people.address import (
    address_to_share,
    exposure,
    is_answered,
    is_only_nearby,
    lan_address,
)

SITE = "https://photos.example.com"
OTHERS_CAN_VISIT = (
    "http://192.168.1.20:8000",
    SITE,
    "http://[fd00::1]:8000",
    "http://notebook:8000",
)
THIS_COMPUTER = ("localhost", "127.0.0.1", "127.1.2.3", "[::1]", "0.0.0.0", "a.localhost")
NO_ADDRESSES = ("http://", "http://a b", "http://a@b", "http://[::", f"http://{'a' * 254}")


def test_the_visited_address_is_shared_if_others_can_visit_it() -> None:
    on_its_network = f"http://{lan_address() or '127.0.0.1'}:8000"
    shared = {url: url for url in OTHERS_CAN_VISIT}
    shared |= {f"http://{host}:8000": on_its_network for host in THIS_COMPUTER}
    shared |= dict.fromkeys(NO_ADDRESSES, on_its_network)
    shared |= dict.fromkeys(("http://LOCALHOST", "javascript:alert(1)"), on_its_network)
    assert {url: address_to_share(Config(), url) for url in shared} == shared


def test_a_gallery_for_this_computer_alone_has_its_own_address() -> None:
    config = Config(host="127.0.0.1", port=9000)
    assert address_to_share(config, "http://localhost:9000") == "http://localhost:9000"
    assert address_to_share(config, "http://") == "http://127.0.0.1:9000"
    assert address_to_share(Config(host="::1"), "http://") == "http://[::1]:8000"


def test_some_addresses_need_the_same_network() -> None:
    nearby = ("http://192.168.1.20:8000", "http://[fd00::1]:8000", "http://notebook:8000")
    for address in (*nearby, "http://notebook.local"):
        assert is_only_nearby(address), address
    for address in ("http://8.8.8.8", SITE):
        assert not is_only_nearby(address), address


@pytest.mark.parametrize(
    ("host", "proxies", "is_exposed"),
    [
        *(("0.0.0.0", 1, True), ("::", 2, True), ("8.8.8.8", 1, True)),
        *(("0.0.0.0", 0, False), ("127.0.0.1", 1, False), ("::1", 1, False)),
        *(("10.0.0.5", 1, False), ("localhost", 1, False)),
    ],
)
def test_a_port_at_which_anybody_can_claim_to_be_the_proxy_is_warned_of(
    host: str, proxies: int, is_exposed: bool
) -> None:
    assert exposure(Config(host=host, proxies=proxies)) == (
        f"DROPWALL_PROXIES is {proxies}, and port 8000 is open on {host}: whoever reaches it past"
        " the proxy can claim any address. Set DROPWALL_HOST to 127.0.0.1, or let nobody but the"
        " proxy reach the port."
        if is_exposed
        else ""
    )


def test_without_a_network_the_address_to_share_is_this_computers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert lan_address() is None
    assert address_to_share(Config(), "http://localhost:8000") == "http://127.0.0.1:8000"


def test_a_request_for_no_host_at_all_is_not_answered_once_the_address_is_known() -> None:
    config = Config(public_url=SITE)
    for host in ("[", "[::1", "", "."):
        assert not is_answered(config, host), host
    for host in ("photos.example.com", "photos.example.com.", "[::1]:8000", "notebook", "a.local"):
        assert is_answered(config, host), host
