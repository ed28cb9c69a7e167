"""What the host does at the command line: `dropwall …`."""

from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from ..routes import parts
from ..sweep import ForeignCatalog
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


def sweep() -> None:
    """Remove what crashes left behind a day ago or more."""
    try:
        with refusals_as_told():
            parts().usage.recount()
            click.echo(f"{parts().sweep.sweep()} leftovers removed.")
    except ForeignCatalog:
        raise click.ClickException(
            "The catalog knows none of the photos in the storage: is it the right one?"
            " Nothing was removed."
        ) from None
