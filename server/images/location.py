"""Where a photo was taken, erased from its file in place."""

import io
import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import BinaryIO

from ..refusals import BrokenContainer
from .avif import boxes
from .containers import Span, coded_pixels, mapped, png_chunks

Data = mmap.mmap | bytearray

_MOST_BLOCKS = 500
_MOST_SEGMENTS = 5_000  # 100 MiB of XMP have 1,600
_MOST_READ_BYTES = 64 << 20  # copied or unpacked while searching, in one photo


class _Budget:
    """What may still be read of a photo: a small file may unpack to much, and name much twice."""

    def __init__(self) -> None:
        self._bytes = _MOST_READ_BYTES

    def spend(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise BrokenContainer("This has more metadata than any photo.")


def erase_location(file: BinaryIO, photo_format: str) -> bool:
    """Whether there was any. `file` is open for update ("r+b") and keeps its length; nothing
    else in it changes. Raises BrokenContainer for a file that is no photo of this format.

    EXIF, XMP, IPTC and films stand in all formats as they are, so they are found by how they begin,
    wherever that is: in the second image of an MPO, in a preview behind the photo. Only PNG packs
    some, and JPEG splits what is too long for a segment.
    """
    budget = _Budget()
    with mapped(file, mmap.ACCESS_WRITE) as data:
        if photo_format == "png":
            return _erase_png(data, budget)
        erase = _erase_jpeg if photo_format == "jpg" else _erase_places
        start, end = coded_pixels(data, photo_format)
        erased = erase(data, 0, start, budget)
        return erase(data, end, len(data), budget) or erased


def _erase_places(data: Data, start: int, end: int, budget: _Budget) -> bool:
    exif = [at for header in _TIFF for at in _find(data, header, start, end)]
    spans = [(at, _exif_end(data, at, end)) for at in exif]
    erased = [_rewrite(data, span, _erase_exif, budget) for span in spans]
    erased += [_blank_xmp(data, *span) for span in _xmp_packets(data, start, end)]
    for at in _find(data, b"8BIM\x04\x04", start, end):
        erased.append(_rewrite(data, _resource(data, at, end), _erase_iptc, budget))
    erased += [_erase_film(data, *span) for span in _films(data, start, end)]
    return any(erased)


# Extended XMP (XMP part 3, 1.1.3.1) with the digest of its text and the part's offset in that, and
# Photoshop's resources.
_SPLIT = re.compile(
    rb"\xff(?:\xe1..http://ns\.adobe\.com/xmp/extension/\0(.{32}).{4}(.{4})"
    rb"|\xed..Photoshop 3\.0\0)",
    re.DOTALL,
)


def _erase_jpeg(data: Data, start: int, end: int, budget: _Budget) -> bool:
    """What is split is joined, and what stands between searched as it is."""
    segments = list(islice(_SPLIT.finditer(data, start, end), _MOST_SEGMENTS + 1))
    if len(segments) > _MOST_SEGMENTS:
        raise BrokenContainer("This has more metadata than any photo.")
    texts: dict[bytes | None, list[tuple[bytes, Span]]] = {}
    erased = False
    for segment in segments:
        first, begin = segment.start(), segment.end()
        erased |= first > start and _erase_places(data, start, first, budget)
        start = min(max(first + 2 + int.from_bytes(data[first + 2 : first + 4]), begin), end)
        texts.setdefault(segment[1], []).append((segment[2] or b"", (begin, start)))
    for parts in texts.values():
        spans = [span for _offset, span in sorted(parts, key=itemgetter(0))]
        text = bytearray()
        for first, behind in spans:
            budget.spend(behind - first)
            text += data[first:behind]
        if _erase_places(text, 0, len(text), budget):
            erased = True
            left = io.BytesIO(text)
            for first, behind in spans:
                data[first:behind] = left.read(behind - first)
    return _erase_places(data, start, end, budget) or erased


def _find(data: Data, beginning: bytes, start: int, end: int) -> Iterator[int]:
    for _ in range(_MOST_BLOCKS):
        at = data.find(beginning, start, end)
        if at < 0:
            return
        yield at
        start = at + 1
    raise BrokenContainer("This has more metadata than any photo.")


def _rewrite(data: Data, span: Span, change: Callable[[bytes], bytes], budget: _Budget) -> bool:
    """Whether `change`, which keeps the length, changed anything."""
    budget.spend(span[1] - span[0])
    before = bytes(data[slice(*span)])
    after = change(before)
    data[slice(*span)] = after
    return after != before


# EXIF: a TIFF file in small (Exif 3.0, 4.5 and 4.6). Those four bytes come up in coded pixels too,
# once in 2 GB; a directory with a GPS pointer behind them does not.

_TIFF = (b"II*\0", b"MM\0*")
_GPS = 0x8825
_IPTC = 0x83BB
_SUB_DIRECTORIES = (0x014A, 0x8769)  # SubIFDs, Exif
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MOST_DIRECTORIES = 8
_MOST_ENTRIES = 500  # no camera comes near
_MOST_GPS_TAG = 0x1F
_MOST_EXIF_BYTES = 4 << 20  # in a JPEG segment 64 KiB; elsewhere large MakerNotes may come first


class _Directory:
    """An image file directory: entries of tag, type, count and value, or the value's offset."""

    def __init__(self, block: bytearray, start: int) -> None:
        self._block = block
        self._order = "<" if block.startswith(b"I") else ">"
        self.start = start
        count = self._number(start, 2)
        self.end = start + 2 + 12 * count  # of the entries; there stands the next's offset
        if count > _MOST_ENTRIES or self.end > len(block):
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
        """Where those stand that are too long for their entry."""
        for _tag, kind, count, value in entries:
            size = count * _TYPE_BYTES.get(kind, 1)
            if size > 4 and value + size <= len(self._block):
                yield value, value + size

    def clear_gps(self) -> None:
        """With its values; what a wrong pointer takes for a GPS directory has other tags."""
        gps = [entry for entry in self.entries if entry[0] <= _MOST_GPS_TAG]
        for start, end in [*self.values(gps), (self.start, self.end) if gps else (0, 0)]:
            self._block[start:end] = bytes(end - start)

    def remove(self, tag: int) -> None:
        """The entries behind move up, and with them the offset of the next directory."""
        kept = [entry for entry in self.entries if entry[0] != tag]
        table = struct.pack(self._order + "H", len(kept))
        table += b"".join(struct.pack(self._order + "HHII", *entry) for entry in kept)
        # Some leave that offset out, and a value stands in its place.
        is_last = any(start == self.end for start, _ in self.values(self.entries))
        end = self.end if is_last else min(self.end + 4, len(self._block))
        table += self._block[self.end : end]
        self._block[self.start : end] = table.ljust(end - self.start, b"\0")


def _exif_end(data: Data, start: int, end: int) -> int:
    """In a JPEG, where its segment ends; elsewhere nothing tells, and the offsets say enough."""
    behind = start + _MOST_EXIF_BYTES
    if data[start - 10 : start - 8] == b"\xff\xe1":
        behind = start - 8 + int.from_bytes(data[start - 8 : start - 6])
    return min(behind, end)


def _erase_exif(exif: bytes) -> bytes:
    """The GPS directory, its values, and every pointer to it; the places in IPTC."""
    block = bytearray(exif)
    waiting = [int.from_bytes(block[4:8], "little" if block.startswith(b"I") else "big")]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        start = waiting.pop()
        if start < 8 or start in seen:
            continue
        seen.add(start)
        directory = _Directory(block, start)
        waiting += [*directory.pointers(*_SUB_DIRECTORIES), directory.next_start()]
        iptc = [entry for entry in directory.entries if entry[0] == _IPTC]
        for first, behind in directory.values(iptc):
            block[first:behind] = _erase_iptc(bytes(block[first:behind]))
        for gps_start in directory.pointers(_GPS):
            if gps_start >= 8 and gps_start not in seen:
                _Directory(block, gps_start).clear_gps()
            directory.remove(_GPS)
    return bytes(block)


# XMP. What begins with GPS or is a latitude, in whatever namespace: exif:GPSLatitude,
# drone-dji:GpsLongtitude (so spelt), drone-dji:AbsoluteAltitude; and geo:lat of the W3C. Not a
# declaration xmlns:gps. Names of places only in the namespaces of photos, under the prefixes that
# the packet declares: elsewhere a State may be that of some work. The country stays.

_RDF = re.compile(rb"<([^\s<>/\"'=:]{1,64}):RDF[\s>]")
_POSITION = (
    rb"(?!xmlns:)(?:[\w.-]{1,64}:)?(?:gps[\w.-]*|[\w-]{0,32}?(?:(?:lat|longt?)itude|altitude))"
    rb"|geo:(?:lat|long|alt|lat_long)"
)
_PLACE = (
    rb"City|State|Location|Sublocation|ProvinceState|LocationCreated|LocationShown|LocationName"
    rb"|LocationId|shotLocation"
)
_PLACE_PREFIXES = {b"photoshop:", b"Iptc4xmpCore:", b"Iptc4xmpExt:", b"xmpDM:", b"mediapro:"}
_PLACE_NAMESPACE = re.compile(
    rb"xmlns(?::([^\s=<>]{1,64}))?\s*=\s*[\"'](?:http://ns\.adobe\.com/photoshop/1\.0/"
    rb"|http://iptc\.org/std/Iptc4xmp(?:Core|Ext)/|http://ns\.adobe\.com/xmp/1\.0/DynamicMedia/"
    rb"|http://ns\.iview-multimedia\.com/mediapro/)"
)
_MOST_UNCLOSED_BYTES = 8 << 20
_MOST_PREFIXES = 20
_MOST_PLACES = 100_000


def _xmp_packets(data: Data, start: int, end: int) -> Iterator[Span]:
    behind = start
    for at in _find(data, b":RDF", start, end):
        opening = _RDF.match(data, max(data.rfind(b"<", max(start, at - 65), at), 0))
        if at < behind or not opening or opening.end() < at:
            continue
        closing = data.find(b"</%s:RDF" % opening[1], at, end)
        behind = closing if closing >= 0 else min(at + _MOST_UNCLOSED_BYTES, end)
        yield opening.start(), behind


def _blank_xmp(data: Data, start: int, end: int) -> bool:
    """Spaces for every such attribute and element. By expressions, as lenient as the readers
    are, not by a parser; an element that nobody closes is none."""
    declared = {
        match[1] + b":" if match[1] else b""
        for match in _PLACE_NAMESPACE.finditer(data, max(start - 1024, 0), end)
    }
    prefixes = [re.escape(prefix) for prefix in sorted(declared)[:_MOST_PREFIXES]]
    prefixes += sorted(_PLACE_PREFIXES)
    name = rb"(?:%s|(?:%s)(?:%s))(?![\w.:-])" % (_POSITION, b"|".join(prefixes), _PLACE)
    attribute = re.compile(rb"""\s(?=\S)(%s\s*=\s*(?:"[^"<]*"|'[^'<]*'))""" % name, re.IGNORECASE)
    tag = re.compile(rb"<(/?)(%s)[^<>]*>" % name, re.IGNORECASE)
    attributes = list(islice(attribute.finditer(data, start, end), _MOST_PLACES))
    tags = list(islice(tag.finditer(data, start, end), _MOST_PLACES))
    if _MOST_PLACES in (len(attributes), len(tags)):
        raise BrokenContainer("This has more places than any photo.")
    opened: list[tuple[bytes, int]] = []
    elements: list[Span] = []
    for match in tags:
        first, behind = match.span()
        if not match[1] and not match[0].endswith(b"/>"):
            opened.append((match[2], first))
            continue
        while match[1] and opened:
            opened_name, opened_at = opened.pop()
            if opened_name == match[2]:
                first = opened_at
                break
        if first < match.start() or not match[1]:
            while elements and elements[-1][0] > first:
                elements.pop()
            elements.append((first, behind))
    for first, behind in [*(match.span(1) for match in attributes), *elements]:
        data[first:behind] = b" " * (behind - first)
    return bool(attributes or elements)


# IPTC-IIM: datasets of a marker, record, number, length and value, in the Photoshop resource (8BIM)
# 0x0404, which has a name and a length. Content location name, city, sublocation, state.

_IPTC_PLACES = [bytes((2, number)) for number in (27, 90, 92, 95)]


def _resource(data: Data, start: int, end: int) -> Span:
    """Where the content of a Photoshop resource stands; its name is padded to an even size."""
    at = start + 6 + (int.from_bytes(data[start + 6 : start + 7]) + 2) // 2 * 2
    return min(at + 4, end), min(at + 4 + int.from_bytes(data[at : at + 4]), end)


def _erase_iptc(block: bytes) -> bytes:
    """The datasets of places; those behind move up. Zeros at the end, which some programs write
    anyway, keep its length."""
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


# Films: boxes of a length, a name and a content, those of a `moov` box. ISO 6709 or the name of the
# place is in Android's \xa9xyz, in 3GPP's loci (TS 26.244, 8.2), and in Apple's items, whose keys
# stand apart (com.apple.quicktime.location.ISO6709).

_FILM = re.compile(rb"moov.{4}[a-z]{4}", re.DOTALL)
_FILM_PLACE = re.compile(rb"\xa9xyz|loci\0{4}")
_FILM_KEYS = re.compile(rb"keys\0{4}(.{4})", re.DOTALL)
_FILM_PLACE_KEY = re.compile(rb"location|gps|latitude|longitude", re.IGNORECASE)
_MOST_FILM_KEYS = 1_000
_MOST_KEY_BYTES = 1_000
_MOST_KEY_BOXES = 50  # a film's own, and those of its tracks
_MOST_FILM_PLACE_BYTES = 4_096
_MOST_APART_BYTES = 64 * 1024  # are the keys and their items, which mostly follow at once


def _films(data: Data, start: int, end: int) -> Iterator[Span]:
    behind = start
    for at in _find(data, b"moov", start, end):
        if at >= behind and _FILM.match(data, at):
            size = int.from_bytes(data[max(at - 4, 0) : at])
            behind = min(at - 4 + size, end) if size > 1 else end
            yield at, behind


def _erase_film(data: Data, start: int, end: int) -> bool:
    """The boxes and items of places become free space."""
    found = [match.start() - 4 for match in _FILM_PLACE.finditer(data, start, end)]
    for keys in list(islice(_FILM_KEYS.finditer(data, start, end), _MOST_KEY_BOXES)):
        wanted, at = [], keys.end()
        for number in range(min(int.from_bytes(keys[1]), _MOST_FILM_KEYS)):
            behind = at + max(int.from_bytes(data[at : at + 4]), 8)
            if _FILM_PLACE_KEY.search(data, at + 8, min(behind, at + _MOST_KEY_BYTES, end)):
                wanted.append((number + 1).to_bytes(4))
            at = behind
        items = data.find(b"ilst", at, min(at + _MOST_APART_BYTES, end))
        if items < 0:
            items = data.rfind(b"ilst", max(start, keys.start() - _MOST_APART_BYTES), keys.start())
        behind = min(items - 4 + int.from_bytes(data[items - 4 : items]), end)
        among = boxes(data, items + 4, behind) if items > start else ()
        for name, begin, _ in islice(among, _MOST_FILM_KEYS):
            if name in wanted:
                found.append(begin - 8)
    erased = False
    for at in found:
        size = int.from_bytes(data[at : at + 4])
        if 8 < size <= min(_MOST_FILM_PLACE_BYTES, end - at):
            data[at + 4 : at + size] = b"free".ljust(size - 4, b"\0")
            erased = True
    return erased


# Text chunks of PNG (11.3.3): keyword, perhaps flags and languages, text, perhaps compressed.

_PNG_PIXELS = (b"IDAT", b"fdAT")
_PNG_TEXT = {
    b"tEXt": re.compile(rb"([^\0]*)\0"),
    b"zTXt": re.compile(rb"([^\0]*)\0(\0)"),
    b"iTXt": re.compile(rb"([^\0]*)\0(?:(\x01)\0|\0.)[^\0]*\0[^\0]*\0", re.DOTALL),
}
_MOST_TEXT_BYTES = 32 << 20  # of one, unpacked; what unpacks to more is emptied unread
# ImageMagick's and exiftool's way before eXIf: a name, the number of bytes, the bytes in hex.
_RAW_PROFILE = re.compile(rb"\n?[^\n]{0,80}\n[ \t]{0,20}\d{1,10}[ \t]{0,20}\n")


def _erase_png(data: mmap.mmap, budget: _Budget) -> bool:
    """Each chunk ends with a CRC of its name and its content (5.3)."""
    erased, behind = False, 0
    for name, (start, end) in png_chunks(data):
        behind = end + 4
        if name in _PNG_TEXT:
            blank = partial(_blank_chunk, name, budget)
            changed = _rewrite(data, (start, end), blank, budget)
        else:
            changed = name not in _PNG_PIXELS and _erase_places(data, start, end, budget)
        if changed:
            erased = True
            data[end:behind] = zlib.crc32(data[start - 4 : end]).to_bytes(4)
    return _erase_places(data, behind, len(data), budget) or erased


def _blank_chunk(name: bytes, budget: _Budget, chunk: bytes) -> bytes:
    head = _PNG_TEXT[name].match(chunk)
    if not head:
        return chunk
    text = chunk[head.end() :]
    is_compressed, is_endless = head.lastindex == 2, False
    if is_compressed:
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(text, _MOST_TEXT_BYTES)
        except zlib.error:
            return chunk
        budget.spend(len(text))
        is_endless = bool(unpacker.unconsumed_tail)
    blanked = _blank_text(head[1], text, budget)
    if blanked == text and not is_endless:
        return chunk
    if is_compressed:
        # What blanking freed stands as zeros behind the stream, which says itself where it ends.
        # Packed better than zlib can, it may not fit any more: then the text is gone.
        packed = zlib.compress(blanked, 9)
        is_gone = is_endless or head.end() + len(packed) > len(chunk)
        blanked = zlib.compress(b"") if is_gone else packed
    return head[0] + blanked.ljust(len(chunk) - head.end(), b"\0")


def _blank_text(keyword: bytes, text: bytes, budget: _Budget) -> bytes:
    if re.match(rb"(?:[\w-]+:)?gps", keyword, re.IGNORECASE):  # ImageMagick's exif:GPSLatitude
        return b" " * len(text)
    head = _RAW_PROFILE.match(text)
    if not head or not keyword.lower().startswith(b"raw profile type"):
        xmp = bytearray(text)
        return bytes(xmp) if _blank_xmp(xmp, 0, len(xmp)) else text
    try:
        profile = bytearray.fromhex(text[head.end() :].decode("ascii"))
    except ValueError:
        return text
    changed = _erase_places(profile, 0, len(profile), budget)
    if not _rewrite(profile, (0, len(profile)), _erase_iptc, budget) and not changed:
        return text
    digits = io.BytesIO(profile.hex().encode())
    return head[0] + re.sub(rb"\w+", lambda run: digits.read(len(run[0])), text[head.end() :])
