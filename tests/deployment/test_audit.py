"""The audit of the pinned packages fails on a known vulnerability, and on nothing else."""

import json
import sys

import pytest

from tests.tools import audit

SOUND = {"name": "werkzeug", "version": "3.1.9", "vulns": []}
OUTDATED = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-2018-66"}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
JQUERY = {"name": "jquery", "severity": "moderate", "range": "<3.5.0"}
FLASK_FOUND, JQUERY_FOUND = "flask 0.1: PYSEC-2018-66", "jquery <3.5.0: moderate"
NOTHING = "nothing is known to be vulnerable"
NOT_ASKED = "was not audited: its registry did not answer"


def pip(*packages: dict) -> list[str]:
    return printing({"dependencies": packages})


def npm(**packages: dict) -> list[str]:
    return printing({"vulnerabilities": packages})


def printing(answer: object) -> list[str]:
    return [sys.executable, "-c", f"print({json.dumps(answer)!r})"]


NPM_NOT_ASKED = printing({"message": "405 Method Not Allowed", "error": {"summary": ""}})


@pytest.mark.parametrize(
    ("pip", "npm", "status", "found"),
    [
        (pip(SOUND, OUTDATED, UNKNOWN), NPM_NOT_ASKED, 1, (FLASK_FOUND, NOT_ASKED)),
        (pip(SOUND, UNKNOWN), npm(jquery=JQUERY), 1, (NOTHING, JQUERY_FOUND)),
        (pip(SOUND), npm(), 0, (NOTHING, NOTHING)),
        (pip(UNKNOWN), npm(), 0, (NOT_ASKED, NOTHING)),
        (["false"], NPM_NOT_ASKED, 0, (NOT_ASKED, NOT_ASKED)),
    ],
)
def test_the_audit_fails_only_on_a_vulnerability(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, pip, npm, status, found
) -> None:
    audits = {"pip": (pip, audit.pip_findings), "npm": (npm, audit.npm_findings)}
    monkeypatch.setattr(audit, "AUDITS", audits)
    assert audit.main() == status
    lines = capsys.readouterr().out.splitlines()
    assert all(text in line for text, line in zip(found, lines, strict=True)), lines
