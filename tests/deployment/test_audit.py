"""The audit of the pinned packages fails on a known vulnerability, and on nothing else."""

import json
import sys

import pytest

from tests.tools import audit

SOUND = {"name": "werkzeug", "version": "3.1.9", "vulns": []}
OUTDATED = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-2018-66"}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
JQUERY = {"name": "jquery", "severity": "moderate", "range": "<3.5.0"}
NOTHING = "nothing is known to be vulnerable"
NOT_ASKED = "was not audited: its registry did not answer"

NO_SUCH_SERVICE = {"message": "405 Method Not Allowed", "error": {"summary": ""}}


def printing(answer: object) -> list[str]:
    return [sys.executable, "-c", f"print({json.dumps(answer)!r})"]


@pytest.mark.parametrize(
    ("pip", "npm", "status", "found"),
    [
        ([SOUND, OUTDATED, UNKNOWN], None, 1, ["flask 0.1: PYSEC-2018-66", NOT_ASKED]),
        ([SOUND, UNKNOWN], {"jquery": JQUERY}, 1, [NOTHING, "jquery <3.5.0: moderate"]),
        ([SOUND], {}, 0, [NOTHING, NOTHING]),
        ([UNKNOWN], {}, 0, [NOT_ASKED, NOTHING]),
        (None, None, 0, [NOT_ASKED, NOT_ASKED]),
    ],
)
def test_the_audit_fails_only_on_a_vulnerability(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, pip, npm, status, found
) -> None:
    ask_pip = ["false"] if pip is None else printing({"dependencies": pip})
    ask_npm = printing(NO_SUCH_SERVICE if npm is None else {"vulnerabilities": npm})
    audits = {"pip": (ask_pip, audit.pip_findings), "npm": (ask_npm, audit.npm_findings)}
    monkeypatch.setattr(audit, "AUDITS", audits)
    assert audit.main() == status
    lines = capsys.readouterr().out.splitlines()
    assert all(text in line for text, line in zip(found, lines, strict=True)), lines
