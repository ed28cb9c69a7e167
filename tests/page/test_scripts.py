"""The page's scripts that need no browser are tested by Node, in *.test.js beside this file; their
imports go one way: app.js, rooms, page."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.browser import ROOT
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
