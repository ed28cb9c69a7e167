"""The commands that make, change and remove accounts."""

import sys

import click

from ..catalog.accounts import Account, PrivatePhotosLeft
from ..refusals import NoSuchAccount
from ..web import dropwall
from .refusals import refusals_as_told


def list_accounts() -> None:
    """List who has an account."""
    for account in dropwall().accounts.catalog.list_accounts():
        click.echo(f"{account.name}{' (host)' if account.is_host else ''}")


@click.argument("name")
@click.option("--host", "is_host", is_flag=True, help="They may approve, hide and remove photos.")
def add_account(name: str, is_host: bool) -> None:
    """Make an account; its password is asked for, or read from a pipe."""
    with refusals_as_told():
        account = dropwall().accounts.add(name, _new_password(), is_host)
    click.echo(f"{account.name} can sign in now{', as a host' if is_host else ''}.")


@click.argument("name")
def set_password(name: str) -> None:
    """Give an account another password, and sign it out everywhere."""
    account = _account(name)
    with refusals_as_told():
        dropwall().accounts.set_password(account, _new_password())
    click.echo(f"{account.name} has another password now, and is signed out everywhere.")


@click.argument("name")
@click.option("--with-private", is_flag=True, help="Remove its private photos, too.")
def remove_account(name: str, with_private: bool) -> None:
    """Remove an account; its photos stay in the gallery, but for those that nobody else sees."""
    account = _account(name)
    try:
        dropwall().accounts.catalog.remove(account.id, with_private)
    except PrivatePhotosLeft as private:
        raise click.ClickException(
            f"{account.name} has private photos, {private.count} in all, that nobody could see or"
            " remove any more; --with-private removes them, too."
        ) from None
    click.echo(f"{account.name} has no account any more.")


def _account(name: str) -> Account:
    try:
        return dropwall().accounts.called(name)
    except NoSuchAccount:
        raise click.ClickException(
            f"Nobody called {name} has an account; `dropwall accounts` lists who has."
        ) from None


def _new_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
