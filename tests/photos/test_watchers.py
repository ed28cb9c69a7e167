"""The watchers of one process, and what may happen just while they are notified."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from dropwall.catalog import feed
from dropwall.catalog.database import Database
from dropwall.catalog.feed import Changes
from dropwall.catalog.visibility import Viewer
from dropwall.photos import watchers as changes
from dropwall.photos.watchers import Watchers
from dropwall.refusals import CatalogUnavailable
from tests.support.catalog_rows import add_photo, photo
from tests.support.waiting import PATIENCE_SECONDS, wait_until

A_WHILE_SECONDS = 0.2


def photo_names(changes: Changes) -> bytes:
    return b" ".join(each.name.encode() for each in changes.photos)


def do_before(monkeypatch: pytest.MonkeyPatch, question: str, act: Callable[[], object]) -> None:
    """`act` happens just before the catalog is asked for this."""
    ask = getattr(feed, question)

    def act_and_ask(*asked: object) -> object:
        act()
        return ask(*asked)

    monkeypatch.setattr(feed, question, act_and_ask)


def test_a_watcher_who_comes_while_changes_are_read_misses_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchers, known = Watchers(database, 9, photo_names, 9), feed.find_version(database)
    is_reading, has_come = threading.Event(), threading.Event()
    first, newcomer = [], []

    def add_late_photo() -> None:
        if not is_reading.is_set():
            is_reading.set()
            has_come.wait(A_WHILE_SECONDS)
            add_photo(database, photo(2))

    def come() -> None:
        watcher = watchers.watch(known, Viewer())
        has_come.set()
        newcomer.extend(watcher)

    do_before(monkeypatch, "read_news", add_late_photo)
    with ThreadPoolExecutor(2) as pool, closing(watchers):
        pool.submit(first.extend, watchers.watch(known, Viewer()))
        add_photo(database, photo(1))
        assert is_reading.wait(PATIENCE_SECONDS)
        pool.submit(come)
        for told in (first, newcomer):
            wait_until(lambda told=told: {*b" ".join(told).split()} == {b"1.jpg", b"2.jpg"})


def test_a_newcomer_is_not_told_again_of_what_was_before(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two photos come while somebody does, and the others are told of one of them by itself."""
    watchers = Watchers(database, 9, lambda changes: b"%d" % changes.version, 9)
    first, newcomer = [], []

    def add_photos() -> None:
        version = add_photo(database, photo(1)).version
        wait_until(lambda: b"%d" % version in first)
        add_photo(database, photo(2))

    with ThreadPoolExecutor(2) as pool, closing(watchers):
        pool.submit(first.extend, watchers.watch(None, Viewer()))
        do_before(monkeypatch, "read_first_news", add_photos)
        pool.submit(newcomer.extend, watchers.watch(None, Viewer()))
        newest = add_photo(database, photo(3)).version
        wait_until(lambda: b"%d" % newest in newcomer)
    assert newcomer == sorted(newcomer, key=int)


def test_watchers_are_notified_by_a_commit_and_not_by_looking_now_and_then(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "WAIT_SECONDS", 3600)
    told = []
    watchers = Watchers(database, 9, photo_names, 9)
    with ThreadPoolExecutor(1) as pool:
        with closing(watchers):
            pool.submit(told.extend, watchers.watch(None, Viewer()))
            for number in (1, 2):
                add_photo(database, photo(number))
                wait_until(lambda number=number: b"%d.jpg" % number in told)
        add_photo(database, photo(3))  # the thread that waits sees that it is over


def test_leaving_does_not_wait_for_a_catalog_that_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_reading, answers = threading.Event(), threading.Event()
    watchers = Watchers(database, 9, photo_names, 9)
    one, another = watchers.watch(None, Viewer()), watchers.watch(None, Viewer())
    do_before(monkeypatch, "read_news", lambda: is_reading.set() or answers.wait())
    add_photo(database, photo(1))
    assert is_reading.wait(PATIENCE_SECONDS)
    with ThreadPoolExecutor(2) as pool:
        leaving = [pool.submit(one.close), pool.submit(watchers.close)]
        try:
            for left in leaving:
                left.result(PATIENCE_SECONDS)
        finally:
            answers.set()
    assert list(another) == [b""]


def test_watchers_are_let_go_when_the_catalog_does_not_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is silent, but alive, would be believed."""

    def be_gone() -> None:
        raise CatalogUnavailable("It is gone.")

    with closing(Watchers(database, 9, photo_names, 9)) as watchers:
        watcher = watchers.watch(None, Viewer())
        do_before(monkeypatch, "read_news", be_gone)
        add_photo(database, photo(1))
        assert list(watcher) == [b""]


def test_when_no_thread_can_be_started_the_next_watcher_tries_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with ThreadPoolExecutor(1) as pool, closing(Watchers(database, 1, photo_names, 1)) as watchers:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError):
                watchers.watch(None, Viewer())
        told: list[bytes] = []
        pool.submit(told.extend, watchers.watch(None, Viewer()))  # there is room for it
        add_photo(database, photo(1))
        wait_until(lambda: b"1.jpg" in told)
