"""A clock that jumps, and Dropwall as an application that goes by it; what counts seconds from some
moment, such as a timeout, goes on as it was."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from unittest.mock import patch

from flask import Flask

from tests.support.gallery_server import RunningServer

VARIABLE = "JUMPING_CLOCK"


class JumpingClock:
    """`file` says for all processes how far it is from the true time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def jump_to(self, seconds: int) -> None:
        """Whoever reads meanwhile reads the old or the new one."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self._file)

    @property
    def seconds(self) -> int:
        return int(self._file.read_text())


def create_app() -> Flask:
    """For a process of its own, whose clock it is from now on."""
    clock = JumpingClock(Path(os.environ[VARIABLE]))
    true_time, true_time_ns = time.time, time.time_ns

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=clock.seconds)

    time.time = lambda: true_time() + clock.seconds
    time.time_ns = lambda: true_time_ns() + clock.seconds * 1_000_000_000

    import server.moments
    import server.routes.protection

    server.moments.datetime = Jumping  # type: ignore[misc]
    server.routes.protection.datetime = Jumping  # type: ignore[misc]
    return server.create_app()


@contextmanager
def jumping_clock(folder: Path) -> Iterator[JumpingClock]:
    """Servers that are started in this context go by it."""
    clock = JumpingClock(folder / "clock")
    clock.jump_to(0)
    application = (f"{__name__}:create_app()",)
    with (
        patch.dict(os.environ, {VARIABLE: str(folder / "clock")}),
        patch.object(RunningServer, "application", application),
    ):
        yield clock
