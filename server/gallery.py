"""What can be done with photos, and in which order it is written."""

import errno
import io
import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from . import moments
from .catalog import (
    EVERYONE,
    OWNER,
    SHOWN,
    Catalog,
    NoSuchPhoto,
    Photo,
    RuledOut,
    SamePhoto,
    Viewer,
    Which,
)
from .formats import BY_EXTENSION
from .images import LARGE_THUMBNAIL_WIDTH, THUMBNAIL_WIDTHS, Images, Picture
from .limits import GalleryFull, Limits, TooMuchSent
from .location import erase_location
from .names import clean_name, extension_of
from .storage import Method, NotStored, Storage, StorageUnavailable
from .storage.keys import original_key, thumbnail_key
from .upload import TooManyBytes, Upload

WIDTHS = (*THUMBNAIL_WIDTHS, LARGE_THUMBNAIL_WIDTH)
UNDO_SECONDS = 60
"""How long a removed photo keeps its files. The page offers to undo for 10 s after the last of
several removals, and none that is older than 45."""
COPIES_AT_ONCE = 4
"""Of originals, in one process, of which large thumbnails are made: they fill the disk."""
LINK_SECONDS = 300
"""Within which a download has to begin."""


class EmptyPhoto(Exception):
    """A file of no bytes."""


class UnknownExtension(Exception):
    """The name's extension is not among those that the settings allow."""


class WrongExtension(Exception):
    """The name says one format, the content is another."""

    def __init__(self, extension: str) -> None:
        super().__init__(extension)
        self.extension = extension


class NotTheOwner(Exception):
    """Somebody else's photo."""


class NotAHost(Exception):
    """What only hosts may do."""


class UnknownSender(Exception):
    """Nobody could be shown a photo again that is for this sender alone."""


class SomebodyElse(Exception):
    """The page that sends was another visitor's: it does not know yet."""


@dataclass(frozen=True)
class Sender:
    """Who sends a photo, who may see it, and what the hosts say of it at first."""

    guest_id: str
    visibility: str = EVERYONE
    standing: str = SHOWN


