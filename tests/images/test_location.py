"""The place where a photo was taken is erased, and nothing else."""

import io
import os
import re
import struct
import time
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from tempfile import TemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from dropwall.images.containers import parse_container
from dropwall.images.location import erase_location
from dropwall.refusals import BrokenContainer, NotAPhoto
from tests.support.odd_photos import box, png_chunk
from tests.support.photos import noise, tiny_photo

MAKER_NOTE = b"Maker\0\1\2" + bytes(range(200))
THUMBNAIL = b"\xff\xd8 a thumbnail \xff\xd9"
PLACE = b"\0\0\0\x30\0\0\0\x01\0\0\0\x0c\0\0\0\x01\0\0\x11\x94\0\0\0\x64"  # 48°12'45"

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = f"""<?xpacket begin="\N{BYTE ORDER MARK}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">
<rdf:Description rdf:about="" xmlns:e="http://ns.adobe.com/exif/1.0/"
  xmlns:gps="urn:kept" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" e:GPSLatitude="48,12.75N"
  e:GPSLongitude = '16,22.5E' drone-dji:GpsLongtitude="+16.3738" e:FNumber="28/10"
  drone-dji:AbsoluteAltitude="+171.5" drone-dji:Latitude="48.2125" e:ISO="100">
<dc:title>Grüße aus Wien</dc:title>
<e:GPSAltitude>1715/10</e:GPSAltitude><e:GPSStatus/>
<e:GPSArea rdf:parseType="Resource"><e:GPSDest>48</e:GPSDest></e:GPSArea>
<e:GPSList><rdf:Seq><rdf:li>48.2125</rdf:li></rdf:Seq></e:GPSList>
<e:LensModel>50 mm</e:LensModel>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()
PLACE_WORDS = (b"48,12", b"16,22", b"16.37", b"171", b"48.21", b">48<")
KEPT_WORDS = ("28/10", "100", "Grüße aus Wien", "50 mm", "urn:kept")


def tiff(
    order: str = "<", gps_in: str = "IFD0", with_gps: bool = True, note: bytes = MAKER_NOTE
) -> bytes:
    """IFD0, Exif with a maker note, IFD1 with a thumbnail, and GPS in one of them."""
    directories = {
        "IFD0": [(0x010F, 2, b"A camera\0"), (0x0112, 3, 1), (0x8769, 4, "Exif")],
        "Exif": [(0x829A, 5, struct.pack(order + "II", 1, 250)), (0x927C, 7, note)],
        "IFD1": [(0x0103, 3, 6), (0x0201, 4, "thumbnail"), (0x0202, 4, len(THUMBNAIL))],
        "GPS": [(1, 2, b"N\0\0\0"), (2, 5, PLACE), (3, 2, b"E\0\0\0"), (4, 5, PLACE)],
    }
    if with_gps:
        directories[gps_in] = sorted([*directories[gps_in], (0x8825, 4, "GPS")])
    else:
        del directories["GPS"]
    starts, position = {}, 8
    for name, entries in directories.items():
        outside = [v for _, _, v in entries if isinstance(v, bytes) and len(v) > 4]
        starts[name] = position
        position += 6 + 12 * len(entries) + sum(map(len, outside))
    starts["thumbnail"] = position
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for name, entries in directories.items():
        values_at = starts[name] + 6 + 12 * len(entries)
        table, values = struct.pack(order + "H", len(entries)), b""
        for tag, kind, value in entries:
            count = 1
            if isinstance(value, bytes):
                count = len(value) // (8 if kind == 5 else 1)
            else:
                number = starts.get(value, value)
                value = struct.pack(order + ("H2x" if kind == 3 else "I"), number)
            if len(value) > 4:
                offset = struct.pack(order + "I", values_at + len(values))
                values += value
                value = offset
            table += struct.pack(order + "HHI", tag, kind, count) + value
        following = starts["IFD1"] if name == "IFD0" else 0
        block += table + struct.pack(order + "I", following) + values
    return block + THUMBNAIL


def jpeg(*segments: bytes) -> bytes:
    plain = tiny_photo("JPEG")
    inserted = b""
    for segment in segments:
        inserted += b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment
    return plain[:2] + inserted + plain[2:]


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    plain = tiny_photo("PNG")
    return plain[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + plain[33:]


def raw_profile(name: bytes, content: bytes) -> bytes:
    digits = content.hex().encode()
    lines = [digits[i : i + 72] for i in range(0, len(digits), 72)]
    return b"\n%s\n%8d\n%s\n" % (name, len(content), b"\n".join(lines))


def gif(packet: bytes) -> bytes:
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return tiny_photo("GIF")[:-1] + b"!\xff\x0bXMP DataXMP" + packet + trailer + b";"


EXIF, EXIF_WITHOUT = b"Exif\0\0" + tiff(), b"Exif\0\0" + tiff(with_gps=False)
RAW_EXIF, RAW_APP1 = b"Raw profile type exif\0", b"Raw profile type APP1\0"
WITH_EXIF = {
    "jpg": jpeg(EXIF),
    "jpg, big-endian": jpeg(b"Exif\0\0" + tiff(">")),
    "jpg, GPS in IFD1": jpeg(b"Exif\0\0" + tiff(gps_in="IFD1")),
    "jpg, GPS in the Exif directory": jpeg(b"Exif\0\0" + tiff(">", gps_in="Exif")),
    "jpg, second Exif": jpeg(EXIF_WITHOUT, EXIF),
    "jpg, in a preview behind the photo": tiny_photo("JPEG") + b"SEFH trailer" + jpeg(EXIF),
    "png": png((b"eXIf", tiff())),
    "png, raw profile": png((b"tEXt", RAW_EXIF + raw_profile(b"exif", EXIF))),
    "png, packed raw profile": png(
        (b"zTXt", RAW_APP1 + b"\0" + zlib.compress(raw_profile(b"APP1", EXIF)))
    ),
    "webp": tiny_photo("WEBP", exif=EXIF),
    "avif": tiny_photo("AVIF", exif=EXIF),
    "heic": tiny_photo("HEIF", exif=EXIF),
}
ITXT = b"XML:com.adobe.xmp\0"
WITH_XMP = {
    "jpg": jpeg(b"http://ns.adobe.com/xap/1.0/\0" + XMP),
    "png": png((b"iTXt", ITXT + b"\0\0\0\0" + XMP)),
    "png, packed": png((b"iTXt", ITXT + b"\1\0\0\0" + zlib.compress(XMP))),
    "gif": gif(XMP),
    "webp": tiny_photo("WEBP", xmp=XMP),
    "avif": tiny_photo("AVIF", xmp=XMP),
    "heic": tiny_photo("HEIF", xmp=XMP),
}
WITHOUT = {
    "jpg": jpeg(EXIF_WITHOUT),
    "png": png((b"eXIf", tiff(with_gps=False)), (b"zTXt", b"Title\0\0" + bytes(9))),
    "png, profile of no digits": png((b"tEXt", RAW_EXIF + b"\nexif\n 4\nnot hex\n")),
    "png, empty profile": png((b"tEXt", RAW_EXIF)),
    "png, other profile": png(
        (b"tEXt", b"Raw profile type icc\0" + raw_profile(b"icc", b"II*\0 no"))
    ),
    "png, text that is not packed": png((b"zTXt", b"Place\0\0no stream")),
    "png, very long text": png((b"zTXt", b"Place\0\0" + zlib.compress(bytes(1 << 21)))),
    "png, no text": png((b"zTXt", b"Place")),
    "gif": tiny_photo("GIF"),
    "webp": tiny_photo("WEBP", exif=EXIF_WITHOUT),
    "avif": tiny_photo("AVIF", exif=EXIF_WITHOUT),
    "heic": tiny_photo("HEIF", exif=EXIF_WITHOUT),
}


def erase(content: bytes) -> bytes:
    """What becomes of a photo, with what is so for every one of them. Raises BrokenContainer and,
    where its first bytes are damaged, NotAPhoto."""
    with TemporaryFile() as file:
        file.write(content)
        photo = parse_container(file)
        file.seek(16)
        try:
            erased = erase_location(file, photo)
        finally:
            assert os.fstat(file.fileno()).st_size == len(content)
        assert file.tell() == 16
        parse_container(file)
        file.seek(0)
        after = file.read()
    assert erased is (after != content)
    return after


def opened(content: bytes) -> Image.Image:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 1 << 24)
        image = Image.open(io.BytesIO(content))
        image.load()
    return image


def exif_of(content: bytes) -> dict[object, object]:
    """All that Pillow reads of EXIF, but for GPS and for offsets."""
    exif = opened(content).getexif()
    inside = {(tag, key): value for tag in (0x8769, 1) for key, value in exif.get_ifd(tag).items()}
    offsets = (0x8825, (1, 0x8825), (0x8769, 0x8825))
    return {tag: value for tag, value in {**exif, **inside}.items() if tag not in offsets}


@pytest.mark.parametrize("name", WITH_EXIF)
def test_exif_loses_its_place_and_nothing_else(name: str) -> None:
    before = WITH_EXIF[name]
    after = erase(before)
    exif = opened(after).getexif()
    assert exif.get_ifd(0x8825) == {}
    for directory in (exif, exif.get_ifd(0x8769), exif.get_ifd(1)):
        assert 0x8825 not in directory
    assert exif_of(after) == exif_of(before)
    assert PLACE not in after
    for kept in (MAKER_NOTE, THUMBNAIL):
        assert after.count(kept) == before.count(kept)
    assert opened(after).tobytes() == opened(before).tobytes()
    assert erase(after) == after
    changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    start = min(before.find(mark) % len(before) for mark in (b"II*\0", b"MM\0*", b"Raw profile"))
    assert start < changed[0]
    assert changed[-1] < start + 2 * len(EXIF) + 250


@pytest.mark.parametrize("name", WITH_XMP)
def test_xmp_loses_its_place_and_nothing_else(name: str) -> None:
    before = WITH_XMP[name]
    after = erase(before)
    assert opened(after).tobytes() == opened(before).tobytes()
    found = opened(after).info.get("xmp", after)  # Pillow does not read a GIF's
    [packet] = re.findall(rb'<\?xpacket begin.*<\?xpacket end="w"\?>', found, re.DOTALL)
    assert len(packet) == len(XMP)
    assert not any(word in packet for word in PLACE_WORDS)
    assert all(word.encode() in packet for word in KEPT_WORDS)
    names = [element.tag for element in ElementTree.fromstring(packet.decode()).iter()]
    assert not any("GPS" in element for element in names)
    assert any("LensModel" in element for element in names)
    assert erase(after) == after


@pytest.mark.parametrize("name", WITHOUT)
def test_a_photo_without_a_place_keeps_every_byte(name: str) -> None:
    assert erase(WITHOUT[name]) == WITHOUT[name]


@pytest.mark.parametrize("order", "<>")
def test_a_place_behind_a_cameras_long_notes_is_erased_too(order: str) -> None:
    after = erase(png((b"eXIf", tiff(order, note=bytes(70_000)))))
    assert 0x8825 not in opened(after).getexif()
    assert PLACE not in after


def test_every_image_of_an_mpo_loses_its_place() -> None:
    out = io.BytesIO()
    second = noise(104729)
    second.encoderinfo = {"exif": EXIF}
    noise().save(out, "MPO", save_all=True, append_images=[second], exif=EXIF)
    assert out.getvalue().count(PLACE) == 4
    after = erase(out.getvalue())
    assert PLACE not in after
    with Image.open(io.BytesIO(after)) as image:
        assert image.n_frames == 2
        for number in range(2):
            image.seek(number)
            assert 0x8825 not in image.getexif()
            assert image.getexif()[0x010F] == "A camera"


class Words:
    """Words that stand nowhere else: of places, and of all the rest."""

    def __init__(self) -> None:
        self.places: list[str] = []
        self.kept: list[str] = []

    def place(self) -> str:
        self.places.append(f"Place{len(self.places):03}é")
        return self.places[-1]

    def keep(self) -> str:
        self.kept.append(f"Kept{len(self.kept):03}ü")
        return self.kept[-1]


def xmp_of_places(
    words: Words,
    as_attributes: bool = True,
    prefixes: tuple[str, str, str] = ("photoshop", "Iptc4xmpCore", "Iptc4xmpExt"),
    rdf: str = "rdf",
) -> bytes:
    place, keep, (photoshop, core, ext) = words.place, words.keep, prefixes
    places = [f"{photoshop}:City", f"{photoshop}:State", f"{core}:Location", "xmpDM:shotLocation"]
    others = [f"{photoshop}:Headline", f"{photoshop}:Country", f"{core}:CountryCode"]
    others += ["mine:City", "mine:State", "mine:LocationShown"]
    values = {name: place() for name in places} | {name: keep() for name in others}
    if as_attributes:
        flat = "".join(f'\n {name}="{value}"' for name, value in values.items()) + ">"
    else:
        flat = ">" + "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"
 xmlns:{ext}='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'>
<{rdf}:RDF xmlns:{rdf}="{RDF}">
<{rdf}:Description {rdf}:about="" xmlns:dc="urn:dc" xmlns:mine="urn:mine"
 xmlns:{photoshop} = "http://ns.adobe.com/photoshop/1.0/"
 xmlns:{core}="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
 xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"{flat}
 <{core}:CreatorContactInfo {core}:CiAdrCity="{keep()}" {core}:CiAdrRegion="{keep()}"/>
 <{ext}:LocationCreated {ext}:City="{place()}" {ext}:CountryName='{place()}'/>
 <{ext}:LocationShown><{rdf}:Bag>
  <{rdf}:li {rdf}:parseType="Resource"><{ext}:Sublocation>{place()}</{ext}:Sublocation>
   <{ext}:LocationName><{rdf}:Alt><{rdf}:li>{place()}</{rdf}:li></{rdf}:Alt></{ext}:LocationName>
  </{rdf}:li>
  <{rdf}:li><{rdf}:Description {ext}:ProvinceState="{place()}" {ext}:WorldRegion="{place()}"/>
  </{rdf}:li>
 </{rdf}:Bag></{ext}:LocationShown>
 <{ext}:Event>{keep()}</{ext}:Event><City xmlns="http://ns.adobe.com/photoshop/1.0/">{place()}</City>
 <dc:title><{rdf}:Alt><{rdf}:li xml:lang="x-default">{keep()}</{rdf}:li></{rdf}:Alt></dc:title>
</{rdf}:Description></{rdf}:RDF></x:xmpmeta>""".encode()


