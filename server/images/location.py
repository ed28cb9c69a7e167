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
from itertools import islice
from operator import itemgetter
from typing import BinaryIO

from ..refusals import BrokenContainer
from .containers import png_chunks
from .formats import MAX_BLOCKS, Container, Span
from .geotags import Budget, Data, blank_xmp, erase_geotags, erase_iptc, rewrite


def erase_location(file: BinaryIO, photo: Container) -> bool:
    """Erase where the photo was taken, and return whether the file told it. `file` is open for
    update ("r+b") and keeps its length. Raises BrokenContainer for more metadata than any photo
    has."""
    budget = Budget()
    with mmap.mmap(file.fileno(), 0) as data:
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
    """Erase the geotags in a part of a JPEG. What is split is joined for that; what stands between
    is searched as it is."""
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
_VISIBLE = re.compile(rb"[^ ]")


def _erase_png(data: mmap.mmap, budget: Budget) -> bool:
    """Erase the geotags in a PNG. Text chunks are unpacked, the others searched as they are; what
    changed gets its CRC anew, of name and content (5.3)."""
    is_erased, behind = False, 0
    for name, (start, end) in png_chunks(data):
        behind = end + 4
        if name in _TEXT_CHUNKS:
            is_changed = _erase_text_chunk(name, data, start, end, budget)
        else:
            is_changed = name not in _PIXEL_CHUNKS and erase_geotags(data, start, end, budget)
        if is_changed:
            is_erased = True
            data[end:behind] = zlib.crc32(data[start - 4 : end]).to_bytes(4)
    return erase_geotags(data, behind, len(data), budget) or is_erased


def _erase_text_chunk(name: bytes, data: mmap.mmap, start: int, end: int, budget: Budget) -> bool:
    """Erase the geotags in a text chunk, and return whether it changed. Text that is not compressed
    is searched where it stands: it may be as long as the file."""
    head = _TEXT_CHUNKS[name].match(data, start, end)
    if not head:
        return False
    keyword, start = head[1], head.end()
    if head.lastindex != 2:  # not compressed
        return _erase_text(keyword, data, start, end, budget)
    budget.spend(end - start)
    unpacker = zlib.decompressobj()
    try:
        text = bytearray(unpacker.decompress(data[start:end], _MAX_TEXT_BYTES))
    except zlib.error:
        return False
    budget.spend(len(text))
    is_endless = bool(unpacker.unconsumed_tail)
    if not _erase_text(keyword, text, 0, len(text), budget) and not is_endless:
        return False
    # What blanking freed stands as zeros behind the stream, which says itself where it ends. Packed
    # better than zlib can, it may not fit any more: then the text is gone.
    packed = zlib.compress(text, 9)
    if is_endless or len(packed) > end - start:
        packed = zlib.compress(b"")
    data[start:end] = packed.ljust(end - start, b"\0")
    return True


def _erase_text(keyword: bytes, data: Data, start: int, end: int, budget: Budget) -> bool:
    """Erase the geotags in the text of a chunk: all of it by its keyword, in XMP, or in a profile
    that is written in hex. Return whether there were any."""
    if re.match(rb"(?:[\w-]+:)?gps", keyword, re.IGNORECASE):  # ImageMagick's exif:GPSLatitude
        is_blank = not _VISIBLE.search(data, start, end)
        data[start:end] = b" " * (end - start)
        return not is_blank
    head = _RAW_PROFILE.match(data, start, end)
    if not head or not keyword.lower().startswith(b"raw profile type"):
        return blank_xmp(data, start, end)
    start = head.end()
    budget.spend(end - start)
    digits = bytes(data[start:end])
    try:
        profile = bytearray.fromhex(digits.decode("ascii"))
    except ValueError:
        return False
    is_changed = erase_geotags(profile, 0, len(profile), budget)
    if not rewrite(profile, (0, len(profile)), erase_iptc, budget) and not is_changed:
        return False
    erased = io.BytesIO(profile.hex().encode())
    data[start:end] = re.sub(rb"\w+", lambda run: erased.read(len(run[0])), digits)
    return True
