"""The audit fails on a vulnerability, and on nothing else."""

import json
import sys

import pytest

from tests.tools import audit

OUTDATED = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-2018-66"}]}
SOUND = {"name": "werkzeug", "version": "3.1.9", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
JQUERY = {"name": "jquery", "severity": "moderate", "range": "<3.5.0"}
FLASK_FOUND, JQUERY_FOUND = "flask 0.1: PYSEC-2018-66", "jquery <3.5.0: moderate"
NOT_ASKED = "was not audited: its registry did not answer"
NOTHING = "nothing is known to be vulnerable"
NPM = {
    JQUERY_FOUND: {"vulnerabilities": {"jquery": JQUERY}},
    NOTHING: {"vulnerabilities": {}},
    NOT_ASKED: {"message": "405 Method Not Allowed", "error": {"summary": ""}},
}
PIP = {
    FLASK_FOUND: {"dependencies": [SOUND, OUTDATED, UNKNOWN]},
    NOTHING: {"dependencies": [SOUND, UNKNOWN]},
    NOT_ASKED: {"dependencies": [UNKNOWN]},
}


@pytest.mark.parametrize("npm", NPM)
@pytest.mark.parametrize("pip", PIP)
def test_what_the_registries_answer_is_told(monkeypatch, capsys, pip: str, npm: str) -> None:
    asked = {
        "requirements.lock": (printing(json.dumps(PIP[pip])), audit.pip_findings),
        "package-lock.json": (printing(json.dumps(NPM[npm])), audit.npm_findings),
    }
    monkeypatch.setattr(audit, "AUDITS", asked)
    assert audit.main() == (pip == FLASK_FOUND or npm == JQUERY_FOUND)
    first, second = capsys.readouterr().out.splitlines()
    assert pip in first
    assert npm in second


def test_a_program_that_fails_has_not_asked() -> None:
    with pytest.raises(audit.NotAsked):
        audit.audit(printing(""), audit.pip_findings)


def printing(text: str) -> list[str]:
    return [sys.executable, "-c", f"print({text!r})"]
