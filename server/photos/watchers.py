"""Who is told when the gallery changes, by one thread that looks."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from random import uniform
from typing import NamedTuple

from ..catalog import feed
from ..catalog.database import Database
from ..catalog.feed import Changes
from ..catalog.viewer import Viewer
from ..operations.logs import OutageLog, reason
from ..refusals import CatalogUnavailable, FullHouse

WAIT_SECONDS = 2
"""At most, before the catalog is looked at anyway."""
PAUSE_SECONDS = 0.02
"""In which many changes become one piece of news."""
HEARTBEAT_SECONDS = 15
"""At most. Often enough for proxies, which cut what is silent for a minute, and for the page, which
takes a silent stream for a dead one."""
HEARTBEAT_SPREAD = 0.2
"""Of that: who were told something together do not all wake together, and wait for each other."""
RETRY_SECONDS = 1
MAX_CHANGES = 500
"""In one piece."""

log = logging.getLogger(__name__)


class Event(NamedTuple):
    """`text` is what a watcher is told of all that has happened up to `version`, of the gallery."""

    version: int
    text: bytes


class Watchers:
    """Those of this process. Whatever happens, each is told of every change after the version
    that it knows: the catalog alone says what that is."""

    def __init__(
        self,
        database: Database,
        most: int,
        encode: Callable[[Changes], bytes],
        most_of_a_network: int | None = None,
    ) -> None:
        """`encode` makes of changes what each watcher is sent, once for all of them."""
        self._database = database
        self._most = most
        self._most_of_a_network = most if most_of_a_network is None else most_of_a_network
        self._encode = encode
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()  # nobody asks the catalog while they hold it
        self._door = threading.Lock()  # nobody comes in while the news is read
        self._last: int | None = None  # what all were told; None before anybody watched
        self._is_closed = False
        self._outages = OutageLog(log)

    def watch(self, since: int | None, viewer: Viewer, network: str = "") -> "Watcher":
        """From what comes after this version on; by default from now. Closed by the caller. Raises
        FullHouse, CatalogUnavailable."""
        watcher = Watcher(self, viewer, network)
        if (last := self._last) is None:
            last = feed.find_version(self._database)
        with self._door, self._lock:
            neighbours = sum(known.network == network for known in self._watchers)
            if (
                self._is_closed
                or len(self._watchers) >= self._most
                or neighbours >= self._most_of_a_network
            ):
                raise FullHouse
            if self._last is None:
                self._last = last
                self._start_looking()
            self._watchers.add(watcher)
        try:
            # Known to the thread that looks by now, it misses nothing that comes after this; of
            # what it was told before, it is told no more.
            version, pieces = feed.read_first_news(self._database, since, MAX_CHANGES, viewer)
            watcher.first = Event(version, b"".join(map(self._encode, pieces)))
        except Exception:
            watcher.close()
            raise
        return watcher

    def _start_looking(self) -> None:
        try:
            threading.Thread(target=self._look, name="changes", daemon=True).start()
        except RuntimeError:  # there are too many threads; the next one to watch tries again
            self._last = None
            raise

    def leave(self, watcher: "Watcher") -> None:
        with self._lock:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """Let all go: this process ends, another one will have them."""
        with self._lock:
            self._is_closed = True
        self._let_go()

    def _let_go(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.tell(None)

    def _look(self) -> None:
        """Should a defect end it, all are let go, and the next one to watch starts it anew: a
        stream that is silent, but alive, would be believed."""
        try:
            while not self._is_closed:
                try:
                    self._look_until_trouble()
                except (CatalogUnavailable, OSError) as error:
                    why = reason(error)
                    self._outages.failed("The catalog cannot be watched just now: %s", why)
                    self._look_all_the_same()
                    time.sleep(RETRY_SECONDS)
        finally:
            with self._lock:
                self._last = None
            self._let_go()

    def _look_until_trouble(self) -> None:
        with self._database.watch() as wait:
            while not self._is_closed:
                if wait(WAIT_SECONDS):
                    self._tell_all()
                    self._outages.recovered("The catalog is watched again")
                    time.sleep(PAUSE_SECONDS)

    def _look_all_the_same(self) -> None:
        """Who cannot be woken, such as for want of one connection more, may be answered. If not,
        all are let go: they ask by themselves then, and tell their visitors."""
        try:
            self._tell_all()
        except (CatalogUnavailable, OSError):
            self._let_go()

    def _tell_all(self) -> None:
        last = self._last or 0
        if feed.find_version(self._database) == last:  # something else was written: a chunk, say
            return
        # Who comes after this reads what was read here, too. Nobody waits at the door while they
        # hold a connection.
        with self._door:
            with self._lock:
                watchers = list(self._watchers)
            viewers = {watcher.viewer for watcher in watchers}
            self._last, news = feed.read_news(self._database, last, MAX_CHANGES, viewers)
        texts: dict[int, bytes] = {}
        for watcher in watchers:
            if pieces := news.get(watcher.viewer):
                if id(pieces) not in texts:
                    texts[id(pieces)] = b"".join(map(self._encode, pieces))
                watcher.tell(Event(self._last, texts[id(pieces)]))


class Watcher:
    """One who watches. Iterated, it gives what to send, the first at once and then without end
    until its process ends; empty when nothing has happened for HEARTBEAT_SECONDS."""

    first: Event

    def __init__(self, watchers: Watchers, viewer: Viewer, network: str) -> None:
        self.viewer = viewer
        self.network = network
        self._watchers = watchers
        self._told: SimpleQueue[Event | None] = SimpleQueue()

    def tell(self, event: Event | None) -> None:
        """None is the end."""
        self._told.put(event)

    def close(self) -> None:
        self._watchers.leave(self)

    def __iter__(self) -> Iterator[bytes]:
        known = -1
        for event in self._events():
            if event is None:
                yield b""
            elif event.version > known:
                known = event.version
                yield event.text

    def _events(self) -> Iterator[Event | None]:
        yield self.first
        while True:
            part = uniform(1 - HEARTBEAT_SPREAD, 1)  # noqa: S311 - it may be guessed
            try:
                event = self._told.get(timeout=part * HEARTBEAT_SECONDS)
            except Empty:
                yield None
            else:
                if event is None:
                    return
                yield event
