"""What can be done with photos, and in which order it is written."""

import itertools
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from .catalog import Catalog, CatalogUnavailable, NoSuchPhoto, Photo, SamePhoto
from .formats import BY_EXTENSION
from .images import LARGE_THUMBNAIL_WIDTH, THUMBNAIL_WIDTHS, Images, Picture
from .location import erase_location
from .names import clean_name, extension_of
from .storage import NotStored, Storage, StoredFile
from .upload import TooManyBytes, Upload

WIDTHS = (*THUMBNAIL_WIDTHS, LARGE_THUMBNAIL_WIDTH)
SWEEP_AGE_SECONDS = 24 * 60 * 60
"""Whatever is younger may belong to a photo that is just being written."""
SWEEP_BATCH = 500


class EmptyPhoto(Exception):
    """A file of no bytes."""


class UnknownExtension(Exception):
    """The name's extension is not among those that the settings allow."""


class WrongExtension(Exception):
    """The name says one format, the content is another."""

    def __init__(self, extension: str) -> None:
        super().__init__(extension)
        self.extension = extension


class ForeignCatalog(Exception):
    """There are photos in the storage, and this catalog has never seen one."""


class NotTheOwner(Exception):
    """Somebody else's photo."""


class Gallery:
    """Bytes first, row last; on removal row first, bytes last: a crash at any point leaves at
    most an orphan, which `sweep` finds."""

    def __init__(
        self,
        catalog: Catalog,
        storage: Storage,
        images: Images,
        extensions: tuple[str, ...],
        keep_location: bool,
    ) -> None:
        self.catalog = catalog
        self.storage = storage
        self._images = images
        self._extensions = extensions
        self._keep_location = keep_location

    def add_photo(self, upload: Upload, sent_name: str, guest_id: str) -> None:
        """Take a photo in; when this returns, it is safe. The same bytes from the same guest
        are one photo. Raises this module's and the images' refusals, and TooManyBytes."""
        name = clean_name(sent_name)
        self._check_name(name)
        if upload.is_too_large:
            raise TooManyBytes
        if upload.bytes == 0:
            raise EmptyPhoto
        if self.catalog.holds(guest_id, upload.sha256):
            return
        with upload.path.open("r+b") as file:
            picture = self._images.read_photo(file)
            self._check_content(name, picture.extension)
            if not self._keep_location:
                erase_location(file, picture.extension)
        self._keep(_photo(upload, name, guest_id, picture), upload.path, picture.thumbnails)

    def open_original(self, photo_id: str, extension: str) -> tuple[Photo, BinaryIO]:
        """The stream is closed by the caller. Raises NoSuchPhoto, NotStored."""
        photo = self.catalog.find_photo(photo_id)
        if photo.extension != extension:
            raise NoSuchPhoto(photo_id)
        return photo, self.storage.open(_original_key(photo))

    def open_thumbnail(self, photo_id: str, width: int) -> BinaryIO:
        """The stream is closed by the caller. What is missing is made from the original, and
        kept. Raises NoSuchPhoto, also for a width that is not of WIDTHS."""
        if width not in WIDTHS:
            raise NoSuchPhoto(photo_id)
        photo = self.catalog.find_photo(photo_id)
        key = _thumbnail_key(photo_id, width)
        try:
            return self.storage.open(key)
        except NotStored:
            with self.storage.open(_original_key(photo)) as original:
                content = self._images.make_thumbnail(original, width)
            self.storage.put_bytes(key, content)
            return self.storage.open(key)

    def remove_photo(self, photo_id: str, guest_id: str) -> None:
        """Raises NoSuchPhoto, NotTheOwner."""
        photo = self.catalog.find_photo(photo_id)
        if not guest_id or photo.guest_id != guest_id:
            raise NotTheOwner(photo_id)
        self.catalog.remove_photo(photo_id)
        self._delete_files(photo)

    def sweep_staged(self) -> int:
        """Removes what crashes left half received a day ago or more; returns how many files."""
        return self.storage.discard_staged(SWEEP_AGE_SECONDS)

    def sweep(self) -> int:
        """Removes also what was received and never listed. By order only: with the wrong catalog
        that would be every photo. Raises ForeignCatalog when it looks so."""
        if self.catalog.version() == 0 and any(self.storage.list("originals")):
            raise ForeignCatalog
        swept = self.sweep_staged()
        for folder in ("originals", "thumbnails"):
            old_files = self._old_files(folder)
            while files := list(itertools.islice(old_files, SWEEP_BATCH)):
                listed = self.catalog.listed_ids({_photo_id(file.key) for file in files})
                for file in files:
                    if _photo_id(file.key) not in listed:
                        self.storage.delete(file.key)
                        swept += 1
        return swept

    def failing_parts(self) -> list[str]:
        """Which of catalog and storage do not answer."""
        failing = []
        for name, check in (("catalog", self.catalog.version), ("storage", self.storage.check)):
            try:
                check()
            except (CatalogUnavailable, OSError):
                failing.append(name)
        return failing

    def _old_files(self, folder: str) -> Iterator[StoredFile]:
        newest = time.time() - SWEEP_AGE_SECONDS
        return (file for file in self.storage.list(folder) if file.modified < newest)

    def _check_name(self, name: str) -> None:
        """A name without an extension says nothing wrong: a pasted picture is called `blob`."""
        extension = extension_of(name)
        if extension and extension not in self._extensions:
            raise UnknownExtension(extension)

    def _check_content(self, name: str, true_extension: str) -> None:
        if true_extension not in map(_true_extension, self._extensions):
            raise UnknownExtension(true_extension)
        if _true_extension(extension_of(name) or true_extension) != true_extension:
            raise WrongExtension(true_extension)

    def _keep(self, photo: Photo, original: Path, thumbnails: dict[int, bytes]) -> None:
        try:
            for width, content in thumbnails.items():
                self.storage.put_bytes(_thumbnail_key(photo.id, width), content)
            self.storage.put(_original_key(photo), original)
            self.catalog.add_photo(photo)
        except SamePhoto:  # it arrived twice at once, and the other one was first
            self._delete_files(photo)
        except OSError:  # a full disk should not be filled further by half photos
            self._delete_files(photo)
            raise

    def _delete_files(self, photo: Photo) -> None:
        self.storage.delete(_original_key(photo))
        for width in WIDTHS:
            self.storage.delete(_thumbnail_key(photo.id, width))


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
        uploaded=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        placeholder=picture.placeholder,
    )


def _true_extension(extension: str) -> str:
    return BY_EXTENSION[extension].extension


def _original_key(photo: Photo) -> str:
    return f"originals/{photo.id[:2]}/{photo.id}.{photo.extension}"


def _thumbnail_key(photo_id: str, width: int) -> str:
    return f"thumbnails/{photo_id[:2]}/{photo_id}-{width}.webp"


def _photo_id(key: str) -> str:
    """Of an original's or a thumbnail's key."""
    return key.rpartition("/")[2][:32]
