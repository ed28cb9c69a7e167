"""What is a photo, and how it is shown."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryFile

import pytest
from PIL import Image

from dropwall.images.reading import Images, Picture
from dropwall.refusals import BrokenContainer, DamagedPhoto, NotAPhoto, TooManyPixels
from tests.support.bad_photos import BOMBS, DAMAGED
from tests.support.odd_photos import (
    CORNERS,
    GOOD_ODD,
    LARGE_ODD,
    SIZE,
    TRANSPARENT,
    VARIANTS,
)
from tests.support.odd_photos import displayed_corners as corners_of
from tests.support.photos import encode, photo_bytes, picture, timed_photo

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
