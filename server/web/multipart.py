"""A request's body as staged uploads, read once, to its end, and never past it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import partial
from io import BytesIO
from itertools import chain
from urllib.parse import unquote_to_bytes

from flask import request
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import LimitedStream

from ..photos.intake import Upload
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
from . import dropwall

COMPRESSIONS = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz"}
"""Content codings (IANA's registry) that change the bytes; whatever else is claimed does not."""
BLOCK_BYTES = 64 * 1024
MAX_FORM_FIELDS = 1000
"""Parts of a form that are no files; FilePond sends one for each photo, Uppy three."""
MAX_FORM_MEMORY_BYTES = 500_000
"""For all fields that are no files together, and for a form that never begins."""
MAX_SENT_NAME = 1000
"""Characters at a name's end that count: Unicode's normal forms take n² steps for n accents."""
MAX_DISPOSITION = 8000
"""Characters; a name of 255 bytes has fewer, however it is spelt. Some charsets take the square."""

_EXTENDED_NAME = re.compile(
    r";\s*filename\*=\"?(?P<charset>[\w-]*)'[^';]*'(?P<name>[^;\s\"]*)", re.IGNORECASE
)
_ENCODED_WORD = re.compile(r"=\?[\w-]+\?[bq]\?[^?\s]*\?=", re.IGNORECASE)


@dataclass(frozen=True)
class Body:
    """`uploads` is every part that has a file name, whatever its field is called, or the raw
    body: the name as it was sent (empty when none was) and the upload. `fields` are the rest."""

    uploads: list[tuple[str, Upload]]
    fields: Mapping[str, str] = field(default_factory=dict)
    is_raw: bool = False


def receive_body(staging: ExitStack) -> Body:
    """What the request carries; its uploads are staged until `staging` ends.

    Raises NoPhoto, NotAsAFile, BrokenForm, PieceOfAPhoto, CompressedBody, TooManyBytes,
    TooMuchAtOnce, DiskNearlyFull, ClientDisconnected, TimeoutError. On each of them the rest of the
    body is read first: a browser that is still sending would see a reset connection instead of the
    answer. Raises TooManyAtOnce without that.
    """
    stream = _BodyStream()
    reserve = staging.enter_context(dropwall().staged.reserving(request.remote_addr or ""))
    try:
        if "Content-Range" in request.headers:
            raise PieceOfAPhoto
        codings = request.headers.get("Content-Encoding", "").lower()
        if COMPRESSIONS.intersection(re.findall(r"[\w-]+", codings)):
            raise CompressedBody
        if (request.content_length or 0) > dropwall().settings.max_request_bytes:
            raise TooMuchAtOnce
        check_room = reserve
        if request.content_length is not None:
            reserve(request.content_length)
            check_room = dropwall().limits.check_disk
        new_upload = partial(_new_upload, staging, check_room)
        if request.mimetype == "multipart/form-data":
            return _receive_form(stream, new_upload)
        return _receive_raw(stream, new_upload)
    except TooManyAtOnce:
        raise
    except Exception:
        _drain(stream)
        raise


def drain_body() -> None:
    """Read what a refused request goes on sending, so that its browser gets to read the refusal."""
    _drain(_BodyStream())


class _BodyStream(LimitedStream):
    """The request's body, which ends where it was announced to end; one in chunks is framed, and
    only bounded here. Werkzeug's own stream trusts the server to notice a body that was cut off,
    which is true of gunicorn with our `WholeBody`, and of no other server."""

    def __init__(self) -> None:
        announced = request.content_length
        most = dropwall().settings.max_request_bytes if announced is None else announced
        super().__init__(request.environ["wsgi.input"], most, is_max=announced is None)

    def on_exhausted(self) -> None:
        if request.content_length is None:
            raise TooMuchAtOnce

    def on_disconnect(self, error: Exception | None = None) -> None:
        """Werkzeug takes every OSError for this; a client that stalls is told so."""
        if isinstance(error, TimeoutError):
            raise error
        super().on_disconnect(error)


class _FormDecoder(MultipartDecoder):
    """Werkzeug's refuses a form with a name that is not UTF-8, as old pages and devices send it."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        for charset in ("utf-8", "cp1252"):
            with suppress(UnicodeDecodeError):
                return super()._parse_headers(data.decode(charset).encode())
        return super()._parse_headers(data.decode("latin-1").encode())


def _form_events(stream: LimitedStream) -> Iterator[Event]:
    """Raises BrokenForm, TooMuchAtOnce."""
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary:
        raise BrokenForm
    most_parts = dropwall().settings.max_request_photos + MAX_FORM_FIELDS
    try:
        decoder = _FormDecoder(
            boundary.encode("ascii"), MAX_FORM_MEMORY_BYTES, max_parts=most_parts
        )
        for block in chain(_uncut_blocks(stream, boundary), [None]):
            decoder.receive_data(block)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
    except TooMuchAtOnce:
        raise
    except (ValueError, RequestEntityTooLarge):  # of what is no form, or nobody would send
        raise BrokenForm from None


def _uncut_blocks(stream: LimitedStream, boundary: str) -> Iterator[bytes]:
    """Read blocks of which none ends inside what follows a boundary: there Werkzeug's parser takes
    the line break before the boundary for the file's last byte (pallets/werkzeug#3285)."""
    longest = len(boundary) + 8  # a longer run of dashes is no boundary's end
    held = b""
    while block := stream.read(BLOCK_BYTES):
        block = held + block
        data = block.rstrip(b"- \t")
        if len(block) - len(data) > longest:
            data = block
        held = block[len(data) :]
        if data:
            yield data
    if held:
        yield held


def _receive_form(stream: LimitedStream, open_upload: Callable[[], Upload]) -> Body:
    values: list[tuple[str, BytesIO]] = []
    values_bytes = 0
    uploads: list[tuple[str, Upload]] = []
    part: BytesIO | Upload = BytesIO()
    for event in _form_events(stream):
        if isinstance(event, File):
            if len(uploads) == dropwall().settings.max_request_photos:
                raise TooMuchAtOnce
            part = open_upload()
            uploads.append((_sent_name(event), part))
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
            if isinstance(part, Upload) and not event.more_data:
                part.close()
    chosen = [(name, upload) for name, upload in uploads if name or upload.bytes]
    if not chosen:  # a browser's form with nothing chosen sends one part, nameless and empty
        raise NoPhoto
    fields = [(name, value.getvalue().decode(errors="replace")) for name, value in values]
    return Body(chosen, MultiDict(fields))


def _sent_name(file: File) -> str:
    """In whichever way it is spelt: RFC 6266 prefers `filename*`, of any charset; mail libraries
    have encoded words (RFC 2047); browsers escape three characters (HTML, multipart/form-data
    encoding algorithm)."""
    name, disposition = file.filename, file.headers["content-disposition"]
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


def _receive_raw(stream: LimitedStream, open_upload: Callable[[], Upload]) -> Body:
    """Dropzone's `binaryBody` names the type, when the browser knows it, and nothing else. Types
    are as often wrong as extensions are; the content decides."""
    kind, _, subtype = request.mimetype.partition("/")
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        raise NoPhoto
    if kind not in ("", "image") and request.mimetype != "application/octet-stream":
        raise NotAsAFile
    if (request.content_length or 0) > dropwall().settings.max_upload_bytes:
        raise TooManyBytes
    upload = open_upload()
    while block := stream.read(BLOCK_BYTES):
        upload.write(block)
    upload.close()
    if upload.bytes == 0:
        raise NoPhoto
    name = f"photo.{subtype}" if subtype in dropwall().settings.extensions else ""
    return Body([(name, upload)], is_raw=True)


def _new_upload(staging: ExitStack, check_room: Callable[[int], None]) -> Upload:
    staged = staging.enter_context(dropwall().storage.stage())
    upload = Upload(staged, dropwall().settings.max_upload_bytes, check_room)
    staging.callback(upload.close)
    return upload


def _drain(stream: LimitedStream) -> None:
    if "Expect" in request.headers and stream.tell() == 0:
        return  # the client waits to be asked for it (`WholeBody`)
    with suppress(HTTPException, TooMuchAtOnce, OSError):
        for _ in range(dropwall().settings.max_request_bytes // BLOCK_BYTES):
            if not stream.read(BLOCK_BYTES):
                break
