"""The `dropwall` command serves the gallery, cleans it up, copies it, and manages accounts."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import click
from flask import Flask
from flask.cli import ScriptInfo, with_appcontext

from .catalog import accounts, guests
from .catalog.accounts import Account, PrivatePhotosLeft
from .catalog.database import AlreadyClaimed, find_database
from .catalog.guests import Amount
from .catalog.replica import AnotherGallery
from .catalog.schema import UnusableCatalog
from .config import BadSetting, Config, variable_name
from .move import AnotherStorage, Move, Place, Progress, SameGallery
from .photos.sweep import UnknownOriginals
from .refusals import CatalogUnavailable, StorageUnavailable
from .storage import open_storage
from .web.errors import is_refusal, response_to
from .web.requests import dropwall

GUNICORN_SETTINGS = Path(__file__).with_name("gunicorn.conf.py")
PROGRESS_SECONDS = 5
"""Time between two lines that say how far `dropwall move` is."""
MAX_NAMED = 100
"""Number of lost photos that `dropwall move` names."""
MAX_REASON = 200
"""Number of characters that are shown of an error's own words."""
S3_ANSWER = re.compile(r"\d{3} [A-Z][A-Za-z ]*(: \w+)?$")
INTERRUPTED = 130
"""Exit status after Ctrl-C (POSIX shells: 128 + SIGINT)."""
NOTHING = "Nothing was copied."
ITSELF = "That is where this gallery itself is. Choose another database and another storage."
GOES_ON = "What has been copied stays, and the same command goes on from there."


def command_line() -> None:
    """Run `dropwall …`. A command opens the gallery that the settings name, or makes it; a list of
    the commands needs none."""
    group = click.version_option(package_name="dropwall")(click.Group("dropwall"))
    for command in (serve, *COMMANDS):
        group.add_command(command)
    try:
        group.main(prog_name="dropwall", obj=ScriptInfo(create_app=_create_app))
    except (BadSetting, CatalogUnavailable, UnusableCatalog) as error:
        raise SystemExit(str(error)) from None


def _create_app() -> Flask:
    """Create the application, and say so if that made a new gallery: the host may have meant one
    that is elsewhere."""
    from . import create_app, make_folders

    config = Config.from_environ()
    catalog = Path(config.database_address)
    is_new = "://" not in config.database_address and not catalog.exists()
    make_folders(config)
    try:
        return create_app(config)
    finally:
        if is_new and catalog.exists():
            click.echo(
                f"There was no gallery in {catalog.resolve()}, so a new one was made. If you meant"
                " another one, set DROPWALL_DATA or DROPWALL_DATABASE.",
                err=True,
            )


@click.command()
def serve() -> None:
    """Serve the gallery that the DROPWALL_ variables describe, until Ctrl-C."""
    # gunicorn replaces this process, so that signals reach it.
    command = [sys.executable, "-m", "gunicorn", "--config", str(GUNICORN_SETTINGS)]
    os.execv(sys.executable, command)  # noqa: S606 - there is no shell in it


@click.command()
@click.option(
    "--delete-unknown",
    is_flag=True,
    help="Move originals that the catalog doesn't know to a folder, however many they are.",
)
@with_appcontext
def sweep(delete_unknown: bool) -> None:
    """Remove files that crashes left behind at least a day ago."""
    try:
        with _refusals_as_errors():
            guests.recount(dropwall().database)
            swept = dropwall().sweep.sweep_everything(delete_unknown)
    except UnknownOriginals as unknown:
        for key in unknown.keys:
            click.echo(key)
        raise click.ClickException(
            f"The catalog knows nothing of {_originals(len(unknown.keys))} in the storage: is it"
            " the right one? If it was lost, put its backup in place. If nobody misses these"
            " photos, `dropwall sweep --delete-unknown` moves them to the storage's folder"
            " “unknown”, where you can delete them. None of them was touched."
        ) from None
    click.echo(f"Removed {swept.removed:,} leftover {'file' if swept.removed == 1 else 'files'}.")
    if swept.moved:
        click.echo(
            f"Moved {_originals(swept.moved)} that the catalog doesn't know to the storage's"
            " folder “unknown”. Delete that folder once you are sure nobody misses a photo."
        )


