"""Bad requests: everything wrong that a visitor can send to a real gunicorn, and its exact answer.

What is not listed leaves nothing on disk. The tables map an answer to what is answered so.
"""

import gzip
import itertools
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.support.bad_photos import BAD, BROKEN, SVG
from tests.support.gallery_server import GalleryServer
from tests.support.odd_photos import GOOD_ODD
from tests.support.photos import encode, photo_bytes
from tests.support.waiting import PATIENCE_SECONDS, wait_until

MEGABYTE = 1024 * 1024
MAX_UPLOAD_BYTES = 2 * MEGABYTE
OVER_THE_LIMIT = bytes(MAX_UPLOAD_BYTES + 1)
MAX_MEMORY_BYTES = 1_500_000_000
WORKERS = 2
FILES_OF_A_PHOTO = 3  # the original and two thumbnails
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Make = Callable[[], bytes]

FORMATS = "JPEG, PNG, GIF, WebP, AVIF or HEIC"
NOT_A_PHOTO = f"This is not a photo; please send {FORMATS}."
UNKNOWN_TYPE = f"Files of this type are not taken; please send {FORMATS}."
DAMAGED = "This photo is damaged or incomplete; please send the original again."
EMPTY = "This file is empty; please choose the photo again."
NO_PHOTO = "No photo came with this request; please choose one first."
TOO_LARGE = "This photo is too large; the limit is 2 MB."
DO_NOT_FIT = (
    "The pieces of this photo do not fit together; please reload the page and send it again."
)
NOTHING_YET = "Nothing of this photo has arrived yet; please send it."
NO_SUCH_PHOTO = "This photo is not here; it may have been removed."
NOTHING_HERE = "There is nothing at this address; please go back to the gallery."
UNREADABLE = "This request could not be read; please reload the page and try again."
LONG_HEAD = "This request has too much in its head; please clear this site's cookies and try again."


def misnamed(content: str) -> str:
    return (
        f"The name of this file is wrong: its content is {content};"
        " please give it its true extension and send it again."
    )


# What is sent

BOUNDARY = "----wall"
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


def chunk(content: bytes = bytes(100), name: str = "a.png", **changed: object) -> bytes:
    """The first of three of 100 bytes, but for these fields."""
    fields = {"dzuuid": "5c4e3b9a", "dzchunkindex": 0, "dzchunkbyteoffset": 0}
    fields |= {"dztotalfilesize": 300, "dzchunksize": 100, "dztotalchunkcount": 3} | changed
    encoded = [
        field(key, str(value).encode(errors="surrogateescape")) for key, value in fields.items()
    ]
    return form(*encoded, file(name, content))


def one_chunk(content: bytes, **changed: object) -> bytes:
    size = len(content)
    whole = {"dztotalfilesize": size, "dzchunksize": size, "dztotalchunkcount": 1}
    return chunk(content, **(whole | changed))


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


TEXT_FORM = file("a.png", b"no") + END
MIXED_FORM = b"--in\r\n" + file().partition(b"\r\n")[2] + b"--in--"


def zeros(megabytes: int) -> bytes:
    """A form with as many files, each of 1 MB."""
    return b"".join(file(f"{n}.png", bytes(MEGABYTE)) for n in range(megabytes)) + END


# The tables

FILES: dict[tuple[int, str], list[str]] = {
    (400, EMPTY): ["empty"],
    (400, NOT_A_PHOTO): [
        *("one byte", "text", "html", "svg as png", "pdf", "tiff as jpg", "bmp as png"),
        *("ico as png", "mp4 as heic", "quicktime as heic", "zip", "elf", "wave as webp"),
    ],
    (400, UNKNOWN_TYPE): ["svg", "tiff", "bmp", "ico", "mp4", "photo as program"],
    (400, misnamed("JPEG")): ["jpeg as png"],
    (400, misnamed("PNG")): ["png as jpg"],
    (400, misnamed("GIF")): ["gif as webp"],
    (400, misnamed("WebP")): ["webp as jpg"],
    (400, misnamed("AVIF")): ["avif as heic"],
    (400, misnamed("HEIC")): ["heic as jpg"],
    # What begins as a photo, and be it as little as in the first two, is a damaged one.
    (400, DAMAGED): [
        *("polyglot gif", "jpeg without picture", *BROKEN),
        *("png text bomb", "png profile bomb", "jpg of 600 scans"),
        *("avif claims 60000 x 60000", "heic claims 60000 x 60000"),
    ],
    (413, "This animation is too long; please send a shorter one."): ["gif of 20000 frames"],
    (413, "This photo is too large; the limit is 100 megapixels."): [
        *("png claims 60000 x 60000", "png is 20000 x 20000", "webp claims 16383 x 16383"),
        *("jpg claims 65500 x 65500", "gif claims 65535 x 65535"),
        "gif with a huge second frame",
    ],
}
"""The names in BAD, but for a photo without extension, which is taken."""

