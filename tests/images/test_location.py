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
from tempfile import TemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.containers import BrokenContainer, UnknownFormat, survey
from server.location import erase_location
from tests.support.odd_photos import png_chunk
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


def erase(content: bytes, name: str) -> bytes:
    """What becomes of a photo, with what is so for every one of them. Raises BrokenContainer."""
    photo_format = name.partition(",")[0]
    with TemporaryFile() as file:
        file.write(content)
        file.seek(16)
        try:
            erased = erase_location(file, photo_format)
        finally:
            assert os.fstat(file.fileno()).st_size == len(content)
        assert file.tell() == 16
        with suppress(UnknownFormat):  # damaged in its first bytes
            survey(file)
        file.seek(0)
        after = file.read()
    assert erased is (after != content)
    return after


def opened(content: bytes) -> Image.Image:
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
    after = erase(before, name)
    exif = opened(after).getexif()
    assert exif.get_ifd(0x8825) == {}
    for directory in (exif, exif.get_ifd(0x8769), exif.get_ifd(1)):
        assert 0x8825 not in directory
    assert exif_of(after) == exif_of(before)
    assert PLACE not in after
    for kept in (MAKER_NOTE, THUMBNAIL):
        assert after.count(kept) == before.count(kept)
    assert opened(after).tobytes() == opened(before).tobytes()
    assert erase(after, name) == after
    changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    start = min(before.find(mark) % len(before) for mark in (b"II*\0", b"MM\0*", b"Raw profile"))
    assert start < changed[0]
    assert changed[-1] < start + 2 * len(EXIF) + 250


@pytest.mark.parametrize("name", WITH_XMP)
def test_xmp_loses_its_place_and_nothing_else(name: str) -> None:
    before = WITH_XMP[name]
    after = erase(before, name)
    assert opened(after).tobytes() == opened(before).tobytes()
    found = opened(after).info.get("xmp", after)  # Pillow does not read a GIF's
    [packet] = re.findall(rb'<\?xpacket begin.*<\?xpacket end="w"\?>', found, re.DOTALL)
    assert len(packet) == len(XMP)
    assert not any(word in packet for word in PLACE_WORDS)
    assert all(word.encode() in packet for word in KEPT_WORDS)
    names = [element.tag for element in ElementTree.fromstring(packet.decode()).iter()]
    assert not any("GPS" in element for element in names)
    assert any("LensModel" in element for element in names)
    assert erase(after, name) == after


@pytest.mark.parametrize("name", WITHOUT)
def test_a_photo_without_a_place_keeps_every_byte(name: str) -> None:
    assert erase(WITHOUT[name], name) == WITHOUT[name]


@pytest.mark.parametrize("order", "<>")
def test_a_place_behind_a_cameras_long_notes_is_erased_too(order: str) -> None:
    after = erase(png((b"eXIf", tiff(order, note=bytes(70_000)))), "png")
    assert 0x8825 not in opened(after).getexif()
    assert PLACE not in after


def test_every_image_of_an_mpo_loses_its_place() -> None:
    out = io.BytesIO()
    second = noise(104729)
    second.encoderinfo = {"exif": EXIF}
    noise().save(out, "MPO", save_all=True, append_images=[second], exif=EXIF)
    assert out.getvalue().count(PLACE) == 4
    after = erase(out.getvalue(), "jpg")
    assert PLACE not in after
    with Image.open(io.BytesIO(after)) as image:
        assert image.n_frames == 2
        for number in range(2):
            image.seek(number)
            assert 0x8825 not in image.getexif()
            assert image.getexif()[0x010F] == "A camera"


def test_the_film_of_a_motion_photo_loses_its_place() -> None:
    atom = b"\0\0\0\x1e\xa9xyz\0\x12\x15\xc7+48.2082+016.3738/"
    film = b"\0\0\0\x18ftypmp42" + bytes(12) + b"\0\0\0\x2emoov\0\0\0\x26udta" + atom
    for name, plain in (("jpg", tiny_photo("JPEG")), ("heic", tiny_photo("HEIF"))):
        assert erase(plain + film, name) == plain + film[:-26] + b"free" + bytes(22)


def test_text_that_does_not_fit_when_packed_anew_is_dropped() -> None:
    # Its checksum is cut off, and what is kept was packed as a copy of what is blanked.
    text = b'<x gps="48.2125"/>_gps="48.2125"/>'
    before = png((b"zTXt", b"Place\0\0" + zlib.compress(text, 9)[:-4]))
    assert opened(before).info["Place"] == text.decode()
    assert opened(erase(before, "png")).info["Place"] == ""


