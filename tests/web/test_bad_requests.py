"""Everything wrong that a visitor can send, in one table, to a real gunicorn.

A row is what is sent, the status, the exact text, and the names that are listed afterwards;
what is not listed leaves nothing on disk.
"""

import gzip
import itertools
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from PIL import Image

from tests.support.bad_photos import BAD, BROKEN, GOOD_ODD, SVG
from tests.support.gallery_server import RunningServer
from tests.support.photos import encode, photo_bytes

MEGABYTE = 1024 * 1024
MAX_MEMORY_BYTES = 1_500_000_000
PATIENCE_SECONDS = 20
FILES_OF_A_PHOTO = 3  # the original and two thumbnails
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

FORMATS = "JPEG, PNG, GIF, WebP, AVIF or HEIC"
NOT_A_PHOTO = f"This is not a photo; please send {FORMATS}."
UNKNOWN_TYPE = f"Files of this type are not taken; please send {FORMATS}."
DAMAGED = "This photo is damaged or incomplete; please send the original again."
EMPTY = "This file is empty; please choose the photo again."
NO_PHOTO = "No photo came with this request; please choose one first."
BROKEN_FORM = "This upload could not be read; please reload the page and send it again."
CUT_OFF = "The upload was cut off on the way; please send it again."
A_PIECE = "This is only a piece of a photo; please send the photo whole."
TOO_LARGE = "This photo is too large; the limit is 2 MB."
TOO_MANY_PIXELS = "This photo is too large; the limit is 100 megapixels."
TOO_LONG = "This animation is too long; please send a shorter one."
TOO_MUCH = "This is too much at once; please send at most 20 photos and 8 MB together."
DO_NOT_FIT = (
    "The pieces of this photo do not fit together; please reload the page and send it again."
)
NOTHING_YET = "Nothing of this photo has arrived yet; please send it."
NO_SUCH_PHOTO = "This photo is not here; it may have been removed."
NOTHING_HERE = "There is nothing at this address; please go back to the gallery."
WRONG_METHOD = "This address does not take such requests; please go back to the gallery."
NOT_UNDERSTOOD = "This request could not be understood; please reload the page and try again."
UNREADABLE = "This request could not be read; please reload the page and try again."
LONG_ADDRESS = "This address is too long; please shorten it."
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

_numbers = itertools.count()


def photo() -> bytes:
    """A tiny PNG, another one each time."""
    return encode(Image.new("RGB", (8, 8), f"#{next(_numbers):06x}"), "png")


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


def file(name: str, content: bytes | None = None, *headers: str) -> bytes:
    """A part with a file: a good PNG unless there is other content."""
    disposition = f'name="file"; filename="{name}"'
    return part(disposition, photo() if content is None else content, *headers)


def form(*parts: bytes, headers: tuple[str, ...] = ()) -> bytes:
    return raw(b"".join(parts) + END, FORM, *headers)


def chunk(content: bytes, name: str = "a.png", **changed: object) -> bytes:
    """The first of three of 100 bytes, but for these fields."""
    numbers = {"dzuuid": "5c4e3b9a", "dzchunkindex": 0, "dzchunkbyteoffset": 0}
    numbers |= {"dztotalfilesize": 300, "dzchunksize": 100, "dztotalchunkcount": 3}
    fields = (numbers | changed).items()
    encoded = [field(key, str(value).encode(errors="surrogateescape")) for key, value in fields]
    return form(*encoded, file(name, content))


def one_chunk(content: bytes, **changed: object) -> bytes:
    size = len(content)
    whole = {"dztotalfilesize": size, "dzchunksize": size, "dztotalchunkcount": 1}
    return chunk(content, **(whole | changed))


def disposed(disposition: str) -> bytes:
    """A form with one good photo that is introduced by these words."""
    return form(part(disposition, photo()))


def one(*headers: str, path: str = "/", method: str = "POST") -> bytes:
    """A good photo in a good form; the rest of the request may not be."""
    body = file("a.png") + END
    kind = f"Content-Type: {FORM}"
    return ask(method, path, kind, f"Content-Length: {len(body)}", *headers, body=body)


def unframed(*headers: str) -> bytes:
    """The same, and only `headers` say how long it is."""
    return ask("POST", "/", f"Content-Type: {FORM}", *headers, body=file("a.png") + END)


def chunked(body: bytes, ending: bytes = b"0\r\n\r\n", kind: str = FORM) -> bytes:
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    headers = (f"Content-Type: {kind}", "Transfer-Encoding: chunked")
    return ask("POST", "/", *headers, body=coded + ending)


