"""A disk that is really full: guests are told so, nothing is lost or left half written."""

import fcntl
import http.client
import itertools
import os
import select
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
import requests

from tests.support.chunks import InChunks
from tests.support.gallery_server import Gallery, SharedGallery
from tests.support.photos import photo_bytes
from tests.support.small_disk import filled, free, small_disk
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.embedded

MEGABYTE = 1024 * 1024
MOST_OF_THE_DISK = 30  # requests of a megabyte each: more than there is room for
FEW_FILES = 50  # a twentieth
PAGE_BYTES = 4096
in_various_rooms = pytest.mark.parametrize(
    "rooms",
    [
        (0, 2, 5, 10, 16, 64),
        pytest.param((*range(12), 14, 16, 20, 24, 32, 64), marks=pytest.mark.slow),
    ],
    ids=["6 steps", "18 steps"],
)
"""In pages; a photo that has arrived needs between 10 and 60 more."""

SAFE = (204, "")
FULL = (507, "The gallery is full, but nothing was lost. Let your host know.")
NEARLY_FULL = (
    507,
    "The server is almost out of disk space. Let your host know and try again later.",
)

Outcome = tuple[int, str]

_numbers = itertools.count()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, on which all of a gallery is."""
    with small_disk(tmp_path / "data", 24 * MEGABYTE) as folder:
        yield folder


@pytest.fixture
def gallery_settings(disk: Path) -> dict[str, object]:
    """It keeps nothing in reserve."""
    return {"min_free_bytes": 1}


@pytest.fixture
def catalog_disk(disk: Path, tmp_path: Path) -> Iterator[tuple[Path, Gallery]]:
    """Such a disk with the catalog alone, and its gallery."""
    database = disk / "catalog.sqlite"
    gallery = SharedGallery(tmp_path / "photos", database=database, min_free_bytes=1)
    yield disk, gallery
    assert "Traceback" not in gallery.log


def photo(size: int = 300_000) -> bytes:
    """Another one each time."""
    image = photo_bytes("jpg", 1, (600, 400))
    return image + next(_numbers).to_bytes(size - len(image))


def send(gallery: Gallery, content: bytes) -> Outcome:
    answer = gallery.send(("a.jpg", content))
    return answer.status_code, answer.text


def send_chunks(gallery: Gallery, sent: InChunks, *numbers: int) -> list[Outcome]:
    outcomes = []
    for number in numbers or sent.numbers:
        files = {"file": (sent.name, sent.bytes(number))}
        answer = requests.post(gallery.url, sent.fields(number), files=files, timeout=60)
        outcomes.append((answer.status_code, answer.text))
    return outcomes


def expect_listed(gallery: Gallery, contents: list[bytes]) -> None:
    """These photos are here, byte for byte, and no other file."""
    photos = gallery.photos()
    back = [requests.get(gallery.url + photo["url"], timeout=30).content for photo in photos]
    assert sorted(back) == sorted(contents)
    for photo, width in itertools.product(photos, ("320", "640")):
        assert requests.get(gallery.url + photo["thumbnails"][width], timeout=30).ok
    assert len(gallery.files()) == 3 * len(contents)  # and two thumbnails of each


def test_a_full_disk_takes_nothing_until_there_is_room(disk: Path, gallery: Gallery) -> None:
    kept, later, chunked = photo(), photo(), InChunks(photo(), 100_000)
    assert send(gallery, kept) == SAFE
    assert send_chunks(gallery, chunked, 0) == [SAFE]
    with filled(disk):
        assert send(gallery, later) == NEARLY_FULL
        assert send_chunks(gallery, chunked, 1) == [NEARLY_FULL]
        assert send(gallery, kept) == NEARLY_FULL
    assert send(gallery, later) == SAFE
    assert send_chunks(gallery, chunked, 1, 2) == [SAFE] * 2
    expect_listed(gallery, [kept, later, chunked.content])


def test_a_disk_that_fills_up_while_a_photo_arrives(disk: Path, gallery: Gallery) -> None:
    kept, late = photo(), photo(900_000)
    assert send(gallery, kept) == SAFE
    with ExitStack() as until_then:

        def halves() -> Iterator[bytes]:
            yield late[:200_000]
            wait_until(lambda: any(path.stat().st_size for path in (disk / "incoming").iterdir()))
            until_then.enter_context(filled(disk))
            yield late[200_000:]

        address = gallery.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)) as connection:
            connection.request("POST", "/", halves(), {"Content-Length": str(len(late))})
            answer = connection.getresponse()
            assert (answer.status, answer.read().decode()) == FULL
        expect_listed(gallery, [kept])
    assert send(gallery, late) == SAFE
    expect_listed(gallery, [kept, late])


@in_various_rooms
def test_wherever_the_disk_fills_up_a_photo_is_safe_or_leaves_nothing(
    disk: Path, gallery: Gallery, rooms: tuple[int, ...]
) -> None:
    kept, outcomes, chunk_outcomes = [], [], []
    for room in rooms:
        content, sent = photo(), InChunks(photo(), 200_000)
        outcomes += send_into_room(disk, room, len(content), lambda c=content: [send(gallery, c)])
        kept += [content] * (outcomes[-1] == SAFE)
        expect_listed(gallery, kept)
        assert send_chunks(gallery, sent, 0) == [SAFE]
        chunk_outcomes += send_into_room(
            disk, room, len(sent.content), lambda s=sent: send_chunks(gallery, s, s.last)
        )
        assert send_chunks(gallery, sent, sent.last) == [SAFE]  # whatever it was told before
        kept.append(sent.content)
    expect_listed(gallery, kept)
    assert set(outcomes) == set(chunk_outcomes) == {SAFE, FULL}


def send_into_room(
    disk: Path, pages: int, size: int, send: Callable[[], list[Outcome]]
) -> list[Outcome]:
    """The disk has so many pages left when the photo, of this size, has arrived and waits to be
    decoded, for as long as all processors are taken here."""
    with ThreadPoolExecutor() as pool, ExitStack() as until_then:
        with ExitStack() as taken:
            for number in range(max(2, os.cpu_count() or 1)):
                slot = taken.enter_context((disk / f"slots/processor-{number}").open("wb"))
                fcntl.flock(slot, fcntl.LOCK_EX)
            outcome = pool.submit(send)
            wait_until(
                lambda: size in [file.stat().st_size for file in (disk / "incoming").iterdir()]
            )
            until_then.enter_context(filled(disk, pages * PAGE_BYTES))
        return outcome.result()


def test_a_reserve_is_kept_on_a_small_disk(disk: Path) -> None:
    reserve = 8 * MEGABYTE
    gallery = SharedGallery(disk, min_free_bytes=reserve)
    sent = [photo(2 * MEGABYTE) for _ in range(12)]
    outcomes = [send(gallery, content) for content in sent]
    assert free(disk) >= reserve
    taken = outcomes.count(SAFE)
    assert 0 < taken < len(sent)
    assert outcomes == [SAFE] * taken + [NEARLY_FULL] * (len(sent) - taken)
    chunks = [send_chunks(gallery, InChunks(c, MEGABYTE), 0) for c in sent[taken:]]
    assert chunks[-1] == [NEARLY_FULL]
    assert free(disk) >= reserve


def test_photos_that_arrive_together_leave_nothing_half_written(gallery: Gallery) -> None:
    """Each of them has room, and all of them do not."""
    sent = [photo(3 * MEGABYTE) for _ in range(12)]
    with ThreadPoolExecutor(len(sent)) as pool:
        outcomes = [*pool.map(lambda content: send(gallery, content), sent)]
    assert SAFE in outcomes
    assert set(outcomes) - {SAFE}
    assert set(outcomes) <= {SAFE, FULL, NEARLY_FULL}
    expect_listed(
        gallery, [c for c, outcome in zip(sent, outcomes, strict=True) if outcome == SAFE]
    )


@pytest.mark.parametrize(
    "gallery_settings", [{"min_free_bytes": 1, "max_upload_bytes": MEGABYTE, "workers": 1}]
)
@pytest.mark.parametrize("kind", [f"Content-Length: {MEGABYTE}", "Transfer-Encoding: chunked"])
def test_what_one_address_has_begun_to_send_leaves_room_for_others(
    disk: Path, gallery: Gallery, kind: str
) -> None:
    head = f"POST / HTTP/1.1\r\nHost: gallery\r\n{kind}\r\n\r\n".encode()
    body = b"%x\r\n" % (MEGABYTE + 1) + bytes(MEGABYTE) if "chunked" in kind else bytes(900_000)
    host, port = gallery.url.removeprefix("http://").split(":")
    with ExitStack() as connected:
        visitors = []
        for _ in range(MOST_OF_THE_DISK):
            address = ((host, int(port)), PATIENCE_SECONDS, ("127.0.0.2", 0))
            visitors.append(connected.enter_context(socket.create_connection(*address)))
            with suppress(ConnectionError):  # it is refused already
                visitors[-1].sendall(head + body)
        wait_until(lambda: len(select.select(visitors, [], [], 0)[0]) >= MOST_OF_THE_DISK // 3)
        for refused in select.select(visitors, [], [], 0)[0]:
            with suppress(ConnectionError):  # it was still sending
                assert refused.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert send(gallery, photo()) == SAFE
        assert requests.get(f"{gallery.url}/healthz", timeout=60).ok


def test_a_disk_without_a_file_more_takes_nothing(tmp_path: Path) -> None:
    """Some file systems have only so many, however small they are."""
    with small_disk(tmp_path / "small", 64 * MEGABYTE, files=1000) as disk:
        gallery = SharedGallery(disk / "data", min_free_bytes=1)
        assert send(gallery, photo()) == SAFE
        few = disk / "few"
        few.mkdir()
        while os.statvfs(disk).f_favail >= FEW_FILES:
            (few / str(next(_numbers))).touch()
        assert send(gallery, photo()) == NEARLY_FULL
        assert send_chunks(gallery, InChunks(photo(), 100_000), 0) == [NEARLY_FULL]
        well = requests.get(f"{gallery.url}/healthz", timeout=60)
        assert (well.status_code, well.text) == (503, "Not answering: disk.")
        shutil.rmtree(few)
        assert send(gallery, photo()) == SAFE
        gallery.close()


def test_a_full_disk_under_the_catalog_takes_nothing_until_there_is_room(
    catalog_disk: tuple[Path, Gallery],
) -> None:
    disk, gallery = catalog_disk
    kept = [photo()]
    assert send(gallery, kept[0]) == SAFE
    with filled(disk):
        while send(gallery, more := photo()) == SAFE:  # for these the catalog has had room
            kept.append(more)
        assert send(gallery, photo()) == FULL
        assert send_chunks(gallery, InChunks(photo(), 100_000), 0) == [FULL]
        expect_listed(gallery, kept)
    assert send(gallery, more) == SAFE
    expect_listed(gallery, [*kept, more])


@in_various_rooms
def test_wherever_the_catalogs_disk_fills_up_chunks_can_be_sent_again(
    catalog_disk: tuple[Path, Gallery], rooms: tuple[int, ...]
) -> None:
    disk, gallery = catalog_disk
    kept, outcomes = [], []
    for room in rooms:
        sent = InChunks(photo(), 100_000)
        with filled(disk, room * PAGE_BYTES):
            outcomes += send_chunks(gallery, sent)
        assert send_chunks(gallery, sent) == [SAFE] * 3
        kept.append(sent.content)
    expect_listed(gallery, kept)
    assert set(outcomes) == {SAFE, FULL}
