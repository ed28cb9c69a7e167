"""Renders photos as thumbnails: upright, in 8-bit sRGB, as WebP; makes ICC profiles for those that
name their colour space without having one.
"""

import base64
import io
import struct
from collections.abc import Sequence
from contextlib import suppress

from PIL import Image, ImageChops, ImageCms
from PIL.GifImagePlugin import GifImageFile

PLACEHOLDER_PIXELS = 16
"""Longer side of a placeholder."""
LOSSLESS_PIXELS = 64 * 64
"""Pixels of an icon, at most, which stays lossless: lossy WebP mixes the colours of neighbours."""
STRIP_PIXELS = 4_000_000
"""Pixels converted at once: each conversion of 100 megapixels would hold 400 MB."""

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_turned(orientation: int) -> bool:
    """Whether width and height change places for display."""
    return 5 <= orientation <= 8


def render(image: Image.Image, orientation: int, profile: bytes | None, width: int) -> Image.Image:
    """Render the first frame in 8-bit sRGB, upright, at most `width` wide and four times as high.
    `profile` is the ICC profile of its colours."""
    box = (4 * width, width) if is_turned(orientation) else (width, 4 * width)
    if image.format == "JPEG":  # decoding it shrunk is quicker, and finds as many broken ones
        scale = max(image.width // box[0], image.height // box[1], 1)
        image.draft(None, (max(image.width // scale, 1), max(image.height // scale, 1)))
    # Where a GIF's first frame lies on its screen, which Pillow tells until it is loaded.
    covered = image.tile and image.tile[0].extents if isinstance(image, GifImageFile) else None
    small = _to_srgb(_fit(_reduce(image, *box), *box), profile)
    if covered and covered != (0, 0, *image.size):  # the rest of the screen is transparent
        left, top, right, bottom = (round(edge * small.width / image.width) for edge in covered)
        frame = small.crop((left, top, right, bottom))
        small = Image.new("RGBA", small.size)
        small.paste(frame, (left, top))
    transposition = _ORIENTATIONS.get(orientation)
    return small if transposition is None else small.transpose(transposition)


def render_opaque(image: Image.Image, orientation: int) -> Image.Image:
    """Render it as a JPEG can have it: in its full size and its own colours, in L or RGB of 8 bits,
    upright, on white where it is transparent."""
    image.load()
    opaque = image
    if image.has_transparency_data:
        opaque = Image.new("RGB", image.size, "white")
        rows = max(1, STRIP_PIXELS // image.width)
        for top in range(0, image.height, rows):
            strip = image.crop((0, top, image.width, min(top + rows, image.height)))
            strip = strip.convert("RGBA")
            opaque.paste(strip, (0, top), strip)
        image.close()  # gives back as much memory as turning takes
    opaque = _to_eight_bits(opaque)
    transposition = _ORIENTATIONS.get(orientation)
    return opaque if transposition is None else opaque.transpose(transposition)


def thumbnail_of(rendered: Image.Image, width: int) -> bytes:
    """Make a WebP file, at most `width` wide and four times as high."""
    return encode(_fit(rendered, width, 4 * width))


def placeholder_of(rendered: Image.Image) -> str:
    """Make a data URI of a tiny WebP file."""
    content = encode(_fit(rendered, PLACEHOLDER_PIXELS, PLACEHOLDER_PIXELS), quality=50)
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"


def _reduce(image: Image.Image, width: int, height: int) -> Image.Image:
    """Shrink it by a whole factor, strip by strip, to 8 bits a channel and to no less than twice
    the size that fits the box."""
    factor = max(1, image.width // (2 * width), image.height // (2 * height))
    width, height = (-(-side // factor) for side in image.size)
    rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    reduced: Image.Image | None = None
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        strip = _to_eight_bits(strip).reduce(factor)
        reduced = reduced or Image.new(strip.mode, (width, height))
        reduced.paste(strip, (0, top // factor))
    return reduced or image


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Convert it to L, LA, RGB, RGBA or CMYK, all of which can be resized."""
    if image.mode.startswith("I;16"):  # `convert` would clip all but the darkest to white
        levels, transparent = image.tobytes("raw", "I;16B"), image.info.get("transparency")
        image, low = (Image.frombytes("L", image.size, levels[n::2]) for n in (0, 1))
        if isinstance(transparent, int):
            high_level, low_level = divmod(transparent, 256)
            others = image.point(lambda v: 255 * (v != high_level))
            image.putalpha(ImageChops.lighter(others, low.point(lambda v: 255 * (v != low_level))))
        return image
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in ("1", "L", "LA") else "RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert it to RGB or RGBA through its ICC profile, so that Display P3 and CMYK look right."""
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    is_grey = image.mode in ("L", "LA") and profile is not None and profile[16:20] != b"RGB "
    colours = image if image.mode == "CMYK" else image.convert("L" if is_grey else "RGB")
    if profile:
        source = io.BytesIO(profile)
        with suppress(ImageCms.PyCMSError):  # a wrong profile is no profile
            converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
            colours = converted or colours
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return a copy that fits into the box, never larger than the image."""
    scale = min(width / image.width, height / image.height, 1)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def encode(image: Image.Image, quality: int | None = None) -> bytes:
    """Encode a WebP file without metadata. `quality` is 80 by default; an icon is lossless then."""
    image.info.clear()  # `save` would copy Exif and XMP from here
    content = io.BytesIO()
    is_lossless = quality is None and image.width * image.height <= LOSSLESS_PIXELS
    image.save(content, "WEBP", quality=quality or 80, method=2, lossless=is_lossless)
    return content.getvalue()


# ICC profiles

_D65 = (0.3127, 0.329)
_PRIMARIES = {
    1: (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),  # sRGB
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),  # PAL
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),  # NTSC
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),  # BT.2020
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # Display P3
}
"""ColourPrimaries of ITU-T H.273, table 2: white, red, green and blue, each as x and y."""
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), _SRGB_CURVE),  # browsers show BT.709's as sRGB's
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
}
"""TransferCharacteristics of H.273, table 3, as ICC's parametric curves. Those of HDR are left out:
each browser has its own way to map them to a screen."""
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]


def profile_of_code_points(primaries: int, transfer: int) -> bytes | None:
    """Make a profile for the code points of H.273 in an AVIF, HEIC or PNG; None for sRGB and for
    those that are unknown."""
    curve = _CURVES.get(transfer)
    if primaries not in _PRIMARIES or not curve or (primaries, curve) == (1, _SRGB_CURVE):
        return None
    return _profile(_PRIMARIES[primaries], curve)


def profile_of_gamma(gamma: float, primaries: tuple[float, ...] | None) -> bytes | None:
    """Make a profile for a PNG's gAMA and cHRM, as Chromium reads them: None, for sRGB, where gAMA
    is the usual one and alone, or the numbers are no colours."""
    if not primaries and abs(gamma - 1 / 2.2) < 0.001:
        return None
    try:
        return _profile(primaries or _PRIMARIES[1], (1 / gamma,))
    except (ArithmeticError, struct.error):
        return None


def _profile(primaries: tuple[float, ...], curve: tuple[float, ...]) -> bytes:
    """Make an ICC.1:2010 profile: a header, a table of tags, the tags."""
    white, *colours = (
        [x / y, 1.0, (1 - x - y) / y] for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    amounts = _solve([list(row) for row in zip(*colours, strict=True)], white)
    # The Bradford method scales what the cones of an eye see, from one white to the other.
    scale = [d50 / ours for d50, ours in zip(_cones(_D50), _cones(white), strict=True)]
    tags = {}
    for tag, colour, amount in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colours, amounts, strict=True):
        cones = [amount * cone * s for cone, s in zip(_cones(colour), scale, strict=True)]
        tags[tag] = b"XYZ \0\0\0\0" + _fixed(*_solve(_BRADFORD, cones))
    shape = b"para\0\0\0\0" + struct.pack(">HH", 3 if len(curve) > 1 else 0, 0) + _fixed(*curve)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), shape)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content
    about = (start + len(body), 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head = struct.pack(">I4xI4s4s4s12x4s28x", *about) + _fixed(*_D50)
    return head.ljust(128, b"\0") + table + body


def _cones(xyz: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, xyz, strict=True)) for row in _BRADFORD]


def _solve(rows: list[list[float]], result: Sequence[float]) -> list[float]:
    """Solve three linear equations by Cramer's rule."""

    def determinant(matrix: list[list[float]]) -> float:
        (a, b, c), (d, e, f), (g, h, i) = matrix
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    replaced = (
        [[*row[:n], value, *row[n + 1 :]] for row, value in zip(rows, result, strict=True)]
        for n in range(3)
    )
    return [determinant(matrix) / determinant(rows) for matrix in replaced]


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)
