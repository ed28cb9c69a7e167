"""The watchers of one process, and what may happen just while they are notified."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from server import changes
from server.catalog import Catalog, CatalogUnavailable, Changes, Database, PhotoLists, Viewer
from server.changes import Watchers
from tests.support.catalog_rows import photo
from tests.support.waiting import PATIENCE_SECONDS, wait_until

A_WHILE_SECONDS = 0.2


def encode(changes: Changes) -> bytes:
    return str(changes.version).encode()


def note(versions: list[int], texts: Iterable[bytes]) -> None:
    for text in texts:
        if text:  # no heartbeat
            versions.append(int(text))


def test_a_watcher_who_comes_while_changes_are_read_misses_none(database: Database) -> None:
    catalog = Catalog(database)
    is_reading, has_come = threading.Event(), threading.Event()

    class SlowLists(PhotoLists):
        """A photo comes just before the changes are read."""

        def news(self, *asked):
            if not is_reading.is_set():
                is_reading.set()
                has_come.wait(A_WHILE_SECONDS)
                catalog.add_photo(photo(2))
            return super().news(*asked)

    lists = SlowLists(database)
    known = lists.version()
    watchers = Watchers(database, lists, 9, encode)
    first, newcomer = [], []

    def come() -> None:
        watcher = watchers.watch(known, Viewer())
        has_come.set()
        note(newcomer, watcher)

    with ThreadPoolExecutor(2) as pool, closing(watchers):
        pool.submit(note, first, watchers.watch(known, Viewer()))
        catalog.add_photo(photo(1))
        assert is_reading.wait(PATIENCE_SECONDS)
        pool.submit(come)
        wait_until(lambda: first[-1:] == newcomer[-1:] == [lists.version()] != [known])


def test_watchers_are_notified_by_a_commit_and_not_by_looking_now_and_then(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "WAIT_SECONDS", 3600)
    catalog, lists, told = Catalog(database), PhotoLists(database), []
    watchers = Watchers(database, lists, 9, encode)
    with ThreadPoolExecutor(1) as pool:
        with closing(watchers):
            pool.submit(note, told, watchers.watch(lists.version(), Viewer()))
            for number in (1, 2):
                catalog.add_photo(photo(number))
                wait_until(lambda: told[-1:] == [lists.version()])
        catalog.add_photo(photo(3))  # the thread that waits sees that it is over


def test_a_newcomer_is_notified_in_order_though_much_happens(database: Database) -> None:
    """What they know from their first answer, they are not told as it was before that."""
    catalog = Catalog(database)
    first, newcomer = [], []

    class LateLists(PhotoLists):
        """Two photos come while somebody does; others are told of one of them by itself."""

        is_late = False

        def first_news(self, *asked):
            if self.is_late:
                version = catalog.add_photo(photo(1)).version
                wait_until(lambda: version in first)
                catalog.add_photo(photo(2))
            return super().first_news(*asked)

    lists = LateLists(database)
    watchers = Watchers(database, lists, 9, encode)
    with ThreadPoolExecutor(2) as pool, closing(watchers):
        pool.submit(note, first, watchers.watch(None, Viewer()))
        lists.is_late = True
        pool.submit(note, newcomer, watchers.watch(None, Viewer()))
        newest = catalog.add_photo(photo(3)).version
        wait_until(lambda: newest in newcomer)
    assert newcomer == sorted(newcomer)


def test_leaving_does_not_wait_for_a_catalog_that_hangs(database: Database) -> None:
    is_reading, answers, has_read = threading.Event(), threading.Event(), threading.Event()

    class HangingLists(PhotoLists):
        def news(self, *asked):
            is_reading.set()
            answers.wait()
            news = super().news(*asked)
            has_read.set()
            return news

    watchers = Watchers(database, HangingLists(database), 9, lambda _: b"")
    one, another = watchers.watch(None, Viewer()), watchers.watch(None, Viewer())
    Catalog(database).add_photo(photo(1))
    assert is_reading.wait(PATIENCE_SECONDS)
    with ThreadPoolExecutor(2) as pool:
        leaving = [pool.submit(one.close), pool.submit(watchers.close)]
        try:
            for left in leaving:
                left.result(PATIENCE_SECONDS)
        finally:
            answers.set()
            has_read.wait()
    assert list(another) == [b""]


def test_watchers_are_let_go_when_the_catalog_does_not_answer(database: Database) -> None:
    """A stream that is silent, but alive, would be believed."""

    class LostLists(PhotoLists):
        is_lost = False

        def version(self) -> int:
            version = super().version()
            if self.is_lost:
                raise CatalogUnavailable("It is gone.")
            return version

    lists = LostLists(database)
    watchers = Watchers(database, lists, 9, lambda _: b"")
    watcher = watchers.watch(None, Viewer())
    lists.is_lost = True
    Catalog(database).add_photo(photo(1))
    assert list(watcher) == [b""]
    watchers.close()
