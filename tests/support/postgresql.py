"""A PostgreSQL server of the tests' own: throw-away, on loopback, nobody's but this process's."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests.support.ports import free_port
from tests.support.programs import UNPACKED, unpack
from tests.support.skips import skip

INSTALLED = "usr/lib/postgresql/*/bin/initdb"
USER = "dropwall"
PASSWORD = "p@ss: wörd/"  # nobody's, and hard to write in an address
START_SECONDS = 30
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "log_min_messages": "panic",
}


class PostgreSQL:
    """Starts at once. What it keeps is gone when it is removed."""

    def __init__(self, folder: Path | None = None, **settings: str) -> None:
        """Settings of PostgreSQL's, over those of the tests."""
        self._settings = SETTINGS | settings
        self._programs = find_programs()
        self._folder = Path(tempfile.mkdtemp(prefix="dropwall-postgresql-", dir=folder))
        self._data = self._folder / "data"
        self._port = free_port()
        self._user = _another_user()
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        (self._folder / "password").write_text(PASSWORD)
        (self._folder / "password").chmod(0o644)
        command = ["initdb", f"--pgdata={self._data}", f"--username={USER}", "--no-sync"]
        command += ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
        self._run(*command, f"--pwfile={self._folder}/password").communicate()
        self.start()

    def start(self) -> None:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        self.process = self._run("postgres", "-D", str(self._data), f"-p{self._port}", *settings)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return psycopg.connect(self.address("postgres")).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        """Who is connected is sent away."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=START_SECONDS)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """All of its processes at once, as a power cut would."""
        if self.process.poll() is not None:
            return
        family = [self.process.pid, *self._children()]
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(timeout=START_SECONDS)
        while any(Path(f"/proc/{pid}").exists() for pid in family):
            time.sleep(0.01)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def address(self, database: str) -> str:
        password = PASSWORD.replace("@", "%40").replace(":", "%3A").replace("/", "%2F")
        password = password.replace(" ", "%20")
        return f"postgresql://{USER}:{password}@127.0.0.1:{self._port}/{database}"

    def create_database(self, options: str = "") -> str:
        """The address of a new one."""
        name = f"t{secrets.token_hex(8)}"
        self._execute(f"CREATE DATABASE {name} {options}")
        return self.address(name)

    def drop_database(self, address: str) -> None:
        """With whoever is still connected."""
        self._execute(f"DROP DATABASE {address.rpartition('/')[2]} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        libraries = ":".join(map(str, UNPACKED.glob("usr/lib/*-linux-gnu")))
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), *arguments],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **({"user": self._user.pw_uid, "group": self._user.pw_gid} if self._user else {}),
                **({"extra_groups": []} if self._user else {}),
            )

    def _children(self) -> list[int]:
        pid = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def find_programs() -> Path:
    """The folder. Skips the test that cannot run without; under CI that is a failure."""
    found = _installed()
    if not found:
        skip(
            "PostgreSQL is not here: `python -m tests.support.postgresql` brings it where there is apt"
        )
    return found[-1].parent


def _installed() -> list[Path]:
    return [initdb for root in (UNPACKED, Path("/")) for initdb in sorted(root.glob(INSTALLED))]


def _another_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to be run by root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def unpack_missing() -> None:
    if _installed():
        return
    try:
        for package in _wanted_packages():
            unpack(package)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"PostgreSQL could not be had, its tests are skipped: {error}", file=sys.stderr)


def _wanted_packages() -> list[str]:
    """PostgreSQL, and what it needs that is not here yet: what apt would install, which it does not
    do; it would start a server."""
    command = ["apt-get", "--simulate", "--no-install-recommends", "install", "postgresql"]
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.findall(r"^Inst (\S+)", said, re.MULTILINE)


if __name__ == "__main__":
    unpack_missing()
