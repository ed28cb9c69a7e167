"""Accounts as rows, and the failed tries to be let in."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from .database import Database
from .tables import accounts, failed_tries
from .upserts import insert_or_update


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


class NameTaken(Exception):
    """Another account is called so."""


class AccountCatalog:
    """Every method but `count_tries` is one transaction, with the troubles of `Database`."""

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

    def update(self, account_id: str, **columns: str) -> Account | None:
        """As it is then; None when it has gone."""
        changed = update(accounts).where(accounts.c.id == account_id).values(**columns)
        with self._database.transaction() as connection:
            row = connection.execute(changed.returning(accounts)).mappings().first()
            return Account(**row) if row else None

    def remove(self, account_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(delete(accounts).where(accounts.c.id == account_id))

    def count_tries(
        self,
        keys: Collection[str],
        moment: str,
        check: Callable[[str, int, str], None],
        forget_before: str,
    ) -> None:
        """One more failure of each key, and all that is older forgotten before. `check` is shown
        a key, its failures so far and the moment of the last one, while nobody else can add one:
        what it raises counts nothing."""
        self._forget(forget_before)
        with self._database.transaction() as connection:
            for key in sorted(keys):  # in one order: two would wait for each other
                _count(connection, key, moment, check)

    def take_back(self, keys: Collection[str], forget: Collection[str]) -> None:
        """The last try did not fail: `keys` have one failure less, `forget` have none."""
        with self._database.transaction() as connection:
            for key in sorted({*keys, *forget}):  # as in count_tries
                this_one = failed_tries.c.key == key
                if key in forget:
                    connection.execute(delete(failed_tries).where(this_one))
                else:
                    less = update(failed_tries).where(this_one)
                    connection.execute(less.values(failures=failed_tries.c.failures - 1))

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


def _count(
    connection: Connection, key: str, moment: str, check: Callable[[str, int, str], None]
) -> None:
    # Its row stays locked until the commit: those who try at once are counted one by one.
    first = {"key": key, "failures": 1, "last": moment}
    one_more = {"failures": failed_tries.c.failures + 1}
    counted = insert_or_update(connection, failed_tries, first, one_more)
    counted = counted.returning(failed_tries.c.failures, failed_tries.c.last)
    failures, last = connection.execute(counted).one()
    if failures > 1:
        check(key, failures - 1, last)
        this_one = update(failed_tries).where(failed_tries.c.key == key)
        connection.execute(this_one.values(last=moment))
