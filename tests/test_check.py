"""`make check` runs every suite, and once more what failed in it."""

import subprocess
from pathlib import Path

import pytest

from tests.support.browser import ROOT

pytestmark = pytest.mark.embedded

SUITES = ["-m not slow", "-m slow", "--engines scaled"]
AGAIN = "--last-failed --last-failed-no-failures none"
PYTEST = """\
#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> runs
status=$(head -n 1 statuses)
sed -i 1d statuses
exit ${status:-0}
"""


@pytest.mark.parametrize(
    ("statuses", "runs", "is_passed"),
    [
        ([0, 0, 0], SUITES, True),
        ([0, 1, 0, 0], [*SUITES[:2], f"-m slow {AGAIN}", SUITES[2]], True),
        ([1, 1, 0, 0], [SUITES[0], f"-m not slow {AGAIN}", *SUITES[1:]], False),
        # Interrupted, an error of pytest's own, nothing found, killed: most tests have not run.
        *(([0, status, 0], SUITES, False) for status in (2, 3, 5, 137)),
    ],
)
def test_only_a_suite_whose_tests_failed_runs_once_more(
    tmp_path: Path, statuses: list[int], runs: list[str], is_passed: bool
) -> None:
    (tmp_path / "statuses").write_text("".join(f"{status}\n" for status in statuses))
    for name, script in (("pytest", PYTEST), ("python", "#!/bin/sh\n")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    settings = [f"BIN={tmp_path}", f"PYTEST={tmp_path}/pytest"]
    done = subprocess.run(
        ["make", "--old-file=lint", "check", *settings], cwd=ROOT, capture_output=True, text=True
    )
    assert (tmp_path / "runs").read_text().splitlines() == runs, done.stderr
    assert (done.returncode == 0) is is_passed
