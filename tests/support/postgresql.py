"""A PostgreSQL server of the tests' own: throw-away, on loopback, nobody's but this process's."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from tests.support import processes
from tests.support.ports import Port
from tests.support.programs import UNPACKED, postgresql_programs, skip

USER = "dropwall"
PASSWORD = "p@ss: wörd/"  # nobody's, and hard to write in an address
START_SECONDS = 60
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
        self._programs = postgresql_programs() or skip("PostgreSQL is not installed")
        self._folder = Path(tempfile.mkdtemp(prefix="dropwall-postgresql-", dir=folder))
        self._data = self._folder / "data"
        self._held = Port()
        self._port = self._held.number
        self._user = _another_user()
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        (self._folder / "password").write_text(PASSWORD)
        (self._folder / "password").chmod(0o644)
        command = ["initdb", f"--pgdata={self._data}", f"--username={USER}", "--no-sync"]
        command += ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
        initdb = self._run(*command, f"--pwfile={self._folder}/password")
        assert initdb.wait() == 0, (self._folder / "log").read_text()
        processes.ended(initdb)
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
        processes.ended(self.process)

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
        processes.ended(self.process)
        while any(Path(f"/proc/{pid}").exists() for pid in family):
            time.sleep(0.01)

    def remove(self) -> None:
        self.kill()
        self._held.release()
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
            return processes.start(
                [str(self._programs / program), *arguments],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **({"user": self._user.pw_uid, "group": self._user.pw_gid} if self._user else {}),
                **({"extra_groups": []} if self._user else {}),
            )

    def _children(self) -> list[int]:
        pid = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _another_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to be run by root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
