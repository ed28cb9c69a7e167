"""Proxies in front of servers of a test: with the configurations of `deployment/`, and as somebody
writes them who has just installed one."""

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
from tests.support.programs import LIBRARIES, need_program
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
    with _running([*command, "-t"], command, [port], folder / "nginx.log"):
        yield f"http://127.0.0.1:{port.number}"


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
    with _running(validate, run, [port], folder / "caddy.log"):
        yield f"http://127.0.0.1:{port.number}"


# One site, by http or https. Its {lines} are what a newcomer may add, or forget.
NGINX_SITE = """
    server {{
        listen 127.0.0.1:{port}{ssl};
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{
            proxy_pass {server_url};
            {lines}
        }}
    }}
"""
CADDY_SITE = """
{scheme}://:{port} {{
    {tls}
    reverse_proxy {server_url}
    {lines}
}}
"""
APACHE_SITE = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    SSLEngine {is_ssl}
    SSLCertificateFile {folder}/certificate.pem
    SSLCertificateKeyFile {folder}/key.pem
    ProxyPass / {server_url}/
    {lines}
</VirtualHost>
"""
APACHE_MODULES = ("mpm_event", "authz_core", "proxy", "proxy_http", "ssl")


@contextmanager
def behind_newcomers(
    program: str, server_url: str, folder: Path, *sites: str, scheme: str = "http"
) -> Iterator[list[int]]:
    """The ports of the sites of one `nginx`, `caddy` or `apache2`, which take any name: for each of
    `sites`, which are lines of its configuration, one that does nothing else but to pass it on."""
    path, ports = need_program(program), [Port() for _ in sites]
    make_certificate(folder)
    template = {"nginx": NGINX_SITE, "caddy": CADDY_SITE, "apache2": APACHE_SITE}[program]
    is_ssl = scheme == "https"
    written = ""
    for port, lines in zip(ports, sites, strict=True):
        written += template.format(
            port=port.number,
            lines=lines,
            server_url=server_url,
            folder=folder,
            scheme=scheme,
            ssl=" ssl" if is_ssl else "",
            tls=f"tls {folder}/certificate.pem {folder}/key.pem" if is_ssl else "",
            is_ssl="on" if is_ssl else "off",
        )
    settings = folder / f"{program}.conf"
    match program:
        case "nginx":
            kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
            user = "user root;\n" if os.geteuid() == 0 else ""
            head = f"{user}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\n"
            written = f"{head}http {{\naccess_log off;\n{temporary}{written}}}\n"
            run = [path, "-e", "stderr", "-p", str(folder), "-c", str(settings)]
            check = [*run, "-t"]
        case "caddy":
            written = "{\nadmin off\nauto_https off\ndefault_bind 127.0.0.1\n}\n" + written
            options = ["--adapter", "caddyfile", "--config", str(settings)]
            run, check = [path, "run", *options], [path, "validate", *options]
        case _:
            modules = Path(path).parents[1] / "lib/apache2/modules"
            loaded = "".join(
                f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in APACHE_MODULES
            )
            head = f"ServerName localhost\nUser daemon\nGroup daemon\nPidFile {folder}/apache.pid\n"
            head += f"DefaultRuntimeDir {folder}\nMutex posixsem\nErrorLog /dev/stderr\n"
            written = head + loaded + written
            run = [path, "-d", str(folder), "-f", str(settings), "-DFOREGROUND"]
            check = [*run, "-t"]
    settings.write_text(written)
    with _running(check, run, ports, folder / f"{program}.log"):
        yield [port.number for port in ports]


def make_certificate(folder: Path) -> None:
    """`certificate.pem` and `key.pem`, signed by nobody else."""
    command = f"{need_program('openssl')} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
    command += " -nodes -subj /CN=photos.test -addext subjectAltName=IP:127.0.0.1"
    command += f" -out {folder}/certificate.pem -keyout {folder}/key.pem"
    subprocess.run(command.split(), check=True, capture_output=True)


def _addresses(server_urls: str | list[str]) -> list[str]:
    urls = [server_urls] if isinstance(server_urls, str) else server_urls
    return [url.removeprefix("http://") for url in urls]


def _replace_once(pattern: str, replacement: str, text: str) -> str:
    text, count = re.subn(pattern, lambda _: replacement, text, flags=re.MULTILINE)
    assert count == 1, f"{pattern} is {count} times in the configuration"
    return text


@contextmanager
def _running(
    check: Sequence[str], run: Sequence[str], ports: Sequence[Port], log: Path
) -> Iterator[None]:
    homes = {"HOME": str(log.parent), "XDG_DATA_HOME": str(log.parent)}
    environ = os.environ | homes | {"LD_LIBRARY_PATH": LIBRARIES}
    with log.open("wb") as output:
        checked = subprocess.run(check, env=environ, stdout=output, stderr=output, check=False)
        assert checked.returncode == 0, log.read_text()
        process = Process(run, env=environ, stdout=output, stderr=output)

    def is_open(port: Port) -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as visitor:
            return visitor.connect_ex(("127.0.0.1", port.number)) == 0

    try:
        wait_until(lambda: all(map(is_open, ports)))
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        for port in ports:
            port.release()
