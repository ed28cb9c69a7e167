"""Decodes photos in separate processes, so that a hostile file harms no other visitor.

A fork server, a process that is forked before there are threads, forks decoders on request. A
decoder decodes one photo after the other, within limits of memory and time that the kernel
enforces. Where a photo exceeds them, or breaks a library, its decoder dies and it is refused.
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
from contextlib import ExitStack, suppress
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO

from ..operations.logs import OutageLog
from ..refusals import NoDecoder, Refusal, TooMuchToDecode

CPU_SECONDS = 60
"""Processor time for one photo. All frames of the longest animation need 15 on a slow machine."""
REAL_SECONDS = 300
"""Time for one photo: a decoder may also hang without using the processor."""
SPARE_BYTES = 128 << 20
"""Memory beside the estimate for a photo: stacks of threads, which are hardly used."""
MAX_IDLE = 2
"""Idle decoders that each process keeps: each has some 20 to 50 MB."""
LARGE_BYTES = 200_000_000
"""Memory for a photo, above which its decoder ends, so that the C library gives it back."""
KEPT_BYTES = 32 << 20
"""Free memory that glibc keeps, for each arena: its own limit for M_MMAP_THRESHOLD."""
STDERR = 2
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h

log = logging.getLogger(__name__)
outages = OutageLog(log)

_lock = threading.Lock()
_fork_server: socket.socket | None = None
_idle: list[Connection] = []


class DecodingFailed(Exception):
    """A defect of our own code in a decoder; the message is its traceback."""


def start_decoding() -> None:
    """Start the fork server, before this process has threads or children, which share it. Without
    this, the first `decode` starts it as a new program, which takes a second."""
    global _fork_server
    _fork_server = _start_fork_server()


@atexit.register
def _end_decoding() -> None:
    if _fork_server:
        _fork_server.close()


def decode(task: Callable[..., Any], file: BinaryIO, memory_bytes: int, *arguments: object) -> Any:
    """Call `task(file, *arguments)` in a decoder that may use `memory_bytes`. Raises the refusals
    and OSErrors that `task` raises, TooMuchToDecode, NoDecoder, and DecodingFailed for all else."""
    # The kernel may have killed the first decoder for want of memory. A decoder that exceeded its
    # limits dies just so: such a photo holds its slot for twice its time before it is refused.
    for _ in range(2):
        connection = None
        while _idle and not connection:
            with suppress(IndexError):  # another thread was quicker
                connection = _idle.pop()
                if connection.poll():  # it has been killed meanwhile
                    connection.close()
                    connection = None
        connection = connection or _start_decoder()
        try:
            reduction.send_handle(connection, file.fileno(), 0)
            connection.send((task, (memory_bytes, CPU_SECONDS, REAL_SECONDS), arguments))
            outcome = connection.recv()
        except (EOFError, ConnectionError):  # the decoder has died
            connection.close()
            continue
        if memory_bytes > LARGE_BYTES or len(_idle) >= MAX_IDLE:
            connection.close()
        else:
            _idle.append(connection)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    outages.failed("A photo was refused: its decoder needed too much memory, or time, or broke.")
    raise TooMuchToDecode


def _start_decoder() -> Connection:
    """The connection to a new decoder. Raises NoDecoder."""
    global _fork_server
    try:
        ours, theirs = socket.socketpair()
    except OSError as error:  # no file descriptor is left
        raise NoDecoder from error
    connection = Connection(ours.detach())
    try:
        with theirs, _lock:
            for _ in range(2):
                _fork_server = _fork_server or _start_fork_server(has_threads=True)
                try:
                    socket.send_fds(_fork_server, [b"."], [theirs.fileno()])
                    break
                except OSError:  # it was killed
                    _fork_server.close()
                    _fork_server = None
        connection.recv_bytes()  # `_decode_for` has begun
    except (EOFError, OSError) as error:  # no process, memory or file descriptor is left
        connection.close()
        raise NoDecoder from error
    return connection


def _start_fork_server(has_threads: bool = False) -> socket.socket:
    """The socket to a new fork server: forked, or a new program where a fork would copy locks that
    threads hold. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs, ExitStack() as on_error:
        on_error.callback(ours.close)
        if has_threads:
            program = f"from {__name__} import serve; serve({theirs.fileno()})"
            root = str(Path(__file__).parents[2])
            process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-c", program],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": root},
                start_new_session=True,
            )
            process.returncode = 0  # so that Python does not warn that nobody waits for it
        else:
            _fork(serve, theirs.fileno(), ours)
        on_error.pop_all()
    return ours


