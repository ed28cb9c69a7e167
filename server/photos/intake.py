"""Takes photos in: receives and checks them, and writes each in an order that loses none."""

import builtins
import errno
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from .. import timestamps
from ..catalog import orphans, photos
from ..catalog.database import Database
from ..catalog.photos import Photo, PhotoFilter, SamePhoto
from ..catalog.tables import OWNER
from ..config import Config
from ..images.formats import BY_EXTENSION
from ..images.reading import Images
from ..names import clean_photo_name, extension_of
from ..operations.metrics import Metrics
from ..refusals import (
    CatalogUnavailable,
    EmptyPhoto,
    Refusal,
    StorageUnavailable,
    TooManyBytes,
    UnknownExtension,
    WrongExtension,
)
from ..storage import Storage
from .files import crc32_of, original_key, thumbnail_key
from .limits import HOUR_SECONDS, Limits

ROOM_BYTES = 1024 * 1024
"""Bytes that are written between two looks at the free disk."""


@dataclass
class StagedFile:
    """A writable stream into a staged file, which counts and hashes what comes. Bytes after
    `max_bytes` are counted and thrown away, so that a client can finish sending and read why its
    photo was refused. `sha256` is of the bytes as they were sent; it is of no use when more came
    than `max_bytes`. `check_room` raises when there is no room for so many bytes more. Whoever has
    opened `stream` closes it."""

    path: Path
    stream: BinaryIO
    max_bytes: int
    check_room: Callable[[int], object]
    bytes: int = 0
    room: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)

    def write(self, data: builtins.bytes) -> int:
        self.bytes += len(data)
        if self.bytes <= self.max_bytes:
            if self.bytes > self.room:
                self.check_room(ROOM_BYTES)
                self.room = self.bytes + ROOM_BYTES
            self.sha256.update(data)
            self.stream.write(data)
        return len(data)


@dataclass(frozen=True)
class Sender:
    """A photo's sender, who may see it, and its first moderation state. `visitor` is the guest
    or, without a cookie, the network: slots for decoding are shared fairly by it. `is_disconnected`
    tells whether the visitor has hung up. With `renames` a wrong extension is replaced by the true
    one instead of being refused. The request began at `begun`."""

    guest_id: str
    visibility: str
    standing: str
    visitor: str
    is_disconnected: Callable[[], bool]
    renames: bool
    begun: str