def chunked_form(ending: bytes) -> bytes:
    return chunked(file("a.png") + END, ending)


def bounded(kind: str, boundary: bytes) -> bytes:
    """A good photo between these boundaries, sent as this type."""
    return raw((file("a.png") + END).replace(BOUNDARY.encode(), boundary), kind)


def zeros(megabytes: int) -> bytes:
    """A form with as many files, each of 1 MB."""
    return b"".join(file(f"{n}.png", bytes(MEGABYTE)) for n in range(megabytes)) + END


class Row(NamedTuple):
    send: Callable[[], bytes]
    status: int
    answer: str = ""
    listed: tuple[str, ...] = ()
    """Newest first."""
    hangs_up: bool = False
    """After the last byte, where the server would wait for more; the answer is still read."""


def accepted(send: Callable[[], bytes], *listed: str) -> Row:
    return Row(send, 204, "", listed)


def get(path: str, status: int, answer: str) -> Row:
    return Row(lambda: ask("GET", path), status, answer)


# The table

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
    (413, TOO_LONG): ["gif of 20000 frames"],
    (413, TOO_MANY_PIXELS): [
        *("png claims 60000 x 60000", "png is 20000 x 20000", "webp claims 16383 x 16383"),
        *("jpg claims 65500 x 65500", "gif claims 65535 x 65535"),
        "gif with a huge second frame",
    ],
}
"""The names in BAD, by status and sentence."""


TWENTY = [f"{number}.png" for number in range(20)]


def bad_files() -> Iterator[tuple[str, Row]]:
    refusals = {name: refusal for refusal, names in FILES.items() for name in names}
    for label, (name, make) in BAD.items():
        if label != "photo without extension":  # it is taken, and stands below
            yield label, Row(lambda n=name, m=make: form(file(n, m())), *refusals[label])


def odd_files() -> Iterator[tuple[str, Row]]:
    for seed, (label, (name, make)) in enumerate(GOOD_ODD.items()):
        if make is photo_bytes:  # the same photo again would not be listed again
            make = partial(photo_bytes, seed=seed)
        yield label, accepted(lambda n=name, m=make: form(file(n, m())), name)


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


