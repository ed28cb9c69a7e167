"""Where a photo was taken, erased from its file in place."""

import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from .containers import BrokenContainer, Span, coded_pixels, mapped, png_chunks

Data = mmap.mmap | bytearray

_MOST_BLOCKS = 500
_MOST_XMP_BYTES = 8 << 20
_MOST_XMP_TAGS = 1000
_MOST_READ_BYTES = 48 << 20  # copied or unpacked while searching, in one photo


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

    EXIF and XMP stand in all formats as they are, so they are found by how they begin, wherever
    that is: in the second image of an MPO, in a preview behind the photo. Only PNG packs some.
    """
    budget = _Budget()
    with mapped(file, mmap.ACCESS_WRITE) as data:
        start, end = coded_pixels(data, photo_format)
        erased = _erase_places(data, 0, start, budget)
        erased |= _erase_places(data, end, len(data), budget)
        if photo_format == "png":
            for name, span in png_chunks(data):
                erased |= _erase_png_text(data, name, span, budget)
            if erased:
                _renew_checksums(data)
    return erased


def _erase_places(data: Data, start: int, end: int, budget: _Budget) -> bool:
    exif = [at for header in _TIFF for at in _find(data, header, start, end)]
    spans = [(at, _exif_end(data, at)) for at in exif]
    erased = [_rewrite(data, span, _erase_gps, budget) for span in spans]
    erased += [_rewrite(data, span, _blank_xmp, budget) for span in _xmp_packets(data, start, end)]
    for match in _QUICKTIME_PLACE.finditer(data, start, end):
        erased.append(
            _rewrite(data, match.span(), lambda atom: b"free".ljust(len(atom), b"\0"), budget)
        )
    return any(erased)


def _xmp_packets(data: Data, start: int, end: int) -> Iterator[Span]:
    behind = total = 0
    for at in _find(data, b"<rdf:RDF", start, end):
        if at < behind:
            continue
        closing = data.find(b"</rdf:RDF", at, at + _MOST_XMP_BYTES)
        behind = closing if closing >= 0 else min(at + _MOST_XMP_BYTES, end)
        total += behind - at
        if total > _MOST_XMP_BYTES:
            raise BrokenContainer("This has more metadata than any photo.")
        yield at, behind


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


def _exif_end(data: Data, start: int) -> int:
    """In a JPEG, where its segment ends; elsewhere nothing tells, and the offsets say enough."""
    end = start + _MOST_EXIF_BYTES
    if data[start - 10 : start - 8] == b"\xff\xe1":
        end = start - 8 + int.from_bytes(data[start - 8 : start - 6])
    return min(end, len(data))


def _erase_gps(exif: bytes) -> bytes:
    """The GPS directory, its values, and every pointer to it."""
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
        for gps_start in directory.pointers(_GPS):
            if gps_start >= 8 and gps_start not in seen:
                _Directory(block, gps_start).clear_gps()
            directory.remove(_GPS)
    return bytes(block)


# XMP. Local names, in whatever namespace: exif:GPSLatitude, drone-dji:GpsLongtitude (so spelt),
# drone-dji:AbsoluteAltitude; and geo:lat of the W3C. Not a declaration xmlns:gps.

_NAME = (
    rb"(?!xmlns:)(?:(?:[\w.-]{1,64}:)?(?:gps[\w.-]*|[\w-]{0,32}?(?:(?:lat|longt?)itude|altitude))"
    rb"|geo:(?:lat|long|alt|lat_long))(?![\w.:-])"
)
_ATTRIBUTE = re.compile(rb"""(?<=\s)%s\s*=\s*(?:"[^"<]*"|'[^'<]*')""" % _NAME, re.IGNORECASE)
_TAG = re.compile(rb"<(/?)(%s)[^<>]*>" % _NAME, re.IGNORECASE)
# Android's MediaMuxer writes this atom into the video of a motion photo, as ISO 6709.
_QUICKTIME_PLACE = re.compile(rb"\xa9xyz.{4}[+-][\d.]{2,12}[+-][\d.]{2,12}[\d.+-]*/?", re.DOTALL)


