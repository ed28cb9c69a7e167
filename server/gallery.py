"""What can be done with photos, and in which order it is written."""

import io
import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from . import moments
from .catalog import Catalog, CatalogUnavailable, NoSuchPhoto, Photo, SamePhoto
from .formats import BY_EXTENSION
from .images import LARGE_THUMBNAIL_WIDTH, THUMBNAIL_WIDTHS, Images, Picture
from .limits import GalleryFull, Limits, TooMuchSent
from .location import erase_location
from .names import clean_name, extension_of
from .storage import NotStored, Storage
from .storage.keys import original_key, thumbnail_key
from .upload import TooManyBytes, Upload

WIDTHS = (*THUMBNAIL_WIDTHS, LARGE_THUMBNAIL_WIDTH)
UNDO_SECONDS = 60
"""How long a removed photo keeps its files. The page offers to undo for 10 s after the last of
several removals, and none that is older than 45."""


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

    def add_photo(
        self, upload: Upload, sent_name: str, guest_id: str, counted_bytes: int = 0
    ) -> None:
        """Take a photo in; when this returns, it is safe. The same bytes from the same guest
        are one photo. `counted_bytes` of it count against the limits already. Raises this
        module's refusals, those of the images and the limits, and TooManyBytes."""
        name = clean_name(sent_name)
        self.check_announced(name, upload.bytes)
        if upload.bytes == 0:
            raise EmptyPhoto
        if self.catalog.holds(guest_id, upload.sha256):
            return
        self.limits.check(guest_id, upload.bytes - counted_bytes)
        with upload.path.open("r+b") as file:
            picture = self._images.read_photo(file)
            self._check_content(name, picture.extension)
            if not self._keep_location:
                erase_location(file, picture.extension)
        photo = _photo(upload, name, guest_id, picture)
        self._keep(photo, upload.path, picture.thumbnails, counted_bytes)

    def check_announced(self, name: str, size: int) -> None:
        """What can be said before the content is there. A name without an extension says nothing
        wrong: a pasted picture is called `blob`. Raises UnknownExtension, TooManyBytes."""
        extension = extension_of(name)
        if extension and extension not in self._extensions:
            raise UnknownExtension(extension)
        if size > self._max_upload_bytes:
            raise TooManyBytes

    def open_original(self, photo_id: str, extension: str) -> tuple[Photo, BinaryIO]:
        """The stream is closed by the caller. Raises NoSuchPhoto, NotStored."""
        photo = self.catalog.find_photo(photo_id)
        if photo.extension != extension:
            raise NoSuchPhoto(photo_id)
        return photo, self.storage.open(original_key(photo.id, photo.extension))

    def open_thumbnail(self, photo_id: str, width: int) -> BinaryIO:
        """The stream is closed by the caller. What is missing is made from the original, and
        kept if it can be. Raises NoSuchPhoto, also for a width that is not of WIDTHS."""
        if width not in WIDTHS:
            raise NoSuchPhoto(photo_id)
        photo = self.catalog.find_photo(photo_id)
        key = thumbnail_key(photo_id, width)
        try:
            return self.storage.open(key)
        except NotStored:
            with self.storage.open(original_key(photo.id, photo.extension)) as original:
                content = self._images.make_thumbnail(original, width)
            with suppress(OSError):  # what a full disk cannot keep can be seen all the same
                self.storage.put_bytes(key, content)
            return io.BytesIO(content)

    def remove_photo(self, photo_id: str, guest_id: str) -> None:
        """Gone from every list at once, its files in a while. Raises NoSuchPhoto, NotTheOwner."""
        _check_owner(self.catalog.find_photo(photo_id), guest_id)
        self.catalog.remove_photo(photo_id, moments.now())

    def restore_photo(self, photo_id: str, guest_id: str) -> None:
        """Undo a removal, as long as the files are there. Raises NoSuchPhoto, NotTheOwner, and the
        limits' refusals: others may have taken the room."""
        photo = self.catalog.find_removed_photo(photo_id)
        _check_owner(photo, guest_id)
        check = partial(self.limits.check_added, counted_bytes=0)
        with suppress(SamePhoto):  # it was sent again meanwhile
            self.catalog.restore_photo(photo, self.limits.hour_ago(), check)

    def failing_parts(self) -> list[str]:
        """Which of catalog and storage do not answer."""
        failing = []
        for name, check in (("catalog", self.catalog.version), ("storage", self.storage.check)):
            try:
                check()
            except (CatalogUnavailable, OSError):
                failing.append(name)
        return failing

    def _check_content(self, name: str, true_extension: str) -> None:
        if true_extension not in map(_true_extension, self._extensions):
            raise UnknownExtension(true_extension)
        if _true_extension(extension_of(name) or true_extension) != true_extension:
            raise WrongExtension(true_extension)

    def _keep(
        self, photo: Photo, original: Path, thumbnails: dict[int, bytes], counted_bytes: int
    ) -> None:
        """While a photo's files are there and its row is not, its mark is, so that what a crash,
        a silent catalog or a broken disk has left is known for what it is (`Sweep`)."""
        check = partial(self.limits.check_added, counted_bytes=counted_bytes)
        self.storage.mark(photo.id)
        try:
            for width, content in thumbnails.items():
                self.storage.put_bytes(thumbnail_key(photo.id, width), content)
            self.storage.put(original_key(photo.id, photo.extension), original)
            self.catalog.add_photo(photo, self.limits.hour_ago(), check)
        except SamePhoto:  # it arrived twice at once, and the other one was first
            self._delete_files(photo)
        except (OSError, TooMuchSent, GalleryFull):  # half photos would fill a full disk
            self._delete_files(photo)
            self.storage.discard_staged(photo.id)
            raise
        self.storage.discard_staged(photo.id)

    def _delete_files(self, photo: Photo) -> None:
        self.storage.delete(original_key(photo.id, photo.extension))
        for width in WIDTHS:
            self.storage.delete(thumbnail_key(photo.id, width))


def _check_owner(photo: Photo, guest_id: str) -> None:
    if not guest_id or photo.guest_id != guest_id:
        raise NotTheOwner(photo.id)


def _photo(upload: Upload, name: str, guest_id: str, picture: Picture) -> Photo:
    return Photo(
        id=secrets.token_hex(16),
        guest_id=guest_id,
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
    )


def _true_extension(extension: str) -> str:
    return BY_EXTENSION[extension].extension