ROWS: dict[str, Row] = {
    **dict(bad_files()),
    **dict(odd_files()),
    # Names
    **{f"named {n[:40]!r}": accepted(lambda n=n: form(file(n)), s) for n, s in NAMES.items()},
    "named CON.jpg": Row(lambda: form(file("CON.jpg")), 400, misnamed("PNG")),
    "a program behind a NUL": Row(lambda: form(file("a.png\0.exe")), 400, UNKNOWN_TYPE),
    "a program in disguise": Row(lambda: form(file("photo\u202egnp.exe")), 400, UNKNOWN_TYPE),
    "a script": Row(lambda: form(file("a.php")), 400, UNKNOWN_TYPE),
    "an alternate stream": Row(lambda: form(file("a.png::$DATA")), 400, UNKNOWN_TYPE),
    "an extension of look-alikes": Row(lambda: form(file("a.pn\u0261")), 400, UNKNOWN_TYPE),
    "a sentence's own field": Row(lambda: form(file("{formats}.exe")), 400, UNKNOWN_TYPE),
    "a name that is not UTF-8": Row(lambda: form(file("\udcff\udcfe.png")), 400, BROKEN_FORM),
    "a name on two lines": Row(lambda: form(file("a\r\nb.png")), 400, NO_PHOTO),
    "a name with an empty line": Row(lambda: form(file("a\r\n\r\n<b>.png")), 400, NO_PHOTO),
    "filename*": accepted(lambda: disposed("name=file; filename*=UTF-8''%e5%86%99.png"), "写.png"),
    "filename* with a path": accepted(
        lambda: disposed("filename*=UTF-8''..%2f..%2fa.png"), "a.png"
    ),
    "filename* in Klingon": accepted(lambda: disposed("filename*=klingon''a.png"), "a.png"),
    "filename in pieces": accepted(lambda: disposed("filename*0=a; filename*9=.png"), "a.png"),
    "two file names": Row(lambda: disposed("filename=a.png; filename=b.exe"), 400, UNKNOWN_TYPE),
    "a name without its quote": Row(lambda: disposed('name=a; filename="a.png'), 400, NO_PHOTO),
    "a name without a value": Row(lambda: disposed('name="file"; filename'), 400, NO_PHOTO),
    "no quotes": accepted(lambda: disposed("name=file; filename=a.png"), "a.png"),
    "an empty file name": accepted(lambda: disposed('name="file"; filename=""'), "photo"),
    "a field without a name": accepted(lambda: disposed("filename=a.png"), "a.png"),
    "a field with an empty name": accepted(lambda: disposed('name=""; filename=a.png'), "a.png"),
    "a field's name of 10 kB": accepted(
        lambda: disposed(f"name={'n' * 10_000}; filename=a.png"), "a.png"
    ),
    # Several photos
    "several, some of them bad": Row(
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
        listed=("last.png", "first.png"),
    ),
    "several, all of them bad": Row(
        lambda: form(file("a.png", b"no"), file("a.png", b"")),
        400,
        f"0 of 2 photos are safe; these were refused:\n“a.png”: {NOT_A_PHOTO}\n“a.png”: {EMPTY}",
    ),
    "several, one of them large": Row(
        lambda: form(file("a.png"), file("b.png", bytes(2 * MEGABYTE + 1)), file("c.png")),
        413,
        f"2 of 3 photos are safe; these were refused:\n“b.png”: {TOO_LARGE}",
        listed=("c.png", "a.png"),
    ),
    "as many photos as allowed": accepted(lambda: form(*map(file, TWENTY)), *reversed(TWENTY)),
    "as many photos as allowed, and a field": accepted(
        lambda: form(field("filepond", b"{}"), *map(file, TWENTY)), *reversed(TWENTY)
    ),
    "one photo more than allowed": Row(
        lambda: form(*map(file, TWENTY), file("more.png")), 413, TOO_MUCH
    ),
    # No photo at all
    "nothing chosen": Row(lambda: form(part('name="file"; filename=""', b"")), 400, NO_PHOTO),
    "only text": Row(lambda: form(field("note", b"Hello.")), 400, NO_PHOTO),
    "a photo as text": Row(lambda: form(field("file", photo())), 400, NO_PHOTO),
    "no parts": Row(form, 400, NO_PHOTO),
    "no body": Row(lambda: raw(b"", None), 400, NO_PHOTO),
    "no body, a form": Row(lambda: raw(b"", FORM), 400, BROKEN_FORM),
    "no body, a photo": Row(lambda: raw(b"", "image/png"), 400, NO_PHOTO),
    "urlencoded": Row(
        lambda: raw(b"file=a.png", "application/x-www-form-urlencoded"), 400, NO_PHOTO
    ),
    "JSON": Row(
        lambda: raw(json.dumps({"file": "a.png"}).encode(), "application/json"), 400, NO_PHOTO
    ),
    # Broken forms
    "multipart/mixed": Row(lambda: bounded("multipart/mixed; boundary=b", b"b"), 400, NO_PHOTO),
    "no boundary": Row(lambda: bounded("multipart/form-data", b"b"), 400, BROKEN_FORM),
    "an empty boundary": Row(
        lambda: bounded('multipart/form-data; boundary=""', b""), 400, BROKEN_FORM
    ),
    "a boundary that is not ASCII": Row(
        lambda: bounded("multipart/form-data; boundary=ü", "ü".encode()), 400, BROKEN_FORM
    ),
    "a boundary that never comes": Row(
        lambda: bounded("multipart/form-data; boundary=other", b"b"), 400, BROKEN_FORM
    ),
    "a boundary that never comes in 1 MB": Row(
        lambda: raw(bytes(MEGABYTE), "multipart/form-data; boundary=b"), 400, BROKEN_FORM
    ),
    "a boundary of 10 kB": Row(
        lambda: bounded(f"multipart/form-data; boundary={'b' * 10_000}", b"b" * 10_000),
        *(431, LONG_HEAD),
    ),
    "a boundary of 7 kB": accepted(
        lambda: bounded(f"multipart/form-data; boundary={'b' * 7_000}", b"b" * 7_000), "a.png"
    ),
    "a boundary that looks like a pattern": accepted(
        lambda: bounded('multipart/form-data; boundary="(.*)+["', b"(.*)+["), "a.png"
    ),
    "no final boundary": Row(lambda: raw(file("a.png"), FORM), 400, BROKEN_FORM),
    "a final boundary without its dashes": Row(
        lambda: raw(file("a.png") + lines(f"--{BOUNDARY}"), FORM), 400, BROKEN_FORM
    ),
    "a part without Content-Disposition": Row(
        lambda: raw(
            lines(f"--{BOUNDARY}", "Content-Type: image/png") + photo() + b"\r\n" + END, FORM
        ),
        *(400, BROKEN_FORM),
    ),
    "a part without headers": Row(
        lambda: raw(lines(f"--{BOUNDARY}") + photo() + b"\r\n" + END, FORM), 400, BROKEN_FORM
    ),
    "headers without an empty line": Row(
        lambda: form(file("a.png").replace(b"\r\n\r\n", b"\r\n", 1)), 400, BROKEN_FORM
    ),
    "a part's header without end": Row(
        lambda: raw(lines(f"--{BOUNDARY}")[:-2] + b"A" * 7 * MEGABYTE, FORM), 400, BROKEN_FORM
    ),
    "a part's header that is not UTF-8": Row(
        lambda: form(file("a.png", None, "\udcff: \udcff")), 400, BROKEN_FORM
    ),
    "a part's header without a colon": accepted(
        lambda: form(file("a.png", None, "nonsense")), "a.png"
    ),
    "a part of 20,000 headers": accepted(
        lambda: form(file("a.png", None, *20_000 * ["A: 1"])), "a.png"
    ),
    "a part that lies about its length": accepted(
        lambda: form(file("a.png", None, "Content-Length: 99999999999")), "a.png"
    ),
    "a part that lies about its type": accepted(
        lambda: form(file("a.png", None, "Content-Type: text/html; charset=klingon")), "a.png"
    ),
    "a form in a form": Row(
        lambda: form(
            part(
                "name=file",
                b"--in\r\n" + file("a.png")[11:] + b"--in--",
                "Content-Type: multipart/mixed; boundary=in",
            )
        ),
        *(400, NO_PHOTO),
    ),
    "100,000 fields": Row(lambda: form(*100_000 * [field("a", b"")]), 400, BROKEN_FORM),
    "a field of 1 MB": Row(
        lambda: form(field("a", bytes(MEGABYTE)), file("a.png")), 400, BROKEN_FORM
    ),
    "600 kB behind the form": Row(
        lambda: raw(file("a.png") + END + bytes(600_000), FORM), 400, BROKEN_FORM
    ),
    "a second form behind the first": accepted(
        lambda: raw(file("a.png") + END + file("b.png") + END, FORM), "a.png"
    ),
    "a gzipped form": Row(
        lambda: raw(gzip.compress(file("a.png") + END), FORM, "Content-Encoding: gzip"),
        *(400, BROKEN_FORM),
    ),
    # Raw bodies
    "a raw text": Row(lambda: raw(b"Hello.", "text/plain"), 400, NO_PHOTO),
    "a raw photo as text": Row(lambda: raw(photo(), "text/html"), 400, NO_PHOTO),
    "a raw film": Row(lambda: raw(bytes(99), "video/mp4"), 400, NO_PHOTO),
    "a raw drawing": Row(lambda: raw(SVG, "image/svg+xml"), 400, UNKNOWN_TYPE),
    "a raw drawing as PNG": Row(lambda: raw(SVG, "image/png"), 400, NOT_A_PHOTO),
    "a raw PNG as JPEG": Row(lambda: raw(photo(), "image/jpeg"), 400, misnamed("PNG")),
    "a raw PNG as TIFF": Row(lambda: raw(photo(), "image/tiff"), 400, UNKNOWN_TYPE),
    "a raw photo without its end": Row(lambda: raw(photo()[:-9], "image/png"), 400, DAMAGED),
    "a raw type with a path": accepted(lambda: raw(photo(), "image/../../x"), "x"),
    "a raw type without subtype": accepted(lambda: raw(photo(), "image/"), "photo"),
    "a raw nothing": Row(lambda: raw(b"Hello.", None), 400, NOT_A_PHOTO),
    "a raw gzip": Row(
        lambda: raw(gzip.compress(photo()), "image/png", "Content-Encoding: gzip"),
        *(400, NOT_A_PHOTO),
    ),
    "a raw form": Row(lambda: raw(photo(), FORM), 400, BROKEN_FORM),
    "a raw piece": Row(
        lambda: raw(photo(), "image/png", "Content-Range: bytes 0-99/300"), 400, A_PIECE
    ),
    "a piece in a form": Row(lambda: one("Content-Range: bytes 0-99/300"), 400, A_PIECE),
    "a piece of nonsense": Row(lambda: one("Content-Range: nonsense"), 400, A_PIECE),
    # Chunks
    "a chunk of the wrong size": Row(lambda: chunk(bytes(99)), 400, DO_NOT_FIT),
    "a chunk behind the last one": Row(
        lambda: chunk(bytes(100), dzchunkindex=3, dzchunkbyteoffset=300), 400, DO_NOT_FIT
    ),
    "a chunk of many": Row(
        lambda: form(field("dztotalchunkcount", b"many"), file("a.png")), 400, DO_NOT_FIT
    ),
    "a chunk of a billion": Row(
        lambda: chunk(b"1", dzchunksize=1, dztotalchunkcount=10**9, dztotalfilesize=10**9),
        *(400, DO_NOT_FIT),
    ),
    "a chunk of no upload": Row(lambda: chunk(bytes(100), dzuuid=""), 400, DO_NOT_FIT),
    "a chunk of a path": Row(
        lambda: chunk(bytes(100), dzuuid="../" * 30 + "secret.key"), 400, DO_NOT_FIT
    ),
    "a chunk of a program": Row(lambda: chunk(bytes(100), "a.exe"), 400, UNKNOWN_TYPE),
    "a large chunk of too large a photo": Row(
        lambda: chunk(bytes(MEGABYTE), dzchunksize=MEGABYTE, dztotalfilesize=2 * MEGABYTE + 1),
        *(413, TOO_LARGE),
    ),
    "a chunk over the limit": Row(
        lambda: chunk(
            bytes(2 * MEGABYTE + 1),
            dzchunksize=2 * MEGABYTE + 1,
            dztotalfilesize=6 * MEGABYTE + 3,
        ),
        *(413, TOO_LARGE),
    ),
    "a chunk without end": Row(lambda: chunk(bytes(100))[:-9], 400, CUT_OFF, hangs_up=True),
    "a photo in one chunk": accepted(lambda: one_chunk(photo(), dzuuid="one"), "a.png"),
    "a photo in one chunk, and its id is no UTF-8": Row(
        lambda: one_chunk(photo(), dzuuid="\udcff"), 400, DO_NOT_FIT
    ),
    "a text in one chunk": Row(lambda: one_chunk(b"Text.", dzuuid="text"), 400, NOT_A_PHOTO),
    "an empty photo in one chunk": Row(
        lambda: one_chunk(b"", dzchunksize=100, dzuuid="empty"), 400, EMPTY
    ),
    "what has come of nothing": get("/api/uploads/x", 404, NOTHING_YET),
    "what has come of bytes": get("/api/uploads/%00%ff", 404, NOTHING_YET),
    "what has come of 65 characters": get(f"/api/uploads/{'x' * 65}", 404, NOTHING_YET),
    "what has come of a folder": get("/api/uploads/a/b", 404, NOTHING_HERE),
    "giving nothing up": Row(lambda: ask("DELETE", "/api/uploads/%00%ff"), 204),
    "giving 65 characters up": Row(lambda: ask("DELETE", f"/api/uploads/{'x' * 65}"), 204),
    # Too large
    "a photo over the limit": Row(
        lambda: form(file("a.png", bytes(2 * MEGABYTE + 1))), 413, TOO_LARGE
    ),
    "a file just within the limit": Row(
        lambda: form(file("a.png", bytes(2 * MEGABYTE))), 400, NOT_A_PHOTO
    ),
    "a raw photo over the limit": Row(
        lambda: raw(bytes(2 * MEGABYTE + 1), "image/png"), 413, TOO_LARGE
    ),
    "a chunked photo over the limit": Row(
        lambda: chunked(bytes(2 * MEGABYTE + 1), kind="image/png"), 413, TOO_LARGE
    ),
    "a form over the limit": Row(lambda: raw(zeros(9), FORM), 413, TOO_MUCH),
    "a form far over the limit": Row(lambda: raw(zeros(22), FORM), 413, TOO_MUCH),
    "a chunked form over the limit": Row(lambda: chunked(zeros(9)), 413, TOO_MUCH),
    "a raw body over the limit": Row(lambda: raw(bytes(9 * MEGABYTE), "image/png"), 413, TOO_MUCH),
    # Content-Length and chunks
    "a length too large": Row(
        lambda: raw(file("a.png") + END, FORM, length=100_000), 400, CUT_OFF, hangs_up=True
    ),
    "a length too large, raw": Row(
        lambda: raw(photo(), "image/png", length=100_000), 400, CUT_OFF, hangs_up=True
    ),
    "a length of 10 EB": Row(
        lambda: raw(file("a.png") + END, FORM, length=10**19), 413, TOO_MUCH, hangs_up=True
    ),
    "a length of 5000 digits": Row(lambda: raw(b"", FORM, length="1" * 5000), 400, UNREADABLE),
    "a length too small": Row(lambda: raw(file("a.png") + END, FORM, length=60), 400, BROKEN_FORM),
    "a length one byte too small": Row(
        lambda: raw(body := file("a.png") + END[:-2], FORM, length=len(body) - 1),
        *(400, BROKEN_FORM),
    ),
    "a length too small, raw": Row(lambda: raw(photo(), "image/png", length=20), 400, DAMAGED),
    "a length of 0": Row(lambda: raw(file("a.png") + END, FORM, length=0), 400, BROKEN_FORM),
    **{
        f"a length of {length!r}": Row(
            lambda length=length: raw(file("a.png") + END, FORM, length=length), 400, UNREADABLE
        )
        for length in (-1, "", "nine", "+5", "5.0", "0x10", "5 5", "5, 5", "1_0", "٣")
    },
    "two lengths": Row(lambda: one("Content-Length: 5"), 400, UNREADABLE),
    "two lengths, comma": Row(lambda: unframed("Content-Length: 5,5"), 400, UNREADABLE),
    "a length and chunks": Row(lambda: one("Transfer-Encoding: chunked"), 400, UNREADABLE),
    "no length": Row(unframed, 400, BROKEN_FORM),
    "no length, no body": Row(lambda: ask("POST", "/"), 400, NO_PHOTO),
    "chunks": accepted(lambda: chunked_form(b"0\r\n\r\n"), "a.png"),
    "chunks and a trailer": accepted(lambda: chunked_form(b"0\r\nA: b\r\n\r\n"), "a.png"),
    "chunks that stop": Row(lambda: chunked_form(b""), 400, CUT_OFF, hangs_up=True),
    "a chunk that stops": Row(lambda: chunked_form(b"9\r\nhalf"), 400, CUT_OFF, hangs_up=True),
    "raw chunks that stop": Row(
        lambda: chunked(photo(), b"", "image/png"), 400, CUT_OFF, hangs_up=True
    ),
    "chunks before a bad size": Row(lambda: chunked_form(b"nine\r\n"), 400, CUT_OFF),
    "chunks before a negative size": Row(lambda: chunked_form(b"-9\r\n"), 400, CUT_OFF),
    "chunks before a size without end": Row(lambda: chunked_form(b"1" * 9_000), 400, CUT_OFF),
    "chunks before a huge size": Row(
        lambda: chunked_form(b"f" * 99 + b"\r\n"), 400, CUT_OFF, hangs_up=True
    ),
    "chunks before a wrong size": Row(
        lambda: chunked_form(b"4\r\nhalf and more\r\n0\r\n\r\n"), 400, CUT_OFF
    ),
    "chunks before a bad trailer": Row(
        lambda: chunked_form(b"0\r\nContent-Length: 5\r\n\r\n"), 400, CUT_OFF
    ),
    "chunks before trailers without end": Row(
        lambda: chunked_form(b"0\r\n" + 200_000 * b"A: b\r\n"), 400, CUT_OFF
    ),
    "an unknown coding": Row(lambda: unframed("Transfer-Encoding: knitted"), 400, UNREADABLE),
    "the coding twice": Row(lambda: unframed(*2 * ["Transfer-Encoding: chunked"]), 400, UNREADABLE),
    # Requests
    "Expect: 100-continue": accepted(lambda: one("Expect: 100-continue"), "a.png"),
    "Expect: 100-continue for a text": Row(
        lambda: form(file("a.png", b"no"), headers=("Expect: 100-continue",)), 400, NOT_A_PHOTO
    ),
    "Expect: tea": Row(lambda: one("Expect: tea"), 417, UNREADABLE),
    "a form without script": Row(
        lambda: form(
            file("a.png", b"no"), headers=("Accept: text/html", "Sec-Fetch-Mode: navigate")
        ),
        *(400, NOT_A_PHOTO),
    ),
    **{
        f"the method {method}": Row(lambda method=method: one(method=method), 405, WRONG_METHOD)
        for method in ("BREW", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")
    },
    **{
        f"the method {method[:9]!r}": Row(lambda m=method: one(method=m), 400, UNREADABLE)
        for method in ("", "brew", "PO ST", "POST<", "A" * 100)
    },
    "a photo for the list": Row(lambda: one(path="/api/photos"), 405, WRONG_METHOD),
    "7 MB for the list": Row(
        lambda: raw(zeros(7), FORM).replace(b" / ", b" /api/photos ", 1), 405, WRONG_METHOD
    ),
    "removing nothing": Row(lambda: ask("DELETE", "/api/photos/x"), 404, NO_SUCH_PHOTO),
    "removing bytes": Row(lambda: ask("DELETE", "/api/photos/%00%ff"), 404, NO_SUCH_PHOTO),
    "an address of 20 kB": Row(lambda: one(path=f"/{'a' * 20_000}"), 414, LONG_ADDRESS),
    "a query of 20 kB": Row(lambda: one(path=f"/?{'a' * 20_000}"), 414, LONG_ADDRESS),
    "a header of 20 kB": Row(lambda: one(f"Cookie: {'a' * 20_000}"), 431, LONG_HEAD),
    "300 headers": Row(lambda: one(*(f"A{n}: 1" for n in range(300))), 431, LONG_HEAD),
    "a header without a colon": Row(lambda: one("nonsense"), 400, UNREADABLE),
    "a header with a NUL": Row(lambda: one("A: \0"), 400, UNREADABLE),
    "a header with a line feed": Row(lambda: one("A: b\nContent-Length: 5"), 400, UNREADABLE),
    "a header on two lines": Row(lambda: one("A: b", " c"), 400, UNREADABLE),
    "a header that is not UTF-8": accepted(lambda: one("A: \udcff"), "a.png"),
    "a cookie that is not UTF-8": accepted(lambda: one("Cookie: dropwall=\udcff"), "a.png"),
    "a forged cookie": accepted(lambda: one("Cookie: dropwall=eyJhIjoxfQ.aaaaaa.bbb"), "a.png"),
    "two hosts": Row(lambda: one("Host: other"), 400, UNREADABLE),
    "two types": Row(lambda: one("Content-Type: image/png"), 400, UNREADABLE),
    "HTTP/0.9": Row(lambda: b"GET /\r\n\r\n", 400, UNREADABLE),
    "HTTP/2": Row(lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, UNREADABLE),
    "TLS": Row(lambda: b"\x16\3\1\2\0\1\0\1\xfc\3\3\r\n\r\n", 400, UNREADABLE),
    "no host": Row(lambda: lines("POST / HTTP/1.1", "Connection: close"), 400, NO_PHOTO),
    # Addresses
    "a path that is not UTF-8": get("/uploads/\udcff.png", 400, UNREADABLE),
    "a path that decodes to no UTF-8": get("/uploads/%ff%fe.png", 404, NO_SUCH_PHOTO),
    "a page that decodes to no UTF-8": get("/%ff%fe", 404, NOTHING_HERE),
    "a query that is not UTF-8": get("/api/photos?limit=\udcff", 400, UNREADABLE),
    "a query that decodes to no UTF-8": get("/api/photos?limit=%ff", 400, NOT_UNDERSTOOD),
    "a photo with a NUL": get("/uploads/a%00b.jpg", 404, NO_SUCH_PHOTO),
    "a page with a NUL": get("/%00", 404, NOTHING_HERE),
    "out of the uploads": get("/uploads/../secret.key", 404, NOTHING_HERE),
    "out of the uploads, encoded": get("/uploads/%2e%2e%2fsecret.key", 404, NOTHING_HERE),
    "out of the pages": get("/../server/config.py", 404, NOTHING_HERE),
    "out of the pages, encoded": get("/%2e%2e/server/config.py", 404, NOTHING_HERE),
    "out of the pages, backwards": get("/%5c..%5cserver%5cconfig.py", 404, NOTHING_HERE),
    "out of the packages": get("/vendor/dropzone@6.3.5/dist/../package.json", 404, NOTHING_HERE),
    "a folder": get("/styles/", 404, NOTHING_HERE),
    "a photo that is none": get("/uploads/x.jpg", 404, NO_SUCH_PHOTO),
    "a thumbnail of none": get("/thumbnails/x/320.webp", 404, NO_SUCH_PHOTO),
    "a thumbnail of a huge width": get(f"/thumbnails/x/{'9' * 400}.webp", 404, NO_SUCH_PHOTO),
    "a page of 0 photos": get("/api/photos?limit=0", 400, NOT_UNDERSTOOD),
    "a page of nine photos": get("/api/photos?limit=nine", 400, NOT_UNDERSTOOD),
    "a page before the beginning": get("/api/photos?before=-1", 400, NOT_UNDERSTOOD),
    "since the end of numbers": get(f"/api/photos?since={'9' * 99}", 400, NOT_UNDERSTOOD),
}


class Wall:
    """A server with small limits, and what has arrived there since we last looked."""

    def __init__(self, folder: Path) -> None:
        limits = {"max_upload_bytes": 2 * MEGABYTE, "max_request_bytes": 8 * MEGABYTE}
        self.server = RunningServer(folder / "data", max_request_photos=20, **limits)
        self.seen_version = 0

    def arrivals(self) -> list[str]:
        """The new names, newest first. On disk, too, is only what is listed."""
        url = f"{self.server.url}/api/photos?since={self.seen_version}"
        news = requests.get(url, timeout=PATIENCE_SECONDS).json()
        self.seen_version = news["version"]
        wait_until(lambda: len(self.server.files()) == FILES_OF_A_PHOTO * news["total"])
        return [photo["name"] for photo in news["photos"]]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), PATIENCE_SECONDS)

    def talk(self, sent: bytes, hangs_up: bool = False) -> bytes:
        """All that is answered. As a browser, it sends everything before it reads."""
        with self.connect() as visitor:
            visitor.sendall(sent)
            if hangs_up:
                visitor.shutdown(socket.SHUT_WR)
            return read_to_end(visitor)


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    wall = Wall(tmp_path_factory.mktemp("wall"))
    yield wall
    wall.server.stop()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_every_bad_input_has_its_answer_and_leaves_nothing(wall: Wall, row: Row) -> None:
    received = wall.talk(row.send(), row.hangs_up)
    arrived = wall.arrivals()
    head, _, answer = received.removeprefix(CONTINUE).partition(b"\r\n\r\n")
    assert (int(head.split()[1]), answer.decode()) == (row.status, row.answer)
    assert (b"Content-Type: text/plain; charset=utf-8" in head.split(b"\r\n")) == bool(row.answer)
    assert arrived == list(row.listed)


