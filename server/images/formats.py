"""The photo formats that Dropwall accepts, and the structure of a photo's file.

A further format needs: a line in FORMATS; a parser beside those of `containers` and `heif`, and a
line for it in `containers._PARSERS`; the library that opens it in `pictures._open`; and a look at
`location`: a location that the format compresses or splits is not found without code of its own.
Tests follow from `photo_bytes` in tests/support/photos.py, test_containers.PHOTOS and
bad_photos.DAMAGED.
"""

from dataclasses import dataclass

MAX_BLOCKS = 5_000
"""Segments of a JPEG, or boxes within a box of a HEIC: a colour profile has up to 255 segments, 100
MiB of XMP 1,600; 16 x 16 tiles, each with transparency, are 512 items."""
STEP_BYTES = 256 * 1024
"""Bytes searched, checked or unpacked at once: between two steps other threads run."""


@dataclass(frozen=True)
class Format:
    """`name` is how people call it, `extension` the true one.

    The rest is what decoding costs, measured with Pillow 13 over bit depths, alpha and subsampling:
    time and memory for each pixel, of a JPEG for each that libjpeg gives out when it shrinks it."""

    name: str
    mimetype: str
    extension: str
    other_extensions: tuple[str, ...]
    nanoseconds_per_pixel: int
    bytes_per_pixel: int
    animation_bytes_per_pixel: int = 0


FORMATS = (
    Format("JPEG", "image/jpeg", "jpg", ("jpeg", "jpe", "jfif", "mpo"), 5, 12),
    Format("PNG", "image/png", "png", ("apng",), 20, 8, 17),
    Format("GIF", "image/gif", "gif", (), 15, 8, 17),
    Format("WebP", "image/webp", "webp", (), 25, 17, 28),
    Format("AVIF", "image/avif", "avif", (), 35, 12, 50),  # AV1 predicts from eight frames
    Format("HEIC", "image/heic", "heic", ("heif", "hif"), 35, 11),
)
BY_EXTENSION = {it: kind for kind in FORMATS for it in (kind.extension, *kind.other_extensions)}

Span = tuple[int, int]
"""Where a part of a file starts and ends, in bytes."""
Part = Span | bytes
"""A part of a file, or what a decoder reads in its place."""


@dataclass(frozen=True)
class Container:
    """The structure of a photo's file, parsed without decoding it.

    `kind` is the true extension. `width` and `height` are in pixels as coded, and the largest that
    any image in the file claims. `frames` are those of an animation. `scans` are those of a JPEG's
    first image, and `coefficients` (two bytes each) what a decoder has to hold of it when it is
    progressive or has several scans. `parts` are what a decoder needs of a JPEG or PNG; without
    them it reads the whole file. `bytes_at_once` are those that it reads into memory for that."""

    kind: str
    width: int
    height: int
    frames: int = 1
    scans: int = 1
    coefficients: int = 0
    is_deep: bool = False  # a HEIC or AVIF of more than 8 bits a channel, or with transparency
    has_end: bool = True  # a JPEG's EOI marker; without it all scans have begun, at least
    cicp: tuple[int, int] | None = None  # a PNG's primaries and transfer function (H.273)
    coded: Span = (0, 0)  # a JPEG's first image: most of the file, and free of metadata
    parts: tuple[Part, ...] = ()
    bytes_at_once: int = 0  # a GIF is read block by block