def iptc_of_places(words: Words) -> bytes:
    """In the order of their numbers, and one so long that the length of its length is told."""
    block = b"\x1c\1\x5a\0\3\x1b%G"
    for number in (5, 26, 27, 90, 92, 95, 101, 105):
        word = (words.place() if number in (27, 90, 92, 95) else words.keep()).encode()
        block += struct.pack(">BBBH", 0x1C, 2, number, len(word)) + word
    caption = words.keep().encode().ljust(40_000, b".")
    return block + struct.pack(">BBBHI", 0x1C, 2, 120, 0x8004, len(caption)) + caption


def photoshop_of_places(words: Words) -> bytes:
    resources = b""
    for number, name, content in (
        (0x0421, b"\0\0", words.keep().encode() + b"."),
        (0x0404, b"\3Abc", iptc_of_places(words)),
        (0x040A, b"\0\0", words.keep().encode() + b"."),
    ):
        size = struct.pack(">I", len(content))
        resources += (
            b"8BIM" + number.to_bytes(2) + name + size + content + b"\0" * (len(content) % 2)
        )
    return resources


def exif_of_places(words: Words) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = words.keep().encode()
    exif[0x83BB] = iptc_of_places(words)
    return exif.tobytes()


def film_of_places(words: Words) -> bytes:
    def place(position: bytes) -> bytes:
        return words.place().encode() + position

    def items(name: bytes, values: list[tuple[bytes, bytes]]) -> bytes:
        keys = [box(b"mdta", key) for key, _ in values]
        data = [box(b"data", bytes((0, 0, 0, 1)) + bytes(4), value) for _, value in values]
        numbered = [box(number.to_bytes(4), each) for number, each in enumerate(data, 1)]
        head = box(b"hdlr", bytes(8), b"mdta", bytes(13))
        keys_box = box(b"keys", bytes(4), len(keys).to_bytes(4), *keys)
        return box(b"meta", name, head, keys_box, box(b"ilst", *numbered))

    apple = b"com.apple.quicktime."
    position = "+48.2082+016.3738+171.000/"
    xyz = position.encode() + place(b"")
    loci = bytes(4) + b"\x15\xc7" + place(b"\0") + b"\0" + bytes(12) + b"earth\0" + place(b"\0")
    values = [
        (apple + b"make", words.keep().encode()),
        (apple + b"location.ISO6709", place(position.encode())),
        (apple + b"software", words.keep().encode()),
        (apple + b"location.name", place(b"")),
        (b"com.android.version", words.keep().encode()),
    ]
    udta = box(
        b"udta",
        box(b"\xa9xyz", len(xyz).to_bytes(2), b"\x15\xc7", xyz),
        box(b"loci", loci),
        box(b"\xa9nam", words.keep().encode()),
        box(
            b"meta", bytes(4), box(b"ilst", box(b"\xa9xyz", box(b"data", bytes(8), place(b"+48"))))
        ),
    )
    moov = box(b"moov", box(b"mvhd", bytes(100)), udta, items(b"", values), items(bytes(4), values))
    return box(b"ftyp", b"mp42", bytes(4)) + box(b"mdat", words.keep().encode()) + moov


