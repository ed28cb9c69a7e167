"""The passcode, which lets guests in where the host has set one."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ..names import fold_name
from ..refusals import LONGEST_DELAY_SECONDS, TooManyLinks, TooManyTries, WrongPasscode
from .rate_limits import Allowance, RateLimits, limit_key, neighbourhood

# A whole party is behind one address: one guest's mistakes must not keep the others out for long.
BY_ADDRESS = Allowance(free=20, longest_wait_seconds=30)
BY_EVERYBODY = Allowance(free=100, longest_wait_seconds=LONGEST_DELAY_SECONDS)
MIN_SAFE_PASSCODE = 6
"""Characters; ten attempts a second take years for all words of six letters and digits."""


def is_short(text: str) -> bool:
    """Whether a passcode can be guessed, for all the limits of `RateLimits`; blanks make it no
    longer."""
    return 0 < len(fold_name(text).replace(" ", "")) < MIN_SAFE_PASSCODE


@dataclass(frozen=True)
class Passcode:
    """`text` is empty where there is none. Telling it is proved by a token, kept in the guest's
    cookie, that is worth nothing any more once the host has set another one."""

    text: str
    key: bytes
    rate_limits: RateLimits

    @property
    def token(self) -> str:
        return self._digest(self.text)

    @property
    def path(self) -> str:
        """The path of a link that has the passcode in it."""
        return f"/join/{quote(self.text, safe='')}" if self.text else ""

    def is_proved_by(self, token: object) -> bool:
        return isinstance(token, str) and hmac.compare_digest(token.encode(), self.token.encode())

    def check(self, sent: str, address: str) -> None:
        """Check a passcode, in any case: phones begin a word with a capital. Raises WrongPasscode,
        TooManyTries, TooManyWaiting."""
        here, everywhere = limit_key("passcode", neighbourhood(address)), limit_key("passcode")
        self._check(sent, here, {here: BY_ADDRESS}, {everywhere: BY_EVERYBODY}, address)

    def check_link(self, sent: str, address: str) -> None:
        """Check the passcode of a link. Its failures are counted apart: any site's page can have
        its visitors follow links, and must not keep them, and all who share their address, from
        sending the form. Raises WrongPasscode, TooManyLinks."""
        here, everywhere = limit_key("link", neighbourhood(address)), limit_key("link")
        own = {here: BY_ADDRESS, everywhere: BY_EVERYBODY}
        try:
            self._check(sent, here, own, {}, address)
        except TooManyTries as error:
            raise TooManyLinks(error.wait_seconds) from None

    def _check(
        self,
        sent: str,
        here: str,
        own: Mapping[str, Allowance],
        shared: Mapping[str, Allowance],
        address: str,
    ) -> None:
        with self.rate_limits.attempt(own, shared, address):
            if not self.is_proved_by(self._digest(sent)):
                self.rate_limits.count_failure([*own, *shared])
                raise WrongPasscode
            self.rate_limits.forget(here)

    def _digest(self, text: str) -> str:
        return hmac.digest(self.key, b"passcode " + fold_name(text).encode(), "sha256").hex()
