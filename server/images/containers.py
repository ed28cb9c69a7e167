"""The structure of photo files: JPEG, PNG, GIF and WebP here, AVIF and HEIC in `heif`."""

import mmap
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

from ..refusals import BrokenContainer, NotAPhoto
from .formats import MAX_BLOCKS, STEP_BYTES, Container, Part, Span
from .heif import parse_heif


def parse_container(file: BinaryIO) -> Container:
    """Parse the structure of a photo, whose end anything may follow. `file` has a descriptor.
    Raises NotAPhoto; BrokenContainer if the file is empty, ends too early, contradicts itself or
    has more blocks than any photo."""
    file.flush()  # writes what is buffered, and drops what was read ahead
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # "cannot mmap an empty file"
        raise BrokenContainer("The file is empty.") from None
    with data:
        try:
            for beginning, parse in _PARSERS.items():
                if re.match(beginning, data, re.DOTALL):
                    return parse(data)
        except IndexError:  # of a byte behind the end
            raise BrokenContainer("A block ends behind the file.") from None
    raise NotAPhoto


# JPEG (ITU-T T.81): markers, segments and scans.

# A marker (B.1.1.2) that a length follows, SOI or EOI: not a stuffed FF 00 of entropy-coded data,
# not fill bytes (FF FF), not one of those that stand alone (TEM, RST0 to RST7).
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP_OR_COM = (*range(0xE0, 0xF0), 0xFE)
_SOF = [0xC0 | number for number in range(16) if number not in (4, 8, 12)]
_HUFFMAN_SEQUENTIAL = (0xC0, 0xC1)
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
# Application segments that a decoder needs: JFIF and Adobe say how colours are coded, ICC what they
# mean, and Exif which side is up.
_NEEDED_APPS = re.compile(
    rb"\xff(?:\xe0|\xe2..ICC_PROFILE\0|\xee|(?P<exif>\xe1..Exif\0\0))", re.DOTALL
)
# Bits of which no code consists (annex C), as many as libjpeg reads ahead, and no EOI: it waits for
# more when the last block is incomplete. At an EOI it would paint the rest grey.
_NO_CODES = b"\xff\0" * 8