def with_photoshop(*parts: bytes) -> bytes:
    """The resources in segments of their own."""
    plain = tiny_photo("JPEG")
    heads = [b"\xff\xed" + (len(part) + 16).to_bytes(2) + b"Photoshop 3.0\0" for part in parts]
    segments = [head + part for head, part in zip(heads, parts, strict=True)]
    return plain[:2] + b"".join(segments) + plain[2:]


def in_two_segments(resources: bytes) -> bytes:
    cut = resources.index(b"Place001") + 3
    return with_photoshop(resources[:cut], resources[cut:])


def extended(xmp: bytes, cuts: list[int]) -> list[bytes]:
    """As parts of an extended XMP, cut anywhere."""
    edges = sorted({0, len(xmp), *(cut % len(xmp) for cut in cuts)})
    return [
        b"http://ns.adobe.com/xmp/extension/\0"
        + b"0123456789ABCDEF" * 2
        + struct.pack(">II", len(xmp), start)
        + xmp[start:end]
        for start, end in pairwise(edges)
    ]


RAW_IPTC, RAW_XMP = b"Raw profile type iptc\0", b"Raw profile type xmp\0\0"
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
IN_XMP: dict[str, Callable[[bytes, list[int]], bytes]] = {
    "jpg": lambda xmp, _: jpeg(JPEG_XMP + xmp),
    "jpg, extended": lambda xmp, cuts: jpeg(JPEG_XMP + XMP, *extended(xmp, cuts)),
    "jpg, extended, in another order": lambda xmp, cuts: jpeg(*extended(xmp, cuts)[::-1]),
    "jpg, extended, in a later image": lambda xmp, cuts: (
        tiny_photo("JPEG") + jpeg(*extended(xmp, cuts))
    ),
    "png": lambda xmp, _: png((b"iTXt", ITXT + b"\0\0\0\0" + xmp)),
    "png, packed": lambda xmp, _: png((b"iTXt", ITXT + b"\1\0\0\0" + zlib.compress(xmp))),
    "png, packed, long": lambda xmp, _: png(
        (b"iTXt", ITXT + b"\1\0\0\0" + zlib.compress(b" " * (3 << 20) + xmp))
    ),
    "png, raw profile": lambda xmp, _: png(
        (b"zTXt", RAW_XMP + zlib.compress(raw_profile(b"xmp", xmp)))
    ),
    "png, behind the picture": lambda xmp, _: (
        png()[:-12] + png_chunk(b"iTXt", ITXT + b"\0\0\0\0" + xmp) + png()[-12:]
    ),
    "gif": lambda xmp, _: gif(xmp),
    "webp": lambda xmp, _: tiny_photo("WEBP", xmp=xmp),
    "avif": lambda xmp, _: tiny_photo("AVIF", xmp=xmp),
    "heic": lambda xmp, _: tiny_photo("HEIF", xmp=xmp),
}
IN_OTHERS: dict[str, Callable[[Words], bytes]] = {
    "jpg, IPTC": lambda words: with_photoshop(photoshop_of_places(words)),
    "jpg, split IPTC": lambda words: in_two_segments(photoshop_of_places(words)),
    "jpg, IPTC in EXIF": lambda words: jpeg(exif_of_places(words)),
    "webp, IPTC in EXIF": lambda words: tiny_photo("WEBP", exif=exif_of_places(words)),
    "avif, IPTC in EXIF": lambda words: tiny_photo("AVIF", exif=exif_of_places(words)),
    "heic, IPTC in EXIF": lambda words: tiny_photo("HEIF", exif=exif_of_places(words)),
    "png, IPTC in EXIF": lambda words: png((b"eXIf", exif_of_places(words)[6:])),
    "png, IPTC": lambda words: png(
        (
            b"zTXt",
            RAW_IPTC + b"\0" + zlib.compress(raw_profile(b"iptc", photoshop_of_places(words))),
        )
    ),
    "png, bare IPTC": lambda words: png(
        (b"tEXt", RAW_IPTC + raw_profile(b"iptc", iptc_of_places(words)))
    ),
    "jpg, film": lambda words: tiny_photo("JPEG") + film_of_places(words),
    "jpg, film of a Samsung": lambda words: (
        tiny_photo("JPEG") + b"\0\0\x30\x0aMotionPhoto_Data" + film_of_places(words) + b"SEFT"
    ),
    "heic, film": lambda words: tiny_photo("HEIF") + box(b"mpvd", film_of_places(words)),
    "avif, film": lambda words: tiny_photo("AVIF") + film_of_places(words),
}


