"""Photos that cost too much, or break the libraries, are refused, and nobody else feels it."""

import errno
import io
import os
import re
import signal
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pillow_heif
import pytest
from PIL import Image

from dropwall.images import decoding
from dropwall.images.containers import parse_container
from dropwall.images.pictures import decode_photo
from dropwall.images.reading import Images
from dropwall.refusals import BrokenContainer, NoDecoder, TooMuchToDecode
from tests.support.decoder_tasks import (
    complain,
    crash,
    crash_at_first,
    hang,
    make_a_mistake,
    make_a_mistake_in_rendering,
    never_end,
    own_pid,
    peak_bytes,
    peak_bytes_as_jpeg,
    take_memory,
)
from tests.support.odd_photos import png_chunk, with_png_chunk
from tests.support.photos import encode, phone_exif, photo_bytes
from tests.support.waiting import wait_until

MEBIBYTE = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], BinaryIO]:
    def write(content: bytes) -> BinaryIO:
        path = tmp_path / "photo"
        path.write_bytes(content)
        return path.open("r+b")

    return write


def segments(marker: int, content: bytes, count: int) -> bytes:
    """A JPEG with so many of them."""
    segment = struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content
    jpeg = photo_bytes("jpg")
    return jpeg[:2] + segment * count + jpeg[2:]


def gif_with_comments(count: int) -> bytes:
    gif = photo_bytes("gif")
    head = 13 + 3 * (2 << (gif[10] & 7))
    return gif[:head] + b"!\xfe" + b"\1x" * count + b"\0" + gif[head:]


def avif_of_many_sizes() -> bytes:
    """Each of which would be compared with each that is coded."""
    sizes = (struct.pack(">I4s3I", 20, b"ispe", 0, number, 1) for number in range(1, 4_000))
    properties = b"".join(sizes)
    box = struct.pack(">I4s", 12 + len(properties), b"moov") + bytes(4) + properties
    avif = photo_bytes("avif")
    end = int.from_bytes(avif[:4])
    return avif[:end] + box + avif[end:]


TOO_MANY_BLOCKS = {
    "EXIF in 80,000 segments": lambda: segments(0xE1, b"Exif\0\0x", 80_000),
    "comments of one byte": lambda: segments(0xFE, b"x", 200_000),
    "a GIF's comment of one-byte blocks": lambda: gif_with_comments(400_000),
    "tables without end": lambda: segments(0xDB, bytes(65), 20_000),
    "an AVIF of very many sizes": avif_of_many_sizes,
    "PNG text": lambda: with_png_chunk(png_chunk(b"tEXt", b"a\0b") * 60_000),
}


