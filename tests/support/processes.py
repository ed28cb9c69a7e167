"""Processes that tests start; none of them outlives its test run, however that ends."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

REAPER = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    number = int(line)
    groups.add(number) if number > 0 else groups.discard(-number)
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""
"""Reads the numbers of process groups, negative when one has ended, until its parent is gone."""

_reaper: "subprocess.Popen[str] | None" = None


def start(command: Sequence[object], **options: Any) -> "subprocess.Popen[bytes]":
    """Like subprocess.Popen, in a process group of its own, which `ended` must be told of."""
    command = [str(word) for word in command]
    process = subprocess.Popen(command, start_new_session=True, **options)
    _tell_reaper(process.pid)
    return process


def ended(process: "subprocess.Popen[bytes]") -> None:
    """Nothing of its process group runs any more: the number may be somebody else's soon."""
    _tell_reaper(-process.pid)


def _tell_reaper(group: int) -> None:
    global _reaper
    if _reaper is None:
        command = [sys.executable, "-c", REAPER]
        _reaper = subprocess.Popen(
            command, stdin=subprocess.PIPE, text=True, start_new_session=True
        )
    assert _reaper.stdin
    _reaper.stdin.write(f"{group}\n")
    _reaper.stdin.flush()


def close() -> None:
    """At the end of a test run, when all has ended."""
    if _reaper and _reaper.stdin:
        _reaper.stdin.close()
        _reaper.wait()
