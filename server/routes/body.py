"""A request's body as uploads, read once, to its end, and never past it."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import IO, cast

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wsgi import LimitedStream

from ..address_limit import TooManyAtOnce
from ..upload import (
    BrokenForm,
    CompressedBody,
    NoPhoto,
    NotAsAFile,
    PieceOfAPhoto,
    TooManyBytes,
    TooMuchAtOnce,
    Upload,
)
from . import parts

COMPRESSIONS = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz"}
"""Content codings (IANA's registry) that change the bytes; whatever else is claimed does not."""
BLOCK_BYTES = 64 * 1024
MAX_FORM_FIELDS = 1000
"""Parts that are no files; FilePond sends one for each photo, Uppy three."""
MAX_FORM_MEMORY_BYTES = 500_000
"""For fields that are no files, and for a form that never begins."""


@dataclass(frozen=True)
class Body:
    """`uploads` is every part that has a file name, whatever its field is called, or the raw
    body: the name as it was sent (empty when none was) and the upload. `fields` are the rest."""

    uploads: list[tuple[str, Upload]]
    fields: Mapping[str, str] = field(default_factory=dict)


def receive_body(staging: ExitStack) -> Body:
    """What the request carries; its uploads are staged until `staging` ends.

    Raises NoPhoto, NotAsAFile, BrokenForm, PieceOfAPhoto, CompressedBody, TooManyBytes,
    TooMuchAtOnce, DiskNearlyFull, ClientDisconnected, TimeoutError. On each of them the rest of the
    body is read first: a browser that is still sending would see a reset connection instead of the
    answer. Raises TooManyAtOnce without that.
    """
    stream = _limited_body()
    reserve = staging.enter_context(parts().staged.reserving(request.remote_addr or ""))
    try:
        if "Content-Range" in request.headers:
            raise PieceOfAPhoto
        codings = request.headers.get("Content-Encoding", "").lower()
        if COMPRESSIONS.intersection(re.findall(r"[\w-]+", codings)):
            raise CompressedBody
        if (request.content_length or 0) > parts().settings.max_request_bytes:
            raise TooMuchAtOnce
        check_room = reserve
        if request.content_length is not None:
            reserve(request.content_length)
            check_room = parts().limits.check_disk
        new_upload = partial(_new_upload, staging, check_room)
        if request.mimetype == "multipart/form-data":
            return _receive_form(stream, new_upload)
        return Body([_receive_raw(stream, new_upload)])
    except TooManyAtOnce:
        raise
    except Exception:
        _drain(stream)
        raise


def drain_body() -> None:
    """Read what a refused request goes on sending, so that its browser gets to read the refusal."""
    _drain(_limited_body())


def _limited_body() -> LimitedStream:
    """Werkzeug's own stream trusts gunicorn to tell a body that was cut off; it does not. This
    one counts against Content-Length; a chunked body is framed, and only bounded here."""
    source: IO[bytes] = request.environ["wsgi.input"]
    if request.content_length is None:
        return _ChunkedBody(source, parts().settings.max_request_bytes, is_max=True)
    return _Body(source, request.content_length)


class _Body(LimitedStream):
    def on_disconnect(self, error: Exception | None = None) -> None:
        """Werkzeug takes every OSError for this; who stands still is told so."""
        if isinstance(error, TimeoutError):
            raise error
        super().on_disconnect(error)


class _ChunkedBody(_Body):
    def on_exhausted(self) -> None:
        raise TooMuchAtOnce


class _UncutBoundaries:
    """Never ends a read inside what follows a boundary: there Werkzeug's parser takes the line
    break before the boundary for the file's last byte (pallets/werkzeug#3285)."""

    def __init__(self, stream: LimitedStream, boundary: str) -> None:
        self._stream = stream
        self._longest = len(boundary) + 8  # a longer run of dashes is no boundary's end
        self._held = b""

    def read(self, size: int) -> bytes:
        data = b""
        while not data and (block := self._stream.read(size)):
            block = self._held + block
            data = block.rstrip(b"- \t")
            if len(block) - len(data) > self._longest:
                data = block
            self._held = block[len(data) :]
        if not data:
            data, self._held = self._held, b""
        return data


def _receive_form(stream: LimitedStream, open_upload: Callable[[], Upload]) -> Body:
    room = iter(range(parts().settings.max_request_photos))

    def new_upload(**_: object) -> Upload:
        if next(room, None) is None:
            raise TooMuchAtOnce
        return open_upload()

    parser = FormDataParser(
        stream_factory=new_upload,  # type: ignore[arg-type]
        max_form_memory_size=MAX_FORM_MEMORY_BYTES,
        max_form_parts=parts().settings.max_request_photos + MAX_FORM_FIELDS,
        silent=False,
    )
    try:
        _, form, files = parser.parse(
            cast(IO[bytes], _UncutBoundaries(stream, request.mimetype_params.get("boundary", ""))),
            "multipart/form-data",
            request.content_length,
            dict(request.mimetype_params),
        )
    except TooMuchAtOnce:
        raise
    except (ValueError, RequestEntityTooLarge):  # of what is no file, or nobody would send
        raise BrokenForm from None
    sent = [file for field in files for file in files.getlist(field)]
    uploads = [(_sent_name(file), cast(Upload, file.stream)) for file in sent]
    chosen = [(name, upload) for name, upload in uploads if name or upload.bytes]
    if not chosen:  # a browser's form with nothing chosen sends one part, nameless and empty
        raise NoPhoto
    return Body(chosen, form)


def _receive_raw(stream: LimitedStream, open_upload: Callable[[], Upload]) -> tuple[str, Upload]:
    """Dropzone's `binaryBody` names the type, when the browser knows it, and nothing else."""
    kind, _, subtype = request.mimetype.partition("/")
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        raise NoPhoto
    if kind not in ("", "image") and request.mimetype != "application/octet-stream":
        raise NotAsAFile
    if (request.content_length or 0) > parts().settings.max_upload_bytes:
        raise TooManyBytes
    upload = open_upload()
    while block := stream.read(BLOCK_BYTES):
        upload.write(block)
    upload.close()
    if upload.bytes == 0:
        raise NoPhoto
    return (f"photo.{subtype}" if kind == "image" else ""), upload


def _new_upload(staging: ExitStack, check_room: Callable[[int], None]) -> Upload:
    staged = staging.enter_context(parts().storage.stage())
    upload = Upload(staged, parts().settings.max_upload_bytes, check_room)
    staging.callback(upload.close)
    return upload


def _sent_name(file: FileStorage) -> str:
    """Browsers write a quotation mark as %22 (HTML, multipart/form-data encoding algorithm)."""
    return (file.filename or "").replace("%22", '"')


def _drain(stream: LimitedStream) -> None:
    if "Expect" in request.headers and stream.tell() == 0:
        return  # the client waits to be asked for it (`WholeBody`)
    with suppress(HTTPException, TooMuchAtOnce, OSError):
        for _ in range(parts().settings.max_request_bytes // BLOCK_BYTES):
            if not stream.read(BLOCK_BYTES):
                break