SPLIT = re.compile(
    rb"\xff\xe1(..)http://ns.adobe.com/xmp/extension/\0.{36}(.{4})|\xff\xed..Photoshop 3.0\0",
    re.DOTALL,
)


def legible(content: bytes) -> str:
    """With what a PNG packs or writes in hex, and with what a JPEG splits in its own order."""
    extension: dict[bytes, bytes] = {}
    for part in SPLIT.finditer(content):
        if part[1]:
            behind = part.start() + 2 + int.from_bytes(part[1])
            extension[part[2]] = content[part.end() : behind]
    texts = [SPLIT.sub(b"", content), b"".join(extension[offset] for offset in sorted(extension))]
    if content.startswith(b"\x89PNG"):
        for key, text in opened(content).info.items():
            if key.startswith("Raw profile"):
                texts.append(bytes.fromhex("".join(text.split("\n")[3:])))
            elif isinstance(text, str):
                texts.append(text.encode())
    return b"\0".join(texts).decode(errors="replace")


def expect_erased(before: bytes, words: Words) -> bytes:
    found = legible(before)
    assert [word for word in words.places + words.kept if word not in found] == []
    after = erase(before)
    found = legible(after)
    assert [word for word in words.places if word in found] == []
    assert [word for word in words.kept if word not in found] == []
    assert opened(after).tobytes() == opened(before).tobytes()
    assert erase(after) == after
    return after


