"""The browser that the tests drive: this machine's own Chromium, or else playwright's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

# The first is what playwright downloads, too: it needs less of the machine.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def launch_options() -> dict[str, object]:
    """For playwright's `launch`. Root needs `--no-sandbox`."""
    options: dict[str, object] = {"args": [*ARGUMENTS, *(["--no-sandbox"] * (os.geteuid() == 0))]}
    if installed := next(filter(None, map(shutil.which, NAMES)), None):
        options["executable_path"] = installed
    return options


def is_installed() -> bool:
    if "executable_path" in launch_options():
        return True
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def install() -> None:
    """By playwright, which downloads its own, or else by apt."""
    download = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(download, check=False).returncode == 0:
        return
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", "chromium-headless-shell"], check=True)


if __name__ == "__main__" and not is_installed():
    install()
