"""Unusual photos that must be accepted: VARIANTS of every format, and GOOD_ODD, which look wrong.

A table maps a name to the function that makes the file, so that importing it costs nothing. All
VARIANTS display the same four colours in their corners.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from random import Random

from PIL import Image, ImageCms, ImageDraw

from tests.support.photos import Size, encode, motion_trailer, phone_exif, photo_bytes

Colour = tuple[int, int, int]
Make = Callable[[], bytes]

SIZE = (240, 160)
"""Width and height of every variant as displayed."""
CORNERS: tuple[Colour, Colour, Colour, Colour] = (
    (220, 30, 40), (30, 160, 60), (40, 60, 200), (240, 200, 40),
)  # fmt: skip
"""Displayed at the top left, top right, bottom left and bottom right."""
GREYS = tuple((v, v, v) for v in (88, 111, 70, 194))
BITS = ((0, 0, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0))
TRANSPARENT = "transparent"
"""A word in a variant's name: its bottom right corner is transparent, with an alpha of 0."""


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
    return encode(image, "jpg", quality=95, icc_profile=_cmyk_profile())


def _ycck() -> bytes:
    """Pillow writes CMYK only: YCCK's numbers go in as if they were inks, then Adobe's marker
    is told what they are."""
    *inks, black = corner_picture("CMYK").split()
    ycc = Image.merge("RGB", inks).convert("YCbCr").split()
    image = Image.merge("CMYK", [*(band.point(lambda v: 255 - v) for band in ycc), black])
    content = encode(image, "jpg", quality=95)
    at = content.index(b"\xff\xee\0\x0eAdobe") + 15
    return content[:at] + b"\2" + content[at + 1 :]


def _ultra_hdr() -> bytes:
    """A JPEG that announces a gain map, and the gain map behind it."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" hdrgm:Version="1.0" Item:Semantic="GainMap"/>'
    gain = encode(corner_picture("L").resize((60, 40)), "jpg")
    return _variant("jpg", xmp=xmp) + gain


# PNG


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def box(name: bytes, *contents: bytes) -> bytes:
    """A box of ISO/IEC 14496-12: of a HEIC, an AVIF or a film."""
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + name + content


def png(size: Size, depth: int, kind: int, raw: bytes, interlaced: bool = False) -> bytes:
    """A PNG of rows that have their filter bytes already."""
    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced)
    body = png_chunk(b"IDAT", zlib.compress(raw, 9)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body


def _sixteen_bits(mode: str) -> bytes:
    """Levels of 16 bits; their low byte differs from the high one."""
    levels = b"".join(bytes((level, 0x80)) for level in corner_picture(mode).tobytes())
    step = 2 * SIZE[0] * len(mode)
    rows = (levels[i : i + step] for i in range(0, len(levels), step))
    return png(SIZE, 16, 0 if mode == "L" else 2, b"".join(b"\0" + row for row in rows))


def _adam7() -> bytes:
    picture = corner_picture()
    rows = [
        b"\0" + b"".join(bytes(picture.getpixel((x, y))) for x in range(left, SIZE[0], across))
        for left, top, across, down in (
            *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)),
            *((1, 0, 2, 2), (0, 1, 1, 2)),
        )
        for y in range(top, SIZE[1], down)
    ]
    return png(SIZE, 8, 2, b"".join(rows), interlaced=True)


def _palette_picture() -> Image.Image:
    """The palette's last colour is the bottom right one."""
    image = Image.new("P", SIZE)
    image.putpalette([level for colour in CORNERS for level in colour])
    return _quarters(image, range(4))


# Animations


def _animation(format: str, **options: object) -> bytes:  # noqa: A002
    """The first frame is the picture; the others have it upside down and black."""
    first = corner_picture()
    rest = [first.rotate(180), Image.new("RGB", SIZE)]
    if format in ("webp", "avif", "mpo"):
        options["quality"] = 95
    return encode(first, format, save_all=True, append_images=rest, duration=100, **options)


# Colour profiles (ICC.1:2010): the header, a table of tags, the tags


