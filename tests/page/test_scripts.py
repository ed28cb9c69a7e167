"""The page's scripts that need no browser are tested by Node, in *.test.js beside this file; their
imports go one way: app.js, rooms, page; and a dropped file's way through them is as written."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.support import page as ui
from tests.support.browser import ROOT
from tests.support.gallery_server import Gallery
from tests.support.programs import need_libraries, need_program


def test_the_scripts_pass_their_tests_in_node() -> None:
    scripts = sorted(Path(__file__).parent.glob("*.test.js"))
    assert scripts
    command = [need_program("node"), "--test", *scripts]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


IMPORTS = {
    "app.js": [('import "./gallery/grid.js"', True)],
    "gallery/grid.js": [
        ('import "./tiles.js"', True),
        ('import "../page/api.js"', True),
        ('import "../lightbox/lightbox.js"', False),
        ('await import("../lightbox/lightbox.js")', False),
        ('export * from "../upload/queue.js"', False),
        ('import "../page/../app.js"', False),
        ('import "./../app.js"', False),
        ('import "/lightbox/lightbox.js"', False),
    ],
    "page/api.js": [
        ('import "./patience.js"', True),
        ('import "../gallery/gallery.js"', False),
        ('import "../app.js"', False),
        ('import "/gallery/gallery.js"', False),
    ],
}


@pytest.mark.parametrize("file", IMPORTS)
def test_no_room_imports_another(file: str) -> None:
    need_libraries()
    linter = ROOT / "node_modules" / ".bin" / "eslint"
    command = [linter, "-f", "json", "--stdin", f"--stdin-filename=frontend/{file}"]
    source = "".join(f"{statement};\n" for statement, _ in IMPORTS[file])
    ended = subprocess.run(
        command, input=source, capture_output=True, text=True, check=False, cwd=ROOT
    )
    [result] = json.loads(ended.stdout or ended.stderr)
    refused = {fault["line"] for fault in result["messages"] if "import" in fault["message"]}
    is_fine = [line not in refused for line in range(1, len(IMPORTS[file]) + 1)]
    assert is_fine == [expected for _, expected in IMPORTS[file]], result["messages"]
    assert ended.returncode == any(not fine for fine in is_fine)


ONLY_ANSWER = ["transformFile", "#watch", "#tileAt", "createTile"]
DROPZONES = ["addFile", "processFile"]
"""Of all its functions, those that are called from outside or call us."""


class StackTraces:
    """Where the page was whenever it came to one of these places: the names of the functions that
    had led there, across promises and timers."""

    def __init__(self, page: Page) -> None:
        self.found: list[list[str]] = []
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._scripts: dict[str, str] = {}
        self._devtools.on("Debugger.scriptParsed", self._note_script)
        self._devtools.on("Debugger.paused", self._note)
        self._devtools.send("Debugger.enable")
        self._devtools.send("Debugger.setAsyncCallStackDepth", {"maxDepth": 100})

    def take_at(self, file: str, code: str) -> None:
        [script] = [it for it, url in self._scripts.items() if url.endswith(file)]
        source = self._devtools.send("Debugger.getScriptSource", {"scriptId": script})
        before, found, _ = source["scriptSource"].partition(code)
        assert found, code
        place = {"scriptId": script, "lineNumber": before.count("\n")}
        place["columnNumber"] = len(before.rpartition("\n")[2])
        self._devtools.send("Debugger.setBreakpoint", {"location": place})

    def _note_script(self, script: dict) -> None:
        self._scripts[script["scriptId"]] = script["url"]

    def _note(self, paused: dict) -> None:
        frames = paused["callFrames"]
        before = paused.get("asyncStackTrace")
        while before:
            frames += before["callFrames"]
            before = before.get("parent")
        self.found.append([name for name in map(self._name_of, reversed(frames)) if name])
        self._devtools.send("Debugger.resume")

    def _name_of(self, frame: dict) -> str:
        name = frame["functionName"]
        url = self._scripts[(frame.get("location") or frame)["scriptId"]]
        if url.endswith("/app.js"):
            return "app.js"
        if not name.isidentifier() and not name.startswith("#"):
            return ""  # a listener
        if not url.startswith("http"):
            return ""  # playwright's
        is_counted = name in DROPZONES if "dropzone-min" in url else name not in ONLY_ANSWER
        return name if is_counted else ""


def test_a_dropped_files_way_is_as_written(page: Page, gallery: Gallery) -> None:
    """Its photo comes by the page's own question here, as where a proxy holds the stream back."""
    page.route("**/api/live**", lambda route: None)
    ui.replace_in_script(
        page, "gallery/live.js", {"FIRST_EVENT_MS = 5_000": "FIRST_EVENT_MS = 5_000_000"}
    )
    with page.expect_request("**/api/live**"):
        ui.open_gallery(page, gallery)
    traces = StackTraces(page)
    traces.take_at("upload/dropzone.js", "const { plan, onArrival, end }")
    traces.take_at("gallery/tiles.js", 'document.getElementById("photo-tile")')
    ui.drop_photos(page, ("1.jpg", ui.small_photo(1)))
    expect(ui.tiles(page)).to_have_count(1)
    sent, shown = traces.found
    assert "send" in sent
    way = sent + shown[shown.index("#send") + 1 :]
    readme = (ROOT / "frontend" / "README.md").read_text()
    written = re.findall(r"^\d+\. `(.+?)`", readme, re.MULTILINE)
    assert way == written, " ".join(way)
    assert len(way) <= 18
