"""Live updates: one thread reads what has changed in the gallery, and notifies all watchers."""

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
from ..catalog.visibility import Viewer
from ..operations.logs import OutageLog, reason
from ..refusals import CatalogUnavailable, FullHouse

WAIT_SECONDS = 2
"""Longest wait for a notification, before the catalog is read without one."""
PAUSE_SECONDS = 0.02
"""Time in which many changes become one event."""
HEARTBEAT_SECONDS = 15
"""Longest silence of a stream: proxies cut a stream that is silent for a minute, and the page
takes a silent one for dead."""
HEARTBEAT_SPREAD = 0.2
"""The part of HEARTBEAT_SECONDS that is random, so that watchers who got the same event do not all
wake together and wait for each other."""
RETRY_SECONDS = 1
MAX_CHANGES = 500
"""Number of changes in one piece of an event."""

log = logging.getLogger(__name__)


class Event(NamedTuple):
    """An event for a watcher: `text` describes all changes up to the gallery's `version`."""

    version: int
    text: bytes


class Watchers:
    """The watchers of this process. Whatever happens, each gets every change after the version that
    it knows: only the catalog says what that is."""

    def __init__(
        self,
        database: Database,
        most: int,
        encode: Callable[[Changes], bytes],
        most_of_a_network: int,
    ) -> None:
        """`encode` turns changes into the bytes of an event, once for all watchers. At most `most`
        watch at once, of one network `most_of_a_network`."""
        self._database = database
        self._most = most
        self._most_of_a_network = most_of_a_network
        self._encode = encode
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()  # never held while the catalog is read
        self._admission = threading.Lock()  # held while news is read: nobody is added then
        self._last: int | None = None  # the version of the last event; None while no thread looks
        self._is_closed = False
        self._outages = OutageLog(log)

    def watch(self, since: int | None, viewer: Viewer, network: str = "") -> "Watcher":
        """Begin to watch after this version, by default now. The caller closes the watcher. Raises
        FullHouse, CatalogUnavailable."""
        watcher = Watcher(self, viewer, network)
        if (last := self._last) is None:
            last = feed.find_version(self._database)
        with self._admission, self._lock:
            neighbours = sum(known.network == network for known in self._watchers)
            if (
                self._is_closed
                or len(self._watchers) >= self._most
                or neighbours >= self._most_of_a_network
            ):
                raise FullHouse
            if self._last is None:
                self._last = last
                try:
                    threading.Thread(target=self._look, name="changes", daemon=True).start()
                except RuntimeError:  # too many threads; the next one to watch tries again
                    self._last = None
                    raise
            self._watchers.add(watcher)
        try:
            # The thread notifies it from now on, so nothing after this read is missed; events of
            # versions up to this one are skipped.
            version, pieces = feed.read_first_news(self._database, since, MAX_CHANGES, viewer)
            watcher.first = Event(version, b"".join(map(self._encode, pieces)))
        except Exception:
            watcher.close()
            raise
        return watcher

    def leave(self, watcher: "Watcher") -> None:
        with self._lock:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End all streams: this process ends, and the pages connect to another one."""
        with self._lock:
            self._is_closed = True
        self._end_streams()

    def _end_streams(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.send(None)

    def _look(self) -> None:
        """Read changes and notify watchers until `close`. If a defect ends the thread, all streams
        end, since the page would trust a stream that is alive but silent; the next one to watch
        starts a new thread."""
        try:
            while not self._is_closed:
                try:
                    self._look_until_error()
                except (CatalogUnavailable, OSError) as error:
                    why = reason(error)
                    self._outages.failed("The catalog can't be watched right now: %s", why)
                    # Without one more connection to wait on, changes may still be readable. If not,
                    # the streams end: the pages then ask by themselves, and show the error.
                    try:
                        self._notify_all()
                    except (CatalogUnavailable, OSError):
                        self._end_streams()
                    time.sleep(RETRY_SECONDS)
        finally:
            with self._lock:
                self._last = None
            self._end_streams()

    def _look_until_error(self) -> None:
        with self._database.watch() as wait:
            while not self._is_closed:
                if wait(WAIT_SECONDS):
                    self._notify_all()
                    self._outages.recovered("The catalog is watched again")
                    time.sleep(PAUSE_SECONDS)

    def _notify_all(self) -> None:
        last = self._last or 0
        if feed.find_version(self._database) == last:  # something else was written: a chunk, say
            return
        # A watcher that is added after this reads these changes itself. Nobody waits to be added
        # while holding a connection.
        with self._admission:
            with self._lock:
                watchers = list(self._watchers)
            viewers = {watcher.viewer for watcher in watchers}
            self._last, news = feed.read_news(self._database, last, MAX_CHANGES, viewers)
        texts: dict[int, bytes] = {}
        for watcher in watchers:
            if pieces := news.get(watcher.viewer):
                if id(pieces) not in texts:
                    texts[id(pieces)] = b"".join(map(self._encode, pieces))
                watcher.send(Event(self._last, texts[id(pieces)]))


class Watcher:
    """The stream of one visitor. Iterating yields what to send, the first event at once, until the
    process ends; an empty value when nothing has happened for HEARTBEAT_SECONDS."""

    first: Event

    def __init__(self, watchers: Watchers, viewer: Viewer, network: str) -> None:
        self.viewer = viewer
        self.network = network
        self._watchers = watchers
        self._queue: SimpleQueue[Event | None] = SimpleQueue()

    def send(self, event: Event | None) -> None:
        """Queue an event for the stream; None ends it."""
        self._queue.put(event)

    def close(self) -> None:
        self._watchers.leave(self)

    def __iter__(self) -> Iterator[bytes]:
        yield self.first.text
        known = self.first.version
        while True:
            part = uniform(1 - HEARTBEAT_SPREAD, 1)  # noqa: S311 - it may be guessed
            try:
                event = self._queue.get(timeout=part * HEARTBEAT_SECONDS)
            except Empty:
                yield b""
                continue
            if event is None:
                return
            if event.version > known:
                known = event.version
                yield event.text
