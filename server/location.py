"""Where a photo was taken, erased from its file in place."""

import mmap
import re
import struct
import zlib
from hashlib import md5
from typing import BinaryIO, NamedTuple

from .containers import Span, find_metadata, mapped


def erase_location(file: BinaryIO, photo_format: str) -> bool:
    """Whether there was any. `file` is open for update ("r+b") and keeps its length; nothing
    else in it changes. Raises BrokenContainer for a file that is no photo of this format."""
    erased = False
    with mapped(file, mmap.ACCESS_WRITE) as data:
        for block in find_metadata(data, photo_format):
            before = block.read(data)
            after = _without_place(block.kind, before)
            if after == before:
                continue
            erased = True
            block.write(data, after)
            if block.kind == "extended xmp":
                _rename_packet(data, before, after)
    return erased


def _without_place(kind: str, content: bytes) -> bytes:
    if kind == "exif":
        return _blank_xmp(_erase_gps(content))  # tag 700 holds XMP
    if kind in _PNG_TEXT:
        return _blank_png_text(kind, content)
    if kind == "quicktime place":
        return b"free".ljust(len(content), b"\0")
    return _blank_xmp(content)


def _rename_packet(data: mmap.mmap, before: bytes, after: bytes) -> None:
    """An extended packet is found by its MD5, in its segments and in xmpNote:HasExtendedXMP."""
    old, new = (md5(packet, usedforsecurity=False).hexdigest() for packet in (before, after))
    for match in list(re.finditer(old.encode(), data, re.IGNORECASE)):
        data[match.start() : match.end()] = new.upper().encode()


# EXIF: a TIFF file in small (Exif 3.0, 4.5 and 4.6)

_TIFF_HEADER = re.compile(rb"II(?:\*\0|\0\*)|MM(?:\0\*|\*\0)")  # as leniently as Pillow
_GPS = 0x8825
_SUB_DIRECTORIES = (0x014A, 0x8769, 0xA005)  # SubIFDs, Exif, Interoperability
_LOCATED_BYTES = {0x0201: 0x0202, 0x0111: 0x0117}  # a thumbnail's offset: its length
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
# No camera comes near; a hostile block must not cost seconds.
_MOST_DIRECTORIES = 16
_MOST_ENTRIES = 1_000


class _Entry(NamedTuple):
    tag: int
    kind: int
    length: int
    value: int  # or the offset of the values, when they are longer than 4 bytes

    @property
    def outside(self) -> Span | None:
        size = self.length * _TYPE_BYTES.get(self.kind, 1)
        return (self.value, self.value + size) if size > 4 else None

    @property
    def is_gps(self) -> bool:
        return self.tag == _GPS and self.length == 1 and self.kind in (3, 4, 9, 13)


class _Directory(NamedTuple):
    start: int
    end: int  # of the entries; there stands the offset of the next directory
    entries: list[_Entry]

    @property
    def outside(self) -> list[Span]:
        """Where values stand, and thumbnails."""
        values = {entry.tag: entry.value for entry in self.entries}
        located = [
            (values[offset], values[offset] + values[length])
            for offset, length in _LOCATED_BYTES.items()
            if offset in values and length in values
        ]
        return located + [entry.outside for entry in self.entries if entry.outside]


