"""File names: whatever is sent, the name that is shown is safe."""

import unicodedata

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from dropwall.names import (
    MAX_NAME_BYTES,
    as_jpeg,
    clean_guest_name,
    clean_photo_name,
    extension_of,
    fold_for_search,
    fold_name,
)
from tests.support.photos import photo_bytes
from tests.support.visitors import Send, listed_photos, take_name


@settings(max_examples=50)
@given(st.text() | st.text(alphabet="ab./\\ \u202e\u200f\0\r\n'\"<>%é👩\u200d", max_size=300))
def test_any_file_name_becomes_short_and_safe(sent: str) -> None:
    name = clean_photo_name(sent)
    assert 1 <= len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set("/\\\0\r\n\u202e\u200f\u2028\ue000\ufdd0\uffff\U0010ffff")
    assert not {"Cc", "Cs", "Co", "Zl", "Zp"} & set(map(unicodedata.category, name))
    assert not name.startswith((".", "\u200d"))
    assert fold_name(name)
    assert name == unicodedata.normalize("NFC", name) == clean_photo_name(name)


@settings(max_examples=20)
@given(st.text("aé写👩 .\u202e\0", min_size=300), st.sampled_from(["jpg", "HEIC", "jfif"]))
def test_a_long_file_name_keeps_its_extension(stem: str, extension: str) -> None:
    assert extension_of(clean_photo_name(f"a{stem}.{extension}")) == extension.lower()


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("IMG_0001.HEIC", "IMG_0001.jpg"),
        ("a.heif", "a.jpg"),
        ("写真", "写真.jpg"),
        ("No. 5", "No. 5.jpg"),
        ("report.pdf.avif", "report.pdf.jpg"),
        ("é" * 127 + "a", "é" * 125 + ".jpg"),
    ],
)
def test_a_photo_that_was_made_a_jpeg_is_called_so(name: str, saved: str) -> None:
    assert as_jpeg(name) == saved


def test_an_extension_is_what_follows_the_last_dot() -> None:
    """Unless it cannot be one."""
    names = {"a.JPG": "jpg", "a.tar.gz": "gz", "a": "", "No. 5": "", "a.": "", "a.b c": ""}
    names |= {"a.3gp": "3gp", "a.7Z": "7z", "v1.2": "", "2026.01.02": "", "a.\u212aexe": ""}
    assert {name: extension_of(name) for name in names} == names


WRITTEN = (
    *("علی‌رضا", "नमस्‍ते", "👩‍🚀", "❤️", "🩷🫩", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👋🏽", "葛󠄀", "\U0001fae9", "\U0003fff0", "क्‍ष"),
    *("ᠮᠣᠩᠭᠣᠯ᠋", "ไทย", "שָׁלוֹם", "\u0601٣", "🇩🇪", "①", "한글", "Zoë “Z”", "a\u00adb", "\U00010d50"),
)
"""Joiners, variation selectors, tags, marks, and what is newer than the Unicode of any Python."""


@pytest.mark.parametrize("written", WRITTEN)
def test_whatever_script_or_emoji_a_name_is_written_in_stays(
    client: FlaskClient, send: Send, written: str
) -> None:
    assert send((f"{written}.png", photo_bytes("png"))).status_code == 204
    take_name(client, f"{written} {written}")
    [photo] = listed_photos(client)
    assert photo["name"] == f"{written}.png"
    assert photo["by"]["name"] == f"{written} {written}"


UNSEEN = ("\u200c", "\u200b\u2060", "\ufe0f\u00ad", "\U000e0067\U000e007f", "\u3164", "\U00013430")


def test_a_name_of_what_cannot_be_seen_is_none() -> None:
    for unseen in UNSEEN:
        assert (clean_photo_name(unseen), clean_guest_name(unseen)) == ("photo", ""), ascii(unseen)
        assert clean_photo_name(f"{unseen}.jpg") == "jpg"


@pytest.mark.parametrize(
    "character", ["👩‍👩‍👧‍👦", "🇩🇪", "👋🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "e\u0323\u0302", "写", "葛󠄀"]
)
def test_a_long_name_is_cut_between_characters(character: str) -> None:
    character = unicodedata.normalize("NFC", character)
    for before in range(8):
        name = clean_photo_name("a" * before + 300 * character + ".jpg")
        stem, dot, ending = name.rpartition(".")
        assert (dot, ending) == (".", "jpg")
        assert stem == "a" * before + character * stem.count(character)
        assert len(stem.encode()) > MAX_NAME_BYTES - 5 - len(character.encode())


def test_a_file_name_is_the_end_of_its_path_in_nfc_on_one_line() -> None:
    names = {
        "C:\\Users\\me\\beach.jpg": "beach.jpg",
        "../../.bashrc": "bashrc",
        "e\u0301te\u0301.jpg": "\u00e9t\u00e9.jpg",
        "\0evil\r\nname.jpg": "evil name.jpg",
    }
    assert {name: clean_photo_name(name) for name in names} == names


def test_letters_with_a_stroke_are_found_without_it_where_there_is_such_a_letter() -> None:
    assert fold_for_search("Søren Wałęsa") == "soren walesa"
    assert fold_for_search("ƛ") == "ƛ"  # there is no LATIN SMALL LETTER LAMBDA
