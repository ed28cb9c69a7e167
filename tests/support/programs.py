"""Programs that only tests need: found on this machine, or unpacked from Debian's packages."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.skips import skip

PACKAGES = {"nginx": "nginx", "caddy": "caddy", "unzip": "unzip", "systemd-analyze": "systemd"}
"""What Debian calls the package of each."""
UNPACKED = Path(sys.prefix) / "debian"
PLACES = [os.environ.get("PATH", ""), "/usr/sbin", f"{UNPACKED}/usr/sbin", f"{UNPACKED}/usr/bin"]


def find_program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join(PLACES))


def need_program(name: str) -> str:
    """Its path. Skips the test that cannot run without it; under CI that is a failure."""
    program = find_program(name)
    if program is None:
        skip(f"{name} is not here: `make test` brings it where there is apt")
    return program


def unpack(package: str) -> None:
    """Into the tests' own environment: nothing is installed or started, and nobody has to be
    root."""
    with tempfile.TemporaryDirectory() as folder:
        # As root, apt would drop to a user who cannot write into our folder, and complain.
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
        if subprocess.run(download, cwd=folder, check=False).returncode != 0:
            subprocess.run(["apt-get", "update", "-qq"], check=True)
            subprocess.run(download, cwd=folder, check=True)
        [archive] = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, UNPACKED], check=True)


def unpack_missing() -> None:
    for name, package in PACKAGES.items():
        if find_program(name):
            continue
        try:
            unpack(package)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{name} could not be had, its tests are skipped: {error}", file=sys.stderr)


if __name__ == "__main__":
    unpack_missing()
