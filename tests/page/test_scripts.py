"""The page's scripts that need no browser are tested by Node, in *.test.js beside this file."""

import subprocess
from pathlib import Path

from tests.support.programs import need_program


def test_the_scripts_pass_their_tests_in_node() -> None:
    scripts = sorted(Path(__file__).parent.glob("*.test.js"))
    assert scripts
    command = [need_program("node"), "--test", *scripts]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
