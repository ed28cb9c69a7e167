"""Asks the package registries whether anything pinned here is known to be vulnerable."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 120
PIP_AUDIT = [sys.executable, "-m", "pip_audit", "--requirement", "requirements.lock"]
PIP_AUDIT += ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
NPM_AUDIT = ["npm", "audit", "--package-lock-only", "--json"]


class NotAsked(Exception):
    """The registry could not be reached, or it has no such service."""


def pip_findings(answer: Any) -> list[str]:
    """Raises NotAsked, also when the registry knew none of the packages."""
    packages = [package for package in answer["dependencies"] if "vulns" in package]
    if not packages:
        raise NotAsked
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in packages
        for vulnerability in package["vulns"]
    ]


def npm_findings(answer: Any) -> list[str]:
    """Raises NotAsked."""
    if "vulnerabilities" not in answer:
        raise NotAsked
    found = answer["vulnerabilities"].values()
    return [f"{package['name']} {package['range']}: {package['severity']}" for package in found]


AUDITS: dict[str, tuple[list[str], Callable[[Any], list[str]]]] = {
    "requirements.lock": (PIP_AUDIT, pip_findings),
    "package-lock.json": (NPM_AUDIT, npm_findings),
}


def audit(command: list[str], findings: Callable[[Any], list[str]]) -> list[str]:
    """What is vulnerable. Raises NotAsked."""
    try:
        asked = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        return findings(json.loads(asked.stdout))
    except (ValueError, subprocess.TimeoutExpired):
        raise NotAsked from None


def main() -> int:
    """1 if anything is vulnerable, else 0: an answer that cannot be had stops nobody's work."""
    vulnerable = 0
    for lock_file, (command, findings) in AUDITS.items():
        try:
            found = audit(command, findings)
        except NotAsked:
            print(f"{lock_file} was not audited: its registry did not answer.")
            continue
        print(f"{lock_file}: {'; '.join(found) or 'nothing is known to be vulnerable'}.")
        vulnerable = vulnerable or int(bool(found))
    return vulnerable


if __name__ == "__main__":
    sys.exit(main())
