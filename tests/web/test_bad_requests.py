"""Bad requests: everything wrong that a visitor can send to a real gunicorn, and its exact answer.

What is not listed leaves nothing on disk, and no request is worth a line of the log.
"""

import gzip
import itertools
import re
import socket
import struct
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import urlsplit

import pytest
from PIL import Image

from dropwall import refusals
from dropwall.refusals import BY_CODE, Refusal
from tests.support.bad_photos import BAD, BOMBS, BROKEN, SVG
from tests.support.chunks import InChunks
from tests.support.gallery_server import ROOT, Gallery, GalleryServer, with_descendants
from tests.support.odd_photos import GOOD_ODD
from tests.support.photos import encode
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded

MEGABYTE = 1024 * 1024
MAX_UPLOAD_BYTES = 2 * MEGABYTE
OVER_THE_LIMIT = bytes(MAX_UPLOAD_BYTES + 1)
MAX_PEAK_KILOBYTES = 1_400_000  # of both workers together
FILES_OF_A_PHOTO = 3  # the original and two thumbnails
PLAIN = {b"Content-Type: text/plain; charset=utf-8", b"X-Content-Type-Options: nosniff"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TWENTY = [f"{number}.png" for number in range(20)]

Make = Callable[[], bytes]

FORMATS = "JPEG, PNG, GIF, WebP, AVIF or HEIC"
NOT_A_PHOTO = f"This file isn't a photo. You can add {FORMATS}."
UNKNOWN_TYPE = f"Only photos can be added: {FORMATS}."
DAMAGED = "This photo is damaged or incomplete. Try the original."
EMPTY = "This file is empty. Choose the photo again."
NO_PHOTO = "No photo was sent. Choose one first."
TOO_LARGE = "This photo is too large. The limit is 2 MB."
DO_NOT_FIT = "The parts of this photo don't fit together. Reload the page and add it again."
NOTHING_YET = "None of this photo has arrived yet. Add it again."
NO_SUCH_PHOTO = "This photo was removed or isn't shared with you."
NOTHING_HERE = "There's nothing at this address."
UNREADABLE = "This request couldn't be read. Reload the page and try again."
LONG_HEAD = "This request's headers are too large. Clear this site's cookies and try again."


def misnamed(content: str) -> str:
    return f"This file's content is {content}. Give it the right extension and add it again."


# What is sent

BOUNDARY = "----wall"
WGET = "application/x-www-form-urlencoded"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
END = f"--{BOUNDARY}--\r\n".encode()

numbers = itertools.count()


class HangsUp(bytes):
    """Behind its last byte the server would wait for more: the client closes its sending side."""


def photo() -> bytes:
    """A tiny PNG, another one each time."""
    return encode(Image.new("RGB", (8, 8), f"#{next(numbers):06x}"), "png")


def lines(*texts: str) -> bytes:
    """With the empty line that ends a head. "\\udcff" stands for the byte FF, and so on."""
    return "\r\n".join([*texts, "", ""]).encode(errors="surrogateescape")


def ask(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """A request without a Content-Length of its own."""
    return lines(f"{method} {path} HTTP/1.1", "Host: wall", "Connection: close", *headers) + body


def raw(body: bytes, kind: str | None, *headers: str, length: object = None) -> bytes:
    """A POST that claims this Content-Length, or the true one."""
    claimed = len(body) if length is None else length
    kinds = [f"Content-Type: {kind}"] if kind else []
    return ask("POST", "/", *kinds, f"Content-Length: {claimed}", *headers, body=body)


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    named = f"Content-Disposition: form-data; {disposition}"
    return lines(f"--{BOUNDARY}", named, *headers) + content + b"\r\n"


def field(name: str, value: bytes) -> bytes:
    return part(f'name="{name}"', value)


def file(name: str = "a.png", content: bytes | None = None, *headers: str) -> bytes:
    """A part with a file: a good PNG unless there is other content."""
    disposition = f'name="file"; filename="{name}"'
    return part(disposition, photo() if content is None else content, *headers)


def form(*parts: bytes, length: object = None) -> bytes:
    return raw(b"".join(parts) + END, FORM, length=length)


def headed(*headers: str) -> bytes:
    """A form with one good photo, whose part has these headers, too."""
    return form(file("a.png", None, *headers))


def disposed(disposition: str) -> bytes:
    """A form with one good photo that is introduced by these words."""
    return form(part(disposition, photo()))


def chunk(sent: InChunks) -> bytes:
    """The first one."""
    fields = [field(name, value.encode()) for name, value in sent.fields(0).items()]
    return form(*fields, file(sent.name, sent.bytes(0)))


def one(*headers: str, path: str = "/", method: str = "POST") -> bytes:
    """A good photo in a good form; the rest of the request may not be."""
    body = file() + END
    kind = f"Content-Type: {FORM}"
    return ask(method, path, kind, f"Content-Length: {len(body)}", *headers, body=body)


def unframed(*headers: str) -> bytes:
    """The same, and only `headers` say how long it is."""
    return ask("POST", "/", f"Content-Type: {FORM}", *headers, body=file() + END)


def chunked(body: bytes, ending: bytes = b"0\r\n\r\n", kind: str = FORM) -> bytes:
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    headers = (f"Content-Type: {kind}", "Transfer-Encoding: chunked")
    return ask("POST", "/", *headers, body=coded + ending)


def chunked_form(ending: bytes) -> bytes:
    return chunked(file() + END, ending)


def bounded(boundary: str, claimed: str | None = None) -> bytes:
    """A good photo between these boundaries; the head claims the same ones, or others."""
    kind = f"multipart/form-data; boundary={boundary if claimed is None else claimed}"
    return raw((file() + END).replace(BOUNDARY.encode(), boundary.encode()), kind)


def compressed(body: bytes, kind: str, coding: str = "gzip") -> bytes:
    return raw(gzip.compress(body), kind, f"Content-Encoding: {coding}")


TEXT_FORM = file("a.png", b"no") + END
MIXED_FORM = b"--in\r\n" + file().partition(b"\r\n")[2] + b"--in--"


def zeros(megabytes: int) -> bytes:
    """A form with as many files, each of 1 MB."""
    return b"".join(file(f"{n}.png", bytes(MEGABYTE)) for n in range(megabytes)) + END


def files(*labels: str) -> dict[str, Make]:
    """Forms with these files of BAD."""

    def bad_file(name: str, make: Make) -> bytes:
        return form(file(name, make()))

    return {label: partial(bad_file, *BAD[label]) for label in labels}


def gets(*paths: str) -> dict[str, Make]:
    return {path: partial(ask, "GET", path) for path in paths}


REFUSED: dict[tuple[int, str], dict[str, Make]] = {
    (400, UNKNOWN_TYPE): {
        **files("svg", "tiff", "bmp", "ico", "mp4", "photo as program"),
        "a program behind a NUL": lambda: form(file("a.png\0.exe")),
        "a program in disguise": lambda: form(file("photo\u202egnp.exe")),
        "a sentence's own field": lambda: form(file("{formats}.exe")),
        "two file names": lambda: disposed("filename=a.png; filename=b.exe"),
    },
    (400, misnamed("JPEG")): files("jpeg as png"),
    (400, misnamed("GIF")): files("gif as webp"),
    (400, misnamed("WebP")): files("webp as jpg"),
    (400, misnamed("AVIF")): files("avif as heic"),
    (400, misnamed("HEIC")): files("heic as jpg"),
    (400, misnamed("PNG")): files("png as jpg"),
    (400, NOT_A_PHOTO): {
        **files("one byte", "text", "html", "svg as png", "pdf", "tiff as jpg", "bmp as png"),
        **files("ico as png", "mp4 as heic", "quicktime as heic", "zip", "elf", "wave as webp"),
        "a file just within the limit": lambda: form(file("a.png", bytes(MAX_UPLOAD_BYTES))),
        "a raw drawing": lambda: raw(SVG, "image/svg+xml"),
        "a raw nothing": lambda: raw(b"Hello.", None),
        "Expect: 100-continue for a text": lambda: raw(TEXT_FORM, FORM, "Expect: 100-continue"),
        "a form without script": lambda: raw(
            TEXT_FORM, FORM, "Accept: text/html", "Sec-Fetch-Mode: navigate"
        ),
    },
    (400, EMPTY): files("empty"),
    # What begins as a photo, and be it as little as in the first two, is a damaged one.
    (400, DAMAGED): {
        **files("polyglot gif", "jpeg without picture", *BROKEN),
        **files("jpg of 600 scans", "jpg of 25 MP in 90 scans"),
        "a raw photo without its end": lambda: raw(photo()[:-19], "image/png"),
        "a length too small, raw": lambda: raw(photo(), "image/png", length=20),
    },
    (413, "This animation is too long. Add a shorter one."): files("gif of 20000 frames"),
    (413, "This photo is too large. The limit is 250 megapixels."): files(
        "jpg claims 65500 x 65500"
    ),
    (413, "This photo is too large. The limit is 100 megapixels."): {
        **files("png claims 60000 x 60000", "png is 20000 x 20000", "webp claims 16383 x 16383"),
        **files("avif claims 60000 x 60000", "heic claims 60000 x 60000"),
        **files("gif claims 65535 x 65535"),
        **files("gif with a huge second frame"),
    },
    (400, NO_PHOTO): {
        "a name on two lines": lambda: form(file("a\r\nb.png")),
        "a name with an empty line": lambda: form(file("a\r\n\r\n<b>.png")),
        "a name without its quote": lambda: disposed('name=a; filename="a.png'),
        "a name without a value": lambda: disposed('name="file"; filename'),
        "nothing chosen": lambda: form(part('name="file"; filename=""', b"")),
        "only text": lambda: form(field("note", b"Hello.")),
        "a photo as text": lambda: form(field("file", photo())),
        "no parts": form,
        "no body": lambda: raw(b"", None),
        "wget without a body": lambda: raw(b"", WGET),
        "a form in a form": lambda: form(
            part("name=file", MIXED_FORM, "Content-Type: multipart/mixed; boundary=in")
        ),
        "no length, no body": lambda: ask("POST", "/"),
        "no host": lambda: lines("POST / HTTP/1.1", "Connection: close"),
    },
    (
        400,
        "Send the photo as a file: curl -F file=@photo.jpg, or as the request body with its own"
        " type, such as Content-Type: image/jpeg.",
    ): {
        "wget --post-file, curl --data-binary": lambda: raw(photo(), WGET),
        "the same in chunks": lambda: chunked(photo(), kind=WGET),
        "a photo as text": lambda: raw(photo(), "text/plain"),
        "urlencoded": lambda: raw(b"file=a.png", WGET),
        "JSON": lambda: raw(b'{"file": "a.png"}', "application/json"),
        "multipart/mixed": lambda: raw(file() + END, FORM.replace("form-data", "mixed")),
    },
    (400, "This upload is compressed. Send the photo as it is, without Content-Encoding."): {
        "a raw gzip": lambda: compressed(photo(), "image/png"),
        "a gzipped form": lambda: compressed(file() + END, FORM),
        "curl --data-binary of a gzip": lambda: compressed(photo(), WGET),
        **{
            f"a photo in {coding}": lambda coding=coding: compressed(photo(), "image/png", coding)
            for coding in (
                "x-gzip",
                "GZIP",
                "br",
                "zstd",
                "deflate",
                "identity,gzip",
                "gzip, utf-8",
            )
        },
    },
    (400, "This upload couldn't be read. Reload the page and try again."): {
        "no body, a form": lambda: raw(b"", FORM),
        "no boundary": lambda: raw(file() + END, "multipart/form-data"),
        "an empty boundary": lambda: bounded("", '""'),
        "a boundary that is not ASCII": lambda: bounded("ü"),
        "a boundary that never comes": lambda: bounded("b", "other"),
        "a boundary that never comes in 1 MB": lambda: raw(bytes(MEGABYTE), FORM),
        "no final boundary": lambda: raw(file(), FORM),
        "a final boundary without its dashes": lambda: raw(file() + lines(f"--{BOUNDARY}"), FORM),
        "a part without Content-Disposition": lambda: form(
            lines(f"--{BOUNDARY}", "Content-Type: image/png"), photo(), b"\r\n"
        ),
        "a part without headers": lambda: form(lines(f"--{BOUNDARY}"), photo(), b"\r\n"),
        "headers without an empty line": lambda: form(file().replace(b"\r\n\r\n", b"\r\n", 1)),
        "a part's header without end": lambda: raw(file()[:20] + b"A" * 7 * MEGABYTE, FORM),
        "100,000 fields": lambda: form(*100_000 * [field("a", b"")]),
        "a field of 1 MB": lambda: form(field("a", bytes(MEGABYTE)), file()),
        "600 kB behind the form": lambda: raw(file() + END + bytes(600_000), FORM),
        "a raw form": lambda: raw(photo(), FORM),
        "a length too small": lambda: form(file(), length=60),
        "a length one byte too small": lambda: raw(TEXT_FORM, FORM, length=len(TEXT_FORM) - 3),
        "a length of 0": lambda: form(file(), length=0),
        "no length": unframed,
    },
    (431, LONG_HEAD): {
        "a boundary of 10 kB": lambda: bounded("b" * 10_000),
        "a header of 20 kB": lambda: one(f"Cookie: {'a' * 20_000}"),
        "300 headers": lambda: one(*(f"A{n}: 1" for n in range(300))),
    },
    (400, "This is only part of a photo. Send the whole photo."): {
        "a raw piece": lambda: raw(photo(), "image/png", "Content-Range: bytes 0-99/300"),
        "a piece in a form": lambda: one("Content-Range: bytes 0-99/300"),
    },
    (400, DO_NOT_FIT): {
        "a chunk of many": lambda: form(field("dztotalchunkcount", b"many"), file()),
        "a chunk whose id is not UTF-8": lambda: form(field("dzuuid", b"\xff"), file()),
    },
    (413, TOO_LARGE): {
        "a photo over the limit": lambda: form(file("a.png", OVER_THE_LIMIT)),
        "a raw photo over the limit": lambda: raw(OVER_THE_LIMIT, "image/png"),
        "a chunked photo over the limit": lambda: chunked(OVER_THE_LIMIT, kind="image/png"),
        "a chunk of too large a photo": lambda: chunk(InChunks(OVER_THE_LIMIT, MEGABYTE)),
        "a chunk over the limit": lambda: chunk(InChunks(2 * OVER_THE_LIMIT, len(OVER_THE_LIMIT))),
    },
    (413, "That's too much at once. Add up to 20 photos and 8 MB at a time."): {
        "one photo more than allowed": lambda: form(*map(file, TWENTY), file("more.png")),
        "a form over the limit": lambda: raw(zeros(9), FORM),
        "a form far over the limit": lambda: raw(zeros(22), FORM),
        "a chunked form over the limit": lambda: chunked(zeros(9)),
        "a raw body over the limit": lambda: raw(bytes(9 * MEGABYTE), "image/png"),
        "a length of 10 EB": lambda: HangsUp(form(file(), length=10**19)),
    },
    (400, "The upload was interrupted. Try again."): {
        "a length too large": lambda: HangsUp(form(file(), length=100_000)),
        "a length too large, raw": lambda: HangsUp(raw(photo(), "image/png", length=100_000)),
        "chunks that stop": lambda: HangsUp(chunked_form(b"")),
        "raw chunks that stop": lambda: HangsUp(chunked(photo(), b"", "image/png")),
        "chunks before a huge size": lambda: HangsUp(chunked_form(b"f" * 99 + b"\r\n")),
        "chunks before a negative size": lambda: chunked_form(b"-9\r\n"),
        "chunks before a size without end": lambda: chunked_form(b"1" * 9_000),
        "trailers without end": lambda: chunked_form(b"0\r\n" + 200_000 * b"A: b\r\n"),
    },
    (400, UNREADABLE): {
        **gets("/uploads/\udcff.png", "/api/photos?limit=\udcff"),
        **{
            f"a length of {length!r:.9}": lambda length=length: form(file(), length=length)
            for length in (-1, "", "nine", "+5", "5.0", "0x10", "5 5", "5, 5", "1_0", "٣")
        },
        "a length of 5000 digits": lambda: raw(b"", FORM, length="1" * 5000),
        "two lengths": lambda: one("Content-Length: 5"),
        "two lengths, comma": lambda: unframed("Content-Length: 5,5"),
        "a length and chunks": lambda: one("Transfer-Encoding: chunked"),
        "an unknown coding": lambda: unframed("Transfer-Encoding: knitted"),
        "the coding twice": lambda: unframed(*2 * ["Transfer-Encoding: chunked"]),
        **{
            f"the method {method!r:.9}": lambda method=method: one(method=method)
            for method in ("", "brew", "PO ST", "POST<", "A" * 100)
        },
        "a header without a colon": lambda: one("nonsense"),
        "a header with a NUL": lambda: one("A: \0"),
        "a header with a line feed": lambda: one("A: b\nContent-Length: 5"),
        "a header on two lines": lambda: one("A: b", " c"),
        "two hosts": lambda: one("Host: other"),
        "two types": lambda: one("Content-Type: image/png"),
        "HTTP/0.9": lambda: b"GET /\r\n\r\n",
        "HTTP/2": lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": lambda: b"\x16\3\1\2\0\1\0\1\xfc\3\3\r\n\r\n",
    },
    (417, UNREADABLE): {"Expect: tea": lambda: one("Expect: tea")},
    (405, "This address doesn't accept such requests."): {
        **{
            f"the method {method}": lambda method=method: one(method=method)
            for method in ("BREW", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")
        },
        "a photo for the list": lambda: one(path="/api/photos"),
        "7 MB for the list": lambda: raw(zeros(7), FORM).replace(b" / ", b" /api/photos ", 1),
    },
    (414, "This address is too long. Shorten it."): {
        "an address of 20 kB": lambda: one(path=f"/{'a' * 20_000}"),
        "a query of 20 kB": lambda: one(path=f"/?{'a' * 20_000}"),
    },
    (404, NO_SUCH_PHOTO): {
        "removing nothing": lambda: ask("DELETE", "/api/photos/x"),
        "removing bytes": lambda: ask("DELETE", "/api/photos/%00%ff"),
        **gets("/uploads/%ff%fe.png", "/uploads/a%00b.jpg", "/uploads/x.jpg", "/uploads/x"),
        **gets(f"/uploads/{'f' * 32}.jpg", f"/thumbnails/{'f' * 32}/320.webp"),
        **gets("/thumbnails/x/320.webp", f"/thumbnails/x/{'9' * 400}.webp"),
    },
    (204, ""): {
        "giving nothing up": lambda: ask("DELETE", "/api/uploads/%00%ff"),
        "giving 65 characters up": lambda: ask("DELETE", f"/api/uploads/{'x' * 65}"),
    },
    (404, NOTHING_YET): gets("/api/uploads/x", "/api/uploads/%00%ff", f"/api/uploads/{'x' * 65}"),
    (404, NOTHING_HERE): gets(
        *("/api/uploads/a/b", "/%ff%fe", "/%00", "/styles/", "/uploads/../secret.key"),
        *("/uploads/%2e%2e%2fsecret.key", "/../server/config.py", "/%2e%2e/server/config.py"),
        *("/%5c..%5cserver%5cconfig.py", "/server/config.py", "/thumbnails/..%2fcatalog/320.webp"),
        *("/vendor/dropzone@6.3.5/dist/../package.json", "/vendor/..@6.3.5/dist/package.json"),
        *("/vendor/dropzone@0.0.1/dist/dropzone-min.js", "/vendor/uppy@6.0.1/dist/uppy.min.js"),
    ),
    (400, "This request couldn't be understood. Reload the page and try again."): gets(
        *("/api/photos?limit=%ff", "/api/photos?limit=0", "/api/photos?limit=501"),
        *("/api/photos?limit=nine", "/api/photos?before=-1", f"/api/photos?before={'0' * 20}9"),
        *("/api/photos?since=", f"/api/photos?since={2**63}", f"/api/photos?since={'9' * 99}"),
    ),
}

NAMES = {
    "C:\\\\fakepath\\\\a.png": "a.png",
    "../../etc/passwd": "passwd",
    "x" * 5000 + ".png": "x" * 251 + ".png",
    "." * 5000: "photo",
    " ": "photo",
    ".png": "png",
    "a.png/": "photo",
    "a.png.": "a.png",
    "a%22b.png": 'a"b.png',
    'a\\"b.png': 'a"b.png',
    "a;b=c.png": "a;b=c.png",
    "%2e%2e%2fa.png": "%2e%2e%2fa.png",
    "{{7*7}}{content}%s.png": "{{7*7}}{content}%s.png",
    "<img src=x onerror=alert(1)>.png": "<img src=x onerror=alert(1)>.png",
    'a.png"\r\nSet-Cookie: a=b\r\nX: "b.png': "a.png",
}
"""What a good photo is called, and how it is listed."""

TAKEN: dict[str, dict[str, Make]] = {
    "写.png": {"filename*": lambda: disposed("name=file; filename*=UTF-8''%e5%86%99.png")},
    "photo": {
        "an empty file name": lambda: disposed('name="file"; filename=""'),
        "a raw type without subtype": lambda: raw(photo(), "image/"),
        "a raw type with a path": lambda: raw(photo(), "image/../../x"),
        "a raw PNG as TIFF": lambda: raw(photo(), "image/tiff"),
    },
    "ÿþ.png": {"a name that is not UTF-8": lambda: form(file("\udcff\udcfe.png"))},
    "photo.png": {"a raw PNG as JPEG": lambda: raw(photo(), "image/jpeg")},
    "a.png": {
        "a part's header that is not UTF-8": lambda: headed("\udcff: \udcff"),
        "filename* with a path": lambda: disposed("filename*=UTF-8''..%2f..%2fa.png"),
        "filename* in Klingon": lambda: disposed("filename*=klingon''a.png"),
        "filename in pieces": lambda: disposed("filename*0=a; filename*9=.png"),
        "no quotes": lambda: disposed("name=file; filename=a.png"),
        "a field without a name": lambda: disposed("filename=a.png"),
        "a field with an empty name": lambda: disposed('name=""; filename=a.png'),
        "a field's name of 10 kB": lambda: disposed(f"name={'n' * 10_000}; filename=a.png"),
        "a boundary of 7 kB": lambda: bounded("b" * 7_000),
        "a boundary that looks like a pattern": lambda: bounded("(.*)+[", '"(.*)+["'),
        "a part's header without a colon": lambda: headed("nonsense"),
        "a part of 20,000 headers": lambda: headed(*20_000 * ["A: 1"]),
        "a part that lies about its length": lambda: headed("Content-Length: 99999999999"),
        "a part that lies about its type": lambda: headed("Content-Type: text/html; charset=x-y"),
        "a second form behind the first": lambda: form(file(), END, file("b.png")),
        "chunks": lambda: chunked_form(b"0\r\n\r\n"),
        "chunks and a trailer": lambda: chunked_form(b"0\r\nA: b\r\n\r\n"),
        "Expect: 100-continue": lambda: one("Expect: 100-continue"),
        "a coding that changes nothing": lambda: one("Content-Encoding: identity"),
        "a coding that is none": lambda: one("Content-Encoding: UTF-8"),
        "a header that is not UTF-8": lambda: one("A: \udcff"),
        "a cookie that is not UTF-8": lambda: one("Cookie: dropwall=\udcff"),
        "a forged cookie": lambda: one("Cookie: dropwall=eyJhIjoxfQ.aaaaaa.bbb"),
    },
}
"""By the name that is listed then."""


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    limits = {"max_upload_bytes": MAX_UPLOAD_BYTES, "max_request_bytes": 8 * MEGABYTE}
    return limits | {"max_request_photos": len(TWENTY)}


def connect(gallery: Gallery) -> socket.socket:
    address = urlsplit(gallery.url)
    return socket.create_connection((address.hostname, address.port), PATIENCE_SECONDS)


def talk(gallery: Gallery, sent: bytes) -> bytes:
    """All that is answered. As a browser, it sends everything before it reads."""
    with connect(gallery) as visitor:
        visitor.sendall(sent)
        if isinstance(sent, HangsUp):
            visitor.shutdown(socket.SHUT_WR)
        return read_to_end(visitor)


def read_to_end(visitor: socket.socket) -> bytes:
    received = bytearray()
    while piece := visitor.recv(1 << 16):
        received += piece
    return bytes(received)


def check(gallery: Gallery, rows: Iterable[tuple[str, bytes, int, str, list[str]]]) -> None:
    """Each row is a label, what is sent, status, text, and the names that are new in the list."""
    wrong, known = [], 0
    for label, sent, *expected in rows:
        head, _, answer = talk(gallery, sent).removeprefix(CONTINUE).partition(b"\r\n\r\n")
        listed = [photo["name"] for photo in gallery.photos()]
        files_listed = FILES_OF_A_PHOTO * len(listed)
        wait_until(lambda count=files_listed: len(gallery.files()) == count)
        got = [int(head.split()[1]), answer.decode(), listed[: len(listed) - known]]
        is_text = set(head.split(b"\r\n")) >= PLAIN
        if got != expected or is_text != bool(answer):
            wrong.append(f"{label}: {got} instead of {expected}, with {head!r}")
        known = len(listed)
    assert not wrong, "\n".join(wrong)
    assert gallery.log == ""


@pytest.mark.parametrize("refusal", REFUSED, ids=lambda refusal: f"{refusal[0]} {refusal[1][:40]}")
def test_a_bad_request_is_refused(gallery: Gallery, refusal: tuple[int, str]) -> None:
    check(gallery, ((label, make(), *refusal, []) for label, make in REFUSED[refusal].items()))


def test_bombs_take_little_memory(server: GalleryServer) -> None:
    for name, make in BOMBS.values():
        assert server.send((name, make())).status_code in (400, 413)
    processes = with_descendants(server.process.pid)
    states = [(process / "status").read_text() for process in processes]
    peaks = [int(kilobytes) for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", "".join(states))]
    assert len(peaks) > len(server.workers())
    assert sum(peaks) < MAX_PEAK_KILOBYTES


def test_every_bad_file_is_in_the_table() -> None:
    refused = {label for rows in REFUSED.values() for label in rows}
    assert BAD.keys() - refused == {"photo without extension"}  # which is taken


def test_every_refusal_has_a_code_of_its_own_that_the_hosts_readme_lists() -> None:
    readme = (ROOT / "deployment" / "README.md").read_text()
    section = readme.partition("## Refusals\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d{3}) \| (.*) \|$", section, re.MULTILINE)
    listed = [
        (code, int(status)) for status, codes in rows for code in re.findall(r"[\w-]+", codes)
    ]
    assert sorted(listed) == sorted((code, refusal.status) for code, refusal in BY_CODE.items())
    kinds = [kind for kind in vars(refusals).values() if isinstance(kind, type)]
    assert len(BY_CODE) == len([kind for kind in kinds if issubclass(kind, Refusal)]) - 1


def test_each_bad_photo_among_several_is_named(gallery: Gallery) -> None:
    some_bad = form(
        *(file("first.png"), file("notes.txt", b"Notes."), file("text.png", b"Text.")),
        *(file("empty.png", b""), file("really.jpg"), file("../<b>\u202e\t.exe", b"")),
        file("last.png"),
    )
    some_refused = (
        "2 of 7 photos added. These couldn't be added:\n"
        f"“notes.txt”: {UNKNOWN_TYPE}\n"
        f"“text.png”: {NOT_A_PHOTO}\n"
        f"“empty.png”: {EMPTY}\n"
        f"“really.jpg”: {misnamed('PNG')}\n"
        f"“<b> .exe”: {UNKNOWN_TYPE}"
    )
    all_bad = form(file("a.png", b"no"), file("a.png", b""))
    all_refused = (
        f"0 of 2 photos added. These couldn't be added:\n“a.png”: {NOT_A_PHOTO}\n“a.png”: {EMPTY}"
    )
    one_large = form(file(), file("b.png", OVER_THE_LIMIT), file("c.png"))
    one_refused = f"2 of 3 photos added. These couldn't be added:\n“b.png”: {TOO_LARGE}"
    and_a_field = form(field("filepond", b"{}"), *map(file, TWENTY))
    rows = [
        ("some of them bad", some_bad, 400, some_refused, ["last.png", "first.png"]),
        ("all of them bad", all_bad, 400, all_refused, []),
        ("one of them large", one_large, 413, one_refused, ["c.png", "a.png"]),
        ("as many as allowed", form(*map(file, TWENTY)), 204, "", TWENTY[::-1]),
        ("as many as allowed, and a field", and_a_field, 204, "", TWENTY[::-1]),
    ]
    check(gallery, rows)


def test_a_file_name_is_made_safe(gallery: Gallery) -> None:
    check(gallery, ((sent, form(file(sent)), 204, "", [name]) for sent, name in NAMES.items()))


@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_request_with_a_photo_is_taken(gallery: Gallery, name: str) -> None:
    check(gallery, ((label, make(), 204, "", [name]) for label, make in TAKEN[name].items()))


@pytest.mark.parametrize("label", GOOD_ODD)
def test_an_odd_photo_is_taken(gallery: Gallery, label: str) -> None:
    name, make = GOOD_ODD[label]
    check(gallery, [(label, form(file(name, make())), 204, "", [name])])


@pytest.mark.parametrize("resets", [False, True], ids=["closing", "resetting"])
def test_a_visitor_who_leaves_in_the_middle_leaves_nothing(gallery: Gallery, resets: bool) -> None:
    half = file("a.png", bytes(200_000))
    for sent in (
        raw(half, FORM, length=300_000),
        raw(half, "image/png", length=300_000),
        chunked(half, b""),
    ):
        with connect(gallery) as visitor:
            visitor.sendall(sent)
            wait_until(gallery.files)
            if resets:
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: not gallery.files())
    assert gallery.photos() == []
    assert gallery.log == ""


def test_the_server_asks_to_continue_before_the_body_is_sent(gallery: Gallery) -> None:
    head, body = one("Expect: 100-continue").split(b"\r\n\r\n", 1)
    with connect(gallery) as visitor:
        visitor.sendall(head + b"\r\n\r\n")
        assert visitor.recv(100) == CONTINUE
        visitor.sendall(body)
        assert read_to_end(visitor).startswith(b"HTTP/1.1 204 ")


NOT_ASKED_FOR = {
    "too much at once": (413, 9 * MEGABYTE, FORM, ()),
    "far too much at once": (413, 10**15, FORM, ()),
    "too large a photo": (413, MAX_UPLOAD_BYTES + 1, "image/png", ()),
    "a piece": (400, 1000, "image/png", ("Content-Range: bytes 0-999/5000",)),
    "a gzip": (400, 1000, "image/png", ("Content-Encoding: gzip",)),
    "curl --data-binary": (400, 1000, WGET, ()),
    "another site's": (403, 1000, FORM, ("Origin: http://evil.test",)),
}


@pytest.mark.parametrize("label", NOT_ASKED_FOR)
def test_a_body_is_not_asked_for_whose_head_is_refused(gallery: Gallery, label: str) -> None:
    status, length, kind, headers = NOT_ASKED_FOR[label]
    asking = raw(b"", kind, "Expect: 100-continue", *headers, length=length)
    assert talk(gallery, asking).startswith(b"HTTP/1.1 %d " % status)


def test_a_request_without_length_leaves_the_connection_open(gallery: Gallery) -> None:
    first = lines("POST / HTTP/1.1", "Host: wall")
    _, refusal, second = talk(gallery, first + ask("GET", "/nothing")).split(b"\r\n\r\n")
    assert refusal.startswith(f"{NO_PHOTO}HTTP/1.1 404 ".encode())
    assert second == NOTHING_HERE.encode()
