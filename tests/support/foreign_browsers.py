"""Firefox and WebKit for the tests, each by its own protocol: Firefox by WebDriver BiDi, which it
speaks itself, and WebKitGTK's MiniBrowser by the WebDriver that comes with it. A `Tab` is all that
stories in several engines need of a browser; Chromium's is here, too, by playwright."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import requests
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from websockets.sync.client import ClientConnection, connect

from tests.support.ports import Port
from tests.support.processes import Process, temporary_folder
from tests.support.programs import find_program, need_program, skip
from tests.support.waiting import wait_until

SECONDS = 60
"""Longest wait for an answer of a browser."""
KEYS = {"ArrowRight": "\ue014", "Escape": "\ue00c", "Enter": "\ue007"}
"""As WebDriver writes them."""


class Tab(Protocol):
    """One page, of a visitor whom the gallery doesn't know yet."""

    keeps_files: bool
    """Whether IndexedDB takes files."""

    def open(self, url: str) -> None: ...

    def reload(self) -> None: ...

    def run(self, function: str, *arguments: Any) -> Any:
        """What a function of the page returns. `null` while the page is being loaded."""

    def choose(self, selector: str, *files: Path) -> None:
        """Chooses files in an input, as its dialog does."""

    def click(self, x: float, y: float) -> None: ...

    def press(self, key: str) -> None: ...


class ChromiumTab:
    keeps_files = True

    def __init__(self, page: Page) -> None:
        self._page = page
        self.open, self.reload = page.goto, page.reload
        self.click, self.press = page.mouse.click, page.keyboard.press

    def run(self, function: str, *arguments: Any) -> Any:
        try:
            return self._page.evaluate(f"(all) => ({function})(...all)", arguments)
        except PlaywrightError as error:
            if "because of a navigation" not in error.message:
                raise
            return None

    def choose(self, selector: str, *files: Path) -> None:
        self._page.set_input_files(selector, files)


# Firefox

PREFERENCES = """
user_pref("app.normandy.enabled", false);  // nothing from Mozilla meanwhile
user_pref("dom.popup_allowed_events", "");  // what would open in another tab comes up in this one
user_pref("ui.prefersReducedMotion", 1);
"""


@contextmanager
def firefox() -> Iterator["Firefox"]:
    profile = temporary_folder("firefox")
    program = find_firefox() or skip("Firefox is not installed")
    command = [program, "--headless", "--no-remote", "--profile", profile]
    (profile / "user.js").write_text(PREFERENCES)
    errors = profile / "errors"
    with errors.open("wb") as stderr:
        process = Process([*command, "--remote-debugging-port=0"], stderr=stderr)
    address = re.compile(r"ws://\S+")
    wait_until(lambda: address.search(errors.read_text()))
    [url] = address.findall(errors.read_text())
    with connect(f"{url}/session", max_size=None) as socket:
        browser = Firefox(socket)
        yield browser
        browser.ask("browser.close")
    process.wait(SECONDS)


def find_firefox() -> str | None:
    return find_program("firefox-esr") or find_program("firefox")


class Firefox:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count()
        self.ask("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})

    def ask(self, method: str, **parameters: Any) -> dict:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(SECONDS))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        visitor = self.ask("browser.createUserContext")["userContext"]
        yield FirefoxTab(self, self.ask("browsingContext.create", type="tab", userContext=visitor))
        self.ask("browser.removeUserContext", userContext=visitor)


