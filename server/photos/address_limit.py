"""How much of one process a single address may hold at once, so that others are served too."""

import threading
from collections import Counter

from ..people.rate_limits import neighbourhood
from ..refusals import TooManyAtOnce


class AddressLimit:
    """Counts what is under way, by the network of its visitor. Each process counts for itself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, address: str) -> None:
        """One more is under way, until `give_back`. Raises TooManyAtOnce."""
        network = neighbourhood(address)
        with self._lock:
            if self._counts[network] >= self._most:
                raise TooManyAtOnce
            self._counts[network] += 1

    def give_back(self, address: str) -> None:
        network = neighbourhood(address)
        with self._lock:
            self._counts[network] -= 1
            if not self._counts[network]:
                del self._counts[network]