REFUSED: dict[tuple[int, str], dict[str, Make]] = {
    (400, UNKNOWN_TYPE): {
        "a program behind a NUL": lambda: form(file("a.png\0.exe")),
        "a program in disguise": lambda: form(file("photo\u202egnp.exe")),
        "a script": lambda: form(file("a.php")),
        "an alternate stream": lambda: form(file("a.png::$DATA")),
        "an extension of look-alikes": lambda: form(file("a.pn\u0261")),
        "a sentence's own field": lambda: form(file("{formats}.exe")),
        "two file names": lambda: disposed("filename=a.png; filename=b.exe"),
        "a raw drawing": lambda: raw(SVG, "image/svg+xml"),
        "a raw PNG as TIFF": lambda: raw(photo(), "image/tiff"),
        "a chunk of a program": lambda: chunk(name="a.exe"),
    },
    (400, misnamed("PNG")): {
        "named CON.jpg": lambda: form(file("CON.jpg")),
        "a raw PNG as JPEG": lambda: raw(photo(), "image/jpeg"),
    },
    (400, NOT_A_PHOTO): {
        "a file just within the limit": lambda: form(file("a.png", bytes(MAX_UPLOAD_BYTES))),
        "a raw drawing as PNG": lambda: raw(SVG, "image/png"),
        "a raw nothing": lambda: raw(b"Hello.", None),
        "a raw gzip": lambda: raw(gzip.compress(photo()), "image/png", "Content-Encoding: gzip"),
        "a text in one chunk": lambda: one_chunk(b"Text.", dzuuid="text"),
        "Expect: 100-continue for a text": lambda: raw(TEXT_FORM, FORM, "Expect: 100-continue"),
        "a form without script": lambda: raw(
            TEXT_FORM, FORM, "Accept: text/html", "Sec-Fetch-Mode: navigate"
        ),
    },
    (400, EMPTY): {
        "an empty photo in one chunk": lambda: one_chunk(b"", dzchunksize=100, dzuuid="empty"),
    },
    (400, DAMAGED): {
        "a raw photo without its end": lambda: raw(photo()[:-9], "image/png"),
        "a length too small, raw": lambda: raw(photo(), "image/png", length=20),
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
        "no body, a photo": lambda: raw(b"", "image/png"),
        "urlencoded": lambda: raw(b"file=a.png", "application/x-www-form-urlencoded"),
        "JSON": lambda: raw(b'{"file": "a.png"}', "application/json"),
        "multipart/mixed": lambda: raw(file() + END, FORM.replace("form-data", "mixed")),
        "a form in a form": lambda: form(
            part("name=file", MIXED_FORM, "Content-Type: multipart/mixed; boundary=in")
        ),
        "a raw text": lambda: raw(b"Hello.", "text/plain"),
        "a raw photo as text": lambda: raw(photo(), "text/html"),
        "a raw film": lambda: raw(bytes(99), "video/mp4"),
        "no length, no body": lambda: ask("POST", "/"),
        "no host": lambda: lines("POST / HTTP/1.1", "Connection: close"),
    },
    (400, "This upload could not be read; please reload the page and send it again."): {
        "a name that is not UTF-8": lambda: form(file("\udcff\udcfe.png")),
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
        "a part's header that is not UTF-8": lambda: headed("\udcff: \udcff"),
        "100,000 fields": lambda: form(*100_000 * [field("a", b"")]),
        "a field of 1 MB": lambda: form(field("a", bytes(MEGABYTE)), file()),
        "600 kB behind the form": lambda: raw(file() + END + bytes(600_000), FORM),
        "a gzipped form": lambda: raw(gzip.compress(file() + END), FORM, "Content-Encoding: gzip"),
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
    (400, "This is only a piece of a photo; please send the photo whole."): {
        "a raw piece": lambda: raw(photo(), "image/png", "Content-Range: bytes 0-99/300"),
        "a piece in a form": lambda: one("Content-Range: bytes 0-99/300"),
        "a piece of nonsense": lambda: one("Content-Range: nonsense"),
    },
    (400, DO_NOT_FIT): {
        "a chunk of the wrong size": lambda: chunk(bytes(99)),
        "a chunk behind the last one": lambda: chunk(dzchunkindex=3, dzchunkbyteoffset=300),
        "a chunk of many": lambda: form(field("dztotalchunkcount", b"many"), file()),
        "a chunk of a billion": lambda: chunk(
            b"1", dzchunksize=1, dztotalchunkcount=10**9, dztotalfilesize=10**9
        ),
        "a chunk of no upload": lambda: chunk(dzuuid=""),
        "a chunk of a path": lambda: chunk(dzuuid="../" * 30 + "secret.key"),
        "one chunk, whose id is no UTF-8": lambda: one_chunk(photo(), dzuuid="\udcff"),
    },
    (413, TOO_LARGE): {
        "a photo over the limit": lambda: form(file("a.png", OVER_THE_LIMIT)),
        "a raw photo over the limit": lambda: raw(OVER_THE_LIMIT, "image/png"),
        "a chunked photo over the limit": lambda: chunked(OVER_THE_LIMIT, kind="image/png"),
        "a large chunk of too large a photo": lambda: chunk(
            bytes(MEGABYTE), dzchunksize=MEGABYTE, dztotalfilesize=MAX_UPLOAD_BYTES + 1
        ),
        "a chunk over the limit": lambda: chunk(
            OVER_THE_LIMIT, dzchunksize=MAX_UPLOAD_BYTES + 1, dztotalfilesize=6 * MEGABYTE + 3
        ),
    },
    (413, "This is too much at once; please send at most 20 photos and 8 MB together."): {
        "one photo more than allowed": lambda: form(*map(file, TWENTY), file("more.png")),
        "a form over the limit": lambda: raw(zeros(9), FORM),
        "a form far over the limit": lambda: raw(zeros(22), FORM),
        "a chunked form over the limit": lambda: chunked(zeros(9)),
        "a raw body over the limit": lambda: raw(bytes(9 * MEGABYTE), "image/png"),
        "a length of 10 EB": lambda: HangsUp(form(file(), length=10**19)),
    },
    (400, "The upload was cut off on the way; please send it again."): {
        "a chunk without end": lambda: HangsUp(chunk()[:-9]),
        "a length too large": lambda: HangsUp(form(file(), length=100_000)),
        "a length too large, raw": lambda: HangsUp(raw(photo(), "image/png", length=100_000)),
        "chunks that stop": lambda: HangsUp(chunked_form(b"")),
        "a chunk that stops": lambda: HangsUp(chunked_form(b"9\r\nhalf")),
        "raw chunks that stop": lambda: HangsUp(chunked(photo(), b"", "image/png")),
        "chunks before a huge size": lambda: HangsUp(chunked_form(b"f" * 99 + b"\r\n")),
        "chunks before a bad size": lambda: chunked_form(b"nine\r\n"),
        "chunks before a negative size": lambda: chunked_form(b"-9\r\n"),
        "chunks before a size without end": lambda: chunked_form(b"1" * 9_000),
        "chunks before a wrong size": lambda: chunked_form(b"4\r\nhalf and more\r\n0\r\n\r\n"),
        "chunks before a bad trailer": lambda: chunked_form(b"0\r\nContent-Length: 5\r\n\r\n"),
        "trailers without end": lambda: chunked_form(b"0\r\n" + 200_000 * b"A: b\r\n"),
    },
    (400, UNREADABLE): {
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
    (405, "This address does not take such requests; please go back to the gallery."): {
        **{
            f"the method {method}": lambda method=method: one(method=method)
            for method in ("BREW", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")
        },
        "a photo for the list": lambda: one(path="/api/photos"),
        "7 MB for the list": lambda: raw(zeros(7), FORM).replace(b" / ", b" /api/photos ", 1),
    },
    (414, "This address is too long; please shorten it."): {
        "an address of 20 kB": lambda: one(path=f"/{'a' * 20_000}"),
        "a query of 20 kB": lambda: one(path=f"/?{'a' * 20_000}"),
    },
    (404, NO_SUCH_PHOTO): {
        "removing nothing": lambda: ask("DELETE", "/api/photos/x"),
        "removing bytes": lambda: ask("DELETE", "/api/photos/%00%ff"),
    },
    (204, ""): {
        "giving nothing up": lambda: ask("DELETE", "/api/uploads/%00%ff"),
        "giving 65 characters up": lambda: ask("DELETE", f"/api/uploads/{'x' * 65}"),
    },
}

ADDRESSES: dict[tuple[int, str], list[str]] = {
    (404, NOTHING_YET): ["/api/uploads/x", "/api/uploads/%00%ff", f"/api/uploads/{'x' * 65}"],
    (404, NOTHING_HERE): [
        *("/api/uploads/a/b", "/%ff%fe", "/%00", "/styles/", "/uploads/../secret.key"),
        *("/uploads/%2e%2e%2fsecret.key", "/../server/config.py", "/%2e%2e/server/config.py"),
        *("/%5c..%5cserver%5cconfig.py", "/vendor/dropzone@6.3.5/dist/../package.json"),
    ],
    (404, NO_SUCH_PHOTO): [
        *("/uploads/%ff%fe.png", "/uploads/a%00b.jpg", "/uploads/x.jpg"),
        *("/thumbnails/x/320.webp", f"/thumbnails/x/{'9' * 400}.webp"),
    ],
    (400, UNREADABLE): ["/uploads/\udcff.png", "/api/photos?limit=\udcff"],
    (400, "This request could not be understood; please reload the page and try again."): [
        *("/api/photos?limit=%ff", "/api/photos?limit=0", "/api/photos?limit=nine"),
        *("/api/photos?before=-1", f"/api/photos?since={'9' * 99}"),
    ],
}
"""What is asked for by GET."""

TWENTY = [f"{number}.png" for number in range(20)]

SEVERAL: dict[str, tuple[Make, int, str, list[str]]] = {
    "some of them bad": (
        lambda: form(
            file("first.png"),
            file("notes.txt", b"Notes."),
            file("text.png", b"Text."),
            file("empty.png", b""),
            file("really.jpg"),
            file("../<b>\u202e\t.exe", b""),
            file("last.png"),
        ),
        400,
        "2 of 7 photos are safe; these were refused:\n"
        f"“notes.txt”: {UNKNOWN_TYPE}\n"
        f"“text.png”: {NOT_A_PHOTO}\n"
        f"“empty.png”: {EMPTY}\n"
        f"“really.jpg”: {misnamed('PNG')}\n"
        f"“<b> .exe”: {UNKNOWN_TYPE}",
        ["last.png", "first.png"],
    ),
    "all of them bad": (
        lambda: form(file("a.png", b"no"), file("a.png", b"")),
        400,
        f"0 of 2 photos are safe; these were refused:\n“a.png”: {NOT_A_PHOTO}\n“a.png”: {EMPTY}",
        [],
    ),
    "one of them large": (
        lambda: form(file(), file("b.png", OVER_THE_LIMIT), file("c.png")),
        413,
        f"2 of 3 photos are safe; these were refused:\n“b.png”: {TOO_LARGE}",
        ["c.png", "a.png"],
    ),
    "as many as allowed": (lambda: form(*map(file, TWENTY)), 204, "", TWENTY[::-1]),
    "as many as allowed, and a field": (
        lambda: form(field("filepond", b"{}"), *map(file, TWENTY)), 204, "", TWENTY[::-1],
    ),
}  # fmt: skip
"""What is listed then, newest first."""

NAMES: dict[str, str] = {
    "../../../etc/passwd.png": "passwd.png",
    "/etc/cron.d/a.png": "a.png",
    "C:\\\\fakepath\\\\a.png": "a.png",
    "../../etc/passwd": "passwd",
    "a\0b.png": "a b.png",
    "a\tb.png": "a b.png",
    "photo\u202egpj.exe.png": "photo gpj.exe.png",
    "x" * 5000 + ".png": "x" * 251 + ".png",
    "." * 5000: "photo",
    "...": "photo",
    " ": "photo",
    ".png": "png",
    ".htaccess": "htaccess",
    "CON.png": "CON.png",
    "a.png/": "photo",
    "a.png.": "a.png",
    "blob": "blob",
    "👩‍👩‍👧 🎉.png": "👩‍👩‍👧 🎉.png",
    "a%22b.png": 'a"b.png',
    'a\\"b.png': 'a"b.png',
    "a;b=c.png": "a;b=c.png",
    "a\uff0epng": "a\uff0epng",
    "a\u2028b.png": "a b.png",
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
    },
    "x": {"a raw type with a path": lambda: raw(photo(), "image/../../x")},
    "a.png": {
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
        "a photo in one chunk": lambda: one_chunk(photo(), dzuuid="one"),
        "chunks": lambda: chunked_form(b"0\r\n\r\n"),
        "chunks and a trailer": lambda: chunked_form(b"0\r\nA: b\r\n\r\n"),
        "Expect: 100-continue": lambda: one("Expect: 100-continue"),
        "a header that is not UTF-8": lambda: one("A: \udcff"),
        "a cookie that is not UTF-8": lambda: one("Cookie: dropwall=\udcff"),
        "a forged cookie": lambda: one("Cookie: dropwall=eyJhIjoxfQ.aaaaaa.bbb"),
    },
}
"""By the name that is listed then."""


class LimitedServer:
    """A server with small limits, and what has arrived there since we last looked."""

    def __init__(self, folder: Path) -> None:
        limits = {"max_upload_bytes": MAX_UPLOAD_BYTES, "max_request_bytes": 8 * MEGABYTE}
        limits["max_request_photos"] = len(TWENTY)
        self.server = GalleryServer(folder / "data", workers=WORKERS, **limits)
        self._version = 0
        wait_until(lambda: len(self.server.workers()) == WORKERS)
        self._workers = self.server.workers()

    def arrivals(self) -> list[str]:
        """The new names, newest first. On disk, too, is only what is listed."""
        url = f"{self.server.url}/api/photos?since={self._version}"
        news = requests.get(url, timeout=PATIENCE_SECONDS).json()
        self._version = news["version"]
        wait_until(lambda: len(self.server.files()) == FILES_OF_A_PHOTO * news["total"])
        return [photo["name"] for photo in news["photos"]]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), PATIENCE_SECONDS)

    def talk(self, sent: bytes) -> bytes:
        """All that is answered. As a browser, it sends everything before it reads."""
        with self.connect() as visitor:
            visitor.sendall(sent)
            if isinstance(sent, HangsUp):
                visitor.shutdown(socket.SHUT_WR)
            return read_to_end(visitor)

    def check(self, rows: Iterable[tuple[str, Make, int, str, list[str]]]) -> None:
        """Each row is a label, what is sent, status, text and what is listed."""
        wrong = []
        for label, make, *expected in rows:
            head, _, answer = self.talk(make()).removeprefix(CONTINUE).partition(b"\r\n\r\n")
            got = [int(head.split()[1]), answer.decode(), self.arrivals()]
            is_text = b"Content-Type: text/plain; charset=utf-8" in head.split(b"\r\n")
            if got != expected or is_text != bool(answer):
                wrong.append(f"{label}: {got} instead of {expected}, with {head!r}")
        assert not wrong, "\n".join(wrong)

    def check_unharmed(self) -> None:
        """It took little memory, logged nothing but its start, and has its first workers."""
        begins = [line.partition(" ")[0] for line in self.server.log.splitlines()]
        assert begins == ["Dropwall", "Photos", "Stop"]
        assert self.server.workers() == self._workers
        processes = [Path(f"/proc/{self.server.process.pid}"), *self._workers]
        assert sum(map(peak_bytes, processes)) < MAX_MEMORY_BYTES


