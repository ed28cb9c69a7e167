"""Where the blocks of a photo's file stand, and whether all of them arrived."""

import struct
import time
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.containers import (
    BrokenContainer,
    CutOff,
    JpegLayout,
    check_complete,
    read_jpeg_layout,
)
from tests.support.photos import noise, tiny_photo

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0Cam\0\0\0\0\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"> </x:xmpmeta>'
TRAILER = b"SEFT, or a film: \0\0\0\x18ftypmp42" + bytes(100)


def frames(kind: str) -> bytes:
    others = [noise().rotate(90), noise().rotate(180)]
    return tiny_photo(kind, save_all=True, append_images=others)


PHOTOS = {
    "jpg": tiny_photo("JPEG", exif=EXIF),
    "jpg, progressive": tiny_photo("JPEG", progressive=True),
    "jpg, stray bytes and fill bytes": b"\xff\xd8\0\0\xff\xff\xff" + tiny_photo("JPEG")[2:],
    "jpg, several images": frames("MPO"),
    "png": tiny_photo("PNG", exif=EXIF),
    "png, animated": frames("PNG"),
    "gif": tiny_photo("GIF"),
    "gif, animated": frames("GIF"),
    "webp": tiny_photo("WEBP", exif=EXIF, xmp=XMP),
    "webp, animated": frames("WEBP"),
    "avif": tiny_photo("AVIF", exif=EXIF, xmp=XMP),
    "avif, animated": frames("AVIF"),
    "heic": tiny_photo("HEIF", exif=EXIF, xmp=XMP),
    "heic, several images": frames("HEIF"),
}


def check(content: bytes, name: str) -> None:
    with TemporaryFile() as file:
        file.write(content)
        check_complete(file, name.partition(",")[0])


def layout(content: bytes) -> JpegLayout:
    with TemporaryFile() as file:
        file.write(content)
        return read_jpeg_layout(file)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_whole_photo_is_complete_whatever_follows_its_end(name: str) -> None:
    for trailer in (b"", TRAILER, bytes(1000), b"\xff", b"\0" * 3 + PHOTOS["jpg"]):
        check(PHOTOS[name] + trailer, name)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_cut_off_anywhere_is_found(name: str) -> None:
    whole = PHOTOS[name]
    first = whole.find(b"\xff\xd9\xff\xd8") + 2  # where an MPO's first image ends, all is well
    for end in {*range(0, len(whole), len(whole) // 40), *range(len(whole) - 8, len(whole))}:
        if end != first:
            with pytest.raises(CutOff):
                check(whole[:end], name)


def test_scans_are_those_of_the_first_image() -> None:
    one, progressive = tiny_photo("JPEG"), PHOTOS["jpg, progressive"]
    scans = progressive.count(b"\xff\xda")
    assert scans > 5
    assert layout(progressive) == JpegLayout(scans, progressive=True)
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(progressive) + 8) + b"Exif\0\0" + progressive
    with_thumbnail = one[:2] + thumbnail + one[2:]
    for photo in (one, with_thumbnail, one + progressive, one + TRAILER + progressive):
        assert layout(photo) == JpegLayout(1, progressive=False)


def test_a_png_is_as_it_was_written() -> None:
    changed = bytearray(PHOTOS["png"])
    changed[changed.index(b"IDAT") + 30] ^= 1
    with pytest.raises(BrokenContainer):
        check(bytes(changed), "png")


def box(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + name + content


MANY = 100_000
META = box(b"meta", bytes(4), box(b"hdlr"))
HUGE = struct.pack(">I4sQ", 1, b"mdat", 2**63)
HOSTILE = [
    ("jpg", lambda: b"\xff\xd8" + b"\xff\xe0\0\0" * MANY),
    ("jpg", lambda: b"\xff\xd8" + b"\xff\xe0\0\2" * 11 * MANY),
    ("jpg", lambda: b"\xff\xd8\xff\xd9" * 3 * MANY),
    ("jpg", lambda: b"\xff\xd8\xff\xd8\xff\xd8"),
    ("jpg", lambda: b"\xff\xd8" + b"\xff\xe1\xff\xffExif\0\0" * MANY),
    ("png", lambda: bytes(8) + (bytes(4) + b"teSt" + bytes(4)) * 3 * MANY),
    ("png", lambda: bytes(8) + b"\xff\xff\xff\xffIDAT"),
    ("png", lambda: bytes(8) + (b"\0\0\0\0tEXt" + bytes(4)) * MANY),
    ("gif", lambda: b"GIF89a" + bytes(7) + b"!\xfe" + b"\1!" * 5 * MANY),
    ("gif", lambda: b"GIF89a" + bytes(7) + b"!\xfe\0" * 3 * MANY),
    ("webp", lambda: b"RIFF\xff\xff\xff\xffWEBP" + b"XMP \0\0\0\0" * 3 * MANY),
    ("heic", lambda: box(b"ftyp") * MANY),
    ("heic", lambda: META + HUGE),
    ("heic", lambda: META + struct.pack(">I4sQ", 1, b"mdat", 3)),
    ("heic", lambda: box(b"moov", box(b"trak", META) * MANY)),
    ("heic", lambda: box(b"meta", box(b"meta", box(b"meta", META))) * 10),
]


@pytest.mark.parametrize(("photo_format", "make"), HOSTILE)
def test_a_hostile_file_is_read_in_bounded_time(
    photo_format: str, make: Callable[[], bytes]
) -> None:
    begin = time.process_time()  # in which other processes do not count
    with suppress(BrokenContainer):
        check(make(), photo_format)
    assert time.process_time() - begin < 5


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(PHOTOS)),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4))),
)
def test_a_damaged_file_raises_nothing_but_its_own_error(
    name: str, changes: list[tuple[int, bytes]]
) -> None:
    content = bytearray(PHOTOS[name])
    for position, replacement in changes:
        start = position % len(content)
        content[start : start + len(replacement)] = replacement
    with suppress(BrokenContainer):
        check(bytes(content), name)
