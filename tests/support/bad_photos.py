"""Files that must be refused: BAD are all of them, BOMBS those that would cost too much.

A table maps a name to a file name and the function that makes the file.
"""

import struct
import zlib
from functools import partial

from PIL import Image

from tests.support.odd_photos import HTML, Make, archive_bytes, png, png_chunk, with_png_chunk
from tests.support.photos import encode, motion_trailer, photo_bytes, tiny_photo

# Files that are no photos


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
    "tiff": ("a.tiff", partial(tiny_photo, "TIFF")),
    "tiff as jpg": ("a.jpg", partial(tiny_photo, "TIFF")),
    "bmp": ("a.bmp", partial(tiny_photo, "BMP")),
    "bmp as png": ("a.png", partial(tiny_photo, "BMP")),
    "ico": ("a.ico", partial(tiny_photo, "ICO")),
    "ico as png": ("a.png", partial(tiny_photo, "ICO")),
    "mp4": ("a.mp4", partial(_film, b"mp42")),
    "mp4 as heic": ("a.heic", partial(_film, b"isom")),
    "quicktime as heic": ("a.heic", partial(_film, b"qt  ")),
    "zip": ("a.jpg", archive_bytes),
    "elf": ("a.jpg", lambda: b"\x7fELF\2\1\1" + bytes(2000)),
    "wave as webp": ("a.webp", lambda: b"RIFF\x9c\1\0\0WAVEfmt \x10\0\0\0" + bytes(400)),
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


def _wrong_checksum(kind: bytes) -> bytes:
    content = bytearray(photo_bytes("png"))
    at = content.index(kind)
    at += 4 + int.from_bytes(content[at - 4 : at])
    content[at] ^= 0xFF
    return bytes(content)


def _png_without_data() -> bytes:
    return photo_bytes("png").partition(b"IDAT")[0][:-4] + png_chunk(b"IEND", b"")


BROKEN: dict[str, tuple[str, Make]] = {
    **{
        f"{kind} cut at {percent} %": (f"a.{kind}", partial(_cut, kind, percent))
        for kind in ("jpg", "png", "gif", "webp", "avif", "heic")
        for percent in (10, 50, 90, 99, 100)  # with 100 only the last byte is missing
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
    "jpg header only": ("a.jpg", lambda: photo_bytes().partition(b"\xff\xda")[0]),
    "png header checksum": ("a.png", partial(_wrong_checksum, b"IHDR")),
    "png data checksum": ("a.png", partial(_wrong_checksum, b"IDAT")),
    "png without data": ("a.png", _png_without_data),
}


# Bombs


def _gif(screen: tuple[int, int], frames: list[tuple[int, int]]) -> bytes:
    """Frames that claim these sizes; each has the data of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes((0, 0, 0, 255, 255, 255))
    control = b"!\xf9\4\0\1\0\0\0"
    for size in frames:
        head += control + b"," + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\2\2\x44\1\0"
    return head + b";"


def _claim(format: str, marker: bytes, skipped: int, side: bytes) -> bytes:  # noqa: A002
    """This width and height stand behind each of these markers, instead of the true ones."""
    content = bytearray(photo_bytes(format, 0, (64, 48), metadata=False))
    at = -1
    while (at := content.find(marker, at + 1)) >= 0:
        start = at + len(marker) + skipped
        content[start : start + 2 * len(side)] = 2 * side
    return bytes(content)


def many_scans(scans: int) -> bytes:
    """A flat progressive JPEG of 25 megapixels, its last scan over and over."""
    content = encode(Image.new("L", (5000, 5000), 99), "jpg", progressive=True, optimize=True)
    last = content.rindex(b"\xff\xda")
    tables = content.rindex(b"\xff\xc4", 0, last)
    again = scans - content.count(b"\xff\xda")
    return content[:-2] + content[tables:-2] * again + b"\xff\xd9"


def _zlib_bomb(kind: bytes) -> bytes:
    """A PNG chunk of this kind, with 200 MB of zeros."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    return with_png_chunk(png_chunk(kind, b"a\0\0" + packed))


BOMBS: dict[str, tuple[str, Make]] = {
    "png claims 60000 x 60000": ("a.png", lambda: png((60000, 60000), 8, 2, bytes(1000))),
    # 49 KB, and all bits are really there
    "png is 20000 x 20000": ("a.png", lambda: png((20000, 20000), 1, 0, bytes(2501 * 20000))),
    "png text bomb": ("a.png", partial(_zlib_bomb, b"zTXt")),
    "png profile bomb": ("a.png", partial(_zlib_bomb, b"iCCP")),
    "gif claims 65535 x 65535": ("a.gif", lambda: _gif((65535, 65535), [(1, 1)])),
    "gif with a huge second frame": ("a.gif", lambda: _gif((1, 1), [(1, 1), (65535, 65535)])),
    "gif of 20000 frames": ("a.gif", lambda: _gif((200, 200), [(1, 1)] * 20000)),
    "jpg claims 65500 x 65500": ("a.jpg", lambda: _claim("jpg", b"\xff\xc0", 3, b"\xff\xdc")),
    "jpg of 600 scans": ("a.jpg", partial(many_scans, 600)),
    "jpg of 25 MP in 90 scans": ("a.jpg", partial(many_scans, 90)),
    "webp claims 16383 x 16383": ("a.webp", lambda: _claim("webp", b"\x9d\1\x2a", 0, b"\xff\x3f")),
    "avif claims 60000 x 60000": ("a.avif", lambda: _claim("avif", b"ispe", 4, b"\0\0\xea\x60")),
    "heic claims 60000 x 60000": ("a.heic", lambda: _claim("heic", b"ispe", 4, b"\0\0\xea\x60")),
}

BAD: dict[str, tuple[str, Make]] = {**NOT_PHOTOS, **BROKEN, **BOMBS}
"""A name → file name and content: all of them are to be refused."""
