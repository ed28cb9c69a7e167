"""The address to share, at which guests find the gallery and which no visitor can make up."""

from server.address import address_to_share, is_only_nearby, lan_address
from server.config import Config

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
