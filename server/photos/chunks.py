"""Uploads in chunks, as Dropzone numbers them: in any order, on any machine, any of them twice.

Only the storage and the catalog know which chunks have come. A chunk's bytes are written first and
its row last: it counts once its row is there. Whichever chunk completes the upload adds the photo;
when several machines do, the catalog lists one photo.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from .. import timestamps
from ..catalog import uploads
from ..catalog.database import Database
from ..catalog.photos import Photo
from ..catalog.tables import OWNER
from ..catalog.uploads import ChunkedUpload
from ..config import MAX_CHUNKS
from ..images.slots import Slots
from ..names import clean_photo_name
from ..refusals import (
    BY_CODE,
    FINAL,
    LostChunks,
    NoSuchUpload,
    NotStored,
    WrongChunk,
)
from ..storage import Storage
from .files import chunk_key
from .intake import Intake, Sender, StagedFile
from .limits import Limits

MAX_DIGITS = 15
"""Number of digits in a field of the form: far more than any upload needs."""
FREE_CHUNKS = 32
"""Number of chunks that a photo may have whatever their size. More have to fill a block of the disk
each: a photo of 10 kB in chunks of one byte would take as many files as thousands of photos."""
BLOCK_BYTES = 4096
SAFE = "safe"
"""The beginning of an outcome; the photo's file name follows."""

_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
"""An upload's id as Dropzone makes it, or another that can be part of a URL."""

_FORMER_NAMES = {kind.__name__: kind for kind in FINAL}
"""The names of refusals that former versions stored instead of codes."""


