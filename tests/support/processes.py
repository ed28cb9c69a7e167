"""Processes and folders that tests make; none of them outlives its test run, however that ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


class Process(subprocess.Popen[bytes]):
    """Leads a process group of its own, which is killed in the end if nobody has waited for it."""

    def __init__(self, command: Sequence[object], **options: Any) -> None:
        super().__init__([str(word) for word in command], start_new_session=True, **options)
        _tell_reaper(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        code = super().wait(timeout)
        _tell_reaper(-self.pid)  # the number may be somebody else's soon
        return code

    def __del__(self) -> None:
        """Python would warn of one that still runs; the reaper sees to it."""


def temporary_folder(name: str, parent: Path | None = None) -> Path:
    """A new one, which is removed in the end."""
    folder = tempfile.mkdtemp(prefix=f"dropwall-{name}-", dir=parent)
    _tell_reaper(folder)
    return Path(folder)


def close() -> None:
    """At the end of a test run: kills and removes what is left."""
    if _reaper.cache_info().currsize:
        _reaper().communicate()


@cache
def _reaper() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", __file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _tell_reaper(what: object) -> None:
    pipe = _reaper().stdin
    assert pipe
    pipe.write(f"{what}\n".encode())
    pipe.flush()


def _reap() -> None:
    """Reads folders, and numbers of process groups, negative when one has ended, until its parent
    is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups: set[int] = set()
    folders = []
    for line in sys.stdin.read().splitlines():
        if line.startswith("/"):
            folders.append(line)
        elif line.startswith("-"):
            groups.discard(-int(line))
        else:
            groups.add(int(line))
    for group in groups:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    for folder in folders:
        deadline = time.monotonic() + 5  # PostgreSQL's own processes end a moment after it
        while os.path.exists(folder) and time.monotonic() < deadline:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _reap()
