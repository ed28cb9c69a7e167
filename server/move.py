"""Copies a gallery to another pair of engines while it runs: a move, or a backup."""

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, islice
from secrets import token_hex
from typing import BinaryIO, TypeVar

from .catalog.copied_photos import CopiedPhoto
from .catalog.database import Database
from .catalog.replica import Replica, SameGallery
from .catalog.snapshot import AnotherGallery, Chunk, Snapshot
from .catalog.usage import Share
from .images.formats import BY_EXTENSION
from .names import with_extension
from .photos.files import (
    WIDTHS,
    chunk_key,
    original_key,
    owner_id,
    photo_keys,
    thumbnail_key,
)
from .refusals import NotStored
from .storage import Storage, mark_key

AT_ONCE = 4
"""Files that are copied side by side: a storage far away lets each one wait."""
BATCH = 20
"""Photos whose rows are written together; so many a crash has to copy again."""
ROUNDS = 3
"""For what comes meanwhile, before one moment of the gallery is held fast."""
LOOKED_AT = 500
"""Files by which the storage of another gallery is known."""
LOST_AT_ONCE = 500
"""Photos that are forgotten together."""
BLOCK_BYTES = 1024 * 1024
STORAGE_ID = "storage.id"
"""The key under which the storage of a copy has the id that its catalog knows, too."""

NOTHING = Share(0, 0)

Item = TypeVar("Item")


class AnotherStorage(Exception):
    """It belongs to another copy: to another catalog."""


class DamagedFile(Exception):
    """It cannot be read, has not the length that the catalog says, or is read back as something
    else than was written."""


@dataclass(frozen=True)
class Place:
    """Where a gallery is kept."""

    database: Database
    storage: Storage


@dataclass
class Progress:
    """`there` is how much of the `gallery` has been copied, by former runs too; `copied` by this
    one. `lost` are photos that are listed and whose files could not be copied."""

    gallery: Share
    there: Share
    copied: Share = NOTHING
    lost: list[CopiedPhoto] = field(default_factory=list)


