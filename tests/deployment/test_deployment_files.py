"""The files of `deployment/` run where their program is here, and agree with the settings."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import requests
import yaml
from sqlalchemy import QueuePool

from server.catalog.postgresql import PostgreSQL
from server.config import Config
from tests.support.gallery_server import ROOT, GalleryServer
from tests.support.photos import photo_bytes
from tests.support.programs import need_program
from tests.support.proxies import DEPLOYMENT

UNIT = (DEPLOYMENT / "dropwall.service").read_text()
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOYMENT / "example.env").read_text(), re.MULTILINE))
APPS = ["app1", "app2"]


def filled(found: re.Match[str]) -> str:
    """A variable as compose fills it in, from the example."""
    name, rule = found.groups()
    assert EXAMPLE[name] or rule == ":-", f"{name} may not be empty"
    return EXAMPLE[name] or '""'


COMPOSE = (DEPLOYMENT / "compose.yaml").read_text()
SERVICES = yaml.safe_load(re.sub(r"\$\{(\w+)(:[-?])\}", filled, COMPOSE))["services"]


def of_unit(name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


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
    waits = {name: service["stop_grace_period"] for name, service in SERVICES.items()}
    waits["systemd"] = of_unit("TimeoutStopSec")
    assert {name for name, wait in waits.items() if int(wait.rstrip("s")) <= int(graceful)} == set()


def test_the_server_accepts_what_the_unit_and_compose_set() -> None:
    name, _, value = of_unit("Environment").partition("=")
    state = Path("/var/lib") / of_unit("StateDirectory")
    assert Config.from_environ({name: value}).data == state
    for app in APPS:
        environ = SERVICES[app]["environment"]
        config = Config.from_environ(environ)
        assert (config.proxies, config.log) == (1, "json")
        assert config.storage.startswith("s3://")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            assert environ[name] == SERVICES["seaweedfs"]["environment"][name] != ""
        secret = SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]
        assert config.database.startswith("postgresql://")
        assert f":{secret}@postgres/" in config.database


def test_postgresql_has_enough_connections_for_two_machines_of_16_cores() -> None:
    pool = PostgreSQL("postgresql://dropwall@postgres/dropwall").engine.pool
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
    assert "/livez" in health_check()
    assert re.findall(r"health_uri (.*)", (DEPLOYMENT / "Caddyfile").read_text()) == ["/livez"]
    for app in APPS:
        assert "/healthz" in SERVICES[app]["healthcheck"]["test"][-1]
        assert SERVICES["nginx"]["depends_on"][app] == {"condition": "service_healthy"}


# The image


def instructions() -> list[tuple[str, str]]:
    lines = (DEPLOYMENT / "Dockerfile").read_text().splitlines()
    parts = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in parts]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(at for at, (name, _) in enumerate(found) if name == "FROM") :]


def health_check() -> str:
    [check] = [rest for name, rest in last_stage() if name == "HEALTHCHECK"]
    return check


def copied_from_here(stage: list[tuple[str, str]]) -> Iterator[str]:
    for name, rest in stage:
        if name == "COPY" and not rest.startswith("--from"):
            yield from rest.split()[:-1]


def test_docker_is_let_in_to_exactly_what_the_image_copies() -> None:
    ignore = (DEPLOYMENT / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignore[0] == "*"
    let_in = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert set(copied_from_here(instructions())) == let_in
    assert {name for name in let_in if not (ROOT / name).exists()} == set()


def test_images_have_exact_versions_and_services_are_restarted() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in APPS]
    images += [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert [image for image in images if not re.fullmatch(r"[\w./-]+:\d[\w.-]*", image)] == []
    for name in ("postgres", "seaweedfs"):  # a container that is made anew loses nothing
        assert any(":/" in volume for volume in SERVICES[name]["volumes"])
    assert {service["restart"] for service in SERVICES.values()} == {"unless-stopped"}


def test_a_server_needs_no_more_than_the_image_has(tmp_path: Path) -> None:
    class InImage(GalleryServer):
        code = tmp_path / "app"

    InImage.code.mkdir()
    for source in copied_from_here(last_stage()):
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, InImage.code / source, ignore=ignored)
        else:
            shutil.copy(ROOT / source, InImage.code)
    commands = dict(last_stage())
    assert commands["USER"] not in ("0", "root")
    assert json.loads(commands["CMD"]) == ["gunicorn", "--config", "server/gunicorn.conf.py"]
    check = json.loads(health_check().partition(" CMD ")[2])
    with closing(InImage(tmp_path / "data", workers=1)) as server:
        for path in ("/", "/app.js", "/plain", "/livez"):
            assert requests.get(server.url + path, timeout=30).status_code == 200
        assert server.send(("a.jpg", photo_bytes("jpg"))).status_code == 204
        check = [sys.executable, *(word.replace(":8000", f":{server.port}") for word in check[1:])]
        assert subprocess.run(check, check=False).returncode == 0
    assert subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode == 1
