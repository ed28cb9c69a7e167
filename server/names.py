"""What a photo is called: the visitor's own name for it, made safe to show and to send."""

import re
import unicodedata

from .formats import BY_EXTENSION

MAX_NAME_BYTES = 255
MAX_GUEST_NAME = 60
# Control, format (zero width, right-to-left marks), surrogate, private use and unassigned
# characters; line and paragraph separators: Unicode's general categories.
_UNSAFE_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])
# Letters and symbols that are drawn as nothing: Hangul fillers, the empty Braille cell.
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_ZERO_WIDTH_JOINER = "\u200d"  # "Cf", and harmless: it holds emoji and Indic letters together

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties: joiners, variation selectors and
# others that are not drawn by themselves; and the place of an object that is not there, and a note
# without a head.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ufffc\U0001d159]"
)


class LongName(ValueError):
    """A person's name of more than MAX_GUEST_NAME characters."""


def clean_guest_name(sent: str) -> str:
    """A person's name on one line; empty when nothing of it can be seen. Raises LongName."""
    name = _clean(sent).strip(" " + _ZERO_WIDTH_JOINER)
    if len(name) > MAX_GUEST_NAME:
        raise LongName
    return name if fold_name(name) else ""


def fold_name(sent: str) -> str:
    """The same for two names that a person would call the same: of letters in upper or lower case,
    in full or half width, with or without blanks around or what cannot be seen. This is Unicode's
    NFKC_Casefold, on one line."""
    return " ".join(_fold(_IGNORED.sub("", unicodedata.normalize("NFKC", _clean(sent)))).split())


def former_fold_name(sent: str) -> str:
    """As `fold_name` of former versions, by which accounts were kept: nothing is ignored."""
    return _fold(_clean(sent))


def clean_name(sent: str) -> str:
    """The last part of whatever path was sent, in NFC, on one line, without characters that
    change its direction or cannot be seen, of at most 255 bytes in UTF-8 with its extension
    kept. `photo` when nothing is left."""
    name = _clean(re.split(r"[/\\]", sent)[-1]).strip(". " + _ZERO_WIDTH_JOINER)
    return _shorten(name) or "photo"


def extension_of(name: str) -> str:
    """In lower case, without its dot; empty when there is none, as in `No. 5`."""
    extension = re.search(r"\.([^\s.]+)$", name)
    return extension[1].lower() if extension else ""


def file_name(name: str, extension: str) -> str:
    """What a photo of this name is called in a folder: with its extension, if it has none of its
    own, such as a pasted picture or a raw body."""
    return name if extension_of(name) in BY_EXTENSION else f"{name}.{extension}"


def _clean(sent: str) -> str:
    """In NFC, on one line, without what cannot be seen or changes the direction of the rest."""
    normal = unicodedata.normalize("NFC", sent)
    return " ".join("".join(c if _is_safe(c) else " " for c in normal).split())


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _is_safe(character: str) -> bool:
    if character == _ZERO_WIDTH_JOINER:
        return True
    return character not in _BLANKS and unicodedata.category(character) not in _UNSAFE_CATEGORIES


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = (dot + extension).encode()
    if not stem or len(ending) > 16:  # a dot somewhere in a long name, no extension
        stem, ending = name, b""
    shortened = stem.encode()[: MAX_NAME_BYTES - len(ending)]
    return shortened.decode(errors="ignore").rstrip() + ending.decode()
