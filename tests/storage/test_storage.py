"""What every storage engine promises."""

import io
import random
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pytest

from server.storage import NotStored, Storage, open_storage


@pytest.fixture(params=["filesystem", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "filesystem":
        return open_storage(str(tmp_path / "photos"), tmp_path)
    return open_storage(request.getfixturevalue("seaweedfs").address(), tmp_path)


def read(storage: Storage, key: str) -> bytes:
    with storage.open(key) as stream:
        return stream.read()


def test_what_is_put_is_read_again(storage: Storage) -> None:
    with storage.stage() as staged:
        staged.write_bytes(b"photo")
        storage.put("originals/ab/a.jpg", staged)
        assert not staged.exists()
    assert read(storage, "originals/ab/a.jpg") == b"photo"


def test_a_large_file_comes_back_as_it_was(storage: Storage) -> None:
    content = random.Random(1).randbytes(60_000_000)
    with storage.stage() as staged:
        staged.write_bytes(content)
        storage.put("originals/ab/a.jpg", staged, "image/jpeg", "a.jpg")
    assert read(storage, "originals/ab/a.jpg") == content


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.put_bytes("a", b"")
    assert read(storage, "a") == b""


def test_what_is_staged_and_not_put_is_gone(storage: Storage) -> None:
    with storage.stage() as staged:
        staged.write_bytes(b"photo")
    assert list(storage.old_staged(-1)) == []


def test_what_a_crash_left_staged_is_discarded_when_old(storage: Storage) -> None:
    with storage.stage() as staged:
        storage.mark("half")
        storage.mark("half")
        assert list(storage.old_staged(older_than_seconds=60)) == []
        assert set(storage.old_staged(older_than_seconds=-1)) == {staged.name, "half"}
        for name in (staged.name, "half", "half"):
            storage.discard_staged(name)
        assert list(storage.old_staged(older_than_seconds=-1)) == []


def test_small_files_are_replaced_whole(storage: Storage) -> None:
    storage.put_bytes("thumbnails/a.webp", b"one")
    storage.put_bytes("thumbnails/a.webp", b"two")
    assert read(storage, "thumbnails/a.webp") == b"two"


def test_a_stream_can_be_read_from_anywhere(storage: Storage) -> None:
    content = random.Random(1).randbytes(5_000_000)
    storage.put_bytes("a", content)
    with storage.open("a") as stream:
        for start in (4, 4_000_000, 1_000_000, 4_999_999, 0):
            stream.seek(start)
            assert stream.read(100_000) == content[start:][:100_000]
        assert stream.seek(-1, io.SEEK_END) == 4_999_999


def test_it_can_be_had_as_a_file_of_this_machine(storage: Storage) -> None:
    storage.put_bytes("a", b"0123456789")
    with storage.open_here("a") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        assert content[:] == file.read() == b"0123456789"
    assert list(storage.old_staged(-1)) == []


def test_what_is_not_there_is_not_stored(storage: Storage) -> None:
    for open_file in (storage.open, storage.open_here):
        with pytest.raises(NotStored):
            open_file("originals/ab/none.jpg")


def test_deleting_twice_is_fine(storage: Storage) -> None:
    storage.put_bytes("a", b"a")
    storage.delete("a")
    storage.delete("a", "b")
    storage.delete()
    with pytest.raises(NotStored):
        storage.open("a")


def test_files_are_listed_below_their_folder(storage: Storage) -> None:
    for key in ("originals/ab/1.jpg", "originals/cd/2.jpg", "thumbnails/ab/1-320.webp"):
        storage.put_bytes(key, b"x")
    assert set(storage.list("originals")) == {"originals/ab/1.jpg", "originals/cd/2.jpg"}
    assert len(list(storage.list("originals", older_than_seconds=-1))) == 2
    assert list(storage.list("originals", older_than_seconds=60)) == []
    assert list(storage.list("nothing")) == []
    assert {key for key, _ in storage.list_sizes("originals")} == set(storage.list("originals"))
    assert list(storage.list_sizes("nothing")) == []


def test_how_much_room_there_is_is_told(storage: Storage) -> None:
    free = storage.free_bytes()
    assert free is None or free > 0


def test_a_storage_that_works_passes_its_check(storage: Storage) -> None:
    storage.check()
