"""Many photos as one file: a ZIP archive that is made while it is sent."""

import errno
import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import IO, BinaryIO, cast
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from .catalog import OWNER, NoSuchPhoto, Page, Photo, PhotoLists, Selection, Viewer
from .gallery import Gallery
from .names import MAX_NAME_BYTES, cut
from .storage import NotStored

BLOCK_BYTES = 256 * 1024
PAGE_PHOTOS = 200
FIRST_YEAR, LAST_YEAR = 1980, 2107
"""That the format knows; some cameras believe in others."""
LOST_PHOTOS = "These photos are lost.txt"
PRIVATE_FOLDER = "Only me/"
"""Apart from the others, so that nobody passes them on with those unawares."""

log = logging.getLogger(__name__)


class NoPhotos(LookupError):
    """There is nothing to put into an archive."""


class TooManyArchives(Exception):
    """As many are being sent as this process has room for."""


class Archives:
    """Each keeps a thread for as long as its reader likes; `most` of them may be sent at once."""

    def __init__(self, gallery: Gallery, lists: PhotoLists, most: int) -> None:
        self._gallery = gallery
        self._lists = lists
        self._places = threading.BoundedSemaphore(most)

    @contextmanager
    def open(self, selection: Selection, viewer: Viewer) -> Iterator[Iterator[bytes]]:
        """The selected photos' originals, of those that the viewer sees, as the blocks of an
        archive, newest first, as they are.

        One is open at a time. Memory grows by the archive's own directory alone, half a kilobyte a
        photo. A photo that was removed meanwhile is left out; one whose original is lost is named
        in LOST_PHOTOS, so that the others can be had. Raises NoPhotos, TooManyArchives at once; any
        other trouble later, in the midst of the blocks: whoever sends them must not end well then,
        for nobody could tell that photos are missing.
        """
        by_time = replace(selection, sort="taken")
        pages = partial(self._lists.list_photos, PAGE_PHOTOS, selection=by_time, viewer=viewer)
        first = pages()
        if not first.photos:
            raise NoPhotos
        if not self._places.acquire(blocking=False):
            raise TooManyArchives
        try:
            open_original = partial(self._gallery.open_original, viewer=viewer)
            with closing(_blocks(open_original, _photos(pages, first))) as blocks:
                yield blocks
        finally:
            self._places.release()


class EntryNames:
    """Names for the photos of one archive, which have to come in the order of their moments."""

    def __init__(self) -> None:
        self._moment = ""
        self._uses: dict[str, int] = {}

    def name(self, photo: Photo) -> str:
        """Such as `2026-11-22 10.00.00 beach.jpg`: sorted, it is in the order of time (on the
        wall, where it is known). Unlike every other, also where `A` and `a` are the same; without
        what Windows refuses in names; of at most 255 bytes."""
        if photo.moment != self._moment:  # others begin with another moment
            self._moment, self._uses = photo.moment, {}
        name = wanted = _entry_name(photo)
        while name.casefold() in self._uses:
            self._uses[wanted.casefold()] += 1
            name = _entry_name(photo, f" ({self._uses[wanted.casefold()]})")
        self._uses[name.casefold()] = 1
        return name


def _blocks(
    open_original: Callable[[str, str], tuple[Photo, BinaryIO]], photos: Iterator[Photo]
) -> Generator[bytes]:
    outlet, names = Outlet(), EntryNames()
    lost: list[str] = []
    with ZipFile(cast(IO[bytes], outlet), "w", ZIP_STORED) as archive:
        for photo in photos:
            try:
                photo, original = open_original(photo.id, photo.extension)
            except NoSuchPhoto:
                continue
            except NotStored:
                log.error("The original of a listed photo is lost: %s", photo.id)
                lost.append(photo.name)
                continue
            with original, archive.open(_entry(photo, names), "w") as entry:
                for block in _read(original, photo):
                    entry.write(block)
                    yield outlet.take()
        if lost:
            archive.writestr(LOST_PHOTOS, "\n".join(lost))
    yield outlet.take()


class Outlet:
    """What ZipFile writes, until it is sent. It cannot go back, so ZipFile writes what it knows of
    a photo only at its end behind it."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._blocks.append(block)
        return len(block)

    def flush(self) -> None:
        """There is nothing to wait for."""

    def take(self) -> bytes:
        taken, self._blocks = b"".join(self._blocks), []
        return taken


def _entry(photo: Photo, names: EntryNames) -> ZipInfo:
    moment = datetime.fromisoformat(photo.moment)
    year = min(max(moment.year, FIRST_YEAR), LAST_YEAR)
    folder = PRIVATE_FOLDER if photo.visibility == OWNER else ""
    entry = ZipInfo(folder + names.name(photo), (year, *moment.timetuple()[1:6]))
    entry.file_size = photo.bytes  # tells ZipFile whether this one needs ZIP64
    entry.external_attr = 0o644 << 16
    return entry


def _photos(pages: Callable[..., Page[Photo]], page: Page[Photo]) -> Iterator[Photo]:
    """Of this page and all that follow; each page is asked for when its turn comes."""
    yield from page.photos
    while page.next is not None:
        page = pages(before=page.next)
        yield from page.photos


def _read(original: BinaryIO, photo: Photo) -> Iterator[bytes]:
    left = photo.bytes
    while block := original.read(BLOCK_BYTES):
        left -= len(block)
        yield block
    if left:  # the archive would be well-formed, and the photo in it cut off
        raise OSError(errno.EIO, f"The original of {photo.id} has another size than it had")


def _entry_name(photo: Photo, mark: str = "") -> str:
    stem, _, extension = re.sub(r'[<>:"/\\|?*]', "_", photo.file_name).rpartition(".")
    beginning = f"{photo.moment[:10]} {photo.moment[11:19].replace(':', '.')} "
    ending = f"{mark}.{extension}"
    room = MAX_NAME_BYTES - len((beginning + ending).encode())
    return beginning + cut(stem, room).rstrip(". ") + ending