class Move:
    """Files first, row last: whatever ends it, the next one goes on from there. `report` is told
    of the progress again and again."""

    def __init__(self, source: Place, target: Place, report: Callable[[Progress], None]) -> None:
        self._source = source.storage
        self._target = target.storage
        self._there = target.database
        self._replica = Replica(source.database, target.database)
        self._report = report
        self._progress = Progress(NOTHING, NOTHING)
        self.has_begun = False
        """Something may have been copied."""

    def prepare(self) -> None:
        """Bring the schema of the target up to date, once it is known that this gallery may go
        there. Raises UnusableCatalog, AnotherGallery and AnotherStorage before anything is changed
        or made, and CatalogUnavailable and OSError."""
        self._look()
        self._there.upgrade()

    def run(self) -> Progress:
        """What has become of it. Raises as `prepare`, and AlreadyClaimed and SameGallery before
        anything is copied."""
        self.prepare()
        with self._there.claim():
            self._check_target()
            self.has_begun = True
            self._forget_lost()
            return self._run()

    def _run(self) -> Progress:
        self._progress = Progress(*self._replica.shares())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            after = -1
            for _ in range(ROUNDS):
                until = self._replica.version()
                self._copy_photos(pool, self._replica.uncopied(after, until))
                after = until
            with self._replica.snapshot() as snapshot:
                needless_chunks = self._copy_moment(pool, snapshot)
        self._target.delete(*[chunk_key(*chunk) for chunk in needless_chunks])
        self._delete_purged()
        self._progress.gallery, self._progress.there = self._replica.shares()
        return self._progress

    def _look(self) -> tuple[bool, str | None, str | None]:
        """Whether the replica is empty, and the id of its storage as the replica has it, and as the
        storage has. It may be a stranger's: nothing is written."""
        is_empty = self._replica.check()
        known, held = self._replica.storage_id(), self._storage_id()
        if held and held != known:
            raise AnotherStorage
        if not held:
            some = {owner_id(key) for key in islice(self._target.list("originals"), LOOKED_AT)}
            if self._replica.strangers(some):
                raise AnotherGallery
        return is_empty, known, held

    def _check_target(self) -> None:
        is_empty, known, held = self._look()  # again: nobody else is copying to there from now on
        if self._replica.is_same() or self._is_same_storage():
            raise SameGallery
        if is_empty:
            self._replica.claim()
        if not known:
            self._replica.keep_storage_id(known := token_hex(16))
        if not held:
            self._target.put_bytes(STORAGE_ID, known.encode())

    def _is_same_storage(self) -> bool:
        """Whatever the addresses say: is what is written there read here?"""
        name = token_hex(16)  # what a crash leaves of it is swept
        try:
            self._target.mark(name)
            self._source.open(mark_key(name)).close()
        except NotStored:
            return False
        finally:
            self._target.discard_staged(name)
        return True

    def _storage_id(self) -> str | None:
        try:
            with self._target.open(STORAGE_ID) as file:
                return file.read().decode("ascii", "replace")
        except NotStored:
            return None

    def _forget_lost(self) -> None:
        """What the replica says is there, and is not, or no more as long as it was. Folder by
        folder, in which no more is than memory holds."""
        copied = chain.from_iterable(self._replica.copied())
        for start, photos in groupby(copied, lambda photo: photo.id[:2]):
            sizes = dict(self._target.list_sizes(f"originals/{start}"))
            lost = [
                photo
                for photo in photos
                if sizes.get(original_key(photo.id, photo.extension)) != photo.bytes
            ]
            for some in _in_parts(lost, LOST_AT_ONCE):
                self._replica.forget_copied(some)

    def _copy_moment(self, pool: ThreadPoolExecutor, snapshot: Snapshot) -> list[Chunk]:
        lost = self._copy_photos(pool, snapshot.uncopied())
        kept = set(self._target.list("chunks"))
        chunks = snapshot.uncopied_chunks(lambda chunk: chunk_key(*chunk) in kept)
        for _ in pool.map(self._copy_chunk, chunks):
            pass
        # What was removed since then may have lost its files since then.
        self._progress.lost = [photo for photo in lost if self._replica.still_lists(photo.id)]
        return snapshot.apply()

    def _copy_photos(
        self, pool: ThreadPoolExecutor, batches: Iterable[list[CopiedPhoto]]
    ) -> list[CopiedPhoto]:
        """Those that could not be copied."""
        lost: list[CopiedPhoto] = []
        for photos in (some for batch in batches for some in _in_parts(batch, BATCH)):
            copied: list[CopiedPhoto] = []
            try:
                for photo, is_there in zip(photos, pool.map(self._copy_photo, photos), strict=True):
                    if is_there:
                        copied.append(photo)
                    else:
                        lost.append(replace(photo, row={}))
            finally:
                self._replica.add_copied(copied)
            self._count(copied)
        return lost

    def _count(self, copied: list[CopiedPhoto]) -> None:
        size = sum(photo.bytes for photo in copied)
        progress = self._progress
        progress.there = _more(progress.there, len(copied), size)
        progress.copied = _more(progress.copied, len(copied), size)
        self._report(progress)

    def _copy_photo(self, photo: CopiedPhoto) -> bool:
        """Whether all that is needed of it is there."""
        try:
            for width in WIDTHS:
                with suppress(NotStored, DamagedFile):  # it is made when it is asked for
                    self._copy(thumbnail_key(photo.id, width))
            mimetype = BY_EXTENSION[photo.extension].mimetype
            key = original_key(photo.id, photo.extension)
            name = with_extension(photo.name, photo.extension)
            self._copy(key, mimetype, name, photo.bytes)
        except NotStored:
            return not photo.is_listed  # its files go soon after it
        except DamagedFile:
            return False
        return True

    def _copy_chunk(self, chunk: Chunk) -> None:
        """One that is gone meanwhile, or cannot be read, is sent again by its guest."""
        with suppress(NotStored, DamagedFile):
            self._copy(chunk_key(*chunk))

    def _copy(self, key: str, mimetype: str = "", name: str = "", size: int | None = None) -> None:
        """Raises NotStored; DamagedFile, also when it has not this `size`."""
        with self._source.open(key) as original, self._target.stage() as staged:
            sent = hashlib.sha256()
            with staged.open("wb") as copy:
                for block in _readable_blocks(original):
                    sent.update(block)
                    copy.write(block)
                if size not in (None, copy.tell()):
                    raise DamagedFile(key)
            self._target.put(key, staged, mimetype, name)
        with self._target.open(key) as kept:
            received = hashlib.sha256()
            for block in _readable_blocks(kept):
                received.update(block)
        if received.digest() != sent.digest():
            self._target.delete(key)
            raise DamagedFile(key)

    def _delete_purged(self) -> None:
        for photos in self._replica.purged():
            for photo in photos:
                self._target.delete(*photo_keys(photo.id, [photo.extension]))
            self._replica.forget_purged(photos)


def _readable_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """One bad place on a disk must not hold up all the other photos."""
    try:
        while block := stream.read(BLOCK_BYTES):
            yield block
    except OSError as error:
        if type(error) is not OSError or error.errno != errno.EIO:  # it is not the disk's word
            raise
        raise DamagedFile from error


def _in_parts(items: list[Item], size: int) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _more(share: Share, photos: int, size: int) -> Share:
    return Share(share.photos + photos, share.bytes + size)
