"""Limits of what one guest and one network may send, and of what the gallery may hold."""

import errno
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .. import timestamps
from ..catalog.database import Database
from ..catalog.photos import Usage, find_usage
from ..config import Config
from ..people.rate_limits import network_of
from ..refusals import DiskNearlyFull, GalleryFull, TooManyAtOnce, TooManyChanges, TooMuchSent
from ..storage import Storage
from .closing import closed_refusal

HOUR_SECONDS = 60 * 60
SPARE_FILES = 10_000
"""Number of files that stay free on a disk, for the catalog and for other programs."""


@dataclass(frozen=True)
class Limits:
    """The limits of a guest, the gallery and the disk. They are checked before the work is done,
    and again when a photo is added, which happens one after another: photos that arrive at once do
    not go past them."""

    database: Database
    storage: Storage
    settings: Config

    def check_guest(self, guest_id: str, more_bytes: int, begun: str | None = None) -> None:
        """Check whether this guest may send so many more bytes. An upload in chunks counts with
        what has come of it, and as a photo when another one begins, whose first request `begun`
        says when. Raises Closed, TooMuchSent, GalleryFull."""
        hour_ago = timestamps.now(seconds_ago=HOUR_SECONDS)
        used = find_usage(self.database, guest_id, hour_ago)
        self.check_usage(used, 1 + used.begun_uploads if begun else 1, more_bytes, begun)

    def check_usage(
        self, used: Usage, more_photos: int = 0, more_bytes: int = 0, begun: str | None = None
    ) -> None:
        """Check a usage that has been read already. `begun` is when the request began that begins
        an upload, None for one that goes on: once the gallery is closed, only that may finish, and
        what was under way already, be it since the same second. Raises Closed, TooMuchSent,
        GalleryFull."""
        if begun and used.closed_at and used.closed_at < begun:
            raise closed_refusal(used.closed_at)
        if (
            used.sent_photos + more_photos > self.settings.max_guest_photos_per_hour
            or used.sent_bytes + used.begun_bytes + more_bytes
            > self.settings.max_guest_bytes_per_hour
        ):
            since_first = timestamps.seconds_since(used.first_sent) if used.first_sent else 0
            raise TooMuchSent(HOUR_SECONDS - since_first)
        if used.held_bytes + more_bytes > self.settings.max_gallery_bytes:
            raise GalleryFull

    def check_disk(self, more_bytes: int) -> int:
        """Check whether so many more bytes can be written, here or where photos are kept, and
        return how many can. Raises DiskNearlyFull."""
        free = self.free_bytes() - self.settings.min_free_bytes
        if free < more_bytes:
            raise DiskNearlyFull
        return free

    def free_bytes(self) -> int:
        """Return the free bytes of the disk here or of the storage's, whichever has fewer; 0 where
        its last files are near, since some file systems have only so many, however small."""
        free = []
        for folder in {self.settings.data, self.storage.root or self.settings.data}:
            disk = os.statvfs(folder)
            has_files = not disk.f_files or disk.f_favail >= min(SPARE_FILES, disk.f_files // 20)
            free.append(shutil.disk_usage(folder).free if has_files else 0)
        return min(free)

    def check_room(self) -> None:
        """Check, for the health check, whether anything can be taken in. Raises OSError."""
        try:
            self.check_disk(0)
        except DiskNearlyFull:
            raise OSError(
                errno.ENOSPC, "less is free than DROPWALL_MIN_FREE_BYTES, or hardly a file more"
            ) from None


class StagedBytes:
    """The disk space that unfinished requests hold, by the network of their visitors: those of one
    may hold about half of what is free, over all processes of this server, so that there is room
    for everybody else's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def reserving(self, address: str) -> Iterator[Callable[[int], None]]:
        """Give a function that reserves so many bytes more, until the context ends. It raises
        DiskNearlyFull, and TooManyAtOnce when there is room once others from there are done."""
        network, reserved = network_of(address), 0

        def reserve(more_bytes: int) -> None:
            nonlocal reserved
            free, settings = self._limits.check_disk(more_bytes), self._limits.settings
            with self._lock:
                held = self._held[network]
                # A photo and its form may always come, or a small disk would take none at all.
                most = max((free + held) // (2 * settings.workers), 2 * settings.max_upload_bytes)
                if held == reserved:  # nothing else comes from there, in this process
                    most = max(most, (free + held) // 2)
                if held + more_bytes > most:
                    raise TooManyAtOnce if held > reserved else DiskNearlyFull
                self._held[network] += more_bytes
                reserved += more_bytes

        try:
            yield reserve
        finally:
            with self._lock:
                self._held[network] -= reserved
                if not self._held[network]:
                    del self._held[network]


class AddressLimit:
    """Bounds what each network has under way in this process, so that others are served too."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, address: str) -> None:
        """Count one more, until `give_back`. Raises TooManyAtOnce."""
        network = network_of(address)
        with self._lock:
            if self._counts[network] >= self._most:
                raise TooManyAtOnce
            self._counts[network] += 1

    def give_back(self, address: str) -> None:
        network = network_of(address)
        with self._lock:
            self._counts[network] -= 1
            if not self._counts[network]:
                del self._counts[network]


CHANGES_AT_ONCE = {"visitor": 2, "network": 4}
"""Number of changes that one process makes at once. They come to the catalog one by one anyway,
some milliseconds each: so few of one visitor, or one network, are before all others."""
LEAST_QUEUE = 16
"""Number of changes that may always wait, however few threads there are: undo asks for several at
once."""


class ChangeLimit:
    """Bounds small changes of the catalog, such as of a name: few of one visitor and one network
    at once, while the next ones wait, in half of the threads at most. To refuse them sooner would
    have them come again sooner."""

    def __init__(self, threads: int) -> None:
        self._longest_queue = max(LEAST_QUEUE, threads // 2)
        self._lock = threading.Lock()
        self._queues: Counter[tuple[str, str]] = Counter()
        self._slots: dict[tuple[str, str], threading.Semaphore] = {}

    @contextmanager
    def change(self, visitor: str, network: str) -> Iterator[None]:
        """Wait for a slot, and hold it until the context ends. Raises TooManyChanges."""
        with self._wait("visitor", visitor), self._wait("network", network):
            yield

    @contextmanager
    def _wait(self, kind: str, name: str) -> Iterator[None]:
        key = (kind, name)
        with self._lock:
            if self._queues[key] >= self._longest_queue:
                raise TooManyChanges
            self._queues[key] += 1
            slots = self._slots.setdefault(key, threading.Semaphore(CHANGES_AT_ONCE[kind]))
        try:
            with slots:
                yield
        finally:
            with self._lock:
                self._queues[key] -= 1
                if not self._queues[key]:  # there may be as many visitors as cookies
                    del self._queues[key], self._slots[key]
