"""Accounts as rows, and the failed tries to be let in."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from .. import timestamps
from ..refusals import NameTaken
from .changes import advance, wait_turn
from .database import Database
from .photo_rows import read_photos, select_photos
from .photos import Which, remove
from .tables import accounts, failed_tries, guests
from .upserts import insert_or_update
from .viewer import OWNER


@dataclass(frozen=True)
class Account:
    """One row. `id` is the guest's whose photos are theirs; of two accounts with the same
    `folded_name` there is one. Whoever is signed in knows the `session_key`."""

    id: str
    name: str
    folded_name: str
    password_hash: str
    is_host: bool
    session_key: str
    created: str

    @property
    def session_id(self) -> str:
        """What the session of who is signed in keeps."""
        return f"{self.id}.{self.session_key}"


class PrivatePhotosLeft(Exception):
    """So many photos would be there that nobody could see or remove any more."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class AccountCatalog:
    """Every method but `add_failures` is one transaction, with the troubles of `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, account: Account) -> None:
        """Raises NameTaken."""
        try:
            with self._database.transaction() as connection:
                connection.execute(accounts.insert().values(asdict(account)))
        except IntegrityError:
            raise NameTaken from None

    def find(self, account_id: str) -> Account | None:
        return self._find(select(accounts).where(accounts.c.id == account_id))

    def find_by_name(self, folded_name: str) -> Account | None:
        return self._find(select(accounts).where(accounts.c.folded_name == folded_name))

    def list_accounts(self) -> list[Account]:
        """By name."""
        with self._database.transaction() as connection:
            found = [Account(**row) for row in connection.execute(select(accounts)).mappings()]
        return sorted(found, key=attrgetter("folded_name"))

    def sign_out(self, account_id: str, **columns: str) -> Account | None:
        """The account with another session key, and perhaps another password, among the `columns`;
        None when it has gone. What comes from where it was signed in is not its own any more."""
        changed = update(accounts).where(accounts.c.id == account_id).values(**columns)
        with self._database.transaction() as connection:
            wait_turn(connection)
            _end_adoptions(connection, account_id)
            row = connection.execute(changed.returning(accounts)).mappings().first()
            return Account(**row) if row else None

    def remove(self, account_id: str, with_private: bool = False) -> None:
        """The account, and its private photos with it. Raises PrivatePhotosLeft when it has some
        that are to stay."""
        with self._database.transaction() as connection:
            version = advance(connection)
            mine = Which(guest_id=account_id, visibility=OWNER).rows
            private = read_photos(connection, select_photos().where(mine))
            if private and not with_private:
                raise PrivatePhotosLeft(len(private))
            remove(connection, version, private, timestamps.now(), by_guest="")
            _end_adoptions(connection, account_id)
            connection.execute(delete(accounts).where(accounts.c.id == account_id))

    def list_failures(self, keys: Collection[str]) -> list[tuple[str, int, str]]:
        """Key, failures and the moment of the last one, of those that have any."""
        found = select(failed_tries).where(failed_tries.c.key.in_(keys))
        with self._database.transaction() as connection:
            return [(row.key, row.failures, row.last) for row in connection.execute(found)]

    def add_failures(self, keys: Collection[str], moment: str, forget_before: str) -> None:
        """One more of each key; all that are older are forgotten before."""
        self._forget(forget_before)
        with self._database.transaction() as connection:
            for key in sorted(keys):  # in one order: two would wait for each other
                first = {"key": key, "failures": 1, "last": moment}
                one_more = {"failures": failed_tries.c.failures + 1, "last": moment}
                connection.execute(insert_or_update(connection, failed_tries, first, one_more))

    def forget_failures(self, key: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(delete(failed_tries).where(failed_tries.c.key == key))

    def _forget(self, before: str) -> None:
        """In a transaction of its own: who counts holds nothing that others may count."""
        with self._database.transaction() as connection:
            old = select(failed_tries.c.key).where(failed_tries.c.last < before)
            # None that somebody else is just counting, who may hold several, in another order.
            old = old.with_for_update(skip_locked=True)
            connection.execute(delete(failed_tries).where(failed_tries.c.key.in_(old)))

    def _find(self, query: Select[Any]) -> Account | None:
        with self._database.transaction() as connection:
            row = connection.execute(query).mappings().first()
            return Account(**row) if row else None


def _end_adoptions(connection: Connection, account_id: str) -> None:
    ended = update(guests).where(guests.c.adopted_by == account_id).values(adopted_by=None)
    connection.execute(ended)
