"""Erases where a photo was taken from its file, in place: no pixel and no other metadata changes.

Exif, XMP, IPTC and films stand uncompressed and in one piece in GIF, WebP, AVIF and HEIC, and
behind the end of any photo: there `geotags.erase_geotags` finds them by how they begin, wherever
that is: in the second image of an MPO, in a preview behind the photo. A JPEG splits what is too
long for a segment (`_erase_jpeg`), a PNG compresses some and has checksums (`_erase_png`).
"""

import io
import mmap
import re
import zlib
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import BinaryIO

from ..refusals import BrokenContainer
from .containers import MAX_BLOCKS, Container, Span, mapped
from .geotags import Budget, Data, blank_xmp, erase_geotags, erase_iptc, rewrite
from .png import png_chunks


def erase_location(file: BinaryIO, photo: Container) -> bool:
    """Whether there was one. `file` is open for update ("r+b") and keeps its length. Raises
    BrokenContainer for more metadata than any photo has."""
    budget = Budget()
    with mapped(file, mmap.ACCESS_WRITE) as data:
        if photo.kind == "png":
            return _erase_png(data, budget)
        if photo.kind == "jpg":
            start, end = photo.coded
            is_erased = _erase_jpeg(data, 0, start, budget)
            return _erase_jpeg(data, end, len(data), budget) or is_erased
        return erase_geotags(data, 0, len(data), budget)


# Split segments of a JPEG: extended XMP (XMP part 3, 1.1.3.1), with the digest of its text and the
# part's offset in that, and Photoshop's resources.
_SPLIT = re.compile(
    rb"\xff(?:\xe1..http://ns\.adobe\.com/xmp/extension/\0(.{32}).{4}(.{4})"
    rb"|\xed..Photoshop 3\.0\0)",
    re.DOTALL,
)


def _erase_jpeg(data: Data, start: int, end: int, budget: Budget) -> bool:
    """What is split is joined; what stands between is searched as it is."""
    segments = list(islice(_SPLIT.finditer(data, start, end), MAX_BLOCKS + 1))
    if len(segments) > MAX_BLOCKS:
        raise BrokenContainer("This has more metadata than any photo.")
    texts: dict[bytes | None, list[tuple[bytes, Span]]] = {}  # by digest: offsets and places
    is_erased = False
    for segment in segments:
        first, begin = segment.start(), segment.end()
        is_erased |= first > start and erase_geotags(data, start, first, budget)
        start = min(max(first + 2 + int.from_bytes(data[first + 2 : first + 4]), begin), end)
        texts.setdefault(segment[1], []).append((segment[2] or b"", (begin, start)))
    for parts in texts.values():
        spans = [span for _offset, span in sorted(parts, key=itemgetter(0))]
        text = bytearray()
        for first, behind in spans:
            budget.spend(behind - first)
            text += data[first:behind]
        if erase_geotags(text, 0, len(text), budget):
            is_erased = True
            joined = io.BytesIO(text)
            for first, behind in spans:
                data[first:behind] = joined.read(behind - first)
    return erase_geotags(data, start, end, budget) or is_erased


# Text chunks of a PNG (11.3.3): keyword, perhaps flags and languages, text, perhaps compressed.
_TEXT_CHUNKS = {
    b"tEXt": re.compile(rb"([^\0]*)\0"),
    b"zTXt": re.compile(rb"([^\0]*)\0(\0)"),
    b"iTXt": re.compile(rb"([^\0]*)\0(?:(\x01)\0|\0.)[^\0]*\0[^\0]*\0", re.DOTALL),
}
_PIXEL_CHUNKS = (b"IDAT", b"fdAT")
_MAX_TEXT_BYTES = 32 << 20  # of one chunk, unpacked; what unpacks to more is emptied unread
# The way of ImageMagick and exiftool before eXIf: a name, the number of bytes, the bytes in hex.
_RAW_PROFILE = re.compile(rb"\n?[^\n]{0,80}\n[ \t]{0,20}\d{1,10}[ \t]{0,20}\n")


def _erase_png(data: mmap.mmap, budget: Budget) -> bool:
    """Text chunks are unpacked, the others searched as they are; what changed gets its CRC anew, of
    name and content (5.3)."""
    is_erased, behind = False, 0
    for name, (start, end) in png_chunks(data):
        behind = end + 4
        if name in _TEXT_CHUNKS:
            blank = partial(_blank_text_chunk, name, budget)
            is_changed = rewrite(data, (start, end), blank, budget)
        else:
            is_changed = name not in _PIXEL_CHUNKS and erase_geotags(data, start, end, budget)
        if is_changed:
            is_erased = True
            data[end:behind] = zlib.crc32(data[start - 4 : end]).to_bytes(4)
    return erase_geotags(data, behind, len(data), budget) or is_erased


def _blank_text_chunk(name: bytes, budget: Budget, chunk: bytes) -> bytes:
    head = _TEXT_CHUNKS[name].match(chunk)
    if not head:
        return chunk
    text = chunk[head.end() :]
    is_compressed, is_endless = head.lastindex == 2, False
    if is_compressed:
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(text, _MAX_TEXT_BYTES)
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


def _blank_text(keyword: bytes, text: bytes, budget: Budget) -> bytes:
    if re.match(rb"(?:[\w-]+:)?gps", keyword, re.IGNORECASE):  # ImageMagick's exif:GPSLatitude
        return b" " * len(text)
    head = _RAW_PROFILE.match(text)
    if not head or not keyword.lower().startswith(b"raw profile type"):
        xmp = bytearray(text)
        return bytes(xmp) if blank_xmp(xmp, 0, len(xmp)) else text
    try:
        profile = bytearray.fromhex(text[head.end() :].decode("ascii"))
    except ValueError:
        return text
    is_changed = erase_geotags(profile, 0, len(profile), budget)
    if not rewrite(profile, (0, len(profile)), erase_iptc, budget) and not is_changed:
        return text
    digits = io.BytesIO(profile.hex().encode())
    return head[0] + re.sub(rb"\w+", lambda run: digits.read(len(run[0])), text[head.end() :])
