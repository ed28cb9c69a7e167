"""Makes photos as phones write them, for the tests."""

import io
from functools import cache
from random import Random
from typing import Any

import pillow_heif
from PIL import Image, ImageChops
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

Size = tuple[int, int]

PILLOW_NAMES = {
    "jpg": "JPEG", "mpo": "MPO", "png": "PNG", "apng": "PNG", "gif": "GIF", "webp": "WEBP",
    "avif": "AVIF", "heic": "HEIF",
}  # fmt: skip
FORMATS = tuple(PILLOW_NAMES)
VENICE = (45.4341, 12.3388)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
    b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Camera 7.2"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def picture(seed: int, size: Size = (480, 320)) -> Image.Image:
    """A picture of coarse and fine structure in colour, a different one for each seed."""
    chance = Random(seed)
    image = Image.frombytes("RGB", (8, 6), chance.randbytes(8 * 6 * 3))
    image = image.resize(size, Image.Resampling.BICUBIC)
    grain = Image.frombytes("L", (64, 64), chance.randbytes(64 * 64)).point(lambda v: 120 + v // 16)
    tiled = Image.new("L", size)
    for x in range(0, size[0], 64):
        for y in range(0, size[1], 64):
            tiled.paste(grain, (x, y))
    return ImageChops.add(image, Image.merge("RGB", [tiled] * 3), 1, -128)


@cache
def photo_bytes(
    format: str = "jpg",  # noqa: A002
    seed: int = 0,
    size: Size = (480, 320),
    *,
    frames: int = 1,
    alpha: bool = False,
    orientation: int = 1,
    gps: tuple[float, float] | None = None,
    metadata: bool = True,
    **options: Any,
) -> bytes:
    """A photo as a phone writes it. Several frames make an animation (in an MPO, a second view);
    gps is northern latitude and eastern longitude, in EXIF (GIF has none); options are Pillow's
    own, such as quality=, progressive=, subsampling= and lossless=."""
    image = picture(seed, size)
    if alpha:
        image.putalpha(Image.radial_gradient("L").resize(size))
    if format in ("apng", "mpo"):
        frames = max(2, frames)
    if metadata and format != "gif":
        options = {"exif": phone_exif(seed, orientation, gps), "xmp": XMP, **options}
    if frames > 1:
        moves = [ImageChops.offset(image, 3 * i, i) for i in range(1, frames)]
        options |= {"save_all": True, "append_images": moves}
        options |= {} if format in ("mpo", "heic") else {"duration": 120, "loop": 0}
    return encode(image, format, **options)


def encode(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    """The image in one of FORMATS; options are Pillow's own."""
    pillow_heif.register_heif_opener()
    if format in ("png", "apng") and (xmp := options.pop("xmp", None)):
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    if format in ("webp", "avif"):
        options = {"method": 1} | options if format == "webp" else {"speed": 9} | options
    content = io.BytesIO()
    image.save(content, PILLOW_NAMES[format], **options)
    return content.getvalue()


def noise(seed: int = 7919) -> Image.Image:
    """64 by 48 pixels, no two neighbours alike."""
    pixels = bytes(i * i * seed >> 5 & 0xFF for i in range(64 * 48 * 3))
    return Image.frombytes("RGB", (64, 48), pixels)


def tiny_photo(kind: str, seed: int = 7919, **options: Any) -> bytes:
    """Noise in one of Pillow's formats, without metadata but for Pillow's `options`."""
    pillow_heif.register_heif_opener()
    content = io.BytesIO()
    noise(seed).save(content, kind, **options)
    return content.getvalue()


def phone_exif(
    seed: int = 0, orientation: int = 1, gps: tuple[float, float] | None = None
) -> bytes:
    """Taken on the first of June 2024 at 20:00:00 Rome time, one second later for each seed."""
    exif = Image.Exif()
    makers = (("Apple", "iPhone 15 Pro"), ("Google", "Pixel 8"), ("samsung", "SM-S918B"))
    exif[Base.Make], exif[Base.Model] = makers[seed % len(makers)]
    exif[Base.Orientation] = orientation
    details = exif.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = f"2024:06:01 20:{seed // 60 % 60:02}:{seed % 60:02}"
    details[Base.OffsetTimeOriginal] = "+02:00"
    if gps:
        place = exif.get_ifd(IFD.GPSInfo)
        place[GPS.GPSLatitudeRef], place[GPS.GPSLatitude] = "N", (gps[0], 0, 0)
        place[GPS.GPSLongitudeRef], place[GPS.GPSLongitude] = "E", (gps[1], 0, 0)
    return exif.tobytes()


def timed_photo(seed: int = 0, format: str = "jpg", **times: str | bytes) -> bytes:  # noqa: A002
    """A small photo whose EXIF has these tags, by their names there (DateTime, OffsetTime …)."""
    exif = Image.Exif()
    for name, time in times.items():
        directory = exif if name == "DateTime" else exif.get_ifd(IFD.Exif)
        directory[Base[name]] = time
    return encode(picture(seed, (60, 40)), format, exif=exif.tobytes())


def a_phone_batch(count: int) -> list[tuple[str, bytes]]:
    """Names and photos as guests of a party send them: odd names first, then cameras' own."""
    odd: list[tuple[str, str, dict[str, Any]]] = [
        ("IMG_1234.JPG", "jpg", {"gps": VENICE}),
        ("IMG_0001.HEIC", "heic", {"gps": VENICE}),
        ("PXL_20240601_180412345.jpg", "jpg", {"size": (320, 480)}),
        ("Screenshot 2024-06-01 at 20.15.33.png", "png", {"metadata": False}),
        ("写真 3.jpg", "jpg", {}),
        ("Смотри.webp", "webp", {}),
        ("🎂🎉.jpg", "jpg", {"orientation": 6}),
        ("image.jpg", "jpg", {}),
        ("image.jpg", "jpg", {}),
        ("party.gif", "gif", {"frames": 5, "size": (240, 160)}),
        ("dunes.avif", "avif", {"size": (800, 200)}),
        ("PXL_20240601_190012000.MP.jpg", "jpg", {}),
        ("DSC_0042.MPO", "mpo", {}),
        ("sticker.webp", "webp", {"alpha": True, "lossless": True}),
        ("blink.png", "apng", {"frames": 3, "size": (240, 160)}),
    ]
    odd += [(f"IMG_{2000 + i}.jpg", "jpg", {}) for i in range(len(odd), count)]
    batch = []
    for seed, (name, kind, options) in enumerate(odd):
        content = photo_bytes(kind, seed, **options)
        batch.append((name, content + motion_trailer(seed) if ".MP." in name else content))
    return batch


def motion_trailer(seed: int = 0) -> bytes:
    """The trailer of a Motion Photo: the beginning and the data of a small MP4."""
    film = Random(seed).randbytes(4000)
    brand = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"
    return brand + (len(film) + 8).to_bytes(4) + b"mdat" + film
