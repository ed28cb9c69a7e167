"""What is a photo, and how it is shown."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dropwall.images.pictures import MAX_EXIF_BYTES, Picture, orientation_of, upright_exif
from dropwall.images.reading import Images
from dropwall.refusals import (
    BrokenContainer,
    DamagedPhoto,
    NotAPhoto,
    Refusal,
    TooLongAnimation,
    TooManyPixels,
)
from tests.support.bad_photos import BOMBS, DAMAGED, gif_of_frames
from tests.support.odd_photos import (
    CORNERS,
    GOOD_ODD,
    LARGE_ODD,
    SIZE,
    TRANSPARENT,
    VARIANTS,
    box,
    p3_profile,
    png,
    png_chunk,
    says_size,
    with_png_chunk,
)
from tests.support.odd_photos import displayed_corners as corners_of
from tests.support.photos import FORMATS, encode, phone_exif, photo_bytes, picture, timed_photo

TOLERANCE = 12

Read = Callable[[bytes], Picture]


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Top left, top right, bottom left, bottom right, well inside."""
    right, bottom = image.width - image.width // 8, image.height - image.height // 8
    points = [(x, y) for y in (image.height // 8, bottom) for x in (image.width // 8, right)]
    return [image.getpixel(point) for point in points]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_thumbnail_is_upright_in_true_colours_without_metadata(read: Read, name: str) -> None:
    picture = read(VARIANTS[name]())
    assert (picture.width, picture.height) == SIZE
    shown = Image.open(io.BytesIO(picture.thumbnails[320]))
    seen = corners(shown.convert("RGBA"))
    is_transparent = TRANSPARENT in name
    for corner, (colour, expected) in enumerate(zip(seen, corners_of(name), strict=True)):
        if is_transparent and corner == len(CORNERS) - 1:
            assert colour[3] < TOLERANCE
        else:
            assert colour[:3] == pytest.approx(expected, abs=TOLERANCE)
            assert colour[3] > 255 - TOLERANCE
    for content in picture.thumbnails.values():
        shown = Image.open(io.BytesIO(content))
        assert shown.format == "WEBP"
        assert not {"exif", "xmp", "icc_profile"} & set(shown.info)
    assert picture.animated == ("animated" in name)  # a phone's extra pictures are no animation


@pytest.mark.parametrize("name", [*GOOD_ODD, *LARGE_ODD])
def test_odd_photos_are_photos_with_their_place_and_without(images: Images, name: str) -> None:
    _name, make = (GOOD_ODD | LARGE_ODD)[name]
    with TemporaryFile() as file:
        file.write(make())
        shown = [images.read_photo(file, keep_location) for keep_location in (True, False)]
    assert shown[0] == shown[1]
    assert shown[0].placeholder.startswith("data:image/webp;base64,")


MOST = 99 << 20
LARGEST = {
    "png": lambda: with_png_chunk(png_chunk(b"tEXt", b"a\0" + bytes(MOST))),
    **{
        kind: lambda make=make: make() + box(b"mpvd", bytes(MOST))  # a film
        for kind, make in {
            "avif": lambda: photo_bytes("avif"),
            "webp": lambda: photo_bytes("webp"),
            "heic": lambda: says_size(photo_bytes("heic"), (480, 320), (476, 318)),
        }.items()
    },
}


@pytest.mark.parametrize("kind", LARGEST)
def test_a_small_photo_with_as_much_else_as_a_file_may_have_is_a_photo(
    images: Images, kind: str
) -> None:
    """Libraries of some formats hold all of the file in memory, more than once."""
    with TemporaryFile() as file:
        file.write(LARGEST[kind]())
        assert images.read_photo(file, keep_location=False).extension == kind


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_pixels_in_a_whole_container_are_refused(read: Read, kind: str) -> None:
    taken = []
    for way, make in DAMAGED[kind].items():
        try:
            read(make())
            taken.append(way)
        except (DamagedPhoto, BrokenContainer):
            pass
    assert (taken, len(DAMAGED[kind]) >= 9) == ([], True)


SMALL_SIZE = (60, 40)
SOUND = {
    **{kind: photo_bytes(kind, 1, SMALL_SIZE) for kind in FORMATS},
    **{
        f"animated {kind}": photo_bytes(kind, 1, SMALL_SIZE, frames=3)
        for kind in ("apng", "gif", "webp", "avif")
    },
}
WORDS = st.sampled_from([bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff", b"\xff" * 4])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(SOUND)),
    changes=st.lists(
        st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=2) | WORDS),
        min_size=1,
        max_size=6,
    ),
)
def test_whatever_is_wrong_with_a_photo_is_no_error_of_ours(
    images: Images, name: str, changes: list[tuple[int, bytes]]
) -> None:
    """It is read, perhaps with a wrong pixel, or refused."""
    content = bytearray(SOUND[name])
    for start, replacement in changes:  # in the beginning, which describes the rest
        content[start : start + len(replacement)] = replacement
    with TemporaryFile() as file, suppress(Refusal):
        file.write(content)
        assert images.read_photo(file, keep_location=False).thumbnails


def test_frames_that_are_larger_than_their_screen_cost_what_they_are(images: Images) -> None:
    """The container tells only the screen, and the number of frames."""
    few = Images(100_000, 100_000, images._slots)
    frames = [Image.new("RGB", (300, 300), (10 * number, 0, 99)) for number in range(24)]
    whole = encode(frames[0], "gif", save_all=True, append_images=frames[1:])
    short = encode(frames[0], "gif", save_all=True, append_images=frames[1:3])
    with TemporaryFile() as file:
        file.write(with_screen(short, 10))
        assert few.read_photo(file).animated
    with TemporaryFile() as file:
        file.write(with_screen(whole, 10))
        with pytest.raises(TooLongAnimation):
            few.read_photo(file)


def with_screen(gif: bytes, side: int) -> bytes:
    return gif[:6] + struct.pack("<HH", side, side) + gif[10:]


def test_a_heic_whose_size_is_far_off_is_damaged(read: Read) -> None:
    photo, true = photo_bytes("heic"), (480, 320)
    near = read(says_size(photo, true, (476, 318)))
    assert (near.width, near.height) == true
    with pytest.raises(DamagedPhoto):
        read(says_size(photo, true, (480, 240)))


def test_a_png_whose_profile_cannot_be_unpacked_is_shown_without_it(read: Read) -> None:
    plain = read(photo_bytes("png")).thumbnails
    for profile in (b"not packed", zlib.compress(p3_profile())[:-9]):
        chunk = png_chunk(b"iCCP", b"P3\0\0" + profile)
        assert read(with_png_chunk(chunk)).thumbnails == plain
    good = png_chunk(b"iCCP", b"P3\0\0" + zlib.compress(p3_profile()))
    assert read(with_png_chunk(good)).thumbnails != plain


def test_a_png_of_very_many_more_rows_than_it_says_is_refused(read: Read) -> None:
    """Before all of them are unpacked."""
    rows = bytes(9) * 8
    assert read(png((8, 8), 8, 0, rows)).extension == "png"
    with pytest.raises(BrokenContainer, match="more rows"):
        read(png((8, 8), 8, 0, rows + bytes(10**6)))


JPEGS: dict[str, dict[str, object]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "4:4:4": {"subsampling": "4:4:4"},
    "with restarts": {"restart_marker_blocks": 9},
    "good": {"quality": 95},
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_cut_off_anywhere_is_refused_unless_only_its_end_is_missing(
    read: Read, name: str
) -> None:
    whole = photo_bytes("jpg", 3, (240, 160), **JPEGS[name])
    shown = read(whole).thumbnails
    assert read(whole[:-2]).thumbnails == read(whole[:-1]).thumbnails == shown
    for cut in (*range(20, len(whole), len(whole) // 15), *range(20, 40, 3)):
        for ending in (b"", bytes(5_000)):
            with pytest.raises((DamagedPhoto, BrokenContainer, NotAPhoto)):
                read(whole[:-cut] + ending)


def test_a_jpeg_may_be_larger_than_other_photos_unless_it_is_progressive(read: Read) -> None:
    large = Image.new("L", (15000, 10000))
    assert read(encode(large, "jpg")).width == 15000
    with pytest.raises(TooManyPixels, match="100000000"):
        read(encode(large, "jpg", progressive=True))


CLAIMS = [name for name in BOMBS if "claims" in name]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_bomb_is_refused_before_it_is_decoded(
    read: Read, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("dropwall.images.reading.decode", decode)
    with pytest.raises(Exception, match=r"^(\d+|)$") as refusal:
        read(BOMBS[name][1]())
    assert type(refusal.value).__module__ == "dropwall.refusals"


@pytest.mark.parametrize("number", [0, 1])
def test_a_frame_that_is_larger_than_its_screen_counts(read: Read, number: int) -> None:
    with pytest.raises(TooManyPixels):
        read(gif_of_frames((1, 1), [(1, 1)] * number + [(65535, 65535)]))


def test_a_very_long_photo_has_a_thumbnail(read: Read) -> None:
    for size, thumbnail_size in (((3000, 20), (320, 2)), ((20, 3000), (8, 1280))):
        shown = read(encode(picture(1, size), "png"))
        assert Image.open(io.BytesIO(shown.thumbnails[320])).size == thumbnail_size


@pytest.mark.parametrize("kind", ["jpg", "mpo", "png", "webp", "avif", "heic"])
def test_the_time_taken_is_the_one_on_the_wall(read: Read, kind: str) -> None:
    zones = {"OffsetTimeOriginal": "+02:00", "OffsetTime": "-07:00"}
    content = timed_photo(1, kind, DateTimeOriginal="2024:07:04 18:30:00", **zones)
    assert read(content).taken == "2024-07-04T18:30:00"


IN_A_DAY, IN_THREE_DAYS = (
    (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y:%m:%d %H:00:00") for hours in (14, 72)
)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2024:07:04 18:30:05\0\0", "2024-07-04T18:30:05"),
        (b"2024:07:04 18:30:05\0", "2024-07-04T18:30:05"),
        (" 2024-07-04T18:30:05.250+02:00", "2024-07-04T18:30:05"),
        ("2024/07/04 18:30:05Z", "2024-07-04T18:30:05"),
        ("2024: 7: 4  8:30: 5", "2024-07-04T08:30:05"),
        ("2024:07:04 18:30", "2024-07-04T18:30:00"),
        pytest.param(IN_A_DAY, IN_A_DAY.replace(":", "-", 2).replace(" ", "T"), id="in a day"),
        ("1990:01:01 00:00:00", "1990-01-01T00:00:00"),
        ("1989:12:31 23:59:59", None),
        ("1980:01:01 00:00:00", None),
        pytest.param(IN_THREE_DAYS, None, id="in three days"),
        ("2050:01:01 12:00:00", None),
        ("9999:99:99 99:99:99", None),
        ("2024:02:30 12:00:00", None),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("2024:07:04", None),
        ("yesterday", None),
        (b"\0" * 20, None),
        ("", None),
    ],
)
def test_a_time_is_read_as_cameras_and_editors_write_it(
    read: Read, text: str | bytes, taken: str | None
) -> None:
    times = {"DateTime": "2024:09:01 10:00:00", "DateTimeDigitized": "2024:08:01 10:00:00"}
    for name, otherwise in (
        ("DateTime", None),
        ("DateTimeDigitized", "2024-09-01T10:00:00"),
        ("DateTimeOriginal", "2024-08-01T10:00:00"),
    ):
        less = {other: time for other, time in times.items() if other < name}
        assert read(timed_photo(1, **(less | {name: text}))).taken == (taken or otherwise), name


def test_a_thumbnail_of_any_width_can_be_made_later(images: Images) -> None:
    with TemporaryFile() as file:
        file.write(photo_bytes("heic", size=(900, 600), orientation=6))
        large = Image.open(io.BytesIO(images.make_thumbnail(file, 2048)))
    assert sorted(large.size) == [600, 900]


def test_only_the_orientation_of_exif_is_changed_for_upright_pixels() -> None:
    exif = phone_exif(0, 6)
    upright = upright_exif(exif)
    assert (orientation_of(exif), orientation_of(upright)) == (6, 1)
    assert upright_exif(exif.removeprefix(b"Exif\0\0")) == upright
    assert len(upright) == len(exif)
    assert sum(a != b for a, b in zip(upright, exif, strict=True)) == 1


def test_exif_that_is_broken_or_too_long_makes_no_broken_jpeg() -> None:
    exif = phone_exif(0, 6)
    for end in range(len(exif)):
        cut = upright_exif(exif[:end])
        assert len(cut) in (0, end)
    padding = bytes(MAX_EXIF_BYTES + len(b"Exif\0\0") - len(exif))
    for longest, is_kept in ((exif + padding, True), (exif + padding + b"\0", False)):
        assert bool(upright_exif(longest)) == is_kept
        Image.new("L", (8, 8)).save(io.BytesIO(), "JPEG", exif=upright_exif(longest))
