"""Where the blocks of a photo's file stand, and whether all of them arrived."""

import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.containers import (
    BrokenContainer,
    CutOff,
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


def format_of(name: str) -> str:
    return name.partition(",")[0]


class Files:
    """One file after the other under one name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self, content: bytes, photo_format: str) -> None:
        self.path.write_bytes(content)
        with self.path.open("r+b") as file:
            check_complete(file, photo_format)

    def scans(self, content: bytes) -> int:
        self.path.write_bytes(content)
        with self.path.open("rb") as file:
            return read_jpeg_layout(file).scans


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("containers") / "photo")


@pytest.mark.parametrize("name", PHOTOS)
def test_a_whole_photo_is_complete_whatever_follows_its_end(name: str, files: Files) -> None:
    for trailer in (b"", TRAILER, bytes(1000), b"\xff", b"\0" * 3 + PHOTOS["jpg"]):
        files.check(PHOTOS[name] + trailer, format_of(name))


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_cut_off_anywhere_is_found(name: str, files: Files) -> None:
    whole = PHOTOS[name]
    first = whole.find(b"\xff\xd9\xff\xd8") + 2  # where an MPO's first image ends, all is well
    for end in {*range(0, len(whole), len(whole) // 40), *range(len(whole) - 8, len(whole))}:
        if end != first:
            with pytest.raises(CutOff):
                files.check(whole[:end], format_of(name))


def test_a_jpeg_may_have_fill_bytes_and_stray_bytes_between_its_segments(files: Files) -> None:
    jpeg = PHOTOS["jpg"]
    files.check(jpeg[:2] + b"\0\0\xff\xff\xff" + jpeg[2:], "jpg")


def test_scans_are_those_of_the_first_image(files: Files) -> None:
    one = tiny_photo("JPEG")
    assert files.scans(one) == 1
    progressive = PHOTOS["jpg, progressive"]
    scans = progressive.count(b"\xff\xda")
    assert files.scans(progressive) == scans > 5
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(progressive) + 8) + b"Exif\0\0" + progressive
    with_thumbnail = one[:2] + thumbnail + one[2:]
    assert files.scans(with_thumbnail) == 1
    assert files.scans(one + progressive) == 1
    assert files.scans(one + TRAILER + progressive) == 1


def test_a_png_is_as_it_was_written(files: Files) -> None:
    changed = bytearray(PHOTOS["png"])
    changed[changed.index(b"IDAT") + 30] ^= 1
    with pytest.raises(BrokenContainer):
        files.check(bytes(changed), "png")


def test_a_progressive_jpeg_says_so(files: Files) -> None:
    for name, is_progressive in (("jpg", False), ("jpg, progressive", True)):
        files.path.write_bytes(PHOTOS[name])
        with files.path.open("rb") as file:
            assert read_jpeg_layout(file).progressive is is_progressive


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
    photo_format: str, make: Callable[[], bytes], files: Files
) -> None:
    begin = time.process_time()  # in which other processes do not count
    with suppress(BrokenContainer):
        files.check(make(), photo_format)
    assert time.process_time() - begin < 5


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(PHOTOS)),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4))),
)
def test_a_damaged_file_raises_nothing_but_its_own_error(
    name: str, changes: list[tuple[int, bytes]], files: Files
) -> None:
    content = bytearray(PHOTOS[name])
    for position, replacement in changes:
        start = position % len(content)
        content[start : start + len(replacement)] = replacement
    with suppress(BrokenContainer):
        files.check(bytes(content), format_of(name))