@dataclass(frozen=True)
class Chunk:
    """One chunk's place in its upload. All chunks but the last have `chunk_bytes`."""

    number: int
    chunks: int
    chunk_bytes: int
    upload_bytes: int

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Chunk":
        """Read the fields of Dropzone's form. Raises WrongChunk unless all numbers agree."""
        chunk = cls(
            number=_number(fields, "dzchunkindex"),
            chunks=_number(fields, "dztotalchunkcount"),
            chunk_bytes=_number(fields, "dzchunksize"),
            upload_bytes=_number(fields, "dztotalfilesize"),
        )
        if (
            chunk.chunk_bytes < 1
            or not chunk.number < chunk.chunks <= MAX_CHUNKS
            or chunk.chunks != max(1, -(-chunk.upload_bytes // chunk.chunk_bytes))
            or chunk.chunks > FREE_CHUNKS + chunk.upload_bytes // BLOCK_BYTES
            or _number(fields, "dzchunkbyteoffset") != chunk.number * chunk.chunk_bytes
        ):
            raise WrongChunk
        return chunk

    @property
    def bytes(self) -> int:
        return min(self.chunk_bytes, self.upload_bytes - self.number * self.chunk_bytes)


@dataclass(frozen=True)
class Progress:
    """The numbers of the chunks that have come, of `total`. `safe` is whether the photo is
    listed."""

    received: list[int]
    total: int
    chunk_bytes: int
    safe: bool


def upload_id(guest_id: str, uuid: str) -> str:
    """Make the id of an upload. Uploads of two guests never share one."""
    return hashlib.sha256(f"{guest_id} {uuid}".encode(errors="replace")).hexdigest()[:32]


class Chunks:
    """Keeps chunks, and adds the photo when an upload is whole."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        intake: Intake,
        limits: Limits,
        slots: Slots,
    ) -> None:
        self._database = database
        self._storage = storage
        self._intake = intake
        self._limits = limits
        self._slots = slots

    def add_chunk(
        self, chunk: Chunk, received: StagedFile, sent_name: str, sender: Sender, uuid: str
    ) -> str:
        """Keep one chunk, which is safe when this returns. Returns the upload's outcome (see
        `read_outcome`), empty while chunks are missing. A photo is private when its first or its
        last chunk says so. Raises WrongChunk, LostChunks, and whatever `Intake.add_photo`
        raises."""
        if received.bytes != chunk.bytes or not _UUID.fullmatch(uuid):
            raise WrongChunk
        this_upload_id = upload_id(sender.guest_id, uuid)
        try:
            upload = self._begin(chunk, sent_name, sender, this_upload_id)
            if not upload.outcome:
                upload = self._keep(upload, chunk, received)
            if upload.is_whole and not upload.outcome:
                with self._slots.one_at_a_time("upload", upload.id):
                    return self._add_photo(upload, sender)
        except NoSuchUpload:
            raise LostChunks from None
        return upload.outcome

    def progress(self, guest_id: str, uuid: str) -> Progress:
        """Return what has come of an upload. Raises NoSuchUpload, and the refusal of a photo that
        was refused."""
        upload = uploads.find(self._database, upload_id(guest_id, uuid))
        safe = read_outcome(upload.outcome) is not None
        received = range(upload.chunks) if safe else uploads.received(self._database, upload.id)
        return Progress(list(received), upload.chunks, upload.chunk_bytes, safe)

    def discard(self, guest_id: str, uuid: str) -> None:
        """Give up an unfinished upload. Does nothing when it is not there, or has an outcome."""
        with suppress(NoSuchUpload):
            upload = uploads.find(self._database, upload_id(guest_id, uuid))
            if not upload.outcome:
                self._delete_chunks(upload, uploads.forget(self._database, upload.id))

    def _begin(
        self, chunk: Chunk, sent_name: str, sender: Sender, this_upload_id: str
    ) -> ChunkedUpload:
        """Find or begin the upload of a chunk. Refuses an upload by its name or its size before
        more of it comes."""
        try:
            upload = uploads.find(self._database, this_upload_id)
        except NoSuchUpload:
            name = clean_photo_name(sent_name)
            self._intake.check_name_and_size(name, chunk.upload_bytes)
            self._limits.check_guest(sender.guest_id, chunk.upload_bytes, sender.begun)
            self._limits.check_disk(chunk.upload_bytes)
            upload = uploads.begin(
                self._database,
                ChunkedUpload(
                    id=this_upload_id,
                    guest_id=sender.guest_id,
                    name=name,
                    bytes=chunk.upload_bytes,
                    chunk_bytes=chunk.chunk_bytes,
                    chunks=chunk.chunks,
                    visibility=sender.visibility,
                    touched=timestamps.now(),
                ),
            )
        if (upload.bytes, upload.chunk_bytes) != (chunk.upload_bytes, chunk.chunk_bytes):
            raise WrongChunk
        return upload

    def _keep(self, upload: ChunkedUpload, chunk: Chunk, received: StagedFile) -> ChunkedUpload:
        if uploads.has_chunk(self._database, upload.id, chunk.number):
            # Touched, since this request may be the one that finds the upload whole.
            return uploads.touch(self._database, upload.id, timestamps.now())
        self._limits.check_guest(upload.guest_id, upload.bytes - upload.received_bytes)
        self._storage.put(chunk_key(upload.id, chunk.number), received.path)
        try:
            upload = uploads.add_chunk(
                self._database, upload.id, chunk.number, chunk.bytes, timestamps.now()
            )
        except NoSuchUpload:  # it was given up meanwhile
            self._delete_chunks(upload, [chunk.number])
            raise
        if upload.outcome:  # another request came to the end meanwhile: nobody waits for this file
            self._delete_chunks(upload, [chunk.number])
        return upload

    def _add_photo(self, upload: ChunkedUpload, sender: Sender) -> str:
        """Add the photo, unless another request of this machine did it while this one waited.
        Raises NoSuchUpload, LostChunks, and whatever `Intake.add_photo` raises."""
        if outcome := uploads.find(self._database, upload.id).outcome:
            return outcome
        try:
            photo = self._assemble(upload, sender)
        except NotStored:  # another machine was first, and has deleted chunks, or they are lost
            outcome = uploads.find(self._database, upload.id).outcome
            if not outcome:
                self._delete_chunks(upload, uploads.forget(self._database, upload.id))
                raise LostChunks from None
            return outcome
        except FINAL as refusal:
            self._conclude(upload, json.dumps([refusal.code, *refusal.args]))
            raise
        outcome = f"{SAFE} {photo.stored_name}"
        self._conclude(upload, outcome)
        return outcome

    def _assemble(self, upload: ChunkedUpload, sender: Sender) -> Photo:
        if upload.visibility == OWNER:
            sender = replace(sender, visibility=OWNER)
        with self._storage.stage() as path:
            with path.open("wb") as stream:
                whole = StagedFile(path, stream, upload.bytes, self._limits.check_disk)
                for number in range(upload.chunks):
                    with self._storage.open(chunk_key(upload.id, number)) as chunk:
                        shutil.copyfileobj(chunk, whole)
            return self._intake.add_photo(whole, upload.name, sender, counted_bytes=upload.bytes)

    def _conclude(self, upload: ChunkedUpload, outcome: str) -> None:
        self._delete_chunks(
            upload, uploads.conclude(self._database, upload.id, outcome, timestamps.now())
        )

    def _delete_chunks(self, upload: ChunkedUpload, numbers: list[int]) -> None:
        """Delete chunks' files. What cannot be deleted now is swept later."""
        with suppress(OSError):
            self._storage.delete(*(chunk_key(upload.id, number) for number in numbers))


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise WrongChunk
    return int(text)


def read_outcome(outcome: str) -> str | None:
    """Read the outcome of an upload: the file name of a safe photo, empty where a former version
    did not store it, or None without an outcome. Raises the stored refusal of a photo that was
    refused, so that a chunk that is sent again gets the same answer."""
    if not outcome:
        return None
    if outcome.startswith(SAFE):
        return outcome.removeprefix(SAFE).strip()
    code, *arguments = json.loads(outcome)
    raise (_FORMER_NAMES.get(code) or BY_CODE[code])(*arguments)