class Intake:
    """Adds photos in this order: an intent row, the files, and last the photo's own row, with which
    the intent row is deleted. A crash at any point leaves at most files that are known by their
    intent row, and swept."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        images: Images,
        limits: Limits,
        settings: Config,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._storage = storage
        self._images = images
        self._limits = limits
        self._settings = settings
        self._metrics = metrics

    def add_photo(
        self, staged: StagedFile, sent_name: str, sender: Sender, counted_bytes: int = 0
    ) -> Photo:
        """Add a photo; when this returns it, it is safe. The same bytes from the same guest are
        one photo, the one that came first. `counted_bytes` of it count against the limits already.
        Raises EmptyPhoto, UnknownExtension, WrongExtension, what the images and the limits refuse,
        TooManyBytes, and UploadSwept."""
        name = clean_photo_name(sent_name)
        self.check_name_and_size(name, staged.bytes)
        if staged.bytes == 0:
            raise EmptyPhoto
        photo_id, hour_ago = secrets.token_hex(16), timestamps.now(seconds_ago=HOUR_SECONDS)
        # The usage that is checked before does not count this photo yet; the one after does.
        check_before = partial(
            self._limits.check_usage,
            more_photos=1,
            more_bytes=staged.bytes - counted_bytes,
            begun=None if counted_bytes else sender.begun,
        )
        check_after = partial(self._limits.check_usage, more_bytes=-counted_bytes)
        sha256 = staged.sha256.hexdigest()
        sent_before = photos.begin_photo(
            self._database, photo_id, sender.guest_id, sha256, hour_ago, check_before
        )
        if sent_before:
            return self._keep_first(sent_before, sender)
        keys: list[str] = []
        try:
            photo = self._store(photo_id, staged, name, sender, keys)
            photo = photos.add_photo(self._database, photo, hour_ago, check_after)
        except SamePhoto as same:  # it arrived twice at once, and the other one was first
            self._discard(photo_id, keys)
            return self._keep_first(same.photo, sender)
        except (CatalogUnavailable, StorageUnavailable):
            raise  # what they were asked for may be done all the same, now or later
        except (Refusal, OSError):  # half photos would fill a full disk
            self._discard(photo_id, keys)
            raise
        self._metrics.photos_added.inc()
        return photo

    def check_name_and_size(self, name: str, size: int) -> None:
        """Check what can be known without the content. A name without an extension is fine: a
        pasted picture is called `blob`. Raises UnknownExtension, TooManyBytes."""
        extension = extension_of(name)
        if extension and extension not in self._settings.extensions:
            raise UnknownExtension(extension)
        if size > self._settings.max_upload_bytes:
            raise TooManyBytes

    def _keep_first(self, photo: Photo, sender: Sender) -> Photo:
        """Keep the photo that came first with these bytes, and return it. Sent again as private,
        it becomes private; sent again for everyone, perhaps by a page that retries, it stays as it
        is."""
        if sender.visibility == OWNER and photo.guest_id == sender.guest_id:  # not by an old cookie
            photos.change_photos(self._database, PhotoFilter([photo.id]), visibility=OWNER)
        return photo

    def _store(
        self, photo_id: str, staged: StagedFile, name: str, sender: Sender, keys: list[str]
    ) -> Photo:
        """Decode the file, erase in it the place where it was taken, and store it and its
        thumbnails, all at once, since a storage may be far away. Returns the photo, whose name has
        the extension of its content, and notes in `keys` which files there may be. When this
        returns or raises, no request is under way any more."""
        with staged.path.open("r+b") as file:
            picture = self._images.read_photo(
                file, self._settings.keep_location, sender.visitor, sender.is_disconnected
            )
            file.seek(0)
            crc32 = crc32_of(file)  # as it is stored, without the place
        extension, claimed = picture.extension, extension_of(name)
        if extension not in {BY_EXTENSION[it].extension for it in self._settings.extensions}:
            raise UnknownExtension(extension)
        if claimed and BY_EXTENSION[claimed].extension != extension:
            if not sender.renames:
                raise WrongExtension(extension)
            name = clean_photo_name(name[: -len(claimed)] + extension)
        key, mimetype = original_key(photo_id, extension), BY_EXTENSION[extension].mimetype
        puts = [partial(self._storage.put, key, staged.path, mimetype, name)]
        keys.append(key)
        for width, content in picture.thumbnails.items():
            keys.append(thumbnail_key(photo_id, width))
            puts.append(partial(self._storage.put_bytes, keys[-1], content))
        with ThreadPoolExecutor(len(puts)) as pool:
            try:
                running = [pool.submit(put) for put in puts]
            except RuntimeError as error:  # there are too many threads, or this process ends
                raise StorageUnavailable(errno.EAGAIN, str(error)) from error
            for put in running:
                put.result()
        return Photo(
            id=photo_id,
            guest_id=sender.guest_id,
            sha256=staged.sha256.hexdigest(),
            name=name,
            extension=extension,
            bytes=staged.bytes,
            width=picture.width,
            height=picture.height,
            animated=picture.animated,
            taken=picture.taken,
            uploaded=timestamps.now(),
            placeholder=picture.placeholder,
            visibility=sender.visibility,
            standing=sender.standing,
            crc32=crc32,
        )

    def _discard(self, photo_id: str, keys: list[str]) -> None:
        """Delete these files of a photo that is not listed, and then its intent row. What cannot be
        deleted now is swept."""
        with suppress(CatalogUnavailable, OSError):
            self._storage.delete(*keys)
            orphans.forget_intents(self._database, [photo_id])
