"""Makes what is hard to take in: VARIANTS that display alike, GOOD_ODD photos, BAD files.

Each table leads from a name to functions, so that importing costs nothing and a test's id is
readable. All pictures of VARIANTS have the same four colours in their displayed corners.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache, partial

from PIL import Image, ImageCms, ImageDraw

from tests.support.photos import encode, landscape, motion_trailer, phone_exif, photo_bytes

Colour = tuple[int, int, int]
Make = Callable[[], bytes]

SIZE = (240, 160)
"""Every picture of VARIANTS as displayed."""
CORNERS: tuple[Colour, Colour, Colour, Colour] = (
    (220, 30, 40), (30, 160, 60), (40, 60, 200), (240, 200, 40),
)  # fmt: skip
"""Displayed at the top left, top right, bottom left and bottom right."""
GREYS = tuple((v, v, v) for v in (88, 111, 70, 194))
BITS = ((0, 0, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0))
SEEN_THROUGH = "transparent"
"""What stands in such a name has no colour in its bottom right corner: alpha is 0 there."""


def displayed_corners(name: str) -> tuple[Colour, ...]:
    """The colours that this variant shows, within about 12 levels, in the order of CORNERS."""
    if "1-bit" in name:
        return BITS
    return GREYS if "grey" in name else CORNERS


def corner_picture(mode: str = "RGB", orientation: int = 1) -> Image.Image:
    """The picture with CORNERS, stored so that this orientation displays it upright."""
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for colour, (x, y) in zip(CORNERS, ((0, 0), (120, 0), (0, 80), (120, 80)), strict=True):
        draw.rectangle((x, y, x + 119, y + 79), fill=colour)
    turn = Image.Transpose
    stored = (
        None, turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM,
        turn.TRANSPOSE, turn.ROTATE_90, turn.TRANSVERSE, turn.ROTATE_270,
    )[orientation - 1]  # fmt: skip
    image = image if stored is None else image.transpose(stored)
    if mode in ("RGBA", "LA"):
        image = image.convert(mode)
        image.paste((0,) * len(mode), (SIZE[0] * 3 // 5, SIZE[1] * 3 // 5, *SIZE))
        return image
    return image if mode == "RGB" else image.convert(mode)


def _variant(format: str, mode: str = "RGB", orientation: int = 1, **options: object) -> bytes:  # noqa: A002
    if orientation > 1:
        options["exif"] = phone_exif(0, orientation)
    if format in ("webp", "avif", "jpg", "heic"):
        options = {"quality": 95} | options
    return encode(corner_picture(mode, orientation), format, **options)


# JPEG


def _quarters(image: Image.Image, inks: Sequence[int | tuple[int, ...]]) -> Image.Image:
    for i, ink in enumerate(inks):
        image.paste(ink, (i % 2 * 120, i // 2 * 80, i % 2 * 120 + 120, i // 2 * 80 + 80))
    return image


def _cmyk_with_profile() -> bytes:
    """CORNERS are overprints of this profile's inks; without it they are the screen's primaries."""
    inks = ((0, 255, 255, 0), (255, 0, 255, 0), (255, 255, 0, 0), (0, 0, 255, 0))
    image = _quarters(Image.new("CMYK", SIZE), inks)
    return encode(image, "jpg", quality=95, icc_profile=cmyk_profile())


def _ycck() -> bytes:
    """Pillow writes CMYK only: YCCK's numbers go in as if they were inks, then Adobe's marker
    is told what they are."""
    *inks, black = corner_picture("CMYK").split()
    ycc = Image.merge("RGB", inks).convert("YCbCr").split()
    image = Image.merge("CMYK", [*(band.point(lambda v: 255 - v) for band in ycc), black])
    content = encode(image, "jpg", quality=95)
    at = content.index(b"\xff\xee\0\x0eAdobe") + 15
    return content[:at] + b"\2" + content[at + 1 :]


def _mpo() -> bytes:
    other = corner_picture().rotate(180)
    return encode(corner_picture(), "mpo", quality=95, save_all=True, append_images=[other])


def _ultra_hdr() -> bytes:
    """A JPEG that announces a gain map, and the gain map behind it."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" hdrgm:Version="1.0" Item:Semantic="GainMap"/>'
    gain = encode(corner_picture("L").resize((60, 40)), "jpg")
    return _variant("jpg", xmp=xmp) + gain