def _blank_xmp(packet: bytes) -> bytes:
    """Spaces for every such attribute and element. By expressions, as lenient as the readers
    are, not by a parser; an element that nobody closes is none."""
    text = bytearray(_ATTRIBUTE.sub(lambda match: b" " * len(match[0]), packet))
    opened: list[re.Match[bytes]] = []
    for number, tag in enumerate(_TAG.finditer(bytes(text))):
        if number == _MOST_XMP_TAGS:
            raise BrokenContainer("This has more places than any photo.")
        start, end = tag.span()
        if not tag[1] and not tag[0].endswith(b"/>"):
            opened.append(tag)
            continue
        while tag[1] and opened:
            opening = opened.pop()
            if opening[2] == tag[2]:
                start = opening.start()
                break
        if start < tag.start() or not tag[1]:
            text[start:end] = b" " * (end - start)
    return bytes(text)


# Text chunks of PNG (11.3.3): keyword, perhaps flags and languages, text, perhaps compressed.

_PNG_TEXT = {
    b"tEXt": re.compile(rb"([^\0]*)\0"),
    b"zTXt": re.compile(rb"([^\0]*)\0(\0)"),
    b"iTXt": re.compile(rb"([^\0]*)\0(?:(\x01)\0|\0.)[^\0]*\0[^\0]*\0", re.DOTALL),
}
_MOST_TEXT_BYTES = 1 << 20  # Pillow refuses a photo with more in one chunk
# ImageMagick's and exiftool's way before eXIf: a name, the number of bytes, the bytes in hex.
_RAW_PROFILE = re.compile(rb"\n?[^\n]{0,80}\n[ \t]{0,20}\d{1,10}[ \t]{0,20}\n")


def _erase_png_text(data: Data, name: bytes, span: Span, budget: _Budget) -> bool:
    return name in _PNG_TEXT and _rewrite(
        data, span, lambda chunk: _blank_chunk(name, chunk, budget), budget
    )


def _blank_chunk(name: bytes, chunk: bytes, budget: _Budget) -> bytes:
    head = _PNG_TEXT[name].match(chunk)
    text = chunk[head.end() :] if head else b""
    is_compressed = head is not None and head.lastindex == 2
    if is_compressed:
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(text, _MOST_TEXT_BYTES)
        except zlib.error:
            return chunk
        budget.spend(len(text))
        if unpacker.unconsumed_tail:
            return chunk
    blanked = _blank_text(head[1] if head else b"", text, budget)
    if head is None or blanked == text:
        return chunk
    if is_compressed:
        # What blanking freed stands as zeros behind the stream, which says itself where it ends.
        # Packed better than zlib can, it may not fit any more: then the text is gone.
        packed = zlib.compress(blanked, 9)
        blanked = packed if head.end() + len(packed) <= len(chunk) else zlib.compress(b"")
    return head[0] + blanked.ljust(len(chunk) - head.end(), b"\0")


def _blank_text(keyword: bytes, text: bytes, budget: _Budget) -> bytes:
    if re.match(rb"(?:[\w-]+:)?gps", keyword, re.IGNORECASE):  # ImageMagick's exif:GPSLatitude
        return b" " * len(text)
    head = _RAW_PROFILE.match(text)
    if not head or not keyword.lower().startswith(b"raw profile type"):
        return _blank_xmp(text)
    try:
        profile = bytearray.fromhex(text[head.end() :].decode("ascii"))
    except ValueError:
        return text
    if not _erase_places(profile, 0, len(profile), budget):
        return text
    digits = iter(profile.hex().encode())
    return head[0] + re.sub(rb"\w", lambda _: bytes([next(digits)]), text[head.end() :])


def _renew_checksums(data: mmap.mmap) -> None:
    """Each chunk ends with a CRC of its name and its content (5.3)."""
    for name, (start, end) in png_chunks(data):
        if name in _PNG_TEXT or name == b"eXIf":
            data[end : end + 4] = zlib.crc32(data[start - 4 : end]).to_bytes(4)
