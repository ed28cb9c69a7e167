"""The command that copies the gallery to other engines, and what it says of how that goes."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import click

from ..catalog.database import Database, find_database, open_database
from ..catalog.errors import AlreadyClaimed, UnusableCatalog
from ..catalog.replica import SameGallery
from ..catalog.snapshot import AnotherGallery
from ..catalog.usage import Share
from ..config import BadSetting, Config, variable_name
from ..move import AnotherStorage, Move, Place, Progress
from ..refusals import CatalogUnavailable, StorageUnavailable
from ..storage import open_storage
from ..web import dropwall
from ..web.errors import is_refusal

TELL_EVERY_SECONDS = 5
MAX_NAMED = 100
MAX_REASON = 200
S3_ANSWER = re.compile(r"\d{3} [A-Z][A-Za-z ]*(: \w+)?$")
STOPPED_BY_HAND = 130
"""As the exit status of what Ctrl-C ends (POSIX shells: 128 + SIGINT)."""
NOTHING = "Nothing was copied."
ITSELF = "This gallery itself is there; please choose another database and another storage."
GOES_ON = "What has been copied stays, and the same command goes on from there."


@click.option("--to-database", required=True, metavar="ADDRESS", help="As DROPWALL_DATABASE.")
@click.option("--to-storage", required=True, metavar="ADDRESS", help="As DROPWALL_STORAGE.")
def move(to_database: str, to_storage: str) -> None:
    """Copy the gallery to another database and storage, while it runs. The next time, what has
    changed since then."""
    settings = dropwall().settings
    target = _target(settings, to_database, to_storage)
    with _told_why_not_moved(lambda: NOTHING):
        work = _prepared(settings, target)
    with _told_why_not_moved(lambda: GOES_ON if work.has_begun else NOTHING):
        progress = work.run()
    for photo in progress.lost[:MAX_NAMED]:
        click.echo(f"“{photo.name}” ({photo.id}) is lost, damaged, or cannot be kept.", err=True)
    click.echo(f"{_in_words(progress.copied)} copied; {_in_words(progress.there)} are there now.")
    if progress.lost:
        raise click.ClickException(f"{len(progress.lost)} of the photos could not be copied.")


def _target(settings: Config, to_database: str, to_storage: str) -> Config:
    """Nothing is made there yet: not beside what it would not be copied to."""
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


def _prepared(settings: Config, target: Config) -> Move:
    here = open_database(settings.database_address)
    try:
        there = find_database(target.database_address)
        work = Move(_place(settings, here), _place(target, there), _tell_now_and_then())
        work.prepare()
        return work
    except UnusableCatalog as error:
        raise click.ClickException(f"{_in_options(error)} {NOTHING}") from None
    except CatalogUnavailable as error:
        why = error.__cause__ if isinstance(error.__cause__, CatalogUnavailable) else error
        raise click.ClickException(
            f"The database there does not answer ({_short(why)}); please see to --to-database."
            f" {NOTHING}"
        ) from None
    except StorageUnavailable:
        raise
    except OSError as error:
        raise click.ClickException(f"Nothing can be kept there ({error}). {NOTHING}") from None


def _place(settings: Config, database: Database) -> Place:
    return Place(database, open_storage(settings.storage_address, settings.data))


def _in_options(error: Exception) -> str:
    """What is wrong with a setting, for whoever has written an option."""
    sentence = str(error)
    for name in ("database", "storage"):
        sentence = sentence.replace(variable_name(name), f"--to-{name}")
    return sentence


def _short(error: BaseException) -> str:
    """In one line; what is told of an S3 server's answer is long, and ends with what matters."""
    if answer := S3_ANSWER.search(str(error)):
        return answer[0]
    return shorten(str(getattr(error, "strerror", None) or error), MAX_REASON, placeholder="…")


def _tell_now_and_then() -> Callable[[Progress], None]:
    told = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_EVERY_SECONDS:
            told = time.monotonic()
            click.echo(f"{_in_words(progress.there)} of {_in_words(progress.gallery)} are there.")

    return tell


def _in_words(share: Share) -> str:
    photos = "1 photo" if share.photos == 1 else f"{share.photos:,} photos"
    return f"{photos} ({share.bytes / 1e6:,.1f} MB)"


@contextmanager
def _told_why_not_moved(outcome: Callable[[], str]) -> Iterator[None]:
    try:
        yield
    except AlreadyClaimed:
        raise click.ClickException("This gallery is being copied already.") from None
    except SameGallery:
        raise click.ClickException(ITSELF) from None
    except AnotherGallery:
        raise click.ClickException(
            "There is another gallery, or one that has changed since it was copied; please choose"
            " an empty database and an empty storage. Nothing was changed."
        ) from None
    except AnotherStorage:
        raise click.ClickException(
            "The storage there belongs to another database; please choose that one, or an empty"
            " storage. Nothing was changed."
        ) from None
    except UnusableCatalog as error:
        raise click.ClickException(str(error)) from None
    except CatalogUnavailable as error:
        raise click.ClickException(
            f"A database does not answer ({_short(error)}). {outcome()}"
        ) from None
    except StorageUnavailable as error:
        raise click.ClickException(
            f"A storage refuses or does not answer ({_short(error)}); please see to its address and"
            f" the AWS_ variables. {outcome()}"
        ) from None
    except OSError as error:
        trouble = "There is no room left" if is_refusal(error) else "Files cannot be copied"
        raise click.ClickException(f"{trouble} ({error}). {outcome()}") from None
    except KeyboardInterrupt:
        click.echo(f"Stopped. {outcome()}", err=True)
        raise SystemExit(STOPPED_BY_HAND) from None
