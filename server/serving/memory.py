"""How much memory there is."""

import os
from contextlib import suppress
from pathlib import Path


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
