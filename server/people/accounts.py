"""Accounts: made, signed in to and out of, and their passwords changed."""

import secrets
from dataclasses import dataclass

from .. import timestamps
from ..catalog import accounts
from ..catalog.accounts import Account, adopt
from ..catalog.database import Database
from ..catalog.guests import find_name, name_guest
from ..names import clean_guest_name, fold_name, former_fold_name
from ..refusals import (
    LONGEST_DELAY_SECONDS,
    NoName,
    NoSuchAccount,
    TooManySignUps,
    TooManyTries,
    WrongOldPassword,
    WrongPassword,
)
from .passwords import DUMMY_HASH, check_password, hash_password, is_password
from .rate_limits import Allowance, RateLimits, limit_key, neighbourhood

# Who is in the same Wi-Fi must not be able to lock a host out for long: behind one address there
# may be a whole party. A try a minute guesses no password.
BY_NAME_AND_ADDRESS = Allowance(free=5, longest_wait_seconds=60)
BY_ADDRESS = Allowance(free=100, longest_wait_seconds=30)
# Who only knows the name, or is anywhere, must not at all: these delay, and refuse nobody.
BY_NAME = Allowance(free=50, longest_wait_seconds=LONGEST_DELAY_SECONDS)
BY_EVERYBODY = Allowance(free=100, longest_wait_seconds=LONGEST_DELAY_SECONDS)
"""Hashes are computed one after another: names that nobody has would keep all others waiting."""
SIGN_UPS = Allowance(free=200, longest_wait_seconds=30)
"""From one address, until there were none for a day."""
ALL_SIGN_UPS = Allowance(free=1000, longest_wait_seconds=LONGEST_DELAY_SECONDS)


@dataclass(frozen=True)
class Accounts:
    database: Database
    rate_limits: RateLimits

    def add(self, name: str, password: str, is_host: bool = False, guest_name: str = "") -> Account:
        """Make an account, whose photos bear its name, or `guest_name`. Raises NoName, LongName,
        WeakPassword, NameTaken."""
        name = _account_name(name)
        account = Account(
            id=secrets.token_hex(16),
            name=name,
            folded_name=fold_name(name),
            password_hash=hash_password(password),
            is_host=is_host,
            session_key=_session_key(),
            created=timestamps.now(),
        )
        accounts.add_account(self.database, account)
        name_guest(self.database, account.id, guest_name or name)
        return account

    def sign_up(self, name: str, password: str, guest_id: str, address: str) -> Account:
        """Make an account, to which the guest's photos and their name go over. Not the guest's id
        itself: whoever has a copy of its cookie would own what the account does. Raises
        TooManySignUps too."""
        _account_name(name)
        check_password(password)
        own = {limit_key("sign-up", neighbourhood(address)): SIGN_UPS}
        shared = {limit_key("sign-up"): ALL_SIGN_UPS}
        try:
            with self.rate_limits.attempt(own, shared, address):
                self.rate_limits.count_failure([*own, *shared])  # each counts
                account = self.add(name, password, guest_name=find_name(self.database, guest_id))
        except TooManyTries as error:
            raise TooManySignUps(error.wait_seconds) from None
        self._adopt(guest_id, account)
        return account

    def sign_in(self, name: str, password: str, guest_id: str, address: str) -> Account:
        """Find the account, to which the guest's photos go over. Raises WrongPassword,
        TooManyTries."""
        account = self._find(name)
        if not self._knows_password(fold_name(name), account, password, address) or not account:
            raise WrongPassword
        self._adopt(guest_id, account)
        return account

    def change_password(self, account: Account, old: str, new: str, address: str) -> Account:
        """Set a password if the old one is right. Raises WrongOldPassword, TooManyTries,
        WeakPassword."""
        if not self._knows_password(account.folded_name, account, old, address):
            raise WrongOldPassword
        return self.set_password(account, new)

    def set_password(self, account: Account, password: str) -> Account:
        """Set a password, and sign out all who are signed in. Raises WeakPassword,
        NoSuchAccount."""
        password_hash = hash_password(password)
        changed = accounts.sign_out(
            self.database, account.id, password_hash=password_hash, session_key=_session_key()
        )
        if not changed:
            raise NoSuchAccount
        return changed

    def sign_out_everywhere(self, account: Account) -> None:
        accounts.sign_out(self.database, account.id, session_key=_session_key())

    def of_session(self, session_id: str) -> Account | None:
        """Return the account of a session; None once it was signed out from elsewhere, or has
        another password."""
        account = accounts.find_account(self.database, session_id.partition(".")[0])
        return account if account and account.session_id == session_id else None

    def called(self, name: str) -> Account:
        """Raises NoSuchAccount."""
        account = self._find(name)
        if not account:
            raise NoSuchAccount
        return account

    def _find(self, name: str) -> Account | None:
        """Find an account by its name. One that was made before names were folded as they are now
        (in galleries of revision 0008) comes first: it may be called like another one, but for
        what cannot be seen."""
        former = accounts.find_account_by_name(self.database, former_fold_name(name))
        return former or accounts.find_account_by_name(self.database, fold_name(name))

    def _knows_password(
        self, folded_name: str, account: Account | None, password: str, address: str
    ) -> bool:
        """Check a password, just as slowly for a name that nobody has: time must not say who has an
        account."""
        place = neighbourhood(address)
        here = limit_key("sign-in", folded_name, place)
        own = {here: BY_NAME_AND_ADDRESS, limit_key("address", place): BY_ADDRESS}
        shared = {limit_key("name", folded_name): BY_NAME, limit_key("sign-in"): BY_EVERYBODY}
        password_hash = account.password_hash if account else DUMMY_HASH
        with self.rate_limits.attempt(own, shared, address):
            is_right = is_password(password, password_hash)
            if is_right:
                self.rate_limits.forget(here)
            else:
                self.rate_limits.count_failure([*own, *shared])
        return is_right

    def _adopt(self, guest_id: str, account: Account) -> None:
        if guest_id:  # all clients without a cookie are one guest, and nobody's
            adopt(self.database, guest_id, account.id)


def _account_name(name: str) -> str:
    """Raises NoName, LongName."""
    name = clean_guest_name(name)
    if not name:
        raise NoName
    return name


def _session_key() -> str:
    return secrets.token_hex(16)
