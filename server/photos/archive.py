"""ZIP archives of many photos, in which every byte has its place before the first one is sent.

Photos are stored uncompressed, with their size and CRC-32 before them: so the length of the file is
known at once, a download that was cut off can be resumed anywhere, and Java's ZipInputStream, which
reads no stored entry with a data descriptor behind it, can read the archive. The format is PKWARE's
APPNOTE 6.3.10.
"""

import errno
import hashlib
import json
import logging
import re
import struct
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, NamedTuple, cast

from ..catalog.database import Database
from ..catalog.lists import PhotoQuery, list_photos
from ..catalog.photos import Photo, keep_crc32
from ..catalog.tables import OWNER
from ..catalog.visibility import Viewer
from ..names import cut, with_extension
from ..refusals import NoPhotos, NoSuchPhoto, NotStored, TooManyArchives
from .files import BLOCK_BYTES, crc32_of
from .gallery import Gallery

PAGE_PHOTOS = 2000
LIST_IN_MEMORY_BYTES = 1024 * 1024
"""Memory for the list of one archive; a longer one, of about ten thousand photos, is in a file."""
FIRST_YEAR, LAST_YEAR = 1980, 2107
"""Years that the format can store; cameras with a wrong clock write others."""
MAX_ENTRY_BYTES = 180
"""Length of an entry's name: Windows unpacks no path, its folder included, of over 259
characters."""
PRIVATE_FOLDER = "Private/"
"""The folder of private photos, so that nobody passes them on by mistake."""
GONE = b"This photo was removed while it was being downloaded, or it's lost.\n"
ZIP64_LIMIT = 0xFFFFFFFF
"""The first size or offset that needs a field of 64 bits."""
ZIP64_COUNT = 0xFFFF
UTF_8 = 1 << 11
"""The flag of a name in UTF-8 instead of the reader's code page."""
PLAIN_FILE = 0o100644 << 16

log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """One photo in an archive's list. `time` is in DOS's format; `crc32` is None until it is
    computed."""

    photo_id: str
    extension: str
    name: str
    time: int
    size: int
    crc32: int | None

    def header(self) -> bytes:
        """The local file header, which precedes the photo (APPNOTE 4.3.7)."""
        name, size, extra = self.name.encode(), self.size, b""
        if size >= ZIP64_LIMIT:
            size, extra = 0xFFFFFFFF, struct.pack("<2H2Q", 1, 16, size, size)
        fields = (45 if extra else 20, UTF_8, 0, self.time, self.crc32 or 0, size, size)
        lengths = len(name), len(extra)
        return struct.pack("<4s3H4I2H", b"PK\3\4", *fields, *lengths) + name + extra

    def record(self, place: int) -> bytes:
        """The entry's header in the central directory at the archive's end (APPNOTE 4.3.12)."""
        name, sizes = self.name.encode(), [self.size, self.size, place]
        wide = [size for size in sizes if size >= ZIP64_LIMIT]
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, _, place = (0xFFFFFFFF if size in wide else size for size in sizes)
        made_by = 3 << 8 | 45  # as on Unix, whose file modes stand in PLAIN_FILE
        fields = (made_by, 45 if wide else 20, UTF_8, 0, self.time, self.crc32 or 0, size, size)
        rest = (len(name), len(extra), 0, 0, 0, PLAIN_FILE, place)
        return struct.pack("<4s4H4I5H2I", b"PK\1\2", *fields, *rest) + name + extra


