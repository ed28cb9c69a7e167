"""Multipart forms: how they are framed, cut into pieces, cut off and garbled changes no photo."""

import io
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.header import Header
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from dropwall import create_app
from dropwall.config import Config
from dropwall.names import clean_photo_name
from tests.support.engines import stored_files
from tests.support.photos import encode
from tests.support.visitors import TEXT, open_page, outcome, parts

pytestmark = pytest.mark.embedded

NOT_A_PHOTO = "This file isn't a photo. You can add JPEG, PNG, GIF, WebP, AVIF or HEIC."
EMPTY = "This file is empty. Choose the photo again."
NO_PHOTO = "No photo was sent. Choose one first."
BROKEN_FORM = "This upload couldn't be read. Reload the page and try again."
CUT_OFF = "The upload was interrupted. Try again."
STALLED = "The upload stalled. Try again."
URLENCODED = "application/x-www-form-urlencoded"

CHARSETS = ("utf-8", "cp1252")
BOUNDARY = b"--wall--7"
FORM = f"multipart/form-data; boundary={BOUNDARY.decode()}"
END = b"--" + BOUNDARY + b"--\r\n"
FILES_OF_A_PHOTO = 3  # the original and two thumbnails
PHOTOS = [
    (kind, encode(Image.new("RGB", (8, 8), (seed * 60, 90, 0)), kind))
    for seed in range(4)
    for kind in ("png", "gif")
]
LOOKALIKES = [
    *(b"\r\n", b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n\r\n", b"\0", b"Content-Disposition: "),
    *(BOUNDARY, BOUNDARY[:-1], b"\r\n--" + BOUNDARY[:-1], b"\r\n-" + BOUNDARY, b"--\r\n"),
]


by_examples = pytest.mark.parametrize("examples", [20, pytest.param(100, marks=pytest.mark.slow)])
by_step = pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])


@dataclass(frozen=True)
class Part:
    """`sent_name` is None for a field that is no file; `refusal` is why it is not kept."""

    head: bytes
    content: bytes
    sent_name: str | None = None
    refusal: str | None = None

    @property
    def name(self) -> str:
        return clean_photo_name((self.sent_name or "").replace("%22", '"'))


def body_of(parts: list[Part]) -> bytes:
    start = b"--" + BOUNDARY + b"\r\n"
    sent = [start + part.head + b"\r\n\r\n" + part.content + b"\r\n" for part in parts]
    return b"".join(sent) + END


# A photo may have any tail: what stands behind its end is left alone.
tails = st.lists(st.sampled_from(LOOKALIKES) | st.binary(max_size=20), max_size=6).map(b"".join)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\\"), max_size=20)
splits = st.lists(st.integers(1, 300), min_size=1, max_size=8)


@st.composite
def sent_parts(draw: st.DrawFn) -> Part:
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
    return Part(draw(heads(field, name)), content, name, refusal)


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


@pytest.mark.parametrize("name", ["für Zoë.png", "crème “brûlée” 3 €.png", 'an "ä".png'])
def test_a_file_name_may_be_spelt_in_any_way(app: Flask, name: str) -> None:
    """As clients of thirty years do: none is told that its form could not be read."""
    plain, escaped = 'filename="%s"', name.replace('"', "%22")
    backslashed = name.replace('"', '\\"')
    encoded = [Header(name, charset).encode(maxlinelen=0) for charset in CHARSETS]
    extended = [
        f"filename*={charset}'{language}'{quote(name.encode(charset))}"
        for charset, language in (("UTF-8", ""), ("windows-1252", "de"), ("utf-16-be", ""))
    ]
    spellings = [
        *((plain % each).encode(c) for each in (escaped, backslashed) for c in CHARSETS),
        *((plain % each).encode() for each in encoded),
        *(each.encode() for each in extended),
        *(f"{plain % 'a.png'}; {each}".encode() for each in extended),
        *(f"{each}; {plain % 'a.png'}".encode() for each in extended),
    ]
    for spelling in spellings:
        visit, head = Visit(app), b'Content-Disposition: form-data; name="file"; ' + spelling
        body = body_of([Part(head, PHOTOS[0][1])])
        assert visit.send(body, [len(body)], length=len(body)) == (204, ""), spelling
        assert visit.arrivals() == [(name, PHOTOS[0][1])], spelling