def _profile(space: bytes, kind: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    about = (start + len(body), 0x04200000, kind, space, pcs, b"acsp")
    head = struct.pack(">I4xI4s4s4s12x4s28x", *about) + _fixed(0.9642, 1, 0.8249)  # D50
    return head.ljust(128, b"\0") + table + body


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


@cache
def p3_profile() -> bytes:
    """Display P3: its primaries adapted to D50, sRGB's curve."""
    red, green, blue = (
        b"XYZ \0\0\0\0" + _fixed(*xyz)
        for xyz in ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189),
                    (0.1571, 0.06657, 0.78407))
    )  # fmt: skip
    numbers = _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    curve = b"para\0\0\0\0\0\3\0\0" + numbers
    tags = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"RGB ", b"mntr", b"XYZ ", tags)


def grey_profile() -> bytes:
    """Grey levels proportional to light, as no screen has them."""
    line = b"para\0\0\0\0\0\0\0\0" + _fixed(1)
    return _profile(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": line})


def _cmyk_profile() -> bytes:
    """The sixteen overprints of four inks as a table to Lab, linear between (lut8Type)."""
    red, green, blue, yellow = CORNERS
    cyan, magenta, white = (20, 150, 210), (210, 30, 130), (255, 255, 255)
    prints = (white, yellow, magenta, red, cyan, green, blue, (40, 40, 40))
    colours = Image.new("RGB", (16, 1), (20, 20, 20))  # with black ink
    for i, colour in enumerate(prints):
        colours.putpixel((2 * i, 0), colour)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(colours, srgb, lab, outputMode="LAB")
    assert converted
    table = bytes(
        level if i % 3 == 0 else level ^ 128 for i, level in enumerate(converted.tobytes())
    )
    unit, ramp = _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1), bytes(range(256))
    lut = b"mft1\0\0\0\0\4\3\2\0" + unit + ramp * 4 + table + ramp * 3
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"A2B0": lut})


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
    "mpo.jpg": partial(_animation, "mpo"),
    "ultra-hdr.jpg": _ultra_hdr,
    "motion.jpg": lambda: _variant("jpg") + motion_trailer(),
    "display-p3.jpg": _p3,
    "grey-profile.jpg": _grey_with_profile,
    "broken-profile.jpg": lambda: _variant("jpg", icc_profile=p3_profile()[:200] + b"?" * 300),
    "16-bit-grey.png": partial(_sixteen_bits, "L"),
    "16-bit.png": partial(_sixteen_bits, "RGB"),
    "1-bit.png": lambda: encode(_quarters(Image.new("1", SIZE), (0, 1, 1, 0)), "png"),
    "2-bit-palette.png": lambda: encode(_palette_picture(), "png", bits=2),
    "4-bit-palette.png": lambda: encode(_palette_picture(), "png", bits=4),
    "palette-transparent.png": lambda: encode(_palette_picture(), "png", transparency=3),
    "rgb-transparent.png": partial(_variant, "png", transparency=CORNERS[3]),
    "la-grey-transparent.png": partial(_variant, "png", "LA"),
    "rgba-transparent.png": partial(_variant, "png", "RGBA"),
    "interlaced.png": _adam7,
    "animated.png": partial(_animation, "png"),
    "orientation-6.png": partial(_variant, "png", orientation=6),
    "transparent.gif": lambda: encode(_palette_picture(), "gif", transparency=3),
    "animated.gif": partial(_animation, "gif", disposal=2),
    "lossless-transparent.webp": partial(_variant, "webp", "RGBA", lossless=True),
    "animated.webp": partial(_animation, "webp"),
    "transparent.avif": partial(_variant, "avif", "RGBA"),
    "orientation-6.avif": partial(_variant, "avif", orientation=6),
    "orientation-7.avif": partial(_variant, "avif", orientation=7),
    "animated.avif": partial(_animation, "avif"),
    "plain.heic": partial(_variant, "heic"),
    "orientation-6.heic": partial(_variant, "heic", orientation=6),
    "orientation-7.heic": partial(_variant, "heic", orientation=7),
    "transparent.heic": partial(_variant, "heic", "RGBA"),
}
"""By file name. See displayed_corners and TRANSPARENT for what they show."""


# Files that look wrong and are photos


def archive_bytes() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("run.sh"), "#!/bin/sh\necho no\n" * 50)
    return content.getvalue()