def _fork(work: Callable[..., object], *arguments: object) -> None:
    """Fork a process for this work. It must never return into the code that forked it."""
    if os.fork() == 0:
        try:
            work(*arguments)
        finally:
            os._exit(1)


def serve(requests_descriptor: int, other_end: socket.socket | None = None) -> None:
    """Run the fork server: fork a decoder for each socket that is sent, until nobody could send
    one. If it was forked itself, it has the `other_end` of its socket as well, and the terminal's
    signals."""
    if other_end:
        other_end.close()
        os.setsid()
    for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(signal_, signal.SIG_IGN)
    # glibc keeps the memory of one photo for the next: otherwise the kernel has to find and clear
    # 1,800 pages for each. Other C libraries stay as they are.
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    with socket.socket(fileno=requests_descriptor) as requests:
        while True:
            message, descriptors, _, _ = socket.recv_fds(requests, 1, 1)
            if not message:
                return
            for descriptor in descriptors:
                with suppress(OSError):  # no process or no memory is left
                    _fork(_decode_for, requests, descriptor)
                os.close(descriptor)


def _decode_for(requests: socket.socket, descriptor: int) -> None:
    """Run a decoder: do tasks until the connection of this descriptor is closed."""
    requests.close()
    connection = Connection(descriptor)
    with suppress(OSError):  # out of memory, the kernel kills this before a worker
        Path("/proc/self/oom_score_adj").write_text("500")
    # Warnings of Pillow and lines of C libraries about a guest's file stay out of our log.
    warnings.simplefilter("ignore")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), STDERR)
    with suppress(EOFError, ConnectionError):  # the worker has closed it, or ended
        connection.send_bytes(b"ready")
        while True:
            photo_descriptor = reduction.recv_handle(connection)
            task, limits, arguments = connection.recv()
            _limit(*limits)
            is_writable = fcntl.fcntl(photo_descriptor, fcntl.F_GETFL) & os.O_RDWR
            outcome: Any
            try:
                with open(photo_descriptor, "r+b" if is_writable else "rb") as file:
                    outcome = task(file, *arguments)
            except MemoryError:
                outcome = TooMuchToDecode()
            except (Refusal, OSError) as error:
                outcome = error
            except Exception:
                outcome = DecodingFailed(traceback.format_exc())
            signal.alarm(0)
            connection.send(outcome)


def _limit(memory_bytes: int, cpu_seconds: int, real_seconds: int) -> None:
    """Set the limits for the next photo. Where the kernel does not count private memory (macOS),
    only the estimate of `Images.cost_of` protects the machine."""
    signal.alarm(real_seconds)
    used = 0
    with suppress(OSError, IndexError):
        status = Path("/proc/self/status").read_text()
        used = int(status.partition("VmData:")[2].split()[0]) * 1024
    times = os.times()
    for limit, wanted in (
        (resource.RLIMIT_DATA, used + memory_bytes + SPARE_BYTES),
        (resource.RLIMIT_CPU, int(times.user + times.system) + cpu_seconds),
    ):
        _, most = resource.getrlimit(limit)  # the host may have set one already
        is_unlimited = most == resource.RLIM_INFINITY
        resource.setrlimit(limit, (wanted if is_unlimited else min(wanted, most), most))