def test_a_name_of_very_many_accents_takes_no_time(app: Flask) -> None:
    name = "a" + "\u0300\u0316" * 100_000 + ".png"
    body = body_of([Part(FILE % name.encode(), PHOTOS[0][1])])
    visit, begin = Visit(app), time.process_time()
    assert visit.send(body, [len(body)], length=len(body)) == (204, "")
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("size", [0, 100_000])
def test_all_fields_of_a_form_together_are_bounded(app: Flask, size: int) -> None:
    """They are kept in memory; names count, too."""
    long = b"a" * (100_000 - size)
    notes = [Part(NOTE % long, b"b" * size) for _ in range(6)]
    visit, photo = Visit(app), Part(FILE % b"a.png", PHOTOS[0][1])
    for count, answer in ((4, (204, "")), (6, (400, BROKEN_FORM))):
        body = body_of([*notes[:count], photo])
        assert visit.send(body, [len(body)], length=len(body)) == answer


def test_a_name_in_no_charset_at_all_is_taken(app: Flask) -> None:
    """Its bytes are neither UTF-8 nor Windows-1252."""
    visit, body = Visit(app), body_of([Part(FILE % b"\x81\xe4.png", PHOTOS[0][1])])
    assert visit.send(body, [len(body)], length=len(body)) == (204, "")
    assert visit.arrivals() == [("ä.png", PHOTOS[0][1])]


def test_a_block_may_end_within_very_many_dashes(app: Flask) -> None:
    """Where a boundary may begin, some bytes are held back; a photo may have more such bytes."""
    photo = PHOTOS[0][1] + b"-" * 500
    body = body_of([Part(FILE % b"a.png", photo)])
    visit, cut = Visit(app), body.index(photo) + len(photo) - 100
    assert visit.send(body, [cut, len(body)], length=len(body)) == (204, "")
    assert visit.arrivals() == [("a.png", photo)]


class ShortReads:
    """A body that arrives in pieces of these sizes, over and over; at its end it is closed."""

    def __init__(self, body: bytes, sizes: list[int]) -> None:
        self._body = io.BytesIO(body)
        self._sizes = itertools.cycle(sizes)

    def read(self, size: int) -> bytes:
        return self._body.read(min(size, next(self._sizes)))


class Visit:
    """A new guest, and what has arrived since they came."""

    def __init__(self, app: Flask) -> None:
        self._client, self._data = open_page(app), parts(app).settings.data
        self._version = self._client.get("/api/photos?limit=1").json["version"]

    def send(
        self, body: bytes, sizes: list[int], kind: str = FORM, length: int | None = None
    ) -> tuple[int, str]:
        """With a Content-Length, or as a server hands over a chunked body."""
        framing = {"HTTP_TRANSFER_ENCODING": "chunked"}
        if length is not None:
            framing = {"CONTENT_LENGTH": str(length)}
        environ = {"wsgi.input": ShortReads(body, sizes), "CONTENT_TYPE": kind} | framing
        answer = self._client.post("/", environ_overrides=environ, buffered=True)
        assert not answer.text or answer.content_type == TEXT
        return outcome(answer)

    def arrivals(self) -> list[tuple[str, bytes]]:
        """Name and content of each photo as they came. On disk is only what is listed."""
        news = self._client.get(f"/api/photos?since={self._version}").json
        assert len(stored_files(self._data)) == FILES_OF_A_PHOTO * news["total"]
        return [
            (photo["name"], self._client.get(photo["url"], buffered=True).data)
            for photo in reversed(news["photos"])
        ]


@by_examples
def test_what_was_sent_is_listed_and_the_rest_is_named(app: Flask, examples: int) -> None:
    @settings(max_examples=examples, database=None)
    @given(sent=st.lists(sent_parts(), max_size=5), sizes=splits, is_chunked=st.booleans())
    def send(sent: list[Part], sizes: list[int], is_chunked: bool) -> None:
        visit, body = Visit(app), body_of(sent)
        answer = visit.send(body, sizes, length=None if is_chunked else len(body))
        files = [part for part in sent if part.sent_name is not None]
        assert answer == expected_answer(files)
        kept: dict[bytes, str] = {}
        for part in files:
            if part.refusal is None:
                kept.setdefault(part.content, part.name)
        assert visit.arrivals() == [(name, content) for content, name in kept.items()]

    send()