WITH_PLACES = {name: make(Words()) for name, make in IN_OTHERS.items()}
PREFIXES = st.sampled_from(["photoshop", "Iptc4xmpCore", "Iptc4xmpExt", "ns1", "ns2", "é-x.y_3"])


@given(
    name=st.sampled_from(sorted(IN_XMP)),
    as_attributes=st.booleans(),
    prefixes=st.lists(PREFIXES, min_size=3, max_size=3, unique=True),
    rdf=st.sampled_from(["rdf", "RDF", "ns9"]),
    cuts=st.lists(st.integers(0, 3000), min_size=1, max_size=30),
)
def test_names_of_places_in_xmp_go_and_nothing_else(
    name: str, as_attributes: bool, prefixes: list[str], rdf: str, cuts: list[int]
) -> None:
    words = Words()
    photoshop, core, ext = prefixes
    xmp = xmp_of_places(words, as_attributes, (photoshop, core, ext), rdf)
    after = expect_erased(IN_XMP[name](xmp, cuts), words)
    for packet in re.findall("<x:xmpmeta.*?</x:xmpmeta>", legible(after), re.DOTALL):
        assert "order" in name or ElementTree.fromstring(packet).tag


@pytest.mark.parametrize("name", IN_OTHERS)
def test_places_in_iptc_and_films_go_and_nothing_else(name: str) -> None:
    words = Words()
    expect_erased(IN_OTHERS[name](words), words)


