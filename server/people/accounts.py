"""Accounts are added, sign in and out, and change their passwords."""

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
from .rate_limits import Allowance, RateLimits, limit_key, network_of

# Nobody in the same Wi-Fi may lock a host out for long: there may be a whole party behind one
# address. One attempt a minute guesses no password.
BY_NAME_AND_ADDRESS = Allowance(free=5, longest_wait_seconds=60)
BY_ADDRESS = Allowance(free=100, longest_wait_seconds=30)
# Nobody elsewhere may lock a host out at all: these limits delay attempts, and refuse none.
BY_NAME = Allowance(free=50, longest_wait_seconds=LONGEST_DELAY_SECONDS)
BY_EVERYBODY = Allowance(free=100, longest_wait_seconds=LONGEST_DELAY_SECONDS)
"""Failures anywhere, also with names that nobody has: hashes are computed a few at a time, and all
others would wait."""
SIGN_UPS = Allowance(free=200, longest_wait_seconds=30)
"""Accounts made from one address, counted until there was none for a day."""
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
            session_key=secrets.token_hex(16),
            created=timestamps.now(),
        )
        accounts.add_account(self.database, account)
        name_guest(self.database, account.id, guest_name or name)
        return account

    def sign_up(self, name: str, password: str, guest_id: str, address: str) -> Account:
        """Make an account, which takes over the guest's photos and name, but not their id: with a
        copy of the guest's cookie somebody else could act as the account. Raises TooManySignUps,
        and what `add` raises."""
        _account_name(name)
        check_password(password)
        own = {limit_key("sign-up", network_of(address)): SIGN_UPS}
        shared = {limit_key("sign-up"): ALL_SIGN_UPS}
        try:
            with self.rate_limits.attempt(own, shared, address):
                self.rate_limits.count_failure([*own, *shared])  # each counts
                account = self.add(name, password, guest_name=find_name(self.database, guest_id))
        except TooManyTries as error:
            raise TooManySignUps(error.wait_seconds) from None
        if guest_id:  # clients without a cookie all have the empty one
            adopt(self.database, guest_id, account.id)
        return account

    def sign_in(self, name: str, password: str, guest_id: str, address: str) -> Account:
        """Find the account, which takes over the guest's photos. Raises WrongPassword,
        TooManyTries."""
        account = self.find(name)
        if not self._knows_password(fold_name(name), account, password, address) or not account:
            raise WrongPassword
        if guest_id:
            adopt(self.database, guest_id, account.id)
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
            self.database,
            account.id,
            password_hash=password_hash,
            session_key=secrets.token_hex(16),
        )
        if not changed:
            raise NoSuchAccount
        return changed

    def sign_out_everywhere(self, account: Account) -> None:
        accounts.sign_out(self.database, account.id, session_key=secrets.token_hex(16))

    def of_session(self, session_id: str) -> Account | None:
        """Return the account of a session; None once the session was ended, on any device or by
        another password."""
        account = accounts.find_account(self.database, session_id.partition(".")[0])
        return account if account and account.session_id == session_id else None

    def find(self, name: str) -> Account | None:
        """Find an account by its name. One whose name was folded as in galleries of revision 0008
        comes first: it may differ from another one in invisible characters alone."""
        former = accounts.find_account_by_name(self.database, former_fold_name(name))
        return former or accounts.find_account_by_name(self.database, fold_name(name))

    def _knows_password(
        self, folded_name: str, account: Account | None, password: str, address: str
    ) -> bool:
        """Check a password, just as slowly for a name that nobody has: the time that it takes must
        not reveal who has an account."""
        place = network_of(address)
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


def _account_name(name: str) -> str:
    """Clean the name of an account. Raises NoName, LongName."""
    name = clean_guest_name(name)
    if not name:
        raise NoName
    return name
