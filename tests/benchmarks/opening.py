"""What it takes until the page shows its first photos: alone, on a slow network, and when everybody
opens it at the same moment."""

import asyncio
import gzip
import io
import os
import re
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page

from tests.benchmarks.results import Row, in_turns
from tests.benchmarks.servers import dropwall, new_photo, send_photo
from tests.support.cdn import chromium
from tests.support.gallery_server import ROOT, GalleryServer
from tests.support.ports import Port
from tests.support.processes import Process
from tests.support.programs import LIBRARIES, need_program
from tests.support.waiting import wait_until

PHOTOS, TILES = 60, 30
VISITORS, CONNECTIONS = 80, 6
"""As many people, each with as many connections as a browser opens over HTTP/1.1."""
FORMER_COMMIT = "1c33cb1"
"""The one that the reviews are about, by which the aims are set."""
LINKED = re.compile(r'<(?:link|script|iframe)\b[^>]*?\b(?:href|src)="(/[^"]+)"')
IMPORTED = re.compile(r'^(?:import|export)\b[^"\';()]*"(\.[^"]+)"', re.MULTILINE)
NOT_YET = re.compile(r"/(?:favicon|icons|manifest|plain)")
"""What the page links to, and no browser loads before the photos."""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""Kinds of files for which nginx wants a folder, whether it needs one or not."""
FIRST_LIST = "/api/photos?limit=100"

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SIZES = ((320, 640), (390, 844), (844, 390), (1366, 768), (1920, 1080))
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
"""1.6 Mbit/s down, 750 kbit/s up: what Lighthouse calls a slow 4G."""
SETTLE_MS = 3_000
NOTE_FIRST_TILE = """
    window.firstTile = new Promise((resolve) => {
        document.addEventListener("load", ({ target }) => {
            if (target.closest?.("main .photo-tile")) resolve(performance.now());
        }, true);
    });
"""
NOTE_SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) shifts += value;
    }).observe({ type: "layout-shift", buffered: true });
"""


def page_itself() -> Iterator[Row]:
    """What a browser asks for until the first tile has its picture, but for the pictures."""
    with dropwall() as server, chromium() as new_page:
        send_photos(server)
        page = new_page(**PHONE)
        first, second = until_first_tile(page, server.url), until_first_tile(page, server.url)
    until = "until the first tile has its picture, thumbnails left out"
    yield Row(f"first visit, {until}", "kB", [sum(first) / 1e3], wanted=100)
    yield Row(f"first visit, {until}", "requests", [len(first)], wanted=40)
    yield Row(f"second visit, {until}", "requests", [len(second)], wanted=3)


def until_first_tile(page: Page, url: str) -> list[int]:
    """Bytes over the network of each request, the CDN's included, that was begun before the first
    thumbnail was there; nothing of what the browser's cache had."""
    began: dict[str, tuple[str, float]] = {}
    ended: dict[str, tuple[int, float]] = {}
    cached: set[str] = set()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")

    def begin(event: dict) -> None:
        began[event["requestId"]] = (event["request"]["url"], event["timestamp"])

    def end(event: dict) -> None:
        ended[event["requestId"]] = (event["encodedDataLength"], event["timestamp"])

    def receive(event: dict) -> None:
        if event["response"].get("fromDiskCache"):
            cached.add(event["requestId"])

    devtools.on("Network.requestWillBeSent", begin)
    devtools.on("Network.responseReceived", receive)
    devtools.on("Network.requestServedFromCache", lambda it: cached.add(it["requestId"]))
    devtools.on("Network.loadingFinished", end)
    page.goto(url)
    page.wait_for_timeout(SETTLE_MS)
    devtools.detach()
    thumbnails = {it for it, (address, _) in began.items() if "/thumbnails/" in address}
    first_tile = min(ended[it][1] for it in thumbnails if it in ended)
    return [
        int(ended.get(it, (0, 0))[0])
        for it, (address, at) in began.items()
        if at < first_tile and it not in thumbnails | cached and address.startswith("http")
    ]


