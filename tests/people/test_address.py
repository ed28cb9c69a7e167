"""Under which address guests find the gallery: nobody can make it up, and it leads there."""

from pathlib import Path

import pytest

from server.address import address_to_share, is_only_nearby, lan_address
from server.config import Config

ON_ITS_NETWORK = f"http://{lan_address() or '127.0.0.1'}:8000"


@pytest.mark.parametrize(
    ("visited", "shared"),
    [
        ("http://192.168.1.20:8000", "http://192.168.1.20:8000"),
        ("https://photos.example.com", "https://photos.example.com"),
        ("http://[fd00::1]:8000", "http://[fd00::1]:8000"),
        ("http://notebook:8000", "http://notebook:8000"),
        *(
            (f"http://{host}:8000", ON_ITS_NETWORK)
            for host in ("localhost", "127.0.0.1", "127.1.2.3", "[::1]", "0.0.0.0", "a.localhost")
        ),
        ("http://LOCALHOST", ON_ITS_NETWORK),
        ("http://", ON_ITS_NETWORK),
        ("http://a b", ON_ITS_NETWORK),
        ("http://a@b", ON_ITS_NETWORK),
        ("http://[::", ON_ITS_NETWORK),
        (f"http://{'a' * 254}", ON_ITS_NETWORK),
        ("javascript:alert(1)", ON_ITS_NETWORK),
    ],
)
def test_the_visited_address_is_shared_if_others_can_visit_it(visited: str, shared: str) -> None:
    assert address_to_share(Config(), visited) == shared


def test_a_gallery_for_this_computer_alone_has_the_address_of_this_computer() -> None:
    config = Config(host="127.0.0.1", port=9000)
    assert address_to_share(config, "http://localhost:9000") == "http://localhost:9000"
    assert address_to_share(config, "http://") == "http://127.0.0.1:9000"
    assert address_to_share(Config(host="::1"), "http://") == "http://[::1]:8000"


@pytest.mark.parametrize(
    "public_url", ["https://photos.example.com", "https://photos.example.com/"]
)
def test_the_address_of_the_settings_comes_first(tmp_path: Path, public_url: str) -> None:
    config = Config(public_url=public_url)
    assert address_to_share(config, "http://other.example") == "https://photos.example.com"


@pytest.mark.parametrize(
    ("address", "is_nearby"),
    [
        ("http://192.168.1.20:8000", True),
        ("http://[fd00::1]:8000", True),
        ("http://notebook:8000", True),
        ("http://notebook.local", True),
        ("http://8.8.8.8", False),
        ("https://photos.example.com", False),
    ],
)
def test_some_addresses_need_the_same_network(address: str, is_nearby: bool) -> None:
    assert is_only_nearby(address) is is_nearby
