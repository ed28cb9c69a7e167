"""A wheel is the whole product: installed anywhere, it serves the page with all that it loads."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin
from zipfile import ZipFile

import pytest
import requests

from tests.support.browser import CDN, ROOT
from tests.support.photos import photo_bytes
from tests.support.ports import Port
from tests.support.processes import Process
from tests.support.programs import need_libraries
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.timeout(900)]

SOURCES = ("LICENSE", "README.md", "package.json", "pyproject.toml", "setup.py")
LIBRARIES = json.loads((ROOT / "package.json").read_text())["dependencies"]
LOADED = re.compile(r'<(?:link|script)\b[^>]*?\b(?:href|src)="([^"]+)"')
IMPORTED = re.compile(r'\b(?:from|import)\s*\(?\s*"(\.[^"]+)"')


def run(*command: object, cwd: Path) -> None:
    subprocess.run([str(word) for word in command], cwd=cwd, check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, in which building leaves its folders."""
    need_libraries()
    tmp_path = tmp_path_factory.mktemp("wheel")
    copy = tmp_path / "checkout"
    for folder in ("server", "frontend"):
        shutil.copytree(ROOT / folder, copy / folder)
    for name in SOURCES:
        shutil.copy(ROOT / name, copy)
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ".", cwd=copy)
    [built] = tmp_path.glob("dropwall-*.whl")
    return built


@pytest.fixture
def program(wheel: Path, tmp_path: Path) -> Path:
    """`dropwall`, in an environment that has nothing else but what it needs."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    locked = ROOT / "requirements.lock"
    run(environment / "bin/pip", "install", "-q", "--constraint", locked, wheel, cwd=tmp_path)
    return environment / "bin" / "dropwall"


def loaded_by(url: str) -> dict[str, str]:
    """All that the page loads from its own server, by address: its scripts' imports as well."""
    found: dict[str, str] = {}
    addresses = [url]
    while addresses:
        address = addresses.pop()
        if address in found or not address.startswith(url):
            continue
        answer = requests.get(address, timeout=60)
        assert answer.status_code == 200, address
        found[address] = answer.text
        names = (LOADED if address == url else IMPORTED).findall(answer.text)
        addresses += [urljoin(address, name) for name in names]
    return found


def test_a_wheel_in_an_empty_environment_and_folder_serves_the_whole_product(
    program: Path, wheel: Path, tmp_path: Path
) -> None:
    empty, port = tmp_path / "empty", Port()
    empty.mkdir()
    url = f"http://127.0.0.1:{port.number}/"
    settings = {"HOST": "127.0.0.1", "PORT": str(port.number), "WORKERS": "1"}
    environ = {"PATH": os.environ["PATH"]} | {
        f"DROPWALL_{name}": settings[name] for name in settings
    }
    log = (tmp_path / "log").open("wb")
    server = Process([program, "serve"], cwd=empty, env=environ, stdout=log, stderr=log)

    def is_up() -> bool:
        assert server.poll() is None, (tmp_path / "log").read_text()
        with suppress(requests.ConnectionError):
            return requests.get(f"{url}healthz", timeout=60).ok
        return False

    wait_until(is_up)
    loaded = loaded_by(url)
    there = len(list((ROOT / "frontend").rglob("*.js")))
    assert there / 2 < sum(name.endswith(".js") for name in loaded) <= there  # or another page's
    assert sum(name.endswith(".css") for name in loaded) == 1  # all of them in one
    libraries = re.findall(rf'href="{CDN}([^"]+)"', loaded[url])
    assert {path.partition("@")[0] for path in libraries} == set(LIBRARIES)
    for path in libraries:
        own_copy = requests.get(f"{url}vendor/{path}", timeout=60)
        name, _, file = path.partition("/")
        kept = ROOT / "node_modules" / name.partition("@")[0] / file
        assert (own_copy.status_code, own_copy.content) == (200, kept.read_bytes()), path
    sent = requests.post(url, files={"file": ("a.jpg", photo_bytes("jpg"))}, timeout=60)
    assert sent.status_code == 204
    [photo] = requests.get(f"{url}api/photos", timeout=60).json()["photos"]
    assert photo["name"] == "a.jpg"
    assert (empty / "data" / "catalog.sqlite").exists()

    server.send_signal(signal.SIGTERM)  # which reaches gunicorn itself
    assert server.wait(PATIENCE_SECONDS) == 0
    port.release()
    log.close()


def test_a_wheel_has_the_licences_of_all_that_is_in_it(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    for folder in (*(f"dropwall/node_modules/{name}/" for name in LIBRARIES), "licenses/"):
        assert any(re.search(rf"{folder}LICEN[CS]E", name) for name in names), folder
