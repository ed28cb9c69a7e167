"""Who may decode a photo now: bounded memory and processors, shared fairly, over all workers."""

import fcntl
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..refusals import VisitorLeft
from .bounds import Cost

MEMORY_LOCKS = 20
"""Each stands for a twentieth of the memory that may be in use at once."""
SMALL_LOCKS = 4
"""Of those; they are kept for small photos, as one processor is."""
SLOW_SECONDS = 1.0
NAMED_LOCKS = 4096
POLL_SECONDS = 0.003
ASK_SECONDS = 0.5
"""Between two looks whether whoever waits is still there."""


@dataclass(eq=False)
class _Ticket:
    visitor: str
    is_large: bool
    number: int
    held: ExitStack = field(default_factory=ExitStack)
    collecting: ExitStack = field(default_factory=ExitStack)  # the lock of who does
    is_collecting: bool = False
    memory: int = 0


class Slots:
    """Locks on files go with their process, however that ends; a semaphore's count would not.

    In each process the visitor with the fewest photos at work goes first; between processes it is
    chance. Large and slow photos never hold the last processor or the last of the memory: somebody
    else's small photo does not wait for them.
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
        self._working: Counter[str] = Counter()
        self._numbers = itertools.count()

    @contextmanager
    def hold(
        self, visitor: str, cost: Cost, has_left: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Wait until `cost` can be spent for this visitor. What needs more memory than there is for
        all is the only large one meanwhile. Raises VisitorLeft."""
        wanted = -(-cost.memory_bytes // self._lock_bytes)
        is_large = wanted > SMALL_LOCKS or cost.seconds > SLOW_SECONDS
        wanted = min(wanted, MEMORY_LOCKS - SMALL_LOCKS if is_large else SMALL_LOCKS)
        ticket = _Ticket(visitor, is_large, next(self._numbers))
        with ticket.held, ticket.collecting:
            with self._condition:
                self._waiting.append(ticket)
            try:
                self._wait(ticket, wanted, has_left)
                with self._condition:
                    self._working[visitor] += 1
            finally:
                with self._condition:
                    self._waiting.remove(ticket)
                    self._condition.notify_all()
            try:
                yield
            finally:
                ticket.held.close()
                with self._condition:
                    self._working[visitor] -= 1
                    self._working += Counter()  # without those who have none
                    self._condition.notify_all()

    def _wait(self, ticket: _Ticket, wanted: int, has_left: Callable[[], bool]) -> None:
        for look in itertools.count(1):
            with self._condition:
                is_next = ticket is self._next(ticket.is_large)
                if is_next and self._has_begun(ticket, wanted):
                    return
                # Only the next one looks often.
                self._condition.wait(POLL_SECONDS if is_next else ASK_SECONDS)
            if (look % round(ASK_SECONDS / POLL_SECONDS) == 0 or not is_next) and has_left():
                raise VisitorLeft

    def _next(self, is_large: bool) -> _Ticket:
        alike = [ticket for ticket in self._waiting if ticket.is_large == is_large]
        return min(
            alike,
            key=lambda ticket: (
                not ticket.is_collecting,
                self._working[ticket.visitor],
                ticket.number,
            ),
        )

    def _has_begun(self, ticket: _Ticket, wanted: int) -> bool:
        """A large photo keeps what it has got, or small ones would never leave enough. One at a
        time collects: two that had half of it each would wait for ever."""
        if ticket.is_large:
            if not ticket.is_collecting:
                ticket.is_collecting = _is_locked(self._large, ticket.collecting)
                if not ticket.is_collecting:
                    return False
            for path in self._memory[SMALL_LOCKS:]:
                if ticket.memory < wanted and _is_locked(path, ticket.held):
                    ticket.memory += 1
            if ticket.memory < wanted or not any(
                _is_locked(path, ticket.held) for path in self._processors[1:]
            ):
                return False
            ticket.collecting.close()
            return True
        with ExitStack() as tried:
            free = (path for path in self._memory if _is_locked(path, tried))
            if len(list(itertools.islice(free, wanted))) == wanted and any(
                _is_locked(path, tried) for path in self._processors
            ):
                ticket.held.push(tried.pop_all())
                return True
        return False

    @contextmanager
    def one_at_a_time(self, what: str, hex_id: str) -> Iterator[None]:
        """For each `what` (a word) of this id; some ids share a lock."""
        with ExitStack() as held:
            _lock(self._folder / f"{what}-{int(hex_id, 16) % NAMED_LOCKS}", held)
            yield


def _lock(path: Path, held: ExitStack, operation: int = fcntl.LOCK_EX) -> None:
    """Until `held` closes the file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    held.callback(os.close, file)
    fcntl.flock(file, operation)


def _is_locked(path: Path, held: ExitStack) -> bool:
    """Whether it was free, and is ours now; if not, its file is closed again."""
    with ExitStack() as tried, suppress(BlockingIOError):
        _lock(path, tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.push(tried.pop_all())
        return True
    return False