HALF = file("a.png", bytes(200_000))
DEPARTURES = {
    "in a form": raw(HALF, FORM, length=300_000),
    "in a raw photo": raw(HALF, "image/png", length=300_000),
    "in chunks": chunked(HALF, b""),
}


@pytest.mark.parametrize("resets", [False, True], ids=["closing", "resetting"])
@pytest.mark.parametrize("half", DEPARTURES.values(), ids=DEPARTURES.keys())
def test_who_leaves_in_the_middle_leaves_nothing(wall: Wall, half: bytes, resets: bool) -> None:
    assert wall.arrivals() == []
    files = wall.server.files()
    with wall.connect() as visitor:
        visitor.sendall(half)
        wait_until(lambda: len(wall.server.files()) > len(files))
        if resets:
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: sorted(wall.server.files()) == sorted(files))
    assert wall.arrivals() == []


def test_who_waits_for_leave_to_send_is_given_it(wall: Wall) -> None:
    head, body = one("Expect: 100-continue").split(b"\r\n\r\n", 1)
    with wall.connect() as visitor:
        visitor.sendall(head + b"\r\n\r\n")
        assert visitor.recv(100) == CONTINUE
        visitor.sendall(body)
        assert read_to_end(visitor).startswith(b"HTTP/1.1 204 ")


def test_who_sends_no_length_can_ask_again_on_the_same_connection(wall: Wall) -> None:
    first = lines("POST / HTTP/1.1", "Host: wall")
    _, refusal, second = wall.talk(first + ask("GET", "/nothing")).split(b"\r\n\r\n")
    assert refusal.startswith(f"{NO_PHOTO}HTTP/1.1 404 ".encode())
    assert second == NOTHING_HERE.encode()


def test_all_this_took_little_memory_and_broke_nothing(wall: Wall) -> None:
    """The last test of this module: the workers are still those of its start."""
    log = (wall.server.data.parent / "server.log").read_text()
    assert [line.partition(" ")[0] for line in log.splitlines()] == ["Dropwall", "Photos", "Stop"]
    gunicorn = wall.server.process.pid
    assert sum(map(peak_bytes, [gunicorn, *children(gunicorn)])) < MAX_MEMORY_BYTES


def read_to_end(visitor: socket.socket) -> bytes:
    received = bytearray()
    while piece := visitor.recv(1 << 16):
        received += piece
    return bytes(received)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