@pytest.fixture(scope="module")
def limited_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LimitedServer]:
    limited = LimitedServer(tmp_path_factory.mktemp("limited"))
    yield limited
    limited.server.close()


@pytest.fixture
def limited(limited_server: LimitedServer) -> Iterator[LimitedServer]:
    limited_server.arrivals()  # what another test has left is not this one's
    yield limited_server
    limited_server.check_unharmed()


by_answer = partial(
    pytest.mark.parametrize, "refusal", ids=lambda refusal: f"{refusal[0]} {refusal[1][:40]}"
)


@by_answer(FILES)
def test_a_file_that_is_no_good_photo_is_refused(
    limited: LimitedServer, refusal: tuple[int, str]
) -> None:
    files = {label: BAD[label] for label in FILES[refusal]}
    limited.check(
        (label, lambda name=name, make=make: form(file(name, make())), *refusal, [])
        for label, (name, make) in files.items()
    )


def test_every_bad_file_is_in_the_table() -> None:
    labels = [*itertools.chain(*FILES.values()), "photo without extension"]
    assert sorted(labels) == sorted(BAD)


@by_answer(REFUSED)
def test_a_bad_request_is_refused(limited: LimitedServer, refusal: tuple[int, str]) -> None:
    limited.check((label, make, *refusal, []) for label, make in REFUSED[refusal].items())


