"""The contract of the storage, on every engine."""

import io
import os
import random
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pytest

from dropwall.refusals import NotStored
from dropwall.storage import Storage, open_storage

ANY_AGE_SECONDS = -60  # also on a server whose clock is not ours


@pytest.fixture(params=["filesystem", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "filesystem":
        return open_storage(str(tmp_path / "photos"), tmp_path)
    return open_storage(request.getfixturevalue("seaweedfs").address(), tmp_path)


def read(storage: Storage, key: str) -> bytes:
    with storage.open(key) as stream:
        return stream.read()


def test_a_large_file_is_read_from_anywhere(storage: Storage) -> None:
    content = random.Random(1).randbytes(18_000_000)  # S3 takes it in three parts
    with storage.stage() as staged:
        staged.write_bytes(content)
        storage.put("originals/ab/a.jpg", staged, "image/jpeg", "a.jpg")
        assert not staged.exists()
    with storage.open("originals/ab/a.jpg") as stream:
        assert stream.read() == content
        for start in (4, 1_600_000, 400_000, 17_999_999, 0):
            stream.seek(start)
            assert stream.read(100_000) == content[start:][:100_000]
        assert stream.seek(-1, io.SEEK_END) == 17_999_999


def test_a_file_is_synced_before_it_is_renamed_and_its_folders_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave an empty photo under its name, or no name at all (fsync(2))."""
    steps: list[tuple[str, int]] = []
    fsync, rename = os.fsync, Path.rename

    def note_fsync(descriptor: int) -> None:
        fsync(descriptor)
        steps.append(("fsync", os.fstat(descriptor).st_ino))

    def note_rename(path: Path, target: Path) -> Path:
        steps.append(("rename", path.stat().st_ino))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "rename", note_rename)
    storage = open_storage(str(tmp_path), tmp_path)
    with storage.stage() as staged:
        staged.write_bytes(b"photo")
        photo = staged.stat().st_ino
        storage.put("originals/ab/a.jpg", staged)
    renamed = steps.index(("rename", photo))
    assert ("fsync", photo) in steps[:renamed]
    assert ("fsync", (tmp_path / "originals" / "ab").stat().st_ino) in steps[renamed:]
    for made_in in (tmp_path, tmp_path / "originals"):  # the new folders' own names
        assert ("fsync", made_in.stat().st_ino) in steps


def test_small_files_are_replaced_whole(storage: Storage) -> None:
    for content in (b"one and more", b"two", b""):
        storage.put_bytes("thumbnails/a.webp", content)
        assert read(storage, "thumbnails/a.webp") == content


def test_a_renamed_file_is_under_its_new_key_alone(storage: Storage) -> None:
    storage.put_bytes("originals/ab/a.jpg", b"a photo")
    storage.rename("originals/ab/a.jpg", "unknown/a.jpg")
    assert read(storage, "unknown/a.jpg") == b"a photo"
    assert [*storage.list("originals"), *storage.list("unknown")] == ["unknown/a.jpg"]
    with pytest.raises(NotStored):
        storage.rename("originals/ab/a.jpg", "unknown/a.jpg")
    assert read(storage, "unknown/a.jpg") == b"a photo"


def test_a_staged_file_is_gone_when_it_is_not_put(storage: Storage) -> None:
    with storage.stage() as staged:
        staged.write_bytes(b"photo")
    assert list(storage.old_staged(ANY_AGE_SECONDS)) == []


def test_what_a_crash_left_staged_is_discarded_when_it_is_old(storage: Storage) -> None:
    with storage.stage():
        assert len([*storage.old_staged(ANY_AGE_SECONDS)]) == 1
    assert list(storage.old_staged(ANY_AGE_SECONDS)) == []  # it was not put, and nothing crashed
    with storage.stage() as staged:
        assert list(storage.old_staged(older_than_seconds=60)) == []
        assert list(storage.old_staged(ANY_AGE_SECONDS)) == [staged.name]
        for _ in range(2):
            storage.discard_staged(staged.name)
        assert list(storage.old_staged(ANY_AGE_SECONDS)) == []


def test_a_file_can_be_opened_on_this_machine(storage: Storage) -> None:
    storage.put_bytes("a", b"0123456789")
    with storage.open_here("a") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        assert content[:] == file.read() == b"0123456789"
    assert list(storage.old_staged(ANY_AGE_SECONDS)) == []


def test_a_deleted_file_is_not_stored_and_can_be_deleted_again(storage: Storage) -> None:
    storage.put_bytes("a", b"a")
    storage.delete("a")
    storage.delete("a", "b")
    storage.delete()
    for open_file in (storage.open, storage.open_here):
        with pytest.raises(NotStored):
            open_file("a")


def test_files_are_listed_by_folder_size_and_age(storage: Storage) -> None:
    sizes = {"originals/ab/1.jpg": 1, "originals/cd/2.jpg": 22, "thumbnails/ab/1-320.webp": 3}
    for key, size in sizes.items():
        storage.put_bytes(key, bytes(size))
    del sizes["thumbnails/ab/1-320.webp"]
    assert sorted(storage.list("originals")) == sorted(sizes)
    assert sorted(storage.list("originals", ANY_AGE_SECONDS)) == sorted(sizes)
    assert list(storage.list("originals", older_than_seconds=60)) == []
    assert dict(storage.list_sizes("originals")) == sizes
    assert list(storage.list("nothing")) == list(storage.list_sizes("nothing")) == []


def test_the_check_of_a_storage_notices_that_nothing_can_be_staged(
    storage: Storage, tmp_path: Path
) -> None:
    storage.check()
    [incoming] = tmp_path.rglob("incoming")
    incoming.rmdir()
    with pytest.raises(OSError, match="No such file"):
        storage.check()