class _Tiff:
    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)
        self.order = "<" if content.startswith(b"I") else ">"

    def numbers(self, layout: str, position: int) -> tuple[int, ...]:
        """Zeros where the block has already ended."""
        size = struct.calcsize(self.order + layout)
        there = self.content[position : position + size]
        return struct.unpack(self.order + layout, there.ljust(size, b"\0"))

    def directory(self, start: int) -> _Directory:
        count = min(self.numbers("H", start)[0], max(0, len(self.content) - start - 2) // 12)
        count = count if count <= _MOST_ENTRIES else 0
        end = start + 2 + 12 * count
        entries = map(
            _Entry._make, struct.iter_unpack(self.order + "HHII", self.content[start + 2 : end])
        )
        return _Directory(start, end, [self._with_short(entry) for entry in entries])

    def _with_short(self, entry: _Entry) -> _Entry:
        if (entry.kind, entry.length) != (3, 1):
            return entry
        return entry._replace(
            value=entry.value & 0xFFFF if self.order == "<" else entry.value >> 16
        )

    def directories(self) -> list[_Directory]:
        """IFD0 and whatever it leads to, but for the GPS directory."""
        found: dict[int, _Directory] = {}
        waiting = list(self.numbers("I", 4))
        while waiting and len(found) < _MOST_DIRECTORIES:
            start = waiting.pop()
            if start < 8 or start >= len(self.content) or start in found:
                continue
            directory = found[start] = self.directory(start)
            for entry in directory.entries:
                if entry.tag in _SUB_DIRECTORIES:
                    several = self.numbers(f"{min(entry.length, 8)}I", entry.value)
                    waiting += several if entry.outside else [entry.value]
            waiting += self.numbers("I", directory.end)
        return list(found.values())

    def remove_pointers(self, directory: _Directory, is_claimed: bool) -> None:
        """The entries behind move up, and with them the offset of the next directory; where that
        stood, some writers who leave it out have already put a value: `is_claimed`."""
        entries = [
            self.content[position : position + 12]
            for position, entry in zip(
                range(directory.start + 2, directory.end, 12), directory.entries, strict=True
            )
            if not entry.is_gps
        ]
        removed = len(directory.entries) - len(entries)
        count = self.numbers("H", directory.start)[0] - removed
        after = struct.pack(self.order + "I", *self.numbers("I", directory.end))
        table = struct.pack(self.order + "H", count) + b"".join(entries) + after
        end = directory.end if is_claimed else min(directory.end + 4, len(self.content))
        self.content[directory.start : end] = table.ljust(end - directory.start, b"\0")

    def clear(self, spans: list[Span], but: list[Span]) -> None:
        before = bytes(self.content)
        for start, end in _merged(spans, len(before)):
            self.content[start:end] = bytes(end - start)
        for start, end in _merged(but, len(before)):
            self.content[start:end] = before[start:end]


def _merged(spans: list[Span], size: int) -> list[Span]:
    """The same bytes once, within the block."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            start, end = merged[-1][0], max(merged.pop()[1], end)
        merged.append((min(start, size), min(end, size)))
    return merged


def _erase_gps(content: bytes) -> bytes:
    """The GPS directory, its values and every pointer to it; no byte that another entry claims."""
    header = _TIFF_HEADER.search(content)
    if not header:
        return content
    tiff = _Tiff(content[header.start() :])
    directories = tiff.directories()
    starts = {entry.value for one in directories for entry in one.entries if entry.is_gps}
    if not starts:
        return content
    gps = [tiff.directory(start) for start in sorted(starts)[:_MOST_DIRECTORIES]]
    outside = [span for directory in directories for span in directory.outside]
    tiff.clear(
        [span for one in gps if one.entries for span in [(one.start, one.end + 4), *one.outside]],
        but=[(0, 8), *((d.start, d.end + 4) for d in directories), *outside],
    )
    for directory in directories:
        if any(entry.is_gps for entry in directory.entries):
            end = directory.end
            is_claimed = any(start < end + 4 and end < stop for start, stop in outside)
            tiff.remove_pointers(directory, is_claimed)
    return content[: header.start()] + tiff.content


# XMP

# Local names, in whatever namespace: exif:GPSLatitude, drone-dji:GpsLongtitude (so spelt),
# drone-dji:AbsoluteAltitude; and geo:lat of the W3C. Not a declaration xmlns:gps.
_NAME = (
    r"(?!xmlns:)(?:(?:[\w.-]{1,64}:)?(?:gps[\w.-]*|[\w-]{0,32}?(?:(?:lat|longt?)itude|altitude))"
    r"|geo:(?:lat|long|alt|lat_long))(?![\w.:-])"
)
_FLAGS = re.ASCII | re.IGNORECASE
_ATTRIBUTE = re.compile(rf"""(?<=\s){_NAME}\s*=\s*(?:"[^"<]*"|'[^'<]*')""", _FLAGS)
_TAG = re.compile(rf"<(/?)({_NAME})[^<>]*>", _FLAGS)
_ENCODINGS = {
    b"\0\0\0<": "utf-32-be",
    b"<\0\0\0": "utf-32-le",
    b"\0<": "utf-16-be",
    b"<\0": "utf-16-le",
}