@by_answer(ADDRESSES)
def test_a_bad_address_is_refused(limited: LimitedServer, refusal: tuple[int, str]) -> None:
    limited.check((path, partial(ask, "GET", path), *refusal, []) for path in ADDRESSES[refusal])


def test_each_bad_photo_among_several_is_named(limited: LimitedServer) -> None:
    limited.check((label, *row) for label, row in SEVERAL.items())


def test_a_file_name_is_made_safe(limited: LimitedServer) -> None:
    limited.check((n, lambda n=n: form(file(n)), 204, "", [name]) for n, name in NAMES.items())


@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_request_with_a_photo_is_taken(limited: LimitedServer, name: str) -> None:
    limited.check((label, make, 204, "", [name]) for label, make in TAKEN[name].items())


def test_an_odd_photo_is_taken(limited: LimitedServer) -> None:
    """The same photo again would not be listed again: each has a picture of its own."""
    for seed, (label, (name, make)) in enumerate(GOOD_ODD.items()):
        content = photo_bytes(seed=seed) if make is photo_bytes else make()
        limited.check([(label, partial(form, file(name, content)), 204, "", [name])])


HALF = file("a.png", bytes(200_000))
DEPARTURES = {
    "in a form": raw(HALF, FORM, length=300_000),
    "in a raw photo": raw(HALF, "image/png", length=300_000),
    "in chunks": chunked(HALF, b""),
}