def _with_comment(text: bytes) -> bytes:
    photo = photo_bytes("jpg")
    return photo[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + photo[2:]


def with_png_chunk(chunk: bytes) -> bytes:
    """The chunk goes behind IHDR."""
    photo = photo_bytes("png")
    return photo[:33] + chunk + photo[33:]


HTML = b"<!doctype html><html><script>alert(document.domain)</script></html>\n"
PHP = b"<?php system($_GET['c']); ?>"


def _with_text(kind: bytes, head: bytes, text: bytes) -> bytes:
    packed = text if kind == b"tEXt" else zlib.compress(text)
    return with_png_chunk(png_chunk(kind, head + packed))


def _packed_zeros(kind: bytes) -> bytes:
    """A PNG chunk of this kind, with 200 MB of zeros."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    return with_png_chunk(png_chunk(kind, b"a\0\0" + packed))


def with_segments(*contents: bytes, marker: int = 0xE1) -> bytes:
    """A JPEG with these segments at its beginning."""
    photo = photo_bytes("jpg")
    segments = (struct.pack(">BBH", 0xFF, marker, len(c) + 2) + c for c in contents)
    return photo[:2] + b"".join(segments) + photo[2:]


def _extended_xmp(size: int) -> bytes:
    """A depth map, as phones keep it (XMP specification part 3, 1.1.3.1)."""
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description GDepth:Data="%s"/>'
        b"</rdf:RDF></x:xmpmeta>" % (b"A" * size)
    )
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">I", len(packet))
    starts = range(0, len(packet), 65_000)
    return with_segments(
        *(head + struct.pack(">I", at) + packet[at : at + 65_000] for at in starts)
    )


def says_size(photo: bytes, true: Size, said: Size) -> bytes:
    """A HEIC or AVIF whose `ispe` says another size."""
    return photo.replace(b"ispe\0\0\0\0" + struct.pack(">II", *true),
                         b"ispe\0\0\0\0" + struct.pack(">II", *said))  # fmt: skip


def _brand(format: str, major: bytes) -> bytes:  # noqa: A002
    """The other brands stay as they are."""
    photo = photo_bytes(format)
    return photo[:8] + major + photo[12:]


def _three_scans() -> bytes:
    """A JPEG of one scan for each component, all grey, without an end."""
    photo = encode(Image.new("RGB", (16, 16), (128, 128, 128)), "jpg", subsampling=0)
    blocks = ((2, 0x11, b"\0\0"), (3, 0x11, b"\0\0"), (1, 0x00, b"\x28\xa2\x8a"))
    scans = (
        b"\xff\xda\0\x08\1" + bytes((number, tables, 0, 63, 0)) + bits
        for number, tables, bits in blocks
    )
    return photo.partition(b"\xff\xda")[0] + b"".join(scans)


GOOD_ODD: dict[str, tuple[str, Make]] = {
    "compressed text of 5 MiB": ("a.png", lambda: _with_text(b"zTXt", b"a\0\0", bytes(5 << 20))),
    "compressed XMP of 5 MiB": (
        "a.png",
        lambda: _with_text(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0", b" " * (5 << 20)),
    ),
    "text that unpacks to 200 MB": ("a.png", partial(_packed_zeros, b"zTXt")),
    "profile that unpacks to 200 MB": ("a.png", partial(_packed_zeros, b"iCCP")),
    "profile of 1.3 MB": (
        "a.png",
        lambda: encode(
            corner_picture(), "png", icc_profile=p3_profile() + Random(1).randbytes(1_300_000)
        ),
    ),
    "text with a wrong checksum": (
        "a.png",
        lambda: with_png_chunk(png_chunk(b"tEXt", b"a\0b")[:-1] + b"?"),
    ),
    "3000 x 2": ("a.jpg", partial(photo_bytes, "jpg", size=(3000, 2))),
    "2 x 3000": ("a.jpg", partial(photo_bytes, "jpg", size=(2, 3000))),
    "16000 x 1": ("a.jpg", partial(photo_bytes, "jpg", size=(16000, 1))),
    "chunks too short": (
        "a.png",
        lambda: with_png_chunk(png_chunk(b"gAMA", b"a") + png_chunk(b"cHRM", b"b")),
    ),
    "png without IEND": ("a.png", lambda: photo_bytes("png")[:-12]),
    "a broken index of pictures": (
        "a.jpg",
        lambda: with_segments(b"MPF\0II*\0\x08\0\0\0\1\0" + b"?" * 30, marker=0xE2),
    ),
    "jpg without its end": ("a.jpg", lambda: photo_bytes("jpg")[:-2]),
    "jpg with half of its end": ("a.jpg", lambda: photo_bytes("jpg")[:-1]),
    "jpg with zeros for its end": ("a.jpg", lambda: photo_bytes("jpg")[:-2] + bytes(300_000)),
    "grey jpg without its end": (
        "a.jpg",
        lambda: encode(corner_picture("L"), "jpg")[:-2],
    ),
    "jpg with restarts, without its end": (
        "a.jpg",
        lambda: photo_bytes("jpg", restart_marker_blocks=5)[:-2],
    ),
    "progressive jpg without its end": ("a.jpg", lambda: photo_bytes("jpg", progressive=True)[:-2]),
    "jpg of three scans without its end": ("a.jpg", _three_scans),
    "zeros behind": ("a.jpg", lambda: photo_bytes() + bytes(9_000)),
    "markers behind": ("a.jpg", lambda: photo_bytes() + b"\xff\xd8\xff\xe1\xff\xff" * 20),
    "half a photo behind": ("a.jpg", lambda: photo_bytes() + photo_bytes("jpg", 1)[:5_000]),
    "mpo whose second picture is cut": ("a.mpo", lambda: photo_bytes("mpo")[:-5_000]),
    "gif without its last byte": ("a.gif", lambda: photo_bytes("gif")[:-1]),
    "animated gif without its last byte": ("a.gif", lambda: photo_bytes("gif", frames=3)[:-1]),
    **{
        f"heic that says {said}": (
            "a.heic",
            partial(lambda said: says_size(photo_bytes("heic"), (480, 320), said), said),
        )
        for said in ((480, 318), (478, 320), (484, 324), (472, 312))
    },
    "turned heic that says a bit less": (
        "a.heic",
        lambda: says_size(photo_bytes("heic", orientation=6), (480, 320), (476, 318)),
    ),
    **{
        f"{kind} whose brand is {major.decode()}": (
            f"a.{kind}",
            partial(_brand, kind, major),
        )
        for kind, majors in {
            "avif": b"avio MA1B miaf mif1",
            "heic": b"miaf mif1 heix MiHB",
        }.items()
        for major in majors.split()
    },
    "two extensions": ("photo.php.jpg", photo_bytes),
    "html in a comment and behind": ("a.jpg", lambda: _with_comment(HTML) + HTML * 20),
    "php in a chunk": ("a.png", lambda: with_png_chunk(png_chunk(b"tEXt", b"Comment\0" + PHP))),
    "zip behind": ("a.jpg", lambda: photo_bytes() + archive_bytes()),
    "upper case": ("A.JPEG", photo_bytes),
    "jfif": ("a.jfif", photo_bytes),
    "apng": ("a.apng", partial(photo_bytes, "apng")),
    "hif": ("a.hif", partial(photo_bytes, "heic")),
    "one pixel": ("a.gif", lambda: encode(Image.new("P", (1, 1)), "gif")),
    "a line": ("a.png", lambda: encode(Image.new("RGB", (3000, 1)), "png")),
}
"""By name: file name and content of photos that must be accepted."""

LARGE_ODD: dict[str, tuple[str, Make]] = {
    "text of 20 MB": ("a.png", lambda: _with_text(b"tEXt", b"a\0", b"b" * 20_000_000)),
    "extended XMP of 9 MiB": ("a.jpg", partial(_extended_xmp, 9 << 20)),
    "extended XMP of 60 MiB": ("a.jpg", partial(_extended_xmp, 60 << 20)),
    "EXIF in a hundred segments": (
        "a.jpg",
        lambda: with_segments(*[b"Exif\0\0" + bytes(65_000)] * 100),
    ),
}
"""Further ones, of more than 2 MB."""