def test_what_follows_a_place_in_iptc_moves_up() -> None:
    words = Words()
    words.keep()  # stands before them
    iptc = iptc_of_places(words)
    left = re.sub(rb"\x1c\x02[\x1b\x5a\x5c\x5f]..Place\d{3}\xc3\xa9", b"", iptc, flags=re.DOTALL)
    before = with_photoshop(photoshop_of_places(Words()))
    assert erase(before) == before.replace(iptc, left.ljust(len(iptc), b"\0"))


def test_a_very_long_xmp_loses_its_place_too() -> None:
    words = Words()
    xmp = xmp_of_places(words).replace(b"<dc:title>", b"<dc:title>" + b"<a>depth</a>" * 1_000_000)
    before = jpeg(*extended(xmp, [*range(0, len(xmp), 65_000)]))
    assert len(before) > 12_000_000
    expect_erased(before, words)


def test_text_that_does_not_fit_when_packed_anew_is_dropped() -> None:
    # Its checksum is cut off, and what is kept was packed as a copy of what is blanked.
    text = b'<x gps="48.2125"/>_gps="48.2125"/>'
    before = png((b"zTXt", b"Place\0\0" + zlib.compress(text, 9)[:-4]))
    assert opened(before).info["Place"] == text.decode()
    assert opened(erase(before)).info["Place"] == ""


