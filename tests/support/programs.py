"""Programs that only tests need: found on this machine, or unpacked from Debian's packages by
`python -m tests.tools.install`."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

UNPACKED = Path(sys.prefix) / "debian"
PLACES = [os.environ.get("PATH", ""), "/usr/sbin", f"{UNPACKED}/usr/sbin", f"{UNPACKED}/usr/bin"]

LIBRARIES = ":".join(map(str, UNPACKED.glob("usr/lib/*-linux-gnu")))
"""What unpacked programs need, as `LD_LIBRARY_PATH` has it."""


def find_program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join(PLACES))


def need_program(name: str) -> str:
    """The path of a program. Skips the test that cannot run without it."""
    return find_program(name) or skip(f"{name} is not installed")


def has_libraries() -> bool:
    """Whether npm has installed all that the tests of the page need."""
    return (Path(__file__).parents[2] / "node_modules" / ".test").exists()


def need_libraries() -> None:
    """Skips the test that cannot run without them."""
    if not has_libraries():
        skip("npm has not installed the page's libraries")


def postgresql_programs() -> Path | None:
    """The folder of PostgreSQL's programs: the newest that are installed or unpacked, or those of
    PATH."""
    pattern = "usr/lib/postgresql/*/bin/initdb"
    versions = sorted(UNPACKED.glob(pattern)) + sorted(Path("/").glob(pattern))
    found = versions[-1] if versions else shutil.which("initdb")
    return Path(found).parent if found else None


def skip(reason: str) -> NoReturn:
    """Skips a test that cannot run on this machine; where nothing may be skipped (CI), it fails."""
    (pytest.fail if os.environ.get("NO_SKIPS") else pytest.skip)(reason)
    raise AssertionError("both of them raise")
