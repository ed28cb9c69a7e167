"""Failed attempts with a password or the passcode are limited in their rate."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from threading import Condition
from time import sleep

from .. import timestamps
from ..catalog import accounts
from ..catalog.database import Database
from ..refusals import TooManyTries, TooManyWaiting

FORGET_SECONDS = 24 * 60 * 60
MAX_CLOCK_SKEW_SECONDS = 60
"""Difference that the clocks of two machines may have. A failure from further in the future was
written by a clock that has been set right since."""
NETWORK_BITS, SITE_BITS = 64, 48
"""Lengths of IPv6 prefixes: of one network, and of all networks that a provider gives to one
customer at most (RFC 6177)."""
LONGEST_WAIT_SECONDS = 30
"""Longest wait for a place: 80 guests behind one router type the passcode at once while others
guess."""
WAITING_PER_PLACE = 4
"""Number of attempts that may wait, for each that may be made at once."""


@dataclass(frozen=True)
class Allowance:
    """A number of failures that are free. Each further one doubles the pause after it."""

    free: int
    longest_wait_seconds: int

    def wait_seconds(self, failures: int) -> int:
        if failures < self.free:
            return 0
        doublings = min(failures - self.free, self.longest_wait_seconds.bit_length())
        return min(1 << doublings, self.longest_wait_seconds)


class WaitingRoom:
    """Bounds the attempts that this process makes at once, with the delayed ones: each holds a
    thread.

    One network gets half of the places, and no more than it has free failures left, since an
    attempt counts only once it has failed. Networks that have failed get half of the places
    together. Whoever finds no place waits for one, in a line that is shared out in the same way.
    Somebody with very many networks can still fill all of it, and others are told to come again:
    nothing tells such an attacker from a crowd. With 32 places that makes 10 attempts a second in
    each process, which is why a short passcode is warned of.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._trying = Counter[tuple[str, bool]]()
        self._present = Counter[tuple[str, bool]]()
        self._changed = Condition()

    @contextmanager
    def place(self, network: str, has_failed: bool, free: int) -> Iterator[None]:
        """Wait for a place, and hold it until the context ends. Raises TooManyWaiting."""

        def has_room(visitors: Counter[tuple[str, bool]], size: int) -> bool:
            half = max(1, size // 2)
            failed = sum(count for (_, failed), count in visitors.items() if failed)
            here = visitors[network, False] + visitors[network, True]
            return visitors.total() < size and here < half and (failed < half or not has_failed)

        def may_try() -> bool:
            here = self._trying[network, False] + self._trying[network, True]
            return here < max(1, free) and has_room(self._trying, self._places)

        visitor = Counter([(network, has_failed)])
        with self._changed:
            if not has_room(self._present, self._places * (1 + WAITING_PER_PLACE)):
                raise TooManyWaiting
            self._present += visitor
            if not self._changed.wait_for(may_try, LONGEST_WAIT_SECONDS):
                self._present -= visitor
                raise TooManyWaiting
            self._trying += visitor
        try:
            yield
        finally:
            with self._changed:
                self._trying -= visitor
                self._present -= visitor
                self._changed.notify_all()


@dataclass(frozen=True)
class RateLimits:
    """Counts failed attempts in the catalog: all workers know of each, and a restart forgets
    none."""

    database: Database
    waiting_room: WaitingRoom

    @contextmanager
    def attempt(
        self, own: Mapping[str, Allowance], shared: Mapping[str, Allowance], address: str
    ) -> Iterator[None]:
        """Wait, and make the next attempt in this context, which calls `count_failure` if it was
        wrong.

        Whoever has used up an `own` allowance is told when to come again. One that is `shared` with
        strangers only delays the attempt: they must not be able to shut anybody out. Raises
        TooManyTries, TooManyWaiting.
        """
        failures, free = self._check(own)
        network = network_of(address, SITE_BITS)
        with self.waiting_room.place(network, has_failed=failures > 0, free=free):
            self._check(own)  # again: others may have failed here meanwhile
            sleep(self._delay(shared))
            yield

    def count_failure(self, keys: Collection[str]) -> None:
        """Count one more failure of each key."""
        forget_before = timestamps.now(seconds_ago=FORGET_SECONDS)
        accounts.add_failures(self.database, keys, timestamps.now(), forget_before)

    def forget(self, key: str) -> None:
        accounts.forget_failures(self.database, key)

    def _check(self, own: Mapping[str, Allowance]) -> tuple[int, int]:
        """Return the most failures of a key, and the fewest that one has free. Raises
        TooManyTries."""
        failed = self._failures(own)
        for key, (failures, passed) in failed.items():
            if (pause := own[key].wait_seconds(failures)) > passed:
                raise TooManyTries(pause - passed)
        return (
            max((failures for failures, _ in failed.values()), default=0),
            min(own[key].free - failed.get(key, (0, 0))[0] for key in own),
        )

    def _delay(self, shared: Mapping[str, Allowance]) -> int:
        """Return the delay in seconds. Attempts made one after another have spent the former delay
        already: after twice as long without a failure, nobody is delayed any more."""
        pauses = [
            (shared[key].wait_seconds(failures), passed)
            for key, (failures, passed) in self._failures(shared).items()
        ]
        return max((pause for pause, passed in pauses if pause * 2 > passed), default=0)

    def _failures(self, keys: Collection[str]) -> dict[str, tuple[int, float]]:
        """Return how many failures the keys have that have any, and the seconds since the last."""
        found = {}
        for key, failures, last in accounts.list_failures(self.database, keys):
            passed = timestamps.seconds_since(last)
            if passed >= -MAX_CLOCK_SKEW_SECONDS:  # else the next failure writes the moment anew
                found[key] = failures, max(0.0, passed)
        return found


def limit_key(*parts: str) -> str:
    """Hash what a failure is counted by, such as a name and an address. Neither is kept in the
    clear: a guest in a hurry types the password where the name goes."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=4096)
def network_of(address: str, bits: int = NETWORK_BITS) -> str:
    """Return the network of an address, as far as one person cannot choose it: an IPv4 address
    whole, of an IPv6 address the first `bits`."""
    try:
        known = ip_address(address)
    except ValueError:  # a socket has none
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or int(known) >> (128 - bits))
    return str(known)
