"""The proxies of `deployment/`, with its own configurations, in front of servers of a test."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.browser import ROOT
from tests.support.ports import Port
from tests.support.processes import Process
from tests.support.programs import need_program
from tests.support.waiting import PATIENCE_SECONDS, wait_until

DEPLOYMENT = ROOT / "deployment"


@contextmanager
def behind_nginx(server_urls: str | list[str], folder: Path, **changed: str) -> Iterator[str]:
    """Its URL. `changed` are directives of nginx.conf with another value, such as
    client_max_body_size="1m". All of nginx's files are in `folder`. A visitor comes from where the
    header `Tests-Address` says."""
    nginx, port = need_program("nginx"), Port()
    site = (DEPLOYMENT / "nginx.conf").read_text()
    [how] = set(re.findall(r"^ +server app\d:8000([^;]*);", site, re.MULTILINE))
    servers = "".join(f"server {address}{how};\n" for address in _addresses(server_urls))
    site = _replace_once(r"( +server app\d:8000.*\n){2}", servers, site)
    site = _replace_once("/var/log/nginx/", f"{folder}/", site)
    for name, value in (changed | {"listen": f"127.0.0.1:{port.number}"}).items():
        site = _replace_once(rf"\b{name} [^;]*;", f"{name} {value};", site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    settings = folder / "nginx.conf"
    settings.write_text(
        ("user root;\n" if os.geteuid() == 0 else "")  # a test's folders are its user's alone
        + f"daemon off;\npid {folder}/nginx.pid;\nevents {{}}\n"
        + f"http {{\naccess_log {folder}/access.log;\n{temporary}"
        + f"set_real_ip_from 127.0.0.1;\nreal_ip_header Tests-Address;\n{site}}}\n"
    )
    command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(settings)]
    with _running([*command, "-t"], command, port, folder / "nginx.log") as url:
        yield url


@contextmanager
def behind_caddy(server_urls: str | list[str], folder: Path, *added: str) -> Iterator[str]:
    """Its URL. `added` are directives of the site, beside those of the Caddyfile."""
    caddy, port = need_program("caddy"), Port()
    site = (DEPLOYMENT / "Caddyfile").read_text()
    address = "\n".join([f"http://127.0.0.1:{port.number} {{", *added])
    site = _replace_once(r"photos\.example\.com \{", address, site)
    site = _replace_once(r"app1:8000 app2:8000", " ".join(_addresses(server_urls)), site)
    settings = folder / "Caddyfile"
    site = _replace_once(r"^\{\n", "{\nadmin off\ndefault_bind 127.0.0.1\n", site)
    settings.write_text(site)
    options = ["--adapter", "caddyfile", "--config", str(settings)]
    validate, run = [caddy, "validate", *options], [caddy, "run", *options]
    with _running(validate, run, port, folder / "caddy.log") as url:
        yield url


def _addresses(server_urls: str | list[str]) -> list[str]:
    urls = [server_urls] if isinstance(server_urls, str) else server_urls
    return [url.removeprefix("http://") for url in urls]


def _replace_once(pattern: str, replacement: str, text: str) -> str:
    text, count = re.subn(pattern, lambda _: replacement, text, flags=re.MULTILINE)
    assert count == 1, f"{pattern} is {count} times in the configuration"
    return text


@contextmanager
def _running(check: Sequence[str], run: Sequence[str], port: Port, log: Path) -> Iterator[str]:
    environ = os.environ | {"HOME": str(log.parent), "XDG_DATA_HOME": str(log.parent)}
    with log.open("wb") as output:
        checked = subprocess.run(check, env=environ, stdout=output, stderr=output, check=False)
        assert checked.returncode == 0, log.read_text()
        process = Process(run, env=environ, stdout=output, stderr=output)

    def is_open() -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as visitor:
            return visitor.connect_ex(("127.0.0.1", port.number)) == 0

    try:
        wait_until(is_open)
        yield f"http://127.0.0.1:{port.number}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        port.release()