def test_a_text_chunk_about_gps_is_blanked() -> None:
    before = png((b"tEXt", b"exif:GPSLatitude\x0048/1, 12/1"), (b"tEXt", b"Title\0Wien"))
    info = opened(erase(before)).info
    assert info["exif:GPSLatitude"].strip() == ""
    assert info["Title"] == "Wien"


# EXIF of one directory, and what follows it

BEGINNING = b"Exif\0\0II*\0\x08\0\0\0"


def gps_pointer(target: int) -> bytes:
    return struct.pack("<HHII", 0x8825, 4, 1, target)


def test_many_gps_pointers_in_one_directory_all_go() -> None:
    make = struct.pack("<HHI4s", 0x010F, 2, 4, b"Cam\0")
    place = struct.pack("<HHHI4s", 1, 1, 2, 2, b"N\0\0\0") + bytes(4)
    block = BEGINNING + b"\3\0" + make + 2 * gps_pointer(60)
    exif = opened(erase(jpeg(block.ljust(66, b"\0") + place))).getexif()
    assert dict(exif) == {0x010F: "Cam"}


@pytest.mark.parametrize("target", [0, 2, 8, 10, 26, 50, 60, 2**31, 2**32 - 1])
def test_a_gps_pointer_to_other_data_destroys_none(target: int) -> None:
    make = struct.pack("<HHII", 0x010F, 2, 12, 50)
    block = BEGINNING + b"\2\0" + make + gps_pointer(target) + bytes(16) + b"Twelve byte\0"
    assert dict(opened(erase(jpeg(block))).getexif()) == {0x010F: "Twelve byte"}


def test_a_value_where_the_next_directory_should_be_named_survives() -> None:
    make = struct.pack("<HHII", 0x010F, 2, 8, 34)
    after = erase(jpeg(BEGINNING + b"\2\0" + make + gps_pointer(500) + b"Camera!\0"))
    assert b"Camera!\0" in after
    assert gps_pointer(500)[:8] not in after


LOOP = struct.pack("<HHII", 0x014A, 4, 2**30, 8) + gps_pointer(8)
WEBP_XMP = b"RIFF\0\0\0\0WEBPXMP \xff\xff\xff\0<rdf:RDF "
LINES = b"\n" * 1_000_000
FILM, KEY = b"\0\0\0\0moov\0\0\0\0mvhd", b"keys\0\0\0\0\0\0\0\1\0\0\0\x14mdtalocation"
PHOTOSHOP = b"xmlns:a%d='http://ns.adobe.com/photoshop/1.0/'"
HOSTILE = [
    lambda: jpeg(*[BEGINNING + b"\xff\xff" + LOOP * 2000] * 100),
    lambda: jpeg(*[BEGINNING + b"\xe8\x03" + LOOP * 500] * 100),
    lambda: WEBP_XMP + b'<GPS "<GPS' * 200_000,
    lambda: WEBP_XMP + b"<GPSa><GPSb>" * 200_000,
    lambda: WEBP_XMP + b" GPS   =" * 300_000,
    lambda: WEBP_XMP + b"\t a" * 1_000_000,
    lambda: WEBP_XMP + b" " + b"a" * 2_000_000,
    lambda: WEBP_XMP + b" a-b:latitudelatitude" * 100_000,
    lambda: png(*[(b"zTXt", b"Place\0\0" + zlib.compress(bytes(1 << 24)))] * 200),
    lambda: png(*[(b"tEXt", b"Place\0")] * 5000),
    lambda: png(*[(b"tEXt", b"a\0" + PHOTOSHOP % number) for number in range(20_000)]),
    lambda: png((b"tEXt", b"Place\0" + b" a:b:City='\" gps=\"'" * 200_000)),
    lambda: png((b"tEXt", b"Place\0" + b"a:" * 2_000_000)),
    lambda: png((b"tEXt", RAW_EXIF + LINES)),
    lambda: png((b"zTXt", RAW_EXIF + b"\0" + zlib.compress(LINES))),
    lambda: jpeg() + b"<rdf:RDF>" + b"<gps>" * 1_000_000,
    lambda: jpeg() + b"<rdf:RDF></rdf:RDF>" * 1_000_000,
    lambda: jpeg() + b"<rdf:RDF>" * 1_000_000,
    lambda: jpeg() + b":RDF" * 1_000_000,
    lambda: jpeg() + b"\0\0\0\0moov\0\0\0\0mvhdloci\0\0\0\0keys\0\0\0\0" * 500_000,
    lambda: jpeg() + FILM + b"keys\0\0\0\0\xff\xff\xff\xff" * 1_000_000,
    lambda: jpeg() + FILM + KEY * 400 + b"\x7f\0\0\0ilst" + b"\0\0\0\x08\0\0\0\2" * 100_000,
    lambda: jpeg() + b"\xff\xed\0\2Photoshop 3.0\0" * 500_000,
    lambda: jpeg() + b"8BIM\4\4\0\0\x7f\0\0\0" + b"\x1c\2\x5a\0\0" * 1_000_000,
    lambda: jpeg() + b"II*\0\x08\0\0\0" * 1_000_000,
]


