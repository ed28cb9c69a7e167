"""What the host does at the command line: `dropwall …`."""

from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from ..catalog import usage
from ..photos.sweep import UnknownOriginals
from ..web import dropwall
from .accounts import add_account, list_accounts, remove_account, set_password
from .moving import move
from .refusals import refusals_as_told


def add_commands(group: AppGroup) -> None:
    named: dict[str, Callable[..., Any]] = {
        "sweep": sweep,
        "move": move,
        "accounts": list_accounts,
        "add-account": add_account,
        "set-password": set_password,
        "remove-account": remove_account,
    }
    for name, command in named.items():
        group.command(name)(command)


@click.option(
    "--delete-unknown",
    is_flag=True,
    help="Originals that the catalog knows nothing of go, however many: to a folder first.",
)
def sweep(delete_unknown: bool) -> None:
    """Remove what crashes left behind a day ago or more."""
    try:
        with refusals_as_told():
            usage.recount(dropwall().database)
            swept = dropwall().sweep.sweep(delete_unknown)
    except UnknownOriginals as unknown:
        for key in unknown.keys:
            click.echo(key)
        raise click.ClickException(
            f"The catalog knows nothing of {_originals(len(unknown.keys))} in the storage: is it"
            " the right one? If it was lost, put its backup in place. If nobody misses these"
            " photos, `dropwall sweep --delete-unknown` moves them to the storage's folder"
            " “unknown”, where you can delete them. None of them was touched."
        ) from None
    click.echo(f"{swept.removed} leftovers removed.")
    if swept.moved:
        click.echo(
            f"{_originals(swept.moved)} that the catalog knows nothing of moved to the storage's"
            " folder “unknown”; delete it when nobody misses a photo."
        )


def _originals(count: int) -> str:
    return "1 original" if count == 1 else f"{count:,} originals"