def test_a_text_chunk_about_gps_is_blanked() -> None:
    before = png((b"tEXt", b"exif:GPSLatitude\x0048/1, 12/1"), (b"tEXt", b"Title\0Wien"))
    info = opened(erase(before, "png")).info
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
    exif = opened(erase(jpeg(block.ljust(66, b"\0") + place), "jpg")).getexif()
    assert dict(exif) == {0x010F: "Cam"}


@pytest.mark.parametrize("target", [0, 2, 8, 10, 26, 50, 60, 2**31, 2**32 - 1])
def test_a_gps_pointer_to_other_data_destroys_none(target: int) -> None:
    make = struct.pack("<HHII", 0x010F, 2, 12, 50)
    block = BEGINNING + b"\2\0" + make + gps_pointer(target) + bytes(16) + b"Twelve byte\0"
    assert dict(opened(erase(jpeg(block), "jpg")).getexif()) == {0x010F: "Twelve byte"}


def test_a_value_where_the_next_directory_should_be_named_survives() -> None:
    make = struct.pack("<HHII", 0x010F, 2, 8, 34)
    after = erase(jpeg(BEGINNING + b"\2\0" + make + gps_pointer(500) + b"Camera!\0"), "jpg")
    assert b"Camera!\0" in after
    assert gps_pointer(500)[:8] not in after


LOOP = struct.pack("<HHII", 0x014A, 4, 2**30, 8) + gps_pointer(8)
WEBP_XMP = b"RIFF\0\0\0\0WEBPXMP \xff\xff\xff\0"
LINES = b"\n" * 1_000_000
HOSTILE = [
    ("jpg", lambda: jpeg(*[BEGINNING + b"\xff\xff" + LOOP * 2000] * 100)),
    ("jpg", lambda: jpeg(*[BEGINNING + b"\xe8\x03" + LOOP * 500] * 100)),
    ("webp", lambda: WEBP_XMP + b'<GPS "<GPS' * 200_000),
    ("webp", lambda: WEBP_XMP + b"<GPSa><GPSb>" * 200_000),
    ("webp", lambda: WEBP_XMP + b" GPS   =" * 300_000),
    ("webp", lambda: WEBP_XMP + b"\t a" * 1_000_000),
    ("webp", lambda: WEBP_XMP + b" " + b"a" * 2_000_000),
    ("webp", lambda: WEBP_XMP + b" a-b:latitudelatitude" * 100_000),
    ("png", lambda: png(*[(b"zTXt", b"Place\0\0" + zlib.compress(bytes(1 << 24)))] * 200)),
    ("png", lambda: png(*[(b"tEXt", b"Place\0")] * 5000)),
    ("png", lambda: png((b"tEXt", RAW_EXIF + LINES))),
    ("png", lambda: png((b"zTXt", RAW_EXIF + b"\0" + zlib.compress(LINES)))),
    ("jpg", lambda: jpeg() + b"<rdf:RDF>" + b"<gps>" * 1_000_000),
    ("jpg", lambda: jpeg() + b"<rdf:RDF></rdf:RDF>" * 1_000_000),
    ("jpg", lambda: jpeg() + b"II*\0\x08\0\0\0" * 1_000_000),
]


@pytest.mark.parametrize(("photo_format", "make"), HOSTILE)
def test_a_hostile_photo_is_read_in_bounded_time(
    photo_format: str, make: Callable[[], bytes]
) -> None:
    begin = time.process_time()  # in which other processes do not count
    with suppress(BrokenContainer):
        erase(make(), photo_format)
    assert time.process_time() - begin < 5


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
    after = erase(jpeg(b"Exif\0\0" + block), "jpg")
    assert after.endswith(PIXELS)
    assert erase(after, "jpg").endswith(PIXELS)


@given(
    photo=st.sampled_from([*WITH_EXIF.items(), *WITH_XMP.items()]),
    changes=st.lists(st.tuples(st.integers(0, 5000), SOME_BYTES)),
)
def test_a_damaged_photo_raises_nothing_but_the_containers_error(
    photo: tuple[str, bytes], changes: list[tuple[int, bytes]]
) -> None:
    name, content = photo
    with suppress(BrokenContainer):
        erase(damaged(content, changes), name)