def first_tile(rounds: int = 5) -> Iterator[Row]:
    """From the visitor's tap on a link until a photo can be seen, nothing cached."""
    with dropwall() as server, chromium() as new_page:
        send_photos(server)
        spent = []
        for _ in range(rounds):
            page = new_page(**PHONE)
            page.add_init_script(NOTE_FIRST_TILE)
            devtools = page.context.new_cdp_session(page)
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", SLOW)
            page.goto(server.url, wait_until="commit")
            spent.append(page.evaluate("() => firstTile") / 1000)
            page.close()
    yield Row("first tile on 1.6 Mbit/s, 150 ms", "s", spent, wanted=2.5)


def layout_shift() -> Iterator[Row]:
    """Of a gallery with photos, on a slow network, until nothing moves any more."""
    with dropwall() as server, chromium() as new_page:
        send_photos(server)
        for width, height in SIZES:
            page = new_page(viewport={"width": width, "height": height})
            page.add_init_script(NOTE_SHIFTS)
            devtools = page.context.new_cdp_session(page)
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", SLOW)
            page.goto(server.url)
            page.wait_for_timeout(SETTLE_MS)
            shifts = page.evaluate("() => shifts")
            page.close()
            yield Row(f"layout shift, {width} x {height} px", "CLS", [shifts], wanted=0.05)


def crowd_opens(rounds: int = 3) -> Iterator[Row]:
    """From the first request of 80 people until the last of them has the page, all that it cannot
    show photos without, and its first 30 tiles. The visitors are one Python process on the same
    cores, which takes some of the time of all of them. They do not decode and run nothing."""
    with dropwall() as server, former_dropwall() as former, tempfile.TemporaryDirectory() as folder:
        for gallery in (server, former):
            send_photos(gallery)
        stages, theirs = (asyncio.run(find_stages(it.port)) for it in (server, former))
        asyncio.run(save_files(server.port, stages, Path(folder)))
        with nginx(Path(folder)) as nginx_port:
            ours, reference, before = in_turns(
                rounds,
                lambda: asyncio.run(last_of_all(server.port, stages)),
                lambda: asyncio.run(last_of_all(nginx_port, without_queries(stages))),
                lambda: asyncio.run(last_of_all(former.port, theirs)),
            )
    counts = [sum(map(len, each)) for each in (stages, theirs)]
    what = f"{VISITORS} people open the page at once: the last one has page and {TILES} tiles"
    same = f"nginx, the same bytes from a folder ({counts[0]} requests)"
    yield Row(what, "s", ours, reference, same, wanted_ratio=3)
    former_name = f"commit {FORMER_COMMIT} ({counts[1]} requests)"
    yield Row(what, "s", ours, before, former_name, wanted_ratio=0.25)


def send_photos(server: GalleryServer) -> None:
    for _ in range(PHOTOS):
        send_photo(server.url, new_photo((1200, 900)))


