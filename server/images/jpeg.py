"""JPEG (ITU-T T.81): markers, segments and scans."""

import mmap
import re
from collections.abc import Iterator

from ..refusals import BrokenContainer
from .containers import STEP_BYTES, Container, Part, limited

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


def parse_jpeg(data: mmap.mmap) -> Container:
    """The first image of the file. Raises BrokenContainer."""
    width = height = scans = coefficients = components = sof = kept = end = coded_from = 0
    progressive = has_end = has_exif = False
    finished: set[tuple[int, int]] = set()
    parts: list[Part] = []
    for marker, begin, end in limited(_segments(data)):
        start = begin + 4
        if marker == _EOI:
            has_end, end = True, begin
        elif marker == _SOS:
            scans += 1
            coded_from = coded_from or end
            finished |= _finished_coefficients(data, start)
        elif marker in _SOF:  # B.2.2
            sof = marker
            progressive |= marker in _PROGRESSIVE
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
    coded = coded_from, end + 2 if has_end else len(data)
    if not has_end:
        if not scans or len(finished) < 64 * components:
            raise BrokenContainer("The JPEG has no end.")
        end = _end_before_zeros(data)
    is_streamed = scans == 1 and sof in _HUFFMAN_SEQUENTIAL
    half_end = b"\0" if data[end - 1] == 0xFF else b""  # makes bits of it, not another marker
    parts += [(kept, end), half_end, _NO_CODES if is_streamed else b"\xff\xd9"]
    return Container(
        *("jpg", width, height, 1, scans, progressive, coefficients),
        has_end=has_end,
        coded=coded,
        parts=tuple(parts),
    )


def _segments(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Each marker of the first image, where it begins, and where its segment ends. Behind the EOI,
    which may be missing, there is anything: films, other images, halves of them."""
    position = 2
    while position < len(data):
        match = _MARKER.search(data, position, position + STEP_BYTES + 1)
        if not match:
            position += STEP_BYTES
            continue
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


def _finished_coefficients(data: mmap.mmap, start: int) -> set[tuple[int, int]]:
    """The components and coefficients whose last bit stands in the scan of this header (B.2.3)."""
    behind = start + 1 + 2 * int.from_bytes(data[start : start + 1])
    first, last, bits = data[behind : behind + 3].ljust(3, b"\1")
    components = data[start + 1 : behind : 2] if bits & 15 == 0 else b""
    return {(number, k) for number in components for k in range(first, min(last, 63) + 1)}


def _end_before_zeros(data: mmap.mmap) -> int:
    """Where the photo ends in a file that was created in its full length: zeros stand for what
    never arrived."""
    end = len(data)
    while not (tail := data[max(end - STEP_BYTES, 0) : end].rstrip(b"\0")):
        end -= STEP_BYTES
    return max(end - STEP_BYTES, 0) + len(tail)
