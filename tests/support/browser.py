"""Chromium for the tests: this machine's own or playwright's, and the CDN that it sees."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
CDN = "https://cdn.jsdelivr.net/npm/"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The headless shell first: it takes half as much of the machine."""
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def launch_options() -> dict[str, object]:
    """Options of playwright's `launch`. Root needs `--no-sandbox`."""
    options: dict[str, object] = {"args": [*ARGUMENTS, *(["--no-sandbox"] * (os.geteuid() == 0))]}
    if installed := next(filter(None, map(shutil.which, NAMES)), None):
        options["executable_path"] = installed
    return options


def is_installed() -> bool:
    """Whether there is a Chromium that starts: it may lack libraries."""
    if not (program := launch_options().get("executable_path")):
        with sync_playwright() as playwright:
            program = playwright.chromium.executable_path
    try:
        subprocess.run([str(program), "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def opened_page(context: BrowserContext, expected_errors: list[str]) -> Iterator[Page]:
    """A page that must report no errors but those that match these regular expressions."""
    page = context.new_page()
    errors: list[str] = []

    def note(line: ConsoleMessage) -> None:
        is_withdrawn = line.location["url"].endswith("#withdrawn")  # the page asks whether it is
        if line.type == "error" and not is_withdrawn:
            errors.append(line.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("filechooser", lambda _: None)  # who asks for one only then may be too late
    settle_routes(page)
    yield page
    page.close()
    unexpected = [it for it in errors if not any(re.search(known, it) for known in expected_errors)]
    assert unexpected == [], unexpected


def settle_routes(page: Page) -> None:
    """Makes `page.route` wait until its route holds. Chromium hands a page's first route on to its
    renderer without waiting for it, and a request of that moment is not intercepted. Messages to
    the renderer keep their order, so an answer to a later one says that it knows."""
    add_route = page.route

    def route(*arguments: Any, **options: Any) -> None:
        add_route(*arguments, **options)
        page.evaluate("true")

    page.route = route  # type: ignore[method-assign]


class Network:
    """The network of one page, as the browser's developer tools slow it down or cut it off."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Network.enable")

    def set(self, bytes_per_second: int = -1, offline: bool = False) -> None:
        conditions = {"offline": offline, "latency": 5, "downloadThroughput": -1}
        self._devtools.send(
            "Network.emulateNetworkConditions", conditions | {"uploadThroughput": bytes_per_second}
        )
