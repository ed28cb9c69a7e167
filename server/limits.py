"""What one guest may send within an hour, and how much the gallery may hold."""

import shutil
from dataclasses import dataclass

from . import moments
from .catalog import Usage, UsageCatalog
from .config import Config
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
    """Protect the host. They are asked before the work is done, and again when a photo is added,
    which happens one after another: photos that arrive at once do not go past them."""

    catalog: UsageCatalog
    storage: Storage
    settings: Config

    def check(self, guest_id: str, more_bytes: int, begins: bool = False) -> None:
        """Whether this guest may send so much more. What arrives in chunks counts as it comes,
        and as a photo where another one `begins`. Raises TooMuchSent, GalleryFull."""
        used = self.catalog.read(guest_id, self.hour_ago())
        self._check(used, 1 + used.begun_uploads if begins else 1, more_bytes)

    def check_added(self, used: Usage, counted_bytes: int) -> None:
        """The same where `used` has the photo in it already, and these bytes of it twice."""
        self._check(used, 0, -counted_bytes)

    def hour_ago(self) -> str:
        return moments.now(seconds_ago=HOUR_SECONDS)

    def _check(self, used: Usage, more_photos: int, more_bytes: int) -> None:
        if (
            used.sent_photos + more_photos > self.settings.max_guest_photos_per_hour
            or used.sent_bytes + used.begun_bytes + more_bytes
            > self.settings.max_guest_bytes_per_hour
        ):
            since_first = moments.seconds_since(used.first_sent) if used.first_sent else 0
            raise TooMuchSent(HOUR_SECONDS - since_first)
        if used.held_bytes + more_bytes > self.settings.max_gallery_bytes:
            raise GalleryFull

    def check_disk(self, more_bytes: int) -> None:
        """Whether so much more can be written, here or where photos are kept. Raises
        DiskNearlyFull."""
        if self.free_bytes() - more_bytes < self.settings.min_free_bytes:
            raise DiskNearlyFull

    def free_bytes(self) -> int:
        """What there is still room for."""
        here, there = shutil.disk_usage(self.settings.data).free, self.storage.free_bytes()
        return here if there is None else min(here, there)
