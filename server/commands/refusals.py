"""What is refused, said at the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from ..web import dropwall
from ..web.errors import is_refusal, response_to


@contextmanager
def refusals_as_told() -> Iterator[None]:
    """What a guest would be told is told here too."""
    try:
        yield
    except Exception as error:
        if not is_refusal(error):
            raise
        refusal = response_to(error, dropwall().settings)
        raise click.ClickException(refusal.get_data(as_text=True)) from None
