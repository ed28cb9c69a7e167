"""The passcode lets guests in where the host has set one."""

import hmac
from dataclasses import dataclass
from urllib.parse import quote

from ..names import fold_name
from ..refusals import LONGEST_DELAY_SECONDS, TooManyLinks, TooManyTries, WrongPasscode
from .rate_limits import Allowance, RateLimits, limit_key, network_of

# There may be a whole party behind one address: one guest's mistakes must not keep it out for long.
BY_ADDRESS = Allowance(free=20, longest_wait_seconds=30)
BY_EVERYBODY = Allowance(free=100, longest_wait_seconds=LONGEST_DELAY_SECONDS)
MIN_SAFE_PASSCODE = 6
"""Number of characters; ten attempts a second take years for all words of six letters and
digits."""


def is_short(text: str) -> bool:
    """Whether a passcode can be guessed in spite of `RateLimits`. Spaces do not count."""
    return 0 < len(fold_name(text).replace(" ", "")) < MIN_SAFE_PASSCODE


@dataclass(frozen=True)
class Passcode:
    """The gallery may have a passcode; `text` is empty if it has none. Guests who have entered it
    have a token in their cookie, which is void once the host sets another passcode."""

    text: str
    key: bytes
    rate_limits: RateLimits

    @property
    def token(self) -> str:
        return self._digest(self.text)

    @property
    def path(self) -> str:
        """Return the path of a link that has the passcode in it."""
        return f"/join/{quote(self.text, safe='')}" if self.text else ""

    def is_proved_by(self, token: object) -> bool:
        return isinstance(token, str) and hmac.compare_digest(token.encode(), self.token.encode())

    def check(self, sent: str, address: str, is_link: bool = False) -> None:
        """Check a passcode, in any case: phones begin a word with a capital. The failures of links
        are counted apart, and never delay the form: any site's page can have its visitors follow
        links, and must not keep them, and all who share their address, from sending the form.
        Raises WrongPasscode, TooManyTries, TooManyWaiting; TooManyLinks for a link."""
        kind = "link" if is_link else "passcode"
        here, everywhere = limit_key(kind, network_of(address)), limit_key(kind)
        own, shared = {here: BY_ADDRESS}, {everywhere: BY_EVERYBODY}
        if is_link:
            own, shared = own | shared, {}
        try:
            with self.rate_limits.attempt(own, shared, address):
                if not self.is_proved_by(self._digest(sent)):
                    self.rate_limits.count_failure([*own, *shared])
                    raise WrongPasscode
                self.rate_limits.forget(here)
        except TooManyTries as error:
            raise TooManyLinks(error.wait_seconds) if is_link else error from None

    def _digest(self, text: str) -> str:
        return hmac.digest(self.key, b"passcode " + fold_name(text).encode(), "sha256").hex()