def expected_answer(files: list[Part]) -> tuple[int, str]:
    refused = [part for part in files if part.refusal]
    if not files:
        return 400, NO_PHOTO
    if not refused:
        return 204, ""
    if len(files) == 1:
        return 400, str(refused[0].refusal)
    kept = f"{len(files) - len(refused)} of {len(files)} photos added. These couldn't be added:"
    return 400, "\n".join([kept, *(f"“{part.name}”: {part.refusal}" for part in refused)])


NOTE = b'Content-Disposition: form-data; name="%s"'
FILE = b'Content-Disposition: form-data; name="file"; filename="%s"'
TWO_PHOTOS = body_of(
    [
        Part(FILE % b"a.png", PHOTOS[0][1]),
        Part(NOTE % b"note", b"Hello."),
        Part(FILE % b"b.gif", PHOTOS[1][1]),
    ]
)
MAX_UPLOAD_BYTES, MAX_REQUEST_BYTES = 900, 300_000
TOO_LARGE = "This photo is too large. The limit is 900 bytes."
TOO_MUCH = "That's too much at once. Add up to 2 photos and 293 KB at a time."
PIECE = "This is only part of a photo. Send the whole photo."
COMPRESSED = "This upload is compressed. Send the photo as it is, without Content-Encoding."
SIX_PHOTOS = body_of([Part(FILE % b"%d.png" % number, PHOTOS[0][1]) for number in range(6)])
REFUSED = [
    ("image/png", bytes(1000), {}, (413, TOO_LARGE)),
    ("image/png", bytes(1000), {"HTTP_CONTENT_RANGE": "bytes 0-999/5000"}, (400, PIECE)),
    (FORM, TWO_PHOTOS, {"HTTP_CONTENT_RANGE": "bytes 0-999/5000"}, (400, PIECE)),
    ("image/png", bytes(1000), {"HTTP_CONTENT_ENCODING": "gzip"}, (400, COMPRESSED)),
    (FORM, SIX_PHOTOS, {}, (413, TOO_MUCH)),
]


@pytest.fixture
def small(config: Config) -> Iterator[Flask]:
    """A gallery that takes two small photos at once."""
    app = create_app(
        replace(
            config,
            max_upload_bytes=MAX_UPLOAD_BYTES,
            max_request_bytes=MAX_REQUEST_BYTES,
            max_request_photos=2,
        )
    )
    yield app
    parts(app).watchers.close()


def post(app: Flask, kind: str, body: io.BytesIO, **environ: str) -> tuple[int, str]:
    """By a server that leaves it to the application to read no further than the body's end."""
    environ = {"wsgi.input": body, "CONTENT_TYPE": kind} | environ
    return outcome(open_page(app).post("/", environ_overrides=environ))


