"""Limits concurrent decodes in all worker processes together, and shares the slots fairly."""

import fcntl
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..refusals import VisitorLeft

MEMORY_LOCKS = 20
"""Lock files for memory: each stands for a twentieth of what decoders may use at once."""
SMALL_LOCKS = 4
"""Memory locks that are kept for small photos, as one processor is."""
SLOW_SECONDS = 1.0
"""Time that a small photo takes at most."""
NAMED_LOCKS = 4096
"""Lock files for each purpose of `one_at_a_time`."""
POLL_SECONDS = 0.003
"""Pause between two attempts of the next photo to get its locks."""
DISCONNECT_SECONDS = 0.5
"""Pause between two checks whether a waiting visitor is still connected."""


@dataclass(frozen=True)
class Cost:
    """What decoding a photo needs, as estimated: memory, and time of a processor."""

    memory_bytes: int
    seconds: float


@dataclass(eq=False)
class _Ticket:
    visitor: str
    is_large: bool
    wanted_locks: int  # memory files to lock
    taken_locks: int = 0  # memory files that a large photo has locked so far
    held: ExitStack = field(default_factory=ExitStack)
    collecting: ExitStack = field(default_factory=ExitStack)  # the lock on `large`
    is_collecting: bool = False


class Slots:
    """A slot is a lock on a processor's file and on as many memory files as the photo needs. The
    kernel releases file locks however their process ends; a semaphore would stay counted down.

    In each process the visitor with the fewest photos being decoded goes first; between processes
    it is chance. Large and slow photos never hold the last processor or the last of the memory:
    a small photo of somebody else does not wait for them.
    """

    def __init__(self, folder: Path, processors: int, decode_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._processors = [folder / f"processor-{n}" for n in range(max(2, processors))]
        self._memory = [folder / f"memory-{n}" for n in range(MEMORY_LOCKS)]
        self._large = folder / "large"
        self._folder = folder
        self._lock_bytes = max(1, decode_bytes // MEMORY_LOCKS)
        self._condition = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._decoding: Counter[str] = Counter()

    @contextmanager
    def hold(
        self, visitor: str, cost: Cost, is_disconnected: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Wait for a slot and hold it in the block. A photo that needs more memory than all may
        use is the only large one meanwhile. Raises VisitorLeft."""
        wanted_locks = -(-cost.memory_bytes // self._lock_bytes)
        is_large = wanted_locks > SMALL_LOCKS or cost.seconds > SLOW_SECONDS
        most_locks = MEMORY_LOCKS - SMALL_LOCKS if is_large else SMALL_LOCKS
        ticket = _Ticket(visitor, is_large, min(wanted_locks, most_locks))
        checked_every = round(DISCONNECT_SECONDS / POLL_SECONDS)
        with ticket.held, ticket.collecting:
            with self._condition:
                self._waiting.append(ticket)
            try:
                for attempt in itertools.count(1):
                    with self._condition:
                        # Next of its size is the one that collects locks already, or else the first
                        # one of a visitor with the fewest photos.
                        is_next = ticket is min(
                            (other for other in self._waiting if other.is_large == is_large),
                            key=lambda it: (not it.is_collecting, self._decoding[it.visitor]),
                        )
                        if is_next and self._take_locks(ticket):
                            self._decoding[visitor] += 1
                            break
                        self._condition.wait(POLL_SECONDS if is_next else DISCONNECT_SECONDS)
                    if (attempt % checked_every == 0 or not is_next) and is_disconnected():
                        raise VisitorLeft
            finally:
                with self._condition:
                    self._waiting.remove(ticket)
                    self._condition.notify_all()
            try:
                yield
            finally:
                ticket.held.close()  # before others are notified: they look at once
                with self._condition:
                    self._decoding[visitor] -= 1
                    self._decoding += Counter()  # without those who have none
                    self._condition.notify_all()

    def _take_locks(self, ticket: _Ticket) -> bool:
        """Whether the photo has all its locks now. A large photo keeps those it could get, or small
        ones would never leave enough. Only one collects at a time: two that had half each would
        wait for ever."""
        if ticket.is_large:
            if not ticket.is_collecting:
                ticket.is_collecting = _lock(self._large, ticket.collecting)
                if not ticket.is_collecting:
                    return False
            for path in self._memory[SMALL_LOCKS:]:
                if ticket.taken_locks < ticket.wanted_locks and _lock(path, ticket.held):
                    ticket.taken_locks += 1
            if ticket.taken_locks < ticket.wanted_locks or not any(
                _lock(path, ticket.held) for path in self._processors[1:]
            ):
                return False
            ticket.collecting.close()
            return True
        with ExitStack() as tried:
            free = (path for path in self._memory if _lock(path, tried))
            taken_locks = len(list(itertools.islice(free, ticket.wanted_locks)))
            if taken_locks == ticket.wanted_locks and any(
                _lock(path, tried) for path in self._processors
            ):
                ticket.held.push(tried.pop_all())
                return True
        return False

    @contextmanager
    def one_at_a_time(self, purpose: str, hex_id: str) -> Iterator[None]:
        """Run the block alone, in all processes, for this purpose (a word) and id. Some ids share a
        lock."""
        with ExitStack() as held:
            _lock(self._folder / f"{purpose}-{int(hex_id, 16) % NAMED_LOCKS}", held, fcntl.LOCK_EX)
            yield


def _lock(path: Path, held: ExitStack, operation: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> bool:
    """Lock the file until `held` closes it, unless it is locked already; whether it could."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, operation)
    except OSError as error:
        os.close(file)
        if isinstance(error, BlockingIOError):
            return False
        raise
    held.callback(os.close, file)
    return True
