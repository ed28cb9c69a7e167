"""The sweep deletes what nobody needs any more, and no file of a listed photo.

- Removed photos: their files, after UNDO_SECONDS.
- What crashes left: files half received, and photos of which only an intent row is known, after
  AGE_SECONDS; marks of former versions in the same way.
- Chunked uploads that nobody has gone on with, and chunks of no upload, after AGE_SECONDS.
- Rows of changes that nobody asks for any more (`changes.KEPT_SECONDS`).

Originals that the catalog knows nothing of are never deleted, and every hour not touched either.
`dropwall sweep` moves up to HANDFUL of them to the folder `unknown`, and with `--delete-unknown` as
many as there are. It also deletes originals of photos that were removed, and thumbnails of none.

Between all that it computes the CRC-32 of originals that came before Dropwall stored it.
"""

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import NoReturn

from .. import timestamps
from ..catalog import changes, orphans, photos, uploads
from ..catalog.database import Database
from ..refusals import CatalogUnavailable, NotStored, StorageUnavailable
from ..storage import Storage
from .files import (
    chunk_key,
    crc32_of,
    is_photo_id,
    original_key,
    owner_id,
    photo_keys,
    unknown_key,
)

AGE_SECONDS = 24 * 60 * 60
"""Age below which a file or a row may belong to a photo that is just being written."""
UNDO_SECONDS = 60
"""How long a removed photo keeps its files. The page offers to undo for 10 s after the last of
several removals, and none that is older than 45."""
EVERY_SECONDS = 60 * 60
PURGE_EVERY_SECONDS = 10
BATCH = 500
HANDFUL = 10
"""Number of unknown originals that crashes may have left. With more, the catalog is in doubt."""
SUMMED_AT_ONCE = 50
"""Originals that are read every PURGE_EVERY_SECONDS, for their CRC-32."""

NEWEST_CHANGE_KEY = "newest-change"
"""Key of the file that says which change was the newest one at the last sweep. A catalog that does
not know it was restored from a backup."""

log = logging.getLogger(__name__)


