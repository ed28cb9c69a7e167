"""How much memory there is, and how the C library keeps that of one photo for the next."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

# glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 32 * 1024 * 1024
"""By each arena at most, and glibc's own limit for M_MMAP_THRESHOLD."""
ARENAS = 2


def keep_memory() -> None:
    """Before the process has other threads. By itself glibc has an arena for each of some sixteen
    threads and gives back what is free at its end: each photo, decoded in another thread, was put
    into pages that the kernel had to find and clear first, 1,800 of them. Other C libraries do as
    they do."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_ARENA_MAX, ARENAS)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def machine_bytes(root: Path = Path("/")) -> int:
    """What this machine has, or the least limit of the cgroups (v2, or v1) that this process is in:
    its container's, or its service's, such as systemd's MemoryMax."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    groups = ""
    with suppress(OSError):  # no Linux
        groups = (root / "proc/self/cgroup").read_text()
    for line in groups.splitlines():
        _, controller, path = line.split(":", 2)
        if controller in ("", "memory"):
            group = root / "sys/fs/cgroup" / controller / path.lstrip("/")
            limit = "memory.limit_in_bytes" if controller else "memory.max"
            for limited in (group, *group.parents):  # a container has its own as the topmost
                with suppress(OSError, ValueError):  # it may say "max"
                    found = min(found, int((limited / limit).read_text()))
    return found
