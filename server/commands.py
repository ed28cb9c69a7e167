"""What the host does at the command line: `dropwall …`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask

from .accounts import NoSuchAccount
from .catalog import Account
from .errors import is_refusal, response_to
from .routes import parts
from .sweep import ForeignCatalog


def add_commands(app: Flask) -> None:
    named: dict[str, Callable[..., Any]] = {
        "sweep": sweep,
        "accounts": list_accounts,
        "add-account": add_account,
        "set-password": set_password,
        "remove-account": remove_account,
    }
    for name, command in named.items():
        app.cli.command(name)(command)


def sweep() -> None:
    """Remove what crashes left behind a day ago or more."""
    try:
        with _sentences():
            click.echo(f"{parts().sweep.sweep()} leftovers removed.")
    except ForeignCatalog:
        raise click.ClickException(
            "The catalog is empty and the storage is not: is it the right one? Nothing was removed."
        ) from None


def list_accounts() -> None:
    """List who has an account."""
    for account in parts().accounts.catalog.list_accounts():
        click.echo(f"{account.name}{' (host)' if account.is_host else ''}")


@click.argument("name")
@click.option("--host", "is_host", is_flag=True, help="They may approve, hide and remove photos.")
def add_account(name: str, is_host: bool) -> None:
    """Make an account; its password is asked for, or read from a pipe."""
    with _sentences():
        account = parts().accounts.add(name, _new_password(), is_host)
    click.echo(f"{account.name} can sign in now{', as a host' if is_host else ''}.")


@click.argument("name")
def set_password(name: str) -> None:
    """Give an account another password, and sign it out everywhere."""
    account = _account(name)
    with _sentences():
        parts().accounts.set_password(account, _new_password())
    click.echo(f"{account.name} has another password now, and is signed out everywhere.")


@click.argument("name")
@click.option("--with-private", is_flag=True, help="Remove its private photos, too.")
def remove_account(name: str, with_private: bool) -> None:
    """Remove an account; its photos stay in the gallery, but for those that nobody else sees."""
    account = _account(name)
    private = parts().guests.count_private(account.id)
    if private and not with_private:
        raise click.ClickException(
            f"{account.name} has private photos, {private} in all, that nobody could see or remove"
            " any more; --with-private removes them, too."
        )
    parts().accounts.remove(account)  # first, so that no photo comes meanwhile
    if with_private:
        parts().gallery.remove_private(account.id)
    click.echo(f"{account.name} has no account any more.")


def _account(name: str) -> Account:
    try:
        return parts().accounts.called(name)
    except NoSuchAccount:
        raise click.ClickException(
            f"Nobody called {name} has an account; `dropwall accounts` lists who has."
        ) from None


def _new_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@contextmanager
def _sentences() -> Iterator[None]:
    """What a guest would be told is told here too."""
    try:
        yield
    except Exception as error:
        if not is_refusal(error):
            raise
        refusal = response_to(error, parts().settings)
        raise click.ClickException(refusal.get_data(as_text=True)) from None
