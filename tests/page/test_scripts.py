"""The page's scripts that need no browser are tested by Node, in *.test.js beside this file; their
imports go one way: app.js, rooms, page."""

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


@pytest.mark.parametrize(
    ("file", "statement", "is_fine"),
    [
        ("app.js", 'import "./gallery/grid.js";', True),
        ("gallery/grid.js", 'import "./tiles.js";', True),
        ("gallery/grid.js", 'import "../page/api.js";', True),
        ("gallery/grid.js", 'import "../lightbox/lightbox.js";', False),
        ("gallery/grid.js", 'await import("../lightbox/lightbox.js");', False),
        ("page/api.js", 'import "../gallery/gallery.js";', False),
        ("page/api.js", 'import "../app.js";', False),
    ],
)
def test_no_room_imports_another(file: str, statement: str, is_fine: bool) -> None:
    need_libraries()
    linter = ROOT / "node_modules" / ".bin" / "eslint"
    command = [linter, "--stdin", f"--stdin-filename=frontend/{file}"]
    ended = subprocess.run(
        command, input=statement, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (ended.returncode == 0) == is_fine, ended.stdout + ended.stderr
    assert is_fine or "imports" in ended.stdout
