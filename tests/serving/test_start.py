"""How a server starts: what it says, and what it makes of a machine with little room."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

from tests.support.browser import ROOT
from tests.support.ports import Port
from tests.support.visitors import DROPWALL

HOOKS = """
import os, runpy, socket
from dropwall.cli import GUNICORN_SETTINGS
hooks = runpy.run_path(str(GUNICORN_SETTINGS))
"""
GREET = """
hooks["_greet"]()
def unreachable(*_):
    raise OSError
socket.socket.connect = unreachable
hooks["_greet"]()
"""
START = """
hooks["on_starting"](None)
print(hooks["threads"], os.environ.get("DROPWALL_THREADS"))
hooks["on_exit"](None)
"""
TRY_STORAGE = """
from pathlib import Path
from dropwall.catalog.database import find_database
from dropwall.photos.sweep import Sweep
from dropwall.storage import open_storage
data = Path(os.environ["DROPWALL_DATA"])
storage = open_storage(str(data), data)
storage.put_bytes("originals/aa/photo", b"")
sweep = Sweep(find_database("/proc/catalog.sqlite"), storage)
hooks["_try_storage"](storage, sweep)
(data / "incoming").rename(data / "another")
hooks["_try_storage"](storage, sweep)
"""
FEW_FILES = 64


def run(
    *command: str, data: Path, files: int | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Settings as of DROPWALL_; `files` is how many the process may open."""

    def limit() -> None:
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    chosen = {f"DROPWALL_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | chosen | {"DROPWALL_DATA": str(data)},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def python(program: str, data: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-c", HOOKS + program, data=data, **settings)


def test_the_greeting_names_the_addresses_and_the_place_of_the_photos(tmp_path: Path) -> None:
    printed = python(GREET, tmp_path, host="0.0.0.0", port=8123).stdout.splitlines()
    online, offline = printed[:4], printed[4:]
    last = [f"Photos are kept in {tmp_path}", "Stop with Ctrl-C"]
    assert [online[0], *online[2:]] == ["Dropwall is on http://127.0.0.1:8123", *last]
    assert re.fullmatch(
        r"On your network: (http://[\d.]+:8123|no address, this computer is offline)", online[1]
    )
    assert offline[1] == "On your network: no address, this computer is offline"
    assert [offline[0], *offline[2:]] == [online[0], *last]


def test_a_gallery_of_this_computer_alone_tells_no_address_on_the_network(tmp_path: Path) -> None:
    for host, address in (("127.0.0.1", "127.0.0.1:8000"), ("::1", "[::1]:8000")):
        first, second, *_ = python(GREET, tmp_path, host=host).stdout.splitlines()
        assert first == f"Dropwall is on http://{address}"
        assert second.startswith("Photos are kept in ")


def test_with_few_open_files_fewer_requests_are_served_at_once(tmp_path: Path) -> None:
    port = Port()
    started = python(
        START, tmp_path, files=FEW_FILES, threads=100, host="127.0.0.1", port=port.number
    )
    port.release()
    assert started.stdout == "8 8\n", started.stderr
    assert (
        "Only 64 files may be open at once (ulimit -n), so each process serves no more than 8"
        " requests at once." in started.stderr
    )


def test_a_server_that_anybody_may_reach_past_its_proxy_warns_of_that(tmp_path: Path) -> None:
    for host, is_warned in (("0.0.0.0", True), ("127.0.0.1", False)):
        port = Port()
        started = python(START, tmp_path, host=host, port=port.number, proxies=1)
        port.release()
        warning = f"port {port.number} is open on {host}: whoever reaches it past the proxy can"
        assert (started.returncode, warning in started.stderr) == (0, is_warned), started.stderr


def test_a_storage_that_cannot_be_used_is_logged_and_a_silent_catalog_too(tmp_path: Path) -> None:
    tried = python(TRY_STORAGE, tmp_path)
    catalog, storage = tried.stderr.splitlines()
    assert "Couldn't check whether the catalog was lost: " in catalog
    assert "No photo can be stored right now. Check DROPWALL_STORAGE or DROPWALL_DATA: " in storage


def test_a_server_with_a_bad_setting_does_not_start(tmp_path: Path) -> None:
    ended = run(*DROPWALL, "serve", data=tmp_path, max_pixels="many")
    assert ended.returncode != 0
    assert ended.stderr == "DROPWALL_MAX_PIXELS must be a whole number, not 'many'.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_not_of_this_computer_is_named(tmp_path: Path) -> None:
    for host in ("192.0.2.1", "nowhere.invalid"):  # RFC 5737, RFC 6761
        ended = run(*DROPWALL, "serve", data=tmp_path, host=host)
        assert ended.returncode != 0
        assert ended.stderr.startswith(f"Dropwall can't use {host}:8000: ")
        assert ended.stderr.endswith(". Set DROPWALL_HOST to an address of this computer.\n")
    assert list(tmp_path.iterdir()) == []
