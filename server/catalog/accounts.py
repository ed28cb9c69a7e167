"""Accounts, how they take over a guest's photos, and the failed attempts that rate limits count."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.exc import IntegrityError

from .. import timestamps
from ..refusals import NameTaken
from .changes import advance, lock_gallery, record, rename, write_guest
from .database import Database, insert_or_update
from .guests import read_name
from .photos import SELECT_PHOTOS, PhotoFilter, batches, read_photos, remove
from .tables import OWNER, accounts, failed_tries, guests, is_listed, photos


@dataclass(frozen=True)
class Account:
    """An account. `id` is the guest id that owns its photos, `folded_name` is unique, and
    `session_key` is what signed-in browsers know."""

    id: str
    name: str
    folded_name: str
    password_hash: str
    is_host: bool
    session_key: str
    created: str

    @property
    def session_id(self) -> str:
        """The value that a signed-in browser's session holds."""
        return f"{self.id}.{self.session_key}"


class PrivatePhotosLeft(Exception):
    """The account has private photos that nobody could see or remove without it."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


def add_account(database: Database, account: Account) -> None:
    """Add an account. Raises NameTaken."""
    try:
        with database.transaction() as connection:
            connection.execute(accounts.insert().values(asdict(account)))
    except IntegrityError:
        raise NameTaken from None


def find_account(database: Database, account_id: str) -> Account | None:
    return _find(database, accounts.c.id == account_id)


def find_account_by_name(database: Database, folded_name: str) -> Account | None:
    return _find(database, accounts.c.folded_name == folded_name)


def list_accounts(database: Database) -> list[Account]:
    """Return all accounts, sorted by name."""
    with database.snapshot() as connection:
        found = [Account(**row) for row in connection.execute(select(accounts)).mappings()]
    return sorted(found, key=attrgetter("folded_name"))


def sign_out(database: Database, account_id: str, **columns: str) -> Account | None:
    """Write a new session key, and perhaps a new password hash, and return the changed account;
    None when it has gone. Uploads still on their way from its devices are no longer its own."""
    changed = update(accounts).where(accounts.c.id == account_id).values(**columns)
    with database.transaction() as connection:
        lock_gallery(connection)
        _end_adoptions(connection, account_id)
        row = connection.execute(changed.returning(accounts)).mappings().first()
        return Account(**row) if row else None


def remove_account(database: Database, account_id: str, with_private: bool = False) -> None:
    """Remove the account and, with `with_private`, its private photos. Raises PrivatePhotosLeft
    when it has some and they are to stay."""
    with database.transaction() as connection:
        version = advance(connection)
        mine = PhotoFilter(guest_id=account_id, visibility=OWNER).rows
        private = read_photos(connection, SELECT_PHOTOS.where(mine))
        if private and not with_private:
            raise PrivatePhotosLeft(len(private))
        remove(connection, version, private, timestamps.now(), by_guest="")
        _end_adoptions(connection, account_id)
        connection.execute(delete(accounts).where(accounts.c.id == account_id))


def adopt(database: Database, from_guest: str, to_guest: str) -> None:
    """Give all photos of one guest to another, as when they sign in. One is kept of a photo that
    both have sent; the name passes on if the other guest has none."""
    with database.transaction() as connection:
        version = advance(connection)
        theirs = photos.c.guest_id == from_guest
        held = select(photos.c.sha256).where(photos.c.guest_id == to_guest, is_listed)
        doubles = SELECT_PHOTOS.where(theirs, is_listed, photos.c.sha256.in_(held))
        remove(connection, version, read_photos(connection, doubles), timestamps.now(), from_guest)
        version = advance(connection)
        moved = read_photos(connection, SELECT_PHOTOS.where(theirs, is_listed))
        connection.execute(update(photos).where(theirs).values(guest_id=to_guest))
        for batch_version, batch in batches(connection, version, moved):
            adopted = [replace(photo, guest_id=to_guest) for photo in batch]
            record(connection, batch_version, former=batch, present=adopted)
            version = batch_version
        # For photos that are still on their way.
        write_guest(connection, from_guest, adopted_by=to_guest, adopted=timestamps.now())
        if (name := read_name(connection, from_guest)) and not read_name(connection, to_guest):
            rename(connection, version, to_guest, name)


def list_failures(database: Database, keys: Collection[str]) -> list[tuple[str, int, str]]:
    """Return the key, the number of failures, and the time of the last one, for keys that have
    any."""
    found = select(failed_tries).where(failed_tries.c.key.in_(keys))
    with database.snapshot() as connection:
        return [(row.key, row.failures, row.last) for row in connection.execute(found)]


def add_failures(database: Database, keys: Collection[str], now: str, forget_before: str) -> None:
    """Count one more failure for each key, and forget keys whose last one is older."""
    with database.transaction() as connection:  # its own: no lock is held while others count
        old = select(failed_tries.c.key).where(failed_tries.c.last < forget_before)
        # Another transaction that counts may have locked several, in another order.
        old = old.with_for_update(skip_locked=True)
        connection.execute(delete(failed_tries).where(failed_tries.c.key.in_(old)))
    with database.transaction() as connection:
        for key in sorted(keys):  # in one order, lest two transactions deadlock
            first = {"key": key, "failures": 1, "last": now}
            one_more = {"failures": failed_tries.c.failures + 1, "last": now}
            connection.execute(insert_or_update(connection, failed_tries, first, one_more))


def forget_failures(database: Database, key: str) -> None:
    with database.transaction() as connection:
        connection.execute(delete(failed_tries).where(failed_tries.c.key == key))


def _find(database: Database, which: ColumnElement[bool]) -> Account | None:
    with database.snapshot() as connection:
        row = connection.execute(select(accounts).where(which)).mappings().first()
        return Account(**row) if row else None


def _end_adoptions(connection: Connection, account_id: str) -> None:
    ended = update(guests).where(guests.c.adopted_by == account_id).values(adopted_by=None)
    connection.execute(ended)