class Gallery:
    """Bytes first, row last; on removal row first, bytes last (`Sweep`): a crash at any point
    leaves at most an orphan, which is swept."""

    def __init__(
        self,
        catalog: Catalog,
        storage: Storage,
        images: Images,
        limits: Limits,
        max_upload_bytes: int,
        extensions: tuple[str, ...],
        keep_location: bool,
    ) -> None:
        self.catalog = catalog
        self.storage = storage
        self.limits = limits
        self._images = images
        self._max_upload_bytes = max_upload_bytes
        self._extensions = extensions
        self._keep_location = keep_location
        self._copies = threading.BoundedSemaphore(COPIES_AT_ONCE)

    def add_photo(
        self, upload: Upload, sent_name: str, sender: Sender, counted_bytes: int = 0
    ) -> None:
        """Take a photo in; when this returns, it is safe. The same bytes from the same guest
        are one photo. `counted_bytes` of it count against the limits already. Raises this
        module's refusals, those of the images and the limits, TooManyBytes, and RuledOut."""
        name = clean_name(sent_name)
        self.check_announced(name, upload.bytes)
        if upload.bytes == 0:
            raise EmptyPhoto
        if self._was_sent(sender.guest_id, upload.sha256, sender.visibility):
            return
        self.limits.check(sender.guest_id, upload.bytes - counted_bytes)
        with upload.path.open("r+b") as file:
            picture = self._images.read_photo(file)
            self._check_content(name, picture.extension)
            if not self._keep_location:
                erase_location(file, picture.extension)
        photo = _photo(upload, name, sender, picture)
        self._keep(photo, upload.path, picture.thumbnails, counted_bytes)

    def check_announced(self, name: str, size: int) -> None:
        """What can be said before the content is there. A name without an extension says nothing
        wrong: a pasted picture is called `blob`. Raises UnknownExtension, TooManyBytes."""
        extension = extension_of(name)
        if extension and extension not in self._extensions:
            raise UnknownExtension(extension)
        if size > self._max_upload_bytes:
            raise TooManyBytes

    def open_original(
        self, photo_id: str, extension: str, viewer: Viewer
    ) -> tuple[Photo, BinaryIO]:
        """The stream is closed by the caller. Raises NoSuchPhoto, NotStored."""
        photo = self._find_original(photo_id, extension, viewer)
        return photo, self.storage.open(original_key(photo.id, photo.extension))

    def link_original(
        self, photo_id: str, extension: str, viewer: Viewer, method: Method = "GET"
    ) -> str | None:
        """An address at which the storage itself hands it out for LINK_SECONDS; None where it does
        not. Raises NoSuchPhoto."""
        photo = self._find_original(photo_id, extension, viewer)
        key = original_key(photo.id, photo.extension)
        return self.storage.link(key, LINK_SECONDS, method)

    def open_thumbnail(self, photo_id: str, width: int, viewer: Viewer) -> tuple[Photo, BinaryIO]:
        """The stream is closed by the caller. What is missing is made from the original, and
        kept if it can be. Raises NoSuchPhoto, also for a width that is not of WIDTHS, and
        DiskNearlyFull."""
        if width not in WIDTHS:
            raise NoSuchPhoto
        photo = self.catalog.find_photo(photo_id, viewer)
        key = thumbnail_key(photo_id, width)
        try:
            return photo, self.storage.open(key)
        except NotStored:
            return photo, self._make_thumbnail(photo, width)

    def _make_thumbnail(self, photo: Photo, width: int) -> BinaryIO:
        key = thumbnail_key(photo.id, width)
        with self._copies:
            with suppress(NotStored):  # who waited for the same one has it now
                return self.storage.open(key)
            original = original_key(photo.id, photo.extension)
            with self.storage.open_here(original, self.limits.check_disk) as file:
                content = self._images.make_thumbnail(file, width)
        with suppress(OSError):  # what a full disk cannot keep can be seen all the same
            self.storage.put_bytes(key, content)
        return io.BytesIO(content)

    def remove_photo(self, photo_id: str, viewer: Viewer) -> None:
        """Gone from every list at once, its files in a while. Raises NoSuchPhoto, NotTheOwner."""
        photo = self.catalog.find_photo(photo_id, viewer)
        if not (viewer.is_host or _owns(viewer, photo)):
            raise NotTheOwner
        which = Which([photo_id], viewer=viewer)
        if not self.catalog.remove_photos(which, moments.now(), viewer.guest_id):
            raise NoSuchPhoto

    def restore_photo(self, photo_id: str, viewer: Viewer) -> None:
        """Undo a removal, as long as the files are there. Raises NoSuchPhoto, and the
        limits' refusals: others may have taken the room."""
        check = partial(self.limits.check_added, counted_bytes=0)
        with suppress(SamePhoto):  # it was sent again meanwhile
            self.catalog.restore_photo(photo_id, viewer, self.limits.hour_ago(), check)

    def set_visibility(self, photo_id: str, visibility: str, viewer: Viewer) -> None:
        """Raises NoSuchPhoto, NotTheOwner."""
        if not _owns(viewer, self.catalog.find_photo(photo_id, viewer)):
            raise NotTheOwner
        self.catalog.change_photos(Which([photo_id], viewer.guest_id), visibility=visibility)

    def set_standing(self, photo_ids: list[str], standing: str, host: Viewer) -> None:
        """What is not there is passed over, and so is what is private."""
        self.catalog.change_photos(Which(photo_ids, viewer=host), standing=standing)

    def set_standing_of_all(self, guest_id: str, standing: str, host: Viewer) -> None:
        """As `set_standing`, of one guest's photos."""
        self.catalog.change_photos(Which(guest_id=guest_id, viewer=host), standing=standing)

    def remove_all(self, guest_id: str, host: Viewer) -> None:
        """One guest's photos, private ones too."""
        self.catalog.remove_photos(Which(guest_id=guest_id), moments.now(), host.guest_id)

    def remove_private(self, guest_id: str) -> None:
        """Those of one guest that nobody else sees."""
        private = Which(guest_id=guest_id, visibility=OWNER)
        self.catalog.remove_photos(private, moments.now(), by_guest="")

    def _find_original(self, photo_id: str, extension: str, viewer: Viewer) -> Photo:
        photo = self.catalog.find_photo(photo_id, viewer)
        if photo.extension != extension:
            raise NoSuchPhoto
        return photo

    def _check_content(self, name: str, true_extension: str) -> None:
        if true_extension not in map(_true_extension, self._extensions):
            raise UnknownExtension(true_extension)
        if _true_extension(extension_of(name) or true_extension) != true_extension:
            raise WrongExtension(true_extension)

    def _was_sent(self, guest_id: str, sha256: str, visibility: str) -> bool:
        """Whether they sent these bytes before. Sent once more for themselves alone, they are seen
        by nobody else; sent for everyone, perhaps by a page that tries again, they stay as they
        are."""
        same = self.catalog.find_same(guest_id, sha256)
        if same and visibility == OWNER and same.guest_id == guest_id:  # not by an old cookie
            self.catalog.change_photos(Which([same.id]), visibility=OWNER)
        return same is not None

    def _keep(
        self, photo: Photo, original: Path, thumbnails: dict[int, bytes], counted_bytes: int
    ) -> None:
        """While a photo's files are there and its row is not, its mark is, so that what a crash,
        a silent catalog or a broken disk has left is known for what it is (`Sweep`). So are they
        when catalog or storage does not answer: what it was asked for may be done all the same,
        now or later."""
        check = partial(self.limits.check_added, counted_bytes=counted_bytes)
        self.storage.mark(photo.id)
        try:
            self._put_files(photo, original, thumbnails)
            self.catalog.add_photo(photo, self.limits.hour_ago(), check)
        except SamePhoto:  # it arrived twice at once, and the other one was first
            self._was_sent(photo.guest_id, photo.sha256, photo.visibility)
            self._tidy_up(photo.id, photo_keys(photo.id, [photo.extension]))
        except StorageUnavailable:
            raise
        except (OSError, TooMuchSent, GalleryFull, RuledOut):  # half photos would fill a full disk
            self._tidy_up(photo.id, photo_keys(photo.id, [photo.extension]))
            raise
        else:
            self._tidy_up(photo.id)

    def _put_files(self, photo: Photo, original: Path, thumbnails: dict[int, bytes]) -> None:
        """All at once, for a storage far away; when this ends, none is on its way any more."""
        mimetype = BY_EXTENSION[photo.extension].mimetype
        key = original_key(photo.id, photo.extension)
        puts = [partial(self.storage.put, key, original, mimetype, photo.name)]
        for width, content in thumbnails.items():
            puts.append(partial(self.storage.put_bytes, thumbnail_key(photo.id, width), content))
        with ThreadPoolExecutor(len(puts)) as pool:
            for done in [_submit(pool, put) for put in puts]:
                done.result()

    def _tidy_up(self, photo_id: str, keys: Iterable[str] = ()) -> None:
        """The answer stands already; what cannot be deleted keeps its mark, for the sweep."""
        with suppress(OSError):
            if keys:
                self.storage.delete(*keys)
            self.storage.discard_staged(photo_id)


