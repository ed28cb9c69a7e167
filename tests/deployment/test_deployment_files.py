"""What `deployment/` has: run for real where its program is here, else held to its rules."""

import json
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from sqlalchemy import QueuePool

from server.catalog.postgresql import PostgreSQL
from server.config import Config
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.photos import photo_bytes
from tests.support.ports import free_port
from tests.support.programs import need_program
from tests.support.proxies import DEPLOYMENT, behind_caddy, behind_nginx
from tests.support.waiting import wait_until

NOTHING_HERE = "There is nothing at this address; please go back to the gallery."


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningServer]]:
    """Two of one gallery."""
    data = tmp_path_factory.mktemp("gallery") / "data"
    both = [RunningServer(data, workers=1, proxies=1, log="json") for _ in range(2)]
    yield both
    for server in both:
        server.stop(signal.SIGINT)


# Proxies


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy])
def test_the_proxy_passes_everything_on_to_both(proxy, servers, tmp_path: Path) -> None:
    """Its program has found nothing wrong with its configuration, or there would be no URL."""
    with proxy([server.url for server in servers], tmp_path) as url:
        photo = photo_bytes("jpg", len(proxy.__name__))
        sent = requests.post(url, files={"file": ("a.jpg", photo)}, timeout=30)
        assert (sent.status_code, sent.content) == (204, b"")
        told = {"X-Request-Id": "chosen-by-a-visitor"}
        answers = [requests.get(f"{url}/plain", headers=told, timeout=30) for _ in range(8)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 8
    assert "chosen-by-a-visitor" not in ids
    wait_until(lambda: len(lines_of(servers, ids)) == 8)
    assert len({line["pid"] for line in lines_of(servers, ids)}) == 2


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy])
def test_who_finds_no_server_is_told_to_try_again(proxy, tmp_path: Path) -> None:
    with proxy(f"http://127.0.0.1:{free_port()}", tmp_path) as url:
        answer = requests.post(url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("please try again in a few seconds.")


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy])
def test_the_metrics_of_one_server_are_not_for_the_world(proxy, servers, tmp_path: Path) -> None:
    with proxy([server.url for server in servers], tmp_path) as url:
        for path in ("/metrics", "//metrics"):
            answer = requests.get(url + path, timeout=30)
            assert (answer.status_code, answer.text) == (404, NOTHING_HERE)
            assert "X-Request-Id" not in answer.headers


def lines_of(servers: list[RunningServer], ids: set[str]) -> list[dict]:
    """What they have written, both to one file, of these requests."""
    log = (servers[0].data.parent / "server.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    return [line for line in lines if line.get("request_id") in ids]


def test_nginx_writes_no_address_down() -> None:
    assert re.search(r"^ +access_log off;", (DEPLOYMENT / "nginx.conf").read_text(), re.MULTILINE)


# systemd


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    systemd_analyze = need_program("systemd-analyze")
    unit = tmp_path / "dropwall.service"
    unit.write_text(unit_text().replace("/opt/dropwall", str(ROOT)))
    checked = subprocess.run(
        [systemd_analyze, "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    about_it = [line for line in checked.stderr.splitlines() if "dropwall" in line]
    assert (about_it, checked.returncode) == ([], 0)


def test_systemd_waits_longer_than_uploads_may_take() -> None:
    assert int(setting_of_unit("TimeoutStopSec")) > graceful_seconds()


def test_the_unit_sets_only_what_is_a_setting() -> None:
    name, _, value = setting_of_unit("Environment").partition("=")
    state = setting_of_unit("StateDirectory")
    assert Config.from_environ({name: value}).data == Path("/var/lib") / state


def unit_text() -> str:
    return (DEPLOYMENT / "dropwall.service").read_text()


def setting_of_unit(name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)$", unit_text(), re.MULTILINE)
    return str(value)


def graceful_seconds() -> int:
    conf = (ROOT / "server" / "gunicorn.conf.py").read_text()
    [seconds] = re.findall(r"^graceful_timeout = (\d+)", conf, re.MULTILINE)
    return int(seconds)


# Compose


EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOYMENT / "example.env").read_text(), re.MULTILINE))


def fill(found: re.Match[str]) -> str:
    name, rule = found.groups()
    assert name in EXAMPLE, f"{name} is not in example.env"
    assert EXAMPLE[name] or rule == ":-", f"{name} may not be empty"
    return EXAMPLE[name]


def filled(value: object) -> object:
    """With the variables of example.env, in all texts, as compose does it."""
    if isinstance(value, dict):
        return {name: filled(each) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each) for each in value]
    return re.sub(r"\$\{(\w+)(:[-?])\}", fill, value) if isinstance(value, str) else value


def compose() -> dict:
    found = filled(yaml.safe_load((DEPLOYMENT / "compose.yaml").read_text()))
    assert isinstance(found, dict)
    return found


SERVICES = compose()["services"]
APPS = ["app1", "app2"]


def test_the_services_are_two_servers_and_what_they_need() -> None:
    assert set(SERVICES) == {*APPS, "nginx", "postgres", "seaweedfs"}