@pytest.mark.parametrize("resets", [False, True], ids=["closing", "resetting"])
def test_a_visitor_who_leaves_in_the_middle_leaves_nothing(
    limited: LimitedServer, resets: bool
) -> None:
    files = limited.server.files()
    for half in DEPARTURES.values():
        with limited.connect() as visitor:
            visitor.sendall(half)
            wait_until(lambda: len(limited.server.files()) > len(files))
            if resets:
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: sorted(limited.server.files()) == sorted(files))
    assert limited.arrivals() == []


def test_the_server_asks_to_continue_before_the_body_is_sent(limited: LimitedServer) -> None:
    head, body = one("Expect: 100-continue").split(b"\r\n\r\n", 1)
    with limited.connect() as visitor:
        visitor.sendall(head + b"\r\n\r\n")
        assert visitor.recv(100) == CONTINUE
        visitor.sendall(body)
        assert read_to_end(visitor).startswith(b"HTTP/1.1 204 ")
    assert limited.arrivals() == ["a.png"]


def test_a_request_without_length_leaves_the_connection_open(limited: LimitedServer) -> None:
    first = lines("POST / HTTP/1.1", "Host: wall")
    _, refusal, second = limited.talk(first + ask("GET", "/nothing")).split(b"\r\n\r\n")
    assert refusal.startswith(f"{NO_PHOTO}HTTP/1.1 404 ".encode())
    assert second == NOTHING_HERE.encode()


def read_to_end(visitor: socket.socket) -> bytes:
    received = bytearray()
    while piece := visitor.recv(1 << 16):
        received += piece
    return bytes(received)


def peak_bytes(process: Path) -> int:
    peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    assert peak
    return int(peak[1]) * 1024
