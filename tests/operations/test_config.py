"""Settings come from `DROPWALL_` variables; a bad one stops the server and is named."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from dropwall.config import BadSetting, Config, machine_bytes
from tests.support.gallery_server import ROOT

A_DATABASE = "must be a path, or postgresql://user:password@host:port/name, not mysql://…."
A_STORAGE = (
    "must be a path or an address such as s3://bucket/prefix?endpoint=https://s3.example.com."
)
PLAIN_FOLDERS = "must be an address with plain letters and digits between its slashes."
OTHER = "must be an address with another {}."
NO_MORE_OPTIONS = (
    "must be an address with no more than endpoint, region, public_endpoint after its `?`."
)
A_SITE = "must be the address of a whole site, such as https://photos.example.com"


def test_with_nothing_set_everything_has_a_default() -> None:
    config = Config.from_environ({"PATH": "/bin"})
    assert config == Config()
    assert config.database_address == "data/catalog.sqlite"


def test_every_kind_of_setting_is_read() -> None:
    environ = {
        "DROPWALL_DATA": "/srv/wedding",
        "DROPWALL_PORT": "9000",
        "DROPWALL_PUBLIC_URL": "https://photos.example.com:8443/",
        "DROPWALL_EXTENSIONS": "JPG png",
        "DROPWALL_KEEP_LOCATION": "true",
    }
    assert Config.from_environ(environ) == Config(
        data=Path("/srv/wedding"),
        port=9000,
        public_url="https://photos.example.com:8443/",
        extensions=("jpg", "png"),
        keep_location=True,
    )


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        ("COLOUR", ["red"], "isn't a setting of Dropwall. See deployment/README.md."),
        ("PORT", ["http"], "must be a whole number, not 'http'."),
        ("PORT", ["99999"], "must be at most 65535."),
        ("MAX_PIXELS", ["0"], "must be 1 or more, not 0."),
        ("CHUNK_BYTES", ["1000"], "must be at least 10486, so that the largest photo"),
        ("MAX_GUEST_BYTES_PER_HOUR", ["1000"], "must be at least 104857600, so that"),
        ("KEEP_LOCATION", ["si"], "must be true or false, not 'si'."),
        ("EXTENSIONS", ["svg", ""], "must name some of: jpg jpeg"),
        ("PASSCODE", ["/", "/a", "a/", "..", "a/../b", "a//b"], "must have more than dots before"),
        ("MODE", ["all"], "must be one of: everyone own approval."),
        ("LOG", ["xml"], "must be one of: text json."),
        ("PASSCODE", ["\u200b\ufe0f"], "must have characters that can be seen."),
        ("PASSCODE", ["p" * 101], "must be at most 100 characters long."),
        ("PASSCODE", ["  "], "is blank. Give it a value, or unset"),
        ("DATABASE", ["mysql://me:password@host/name"], A_DATABASE),
        ("STORAGE", ["ftp://bucket", "s3:///prefix"], A_STORAGE),
        ("STORAGE", ["s3://key:secret@bucket", "s3://bucket/a#b"], A_STORAGE),
        ("STORAGE", ["s3://bucket/../a"], PLAIN_FOLDERS),
        ("STORAGE", ["s3://bucket?endpoint=s3.example.com"], OTHER.format("endpoint")),
        ("STORAGE", ["s3://bucket?endpoint=http://["], OTHER.format("endpoint")),
        ("STORAGE", ["s3://bucket?region="], OTHER.format("region")),
        ("STORAGE", ["s3://bucket?public_endpoint=no"], OTHER.format("public_endpoint")),
        ("STORAGE", ["s3://bucket?secret=a", "s3://bucket?region=a&region=b"], NO_MORE_OPTIONS),
        *(
            ("PUBLIC_URL", [url], f"{A_SITE}, not {url}.")
            for url in (
                "photos.example.com",
                "ftp://photos.example.com",
                "https://",
                "https://photos.example.com/wedding",
                "https://photos.example.com?wedding",
                "https://me@photos.example.com",
                "https://photos example.com",
            )
        ),
    ],
)
def test_a_bad_setting_is_named(name: str, texts: list[str], sentence: str) -> None:
    for text in texts:
        with pytest.raises(BadSetting) as refusal:
            Config.from_environ({f"DROPWALL_{name}": text})
        assert str(refusal.value).startswith(f"DROPWALL_{name} {sentence}"), text


def test_an_impossible_wifi_is_refused_without_repeating_its_password() -> None:
    for text in (
        "Patio",
        ":tulip bed",
        "Patio:tulip",
        f"{'P' * 33}:tulip bed",
        f"{'ü' * 17}:tulip bed",
        "Patio:tülip bed",
    ):
        with pytest.raises(BadSetting, match=r"^DROPWALL_WIFI must be ") as refusal:
            Config.from_environ({"DROPWALL_WIFI": text})
        assert text not in str(refusal.value)
    for text in ("Garden:", "Garden:red:roses", "Gårdén (5 GHz):red roses"):
        assert Config.from_environ({"DROPWALL_WIFI": text}).wifi == text


MEANT = "isn't a setting of Dropwall. Did you mean DROPWALL_{}?"


def test_a_misspelt_setting_is_told_which_one_was_meant() -> None:
    for setting in fields(Config):
        name = setting.name.upper()
        swapped = name[1] + name[0] + name[2:]
        for misspelt in (name[:2] + name[3:], f"{name}S", swapped, name.lower()):
            with pytest.raises(BadSetting) as refusal:
                Config.from_environ({f"DROPWALL_{misspelt}": "1"})
            assert str(refusal.value) == f"DROPWALL_{misspelt} {MEANT.format(name)}"
        for misspelt in (f"DROPWAL_{name}", f"DROPWALL{name}", f"dropwall_{name.lower()}"):
            with pytest.raises(BadSetting) as refusal:
                Config.from_environ({misspelt: "1"})
            assert str(refusal.value) == f"{misspelt} {MEANT.format(name)}"
    Config.from_environ({"PORT": "http", "DROPBOX_MODE": "1", "WALL_PASSCODE": "1"})


def service_links(service: str, host: str, ports: dict[str, tuple[int, str]]) -> dict[str, str]:
    """As Kubernetes makes them (pkg/kubelet/envvars); the first port has the short names."""
    first, links = next(iter(ports.values())), {f"{service}_SERVICE_HOST": host}
    links[f"{service}_SERVICE_PORT"] = str(first[0])
    links[f"{service}_PORT"] = f"{first[1]}://{host}:{first[0]}"
    for name, (port, protocol) in ports.items():
        prefix = f"{service}_PORT_{port}_{protocol.upper()}"
        links |= {f"{service}_SERVICE_PORT_{name}": str(port)} if name else {}
        links |= {prefix: f"{protocol}://{host}:{port}", f"{prefix}_PROTO": protocol}
        links |= {f"{prefix}_PORT": str(port), f"{prefix}_ADDR": host}
    return links


@pytest.mark.parametrize(
    "service", ["DROPWALL", "DROPWALL_WEB", "DROPWALL_0", "DROPWALL_MAX", "DROPWALL_SERVICE_PORT"]
)
def test_what_kubernetes_says_of_a_service_is_no_setting(service: str) -> None:
    for host in ("10.0.0.1", "[fd00::1]"):
        for ports in (
            {"": (80, "tcp")},
            {"HTTP": (80, "tcp"), "HTTP_3": (443, "udp"), "DATA": (5000, "sctp")},
        ):
            links = service_links(service, host, ports)
            assert Config.from_environ(links | {"DROPWALL_MODE": "own"}) == Config(mode="own")
            if service != "DROPWALL":
                assert Config.from_environ(links | {"DROPWALL_PORT": "9000"}).port == 9000


def settings_in(readme: Path) -> dict[str, str]:
    """The default of each setting in a README's table."""
    rows = re.findall(r"^\| `DROPWALL_(\w+)` \| (.*?) \|", readme.read_text(), re.MULTILINE)
    return dict(rows)