def _blank_xmp(packet: bytes) -> bytes:
    """Spaces for every such attribute and element. By expressions, as lenient as the readers
    are, not by a parser; an element that nobody closes is none."""
    # Perhaps there is a byte order mark before the first "<".
    encoding = next((name for mark, name in _ENCODINGS.items() if mark in packet[:8]), "latin-1")
    try:
        text = packet.decode(encoding)  # UTF-8 too: names are ASCII, bytes stay bytes
    except UnicodeDecodeError:
        return packet
    spans = [match.span() for match in _ATTRIBUTE.finditer(text)] + _elements(text)
    kept, position = [], 0
    for start, end in _merged(spans, len(text)):
        units = len(text[start:end].encode(encoding)) // len(" ".encode(encoding))
        kept += [text[position:start], " " * units]
        position = end
    return "".join([*kept, text[position:]]).encode(encoding)


def _elements(text: str) -> list[Span]:
    """From each opening tag to the one that closes it, in one pass however many there are."""
    spans: list[Span] = []
    opened: list[re.Match[str]] = []
    for tag in _TAG.finditer(text):
        if tag[0].endswith("/>"):
            spans.append(tag.span())
        elif not tag[1]:
            opened.append(tag)
        while tag[1] and opened:
            opening = opened.pop()
            if opening[2] == tag[2]:
                spans.append((opening.start(), tag.end()))
                break
    return spans


# Text chunks of PNG (11.3.3): keyword, perhaps flags and languages, text

_PNG_TEXT = {
    "tEXt": re.compile(rb"([^\0]*)\0"),
    "zTXt": re.compile(rb"([^\0]*)\0(\0)"),
    "iTXt": re.compile(rb"([^\0]*)\0(?:(\x01)\0|\0.)[^\0]*\0[^\0]*\0", re.DOTALL),
}
_MOST_TEXT_BYTES = 1 << 20  # Pillow refuses a photo with more in one chunk
# ImageMagick's and exiftool's way before eXIf: a name, the number of bytes, the bytes in hex.
_RAW_PROFILE = re.compile(rb"\s*[^\n]*\n\s*\d+\s*\n")


def _blank_png_text(kind: str, chunk: bytes) -> bytes:
    head = _PNG_TEXT[kind].match(chunk)
    if not head:
        return chunk
    before, is_compressed = chunk[head.end() :], head.lastindex == 2
    room = len(before)
    if is_compressed:
        inflate = zlib.decompressobj()
        try:
            before = inflate.decompress(before, _MOST_TEXT_BYTES)
        except zlib.error:
            return chunk
        if inflate.unconsumed_tail:
            return chunk
    after = _blank_text(head[1], before)
    if after == before:
        return chunk
    if is_compressed:
        # What blanking freed stands as zeros behind the stream, which says itself where it ends.
        # Packed better than zlib can, it may not fit any more: then the text is gone.
        after = zlib.compress(after, 9)
        after = after if len(after) <= room else zlib.compress(b"")
    return head[0] + after.ljust(room, b"\0")


def _blank_text(keyword: bytes, text: bytes) -> bytes:
    if re.match(rb"(?:[\w-]+:)?gps", keyword, re.IGNORECASE):  # ImageMagick's exif:GPSLatitude
        return b" " * len(text)
    head = _RAW_PROFILE.match(text)
    if not keyword.lower().startswith(b"raw profile type") or not head:
        return _blank_xmp(text)
    try:
        profile = bytes.fromhex(text[head.end() :].decode("ascii"))
    except ValueError:
        return text
    digits = iter(_blank_xmp(_erase_gps(profile)).hex().encode())
    renewed = re.sub(rb"\w", lambda _: bytes([next(digits)]), text[head.end() :])
    return head[0] + renewed if renewed.lower() != text[head.end() :].lower() else text