class Archive:
    """An archive of `count` photos and `bytes` bytes. `etag` identifies the photos and their names,
    and so every byte of the file."""

    def __init__(
        self,
        gallery: Gallery,
        database: Database,
        viewer: Viewer,
        photos: Iterator[Photo],
        lines: IO[bytes],
    ) -> None:
        """`photos` are in the order of their moments; the list is kept in `lines`."""
        self._gallery = gallery
        self._database = database
        self._viewer = viewer
        self._lines = lines
        self._gone: set[str] = set()  # in whose place GONE was sent
        self.count = self._directory_place = self._directory_bytes = 0
        digest = hashlib.sha256()
        for photo, name in _named(photos):
            time = datetime.fromisoformat(photo.moment).timetuple()
            year = min(max(time[0], FIRST_YEAR), LAST_YEAR) - FIRST_YEAR
            date = year << 9 | time[1] << 5 | time[2]
            dos_time = date << 16 | time[3] << 11 | time[4] << 5 | time[5] // 2
            if photo.visibility == OWNER:
                name = PRIVATE_FOLDER + name
            entry = Entry(photo.id, photo.extension, name, dos_time, photo.bytes, photo.crc32)
            lines.write(json.dumps(entry).encode() + b"\n")
            record = entry._replace(crc32=None).record(self._directory_place)
            digest.update(photo.id.encode() + record)
            self.count += 1
            self._directory_bytes += len(record)
            self._directory_place += len(entry.header()) + entry.size
        self.bytes = self._directory_place + self._directory_bytes + len(self._end())
        self.etag = digest.hexdigest()[:32]

    def blocks(self, start: int, stop: int) -> Generator[bytes]:
        """Yield the archive's bytes from `start` up to `stop`, in constant memory.

        A photo that was removed or hidden meanwhile, or whose original is lost, is replaced by a
        text file of the same length with GONE. Any other error is raised, and the response must
        not end as if it was complete.
        """
        left, held = stop - start, bytearray()
        for block in self._from(start):
            held += block
            if len(held) >= min(left, BLOCK_BYTES):
                yield bytes(held[:left])
                left -= len(held)
                held.clear()
                if left <= 0:
                    return

    def _from(self, start: int) -> Generator[bytes]:
        for entry, place in self._entries():
            data = place + len(entry.header())
            if start < data + entry.size:
                entry, original = self._open(entry)
                with original:
                    yield entry.header()[max(0, start - place) :]
                    yield from _read(original, entry, max(0, start - data))
        record_place = self._directory_place
        for entry, place in self._entries():
            end = record_place + len(entry.record(place))
            if start < end:
                if entry.crc32 is None or entry.photo_id in self._gone:
                    entry, original = self._open(entry)
                    original.close()
                yield entry.record(place)[max(0, start - record_place) :]
            record_place = end
        yield self._end()[max(0, start - record_place) :]

    def _entries(self) -> Iterator[tuple[Entry, int]]:
        """Yield each entry with its offset in the archive."""
        self._lines.seek(0)
        place = 0
        for line in self._lines:
            entry = Entry(*json.loads(line))
            yield entry, place
            place += len(entry.header()) + entry.size

    def _open(self, entry: Entry) -> tuple[Entry, BinaryIO]:
        """Open a photo, and return its entry with the CRC-32, and the stream, which the caller
        closes. For one that is gone, the stream has GONE, and the entry another name."""
        is_gone = False
        try:
            if entry.photo_id in self._gone:
                raise NoSuchPhoto
            photo, original = self._gallery.open_original(
                entry.photo_id, entry.extension, self._viewer
            )
            crc32 = photo.crc32
        except (NoSuchPhoto, NotStored) as error:
            if isinstance(error, NotStored):
                log.error("The original of a listed photo is lost: %s", entry.photo_id)
                # A resumed download must not use the CRC-32 of bytes that are not sent any more.
                keep_crc32(self._database, entry.photo_id, None)
            is_gone, crc32 = True, None
            self._gone.add(entry.photo_id)
            original = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - the caller closes it
            original.write(GONE[: entry.size])
            original.truncate(entry.size)  # with a hole, which takes no room
            entry = entry._replace(name=f"{entry.name[:-4]}.txt")  # of the same length
        if crc32 is None:
            original.seek(0)
            crc32 = crc32_of(original)
            if not is_gone:
                keep_crc32(self._database, entry.photo_id, crc32)
        return entry._replace(crc32=crc32), original

    def _end(self) -> bytes:
        count, size, place = self.count, self._directory_bytes, self._directory_place
        wide = b""
        if count >= ZIP64_COUNT or size >= ZIP64_LIMIT or place >= ZIP64_LIMIT:
            fields = (44, 45, 45, 0, 0, count, count, size, place)
            wide = struct.pack("<4sQ2H2I4Q", b"PK\6\6", *fields)
            wide += struct.pack("<4sIQI", b"PK\6\7", 0, place + size, 1)
            count = min(count, 0xFFFF)
            size, place = min(size, 0xFFFFFFFF), min(place, 0xFFFFFFFF)
        return wide + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, place, 0)