def _parse_jpeg(data: mmap.mmap) -> Container:
    """Parse the first image of a JPEG. Raises BrokenContainer."""
    width = height = scans = coefficients = components = sof = kept = end = coded_from = 0
    is_progressive = has_end = has_exif = False
    finished: set[tuple[int, int]] = set()
    parts: list[Part] = []
    for marker, begin, end in _segments(data):
        start = begin + 4
        if marker == _EOI:
            has_end, end = True, begin
        elif marker == _SOS:
            scans += 1
            coded_from = coded_from or end
            # B.2.3: the coefficients, of each component, whose last bit stands in this scan.
            behind = start + 1 + 2 * int.from_bytes(data[start : start + 1])
            first, last, bits = data[behind : behind + 3].ljust(3, b"\1")
            if bits & 15 == 0:
                coded = range(first, min(last, 63) + 1)
                finished |= {(n, k) for n in data[start + 1 : behind : 2] for k in coded}
        elif marker in _SOF:  # B.2.2
            sof = marker
            is_progressive |= marker in _PROGRESSIVE
            height, width = (int.from_bytes(data[start + n : start + n + 2]) for n in (1, 3))
            components = int.from_bytes(data[start + 5 : start + 6])
            sampling = [divmod(factors, 16) for factors in data[start + 7 : start + 18 : 3]]
            sampling = sampling[:components]
            largest = max((across * down for across, down in sampling), default=0) or 1
            total = sum(across * down for across, down in sampling)
            coefficients = max(coefficients, width * height * total // largest)
        elif marker in _APP_OR_COM:
            needed = _NEEDED_APPS.match(data, begin)
            if not needed or (needed["exif"] and has_exif):
                parts.append((kept, begin))
                kept = end
            has_exif |= bool(needed and needed["exif"])
    behind = end + 2 if has_end else len(data)
    if not has_end:
        if not scans or len(finished) < 64 * components:
            raise BrokenContainer("The JPEG has no end.")
        end = _end_before_zeros(data)
    is_streamed = scans == 1 and sof in _HUFFMAN_SEQUENTIAL
    half_end = b"\0" if data[end - 1] == 0xFF else b""  # makes bits of it, not another marker
    parts += [(kept, end), half_end, _NO_CODES if is_streamed else b"\xff\xd9"]
    return Container(
        *("jpg", width, height),
        scans=scans,
        coefficients=coefficients if is_progressive or scans > 1 else 0,
        has_end=has_end,
        coded=(coded_from, behind),
        parts=tuple(parts),
    )


def _segments(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Yield each marker of the first image, where it begins, and where its segment ends. Behind the
    EOI, which may be missing, there is anything: films, other images, halves of them."""
    position = 2
    for _ in range(MAX_BLOCKS):
        while not (match := _MARKER.search(data, position, position + STEP_BYTES + 1)):
            position += STEP_BYTES
            if position >= len(data):
                return
        marker, position = match[1][0], match.end()
        if marker == _EOI:
            yield marker, match.start(), position
            return
        length = int.from_bytes(data[position : position + 2])
        position += max(length, 2)
        if position > len(data):
            raise BrokenContainer("A segment ends behind the file.")
        if marker == _SOI or length < 2:
            raise BrokenContainer("This is no JPEG segment.")
        yield marker, match.start(), position
    raise BrokenContainer("The JPEG has more segments than any photo.")


def _end_before_zeros(data: mmap.mmap) -> int:
    """Find where the photo ends in a file that was created in its full length: zeros stand for what
    never arrived."""
    end = len(data)
    while not (tail := data[max(end - STEP_BYTES, 0) : end].rstrip(b"\0")):
        end -= STEP_BYTES
    return max(end - STEP_BYTES, 0) + len(tail)


# PNG and APNG (W3C PNG, third edition): chunks, their checksums and packed rows.

MAX_PROFILE_BYTES = 8 << 20
"""An ICC profile, unpacked; those for printing have 4 MB."""
_MAX_PNG_CHUNKS = 50_000
_IMAGE_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"IEND")
# Further chunks that a decoder reads, and the size that makes each right, if it has one.
_OTHER_CHUNKS = {
    b"tRNS": 0,
    b"iCCP": 0,
    b"eXIf": 0,
    b"sRGB": 1,
    b"cICP": 4,
    b"gAMA": 4,
    b"cHRM": 32,
}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type


def _parse_png(data: mmap.mmap) -> Container:
    """Parse a PNG, and check the checksums of its image chunks. Raises BrokenContainer."""
    width = height = 0
    frames, cicp = 1, None
    seen: set[bytes] = set()
    spans: list[Span] = [(0, 8)]
    for name, (start, end) in png_chunks(data):
        if name in _IMAGE_CHUNKS:
            if name != b"IEND" and not _has_right_checksum(data, start, end):
                raise BrokenContainer("A PNG chunk has a wrong checksum.")
        elif (
            name in seen  # browsers take the first
            or _OTHER_CHUNKS.get(name, -1) not in (0, end - start)
            or not _has_right_checksum(data, start, end)
        ):
            continue
        seen.add(name)
        if name == b"iCCP" and not _is_profile(data, start, end):
            continue  # nor any other: each may unpack to megabytes
        if name == b"IHDR":
            width, height = (int.from_bytes(data[at : at + 4]) for at in (start, start + 4))
        elif name == b"acTL":
            frames = max(frames, int.from_bytes(data[start : start + 4]))
        elif name == b"cICP" and b"IDAT" not in seen and data[start + 2 : end] == b"\0\1":
            cicp = data[start], data[start + 1]
        first = spans.pop()[0] if spans[-1][1] == start - 8 else start - 8
        spans.append((first, end + 4))
    if frames > 1 and b"IEND" not in seen:
        raise BrokenContainer("The animation has no end.")
    return Container("png", width, height, frames, cicp=cicp, parts=tuple(spans))


def png_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, Span]]:
    """Yield each chunk's name, and where its content stands. IEND may be missing, and a chunk
    before it that is not of the image may be cut off. Raises BrokenContainer."""
    position = 8
    for number in range(_MAX_PNG_CHUNKS):
        start = position + 8
        name, end = data[start - 4 : start], start + int.from_bytes(data[position : position + 4])
        position = end + 4  # 5.3: a CRC follows the content
        if position > len(data):
            if name in _IMAGE_CHUNKS:
                raise BrokenContainer("A PNG chunk ends behind the file.")
            return
        if number == 0 and name != b"IHDR":
            raise BrokenContainer("A PNG begins with its header.")
        yield name, (start, end)
        if name == b"IEND":
            return
    raise BrokenContainer("The PNG has more chunks than any photo.")


def _has_right_checksum(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether the CRC fits name and content, which libraries do not check for pixels."""
    value = 0
    for step in range(start - 4, end, STEP_BYTES):
        value = zlib.crc32(data[step : min(step + STEP_BYTES, end)], value)
    return value == int.from_bytes(data[end : end + 4])


def _is_profile(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether an iCCP chunk can be unpacked, to MAX_PROFILE_BYTES at most."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(data[data.find(b"\0", start, end) + 2 : end], MAX_PROFILE_BYTES)
    except zlib.error:
        return False
    return unpacker.eof


def check_png_pixels(file: BinaryIO) -> None:
    """Check that each frame unpacks to as many rows as its header says: Pillow leaves black what is
    missing, and ignores what stands behind the last row. Raises BrokenContainer."""
    unpacker, missing_bytes = None, 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        depth, colour, _, _, is_interlaced = data[24:29]
        bits = depth * _CHANNELS[colour]
        for name, (start, end) in chain(png_chunks(data), [(b"IEND", (0, 0))]):
            if name in (b"IHDR", b"fcTL", b"IEND"):  # the frame before it is complete
                is_wrong = missing_bytes > 0 or (
                    missing_bytes < 0 and unpacker and not unpacker.eof
                )
                if unpacker and is_wrong and not is_interlaced:
                    raise BrokenContainer("A frame has other rows than its header says.")
                first = start + 4 * (name == b"fcTL")
                width, height = (int.from_bytes(data[at : at + 4]) for at in (first, first + 4))
                unpacker, missing_bytes = None, height * (1 + -(-width * bits // 8))
            elif name in (b"IDAT", b"fdAT"):
                unpacker = unpacker or zlib.decompressobj()
                for at in range(start + 4 * (name == b"fdAT"), end, STEP_BYTES):
                    packed = data[at : min(at + STEP_BYTES, end)]
                    while packed:
                        try:
                            missing_bytes -= len(unpacker.decompress(packed, STEP_BYTES))
                        except zlib.error as error:
                            raise BrokenContainer("The pixels cannot be unpacked.") from error
                        packed = unpacker.unconsumed_tail
                        if missing_bytes < -STEP_BYTES:
                            raise BrokenContainer("A frame has more rows than its header says.")


# GIF (GIF89a): blocks and frames.

_MAX_SUB_BLOCKS = 1_000_000
"""Data sub-blocks of 255 bytes each: ten times what 100 MiB hold."""
_MAX_COMMENT_BLOCKS = 2_048
"""Sub-blocks of comments, which Pillow joins in the square of their number."""
_BLOCK = re.compile(rb"[,!;]")  # image descriptor, extension, trailer
_COMMENT = 0xFE


def _parse_gif(data: mmap.mmap) -> Container:
    """Parse a GIF, and count its frames. Raises BrokenContainer."""

    def table_bytes(flags_at: int) -> int:
        flags = int.from_bytes(data[flags_at : flags_at + 1])
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    frames, blocks, comments, size = 0, 0, 0, -1
    position = 13 + table_bytes(10)
    while match := _BLOCK.search(data, position):  # decoders skip what stands between
        position = match.end()
        if match[0] == b";":
            return Container("gif", width, height, max(frames, 1))
        is_comment = match[0] == b"!" and int.from_bytes(data[position : position + 1]) == _COMMENT
        if match[0] == b",":
            frames += 1
            position += 10 + table_bytes(position + 8)
        else:
            position += 1
        size = -1
        while size and position < len(data):  # an empty one ends each (sections 15 and 16)
            size = data[position]
            position += 1 + size
            blocks += 1
            comments += is_comment
            if blocks > _MAX_SUB_BLOCKS or comments > _MAX_COMMENT_BLOCKS:
                raise BrokenContainer("The GIF has more blocks than any photo.")
    if frames and not size and position <= len(data):  # only the trailer is missing
        return Container("gif", width, height, frames)
    raise BrokenContainer("The GIF has no end.")


# WebP (RFC 9649): RIFF chunks of a name, a size and a content, padded to an even size.

_MAX_WEBP_CHUNKS = 1_000_000


def _parse_webp(data: mmap.mmap) -> Container:
    """Parse a WebP, and count its frames. Raises BrokenContainer."""

    def little_endian(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little")

    end = 8 + little_endian(4, 4)
    if end > len(data):
        raise BrokenContainer("The WebP ends behind the file.")
    width = height = frames = 0
    position = 12
    for _ in range(_MAX_WEBP_CHUNKS):
        if position + 8 > end:
            return Container("webp", width, height, max(frames, 1), bytes_at_once=len(data))
        name, start = data[position : position + 4], position + 8
        size = little_endian(position + 4, 4)
        sides = 0, 0
        if name == b"VP8X":  # the canvas
            sides = 1 + little_endian(start + 4, 3), 1 + little_endian(start + 7, 3)
        elif name == b"VP8 ":
            sides = little_endian(start + 6, 2) & 0x3FFF, little_endian(start + 8, 2) & 0x3FFF
        elif name == b"VP8L":
            bits = little_endian(start + 1, 4)
            sides = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        width, height = max(width, sides[0]), max(height, sides[1])
        frames += name == b"ANMF"
        position = start + size + size % 2
    raise BrokenContainer("The WebP has more chunks than any photo.")


_PARSERS: dict[bytes, Callable[[mmap.mmap], Container]] = {
    rb"\xff\xd8\xff": _parse_jpeg,
    rb"\x89PNG\r\n\x1a\n": _parse_png,
    rb"GIF8[79]a": _parse_gif,
    rb"RIFF....WEBP": _parse_webp,
    rb"....ftyp": parse_heif,  # AVIF and HEIC
}
"""Parsers by how their files begin."""