@pytest.mark.parametrize("name", TOO_MANY_BLOCKS)
def test_no_library_opens_a_file_of_too_many_blocks(
    images: Images,
    file: Callable[[bytes], BinaryIO],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr("dropwall.images.reading.decode", opened)
    with file(TOO_MANY_BLOCKS[name]()) as photo, pytest.raises(BrokenContainer):
        images.read_photo(photo)


def flat(kind: str, size: tuple[int, int], **options: object) -> bytes:
    return encode(Image.new("RGB", size, (10, 120, 200)), kind, **options)


def jpeg_of_three_scans(size: tuple[int, int]) -> bytes:
    """A baseline JPEG with a scan for each component: a decoder has to hold all coefficients.

    It is grey all over, so each block is "as before" and "end of block" (T.81 K.3: 00 1010, and
    00 00 in the chroma tables).
    """
    small = encode(Image.new("RGB", (16, 16), (128, 128, 128)), "jpg", subsampling=0)
    head = bytearray(small[: small.index(b"\xff\xda")])
    frame = head.index(b"\xff\xc0")
    head[frame + 5 : frame + 9] = struct.pack(">HH", size[1], size[0])
    blocks = -(-size[0] // 8) * -(-size[1] // 8)
    luma = (b"\x28\xa2\x8a" * (blocks // 4 + 1))[: blocks * 6 // 8 + 1]
    scans = [(1, 0x00, luma), (2, 0x11, bytes(blocks // 2 + 1)), (3, 0x11, bytes(blocks // 2 + 1))]
    for component, tables, data in scans:
        head += b"\xff\xda\0\x08\x01" + bytes((component, tables, 0, 63, 0)) + data
    return bytes(head) + b"\xff\xd9"


def high_bit_heic() -> bytes:
    size = (3000, 2000)
    photo = pillow_heif.from_bytes("RGBA;16", size, b"\x40\x9c" * (4 * size[0] * size[1]))
    content = io.BytesIO()
    photo.save(content, quality=30)
    return content.getvalue()


SIZE = (5000, 4000)
COSTLY = {
    "jpg": lambda: flat("jpg", SIZE),
    "progressive jpg 4:4:4": lambda: flat("jpg", SIZE, progressive=True, subsampling=0),
    "progressive jpg in CMYK": lambda: encode(
        Image.new("CMYK", SIZE, (1, 2, 3, 4)), "jpg", progressive=True
    ),
    "jpg of three scans": lambda: jpeg_of_three_scans(SIZE),
    "very tall jpg": lambda: flat("jpg", (1279, 30_000)),
    "very wide jpg": lambda: flat("jpg", (30_000, 1279)),
    "png": lambda: flat("png", SIZE),
    "png with alpha": lambda: encode(Image.new("RGBA", SIZE, (1, 2, 3, 4)), "png"),
    "png of 16 bits": lambda: encode(Image.new("I;16", SIZE, 999), "png"),
    "png of one bit": lambda: encode(Image.new("1", SIZE), "png"),
    "gif": lambda: encode(Image.new("P", SIZE, 9), "gif"),
    "webp": lambda: flat("webp", SIZE, method=0),
    "lossless webp with alpha": lambda: encode(
        Image.new("RGBA", SIZE, (1, 2, 3, 4)), "webp", lossless=True, method=0
    ),
    "avif": lambda: flat("avif", SIZE, speed=10),
    "avif 4:4:4 with alpha": lambda: encode(
        Image.new("RGBA", SIZE, (1, 2, 3, 4)), "avif", speed=10, subsampling="4:4:4"
    ),
    "heic": lambda: flat("heic", (3000, 2000), quality=30),
    "heic of 12 bits with alpha": high_bit_heic,
}
COSTLY |= {
    f"animated {kind}": lambda kind=kind, options=options: encode(
        Image.new("RGBA", (2500, 2000), (1, 2, 3, 4)),
        kind,
        save_all=True,
        append_images=[Image.new("RGBA", (2500, 2000), (n, 2, 3, 250)) for n in (50, 100, 150)],
        **options,
    )
    for kind, options in {
        "png": {},
        "gif": {},
        "webp": {"method": 0, "lossless": True},
        "avif": {"speed": 10, "subsampling": "4:4:4"},
    }.items()
}


@pytest.mark.parametrize("name", COSTLY)
def test_no_photo_needs_more_memory_than_reckoned(
    images: Images, file: Callable[[bytes], BinaryIO], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with file(COSTLY[name]()) as photo:
        cost = images.cost_of(parse_container(photo), width=640)
        monkeypatch.setattr(decoding, "_idle", [])  # one that has done nothing yet
        needed = decoding.decode(peak_bytes, photo, 2 * 10**9)
        assert needed < cost.memory_bytes
        images.read_photo(photo)  # the kernel holds it to that, too


COSTLY_JPEGS = {name: COSTLY[name] for name in COSTLY if re.match("(avif|heic)", name)}
COSTLY_JPEGS["avif, turned"] = lambda: flat("avif", SIZE, speed=10, exif=phone_exif(0, 6))
COSTLY_JPEGS["avif 4:4:4 with alpha, turned"] = lambda: encode(
    Image.new("RGBA", SIZE, (1, 2, 3, 4)),
    "avif",
    speed=10,
    subsampling="4:4:4",
    exif=phone_exif(0, 6),
)


@pytest.mark.parametrize("name", COSTLY_JPEGS)
def test_no_photo_needs_more_memory_as_a_jpeg_than_reckoned(
    images: Images,
    file: Callable[[bytes], BinaryIO],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
) -> None:
    with file(COSTLY_JPEGS[name]()) as photo:
        container = parse_container(photo)
        cost = images.cost_of(container, container.width)
        monkeypatch.setattr(decoding, "_idle", [])
        needed = decoding.decode(peak_bytes_as_jpeg, photo, 2 * 10**9, tmp_path / "a.jpg")
        assert needed < cost.memory_bytes
        images.make_jpeg(photo, tmp_path / "b.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("task", [never_end, hang, crash, take_memory])
def test_a_decoder_is_held_to_its_bounds_and_the_next_photo_is_taken(
    images: Images,
    file: Callable[[bytes], BinaryIO],
    monkeypatch: pytest.MonkeyPatch,
    task: Callable[[BinaryIO], None],
) -> None:
    monkeypatch.setattr(decoding, "CPU_SECONDS", 1)
    monkeypatch.setattr(decoding, "REAL_SECONDS", 10 if task is not hang else 1)
    with file(b"") as photo, pytest.raises(TooMuchToDecode):
        decoding.decode(task, photo, 10 * MEBIBYTE)
    with file(photo_bytes()) as photo:
        assert images.read_photo(photo).extension == "jpg"


@pytest.mark.parametrize(
    ("task", "error"), [(make_a_mistake, "KeyError"), (make_a_mistake_in_rendering, "TypeError")]
)
def test_a_mistake_of_ours_is_no_damaged_photo(
    file: Callable[[bytes], BinaryIO], task: Callable[[BinaryIO], None], error: str
) -> None:
    with file(photo_bytes()) as photo, pytest.raises(decoding.DecodingFailed, match=error):
        decoding.decode(task, photo, 100 * MEBIBYTE)


def test_decoders_are_there_again_when_they_were_killed(
    images: Images, file: Callable[[bytes], BinaryIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_idle", [])
    with file(photo_bytes()) as photo:
        images.read_photo(photo)
        with pytest.raises(TooMuchToDecode):
            decoding.decode(crash, photo, MEBIBYTE)
        assert decoding._fork_server
        decoding._fork_server.shutdown(socket.SHUT_RDWR)  # it ends as when it is killed
        images.read_photo(photo)


def test_a_photo_is_read_though_all_idle_decoders_were_killed(
    images: Images, file: Callable[[bytes], BinaryIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the kernel, where memory was short."""
    monkeypatch.setattr(decoding, "_idle", [])
    with file(photo_bytes()) as photo:
        with ThreadPoolExecutor(2) as pool:
            pids = set(pool.map(lambda _: decoding.decode(own_pid, photo, MEBIBYTE), range(2)))
        assert len(pids) == len(decoding._idle) == decoding.MAX_IDLE
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(idle.poll() for idle in decoding._idle))
        assert images.read_photo(photo).extension == "jpg"


def test_a_disk_that_cannot_be_read_makes_no_damaged_photo(
    file: Callable[[bytes], BinaryIO],
) -> None:
    class BrokenDisk(io.FileIO):
        def read(self, _: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with file(photo_bytes("gif")) as photo, BrokenDisk(photo.name) as broken:
        container = parse_container(photo)
        assert decode_photo(photo, container, 10**6, keep_location=True).extension == "gif"
        with pytest.raises(OSError, match="Input/output error"):
            decode_photo(broken, container, 10**6, keep_location=True)


def test_a_photo_that_needs_most_of_the_machines_memory_is_refused(
    images: Images, file: Callable[[bytes], BinaryIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropwall.images.reading.machine_bytes", lambda: 100 * MEBIBYTE)
    small = Images(10**8, 10**8, images._slots)
    with file(flat("png", (5000, 4000))) as photo, pytest.raises(TooMuchToDecode):
        small.read_photo(photo)
    with file(photo_bytes("png")) as photo:
        assert small.read_photo(photo).extension == "png"


def test_what_libraries_say_of_a_photo_is_not_written_to_the_log(
    file: Callable[[bytes], BinaryIO],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(decoding, "_idle", [])
    monkeypatch.setattr(decoding, "_fork_server", None)  # so that it has this test's stderr
    with file(b"") as photo:
        decoding.decode(complain, photo, MEBIBYTE)
    assert capfd.readouterr() == ("", "")
    assert decoding._fork_server
    decoding._fork_server.close()


def test_a_photo_whose_decoder_is_killed_once_is_read_by_another_one(
    file: Callable[[bytes], BinaryIO], tmp_path: Path
) -> None:
    with file(b"") as photo:
        assert decoding.decode(crash_at_first, photo, MEBIBYTE, tmp_path / "crashed") == "read"


def test_without_a_process_for_it_a_photo_is_to_be_sent_again(
    file: Callable[[bytes], BinaryIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, closed = socket.socketpair()
    closed.close()
    monkeypatch.setattr(decoding, "_idle", [])
    monkeypatch.setattr(decoding, "_fork_server", None)
    monkeypatch.setattr(decoding, "_start_fork_server", lambda has_threads: ours)
    with file(photo_bytes()) as photo, pytest.raises(NoDecoder):
        decoding.decode(crash, photo, MEBIBYTE)


@pytest.mark.parametrize(
    ("call", "error"),
    [("subprocess.Popen", errno.EAGAIN), ("socket.socketpair", errno.EMFILE)],
    ids=["no process is left", "no file descriptor is left"],
)
def test_where_no_decoder_can_be_started_a_photo_is_to_be_sent_again(
    file: Callable[[bytes], BinaryIO], monkeypatch: pytest.MonkeyPatch, call: str, error: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(decoding, "_idle", [])
    monkeypatch.setattr(decoding, "_fork_server", None)
    with file(photo_bytes()) as photo:
        with monkeypatch.context() as short:
            short.setattr(call, fail)
            before = os.listdir("/proc/self/fd")
            with pytest.raises(NoDecoder):
                decoding.decode(own_pid, photo, MEBIBYTE)
            assert os.listdir("/proc/self/fd") == before
        assert decoding.decode(own_pid, photo, MEBIBYTE) != os.getpid()
    assert decoding._fork_server
    decoding._fork_server.close()