class Archives:
    """Opens archives, of which `most` may be sent at once: each keeps a thread as long as its
    reader takes."""

    def __init__(self, gallery: Gallery, database: Database, most: int, folder: Path) -> None:
        """Long lists are kept in `folder` while they are sent."""
        self._gallery = gallery
        self._database = database
        self._places = threading.BoundedSemaphore(most)
        self._folder = folder

    @contextmanager
    def open(self, asked: PhotoQuery, viewer: Viewer) -> Iterator[Archive]:
        """Open an archive of the selected photos that the viewer sees, newest first. Raises
        NoPhotos, TooManyArchives."""
        if not self._places.acquire(blocking=False):
            raise TooManyArchives
        photos = self._photos(replace(asked, sort="taken"), viewer)
        try:
            with SpooledTemporaryFile(LIST_IN_MEMORY_BYTES, dir=str(self._folder)) as lines:
                archive = Archive(self._gallery, self._database, viewer, photos, lines)
                if not archive.count:
                    raise NoPhotos
                yield archive
        finally:
            self._places.release()

    def _photos(self, asked: PhotoQuery, viewer: Viewer) -> Iterator[Photo]:
        before = None
        while True:
            page = list_photos(self._database, PAGE_PHOTOS, before, asked, viewer=viewer)
            yield from page.photos
            if (before := page.next) is None:
                return


def _named(photos: Iterator[Photo]) -> Iterator[tuple[Photo, str]]:
    """Yield each photo, in the order of their moments, with its name in the archive, such as
    `2026-11-22 10.00.00 beach.jpg`: sorted names are in the order of the time taken (local, where
    it is known). Names are unique, also where `A` and `a` are the same, and without characters that
    Windows refuses."""
    moment = ""
    uses: dict[str, int] = {}
    for photo in photos:
        if photo.moment != moment:  # names of different moments differ
            moment, uses = photo.moment, {}
        name = wanted = _entry_name(photo)
        while name.casefold() in uses:
            uses[wanted.casefold()] += 1
            name = _entry_name(photo, f" ({uses[wanted.casefold()]})")
        uses[name.casefold()] = 1
        yield photo, name


def _read(original: BinaryIO, entry: Entry, start: int) -> Iterator[bytes]:
    original.seek(start)
    left = entry.size - start
    while left and (block := original.read(min(left, BLOCK_BYTES))):
        left -= len(block)
        yield block
    if left:  # the archive would be well-formed, and the photo in it cut off
        raise OSError(errno.EIO, f"The original of {entry.photo_id} has another size than it had")


def _entry_name(photo: Photo, mark: str = "") -> str:
    name = with_extension(photo.name, photo.extension)
    stem, _, extension = re.sub(r'[<>:"/\\|?*]', "_", name).rpartition(".")
    beginning = f"{photo.moment[:10]} {photo.moment[11:19].replace(':', '.')} "
    ending = f"{mark}.{extension}"
    room = MAX_ENTRY_BYTES - len((beginning + ending).encode())
    return beginning + cut(stem, room).rstrip(". ") + ending
