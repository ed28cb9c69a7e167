"""A thumbnail shows what Chromium shows of the original: as large, upright, in the same colours."""

import base64
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import playwright
import pytest
import werkzeug
from PIL import Image
from playwright.sync_api import Page

from dropwall.images.pictures import Picture
from tests.support.bad_photos import png_chunks_of, png_of
from tests.support.browser import ROOT
from tests.support.odd_photos import (
    SIZE,
    VARIANTS,
    Make,
    corner_picture,
    grey_profile,
    p3_profile,
    png,
    with_segments,
)
from tests.support.photos import XMP, encode, phone_exif, photo_bytes

MEAN, MOST = 3, 26  # levels, of 255, between 64 parts of two pictures: what WebP makes of colours

Photos = Iterator[tuple[str, bytes] | tuple[str, bytes, bytes]]
"""Names and contents. Chromium shows no HEIC: it looks at a photo that is alike."""
MODES = ("L", "LA", "RGB", "RGBA", "P")
HAVE_MODES = {
    "jpg": ("L", "RGB"),
    "png": MODES,
    "gif": (),
    **dict.fromkeys(("webp", "avif", "heic"), ("RGB", "RGBA")),
}

LOOK = """async (photos) => {
    const look = async (content) => {
        const file = await (await fetch(`data:;base64,${content}`)).blob();
        const image = await createImageBitmap(file);  // the first of several
        const { width, height } = image;
        const whole = new OffscreenCanvas(width, height);
        whole.getContext("2d").drawImage(image, 0, 0);  // in sRGB
        const parts = new OffscreenCanvas(8, 8).getContext("2d");
        parts.imageSmoothingQuality = "high";
        const colours = ["white", "black"].map((background) => {
            parts.fillStyle = background;
            parts.fillRect(0, 0, 8, 8);
            parts.drawImage(whole, 0, 0, 8, 8);
            return [...parts.getImageData(0, 0, 8, 8).data];
        });
        return { size: [width, height], colours: colours.flat() };
    };
    return Promise.all(photos.map(look));
}"""

TIFF_ORIENTATION = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"  # on its right side
XMP_ORIENTATION = XMP.replace(
    b"xmlns:xmp", b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" xmlns:xmp'
)
RAW_PROFILE = b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (
    6 + len(TIFF_ORIENTATION),
    (b"Exif\0\0" + TIFF_ORIENTATION).hex().encode(),
)
BROKEN_EXIF = (
    TIFF_ORIENTATION[:8]
    + b"\2"
    + TIFF_ORIENTATION[9:-4]
    + b"\x69\x87\4\0\1\0\0\0\xff\xff\xff\xff\0\0\0\0"  # its other directory stands nowhere
)


def in_mode(mode: str) -> Image.Image:
    return corner_picture().quantize(4) if mode == "P" else corner_picture(mode)


def with_chunks(*chunks: tuple[bytes, bytes], behind: bool = False, mode: str = "RGB") -> bytes:
    before = png_chunks_of(encode(in_mode(mode), "png"))
    at = -1 if behind else 1
    return png_of([*before[:at], *chunks, *before[at:]])


def gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(100_000 * value))


def primaries(*numbers: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(100_000 * n) for n in (0.3127, 0.329, *numbers)))


def with_code_points(first: int, transfer: int, kind: str = "avif") -> bytes:
    avif = encode(corner_picture(), kind, quality=95)
    at = avif.index(b"nclx") + 4
    return avif[:at] + struct.pack(">HH", first, transfer) + avif[at + 4 :]


def with_tag(kind: int, count: int) -> bytes:
    """Orientation as another type, or number, of values than browsers take."""
    tag = TIFF_ORIENTATION.replace(b"\x12\1\3\0\1", b"\x12\1" + struct.pack("<HB", kind, count))
    return encode(corner_picture(), "jpg", exif=tag)