class FirefoxTab:
    keeps_files = True

    def __init__(self, firefox: Firefox, tab: dict) -> None:
        self._ask, self._context = firefox.ask, tab["context"]

    def open(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def reload(self) -> None:
        self._ask("browsingContext.reload", context=self._context, wait="complete")

    def run(self, function: str, *arguments: Any) -> Any:
        answer = self._call(f"async (all) => JSON.stringify(await ({function})(...all))", arguments)
        return json.loads(answer["value"]) if "value" in answer else None

    def _call(self, function: str, arguments: Any) -> dict:
        """Arguments travel as JSON in the code: BiDi writes every value with its type."""
        return self._ask(
            "script.callFunction",
            functionDeclaration=f"() => ({function})({json.dumps(arguments)})",
            awaitPromise=True,
            target={"context": self._context},
        )["result"]

    def choose(self, selector: str, *files: Path) -> None:
        element = self._call("(selector) => document.querySelector(selector)", selector)
        paths = [str(file) for file in files]
        reference = {"sharedId": element["sharedId"]}
        self._ask("input.setFiles", context=self._context, element=reference, files=paths)

    def click(self, x: float, y: float) -> None:
        self._act(pointer(x, y))

    def press(self, key: str) -> None:
        self._act(keyboard(key))

    def _act(self, actions: dict) -> None:
        self._ask("input.performActions", context=self._context, actions=[actions])


def pointer(x: float, y: float) -> dict:
    move = {"type": "pointerMove", "x": int(x), "y": int(y), "duration": 0}
    press = [{"type": f"pointer{which}", "button": 0} for which in ("Down", "Up")]
    return {"type": "pointer", "id": "mouse", "actions": [move, *press]}


def keyboard(key: str) -> dict:
    strokes = [{"type": f"key{which}", "value": KEYS[key]} for which in ("Down", "Up")]
    return {"type": "key", "id": "keyboard", "actions": strokes}


# WebKit


@contextmanager
def webkit() -> Iterator["WebKit"]:
    browser = mini_browser() or skip("WebKitGTK's MiniBrowser is not installed")
    screen_file = temporary_folder("screen") / "number"
    with screen_file.open("wb") as output:
        screen = Process(
            [need_program("Xvfb"), "-displayfd", "1", "-screen", "0", "1280x900x24"], stdout=output
        )
    wait_until(lambda: screen_file.read_text().endswith("\n"))
    environment = os.environ | {
        "DISPLAY": f":{screen_file.read_text().strip()}",
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # root has none
    }
    port = Port()
    command = [need_program("WebKitWebDriver"), "--host=127.0.0.1", f"--port={port.number}"]
    driver = Process(command, env=environment, stderr=subprocess.DEVNULL)
    yield WebKit(f"http://127.0.0.1:{port.number}", browser)
    port.release()
    for process in (driver, screen):
        process.terminate()
        process.wait(SECONDS)


def mini_browser() -> Path | None:
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    return found[-1] if found and find_program("WebKitWebDriver") else None


class WebKit:
    def __init__(self, url: str, browser: Path) -> None:
        self._url = url
        options = {"binary": str(browser), "args": ["--automation"]}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        self._capabilities = {"capabilities": {"alwaysMatch": wanted}}
        wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(f"{self._url}/status", timeout=SECONDS).ok
        return False

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """In a browser of its own, which forgets everything when it is closed."""
        tab = WebKitTab(f"{self._url}/session")
        tab = WebKitTab(f"{self._url}/session/{tab.ask('', **self._capabilities)['sessionId']}")
        yield tab
        tab.close()


class WebKitTab:
    """A private window, as all that MiniBrowser opens for a driver: Safari keeps no files there."""

    keeps_files = False

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, path: str, **parameters: Any) -> Any:
        answer = requests.post(f"{self._url}{path}", json=parameters, timeout=SECONDS)
        assert answer.ok, answer.text
        return answer.json()["value"]

    def close(self) -> None:
        requests.delete(self._url, timeout=SECONDS)

    def open(self, url: str) -> None:
        self.ask("/url", url=url)

    def reload(self) -> None:
        self.ask("/refresh")

    def run(self, function: str, *arguments: Any) -> Any:
        return self.ask(
            "/execute/sync", script=f"return ({function})(...arguments)", args=arguments
        )

    def choose(self, selector: str, *files: Path) -> None:
        element = self.run("(selector) => document.querySelector(selector)", selector)
        [name] = element.values()
        self.ask(f"/element/{name}/value", text="\n".join(map(str, files)))

    def click(self, x: float, y: float) -> None:
        self.ask("/actions", actions=[pointer(x, y)])

    def press(self, key: str) -> None:
        self.ask("/actions", actions=[keyboard(key)])
