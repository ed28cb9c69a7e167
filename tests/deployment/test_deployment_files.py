"""The files of `deployment/` run where their program is here, and agree with the settings."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import requests
import yaml
from sqlalchemy import QueuePool

from dropwall.catalog.postgresql import PostgreSQL
from dropwall.config import GIBIBYTE, GIGABYTE, MEBIBYTE, Config
from tests.support.gallery_server import ROOT, GalleryServer
from tests.support.photos import photo_bytes
from tests.support.programs import need_program
from tests.support.proxies import DEPLOYMENT

UNIT = (DEPLOYMENT / "dropwall.service").read_text()
OF_UNIT = dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOYMENT / "example.env").read_text(), re.MULTILINE))
APPS = ["app1", "app2"]


def filled(found: re.Match[str]) -> str:
    """A variable as compose fills it in, from the example."""
    name, rule = found.groups()
    assert EXAMPLE[name] or rule == ":-", f"{name} may not be empty"
    return EXAMPLE[name] or '""'


COMPOSE = (DEPLOYMENT / "compose.yaml").read_text()
SERVICES = yaml.safe_load(re.sub(r"\$\{(\w+)(:[-?])\}", filled, COMPOSE))["services"]

INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*)$", (DEPLOYMENT / "Dockerfile").read_text(), re.MULTILINE)
LAST_FROM = max(at for at, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
IMAGE = dict(INSTRUCTIONS[LAST_FROM:])  # but for COPY and ENV, which are there more than once


def copied_from_here(instructions: list[tuple[str, str]]) -> list[str]:
    copies = [rest.split() for name, rest in instructions if name == "COPY"]
    return [name for words in copies if "--from" not in words[0] for name in words[:-1]]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "dropwall.service"
    here = UNIT.replace("/opt/dropwall/.venv", sys.prefix).replace("/opt/dropwall", str(ROOT))
    unit.write_text(here)
    command = [need_program("systemd-analyze"), "verify", "--man=no", unit]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    about_it = [line for line in checked.stderr.splitlines() if "dropwall" in line]
    assert (about_it, checked.returncode) == ([], 0)


def test_whoever_stops_a_server_waits_longer_than_uploads_may_take() -> None:
    conf = (ROOT / "server" / "gunicorn.conf.py").read_text()
    [graceful] = re.findall(r"^graceful_timeout = (\d+)", conf, re.MULTILINE)
    waits = [service["stop_grace_period"] for service in SERVICES.values()]
    for wait in (*waits, OF_UNIT["TimeoutStopSec"]):
        assert int(wait.rstrip("s")) > int(graceful)


def test_the_server_accepts_what_the_unit_and_compose_set() -> None:
    name, _, value = OF_UNIT["Environment"].partition("=")
    assert Config.from_environ({name: value}).data == Path("/var/lib") / OF_UNIT["StateDirectory"]
    secret = SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]
    for app in APPS:
        environ = SERVICES[app]["environment"]
        config = Config.from_environ(environ)
        assert (config.proxies, config.log) == (1, "json")
        assert config.storage.startswith("s3://")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            assert environ[name] == SERVICES["seaweedfs"]["environment"][name] != ""
        assert config.database.startswith("postgresql://")
        assert f":{secret}@postgres/" in config.database


def test_postgresql_has_enough_connections_for_two_machines_of_16_cores() -> None:
    pool = PostgreSQL("postgresql://dropwall@postgres/dropwall").pool.pool
    assert isinstance(pool, QueuePool)
    of_worker = pool.size() + pool._max_overflow + 1  # and one that listens for changes
    [most] = re.findall(r"max_connections=(\d+)", " ".join(SERVICES["postgres"]["command"]))
    assert int(most) > len(APPS) * 16 * of_worker


def test_only_the_proxy_is_open_to_the_world_and_it_knows_both_servers() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    nginx = (DEPLOYMENT / "nginx.conf").read_text()
    assert re.findall(r"^ +server (\w+):8000", nginx, re.MULTILINE) == APPS


def test_no_secret_is_in_the_repository() -> None:
    secrets = [value for name, value in EXAMPLE.items() if re.search("PASS|SECRET|TOKEN", name)]
    assert set(secrets) <= {"", "change-me"}
    assert "deployment/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_a_server_that_lives_and_takes_no_photos_is_not_restarted() -> None:
    """Docker and Caddy ask whether it lives; who waits for the first visitors asks for more."""
    assert "/livez" in IMAGE["HEALTHCHECK"]
    assert re.findall(r"health_uri (.*)", (DEPLOYMENT / "Caddyfile").read_text()) == ["/livez"]
    for app in APPS:
        assert "/healthz" in SERVICES[app]["healthcheck"]["test"][-1]
        assert SERVICES["nginx"]["depends_on"][app] == {"condition": "service_healthy"}


def test_docker_is_let_in_to_exactly_what_the_image_copies() -> None:
    ignored, *lines = (DEPLOYMENT / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert (ignored, let_in) == ("*", set(copied_from_here(INSTRUCTIONS)))
    assert all((ROOT / name).exists() for name in let_in)


VERSION = {
    "node": r"\d+\.\d+\.\d+-bookworm-slim",
    "python": r"\d+\.\d+\.\d+-slim-bookworm",
    "nginx": r"\d+\.\d+\.\d+",
    "postgres": r"\d+\.\d+-bookworm",
    "chrislusf/seaweedfs": r"\d+\.\d+",
}


def test_images_have_exact_versions_and_services_are_restarted() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in APPS]
    images += [rest.split()[0] for name, rest in INSTRUCTIONS if name == "FROM"]
    for image in images:
        name, _, tag = image.partition(":")
        assert re.fullmatch(VERSION[name], tag), image
    for name in ("postgres", "seaweedfs"):  # a container that is made anew loses nothing
        assert any(":/" in volume for volume in SERVICES[name]["volumes"])
    assert {service["restart"] for service in SERVICES.values()} == {"unless-stopped"}


def test_a_container_has_no_rights_but_those_that_its_start_needs() -> None:
    for name, service in SERVICES.items():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    becoming_somebody_else = {"CHOWN", "SETGID", "SETUID"}
    added = {name: set(service.get("cap_add", ())) for name, service in SERVICES.items()}
    assert {name: rights for name, rights in added.items() if rights} == {
        "nginx": {*becoming_somebody_else, "NET_BIND_SERVICE"},
        "seaweedfs": {*becoming_somebody_else, "DAC_READ_SEARCH"},
    }


def test_the_memory_of_the_machine_is_left_to_its_other_services() -> None:
    units = {"m": MEBIBYTE, "g": GIBIBYTE}
    limits = {name: service["mem_limit"] for name, service in SERVICES.items()}
    byte_counts = {name: int(limit[:-1]) * units[limit[-1]] for name, limit in limits.items()}
    assert max(byte_counts.values()) <= 2 * GIBIBYTE
    for app in APPS:  # as much for photos that are being decoded as without a limit
        assert byte_counts[app] // 2 >= GIGABYTE
    assert int(OF_UNIT["MemoryMax"].removesuffix("%")) <= 75
    assert OF_UNIT["OOMPolicy"] == "continue", "a decoder's end would be everybody's"


def test_a_server_needs_no_more_than_the_image_has(tmp_path: Path) -> None:
    class InImage(GalleryServer):
        code = tmp_path / "app"

    InImage.code.mkdir()
    for source in copied_from_here(INSTRUCTIONS[LAST_FROM:]):
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, InImage.code / source, ignore=ignored)
        else:
            shutil.copy(ROOT / source, InImage.code)
    assert IMAGE["USER"] not in ("0", "root")
    assert json.loads(IMAGE["CMD"]) == ["gunicorn", "--config", "server/gunicorn.conf.py"]
    check = json.loads(IMAGE["HEALTHCHECK"].partition(" CMD ")[2])
    with closing(InImage(tmp_path / "data", workers=1)) as server:
        for path in ("/", "/app.js", "/plain", "/livez"):
            assert requests.get(server.url + path, timeout=30).status_code == 200
        assert server.send(("a.jpg", photo_bytes("jpg"))).status_code == 204
        check = [sys.executable, *(word.replace(":8000", f":{server.port}") for word in check[1:])]
        assert subprocess.run(check, check=False).returncode == 0
    assert subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode == 1


def test_every_link_in_a_readme_leads_to_a_file_or_a_heading() -> None:
    for name in ("README.md", "deployment/README.md", "tests/README.md"):
        readme = ROOT / name
        for link in re.findall(r"\]\(([^)]+)\)", readme.read_text()):
            if "://" in link:
                continue
            path, _, anchor = link.partition("#")
            target = readme.parent / path if path else readme
            assert target.exists(), f"{name} links to {link}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
                plain = [re.sub(r"[^\w -]", "", heading).lower() for heading in headings]
                assert anchor.replace("-", " ") in plain, f"{name} links to {link}"


def test_the_files_that_prove_a_promise_are_there() -> None:
    tests = ROOT / "tests"
    named = re.findall(r"`([a-z]+/[\w-]+(?:\.test\.js)?)`", (tests / "README.md").read_text())
    assert len(named) > 50
    for name in named:
        assert (tests / name).is_file() or (tests / f"{name}.py").is_file(), name
