"""Where the blocks of a photo's file stand, and whether all of them arrived."""

import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dropwall.images.containers import parse_container
from dropwall.images.formats import Container
from dropwall.refusals import BrokenContainer, NotAPhoto
from tests.support.odd_photos import box, png_chunk
from tests.support.photos import encode, noise, tiny_photo

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0Cam\0\0\0\0\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"> </x:xmpmeta>'
SIZE = noise().size
BEGINNING_BYTES = 12
TRAILER = b"SEFT, or a film: \0\0\0\x18ftypmp42" + bytes(100)


def frames(kind: str) -> bytes:
    others = [noise().rotate(90), noise().rotate(180)]
    return tiny_photo(kind, save_all=True, append_images=others)


PHOTOS = {
    "jpg": tiny_photo("JPEG", exif=EXIF),
    "jpg, progressive": tiny_photo("JPEG", progressive=True),
    "jpg, stray bytes and fill bytes": tiny_photo("JPEG")[:20]
    + b"\0\0\xff\xff"
    + tiny_photo("JPEG")[20:],
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


def parsed(content: bytes) -> Container:
    with TemporaryFile() as file:
        file.write(content)
        return parse_container(file)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_whole_photo_is_complete_whatever_follows_its_end(name: str) -> None:
    for trailer in (b"", TRAILER, bytes(1000), b"\xff", b"\0" * 3 + PHOTOS["jpg"]):
        photo = parsed(PHOTOS[name] + trailer)
        assert photo.kind == name.partition(",")[0]
        assert (photo.width, photo.height) == ((64, 64) if photo.kind == "heic" else SIZE)  # coded
        assert photo.frames == (3 if "animated" in name else 1)


LAST_BYTES = {"png": 12, "gif": 1}  # which are none of the picture


@pytest.mark.parametrize("name", [name for name in PHOTOS if not name.startswith("jpg")])
def test_a_photo_cut_off_anywhere_is_found(name: str) -> None:
    whole = PHOTOS[name]
    end = len(whole) - (0 if name == "png, animated" else LAST_BYTES.get(name.split(",")[0], 0))
    for cut in {*range(0, end, end // 40), *range(end - 8, end)}:
        with pytest.raises(
            BrokenContainer if cut > BEGINNING_BYTES else (BrokenContainer, NotAPhoto)
        ):
            parsed(whole[:cut])


def test_scans_are_those_of_the_first_image() -> None:
    one, progressive = tiny_photo("JPEG"), PHOTOS["jpg, progressive"]
    scans = progressive.count(b"\xff\xda")
    assert scans > 5
    photo = parsed(progressive)
    assert photo.scans == scans
    assert photo.coefficients == SIZE[0] * SIZE[1] * 3 // 2  # 4:2:0
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(progressive) + 8) + b"Exif\0\0" + progressive
    with_thumbnail = one[:2] + thumbnail + one[2:]
    for content in (one, with_thumbnail, one + progressive, one + TRAILER + progressive):
        photo = parsed(content)
        assert (photo.scans, photo.coefficients) == (1, 0)


def test_a_png_begins_with_its_header() -> None:
    with pytest.raises(BrokenContainer):
        parsed(PNG + png_chunk(b"tEXt", b"a\0b") + PHOTOS["png"][len(PNG) :])


def heic_items(count: int, length: int, unit: bytes, references: int = 0) -> bytes:
    """A HEIC of so many items, all of which are the same bytes."""
    infos = b"".join(
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + b"hvc1\0")
        for number in range(count)
    )
    places = b"".join(struct.pack(">HHHII", number, 0, 1, 0, length) for number in range(count))
    meta = box(
        b"meta",
        bytes(4),
        box(b"iinf", bytes(4) + struct.pack(">H", count), infos),
        box(b"iref", bytes(4), box(b"cdsc", bytes(6)) * references),
        box(b"iloc", b"\0\0\0\0\x44\0" + struct.pack(">H", count), places),
    )
    start = struct.pack(">I", 28 + len(meta))
    places_of_start = places.replace(struct.pack(">HI", 1, 0), b"\0\1" + start)
    return (
        box(b"ftyp", b"heic", bytes(4), b"heic")
        + meta.replace(places, places_of_start)
        + box(b"mdat", unit * (length // len(unit)))
    )


MANY = 100_000
PNG = b"\x89PNG\r\n\x1a\n"
FTYP = box(b"ftyp", b"heic", bytes(4))
META = box(b"meta", bytes(4), box(b"hdlr"))
HUGE = struct.pack(">I4sQ", 1, b"mdat", 2**63)
# 200 places of 65,535 pieces each, which have no bytes to say where they are.
EXTENTS = box(b"iloc", bytes(6), struct.pack(">H", 200), struct.pack(">HHH", 1, 0, 65_535) * 200)
BOMB_PROFILE = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9 << 20)))
LAST_BOXES = [b"iinf", b"iloc"]  # empty, at the end of the file
HOSTILE = [
    lambda: b"\xff\xd8" + b"\xff\xe0\0\0" * MANY,
    lambda: b"\xff\xd8" + b"\xff\xe0\0\2" * 11 * MANY,
    lambda: b"\xff\xd8\xff\xd9" * 3 * MANY,
    lambda: b"\xff\xd8\xff\xd8\xff\xd8",
    lambda: b"\xff\xd8" + b"\xff\xe1\xff\xffExif\0\0" * MANY,
    lambda: PNG + png_chunk(b"IHDR", bytes(13)) + (bytes(4) + b"teSt" + bytes(4)) * 3 * MANY,
    lambda: PNG + b"\xff\xff\xff\xffIDAT",
    lambda: PNG + png_chunk(b"IHDR", bytes(13)) + (b"\0\0\0\0tEXt" + bytes(4)) * MANY,
    lambda: b"GIF89a" + bytes(7) + b"!\xfe" + b"\1!" * 5 * MANY,
    lambda: b"GIF89a" + bytes(7) + b"!\xfe\0" * 3 * MANY,
    lambda: b"RIFF\xff\xff\xff\xffWEBP" + b"XMP \0\0\0\0" * 3 * MANY,
    lambda: FTYP * MANY,
    lambda: FTYP + META + HUGE,
    lambda: FTYP + META + struct.pack(">I4sQ", 1, b"mdat", 3),
    lambda: FTYP + box(b"moov", box(b"trak", META) * MANY),
    lambda: heic_items(4_000, 10_000_000, b"\0\0\x27\x0c" + b"\1" * 9_996),
    lambda: heic_items(1, 15_000_000, b"\0\0\0\1\1", 3 * MANY),
    lambda: FTYP + box(b"meta", box(b"meta", box(b"meta", META))) * 10,
    lambda: FTYP + box(b"meta", bytes(4), box(b"free") * 40 * MANY),
    lambda: FTYP + box(b"meta", bytes(4), box(b"iref", bytes(4), box(b"thmb") * 100) * 1_000) * 9,
    lambda: FTYP + box(b"meta", bytes(4), EXTENTS),
    lambda: PNG + png_chunk(b"IHDR", bytes(13)) + BOMB_PROFILE * 400,
    *(lambda last=last: FTYP + box(b"meta", bytes(4), box(last)) for last in LAST_BOXES),
]


