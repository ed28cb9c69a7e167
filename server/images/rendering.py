"""Renders photos as thumbnails: upright, in 8-bit sRGB, as WebP."""

import base64
import io
from contextlib import suppress

from PIL import Image, ImageChops, ImageCms
from PIL.GifImagePlugin import GifImageFile

from .bounds import draft_scale
from .metadata import LIBRARY_ERRORS, is_turned

PLACEHOLDER_PIXELS = 16
"""Longer side of a placeholder."""
LOSSLESS_PIXELS = 64 * 64
"""Pixels of an icon, at most, which stays lossless: lossy WebP mixes the colours of neighbours."""
STRIP_PIXELS = 4_000_000
"""Pixels converted at once while shrinking: each conversion of 100 megapixels would hold 400 MB."""

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


def render(image: Image.Image, orientation: int, profile: bytes | None, width: int) -> Image.Image:
    """The first frame in 8-bit sRGB, upright, at most `width` wide and four times as high.
    `profile` is the ICC profile of its colours."""
    box = (4 * width, width) if is_turned(orientation) else (width, 4 * width)
    if image.format == "JPEG":  # decoding it shrunk is quicker, and finds as many broken ones
        scale = draft_scale(image.size, box)
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


def thumbnail_of(rendered: Image.Image, width: int) -> bytes:
    """A WebP file, at most `width` wide and four times as high."""
    return encode(_fit(rendered, width, 4 * width))


def placeholder_of(rendered: Image.Image) -> str:
    """A data URI of a WebP file."""
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
        with suppress(ImageCms.PyCMSError, *LIBRARY_ERRORS):  # a wrong profile is no profile
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
            colours = converted or colours
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """A copy that fits into the box, never larger than the image."""
    scale = min(width / image.width, height / image.height, 1)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def encode(image: Image.Image, quality: int | None = None) -> bytes:
    """A WebP file without metadata. `quality` is 80 by default; an icon is lossless then."""
    image.info.clear()  # `save` would copy Exif and XMP from here
    content = io.BytesIO()
    is_lossless = quality is None and image.width * image.height <= LOSSLESS_PIXELS
    image.save(content, "WEBP", quality=quality or 80, method=2, lossless=is_lossless)
    return content.getvalue()
