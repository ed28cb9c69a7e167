"""A disk that is really full: it is told, nothing is lost, nothing is left half written."""

import fcntl
import http.client
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.support.chunks import InChunks
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes
from tests.support.small_disk import filled, free, small_disk
from tests.support.waiting import PATIENCE_SECONDS, wait_until

MEGABYTE = 1024 * 1024
DISK_BYTES = 24 * MEGABYTE
PAGE_BYTES = 4096
FILES_OF_A_PHOTO = 3  # the original and two thumbnails

FULL = (507, "The gallery is full; nothing was lost, please tell your host.")
NEARLY_FULL = (
    507,
    "The server has almost no disk space left; please tell your host and send it again then.",
)
SAFE = (204, "")

_numbers = itertools.count()

Told = tuple[int, str]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; its files are in memory."""
    with small_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


@contextmanager
def running(data: Path, **settings: object) -> Iterator[RunningServer]:
    server = RunningServer(data, **({"min_free_bytes": 1} | settings))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(disk: Path) -> Iterator[RunningServer]:
    """All it has is on the small disk, and it keeps nothing in reserve."""
    with running(disk) as server:
        yield server


def photo(size: int = 300_000) -> bytes:
    """Another one each time."""
    image = photo_bytes("jpg", 1, (600, 400))
    return image + next(_numbers).to_bytes(size - len(image))


def told(answer: requests.Response) -> Told:
    return answer.status_code, answer.text


def send(server: RunningServer, content: bytes) -> Told:
    return told(server.send(("a.jpg", content)))


def send_chunk(server: RunningServer, sent: InChunks, number: int) -> Told:
    return told(
        requests.post(
            server.url,
            data=sent.fields(number),
            files={"file": (sent.name, sent.bytes(number))},
            timeout=PATIENCE_SECONDS,
        )
    )


def send_while(server: RunningServer, content: bytes, act: Callable[[], None]) -> Told:
    """A raw photo, in the middle of which something happens."""

    def halves() -> Iterator[bytes]:
        yield content[:200_000]
        wait_until(lambda: any(map(size, (server.data / "incoming").iterdir())))
        act()
        yield content[200_000:]

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    with closing(connection):
        connection.request("POST", "/", halves(), {"Content-Length": str(len(content))})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def no_turns(server: RunningServer) -> Iterator[None]:
    """Whoever wants to decode a photo waits."""
    with (server.data / "turns" / "queue").open("wb") as queue:
        fcntl.flock(queue, fcntl.LOCK_EX)
        yield


def expect_listed(server: RunningServer, contents: list[bytes]) -> None:
    """These photos are here, byte for byte, and no other file."""
    photos = server.photos()
    back = [requests.get(server.url + photo["url"], timeout=30).content for photo in photos]
    assert sorted(back) == sorted(contents)
    for photo, width in itertools.product(photos, ("320", "640")):
        assert requests.get(server.url + photo["thumbnails"][width], timeout=30).ok
    assert len(server.files()) == FILES_OF_A_PHOTO * len(contents)


def expect_no_defects(server: RunningServer) -> None:
    log = server.data.parent / "server.log"
    assert "Traceback" not in log.read_text()


def test_a_disk_that_is_full_takes_nothing_until_there_is_room(
    disk: Path, server: RunningServer
) -> None:
    kept, later, chunked = photo(), photo(), InChunks(photo(), 100_000)
    assert send(server, kept) == SAFE
    assert send_chunk(server, chunked, 0) == SAFE
    with filled(disk):
        assert send(server, later) == NEARLY_FULL
        assert send_chunk(server, chunked, 1) == NEARLY_FULL
        assert send(server, kept) == NEARLY_FULL
    assert send(server, later) == SAFE
    assert [send_chunk(server, chunked, number) for number in (1, 2)] == [SAFE] * 2
    expect_listed(server, [kept, later, chunked.content])
    expect_no_defects(server)


def test_a_disk_that_fills_up_while_photos_arrive(disk: Path, server: RunningServer) -> None:
    kept, late = photo(), photo(900_000)
    assert send(server, kept) == SAFE
    with ExitStack() as until_then:
        answer = send_while(server, late, lambda: until_then.enter_context(filled(disk)))
        assert answer == FULL
        expect_listed(server, [kept])
    assert send(server, late) == SAFE
    expect_listed(server, [kept, late])
    expect_no_defects(server)


ROOM = [pages * PAGE_BYTES for pages in (*range(12), 14, 16, 20, 24, 32, 64)]
"""A photo that has arrived needs between 40 and 250 kB more."""


def test_wherever_the_room_ends_a_photo_is_safe_or_leaves_nothing(
    disk: Path, server: RunningServer
) -> None:
    kept, answers = [], []
    for room in ROOM:
        content = photo()
        answers.append(send_into_little_room(server, room, lambda c=content: send(server, c)))
        kept += [content] * (answers[-1] == SAFE)
        expect_listed(server, kept)
    assert set(answers) == {SAFE, FULL}
    expect_no_defects(server)


def test_wherever_the_room_ends_the_last_chunk_can_come_again(
    disk: Path, server: RunningServer
) -> None:
    kept, answers = [], []
    for room in ROOM:
        sent = InChunks(photo(), 200_000)
        assert send_chunk(server, sent, 0) == SAFE
        last = partial(send_chunk, server, sent, 1)
        answers.append(send_into_little_room(server, room, last))
        assert last() == SAFE
        kept.append(sent.content)
    expect_listed(server, kept)
    assert set(answers) == {SAFE, FULL}
    expect_no_defects(server)


def send_into_little_room(server: RunningServer, room: int, send: Callable[[], Told]) -> Told:
    """When the photo has arrived and waits to be decoded, the disk has so many bytes left."""
    with ThreadPoolExecutor() as pool, ExitStack() as until_then:
        with no_turns(server):
            answer = pool.submit(send)
            wait_until(lambda: is_waiting(server))
            until_then.enter_context(filled(server.data, room))
        return answer.result()


def is_waiting(server: RunningServer) -> bool:
    """Whether somebody waits for a turn: such a lock's line has an arrow."""
    inode = (server.data / "turns" / "queue").stat().st_ino
    return any(
        "->" in line and f":{inode} " in line
        for line in Path("/proc/locks").read_text().splitlines()
    )


