"""Metrics for Prometheus, counted by each process and added up."""

import os
import shutil
import struct
import tempfile
from contextlib import suppress

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads the folder that processes share from this variable."""
MEMORY_FOLDER = "/dev/shm"  # noqa: S108 - tempfile makes a folder of its own there
ROOM_BYTES = 4 * 1024 * 1024
"""Free space for the files of a new process, which grow to about 300 KiB."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of this process. After `share_metrics`, `page` adds up those of all processes."""

    def __init__(self) -> None:
        self._own = own = CollectorRegistry()
        self.requests = Counter(
            "dropwall_http_requests",
            "Requests that were answered to the end.",
            ["method", "rule", "status"],
            registry=own,
        )
        self.request_seconds = Histogram(
            "dropwall_http_request_seconds",
            "From a request's head to the end of its answer.",
            ["method", "rule"],
            registry=own,
            buckets=SECONDS,
        )
        self.refusals = Counter(
            "dropwall_refusals",
            "Requests that were refused with a sentence, by its code.",
            ["reason"],
            registry=own,
        )
        self.photos_added = Counter(
            "dropwall_photos_added",
            "Photos that have come into the gallery, each once, however often it was sent.",
            registry=own,
        )
        self.photos_refused = Counter(
            "dropwall_photos_refused",
            "Photos that were refused, by the code; not the same answer to the same upload again.",
            ["reason"],
            registry=own,
        )
        self.received_bytes = Counter(
            "dropwall_received_bytes",
            "Bytes of photos, good and bad, as often as they came in.",
            registry=own,
        )
        self.watchers = Gauge(
            "dropwall_watchers",
            "Open streams of who watches the gallery.",
            registry=own,
            multiprocess_mode="livesum",
        )

    def page(self) -> bytes:
        if FOLDER_VARIABLE not in os.environ:
            return generate_latest(self._own)
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        # A process has just ended, and its gauge is gone; or one begins, and its file is empty yet.
        with suppress(FileNotFoundError, struct.error):
            return generate_latest(every)
        return generate_latest(every)


def share_metrics() -> None:
    """Make a temporary folder where every process forked from now on counts, in files of its own.

    It is in memory where there is such a folder (Linux), because prometheus_client maps its files
    into memory: a full disk would kill the process (SIGBUS). The files of a process that has ended
    stay and are added up; `remove_shared_metrics` removes all. A server that is killed (SIGKILL)
    leaves its folder behind, until the machine restarts. Without any folder each process counts for
    itself.
    """
    os.environ.pop(FOLDER_VARIABLE, None)  # a folder of another server, which is not ours to remove
    parent = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
    with suppress(OSError):  # nothing may be written to anywhere
        os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="dropwall-metrics-", dir=parent)
    _choose_values()


def check_metrics_room() -> None:
    """Let this process count for itself if the folder has no room, or is gone. Called before it
    counts anything."""
    free_bytes = 0
    with suppress(KeyError, OSError):
        free_bytes = shutil.disk_usage(os.environ[FOLDER_VARIABLE]).free
    if free_bytes < ROOM_BYTES:
        os.environ.pop(FOLDER_VARIABLE, None)
        _choose_values()


def _choose_values() -> None:
    """prometheus_client itself looks at the variable once, when it is imported."""
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def forget_process(pid: int) -> None:
    """Keep what an ended process has counted, but not the streams that it held open."""
    if FOLDER_VARIABLE in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def remove_shared_metrics() -> None:
    if folder := os.environ.get(FOLDER_VARIABLE):
        shutil.rmtree(folder, ignore_errors=True)
