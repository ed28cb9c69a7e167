"""Where the blocks of a photo's file stand, and whether all of them arrived."""

import io
import mmap
import struct
import time
from itertools import pairwise
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from server.containers import (
    Block,
    BrokenContainer,
    CutOff,
    check_complete,
    find_metadata,
    mapped,
    read_jpeg_layout,
)

pillow_heif.register_heif_opener()

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0Cam\0\0\0\0\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"> </x:xmpmeta>'
TRAILER = b"SEFT, or a film: \0\0\0\x18ftypmp42" + bytes(100)


def noise(width: int = 64, height: int = 48) -> Image.Image:
    pixels = bytes(i * i * 7919 >> 5 & 0xFF for i in range(width * height * 3))
    return Image.frombytes("RGB", (width, height), pixels)


def photo(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    noise().save(out, kind, **options)
    return out.getvalue()


def frames(kind: str) -> bytes:
    return photo(kind, save_all=True, append_images=[noise().rotate(90), noise().rotate(180)])


PHOTOS = {
    "jpg": photo("JPEG", exif=EXIF),
    "jpg, progressive": photo("JPEG", progressive=True),
    "jpg, several images": frames("MPO"),
    "png": photo("PNG", exif=EXIF),
    "png, animated": frames("PNG"),
    "gif": photo("GIF"),
    "gif, animated": frames("GIF"),
    "webp": photo("WEBP", exif=EXIF, xmp=XMP),
    "webp, animated": frames("WEBP"),
    "avif": photo("AVIF", exif=EXIF, xmp=XMP),
    "avif, animated": frames("AVIF"),
    "heic": photo("HEIF", exif=EXIF, xmp=XMP),
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

    def metadata(self, content: bytes, photo_format: str) -> list[tuple[str, bytes]]:
        self.path.write_bytes(content)
        with self.path.open("r+b") as file, mapped(file) as data:
            return [(block.kind, block.read(data)) for block in find_metadata(data, photo_format)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("containers") / "photo")


@pytest.mark.parametrize("name", PHOTOS)
def test_a_whole_photo_is_complete(name: str, files: Files) -> None:
    files.check(PHOTOS[name], format_of(name))


@pytest.mark.parametrize("name", PHOTOS)
def test_what_stands_behind_the_end_does_not_matter(name: str, files: Files) -> None:
    for trailer in (TRAILER, bytes(1000), b"\xff", b"\0" * 3 + PHOTOS["jpg"]):
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


def test_a_webp_chunk_of_odd_length_is_padded(files: Files) -> None:
    webp = photo("WEBP", exif=EXIF + b"!", xmp=XMP)
    files.check(webp, "webp")
    assert [kind for kind, _ in files.metadata(webp, "webp")] == ["exif", "xmp"]


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def test_scans_are_those_of_the_first_image(files: Files) -> None:
    one = photo("JPEG")
    assert files.scans(one) == 1
    progressive = PHOTOS["jpg, progressive"]
    scans = progressive.count(b"\xff\xda")
    assert files.scans(progressive) == scans > 5
    with_thumbnail = one[:2] + segment(0xE1, b"Exif\0\0" + progressive) + one[2:]
    assert files.scans(with_thumbnail) == 1
    assert files.scans(one + progressive) == 1
    assert files.scans(one + TRAILER + progressive) == 1


def test_a_progressive_jpeg_says_so(files: Files) -> None:
    for name, is_progressive in (("jpg", False), ("jpg, progressive", True)):
        files.path.write_bytes(PHOTOS[name])
        with files.path.open("rb") as file:
            assert read_jpeg_layout(file).progressive is is_progressive


def box(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + name + content


def item_file(version: int, method: int, exif: bytes, pieces: int = 3) -> bytes:
    """A file with the parts of HEIC that say where an Exif item stands (14496-12 8.11.3)."""
    id_layout = "I" if version == 2 else "H"
    infe = box(
        b"infe", b"\3\0\0\0" if version == 2 else b"\2\0\0\0",
        struct.pack(f">{id_layout}H", 7, 0), b"Exif\0",
    )  # fmt: skip
    iinf = box(b"iinf", bytes(4), struct.pack(">H", 1), infe)
    cuts = [len(exif) * i // pieces for i in range(pieces + 1)]
    spans = list(pairwise(cuts))

    def iloc(start: int) -> bytes:
        content = bytes([version]) + bytes(3) + bytes([0x44, 0x48 if version else 0x40])
        content += struct.pack(f">{id_layout}{id_layout}", 1, 7)
        content += struct.pack(">H", method) if version else b""
        content += struct.pack(">HIH", 0, start, pieces)
        for begin, end in spans:
            content += (bytes(8) if version else b"") + struct.pack(">II", begin, end - begin)
        return box(b"iloc", content)

    idat = [box(b"idat", exif)] if method else []
    ftyp = box(b"ftyp", b"heic\0\0\0\0")
    length = len(ftyp + box(b"meta", bytes(4), iinf, iloc(0), *idat)) + 8
    meta = box(b"meta", bytes(4), iinf, iloc(0 if method else length), *idat)
    return ftyp + meta + box(b"mdat", b"" if method else exif)


@pytest.mark.parametrize(("version", "method"), [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1)])
def test_an_item_is_found_wherever_its_pieces_stand(
    version: int, method: int, files: Files
) -> None:
    exif = b"\0\0\0\6" + EXIF
    content = item_file(version, method, exif)
    files.check(content, "heic")
    assert files.metadata(content, "heic") == [("exif", exif)]
    if method == 0:
        with pytest.raises(CutOff):
            files.check(content[:-1], "heic")


@pytest.mark.parametrize("name", ["jpg", "png", "webp", "avif", "heic"])
def test_metadata_that_pillow_wrote_is_found(name: str, files: Files) -> None:
    kinds = [kind for kind, content in files.metadata(PHOTOS[name], name) if b"Cam\0" in content]
    assert kinds == ["exif"]


def test_a_block_in_pieces_is_written_back_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"..abc..de..")
    block = Block("exif", ((2, 5), (7, 9)))
    with path.open("r+b") as file, mapped(file, mmap.ACCESS_WRITE) as data:
        assert block.read(data) == b"abcde"
        block.write(data, b"ABCDE")
    assert path.read_bytes() == b"..ABC..DE.."


MANY = 100_000
META = box(b"meta", bytes(4), box(b"hdlr"))
HUGE = struct.pack(">I4sQ", 1, b"mdat", 2**63)
HOSTILE = [
    ("jpg", b"\xff\xd8" + b"\xff\xe0\0\0" * MANY),
    ("jpg", b"\xff\xd8" + b"\xff\xe0\0\2" * 11 * MANY),
    ("jpg", b"\xff\xd8\xff\xd9" * 3 * MANY),
    ("jpg", b"\xff\xd8\xff\xd8\xff\xd8"),
    ("jpg", b"\xff\xd8" + b"\xff\xe1\xff\xffExif\0\0" * MANY),
    ("png", bytes(8) + (bytes(4) + b"teSt" + bytes(4)) * 3 * MANY),
    ("png", bytes(8) + b"\xff\xff\xff\xffIDAT"),
    ("png", bytes(8) + (b"\0\0\0\0tEXt" + bytes(4)) * MANY),
    ("gif", b"GIF89a" + bytes(7) + b"!\xfe" + b"\1!" * 5 * MANY),
    ("gif", b"GIF89a" + bytes(7) + b"!\xfe\0" * 3 * MANY),
    ("webp", b"RIFF\xff\xff\xff\xffWEBP" + b"XMP \0\0\0\0" * 3 * MANY),
    ("heic", box(b"ftyp") * MANY),
    ("heic", META + HUGE),
    ("heic", META + struct.pack(">I4sQ", 1, b"mdat", 3)),
    ("heic", box(b"moov", box(b"trak", META) * MANY)),
    ("heic", box(b"meta", box(b"meta", box(b"meta", META))) * 10),
    # 65535 empty extents for each of many items, in no bytes at all
    ("heic", box(b"meta", bytes(4), box(b"iloc", bytes(6) + (b"\xff" * 8) * MANY))),
    ("heic", box(b"meta", bytes(4), box(b"iloc", b"\2" + b"\xff" * 9))),
    ("heic", box(b"meta", bytes(4), box(b"iinf", b"\1" + b"\xff" * 7, box(b"infe")))),
]


@pytest.mark.parametrize(("photo_format", "content"), HOSTILE)
def test_a_hostile_file_ends_soon(photo_format: str, content: bytes, files: Files) -> None:
    begin = time.perf_counter()
    for act in (files.check, files.metadata):
        try:
            act(content, photo_format)
        except BrokenContainer:
            continue
    assert time.perf_counter() - begin < 5


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
    for act in (files.check, files.metadata):
        try:
            act(bytes(content), format_of(name))
        except BrokenContainer:
            continue
