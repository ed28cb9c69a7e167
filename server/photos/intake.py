"""Takes photos in: receives and checks them, and writes each in an order that loses none."""

import errno
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import timestamps
from ..catalog import orphans, photos
from ..catalog.database import Database
from ..catalog.photos import Photo, PhotoFilter, SamePhoto
from ..catalog.viewer import EVERYONE, OWNER, SHOWN
from ..config import Config
from ..images.formats import BY_EXTENSION
from ..images.reading import Images
from ..names import clean_name, extension_of
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
from .files import crc32_of, original_key, photo_keys, thumbnail_key
from .limits import HOUR_SECONDS, Limits

ROOM_BYTES = 1024 * 1024
"""Bytes that are written between two looks at the free disk."""


class Upload:
    """A writable stream into a staged file, which counts and hashes what comes. Bytes after
    `max_bytes` are counted and thrown away, so that a client can finish sending and read why its
    photo was refused."""

    def __init__(self, path: Path, max_bytes: int, check_room: Callable[[int], None]) -> None:
        """`check_room` raises when there is no room for so many bytes more."""
        self.path = path
        self._file = path.open("wb")
        self.bytes = 0
        self._max_bytes = max_bytes
        self._check_room = check_room
        self._room = 0
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        if self.bytes <= self._max_bytes:
            if self.bytes > self._room:
                self._check_room(ROOM_BYTES)
                self._room = self.bytes + ROOM_BYTES
            self._sha256.update(data)
            self._file.write(data)
        return len(data)

    def close(self) -> None:
        """Close the file: a form of a thousand photos must not keep a thousand files open."""
        self._file.close()

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes as they were sent, in hex."""
        return self._sha256.hexdigest()


@dataclass(frozen=True)
class Sender:
    """Who sends a photo, who may see it, and its first moderation state. `visitor` is the guest,
    or the address of one without a cookie: photos of one visitor wait for each other. `has_left`
    says whether the visitor has hung up. With `renames` a wrong extension is replaced by the true
    one instead of being refused."""

    guest_id: str
    visibility: str = EVERYONE
    standing: str = SHOWN
    visitor: str = ""
    has_left: Callable[[], bool] = lambda: False
    renames: bool = False


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
        self, upload: Upload, sent_name: str, sender: Sender, counted_bytes: int = 0
    ) -> Photo:
        """Add a photo; when this returns it, it is safe. The same bytes from the same guest are
        one photo, the one that came first. `counted_bytes` of it count against the limits already.
        Raises EmptyPhoto, UnknownExtension, WrongExtension, what the images and the limits refuse,
        TooManyBytes, and UploadSwept."""
        name = clean_name(sent_name)
        self.check_announced(name, upload.bytes)
        if upload.bytes == 0:
            raise EmptyPhoto
        photo_id, hour_ago = secrets.token_hex(16), timestamps.now(seconds_ago=HOUR_SECONDS)
        check = partial(
            self._limits.check_usage, more_photos=1, more_bytes=upload.bytes - counted_bytes
        )
        check_added = partial(self._limits.check_usage, more_bytes=-counted_bytes)
        if same := photos.begin_photo(
            self._database, photo_id, sender.guest_id, upload.sha256, hour_ago, check
        ):
            return self._same(same, sender)
        keys: list[str] = []
        try:
            photo, thumbnails = self._read(photo_id, upload, name, sender)
            keys = photo_keys(photo_id, [photo.extension])
            self._put_files(photo, upload.path, thumbnails)
            photo = photos.add_photo(self._database, photo, hour_ago, check_added)
        except SamePhoto:  # it arrived twice at once, and the other one was first
            same = photos.find_same(self._database, sender.guest_id, upload.sha256)
            self._discard(photo_id, keys)
            return self._same(same, sender) if same else photo
        except (CatalogUnavailable, StorageUnavailable):
            raise  # what they were asked for may be done all the same, now or later
        except (Refusal, OSError):  # half photos would fill a full disk
            self._discard(photo_id, keys)
            raise
        self._metrics.photos_added.inc()
        return photo

    def check_announced(self, name: str, size: int) -> None:
        """Check what is known before the content is there. A name without an extension is fine: a
        pasted picture is called `blob`. Raises UnknownExtension, TooManyBytes."""
        extension = extension_of(name)
        if extension and extension not in self._settings.extensions:
            raise UnknownExtension(extension)
        if size > self._settings.max_upload_bytes:
            raise TooManyBytes

    def _true_name(self, name: str, true_extension: str, renames: bool) -> str:
        """Return the name with the extension of the content. Raises UnknownExtension,
        WrongExtension."""
        accepted = {BY_EXTENSION[spelling].extension for spelling in self._settings.extensions}
        if true_extension not in accepted:
            raise UnknownExtension(true_extension)
        extension = extension_of(name)
        if not extension or BY_EXTENSION[extension].extension == true_extension:
            return name
        if not renames:
            raise WrongExtension(true_extension)
        return clean_name(name[: -len(extension)] + true_extension)

    def _same(self, photo: Photo, sender: Sender) -> Photo:
        """Return the photo of these bytes that the sender sent before. Sent again as private, it
        becomes private; sent again for everyone, perhaps by a page that retries, it stays as it
        is."""
        if sender.visibility == OWNER and photo.guest_id == sender.guest_id:  # not by an old cookie
            photos.change_photos(self._database, PhotoFilter([photo.id]), visibility=OWNER)
        return photo

    def _read(
        self, photo_id: str, upload: Upload, name: str, sender: Sender
    ) -> tuple[Photo, dict[int, bytes]]:
        """Decode the upload, and erase in it the place where it was taken. Returns the photo, and
        its thumbnails by width."""
        with upload.path.open("r+b") as file:
            picture = self._images.read_photo(
                file, self._settings.keep_location, sender.visitor, sender.has_left
            )
            name = self._true_name(name, picture.extension, sender.renames)
            file.seek(0)
            crc32 = crc32_of(file)  # as it is stored, without the place
        photo = Photo(
            id=photo_id,
            guest_id=sender.guest_id,
            sha256=upload.sha256,
            name=name,
            extension=picture.extension,
            bytes=upload.bytes,
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
        return photo, picture.thumbnails

    def _put_files(self, photo: Photo, original: Path, thumbnails: dict[int, bytes]) -> None:
        """Store all files at once, since a storage may be far away. When this returns or raises, no
        request is under way any more."""
        mimetype = BY_EXTENSION[photo.extension].mimetype
        key = original_key(photo.id, photo.extension)
        puts = [partial(self._storage.put, key, original, mimetype, photo.file_name)]
        for width, content in thumbnails.items():
            puts.append(partial(self._storage.put_bytes, thumbnail_key(photo.id, width), content))
        with ThreadPoolExecutor(len(puts)) as pool:
            try:
                running = [pool.submit(put) for put in puts]
            except RuntimeError as error:  # there are too many threads, or this process ends
                raise StorageUnavailable(errno.EAGAIN, str(error)) from error
            for put in running:
                put.result()

    def _discard(self, photo_id: str, keys: list[str]) -> None:
        """Delete the files of a photo that is not listed, and then its intent row. What cannot be
        deleted now is swept."""
        with suppress(CatalogUnavailable, OSError):
            self._storage.delete(*keys)
            orphans.forget_intents(self._database, [photo_id])
