"""Opens, removes and restores photos, and changes who sees them."""

import io
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from .. import timestamps
from ..catalog import photos
from ..catalog.database import Database
from ..catalog.photos import Photo, PhotoFilter
from ..catalog.tables import Audience
from ..catalog.visibility import Viewer
from ..images.reading import Images
from ..images.slots import Slots
from ..refusals import NoSuchPhoto, NotAsJpeg, NotStored, NotTheOwner, TooManyThumbnails
from ..storage import Method, Storage
from .files import WIDTHS, jpeg_key, original_key, thumbnail_key
from .limits import HOUR_SECONDS, Limits

COPIES_AT_ONCE = 4
"""Originals that one process copies to the local disk at once, to render what is missing."""
THUMBNAILS_AT_ONCE = 16
"""Large thumbnails and JPEGs that are rendered or waited for in one process: its threads are for
others, too."""
AS_JPEG = ("heic", "avif")
"""Extensions of the formats that many programs cannot open, and that are also sent as a JPEG."""
LINK_SECONDS = 300
"""Seconds for which a link is valid: a download has to begin within them."""


class Gallery:
    """The listed photos. A removal deletes the row first and the files last (`Sweep`), so that a
    crash at any point leaves at most an orphan."""

    def __init__(
        self, database: Database, storage: Storage, images: Images, limits: Limits, slots: Slots
    ) -> None:
        self._database = database
        self._storage = storage
        self._images = images
        self._limits = limits
        self._slots = slots
        self._copies = threading.BoundedSemaphore(COPIES_AT_ONCE)
        self._thumbnails = threading.BoundedSemaphore(THUMBNAILS_AT_ONCE)

    def open_original(
        self, photo_id: str, extension: str, viewer: Viewer
    ) -> tuple[Photo, BinaryIO]:
        """Open a photo's original. The caller closes the stream. Raises NoSuchPhoto, NotStored."""
        photo = self._find_original(photo_id, extension, viewer)
        return photo, self._storage.open(original_key(photo.id, photo.extension))

    def link_original(
        self, photo_id: str, extension: str, viewer: Viewer, method: Method = "GET"
    ) -> str | None:
        """Return a URL at which the storage itself serves the original for LINK_SECONDS. None where
        the storage does not, and for a photo that not everyone sees: whoever has the link can open
        it. Raises NoSuchPhoto."""
        photo = self._find_original(photo_id, extension, viewer)
        if photo.audience < Audience.EVERYONE or not viewer.sees_others:
            return None
        return self._storage.link(original_key(photo_id, extension), LINK_SECONDS, method)

    def open_thumbnail(
        self, photo_id: str, width: int, viewer: Viewer, visitor: str
    ) -> tuple[Photo, BinaryIO]:
        """Open a photo's thumbnail. A missing one is rendered from the original, and stored if
        possible. The caller closes the stream. Raises NoSuchPhoto, also for a width that is not in
        WIDTHS, DiskNearlyFull, and TooManyThumbnails."""
        if width not in WIDTHS:
            raise NoSuchPhoto
        photo = photos.find_photo(self._database, photo_id, viewer)
        key = thumbnail_key(photo_id, width)

        def render(original: BinaryIO) -> BinaryIO:
            content = self._images.make_thumbnail(original, width, visitor)
            with suppress(OSError):  # what a full disk cannot keep can be seen all the same
                self._storage.put_bytes(key, content)
            return io.BytesIO(content)

        return photo, self._open_rendered(photo, key, render)

    def open_as_jpeg(
        self, photo_id: str, extension: str, viewer: Viewer, visitor: str
    ) -> tuple[Photo, BinaryIO]:
        """Open a photo of one of the formats AS_JPEG as a JPEG of its full size, which is made when
        it is first asked for, and stored. The caller closes the stream. Raises NoSuchPhoto,
        NotAsJpeg, DiskNearlyFull, and TooManyThumbnails."""
        photo = self._find_original(photo_id, extension, viewer)
        if photo.extension not in AS_JPEG or photo.animated:
            raise NotAsJpeg
        key = jpeg_key(photo.id)

        def render(original: BinaryIO) -> BinaryIO:
            self._limits.check_disk(photo.bytes)  # roughly: that of an AVIF may be far larger
            with self._storage.stage() as staged:
                self._images.make_jpeg(original, staged, visitor)
                self._storage.put(key, staged)
            return self._storage.open(key)

        return photo, self._open_rendered(photo, key, render)

    def _open_rendered(
        self, photo: Photo, key: str, render: Callable[[BinaryIO], BinaryIO]
    ) -> BinaryIO:
        """Open the file `key`. If it is missing, `render` makes it from the original and opens it,
        once for all who ask at the same time."""
        with suppress(NotStored):
            return self._storage.open(key)
        original = original_key(photo.id, photo.extension)
        with self._slots.one_at_a_time("thumbnail", photo.id):
            with suppress(NotStored):  # rendered while this one waited
                return self._storage.open(key)
            if not self._thumbnails.acquire(blocking=False):
                raise TooManyThumbnails
            try:
                with (
                    self._copies,
                    self._storage.open_here(original, self._limits.check_disk) as file,
                ):
                    return render(file)
            finally:
                self._thumbnails.release()

    def remove_photo(self, photo_id: str, viewer: Viewer) -> None:
        """Remove a photo from all lists; its files are deleted later. Raises NoSuchPhoto,
        NotTheOwner."""
        photo = photos.find_photo(self._database, photo_id, viewer)
        if not (viewer.is_host or _owns(viewer, photo)):
            raise NotTheOwner
        which = PhotoFilter([photo_id], viewer=viewer)
        if not photos.remove_photos(self._database, which, timestamps.now(), viewer.guest_id):
            raise NoSuchPhoto

    def restore_photo(self, photo_id: str, viewer: Viewer) -> None:
        """Undo a removal, as long as the files are there. Raises NoSuchPhoto, and the
        limits' refusals: others may have taken the room."""
        hour_ago = timestamps.now(seconds_ago=HOUR_SECONDS)
        photos.restore_photo(self._database, photo_id, viewer, hour_ago, self._limits.check_usage)

    def restore_photos(self, photo_ids: list[str], viewer: Viewer) -> None:
        """Restore photos one after the other; those that are listed already stay. When some cannot
        be restored any more, all others are, and NoSuchPhoto is raised then."""
        not_removed = []
        for photo_id in photo_ids:
            try:
                self.restore_photo(photo_id, viewer)
            except NoSuchPhoto:
                not_removed.append(photo_id)
        for photo_id in not_removed:
            photos.find_photo(self._database, photo_id, viewer)

    def set_visibility(self, photo_id: str, visibility: str, viewer: Viewer) -> None:
        """Change who sees a photo of the viewer's own. Raises NoSuchPhoto, NotTheOwner."""
        if not _owns(viewer, photos.find_photo(self._database, photo_id, viewer)):
            raise NotTheOwner
        photos.change_photos(
            self._database, PhotoFilter([photo_id], viewer.guest_id), visibility=visibility
        )

    def moderate(self, photo_ids: list[str], standing: str, host: Viewer) -> None:
        """Change the moderation state (`standing`) of photos, except those private or not there."""
        photos.change_photos(self._database, PhotoFilter(photo_ids, viewer=host), standing=standing)

    def moderate_from(
        self, former: str, photo_ids: list[str], standing: str, host: Viewer
    ) -> list[str]:
        """Change the moderation state of those of these photos that have the `former` one, and
        return their ids. What others have changed meanwhile stays, so that this undoes itself with
        the two states the other way round."""
        changed = []
        for start in range(0, len(photo_ids), photos.MAX_IDS):
            some = photo_ids[start : start + photos.MAX_IDS]
            which = PhotoFilter(some, standing=former, viewer=host)
            changed += photos.change_photos(self._database, which, standing=standing)
        return changed

    def moderate_guest(self, guest_id: str, standing: str, host: Viewer) -> None:
        """Change the moderation state of all photos of a guest, except private ones."""
        photos.change_photos(
            self._database, PhotoFilter(guest_id=guest_id, viewer=host), standing=standing
        )

    def remove_all(self, guest_id: str, host: Viewer) -> None:
        """Remove all photos of a guest, private ones as well."""
        photos.remove_photos(
            self._database, PhotoFilter(guest_id=guest_id), timestamps.now(), host.guest_id
        )

    def _find_original(self, photo_id: str, extension: str, viewer: Viewer) -> Photo:
        photo = photos.find_photo(self._database, photo_id, viewer)
        if photo.extension != extension:
            raise NoSuchPhoto
        return photo


def _owns(viewer: Viewer, photo: Photo) -> bool:
    return bool(viewer.guest_id) and photo.guest_id == viewer.guest_id
