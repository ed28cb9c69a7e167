"""The body of an upload is read into staged files: once, to its end, and never past it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from io import BytesIO
from urllib.parse import unquote_to_bytes

from flask import request
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import LimitedStream

from ..photos.intake import StagedFile
from ..refusals import (
    BrokenForm,
    CompressedBody,
    NoPhoto,
    NotAsAFile,
    PieceOfAPhoto,
    TooManyAtOnce,
    TooManyBytes,
    TooMuchAtOnce,
)
from .requests import dropwall

COMPRESSIONS = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz"}
"""Content codings (IANA's registry) that change the bytes; whatever else is claimed does not."""
BLOCK_BYTES = 64 * 1024
MAX_FORM_FIELDS = 1000
"""Number of parts that are not files; FilePond sends one for each photo, Uppy three."""
MAX_FORM_MEMORY_BYTES = 500_000
"""Size of all parts together that are not files, and of the text before the first boundary."""
MAX_SENT_NAME = 1000
"""Number of characters that are kept of a name, its last ones: Unicode's normal forms take n² steps
for n accents."""
MAX_DISPOSITION = 8000
"""Number of characters of a Content-Disposition that is parsed; a name of 255 bytes has fewer,
however it is spelt. Some charsets take quadratic time."""

_EXTENDED_NAME = re.compile(
    r";\s*filename\*=\"?(?P<charset>[\w-]*)'[^';]*'(?P<name>[^;\s\"]*)", re.IGNORECASE
)
_ENCODED_WORD = re.compile(r"=\?[\w-]+\?[bq]\?[^?\s]*\?=", re.IGNORECASE)


@dataclass(frozen=True)
class Body:
    """`files` is every part that has a file name, whatever its field is called, or the raw
    body: the name as it was sent (empty when none was) and the file. `fields` are the rest."""

    files: list[tuple[str, StagedFile]]
    fields: Mapping[str, str]
    is_raw: bool


def receive_body(staging: ExitStack) -> Body:
    """Read the request's body. Its files are staged until `staging` ends.

    Raises NoPhoto, NotAsAFile, BrokenForm, PieceOfAPhoto, CompressedBody, TooManyBytes,
    TooMuchAtOnce, DiskNearlyFull, ClientDisconnected, each once the rest of the body has been read
    (see `drain_body`), and TooManyAtOnce at once.
    """
    settings, announced = dropwall().settings, request.content_length
    # A body in chunks is framed by the server, and only bounded here. Werkzeug's own stream trusts
    # the server to notice a body that was cut off, which is true of gunicorn with our `WholeBody`,
    # and of no other server.
    most_bytes = settings.max_request_bytes if announced is None else announced
    stream = LimitedStream(request.environ["wsgi.input"], most_bytes, is_max=announced is None)
    reserve = staging.enter_context(dropwall().staged.reserving(request.remote_addr or ""))
    try:
        if "Content-Range" in request.headers:
            raise PieceOfAPhoto
        codings = request.headers.get("Content-Encoding", "").lower()
        if COMPRESSIONS.intersection(re.findall(r"[\w-]+", codings)):
            raise CompressedBody
        if most_bytes > settings.max_request_bytes:
            raise TooMuchAtOnce
        check_room: Callable[[int], object] = reserve
        if announced is not None:
            reserve(announced)
            check_room = dropwall().limits.check_disk
        is_form = request.mimetype == "multipart/form-data"
        events = _form_events(stream) if is_form else _raw_events(stream)
        files, fields = _stage_parts(events, staging, check_room)
        return Body(files, fields, is_raw=not is_form)
    except TooManyAtOnce:
        raise
    except Exception as error:
        drain_body(stream)
        if isinstance(error, RequestEntityTooLarge):  # of a body whose length was not announced
            raise TooMuchAtOnce from None
        raise


def drain_body(stream: LimitedStream | None = None) -> None:
    """Read the rest of a refused request, of which `stream`, if it is given, has read the
    beginning: a browser that is still sending would see a reset connection instead of the
    refusal."""
    if "Expect" in request.headers and not (stream and stream.tell()):
        return  # the client waits to be asked for it (`WholeBody`)
    with suppress(HTTPException, OSError):
        for _ in range(dropwall().settings.max_request_bytes // BLOCK_BYTES):
            if not (stream or request.stream).read(BLOCK_BYTES):
                break


class _FormDecoder(MultipartDecoder):
    """Werkzeug's decoder, which also reads names that are not UTF-8: old pages and devices send
    them."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        for charset in ("utf-8", "cp1252"):
            with suppress(UnicodeDecodeError):
                return super()._parse_headers(data.decode(charset).encode())
        return super()._parse_headers(data.decode("latin-1").encode())


def _form_events(stream: LimitedStream) -> Iterator[Event]:
    """Decode a form into Werkzeug's events. Raises BrokenForm.

    No block that is decoded ends just behind a boundary, among its dashes and spaces: Werkzeug's
    parser would take the line break before that boundary for the file's last byte
    (pallets/werkzeug#3285)."""
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary or not boundary.isascii():
        raise BrokenForm
    most_parts = dropwall().settings.max_request_photos + MAX_FORM_FIELDS
    decoder = _FormDecoder(boundary.encode(), MAX_FORM_MEMORY_BYTES, max_parts=most_parts)
    longest = len(boundary) + 8  # a longer run of dashes does not end a boundary
    held = b""
    while not decoder.complete:
        more = stream.read(BLOCK_BYTES)
        block = held + more
        data = block.rstrip(b"- \t")
        if not more or len(block) - len(data) > longest:
            data = block
        held = block[len(data) :]
        try:
            decoder.receive_data(data)
            if not more:
                decoder.receive_data(None)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
        except (ValueError, RequestEntityTooLarge):  # not a form, or one that no client sends
            raise BrokenForm from None


def _raw_events(stream: LimitedStream) -> Iterator[Event]:
    """Describe a raw body as a form of one file. Dropzone's `binaryBody` names the type, when the
    browser knows it, and nothing else. Types are as often wrong as extensions are; the content
    decides. Raises NoPhoto, NotAsAFile, TooManyBytes."""
    settings = dropwall().settings
    kind, _, subtype = request.mimetype.partition("/")
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        raise NoPhoto
    if kind not in ("", "image") and request.mimetype != "application/octet-stream":
        raise NotAsAFile
    if (request.content_length or 0) > settings.max_upload_bytes:
        raise TooManyBytes
    if not (block := stream.read(BLOCK_BYTES)):
        raise NoPhoto
    name = f"photo.{subtype}" if subtype in settings.extensions else ""
    yield File(name="", filename=name, headers=Headers())
    while block:
        yield Data(data=block, more_data=True)
        block = stream.read(BLOCK_BYTES)
    yield Data(data=b"", more_data=False)


def _stage_parts(
    events: Iterator[Event], staging: ExitStack, check_room: Callable[[int], object]
) -> tuple[list[tuple[str, StagedFile]], Mapping[str, str]]:
    """Write each part that has a file name to a file of its own. Returns them, and the other parts.
    Raises NoPhoto, BrokenForm, TooMuchAtOnce."""
    settings, storage = dropwall().settings, dropwall().storage
    values: list[tuple[str, BytesIO]] = []
    values_bytes = 0
    files: list[tuple[str, StagedFile]] = []
    part: BytesIO | StagedFile = BytesIO()
    for event in events:
        if isinstance(event, File):
            if len(files) == settings.max_request_photos:
                raise TooMuchAtOnce
            staged = staging.enter_context(storage.stage())
            stream = staging.enter_context(staged.open("wb"))
            part = StagedFile(staged, stream, settings.max_upload_bytes, check_room)
            files.append((_sent_name(event), part))
        elif isinstance(event, Field):
            part = BytesIO()
            values.append((event.name, part))
            values_bytes += len(event.name or "")  # a field may lack one
        elif isinstance(event, Data):
            if isinstance(part, BytesIO):
                values_bytes += len(event.data)
                if values_bytes > MAX_FORM_MEMORY_BYTES:
                    raise BrokenForm
            part.write(event.data)
            if isinstance(part, StagedFile) and not event.more_data:
                part.stream.close()  # a form of a thousand photos must not keep as many open
    chosen = [(name, file) for name, file in files if name or file.bytes]
    if not chosen:  # a browser's form with nothing chosen sends one part, nameless and empty
        raise NoPhoto
    fields = [(name, value.getvalue().decode(errors="replace")) for name, value in values]
    return chosen, MultiDict(fields)


def _sent_name(file: File) -> str:
    """Read a file's name, in whichever way it is spelt: RFC 6266 prefers `filename*`, of any
    charset; mail libraries have encoded words (RFC 2047); browsers escape three characters (HTML,
    multipart/form-data encoding algorithm)."""
    name, disposition = file.filename, file.headers.get("content-disposition", "")
    if len(disposition) > MAX_DISPOSITION:
        return name[-MAX_SENT_NAME:]
    extended = _EXTENDED_NAME.search(disposition)
    with suppress(LookupError, ValueError, HeaderParseError):
        if extended:
            name = unquote_to_bytes(extended["name"]).decode(extended["charset"] or "utf-8")
        elif _ENCODED_WORD.search(name):
            name = str(make_header(decode_header(name)))
    for escaped, character in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(escaped, character)
    return name[-MAX_SENT_NAME:]
