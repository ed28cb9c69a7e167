"""Plays a browser of some age in Chromium: takes away what it lacks, before the page starts. What
its style sheets lack can't be taken away: a linter holds that (tests/tools/floor.js)."""

import re
import subprocess
from functools import cache

from playwright.sync_api import Page, Route

from tests.support.browser import ROOT
from tests.support.programs import need_program

NO_NESTING = """{
    const supports = CSS.supports.bind(CSS);
    CSS.supports = (...query) => query[0] !== "selector(&)" && supports(...query);
}"""
"""What every browser below the floor lacks."""


@cache
def script_without_features(browser: str) -> str:
    """By MDN's compatibility data, of a browser such as `chrome 94`."""
    command = [need_program("node"), ROOT / "tests/tools/compat.js", *browser.split()]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def play_old_browser(page: Page, browser: str, *, is_below_the_floor: bool = False) -> None:
    page.add_init_script(script_without_features(browser))
    if is_below_the_floor:
        page.add_init_script(NO_NESTING)
    else:
        _play_without_popovers(page)


POPOVERS = """new MutationObserver(() => {
    for (const it of document.querySelectorAll("[popover], [popovertarget]")) { CHANGE; }
}).observe(document, { childList: true, subtree: true });"""
"""Changes all of them while the page is parsed, before its scripts run."""


def play_popovers_that_stay_open(page: Page) -> None:
    """As from iOS 17 to 18.2."""
    page.add_init_script(POPOVERS.replace("CHANGE", "if (it.popover) it.popover = 'manual'"))


def _play_without_popovers(page: Page) -> None:
    """No browser of the floor has any: neither the elements nor the style sheets know them."""
    change = "it.removeAttribute('popovertarget'); it.removeAttribute('popover')"
    page.add_init_script(POPOVERS.replace("CHANGE", change))

    def change_conditions(route: Route) -> None:
        answer = route.fetch()
        known = "@supports selector(:popover-open)"
        body = answer.text().replace(known, "@media not all")
        route.fulfill(
            response=answer, body=body.replace(f"{known[:9]} not{known[9:]}", "@media all")
        )

    page.route(re.compile(r"//127.+\.css"), change_conditions)