@pytest.mark.parametrize(("kind", "body", "headers", "refusal"), REFUSED)
def test_a_refused_body_is_read_to_its_end(
    small: Flask, kind: str, body: bytes, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    """Whoever is still sending would see a broken connection instead of the sentence."""
    sent = io.BytesIO(body + b"GET / HTTP/1.1")
    assert post(small, kind, sent, CONTENT_LENGTH=str(len(body)), **headers) == refusal
    assert sent.read() == b"GET / HTTP/1.1"


def test_a_client_that_waits_to_be_asked_for_a_body_is_refused_without_it(small: Flask) -> None:
    headers = {"CONTENT_LENGTH": "1000", "HTTP_EXPECT": "100-continue"}
    body = io.BytesIO(bytes(1000))
    assert post(small, "image/png", body, **headers) == (413, TOO_LARGE)
    assert body.tell() == 0


def test_of_a_body_without_end_no_more_is_read_than_one_request_may_have(small: Flask) -> None:
    note = body_of([Part(NOTE % b"note", bytes(2 * MAX_REQUEST_BYTES))])
    photos = body_of([Part(FILE % b"a.png", bytes(800))] * 2)
    photos = photos[: -len(END)] + bytes(2 * MAX_REQUEST_BYTES)
    for body in (note, photos):
        sent = io.BytesIO(body)
        assert post(small, FORM, sent, CONTENT_LENGTH=str(len(body))) == (413, TOO_MUCH)
        assert sent.tell() <= MAX_REQUEST_BYTES
        sent = io.BytesIO(body)
        assert post(small, FORM, sent, HTTP_TRANSFER_ENCODING="chunked") == (413, TOO_MUCH)
        assert sent.tell() <= MAX_REQUEST_BYTES


def test_chunks_that_are_none_are_no_photo(app: Flask) -> None:
    assert Visit(app).send(b"", [1], "image/png") == (400, NO_PHOTO)


LINE_END = 2  # bytes behind the last boundary, which a form can do without


@by_step
def test_a_form_in_two_pieces_is_the_same_form(app: Flask, step: int) -> None:
    visit, whole = Visit(app), len(TWO_PHOTOS)
    cuts = range(1, whole, step)
    answers = {cut: visit.send(TWO_PHOTOS, [cut, whole], length=whole) for cut in cuts}
    assert answers == dict.fromkeys(cuts, (204, ""))
    # The same bytes again are the same photo.
    assert visit.arrivals() == [("a.png", PHOTOS[0][1]), ("b.gif", PHOTOS[1][1])]


@by_step
def test_a_form_cut_off_at_any_byte_keeps_nothing(app: Flask, step: int) -> None:
    """Whether or not its Content-Length was of the whole."""
    visit, whole = Visit(app), len(TWO_PHOTOS)
    answers, expected = {}, {}
    for cut in {*range(0, whole, step), *range(whole - LINE_END - 1, whole)}:
        expected[cut, whole] = (400, CUT_OFF)
        if cut < whole - LINE_END:
            expected |= dict.fromkeys([(cut, cut), (cut, None)], (400, BROKEN_FORM))
    for cut, length in expected:
        answers[cut, length] = visit.send(TWO_PHOTOS[:cut], [64], length=length)
    assert answers == expected
    assert visit.arrivals() == []


class Lost(io.RawIOBase):
    """A connection on which nothing can be read."""

    def __init__(self, error: type[OSError]) -> None:
        self.error = error

    def readinto(self, buffer: object) -> int:
        raise self.error("nothing comes")


def test_a_body_that_stalls_is_told_from_one_that_is_cut_off(app: Flask) -> None:
    for error, refusal in (
        (TimeoutError, (408, STALLED)),
        (ConnectionResetError, (400, CUT_OFF)),
    ):
        for method, path, kind in (
            *(("POST", "/", FORM), ("POST", "/", "image/png")),
            *(("PUT", "/api/guest", "application/json"), ("POST", "/sign-in", URLENCODED)),
        ):
            environ = {"wsgi.input": Lost(error), "CONTENT_LENGTH": "100"}
            answer = app.test_client().open(
                path, method=method, content_type=kind, environ_overrides=environ
            )
            assert outcome(answer) == refusal, (error, path, kind)


EVIL = st.sampled_from(b"\0\r\n \"'%*;=:-\\\x7f\x80\xff") | st.integers(0, 255)


def garbled(text: bytes, most: int) -> st.SearchStrategy[bytes]:
    """With other bytes at some places."""
    changes = st.dictionaries(st.integers(0, len(text) - 1), EVIL, min_size=1, max_size=most)
    return changes.map(lambda new: bytes(new.get(i, byte) for i, byte in enumerate(text)))


@by_examples
def test_a_garbled_form_is_taken_or_refused_in_plain_words(app: Flask, examples: int) -> None:
    tails = ["", "; boundary=x", "; boundary*=utf-8''%ff", "; charset=klingon", ";;=;"]

    @settings(max_examples=examples, database=None)
    @given(garbled(TWO_PHOTOS, 6), garbled(FORM.encode(), 4), st.sampled_from(tails), splits)
    def send(body: bytes, kind: bytes, tail: str, sizes: list[int]) -> None:
        for sent, sent_kind in ((body, FORM), (TWO_PHOTOS, kind.decode("latin-1") + tail)):
            visit = Visit(app)
            status, _ = visit.send(sent, sizes, sent_kind, len(sent))
            assert status in (204, 400, 413)
            visit.arrivals()

    send()