@pytest.mark.parametrize("make", HOSTILE)
def test_a_hostile_file_is_read_in_bounded_time(make: Callable[[], bytes]) -> None:
    begin = time.process_time()  # in which other processes do not count
    with suppress(BrokenContainer):
        parsed(make())
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
    with suppress(BrokenContainer, NotAPhoto):
        parsed(bytes(content))


def av1_header(*fields: tuple[int, int]) -> bytes:
    """A sequence header (AV1 5.5.1) for 300 by 200 pixels: what precedes them, as values of so many
    bits each."""
    sizes = ((8, 4), (7, 4), (299, 9), (199, 8))
    bits = "".join(f"{value:0{count}b}" for value, count in (*fields, *sizes, (1, 1)))
    content = int(bits, 2) << -len(bits) % 8
    header = content.to_bytes(-(-len(bits) // 8))
    return b"\x0a" + bytes([len(header)]) + header


def avif_of(header: bytes, *said: tuple[int, int]) -> bytes:
    """An AVIF of one image, which begins with this header, and says these sizes."""
    ftyp = box(b"ftyp", b"avif", bytes(4), b"avif")
    sizes = [box(b"ispe", bytes(4), struct.pack(">II", *size)) for size in said]

    def meta(start: int) -> bytes:
        info = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"av01\0")
        place = struct.pack(">HHHHII", 1, 1, 0, 1, start, len(header))
        items = box(b"iinf", bytes(4), b"\0\1", info), box(b"iloc", b"\0\0\0\0\x44\0", place)
        return box(b"meta", bytes(4), *items, box(b"iprp", box(b"ipco", *sizes)))

    return ftyp + meta(len(ftyp + meta(0)) + 8) + box(b"mdat", header)


NO_TIMING, NO_DELAY, ONE_POINT, LEVEL_3 = (0, 1), (0, 1), (0, 5), ((0, 12), (3, 5))
TIMING = ((1, 1), (1, 32), (30, 32))
DECODER_MODEL = ((1, 1), (9, 5), (1, 32), (9, 5), (9, 5))  # delays of 10 bits
AV1_HEADERS = {
    "reduced": [(0, 3), (1, 1), (1, 1), (0, 5)],
    "plain": [(0, 5), NO_TIMING, NO_DELAY, ONE_POINT, *LEVEL_3],
    "high level": [(0, 5), NO_TIMING, NO_DELAY, ONE_POINT, (0, 12), (8, 5), (1, 1)],
    "timing": [(0, 5), *TIMING, (0, 1), (0, 1), NO_DELAY, ONE_POINT, *LEVEL_3],
    "equal intervals": [
        *((0, 5), *TIMING, (1, 1), (0b00101, 5), (0, 1), NO_DELAY),  # uvlc of 4 (4.10.3)
        *(ONE_POINT, *LEVEL_3),
    ],
    "decoder model": [
        *((0, 5), *TIMING, (0, 1), *DECODER_MODEL, NO_DELAY, (1, 5)),
        *(*LEVEL_3, (1, 1), (999, 10), (5, 10), (0, 1)),
        *(*LEVEL_3, (0, 1)),
    ],
    "display delay": [
        *((0, 5), NO_TIMING, (1, 1), (1, 5), *LEVEL_3, (1, 1), (9, 4), *LEVEL_3, (0, 1)),
    ],
}


@pytest.mark.parametrize("fields", AV1_HEADERS.values(), ids=AV1_HEADERS)
def test_the_coded_size_is_found_behind_whatever_precedes_it(fields: list[tuple[int, int]]) -> None:
    header = av1_header(*fields)
    photo = parsed(avif_of(header, (290, 150)))
    assert (photo.kind, photo.width, photo.height) == ("avif", 300, 200)
    with pytest.raises(BrokenContainer, match="larger, or smaller"):
        parsed(avif_of(header, (64, 64)))


def test_an_avif_has_no_more_sizes_than_a_photo() -> None:
    header = av1_header(*AV1_HEADERS["plain"])
    sizes = [(300, 200 + number) for number in range(300)]
    assert parsed(avif_of(header, *sizes[:100])).height == 299
    with pytest.raises(BrokenContainer, match="more sizes"):
        parsed(avif_of(header, *sizes))


@pytest.mark.parametrize("kind", ["avif", "heic"])
def test_a_photo_has_one_description(kind: str) -> None:
    whole = PHOTOS[kind]
    with pytest.raises(BrokenContainer, match="several descriptions"):
        parsed(whole + META)


BOXES = [b"infe", b"iinf", b"iloc", b"iref", b"ispe", b"av1C", b"hvcC"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("avif", "heic") for name in BOXES if name in PHOTOS[kind]],
)
def test_a_box_that_ends_too_early_is_read_as_far_as_it_goes(kind: str, name: bytes) -> None:
    """What is missing of it is in a box of no meaning, so that all others are where they were."""
    whole = PHOTOS[kind]
    at = whole.index(name) - 4
    size = int.from_bytes(whole[at : at + 4])
    for kept in range(8, size - 7):
        short = kept.to_bytes(4) + whole[at + 4 : at + kept] + box(b"free", bytes(size - kept - 8))
        with suppress(BrokenContainer):
            assert parsed(whole[:at] + short + whole[at + size :]).kind == kind


