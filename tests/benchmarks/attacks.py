"""What another guest feels, and what the machine pays, while one visitor attacks."""

import io
import socket
import statistics
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from itertools import count

import requests
from PIL import Image

from tests.benchmarks.results import Row
from tests.benchmarks.servers import TIMEOUT_SECONDS, dropwall, memory_mb, new_photo
from tests.support.bad_photos import many_scans
from tests.support.gallery_server import GalleryServer
from tests.support.odd_photos import png_chunk, with_png_chunk
from tests.support.photos import encode, photo_bytes

ATTACK_SECONDS = 20
AT_ONCE = 8
VICTIM, ATTACKER = "192.0.2.1", "198.51.100.7"
"""Their addresses, as a proxy tells them."""
MAX_SECONDS, MAX_MB = 3, 1_500
"""Of waiting; and of memory: DROPWALL_DECODE_BYTES, the reserve for small photos, two workers."""

SLOW_UPLOADS, SLOW_BYTES_PER_SECOND = 1_150, 650
MAX_MB_ALONE = 2_500
"""With a photo that needs more than DROPWALL_DECODE_BYTES, and is decoded alone."""

_numbers = count()


def attacks() -> Iterator[Row]:
    """What somebody with a small photo waits, and the most memory, during each attack, against the
    same without one."""
    calm, memory = felt(lambda _server, _stop: None)
    files = {what: partial(send, name, make()) for what, (name, make) in FILES.items()}
    for what, attack in {**files, **OTHERS}.items():
        waits, peak = felt(attack)
        against = "nobody attacks"
        name = f"{what}: another guest's small photo, p95"
        yield Row(name, "s", [p95(waits)], [p95(calm)], against, wanted=MAX_SECONDS)
        name = f"{what}: memory of all processes"
        wanted = MAX_MB_ALONE if "98 MP" in what else MAX_MB
        yield Row(name, "MB", [peak], [memory], against, wanted=wanted)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def felt(attack: Callable[[GalleryServer, threading.Event], None]) -> tuple[list[float], float]:
    """The waits of another guest, in seconds, and the most memory meanwhile, in MB."""
    waits: list[float] = []
    peak = 0.0
    stop = threading.Event()
    with (
        dropwall(proxies=1) as server,
        ThreadPoolExecutor() as pool,
        visitor(VICTIM, server) as guest,
    ):
        attacker = pool.submit(attack, server, stop)
        ends = time.monotonic() + ATTACK_SECONDS
        while time.monotonic() < ends:
            begun = time.monotonic()
            answer = guest.post(server.url, files={"file": ("a.jpg", new_photo((640, 480)))})
            assert answer.status_code == 204, answer.text
            waits.append(time.monotonic() - begun)
            peak = max(peak, memory_mb(server))
            stop.wait(0.2)
        stop.set()
        attacker.result(TIMEOUT_SECONDS)
    return waits, peak


def visitor(address: str, server: GalleryServer) -> requests.Session:
    session = requests.Session()
    session.headers["X-Forwarded-For"] = address
    session.get(server.url)
    return session


def send(name: str, content: bytes, server: GalleryServer, stop: threading.Event) -> None:
    """This file, again and again, as one guest, several at once."""

    def send_on() -> None:
        with visitor(ATTACKER, server) as attacker:
            attacker.cookies = cookies
            while not stop.is_set():
                photo = content + str(next(_numbers)).encode()  # another one each time
                attacker.post(server.url, files={"file": (name, photo)}, timeout=TIMEOUT_SECONDS)

    with visitor(ATTACKER, server) as first, ThreadPoolExecutor(AT_ONCE) as pool:
        cookies = first.cookies
        for sending in [pool.submit(send_on) for _ in range(AT_ONCE)]:
            sending.result(TIMEOUT_SECONDS)


def enlarge(server: GalleryServer, stop: threading.Event) -> None:
    """The large thumbnails of photos that were never enlarged, each eight times at once."""
    with visitor(ATTACKER, server) as attacker, ThreadPoolExecutor(AT_ONCE) as pool:
        get = partial(attacker.get, timeout=TIMEOUT_SECONDS)
        while not stop.is_set():
            attacker.post(server.url, files={"file": ("a.jpg", new_photo((6000, 4000)))})
            [photo] = get(f"{server.url}/api/photos?limit=1").json()["photos"]
            list(pool.map(get, [server.url + photo["thumbnails"]["2048"]] * AT_ONCE))


def send_slowly(server: GalleryServer, stop: threading.Event) -> None:
    """Uploads that never end, each just quicker than what is taken for standing still."""
    head = (
        "POST / HTTP/1.1\r\nHost: gallery\r\nContent-Type: image/jpeg\r\n"
        f"X-Forwarded-For: {ATTACKER}\r\nContent-Length: 90000000\r\n\r\n"
    )
    with ExitStack() as stack:
        uploads = []
        for _ in range(SLOW_UPLOADS):
            upload = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            upload.sendall(head.encode())
            uploads.append(upload)
        while not stop.wait(1):
            for upload in uploads:
                with suppress(OSError):  # it was refused
                    upload.sendall(bytes(SLOW_BYTES_PER_SECOND))


def segments_of_exif() -> bytes:
    jpeg = photo_bytes()
    large, small = b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527), b"\xff\xe1\0\x09Exif\0\0x"
    return jpeg[:2] + large * 16 + small * 80_000 + jpeg[2:]


def packed_profiles() -> bytes:
    profile = b"\nexif\n  500000\n" + b"49492a00" * 60_000
    text = png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile, 9))
    return with_png_chunk(text * 60)


def long_animation() -> bytes:
    frames = [Image.new("RGB", (11_000, 8_900), (9, level, 9)) for level in (0, 80, 160)]
    return encode(
        frames[0], "avif", save_all=True, append_images=frames[1:], speed=10, subsampling="4:4:4"
    )


def slow_photo() -> bytes:
    noise = Image.effect_noise((1500, 1000), 90).resize((6000, 4000)).convert("RGB")
    content = io.BytesIO()
    noise.save(content, "WEBP", lossless=True, method=0, quality=0)
    return content.getvalue()


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "EXIF in 80,000 segments (1.9 MB each)": ("a.jpg", segments_of_exif),
    "JPEG of 25 MP in 75 scans (4 kB each)": ("a.jpg", partial(many_scans, 75)),
    "PNG with packed profiles (67 kB each)": ("a.png", packed_profiles),
    "animated AVIF of 98 MP, 4:4:4 (8 kB each)": ("a.avif", long_animation),
    "lossless WebP of 24 MP": ("a.webp", slow_photo),
}
OTHERS: dict[str, Callable[[GalleryServer, threading.Event], None]] = {
    "thumbnails of 2048 pixels, each asked for eight times at once": enlarge,
    f"{SLOW_UPLOADS:,} uploads of {SLOW_BYTES_PER_SECOND} bytes/s": send_slowly,
}
