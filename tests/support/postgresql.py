"""A PostgreSQL server of the tests' own: throw-away, on loopback, nobody's but this process's."""

import os
import pwd
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.support.ports import Port
from tests.support.processes import Process, temporary_folder
from tests.support.programs import LIBRARIES, postgresql_programs, skip
from tests.support.waiting import PATIENCE_SECONDS, wait_until

USER = "dropwall"
PASSWORD = "p@ss: wörd/"  # nobody's, and hard to write in an address
PASSWORD_IN_ADDRESSES = "p%40ss%3A%20wörd%2F"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in its folder: a SIGKILL leaves nothing elsewhere
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "log_min_messages": "panic",
}


class PostgreSQL:
    """Starts at once. What it keeps is gone at the end of the test run."""

    def __init__(self, folder: Path | None = None, **settings: str) -> None:
        """Settings of PostgreSQL's, over those of the tests."""
        self._settings = SETTINGS | settings
        self._programs = postgresql_programs() or skip("PostgreSQL is not installed")
        self._folder = temporary_folder("postgresql", folder)
        self._held = Port()
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = ["initdb", "--pgdata=data", f"--username={USER}", f"--pwfile={password}"]
        command += ["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
        assert self._run(*command).wait() == 0, self._log()
        self.start()

    def start(self) -> None:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        self.process = self._run("postgres", "-D", "data", f"-p{self._held.number}", *settings)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return psycopg.connect(self.address("postgres")).close()
            except psycopg.OperationalError:
                assert self.is_running(), self._log()
                assert time.monotonic() < deadline, self._log()
                time.sleep(0.05)

    def stop(self, with_signal: int = signal.SIGINT) -> None:
        """Who is connected is sent away."""
        self.process.send_signal(with_signal)
        self.process.wait(PATIENCE_SECONDS)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """All of its processes at once, as a power cut would."""
        pid = self.process.pid
        if self.is_running():
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            family = [pid, *map(int, children)]
            for member in family:
                with suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            self.process.wait(PATIENCE_SECONDS)
            wait_until(lambda: not any(Path(f"/proc/{member}").exists() for member in family))

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)  # at once, and gives its shared memory back
        self._held.release()

    def address(self, database: str) -> str:
        place = f"127.0.0.1:{self._held.number}/{database}"
        return f"postgresql://{USER}:{PASSWORD_IN_ADDRESSES}@{place}"

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

    def _run(self, program: str, *arguments: str) -> Process:
        with (self._folder / "log").open("ab") as log:
            return Process(
                [self._programs / program, *arguments],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": LIBRARIES, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._as_user,
            )

    def _log(self) -> str:
        return (self._folder / "log").read_text()
