"""Copies a gallery to another database and storage while it runs: a move, or a backup.

Files are never changed, so what the target lists is the progress: a run copies what is missing
there, and reads it back. Then the tables follow, in one snapshot of the gallery and one
transaction of the target, so that the copy always shows one moment of the gallery, or nothing.
"""

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from itertools import groupby, islice
from secrets import token_hex
from typing import BinaryIO, TypeVar

from .catalog import replica
from .catalog.database import Database
from .catalog.guests import Amount
from .catalog.replica import AnotherGallery, Reading, Snapshot, StoredPhoto
from .images.formats import BY_EXTENSION
from .photos.files import WIDTHS, original_key, owner_id, photo_keys, thumbnail_key
from .refusals import NotStored
from .storage import Storage

AT_ONCE = 4
"""Number of files that are copied at the same time: a remote storage answers each one slowly."""
WAITING = 16 * AT_ONCE
"""Number of photos that the threads are given at once: so many that a slow one holds up few."""
ROUNDS = 4
"""Number of times that photos which came meanwhile are copied, at most, before the snapshot is
taken."""
CHECKED_FILES = 500
"""Number of originals that are looked up to see whether a storage belongs to another gallery."""
BLOCK_BYTES = 1024 * 1024
COPY_ID_KEY = "storage.id"
"""The key of the file with the id that the storage of a copy shares with its catalog."""

NOTHING = Amount(0, 0)

Item = TypeVar("Item")
Result = TypeVar("Result")


class SameGallery(Exception):
    """The target is this gallery itself."""


class AnotherStorage(Exception):
    """The target's storage belongs to another catalog."""


class DamagedFile(Exception):
    """A file cannot be read, has another length than the catalog says, or is read back with other
    bytes than were written."""


@dataclass(frozen=True)
class Place:
    """The database and the storage of a gallery."""

    database: Database
    storage: Storage


@dataclass
class Progress:
    """The progress of a move. `there` is how much of the `gallery` is in the target, `copied` how
    much of it this run has copied. `lost` are listed photos whose files could not be copied."""

    gallery: Amount
    there: Amount = NOTHING
    copied: Amount = NOTHING
    lost: list[StoredPhoto] = field(default_factory=list)