def test_the_hosts_readme_has_every_setting_with_its_default() -> None:
    rows = settings_in(ROOT / "deployment" / "README.md")
    assert list(rows) == [setting.name.upper() for setting in fields(Config)]
    for setting in fields(Config):
        default = setting.default
        if default not in ("", None, MISSING):  # those are told in words
            text = " ".join(default) if isinstance(default, tuple) else str(default).lower()
            assert rows[setting.name.upper()] == f"`{text}`"
    ten = settings_in(ROOT / "README.md")
    assert len(ten) == 10
    assert ten.items() <= rows.items()


@pytest.mark.parametrize(
    ("cgroup", "limited"),
    [
        ("0::/system.slice/dropwall.service", "system.slice/dropwall.service/memory.max"),
        ("0::/system.slice/dropwall.service", "system.slice/memory.max"),
        ("0::/", "memory.max"),
        ("9:cpu:/\n4:memory:/docker/1f\n0::/", "memory/docker/1f/memory.limit_in_bytes"),
        ("4:memory:/docker/1f", "memory/memory.limit_in_bytes"),
    ],
)
def test_the_memory_of_a_service_or_a_container_is_what_it_may_have(
    tmp_path: Path, cgroup: str, limited: str
) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(f"{cgroup}\n")
    limit = tmp_path / "sys" / "fs" / "cgroup" / limited
    limit.parent.mkdir(parents=True)
    limit.write_text("max\n")
    assert machine_bytes(tmp_path) > 500_000_000
    limit.write_text("300000000\n")
    assert machine_bytes(tmp_path) == 300_000_000
