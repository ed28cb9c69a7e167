"""The proxies of `deployment/`, with its own configurations, in front of servers of a test."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.gallery_server import ROOT
from tests.support.ports import free_port
from tests.support.programs import need_program

START_SECONDS = 15
DEPLOYMENT = ROOT / "deployment"
TEMPORARY_FILES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def behind_nginx(server_urls: str | list[str], folder: Path, **changed: str) -> Iterator[str]:
    """Its URL. `changed` are directives of nginx.conf with another value, such as
    client_max_body_size="1m". All of nginx's files are in `folder`."""
    nginx = need_program("nginx")
    port = free_port()
    site = (DEPLOYMENT / "nginx.conf").read_text()
    addresses = addresses_of(server_urls)
    [how] = set(re.findall(r"^ +server app\d:8000([^;]*);", site, re.MULTILINE))
    servers = "".join(f"server {address}{how};\n" for address in addresses)
    site = replace_once(r"( +server app\d:8000.*\n){2}", servers, site)
    for name, value in (changed | {"listen": f"127.0.0.1:{port}"}).items():
        site = replace_once(rf"\b{name} [^;]*;", f"{name} {value};", site)
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMPORARY_FILES)
    settings = folder / "nginx.conf"
    settings.write_text(
        ("user root;\n" if os.geteuid() == 0 else "")  # a test's folders are its user's alone
        + f"daemon off;\npid {folder}/nginx.pid;\nevents {{}}\n"
        + f"http {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(settings)]
    with _running([*command, "-t"], command, port, folder / "nginx.log") as url:
        yield url


@contextmanager
def behind_caddy(server_urls: str | list[str], folder: Path) -> Iterator[str]:
    """Its URL."""
    caddy = need_program("caddy")
    port = free_port()
    site = (DEPLOYMENT / "Caddyfile").read_text()
    site = replace_once(r"photos\.example\.com", f"http://127.0.0.1:{port}", site)
    site = replace_once(r"app1:8000 app2:8000", " ".join(addresses_of(server_urls)), site)
    settings = folder / "Caddyfile"
    settings.write_text(f"{{\nadmin off\ndefault_bind 127.0.0.1\n}}\n{site}")
    options = ["--adapter", "caddyfile", "--config", str(settings)]
    validate, run = [caddy, "validate", *options], [caddy, "run", *options]
    with _running(validate, run, port, folder / "caddy.log") as url:
        yield url


def addresses_of(server_urls: str | list[str]) -> list[str]:
    urls = [server_urls] if isinstance(server_urls, str) else server_urls
    return [url.removeprefix("http://") for url in urls]


def replace_once(pattern: str, replacement: str, text: str) -> str:
    text, count = re.subn(pattern, lambda _: replacement, text)
    assert count == 1, f"{pattern} is {count} times in the configuration"
    return text


@contextmanager
def _running(check: Sequence[str], run: Sequence[str], port: int, log: Path) -> Iterator[str]:
    environ = os.environ | {"HOME": str(log.parent), "XDG_DATA_HOME": str(log.parent)}
    with log.open("wb") as output:
        checked = subprocess.run(check, env=environ, stdout=output, stderr=output, check=False)
        assert checked.returncode == 0, log.read_text()
        process = subprocess.Popen(run, env=environ, stdout=output, stderr=output)
    try:
        _wait_until_open(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError(log.read_text())
