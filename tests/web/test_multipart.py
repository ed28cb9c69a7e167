"""How a form is framed, cut into pieces, cut off and garbled must not change what is in it."""

import hashlib
import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from werkzeug.test import TestResponse

from server import create_app
from server.names import clean_name
from tests.support.engines import config_of
from tests.support.photos import encode

EXAMPLES = settings(deadline=None, max_examples=60)

NOT_A_PHOTO = "This is not a photo; please send JPEG, PNG, GIF, WebP, AVIF or HEIC."
EMPTY = "This file is empty; please choose the photo again."
NO_PHOTO = "No photo came with this request; please choose one first."
BROKEN_FORM = "This upload could not be read; please reload the page and send it again."
CUT_OFF = "The upload was cut off on the way; please send it again."

BOUNDARY = b"--wall--7"
FORM = f"multipart/form-data; boundary={BOUNDARY.decode()}"
END = b"--" + BOUNDARY + b"--\r\n"
PHOTOS = [
    (kind, encode(Image.new("RGB", (8, 8), (seed * 60, 90, 0)), kind))
    for seed in range(4)
    for kind in ("png", "gif")
]
LOOKALIKES = [
    *(b"\r\n", b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n\r\n", b"\0", b"Content-Disposition: "),
    *(BOUNDARY, BOUNDARY[:-1], b"\r\n--" + BOUNDARY[:-1], b"\r\n-" + BOUNDARY, b"--\r\n"),
]


class ShortReads:
    """A body that arrives in pieces of these sizes, over and over; at its end it is closed."""

    def __init__(self, body: bytes, sizes: list[int]) -> None:
        self._body = io.BytesIO(body)
        self._sizes = itertools.cycle(sizes)

    def read(self, size: int) -> bytes:
        return self._body.read(min(size, next(self._sizes)))


@dataclass(frozen=True)
class Part:
    """`sent_name` is None for a field that is no file; `refusal` is why it is not kept."""

    head: bytes
    content: bytes
    sent_name: str | None = None
    refusal: str | None = None
    field: bytes = b"file"

    def __bytes__(self) -> bytes:
        return b"--" + BOUNDARY + b"\r\n" + self.head + b"\r\n\r\n" + self.content + b"\r\n"

    @property
    def name(self) -> str:
        return clean_name((self.sent_name or "").replace("%22", '"'))


def body_of(parts: list[Part]) -> bytes:
    return b"".join(map(bytes, parts)) + END


# A photo may have any tail: what stands behind its end is left alone.
tails = st.lists(st.sampled_from(LOOKALIKES) | st.binary(max_size=20), max_size=6).map(b"".join)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\\"), max_size=20)
splits = st.lists(st.integers(1, 300), min_size=1, max_size=8)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    field = quoted(draw(texts))
    tail = draw(tails)
    assume(b"--" + BOUNDARY not in tail)
    shape = draw(st.sampled_from(["photo", "photo", "text as photo", "empty", "field", "unchosen"]))
    if shape == "field":
        return Part(b'Content-Disposition: form-data; name="%s"' % field, tail)
    if shape == "unchosen":
        return Part(b'Content-Disposition: form-data; name="%s"; filename=""' % field, b"")
    kind, photo = draw(st.sampled_from(PHOTOS))
    name = f"{draw(texts)}.{kind}"
    content, refusal = {
        "photo": (photo + tail, None),
        "text as photo": (b"Text." + tail, NOT_A_PHOTO),
        "empty": (b"", EMPTY),
    }[shape]
    return Part(draw(heads(field, name)), content, name, refusal, field)


def heads(field: bytes, name: str) -> st.SearchStrategy[bytes]:
    """What different clients write; browsers only the first."""
    disposition = b'form-data; name="%s"; filename="%s"' % (field, quoted(name))
    escaped = "".join(f"%{byte:02x}" for byte in name.encode()).encode()
    return st.sampled_from(
        [
            b"Content-Disposition: %s\r\nContent-Type: image/png" % disposition,
            b"content-type:text/html\r\ncontent-disposition:%s" % disposition,
            b"Content-Disposition: form-data; name=\"%s\"; filename*=UTF-8''%s" % (field, escaped),
            b"X: y\r\nContent-Disposition: %s\r\nContent-Length: 3" % disposition,
        ]
    )


def quoted(text: str) -> bytes:
    """As browsers do it (HTML, multipart/form-data encoding algorithm)."""
    return text.replace('"', "%22").encode()


@dataclass
class Gallery:
    """The application without a server, and a guest."""

    client: FlaskClient
    data: Path

    def send(
        self, body: bytes, sizes: list[int], kind: str = FORM, length: int | None = None
    ) -> TestResponse:
        """With a Content-Length, or as a server hands over a chunked body."""
        framing = {"HTTP_TRANSFER_ENCODING": "chunked"}
        if length is not None:
            framing = {"CONTENT_LENGTH": str(length)}
        environ = {"wsgi.input": ShortReads(body, sizes), "CONTENT_TYPE": kind} | framing
        return self.client.post("/", environ_overrides=environ, buffered=True)

    def version(self) -> int:
        return self.client.get("/api/photos?limit=1").json["version"]

    def arrivals(self, since: int) -> list[tuple[str, str]]:
        """Name and SHA-256 of each photo, in the order they came. On disk is only what is
        listed."""
        news = self.client.get(f"/api/photos?since={since}").json
        folders = ("incoming", "originals", "thumbnails")
        files = [p for folder in folders for p in (self.data / folder).rglob("*.*")]
        assert len(files) == 3 * news["total"]
        return [
            (photo["name"], sha256(self.client.get(photo["url"], buffered=True).data))
            for photo in reversed(news["photos"])
        ]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def new_guest(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Gallery]:
    data = tmp_path_factory.mktemp("gallery")
    app: Flask = create_app(config_of(data))

    def new_guest() -> Gallery:
        client = app.test_client()
        client.get("/", buffered=True)
        return Gallery(client, data)

    return new_guest


@EXAMPLES
@given(parts=st.lists(parts(), max_size=5), sizes=splits, is_chunked=st.booleans())
def test_what_was_sent_is_what_is_listed_and_the_rest_is_named(
    new_guest: Callable[[], Gallery], parts: list[Part], sizes: list[int], is_chunked: bool
) -> None:
    gallery = new_guest()
    before = gallery.version()
    body = body_of(parts)
    answer = gallery.send(body, sizes, length=None if is_chunked else len(body))
    files = in_order([part for part in parts if part.sent_name is not None])
    assert (answer.status_code, answer.text) == expected_answer(files)
    kept: dict[str, str] = {}
    for part in files:
        if part.refusal is None:
            kept.setdefault(sha256(part.content), part.name)
    assert gallery.arrivals(before) == [(name, digest) for digest, name in kept.items()]


def in_order(files: list[Part]) -> list[Part]:
    """Those of one field stay together."""
    fields = [part.field for part in files]
    return sorted(files, key=lambda part: fields.index(part.field))


def expected_answer(files: list[Part]) -> tuple[int, str]:
    refused = [part for part in files if part.refusal]
    if not files:
        return 400, NO_PHOTO
    if not refused:
        return 204, ""
    if len(files) == 1:
        return 400, str(refused[0].refusal)
    kept = f"{len(files) - len(refused)} of {len(files)} photos are safe; these were refused:"
    return 400, "\n".join([kept, *(f"“{part.name}”: {part.refusal}" for part in refused)])


FILE = b'Content-Disposition: form-data; name="file"; filename="%s"'
TWO_PHOTOS = body_of(
    [
        Part(FILE % b"a.png", PHOTOS[0][1]),
        Part(b'Content-Disposition: form-data; name="note"', b"Hello."),
        Part(FILE % b"b.gif", PHOTOS[1][1]),
    ]
)
LINE_END = 2  # bytes behind the last boundary, which a form can do without


def test_a_form_in_two_pieces_is_the_same_form_wherever_it_is_cut(
    new_guest: Callable[[], Gallery],
) -> None:
    gallery = new_guest()
    before = gallery.version()
    for cut in range(1, len(TWO_PHOTOS)):
        answer = gallery.send(TWO_PHOTOS, [cut, len(TWO_PHOTOS)], length=len(TWO_PHOTOS))
        assert (cut, answer.status_code) == (cut, 204)
    # The same bytes again are the same photo.
    assert gallery.arrivals(before) == [
        ("a.png", sha256(PHOTOS[0][1])),
        ("b.gif", sha256(PHOTOS[1][1])),
    ]


def test_a_form_cut_off_at_any_byte_keeps_nothing(new_guest: Callable[[], Gallery]) -> None:
    gallery = new_guest()
    before = gallery.version()
    for cut in range(len(TWO_PHOTOS)):
        answer = gallery.send(TWO_PHOTOS[:cut], [64], length=len(TWO_PHOTOS))
        assert (cut, answer.status_code, answer.text) == (cut, 400, CUT_OFF)
    assert gallery.arrivals(before) == []


def test_a_form_that_ends_too_early_at_any_byte_keeps_nothing(
    new_guest: Callable[[], Gallery],
) -> None:
    gallery = new_guest()
    before = gallery.version()
    for cut in range(len(TWO_PHOTOS) - LINE_END):
        for length in (cut, None):
            answer = gallery.send(TWO_PHOTOS[:cut], [64], length=length)
            assert (cut, answer.status_code, answer.text) == (cut, 400, BROKEN_FORM)
    assert gallery.arrivals(before) == []


def header_bytes(body: bytes) -> list[int]:
    """Where the boundaries and headers of a body stand."""
    places: list[int] = []
    start = 0
    while (start := body.find(b"--" + BOUNDARY, start)) >= 0:
        end = body.find(b"\r\n\r\n", start)
        end = len(body) if end < 0 else end + 4
        places += range(start, end)
        start = end
    return places


HEADER_BYTES = header_bytes(TWO_PHOTOS)
EVIL = st.sampled_from(b"\0\r\n \"'%*;=:-\\\x7f\x80\xff") | st.integers(0, 255)


@EXAMPLES
@given(
    changes=st.dictionaries(st.sampled_from(HEADER_BYTES), EVIL, min_size=1, max_size=6),
    sizes=splits,
)
def test_garbled_headers_of_parts_are_taken_or_refused_in_plain_words(
    new_guest: Callable[[], Gallery], changes: dict[int, int], sizes: list[int]
) -> None:
    gallery = new_guest()
    before = gallery.version()
    body = bytearray(TWO_PHOTOS)
    for place, byte in changes.items():
        body[place] = byte
    check_answer(gallery.send(bytes(body), sizes, length=len(body)))
    gallery.arrivals(before)


@EXAMPLES
@given(
    changes=st.dictionaries(st.integers(0, len(FORM) - 1), EVIL, min_size=1, max_size=4),
    tail=st.sampled_from(
        ["", "; boundary=x", "; boundary*=utf-8''%ff", "; charset=klingon", ";;=;"]
    ),
)
def test_a_garbled_content_type_is_taken_or_refused_in_plain_words(
    new_guest: Callable[[], Gallery], changes: dict[int, int], tail: str
) -> None:
    gallery = new_guest()
    before = gallery.version()
    kind = bytearray(FORM.encode())
    for place, byte in changes.items():
        kind[place] = byte
    answer = gallery.send(TWO_PHOTOS, [64], kind.decode("latin-1") + tail, len(TWO_PHOTOS))
    check_answer(answer)
    gallery.arrivals(before)


def check_answer(answer: TestResponse) -> None:
    assert answer.status_code in (204, 400, 413)
    if answer.status_code != 204:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
