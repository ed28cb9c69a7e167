"""What the gallery has done, in numbers for Prometheus."""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

ROOM_BYTES = {"counter": 256 * 1024, "histogram": 512 * 1024, "gauge_livesum": 4096}
"""For what a process counts of each kind, several times what all rules need."""


class Metrics:
    """Each process counts for itself; after `count_together`, `page` adds up what all have."""

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
        with suppress(FileNotFoundError):  # of a process that is just being forgotten
            return generate_latest(every)
        return generate_latest(every)


def count_together(folder: Path) -> None:
    """Let the processes that come of this one count there, in a file each."""
    os.environ[FOLDER_VARIABLE] = str(folder)
    # prometheus_client itself looks once, when it is imported; the folder is a setting of ours.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def begin_at_zero(folder: Path) -> None:
    """Forget what a former run has counted: Prometheus knows what a restart is."""
    folder.mkdir(parents=True, exist_ok=True)
    for counted in folder.iterdir():
        counted.unlink()


def make_room(folder: Path) -> None:
    """Before this process counts. It maps its files into memory: a full disk, met only then, would
    kill it (SIGBUS). Without room it counts for itself alone."""
    try:
        for path, size in _files(folder, os.getpid()).items():
            if not path.exists():  # another process of this number has counted there
                made = path.with_suffix(".new")  # who adds up may read half a file
                made.write_bytes(bytes(size))
                made.rename(path)
    except OSError:
        _delete(folder, os.getpid())
        del os.environ[FOLDER_VARIABLE]
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def forget_process(folder: Path, pid: int) -> None:
    """It has ended: what it has counted stays, what it held open is gone. Of one that has answered
    nobody, nothing stays: without a catalog one worker after the other does not even begin."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
    if not _has_counted(folder, pid):
        _delete(folder, pid)


def _has_counted(folder: Path, pid: int) -> bool:
    try:
        counters = folder / f"counter_{pid}.db"
        counted = MmapedDict.read_all_values_from_file(counters)  # type: ignore[no-untyped-call]
    except FileNotFoundError:
        return False
    return any(value for _, value, *_ in counted)


def _files(folder: Path, pid: int) -> dict[Path, int]:
    """What a process counts in, and the room for it."""
    return {folder / f"{kind}_{pid}.db": size for kind, size in ROOM_BYTES.items()}


def _delete(folder: Path, pid: int) -> None:
    for path in _files(folder, pid):
        path.unlink(missing_ok=True)
        path.with_suffix(".new").unlink(missing_ok=True)
