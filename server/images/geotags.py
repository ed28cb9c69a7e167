"""Finds and blanks geotags: GPS and place names in Exif, XMP and IPTC, and the place of a film.

Each standard has a section below. The container does not matter: every one of them is found by how
it begins, in any part of a file."""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from itertools import islice

from ..refusals import BrokenContainer
from .formats import Span
from .heif import boxes

Data = mmap.mmap | bytearray

_MAX_FOUND = 500  # of each kind, in a part of a file
_MAX_READ_BYTES = 64 << 20  # copied or unpacked while searching, in one photo


class Budget:
    """The bytes that may still be read of a photo: a small file may unpack to many, and refer to
    the same ones many times."""

    def __init__(self) -> None:
        self._bytes = _MAX_READ_BYTES

    def spend(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise BrokenContainer("This has more metadata than any photo.")


def erase_geotags(data: Data, start: int, end: int, budget: Budget) -> bool:
    """Erase every geotag in a part of a file, and return whether there were any. Raises
    BrokenContainer where there is more to read than in any photo."""
    exif = [at for header in _TIFF for at in _find(data, header, start, end)]
    spans = [(at, _exif_end(data, at, end)) for at in exif]
    erased = [rewrite(data, span, _erase_exif, budget) for span in spans]
    erased += [blank_xmp(data, *span) for span in _xmp_packets(data, start, end)]
    for at in _find(data, b"8BIM\x04\x04", start, end):
        erased.append(rewrite(data, _resource(data, at, end), erase_iptc, budget))
    erased += [_erase_film(data, *span) for span in _films(data, start, end)]
    return any(erased)


def rewrite(data: Data, span: Span, change: Callable[[bytes], bytes], budget: Budget) -> bool:
    """Replace a part of the data by its `change`, which keeps the length; return whether anything
    changed."""
    budget.spend(span[1] - span[0])
    before = bytes(data[slice(*span)])
    after = change(before)
    data[slice(*span)] = after
    return after != before


def _find(data: Data, beginning: bytes, start: int, end: int) -> Iterator[int]:
    for _ in range(_MAX_FOUND):
        at = data.find(beginning, start, end)
        if at < 0:
            return
        yield at
        start = at + 1
    raise BrokenContainer("This has more metadata than any photo.")


# Exif: a TIFF file within the photo (Exif 3.0, 4.5 and 4.6). Its first four bytes come up in coded
# pixels too, once in 2 GB; a directory with a GPS pointer behind them does not.

_TIFF = (b"II*\0", b"MM\0*")
_GPS, _IPTC = 0x8825, 0x83BB
_SUB_DIRECTORIES = (0x014A, 0x8769)  # SubIFDs, Exif
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_DIRECTORIES = 8
_MAX_ENTRIES = 500  # no camera comes near
_MAX_GPS_TAG = 0x1F
_MAX_EXIF_BYTES = 4 << 20  # in a JPEG segment 64 KiB; elsewhere large MakerNotes may come first


def _exif_end(data: Data, start: int, end: int) -> int:
    """Find where Exif ends at most: in a JPEG with its segment; elsewhere only its offsets tell."""
    behind = start + _MAX_EXIF_BYTES
    if data[start - 10 : start - 8] == b"\xff\xe1":
        behind = start - 8 + int.from_bytes(data[start - 8 : start - 6])
    return min(behind, end)


def _erase_exif(exif: bytes) -> bytes:
    """Return Exif without its GPS directories, their values, the pointers to them, and places in
    IPTC."""
    block = bytearray(exif)
    pending = [int.from_bytes(block[4:8], "little" if block.startswith(b"I") else "big")]
    seen: set[int] = set()
    while pending and len(seen) < _MAX_DIRECTORIES:
        start = pending.pop()
        if start < 8 or start in seen:
            continue
        seen.add(start)
        directory = _Directory(block, start)
        pending += [*directory.pointers(*_SUB_DIRECTORIES), directory.next_start()]
        iptc = [entry for entry in directory.entries if entry[0] == _IPTC]
        for first, behind in directory.values(iptc):
            block[first:behind] = erase_iptc(bytes(block[first:behind]))
        for gps_start in directory.pointers(_GPS):
            if gps_start >= 8 and gps_start not in seen:
                _Directory(block, gps_start).clear_gps()
            directory.remove(_GPS)
    return bytes(block)


class _Directory:
    """An image file directory (IFD): entries of a tag, type, count, and value or its offset."""

    def __init__(self, block: bytearray, start: int) -> None:
        self._block = block
        self._order = "<" if block.startswith(b"I") else ">"
        self.start = start
        count = self._number(start, 2)
        self.end = start + 2 + 12 * count  # of the entries; the next directory's offset follows
        if count > _MAX_ENTRIES or self.end > len(block):
            self.end = start
        table = block[start + 2 : self.end]
        self.entries = list(struct.iter_unpack(self._order + "HHII", table))

    def _number(self, position: int, size: int) -> int:
        digits = self._block[position : position + size]
        return int.from_bytes(digits, "little" if self._order == "<" else "big")

    def next_start(self) -> int:
        return self._number(self.end, 4) if self.entries else 0

    def pointers(self, *tags: int) -> list[int]:
        return [value for tag, _kind, count, value in self.entries if tag in tags and count == 1]

    def values(self, entries: list[tuple[int, ...]]) -> Iterator[Span]:
        """Where the values stand that are too long for their entry."""
        for _tag, kind, count, value in entries:
            size = count * _TYPE_BYTES.get(kind, 1)
            if size > 4 and value + size <= len(self._block):
                yield value, value + size

    def clear_gps(self) -> None:
        """Zero the directory and its values, unless a wrong pointer led here: then its tags are no
        GPS tags."""
        gps = [entry for entry in self.entries if entry[0] <= _MAX_GPS_TAG]
        for start, end in [*self.values(gps), (self.start, self.end) if gps else (0, 0)]:
            self._block[start:end] = bytes(end - start)

    def remove(self, tag: int) -> None:
        """Remove the tag's entries; those behind, and the next directory's offset, move up."""
        kept = [entry for entry in self.entries if entry[0] != tag]
        table = struct.pack(self._order + "H", len(kept))
        table += b"".join(struct.pack(self._order + "HHII", *entry) for entry in kept)
        # Some files leave that offset out, and a value stands in its place.
        is_last = any(start == self.end for start, _ in self.values(self.entries))
        end = self.end if is_last else min(self.end + 4, len(self._block))
        table += self._block[self.end : end]
        self._block[self.start : end] = table.ljust(end - self.start, b"\0")


# XMP. Positions are erased in every namespace: names that begin with GPS or end in latitude, such
# as exif:GPSLatitude, drone-dji:GpsLongtitude (so spelt), drone-dji:AbsoluteAltitude; and geo:lat
# of the W3C; not a declaration xmlns:gps. Place names are erased only in the namespaces of photos,
# under the prefixes that the packet declares: elsewhere a State may be that of some work. The
# country stays.

_RDF = re.compile(rb"<([^\s<>/\"'=:]{1,64}):RDF[\s>]")
_NAME = (
    rb"(?:(?!xmlns:)(?:[\w.-]{1,64}:)?(?:gps[\w.-]*|[\w-]{0,32}?(?:(?:lat|longt?)itude|altitude))"
    rb"|geo:(?:lat|long|alt|lat_long)"
    rb"|(?P<prefix>[^\s<>/\"'=:]{1,64}:)?(?P<place>City|State|Location|Sublocation|ProvinceState"
    rb"|LocationCreated|LocationShown|LocationName|LocationId|shotLocation))(?![\w.:-])"
)
_ATTRIBUTE = re.compile(
    rb"""\s(?=\S)(?=(?P<all>%s\s*=\s*(?:"[^"<]*"|'[^'<]*')))""" % _NAME, re.IGNORECASE
)
_TAG = re.compile(rb"<(?P<slash>/?)(?P<name>%s)[^<>]*>" % _NAME, re.IGNORECASE)
_PLACE_PREFIXES = {b"photoshop:", b"iptc4xmpcore:", b"iptc4xmpext:", b"xmpdm:", b"mediapro:"}
_PLACE_NAMESPACE = re.compile(
    rb"xmlns(?::([^\s<>/\"'=:]{1,64}))?\s*=\s*[\"'](?:http://ns\.adobe\.com/photoshop/1\.0/"
    rb"|http://iptc\.org/std/Iptc4xmp(?:Core|Ext)/|http://ns\.adobe\.com/xmp/1\.0/DynamicMedia/"
    rb"|http://ns\.iview-multimedia\.com/mediapro/)"
)
_MAX_UNCLOSED_BYTES = 8 << 20  # of a packet without an end
_MAX_PLACES = 100_000


def _xmp_packets(data: Data, start: int, end: int) -> Iterator[Span]:
    """Yield where each RDF element stands, without its closing tag."""
    behind = start
    for at in _find(data, b":RDF", start, end):
        opening = _RDF.match(data, max(data.rfind(b"<", max(start, at - 65), at), 0))
        if at < behind or not opening or opening.end() < at:
            continue
        closing = data.find(b"</%s:RDF" % opening[1], at, end)
        behind = closing if closing >= 0 else min(at + _MAX_UNCLOSED_BYTES, end)
        yield opening.start(), behind


def blank_xmp(data: Data, start: int, end: int) -> bool:
    """Overwrite every geotag, attribute or element, with spaces; return whether there were any.
    Regular expressions are as lenient as readers of XMP, as no parser is. An element without a
    closing tag is none."""
    declared = _PLACE_NAMESPACE.finditer(data, max(start - 1024, 0), end)
    prefixes = {match[1].lower() + b":" if match[1] else b"" for match in declared}
    prefixes |= _PLACE_PREFIXES

    def find(pattern: re.Pattern[bytes]) -> list[re.Match[bytes]]:
        matches = pattern.finditer(data, start, end)
        geotags = (m for m in matches if not m["place"] or (m["prefix"] or b"").lower() in prefixes)
        return list(islice(geotags, _MAX_PLACES))

    attributes, tags = find(_ATTRIBUTE), find(_TAG)
    if _MAX_PLACES in (len(attributes), len(tags)):
        raise BrokenContainer("This has more places than any photo.")
    opened: list[tuple[bytes, int]] = []
    elements: list[Span] = []
    for match in tags:
        first, behind = match.span()
        if not match["slash"] and not match[0].endswith(b"/>"):
            opened.append((match["name"], first))
            continue
        while match["slash"] and opened:
            opened_name, opened_at = opened.pop()
            if opened_name == match["name"]:
                first = opened_at
                break
        if first < match.start() or not match["slash"]:
            while elements and elements[-1][0] > first:
                elements.pop()
            elements.append((first, behind))
    for first, behind in [*(match.span("all") for match in attributes), *elements]:
        data[first:behind] = b" " * (behind - first)
    return bool(attributes or elements)


# IPTC IIM: datasets of a marker, record, number, length and value, in the Photoshop resource (8BIM)
# 0x0404, which has a name and a length. Erased: content location name, city, sublocation, state.

_IPTC_PLACES = [bytes((2, number)) for number in (27, 90, 92, 95)]


def _resource(data: Data, start: int, end: int) -> Span:
    """Find where the content of a Photoshop resource stands; its name is padded to an even size."""
    at = start + 6 + (int.from_bytes(data[start + 6 : start + 7]) + 2) // 2 * 2
    return min(at + 4, end), min(at + 4 + int.from_bytes(data[at : at + 4]), end)


def erase_iptc(block: bytes) -> bytes:
    """Return IPTC without its datasets of places. Those behind move up, and zeros at the end, as
    some programs write anyway, keep the length."""
    kept, position = [], 0
    while block[position : position + 1] == b"\x1c":
        begin = position + 5
        size = int.from_bytes(block[begin - 2 : begin])
        if size & 0x8000:  # then it is the length of the length
            begin += size & 0x7FFF
            size = int.from_bytes(block[position + 5 : begin])
        if block[position + 1 : position + 3] not in _IPTC_PLACES:
            kept.append(block[position : begin + size])
        position = begin + size
    return (b"".join(kept) + block[position:]).ljust(len(block), b"\0")


# Films, as in a motion photo: boxes within a `moov` box. The position (ISO 6709) or the name of a
# place is in Android's \xa9xyz, in 3GPP's loci (TS 26.244, 8.2), and in Apple's items, whose keys
# stand apart (com.apple.quicktime.location.ISO6709).

_FILM = re.compile(rb"moov.{4}[a-z]{4}", re.DOTALL)
_FILM_PLACE = re.compile(rb"\xa9xyz|loci\0{4}")
_FILM_KEYS = re.compile(rb"keys\0{4}(.{4})", re.DOTALL)
_FILM_PLACE_KEY = re.compile(rb"location|gps|latitude|longitude", re.IGNORECASE)
_MAX_FILM_KEYS = 1_000
_MAX_KEY_BYTES = 1_000
_MAX_KEY_BOXES = 50  # a film's own, and those of its tracks
_MAX_FILM_PLACE_BYTES = 4_096
_MAX_APART_BYTES = 64 * 1024  # between keys and their items, which mostly follow at once


def _films(data: Data, start: int, end: int) -> Iterator[Span]:
    """Yield where each `moov` box stands."""
    behind = start
    for at in _find(data, b"moov", start, end):
        if at >= behind and _FILM.match(data, at):
            size = int.from_bytes(data[max(at - 4, 0) : at])
            behind = min(at - 4 + size, end) if size > 1 else end
            yield at, behind


def _erase_film(data: Data, start: int, end: int) -> bool:
    """Turn boxes and items of places into `free` boxes; return whether there were any."""
    found = [match.start() - 4 for match in _FILM_PLACE.finditer(data, start, end)]
    for keys in list(islice(_FILM_KEYS.finditer(data, start, end), _MAX_KEY_BOXES)):
        location_keys, at = [], keys.end()
        for number in range(min(int.from_bytes(keys[1]), _MAX_FILM_KEYS)):
            behind = at + max(int.from_bytes(data[at : at + 4]), 8)
            if _FILM_PLACE_KEY.search(data, at + 8, min(behind, at + _MAX_KEY_BYTES, end)):
                location_keys.append((number + 1).to_bytes(4))
            at = behind
        items = data.find(b"ilst", at, min(at + _MAX_APART_BYTES, end))
        if items < 0:
            items = data.rfind(b"ilst", max(start, keys.start() - _MAX_APART_BYTES), keys.start())
        behind = min(items - 4 + int.from_bytes(data[items - 4 : items]), end)
        if items > start:
            for key, begin, _ in boxes(data, items + 4, behind):
                if key in location_keys:
                    found.append(begin - 8)
    is_erased = False
    for at in found:
        size = int.from_bytes(data[at : at + 4])
        if 8 < size <= min(_MAX_FILM_PLACE_BYTES, end - at):
            data[at + 4 : at + size] = b"free".ljust(size - 4, b"\0")
            is_erased = True
    return is_erased