def photo_keys(photo_id: str, extensions: Iterable[str]) -> list[str]:
    """Of all files that a photo of one of these extensions may have."""
    originals = [original_key(photo_id, extension) for extension in extensions]
    return originals + [thumbnail_key(photo_id, width) for width in WIDTHS]


def _submit(pool: ThreadPoolExecutor, put: Callable[[], None]) -> Future[None]:
    """A machine without another thread, and a process that is about to end, put nothing."""
    try:
        return pool.submit(put)
    except RuntimeError as error:
        raise StorageUnavailable(errno.EAGAIN, str(error)) from error


def _owns(viewer: Viewer, photo: Photo) -> bool:
    return bool(viewer.guest_id) and photo.guest_id == viewer.guest_id


def _photo(upload: Upload, name: str, sender: Sender, picture: Picture) -> Photo:
    return Photo(
        id=secrets.token_hex(16),
        guest_id=sender.guest_id,
        sha256=upload.sha256,
        name=name,
        extension=picture.extension,
        bytes=upload.bytes,
        width=picture.width,
        height=picture.height,
        animated=picture.animated,
        taken=picture.taken,
        uploaded=moments.now(),
        placeholder=picture.placeholder,
        visibility=sender.visibility,
        standing=sender.standing,
    )


def _true_extension(extension: str) -> str:
    return BY_EXTENSION[extension].extension
