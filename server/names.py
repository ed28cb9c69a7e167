"""Names of photos and people: made safe to show and to send, compared, and searched."""

import re
import unicodedata
from functools import lru_cache

from .refusals import LongName

MAX_NAME_BYTES = 255
MAX_GUEST_NAME = 60
# An extension is two to five ASCII letters and digits, a letter first: there is none in `v1.2`,
# `2026.01.02` or `St. Moritz`. These few begin with a digit.
_EXTENSION = re.compile(r"\.([a-z][a-z0-9]{1,4}|3g[p2]|3gpp|7z)\Z", re.ASCII | re.IGNORECASE)
# Control characters, surrogates, private use, line and paragraph separators: Unicode's general
# categories. What is unassigned may be an emoji that is newer than this Python.
_UNSAFE_CATEGORIES = frozenset(["Cc", "Cs", "Co", "Zl", "Zp"])
# Marks that turn the direction of the text (Bidi_Control); what is invisible and no script needs;
# letters and symbols that are drawn as blanks; noncharacters.
_UNSAFE = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb\U000e0000-\U000e001f\U000e0080-\U000e00ff"
    "\U000e01f0-\U000e0fff\u115f\u1160\u3164\uffa0\u2800\ufdd0-\ufdef]"
)
_JOINERS = "\u200c\u200d"
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # two of them are a flag

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties: joiners, variation selectors and
# others that are not drawn by themselves; and the place of an object that is not there, a note
# without a head, and what arranges hieroglyphs.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ufffc\U0001d159\U00013430-\U00013440]"
)
_KEPT_MARKS = (8, 9)
"""Combining classes that are no accents: the voicing of kana, and the virama of Indic scripts."""
# Letters that Unicode does not decompose: the dotless i and j, eng, eth and apostrophes; ae, oe,
# thorn and the stretched line of Arabic; its forms of alef, yeh, kaf and heh in other languages.
_ALIKE = (
    str.maketrans("\u0131\u0237\u014b\u00f0\u02bc\u2019", "ijnd''")
    | str.maketrans({"\u00e6": "ae", "\u0153": "oe", "\u00fe": "th", "\u0640": ""})
    | str.maketrans("\u0671\u0649\u06cc\u06a9\u0629", "\u0627\u064a\u064a\u0643\u0647")
    | str.maketrans("\u06c1\u06be", "\u0647\u0647")
)


def clean_guest_name(sent: str) -> str:
    """Clean a person's name, on one line; empty when nothing of it can be seen. Raises LongName."""
    name = _clean(sent).strip(" " + _JOINERS)
    if len(name) > MAX_GUEST_NAME:
        raise LongName
    return name if fold_name(name) else ""


def fold_name(sent: str) -> str:
    """Make two names equal that a person would call the same: in upper or lower case, in full or
    half width, with or without blanks around or what cannot be seen. This is Unicode's
    NFKC_Casefold, on one line."""
    return " ".join(_fold(_IGNORED.sub("", unicodedata.normalize("NFKC", _clean(sent)))).split())


def former_fold_name(sent: str) -> str:
    """Fold as former versions did, which stored accounts by it: nothing is ignored."""
    return _fold(_clean(sent))


def fold_for_search(text: str) -> str:
    """Make texts equal that a person would type for each other: without accents, in lower case, in
    full or half width, of any script. Rows keep it: a change needs a migration such as 0011."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", _IGNORED.sub("", text))
    plain = "".join(c for c in letters if unicodedata.combining(c) in (0, *_KEPT_MARKS))
    folded = "".join(map(_without_stroke, plain.casefold())).translate(_ALIKE)
    return unicodedata.normalize("NFC", folded)


def clean_photo_name(sent: str) -> str:
    """Clean a photo's name: the last part of whatever path was sent, in NFC, on one line, without
    characters that change its direction, cut to 255 bytes of UTF-8 before its extension. `photo`
    when nothing is left that can be seen."""
    name = _clean(re.split(r"[/\\]", sent)[-1]).rstrip(". " + _JOINERS)
    name = re.sub(rf"\A([. ]|{_IGNORED.pattern})+", "", name)
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name or "photo"
    extension = _EXTENSION.search(name)
    ending = extension[0] if extension else ""
    return cut(name.removesuffix(ending), MAX_NAME_BYTES - len(ending)) + ending


def extension_of(name: str) -> str:
    """Return a name's extension in lower case, without its dot; empty if there is none, as in
    `v1.2`."""
    extension = _EXTENSION.search(name)
    return extension[1].lower() if extension else ""


def with_extension(name: str, extension: str) -> str:
    """Return the name under which a visitor saves a photo, with an extension if it had none: to
    Windows and others, the end of a name tells what is in the file."""
    if extension_of(name):
        return name
    return cut(name, MAX_NAME_BYTES - len(extension) - 1) + "." + extension


def as_jpeg(name: str) -> str:
    """Return the name of a photo that was made a JPEG: `IMG_1.HEIC` becomes `IMG_1.jpg`."""
    return cut(_EXTENSION.sub("", name), MAX_NAME_BYTES - len(".jpg")) + ".jpg"


def cut(name: str, most_bytes: int) -> str:
    """Cut a name after the last whole character, as people count them, within so many bytes."""
    if len(name.encode()) <= most_bytes:
        return name
    longest = kept = name.encode()[:most_bytes].decode(errors="ignore")
    while kept and _goes_on(kept, name[len(kept)]):
        kept = kept[:-1]
    return (kept or longest).rstrip(". " + _JOINERS)


def _clean(sent: str) -> str:
    """Write on one line, in NFC, without what cannot be seen or changes the direction of others."""
    kept = ""
    for character in unicodedata.normalize("NFC", sent):
        is_character = ord(character) & 0xFFFE != 0xFFFE  # the last two of each plane are none
        category = unicodedata.category(character)
        is_safe = is_character and category not in _UNSAFE_CATEGORIES
        kept += character if is_safe and not _UNSAFE.match(character) else " "
    return " ".join(kept.split())


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _goes_on(text: str, following: str) -> bool:
    """Whether what follows belongs to the text's last character: a mark, a joiner or what it joins,
    a skin tone, a flag's second half. Nearly what Unicode's TR 29 says of grapheme clusters."""
    if following in _FLAG_LETTERS:
        return (len(text) - len(text.rstrip(_FLAG_LETTERS))) % 2 == 1
    is_mark = unicodedata.category(following).startswith("M") or _IGNORED.match(following)
    return bool(is_mark) or text[-1] == "\u200d" or "\U0001f3fb" <= following <= "\U0001f3ff"


@lru_cache(4096)
def _without_stroke(letter: str) -> str:
    """Return `o` for `LATIN SMALL LETTER O WITH STROKE`, and so on, in every script."""
    if letter.isascii() or not letter.isalpha():
        return letter
    try:
        return unicodedata.lookup(unicodedata.name(letter).partition(" WITH ")[0])
    except (KeyError, ValueError):
        return letter
