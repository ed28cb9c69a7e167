"""The log: one line for each request, and what no line may tell."""

import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from socket import create_connection, gethostname
from sqlite3 import connect

import pytest
import requests
from flask.testing import FlaskClient

from dropwall import create_app
from dropwall.config import Config
from dropwall.operations.logs import REQUEST_ID
from dropwall.operations.metrics import Metrics
from dropwall.web.access_log import LINE, AccessLog
from tests.support.browser import ROOT
from tests.support.gallery_server import Gallery, GalleryServer
from tests.support.photos import photo_bytes
from tests.support.stream import Watcher
from tests.support.waiting import wait_until

pytestmark = pytest.mark.embedded

PASSCODE = "roses are red"
SENTENCE = "Something went wrong on our side. Try again in a moment."
TIMEOUT = 60


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"log": "json"}


def lines_of(server: GalleryServer) -> list[dict]:
    return [json.loads(line) for line in server.log.splitlines()]


def wait_for_line(server: GalleryServer, rule: str) -> dict:
    """The line of the only request of this rule."""
    wait_until(lambda: any(line.get("rule") == rule for line in lines_of(server)))
    [line] = [line for line in lines_of(server) if line.get("rule") == rule]
    return line


def test_each_request_has_one_line_of_the_access_log(server: GalleryServer) -> None:
    answer = requests.get(f"{server.url}/api/photos?q=Pauline", timeout=TIMEOUT)
    line = wait_for_line(server, "/api/photos")
    assert datetime.fromisoformat(line.pop("time")).tzinfo == UTC
    assert line.pop("seconds") > 0
    assert f"/proc/{line.pop('pid')}" in map(str, server.workers())
    assert line == {
        "level": "INFO",
        "logger": "dropwall.web.access_log",
        "message": "answered",
        "machine": gethostname(),
        "request_id": answer.headers["X-Request-Id"],
        "method": "GET",
        "rule": "/api/photos",
        "status": 200,
        "bytes": len(answer.content),
    }


def test_downloads_and_streams_are_logged_at_their_end_with_all_bytes(
    server: GalleryServer,
) -> None:
    photo = photo_bytes("jpg") + bytes(3_000_000)
    with Watcher(server.url) as watcher:
        assert watcher.next_event()
        assert server.send(("a.jpg", photo)).status_code == 204
        requests.get(server.url + server.photos()[0]["url"], timeout=TIMEOUT)
        assert wait_for_line(server, "/uploads/<filename>")["bytes"] == len(photo)
        assert "/api/live" not in server.log
        server.reload()
        while watcher.next_event():
            pass
    assert wait_for_line(server, "/api/live")["bytes"] > 0


def test_what_gunicorn_refuses_is_logged_as_json_too(server: GalleryServer) -> None:
    with closing(create_connection(("127.0.0.1", server.port), TIMEOUT)) as visitor:
        visitor.sendall(b"GET /join/roses nonsense\r\n\r\n")
        answer = visitor.recv(65536).decode()
    line = wait_for_line(server, "none")
    assert (line["status"], line["method"]) == (400, "none")
    assert f"X-Request-Id: {line['request_id']}\r\n" in answer
    assert "gunicorn.error" in [line["logger"] for line in lines_of(server)]
    assert "roses" not in server.log


@pytest.mark.parametrize(
    "gallery_settings", [{"log": log, "proxies": 1} for log in ("text", "json")]
)
def test_the_line_of_a_defect_has_the_requests_id(server: GalleryServer) -> None:
    with closing(connect(server.data / "catalog.sqlite", timeout=TIMEOUT)) as catalog:
        catalog.execute(
            "CREATE TRIGGER no_guests BEFORE INSERT ON guests BEGIN SELECT RAISE(ABORT, 'No'); END"
        )
    with requests.Session() as guest:
        guest.get(server.url, timeout=TIMEOUT)
        guest.headers["X-Request-Id"] = "told-by.the_proxy"
        answer = guest.put(f"{server.url}/api/guest", json={"name": "Pauline"}, timeout=TIMEOUT)
    assert (answer.status_code, answer.text) == (500, SENTENCE)
    assert answer.headers["X-Request-Id"] == "told-by.the_proxy"
    [failed] = [line for line in server.log.splitlines() if "PUT /api/guest failed" in line]
    assert "told-by.the_proxy" in failed
    assert "Pauline" not in server.log