def seen_through(depth: int, mode: str = "L") -> bytes:
    """A PNG of which tRNS names the last colour."""
    levels = [(v * 257 ^ 0x5A) >> 16 - depth for v in corner_picture(mode).tobytes()]
    step = SIZE[0] * len(mode)
    rows = [levels[at : at + step] for at in range(0, len(levels), step)]
    bits = ("".join(f"{level:0{depth}b}" for level in row) for row in rows)
    raw = b"".join(b"\0" + int(row, 2).to_bytes(step * depth // 8) for row in bits)
    header, *rest = png_chunks_of(png(SIZE, depth, 0 if mode == "L" else 2, raw))
    last = struct.pack(f">{len(mode)}H", *rows[-1][-len(mode) :])
    return png_of([header, (b"tRNS", last), *rest])


def on_larger_screen(left: int, top: int) -> bytes:
    gif = encode(corner_picture().quantize(4), "gif")
    at = gif.index(b",", 13 + 3 * 4) + 1
    screen, place = struct.pack("<HH", 480, 320), struct.pack("<HH", left, top)
    return gif[:6] + screen + gif[10:at] + place + gif[at + 4 :]


def hidden_first() -> bytes:
    """An APNG whose first picture is for those that show no animations."""
    rest = [corner_picture().rotate(180)] * 2
    return encode(corner_picture(), "apng", save_all=True, append_images=rest, default_image=True)


def light_profile() -> bytes:
    """Display P3 with numbers that are proportional to light."""
    at = (p3 := p3_profile()).index(b"para")
    return p3[:at] + b"para\0\0\0\0\0\0\0\0\0\1\0\0" + p3[at + 16 :]


P3, ADOBE = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06), (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ICC = b"iCCP", b"p3\0\0" + zlib.compress(p3_profile())
GREY_ICC = b"iCCP", b"grey\0\0" + zlib.compress(grey_profile())
NO_ICC = b"iCCP", b"none\0\0" + zlib.compress(b"?" * 300)
AS_CHROMIUM_SHOWS: dict[str, Make] = {
    "jpg, EXIF": lambda: with_segments(b"Exif\0\0" + TIFF_ORIENTATION),
    "jpg, broken EXIF": lambda: with_segments(b"Exif\0\0" + BROKEN_EXIF),
    "jpg, two EXIF": lambda: with_segments(
        *(b"Exif\0\0" + TIFF_ORIENTATION.replace(b"\6\0", n) for n in (b"\1\0", b"\6\0"))
    ),
    "jpg, XMP": lambda: with_segments(b"http://ns.adobe.com/xap/1.0/\0" + XMP_ORIENTATION),
    "jpg, EXIF behind": lambda: photo_bytes() + with_segments(b"Exif\0\0" + TIFF_ORIENTATION),
    "png, EXIF": lambda: with_chunks((b"eXIf", TIFF_ORIENTATION)),
    "png, EXIF behind": lambda: with_chunks((b"eXIf", TIFF_ORIENTATION), behind=True),
    "png, XMP": lambda: with_chunks((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP_ORIENTATION)),
    "png, ImageMagick": lambda: with_chunks((b"tEXt", RAW_PROFILE)),
    "png, compressed": lambda: with_chunks(
        (b"zTXt", RAW_PROFILE.replace(b"\0", b"\0\0", 1)[:23] + zlib.compress(RAW_PROFILE[22:]))
    ),
    "webp, EXIF": lambda: encode(corner_picture(), "webp", exif=TIFF_ORIENTATION),
    "webp, XMP": lambda: encode(corner_picture(), "webp", xmp=XMP_ORIENTATION),
    "avif, turned": lambda: photo_bytes("avif", orientation=6),
    "avif, mirrored": lambda: photo_bytes("avif", orientation=7),
    "avif, XMP": lambda: encode(corner_picture(), "avif", xmp=XMP_ORIENTATION),
    **{
        f"avif, {first} and {transfer}": partial(with_code_points, first, transfer)
        for first, transfer in (
            *((1, 13), (12, 13), (12, 1), (12, 2), (9, 1), (9, 14), (9, 13), (1, 1), (2, 2)),
            *((1, 4), (12, 4), (1, 8), (5, 1), (6, 6)),
        )
    },
    "png, gamma": lambda: with_chunks(gamma(0.6)),
    "png, the usual gamma": lambda: with_chunks(gamma(0.45455)),
    "png, linear": lambda: with_chunks(gamma(1)),
    "png, P3 without gamma": lambda: with_chunks(primaries(*P3)),
    "png, P3": lambda: with_chunks(gamma(0.45455), primaries(*P3)),
    "png, Adobe RGB": lambda: with_chunks(gamma(0.4547), primaries(*ADOBE)),
    "png, gamma and sRGB": lambda: with_chunks((b"sRGB", b"\0"), gamma(1), primaries(*P3)),
    "png, gamma of nothing": lambda: with_chunks(gamma(0), primaries(*P3)),
    "png, primaries of nothing": lambda: with_chunks(gamma(0.6), primaries(*[0] * 6)),
    "png, profile": lambda: with_chunks(ICC),
    "png, profile and gamma": lambda: with_chunks(gamma(1), ICC),
    "png, code points": lambda: with_chunks((b"cICP", b"\x0c\x0d\0\1")),
    "png, code points and a profile": lambda: with_chunks((b"cICP", b"\1\x0d\0\1"), ICC),
    "png, code points of BT.2020": lambda: with_chunks((b"cICP", b"\x09\x0d\0\1")),
    **{
        f"png, {mode} and {chunk[0]} {chunk[1][:4]}": partial(with_chunks, chunk, mode=mode)
        for mode, chunk in product(("L", "LA"), (gamma(1), ICC, GREY_ICC))
    },
    "png, profile of nothing and gamma": lambda: with_chunks(gamma(1), NO_ICC),
    "png, code points in a narrow range": lambda: with_chunks((b"cICP", b"\x0c\x0d\0\0")),
    **{
        f"jpg, EXIF {number} of type {kind}": partial(with_tag, kind, number)
        for kind, number in ((3, 2), (4, 1))
    },
    **{
        f"png, {depth} bits, seen through": partial(seen_through, depth)
        for depth in (1, 2, 4, 8, 16)
    },
    "png, 16 bits in colour, seen through": lambda: seen_through(16, "RGB"),
    "png, hidden first picture": hidden_first,
    "gif, in a corner of its screen": lambda: on_larger_screen(0, 0),
    "gif, amid its screen": lambda: on_larger_screen(120, 80),
}


def everyday() -> Photos:
    """Each kind once, and the pictures that packages of the tests bring."""
    for name, make in (VARIANTS | AS_CHROMIUM_SHOWS).items():
        if not name.endswith(("heic", "animated.avif")):  # whose range of levels Chromium mistakes
            yield name, make()
    yield from orientations([7], ["heic"])
    packages = [ROOT / "node_modules", *(Path(it.__file__).parent for it in (werkzeug, playwright))]
    for path in (path for folder in packages for path in folder.rglob("*.[gp][in][fg]")):
        yield str(path), path.read_bytes()


def combinations() -> Photos:
    yield from orientations(range(1, 9), ("jpg", "png", "webp", "avif", "heic"))
    for mode, value, colours in product(MODES, (1, 0.6, 0.45455, 0.3), ([], [P3], [ADOBE])):
        chunks = [gamma(value), *(primaries(*it) for it in colours)]
        for chunk in ((b"tEXt", b"a\0b"), (b"sRGB", b"\0")):
            name = f"{mode}, gamma {value} with {colours} and {chunk}"
            yield name, with_chunks(chunk, *chunks, mode=mode)
    for kind, modes in HAVE_MODES.items():
        for mode, space in product(modes, ("Display P3", "its light")):
            profile = p3_profile() if space == "Display P3" else light_profile()
            image, options = in_mode(mode), {"icc_profile": profile, "quality": 95}
            yield f"{space} in {mode}.{kind}", *beside(kind, image, **options)
    for size, kind in product(((1, 1), (1, 300), (300, 1), (64, 65), (641, 333)), HAVE_MODES):
        yield f"{size}.{kind}", *beside(kind, corner_picture().resize(size))
    for sampling, progressive in product(("4:4:4", "4:2:2", "4:2:0"), (False, True)):
        options = {"subsampling": sampling, "progressive": progressive}
        yield f"{options}", encode(corner_picture(), "jpg", **options)
    for chroma, mode in product((420, 422, 444), ("RGB", "RGBA")):
        yield f"{chroma} {mode}.heic", *beside("heic", in_mode(mode), chroma=chroma)
    for first, transfer in product((1, 5, 6, 9, 12), (1, 4, 8, 13)):
        yield f"{first} {transfer}.avif", with_code_points(first, transfer)
        alike = with_code_points(first, transfer)
        yield f"{first} {transfer}.heic", with_code_points(first, transfer, "heic"), alike


def orientations(numbers: Iterable[int], kinds: Iterable[str]) -> Photos:
    for number, kind in product(numbers, kinds):
        image = corner_picture(orientation=number)
        yield f"EXIF {number}.{kind}", *beside(kind, image, exif=phone_exif(0, number))


def beside(kind: str, image: Image.Image, **options: Any) -> tuple[bytes, ...]:
    """A photo; a HEIC with a PNG that looks alike."""
    photo = encode(image, kind, **options)
    return (photo, encode(image, "png", **options)) if kind == "heic" else (photo,)


@pytest.mark.parametrize("photos", [everyday, pytest.param(combinations, marks=pytest.mark.slow)])
def test_a_thumbnail_shows_what_chromium_shows(
    read: Callable[[bytes], Picture], page: Page, photos: Callable[[], Photos]
) -> None:
    kinds = list(photos())
    ours = [read(photo) for _, photo, *_ in kinds]
    pictures = [*(kind[-1] for kind in kinds), *(picture.thumbnails[640] for picture in ours)]
    seen = page.evaluate(LOOK, [base64.b64encode(content).decode() for content in pictures])
    wrong = {}
    for kind, picture, expected, shown in zip(kinds, ours, seen, seen[len(ours) :], strict=False):
        pairs = zip(expected["colours"], shown["colours"], strict=True)
        differences = [abs(theirs - its) for theirs, its in pairs]
        mean, most = sum(differences) / len(differences), max(differences)
        size = [picture.width, picture.height]
        if size != expected["size"] or mean > MEAN or most > MOST:
            wrong[kind[0]] = expected["size"], size, mean, most
    assert wrong == {}
