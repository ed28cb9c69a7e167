"""Those who watch, whoever else comes at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

from server.catalog import Catalog, CatalogUnavailable, Changes, Database, PhotoLists, Viewer
from server.changes import Watcher, Watchers
from tests.test_catalog import photo
from tests.waiting import PATIENCE_SECONDS, wait_until

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

    known = catalog.version()
    first = watchers.watch(known, Viewer())
    threading.Thread(target=note, args=("first", first), daemon=True).start()
    threading.Thread(target=come, daemon=True).start()
    catalog.add_photo(photo(1))
    wait_until(lambda: all(b"2.jpg" in b" ".join(texts) for texts in told.values()))
    watchers.close()


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

        def version(self, viewer: Viewer | None = None) -> int:
            if self.is_lost:
                raise CatalogUnavailable("It is gone.")
            return super().version(viewer)

    lists = LostLists(database)
    watchers = Watchers(database, lists, 9, lambda _: b"")
    watcher = watchers.watch(None, Viewer())
    lists.is_lost = True
    Catalog(database).add_photo(photo(1))
    assert list(watcher) == [b""]
    watchers.close()
