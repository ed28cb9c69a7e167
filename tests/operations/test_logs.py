"""What the log says of each request, and what it never says."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from socket import create_connection, gethostname
from sqlite3 import connect

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.config import Config
from server.logs import REQUEST_ID
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes
from tests.support.stream import Watcher
from tests.support.waiting import wait_until

PASSCODE = "roses are red"
SENTENCE = "Something went wrong on our side; please try again in a moment."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "data", log="json")
    yield server
    server.stop(signal.SIGINT)


def text_of(server: RunningServer) -> str:
    return (server.data.parent / "server.log").read_text()


def lines_of(server: RunningServer) -> list[dict]:
    return [json.loads(line) for line in text_of(server).splitlines()]


def answered(server: RunningServer, rule: str) -> list[dict]:
    return [line for line in lines_of(server) if line.get("rule") == rule]


def wait_for(server: RunningServer, rule: str) -> dict:
    """The line of the only request of this rule."""
    wait_until(lambda: bool(answered(server, rule)))
    [line] = answered(server, rule)
    return line


def test_each_request_has_one_line_that_says_all(server: RunningServer) -> None:
    answer = requests.get(f"{server.url}/api/photos?q=Pauline", timeout=30)
    line = wait_for(server, "/api/photos")
    assert datetime.fromisoformat(line.pop("time")).tzinfo == UTC
    assert line.pop("seconds") > 0
    assert f"/proc/{line.pop('pid')}" in map(str, server.workers())
    assert line == {
        "level": "INFO",
        "logger": "server.visits",
        "message": "answered",
        "machine": gethostname(),
        "request_id": answer.headers["X-Request-Id"],
        "method": "GET",
        "rule": "/api/photos",
        "status": 200,
        "bytes": len(answer.content),
    }


def test_a_file_is_counted_in_full(server: RunningServer) -> None:
    photo = photo_bytes("jpg", size=(64, 48)) + bytes(3_000_000)
    assert server.send(("a.jpg", photo)).status_code == 204
    requests.get(server.url + server.photos()[0]["url"], timeout=30)
    assert wait_for(server, "/uploads/<filename>")["bytes"] == len(photo)


def test_a_stream_is_told_when_it_ends(server: RunningServer) -> None:
    with Watcher(server.url) as watcher:
        assert watcher.next_event()
        requests.get(f"{server.url}/plain", timeout=30)
        wait_for(server, "/plain")
        assert answered(server, "/api/live") == []
        server.reload()
        assert watcher.next_event() is None
    assert wait_for(server, "/api/live")["bytes"] > 0


def test_what_gunicorn_says_and_refuses_is_json_too(server: RunningServer) -> None:
    with closing(create_connection(("127.0.0.1", server.port), 30)) as visitor:
        visitor.sendall(b"GET /join/roses nonsense\r\n\r\n")
        answer = visitor.recv(65536).decode()
    line = wait_for(server, "none")
    assert (line["status"], line["method"]) == (400, "none")
    assert f"X-Request-Id: {line['request_id']}\r\n" in answer
    assert "gunicorn.error" in [line["logger"] for line in lines_of(server)]
    assert "roses" not in text_of(server)


@pytest.mark.parametrize("log", ["text", "json"])
def test_every_line_of_a_request_has_its_id(tmp_path: Path, log: str) -> None:
    server = RunningServer(tmp_path / "data", log=log, proxies=1)
    with closing(connect(server.data / "catalog.sqlite", timeout=30)) as catalog:
        catalog.execute(
            "CREATE TRIGGER no_guests BEFORE INSERT ON guests BEGIN SELECT RAISE(ABORT, 'No'); END"
        )
    visitor = requests.Session()
    visitor.get(server.url, timeout=30)
    visitor.headers["X-Request-Id"] = "told-by.the_proxy"
    answer = visitor.put(f"{server.url}/api/guest", json={"name": "Pauline"}, timeout=30)
    server.stop(signal.SIGINT)
    assert (answer.status_code, answer.text) == (500, SENTENCE)
    assert answer.headers["X-Request-Id"] == "told-by.the_proxy"
    failed = next(line for line in text_of(server).splitlines() if "PUT /api/guest failed" in line)
    assert "told-by.the_proxy" in failed
    assert "Pauline" not in text_of(server)


def test_no_line_tells_a_passcode_a_name_or_a_private_photo(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", log="json", passcode=PASSCODE)
    guest = requests.Session()
    guest.get(f"{server.url}/join/{PASSCODE}", timeout=30)
    guest.get(f"{server.url}/nothing/Pauline", timeout=30)
    photo = {"file": ("Pauline.jpg", photo_bytes("jpg"))}
    sent = guest.post(server.url, data={"visibility": "owner"}, files=photo, timeout=30)
    assert sent.status_code == 204
    [photo] = guest.get(f"{server.url}/api/photos?q=Pauline", timeout=30).json()["photos"]
    assert guest.get(server.url + photo["url"], timeout=30).status_code == 200
    server.stop(signal.SIGINT)
    said = text_of(server)
    assert len(said.splitlines()) > 5
    for secret in ("roses", "Pauline", photo["id"]):
        assert secret not in said


def test_by_default_only_what_is_wrong_is_written(live_server: RunningServer) -> None:
    before = text_of(live_server)
    live_server.send(("a.jpg", photo_bytes("jpg")), ("b.jpg", b"no photo"))
    requests.get(f"{live_server.url}/nothing", timeout=30)
    assert text_of(live_server) == before


@pytest.mark.parametrize(
    ("proxies", "told", "is_taken"),
    [
        (1, "4bf92f3577b34da6-A.b_c", True),
        (1, "a" * 64, True),
        (1, "a" * 65, False),
        (1, "", False),
        (1, "two words", False),
        (1, "first,second", False),
        (1, 'a"b', False),
        (1, "ü", False),
        (0, "4bf92f3577b34da6", False),
    ],
)
def test_only_a_proxys_sound_id_is_taken(
    tmp_path: Path, proxies: int, told: str, is_taken: bool
) -> None:
    client = create_app(Config(data=tmp_path / "data", proxies=proxies)).test_client()
    answer = client.get("/livez", headers={"X-Request-Id": told})
    [request_id] = answer.headers.getlist("X-Request-Id")
    assert (request_id == told) == is_taken
    assert REQUEST_ID.fullmatch(request_id)


def test_every_answer_has_an_id_of_its_own(client: FlaskClient, app: Flask) -> None:
    paths = ("/", "/app.js", "/nothing", "/healthz", "/metrics", "/api/photos?limit=x")
    ids = [client.get(path, buffered=True).headers["X-Request-Id"] for path in (*paths, *paths)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)