def _originals(count: int) -> str:
    return "1 original" if count == 1 else f"{count:,} originals"


@contextmanager
def _refusals_as_errors() -> Iterator[None]:
    """End the command with the sentence that a guest would be answered."""
    try:
        yield
    except Exception as error:
        if not is_refusal(error):
            raise
        refusal = response_to(error)
        raise click.ClickException(refusal.get_data(as_text=True)) from None


# Accounts


@click.command("accounts")
@with_appcontext
def list_accounts() -> None:
    """List who has an account."""
    found = accounts.list_accounts(dropwall().accounts.database)
    for account in found:
        click.echo(f"{account.name}{' (host)' if account.is_host else ''}")
    if not found:
        click.echo("Nobody has an account yet. Add one: dropwall add-account NAME", err=True)


@click.command("add-account")
@click.argument("name")
@click.option("--host", "is_host", is_flag=True, help="Let them approve, hide and remove photos.")
@with_appcontext
def add_account(name: str, is_host: bool) -> None:
    """Add an account; its password is asked for, or read from a pipe."""
    with _refusals_as_errors():
        account = dropwall().accounts.add(name, _read_password(), is_host)
    click.echo(f"{account.name} can sign in now{', as a host' if is_host else ''}.")


@click.command("set-password")
@click.argument("name")
@with_appcontext
def set_password(name: str) -> None:
    """Give an account another password, and sign it out everywhere."""
    account = _find_account(name)
    with _refusals_as_errors():
        dropwall().accounts.set_password(account, _read_password())
    click.echo(f"{account.name} has another password now, and is signed out everywhere.")


@click.command("remove-account")
@click.argument("name")
@click.option("--with-private", is_flag=True, help="Remove its private photos, too.")
@with_appcontext
def remove_account(name: str, with_private: bool) -> None:
    """Remove an account; its photos stay in the gallery, but for those that nobody else sees."""
    account = _find_account(name)
    try:
        accounts.remove_account(dropwall().accounts.database, account.id, with_private)
    except PrivatePhotosLeft as private:
        raise click.ClickException(
            f"{account.name} has private photos, {private.count} in all, that nobody could see or"
            " remove any more; --with-private removes them, too."
        ) from None
    click.echo(f"{account.name} has no account any more.")


def _find_account(name: str) -> Account:
    if account := dropwall().accounts.find(name):
        return account
    raise click.ClickException(
        f"Nobody called {name} has an account; `dropwall accounts` lists who has."
    )


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


# Copies of the gallery


@click.command()
@click.option("--to-database", required=True, metavar="ADDRESS", help="As DROPWALL_DATABASE.")
@click.option("--to-storage", required=True, metavar="ADDRESS", help="As DROPWALL_STORAGE.")
@with_appcontext
def move(to_database: str, to_storage: str) -> None:
    """Copy the gallery to another database and storage, while it runs. Run it again to copy what
    has changed since."""
    target = _target(dropwall().settings, to_database, to_storage)
    with _move_errors(lambda: NOTHING):
        work = _prepared(target)
    with _move_errors(lambda: GOES_ON if work.has_begun else NOTHING):
        progress = work.run()
    for photo in progress.lost[:MAX_NAMED]:
        click.echo(f"“{photo.name}” ({photo.id}) is lost, damaged, or can't be kept.", err=True)
    click.echo(f"{_in_words(progress.copied)} copied; {_in_words(progress.there)} are there now.")
    if progress.lost:
        raise click.ClickException(f"{len(progress.lost)} of the photos couldn't be copied.")