@pytest.mark.parametrize("gallery_settings", [{"log": "json", "passcode": PASSCODE}])
def test_no_line_tells_a_passcode_a_name_or_a_private_photo(server: GalleryServer) -> None:
    with requests.Session() as guest:
        guest.get(f"{server.url}/join/{PASSCODE}", timeout=TIMEOUT)
        guest.get(f"{server.url}/nothing/Pauline", timeout=TIMEOUT)
        files = {"file": ("Pauline.jpg", photo_bytes("jpg"))}
        form = {"visibility": "owner"}
        assert guest.post(server.url, form, files=files, timeout=TIMEOUT).status_code == 204
        found = guest.get(f"{server.url}/api/photos?q=Pauline", timeout=TIMEOUT)
        [photo] = found.json()["photos"]
        assert guest.get(server.url + photo["url"], timeout=TIMEOUT).status_code == 200
    server.close()
    assert len(server.log.splitlines()) > 5
    for secret in ("roses", "Pauline", photo["id"]):
        assert secret not in server.log


@pytest.mark.parametrize("gallery_settings", [{}])
def test_the_text_log_has_nothing_but_errors(gallery: Gallery) -> None:
    gallery.send(("a.jpg", photo_bytes("jpg")), ("b.jpg", b"no photo"))
    requests.get(f"{gallery.url}/nothing", timeout=TIMEOUT)
    assert gallery.log == ""


def test_only_a_proxys_valid_request_id_is_taken(config: Config) -> None:
    for proxies, told, is_taken in (
        (1, "4bf92f3577b34da6-A.b_c", True),
        (1, "a" * 64, True),
        (1, "a" * 65, False),
        (1, "", False),
        (1, "two words", False),
        (1, "first,second", False),
        (1, 'a"b', False),
        (1, "ü", False),
        (0, "4bf92f3577b34da6", False),
    ):
        client = create_app(Config(data=config.data, proxies=proxies)).test_client()
        answer = client.get("/livez", headers={"X-Request-Id": told})
        [request_id] = answer.headers.getlist("X-Request-Id")
        assert (request_id == told) == is_taken, told
        assert REQUEST_ID.fullmatch(request_id)


def test_every_answer_has_an_id_of_its_own(client: FlaskClient) -> None:
    paths = ["/", "/app.js", "/nothing", "/healthz", "/metrics", "/api/photos?limit=x"] * 2
    ids = {client.get(path, buffered=True).headers["X-Request-Id"] for path in paths}
    assert len(ids) == len(paths)
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_a_request_that_fails_before_its_answer_is_counted_as_a_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(environ: dict, start_response: object) -> list[bytes]:
        raise KeyError("ours")

    def bare(environ: dict, start_response: Callable) -> list[bytes]:
        """An answer that cannot be closed."""
        environ[LINE].status = 200
        return [b"four"]

    metrics, environ = Metrics(), {"REQUEST_METHOD": "BREW"}
    caplog.set_level("INFO", "dropwall.web.access_log")
    with pytest.raises(KeyError, match="ours"):
        AccessLog(broken, metrics, False)(dict(environ), lambda *_: None)
    with closing(AccessLog(bare, metrics, False)(dict(environ), lambda *_: None)) as answer:
        assert list(answer) == [b"four"]
    lines = [(record.method, record.status, record.bytes) for record in caplog.records]
    assert lines == [("other", 500, 0), ("other", 200, 4)]
    counted = metrics.page().decode()
    for status in (500, 200):
        labels = f'method="other",rule="none",status="{status}"'
        assert f"dropwall_http_requests_total{{{labels}}} 1.0" in counted


def photo_with_odd_tags(count: int) -> bytes:
    """A good JPEG whose EXIF has so many tags that point behind its end: for each of them Pillow
    has a warning of its own."""
    tags = b"".join(struct.pack("<HHII", 0x9000 + n, 2, 99, 60_000) for n in range(count))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, count) + tags + bytes(4)
    jpeg = photo_bytes("jpg", metadata=False)
    return jpeg[:2] + struct.pack(">HH", 0xFFE1, 2 + len(exif)) + exif + jpeg[2:]


@pytest.mark.parametrize("gallery_settings", [{"log": log} for log in ("text", "json")])
def test_what_pillow_warns_of_in_a_photo_is_no_line_of_the_log(server: GalleryServer) -> None:
    assert server.send(("a.jpg", photo_with_odd_tags(100))).status_code == 204
    server.close()
    assert "Warning" not in server.log


def test_of_the_warnings_of_a_process_one_a_minute_is_logged_in_its_format() -> None:
    program = (
        "import warnings; from dropwall.operations.logs import set_up_logs; set_up_logs('json')\n"
        "for number in range(1000): warnings.warn(f'{number} is odd')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT)
    line = json.loads(run.stderr)
    assert (line["level"], line["logger"]) == ("WARNING", "py.warnings")
    assert "UserWarning: 0 is odd" in line["message"]
