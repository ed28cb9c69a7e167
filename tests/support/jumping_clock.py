"""A clock that jumps, and Dropwall as an application that goes by it; what counts seconds from some
moment, such as a timeout, goes on as it was."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from unittest.mock import patch

from flask import Flask

from tests.support.gallery_server import GalleryServer

VARIABLE = "JUMPING_CLOCK"
"""Names the file that says for all processes how many seconds it is from the true time."""


def create_app() -> Flask:
    """For a process of its own, whose clock it is from now on."""
    file, true_time, true_time_ns = Path(os.environ[VARIABLE]), time.time, time.time_ns

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=int(file.read_text()))

    time.time = lambda: true_time() + int(file.read_text())
    time.time_ns = lambda: true_time_ns() + int(file.read_text()) * 1_000_000_000

    import dropwall

    for name, module in list(sys.modules.items()):
        if name.startswith("dropwall.") and getattr(module, "datetime", None) is datetime:
            module.datetime = Jumping  # type: ignore[attr-defined]
    return dropwall.create_app()


@contextmanager
def jumping_clock(folder: Path) -> Iterator[Callable[[int], None]]:
    """Servers that are started in this context go by the clock that this function sets."""
    file = folder / "clock"

    def jump_to(seconds: int) -> None:
        """Whoever reads meanwhile reads the old or the new one."""
        new = file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(file)

    jump_to(0)
    with (
        patch.dict(os.environ, {VARIABLE: str(file)}),
        patch.object(GalleryServer, "application", (f"{__name__}:create_app()",)),
    ):
        yield jump_to