class Move:
    """One run of the command. `report` is called with the progress after each copied photo."""

    def __init__(self, source: Place, target: Place, report: Callable[[Progress], None]) -> None:
        self._here = source
        self._there = target
        self._report = report
        self._progress = Progress(NOTHING)
        self.has_begun = False
        """Whether something may have been copied."""

    def prepare(self) -> None:
        """Bring the schema of the target up to date, once it is known that this gallery may go
        there. Raises UnusableCatalog, AnotherGallery and AnotherStorage before anything is changed
        or made, and CatalogUnavailable and OSError."""
        self._check_target()
        self._there.database.upgrade()

    def run(self) -> Progress:
        """Copy the gallery to a target that was prepared. Raises AlreadyClaimed, SameGallery,
        AnotherGallery and AnotherStorage before anything is copied, and CatalogUnavailable and
        OSError."""
        with self._there.database.claim():
            self._take_target()
            self.has_begun = True
            return self._copy()

    def _check_target(self) -> tuple[bool, str | None, str | None]:
        """Return whether the target's catalog is empty, its copy id, and its storage's. Nothing is
        written, since it may be another gallery."""
        is_empty = replica.check_target(self._here.database, self._there.database)
        known = replica.read_copy_id(self._there.database)
        held = _read_copy_id(self._there.storage)
        if held and held != known:
            raise AnotherStorage
        if not held:
            files = islice(self._there.storage.list("originals"), CHECKED_FILES)
            if replica.unknown_photos(self._here.database, {owner_id(key) for key in files}):
                raise AnotherGallery
        return is_empty, known, held

    def _take_target(self) -> None:
        """Mark the target as a copy of this gallery. If the mark can be read here, the target is
        this gallery itself, whatever the addresses say, and the mark is removed."""
        is_empty, known, held = self._check_target()  # again, now that no other move can claim it
        copy_id = known or token_hex(16)
        if not known:
            replica.keep_copy_id(self._there.database, copy_id)
        if not held:
            self._there.storage.put_bytes(COPY_ID_KEY, copy_id.encode())
        if copy_id in (
            replica.read_copy_id(self._here.database),
            _read_copy_id(self._here.storage),
        ):
            if not held:
                self._there.storage.delete(COPY_ID_KEY)
            if not known:
                replica.forget_copy_id(self._there.database)
            raise SameGallery
        if is_empty:
            replica.copy_secrets(self._here.database, self._there.database)

    def _copy(self) -> Progress:
        progress = self._progress
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in range(ROUNDS):
                before = progress.copied
                self._copy_photos(pool, self._here.database.snapshot)
                if progress.copied == before:
                    break
            with replica.open_snapshot(self._here.database) as snapshot:
                lost, needless = self._copy_photos(pool, lambda: nullcontext(snapshot))
                chunks = self._copy_chunks(pool, snapshot)
                former_uploads = replica.copy_tables(
                    snapshot, self._there.database, {photo.id for photo in lost}
                )
        # Photos that were removed after the snapshot may have lost their files since.
        progress.lost = [it for it in lost if replica.still_lists(self._here.database, it.id)]
        for photo in needless:
            self._there.storage.delete(*photo_keys(photo.id, [photo.extension]))
        kept = set(self._there.storage.list("chunks")) - chunks
        self._there.storage.delete(*(key for key in kept if owner_id(key) in former_uploads))
        return progress

    def _copy_photos(
        self, pool: ThreadPoolExecutor, reading: Reading
    ) -> tuple[list[StoredPhoto], list[StoredPhoto]]:
        """Copy the files that the target lacks. Returns the photos whose files could not be copied,
        and those of which the target still has files that the gallery has deleted."""
        progress = self._progress
        progress.gallery, progress.there = replica.measure_files(self._here.database), NOTHING
        lost: list[StoredPhoto] = []
        needless: list[StoredPhoto] = []
        lacking = self._lacking(replica.read_photos(reading), needless)
        for photo, is_there in _side_by_side(pool, self._copy_photo, lacking):
            if not is_there:
                lost.append(photo)
                continue
            progress.there = _more(progress.there, photo)
            progress.copied = _more(progress.copied, photo)
            self._report(progress)
        return lost, needless

    def _lacking(
        self, photos: Iterable[StoredPhoto], needless: list[StoredPhoto]
    ) -> Iterator[StoredPhoto]:
        """Yield the photos whose originals the target lacks, or has in another length. Files are
        listed folder by folder, so that the list fits into memory."""
        for folder, some in groupby(photos, lambda photo: photo.id[:2]):
            sizes = dict(self._there.storage.list_sizes(f"originals/{folder}"))
            for photo in some:
                size = sizes.get(original_key(photo.id, photo.extension))
                if not photo.keeps_files:
                    if size is not None:
                        needless.append(photo)
                elif size == photo.bytes:
                    self._progress.there = _more(self._progress.there, photo)
                else:
                    yield photo

    def _copy_photo(self, photo: StoredPhoto) -> tuple[StoredPhoto, bool]:
        """Copy a photo's files, the original last, since its presence means that all are there.
        Returns the photo, and whether the target has what it needs."""
        try:
            for width in WIDTHS:
                with suppress(NotStored, DamagedFile):  # it is rendered when it is first requested
                    self._copy_file(thumbnail_key(photo.id, width))
            mimetype = BY_EXTENSION[photo.extension].mimetype
            key = original_key(photo.id, photo.extension)
            self._copy_file(key, mimetype, photo.name, photo.bytes)
        except NotStored:
            return photo, not photo.is_listed  # the files of a removed photo are deleted soon
        except DamagedFile:
            return photo, False
        return photo, True

    def _copy_chunks(self, pool: ThreadPoolExecutor, snapshot: Snapshot) -> set[str]:
        """Copy the chunks of unfinished uploads, and return their keys. All are copied each time:
        they are few, and one may have been replaced by another of the same length."""
        uploads = replica.upload_ids(snapshot)
        keys = {key for key in self._here.storage.list("chunks") if owner_id(key) in uploads}
        for _ in _side_by_side(pool, self._copy_chunk, keys):
            pass
        return keys

    def _copy_chunk(self, key: str) -> None:
        """Copy a chunk. If it is gone or cannot be read, its guest's page sends it again."""
        with suppress(NotStored, DamagedFile):
            self._copy_file(key)

    def _copy_file(
        self, key: str, mimetype: str = "", name: str = "", size: int | None = None
    ) -> None:
        """Copy a file and read it back. Raises NotStored, and DamagedFile, also when it has another
        length than `size` bytes."""
        with self._here.storage.open(key) as original, self._there.storage.stage() as staged:
            sent = hashlib.sha256()
            with staged.open("wb") as copy:
                for block in _read_blocks(original):
                    sent.update(block)
                    copy.write(block)
                if size not in (None, copy.tell()):
                    raise DamagedFile(key)
            self._there.storage.put(key, staged, mimetype, name)
        with self._there.storage.open(key) as kept:
            received = hashlib.sha256()
            for block in _read_blocks(kept):
                received.update(block)
        if received.digest() != sent.digest():
            self._there.storage.delete(key)
            raise DamagedFile(key)


def _read_copy_id(storage: Storage) -> str | None:
    try:
        with storage.open(COPY_ID_KEY) as file:
            return file.read().decode("ascii", "replace")
    except NotStored:
        return None


def _read_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a file's bytes. A disk's read error becomes DamagedFile, so that one bad sector does
    not stop the copying of all other photos."""
    try:
        while block := stream.read(BLOCK_BYTES):
            yield block
    except OSError as error:
        if type(error) is not OSError or error.errno != errno.EIO:  # not a read error of the disk
            raise
        raise DamagedFile from error


def _side_by_side(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """Yield what the function returns for each item; few of them wait at a time."""
    waiting = iter(items)
    while some := list(islice(waiting, WAITING)):
        yield from pool.map(function, some)


def _more(amount: Amount, photo: StoredPhoto) -> Amount:
    return Amount(amount.photos + 1, amount.bytes + photo.bytes)
