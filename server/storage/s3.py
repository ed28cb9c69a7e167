"""Storage in a bucket of an S3 server, by obstore."""

import errno
import io
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ..names import with_extension
from ..refusals import NotStored, StorageUnavailable
from . import Method
from .filesystem import Staging
from .s3_address import S3Address

CONNECT_SECONDS = 3
ANSWER_SECONDS = 15
"""Timeout of one answer with its body, which is short: whatever is long goes in parts."""
PART_SECONDS = 60
"""Timeout of one part of a file that is put: a home's uplink is slow."""
MAX_RETRIES = 3
RETRY_SECONDS = 10
"""Seconds after which nothing is tried again."""
PART_BYTES = 8 * 1024 * 1024
"""Size of the parts of a large file. S3 takes none below 5 MiB, and at most 10,000 of them."""
PARTS_AT_ONCE = 2
PUTS_AT_ONCE = 8
"""Number of files that one process puts at once. Each holds up to a part more than it sends in
memory."""
QUEUE_SECONDS = 120
"""Seconds that a file waits for a slot to be put, before its sender is told to try again."""
FIRST_BYTES = 512 * 1024
"""Bytes that the first request for a file asks for: thumbnails come whole with it."""
BLOCK_BYTES = 512 * 1024
"""Bytes of a file that a slow reader holds in memory."""
BUFFER_BYTES = 64 * 1024
LISTED_AT_ONCE = 1000