def _target(settings: Config, to_database: str, to_storage: str) -> Config:
    """Return the settings of the copy. Nothing is made there yet."""
    try:
        target = replace(settings, database=to_database, storage=to_storage)
    except BadSetting as error:
        raise click.ClickException(_in_options(error)) from None
    if _is_same(target.database_address, settings.database_address) or _is_same(
        target.storage_address, settings.storage_address
    ):
        raise click.ClickException(ITSELF)
    return target


def _is_same(there: str, here: str) -> bool:
    if "://" in there + here:
        return there == here
    return Path(there).resolve() == Path(here).resolve()


def _prepared(target: Config) -> Move:
    try:
        there = find_database(target.database_address)
        work = Move(
            Place(dropwall().database, dropwall().storage),
            Place(there, open_storage(target.storage_address, target.data)),
            _progress_printer(),
        )
        work.prepare()
        return work
    except UnusableCatalog as error:
        raise click.ClickException(f"{_in_options(error)} {NOTHING}") from None
    except CatalogUnavailable as error:
        why = error.__cause__ if isinstance(error.__cause__, CatalogUnavailable) else error
        raise click.ClickException(
            f"The target database doesn't answer ({_in_one_line(why)}). Check --to-database."
            f" {NOTHING}"
        ) from None
    except StorageUnavailable:
        raise
    except OSError as error:
        raise click.ClickException(f"Nothing can be kept there ({error}). {NOTHING}") from None


def _in_options(error: Exception) -> str:
    """Rephrase an error about settings in terms of the command's options."""
    sentence = str(error)
    for name in ("database", "storage"):
        sentence = sentence.replace(variable_name(name), f"--to-{name}")
    return sentence


def _in_one_line(error: BaseException) -> str:
    """Shorten an error's own words. An S3 server's are long, and end with what matters."""
    if answer := S3_ANSWER.search(str(error)):
        return answer[0]
    return shorten(str(getattr(error, "strerror", None) or error), MAX_REASON, placeholder="…")


def _progress_printer() -> Callable[[Progress], None]:
    printed = time.monotonic()

    def print_progress(progress: Progress) -> None:
        nonlocal printed
        if time.monotonic() - printed >= PROGRESS_SECONDS:
            printed = time.monotonic()
            click.echo(f"{_in_words(progress.there)} of {_in_words(progress.gallery)} are there.")

    return print_progress


def _in_words(amount: Amount) -> str:
    photos = "1 photo" if amount.photos == 1 else f"{amount.photos:,} photos"
    return f"{photos} ({amount.bytes / 1e6:,.1f} MB)"


@contextmanager
def _move_errors(outcome: Callable[[], str]) -> Iterator[None]:
    """End the command with a sentence that says why, and what has become of the copy."""
    try:
        yield
    except AlreadyClaimed:
        raise click.ClickException("This gallery is being copied already.") from None
    except SameGallery:
        raise click.ClickException(ITSELF) from None
    except AnotherGallery:
        raise click.ClickException(
            "The target holds another gallery, or one that has changed since it was copied. Choose"
            " an empty database and an empty storage. Nothing was changed."
        ) from None
    except AnotherStorage:
        raise click.ClickException(
            "The target storage belongs to another database. Choose that one, or an empty storage."
            " Nothing was changed."
        ) from None
    except CatalogUnavailable as error:
        raise click.ClickException(
            f"A database doesn't answer ({_in_one_line(error)}). {outcome()}"
        ) from None
    except StorageUnavailable as error:
        raise click.ClickException(
            f"A storage refuses or doesn't answer ({_in_one_line(error)}). Check its address and"
            f" the AWS_ variables. {outcome()}"
        ) from None
    except OSError as error:
        what = "There is no room left" if is_refusal(error) else "Files can't be copied"
        raise click.ClickException(f"{what} ({error}). {outcome()}") from None
    except KeyboardInterrupt:
        click.echo(f"Stopped. {outcome()}", err=True)
        raise SystemExit(INTERRUPTED) from None


COMMANDS = (sweep, move, list_accounts, add_account, set_password, remove_account)
"""Commands that need the application."""
