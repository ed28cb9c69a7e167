"""Decodes photos in processes of their own: what a hostile file does to the libraries it does
there, within bounds that the kernel keeps.

A parent, forked before there are threads, forks a decoder for whoever asks; it decodes one photo
after the other. Where it exceeds its memory or its time it dies, and the photo is refused.
"""

import atexit
import ctypes
import fcntl
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO

from ..operations.logs import Seldom
from ..refusals import NoDecoder, Refusal, TooMuchToDecode

CPU_SECONDS = 60
"""For one photo. All frames of the longest animation that is taken need 15 on a slow machine."""
SPARE_BYTES = 128 * 1024 * 1024
"""Beside what the photo was reckoned to need: stacks of threads, which are hardly used."""
STDERR = 2
REAL_SECONDS = 300
"""For one photo: a decoder may stand still without needing the processor."""
MOST_IDLE = 2
"""Decoders that each process keeps for later: each has some 20 to 50 MB."""
LARGE_BYTES = 200_000_000
"""A decoder that was allowed more ends, for the C library to give its memory back."""
KEPT_BYTES = 32 << 20
"""Free memory that glibc keeps, for each arena: its own limit for M_MMAP_THRESHOLD."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h

log = logging.getLogger(__name__)
log.addFilter(Seldom(60))

_lock = threading.Lock()
_parent: socket.socket | None = None
_idle: list[Connection] = []


class DecodingFailed(Exception):
    """A mistake of ours; the message is its traceback."""


def start_decoding() -> None:
    """Before this process has threads or children, which share the decoders then. It need not be
    called: who decodes without it starts the parent as a new program, which takes a second."""
    global _parent
    _parent = _start_parent()


@atexit.register
def _end_decoding() -> None:
    if _parent:
        _parent.close()


def decode(task: Callable[..., Any], file: BinaryIO, memory_bytes: int, *arguments: object) -> Any:
    """`task(file, *arguments)`, in a decoder that gets `memory_bytes`. Raises what `task` raises of
    the refusals of photos, OSError, TooMuchToDecode, NoDecoder, and DecodingFailed for all else."""
    for _ in range(2):  # the first decoder may have been killed for another one's sake
        with suppress(EOFError):
            return _decode(task, file, memory_bytes, arguments)
    log.warning("A photo was refused: its decoder needed too much memory, or time, or broke.")
    raise TooMuchToDecode


def _decode(
    task: Callable[..., Any], file: BinaryIO, memory_bytes: int, arguments: tuple[object, ...]
) -> Any:
    """Raises EOFError when the decoder dies."""
    connection = _connect()
    try:
        reduction.send_handle(connection, file.fileno(), 0)
        connection.send((task, (memory_bytes, CPU_SECONDS), arguments))
        outcome = connection.recv()
    except (EOFError, ConnectionError):
        connection.close()
        raise EOFError from None
    if memory_bytes > LARGE_BYTES or len(_idle) >= MOST_IDLE:
        connection.close()
    else:
        _idle.append(connection)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _connect() -> Connection:
    """A decoder that has nothing to do, or a new one. Raises NoDecoder."""
    global _parent
    while _idle:
        with suppress(IndexError):  # another thread was quicker
            connection = _idle.pop()
            if not connection.poll():
                return connection
            connection.close()  # it has been killed meanwhile
    ours, decoders = socket.socketpair()
    with decoders, _lock:
        for _ in range(2):
            _parent = _parent or _start_parent(is_alone=False)
            try:
                socket.send_fds(_parent, [b"."], [decoders.fileno()])
                break
            except OSError:  # somebody has killed it
                _parent.close()
                _parent = None
    connection = Connection(ours.detach())
    try:
        connection.recv_bytes()  # it is there
    except (EOFError, ConnectionError) as error:
        connection.close()
        raise NoDecoder from error
    return connection


def _start_parent(is_alone: bool = True) -> socket.socket:
    ours, its = socket.socketpair()
    with its:
        if not is_alone:
            program = f"from {__name__} import serve; serve({its.fileno()})"
            root = str(Path(__file__).parents[2])
            parent = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-c", program],
                pass_fds=[its.fileno()],
                env={**os.environ, "PYTHONPATH": root},
                start_new_session=True,
            )
            parent.returncode = 0  # nobody will wait for it; Python would warn of that
        elif os.fork() == 0:
            try:
                os.setsid()
                ours.close()
                serve(its.detach())
            finally:  # whatever happens, it must not go on as another server
                os._exit(1)
    return ours


def serve(descriptor: int) -> None:
    """Fork a decoder for each socket that comes, until nobody is left who could send one."""
    for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(told, signal.SIG_IGN)
    _tune_malloc()
    with socket.socket(fileno=descriptor) as requests:
        while True:
            wanted, sockets, _, _ = socket.recv_fds(requests, 1, 1)
            if not wanted:
                return
            if sockets and _is_forked():
                try:
                    requests.close()
                    _decode_for(Connection(sockets[0]))
                finally:  # never back into the start of the server, in which this was forked
                    os._exit(0)
            for number in sockets:
                os.close(number)


def _tune_malloc() -> None:
    """Make glibc keep the memory of one photo for the next: otherwise the kernel has to find and
    clear 1,800 pages for each. Other C libraries stay as they are."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def _is_forked() -> bool:
    """Whether this is the new process. Without another process or more memory there is none."""
    with suppress(OSError):
        return os.fork() == 0
    return False


def _decode_for(connection: Connection) -> None:
    with suppress(OSError):  # out of memory, the kernel ends this before a worker
        Path("/proc/self/oom_score_adj").write_text("500")
    # What Pillow warns of in a guest's file, and what libraries in C print, is no line of our log.
    warnings.simplefilter("ignore")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), STDERR)
    with suppress(EOFError, ConnectionError):  # nobody is left who wants a photo decoded
        connection.send_bytes(b"there")
        while True:
            descriptor = reduction.recv_handle(connection)
            task, bounds, arguments = connection.recv()
            _limit(*bounds)
            is_writable = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_RDWR
            signal.alarm(REAL_SECONDS)
            with open(descriptor, "r+b" if is_writable else "rb") as file:
                outcome = _outcome(task, file, arguments)
            signal.alarm(0)
            connection.send(outcome)


def _outcome(task: Callable[..., Any], file: BinaryIO, arguments: tuple[object, ...]) -> Any:
    try:
        return task(file, *arguments)
    except MemoryError:
        return TooMuchToDecode()
    except (Refusal, OSError) as error:
        return error
    except Exception:
        return DecodingFailed(traceback.format_exc())


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """For the next photo. Where the kernel does not count private memory (macOS), what the photo
    was reckoned to need has to be true."""
    used = 0
    with suppress(OSError, IndexError):
        status = Path("/proc/self/status").read_text()
        used = int(status.partition("VmData:")[2].split()[0]) * 1024
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + memory_bytes + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (_at_most(wanted, most), most))
    times = os.times()
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(times.user + times.system) + cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(wanted, most), most))


def _at_most(wanted: int, most: int) -> int:
    """Of a resource that a host may have limited already."""
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)
