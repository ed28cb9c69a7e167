"""Settings come from `DROPWALL_` variables; a bad one stops the server and is named."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from server.config import BadSetting, Config
from tests.support.gallery_server import ROOT

A_STORAGE = "a path or an address such as s3://bucket/prefix?endpoint=https://s3.example.com"
PLAIN_FOLDERS = "an address with plain letters and digits between its slashes"
NO_MORE_OPTIONS = "an address with no more than endpoint, region, public_endpoint after its `?`"


def test_with_nothing_set_everything_has_a_default() -> None:
    config = Config.from_environ({"PATH": "/bin"})
    assert config == Config()
    assert config.database_address == "data/catalog.sqlite"


def test_every_kind_of_setting_is_read() -> None:
    config = Config.from_environ(
        {
            "DROPWALL_DATA": "/srv/wedding",
            "DROPWALL_PORT": "9000",
            "DROPWALL_PUBLIC_URL": "https://photos.example.com:8443/",
            "DROPWALL_EXTENSIONS": "JPG png",
            "DROPWALL_KEEP_LOCATION": "true",
        }
    )
    assert config == Config(
        data=Path("/srv/wedding"),
        port=9000,
        public_url="https://photos.example.com:8443/",
        extensions=("jpg", "png"),
        keep_location=True,
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("DROPWALL_PORT", "http", "DROPWALL_PORT must be a whole number, not 'http'."),
        ("DROPWALL_MAX_PIXELS", "0", "DROPWALL_MAX_PIXELS must be 1 or more, not 0."),
        *(
            ("DROPWALL_PASSCODE", code, "DROPWALL_PASSCODE must have more than dots before")
            for code in ("/", "/a", "a/", "..", "a/../b", "a//b")
        ),
        (
            "DROPWALL_DATABASE",
            "mysql://me:password@host/name",
            "DROPWALL_DATABASE must be a path, or postgresql://user:password@host:port/name, not"
            " mysql://….",
        ),
        *(
            ("DROPWALL_STORAGE", address, f"DROPWALL_STORAGE must be {wanted}.")
            for address, wanted in (
                ("ftp://bucket", A_STORAGE),
                ("s3:///prefix", A_STORAGE),
                ("s3://key:secret@bucket", A_STORAGE),
                ("s3://bucket/a#b", A_STORAGE),
                ("s3://bucket/../a", PLAIN_FOLDERS),
                ("s3://bucket?endpoint=s3.example.com", "an address with another endpoint"),
                ("s3://bucket?region=", "an address with another region"),
                ("s3://bucket?public_endpoint=no", "an address with another public_endpoint"),
                ("s3://bucket?secret=a", NO_MORE_OPTIONS),
                ("s3://bucket?region=a&region=b", NO_MORE_OPTIONS),
            )
        ),
        *(
            (
                "DROPWALL_PUBLIC_URL",
                url,
                "DROPWALL_PUBLIC_URL must be the address of a whole site, such as"
                f" https://photos.example.com, not {url}.",
            )
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
        (
            "DROPWALL_PASSCODE",
            "p" * 101,
            "DROPWALL_PASSCODE must be at most 100 characters long.",
        ),
        ("DROPWALL_PASSCODE", "  ", "DROPWALL_PASSCODE is blank; please give it a value, or unset"),
        ("DROPWALL_PORT", "99999", "DROPWALL_PORT must be at most 65535."),
        (
            "DROPWALL_CHUNK_BYTES",
            "1000",
            "DROPWALL_CHUNK_BYTES must be at least 10486, so that the largest photo",
        ),
        (
            "DROPWALL_MAX_GUEST_BYTES_PER_HOUR",
            "1000",
            "DROPWALL_MAX_GUEST_BYTES_PER_HOUR must be at least 104857600, so that",
        ),
        ("DROPWALL_KEEP_LOCATION", "si", "DROPWALL_KEEP_LOCATION must be true or false, not 'si'."),
        ("DROPWALL_EXTENSIONS", "svg", "DROPWALL_EXTENSIONS must name some of: jpg jpeg"),
        ("DROPWALL_EXTENSIONS", "", "DROPWALL_EXTENSIONS must name some of: jpg jpeg"),
        ("DROPWALL_PROT", "80", "DROPWALL_PROT is no setting of Dropwall, which has DROPWALL_"),
    ],
)
def test_a_bad_setting_is_named(name: str, text: str, sentence: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        Config.from_environ({name: text})
    assert str(refusal.value).startswith(sentence)


def test_the_readme_has_every_setting_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = dict(re.findall(r"^\| `DROPWALL_(\w+)` \| (.*?) \|", readme, re.MULTILINE))
    assert list(rows) == [setting.name.upper() for setting in fields(Config)]
    for setting in fields(Config):
        default = setting.default
        if default not in ("", MISSING):  # those are told in words
            text = " ".join(default) if isinstance(default, tuple) else str(default).lower()
            assert rows[setting.name.upper()] == f"`{text}`"