# PNG


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(
    size: tuple[int, int],
    depth: int,
    kind: int,
    raw: bytes,
    *chunks: bytes,
    interlaced: bool = False,
) -> bytes:
    """A PNG of rows that have their filter bytes already."""
    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced)
    body = b"".join(chunks) + _chunk(b"IDAT", zlib.compress(raw, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + body


def _sixteen_bits(mode: str) -> bytes:
    """Levels of 16 bits; their low byte differs from the high one."""
    image = corner_picture(mode)
    step = SIZE[0] * len(mode)
    data = image.tobytes()
    rows = (data[i : i + step] for i in range(0, len(data), step))
    raw = b"".join(b"\0" + b"".join(bytes((v, 0x80)) for v in row) for row in rows)
    return _png(SIZE, 16, 0 if mode == "L" else 2, raw)


def _adam7() -> bytes:
    image = corner_picture()
    raw = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):  # fmt: skip
        for y in range(y0, SIZE[1], dy):
            row = (image.getpixel((x, y)) for x in range(x0, SIZE[0], dx))
            raw += b"\0" + b"".join(bytes(pixel) for pixel in row)  # type: ignore[arg-type]
    return _png(SIZE, 8, 2, raw, interlaced=True)


def _palette(bits: int = 8, transparent: bool = False) -> bytes:
    """The palette's last colour is the bottom right one: transparent, if any is."""
    image = Image.new("P", SIZE)
    image.putpalette([level for colour in CORNERS for level in colour])
    _quarters(image, range(4))
    return encode(image, "png", bits=bits, **({"transparency": 3} if transparent else {}))


def _one_bit() -> bytes:
    rows = (b"\0" * 15 + b"\xff" * 15, b"\xff" * 15 + b"\0" * 15)
    return _png(SIZE, 1, 0, b"".join(b"\0" + rows[y >= 80] for y in range(160)))


# Animations


def _animation(format: str, mode: str = "RGB", **options: object) -> bytes:  # noqa: A002
    """The first frame is the picture; the others have it upside down and black."""
    first = corner_picture(mode)
    rest = [first.rotate(180), Image.new(mode, SIZE)]
    if format in ("webp", "avif"):
        options["quality"] = 95
    return encode(first, format, save_all=True, append_images=rest, duration=100, **options)


def _transparent_gif() -> bytes:
    image = Image.open(io.BytesIO(_palette()))
    return encode(image, "gif", transparency=3)


# Colour profiles (ICC.1:2010): the header, a table of tags, the tags


def _profile(space: bytes, kind: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = "Test".encode("utf-16-be")
    text = (
        b"mluc" + struct.pack(">5I", 0, 1, 12, 0x656E5553, len(name)) + struct.pack(">I", 28) + name
    )
    tags = {b"desc": text, b"cprt": text, b"wtpt": _xyz(0.9642, 1, 0.8249)} | tags
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"", 0x04200000, kind, space, pcs)
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp").ljust(44, b"\0")
    return (head + _xyz(0.9642, 1, 0.8249)[8:]).ljust(128, b"\0") + table + body


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(v) for v in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _curve(*parameters: float) -> bytes:
    """A power, or sRGB's curve by its five numbers."""
    kind = 3 if len(parameters) == 5 else 0
    return struct.pack(">4sIHH", b"para", 0, kind, 0) + b"".join(map(_fixed, parameters))


SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@cache
def p3_profile() -> bytes:
    """Display P3: its primaries adapted to D50, sRGB's curve."""
    curve = _curve(*SRGB_CURVE)
    tags = {
        b"rXYZ": _xyz(0.51512, 0.24120, -0.00105), b"rTRC": curve,
        b"gXYZ": _xyz(0.29198, 0.69225, 0.04189), b"gTRC": curve,
        b"bXYZ": _xyz(0.15710, 0.06657, 0.78407), b"bTRC": curve,
    }  # fmt: skip
    return _profile(b"RGB ", b"mntr", b"XYZ ", tags)


@cache
def grey_profile() -> bytes:
    """Grey levels proportional to light, as no screen has them."""
    return _profile(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": _curve(1.0)})


@cache
def cmyk_profile() -> bytes:
    """The sixteen overprints of four inks as a table to Lab, linear between (lut8Type)."""
    red, green, blue, yellow = CORNERS
    cyan, magenta, white = (20, 150, 210), (210, 30, 130), (255, 255, 255)
    prints = [white, yellow, magenta, red, cyan, green, blue, (40, 40, 40)]
    ramp = bytes(range(256))
    table = b"".join(_lab(colour) + _lab((20, 20, 20)) for colour in prints)
    unit = b"".join(_fixed(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    lut = b"mft1\0\0\0\0\4\3\2\0" + unit + ramp * 4 + table + ramp * 3
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"A2B0": lut})


def _lab(colour: Colour) -> bytes:
    pixel = Image.new("RGB", (1, 1), colour)
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    converted = ImageCms.applyTransform(pixel, to_lab)
    assert converted
    light, a, b = converted.tobytes()
    return bytes((light, a ^ 128, b ^ 128))


def _p3() -> bytes:
    """CORNERS written as Display P3: taken for sRGB they look duller by 20 levels or so."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(p3_profile()))
    image = ImageCms.profileToProfile(corner_picture(), ImageCms.createProfile("sRGB"), target)
    assert image
    return encode(image, "jpg", quality=95, subsampling=0, icc_profile=p3_profile())


def _grey_with_profile() -> bytes:
    """GREYS in linear light: without the profile they look much darker."""
    light = [round(255 * (v / 12.92 if v < 0.04045 else ((v + 0.055) / 1.055) ** 2.4))
             for v in (level / 255 for level in range(256))]  # fmt: skip
    return encode(corner_picture("L").point(light), "jpg", quality=98, icc_profile=grey_profile())


VARIANTS: dict[str, Make] = {
    **{f"orientation-{i}.jpg": partial(_variant, "jpg", orientation=i) for i in range(1, 9)},
    "cmyk-adobe.jpg": partial(_variant, "jpg", "CMYK"),
    "cmyk-profile.jpg": _cmyk_with_profile,
    "ycck.jpg": _ycck,
    "grey.jpg": partial(_variant, "jpg", "L"),
    "progressive.jpg": partial(_variant, "jpg", progressive=True),
    "444.jpg": partial(_variant, "jpg", subsampling="4:4:4"),
    "420.jpg": partial(_variant, "jpg", subsampling="4:2:0"),
    "mpo.jpg": _mpo,
    "ultra-hdr.jpg": _ultra_hdr,
    "motion.jpg": lambda: _variant("jpg") + motion_trailer(),
    "display-p3.jpg": _p3,
    "grey-profile.jpg": _grey_with_profile,
    "broken-profile.jpg": lambda: _variant("jpg", icc_profile=p3_profile()[:200] + b"?" * 300),
    "16-bit-grey.png": partial(_sixteen_bits, "L"),
    "16-bit.png": partial(_sixteen_bits, "RGB"),
    "1-bit.png": _one_bit,
    "2-bit-palette.png": partial(_palette, 2),
    "4-bit-palette.png": partial(_palette, 4),
    "palette-transparent.png": partial(_palette, transparent=True),
    "rgb-transparent.png": partial(_variant, "png", transparency=CORNERS[3]),
    "la-grey-transparent.png": partial(_variant, "png", "LA"),
    "rgba-transparent.png": partial(_variant, "png", "RGBA"),
    "interlaced.png": _adam7,
    "animated.png": partial(_animation, "png"),
    "orientation-6.png": partial(_variant, "png", orientation=6),
    "transparent.gif": _transparent_gif,
    "animated.gif": partial(_animation, "gif", disposal=2),
    "lossless-transparent.webp": partial(_variant, "webp", "RGBA", lossless=True),
    "animated.webp": partial(_animation, "webp"),
    "orientation-8.webp": partial(_variant, "webp", orientation=8),
    "transparent.avif": partial(_variant, "avif", "RGBA"),
    "orientation-6.avif": partial(_variant, "avif", orientation=6),
    "orientation-7.avif": partial(_variant, "avif", orientation=7),
    "animated.avif": partial(_animation, "avif"),
    "plain.heic": partial(_variant, "heic"),
    "orientation-6.heic": partial(_variant, "heic", orientation=6),
    "orientation-7.heic": partial(_variant, "heic", orientation=7),
    "transparent.heic": partial(_variant, "heic", "RGBA"),
}
"""By file name. See displayed_corners and SEEN_THROUGH for what they show."""


# Files that look wrong and are photos


def _archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("run.sh", "#!/bin/sh\necho no\n" * 50)
    return content.getvalue()


def _with_comment(text: bytes) -> bytes:
    photo = photo_bytes("jpg")
    return photo[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + photo[2:]


def _with_chunk(chunk: bytes) -> bytes:
    """The chunk goes behind IHDR."""
    photo = photo_bytes("png")
    return photo[:33] + chunk + photo[33:]


HTML = b"<!doctype html><html><script>alert(document.domain)</script></html>\n"
PHP = b"<?php system($_GET['c']); ?>"

GOOD_ODD: dict[str, tuple[str, Make]] = {
    "two extensions": ("photo.php.jpg", photo_bytes),
    "html in a comment and behind": ("a.jpg", lambda: _with_comment(HTML) + HTML * 20),
    "php in a chunk": ("a.png", lambda: _with_chunk(_chunk(b"tEXt", b"Comment\0" + PHP))),
    "zip behind": ("a.jpg", lambda: photo_bytes() + _archive()),
    "upper case": ("A.JPEG", photo_bytes),
    "jfif": ("a.jfif", photo_bytes),
    "apng": ("a.apng", partial(photo_bytes, "apng")),
    "hif": ("a.hif", partial(photo_bytes, "heic")),
    "one pixel": ("a.gif", lambda: encode(Image.new("P", (1, 1)), "gif")),
    "a line": ("a.png", lambda: encode(Image.new("RGB", (3000, 1)), "png")),
}
"""A name → file name and content: all of them are to be taken."""


# Files that are no photos


def _saved(format: str) -> bytes:  # noqa: A002
    content = io.BytesIO()
    landscape(1, (64, 64)).save(content, format)
    return content.getvalue()


def _riff(kind: bytes, data: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(data) + 4) + kind + data


def _film(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\2\0" + brand + b"mp41" + motion_trailer()[24:]


SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
)

NOT_PHOTOS: dict[str, tuple[str, Make]] = {
    "empty": ("a.jpg", bytes),
    "one byte": ("a.jpg", lambda: b"\xff"),
    "text": ("a.jpg", lambda: b"Hello, this is a text.\n" * 40),
    "html": ("a.jpg", lambda: HTML),
    "svg": ("a.svg", lambda: SVG),
    "svg as png": ("a.png", lambda: SVG),
    "pdf": ("a.jpg", lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<<>>\n%%EOF\n"),
    "tiff": ("a.tiff", partial(_saved, "TIFF")),
    "tiff as jpg": ("a.jpg", partial(_saved, "TIFF")),
    "bmp": ("a.bmp", partial(_saved, "BMP")),
    "bmp as png": ("a.png", partial(_saved, "BMP")),
    "ico": ("a.ico", partial(_saved, "ICO")),
    "ico as png": ("a.png", partial(_saved, "ICO")),
    "mp4": ("a.mp4", partial(_film, b"mp42")),
    "mp4 as heic": ("a.heic", partial(_film, b"isom")),
    "quicktime as heic": ("a.heic", partial(_film, b"qt  ")),
    "zip": ("a.jpg", _archive),
    "elf": ("a.jpg", lambda: b"\x7fELF\2\1\1" + bytes(2000)),
    "wave as webp": ("a.webp", lambda: _riff(b"WAVE", b"fmt \x10\0\0\0" + bytes(400))),
    "polyglot gif": ("a.gif", lambda: b"GIF89a/*" + HTML + b"*/=1;alert(1)//" + HTML * 9),
    "jpeg without picture": ("a.jpg", lambda: b"\xff\xd8\xff\xd9"),
    "jpeg as png": ("a.png", photo_bytes),
    "png as jpg": ("a.jpg", partial(photo_bytes, "png")),
    "gif as webp": ("a.webp", partial(photo_bytes, "gif")),
    "webp as jpg": ("a.jpg", partial(photo_bytes, "webp")),
    "avif as heic": ("a.heic", partial(photo_bytes, "avif")),
    "heic as jpg": ("a.jpg", partial(photo_bytes, "heic")),
    "photo as program": ("photo.jpg.exe", photo_bytes),
    "photo without extension": ("photo", photo_bytes),
}


# Broken photos


def _cut(format: str, percent: int, frames: int = 1) -> bytes:  # noqa: A002
    content = photo_bytes(format, 2, frames=frames)
    return content[: len(content) * percent // 100] if percent < 100 else content[:-1]


def _blot(format: str, behind: bytes, fill: int = 0) -> bytes:  # noqa: A002
    """Overwrites the 200 bytes behind a marker."""
    content = photo_bytes(format, 2)
    at = content.index(behind) + len(behind)
    return content[:at] + bytes([fill]) * 200 + content[at + 200 :]


def _middle_zeroed(format: str) -> bytes:  # noqa: A002
    content = photo_bytes(format, 2)
    half = len(content) // 2
    return content[:half] + bytes(half // 10) + content[half + half // 10 :]


def _jpeg_head() -> bytes:
    content = photo_bytes("jpg")
    return content[: content.index(b"\xff\xda")]


def _wrong_checksum(kind: bytes) -> bytes:
    content = bytearray(photo_bytes("png"))
    at = content.index(kind)
    at += 4 + int.from_bytes(content[at - 4 : at])
    content[at] ^= 0xFF
    return bytes(content)


def _png_without_data() -> bytes:
    content = photo_bytes("png", 0, (64, 48))
    return content[: content.index(b"IDAT") - 4] + _chunk(b"IEND", b"")


BROKEN: dict[str, tuple[str, Make]] = {
    **{
        f"{kind} cut at {percent} %": (f"a.{kind}", partial(_cut, kind, percent))
        for kind in ("jpg", "png", "gif", "webp", "avif", "heic")
        for percent in (10, 50, 90, 99)
    },
    **{
        f"{kind} without its last byte": (f"a.{kind}", partial(_cut, kind, 100))
        for kind in ("jpg", "png", "gif", "webp", "avif", "heic")
    },
    **{
        f"animated {kind} cut at 80 %": (f"a.{kind}", partial(_cut, kind, 80, 4))
        for kind in ("apng", "gif", "webp", "avif")
    },
    "png with zeros in the middle": ("a.png", partial(_middle_zeroed, "png")),
    "gif with zeros in the middle": ("a.gif", partial(_middle_zeroed, "gif")),
    "jpg with blotted tables": ("a.jpg", partial(_blot, "jpg", b"\xff\xc4", 255)),
    "webp with a blotted begin": ("a.webp", partial(_blot, "webp", b"VP8 ")),
    "avif with a blotted begin": ("a.avif", partial(_blot, "avif", b"mdat")),
    "heic with a blotted begin": ("a.heic", partial(_blot, "heic", b"mdat")),
    "jpg header only": ("a.jpg", _jpeg_head),
    "png header checksum": ("a.png", partial(_wrong_checksum, b"IHDR")),
    "png data checksum": ("a.png", partial(_wrong_checksum, b"IDAT")),
    "png without data": ("a.png", _png_without_data),
}


# Bombs


def _png_claim() -> bytes:
    return _png((60000, 60000), 8, 2, bytes(1000))


def _png_blank() -> bytes:
    """20000 by 20000 white-on-black bits that are really there, in 49 KB."""
    return _png((20000, 20000), 1, 0, bytes(2501 * 20000))


def _gif(screen: tuple[int, int], frames: Sequence[tuple[int, int]]) -> bytes:
    """Frames that claim these sizes; each has the data of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes((0, 0, 0, 255, 255, 255))
    control = b"!\xf9\4\0\1\0\0\0"
    body = [
        control + b"," + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\2\2\x44\1\0" for size in frames
    ]
    return head + b"".join(body) + b";"


def _jpeg_claim() -> bytes:
    content = bytearray(photo_bytes("jpg", 0, (64, 48)))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 65500, 65500)
    return bytes(content)


def _webp_claim() -> bytes:
    content = bytearray(photo_bytes("webp", 0, (64, 48), metadata=False))
    at = content.index(b"\x9d\x01\x2a") + 3
    content[at : at + 4] = struct.pack("<HH", 16383, 16383)
    return bytes(content)


def _box_claim(format: str) -> bytes:  # noqa: A002
    """AVIF and HEIC: each `ispe` box claims 60000 by 60000 pixels."""
    content = bytearray(photo_bytes(format, 0, (64, 48)))
    at = -1
    while (at := content.find(b"ispe", at + 1)) >= 0:
        content[at + 8 : at + 16] = struct.pack(">II", 60000, 60000)
    return bytes(content)


@cache
def many_scans(scans: int = 600) -> bytes:
    """A flat progressive JPEG of 25 megapixels, its last scan over and over."""
    content = encode(Image.new("L", (5000, 5000), 99), "jpg", progressive=True, optimize=True)
    last = content.rindex(b"\xff\xda")
    tables = content.rindex(b"\xff\xc4", 0, last)
    again = scans - content.count(b"\xff\xda")
    return content[:-2] + content[tables:-2] * again + b"\xff\xd9"


def _zlib_bomb() -> bytes:
    """200 MB of zeros."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()


BOMBS: dict[str, tuple[str, Make]] = {
    "png claims 60000 x 60000": ("a.png", _png_claim),
    "png is 20000 x 20000": ("a.png", _png_blank),
    "png text bomb": ("a.png", lambda: _with_chunk(_chunk(b"zTXt", b"a\0\0" + _zlib_bomb()))),
    "png profile bomb": ("a.png", lambda: _with_chunk(_chunk(b"iCCP", b"a\0\0" + _zlib_bomb()))),
    "gif claims 65535 x 65535": ("a.gif", lambda: _gif((65535, 65535), [(1, 1)])),
    "gif with a huge second frame": ("a.gif", lambda: _gif((1, 1), [(1, 1), (65535, 65535)])),
    "gif of 20000 frames": ("a.gif", lambda: _gif((200, 200), [(1, 1)] * 20000)),
    "webp claims 16383 x 16383": ("a.webp", _webp_claim),
    "jpg claims 65500 x 65500": ("a.jpg", _jpeg_claim),
    "jpg of 600 scans": ("a.jpg", many_scans),
    "avif claims 60000 x 60000": ("a.avif", partial(_box_claim, "avif")),
    "heic claims 60000 x 60000": ("a.heic", partial(_box_claim, "heic")),
}

PILLOW_TAKES = frozenset(
    (
        "png without its last byte",
        "gif without its last byte",
        "png data checksum",
        "jpg of 600 scans",
        "gif of 20000 frames",
    )
)
"""Names in BROKEN and BOMBS that Pillow decodes without complaint: the refusal is our own."""

BAD: dict[str, tuple[str, Make]] = {**NOT_PHOTOS, **BROKEN, **BOMBS}
"""A name → file name and content: all of them are to be refused."""
