"""How often one may try to be let in."""

import hashlib
import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from . import moments
from .catalog import AccountCatalog

FORGET_SECONDS = 24 * 60 * 60


class TooManyTries(Exception):
    """The next one has to wait."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = max(1, math.ceil(wait_seconds))


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


@dataclass(frozen=True)
class Tries:
    """Kept in the catalog: all workers know of each, and a restart forgets none. Nobody waits in
    here: who comes too soon is told when to come again."""

    catalog: AccountCatalog

    def count(self, allowances: dict[str, Allowance]) -> None:
        """One more try for each key, before it is known how it ends: many at once are not more
        than one after another. Raises TooManyTries."""

        def check(key: str, failures: int, last: str) -> None:
            pause = allowances[key].wait_seconds(failures)
            passed = max(0.0, moments.seconds_since(last))  # another machine's clock may be ahead
            if pause > passed:
                raise TooManyTries(pause - passed)

        forget_before = moments.now(seconds_ago=FORGET_SECONDS)
        self.catalog.count_tries(allowances, moments.now(), check, forget_before)

    def succeed(self, allowances: dict[str, Allowance], forget: str) -> None:
        """This try was none too many; of the key `forget` there were none at all."""
        self.catalog.take_back([key for key in allowances if key != forget], [forget])


def try_key(*parts: str) -> str:
    """Such as a name and an address, neither of which is kept: who is in a hurry types a password
    for a name."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def neighbourhood(address: str) -> str:
    """An address as far as one person does not choose it: of IPv6 the network of 64 bits."""
    try:
        known = ip_address(address)
    except ValueError:  # a socket has none
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or int(known) >> 64)
    return str(known)