class S3Storage:
    """Keys are those of objects, below the address's prefix. Uploads are staged in
    `scratch/incoming`.

    An object appears whole or not at all, once the server has answered. A process that is killed
    while it puts a file in parts leaves those on the server, where no list shows them: the
    bucket's lifecycle wants a rule AbortIncompleteMultipartUpload.

    Credentials are those of the usual AWS_ variables, which obstore reads by itself.
    """

    root = None

    def __init__(
        self,
        address: S3Address,
        scratch: Path,
        answer_seconds: float = ANSWER_SECONDS,
        queue_seconds: float = QUEUE_SECONDS,
    ) -> None:
        self._address = address
        self._answer_seconds = answer_seconds
        self._queue_seconds = queue_seconds
        self._staging = Staging(scratch / "incoming")
        self._puts = threading.BoundedSemaphore(PUTS_AT_ONCE)

    # A client that was made before a fork hangs after it: each process makes its own, when it is
    # wanted. Two threads may both make one, of which one is used.

    @cached_property
    def _client(self) -> S3Store:
        return self._connect(self._address.endpoint, self._answer_seconds)

    @cached_property
    def _put_client(self) -> S3Store:
        return self._connect(self._address.endpoint, max(self._answer_seconds, PART_SECONDS))

    @cached_property
    def _link_client(self) -> S3Store:
        """The client that signs links; it makes no connection."""
        return self._connect(self._address.public_endpoint, self._answer_seconds)

    def _connect(self, endpoint: str, seconds: float) -> S3Store:
        chosen = {"endpoint": endpoint, "region": self._address.region}
        given: Any = {name: text for name, text in chosen.items() if text}
        with _translated_errors():
            return S3Store(
                self._address.bucket,
                prefix=self._address.prefix or None,
                config=given,
                client_options={
                    "allow_http": endpoint.startswith("http://"),
                    "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                    "timeout": timedelta(seconds=seconds),
                },
                retry_config={
                    "max_retries": MAX_RETRIES,
                    "retry_timeout": timedelta(seconds=RETRY_SECONDS),
                },
            )

    def stage(self) -> AbstractContextManager[Path]:
        return self._staging.stage()

    def put(self, key: str, staged: Path, mimetype: str = "", name: str = "") -> None:
        attributes = {
            "Cache-Control": "private, no-store",
            "Content-Disposition": _attachment(name and with_extension(name, key.split(".")[-1])),
            "Content-Type": mimetype or "application/octet-stream",
        }
        if not self._puts.acquire(timeout=self._queue_seconds):
            raise StorageUnavailable(errno.EBUSY, "Too many files wait to be put")
        try:
            with _translated_errors():
                obstore.put(
                    self._put_client,
                    key,
                    staged,
                    attributes=attributes,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
        finally:
            self._puts.release()
        staged.unlink()

    def put_bytes(self, key: str, content: bytes) -> None:
        with _translated_errors():
            obstore.put(self._client, key, content, use_multipart=False)

    def open(self, key: str) -> BinaryIO:
        return io.BufferedReader(_StoredFile(self._client, key), BUFFER_BYTES)

    def open_here(self, key: str, check_room: Callable[[int], object] | None = None) -> BinaryIO:
        with self.open(key) as stored, ExitStack() as opened:
            if check_room:
                check_room(stored.seek(0, io.SEEK_END))
                stored.seek(0)
            here = opened.enter_context(self._staging.open_nameless())
            shutil.copyfileobj(stored, here, BUFFER_BYTES)
            here.seek(0)
            opened.pop_all()
        return here

    def link(self, key: str, seconds: float, method: Method = "GET") -> str | None:
        if not self._address.public_endpoint:
            return None
        with _translated_errors():
            return obstore.sign(self._link_client, method, key, timedelta(seconds=seconds))

    def rename(self, key: str, new_key: str) -> None:
        with _translated_errors():
            try:
                obstore.rename(self._put_client, key, new_key)
            except FileNotFoundError:
                raise NotStored(key) from None

    def delete(self, *keys: str) -> None:
        if keys:
            with _translated_errors():
                obstore.delete(self._client, keys)

    def list(self, prefix: str, older_than_seconds: float | None = None) -> Iterator[str]:
        latest = None if older_than_seconds is None else time.time() - older_than_seconds
        for file in self._list(prefix):
            if latest is None or file["last_modified"].timestamp() < latest:
                yield file["path"]

    def list_sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        for file in self._list(prefix):
            yield file["path"], file["size"]

    def _list(self, prefix: str) -> "Iterator[obstore.ObjectMeta]":
        with _translated_errors():
            for listed in obstore.list(self._client, prefix, chunk_size=LISTED_AT_ONCE):
                yield from listed

    def old_staged(self, older_than_seconds: float) -> Iterator[str]:
        return self._staging.old_staged(older_than_seconds)

    def discard_staged(self, name: str) -> None:
        self._staging.discard_staged(name)

    def check(self) -> None:
        self._staging.check()
        self.put_bytes("check", b"well")
        with _translated_errors():
            obstore.get(self._client, "check").bytes()


class _StoredFile(io.RawIOBase):
    """Reads block by block, each in a request of its own: however slowly it is read, no request is
    open meanwhile, and no more than a block is held."""

    def __init__(self, client: S3Store, key: str) -> None:
        self._client = client
        self._key = key
        self._position = self._start = 0
        try:
            self._block, self._size = self._fetch(0, FIRST_BYTES)
        except StorageUnavailable as error:
            if "416 Range Not Satisfiable" not in str(error):
                raise
            self._block, self._size = memoryview(b""), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        if not self._start <= self._position < self._start + len(self._block):
            end = min(self._position + BLOCK_BYTES, self._size)
            self._block, _ = self._fetch(self._position, end)
            self._start = self._position
            if len(self._block) != end - self._start:
                raise StorageUnavailable(errno.EIO, f"{self._key} was cut off")
        piece = self._block[self._position - self._start :][: len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _fetch(self, start: int, end: int) -> tuple[memoryview, int]:
        """Fetch these bytes, fewer where the file ends, and the size of the whole file."""
        with _translated_errors():
            try:
                found = obstore.get(self._client, self._key, options={"range": (start, end)})
                return memoryview(found.bytes()), found.meta["size"]
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                raise NotStored(self._key) from None


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn obstore's exceptions into StorageUnavailable with one line, which has no more of the
    server's answer than its code: the rest may contain the request's signature. Two answers are no
    failure, and callers look for them: a FileNotFoundError, inside this context, becomes NotStored,
    and a 416 in the line means that `_StoredFile` has opened an empty file."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        summary, _, document = str(error).partition("\n\nDebug source")[0].partition("<?xml")
        code = re.search(r"<Code>([^<]*)<", document)
        line = " ".join([*summary.split(), *(code.groups() if code else ())])
        raise StorageUnavailable(errno.EIO, line) from error


def _attachment(name: str) -> str:
    """Write a Content-Disposition with the whole name for browsers (RFC 6266), after one in ASCII
    for `curl`."""
    plain = re.sub(r"[^\w .-]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