def test_a_film_is_no_photo() -> None:
    for brand in (b"isom", b"mp42", b"qt  "):
        with pytest.raises(NotAPhoto):
            parsed(box(b"ftyp", brand, bytes(4), brand) + box(b"mdat", bytes(100)))


def test_a_webp_has_no_more_chunks_than_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dropwall.images.containers._MAX_WEBP_CHUNKS", 1000)
    whole = PHOTOS["webp"]

    def with_chunks(count: int) -> bytes:
        more = b"teSt\0\0\0\0" * count
        return b"RIFF" + struct.pack("<I", len(whole) - 8 + len(more)) + whole[8:] + more

    assert parsed(with_chunks(900)).kind == "webp"
    with pytest.raises(BrokenContainer, match="more chunks"):
        parsed(with_chunks(1000))


def avif(said: tuple[int, int], coded: tuple[int, int], frames: int = 1) -> bytes:
    """An AVIF that says another size than its picture has."""
    picture = Image.new("RGB", coded, (9, 99, 199))
    others = [picture.rotate(180)] * (frames - 1)
    content = encode(picture, "avif", save_all=frames > 1, append_images=others)
    return content.replace(struct.pack(">II", *coded), struct.pack(">II", *said))


@pytest.mark.parametrize("said", [(64, 64), (300, 210), (301, 200), (600, 400), (300, 100)])
def test_an_avif_is_as_large_as_it_says(said: tuple[int, int]) -> None:
    with pytest.raises(BrokenContainer):
        parsed(avif(said, (300, 200)))


def test_an_avif_may_be_coded_with_padding_and_its_coded_size_counts() -> None:
    photo = parsed(avif((290, 150), (300, 200)))
    assert (photo.width, photo.height) == (300, 200)
    photo = parsed(avif((64, 64), (300, 200), frames=3))
    assert (photo.width, photo.height, photo.frames) == (300, 200, 3)


def test_a_file_of_more_images_than_any_photo_is_refused_and_let_go() -> None:
    content = tiny_photo("HEIF")
    sizes = 5005 * box(b"ispe", bytes(4) + struct.pack(">II", *SIZE))
    for name in (b"ipco", b"iprp", b"meta"):  # from the innermost box to the outermost
        start = content.index(name) - 4
        end = start + int.from_bytes(content[start : start + 4], "big")
        if name == b"ipco":
            content = content[:end] + sizes + content[end:]
        length = (end - start + len(sizes)).to_bytes(4, "big")
        content = content[:start] + length + content[start + 4 :]
    with pytest.raises(BrokenContainer, match="more images than any photo"):
        parsed(content)
