"""File names: whatever is sent, the name that is shown is safe."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from server.names import MAX_NAME_BYTES, clean_name, extension_of


@settings(max_examples=50)
@given(st.text() | st.text(alphabet="ab./\\ \u202e\u200f\0\r\n'\"<>%é👩\u200d", max_size=300))
def test_any_file_name_becomes_short_and_safe(sent: str) -> None:
    name = clean_name(sent)
    assert 1 <= len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set("/\\\0\r\n\u202e\u200f\u2028")
    assert name.isprintable() or "\u200d" in name
    assert not name.startswith(".")
    assert name == unicodedata.normalize("NFC", name) == clean_name(name)


@settings(max_examples=20)
@given(st.text("aé写👩 .\u202e\0", min_size=300), st.sampled_from(["jpg", "HEIC", "jfif"]))
def test_a_long_file_name_keeps_its_extension(stem: str, extension: str) -> None:
    assert extension_of(clean_name(f"a{stem}.{extension}")) == extension.lower()


def test_an_extension_is_what_follows_the_last_dot() -> None:
    names = {"a.JPG": "jpg", "a.tar.gz": "gz", "a": "", "No. 5": "", "a.": "", "a.b c": ""}
    assert {name: extension_of(name) for name in names} == names


def test_a_file_name_is_the_end_of_its_path_in_nfc_on_one_line() -> None:
    names = {
        "C:\\Users\\me\\beach.jpg": "beach.jpg",
        "../../.bashrc": "bashrc",
        "e\u0301te\u0301.jpg": "\u00e9t\u00e9.jpg",
        "\0evil\r\nname.jpg": "evil name.jpg",
    }
    assert {name: clean_name(name) for name in names} == names
