"""Names: whatever is sent, what is shown is safe."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from server.names import MAX_NAME_BYTES, clean_name, extension_of

any_name = st.text() | st.text(alphabet="ab./\\ \u202e\u200f\0\r\n'\"<>%é👩\u200d", max_size=300)


@given(any_name)
def test_a_clean_name_is_short_on_one_line_and_goes_one_way(sent: str) -> None:
    name = clean_name(sent)
    assert 1 <= len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set("/\\\0\r\n\u202e\u200f\u2028")
    assert name.isprintable() or "\u200d" in name
    assert not name.startswith(".")
    assert name == unicodedata.normalize("NFC", name)


@given(any_name)
def test_a_clean_name_is_clean_already(sent: str) -> None:
    assert clean_name(clean_name(sent)) == clean_name(sent)


@given(st.text(min_size=300), st.sampled_from(["jpg", "HEIC", "jfif"]))
def test_a_long_name_keeps_its_extension(stem: str, extension: str) -> None:
    assert extension_of(clean_name(f"{stem}.{extension}")) in (extension.lower(), "")
    assert extension_of(clean_name(f"{'x' * 300}.{extension}")) == extension.lower()


def test_an_extension_is_what_follows_the_last_dot() -> None:
    names = {"a.JPG": "jpg", "a.tar.gz": "gz", "a": "", "No. 5": "", "a.": "", "a.b c": ""}
    assert {name: extension_of(name) for name in names} == names


def test_of_a_path_only_its_end_is_kept() -> None:
    assert clean_name("C:\\Users\\me\\beach.jpg") == "beach.jpg"
    assert clean_name("../../.bashrc") == "bashrc"


def test_a_name_stays_on_one_line() -> None:
    assert clean_name("\0evil\r\nname.jpg") == "evil name.jpg"
