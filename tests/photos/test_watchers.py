"""Those who watch, whoever else comes at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from server.catalog import Catalog, CatalogUnavailable, Changes, Database, PhotoLists, Viewer
from server.changes import Watcher, Watchers
from tests.catalog.test_catalog import photo
from tests.support.waiting import PATIENCE_SECONDS, meanwhile, wait_until

A_WHILE_SECONDS = 0.5


def test_who_comes_while_the_news_is_read_misses_nothing(database: Database) -> None:
    catalog = Catalog(database)
    is_reading, has_come = threading.Event(), threading.Event()

    class SlowLists(PhotoLists):
        """Something comes just before the news is read."""

        def news(self, *asked):
            if not is_reading.is_set():
                is_reading.set()
                has_come.wait(A_WHILE_SECONDS)
                catalog.add_photo(photo(2))
            return super().news(*asked)

    def encode(changes: Changes) -> bytes:
        return b" ".join(each.name.encode() for each in changes.photos)

    watchers = Watchers(database, SlowLists(database), 9, encode)
    told: dict[str, list[bytes]] = {"first": [], "newcomer": []}

    def note(name: str, watcher: Watcher) -> None:
        for text in watcher:
            told[name].append(text)

    def come() -> None:
        is_reading.wait()
        newcomer = watchers.watch(known, Viewer())
        has_come.set()
        note("newcomer", newcomer)

    known = PhotoLists(database).version()
    first = watchers.watch(known, Viewer())
    threading.Thread(target=note, args=("first", first), daemon=True).start()
    threading.Thread(target=come, daemon=True).start()
    catalog.add_photo(photo(1))
    wait_until(lambda: all(b"2.jpg" in b" ".join(texts) for texts in told.values()))
    watchers.close()


def test_who_comes_while_much_happens_is_told_of_it_in_order(database: Database) -> None:
    """What they know from their first answer, they are not told as it was before that."""
    catalog = Catalog(database)
    is_told = threading.Event()

    class LateLists(PhotoLists):
        """Two photos come while somebody does; others are told of one of them by itself."""

        is_late = False

        def first_news(self, *asked):
            if self.is_late:
                catalog.add_photo(photo(1))
                assert is_told.wait(PATIENCE_SECONDS)
                catalog.add_photo(photo(2))
            return super().first_news(*asked)

    def encode(changes: Changes) -> bytes:
        return str(changes.version).encode()

    def listen(watcher: Watcher) -> None:
        for text in watcher:
            if int(text or 0) > 0:
                is_told.set()

    watchers = Watchers(database, lists := LateLists(database), 9, encode)
    first = watchers.watch(None, Viewer())
    lists.is_late = True
    versions: list[int] = []
    with meanwhile(lambda: listen(first)), closing(watchers):
        newcomer = watchers.watch(None, Viewer())
        texts = (int(text) for text in newcomer if text)
        with meanwhile(lambda: versions.extend(texts)), closing(watchers):
            newest = catalog.add_photo(photo(3)).version
            wait_until(lambda: newest in versions)
    assert versions == sorted(versions)


def test_who_leaves_does_not_wait_for_a_catalog_that_hangs(database: Database) -> None:
    catalog = Catalog(database)
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
    catalog.add_photo(photo(1))
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


def test_who_watches_is_let_go_when_the_catalog_does_not_answer(database: Database) -> None:
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