def test_a_reserve_is_kept_on_a_small_disk(disk: Path) -> None:
    reserve = 8 * MEGABYTE
    with running(disk, min_free_bytes=reserve) as server:
        sent = [photo(2 * MEGABYTE) for _ in range(12)]
        answers = [send(server, content) for content in sent]
        assert free(disk) >= reserve
        taken = answers.count(SAFE)
        assert 0 < taken < len(sent)
        assert answers == [SAFE] * taken + [NEARLY_FULL] * (len(sent) - taken)
        chunks = [send_chunk(server, InChunks(c, MEGABYTE), 0) for c in sent[taken:]]
        assert chunks[-1] == NEARLY_FULL
        assert free(disk) >= reserve


def test_photos_that_arrive_together_leave_nothing_half_written(
    disk: Path, server: RunningServer
) -> None:
    """Each of them has room, and all of them do not."""
    sent = [photo(3 * MEGABYTE) for _ in range(12)]
    with ThreadPoolExecutor(len(sent)) as pool:
        answers = [*pool.map(lambda content: send(server, content), sent)]
    assert set(answers) <= {SAFE, FULL, NEARLY_FULL}
    expect_listed(server, [c for c, answer in zip(sent, answers, strict=True) if answer == SAFE])
    assert len(set(answers)) > 1
    expect_no_defects(server)


def test_a_full_disk_of_the_catalog_is_told_and_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    with running(tmp_path / "data", database=disk / "catalog.sqlite") as server:
        kept = [photo()]
        assert send(server, kept[0]) == SAFE
        with filled(disk):
            while send(server, more := photo()) == SAFE:  # for these the catalog has had room
                kept.append(more)
            assert send(server, photo()) == FULL
            assert send_chunk(server, InChunks(photo(), 100_000), 0) == FULL
            expect_listed(server, kept)
        assert send(server, more) == SAFE
        expect_listed(server, [*kept, more])
        expect_no_defects(server)


def test_wherever_the_room_of_the_catalog_ends_chunks_can_come_again(
    disk: Path, tmp_path: Path
) -> None:
    with running(tmp_path / "data", database=disk / "catalog.sqlite") as server:
        kept, answers = [], []
        for room in ROOM:
            sent = InChunks(photo(), 100_000)
            with filled(disk, room):
                answers += [send_chunk(server, sent, number) for number in sent.numbers]
            assert [send_chunk(server, sent, number) for number in sent.numbers] == [SAFE] * 3
            kept.append(sent.content)
        expect_listed(server, kept)
        assert set(answers) == {SAFE, FULL}
        expect_no_defects(server)
