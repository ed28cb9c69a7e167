"""Files that must be refused: NOT_PHOTOS, BROKEN, BOMBS that cost too much (together BAD),
and DAMAGED, whose container is whole.

A table maps a name to a file name and the function that makes the file.
"""

import struct
import zlib
from collections.abc import Callable, Iterable
from functools import cache, partial
from random import Random
from typing import Any

from PIL import Image

from tests.support.odd_photos import HTML, Make, archive_bytes, png, png_chunk
from tests.support.photos import encode, motion_trailer, photo_bytes, picture, tiny_photo

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
    """A photo whose 200 bytes behind a marker are overwritten."""
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
        if percent < 100 or kind in ("webp", "avif", "heic")  # in others it is none of the picture
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


# Damaged pixels in a container that is whole, nine ways each: checksums and lengths are right


def png_chunks_of(photo: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents."""
    chunks, at = [], 8
    while at < len(photo):
        end = at + 8 + int.from_bytes(photo[at : at + 4])
        chunks.append((photo[at + 4 : at + 8], photo[at + 8 : end]))
        at = end + 4
    return chunks


def png_of(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def _with_stream(change: Callable[[bytes], bytes | list[bytes]], kind: str = "RGB") -> bytes:
    """A PNG with its packed pixels changed, and packed into these chunks, or into six."""
    before = png_chunks_of(encode(picture(2).convert(kind), "png"))
    stream = change(b"".join(content for name, content in before if name == b"IDAT"))
    parts = _sixths(stream) if isinstance(stream, bytes) else stream
    return png_of(
        [before[0], *before[1:-1][: kind == "P"], *((b"IDAT", p) for p in parts), before[-1]]
    )


def _sixths(content: bytes) -> list[bytes]:
    size = -(-len(content) // 6)
    return [content[at : at + size] for at in range(0, len(content), size)]


def _with_rows(change: Callable[[bytes], bytes], kind: str = "RGB") -> bytes:
    return _with_stream(lambda stream: zlib.compress(change(zlib.decompress(stream))), kind)


def _blot_out(content: bytes, begin: float, with_: Callable[[bytes], bytes], size: int) -> bytes:
    at = int(len(content) * begin)
    return content[:at] + with_(content[at : at + size]) + content[at + size :]


def _zeros(content: bytes) -> bytes:
    return bytes(len(content))


def _noise(content: bytes) -> bytes:
    return Random(4).randbytes(len(content))


def _inverted(content: bytes) -> bytes:
    return bytes(value ^ 255 for value in content)


PNG_ROW = 1 + 480 * 3
PNG_WAYS: dict[str, Make] = {
    "a chunk left out": lambda: _with_stream(lambda s: _sixths(s)[:2] + _sixths(s)[3:]),
    "the last chunk left out": lambda: _with_stream(lambda s: _sixths(s)[:-1]),
    "two chunks swapped": lambda: _with_stream(
        lambda s: [_sixths(s)[n] for n in (0, 2, 1, 3, 4, 5)]
    ),
    "a chunk twice": lambda: _with_stream(lambda s: [_sixths(s)[n] for n in (0, 1, 1, 2, 3, 4, 5)]),
    "a broken stream": lambda: _with_stream(lambda s: _blot_out(s, 0.5, _inverted, 50)),
    "zeros in the stream": lambda: _with_stream(lambda s: _blot_out(s, 0.4, _zeros, 200)),
    "a wrong Adler sum": lambda: _with_stream(lambda s: s[:-4] + bytes(4)),
    "a bad filter byte": lambda: _with_rows(
        lambda r: r[: 99 * PNG_ROW] + b"\x09" + r[99 * PNG_ROW + 1 :]
    ),
    "half of the rows": lambda: _with_rows(lambda r: r[: 160 * PNG_ROW]),
    "half of the rows of a palette": lambda: _with_rows(lambda r: r[: 160 * 481], "P"),
    "all but a byte": lambda: _with_rows(lambda r: r[:-1]),
}


def _apng(change: Callable[[list[tuple[bytes, bytes]], int], object]) -> bytes:
    """`change` gets the chunks, and the number of the one in the middle of the last frame."""
    chunks = png_chunks_of(photo_bytes("apng", 2, frames=3))
    inside = [number for number, (name, _) in enumerate(chunks) if name == b"fdAT"]
    change(chunks, inside[-2])
    return png_of(chunks)


def _set_end(
    chunks: list[tuple[bytes, bytes]], number: int, change: Callable[[bytes], bytes]
) -> None:
    name, content = chunks[number]
    chunks[number] = (name, content[:4] + change(content[4:]))


def _scan(change: Callable[[bytes], bytes], **options: Any) -> bytes:
    """A JPEG with the coded pixels of its last scan changed."""
    photo = photo_bytes("jpg", 2, **options)
    start = photo.rindex(b"\xff\xda")
    start += 2 + int.from_bytes(photo[start + 2 : start + 4])
    return photo[:start] + change(photo[start:-2]) + photo[-2:]


def _blocks(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """A GIF with the blocks of its pixels changed, and their lengths right."""
    photo = photo_bytes("gif", 2)
    start = photo.index(b",", 13 + 768) + 11
    blocks, at = [], start
    while size := photo[at]:
        blocks.append(photo[at + 1 : at + 1 + size])
        at += 1 + size
    changed = (bytes([len(block)]) + block for block in change(blocks))
    return photo[:start] + b"".join(changed) + photo[at:]


def _chunk(name: bytes, change: Callable[[bytes], bytes], **options: Any) -> bytes:
    """A WebP with the content of its last chunk of this name changed."""
    photo = photo_bytes("webp", 2, **options)
    start = photo.rindex(name) + 8
    end = start + int.from_bytes(photo[start - 4 : start], "little")
    return photo[:start] + change(photo[start:end]) + photo[end:]


def _mdat(format: str, change: Callable[[bytes], bytes], **options: Any) -> bytes:  # noqa: A002
    photo = photo_bytes(format, 2, metadata=False, **options)
    start = photo.index(b"mdat") + 4
    return photo[:start] + change(photo[start:])


@cache
def _tiled(**options: Any) -> bytes:
    return encode(picture(2, (1024, 768)), "heic", tile_size=256, **options)


def _tiles(change: Callable[[bytes], bytes], **options: Any) -> bytes:
    """A HEIC of twelve tiles, as phones write it."""
    photo = _tiled(**options)
    start = photo.index(b"mdat") + 4
    return photo[:start] + change(photo[start:])


def _swapped(content: bytes) -> bytes:
    half = len(content) // 2
    return content[half:] + content[:half]


DAMAGED: dict[str, dict[str, Make]] = {
    "png": PNG_WAYS,
    "apng": {
        "cut": lambda: _apng(lambda c, n: _set_end(c, n, lambda s: s[: len(s) // 2])),
        "zeros": lambda: _apng(lambda c, n: _set_end(c, n, _zeros)),
        "noise": lambda: _apng(lambda c, n: _set_end(c, n, _noise)),
        "inverted": lambda: _apng(lambda c, n: _set_end(c, n, _inverted)),
        "a chunk left out": lambda: _apng(lambda c, n: c.pop(n)),
        "the last chunk left out": lambda: _apng(lambda c, n: c.pop(n + 1)),
        "a wrong Adler sum": lambda: _apng(
            lambda c, n: _set_end(c, n + 1, lambda s: s[:-4] + bytes(4))
        ),
        "two chunks swapped": lambda: _apng(lambda c, n: c.insert(n, c.pop(n + 1))),
        "no end": lambda: _apng(lambda c, n: c.__delitem__(slice(n, None))),
    },
    "jpg": {
        "cut": lambda: _scan(lambda s: s[: len(s) // 2]),
        "cut without an end": lambda: _scan(lambda s: s[: len(s) // 2])[:-2],
        "nothing": lambda: _scan(lambda s: b""),
        "a part left out": lambda: _scan(lambda s: _blot_out(s, 0.3, lambda _: b"", 900)),
        "zeros": lambda: _scan(lambda s: _blot_out(s, 0.3, _zeros, 900)),
        "zeros to the end": lambda: _scan(lambda s: _blot_out(s, 0.5, _zeros, len(s) // 2)),
        "zeros instead of the end": lambda: _scan(lambda s: s[: len(s) // 2])[:-2] + bytes(9000),
        "cut in grey": lambda: encode(picture(2).convert("L"), "jpg")[:-900] + b"\xff\xd9",
        "cut between restarts": lambda: _scan(lambda s: s[: len(s) // 2], restart_marker_blocks=7),
        "progressive, cut": lambda: _scan(lambda s: s[:-40], progressive=True)[:-2],
        "progressive, a scan left out": lambda: _scan(lambda s: b"", progressive=True)[:-2],
    },
    "gif": {
        "a block left out": lambda: _blocks(lambda b: b[:9] + b[10:]),
        "the first left out": lambda: _blocks(lambda b: b[1:]),
        "the last left out": lambda: _blocks(lambda b: b[:-1]),
        "half left out": lambda: _blocks(lambda b: b[: len(b) // 2]),
        "nothing": lambda: _blocks(lambda b: []),
        "two swapped": lambda: _blocks(lambda b: [*b[:9], b[10], b[9], *b[11:]]),
        "zeros": lambda: _blocks(lambda b: [*b[:9], bytes(255), *b[10:]]),
        "noise": lambda: _blocks(lambda b: [*b[:9], _noise(b[9]), *b[10:]]),
        "inverted": lambda: _blocks(lambda b: [*b[:9], _inverted(b[9]), *b[10:]]),
    },
    # Of arithmetic codes a decoder knows little: any bits mean something.
    "webp": {
        "zeros at the begin": lambda: _chunk(b"VP8 ", lambda c: _blot_out(c, 0, _zeros, 300)),
        "noise at the begin": lambda: _chunk(b"VP8 ", lambda c: _blot_out(c, 0, _noise, 300)),
        "lossless, zeros": lambda: _chunk(
            b"VP8L", lambda c: _blot_out(c, 0.5, _zeros, 300), lossless=True
        ),
        "lossless, noise": lambda: _chunk(
            b"VP8L", lambda c: _blot_out(c, 0.5, _noise, 300), lossless=True
        ),
        "lossless, inverted": lambda: _chunk(
            b"VP8L", lambda c: _blot_out(c, 0.5, _inverted, 300), lossless=True
        ),
        "lossless, swapped": lambda: _chunk(
            b"VP8L", lambda c: c[:20] + _swapped(c[20:]), lossless=True
        ),
        "zeros in its transparency": lambda: _chunk(
            b"ALPH", lambda c: _blot_out(c, 0.5, _zeros, 300), alpha=True
        ),
        "noise in its transparency": lambda: _chunk(
            b"ALPH", lambda c: _blot_out(c, 0.5, _noise, 300), alpha=True
        ),
        "zeros in the last frame": lambda: _chunk(
            b"VP8 ", lambda c: _blot_out(c, 0, _zeros, 300), frames=3
        ),
    },
    "avif": {
        "nothing": lambda: _mdat("avif", _zeros),
        "zeros at the begin": lambda: _mdat("avif", lambda c: _blot_out(c, 0, _zeros, 300)),
        "zeros": lambda: _mdat("avif", lambda c: _blot_out(c, 0.5, _zeros, 300)),
        "zeros to the end": lambda: _mdat("avif", lambda c: _blot_out(c, 0.8, _zeros, len(c))),
        "noise at the begin": lambda: _mdat("avif", lambda c: _blot_out(c, 0, _noise, 300)),
        "inverted": lambda: _mdat("avif", _inverted),
        "swapped": lambda: _mdat("avif", _swapped),
        "animated, zeros": lambda: _mdat(
            "avif", lambda c: _blot_out(c, 0.6, _zeros, len(c) // 4), frames=4
        ),
        "animated, noise": lambda: _mdat(
            "avif", lambda c: _blot_out(c, 0.6, _noise, len(c) // 4), frames=4
        ),
        "animated, swapped": lambda: _mdat("avif", _swapped, frames=4),
        "animated, zeros at the end": lambda: _mdat(
            "avif", lambda c: _blot_out(c, 0.5, _zeros, len(c) // 2), frames=4
        ),
        "animated, without a clock": lambda: photo_bytes("avif", 2, frames=4).replace(
            b"mdhd", b"free"
        ),
    },
    "heic": {
        "nothing": lambda: _mdat("heic", _zeros),
        "zeros": lambda: _mdat("heic", lambda c: _blot_out(c, 0.5, _zeros, 300)),
        "zeros at the begin": lambda: _mdat("heic", lambda c: _blot_out(c, 0, _zeros, 300)),
        "zeros to the end": lambda: _mdat("heic", lambda c: _blot_out(c, 0.5, _zeros, len(c))),
        "swapped": lambda: _mdat("heic", _swapped),
        "zeros in a tile": lambda: _tiles(lambda c: _blot_out(c, 0.6, _zeros, 3_000)),
        "half of the tiles": lambda: _tiles(lambda c: _blot_out(c, 0.5, _zeros, len(c))),
        "tiles moved": lambda: _tiles(lambda c: c[:9_000] + c[9_500:] + bytes(500)),
        "noise before a good preview": lambda: _tiles(
            lambda c: _blot_out(c, 0, _noise, 3_000), thumbnails=(700,)
        ),
    },
}
"""By format: photos that must be refused although all chunks, lengths and checksums are right."""


# Bombs


def gif_of_frames(screen: tuple[int, int], frames: list[tuple[int, int]]) -> bytes:
    """Frames that claim these sizes; each has the data of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes((0, 0, 0, 255, 255, 255))
    control = b"!\xf9\4\0\1\0\0\0"
    for size in frames:
        head += control + b"," + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\2\2\x44\1\0"
    return head + b";"


def _claim(format: str, marker: bytes, skipped: int, side: bytes) -> bytes:  # noqa: A002
    """A photo that claims this width and height behind each of these markers."""
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


BOMBS: dict[str, tuple[str, Make]] = {
    "png claims 60000 x 60000": ("a.png", lambda: png((60000, 60000), 8, 2, bytes(1000))),
    # in 49 KB, and complete
    "png is 20000 x 20000": ("a.png", lambda: png((20000, 20000), 1, 0, bytes(2501 * 20000))),
    "gif claims 65535 x 65535": ("a.gif", lambda: gif_of_frames((65535, 65535), [(1, 1)])),
    "gif with a huge second frame": (
        "a.gif",
        lambda: gif_of_frames((1, 1), [(1, 1), (65535, 65535)]),
    ),
    "gif of 20000 frames": ("a.gif", lambda: gif_of_frames((200, 200), [(1, 1)] * 20000)),
    "jpg claims 65500 x 65500": ("a.jpg", lambda: _claim("jpg", b"\xff\xc0", 3, b"\xff\xdc")),
    "jpg of 600 scans": ("a.jpg", partial(many_scans, 600)),
    "jpg of 25 MP in 90 scans": ("a.jpg", partial(many_scans, 90)),
    "webp claims 16383 x 16383": ("a.webp", lambda: _claim("webp", b"\x9d\1\x2a", 0, b"\xff\x3f")),
    "avif claims 60000 x 60000": ("a.avif", lambda: _claim("avif", b"ispe", 4, b"\0\0\xea\x60")),
    "heic claims 60000 x 60000": ("a.heic", lambda: _claim("heic", b"ispe", 4, b"\0\0\xea\x60")),
}

BAD: dict[str, tuple[str, Make]] = {**NOT_PHOTOS, **BROKEN, **BOMBS}
"""By name: file name and content of files that must be refused."""