class UnknownOriginals(Exception):
    """There are originals that the catalog knows nothing of, and that were not left by a crash."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(keys)
        self.keys = keys


@dataclass(frozen=True)
class Swept:
    """How many leftovers were removed, and how many unknown originals moved to a folder of their
    own."""

    removed: int
    moved: int


@dataclass(frozen=True)
class Sweep:
    """Deletes orphans. An age only selects candidates, since clocks may be wrong, and a photo that
    seems old may be listed the next moment: the catalog rules that out before files are deleted."""

    database: Database
    storage: Storage

    def sweep_forever(self) -> NoReturn:
        """Sweep what is unfinished now and every hour. In between, purge removed photos, and
        compute missing CRC-32s, every PURGE_EVERY_SECONDS."""
        while True:
            self._try(self.sweep_unfinished)
            self._try(partial(changes.forget_old_changes, self.database))
            for _ in range(EVERY_SECONDS // PURGE_EVERY_SECONDS):
                self._try(self.purge_removed)
                self._try(self.sum_originals)
                time.sleep(PURGE_EVERY_SECONDS)

    def _try(self, work: Callable[[], int]) -> None:
        try:
            work()
        except (CatalogUnavailable, OSError) as error:
            log.warning("Sweeping failed, it is tried again later: %s", error)

    def purge_removed(self, undo_seconds: float = UNDO_SECONDS) -> int:
        """Delete photos whose removal cannot be undone any more, and return how many. After a
        crash, or in a second process, the same is done again; a file that the disk does not delete
        holds up no other."""
        purged = failed = 0
        too_late = timestamps.now(seconds_ago=undo_seconds)
        while not failed and (removed := orphans.unpurged_photos(self.database, too_late, BATCH)):
            for photo_id in removed:
                try:
                    if orphans.wipe_photo(self.database, photo_id):
                        self.storage.delete(*photo_keys(photo_id))
                        orphans.mark_purged(self.database, photo_id)
                    purged += 1
                except StorageUnavailable:  # and would not answer for the others
                    raise
                except OSError as error:
                    log.warning("A removed photo is still there, it is tried again: %s", error)
                    failed += 1
        return purged

    def sum_originals(self, after: str | None = None) -> int:
        """Compute the CRC-32 of some originals that came before Dropwall stored it, and return how
        many. They are those after an id, by default a random one, so that workers seldom do the
        same. A download that needs one earlier computes it, and takes longer."""
        after = secrets.token_hex(16) if after is None else after
        unsummed = orphans.find_unsummed(self.database, after, SUMMED_AT_ONCE)
        for photo_id, extension in unsummed:
            with suppress(NotStored), self.storage.open(original_key(photo_id, extension)) as file:
                photos.keep_crc32(self.database, photo_id, crc32_of(file))
        return len(unsummed)

    def sweep_unfinished(self) -> int:
        """Remove what was left half-way a day ago or more: files half received, photos half
        written, uploads given up. Return how many. Touches no listed photo."""
        self._notice_restored_catalog()
        swept = self._sweep_marks()
        for name in self.storage.old_staged(AGE_SECONDS):
            self.storage.discard_staged(name)
            swept += 1
        swept += self._sweep_intents() + self._give_up_uploads()
        return swept + self._sweep_orphans(
            "chunks", lambda ids: ids - uploads.known_ids(self.database, ids)
        )

    def _notice_restored_catalog(self) -> None:
        """Forget the intent rows of a catalog that was restored from a backup: their photos may
        have been listed since. What the restored one does not know stays as an unknown original.
        (What came after the backup and within the hour before the loss is not noticed here.)"""
        with suppress(NotStored), self.storage.open(NEWEST_CHANGE_KEY) as file:
            if not changes.is_known(self.database, int(file.read())):
                log.warning("This catalog was restored from a backup; no photo is taken for half")
                orphans.forget_intents(self.database)
        newest = str(changes.find_newest(self.database))
        self.storage.put_bytes(NEWEST_CHANGE_KEY, newest.encode())

    def _sweep_intents(self) -> int:
        """Delete the files of photos of which only an intent row is known, and return how many. A
        request that ends later than this is refused (UploadSwept), and deletes its own files."""
        swept = 0
        day_ago = timestamps.now(seconds_ago=AGE_SECONDS)
        while photo_ids := orphans.mark_intents_swept(self.database, day_ago, BATCH):
            folders = {original_key(photo_id, "").rpartition("/")[0] for photo_id in photo_ids}
            stored = itertools.chain.from_iterable(map(self.storage.list, folders))
            has_originals = any(owner_id(key) in photo_ids for key in stored)
            # In a catalog that was restored from a backup, photos that were on their way at that
            # moment have intent rows, though they were listed since. Then others came, too, of
            # which it knows nothing. (Where none did, this cannot be seen.)
            if has_originals and self._look_up_originals()[0]:
                log.warning(
                    "Photos of which only a part may be there are not swept: the catalog knows"
                    " nothing of other originals in the storage; see `dropwall sweep`"
                )
                break
            self._delete_files(photo_ids)
            orphans.forget_intents(self.database, photo_ids)
            swept += len(photo_ids)
        return swept

    def _sweep_marks(self) -> int:
        """Marks: until Dropwall kept intent rows (0013), an empty file in `incoming/` stood for
        one. They are left by servers that an upgrade has ended, and by a former version that still
        runs beside this one; when galleries older than 0013 are not taken any more, this can go."""
        swept = 0
        keys = (
            key
            for key in self.storage.list("incoming", AGE_SECONDS)
            if is_photo_id(PurePosixPath(key).name)
        )
        while marks := set(itertools.islice(keys, BATCH)):
            # A mark may have stayed though its photo was listed: by a catalog that was lost since.
            older = self.storage.list("incoming", self._age_of_catalog())
            photo_ids = {owner_id(key) for key in marks.difference(older)}
            photo_ids -= orphans.known_ids(self.database, photo_ids)
            self._delete_files(photo_ids)
            self.storage.delete(*marks)
            swept += len(marks)
        return swept

    def _delete_files(self, photo_ids: Collection[str]) -> None:
        self.storage.delete(*(key for photo_id in photo_ids for key in photo_keys(photo_id)))

    def sweep_everything(self, delete_unknown: bool = False) -> Swept:
        """Remove what `sweep_unfinished` does, and orphan originals and thumbnails as well, which
        only a host's command does. An original that the catalog knows nothing of may be all that is
        left of a photo: it is moved, not removed. With a wrong or lost catalog, that would be every
        photo: where it looks so, and `delete_unknown` is not set, no original is touched, and
        UnknownOriginals is raised."""
        unknown, knows_some = self._look_up_originals()
        if unknown and not knows_some and not delete_unknown:
            raise UnknownOriginals(unknown)
        removed = self.sweep_unfinished()
        unknown, _ = self._look_up_originals(AGE_SECONDS)
        if not delete_unknown and (len(unknown) > HANDFUL or self._is_younger(unknown)):
            raise UnknownOriginals(unknown)
        moved = 0
        for key in unknown:
            with suppress(NotStored):  # another sweep was first
                self.storage.rename(key, unknown_key(key))
                moved += 1
        removed += self._sweep_orphans("originals", partial(orphans.removed_ids, self.database))
        # An id that no row knows, not even an intent row, never will be a photo's.
        removed += self._sweep_orphans(
            "thumbnails", lambda ids: ids - orphans.known_ids(self.database, ids)
        )
        return Swept(removed, moved)

    def has_lost_catalog(self) -> bool:
        """Whether originals are stored, though the catalog has never had a photo. The very first
        photo, while it is arriving, looks the same."""
        is_stored = next(self.storage.list("originals"), None) is not None
        return is_stored and not orphans.has_had_photos(self.database)

    def _look_up_originals(self, older_than_seconds: float | None = None) -> tuple[list[str], bool]:
        """Return the keys of originals that the catalog knows nothing of, sorted, and whether there
        are others, of photos that are listed, may be restored, or are on their way."""
        unknown: list[str] = []
        knows_some = False
        keys = self.storage.list("originals", older_than_seconds)
        while batch := list(itertools.islice(keys, BATCH)):
            ids = {owner_id(key) for key in batch}
            known = orphans.known_ids(self.database, ids)
            knows_some = knows_some or bool(known)
            known |= orphans.removed_ids(self.database, ids)
            unknown += [key for key in batch if owner_id(key) not in known]
        return sorted(unknown), knows_some

    def _is_younger(self, unknown: list[str]) -> bool:
        """Whether the catalog is younger than one of these originals."""
        these = set(unknown)
        older = self.storage.list("originals", self._age_of_catalog())
        return bool(these) and any(key in these for key in older)

    def _age_of_catalog(self) -> float:
        return timestamps.seconds_since(orphans.find_catalog_creation(self.database))

    def _give_up_uploads(self) -> int:
        swept = 0
        day_ago = timestamps.now(seconds_ago=AGE_SECONDS)
        while old := uploads.ids_untouched_since(self.database, day_ago, BATCH):
            for upload_id in old:
                numbers = uploads.forget(self.database, upload_id, untouched_since=day_ago)
                self.storage.delete(*(chunk_key(upload_id, number) for number in numbers))
                swept += len(numbers)
        return swept

    def _sweep_orphans(self, folder: str, find_orphan_ids: Callable[[set[str]], set[str]]) -> int:
        """Delete old files of a folder whose owners `find_orphan_ids` picks out, and return how
        many."""
        swept = 0
        old_keys = self.storage.list(folder, older_than_seconds=AGE_SECONDS)
        while keys := list(itertools.islice(old_keys, BATCH)):
            orphan_ids = find_orphan_ids({owner_id(key) for key in keys})
            orphan_keys = [key for key in keys if owner_id(key) in orphan_ids]
            self.storage.delete(*orphan_keys)
            swept += len(orphan_keys)
        return swept