@pytest.mark.parametrize("make", HOSTILE)
def test_a_hostile_photo_is_read_in_bounded_time(make: Callable[[], bytes]) -> None:
    begin = time.process_time()  # in which other processes do not count
    with suppress(BrokenContainer, NotAPhoto):
        erase(make())
    assert time.process_time() - begin < 5


ATTRIBUTE = b' e:GPSLatitude="48,12.75N"'


@pytest.mark.parametrize("at", [0, (8 << 20) - 30, 9 << 20])
def test_a_place_in_a_very_long_packet_is_erased(at: int) -> None:
    depths = b"A" * (12 << 20)
    packet = b"<rdf:RDF>" + depths[:at] + ATTRIBUTE + depths[at:] + b"</rdf:RDF>"
    after = erase(jpeg() + packet)
    assert b"48,12" not in after
    assert after.count(b"A") == (jpeg() + packet.replace(ATTRIBUTE, b"")).count(b"A")
    text = b"Place\0\0" + zlib.compress(packet.ljust(17 << 20))
    for chunk in png_texts(erase(png((b"zTXt", text)))):
        assert b"48,12" not in zlib.decompress(chunk[7:])


def png_texts(photo: bytes) -> list[bytes]:
    """The contents of its zTXt chunks."""
    starts = [match.end() for match in re.finditer(b"zTXt", photo)]
    return [photo[at : at + int.from_bytes(photo[at - 8 : at - 4])] for at in starts]


PIXELS = WITHOUT["jpg"][WITHOUT["jpg"].find(b"\xff\xdb") :]
SOME_BYTES = st.binary(min_size=1, max_size=4)


def damaged(content: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    changed = bytearray(content)
    for position, replacement in changes:
        start = position % len(changed)
        changed[start : start + len(replacement)] = replacement
    return bytes(changed)


@given(
    order=st.sampled_from("<>"),
    gps_in=st.sampled_from(["IFD0", "IFD1", "Exif"]),
    changes=st.lists(st.tuples(st.integers(0, 600), SOME_BYTES), max_size=9),
    length=st.integers(0, 800),
)
def test_a_hostile_exif_block_harms_nothing_outside_itself(
    order: str, gps_in: str, changes: list[tuple[int, bytes]], length: int
) -> None:
    block = damaged(tiff(order, gps_in), changes)[:length]
    after = erase(jpeg(b"Exif\0\0" + block))
    assert after.endswith(PIXELS)
    assert erase(after).endswith(PIXELS)


@given(
    photo=st.sampled_from([*WITH_EXIF.values(), *WITH_XMP.values(), *WITH_PLACES.values()]),
    changes=st.lists(st.tuples(st.integers(0, 5000), SOME_BYTES)),
)
def test_a_damaged_photo_raises_nothing_but_the_containers_error(
    photo: bytes, changes: list[tuple[int, bytes]]
) -> None:
    with suppress(BrokenContainer, NotAPhoto):
        erase(damaged(photo, changes))
