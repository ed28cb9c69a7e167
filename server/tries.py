"""How often one may try to be let in."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from threading import Lock
from time import sleep

from . import moments
from .catalog import AccountCatalog

FORGET_SECONDS = 24 * 60 * 60
MAX_CLOCK_SKEW_SECONDS = 60
"""How far the clocks of two machines may differ: a try from a later moment than that was written by
a clock that has been set right since."""
NETWORK_BITS, SITE_BITS = 64, 48
"""Prefixes of IPv6 addresses: of one network, and of the longest one that providers give to one
customer (RFC 6177)."""
LONGEST_DELAY_SECONDS = 3
"""For a visitor who has failed nowhere, while others guess."""


class TooManyTries(Exception):
    """The next one has to wait."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, math.ceil(wait_seconds))


class TooManyWaiting(Exception):
    """No thread is left for one more try that has to wait."""

    wait_seconds = LONGEST_DELAY_SECONDS


@dataclass(frozen=True)
class Allowance:
    """So many tries are free; the pause after each further one is twice as long as before."""

    free: int
    longest_wait_seconds: int

    def wait_seconds(self, failures: int) -> int:
        if failures < self.free:
            return 0
        doublings = min(failures - self.free, self.longest_wait_seconds.bit_length())
        return min(1 << doublings, self.longest_wait_seconds)


class WaitingRoom:
    """Holds the tries of this process that are delayed, each in a thread, until they are made: so
    many at once.

    One network gets a quarter of the places, so that whoever guesses from there leaves the others
    free. Somebody with many networks can still take all of them, and others are told to come again:
    nothing tells such an attacker from a crowd. With 32 places that makes 10 tries a second in each
    process, which is why a short passcode is warned of.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = Counter[str]()
        self._lock = Lock()

    @contextmanager
    def place(self, network: str) -> Iterator[None]:
        """Raises TooManyWaiting."""
        with self._lock:
            is_full = self._taken.total() >= self._places
            if is_full or self._taken[network] >= max(1, self._places // 4):
                raise TooManyWaiting
            self._taken[network] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= Counter([network])  # which forgets those that have none


@dataclass(frozen=True)
class Tries:
    """Kept in the catalog: all workers know of each, and a restart forgets none."""

    catalog: AccountCatalog
    waiting_room: WaitingRoom

    @contextmanager
    def count(
        self, own: Mapping[str, Allowance], shared: Mapping[str, Allowance], address: str
    ) -> Iterator[None]:
        """One more try for each key, before it is known how it ends: many at once are not more
        than one after another. The try is made in this context.

        Whoever has used up an `own` allowance is told when to come again. One that is `shared`
        with strangers only delays the try: they must not be able to shut anybody out. Raises
        TooManyTries, TooManyWaiting.
        """
        delay = 0

        def check(key: str, failures: int, last: str) -> None:
            nonlocal delay
            passed = moments.seconds_since(last)
            if passed < -MAX_CLOCK_SKEW_SECONDS:
                return  # this try writes the moment anew
            passed = max(0.0, passed)
            if key in own:
                if (pause := own[key].wait_seconds(failures)) > passed:
                    raise TooManyTries(pause - passed)
            elif (pause := shared[key].wait_seconds(failures)) * 2 > passed:
                # Whoever tries one after another has spent the former delay already: twice as long
                # without a try, and none is delayed any more.
                delay = max(delay, pause)

        keys = [*own, *shared]
        forget_before = moments.now(seconds_ago=FORGET_SECONDS)
        self.catalog.count_tries(keys, moments.now(), check, forget_before)
        try:
            with ExitStack() as waiting:
                if delay:
                    waiting.enter_context(
                        self.waiting_room.place(neighbourhood(address, SITE_BITS))
                    )
                    sleep(delay)
                yield
        except TooManyWaiting:
            self.take_back(keys)
            raise

    def take_back(self, keys: Collection[str]) -> None:
        """It has never come to this try."""
        self.catalog.take_back(keys, [])

    def succeed(self, keys: Collection[str], forget: str) -> None:
        """This try was none too many; of the key `forget` there were none at all."""
        self.catalog.take_back([key for key in keys if key != forget], [forget])


def try_key(*parts: str) -> str:
    """Such as a name and an address, neither of which is kept: who is in a hurry types a password
    for a name."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def neighbourhood(address: str, bits: int = NETWORK_BITS) -> str:
    """An address as far as one person does not choose it: of IPv6 so many bits."""
    try:
        known = ip_address(address)
    except ValueError:  # a socket has none
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or int(known) >> (128 - bits))
    return str(known)
