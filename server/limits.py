"""What one guest may send within an hour, and how much the gallery may hold."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from . import moments
from .catalog import UsageCatalog
from .storage import Storage

HOUR_SECONDS = 60 * 60


class TooMuchSent(Exception):
    """This guest's limits of an hour are reached."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, round(wait_seconds))


class GalleryFull(Exception):
    """All photos together have the size that the settings allow."""


class DiskNearlyFull(Exception):
    """What is free on the disk is kept in reserve."""


@dataclass(frozen=True)
class Limits:
    """Protect the host. They are read before a photo is added, not together with it: some photos
    that arrive at once may go past a limit."""

    catalog: UsageCatalog
    storage: Storage
    folder: Path
    """Where uploads wait, and the catalog grows."""
    max_guest_photos_per_hour: int
    max_guest_bytes_per_hour: int
    max_gallery_bytes: int
    min_free_bytes: int

    def check(self, guest_id: str, more_bytes: int, begins: bool = False) -> None:
        """Whether this guest may send so much more. What arrives in chunks counts as it comes,
        and as a photo where another one `begins`. Raises TooMuchSent, GalleryFull."""
        used = self.catalog.read(guest_id, since=moments.now(seconds_ago=HOUR_SECONDS))
        if (
            used.sent_photos + begins * used.begun_uploads >= self.max_guest_photos_per_hour
            or used.sent_bytes + used.begun_bytes + more_bytes > self.max_guest_bytes_per_hour
        ):
            since_first = moments.seconds_since(used.first_sent) if used.first_sent else 0
            raise TooMuchSent(HOUR_SECONDS - since_first)
        if used.held_bytes + more_bytes > self.max_gallery_bytes:
            raise GalleryFull

    def check_disk(self, more_bytes: int) -> None:
        """Whether so much more can be written. Raises DiskNearlyFull."""
        free = [shutil.disk_usage(self.folder).free, self.storage.free_bytes()]
        if any(known is not None and known - more_bytes < self.min_free_bytes for known in free):
            raise DiskNearlyFull