@contextmanager
def former_dropwall() -> Iterator[GalleryServer]:
    """A gallery by the code of FORMER_COMMIT, which has to be in this repository."""
    command = ["git", "archive", FORMER_COMMIT, "server", "frontend", "package.json"]
    archive = subprocess.check_output(command, cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(code, filter="data")
        (code / "dropwall").symlink_to(code / "server")
        (code / "node_modules").symlink_to(ROOT / "node_modules")

        class Former(GalleryServer):
            pass

        Former.code = code
        with closing(Former(Path(folder) / "data", database=Path(folder) / "sqlite")) as server:
            yield server


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """The port of an nginx with as many processes as Dropwall that serves this folder's files."""
    port = Port()
    settings = folder / "nginx.conf"
    settings.write_text(
        f"daemon off; pid {folder}/nginx.pid; worker_processes 2; user root;\n"
        "events { worker_connections 2048; }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY)
        + f"server {{ listen 127.0.0.1:{port.number}; root {folder}/files; }} }}\n"
    )
    command = [need_program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(settings)]
    with (folder / "nginx.log").open("wb") as log:
        environ = os.environ | {"LD_LIBRARY_PATH": LIBRARIES}
        process = Process(command, cwd=folder, env=environ, stdout=log, stderr=log)
    try:
        wait_until(lambda: asyncio.run(answers(port.number)))
        yield port.number
    finally:
        process.terminate()
        process.wait()
        port.release()


async def answers(port: int) -> bool:
    try:
        return bool(await Visitor(port).get(["/"]))
    except OSError:
        return False


Stages = list[list[str]]
"""What a browser asks for at once, as soon as it has what comes before it."""


async def find_stages(port: int) -> Stages:
    """The page; what it links to; what that imports, and so on; the list; its first thumbnails."""
    visitor, stages = Visitor(port), [["/"]]
    known: set[str] = set()
    while stages[-1]:
        found = []
        for path, body in zip(stages[-1], await visitor.get(stages[-1]), strict=True):
            text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
            pattern = LINKED if path == "/" else IMPORTED
            text = re.sub(b"(?s)<template.*?</template>", b"", text)  # what is loaded later
            names = pattern.findall(text.decode()) if path == "/" or path.endswith(".js") else []
            found += [urljoin(path, name) for name in names if not NOT_YET.match(name)]
        stages.append([path for path in dict.fromkeys(found) if path not in known])
        known.update(found)
    stages.pop()
    if FIRST_LIST not in known:
        stages.append([FIRST_LIST, "/api/settings"])
    [listed] = await visitor.get([FIRST_LIST])
    text = gzip.decompress(listed) if listed.startswith(b"\x1f\x8b") else listed
    thumbnails = dict.fromkeys(re.findall(r"/thumbnails/\w+/320\.webp", text.decode()))
    return [*stages, [*thumbnails][:TILES]]


def without_queries(stages: Stages) -> Stages:
    return [[path.partition("?")[0] for path in stage] for stage in stages]


async def save_files(port: int, stages: Stages, folder: Path) -> None:
    """What Dropwall sends, byte by byte, as files."""
    paths = [path for stage in stages for path in stage]
    for path, body in zip(paths, await Visitor(port).get(paths), strict=True):
        name = "index.html" if path == "/" else path.partition("?")[0].lstrip("/")
        file = folder / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)


async def last_of_all(port: int, stages: Stages) -> float:
    """Seconds until the last of all visitors has everything."""
    started = time.perf_counter()
    visits = (Visitor(port, number).visit(stages) for number in range(VISITORS))
    await asyncio.gather(*visits)
    return time.perf_counter() - started


@dataclass
class Visitor:
    """One browser without a cache. Each has an address of its own: a server may limit them."""

    port: int
    number: int = 0
    cookie: bytes = b""
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def visit(self, stages: Stages) -> None:
        for stage in stages:
            await self.get(stage)
        for _, writer in self.idle:
            writer.close()

    async def get(self, paths: list[str]) -> list[bytes]:
        """The bodies, asked for by several connections at once, which are kept."""
        waiting = list(enumerate(paths))[::-1]
        bodies = [b""] * len(paths)

        async def work() -> None:
            while waiting:
                index, path = waiting.pop()
                bodies[index] = await self._get(path)

        await asyncio.gather(*(work() for _ in range(min(CONNECTIONS, len(paths)))))
        return bodies

    async def _get(self, path: str) -> bytes:
        while self.idle:  # as a browser does: again by another one, if the server has ended this
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                return await self._ask(path, *self.idle.pop())
        own = (f"127.0.{1 + self.number // 200}.{1 + self.number % 200}", 0)
        connection = await asyncio.open_connection("127.0.0.1", self.port, local_addr=own)
        return await self._ask(path, *connection)

    async def _ask(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        head = f"GET {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nAccept-Encoding: gzip\r\n"
        writer.write(head.encode() + self.cookie + b"\r\n")
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), (path, answer)
        if not self.cookie and (given := re.search(rb"\r\nSet-Cookie: ([^;]+)", answer)):
            self.cookie = b"Cookie: " + given[1] + b"\r\n"
        length = re.search(rb"\r\ncontent-length: (\d+)", answer, re.IGNORECASE)
        assert length, (path, answer)
        body = await reader.readexactly(int(length[1]))
        self.idle.append((reader, writer))
        return body
