"""Starts servers in the midst of their start: forked from a process that has imported what they all
import, which is most of what it costs to start one. They end as any Python does."""

import gc
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from gunicorn.config import Chdir

MESSAGE_BYTES = 200_000
IMPORTED = (
    "gunicorn.arbiter",
    "server",
    "server.worker",
    "server.catalog.postgresql",
    "server.storage.s3",
    "sqlalchemy.dialects.sqlite",
)


class Forked:
    """What it has in common with `subprocess.Popen` is the same."""

    def __init__(self, pid: int, end: int) -> None:
        """`end` is a pipe, through which the exit code comes."""
        self.pid = pid
        self.returncode: int | None = None
        self._end = open(end, "rb", buffering=0)  # noqa: SIM115 - closed when it has come

    def poll(self) -> int | None:
        return self._told_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._told_within(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("gunicorn", timeout)
        return code

    def send_signal(self, sent: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sent)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _told_within(self, seconds: float | None) -> int | None:
        if self._end.closed:
            return self.returncode
        events = select.poll()  # which has no limit of descriptors
        events.register(self._end, select.POLLIN)
        if events.poll(None if seconds is None else 1000 * seconds):
            with self._end:
                self.returncode = int(self._end.read())
        return self.returncode


def is_possible() -> bool:
    """Linux has what it takes."""
    return hasattr(os, "pidfd_open") and hasattr(socket, "SOCK_SEQPACKET")


class Nursery:
    """Starts itself with the first server. When it is closed, or its test run is over in whichever
    way, it kills what still runs of its servers, and ends."""

    def __init__(self, folder: Path) -> None:
        """In which the server's code is."""
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, arguments: list[str], folder: Path, environ: dict[str, str], log: BinaryIO
    ) -> Forked:
        """A gunicorn with these arguments, in this folder and a session of its own."""
        self._door = self._door if self._process else self._open()
        told, end = os.pipe()
        open_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        request = json.dumps([arguments, str(folder), environ, open_files]).encode()
        socket.send_fds(self._door, [request], [log.fileno(), end])
        os.close(end)
        return Forked(int(self._door.recv(MESSAGE_BYTES)), told)

    def close(self) -> None:
        if self._process:
            self._door.close()
            self._process.wait()
            self._process = None

    def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is not for it
            )
        return ours


def _tend(door: socket.socket) -> list[str] | None:
    """Returns in each server, with its arguments; and at last here, when nobody asks any more."""
    running: dict[int, tuple[int, int]] = {}
    events = select.poll()
    events.register(door, select.POLLIN)
    while True:
        for ready, _ in events.poll():
            if ready == door.fileno():
                request, passed, *_ = socket.recv_fds(door, MESSAGE_BYTES, 2)
                if not request:
                    for pid, _ in running.values():
                        with suppress(ProcessLookupError):
                            os.killpg(pid, signal.SIGKILL)
                    return None
                log, end = passed
                pid = os.fork()
                if pid == 0:
                    door.detach()
                    return _become(*json.loads(request), log)
                door.send(str(pid).encode())
                os.close(log)
                process = os.pidfd_open(pid)
                running[process] = pid, end
                events.register(process, select.POLLIN)
            else:
                events.unregister(ready)
                pid, end = running.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(BrokenPipeError):
                    os.write(end, str(code).encode())
                os.close(end)
                os.close(ready)


def _become(
    arguments: list[str], folder: str, environ: dict[str, str], open_files: list[int], log: int
) -> list[str]:
    """As if it had been started so. A limit of open files is inherited, too."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files[0], open_files[1]))
    os.setsid()
    for output in (1, 2):
        os.dup2(log, output)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.path[0] = folder
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    Chdir.default = folder  # gunicorn has noted the one in which it was imported
    return arguments


if __name__ == "__main__":
    from gunicorn.app.wsgiapp import run

    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    arguments = _tend(socket.socket(fileno=int(sys.argv[1])))
    if arguments is not None:
        sys.argv = ["gunicorn", *arguments]
        run(prog="gunicorn")