@pytest.mark.parametrize("app", APPS)
def test_the_server_accepts_what_compose_sets(app: str) -> None:
    environ = SERVICES[app]["environment"]
    assert all(isinstance(value, str) for value in environ.values())
    config = Config.from_environ(environ)
    assert (config.proxies, config.log) == (1, "json")
    assert config.database.startswith("postgresql://")
    assert config.storage.startswith("s3://")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert environ[name] == SERVICES["seaweedfs"]["environment"][name] != ""
    secret = SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert f":{secret}@postgres/" in environ["DROPWALL_DATABASE"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_watched_restarted_and_may_finish(name: str) -> None:
    service = SERVICES[name]
    if name not in APPS:  # whose image is made here, with its own check
        assert is_pinned(service["image"])
        assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    seconds = int(service["stop_grace_period"].removesuffix("s"))
    assert seconds > graceful_seconds()


def test_postgresql_has_a_connection_for_each_that_two_large_machines_may_want() -> None:
    pool = PostgreSQL("postgresql://dropwall@postgres/dropwall").engine.pool
    assert isinstance(pool, QueuePool)
    of_worker = pool.size() + pool._max_overflow + 1  # and one that waits for news
    [most] = re.findall(r"max_connections=(\d+)", " ".join(SERVICES["postgres"]["command"]))
    assert int(most) > len(APPS) * 16 * of_worker


@pytest.mark.parametrize("app", APPS)
def test_who_is_unwell_gets_no_visitors_at_first_and_is_never_restarted_for_it(app: str) -> None:
    [check] = [rest for name, rest in those_of_last_stage() if name == "HEALTHCHECK"]
    assert "/livez" in check
    assert "/healthz" in SERVICES[app]["healthcheck"]["test"][-1]
    assert re.findall(r"health_uri (.*)", (DEPLOYMENT / "Caddyfile").read_text()) == ["/livez"]


@pytest.mark.parametrize("name", SERVICES)
def test_whoever_needs_others_waits_until_they_are_well(name: str) -> None:
    for other, waiting in SERVICES[name].get("depends_on", {}).items():
        assert waiting == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other] or other in APPS
    assert bool(SERVICES[name].get("depends_on")) == (name in (*APPS, "nginx"))


def test_only_the_proxy_is_open_to_the_world() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    servers = re.findall(r"^ +server (\w+):8000", (DEPLOYMENT / "nginx.conf").read_text(), re.M)
    assert servers == APPS


def test_whatever_is_kept_has_a_volume() -> None:
    named = {volume.partition(":")[0] for s in SERVICES.values() for volume in s["volumes"]}
    assert named == {*compose()["volumes"], "./nginx.conf"}


def test_no_secret_is_in_the_repository() -> None:
    for name, value in EXAMPLE.items():
        if re.search("PASS|SECRET|TOKEN", name):
            assert value in ("", "change-me"), name
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "deployment/.env" in ignored


# The image


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOYMENT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def those_of_last_stage() -> list[tuple[str, str]]:
    found = instructions()
    last = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def is_pinned(image: str) -> bool:
    return bool(re.fullmatch(r"[\w./-]+:\d[\w.-]*", image))


def is_exec_form(command: str) -> bool:
    try:
        words = json.loads(command)
    except ValueError:
        return False
    return bool(words) and all(isinstance(word, str) for word in words)


def test_every_base_image_is_pinned() -> None:
    bases = [shlex.split(rest)[0] for name, rest in instructions() if name == "FROM"]
    assert len(bases) > 1
    assert all(map(is_pinned, bases))


def test_nothing_runs_by_a_shell() -> None:
    for name, rest in instructions():
        if name in ("RUN", "CMD", "ENTRYPOINT"):
            assert is_exec_form(rest), rest
        if name == "HEALTHCHECK":
            assert is_exec_form(rest.partition(" CMD ")[2]), rest
        assert name != "SHELL"


def test_the_image_ends_as_a_user_with_one_command_and_one_check() -> None:
    last = those_of_last_stage()
    assert [rest for name, rest in last if name == "USER"] == ["10001"]
    names = [name for name, _ in last]
    for once in ("CMD", "HEALTHCHECK", "USER"):
        assert names.count(once) == 1
    assert "RUN" not in names[names.index("USER") :]


def test_no_tool_that_only_builds_is_left() -> None:
    text = "\n".join(f"{name} {rest}" for name, rest in instructions())
    assert "apt" not in text, "whose lists would stay"
    assert "ADD" not in [name for name, _ in instructions()]
    last = "\n".join(rest for name, rest in those_of_last_stage() if name == "RUN")
    assert "pip" not in last
    assert "npm" not in last
    assert "--no-cache-dir" in text
    assert '"--constraint", "requirements.lock"' in text


def sources() -> Iterator[tuple[str, str]]:
    """What is copied from the repository, and to where below /app."""
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            *found, target = rest.split()
            yield from ((source, target) for source in found)


def test_whatever_is_copied_exists_and_is_not_ignored() -> None:
    ignore = (DEPLOYMENT / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignore[0] == "*"
    let_in = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert {source for source, _ in sources()} == let_in
    assert all((ROOT / source).exists() for source in let_in)


def test_a_server_needs_no_more_than_the_image_has(tmp_path: Path) -> None:
    class InImage(RunningServer):
        code = tmp_path / "app"

    InImage.code.mkdir()
    for name, rest in those_of_last_stage():
        if name == "COPY" and not rest.startswith("--from"):
            copy(rest.split()[0], InImage.code)
    [command] = [json.loads(rest) for name, rest in those_of_last_stage() if name == "CMD"]
    assert command == ["gunicorn", "--config", "server/gunicorn.conf.py"]  # as it is run here
    server = InImage(tmp_path / "data")
    try:
        for path in ("/", "/app.js", "/plain", "/livez"):
            assert requests.get(server.url + path, timeout=30).status_code == 200
        assert server.send(("a.jpg", photo_bytes("jpg"))).status_code == 204
    finally:
        server.stop(signal.SIGINT)


def copy(source: str, folder: Path) -> None:
    if (ROOT / source).is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / source, folder / source, ignore=ignored)
    else:
        shutil.copy(ROOT / source, folder)
